/**
 * Runs the tests: compiles every `*.test.ts` of src/ and test/ (or the files named as arguments) with esbuild, hands
 * them to ava, repeats what fails, and ends with the line `N passed, N failed`. A stray `test.only` fails the run,
 * because ava would call it green.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { bundle } from "../scripts/constants.mjs";

const named = process.argv.slice(2);
const files = named.length > 0 ? named : find(["src", "test"]);
const outdir = `dist/test-${process.pid}`;
process.exitCode = await run();

function find(folders: string[]): string[] {
  const all = folders.flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`));
  return all.filter((file) => file.endsWith(".test.ts")).sort();
}

async function run(): Promise<number> {
  const focused = files.filter((file) => /\btest\.only\(/.test(readFileSync(file, "utf8")));
  for (const file of focused) console.log(`not ok - ${file} has a test.only: the rest of it would not run`);
  mkdirSync(outdir, { recursive: true });
  try {
    await bundle({
      entryPoints: files,
      outdir,
      outbase: ".",
      splitting: true,
      platform: "node",
      target: "node20",
      packages: "external",
    });
    const { passed, failed, skipped } = await ava();
    console.log(`${passed} passed, ${failed + focused.length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
    return failed + focused.length > 0 || passed === 0 ? 1 : 0;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** ava in TAP; a failed test's block is printed as ava wrote it, passing ones are only counted. */
function ava(): Promise<{ passed: number; failed: number; skipped: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn("node_modules/.bin/ava", ["--tap", `${outdir}/**/*.test.js`], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NODE_OPTIONS: "--enable-source-maps", FORCE_COLOR: "0" },
    });
    const count = { passed: 0, failed: 0, skipped: 0 };
    let showing = false;
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (/^ok .*# SKIP/.test(line)) count.skipped++;
      else if (/^ok /.test(line)) count.passed++;
      else if (/^not ok /.test(line)) count.failed++;
      if (/^(not ok|# (?!.*- ))/.test(line) || /^Bail out/.test(line)) showing = !/^# /.test(line);
      else if (/^ok /.test(line)) showing = false;
      if (showing) console.log(line);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      // ava can fail without a failed test: an uncaught exception, a file without tests.
      if (code !== 0 && count.failed === 0) count.failed = 1;
      resolve(count);
    });
  });
}
