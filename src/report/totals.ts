/**
 * A replay in numbers: packets by verdict, state and path, rule counters, connections.
 */

import type { Outcome } from "../path/firewall.ts";
import { PATH_NAMES, STATE_NAMES, VERDICT_NAMES } from "../path/firewall.ts";
import { count, grouped, type Paint, paintState, paintVerdict } from "./paint.ts";

/** Counts of outcomes, in numbers so that counting a packet allocates nothing. */
export class Tally {
  packets = 0;
  bytes = 0;
  notIp = 0;
  emitted = 0;
  readonly verdicts = new Float64Array(VERDICT_NAMES.length);
  readonly states = new Float64Array(STATE_NAMES.length);
  readonly paths = new Float64Array(PATH_NAMES.length);
  first = Number.POSITIVE_INFINITY;
  last = Number.NEGATIVE_INFINITY;

  /** `verdict`, `state` and `path` are indexes of the three lists of names. */
  add(time: number, bytes: number, verdict: number, state: number, path: number, emitted: number): void {
    this.#at(time);
    this.bytes += bytes;
    this.emitted += emitted;
    this.verdicts[verdict]++;
    this.states[state]++;
    this.paths[path]++;
  }

  addOutcome(time: number, bytes: number, outcome: Outcome): void {
    const state = STATE_NAMES.indexOf(outcome.state);
    const path = PATH_NAMES.indexOf(outcome.path);
    this.add(time, bytes, VERDICT_NAMES.indexOf(outcome.verdict), state, path, outcome.out.length);
  }

  addNotIp(time: number): void {
    this.#at(time);
    this.notIp++;
  }

  /** So many packets that differ in nothing but their time and length, `bytes` in all. */
  addMany(packets: number, bytes: number, verdict: number, state: number, path: number, emitted: number): void {
    this.packets += packets;
    this.bytes += bytes;
    this.emitted += emitted;
    this.verdicts[verdict] += packets;
    this.states[state] += packets;
    this.paths[path] += packets;
  }

  /** There were packets from one time to another. */
  addSpan(first: number, last: number): void {
    this.#reach(first);
    this.#reach(last);
  }

  #at(time: number): void {
    this.#reach(time);
    this.packets++;
  }

  #reach(time: number): void {
    if (time < this.first) this.first = time;
    if (time > this.last) this.last = time;
  }

  /** Seconds from the earliest to the latest packet. */
  get seconds(): number {
    return this.packets === 0 ? 0 : (this.last - this.first) / 1e6;
  }
}

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
  const named = (names: readonly (string | null)[], counts: Float64Array) =>
    Object.fromEntries(names.map((name, i) => [name ?? "none", counts[i]]));
  return JSON.stringify({
    packets: tally.packets,
    bytes: tally.bytes,
    notIp: tally.notIp,
    emitted: tally.emitted,
    verdicts: named(VERDICT_NAMES, tally.verdicts),
    states: named(STATE_NAMES, tally.states),
    paths: named(PATH_NAMES, tally.paths),
  });
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
