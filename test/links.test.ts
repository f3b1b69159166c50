/** What the documents link to is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "ava";

const DOCUMENTS = ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)];

for (const document of DOCUMENTS)
  test(`${document}: its links lead somewhere`, (t) => {
    const text = readFileSync(document, "utf8");
    const links = Array.from(text.matchAll(/\]\(([^)#]+)[^)]*\)/g), ([, to]) => to).filter((to) => !/^\w+:/.test(to));
    const broken = links.filter((to) => !existsSync(join(dirname(document), to)));
    t.deepEqual(broken, []);
  });

test("docs/FIDELITY.md: each statement about the kernel has a recording", (t) => {
  const text = readFileSync("docs/FIDELITY.md", "utf8");
  const from = text.indexOf("\n## What is assumed of the host");
  const to = text.indexOf("\n## What was not compared");
  const statements = text
    .slice(from, to)
    .trim()
    .split(/\n\n/)
    .filter((part) => !part.startsWith("## "));
  const bare = statements.filter((statement) => !/\]\(\.\.\/test\/recorded\//.test(statement));
  // Of what is not the kernel's there is none.
  t.deepEqual(
    bare.map((statement) => statement.split("\n")[0].slice(0, 20)),
    ["**Sets.** A ruleset'"],
  );
});
