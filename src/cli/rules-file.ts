/** Rules from a file: iptables-save text, or a file of iptables commands. */
import { readFileSync } from "node:fs";
import { isCounted } from "../kernel/rules-text.ts";
import { registry } from "../registry.ts";
import { count } from "../report/paint.ts";
import { parseRules } from "../rules/check.ts";
import { isSaveText } from "../rules/commands.ts";
import { type Problem, renderProblems } from "../rules/problem.ts";
import type { Family, Ruleset } from "../rules/ruleset.ts";
import { decodeText } from "../rules/text.ts";
import { Failure, systemError } from "./failure.ts";

/** Text of a file, nothing of its bytes lost; `-` is standard input. Throws Failure. */
export function readText(path: string): string {
  if (path === "") throw new Failure("A file has an empty name.");
  try {
    return decodeText(readFileSync(path === "-" ? 0 : path));
  } catch (error) {
    throw new Failure(`${path} cannot be read: ${systemError(error)}`);
  }
}

/** Rules of one family. */
export interface RulesFile {
  readonly ruleset: Ruleset;
  /** As the file holds it. */
  readonly text: string;
}

export function notText(file: string): Failure {
  return new Failure(`${file} is not a rules file: it is not text`);
}

/** Throws Failure with a problem per mistake. */
export function loadRules(path: string, family: Family): RulesFile {
  return rulesOf(readText(path), path, family);
}

/** Throws Failure with a problem per mistake. */
export function rulesOf(text: string, file: string, family: Family): RulesFile {
  if (text.includes("\0")) throw notText(file);
  const { ruleset, errors } = parseRules(text, { family, file, registry, counters: isCounted(text) });
  if (errors.length === 0) return { ruleset, text };
  throw tooWrong(errors);
}

/** With a sentence for each of the first problems. */
export function tooWrong(problems: readonly Problem[]): Failure {
  const left = problems.length - MOST_SHOWN;
  const rest = left > 0 ? `\n\n… and ${count(left, "mistake")} more` : "";
  return new Failure(`${renderProblems(problems.slice(0, MOST_SHOWN))}${rest}`);
}

/** More mistakes than that are not worth reading before the first ones are mended. */
const MOST_SHOWN = 10;

export interface Rulesets {
  readonly 4: RulesFile | null;
  readonly 6: RulesFile | null;
}

/**
 * The rules of both families. A file of commands may hold both: without a file of its own, IPv6 gets its ip6tables
 * commands.
 */
export function loadBoth(path: string | undefined, path6: string | undefined): Rulesets {
  const text = path === undefined ? null : readText(path);
  const four = text === null ? null : rulesOf(text, path!, 4);
  if (path6 !== undefined) return { 4: four, 6: path6 === path ? rulesOf(text!, path6, 6) : loadRules(path6, 6) };
  if (text === null || isSaveText(text) || !/\bip6tables\b/.test(text)) return { 4: four, 6: null };
  return { 4: four, 6: rulesOf(text, path!, 6) };
}
