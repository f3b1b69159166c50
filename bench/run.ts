/**
 * The benchmarks: packets a second, memory per connection and load time of the twin, and, where there are root and a
 * kernel to ask, the ratio to the kernel with the same rules and packets in the same run.
 *
 *     npm run bench                      all of it (about two minutes)
 *     npm run bench -- --packets 200000  shorter
 *     npm run bench -- --only w1,wn      of the workloads only these; load: only how long rules take to load
 *
 * Each figure is taken in a process of its own, twin and kernel in turn, and the median of --rounds is shown.
 * Absolute figures differ between machines and hours; the ratios are what counts.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type KernelFigure, measureKernel } from "./kernel.ts";
import { type LoadFigure, measureLoad, measureRestore } from "./load.ts";
import { type RulesetKind, rulesetText } from "./rulesets.ts";
import { measureTwin, type TwinFigure } from "./twin.ts";
import { type WorkloadName, writeWorkload } from "./workloads.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    packets: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    /** Append the figures to bench/history.jsonl. */
    keep: { type: "boolean", default: false },
  },
});

interface Case {
  readonly name: string;
  readonly workload: WorkloadName;
  readonly rules: number;
  readonly kind: RulesetKind;
  /** The ratio to the kernel (gross, and less its floor) that the project wants. */
  readonly goal: number;
  readonly goalLessFloor?: number;
}

const CASES: readonly Case[] = [
  { name: "w1 TCP, 10 rules", workload: "w1", rules: 10, kind: "last", goal: 12, goalLessFloor: 5 },
  { name: "w1 TCP, 1,000 rules", workload: "w1", rules: 1000, kind: "last", goal: 30 },
  { name: "w1 TCP, 10,000 rules", workload: "w1", rules: 10000, kind: "last", goal: 200 },
  { name: "w2 UDP, 10 rules", workload: "w2", rules: 10, kind: "last", goal: 13 },
  { name: "w3 SYNs, 10 rules", workload: "w3", rules: 10, kind: "last", goal: 8 },
  { name: "w4 mix, 10 rules", workload: "w4", rules: 10, kind: "last", goal: 13 },
  { name: "wn NAT, 10 rules", workload: "wn", rules: 10, kind: "nat", goal: 12 },
];

/** Loading: rules, and the time that the project allows itself, in times of what iptables-legacy-restore needs. */
const LOADS: readonly { readonly rules: number; readonly kind: RulesetKind; readonly goal: number }[] = [
  { rules: 10000, kind: "last", goal: 2 },
  { rules: 10000, kind: "nat", goal: 2 },
  { rules: 10000, kind: "mixed", goal: 2 },
  { rules: 10000, kind: "services", goal: 2 },
  { rules: 100000, kind: "last", goal: 2 },
];

/** Loading is over in a moment, which other work on the machine spoils easily: so many rounds at least. */
const LOAD_ROUNDS = 7;

type Engine = "twin" | "kernel" | "floor" | "load" | "restore";

const packets = Number(values.packets);
if (positionals[0] === "one")
  one(positionals[1] as Engine, positionals[2] as WorkloadName, Number(positionals[3]), positionals[4] as RulesetKind);
else all();

/** In the process of one figure. */
function one(engine: Engine, workload: WorkloadName, rules: number, kind: RulesetKind): void {
  const text = rulesetText(rules, kind);
  if (engine === "load" || engine === "restore") {
    console.log(JSON.stringify(engine === "load" ? measureLoad(text) : measureRestore(text)));
    return;
  }
  const file = capture(workload);
  // The kernel is slow with many rules: a part of the packets says enough.
  const most = rules > 1000 ? packets / 10 : packets;
  const figure =
    engine === "twin" ? measureTwin(file, text) : measureKernel(file, engine === "floor" ? null : text, most);
  console.log(JSON.stringify(figure));
}

function all(): void {
  const chosen = CASES.filter(({ workload }) => values.only === undefined || values.only.split(",").includes(workload));
  const withKernel = process.getuid?.() === 0 && existsSync("/dev/net/tun");
  if (!withKernel) console.log("No root or no /dev/net/tun here: the twin alone, no ratios.");
  console.log(
    `${cpus()[0].model}, Node ${process.version}, ${packets.toLocaleString("en")} packets, median of ${values.rounds}`,
  );
  console.log(
    "                        twin ns (cold, read)   Mpps   kernel ns  floor    ratio  goal   less floor  goal   B/conn   RSS MB  load ms",
  );
  for (const one of chosen) show(one, withKernel);
  if (values.only === undefined || values.only.split(",").includes("load"))
    for (const one of LOADS) load(one, withKernel);
}

/** How long rules take to load, in fresh processes, both in turn: the median, and the least, to which other work on the machine adds nothing. */
function load({ rules, kind, goal }: (typeof LOADS)[number], withKernel: boolean): void {
  const twins: number[] = [];
  const kernels: number[] = [];
  for (let round = 0; round < Math.max(LOAD_ROUNDS, Number(values.rounds)); round++) {
    twins.push((figureOf("load", "w1", rules, kind) as LoadFigure).ms);
    if (withKernel) kernels.push((figureOf("restore", "w1", rules, kind) as LoadFigure).ms);
  }
  const [twin, twinLeast] = medianAndLeast(twins);
  const row: Record<string, unknown> = { at: new Date().toISOString(), name: `load ${rules} rules, ${kind}`, twin };
  let line = `load ${rules.toLocaleString("en")} rules (${kind}): ${twin.toFixed(0)} ms (least ${twinLeast.toFixed(0)})`;
  if (withKernel) {
    const [kernel, kernelLeast] = medianAndLeast(kernels);
    Object.assign(row, { twinLeast, kernel, kernelLeast, ratio: twin / kernel });
    const least = (twinLeast / kernelLeast).toFixed(2);
    line += `, iptables-legacy-restore ${kernel.toFixed(0)} ms (${kernelLeast.toFixed(0)}): ${(twin / kernel).toFixed(2)}× (${least}×), goal ≤${goal}×`;
  }
  console.log(line);
  if (values.keep) appendFileSync("bench/history.jsonl", `${JSON.stringify(row)}\n`);
}

function medianAndLeast(figures: readonly number[]): [median: number, least: number] {
  const sorted = [...figures].sort((a, b) => a - b);
  return [sorted[sorted.length >> 1], sorted[0]];
}

function show(c: Case, withKernel: boolean): void {
  const twins: TwinFigure[] = [];
  const kernels: KernelFigure[] = [];
  const floors: KernelFigure[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    twins.push(child("twin", c) as TwinFigure);
    if (!withKernel) continue;
    kernels.push(child("kernel", c) as KernelFigure);
    floors.push(child("floor", c) as KernelFigure);
  }
  const twin = middle(twins);
  const cells = [
    c.name.padEnd(22),
    num(twin.ns, 6),
    `(${twin.coldNs.toFixed(0)}, ${twin.readNs.toFixed(0)})`.padStart(12),
    (1000 / twin.ns).toFixed(2).padStart(9),
  ];
  const row: Record<string, unknown> = { at: new Date().toISOString(), name: c.name, packets, twin };
  if (withKernel) {
    const [kernel, floor] = [middle(kernels), middle(floors)];
    const [ratio, less] = [kernel.ns / twin.ns, (kernel.ns - floor.ns) / twin.ns];
    const lessGoal = c.goalLessFloor === undefined ? "    -" : `≥${c.goalLessFloor}×`.padStart(5);
    cells.push(
      num(kernel.ns, 10),
      num(floor.ns, 7),
      `${ratio.toFixed(1)}×`.padStart(8),
      `≥${c.goal}×`.padStart(5),
      `${less.toFixed(1)}×`.padStart(10),
      lessGoal,
    );
    Object.assign(row, { kernel, floor, ratio, less });
  }
  cells.push(num(twin.bytesPerConnection, 8), num(twin.rss / 1e6, 8), num(twin.loadMs, 8));
  console.log(cells.join(" "));
  if (values.keep) appendFileSync("bench/history.jsonl", `${JSON.stringify(row)}\n`);
}

function num(value: number, width: number): string {
  return value.toFixed(0).padStart(width);
}

function middle<F extends { readonly ns: number }>(figures: readonly F[]): F {
  return [...figures].sort((a, b) => a.ns - b.ns)[figures.length >> 1];
}

function child(engine: "twin" | "kernel" | "floor", c: Case): TwinFigure | KernelFigure {
  capture(c.workload);
  return figureOf(engine, c.workload, c.rules, c.kind) as TwinFigure | KernelFigure;
}

function figureOf(engine: Engine, workload: WorkloadName, rules: number, kind: RulesetKind): unknown {
  const script = fileURLToPath(import.meta.url);
  const args = ["--expose-gc", script, "--packets", String(packets), "one", engine, workload, String(rules), kind];
  const result = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (result.status !== 0) throw new Error(`${engine} ${workload}, ${rules} rules: ${result.stderr}`);
  return JSON.parse(result.stdout.trim().split("\n").at(-1)!);
}

/** The workload's capture, made once. */
function capture(workload: WorkloadName): string {
  const folder = `${tmpdir()}/firetwin-bench`;
  mkdirSync(folder, { recursive: true });
  const file = `${folder}/${workload}-${packets}.pcap`;
  if (!existsSync(file)) writeWorkload(workload, file, packets);
  return file;
}
