/** What the values of a line's own options are, and what iptables says of bad ones. Source imitated: iptables/xshared.c. */
import type { Family } from "../packet/hook.ts";
import { RuleError } from "./extension.ts";
import { isKnown, LONGEST_NAME } from "./known-extensions.ts";
import { isSpace, parseNumber, scanCounter } from "./numbers.ts";
import { parseProtocol } from "./protocols.ts";
import type { Counters, InterfaceMatch, Rule } from "./ruleset.ts";
import { byteLength } from "./text.ts";

const LONGEST_INTERFACE = 15;

/** `-p` as data, shared by the rules that say the same. */
const protocolMatches = new Map<number, { readonly not: boolean; readonly number: number }>();

function protocolMatch(number: number, not: boolean): { readonly not: boolean; readonly number: number } {
  const key = number * 2 + (not ? 1 : 0);
  let found = protocolMatches.get(key);
  if (found === undefined) {
    found = { not, number };
    protocolMatches.set(key, found);
  }
  return found;
}

/** `-p`: null for all protocols. */
export function protocolOf(text: string, not: boolean): Rule["protocol"] {
  const number = parseProtocol(text);
  if (number === 0 && not) throw new RuleError("rule would never match protocol");
  return number === 0 ? null : protocolMatch(number, not);
}

/** xshared.c: parse_rulenumber. */
export function ruleNumber(text: string): number {
  const number = parseNumber(text, 1, 0x7fffffff);
  if (number === null) throw new RuleError(`Invalid rule number \`${text}'`);
  return number;
}

function hasSpace(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (isSpace(text.charCodeAt(i))) return true;
  return false;
}

/** xshared.c: xt_parse_target. */
export function targetName(name: string): string {
  if (name === "") throw new RuleError("Invalid target name (too short)");
  if (byteLength(name) > LONGEST_NAME)
    throw new RuleError(`Invalid target name \`${name}' (${LONGEST_NAME} chars max)`);
  if (hasSpace(name)) throw new RuleError(`Invalid target name \`${name}'`);
  return name;
}

/** xshared.c: assert_valid_chain_name. */
export function checkChainName(name: string, family: Family): void {
  if (byteLength(name) > LONGEST_NAME)
    throw new RuleError(`chain name \`${name}' too long (must be under ${LONGEST_NAME + 1} chars)`);
  if (name[0] === "-" || name[0] === "!") throw new RuleError(`chain name not allowed to start with \`${name[0]}'`);
  if (name === "" || isKnown("target", name, family)) throw new RuleError("chain name may not clash with target name");
  if (hasSpace(name)) throw new RuleError(`Invalid chain name \`${name}'`);
}

export function notEmpty(name: string): void {
  if (name === "") throw new RuleError("Empty interface is likely to be undesired");
}

/** xtables.c: xtables_parse_interface. `+` alone stands for every interface. */
export function parseInterface(text: string, not: boolean): InterfaceMatch | null {
  if (byteLength(text) > LONGEST_INTERFACE)
    throw new RuleError(`interface name \`${text}' must be shorter than IFNAMSIZ (${LONGEST_INTERFACE})`);
  const wildcard = text.endsWith("+");
  if (text === "+" && !not) return null;
  return { not, name: wildcard ? text.slice(0, -1) : text, wildcard };
}

export function readCounters(packets: string, bytes: string): Counters {
  const packetCount = scanCounter(packets);
  if (packetCount === null) throw new RuleError("-c packet counter not numeric");
  const byteCount = scanCounter(bytes);
  if (byteCount === null) throw new RuleError("-c byte counter not numeric");
  return { packets: packetCount, bytes: byteCount };
}

/** `-c 3 180`, `-c 3,180`. */
export function readCounterOption(own: string, more: readonly string[]): Counters {
  const comma = own.indexOf(",", 1);
  const bytes = comma > 0 ? own.slice(comma + 1) : more[0];
  if (bytes === undefined) throw new RuleError("-c requires packet and byte counter");
  return readCounters(own, bytes);
}

/** xshared.c: parse_wait_time, parse_wait_interval. */
export function checkWait(letter: string, word: string | null): void {
  if (letter === "w") {
    if (word !== null && !/^[ \t\n\v\f\r]*[+-]?[0-9]/.test(word)) throw new RuleError("wait seconds not numeric");
    return;
  }
  if (word === null) throw new RuleError("wait interval value required");
  const micros = scanCounter(word);
  if (micros === null) throw new RuleError("wait interval not numeric");
  if (micros > 999999) throw new RuleError(`too long usec wait ${micros} > 999999 usec`);
}
