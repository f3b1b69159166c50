/**
 * A table while commands change it: chains by name, rules in lists. Each operation answers null or the sentence with
 * which libiptc refuses it. Source imitated: libiptc/libiptc.c (TC_APPEND_ENTRY and its siblings, TC_STRERROR).
 */
import type { TableName } from "../packet/hook.ts";
import { HOOK_NAMES } from "../packet/hook.ts";
import { LONGEST_NAME } from "./known-extensions.ts";
import type { Chain, Counters, Destination, Rule, Table } from "./ruleset.ts";
import { BASE_CHAINS } from "./tables.ts";
import { byteLength, cutBytes } from "./text.ts";

export const ZERO: Counters = { packets: 0, bytes: 0 };

export interface ChainState {
  name: string;
  /** A base chain: its policy; null: a user chain. */
  policy: "ACCEPT" | "DROP" | null;
  counters: Counters;
  rules: Rule[];
}

/** A name that -E gives may be longer than one that -N makes (IPT_CHAINLABEL); the kernel's copy of it is cut. */
const LONGEST_LABEL = 31;
const LONGEST_SAVED = 29;

const STANDARD = new Set(["ACCEPT", "DROP", "QUEUE", "RETURN"]);

const NO_RULE = "Bad rule (does a matching rule exist in that chain?)";

const noSuch = (name: string) => `No chain/target/match by that name: ${name}`;

export class TableState {
  readonly name: TableName;
  /** Base chains in hook order, then user chains in the order in which they were made. */
  readonly chains = new Map<string, ChainState>();
  /** Rules that were there at `begin`, and chains whose policy counters were set since; null: each command is committed at once. */
  #since: { readonly rules: Set<Rule>; readonly counted: Set<string> } | null = null;

  /** The table as it was committed; null while it may still change. */
  #committed: Table | null = null;

  constructor(name: TableName) {
    this.name = name;
    for (const hook of BASE_CHAINS[name]) {
      const chain = HOOK_NAMES[hook];
      this.chains.set(chain, { name: chain, policy: "ACCEPT", counters: ZERO, rules: [] });
    }
  }

  static from(table: Table): TableState {
    const state = new TableState(table.name);
    for (const chain of table.chains) state.chains.set(chain.name, { ...chain, rules: [...chain.rules] });
    return state;
  }

  /** Nothing changes any more until the next `begin`. */
  commit(): void {
    this.#committed = this.toTable();
  }

  toTable(): Table {
    if (this.#committed !== null) return this.#committed;
    const chains: Chain[] = [];
    for (const chain of this.chains.values()) chains.push(chain);
    return { name: this.name, chains };
  }

  has(chain: string): boolean {
    return this.chains.has(chain);
  }

  isBase(chain: string): boolean {
    return (this.chains.get(chain)?.policy ?? null) !== null;
  }

  /**
   * What follows is committed together, as iptables-restore does: -Z leaves alone what was written since then, because
   * the kernel gets its counters after that (libiptc.c: COUNTER_MAP_SET).
   */
  begin(): void {
    this.#committed = null;
    const rules = new Set<Rule>();
    for (const chain of this.chains.values()) for (const rule of chain.rules) rules.add(rule);
    this.#since = { rules, counted: new Set() };
  }

  /** iptables-restore begins a table: rules and user chains go, policies stay. */
  clear(): void {
    for (const chain of this.chains.values())
      if (chain.policy === null) this.chains.delete(chain.name);
      else chain.rules = [];
  }

  /** iptcc_map_target: what a rule may lead to. */
  #target(destination: Destination | null): string | null {
    if (destination === null || destination.kind === "target") return null;
    return this.isBase(destination.chain)
      ? `Invalid argument: no rule can jump to the base chain ${destination.chain}`
      : null;
  }

  /** The rules of a chain, for more that lead there; null where `append` would refuse them. */
  listFor(name: string, target: Destination | null): Rule[] | null {
    const chain = this.chains.get(name);
    return chain === undefined || this.#target(target) !== null ? null : chain.rules;
  }

  append(name: string, rules: readonly Rule[]): string | null {
    const chain = this.chains.get(name);
    if (chain === undefined) return noSuch(name);
    for (let i = 0; i < rules.length; i++) {
      const refusal = this.#target(rules[i].target);
      if (refusal !== null) return refusal;
      chain.rules.push(rules[i]);
    }
    return null;
  }

  /** Inserts each before the rule of this number (1: first), so that the last given stands first. */
  insert(name: string, number: number, rules: readonly Rule[]): string | null {
    const chain = this.chains.get(name);
    if (chain === undefined) return noSuch(name);
    if (number - 1 > chain.rules.length) return "Index of insertion too big";
    for (const rule of rules) {
      const refusal = this.#target(rule.target);
      if (refusal !== null) return refusal;
      chain.rules.splice(number - 1, 0, rule);
    }
    return null;
  }

  replace(name: string, number: number, rule: Rule): string | null {
    const chain = this.chains.get(name);
    if (chain === undefined) return noSuch(name);
    if (number > chain.rules.length) return "Index of replacement too big";
    const refusal = this.#target(rule.target);
    if (refusal !== null) return refusal;
    chain.rules[number - 1] = rule;
    return null;
  }

  deleteNumber(name: string, number: number): string | null {
    const chain = this.chains.get(name);
    if (chain === undefined) return noSuch(name);
    if (number > chain.rules.length) return "Index of deletion too big";
    chain.rules.splice(number - 1, 1);
    return null;
  }

  /** Deletes the first rule that says the same as each of these, or only looks whether there is one. */
  delete(name: string, rules: readonly Rule[], onlyLook = false): string | null {
    const chain = this.chains.get(name);
    if (chain === undefined) return `${NO_RULE}: there is no chain ${name}`;
    let answer: string | null = null;
    for (const rule of rules) {
      const refusal = this.#target(rule.target);
      if (refusal !== null) return refusal;
      const wanted = meaningOf(rule);
      const index = chain.rules.findIndex((other) => meaningOf(other) === wanted);
      if (index < 0) answer = NO_RULE;
      else if (!onlyLook) chain.rules.splice(index, 1);
    }
    return answer;
  }

  create(name: string): string | null {
    if (this.chains.has(name) || STANDARD.has(name)) return "Chain already exists";
    if (byteLength(name) > LONGEST_NAME) return "Invalid argument";
    this.chains.set(name, { name, policy: null, counters: ZERO, rules: [] });
    return null;
  }

  /** null: all user chains, as far as possible; the first refusal is the answer. */
  remove(name: string | null): string | null {
    if (name !== null) return this.#removeOne(name);
    let answer: string | null = null;
    for (const chain of this.userChains().sort()) answer ??= this.#removeOne(chain);
    return answer;
  }

  #removeOne(name: string): string | null {
    const chain = this.chains.get(name);
    if (chain === undefined) return noSuch(name);
    if (chain.policy !== null) return `Invalid argument: ${name} is a base chain`;
    if (this.references(name) > 0) return "Can't delete chain with references left";
    if (chain.rules.length > 0) return "Chain is not empty";
    this.chains.delete(name);
    return null;
  }

  /** How many rules jump or go to a chain. */
  references(name: string): number {
    let count = 0;
    for (const chain of this.chains.values())
      for (const { target } of chain.rules) if (target !== null && leadsTo(target, name)) count++;
    return count;
  }

  rename(name: string, to: string): string | null {
    if (this.chains.has(to) || STANDARD.has(to)) return "File exists";
    const chain = this.chains.get(name);
    if (chain === undefined || chain.policy !== null) return noSuch(name);
    if (byteLength(to) > LONGEST_LABEL) return "Invalid argument";
    return this.#renameTo(chain, cutBytes(to, LONGEST_SAVED));
  }

  #renameTo(chain: ChainState, to: string): null {
    const { name } = chain;
    this.chains.delete(name);
    this.chains.set(to, { ...chain, name: to });
    for (const other of this.chains.values()) other.rules = other.rules.map((rule) => this.#renamed(rule, name, to));
    return null;
  }

  /** A rule that leads elsewhere is the same rule. */
  #renamed(rule: Rule, name: string, to: string): Rule {
    const { target } = rule;
    if (target === null || !leadsTo(target, name)) return rule;
    const renamed = { ...rule, target: { ...target, chain: to } } as Rule;
    if (this.#since?.rules.has(rule) === true) this.#since.rules.add(renamed);
    return renamed;
  }

  flush(name: string | null): string | null {
    return this.#each(name, (chain) => {
      chain.rules = [];
    });
  }

  zero(name: string | null): string | null {
    return this.#each(name, (chain) => {
      if (chain.policy !== null && this.#since?.counted.has(chain.name) !== true) chain.counters = ZERO;
      chain.rules = chain.rules.map((rule) => this.#zeroed(rule));
    });
  }

  #zeroed(rule: Rule): Rule {
    const { rules } = this.#since ?? { rules: null };
    return rules === null || rules.has(rule) ? { ...rule, counters: ZERO } : rule;
  }

  zeroNumber(name: string, number: number): string | null {
    const chain = this.chains.get(name);
    if (chain === undefined) return noSuch(name);
    if (number > chain.rules.length) return "Index of counter too big";
    chain.rules[number - 1] = this.#zeroed(chain.rules[number - 1]);
    return null;
  }

  #each(name: string | null, change: (chain: ChainState) => void): string | null {
    if (name === null) {
      for (const chain of this.chains.values()) change(chain);
      return null;
    }
    const chain = this.chains.get(name);
    if (chain === undefined) return noSuch(name);
    change(chain);
    return null;
  }

  setPolicy(name: string, policy: string, counters: Counters | null): string | null {
    const chain = this.chains.get(name);
    if (chain === undefined || chain.policy === null) return "Bad built-in chain name";
    if (policy !== "ACCEPT" && policy !== "DROP") return "Bad policy name";
    chain.policy = policy;
    if (counters !== null) {
      chain.counters = counters;
      this.#since?.counted.add(name);
    }
    return null;
  }

  userChains(): string[] {
    return [...this.chains.values()].filter((chain) => chain.policy === null).map((chain) => chain.name);
  }
}

function leadsTo(target: Destination, chain: string): boolean {
  return target.kind !== "target" && target.chain === chain;
}

const meanings = new WeakMap<Rule, string>();

/** What a rule says, without its identity, counters and place. */
function meaningOf(rule: Rule): string {
  let meaning = meanings.get(rule);
  if (meaning === undefined) {
    const { id: _id, counters: _counters, place: _place, ...said } = rule;
    meaning = JSON.stringify(said, (_, value) => sorted(value));
    meanings.set(rule, meaning);
  }
  return meaning;
}

/** Options in the order of their names: given in another order they mean the same. */
function sorted(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
