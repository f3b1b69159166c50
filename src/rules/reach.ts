/**
 * From which hooks each rule can be reached, as the kernel finds out when a table is loaded: it walks from each base
 * chain along the jumps, and refuses a table in which they come round. Source imitated: ip_tables.c: mark_source_chains.
 */
import type { Hook } from "../packet/hook.ts";
import type { Rule, Table } from "./ruleset.ts";
import { baseChainHook } from "./tables.ts";

export interface ChainReach {
  /** The hooks from which the chain is entered, in hook order; none when nothing leads to it. */
  readonly hooks: readonly Hook[];
  /** How many of its rules the walk comes to: those behind an unconditional ACCEPT, DROP or RETURN are never seen. */
  readonly rules: number;
}

export interface TableReach {
  readonly chains: ReadonlyMap<string, ChainReach>;
  /** The chains of a loop in the order of the jumps, or null. */
  readonly loop: readonly string[] | null;
}

const VERDICTS = new Set(["ACCEPT", "DROP", "QUEUE", "RETURN"]);

/** ip_tables.c: unconditional: no criterion at all; a goto is not unconditional, but it is a jump anyway. */
function isUnconditional(rule: Rule): boolean {
  return (
    rule.matches.length === 0 &&
    rule.source === null &&
    rule.destination === null &&
    rule.inInterface === null &&
    rule.outInterface === null &&
    rule.protocol === null &&
    rule.fragment === null
  );
}

/** Tables are immutable: each is walked once. */
const reaches = new WeakMap<Table, TableReach>();

/** Walks a table from all its base chains. */
export function reachOf(table: Table): TableReach {
  let reach = reaches.get(table);
  if (reach === undefined) {
    reach = walkTable(table);
    reaches.set(table, reach);
  }
  return reach;
}

/** A chain while its table is walked. */
interface Walked {
  readonly name: string;
  readonly hooks: Hook[];
  /** How many of its rules the walk comes to. */
  rules: number;
  /** The chains to which those of them lead that jump or go. */
  readonly leads: Walked[];
  /** Which of these the walk takes next. */
  next: number;
  /** The walk is in it. */
  onPath: boolean;
}

function walkTable(table: Table): TableReach {
  const walked = new Map<string, Walked>();
  for (const { name } of table.chains)
    walked.set(name, { name, hooks: [], rules: 0, leads: [], next: 0, onPath: false });
  for (const chain of table.chains) readLeads(walked.get(chain.name)!, chain.rules, walked);
  let loop: string[] | null = null;
  for (const { name, policy } of table.chains) {
    const hook = policy === null ? null : baseChainHook(table.name, name);
    if (hook !== null) loop ??= walk(walked.get(name)!, hook);
  }
  const chains = new Map<string, ChainReach>();
  for (const { name, hooks, rules } of walked.values()) chains.set(name, { hooks: hooks.sort(), rules });
  return { chains, loop };
}

/** The rules that the walk comes to, and where they lead. */
function readLeads(chain: Walked, rules: readonly Rule[], walked: ReadonlyMap<string, Walked>): void {
  for (let n = 0; n < rules.length; n++) {
    chain.rules++;
    const { target } = rules[n];
    if (target === null) continue;
    if (target.kind !== "target") {
      const to = walked.get(target.chain);
      if (to !== undefined) chain.leads.push(to);
    } else if (VERDICTS.has(target.use.name) && isUnconditional(rules[n])) return;
  }
}

/** The chains of a loop, or null. Depth first without recursion: a ruleset may nest chains as deep as it likes. */
function walk(base: Walked, hook: Hook): string[] | null {
  const path: Walked[] = [];
  const enter = (chain: Walked) => {
    chain.hooks.push(hook);
    chain.next = 0;
    chain.onPath = true;
    path.push(chain);
  };
  enter(base);
  while (path.length > 0) {
    const here = path[path.length - 1];
    if (here.next >= here.leads.length) {
      here.onPath = false;
      path.pop();
      continue;
    }
    const to = here.leads[here.next++];
    if (to.onPath) return [...path.slice(path.indexOf(to)), to].map(({ name }) => name);
    if (!to.hooks.includes(hook)) enter(to);
  }
  return null;
}
