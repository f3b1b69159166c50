/** One line cut into words, each with its class and its place: the moo lexer, the line's scope and the grammar together. */
import type moo from "moo";
import { blanksBefore, restoreLexer, WORD_CLASSES, type WordClass } from "../../grammar/rules-lexer.ts";
import type { Family } from "../packet/hook.ts";
import type { Registry } from "./extension.ts";
import { LineMemo } from "./line-memo.ts";
import { LineScope, type LoadedExtension, type OptionEvent } from "./scope.ts";
import { type Shape, shapeOf } from "./shape.ts";

/** What a line is, whatever its values: lines that differ in values only share it. */
export interface ReadLine {
  /** The classes of its words, a letter each, and the derivation. */
  readonly letters: string;
  readonly shape: Shape;
  /** Its options in order, and how many extensions they load. */
  readonly events: readonly OptionEvent[];
  readonly extensions: number;
  /** Of those the matches, in order. */
  readonly matches: readonly LoadedExtension[];
  /** What is said of its last option, when that lacks its argument. */
  readonly unfinished: string | null;
}

export interface LineWords {
  readonly words: readonly string[];
  readonly line: ReadLine;
}

/** Where each word begins and ends in its text, quotes included. */
export interface WordPlaces {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** What the scope has found out about the words it was asked for. */
export function readLineOf(scope: LineScope, letters: string): ReadLine {
  const { events, extensions } = scope;
  // What -j loads is the target; everything else, asked for or not, is a match.
  const matches = events.filter((event) => event.loads !== null && event.entry?.letter !== "j");
  const loaded = matches.map((event) => event.loads!);
  return { letters, shape: shapeOf(letters), events, extensions, matches: loaded, unfinished: scope.unfinished() };
}

const memos = new WeakMap<Registry, Record<Family, LineMemo>>();

function memosOf(registry: Registry): Record<Family, LineMemo> {
  let found = memos.get(registry);
  if (found === undefined) {
    found = { 4: new LineMemo(), 6: new LineMemo() };
    memos.set(registry, found);
  }
  return found;
}

/** Reads the words of rules in iptables-save text. */
export class WordReader {
  readonly family: Family;
  readonly isChain: (name: string) => boolean;
  readonly #scope: LineScope;
  readonly #lexer: moo.Lexer;
  /** The kinds of lines that were read before. */
  readonly memo: LineMemo;

  constructor(registry: Registry, family: Family, isChain: (name: string) => boolean) {
    this.family = family;
    this.isChain = isChain;
    this.#scope = new LineScope(registry);
    this.#lexer = restoreLexer((word) => this.#scope.classify(word));
    this.memo = memosOf(registry)[family];
  }

  /** `recalled`: its kind, if one like it was read before; the memo still has its values. */
  read(text: string, recalled = this.memo.find(text, this.isChain)): LineWords {
    if (recalled !== null) return { words: recalled.words(this.memo.values), line: recalled.line };
    const scope = this.#scope;
    scope.reset(this.family, this.isChain);
    let letters = "";
    this.#lexer.reset(text);
    for (let token = this.#lexer.next(); token !== undefined; token = this.#lexer.next())
      if (token.type !== "blank") letters += WORD_CLASSES[token.type as WordClass];
    const line = readLineOf(scope, letters);
    if (scope.edges !== null && line.shape.failure === null) this.memo.add(text, scope.words, scope.edges, line);
    return { words: scope.words, line };
  }

  /** The places of the words of a text, asked for only when one must be pointed at. */
  places(text: string): WordPlaces {
    const starts: number[] = [];
    const ends: number[] = [];
    this.#scope.reset(this.family, this.isChain);
    this.#lexer.reset(text);
    for (let token = this.#lexer.next(); token !== undefined; token = this.#lexer.next()) {
      if (token.type === "blank") continue;
      starts.push(token.offset + blanksBefore(token.text));
      ends.push(token.offset + token.text.length);
    }
    return { starts, ends };
  }
}
