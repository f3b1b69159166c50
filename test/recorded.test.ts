/**
 * What the kernel answered, replayed without it: every folder of test/recorded/ holds a scenario and the kernel's
 * recorded answer; the twin must give the same, by the kernel's clock and with the kernel's dice.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import test from "ava";
import { askTwin, differences } from "../src/kernel/compare.ts";
import { readRecording } from "../src/kernel/recording.ts";

const FOLDER = "test/recorded";
const names = existsSync(FOLDER) ? readdirSync(FOLDER).sort() : [];

for (const name of names)
  test(name, (t) => {
    const { scenario, answer, about } = readRecording(
      readFileSync(`${FOLDER}/${name}/scenario.txt`, "utf8"),
      readFileSync(`${FOLDER}/${name}/kernel.txt`, "utf8"),
    );
    t.not(about, "");
    t.deepEqual(differences(answer, askTwin(scenario, answer)), []);
  });

test("there are recordings", (t) => t.true(names.length > 0));
