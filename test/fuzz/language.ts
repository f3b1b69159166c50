/**
 * Random rule lines: what this program makes of them against what iptables-legacy-restore and -save make of them:
 * accepted or refused, the sentence of the refusal, and the saved text. Options come from the registry, so a new
 * extension is covered when it is registered; values come from pools by the option's name.
 */
import { spawnSync } from "node:child_process";
import { registry } from "../../src/registry.ts";
import { LONG_OPTIONS } from "../../src/rules/base-options.ts";
import type { MatchDeclaration, OptionSpec, TargetDeclaration } from "../../src/rules/extension.ts";
import { printSave } from "../../src/rules/print.ts";
import type { Family, TableName } from "../../src/rules/ruleset.ts";
import { parseSave } from "../../src/rules/save.ts";
import { baseChainNames } from "../../src/rules/tables.ts";
import type { Dice } from "./dice.ts";
import {
  ADDRESSES,
  INTERFACES,
  NUMBERS,
  PROTOCOLS,
  SENSIBLE,
  STARTS,
  VALUES,
  VALUES6,
  WORDS,
  words,
} from "./language-values.ts";

/** One line in its table: the text given to both. */
export interface LanguageCase {
  readonly family: Family;
  readonly table: TableName;
  readonly line: string;
  readonly text: string;
}

/** The sets that lines speak of (whether one exists is not the text's to know). Those of IPv6 have names of their own. */
const SETS = [
  "create hosts hash:ip",
  "create nets hash:net skbinfo",
  "create hosts6 hash:ip family inet6",
  "create nets6 hash:net family inet6 skbinfo",
  "create ports bitmap:port range 1-100",
  "",
].join("\n");

const ofFamily = (line: string, family: Family) =>
  family === 4 ? line : line.replace(/\b(hosts|nets)(?= [sdfx])/g, (name) => `${name}6`);

/** A case; half of them mean to be right, half try what is not. */
export function languageCase(dice: Dice): LanguageCase {
  const family = dice.chance(0.6) ? 4 : 6;
  const table = dice.pick(["filter", "filter", "mangle", "nat", "nat", "raw", "security"] as const);
  const line = ofFamily(ruleLine(dice, family, table, dice.chance(0.5)), family);
  const base = baseChainNames(table);
  const chains = base.map((chain) => `:${chain} ACCEPT [0:0]\n`).join("");
  const from = base.find((chain) => chain === "OUTPUT") ?? base[0];
  return { family, table, line, text: `*${table}\n${chains}:mine - [0:0]\n-A ${from} -j mine\n${line}\nCOMMIT\n` };
}

function ruleLine(dice: Dice, family: Family, table: TableName, wild: boolean): string {
  const blocks: string[][] = [command(dice, table, wild)];
  const protocols: string[] = [];
  for (let n = dice.int(0, 2); n > 0; n--) {
    const match = dice.pick(registry.matches.filter((m) => m.families.includes(family)));
    const given = optionsOf(dice, match, family, wild);
    blocks.push(dice.chance(0.93) ? ["-m", match.name, ...given] : given);
    protocols.push(...(SENSIBLE[match.name] ?? []));
  }
  for (const [letter, pool] of [
    ["-s", ADDRESSES[family]],
    ["-d", ADDRESSES[family]],
    ["-i", INTERFACES],
    ["-o", INTERFACES],
  ] as const)
    if (dice.chance(0.12)) blocks.push([...not(dice, 0.2), letter, good(dice, pool, wild)]);
  if (dice.chance(0.05)) blocks.push([...not(dice, 0.3), dice.pick(["-f", "--fragments"])]);
  if (dice.chance(0.7)) blocks.push(jump(dice, family, table, wild, protocols));
  if (protocols.length > 0 && dice.chance(0.8)) blocks.splice(1, 0, ["-p", protocols[0]]);
  else if (dice.chance(0.4)) blocks.splice(1, 0, [...not(dice, 0.15), "-p", good(dice, PROTOCOLS, wild)]);
  if (dice.chance(0.04))
    blocks.push([dice.pick(["-c", "--set-counters"]), dice.pick(["5", "5,6", "x"]), dice.pick(["7", "x"])]);
  if (wild && dice.chance(0.1))
    blocks.push([dice.pick(words("-n -v -x -4 -6 -t -w -- foo ! -Q --foo -nv --line-numbers - --= --d --s"))]);
  if (wild && dice.chance(0.05)) blocks.push([abbreviated(dice, dice.pick(LONG_OPTIONS)[0]), dice.pick(WORDS)]);
  if (wild && dice.chance(0.2)) blocks.sort(() => dice.int(0, 2) - 1);
  return blocks.flat().join(" ");
}

function command(dice: Dice, table: TableName, wild: boolean): string[] {
  const chain = dice.pick([...baseChainNames(table), "mine", ...(wild ? ["nope", "PREROUTING"] : [])]);
  if (!wild || dice.chance(0.7)) return ["-A", chain];
  return dice.pick([
    ["-I", chain],
    ["-I", chain, dice.pick(["1", "2", "9", "0"])],
    ["--append", chain],
    [`-A${chain}`],
    ["-D", chain],
    ["-D", chain, "1"],
    ["-R", chain, "1"],
    ["-C", chain],
    ["-P", chain, dice.pick(["DROP", "ACCEPT", "REJECT"])],
    ["-N", dice.pick(["new", "LOG", chain])],
    ["-E", "mine", "yours"],
    ["-X"],
    ["-F", chain],
    [],
  ]);
}

function jump(dice: Dice, family: Family, table: TableName, wild: boolean, protocols: string[]): string[] {
  const plain = ["ACCEPT", "DROP", "RETURN", "mine", ...(wild ? ["INPUT", "FOO", "accept"] : [])];
  if (dice.chance(0.4)) return [dice.pick(["-j", "-j", "-j", "--jump", "-g"]), dice.pick(plain)];
  const target = dice.pick(
    registry.targets.filter((t) => t.families.includes(family) && (wild || (t.tables?.includes(table) ?? true))),
  );
  protocols.push(...(SENSIBLE[target.name] ?? []));
  return ["-j", target.name, ...optionsOf(dice, target, family, wild)];
}

function optionsOf(dice: Dice, owner: MatchDeclaration | TargetDeclaration, family: Family, wild: boolean): string[] {
  const all = Object.entries(owner.options as Record<string, OptionSpec>);
  const starts = STARTS[owner.name];
  const out = starts === undefined || (wild && dice.chance(0.4)) ? [] : words(dice.pick(starts));
  const options = all.filter(([key]) => wild || !out.includes(key));
  if (options.length === 0) return out;
  for (let n = dice.pick(wild || out.length > 0 ? [0, 1, 1, 2, 3] : [1, 1, 1, 2]); n > 0; n--) {
    const [key, spec] = dice.pick(options);
    const spellings = [key, ...(spec.aliases ?? []).map((alias) => (typeof alias === "string" ? alias : alias.name))];
    let name = dice.pick([key, ...spellings]);
    if (wild && dice.chance(0.05)) name = abbreviated(dice, name);
    out.push(...not(dice, spec.not === true ? 0.15 : wild ? 0.1 : 0), name);
    if (spec.type.arity === 0 || (wild && dice.chance(0.02))) continue;
    const value = good(dice, valuesFor(`${owner.name} ${key}`, key, family), wild);
    if (wild && dice.chance(0.05) && !value.includes(" ")) out[out.length - 1] += `=${value}`;
    else out.push(value);
  }
  return out;
}

function valuesFor(owned: string, key: string, family: Family): readonly string[] {
  const pool = (family === 6 ? VALUES6[key] : undefined) ?? VALUES[owned] ?? VALUES[key] ?? NUMBERS;
  return pool === "address" ? ADDRESSES[family] : pool;
}

/** From the first third of a pool stand the values that are right nearly everywhere. */
function good(dice: Dice, pool: readonly string[], wild: boolean): string {
  return dice.pick(wild ? pool : pool.slice(0, Math.max(1, Math.ceil(pool.length / 3))));
}

function not(dice: Dice, probability: number): string[] {
  return dice.chance(probability) ? ["!"] : [];
}

function abbreviated(dice: Dice, name: string): string {
  return name.slice(0, dice.int(3, name.length));
}

/** What iptables says of a text: null and the saved table, or its sentence. */
export interface LanguageAnswer {
  readonly saved: string;
  /** "" when it was loaded; `line N failed` where iptables-restore says no more. */
  readonly sentence: string;
  /** The tool itself broke down over the line. */
  readonly crashed?: true;
}

function run(program: string, args: readonly string[], input: string): { status: number; out: string; err: string } {
  const result = spawnSync(program, args, { input, encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  if (result.error !== undefined) throw result.error;
  return { status: result.status ?? -1, out: result.stdout, err: result.stderr };
}

/** Asks the installed iptables; only ever inside a network namespace of its own (SystemCalls.enterEmptyNetwork). */
export function askIptables({ family, table, text }: LanguageCase): LanguageAnswer {
  const program = family === 4 ? "iptables-legacy" : "ip6tables-legacy";
  const { status, err } = run(`${program}-restore`, [], text);
  if (status < 0) return { saved: "", sentence: "", crashed: true };
  if (status !== 0) return { saved: "", sentence: sentenceOf(err) };
  const { out } = run(`${program}-save`, ["-t", table], "");
  return { saved: out.replace(/^# .*\n/gm, ""), sentence: "" };
}

/** The sentence among what iptables-restore prints: without the program, warnings and hints around it. */
function sentenceOf(err: string): string {
  const said = err
    .split("\n")
    .filter(
      (line) =>
        !/^(Warning|WARNING|Notice|warn:|mktime:|xt_iprange: range|--reject-with .* no longer|--set option deprecated)/.test(
          line,
        ),
    )
    .join("\n");
  const failed = /^ip6?tables-restore: (line \d+ failed)/m.exec(said);
  if (failed !== null) return failed[1];
  return said
    .replace(/^ip6?tables-restore v[\d.]+ \(legacy\): /, "")
    .replace(/\nError occurred at line: [\s\S]*$/, "")
    .trim();
}

export function askTwin({ family, text }: LanguageCase): LanguageAnswer {
  const { ruleset, errors } = parseSave(text, { family, file: "line", registry });
  if (errors.length === 0) return { saved: printSave(ruleset, registry), sentence: "" };
  const { message, failed } = errors[0];
  return { saved: "", sentence: failed?.replace(/^.*: /, "") ?? message };
}

/** How the answers differ, or null. Names that iptables would look up are refused by both, in different words. */
export function languageDifference(one: LanguageCase): string | null {
  const twin = askTwin(one);
  if (/ is not evaluated| only prints something/.test(twin.sentence)) return null;
  const kernel = askIptables(one);
  // Whether a set exists is not the text's to know.
  if (kernel.crashed || /^Set .* doesn't exist\.$/.test(kernel.sentence)) return null;
  const ours = twin.sentence.replace(/ \((host names|user and group names) are not looked up\)/, "");
  if (kernel.sentence !== ours) return `iptables: ${kernel.sentence || "accepted"}\n  twin:     ${ours || "accepted"}`;
  if (kernel.saved === twin.saved) return null;
  const theirs = kernel.saved.split("\n");
  const at = twin.saved.split("\n").findIndex((line, i) => line !== theirs[i]);
  return `iptables saves: ${theirs[at]}\n  twin saves:     ${twin.saved.split("\n")[at]}`;
}

/**
 * Runs one case per seed and prints each difference; counts those in which both say the same. `enterNetwork` enters an
 * empty one: rules of other tables stay loaded from line to line, and what differs is asked where there are none.
 */
export function fuzzLanguage(
  dice: (seed: number) => Dice,
  firstSeed: number,
  runs: number,
  mostFailures: number,
  enterNetwork: () => void,
): { runs: number; identical: number } {
  const begin = () => {
    enterNetwork();
    run("ipset", ["restore"], SETS);
  };
  begin();
  let failed = 0;
  let done = 0;
  for (let seed = firstSeed; seed < firstSeed + runs && failed < mostFailures; seed++, done++) {
    const one = languageCase(dice(seed));
    if (languageDifference(one) === null) continue;
    begin();
    const difference = languageDifference(one);
    if (difference === null) continue;
    failed++;
    console.log(`language seed ${seed}, IPv${one.family} ${one.table}: ${one.line}\n  ${difference}`);
  }
  return { runs: done, identical: done - failed };
}
