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
let at = 0;

/** The lexer nearley calls: it is fed the letters of a line's words; a token's value is the index of its word. */
export const shapeLexer = {
  reset(chunk: string): void {
    shape = chunk;
    at = 0;
  },
  next(): { type: string; value: number; text: string } | undefined {
    if (at >= shape.length) return undefined;
    const letter = shape[at];
    return { type: CLASS_OF_LETTER.get(letter) ?? "unknown", value: at++, text: letter };
  },
  save(): undefined {
    return undefined;
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

/** What is not a word: blanks, and in a shell also comments and the ends of commands. */
export const SHELL_TOKENS = ["comment", "separator", "refused"] as const;

const END = "(?![^])";

/** Text between quotes of iptables-restore: a backslash takes the next character as it is. */
function unquoteRestore(raw: string): string {
  const quote = raw.indexOf('"');
  if (quote < 0) return raw;
  const closed = raw.length > quote + 1 && raw.endsWith('"') && isClosed(raw, quote);
  const inside = raw.slice(quote + 1, closed ? -1 : undefined);
  return raw.slice(0, quote) + (inside.includes("\\") ? inside.replace(/\\([^]?)/g, "$1") : inside);
}

function isClosed(raw: string, quote: number): boolean {
  let i = quote + 1;
  while (i < raw.length) {
    if (raw[i] === "\\") i += 2;
    else if (raw[i] === '"') return true;
    else i++;
  }
  return false;
}

/**
 * Words of a rule in iptables-save text. A closing quote ends the word it stands in; outside quotes a backslash and a
 * single quote are plain characters; a quote left open reaches to the end of the line and takes its line break along.
 */
export function restoreLexer(classify: Classify): moo.Lexer {
  return moo.compile({
    blank: { match: /[ \t\n]+/, lineBreaks: false },
    word: {
      match: new RegExp(`[^ \\t\\n"]+(?=[ \\t\\n]|${END})|[^ \\t\\n"]*"(?:[^"\\\\]|\\\\[^])*(?:"|\\\\?${END})|[^ \\t\\n"]+`),
      value: unquoteRestore,
      type: (raw: string) => classify(unquoteRestore(raw)),
    },
  } as unknown as moo.Rules);
}

/** Words of a `*table` or `:chain` line, where nothing quotes. */
export function plainLexer(): moo.Lexer {
  return moo.compile({
    blank: { match: /[ \t\n]+/, lineBreaks: false },
    word: /[^ \t\n]+/,
  } as unknown as moo.Rules);
}

const SHELL_WORD = "[^\\s\"'\\\\;&|<>()$`]";

/** Quotes of a POSIX shell: '…' as it stands; "…" with \\ before $ ` " \\ and line breaks; elsewhere \\ takes the next character. */
function unquoteShell(raw: string): string {
  if (!/["'\\]/.test(raw)) return raw;
  return raw.replace(/'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])/g, (_, single, double, escaped) => {
    if (single !== undefined) return single;
    if (double !== undefined) return double.replace(/\\([$`"\\\n])/g, (_: string, c: string) => (c === "\n" ? "" : c));
    return escaped === "\n" ? "" : escaped;
  });
}

/** Words of shell commands. Whatever a shell would compute ($, `, |, <, >, &, parentheses) is a `refused` token. */
export function shellLexer(classify: Classify): moo.Lexer {
  return moo.compile({
    blank: { match: /(?:[ \t\r\f\v]|\\\n)+/, lineBreaks: true },
    separator: { match: /(?:\n|;|&&)/, lineBreaks: true },
    comment: /#[^\n]*/,
    word: {
      match: new RegExp(`(?:${SHELL_WORD}|\\\\[^]|'[^']*'|"(?:[^"\\\\$\`]|\\\\[^])*")+`),
      lineBreaks: true,
      value: unquoteShell,
      type: (raw: string) => classify(unquoteShell(raw)),
    },
    refused: { match: /[^]/, lineBreaks: true },
  } as unknown as moo.Rules);
}
