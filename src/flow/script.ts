/**
 * A packet script as a whole: its settings, and its tests, each a list of packets, waits and claims. Every mistake in
 * the text is found here, before anything runs, except those that only show while it runs (nobody left to reply to).
 */

import type { Problem } from "../rules/problem.ts";
import type { ActionNode, AssertionNode, LineNode, TermNode, Token } from "./ast.ts";
import { buildPacket } from "./build.ts";
import { FlowError } from "./error.ts";
import { numberOf, unquote } from "./fields.ts";
import { isBlank, parseLine } from "./parse.ts";
import { checkTerm } from "./terms.ts";

/** Which files a script runs on, as it names them (relative to itself); null: nothing said. */
export interface Settings {
  readonly rules: string | null;
  readonly rules6: string | null;
  readonly host: string | null;
  readonly seed: number | null;
  readonly sysctl: Readonly<Record<string, number>>;
}

export interface SourceLine {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** One expectation, and the line it is written on. */
export interface Expectation {
  readonly line: SourceLine;
  readonly term: TermNode;
}

export type Item =
  | {
      readonly kind: "event";
      readonly line: SourceLine;
      /** µs since the script began. */
      readonly time: number;
      readonly label: string | null;
      readonly action: ActionNode;
      readonly expectations: readonly Expectation[];
    }
  | { readonly kind: "assertion"; readonly line: SourceLine; readonly time: number; readonly assertion: AssertionNode };

export interface TestCase {
  /** null: the script names no tests. */
  readonly title: string | null;
  readonly line: number;
  readonly settings: Settings;
  readonly items: readonly Item[];
}

export interface Script {
  readonly file: string;
  readonly cases: readonly TestCase[];
}

const NOTHING: Settings = { rules: null, rules6: null, host: null, seed: null, sysctl: {} };

/** Reads a script. With any mistake the script is not to be run. */
export function parseScript(text: string, file: string): { script: Script; mistakes: readonly Problem[] } {
  const reader = new ScriptReader(file);
  for (const [i, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/)
    .entries())
    if (!isBlank(line)) reader.read({ number: i + 1, text: line });
  return reader.finish();
}

/** A FlowError in a line of a file. */
export function problemOf(error: FlowError, file: string, line: SourceLine): Problem {
  const column = Math.max(1, error.column);
  return { file, line: line.number, column, length: error.width, message: error.message, code: 2, text: line.text };
}

/** Several packets on one line (`explain`): pieces between `;`, each a line of a script. */
export function splitPackets(text: string): string[] {
  const pieces = text.match(/(?:"(?:[^"\\]|\\.)*"|[^;\n])+/g) ?? [];
  return pieces.filter((piece) => !isBlank(piece));
}

class ScriptReader {
  readonly #file: string;
  readonly #mistakes: Problem[] = [];
  readonly #cases: TestCase[] = [];
  #shared: Settings = NOTHING;
  #title: string | null = null;
  #line = 1;
  #settings: Settings = NOTHING;
  #items: Item[] = [];
  #labels = new Set<string>();
  #now = 0;

  constructor(file: string) {
    this.#file = file;
  }

  read(line: SourceLine): void {
    try {
      this.#take(parseLine(line.text), line);
    } catch (error) {
      if (!(error instanceof FlowError)) throw error;
      this.#mistakes.push(problemOf(error, this.#file, line));
    }
  }

  finish(): { script: Script; mistakes: readonly Problem[] } {
    this.#close();
    if (this.#cases.length === 0 && this.#mistakes.length === 0) {
      const nothing = { number: 1, text: "" };
      this.#mistakes.push(problemOf(new FlowError("the script has no packet"), this.#file, nothing));
    }
    return { script: { file: this.#file, cases: this.#cases }, mistakes: this.#mistakes };
  }

  #take(node: LineNode, line: SourceLine): void {
    switch (node.kind) {
      case "setting":
      case "sysctl":
        this.#set(node);
        return;
      case "test":
        this.#begin(unquote(node.title), line);
        return;
      case "wait":
        this.#now += microseconds(node.time);
        return;
      case "event":
        this.#event(node, line);
        return;
      case "terms":
        this.#expect(node.terms, line);
        return;
      case "assertion":
        if (node.time !== null) this.#moveTo(node.time);
        checkAssertion(node.assertion);
        this.#items.push({ kind: "assertion", line, time: this.#now, assertion: node.assertion });
        return;
    }
  }

  #set(node: Extract<LineNode, { kind: "setting" | "sysctl" }>): void {
    if (this.#items.length > 0)
      throw new FlowError("settings stand before the first packet", node.kind === "setting" ? node.name : node.key);
    if (node.kind === "setting") {
      const name = node.name.text as "rules" | "rules6" | "host" | "seed";
      const value = name === "seed" ? numberOf(node.value, 0xffffffff, "seed") : unquote(node.value);
      this.#settings = { ...this.#settings, [name]: value };
      return;
    }
    const [key, value] =
      node.value === null
        ? [node.key.text.slice(0, node.key.text.indexOf("=")), node.key.text.slice(node.key.text.indexOf("=") + 1)]
        : [node.key.text, node.value.text];
    if (!/^-?\d+$/.test(value))
      throw new FlowError(`the value of a sysctl is a whole number, not “${value}”`, node.key);
    this.#settings = { ...this.#settings, sysctl: { ...this.#settings.sysctl, [key]: Number(value) } };
  }

  #begin(title: string, line: SourceLine): void {
    if (this.#title === null && this.#items.length === 0) this.#shared = this.#settings;
    this.#close();
    this.#title = title;
    this.#line = line.number;
    this.#settings = this.#shared;
  }

  #close(): void {
    if (this.#items.length > 0)
      this.#cases.push({ title: this.#title, line: this.#line, settings: this.#settings, items: this.#items });
    this.#items = [];
    this.#labels = new Set();
    this.#now = 0;
  }

  #event(node: Extract<LineNode, { kind: "event" }>, line: SourceLine): void {
    if (node.time !== null) this.#moveTo(node.time);
    const action = node.action;
    if (action.kind === "packet") buildPacket(action.packet);
    else this.#checkTarget(action);
    const label = node.label === null ? null : node.label.text.slice(0, -1);
    if (label !== null) {
      if (this.#labels.has(label)) throw new FlowError(`“${label}” already names a packet of this test`, node.label);
      this.#labels.add(label);
    }
    const expectations = node.terms.map((term) => ({ line, term: checkTerm(term) }));
    this.#items.push({ kind: "event", line, time: this.#now, label, action, expectations });
  }

  #checkTarget(action: Extract<ActionNode, { kind: "follow" }>): void {
    if (action.target !== null && !this.#labels.has(action.target.text))
      throw new FlowError(`no packet of this test is called “${action.target.text}”`, action.target);
    if (!this.#items.some((item) => item.kind === "event"))
      throw new FlowError(`“${action.how.text}” needs a packet before it`, action.how);
  }

  #expect(terms: readonly TermNode[], line: SourceLine): void {
    const last = this.#items.at(-1);
    if (last?.kind !== "event") throw new FlowError("“=>” needs a packet before it", terms[0].at);
    const more = terms.map((term) => ({ line, term: checkTerm(term) }));
    this.#items[this.#items.length - 1] = { ...last, expectations: [...last.expectations, ...more] };
  }

  #moveTo(token: Token): void {
    const time = microseconds(token);
    if (token.type === "delta") this.#now += time;
    else if (time < this.#now) throw new FlowError(`time goes back: ${token.text} after ${this.#now / 1e6}`, token);
    else this.#now = time;
  }
}

const UNITS: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: 86400e6 };

/** `0.1`, `+120s`, `5m` in microseconds. */
function microseconds(token: Token): number {
  const [, number, unit] = token.text.match(/^\+?(\d+(?:\.\d+)?)([a-z]*)$/)!;
  return Math.round(Number(number) * UNITS[unit === "" ? "s" : unit]);
}

function checkAssertion(assertion: AssertionNode): void {
  const most = Number.MAX_SAFE_INTEGER;
  if (assertion.kind === "counter") {
    numberOf(assertion.packets, most, "a counter");
    if (assertion.bytes !== null) numberOf(assertion.bytes, most, "a counter");
    if (assertion.rule.text !== "policy" && numberOf(assertion.rule, most, "a rule") === 0)
      throw new FlowError("rules count from 1", assertion.rule);
  } else if (assertion.kind === "connections") numberOf(assertion.count, most, "a number of connections");
}
