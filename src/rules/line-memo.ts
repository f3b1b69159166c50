/**
 * What was found out about a line holds for every line that differs from it only in values: `-s 192.0.2.7/32 -p tcp -m
 * tcp --dport 80` is read like `-s 192.0.2.9/32 -p tcp -m tcp --dport 443`. Lines are remembered in a tree of the text
 * between values (`-s `, ` -p tcp -m tcp --dport `), for options, names of extensions and protocols decide how a line goes on.
 * A line that the tree does not know goes through lexer, scope and grammar, which stay the only ones that decide.
 */
import type { TableName } from "../packet/hook.ts";
import type { Recipe } from "./line-recipe.ts";
import type { ReadLine } from "./line-words.ts";

/** How a word leads on: by its text, as any value, as a word that begins no option, as a chain's name, as a jump's text. */
export type EdgeKind = "text" | "any" | "argument" | "chain" | "jump";

/** A kind of line. */
export class KnownLine {
  readonly line: ReadLine;
  /** Which word each value is. */
  readonly slots: readonly number[];
  /** How to read such lines the short way, by the table that they stand in; null: there is none. */
  readonly recipes = new Map<TableName, Recipe | null>();
  /** The words of the line that was read first. */
  readonly #words: readonly string[];

  constructor(line: ReadLine, words: readonly string[], slots: readonly number[]) {
    this.line = line;
    this.#words = words;
    this.slots = slots;
  }

  /** The words of a line with these values; of the first one without. */
  words(values: readonly string[] | null): string[] {
    const words = this.#words.slice();
    if (values !== null) for (let i = 0; i < this.slots.length; i++) words[this.slots[i]] = values[i];
    return words;
  }
}

/** A piece of text, and what stands behind it. */
class Edge {
  readonly text: string;
  /** Words of it that are what -j leads to: a chain of that name would go before an extension. */
  readonly jumps: readonly string[];
  readonly value: Exclude<EdgeKind, "text" | "jump"> | "end";
  readonly next: Edge[] = [];
  known: KnownLine | null = null;

  constructor(text: string, jumps: readonly string[], value: Edge["value"]) {
    this.text = text;
    this.jumps = jumps;
    this.value = value;
  }
}

/** A ruleset has some hundred kinds of lines; a text that makes more is not worth remembering. */
const MOST_EDGES = 20_000;
/** Edges are tried one after the other. */
const MOST_BESIDE = 200;

const BANG = 33;
const QUOTE = 34;
const DASH = 45;

export class LineMemo {
  /** The values of the line that was found last. */
  readonly values: string[] = [];
  #root: Edge[] = [];
  #edges = 0;

  /**
   * The kind of a line, or null. All in one function, longer than what V8 takes into its callers (460 bytes of bytecode): it
   * would be compiled once more with each of them, which takes longer than reading most rulesets.
   */
  find(text: string, isChain: (name: string) => boolean): KnownLine | null {
    if (text.includes("\t")) return null;
    const quoted = text.includes('"');
    const { values } = this;
    let count = 0;
    let edges = this.#root;
    let at = 0;
    next: for (;;) {
      for (let i = 0; i < edges.length; i++) {
        const edge = edges[i];
        if (!text.startsWith(edge.text, at)) continue;
        const from = at + edge.text.length;
        const kind = edge.value;
        if (kind === "end") {
          if (from < text.length || (edge.jumps.length > 0 && edge.jumps.some(isChain))) continue;
          return edge.known;
        }
        let end: number;
        let value: string;
        if (quoted) {
          end = quotedEnd(text, from);
          if (end === from) continue;
          value = text.charCodeAt(from) === QUOTE ? text.slice(from + 1, end - 1) : text.slice(from, end);
        } else {
          end = text.indexOf(" ", from);
          if (end < 0) end = text.length;
          if (end === from) continue;
          value = text.slice(from, end);
        }
        if (kind === "chain") {
          if (!isChain(value)) continue;
        } else if (kind === "argument") {
          const first = value.charCodeAt(0);
          if (first === DASH || first === BANG) continue;
        }
        if (edge.jumps.length > 0 && edge.jumps.some(isChain)) continue;
        // What was just found is likely to come again.
        if (i > 0) {
          edges[i] = edges[0];
          edges[0] = edge;
        }
        values[count++] = value;
        edges = edge.next;
        at = end;
        continue next;
      }
      return null;
    }
  }

  /** Remembers a line; one that is written in a way that `find` does not take apart is let go. */
  add(text: string, words: readonly string[], kinds: readonly EdgeKind[], line: ReadLine): void {
    const slots: number[] = [];
    let edges = this.#root;
    let at = 0;
    let piece = "";
    let jumps: string[] = [];
    for (let i = 0; i < words.length; i++) {
      if (i > 0) {
        if (text[at++] !== " ") return;
        piece += " ";
      }
      const kind = kinds[i];
      const end = quotedEnd(text, at);
      if (end === at || wordAt(text, at, end) !== words[i]) return;
      if (kind === "text" || kind === "jump") {
        piece += text.slice(at, end);
        if (kind === "jump") jumps.push(words[i]);
      } else {
        slots.push(i);
        edges = this.#step(edges, piece, jumps, kind).next;
        piece = "";
        jumps = [];
      }
      at = end;
    }
    if (at === text.length) this.#step(edges, piece, jumps, "end").known = new KnownLine(line, [...words], slots);
  }

  #step(edges: Edge[], text: string, jumps: readonly string[], value: Edge["value"]): Edge {
    let edge = edges.find((one) => one.text === text && one.value === value && one.jumps.join() === jumps.join());
    if (edge === undefined) {
      edge = new Edge(text, jumps, value);
      if (this.#edges++ > MOST_EDGES) {
        this.#root = [];
        this.#edges = 0;
      }
      if (edges.length < MOST_BESIDE) edges.push(edge);
    }
    return edge;
  }
}

/** Where a word ends that begins at `at`, in a text without quotes. */
function wordEnd(text: string, at: number): number {
  const end = text.indexOf(" ", at);
  return end < 0 ? text.length : end;
}

/** The same where words may be quoted as a whole, without backslashes; `at` itself for what is written otherwise. */
function quotedEnd(text: string, at: number): number {
  const quote = text.indexOf('"', at);
  if (quote !== at) {
    const end = wordEnd(text, at);
    return quote >= 0 && quote < end ? at : end;
  }
  const close = text.indexOf('"', at + 1);
  if (close <= at + 1 || (close + 1 < text.length && text[close + 1] !== " ")) return at;
  const backslash = text.indexOf("\\", at);
  return backslash >= 0 && backslash < close ? at : close + 1;
}

function wordAt(text: string, at: number, end: number): string {
  return text.charCodeAt(at) === QUOTE ? text.slice(at + 1, end - 1) : text.slice(at, end);
}

/** xs_has_arg takes no word that begins so for an argument. */
export function mayBeOption(word: string): boolean {
  const first = word.charCodeAt(0);
  return first === DASH || first === BANG;
}
