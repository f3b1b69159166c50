/**
 * Differential fuzzing: seeded scenarios through the twin and the running kernel, answers compared.
 *
 *     npm run fuzz -- --family tcp --seed 7 --runs 1000                              short scenarios
 *     npm run fuzz -- --family tcp --seed 7 --runs 1000 --packets 800 --jobs 2       long ones: some thousand packets a second
 *
 * A scenario in which they differ is shrunk and written to test/recorded/ as a case. Needs root and Linux. Ends with
 * `N passed, N failed`: scenarios in which the engines agree, and not.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Difference, isCertain, type Thoroughness, verify } from "../../src/kernel/compare.ts";
import { NetworkPool } from "../../src/kernel/network-pool.ts";
import { writeAnswer, writeScenario } from "../../src/kernel/recording.ts";
import type { Scenario } from "../../src/kernel/scenario.ts";
import { shrink } from "../../src/kernel/shrink.ts";
import { KernelUnavailable, SystemCalls } from "../../src/kernel/system-calls.ts";
import { Dice } from "./dice.ts";
import { FAMILIES } from "./families.ts";
import { inJobs, type Row, rowText } from "./jobs.ts";
import { fuzzLanguage } from "./language.ts";

const { values } = parseArgs({
  options: {
    family: { type: "string", multiple: true },
    seed: { type: "string", default: "1" },
    runs: { type: "string", default: "100" },
    /** How long a scenario goes on: rounds of conversations until there are this many packets. 0: one round. */
    packets: { type: "string", default: "0" },
    /** Where shrunken failures are written; "" writes none. */
    record: { type: "string", default: "test/recorded" },
    /** Stop after this many failures. */
    failures: { type: "string", default: "5" },
    shrink: { type: "string", default: "yes" },
    /** So many processes share the seeds. */
    jobs: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});

/** How a difference begins that is a mistake of the program. */
const THROWN = "thrown: ";

/** So often must a difference come again: some of what the kernel does in the background comes when it comes. */
const REPEATS = 3;

/** So often at most a scenario is asked in which a tick came in the midst of a packet before the difference. */
const MOST_ASKED = 12;

/** Rule lines instead of scenarios: compared with the tools, not with the kernel. */
const LANGUAGE = "language";

const pool = new NetworkPool();
const names = values.family ?? [...Object.keys(FAMILIES), LANGUAGE];
const total = { passed: 0, failed: 0 };
try {
  for (const name of names)
    if (Number(values.jobs) > 1) await share(name);
    else (name === LANGUAGE ? language : fuzz)(name, Number(values.seed), Number(values.runs));
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof KernelUnavailable)) throw error;
  console.log(`skipped: ${error.message}`);
}

/** The family in several processes. */
async function share(family: string): Promise<void> {
  const { seed, runs, packets, record, failures, shrink } = values;
  const options = Object.entries({ packets, record, failures, shrink }).flatMap(([key, value]) => [`--${key}`, value]);
  const row = await inJobs(Number(values.jobs), { family, seed: Number(seed), runs: Number(runs) }, options);
  if (row === null) throw new KernelUnavailable("the comparison needs Linux and root");
  tell(row);
}

function fuzz(family: string, firstSeed: number, runs: number): void {
  const make = FAMILIES[family];
  if (make === undefined)
    throw new Error(`no family ${family}; there are ${[...Object.keys(FAMILIES), LANGUAGE].join(", ")}`);
  const started = performance.now();
  let packets = 0;
  let failed = 0;
  let done = 0;
  for (let seed = firstSeed; seed < firstSeed + runs && failed < Number(values.failures); seed++, done++) {
    const scenario = make(new Dice(seed, Number(values.packets)));
    packets += scenario.events.length;
    const { found: first, certain } = attempt(scenario, "quick");
    if (first.length === 0) continue;
    // Asked anew: a timeout or a token of a limit may have fallen on the other side of a tick. A mistake comes again.
    const found = againAndAgain(scenario);
    if (found.length === 0) {
      const why = certain ? "and not again" : "where a tick came in the midst of a packet";
      console.log(`${family} seed ${seed}: differed once, ${why}${linesOf(first.slice(0, 1))}`);
      continue;
    }
    failed++;
    report(family, seed, scenario, found);
  }
  finish(family, { done, packets, identical: done - failed }, started);
}

/** What differs the last time, if something differs each time. */
function againAndAgain(scenario: Scenario): Difference[] {
  let last: Difference[] = [];
  for (let asked = 0, counted = 0; counted < REPEATS && asked < MOST_ASKED; asked++) {
    const { found, certain } = attempt(scenario, "thorough");
    if (found.length === 0) return found;
    if (certain) counted++;
    last = found;
  }
  return last;
}

function language(family: string, firstSeed: number, runs: number): void {
  const started = performance.now();
  const calls = new SystemCalls();
  const { runs: done, identical } = fuzzLanguage(
    (seed) => new Dice(seed),
    firstSeed,
    runs,
    Number(values.failures),
    () => calls.enterEmptyNetwork(),
  );
  finish(family, { done, packets: 0, identical }, started);
}

function finish(family: string, count: { done: number; packets: number; identical: number }, started: number): void {
  const { done, packets, identical } = count;
  tell({ family, scenarios: done, packets, identical, seconds: (performance.now() - started) / 1000 });
}

/** Prints the family's row, and counts it in the total. */
function tell(row: Row): void {
  total.passed += row.identical;
  total.failed += row.scenarios - row.identical;
  console.log(values.json ? JSON.stringify(row) : rowText(row));
}

/** Differences, or one that says what was thrown: a twin that throws differs from any kernel. */
function attempt(scenario: Scenario, how: Thoroughness): { found: Difference[]; certain: boolean } {
  try {
    const { kernel, differences } = verify(scenario, how, how === "quick" ? pool : null);
    return { found: differences, certain: isCertain(kernel, differences) };
  } catch (error) {
    if (error instanceof KernelUnavailable) throw error;
    const thrown = { event: 0, what: "out", kernel: "an answer", twin: THROWN + (error as Error).stack } as const;
    return { found: [thrown], certain: true };
  }
}

function report(family: string, seed: number, scenario: Scenario, found: readonly Difference[]): void {
  const what = found[0].what;
  const thrown = found[0].twin.startsWith(THROWN);
  const fails = (candidate: Scenario) => verify(candidate).differences.some((d) => d.what === what);
  const small = thrown || values.shrink === "no" ? scenario : shrink(untilFirst(scenario, found), fails);
  const { found: again } = attempt(small, "thorough");
  const { kernel } = verifyOrNull(small);
  console.log(
    `${family} seed ${seed}: ${found.length} differences${linesOf((again.length > 0 ? again : found).slice(0, 4))}`,
  );
  if (values.record === "" || kernel === null) return;
  const folder = `${values.record}/fuzz-${family}-${seed}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/scenario.txt`, writeScenario(`Found by fuzzing ${family}, seed ${seed}: ${what}.`, small));
  writeFileSync(`${folder}/kernel.txt`, writeAnswer(kernel));
  console.log(`  kept in ${folder}`);
}

/** Without the packets after the first difference. */
function untilFirst(scenario: Scenario, found: readonly Difference[]): Scenario {
  const { event } = found[0];
  return event === 0 ? scenario : { ...scenario, events: scenario.events.slice(0, event) };
}

function verifyOrNull(scenario: Scenario): { kernel: ReturnType<typeof verify>["kernel"] | null } {
  try {
    return verify(scenario);
  } catch {
    return { kernel: null };
  }
}

function linesOf(differences: readonly Difference[]): string {
  return differences
    .map((d) => `\n  packet ${d.event} ${d.what}\n    kernel ${indent(d.kernel)}\n    twin   ${indent(d.twin)}`)
    .join("");
}

function indent(text: string): string {
  return text.replaceAll("\n", "\n           ");
}
