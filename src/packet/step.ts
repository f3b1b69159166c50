/**
 * Everything that happens to a packet is a Step value. Text, JSON, coverage, diff and test failures are
 * renderings of steps (report/). When `packet.steps` is null nobody listens and no step may be built:
 *
 *     if (packet.steps !== null) packet.steps.push({ kind: "invalid", reason: `SEQ is over …` });
 */
import type { Family, HookName, TableName } from "./hook.ts";

/** Where a rule stands. `rule` counts from 1 within its chain, as `iptables -L --line-numbers` does. */
export interface RulePlace {
  readonly table: TableName;
  readonly chain: string;
  readonly rule: number;
}

export type Step =
  /** The packet enters a hook; everything until the next `hook` step happens inside it. */
  | { readonly kind: "hook"; readonly hook: HookName; readonly packet: string }
  /** A table's base chain is entered in the current hook. */
  | { readonly kind: "table"; readonly table: TableName; readonly chain: string }
  /** A rule did not match, and the first thing in it that said no. */
  | { readonly kind: "missed"; readonly at: RulePlace; readonly text: string; readonly because: string }
  /** A rule matched; `does` is what its target did ("ACCEPT", "jump web", "MARK set to 0x1", …). */
  | { readonly kind: "matched"; readonly at: RulePlace; readonly text: string; readonly does: string }
  /** The end of a base chain was reached, or RETURN left it. */
  | { readonly kind: "policy"; readonly table: TableName; readonly chain: string; readonly verdict: string }
  /** A user chain was left at its end, or by RETURN. */
  | { readonly kind: "return"; readonly table: TableName; readonly chain: string }
  /** Conntrack's classification of this packet. */
  | { readonly kind: "state"; readonly state: string; readonly entry: string | null }
  /** Conntrack calls the packet INVALID, in the words of nf_conntrack_log_invalid where the kernel has some. */
  | { readonly kind: "invalid"; readonly reason: string }
  | { readonly kind: "created" | "confirmed" | "destroyed"; readonly entry: string }
  /** What NAT chose for a connection ("source 203.0.113.1:4000"), or did to this packet. */
  | { readonly kind: "nat"; readonly text: string }
  | { readonly kind: "route"; readonly text: string }
  /** A line that a LOG or TRACE rule makes the kernel log, without the timestamp. */
  | { readonly kind: "log"; readonly line: string }
  /** The host made a packet of its own because of this one (ICMP error, RST, …). Its own path follows inside. */
  | { readonly kind: "answer"; readonly text: string; readonly steps: readonly Step[] }
  | { readonly kind: "emit"; readonly dev: string; readonly packet: string }
  | { readonly kind: "dropped"; readonly reason: string }
  | { readonly kind: "note"; readonly text: string };

/** Who writes steps down. `push` keeps the value: a step is never changed after it was pushed. */
export interface StepListener {
  push(step: Step): void;
}

export type { Family };
