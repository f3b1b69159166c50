/** `node scripts/bundle.mjs NAME …` makes the bundles of these names. */
import { bundle } from "./constants.mjs";

/** @typedef {import("esbuild").BuildOptions} BuildOptions */

/** @type {BuildOptions} */
const FOR_NODE = { platform: "node", target: "node20", packages: "external" };

/** @type {Record<string, BuildOptions>} */
const BUNDLES = {
  cli: { ...FOR_NODE, entryPoints: ["src/cli/main.ts"], outfile: "dist/cli.js" },
  lib: {
    entryPoints: ["src/index.ts"],
    outfile: "dist/index.js",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    packages: "external",
  },
  browser: {
    entryPoints: ["src/index.ts"],
    outfile: "dist/browser.js",
    platform: "browser",
    target: "es2022",
    minify: true,
  },
  "run-tests": { ...FOR_NODE, entryPoints: ["test/run.ts"], outfile: "dist/run-tests.mjs" },
  bench: { ...FOR_NODE, entryPoints: ["bench/run.ts"], outfile: "dist/bench.mjs" },
  fuzz: { ...FOR_NODE, entryPoints: ["test/fuzz/run.ts"], outfile: "dist/fuzz.mjs" },
  record: { ...FOR_NODE, entryPoints: ["test/record.ts"], outfile: "dist/record.mjs" },
  "full-table": { ...FOR_NODE, entryPoints: ["test/full-table.ts"], outfile: "dist/full-table.mjs" },
  conformance: { ...FOR_NODE, entryPoints: ["test/conformance.ts"], outfile: "dist/conformance.mjs" },
};

for (const name of process.argv.slice(2)) {
  if (!(name in BUNDLES)) throw new Error(`there is no bundle ${name}, only ${Object.keys(BUNDLES).join(", ")}`);
  await bundle(BUNDLES[name]);
}
