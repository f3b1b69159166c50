/**
 * The derivation of a line by the shape grammar (grammar/rules.ne). The same few shapes make up any ruleset (about 300 in
 * 100,000 rules), so each is parsed once and remembered by the letters of its words' classes.
 */
import nearley from "nearley";
import grammar, { type Item } from "../../grammar/generated/rules.ts";
import type { WordClass } from "../../grammar/rules-lexer.ts";

export type { Item };

/** Where a line stops being one. */
export interface ShapeFailure {
  /** Index of the word that does not fit; the number of words where one is missing. */
  readonly at: number;
  /** What would fit there. */
  readonly expected: readonly WordClass[];
}

export interface Shape {
  /** The options up to the failure, or all. */
  readonly items: readonly Item[];
  readonly failure: ShapeFailure | null;
}

const compiled = nearley.Grammar.fromCompiled(grammar as nearley.CompiledRules);
const shapes = new Map<string, Shape>();
const MOST_SHAPES = 5000;

/** More words than this no line has: an Earley chart grows with each. */
export const LONGEST_SHAPE = 1000;
const TOO_LONG: Shape = { items: [], failure: { at: LONGEST_SHAPE, expected: [] } };

export function shapeOf(letters: string): Shape {
  if (letters.length > LONGEST_SHAPE) return TOO_LONG;
  let shape = shapes.get(letters);
  if (shape === undefined) {
    shape = derive(letters);
    if (shapes.size >= MOST_SHAPES) shapes.clear();
    shapes.set(letters, shape);
  }
  return shape;
}

/** Feeds the parser word by word and keeps the longest beginning that is a line by itself. */
function derive(letters: string): Shape {
  const parser = new nearley.Parser(compiled);
  let items: readonly Item[] = [];
  for (let at = 0; at < letters.length; at++) {
    const expected = expectedTokens(parser);
    try {
      parser.feed(letters[at]);
    } catch {
      return { items, failure: { at, expected } };
    }
    if (parser.results.length > 0) items = parser.results[0].items;
  }
  const complete = letters.length === 0 || parser.results.length > 0;
  return { items, failure: complete ? null : { at: letters.length, expected: expectedTokens(parser) } };
}

/** The token classes that the last column of the chart waits for. */
function expectedTokens(parser: nearley.Parser): WordClass[] {
  const { table } = parser as unknown as { table: { scannable: { rule: { symbols: unknown[] }; dot: number }[] }[] };
  const classes = table[table.length - 1].scannable.map(({ rule, dot }) => rule.symbols[dot] as { type: WordClass });
  return [...new Set(classes.map((symbol) => symbol.type))];
}
