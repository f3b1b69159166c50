/**
 * From a ruleset to its tables ready to run: every rule is checked, and those that may be refused, arm conntrack or begin a
 * state are made at once, in the rules' order; the others when a packet needs them.
 */
import type { Family } from "../packet/hook.ts";
import type { RulePlace } from "../packet/step.ts";
import type { MatchDeclaration, Registry, RuleSite, TargetDeclaration } from "../rules/extension.ts";
import { kernelRefusals } from "../rules/kernel-check.ts";
import { reachOf, type TableReach } from "../rules/reach.ts";
import type { Counters, Rule, Ruleset, SourcePlace, Table, Use } from "../rules/ruleset.ts";
import type { Condition } from "./condition.ts";
import {
  ACCEPTS,
  ACTS,
  CompiledChain,
  CompiledRule,
  CompiledTable,
  DOES_NOTHING,
  DROPS,
  type Effect,
  GOES,
  JUMPS,
  type Machine,
  MOST_RULES,
  matchCondition,
  RETURNS,
  RuleEngine,
  type Scope,
} from "./program.ts";

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
  readonly #waiting = { match: new Map<string, boolean>(), target: new Map<string, boolean>() };
  readonly #counters: Float64Array;
  #traces = false;

  constructor(table: Table, reach: TableReach, family: Family, machine: Machine, refusals: Refusal[]) {
    this.#table = table;
    this.#reach = reach;
    this.#scope = { family, machine, matches: new Map() };
    this.#refusals = refusals;
    this.#counters = new Float64Array(2 * table.chains.reduce((sum, chain) => sum + chain.rules.length + 1, 0));
  }

  compile(): CompiledTable {
    const { family, machine, matches } = this.#scope;
    const { decisions } = machine;
    const make = (compiled: CompiledChain, n: number) => this.#rule(compiled, n);
    const { chains: sources, name } = this.#table;
    // Policies first, then rules.
    let rules = 2 * sources.length;
    const chains = sources.map((source, i) => {
      const at = { policy: 2 * i, rules };
      const chain = new CompiledChain(source, name, at, decisions, matches, make);
      this.#byName.set(chain.name, chain);
      this.#count(source.counters, at.policy);
      rules += 2 * source.rules.length;
      return chain;
    });
    for (const chain of chains) this.#load(chain);
    return new CompiledTable(this.#table, family, chains, this.#counters, this.#traces);
  }

  /** Counts the chain's rules and makes those that have to be made now, in their order. */
  #load(chain: CompiledChain): void {
    const { source } = chain;
    for (let n = 0; n < source.length; n++) {
      const rule = source[n];
      this.#count(rule.counters, chain.counterOf(n));
      const { target } = rule;
      if (target !== null && target.kind !== "target") {
        const to = this.#byName.get(target.chain);
        if (to !== undefined) chain.calls.push(to);
      }
      if (!this.#canWait(rule)) chain.rule(n);
    }
  }

  /** Making the rule refuses nothing and begins no state: it waits for the first packet that needs it. */
  #canWait({ matches, target }: Rule): boolean {
    for (let nth = 0; nth < matches.length; nth++) if (!this.#waits("match", matches[nth].name)) return false;
    if (target === null) return true;
    return target.kind === "target" ? this.#waits("target", target.use.name) : this.#byName.has(target.chain);
  }

  #count({ packets, bytes }: Counters, at: number): void {
    this.#counters[at] = packets;
    this.#counters[at + 1] = bytes;
  }

  #rule(chain: CompiledChain, n: number): CompiledRule {
    const rule = chain.source[n];
    const place: RulePlace = { table: this.#table.name, chain: chain.name, rule: n + 1 };
    const ready = this.#matches(rule, chain, place);
    const effect = this.#effect(rule, chain, place);
    const rejects = rule.target?.kind === "target" && rule.target.use.name === "REJECT";
    const decision = chain.firstDecision + n;
    const hotdropDecision = rejects ? decision + chain.source.length : decision;
    if (rejects) this.#scope.machine.decisions.reject(decision);
    const counter = chain.counterOf(n);
    return new CompiledRule(rule, place, counter, decision, hotdropDecision, effect, this.#scope, ready);
  }

  /** Checks the rule's matches, and compiles those that may refuse or keep a state: that happens in the rules' order. */
  #matches(rule: Rule, chain: CompiledChain, place: RulePlace): (Condition | null)[] | null {
    const { matches } = rule;
    let ready: (Condition | null)[] | null = null;
    for (let nth = 0; nth < matches.length; nth++) {
      if (this.#waits("match", matches[nth].name)) continue;
      ready ??= new Array(matches.length).fill(null);
      ready[nth] = this.#ready(rule, chain, place, nth);
    }
    return ready;
  }

  /** There is nothing to do for extensions of this name until the first packet, but to arm conntrack, which is done. */
  #waits(kind: "match" | "target", name: string): boolean {
    let waits = this.#waiting[kind].get(name);
    if (waits === undefined) {
      waits = kind === "match" ? this.#matchWaits(name) : this.#targetWaits(name);
      this.#waiting[kind].set(name, waits);
    }
    return waits;
  }

  #matchWaits(name: string): boolean {
    const declared = this.#scope.machine.registry.match(name, this.#scope.family);
    if (declared === undefined) return false;
    this.#scope.matches.set(name, declared);
    return declared.source !== undefined && this.#isTaken(declared);
  }

  #targetWaits(name: string): boolean {
    if (VERDICTS.has(name)) return true;
    const declared = this.#scope.machine.registry.target(name, this.#scope.family);
    return declared?.mayWait === true && this.#isTaken(declared);
  }

  /** It is never refused; that it arms conntrack, if it does, does not depend on its options, and is done. */
  #isTaken({ refuse, armsConntrack }: MatchDeclaration | TargetDeclaration): boolean {
    if (refuse !== undefined || typeof armsConntrack === "function") return false;
    if (armsConntrack === true) this.#scope.machine.conntrack.arm(this.#scope.family);
    return true;
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
    if (use.name === "TRACE") this.#traces = true;
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
