/**
 * Changing a ruleset: a ruleset is an immutable value, an edit gives a new one that shares what did not change, and the
 * patches that lead there and back. Rules keep their ids wherever they stand.
 */
import { type Draft, enablePatches, type Patch, produceWithPatches } from "immer";
import type { TableName } from "../packet/hook.ts";
import type { Registry } from "./extension.ts";
import { RuleError } from "./extension.ts";
import { WordReader } from "./line-words.ts";
import type { Problem } from "./problem.ts";
import { LineError, readLine } from "./rule-line.ts";
import type { Chain, Rule, Ruleset, Table } from "./ruleset.ts";
import { RulesetState } from "./ruleset-state.ts";

enablePatches();

export type { Draft, Patch };

export interface Edited {
  readonly ruleset: Ruleset;
  /** From the old ruleset to the new one, and back. */
  readonly patches: readonly Patch[];
  readonly inversePatches: readonly Patch[];
}

/** Runs `recipe` on a draft of the ruleset. Nothing of the old ruleset changes. */
export function edit(ruleset: Ruleset, recipe: (draft: Draft<Ruleset>) => void): Edited {
  const [next, patches, inversePatches] = produceWithPatches(ruleset, (draft) => {
    recipe(draft);
  });
  return { ruleset: next, patches, inversePatches };
}

/** A rule without what its place in a ruleset gives it. */
export type NewRule = Omit<Rule, "id">;

/** A place in a ruleset, or in a draft of one. */
interface Place {
  readonly table: TableName;
  readonly chain: string;
}

/** The table, or undefined when the ruleset does not have it. */
export function findTable(ruleset: Ruleset, name: TableName): Table | undefined {
  return ruleset.tables.find((table) => table.name === name);
}

export function findChain(ruleset: Ruleset, { table, chain }: Place): Chain | undefined {
  return findTable(ruleset, table)?.chains.find((c) => c.name === chain);
}

/** Where a rule stands: its table, chain, and position from 1. */
export interface RuleLocation extends Place {
  readonly position: number;
  readonly rule: Rule;
}

export function findRule(ruleset: Ruleset, id: number): RuleLocation | undefined {
  for (const table of ruleset.tables)
    for (const chain of table.chains) {
      const index = chain.rules.findIndex((rule) => rule.id === id);
      if (index >= 0) return { table: table.name, chain: chain.name, position: index + 1, rule: chain.rules[index] };
    }
  return undefined;
}

function chainOf(draft: Draft<Ruleset>, place: Place): Draft<Chain> {
  const chain = findChain(draft as Ruleset, place);
  if (chain === undefined) throw new RuleError(`No chain/target/match by that name: ${place.chain}`, 1);
  return chain as Draft<Chain>;
}

/** Inserts before position (1: first; one past the last: appends) and answers the new rule's id. */
export function insertRule(draft: Draft<Ruleset>, place: Place, position: number, rule: NewRule): number {
  const { rules } = chainOf(draft, place);
  if (position < 1 || position > rules.length + 1) throw new RuleError("Index of insertion too big", 1);
  const id = draft.nextId++;
  rules.splice(position - 1, 0, { ...rule, id } as Draft<Rule>);
  return id;
}

export function appendRule(draft: Draft<Ruleset>, place: Place, rule: NewRule): number {
  return insertRule(draft, place, chainOf(draft, place).rules.length + 1, rule);
}

/** Takes the rule of this id away; an id that is not there is a RuleError. */
export function deleteRule(draft: Draft<Ruleset>, id: number): void {
  const { rules, index } = draftOf(draft, id);
  rules.splice(index, 1);
}

/** Puts another rule where this one stands; the id stays. */
export function replaceRule(draft: Draft<Ruleset>, id: number, rule: NewRule): void {
  const { rules, index } = draftOf(draft, id);
  rules[index] = { ...rule, id } as Draft<Rule>;
}

/** Moves a rule to another position of its chain; the id stays. */
export function moveRule(draft: Draft<Ruleset>, id: number, position: number): void {
  const { rules, index } = draftOf(draft, id);
  if (position < 1 || position > rules.length) throw new RuleError("Index of insertion too big", 1);
  const [rule] = rules.splice(index, 1);
  rules.splice(position - 1, 0, rule);
}

function draftOf(draft: Draft<Ruleset>, id: number): { rules: Draft<Rule>[]; index: number } {
  const found = findRule(draft as Ruleset, id);
  if (found === undefined) throw new RuleError(`there is no rule with id ${id}`, 1);
  return { rules: chainOf(draft, found).rules, index: found.position - 1 };
}

/**
 * The rule that `-A CHAIN TEXT` would append, for use in an edit: `-p tcp --dport 80 -j ACCEPT`. One rule, so several
 * addresses with commas are refused. The chains that exist are those of `ruleset`.
 */
export function parseRule(
  text: string,
  place: Place,
  ruleset: Ruleset,
  registry: Registry,
): { readonly rule: NewRule; readonly error: null } | { readonly rule: null; readonly error: Problem } {
  const state = new RulesetState(ruleset.family, ruleset);
  const table = state.table(place.table);
  const reader = new WordReader(registry, ruleset.family, (name) => table.has(name));
  // The chain's name is quoted as a word of its own, whatever it holds.
  const prefix = `-A "${place.chain.replace(/["\\]/g, "\\$&")}" `;
  const line = reader.read(prefix + text);
  const file = "rule";
  try {
    const site = { family: ruleset.family, table: place.table, restore: true, counters: null };
    const command = readLine(line, site);
    const before = table.chains.get(place.chain)?.rules.length ?? 0;
    state.apply(command, table, { file, line: 1 });
    const added = table.chains.get(place.chain)!.rules.slice(before);
    if (added.length !== 1) throw new LineError(new RuleError("Replacement rule does not specify a unique address"), 0);
    const { id: _, ...rule } = added[0];
    return { rule: { ...rule, place: null }, error: null };
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    const word = error instanceof LineError ? error.word : 0;
    const { starts, ends } = reader.places(prefix + text);
    const start = Math.max(0, (starts[word] ?? 0) - prefix.length);
    const end = Math.max(start + 1, (ends[word] ?? 0) - prefix.length);
    const { message, code } = error;
    return { rule: null, error: { file, line: 1, column: start + 1, length: end - start, message, code, text } };
  }
}
