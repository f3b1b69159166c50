/**
 * A ruleset made ready to run: each rule bound to its extensions' code, each chain to its rules, each table to its
 * counters. Nothing here walks; see walk.ts (fast) and explain.ts (with reasons).
 */
import type { Conntrack } from "../conntrack/conntrack.ts";
import type { Host } from "../host/host.ts";
import type { Nat } from "../nat/nat.ts";
import { ACCEPT, DROP, type Family, HOOK_NAMES, type Hook, type TableName } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import type { RulePlace } from "../packet/step.ts";
import type { Action, Answers, Engine, MatchDeclaration, Registry } from "../rules/extension.ts";
import { printUse } from "../rules/print.ts";
import type { Chain, Rule, Table, Use } from "../rules/ruleset.ts";
import { baseConditions, type Condition, settlementOf } from "./condition.ts";
import { BACK, type Decisions } from "./decisions.ts";
import { extentOf } from "./extent.ts";
import { hooksOf } from "./hooks.ts";

/** What a rule does once it matched. */
export const DOES_NOTHING = 0;
export const ACCEPTS = 1;
export const DROPS = 2;
export const RETURNS = 3;
export const JUMPS = 4;
export const GOES = 5;
/** An extension's target decides. */
export const ACTS = 6;

export class CompiledRule {
  readonly rule: Rule;
  readonly place: RulePlace;
  /** Index of its packet counter in the table's counters; bytes follow. */
  readonly counter: number;
  /** Decision, for codes and for `by`. */
  readonly decision: number;
  /** The code when one of its matches drops the packet: then REJECT answers nobody. */
  readonly hotdropCode: number;
  readonly does: number;
  /** Where a jump or goto leads. */
  readonly to: CompiledChain | null;
  readonly action: Action | null;
  readonly #scope: Scope;
  /** Its matches as far as they had to be compiled when the rules were loaded; null: none of them. */
  readonly #ready: readonly (Condition | null)[] | null;
  #conditions: readonly Condition[] | null = null;

  constructor(
    rule: Rule,
    place: RulePlace,
    counter: number,
    decision: number,
    hotdropDecision: number,
    effect: Effect,
    scope: Scope,
    ready: readonly (Condition | null)[] | null,
  ) {
    this.rule = rule;
    this.place = place;
    this.counter = counter;
    this.decision = decision;
    this.hotdropCode = hotdropDecision * 4;
    this.does = effect.does;
    this.to = effect.to;
    this.action = effect.action;
    this.#scope = scope;
    this.#ready = ready;
  }

  /** All it asks, in the order in which the kernel asks. Made when first needed: most rules never are. */
  get conditions(): readonly Condition[] {
    if (this.#conditions === null) {
      const { family, machine } = this.#scope;
      const matches = this.rule.matches.map(
        (use, nth) =>
          this.#ready?.[nth] ?? matchCondition(this.#declared(use), use, new RuleEngine(this.#scope, this.place, nth)),
      );
      this.#conditions = [...baseConditions(this.rule, family, machine.host), ...matches];
    }
    return this.#conditions;
  }

  /** What its target did to this packet, in words. */
  says(p: Packet): string {
    const { target, matches } = this.rule;
    if (target === null) return "counted";
    if (target.kind !== "target") return `${target.kind} ${target.chain}`;
    const { use } = target;
    if (this.does !== ACTS) return use.name;
    const { family, machine } = this.#scope;
    const declared = machine.registry.target(use.name, family)!;
    return (
      declared.does?.(use.options, p, new RuleEngine(this.#scope, this.place, matches.length)) ??
      printUse(use, declared, family)
    );
  }

  #declared(use: Use): MatchDeclaration {
    return this.#scope.matches.get(use.name)!;
  }
}

/** What the rules of a family have in common. */
export interface Scope {
  readonly family: Family;
  readonly machine: Machine;
  /** The matches that they name. */
  readonly matches: Map<string, MatchDeclaration>;
}

/** What a rule does once it matched. */
export type Effect = Pick<CompiledRule, "does" | "to" | "action">;

export class RuleEngine implements Engine {
  readonly family: Family;
  readonly host: Host;
  readonly conntrack: Conntrack;
  readonly nat: Nat;
  readonly answers: Answers;
  readonly place: RulePlace;
  readonly nth: number;

  constructor({ family, machine }: Scope, place: RulePlace, nth: number) {
    this.family = family;
    this.host = machine.host;
    this.conntrack = machine.conntrack;
    this.nat = machine.nat;
    this.answers = machine.answers;
    this.place = place;
    this.nth = nth;
  }
}

const goBack = () => BACK;
const noRules = () => [];

export class CompiledChain {
  readonly name: string;
  readonly table: TableName;
  readonly policy: "ACCEPT" | "DROP" | null;
  /** Index of the policy's packet counter; -1 in a user chain. */
  readonly policyCounter: number;
  /** What the policy decides, as a code; BACK in a user chain. */
  readonly policyCode: number;
  /** Its rules as data. */
  readonly source: readonly Rule[];
  /** Where its rules lead that jump or go, in their order. */
  readonly calls: CompiledChain[] = [];
  /** The matches that they name. */
  readonly matches: ReadonlyMap<string, MatchDeclaration>;
  /** What its first rule counts in and decides; those of the others follow, and then what each decides whose match drops a packet. */
  readonly firstCounter: number;
  readonly firstDecision: number;
  /** null: not needed yet. */
  readonly #made: (CompiledRule | null)[];
  readonly #make: (n: number) => CompiledRule;
  /** Walks the chain's rules, without its policy: a code, or BACK. Replaced by faster ones as it is used. */
  run: (p: Packet) => number = goBack;
  /** The numbers of the rules that the packet can match at all, ascending. */
  candidates: (p: Packet) => ArrayLike<number> = noRules;
  /** Makes both. */
  prepare: () => void = goBack;

  /** `make` makes its n-th rule, from 0. */
  constructor(
    chain: Chain,
    table: TableName,
    counters: { readonly policy: number; readonly rules: number },
    decisions: Decisions,
    matches: ReadonlyMap<string, MatchDeclaration>,
    make: (chain: CompiledChain, n: number) => CompiledRule,
  ) {
    this.name = chain.name;
    this.source = chain.rules;
    this.matches = matches;
    this.#made = new Array(chain.rules.length).fill(null);
    this.#make = (n) => make(this, n);
    this.table = table;
    this.policy = chain.policy;
    this.policyCounter = counters.policy;
    this.firstCounter = counters.rules;
    const { length } = chain.rules;
    this.firstDecision = decisions.reserve(2 * length, (n) => this.rule(n % length).place);
    this.policyCode = BACK;
    if (chain.policy !== null) {
      const decision = decisions.add({ policy: chain.policy, table, chain: chain.name });
      this.policyCode = decision * 4 + (chain.policy === "ACCEPT" ? ACCEPT : DROP);
    }
  }

  /** Index of the n-th rule's packet counter. */
  counterOf(n: number): number {
    return this.firstCounter + 2 * n;
  }

  /** The n-th rule, from 0. Of long chains most are never needed, and never made. */
  rule(n: number): CompiledRule {
    const made = this.#made[n];
    if (made !== null) return made;
    const rule = this.#make(n);
    this.#made[n] = rule;
    return rule;
  }

  /** All of them. */
  get rules(): readonly CompiledRule[] {
    return this.source.map((_, n) => this.rule(n));
  }
}

export class CompiledTable {
  readonly name: TableName;
  readonly family: Family;
  readonly source: Table;
  /** Packets and bytes by turns, of each rule and each policy. */
  readonly counters: Float64Array;
  readonly chains: readonly CompiledChain[];
  /** Base chains by hook; null where the table has none. */
  readonly base: readonly (CompiledChain | null)[];
  /** A rule of it may begin to trace packets. */
  readonly traces: boolean;
  /** Chains call each other so deep that walking them by recursion might exhaust the stack. */
  readonly deep: boolean;
  /** A base chain in which a packet might have to pass more than MOST_RULES rules. */
  readonly endless: CompiledChain | null;

  constructor(
    source: Table,
    family: Family,
    chains: readonly CompiledChain[],
    counters: Float64Array,
    traces: boolean,
  ) {
    this.name = source.name;
    this.family = family;
    this.source = source;
    this.chains = chains;
    this.counters = counters;
    this.traces = traces;
    const extent = extentOf(chains);
    this.deep = extent.nesting > MOST_NESTED;
    this.endless = chains.find((chain) => chain.policy !== null && extent.rules.get(chain)! > MOST_RULES) ?? null;
    const hooks = hooksOf(source.name);
    this.base = HOOK_NAMES.map((name, hook) =>
      hooks.includes(hook as Hook) ? (chains.find((c) => c.name === name && c.policy !== null) ?? null) : null,
    );
  }
}

const MOST_NESTED = 500;
/**
 * Chains that call others twice, which call others twice, are soon without end. The kernel takes them, and the first packet
 * holds its processor for as long as that takes. No ruleset that somebody uses comes near: this many rules take a minute.
 */
export const MOST_RULES = 1e9;

/** What compiled rules work on. */
export interface Machine {
  readonly host: Host;
  readonly conntrack: Conntrack;
  readonly nat: Nat;
  readonly answers: Answers;
  readonly registry: Registry;
  readonly decisions: Decisions;
}

/** What a match asks. */
export function matchCondition(declared: MatchDeclaration, use: Use, engine: Engine): Condition {
  const is = use.options;
  const source = declared.source === undefined || declared.noSource?.(is) === true ? null : declared.source(is);
  return {
    source,
    test: declared.compile(is, engine),
    hotdrops: source === null || source.includes("hotdrop"),
    ...settlementOf(source, declared.fields !== undefined),
    why: (p) => declared.why?.(is, p, engine) ?? `${printUse(use, declared, engine.family)} does not hold`,
  };
}
