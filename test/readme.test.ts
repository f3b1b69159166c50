/** README's examples do what it says. */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import test from "ava";
import { bundle } from "../scripts/constants.mjs";
import { loadHostFile } from "../src/cli/host-file.ts";
import { runCase } from "../src/flow/run.ts";
import { parseScript } from "../src/flow/script.ts";
import { TwinEngine } from "../src/flow/twin.ts";
import { Firewall, Host, loadRuleset } from "../src/index.ts";

const README = readFileSync("README.md", "utf8");
const HOME = "rulesets/home-router";

test("the test of a policy passes", async (t) => {
  const script = /\n {4}# a\.flow[\s\S]*?\n\n/.exec(README)![0].replace(/^ {4}/gm, "");
  const { script: parsed, mistakes } = parseScript(script, "README.md");
  t.deepEqual(mistakes, []);
  const host = new Host(loadHostFile(readFileSync(`${HOME}/host.yaml`, "utf8"), "host.yaml").config);
  const rules = loadRuleset(readFileSync(`${HOME}/rules.v4`, "utf8"));
  const engine = new TwinEngine(new Firewall({ rules, host }));
  const { checks } = await runCase(parsed.cases[0], engine, { macOf: () => null });
  t.true(checks.length > 5);
  t.deepEqual(
    checks.flatMap(({ failure }) => failure ?? []),
    [],
  );
});

test("the program prints what it says", async (t) => {
  const program = /```ts\n([\s\S]*?)```/.exec(README)![1];
  const [entry, outfile] = [`dist/readme-${process.pid}.ts`, `dist/readme-${process.pid}.mjs`];
  t.teardown(() => {
    for (const file of [entry, outfile, `${outfile}.map`]) rmSync(file, { force: true });
  });
  writeFileSync(entry, program);
  await bundle({ entryPoints: [entry], outfile, platform: "node", alias: { firetwin: "./src/index.ts" } });
  const { stdout, stderr } = spawnSync(process.execPath, [outfile], { encoding: "utf8" });
  t.is(stderr, "");
  t.is(stdout.split("\n")[0], /\.by\);\s*\/\/ (.*)/.exec(program)![1]);
  t.regex(stdout, /\nwan0 4500[0-9a-f]+\n/);
  t.regex(stdout, /\*filter/);
});
