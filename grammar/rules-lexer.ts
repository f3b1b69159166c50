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
  return raw.replace(/'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])/g, (_, single, double, escaped) => {
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
