/**
 * Compiles src/assembly with AssemblyScript into src/assembly/generated/core-code.ts, unless that is newer than all it comes
 * from.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const FOLDER = "src/assembly";
const OUT = `${FOLDER}/generated/core-code.ts`;
/** MEMORY_SIZE of layout.ts in pages. If they differ there is no core, which tests notice. */
const PAGES = "4096";

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
  const text = `/** Made from src/assembly by scripts/assembly.mjs: the module's bytes. */\nexport const CORE_CODE = [${code.join(",")}];\n`;
  mkdirSync(`${FOLDER}/generated`, { recursive: true });
  writeFileSync(`${OUT}.${process.pid}`, text);
  renameSync(`${OUT}.${process.pid}`, OUT);
}
