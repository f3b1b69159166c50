/** Bundling: constants stay constants, source maps stay right (scripts/constants.mjs). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import test from "ava";
import { bundle, withConstants } from "../scripts/constants.mjs";

/** As esbuild prints it, and as it is wanted. */
const MODULES: readonly (readonly [string, string, string])[] = [
  ["a number", "var a = 1;", "const a=1;"],
  ["a class that names itself", "var A = class _A {\n};", "const A=class _A {\n};"],
  ["a comment before the value", "var a = /* @__PURE__ */ f();", "const a=/* @__PURE__ */ f();"],
  ["several at once", "var a = 1, b = 2;", "const a=1, b = 2;"],
  ["parts of an object", "var { a, b: [c] } = o;", "const { a, b: [c] }=o;"],
  ["assigned", "var a = 1;\nfunction f() {\n  a = 2;\n}", "var a = 1;\nfunction f() {\n  a = 2;\n}"],
  ["one of several assigned", "var a = 1, b = 2;\nb++;", "var a = 1, b = 2;\nb++;"],
  ["assigned as part of an array", "var a = 1;\n[, ...a] = b;", "var a = 1;\n[, ...a] = b;"],
  ["assigned as part of an object", "var a = 1;\n({ x: a = 3 } = b);", "var a = 1;\n({ x: a = 3 } = b);"],
  ["assigned by a loop", "var a = 1;\nfor (a of b) ;", "var a = 1;\nfor (a of b) ;"],
  ["a property is assigned", "var a = {};\na.a = 1;", "const a={};\na.a = 1;"],
  ["a property of that name is assigned", "var a = {};\nb.a = 1;", "const a={};\nb.a = 1;"],
  ["without a value", "var a;", "var a;"],
  ["declared twice", "var a = 1;\nvar a = 2;", "var a = 1;\nvar a = 2;"],
  ["in a string", 'f("\\nvar a = 1;");', 'f("\\nvar a = 1;");'],
  ["in a function", "function f() {\n  var a = 1;\n}", "function f() {\n  var a = 1;\n}"],
];

for (const [name, code, wanted] of MODULES)
  test(`constants: ${name}`, (t) => {
    t.is(withConstants(code, name), wanted);
  });

test("constants: what is printed otherwise than expected is refused", (t) => {
  t.throws(() => withConstants("var  a=1;", "dist/x.js"), { message: /^dist\/x\.js: expected "var name = "/ });
});

for (const minify of [false, true])
  test(`a${minify ? " small" : ""} bundle runs, and its source map leads to the source`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "firetwin-bundle-"));
    t.teardown(() => rmSync(folder, { recursive: true }));
    writeFileSync(
      join(folder, "two.js"),
      "export const before = 1,\n  limit = 41;\nexport let calls = 0;\nexport const call = () => calls++;\n",
    );
    writeFileSync(
      join(folder, "one.js"),
      'import { call, limit } from "./two.js";\n\nexport const answer = limit + 1;\nexport function fail() {\n  call();\n  throw new Error("here");\n}\n',
    );
    const outfile = join(folder, "out.mjs");
    await bundle({ entryPoints: [join(folder, "one.js")], outfile, target: "es2022", minify });
    const { answer, fail } = await import(pathToFileURL(outfile).href);
    t.is(answer, 42);
    // The tests run with --enable-source-maps.
    t.regex(t.throws(fail, { message: "here" }).stack ?? "", /one\.js:6:9/);
  });
