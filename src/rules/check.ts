/** Rules of either notation, read or only checked. */

import type { Family } from "../packet/hook.ts";
import { applyCommands, isSaveText } from "./commands.ts";
import type { Registry } from "./extension.ts";
import type { Problem } from "./problem.ts";
import { inOrder } from "./problem.ts";
import { type Parsed, type ParseOptions, parseSave } from "./save.ts";

/** Reads iptables-save text, or a file of iptables commands, whichever it is. */
export function parseRules(text: string, options: ParseOptions): Parsed {
  return isSaveText(text) ? parseSave(text, options) : applyCommands(options.onto ?? null, text, options);
}

export interface CheckOptions {
  readonly file: string;
  readonly registry: Registry;
  /** The family of iptables-save text; a file of commands is checked for both families. */
  readonly family: Family;
}

/** Every mistake of a text, in order; none when iptables would take all of it. */
export function checkText(text: string, { file, registry, family }: CheckOptions): Problem[] {
  if (isSaveText(text)) return [...parseSave(text, { family, file, registry }).errors];
  const four = applyCommands(null, text, { family: 4, file, registry }).errors;
  const six = applyCommands(null, text, { family: 6, file, registry }).errors;
  // What is wrong with the shell text is found twice.
  const seen = new Set(four.map(({ line, column }) => `${line}:${column}`));
  return inOrder([...four, ...six.filter(({ line, column }) => !seen.has(`${line}:${column}`))]);
}
