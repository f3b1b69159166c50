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
import type {
  Action,
  Answers,
  Engine,
  FieldRanges,
  MatchDeclaration,
  Registry,
  RuleSite,
  TargetDeclaration,
} from "../rules/extension.ts";
import { kernelRefusals } from "../rules/kernel-check.ts";
import { printUse } from "../rules/print.ts";
import { reachOf, type TableReach } from "../rules/reach.ts";
import type { Chain, Rule, Ruleset, SourcePlace, Table, Use } from "../rules/ruleset.ts";
import { baseConditions, type Condition } from "./condition.ts";
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

  /** What its pure, leading matches imply of header fields, for the index. */
  get fields(): readonly FieldRanges[] {
    const { matches } = this.rule;
    let fields: readonly FieldRanges[] = NO_FIELDS;
    for (let nth = 0; nth < matches.length; nth++) {
      const { name, options } = matches[nth];
      const declared = this.#scope.matches.get(name)!;
      // A match that keeps a state must see what the kernel shows it: nothing behind it may skip the rule.
      if (declared.source === undefined || declared.source(options) === null) break;
      if (declared.fields === undefined) continue;
      const own = declared.fields(options);
      if (own.length > 0) fields = fields.length === 0 ? own : [...fields, ...own];
    }
    return fields;
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

const NO_FIELDS: readonly FieldRanges[] = [];

/** What the rules of a family have in common. */
interface Scope {
  readonly family: Family;
  readonly machine: Machine;
  /** The matches that they name. */
  readonly matches: Map<string, MatchDeclaration>;
}

/** What a rule does once it matched. */
type Effect = Pick<CompiledRule, "does" | "to" | "action">;

class RuleEngine implements Engine {
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

export class CompiledChain {
  readonly name: string;
  readonly table: TableName;
  readonly policy: "ACCEPT" | "DROP" | null;
  /** Index of the policy's packet counter; -1 in a user chain. */
  readonly policyCounter: number;
  /** What the policy decides, as a code; BACK in a user chain. */
  readonly policyCode: number;
  rules: readonly CompiledRule[] = [];
  /** Walks the chain's rules, without its policy: a code, or BACK. Replaced by faster ones as it is used. */
  run: (p: Packet) => number = () => BACK;

  constructor(chain: Chain, table: TableName, policyCounter: number, decisions: Decisions) {
    this.name = chain.name;
    this.table = table;
    this.policy = chain.policy;
    this.policyCounter = policyCounter;
    this.policyCode = BACK;
    if (chain.policy !== null) {
      const decision = decisions.add({ policy: chain.policy, table, chain: chain.name }, false);
      this.policyCode = decision * 4 + (chain.policy === "ACCEPT" ? ACCEPT : DROP);
    }
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

  constructor(source: Table, family: Family, chains: readonly CompiledChain[], counters: Float64Array) {
    this.name = source.name;
    this.family = family;
    this.source = source;
    this.chains = chains;
    this.counters = counters;
    this.traces = source.chains.some((chain) => chain.rules.some(traces));
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
const MOST_RULES = 1e9;

function traces(rule: Rule): boolean {
  return rule.target?.kind === "target" && rule.target.use.name === "TRACE";
}

/** Why a ruleset cannot be run, one entry per rule. */
export interface Refusal {
  readonly place: RulePlace;
  readonly source: SourcePlace | null;
  readonly message: string;
}

/** The ruleset asks for something that this version does not evaluate, or that the host does not have. */
export class LoadError extends Error {
  readonly refusals: readonly Refusal[];
  constructor(refusals: readonly Refusal[]) {
    super(sentences(refusals).join("\n"));
    this.name = "LoadError";
    this.refusals = refusals;
  }
}

/** One per reason: what is wrong with many rules is said of the first. */
function sentences(refusals: readonly Refusal[]): string[] {
  const counts = new Map<string, number>();
  for (const { message } of refusals) counts.set(message, (counts.get(message) ?? 0) + 1);
  return refusals
    .filter(({ message }, i) => refusals.findIndex((other) => other.message === message) === i)
    .map((refusal) => {
      const more = counts.get(refusal.message)! - 1;
      const others = more === 0 ? "" : ` (and ${more} more ${more === 1 ? "rule" : "rules"})`;
      return `${where(refusal)}: ${refusal.message}${others}`;
    });
}

function where(r: Refusal): string {
  const chain = `${r.place.table} ${r.place.chain}`;
  // 0: the chain as a whole.
  const rule = r.place.rule === 0 ? chain : `${chain} rule ${r.place.rule}`;
  return r.source === null ? rule : `${r.source.file}:${r.source.line}: ${rule}`;
}

/** What compiled rules work on. */
export interface Machine {
  readonly host: Host;
  readonly conntrack: Conntrack;
  readonly nat: Nat;
  readonly answers: Answers;
  readonly registry: Registry;
  readonly decisions: Decisions;
}

/** Compiles every table of a ruleset; arms conntrack where a rule needs it. Throws LoadError. */
export function compileRuleset(ruleset: Ruleset, machine: Machine): CompiledTable[] {
  const { family } = ruleset;
  const reached = ruleset.tables.map((table) => ({ table, reach: reachOf(table) }));
  const refusals = reached.flatMap(({ table }) => refusedByKernel(table, family, machine.registry));
  if (refusals.length > 0) throw new LoadError(refusals);
  const tables = reached.map(({ table, reach }) =>
    new TableCompiler(table, reach, family, machine, refusals).compile(),
  );
  refusals.push(...tables.flatMap(refusedAsEndless));
  if (refusals.length > 0) throw new LoadError(refusals);
  return tables;
}

/** A packet might go through its chains for hours. */
function refusedAsEndless({ name, endless }: CompiledTable): Refusal[] {
  if (endless === null) return [];
  const message = `its jumps, taken together, may lead a packet past more than ${MOST_RULES.toLocaleString("en")} rules: the kernel takes that, and hangs; here it is not evaluated`;
  return [{ place: { table: name, chain: endless.name, rule: 0 }, source: null, message }];
}

/** What iptables takes but the kernel does not; a loop of jumps among them. */
function refusedByKernel(table: Table, family: Family, registry: Registry): Refusal[] {
  return kernelRefusals(table, family, registry).map(({ chain, rule, message }) => {
    const rules = table.chains.find((c) => c.name === chain)?.rules ?? [];
    const number = rule === null ? 0 : rules.indexOf(rule) + 1;
    return { place: { table: table.name, chain, rule: number }, source: rule?.place ?? null, message };
  });
}

class TableCompiler {
  readonly #table: Table;
  readonly #scope: Scope;
  readonly #refusals: Refusal[];
  readonly #reach: TableReach;
  readonly #byName = new Map<string, CompiledChain>();
  readonly #waiting = new Map<string, boolean>();
  readonly #counters: Float64Array;
  #next = 0;

  constructor(table: Table, reach: TableReach, family: Family, machine: Machine, refusals: Refusal[]) {
    this.#table = table;
    this.#reach = reach;
    this.#scope = { family, machine, matches: new Map() };
    this.#refusals = refusals;
    this.#counters = new Float64Array(2 * table.chains.reduce((sum, chain) => sum + chain.rules.length + 1, 0));
  }

  compile(): CompiledTable {
    const { family, machine } = this.#scope;
    const chains = this.#table.chains.map((chain) => {
      const compiled = new CompiledChain(chain, this.#table.name, this.#count(chain), machine.decisions);
      this.#byName.set(chain.name, compiled);
      return compiled;
    });
    chains.forEach((chain, i) => {
      chain.rules = this.#table.chains[i].rules.map((rule, n) => this.#rule(rule, chain, n + 1));
    });
    return new CompiledTable(this.#table, family, chains, this.#counters);
  }

  #count(of: Chain | Rule): number {
    const at = this.#next;
    this.#counters[at] = of.counters.packets;
    this.#counters[at + 1] = of.counters.bytes;
    this.#next += 2;
    return at;
  }

  #rule(rule: Rule, chain: CompiledChain, number: number): CompiledRule {
    const place: RulePlace = { table: this.#table.name, chain: chain.name, rule: number };
    const ready = this.#matches(rule, chain, place);
    const effect = this.#effect(rule, chain, place);
    const { decisions } = this.#scope.machine;
    const rejects = rule.target?.kind === "target" && rule.target.use.name === "REJECT";
    const decision = decisions.add(place, rejects);
    const hotdropDecision = rejects ? decisions.add(place, false) : decision;
    return new CompiledRule(rule, place, this.#count(rule), decision, hotdropDecision, effect, this.#scope, ready);
  }

  /** Checks the rule's matches, and compiles those that may refuse or keep a state: that happens in the rules' order. */
  #matches(rule: Rule, chain: CompiledChain, place: RulePlace): (Condition | null)[] | null {
    const { matches } = rule;
    let ready: (Condition | null)[] | null = null;
    for (let nth = 0; nth < matches.length; nth++) {
      if (this.#waits(matches[nth].name)) continue;
      ready ??= new Array(matches.length).fill(null);
      ready[nth] = this.#ready(rule, chain, place, nth);
    }
    return ready;
  }

  /** There is nothing to do for matches of this name until the first packet. */
  #waits(name: string): boolean {
    let waits = this.#waiting.get(name);
    if (waits === undefined) {
      const declared = this.#scope.machine.registry.match(name, this.#scope.family);
      if (declared !== undefined) this.#scope.matches.set(name, declared);
      const { source, refuse, armsConntrack } = declared ?? {};
      waits = source !== undefined && refuse === undefined && armsConntrack === undefined;
      this.#waiting.set(name, waits);
    }
    return waits;
  }

  /** null: refused, or compiled when the first packet comes. */
  #ready(rule: Rule, chain: CompiledChain, place: RulePlace, nth: number): Condition | null {
    const { family, machine } = this.#scope;
    const use = rule.matches[nth];
    const declared = machine.registry.match(use.name, family);
    if (declared === undefined) {
      this.#refuse(rule, place, `match ${use.name} is not known to this version`);
      return null;
    }
    if (!this.#admits(declared, use, rule, chain, place) || declared.source !== undefined) return null;
    const engine = new RuleEngine(this.#scope, place, nth);
    return this.#compiled(rule, place, () => matchCondition(declared, use, engine));
  }

  #refuse(rule: Rule, place: RulePlace, message: string): void {
    this.#refusals.push({ place, source: rule.place, message });
  }

  /** Whether a use of an extension can be evaluated; conntrack is armed if it needs it. */
  #admits(
    declared: MatchDeclaration | TargetDeclaration,
    use: Use,
    rule: Rule,
    chain: CompiledChain,
    place: RulePlace,
  ): boolean {
    const no = declared.refuse?.(use.options, this.#site(rule, chain)) ?? null;
    if (no !== null) {
      this.#refuse(rule, place, no);
      return false;
    }
    const arms = declared.armsConntrack;
    if (arms === true || (typeof arms === "function" && arms(use.options)))
      this.#scope.machine.conntrack.arm(this.#scope.family);
    return true;
  }

  /** null: refused. */
  #compiled<T>(rule: Rule, place: RulePlace, compile: () => T): T | null {
    try {
      return compile();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#refuse(rule, place, error.message);
      return null;
    }
  }

  #site(rule: Rule, chain: CompiledChain): RuleSite {
    return {
      family: this.#scope.family,
      table: this.#table.name,
      chain: chain.name,
      hooks: this.#reach.chains.get(chain.name)?.hooks ?? [],
      protocol: rule.protocol,
      inInterface: rule.inInterface !== null,
      outInterface: rule.outInterface !== null,
    };
  }

  #effect(rule: Rule, chain: CompiledChain, place: RulePlace): Effect {
    const { target } = rule;
    if (target === null) return NOTHING;
    if (target.kind !== "target") {
      const to = this.#byName.get(target.chain);
      if (to !== undefined) return { does: target.kind === "jump" ? JUMPS : GOES, to, action: null };
      this.#refuse(rule, place, `there is no chain ${target.chain}`);
      return NOTHING;
    }
    const { use } = target;
    const verdict = VERDICTS.get(use.name);
    if (verdict !== undefined) return verdict;
    const { family, machine } = this.#scope;
    const declared = machine.registry.target(use.name, family);
    if (declared === undefined) {
      this.#refuse(rule, place, `target ${use.name} is not known to this version`);
      return NOTHING;
    }
    if (!this.#admits(declared, use, rule, chain, place)) return NOTHING;
    const engine = new RuleEngine(this.#scope, place, rule.matches.length);
    return { does: ACTS, to: null, action: this.#compiled(rule, place, () => declared.compile(use.options, engine)) };
  }
}

const NOTHING: Effect = { does: DOES_NOTHING, to: null, action: null };

/** Targets that path/ knows by name. */
const VERDICTS: ReadonlyMap<string, Effect> = new Map([
  ["ACCEPT", { does: ACCEPTS, to: null, action: null }],
  ["DROP", { does: DROPS, to: null, action: null }],
  ["RETURN", { does: RETURNS, to: null, action: null }],
]);

function matchCondition(declared: MatchDeclaration, use: Use, engine: Engine): Condition {
  const is = use.options;
  const source = declared.source?.(is) ?? null;
  return {
    source,
    test: declared.compile(is, engine),
    hotdrops: source === null || source.includes("hotdrop"),
    why: (p) => declared.why?.(is, p, engine) ?? `${printUse(use, declared, engine.family)} does not hold`,
  };
}
