/** More mistakes than that are not looked for in a text. */
export const MOST_PROBLEMS = 1000;

/** What is wrong with a text, where: one sentence, the line, and a caret under the words meant. */
export interface Problem {
  readonly file: string;
  /** Lines and columns count from 1; a column is a character of the line. */
  readonly line: number;
  readonly column: number;
  /** How many characters the caret underlines, at least 1. */
  readonly length: number;
  /** iptables' own sentence, without its line breaks at the end. */
  readonly message: string;
  /** 2 where iptables refuses the words, 1 where libiptc or the kernel refuse what they mean (iptables' exit code). */
  readonly code: number;
  /** The line of the file as it stands, for the caret. */
  readonly text: string;
  /** Where iptables-restore itself says no more than `iptables-restore: line N failed`: that. */
  readonly failed?: string;
}

/** `rules.v4:3:20: unknown option "--dport"`, the line, and a caret under the place. */
export function renderProblem(problem: Problem): string {
  const { file, line, column, message, failed } = problem;
  const said = failed === undefined ? "" : ` (${failed})`;
  const hint = unseen(problem);
  return `${file}:${line}:${column}: ${message.trim()}${said}\n${renderPlace(problem)}${hint === null ? "" : `\n${hint}`}`;
}

/** What nobody sees on a screen, and iptables takes for part of a word; and what is no rules text at all. */
function unseen({ text, message, column }: Problem): string | null {
  if (text.startsWith("\ufeff"))
    return "The file begins with a byte order mark, which iptables takes for part of the first word.";
  if (text.endsWith("\r"))
    return "The line ends with CR LF, as Windows writes it; iptables takes the CR for part of the last word (dos2unix helps).";
  if (text === "COMMIT" && message.startsWith("Bad argument"))
    return "The file ends right after COMMIT: iptables-restore wants a line break behind it.";
  if (text !== "COMMIT" && text.trim() === "COMMIT")
    return "There are blanks beside COMMIT: iptables-restore wants it alone on its line.";
  if (/^table (inet|ip|ip6|arp|bridge|netdev) /.test(text))
    return "This is nftables' own language. iptables-nft-save prints what iptables put there as iptables-save text.";
  if (text.slice(0, column + WIDEST).includes("\u00a0"))
    return "There is a no-break space in the line, which iptables takes for part of a word.";
  return null;
}

const WIDEST = 200;

/** The two lines below the sentence. Tabs stay tabs, so that the caret stands where the terminal puts the word. */
function renderPlace({ line, column, length, text }: Problem): string {
  const from = column > WIDEST - 40 ? column - 41 : 0;
  const shown = text.slice(from, from + WIDEST).replace(/[\r\n]/g, " ");
  const blank = text.slice(from, column - 1).replace(/[^\t]/g, " ");
  const carets = "^".repeat(Math.max(1, Math.min(length, shown.length - blank.length)));
  const gutter = `${line} | `;
  return `${gutter}${shown}\n${" ".repeat(gutter.length - 2)}| ${blank}${carets}`;
}

/** Problems in the order of the text. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** All problems rendered, a blank line between two. */
export function renderProblems(problems: readonly Problem[]): string {
  return problems.map(renderProblem).join("\n\n");
}
