/**
 * Differential fuzzing: seeded scenarios through the twin and the running kernel, answers compared.
 *
 *     npm run fuzz -- --family tcp --seed 7 --runs 1000                              short scenarios
 *     npm run fuzz -- --family tcp --seed 7 --runs 1000 --packets 800 --jobs 2       long ones: some thousand packets a second
 *     npm run fuzz -- --captures FOLDER [--captures FOLDER …] [--packets N]          real traffic: captures x rulesets
 *
 * A scenario in which they differ is shrunk and written to test/recorded/ as a case. Needs root and Linux. Ends with
 * `N passed, N failed`: scenarios in which the engines agree, and not.
 */
import { parseArgs } from "node:util";
import { KernelUnavailable, SystemCalls } from "../../src/kernel/system-calls.ts";
import { CAPTURES, CaptureScenarios } from "../captures/scenarios.ts";
import { disagreements, type NamedScenario, report } from "./ask.ts";
import { Dice } from "./dice.ts";
import { FAMILIES } from "./families.ts";
import { inJobs, type Part, type Row, rowText } from "./jobs.ts";
import { fuzzLanguage } from "./language.ts";

const { values } = parseArgs({
  options: {
    family: { type: "string", multiple: true },
    /** Instead of families, or as the family "captures": the captures in these folders. */
    captures: { type: "string", multiple: true, default: [] },
    /** The first seed; of captures the number of the first file. */
    seed: { type: "string", default: "1" },
    /** So many scenarios, 100 if nothing is said; of captures so many files, all of them if nothing is said. */
    runs: { type: "string" },
    /**
     * How long a scenario goes on: rounds of conversations until there are this many packets. 0: one round. Of a capture
     * the first ones, 0: all.
     */
    packets: { type: "string", default: "0" },
    /** Where shrunken failures are written; "" writes none. If nothing is said those of captures, which belong to others, are not. */
    record: { type: "string" },
    /** Stop after this many failures. */
    failures: { type: "string", default: "5" },
    shrink: { type: "string", default: "yes" },
    /** So many processes share the seeds. */
    jobs: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});

/** Rule lines instead of scenarios: compared with the tools, not with the kernel. */
const LANGUAGE = "language";

const names = values.family ?? (values.captures.length > 0 ? [CAPTURES] : [...Object.keys(FAMILIES), LANGUAGE]);
const captures = new CaptureScenarios(values.captures, Number(values.packets) || Number.POSITIVE_INFINITY);
const total = { passed: 0, failed: 0 };
try {
  for (const name of names) {
    const part = partOf(name);
    if (Number(values.jobs) > 1) await share(part);
    else if (name === LANGUAGE) language(part);
    else await fuzz(part, name === CAPTURES ? captures.of(part) : seeded(part));
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof KernelUnavailable)) throw error;
  console.log(`skipped: ${error.message}`);
}

/** What is asked of a family. */
function partOf(family: string): Part {
  const usual = family === CAPTURES ? captures.files.length : 100;
  return { family, seed: Number(values.seed), runs: Number(values.runs ?? usual) };
}

/** The part in several processes. */
async function share(part: Part): Promise<void> {
  const { packets, record, failures, shrink } = values;
  const options = Object.entries({ packets, record, failures, shrink })
    .filter(([, value]) => value !== undefined)
    .flatMap(([key, value]) => [`--${key}`, `${value}`]);
  for (const folder of values.captures) options.push("--captures", folder);
  const row = await inJobs(Number(values.jobs), part, options);
  if (row === null) throw new KernelUnavailable("the comparison needs Linux and root");
  tell(row);
}

function* seeded({ family, seed: first, runs }: Part): Generator<NamedScenario> {
  const make = FAMILIES[family];
  if (make === undefined)
    throw new Error(`no family ${family}; there are ${[...Object.keys(FAMILIES), LANGUAGE, CAPTURES].join(", ")}`);
  for (let seed = first; seed < first + runs; seed++)
    yield { title: `${family} seed ${seed}`, scenario: make(new Dice(seed, Number(values.packets))) };
}

async function fuzz(
  { family }: Part,
  scenarios: Iterable<NamedScenario> | AsyncIterable<NamedScenario>,
): Promise<void> {
  const started = performance.now();
  const count = { done: 0, packets: 0, identical: 0 };
  for await (const { title, scenario } of scenarios) {
    count.packets += scenario.events.length;
    count.done++;
    const found = disagreements(title, scenario);
    if (found.length === 0) count.identical++;
    else report({ title, scenario, found }, values.shrink !== "no", caseFolder(family, title));
    if (count.done - count.identical >= Number(values.failures)) break;
  }
  finish(family, count, started);
}

/** Where a failure is kept; null: nowhere. */
function caseFolder(family: string, title: string): string | null {
  const folder = values.record ?? (family === CAPTURES ? "" : "test/recorded");
  return folder === "" ? null : `${folder}/fuzz-${title.replace(" seed ", "-").replace(/[^\w.]+/g, "-")}`;
}

function language({ family, seed, runs }: Part): void {
  const started = performance.now();
  const calls = new SystemCalls();
  const { runs: done, identical } = fuzzLanguage(
    (seed) => new Dice(seed),
    seed,
    runs,
    Number(values.failures),
    () => calls.enterEmptyNetwork(),
  );
  finish(family, { done, packets: 0, identical }, started);
}

function finish(family: string, count: { done: number; packets: number; identical: number }, started: number): void {
  const { done, packets, identical } = count;
  const seconds = (performance.now() - started) / 1000;
  const notes = family === CAPTURES ? { notes: captures.notes } : {};
  tell({ family, scenarios: done, packets, identical, seconds, ...notes });
}

/** Prints the family's row, and counts it in the total. */
function tell(row: Row): void {
  total.passed += row.identical;
  total.failed += row.scenarios - row.identical;
  console.log(values.json ? JSON.stringify(row) : rowText(row));
}
