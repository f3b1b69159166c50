/**
 * A ruleset is plain, immutable data (an immer value): tables, chains, rules, and in each rule the typed options of
 * its matches and target. It holds no function and no runtime state, so it can be edited, compared, sent as JSON.
 * What the data means is said by the extensions (rules/extension.ts); compiling it is path/'s affair.
 */
import type { Family, TableName } from "../packet/hook.ts";

export type { Family, TableName };

export interface Counters {
  readonly packets: number;
  readonly bytes: number;
}

/** An address with its mask, as network-order words (signed 32-bit): one word for IPv4, four for IPv6. */
export interface AddressMatch {
  readonly not: boolean;
  readonly address: readonly number[];
  readonly mask: readonly number[];
}

/** `-i eth0`, `-i eth+` (a wildcard: `name` without the `+`). */
export interface InterfaceMatch {
  readonly not: boolean;
  readonly name: string;
  readonly wildcard: boolean;
}

/** One `-m`, or the target: the extension's name and its options as the extension's own typed data. */
export interface Use {
  readonly name: string;
  readonly options: unknown;
}

/** `-j` with an extension. */
export interface TargetDestination {
  readonly kind: "target";
  readonly use: Use;
}

/** Where `-j` or `-g` leads. */
export type Destination = TargetDestination | { readonly kind: "jump" | "goto"; readonly chain: string };

/** Where a rule was written. Lines and columns count from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
}

export interface Rule {
  /** Stable over edits: a rule keeps its id when others come and go. */
  readonly id: number;
  readonly source: AddressMatch | null;
  readonly destination: AddressMatch | null;
  readonly inInterface: InterfaceMatch | null;
  readonly outInterface: InterfaceMatch | null;
  /** `-p`; `number` 0 is "all" and then the whole is null. */
  readonly protocol: { readonly not: boolean; readonly number: number } | null;
  /** IPv4 `-f`: second and later fragments. */
  readonly fragment: { readonly not: boolean } | null;
  readonly matches: readonly Use[];
  /** null: the rule only counts. */
  readonly target: Destination | null;
  readonly counters: Counters;
  readonly place: SourcePlace | null;
}

export interface Chain {
  readonly name: string;
  /** null in a user chain. */
  readonly policy: "ACCEPT" | "DROP" | null;
  readonly counters: Counters;
  readonly rules: readonly Rule[];
}

export interface Table {
  readonly name: TableName;
  /** Base chains in hook order, then user chains in the order in which they were made. */
  readonly chains: readonly Chain[];
}

export interface Ruleset {
  readonly family: Family;
  /** In the order in which the text named them. A table that no text named is absent: its hooks do nothing. */
  readonly tables: readonly Table[];
  /** The id that the next rule gets. */
  readonly nextId: number;
}
