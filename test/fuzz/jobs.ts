/** A family in processes of its own, each with a part of the seeds: a process asks one kernel, from one processor. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** What came of a family. */
export interface Row {
  readonly family: string;
  readonly scenarios: number;
  readonly packets: number;
  readonly identical: number;
  readonly seconds: number;
  /** What else is to be said of it: a number for each sentence. */
  readonly notes?: Readonly<Record<string, number>>;
}

export interface Part {
  readonly family: string;
  readonly seed: number;
  readonly runs: number;
}

/** Runs dist/fuzz.mjs `jobs` times at once; the sum of their rows, or null where the kernel can't be asked. */
export async function inJobs(jobs: number, whole: Part, options: readonly string[]): Promise<Row | null> {
  const each = Math.ceil(whole.runs / jobs);
  const parts = Array.from({ length: jobs }, (_, i) => ({
    family: whole.family,
    seed: whole.seed + i * each,
    runs: Math.min(each, whole.runs - i * each),
  }));
  const rows = await Promise.all(parts.filter(({ runs }) => runs > 0).map((part) => inProcess(part, options)));
  return rows.reduce(together);
}

function together(a: Row | null, b: Row | null): Row | null {
  if (a === null || b === null) return null;
  const sum = (key: "scenarios" | "packets" | "identical") => a[key] + b[key];
  return {
    family: a.family,
    scenarios: sum("scenarios"),
    packets: sum("packets"),
    identical: sum("identical"),
    seconds: Math.max(a.seconds, b.seconds),
    ...(a.notes === undefined || b.notes === undefined ? {} : { notes: sums(a.notes, b.notes) }),
  };
}

function sums(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [sentence, count] of Object.entries(b)) sum[sentence] = (sum[sentence] ?? 0) + count;
  return sum;
}

/** One process; what it says beside its row is passed on. */
async function inProcess({ family, seed, runs }: Part, options: readonly string[]): Promise<Row | null> {
  const args = ["dist/fuzz.mjs", "--family", family, "--seed", `${seed}`, "--runs", `${runs}`, "--json", ...options];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let row: Row | null = null;
  let skipped = false;
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('{"family"')) row = JSON.parse(line) as Row;
    else if (line.startsWith("skipped: ")) skipped = true;
    else if (!/^\d+ passed, \d+ failed$/.test(line)) console.log(line);
  }
  if (row === null && !skipped) throw new Error(`the family ${family} ended without a result`);
  return row;
}

/** `tcp: 300 scenarios, …`, and its notes. */
export function rowText({ family, scenarios, packets, identical, seconds, notes = {} }: Row): string {
  const rate =
    packets > 0 ? `${Math.round(packets / seconds)} packets/s` : `${Math.round(scenarios / seconds)} lines/s`;
  const row = `${family}: ${scenarios} scenarios, ${packets} packets, ${identical} identical, ${rate}`;
  return [row, ...noteLines(notes)].join("\n");
}

export function noteLines(notes: Readonly<Record<string, number>>): string[] {
  return Object.entries(notes).map(([sentence, count]) => `  ${count.toLocaleString("en")} ${sentence}`);
}
