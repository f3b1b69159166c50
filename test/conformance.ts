/**
 * How often the twin and the kernel agree: every fuzz family, the same seeds, as a table (README, "How true it is").
 *
 *     npm run conformance                  300 scenarios a family
 *     npm run conformance -- --runs 5000   more
 */
import { spawnSync } from "node:child_process";
import { release } from "node:os";
import { parseArgs } from "node:util";
import { FAMILIES } from "./fuzz/families.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "300" }, seed: { type: "string", default: "1" } },
});

interface Row {
  readonly family: string;
  readonly scenarios: number;
  readonly packets: number;
  readonly identical: number;
  readonly perSecond: number;
}

main();

function main(): void {
  const rows = [...Object.keys(FAMILIES), "language"].map(run).filter((row): row is Row => row !== null);
  if (rows.length === 0) {
    console.log("skipped: the comparison needs Linux and root");
    return;
  }
  const iptables = spawnSync("iptables-legacy", ["--version"], { encoding: "utf8" }).stdout?.trim();
  console.log(`Linux ${release()}, ${iptables}, ${new Date().toISOString().slice(0, 10)}\n`);
  console.log("| family | scenarios | packets | identical | share | scenarios/s |");
  console.log("|---|---|---|---|---|---|");
  for (const row of rows) print(row);
  const sum = (key: "scenarios" | "packets" | "identical") => rows.reduce((total, row) => total + row[key], 0);
  console.log(`\n${sum("identical")} passed, ${sum("scenarios") - sum("identical")} failed`);
  process.exitCode = sum("identical") === sum("scenarios") ? 0 : 1;
}

function print({ family, scenarios, packets, identical, perSecond }: Row): void {
  const share = `${((identical / scenarios) * 100).toFixed(2)} %`;
  console.log(
    `| ${family} | ${scenarios} | ${packets.toLocaleString("en")} | ${identical} | ${share} | ${perSecond} |`,
  );
}

/** Where real seconds pass, a tenth of the scenarios has to do. */
function runsOf(family: string): string {
  return family === "timeouts" || family === "limits" ? String(Math.ceil(Number(values.runs) / 10)) : values.runs;
}

/** One family in a process of its own; null where the kernel can't be asked. */
function run(family: string): Row | null {
  const args = [
    "dist/fuzz.mjs",
    "--family",
    family,
    "--runs",
    runsOf(family),
    "--seed",
    values.seed,
    "--record",
    "",
    "--failures",
    "1000000",
    "--shrink",
    "no",
    "--json",
  ];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (/^skipped:/m.test(stdout)) return null;
  const line = stdout.split("\n").findLast((text) => text.startsWith('{"family"'));
  if (line === undefined) throw new Error(`the family ${family} ended with ${status}: ${stderr}`);
  return JSON.parse(line) as Row;
}
