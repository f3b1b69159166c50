/**
 * How often the twin and the kernel agree: every fuzz family, the same seeds, as a table (README, "How true it is").
 *
 *     npm run conformance                                        50 scenarios of 400 packets a family
 *     npm run conformance -- --runs 1250 --packets 800 --jobs 2  a million packets
 *     npm run conformance -- --captures FOLDER [--captures …]    and every capture in these folders with several rulesets
 */
import { spawnSync } from "node:child_process";
import { release } from "node:os";
import { parseArgs } from "node:util";
import { CAPTURES, CaptureScenarios } from "./captures/scenarios.ts";
import { FAMILIES } from "./fuzz/families.ts";
import { inJobs, noteLines, type Part, type Row } from "./fuzz/jobs.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "50" },
    packets: { type: "string", default: "400" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "1" },
    captures: { type: "string", multiple: true, default: [] },
  },
});

const OPTIONS = ["--packets", values.packets, "--record", "", "--failures", "1000000", "--shrink", "no"];

await main();

async function main(): Promise<void> {
  const rows: Row[] = [];
  const folders = values.captures.flatMap((folder) => ["--captures", folder]);
  const files = new CaptureScenarios(values.captures, 0).files.length;
  const ask = async (part: Part) => {
    const row = await inJobs(Number(values.jobs), part, [...OPTIONS, ...folders]);
    if (row !== null) rows.push(row);
  };
  for (const family of [...Object.keys(FAMILIES), "language"]) {
    await ask({ family, seed: Number(values.seed), runs: runsOf(family) });
  }
  if (files > 0) await ask({ family: CAPTURES, seed: 1, runs: files });
  if (rows.length === 0) {
    console.log("skipped: the comparison needs Linux and root");
    return;
  }
  const iptables = spawnSync("iptables-legacy", ["--version"], { encoding: "utf8" }).stdout?.trim();
  console.log(`Linux ${release()}, ${iptables}, ${new Date().toISOString().slice(0, 10)}\n`);
  console.log("| family | scenarios | packets | identical | share | packets/s |");
  console.log("|---|---|---|---|---|---|");
  for (const row of rows) print(row);
  for (const { family, notes } of rows)
    if (notes !== undefined) console.log(`\n${[`${family}:`, ...noteLines(notes)].join("\n")}`);
  const sum = (key: "scenarios" | "packets" | "identical") => rows.reduce((total, row) => total + row[key], 0);
  console.log(`\n${sum("identical")} passed, ${sum("scenarios") - sum("identical")} failed`);
  process.exitCode = sum("identical") === sum("scenarios") ? 0 : 1;
}

function print({ family, scenarios, packets, identical, seconds }: Row): void {
  const share = `${((identical / scenarios) * 100).toFixed(2)} %`;
  const rate = packets > 0 ? Math.round(packets / seconds).toLocaleString("en") : "–";
  console.log(`| ${family} | ${scenarios} | ${packets.toLocaleString("en")} | ${identical} | ${share} | ${rate} |`);
}

/** Where real seconds pass, a tenth of the scenarios has to do. */
function runsOf(family: string): number {
  return family === "timeouts" || family === "limits" ? Math.ceil(Number(values.runs) / 10) : Number(values.runs);
}
