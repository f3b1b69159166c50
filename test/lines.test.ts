/**
 * Tables of rule lines: src/match/NAME.t and src/target/NAME.t (also src/rules/*.t), one test per file. Each line says
 * what iptables does with one rule, in iptables' own test format with a sentence added:
 *
 *     # comment
 *     *mangle                         table of the lines that follow (default: filter)
 *     :PREROUTING,FORWARD             chains: every line is tried in each (default: INPUT,FORWARD,OUTPUT as far as the
 *                                     table has them); a name that is no base chain is made as a user chain that the first
 *                                     base chain of the table jumps to
 *     %4                              family: %4 (default), %6, or %46 for both
 *     RULE;=;OK                       accepted, and iptables-save prints it as written
 *     RULE;SAVED;OK                   accepted, and iptables-save prints SAVED instead
 *     RULE;;FAIL;SENTENCE             refused with exactly this sentence (iptables' own, or the kernel's in dmesg)
 *
 * RULE is everything after `-A CHAIN ` and includes the target if there is one. A `;` inside is written `\;`.
 * `*`, `:` and `%` lines hold until the next of their kind. Each line is loaded alone, as iptables-restore loads it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import test from "ava";
import type { Family, TableName } from "../src/packet/hook.ts";
import { registry, registryOf } from "../src/registry.ts";
import type { Registry } from "../src/rules/extension.ts";
import { printSave } from "../src/rules/print.ts";
import { parseSave } from "../src/rules/save.ts";
import { BASE_CHAINS, baseChainHook, baseChainNames } from "../src/rules/tables.ts";

interface Line {
  readonly number: number;
  readonly family: Family;
  readonly table: TableName;
  readonly chain: string;
  readonly rule: string;
  readonly saved: string;
  readonly outcome: "OK" | "FAIL";
  readonly sentence: string;
}

function* linesOf(text: string): Generator<Line> {
  let table: TableName = "filter";
  let chains: string[] | null = null;
  let families: Family[] = [4];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    if (line.startsWith("*")) {
      table = line.slice(1).trim() as TableName;
      if (!(table in BASE_CHAINS)) throw new Error(`line ${i + 1}: no table ${table}`);
      chains = null;
    } else if (line.startsWith(":")) chains = line.slice(1).trim().split(",");
    else if (line.startsWith("%")) families = [...line.slice(1).trim()].map(Number) as Family[];
    else {
      const fields = line.split(/(?<!\\);/).map((field) => field.replaceAll("\\;", ";"));
      const [rule, saved, outcome, sentence = ""] = fields.map((field) => field.trim());
      if (outcome !== "OK" && outcome !== "FAIL") throw new Error(`line ${i + 1}: neither OK nor FAIL: ${line}`);
      if (outcome === "FAIL" && sentence === "") throw new Error(`line ${i + 1}: FAIL needs its sentence: ${line}`);
      for (const family of families)
        for (const chain of chains ?? ["INPUT", "FORWARD", "OUTPUT"].filter((c) => baseChainHook(table, c) !== null))
          yield { number: i + 1, family, table, chain, rule, saved: saved === "=" ? rule : saved, outcome, sentence };
    }
  }
}

/** What is wrong with our answer to this line, or null. */
function disagreement(line: Line): string | null {
  const jump = `:${line.chain} - [0:0]\n-A ${baseChainNames(line.table)[0]} -j ${line.chain}\n`;
  const made = baseChainHook(line.table, line.chain) !== null ? "" : jump;
  const text = `*${line.table}\n${made}-A ${line.chain} ${line.rule}\nCOMMIT\n`;
  const { ruleset, errors } = parseSave(text, { family: line.family, file: "t", registry });
  const where = `line ${line.number} (IPv${line.family} ${line.table} ${line.chain}): ${line.rule}`;
  if (line.outcome === "FAIL") {
    if (errors.length === 0) return `${where}\n  accepted, expected: ${line.sentence}`;
    return errors[0].message === line.sentence
      ? null
      : `${where}\n  refused with: ${errors[0].message}\n  expected:     ${line.sentence}`;
  }
  if (errors.length > 0) return `${where}\n  refused: ${errors[0].message}`;
  const prefix = `-A ${line.chain} `;
  const printed = printSave(ruleset, registry)
    .split("\n")
    .filter((l) => l.startsWith(prefix) || l === prefix.trim())
    .map((l) => l.slice(prefix.length));
  return printed.length === 1 && printed[0] === line.saved
    ? null
    : `${where}\n  saved as: ${printed.join("\n            ")}\n  expected: ${line.saved}`;
}

for (const folder of ["src/rules", "src/match", "src/target"])
  for (const name of existsSync(folder) ? readdirSync(folder).sort() : [])
    if (name.endsWith(".t"))
      test(`${folder}/${name}`, (t) => {
        const lines = [...linesOf(readFileSync(`${folder}/${name}`, "utf8"))];
        t.true(lines.length > 0, "the table has lines");
        const wrong = lines.map(disagreement).filter((w) => w !== null);
        t.is(wrong.length, 0, `\n${wrong.join("\n")}`);
      });

/** What replaces a word in turn, to find out what is said then. */
const OTHERS = ["", "x", "-1", "7", "!", "1,2", '"a b"', "FORWARD", "10.1.0.0/16", "--dport", "ACCEPT"];

test("a line is read alike whether or not one of its kind was read before", (t) => {
  const tables = ["src/rules", "src/match", "src/target"].flatMap((folder) =>
    readdirSync(folder).flatMap((name) => (name.endsWith(".t") ? [`${folder}/${name}`] : [])),
  );
  const lines = tables.flatMap((path) => [...linesOf(readFileSync(path, "utf8"))]);
  const texts = new Map<string, Line>();
  for (const line of lines)
    texts.set(`${line.family} *${line.table}\n:u - [0:0]\n[1:2] -A ${line.chain} ${line.rule}\nCOMMIT\n`, line);
  for (const chain of ["FORWARD", "INPUT", "OUTPUT", "PREROUTING", "POSTROUTING", "u"])
    for (const [i, rule] of ["-o eth0", "-i eth0", "-i + -o +", "-g u", "-g DROP", "-j u", "-j FORWARD"].entries())
      for (const table of ["mangle", "nat"] as const)
        texts.set(`4 *${table}\n:u - [0:0]\n[1:2] -A ${chain} ${rule}\nCOMMIT\n`, { ...lines[i], family: 4 });
  let turn = 0;
  for (const [text, line] of [...texts]) {
    const words = text.split(" ");
    const i = 4 + (turn % Math.max(1, words.length - 4));
    texts.set(words.with(i, OTHERS[turn++ % OTHERS.length]).join(" "), line);
  }
  const read = (text: string, family: Family, known: Registry) =>
    JSON.stringify(parseSave(text.slice(2), { family, file: "t", registry: known, counters: true }));
  // The memory of lines belongs to a registry.
  const again = registryOf(registry.matches, registry.targets);
  for (let round = 0; round < 2; round++) for (const [text, { family }] of texts) read(text, family, again);
  for (const [text, { family }] of texts) {
    const alone = read(text, family, registryOf(registry.matches, registry.targets));
    if (read(text, family, again) !== alone) t.is(read(text, family, again), alone, text);
  }
  t.true(texts.size > 1000);
});
