/** One scenario in both engines: asked again before it is believed that they differ, shrunk, told, and kept. */
import { mkdirSync, writeFileSync } from "node:fs";
import { type Difference, isCertain, type Thoroughness, verify } from "../../src/kernel/compare.ts";
import { NetworkPool } from "../../src/kernel/network-pool.ts";
import { writeAnswer, writeScenario } from "../../src/kernel/recording.ts";
import type { Answer, Scenario } from "../../src/kernel/scenario.ts";
import { shrink } from "../../src/kernel/shrink.ts";
import { KernelUnavailable } from "../../src/kernel/system-calls.ts";

/** How a difference begins that is a mistake of the program. */
const THROWN = "thrown: ";

/** So often must a difference come again: some of what the kernel does in the background comes when it comes. */
const REPEATS = 3;

/** So often at most a scenario is asked in which a tick came in the midst of a packet before the difference. */
const MOST_ASKED = 12;

const pool = new NetworkPool();

export interface NamedScenario {
  /** What it is called in the report: `tcp seed 7`. */
  readonly title: string;
  readonly scenario: Scenario;
}

export interface Failing extends NamedScenario {
  readonly found: readonly Difference[];
}

/** In what the engines differ, each time that they are asked; `title` is for a word about what did not come again. */
export function disagreements(title: string, scenario: Scenario): Difference[] {
  const { found: first, certain } = attempt(scenario, "quick");
  if (first.length === 0) return [];
  // Asked anew: a timeout or a token of a limit may have fallen on the other side of a tick. A mistake comes again.
  const found = againAndAgain(scenario);
  if (found.length > 0) return found;
  const why = certain ? "and not again" : "where a tick came in the midst of a packet";
  console.log(`${title}: differed once, ${why}${linesOf(first.slice(0, 1))}`);
  return [];
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

/** Differences, or one that says what was thrown: a twin that throws differs from any kernel. */
function attempt(scenario: Scenario, how: Thoroughness): { found: Difference[]; certain: boolean } {
  try {
    const { kernel, differences } = verify(scenario, how, how === "quick" ? pool : null);
    return { found: differences, certain: isCertain(kernel, differences) };
  } catch (error) {
    if (error instanceof KernelUnavailable) throw error;
    const twin = THROWN + (error as Error).stack;
    return { found: [{ event: 0, what: "out", kernel: "an answer", twin }], certain: true };
  }
}

/** Tells how the engines differ; `folder`: where the case is kept, null keeps none. */
export function report({ title, scenario, found }: Failing, shrinks: boolean, folder: string | null): void {
  const what = found[0].what;
  const thrown = found[0].twin.startsWith(THROWN);
  const fails = (candidate: Scenario) => verify(candidate).differences.some((d) => d.what === what);
  const small = thrown || !shrinks ? scenario : shrink(untilFirst(scenario, found), fails);
  const again = attempt(small, "thorough").found;
  const shown = again.length > 0 ? again : found;
  console.log(`${title}: ${found.length} differences${linesOf(shown.slice(0, 4))}`);
  const answer = folder === null ? null : answerOrNull(small);
  if (folder === null || answer === null) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/scenario.txt`, writeScenario(`Found by ${title}: ${what}.`, small));
  writeFileSync(`${folder}/kernel.txt`, writeAnswer(answer));
  console.log(`  kept in ${folder}`);
}

/** Without the packets after the first difference. */
function untilFirst(scenario: Scenario, found: readonly Difference[]): Scenario {
  const { event } = found[0];
  return event === 0 ? scenario : { ...scenario, events: scenario.events.slice(0, event) };
}

function answerOrNull(scenario: Scenario): Answer | null {
  try {
    return verify(scenario).kernel;
  } catch {
    return null;
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
