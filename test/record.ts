/**
 * Asks the running kernel again what test/recorded/ says it answered.
 *
 *     npm run record                 writes every answer anew, and those that are missing (root, Linux)
 *     npm run record -- --check      writes nothing; fails where the kernel now answers otherwise
 *     npm run record -- NAME …       only these
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { askKernel, differences, isCertain } from "../src/kernel/compare.ts";
import { readRecording, writeAnswer } from "../src/kernel/recording.ts";
import type { Answer, Scenario } from "../src/kernel/scenario.ts";
import { KernelUnavailable } from "../src/kernel/system-calls.ts";

const FOLDER = "test/recorded";
/** So often at most a scenario is asked until no tick comes in the midst of a packet. */
const MOST_ASKED = 10;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: "boolean", default: false } },
});
const names = positionals.length > 0 ? positionals : readdirSync(FOLDER).sort();
let failed = 0;
try {
  for (const name of names) if (!again(name)) failed++;
  console.log(`${names.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof KernelUnavailable)) throw error;
  console.log(`skipped: ${error.message}`);
}

function askBetweenTicks(scenario: Scenario): Answer {
  let answer = askKernel(scenario);
  for (let asked = 1; asked < MOST_ASKED && !isCertain(answer, []); asked++) answer = askKernel(scenario);
  return answer;
}

function again(name: string): boolean {
  const path = (file: string) => `${FOLDER}/${name}/${file}`;
  const recorded = existsSync(path("kernel.txt")) ? readFileSync(path("kernel.txt"), "utf8") : "";
  const { scenario, answer } = readRecording(readFileSync(path("scenario.txt"), "utf8"), recorded);
  if (!values.check) {
    writeFileSync(path("kernel.txt"), writeAnswer(askBetweenTicks(scenario)));
    return true;
  }
  // Dice fall anew each time: what may differ is compared by the twin (recorded.test.ts), the rest here.
  const changes = () =>
    differences(answer, askKernel(scenario)).filter(
      ({ what }) => what === "state" || what === "verdict" || what === "path" || what === "trace",
    );
  // A machine that is busy may let a limit's second pass between two packets: once is no change.
  const changed = changes().length > 0 ? changes() : [];
  for (const { event, what, kernel, twin } of changed)
    console.log(`${name}, packet ${event}, ${what}: recorded ${kernel}, now ${twin}`);
  return changed.length === 0;
}
