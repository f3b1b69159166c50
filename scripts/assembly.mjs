/**
 * Compiles src/assembly with AssemblyScript into src/assembly/generated/core-code.ts, unless that is newer than all it comes
 * from.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import binaryen from "assemblyscript/binaryen";

const FOLDER = "src/assembly";
const OUT = `${FOLDER}/generated/core-code.ts`;
/** MEMORY_SIZE of layout.ts in pages. If they differ there is no core, which tests notice. */
const PAGES = "4096";
/**
 * Functions of up to so many nodes are put in place of their calls, those with one caller whatever their size: calls take a
 * twentieth of the time otherwise. Beyond that the code grows and nothing is gained.
 */
const INLINED = { always: 150, oneCaller: 100_000, flexible: 400 };

const sources = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".ts"))
  .map((name) => `${FOLDER}/${name}`);
const newest = Math.max(...[...sources, "scripts/assembly.mjs"].map((file) => statSync(file).mtimeMs));
if (!existsSync(OUT) || statSync(OUT).mtimeMs < newest) await compile();

async function compile() {
  /** @type {Uint8Array} */
  let code = new Uint8Array();
  const { error, stderr } = await asc.main(
    [
      `${FOLDER}/core.ts`,
      ...["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--importMemory", "--noExportMemory"],
      ...["--initialMemory", PAGES, "--maximumMemory", PAGES, "--outFile", "core.wasm"],
    ],
    {
      writeFile(name, contents) {
        if (name.endsWith(".wasm") && typeof contents !== "string") code = contents;
      },
    },
  );
  if (error !== null) throw new Error(`${error.message}\n${stderr.toString()}`);
  code = inlined(code);
  const text = `/** Made from src/assembly by scripts/assembly.mjs: the module's bytes. */\nexport const CORE_CODE = [${code.join(",")}];\n`;
  mkdirSync(`${FOLDER}/generated`, { recursive: true });
  writeFileSync(`${OUT}.${process.pid}`, text);
  renameSync(`${OUT}.${process.pid}`, OUT);
}

/**
 * @param {Uint8Array} code
 * @returns {Uint8Array}
 */
function inlined(code) {
  const module = binaryen.readBinary(code);
  module.setFeatures(binaryen.Features.All);
  binaryen.setOptimizeLevel(4);
  binaryen.setShrinkLevel(0);
  binaryen.setAlwaysInlineMaxSize(INLINED.always);
  binaryen.setOneCallerInlineMaxSize(INLINED.oneCaller);
  binaryen.setFlexibleInlineMaxSize(INLINED.flexible);
  binaryen.setAllowInliningFunctionsWithLoops(true);
  module.optimize();
  const better = module.emitBinary();
  module.dispose();
  return better;
}
