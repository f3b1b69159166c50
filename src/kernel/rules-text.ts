/** Rules as the text that the kernel's tools read, and what both engines take from that text. */
import type { Family, TableName } from "../packet/hook.ts";
import { registry } from "../registry.ts";
import { isSaveText } from "../rules/commands.ts";
import { printRule, printSave } from "../rules/print.ts";
import type { Destination, Ruleset } from "../rules/ruleset.ts";

/**
 * Does every chain line of iptables-save text have counters? Then they are taken over, as by `iptables-restore -c`,
 * which refuses a chain without them.
 */
export function isCounted(text: string): boolean {
  const chains = text.match(/^:.*$/gm) ?? [];
  return chains.length > 0 && chains.every((line) => /^:\S+\s+\S+\s+\[\d+:\d+\]\s*$/.test(line));
}

/** What iptables-legacy-restore is given: the text itself, or what its commands came to. */
export function restoreText(text: string, ruleset: Ruleset): string {
  return isSaveText(text) ? text : printSave(ruleset, registry, { counters: true });
}

/** What the steps of a kernel's trace say of a rule: its text, and its target. */
export function ruleWords(
  ruleset: Ruleset | null,
  at: { readonly table: TableName; readonly chain: string; readonly rule: number },
  family: Family,
): { readonly text: string; readonly does: string } {
  const table = ruleset?.tables.find(({ name }) => name === at.table);
  const rule = table?.chains.find(({ name }) => name === at.chain)?.rules[at.rule - 1];
  if (rule === undefined) return { text: "", does: "matched" };
  return { text: printRule(rule, family, registry).trim(), does: doing(rule.target) };
}

function doing(target: Destination | null): string {
  if (target === null) return "counts";
  return target.kind === "target" ? target.use.name : `${target.kind} ${target.chain}`;
}
