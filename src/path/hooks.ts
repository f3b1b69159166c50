/**
 * Who sees a packet at which hook, and in which order: the one table that says it, for both families.
 *
 * It is the kernel's (uapi/linux/netfilter_ipv4.h: enum nf_ip_hook_priorities; the hooks are those that each module
 * registers). A table that no ruleset named, or conntrack when nothing armed it, simply has no step.
 */
import { FORWARD, type Hook, INPUT, OUTPUT, POSTROUTING, PREROUTING, type TableName } from "../packet/hook.ts";

/** A table's chain is walked; or one of the three things that conntrack registers. `nat` wraps its table's chain. */
export type StepName = TableName | "defrag" | "conntrack" | "confirm";

export interface HookStep {
  readonly priority: number;
  readonly step: StepName;
  readonly hooks: readonly Hook[];
}

/** In order of priority. */
export const HOOK_TABLE: readonly HookStep[] = [
  { priority: -400, step: "defrag", hooks: [PREROUTING, OUTPUT] },
  { priority: -300, step: "raw", hooks: [PREROUTING, OUTPUT] },
  { priority: -200, step: "conntrack", hooks: [PREROUTING, OUTPUT] },
  { priority: -150, step: "mangle", hooks: [PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING] },
  // Destinations are translated before the routing decision, sources after it.
  { priority: -100, step: "nat", hooks: [PREROUTING, OUTPUT] },
  { priority: 0, step: "filter", hooks: [INPUT, FORWARD, OUTPUT] },
  { priority: 50, step: "security", hooks: [INPUT, FORWARD, OUTPUT] },
  { priority: 100, step: "nat", hooks: [INPUT, POSTROUTING] },
  // A connection enters the table when its first packet is about to leave or to be delivered.
  { priority: 0x7fffffff, step: "confirm", hooks: [INPUT, POSTROUTING] },
];

/** The steps of one hook, in order. */
export function stepsAt(hook: Hook): StepName[] {
  return HOOK_TABLE.filter((row) => row.hooks.includes(hook)).map((row) => row.step);
}

/** The hooks at which a table has a base chain. */
export function hooksOf(table: TableName): Hook[] {
  const hooks = HOOK_TABLE.filter((row) => row.step === table).flatMap((row) => row.hooks);
  return hooks.sort((a, b) => a - b);
}
