/**
 * A replay in numbers: packets by verdict, state and path, rule counters, connections.
 */

import type { Tally } from "../flow/tally.ts";
import type { Outcome } from "../path/firewall.ts";
import { PATH_NAMES, STATE_NAMES, VERDICT_NAMES } from "../path/firewall.ts";
import { count, grouped, type Paint, paintState, paintVerdict } from "./paint.ts";

/** Totals by verdict, state and path. */
export function totalLines(tally: Tally, paint: Paint): string[] {
  const span = tally.packets > 1 ? ` in ${spanText(tally.seconds)} of traffic` : "";
  const left = tally.emitted === 0 ? "none" : count(tally.emitted, "packet");
  const lines = [`${paint.strong(count(tally.packets, "packet"))}${span}, ${left} left the host`];
  const row = (name: string, values: readonly [string, number, (text: string) => string][]) => {
    const some = values.filter(([, n]) => n > 0).map(([what, n, painted]) => `${painted(what)} ${grouped(n)}`);
    if (some.length > 0) lines.push(`  ${name.padEnd(8)} ${some.join("   ")}`);
  };
  row(
    "verdict",
    ["ACCEPT", "DROP", "REJECT", "QUEUED"].map((name) => [
      name,
      tally.verdicts[VERDICT_NAMES.indexOf(name as Outcome["verdict"])],
      (text) => paintVerdict(name, text, paint),
    ]),
  );
  row(
    "state",
    STATE_NAMES.map((name, i) => [name ?? "none", tally.states[i], (text) => paintState(name ?? "", text, paint)]),
  );
  row(
    "path",
    PATH_NAMES.map((name, i) => [name, tally.paths[i], (text) => text]),
  );
  row("not IP", [["", tally.notIp, (text) => text]]);
  return lines;
}

/** The same as one JSON object. */
export function totalJson(tally: Tally): string {
  return JSON.stringify(tally.totals());
}

function spanText(seconds: number): string {
  if (seconds < 120) return `${Number(seconds.toFixed(3))} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

interface Counted {
  packets: number;
  bytes: number;
}

interface RuleLine extends Counted {
  readonly number: number;
  readonly text: string;
}

interface ChainLines extends Counted {
  readonly name: string;
  /** `DROP`, or null in a user chain. */
  readonly policy: string | null;
  readonly rules: RuleLine[];
}

interface SavedTable {
  readonly table: string;
  readonly chains: ChainLines[];
}

/**
 * Rules that saw packets, by table and chain, from `iptables-save -c` text; `before` is the same rules' text from which
 * counting began.
 */
export function counterLines(saved: string, paint: Paint, before = ""): string[] {
  const lines: string[] = [];
  const tables = savedTables(saved);
  subtract(tables, savedTables(before));
  for (const { table, chains } of tables)
    for (const chain of chains) {
      const seen = chain.rules.filter((rule) => rule.packets > 0);
      // An empty chain that lets everything pass is not worth a line.
      if (seen.length === 0 && (chain.packets === 0 || (chain.rules.length === 0 && chain.policy === "ACCEPT")))
        continue;
      const policy =
        chain.policy === null
          ? ""
          : ` (policy ${paintVerdict(chain.policy, chain.policy, paint)}${policyCount(chain)})`;
      const silent = chain.rules.length - seen.length;
      const rest = silent === 0 ? "" : paint.dim(`  ${count(silent, "rule")} matched nothing`);
      lines.push(`  ${paint.name(`${table} ${chain.name}`)}${policy}${rest}`);
      for (const { number, packets, bytes, text } of seen)
        lines.push(
          `${String(number).padStart(6)}  ${grouped(packets).padStart(9)}  ${grouped(bytes).padStart(12)}  ${text}`,
        );
    }
  return lines;
}

function subtract(tables: readonly SavedTable[], before: readonly SavedTable[]): void {
  const less = (counted: Counted, by: Counted | undefined) => {
    counted.packets -= by?.packets ?? 0;
    counted.bytes -= by?.bytes ?? 0;
  };
  for (const { table, chains } of tables)
    for (const chain of chains) {
      const was = before.find((t) => t.table === table)?.chains.find(({ name }) => name === chain.name);
      less(chain, was);
      for (const [i, rule] of chain.rules.entries()) less(rule, was?.rules[i]);
    }
}

function policyCount(chain: ChainLines): string {
  return chain.packets === 0 ? "" : `: ${count(chain.packets, "packet")}, ${count(chain.bytes, "byte")}`;
}

function savedTables(saved: string): SavedTable[] {
  const tables: SavedTable[] = [];
  let byName = new Map<string, ChainLines>();
  for (const line of saved.split("\n")) {
    if (line.startsWith("*")) {
      byName = new Map();
      tables.push({ table: line.slice(1), chains: [] });
      continue;
    }
    const chain = line.match(/^:(\S+) (\S+) \[(\d+):(\d+)\]$/);
    if (chain !== null) {
      const [, name, policy, packets, bytes] = chain;
      const made = {
        name,
        policy: policy === "-" ? null : policy,
        packets: Number(packets),
        bytes: Number(bytes),
        rules: [],
      };
      byName.set(name, made);
      tables.at(-1)?.chains.push(made);
      continue;
    }
    const rule = line.match(/^\[(\d+):(\d+)\] -A (\S+)(?: (.*))?$/);
    const rules = rule === null ? undefined : byName.get(rule[3])?.rules;
    if (rule === null || rules === undefined) continue;
    rules.push({ number: rules.length + 1, packets: Number(rule[1]), bytes: Number(rule[2]), text: rule[4] ?? "" });
  }
  return tables;
}

/** At most `most` connections, and how many more there are. */
export function connectionLines(connections: readonly string[], most: number): string[] {
  const lines = connections.slice(0, most).map((line) => `  ${line}`);
  if (connections.length > most) lines.push(`  … and ${count(connections.length - most, "connection")} more`);
  return lines;
}
