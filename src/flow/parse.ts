/**
 * Text of one line to its tree. nearley says what could have stood where it stopped; this makes one sentence of it.
 */
import nearley from "nearley";
import { lexer } from "../../grammar/flow-lexer.ts";
import grammar from "../../grammar/generated/flow.ts";
import type { LineNode } from "./ast.ts";
import { FlowError } from "./error.ts";

const compiled = nearley.Grammar.fromCompiled(grammar as unknown as nearley.CompiledRules);

/** What a token class is called in an error sentence. */
const CLASSES: Readonly<Record<string, string>> = {
  address: "an address",
  number: "a number",
  hex: "a number",
  word: "a name",
  numeric: "",
  bare: "",
  string: 'text in "quotes"',
  flags: "flags such as [S.]",
  mac: "a link-layer address",
  fragment: "a fragment such as 77:1480@0+",
  range: "a range such as 1:101",
  duration: "a time such as 120s",
  delta: "a time such as +0.5",
  label: "a label",
  compare: "a comparison",
  pair: "key=value",
};

/** Words that may begin a line, for the sentence about a line that begins with none of them. */
const BEGINNINGS =
  "a packet (lan0 > tcp …), reply, then, again, =>, expect, wait, test, rules, rules6, host, seed or sysctl";

/** Parses one line; throws FlowError. The line is neither blank nor only a comment. */
export function parseLine(text: string): LineNode {
  refuseTooLong(text);
  const parser = new nearley.Parser(compiled);
  try {
    parser.feed(text);
  } catch (error) {
    const token = (error as { token?: { text: string; col: number; type?: string } }).token;
    if (token === undefined) throw error;
    throw unexpected(parser, token);
  }
  if (parser.results.length === 0) {
    const first = text.trim().split(/\s/, 1)[0];
    if (expected(parser).join() === "“>”" && /^[\w.-]+\s*(#.*)?$/.test(text.trim()))
      throw new FlowError(`“${first}” begins no line: write ${BEGINNINGS}`, {
        col: text.indexOf(first) + 1,
        text: first,
      });
    const end = { col: text.replace(/\s*(#[^"]*)?$/, "").length + 1, text: " " };
    throw new FlowError(
      `the line ends too early: ${special(expected(parser)) ?? (expectation(parser) || "more")} must follow`,
      end,
    );
  }
  return parser.results[0] as LineNode;
}

/** A packet of 65,535 bytes, each written as \xHH, has room in it. */
const LONGEST_LINE = 1_000_000;
const MOST_WORDS = 2000;

/** What no packet needs, and the parser would take long for. */
function refuseTooLong(text: string): void {
  if (text.length > LONGEST_LINE) throw new FlowError(`the line is longer than ${LONGEST_LINE} characters`);
  if (text.length < 2 * MOST_WORDS) return;
  lexer.reset(text);
  for (let words = 0; ; words++) {
    const token = lexer.next();
    if (token === undefined) return;
    if (words >= MOST_WORDS) throw new FlowError(`the line has more than ${MOST_WORDS} words`, token);
  }
}

/** Whether there is anything on the line but space and comment. */
export function isBlank(text: string): boolean {
  return /^\s*(#.*)?$/.test(text);
}

function unexpected(parser: nearley.Parser, token: { text: string; col: number; type?: string }): FlowError {
  const shown = token.text.length > 24 ? `${token.text.slice(0, 24)}…` : token.text;
  const at = { col: token.col, text: token.type === undefined ? " " : token.text };
  if (token.text.startsWith('"') && !/^"(?:[^"\\]|\\.)*"$/.test(token.text))
    return new FlowError("the quoted text is not closed", at);
  const wanted = expected(parser);
  if (wanted.length === 1 && wanted[0] === "“>”")
    return new FlowError(`“>” is missing before “${shown}”; a line begins with ${BEGINNINGS}`, at);
  if (wanted.includes("“expect”")) return new FlowError(`“${shown}” begins no line: write ${BEGINNINGS}`, at);
  const kind = special(wanted);
  if (kind !== null) return new FlowError(`“${shown}” cannot stand here: ${kind} is expected`, at);
  const sentence = expectation(parser);
  return new FlowError(`“${shown}” cannot stand here${sentence === "" ? "" : `: ${sentence} is expected`}`, at);
}

/** A place of the grammar that has a name of its own, better than the list of all that may stand there. */
function special(wanted: readonly string[]): string | null {
  if (wanted.includes("“raw”"))
    return "a protocol (tcp, udp, udplite, icmp, icmp6, sctp, dccp, gre, esp, ah, proto N or raw HEX)";
  if (wanted.includes("“accept”"))
    return "an expectation (accept, drop, reject, state NEW, by filter FORWARD 2, out wan0, from, to, entry, nothing …)";
  return null;
}

/** Everything that could follow, in words, each once. */
function expected(parser: nearley.Parser): string[] {
  const table = (parser as unknown as { table: { states: EarleyState[] }[] }).table;
  const column = [...table].reverse().find((c) => c !== undefined && c.states.length > 0);
  const names = new Set<string>();
  for (const state of column?.states ?? []) {
    const symbol = state.rule.symbols[state.dot];
    if (symbol === undefined || typeof symbol === "string") continue;
    const name =
      symbol.literal === undefined ? (CLASSES[symbol.type ?? ""] ?? symbol.type ?? "") : `“${symbol.literal}”`;
    if (name !== "") names.add(name);
    else names.add("an option (ttl, id, length …)");
  }
  return [...names];
}

interface EarleyState {
  readonly dot: number;
  readonly rule: { readonly symbols: readonly (string | { literal?: string; type?: string })[] };
}

/** The same as a clause; "" when nothing is known, a shortened list when much is possible. */
function expectation(parser: nearley.Parser): string {
  const names = expected(parser);
  const option = names.indexOf("an option (ttl, id, length …)");
  // Where an option may stand, so may all of them: naming one kind says it better than thirty names.
  if (option >= 0 && names.length > 8)
    return `an option (ttl, id, length …)${names.includes("“=>”") ? " or “=>”" : ""}`;
  if (names.length > 14) return "";
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
