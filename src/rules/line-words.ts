/** One line cut into words, each with its class and its place: the moo lexer and the line's scope together. */
import type moo from "moo";
import { restoreLexer, WORD_CLASSES, type WordClass } from "../../grammar/rules-lexer.ts";
import type { Registry } from "./extension.ts";
import { LineScope } from "./scope.ts";

/** The words of one line, for reading and for pointing at. */
export interface LineWords {
  readonly words: readonly string[];
  /** Where each word begins and ends in the text given, quotes included. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** The classes of the words, a letter each. */
  readonly letters: string;
}

export class WordReader {
  readonly scope: LineScope;
  #lexer: moo.Lexer;

  constructor(registry: Registry, makeLexer: (classify: (word: string) => WordClass) => moo.Lexer = restoreLexer) {
    this.scope = new LineScope(registry);
    this.#lexer = makeLexer((word) => this.scope.classify(word));
  }

  /** Cuts `text` from `from` on. The scope must have been reset for the line. */
  read(text: string, from: number): LineWords {
    const starts: number[] = [];
    const ends: number[] = [];
    let letters = "";
    this.#lexer.reset(from === 0 ? text : text.slice(from));
    for (let token = this.#lexer.next(); token !== undefined; token = this.#lexer.next()) {
      if (token.type === "blank") continue;
      starts.push(from + token.offset);
      ends.push(from + token.offset + token.text.length);
      letters += WORD_CLASSES[token.type as WordClass];
    }
    return { words: this.scope.words, starts, ends, letters };
  }
}
