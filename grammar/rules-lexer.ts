/**
 * The words of iptables-save text and of iptables commands. moo cuts a line into words as iptables-restore
 * (xshared.c: add_param_to_argv) or a shell does, and asks the caller for the class of each: only the option before a
 * word, in the scope of its line, tells whether `--dport` is an option or a comment's text.
 */
import moo from "moo";

/** What a word is, by the option that precedes it; one letter each, so that the shape of a line is a short text. */
export const WORD_CLASSES = {
  star: "*",
  colon: ":",
  /** A word of a `*table` or `:chain` line. */
  word: "w",
  /** An option that is complete by itself: no argument, or one glued to it (`-p6`, `--dport=80`). */
  flag: "f",
  /** An option that one word follows. */
  taking: "o",
  /** One word follows, and perhaps a second: `-I INPUT 3`, `--tcp-flags SYN,ACK SYN`. */
  pair: "p",
  /** Perhaps a word follows: `-F`, `-w 5`. */
  asking: "q",
  /** Perhaps two words follow: `-L INPUT 3`. */
  listing: "l",
  value: "v",
  argument: "a",
  not: "!",
  /** An option that the scope does not know, or a word where an option should be. */
  unknown: "?",
  stray: "s",
  /** `--`, and what stands behind it. */
  end: "e",
  rest: "r",
} as const;

export type WordClass = keyof typeof WORD_CLASSES;

const CLASS_OF_LETTER = new Map(Object.entries(WORD_CLASSES).map(([name, letter]) => [letter as string, name]));

let shape = "";
/** How many letters were fed before this chunk, and how many of it are taken. */
let before = 0;
let at = 0;

/** The lexer nearley calls: it is fed the letters of a line's words; a token's value is the index of its word. */
export const shapeLexer = {
  reset(chunk: string, state?: number): void {
    shape = chunk;
    before = state ?? 0;
    at = 0;
  },
  next(): { type: string; value: number; text: string } | undefined {
    if (at >= shape.length) return undefined;
    const letter = shape[at];
    return { type: CLASS_OF_LETTER.get(letter) ?? "unknown", value: before + at++, text: letter };
  },
  save(): number {
    return before + at;
  },
  formatError(token: { value: number }): string {
    return `word ${token.value}`;
  },
  has(name: string): boolean {
    return name in WORD_CLASSES;
  },
};

/** Called with each word, quotes removed, in order; says its class. */
export type Classify = (word: string) => WordClass;

/**
 * Text between quotes of iptables-restore: a backslash takes the next character as it is. A quote left open reaches to the
 * end of the line and takes its line break along.
 */
function unquoteRestore(raw: string): string {
  const quote = raw.indexOf('"');
  if (quote < 0) return raw;
  let inside = "";
  let i = quote + 1;
  while (i < raw.length && raw[i] !== '"') {
    if (raw[i] === "\\") i++;
    inside += raw[i] ?? "";
    i++;
  }
  return raw.slice(0, quote) + inside + (i >= raw.length ? "\n" : "");
}

/** Where a token of restoreLexer has its word: blanks in front of a word belong to its token, which halves their number. */
export function blanksBefore(text: string): number {
  let i = 0;
  while (text.charCodeAt(i) === 32 || text.charCodeAt(i) === 9) i++;
  return i;
}

/**
 * Words of a rule in iptables-save text, a line without its line break. A closing quote ends the word it stands in;
 * outside quotes a backslash and a single quote are plain characters.
 */
export function restoreLexer(classify: Classify): moo.Lexer {
  return moo.compile({
    blank: /[ \t]+(?![\s\S])/,
    word: {
      match: /[ \t]*(?:[^ \t\n"]+(?=[ \t])|[^ \t\n"]+(?![\s\S])|[^ \t\n"]*"(?:[^"\\]|\\[\s\S])*(?:"|\\?(?![\s\S])))/,
      type: (raw: string) => classify(unquoteRestore(raw.slice(blanksBefore(raw)))),
    },
  } as unknown as moo.Rules);
}

/** Words of a `*table` or `:chain` line, where nothing quotes. */
export function plainLexer(): moo.Lexer {
  return moo.compile({ blank: /[ \t]+/, word: /[^ \t\n]+/ });
}

/** Quotes of a POSIX shell: '…' as it stands; "…" with a backslash before $ ` " \ and line breaks; elsewhere a backslash takes the next character. */
function unquoteShell(raw: string): string {
  if (!/["'\\]/.test(raw)) return raw;
  return raw.replace(/'([^']*)'|"([^"\\]*(?:\\[\s\S][^"\\]*)*)"|\\([\s\S])/g, (_, single, double, escaped) => {
    if (single !== undefined) return single;
    if (double !== undefined) return double.replace(/\\([$`"\\\n])/g, (_: string, c: string) => (c === "\n" ? "" : c));
    return escaped === "\n" ? "" : escaped;
  });
}

/**
 * Words of shell commands. Whatever a shell would compute ($, `, |, <, >, &, parentheses) is a `refused` token. A word of
 * very many pieces comes in several tokens with nothing between them: a pattern without an end would exhaust the stack.
 */
export function shellLexer(classify: Classify): moo.Lexer {
  return moo.compile({
    blank: { match: /(?:[ \t]|\\\n)+/, lineBreaks: true },
    separator: { match: /\n|;|&&/, lineBreaks: true },
    comment: /#[^\n]*/,
    word: {
      match: /(?:[^ \t\n"'\\;&|<>()$`]+|\\[\s\S]|'[^']*'|"[^"\\$`]*(?:\\[\s\S][^"\\$`]*){0,20000}"){1,20000}/,
      lineBreaks: true,
      value: unquoteShell,
      type: (raw: string) => classify(unquoteShell(raw)),
    },
    refused: { match: /[\s\S]/, lineBreaks: true },
  } as unknown as moo.Rules);
}

/** Pieces of a word, and escapes between double quotes, that one token of shellLexer may have: the number in its pattern. */
const MOST_PIECES = 20_000;

/** By character code: 1 where a run of plain characters ends. */
const ENDS_RUN = new Uint8Array(0x80);
for (const character of " \t\n\"'\\;&|<>()$`") ENDS_RUN[character.charCodeAt(0)] = 1;

/**
 * Where the line break stands that ends a line of commands, or the text: what shellLexer would come to if it cut the rest of
 * the line, from the beginning of a token on, into words that nobody looks at. A line may be as long as memory.
 */
export function shellLineEnd(text: string, from: number): number {
  let at = from;
  // Of the word at hand; 0 between words, where # begins a comment.
  let pieces = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === LINE_BREAK) return at;
    if (code === HASH && pieces === 0) {
      const end = text.indexOf("\n", at);
      return end < 0 ? text.length : end;
    }
    const end = pieceEnd(text, at, code);
    const between = end < 0 || (pieces === 0 && code === BACKSLASH && text.charCodeAt(at + 1) === LINE_BREAK);
    pieces = between || pieces + 1 === MOST_PIECES ? 0 : pieces + 1;
    at = end < 0 ? at + 1 : end;
  }
  return at;
}

const LINE_BREAK = 10;
const DOUBLE_QUOTE = 34;
const HASH = 35;
const DOLLAR = 36;
const QUOTE = 39;
const BACKSLASH = 92;
const BACKTICK = 96;

/** Where a piece of a word ends that begins here with this character; -1: none does. */
function pieceEnd(text: string, at: number, code: number): number {
  if (code === BACKSLASH) return at + 1 < text.length ? at + 2 : -1;
  if (code === DOUBLE_QUOTE) return doubleQuotedEnd(text, at + 1);
  if (code === QUOTE) {
    const close = text.indexOf("'", at + 1);
    return close < 0 ? -1 : close + 1;
  }
  let end = at;
  while (end < text.length && ENDS_RUN[text.charCodeAt(end)] !== 1) end++;
  return end > at ? end : -1;
}

function doubleQuotedEnd(text: string, from: number): number {
  let escapes = 0;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOUBLE_QUOTE) return i + 1;
    if (code === DOLLAR || code === BACKTICK) return -1;
    if (code !== BACKSLASH) continue;
    if (++escapes > MOST_PIECES) return -1;
    i++;
  }
  return -1;
}
