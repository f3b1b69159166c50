/**
 * Bundling with esbuild, in which constants stay constants.
 *
 * esbuild turns the constants of every module into `var`, because all modules share one scope in a bundle. V8 then has to
 * look at each of them again and again: it folds the value of a `const` into its code, and a packet costs a tenth less.
 * So what is never assigned is made `const` again, found in the syntax tree of the bundle.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parse } from "acorn";
import { build, transform } from "esbuild";

/** @typedef {import("esbuild").BuildOptions} BuildOptions */
/** @typedef {{type: string, start: number, end: number, [key: string]: any}} Node */

/**
 * As esbuild's `build` with an ESM bundle and source maps, but constants stay constants. Returns what went into it.
 * @param {BuildOptions} options `minify` and `minifyWhitespace` as there
 */
export async function bundle({ minify, minifyWhitespace, ...options }) {
  const { outputFiles, metafile } = await build({
    logLevel: "warning",
    ...options,
    bundle: true,
    format: "esm",
    sourcemap: true,
    write: false,
    metafile: true,
  });
  const maps = new Map(outputFiles.filter(({ path }) => path.endsWith(".map")).map(({ path, text }) => [path, text]));
  let changed = false;
  for (const { path, text } of outputFiles.filter(({ path }) => !path.endsWith(".map"))) {
    let code = withConstants(text, path);
    changed ||= code !== text;
    let map = /** @type {string} */ (maps.get(`${path}.map`));
    if (minify || minifyWhitespace) {
      const comment = code.lastIndexOf("//# sourceMappingURL=");
      const inline = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString("base64")}\n`;
      const target = options.target;
      const small = await transform(code.slice(0, comment) + inline, {
        minify,
        minifyWhitespace,
        format: "esm",
        target,
        sourcemap: "external",
      });
      code = small.code + code.slice(comment);
      map = small.map;
    }
    write(path, code);
    write(`${path}.map`, map);
  }
  if (!changed) throw new Error(`${options.outfile ?? options.outdir}: esbuild no longer prints constants as "var"`);
  return Object.keys(metafile.inputs);
}

/**
 * The module with `const` for each variable at its top level that has a value from the start and is never assigned.
 * `const a=1` takes as many characters as `var a = 1`, so the source map stays right.
 * @param {string} code unminified, as esbuild prints it
 * @param {string} file for messages
 */
export function withConstants(code, file) {
  const program = /** @type {Node} */ (parse(code, { ecmaVersion: "latest", sourceType: "module" }));
  const assigned = assignedNames(program);
  let result = "";
  let at = 0;
  for (const statement of program.body) {
    if (statement.type !== "VariableDeclaration" || statement.kind !== "var") continue;
    if (!statement.declarations.every((/** @type {Node} */ one) => isConstant(one, assigned))) continue;
    const { id } = statement.declarations[0];
    const [before, after] = [code.slice(statement.start, id.start), code.slice(id.end, id.end + 3)];
    if (before !== "var " || after !== " = ")
      throw new Error(`${file}: expected "var name = ", but esbuild prints "${before}name${after}"`);
    result += `${code.slice(at, statement.start)}const ${code.slice(id.start, id.end)}=`;
    at = id.end + 3;
  }
  return result + code.slice(at);
}

/** @param {Node} declarator @param {Set<string>} assigned */
function isConstant({ id, init }, assigned) {
  return init !== null && namesOf(id).every((name) => !assigned.has(name));
}

/**
 * Every name that is assigned anywhere, in whatever scope, or declared twice.
 * @param {Node} program
 * @returns {Set<string>}
 */
function assignedNames(program) {
  const assigned = new Set();
  const declared = new Set();
  /** @param {Node} pattern */
  const assign = (pattern) => {
    for (const name of namesOf(pattern)) assigned.add(name);
  };
  for (const { declarations = [] } of program.body)
    for (const name of declarations.flatMap((/** @type {Node} */ one) => namesOf(one.id)))
      (declared.has(name) ? assigned : declared).add(name);
  visit(program, (node) => {
    if (node.type === "AssignmentExpression") assign(node.left);
    else if (node.type === "UpdateExpression") assign(node.argument);
    else if (/^For(In|Of)Statement$/.test(node.type) && node.left.type !== "VariableDeclaration") assign(node.left);
  });
  return assigned;
}

/**
 * The variables in the target of an assignment or declaration.
 * @param {Node | null} pattern
 * @returns {string[]}
 */
function namesOf(pattern) {
  switch (pattern?.type) {
    case "Identifier":
      return [pattern.name];
    case "ArrayPattern":
      return pattern.elements.flatMap(namesOf);
    case "ObjectPattern":
      return pattern.properties.flatMap(namesOf);
    case "Property":
      return namesOf(pattern.value);
    case "RestElement":
      return namesOf(pattern.argument);
    case "AssignmentPattern":
      return namesOf(pattern.left);
    default:
      return []; // a property of an object, or a hole
  }
}

/** @param {Node} node @param {(node: Node) => void} see */
function visit(node, see) {
  see(node);
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value]) if (typeof child?.type === "string") visit(child, see);
}

/** Whole or not at all: another build may be reading. @param {string} path @param {string} text */
function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
  renameSync(`${path}.${process.pid}`, path);
}
