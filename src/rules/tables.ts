/** What each table has by itself: its base chains, in hook order. (iptable_filter.c and its siblings.) */
import type { Hook, HookName, TableName } from "../packet/hook.ts";
import { FORWARD, HOOK_NAMES, INPUT, OUTPUT, POSTROUTING, PREROUTING } from "../packet/hook.ts";

/** The hooks at which a table has base chains, in the order in which iptables-save prints them. */
export const BASE_CHAINS: Readonly<Record<TableName, readonly Hook[]>> = {
  raw: [PREROUTING, OUTPUT],
  mangle: [PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING],
  nat: [PREROUTING, INPUT, OUTPUT, POSTROUTING],
  filter: [INPUT, FORWARD, OUTPUT],
  security: [INPUT, FORWARD, OUTPUT],
};

export function isTableName(name: string): name is TableName {
  return Object.hasOwn(BASE_CHAINS, name);
}

export function baseChainNames(table: TableName): readonly HookName[] {
  return BASE_CHAINS[table].map((hook) => HOOK_NAMES[hook]);
}

const baseHooks = new Map<string, ReadonlyMap<string, readonly Hook[]>>();
for (const [table, hooks] of Object.entries(BASE_CHAINS))
  baseHooks.set(table, new Map(hooks.map((hook) => [HOOK_NAMES[hook], [hook]])));

/** The hook of a base chain, or null when the table has no base chain of this name. */
export function baseChainHook(table: TableName, chain: string): Hook | null {
  return baseHooks.get(table)?.get(chain)?.[0] ?? null;
}

/** The hooks that may reach a chain as far as its name tells: its own, or all of its table. */
export function possibleHooks(table: TableName, chain: string): readonly Hook[] {
  return baseHooks.get(table)?.get(chain) ?? BASE_CHAINS[table] ?? [];
}
