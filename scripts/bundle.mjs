/** `node scripts/bundle.mjs NAME …` makes the bundles of these names. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { bundle } from "./constants.mjs";

/** @typedef {import("esbuild").BuildOptions} BuildOptions */

/** @type {BuildOptions} */
const FOR_NODE = { platform: "node", target: "node20", packages: "external" };

/** @type {Record<string, BuildOptions>} */
const BUNDLES = {
  // All in one file, because reading the packages' many took half of the time that a small capture takes.
  cli: {
    platform: "node",
    target: "node20",
    external: ["koffi"],
    entryPoints: ["src/cli/main.ts"],
    outfile: "dist/cli.js",
    minifyWhitespace: true,
    // Packages in CommonJS ask for Node's modules by `require`.
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module";\nconst require = makeRequire(import.meta.url);',
    },
  },
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
  const files = await bundle(BUNDLES[name]);
  if (name === "cli") writeLicenses(files, "dist/THIRD-PARTY.txt");
}

/**
 * The licenses of the packages that are part of a bundle.
 * @param {readonly string[]} files that went into it
 * @param {string} out
 */
function writeLicenses(files, out) {
  const packages = new Set(files.map((file) => file.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? ""));
  packages.delete("");
  const texts = [...packages].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file !== undefined ? readFileSync(`${folder}/${file}`, "utf8") : "";
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  writeFileSync(out, texts.join(`\n${"─".repeat(80)}\n\n`));
}
