/**
 * From which hooks each rule can be reached, as the kernel finds out when a table is loaded: it walks from each base
 * chain along the jumps, and refuses a table in which they come round. Source imitated: ip_tables.c: mark_source_chains.
 */
import type { Hook } from "../packet/hook.ts";
import type { Chain, Rule, Table } from "./ruleset.ts";
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

function endsWalk(rule: Rule): boolean {
  return rule.target?.kind === "target" && VERDICTS.has(rule.target.use.name) && isUnconditional(rule);
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

function walkTable(table: Table): TableReach {
  const byName = new Map(table.chains.map((chain) => [chain.name, chain]));
  const hooks = new Map<string, Hook[]>(table.chains.map((chain) => [chain.name, []]));
  const walked = new Map<string, number>();
  let loop: string[] | null = null;

  const walkedRules = (chain: Chain) => {
    let count = walked.get(chain.name);
    if (count === undefined) {
      const end = chain.rules.findIndex(endsWalk);
      count = end < 0 ? chain.rules.length : end + 1;
      walked.set(chain.name, count);
    }
    return count;
  };

  /** Depth first without recursion: a ruleset may nest chains as deep as it likes. */
  const walk = (base: Chain, hook: Hook) => {
    const path: { chain: Chain; next: number }[] = [{ chain: base, next: 0 }];
    const onPath = new Set([base.name]);
    hooks.get(base.name)!.push(hook);
    while (path.length > 0 && loop === null) {
      const here = path[path.length - 1];
      if (here.next >= walkedRules(here.chain)) {
        path.pop();
        onPath.delete(here.chain.name);
        continue;
      }
      const { target } = here.chain.rules[here.next++];
      if (target === null || target.kind === "target") continue;
      if (onPath.has(target.chain)) {
        const names = path.map(({ chain }) => chain.name);
        loop = [...names.slice(names.indexOf(target.chain)), target.chain];
        return;
      }
      const seen = hooks.get(target.chain);
      const chain = byName.get(target.chain);
      if (seen === undefined || chain === undefined || seen.includes(hook)) continue;
      seen.push(hook);
      path.push({ chain, next: 0 });
      onPath.add(chain.name);
    }
  };

  for (const chain of table.chains) {
    const hook = chain.policy === null ? null : baseChainHook(table.name, chain.name);
    if (hook !== null && loop === null) walk(chain, hook);
  }
  const chains = new Map<string, ChainReach>();
  for (const chain of table.chains)
    chains.set(chain.name, { hooks: hooks.get(chain.name)!.sort(), rules: walkedRules(chain) });
  return { chains, loop };
}
