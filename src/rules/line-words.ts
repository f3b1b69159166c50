/** One line cut into words, each with its class and its place: the moo lexer and the line's scope together. */
import type moo from "moo";
import { blanksBefore, restoreLexer, WORD_CLASSES, type WordClass } from "../../grammar/rules-lexer.ts";
import type { Registry } from "./extension.ts";
import { LineScope } from "./scope.ts";

/** The words of one line and their classes, a letter each. */
export interface LineWords {
  readonly words: readonly string[];
  readonly letters: string;
}

/** Where each word begins and ends in its text, quotes included. */
export interface WordPlaces {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

export class WordReader {
  readonly scope: LineScope;
  #lexer: moo.Lexer;

  constructor(registry: Registry) {
    this.scope = new LineScope(registry);
    this.#lexer = restoreLexer((word) => this.scope.classify(word));
  }

  /** Cuts a rule's text. The scope must have been reset for the line. */
  read(text: string): LineWords {
    const lexer = this.#lexer;
    let letters = "";
    lexer.reset(text);
    for (let token = lexer.next(); token !== undefined; token = lexer.next())
      if (token.type !== "blank") letters += WORD_CLASSES[token.type as WordClass];
    return { words: this.scope.words, letters };
  }

  /** The places of the words of a text, asked for only when one must be pointed at. The scope must have been reset. */
  places(text: string): WordPlaces {
    const starts: number[] = [];
    const ends: number[] = [];
    this.#lexer.reset(text);
    for (let token = this.#lexer.next(); token !== undefined; token = this.#lexer.next()) {
      if (token.type === "blank") continue;
      starts.push(token.offset + blanksBefore(token.text));
      ends.push(token.offset + token.text.length);
    }
    return { starts, ends };
  }
}
