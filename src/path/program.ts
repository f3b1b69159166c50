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
  readonly matches: readonly Condition[];
  /** What its pure, leading matches imply of header fields, for the index. */
  readonly fields: readonly FieldRanges[];
  /** What its target did to this packet, in words. */
  readonly says: (p: Packet) => string;
  #conditions: readonly Condition[] | null = null;
  readonly #family: Family;
  readonly #host: Host;

  constructor(parts: RuleParts, family: Family, host: Host) {
    this.rule = parts.rule;
    this.place = parts.place;
    this.counter = parts.counter;
    this.decision = parts.decision;
    this.hotdropCode = parts.hotdropDecision * 4;
    this.does = parts.does;
    this.to = parts.to;
    this.action = parts.action;
    this.matches = parts.matches;
    this.fields = parts.fields;
    this.says = parts.says;
    this.#family = family;
    this.#host = host;
  }

  /** All it asks, in the order in which the kernel asks. Made when first needed: most rules never are. */
  get conditions(): readonly Condition[] {
    if (this.#conditions === null)
      this.#conditions = [...baseConditions(this.rule, this.#family, this.#host), ...this.matches];
    return this.#conditions;
  }
}

interface RuleParts {
  readonly rule: Rule;
  readonly place: RulePlace;
  readonly counter: number;
  readonly decision: number;
  readonly hotdropDecision: number;
  readonly does: number;
  readonly to: CompiledChain | null;
  readonly action: Action | null;
  readonly matches: readonly Condition[];
  readonly fields: readonly FieldRanges[];
  readonly says: (p: Packet) => string;
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

  constructor(source: Table, family: Family, chains: readonly CompiledChain[], counters: Float64Array) {
    this.name = source.name;
    this.family = family;
    this.source = source;
    this.chains = chains;
    this.counters = counters;
    this.traces = source.chains.some((chain) => chain.rules.some(traces));
    this.deep = deepestNesting(chains) > MOST_NESTED;
    const hooks = hooksOf(source.name);
    this.base = HOOK_NAMES.map((name, hook) =>
      hooks.includes(hook as Hook) ? (chains.find((c) => c.name === name && c.policy !== null) ?? null) : null,
    );
  }
}

const MOST_NESTED = 500;

/** The longest way along jumps, in chains. There are no loops: the kernel would have refused them. */
function deepestNesting(chains: readonly CompiledChain[]): number {
  const depth = new Map<CompiledChain, number>();
  let deepest = 0;
  for (const first of chains) {
    if (depth.has(first)) continue;
    const path = [{ chain: first, next: 0, below: 0 }];
    while (path.length > 0) {
      const here = path[path.length - 1];
      if (here.next < here.chain.rules.length) {
        const to = here.chain.rules[here.next].to;
        const known = to === null ? 0 : depth.get(to);
        if (known === undefined && to !== null) path.push({ chain: to, next: 0, below: 0 });
        else {
          here.below = Math.max(here.below, known ?? 0);
          here.next++;
        }
      } else {
        depth.set(here.chain, here.below + 1);
        deepest = Math.max(deepest, here.below + 1);
        path.pop();
      }
    }
  }
  return deepest;
}

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
    super(refusals.map((r) => `${where(r)}: ${r.message}`).join("\n"));
    this.name = "LoadError";
    this.refusals = refusals;
  }
}

function where(r: Refusal): string {
  const rule = `${r.place.table} ${r.place.chain} rule ${r.place.rule}`;
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
  const refusals = ruleset.tables.flatMap((table) => refusedByKernel(table, ruleset.family, machine.registry));
  if (refusals.length > 0) throw new LoadError(refusals);
  const tables = ruleset.tables.map((table) => new TableCompiler(table, ruleset.family, machine, refusals).compile());
  if (refusals.length > 0) throw new LoadError(refusals);
  return tables;
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
  readonly #family: Family;
  readonly #machine: Machine;
  readonly #refusals: Refusal[];
  readonly #reach: TableReach;
  readonly #byName = new Map<string, CompiledChain>();
  readonly #counters: Float64Array;
  #next = 0;

  constructor(table: Table, family: Family, machine: Machine, refusals: Refusal[]) {
    this.#table = table;
    this.#family = family;
    this.#machine = machine;
    this.#refusals = refusals;
    this.#reach = reachOf(table);
    this.#counters = new Float64Array(2 * table.chains.reduce((sum, chain) => sum + chain.rules.length + 1, 0));
  }

  compile(): CompiledTable {
    const chains = this.#table.chains.map((chain) => {
      const compiled = new CompiledChain(chain, this.#table.name, this.#count(chain), this.#machine.decisions);
      this.#byName.set(chain.name, compiled);
      return compiled;
    });
    chains.forEach((chain, i) => {
      chain.rules = this.#table.chains[i].rules.map((rule, n) => this.#rule(rule, chain, n + 1));
    });
    return new CompiledTable(this.#table, this.#family, chains, this.#counters);
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
    const engine = (nth: number): Engine => ({ ...this.#engine(), place, nth });
    const site = this.#site(rule, chain);
    const refuse = (message: string) => this.#refusals.push({ place, source: rule.place, message });
    const matches: Condition[] = [];
    const fields: FieldRanges[] = [];
    let pure = true;
    for (const [nth, use] of rule.matches.entries()) {
      const declared = this.#machine.registry.match(use.name, this.#family);
      if (declared === undefined) {
        refuse(`match ${use.name} is not known to this version`);
        continue;
      }
      const condition = this.#bind(declared, use, site, refuse, () => matchCondition(declared, use, engine(nth)));
      if (condition === null) continue;
      matches.push(condition);
      // A match that keeps a state must see what the kernel shows it: nothing behind it may skip the rule.
      pure &&= condition.source !== null;
      if (pure) fields.push(...(declared.fields?.(use.options) ?? []));
    }
    const target = this.#target(rule, engine(rule.matches.length), site, refuse);
    const rejects = rule.target?.kind === "target" && rule.target.use.name === "REJECT";
    const { decisions } = this.#machine;
    const decision = decisions.add(place, rejects);
    const hotdropDecision = rejects ? decisions.add(place, false) : decision;
    const parts: RuleParts = {
      rule,
      place,
      counter: this.#count(rule),
      decision,
      hotdropDecision,
      matches,
      fields,
      ...target,
    };
    return new CompiledRule(parts, this.#family, this.#machine.host);
  }

  #engine(): Omit<Engine, "place" | "nth"> {
    const { host, conntrack, nat, answers } = this.#machine;
    return { family: this.#family, host, conntrack, nat, answers };
  }

  #site(rule: Rule, chain: CompiledChain): RuleSite {
    return {
      family: this.#family,
      table: this.#table.name,
      chain: chain.name,
      hooks: this.#reach.chains.get(chain.name)?.hooks ?? [],
      protocol: rule.protocol,
      inInterface: rule.inInterface !== null,
      outInterface: rule.outInterface !== null,
    };
  }

  /** Compiles one use of an extension: refused, in need of conntrack, or simply working. */
  #bind<T>(
    declared: MatchDeclaration | TargetDeclaration,
    use: Use,
    site: RuleSite,
    refuse: (message: string) => void,
    compile: () => T,
  ): T | null {
    const no = declared.refuse?.(use.options, site) ?? null;
    if (no !== null) {
      refuse(no);
      return null;
    }
    const arms = declared.armsConntrack;
    if (arms === true || (typeof arms === "function" && arms(use.options))) this.#machine.conntrack.arm(this.#family);
    try {
      return compile();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      refuse(error.message);
      return null;
    }
  }

  #target(rule: Rule, engine: Engine, site: RuleSite, refuse: (message: string) => void): TargetParts {
    const target = rule.target;
    if (target === null) return target0(DOES_NOTHING, "counted");
    if (target.kind !== "target") {
      const to = this.#byName.get(target.chain);
      if (to === undefined) {
        refuse(`there is no chain ${target.chain}`);
        return target0(DOES_NOTHING, "");
      }
      const jumps = target.kind === "jump";
      return { ...target0(jumps ? JUMPS : GOES, `${jumps ? "jump" : "goto"} ${to.name}`), to };
    }
    const name = target.use.name;
    if (name === "ACCEPT") return target0(ACCEPTS, "ACCEPT");
    if (name === "DROP") return target0(DROPS, "DROP");
    if (name === "RETURN") return target0(RETURNS, "RETURN");
    const declared = this.#machine.registry.target(name, this.#family);
    if (declared === undefined) {
      refuse(`target ${name} is not known to this version`);
      return target0(DOES_NOTHING, "");
    }
    const is = target.use.options;
    const action = this.#bind(declared, target.use, site, refuse, () => declared.compile(is, engine));
    const family = this.#family;
    const says = (p: Packet) => declared.does?.(is, p, engine) ?? printUse({ name, options: is }, declared, family);
    return { does: ACTS, to: null, action, says };
  }
}

type TargetParts = Pick<RuleParts, "does" | "to" | "action" | "says">;

function target0(does: number, words: string): TargetParts {
  return { does, to: null, action: null, says: () => words };
}

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
