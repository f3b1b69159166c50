/**
 * iptables-save text read as iptables-restore reads it, line by line, all mistakes of the text reported and not only the
 * first. Source imitated: iptables/iptables-restore.c: ip46tables_restore_main.
 */
import { plainLexer } from "../../grammar/rules-lexer.ts";
import type { Family } from "../packet/hook.ts";
import { type Registry, RuleError } from "./extension.ts";
import type { KernelRefusal } from "./kernel-check.ts";
import { LONGEST_NAME } from "./known-extensions.ts";
import { type LineWords, WordReader } from "./line-words.ts";
import { inOrder, type Problem } from "./problem.ts";
import { LineError, readLine } from "./rule-line.ts";
import type { Counters, Ruleset } from "./ruleset.ts";
import { RulesetState } from "./ruleset-state.ts";
import { shapeOf } from "./shape.ts";
import { type TableState, ZERO } from "./table-state.ts";
import { isTableName } from "./tables.ts";
import { byteLength, cutBytes } from "./text.ts";

export interface ParseOptions {
  readonly family: Family;
  /** The name that problems give the text. */
  readonly file: string;
  readonly registry: Registry;
  /** Take packet and byte counters from the text, as `iptables-restore -c` does; else they start at zero. */
  readonly counters?: boolean;
  /** Keep these tables and add to them, as `iptables-restore -n` does. */
  readonly onto?: Ruleset;
}

export interface Parsed {
  /** What could be read; with errors iptables would have loaded less of it, or nothing. */
  readonly ruleset: Ruleset;
  readonly errors: readonly Problem[];
}

/** Reads iptables-save text. With errors the ruleset is what is left of the text without the lines in question. */
export function parseSave(text: string, options: ParseOptions): Parsed {
  const reader = new SaveReader(options);
  for (const line of linesOf(text)) reader.line(line);
  return reader.end();
}

/** A piece of text that iptables-restore reads at once. */
interface TextLine {
  readonly text: string;
  /** Its line break was read with it. */
  readonly complete: boolean;
  readonly number: number;
  /** Where it begins in its line: above 0 only in lines that are longer than iptables-restore's buffer. */
  readonly from: number;
  /** The whole line, for carets. */
  readonly whole: string;
}

/** What fgets reads at most: a buffer of 10240 bytes less its NUL. */
const BUFFER = 10239;

function* linesOf(text: string): Generator<TextLine> {
  let number = 1;
  for (let at = 0; at < text.length; number++) {
    const end = text.indexOf("\n", at);
    const complete = end >= 0;
    const whole = text.slice(at, complete ? end : text.length);
    at = complete ? end + 1 : text.length;
    if (whole.length * 3 < BUFFER || byteLength(whole) < BUFFER) {
      yield { text: whole, complete, number, from: 0, whole };
      continue;
    }
    for (let from = 0; from < whole.length || (from === whole.length && complete); ) {
      const piece = cutBytes(whole.slice(from), BUFFER);
      const last = from + piece.length >= whole.length && byteLength(piece) < BUFFER;
      yield { text: piece, complete: last && complete, number, from, whole };
      from += piece.length;
      if (last) break;
    }
  }
}

const MOST_WORDS = 254;
const LONGEST_WORD = 1023;

class SaveReader {
  readonly options: ParseOptions;
  readonly state: RulesetState;
  readonly problems: Problem[] = [];
  readonly words: WordReader;
  /** Names of all chain lines: they never load a target. */
  readonly announced = new Set<string>();
  #plain = plainLexer();
  #table: TableState | null = null;
  /** The table line was refused: its lines are passed over to COMMIT. */
  #passing = false;
  #linesInTable: TextLine[] = [];
  #last: TextLine = { text: "", complete: true, number: 0, from: 0, whole: "" };
  #isChain = (name: string) => this.announced.has(name) || (this.#table?.has(name) ?? false);

  constructor(options: ParseOptions) {
    this.options = options;
    this.state = new RulesetState(options.family, options.onto ?? null);
    this.words = new WordReader(options.registry);
  }

  line(line: TextLine): void {
    this.#last = line;
    // C strings end at the first NUL.
    const nul = line.text.indexOf("\0");
    const text = nul < 0 ? line.text : line.text.slice(0, nul);
    const complete = line.complete && nul < 0;
    const first = text[0];
    if (first === "#" || (text === "" && complete)) return;
    const inTable = this.#table !== null || this.#passing;
    if (inTable && complete && text === "COMMIT") this.#commit(line);
    else if (first === "*" && !inTable) this.#tableLine(line, text);
    else if (!inTable) this.#fail(line, 0, text.length, "no table is open here", 1);
    else if (this.#passing) return;
    else if (first === ":") this.#chainLine(line, text);
    else this.#ruleLine(line, text, complete);
  }

  end(): Parsed {
    if (this.#table !== null || this.#passing) {
      const { number, whole } = this.#last;
      const at = { ...this.#last, number: number + 1, whole: "" };
      this.#fail(
        whole === "" && number === 0 ? this.#last : at,
        0,
        1,
        `COMMIT expected at line ${number + 1}`,
        1,
        false,
      );
    }
    return { ruleset: this.state.toRuleset(), errors: inOrder(this.problems) };
  }

  /** `from` and `length` in characters of the piece. */
  #fail(line: TextLine, from: number, length: number, message: string, code: number, failed = code === 1): void {
    this.problems.push({
      file: this.options.file,
      line: line.number,
      column: line.from + from + 1,
      length: Math.max(1, length),
      message: message.trim(),
      code,
      text: line.whole,
      failedLine: failed ? line.number : undefined,
    });
  }

  /** `*filter`: iptables-restore empties the table, unless it adds to what is there. */
  #tableLine(line: TextLine, text: string): void {
    const { words, starts, ends, fits } = this.#plainWords("*", text);
    this.#linesInTable = [];
    if (!fits) {
      this.#passing = true;
      this.#fail(line, 0, text.length, `${this.#program()}: line ${line.number} table name invalid`, 2);
      return;
    }
    const name = words[0];
    if (!isTableName(name)) {
      this.#passing = true;
      const message = `${this.#program()}: unable to initialize table '${name}'`;
      this.#fail(line, starts[0], ends[0] - starts[0], message, 2);
      return;
    }
    this.#table = this.state.table(name);
    if (this.options.onto === undefined) this.#table.clear();
  }

  #program(): string {
    return this.options.family === 4 ? "iptables-restore" : "ip6tables-restore";
  }

  /** The words behind the first character of a table or chain line, as strtok cuts them. */
  #plainWords(mark: "*" | ":", text: string): LineWords & { fits: boolean } {
    const words: string[] = [];
    const starts: number[] = [];
    const ends: number[] = [];
    this.#plain.reset(text.slice(1));
    for (let token = this.#plain.next(); token !== undefined; token = this.#plain.next()) {
      if (token.type !== "word") continue;
      words.push(token.value);
      starts.push(1 + token.offset);
      ends.push(1 + token.offset + token.text.length);
    }
    const letters = mark + "w".repeat(words.length);
    return { words, starts, ends, letters, fits: shapeOf(letters).failure === null };
  }

  /** `:INPUT DROP [3:180]`, `:mine - [0:0]`. */
  #chainLine(line: TextLine, text: string): void {
    const read = this.#plainWords(":", text);
    const refusal = this.#chainRefusal(read, line.number);
    if (refusal === null) return;
    const [word, message, code] = refusal;
    const start = read.starts[word] ?? 0;
    this.#fail(line, start, (read.ends[word] ?? text.length) - start, message, code, false);
  }

  /** Carries a chain line out, or says which word is wrong, why, and with which exit code. */
  #chainRefusal(read: { words: readonly string[]; fits: boolean }, line: number): [number, string, number] | null {
    const [name, policy, counterText] = read.words;
    const table = this.#table!;
    if (name === undefined) return [0, `${this.#program()}: line ${line} chain name invalid`, 2];
    if (byteLength(name) > LONGEST_NAME) return [0, `Invalid chain name \`${name}' (${LONGEST_NAME} chars max)`, 2];
    if (!table.isBase(name)) {
      const refusal = this.#makeChain(table, name);
      if (refusal !== null) return [0, `error creating chain '${name}':${refusal}`, 2];
    }
    if (!read.fits) return [1, `${this.#program()}: line ${line} policy invalid`, 2];
    if (policy !== "-") {
      // Without -c the counters of a policy that is set start again.
      const counters = this.options.counters === true ? parseCounters(counterText ?? "") : ZERO;
      if (counters === null) return [2, `invalid policy counters for chain '${name}'`, 2];
      const refusal = table.setPolicy(name, policy, counters);
      if (refusal !== null) return [1, `Can't set policy \`${policy}' on \`${name}' line ${line}: ${refusal}`, 1];
    }
    this.announced.add(name);
    return null;
  }

  #makeChain(table: TableState, name: string): string | null {
    if (this.options.onto !== undefined && table.has(name)) {
      table.flush(name);
      return null;
    }
    return table.create(name) === null ? null : "File exists";
  }

  #ruleLine(line: TextLine, text: string, complete: boolean): void {
    let from = 0;
    let counters: readonly [string, string] | null = null;
    if (text[0] === "[") {
      const counted = tokenizeCounters(text, line.number);
      if (typeof counted === "string") {
        this.#fail(line, 0, text.length, counted, 2);
        return;
      }
      from = counted.end;
      if (this.options.counters === true) counters = [counted.packets, counted.bytes];
    }
    this.words.scope.reset(this.options.family, this.#isChain);
    const words = this.words.read(text, from);
    if (!complete) cutOpenQuote(words.words as string[], text, words.ends);
    try {
      this.#carryOut(line, words, counters);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      const start = words.starts[error.word] ?? 0;
      this.#fail(line, start, (words.ends[error.word] ?? text.length) - start, error.message, error.code);
    }
  }

  /** Throws LineError with what is wrong with the line. */
  #carryOut(line: TextLine, words: LineWords, counters: readonly [string, string] | null): void {
    const table = this.#table!;
    const long = words.words.findIndex((word) => word.length > LONGEST_WORD / 3 && byteLength(word) > LONGEST_WORD);
    if (long >= 0) throw new LineError(new RuleError("Parameter too long!"), long);
    const most = MOST_WORDS - (counters === null ? 3 : 6);
    if (words.words.length > most) throw new LineError(new RuleError("Parser cannot handle more arguments"), most);
    const { family, file } = this.options;
    const command = readLine(words, this.words.scope, { family, table: table.name, restore: true, counters });
    try {
      this.state.apply(command, table, { file, line: line.number });
      this.#linesInTable.push(line);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      throw new LineError(error, error.code === 1 ? command.word : command.targetWord);
    }
  }

  #commit(line: TextLine): void {
    const table = this.#table;
    this.#table = null;
    this.#passing = false;
    if (table === null) return;
    const { registry } = this.options;
    const refusals = this.state.refusals(table, registry);
    if (refusals.length === 0) return;
    const lines = new Map(this.#linesInTable.map((l) => [l.number, l]));
    for (const refusal of refusals) this.#refused(refusal, lines.get(refusal.rule?.place?.line ?? 0) ?? line, line);
  }

  /** The kernel's refusal is shown at the rule, though iptables-restore names the line of COMMIT. */
  #refused({ message, rule, match }: KernelRefusal, line: TextLine, commit: TextLine): void {
    let from = 0;
    let length = line.text.length;
    if (line !== commit && rule !== null) {
      const { scope } = this.words;
      scope.reset(this.options.family, this.#isChain);
      const { starts, ends } = this.words.read(line.text, line.text[0] === "[" ? line.text.indexOf("]") + 1 : 0);
      const loads = scope.events.filter((e) => e.loads !== null || e.entry?.letter === "j" || e.entry?.letter === "g");
      const matches = loads.filter((e) => e.entry === null || e.entry.letter === "m");
      const event = match === null ? loads.find((e) => "jg".includes(e.entry?.letter || "-")) : matches[match];
      if (event !== undefined) {
        const word = event.entry === null || event.glued !== null ? event.word : event.word + 1;
        from = starts[word] ?? 0;
        length = (ends[word] ?? line.text.length) - from;
      }
    }
    this.#fail(line, from, length, message, 1);
    this.problems[this.problems.length - 1] = { ...this.problems[this.problems.length - 1], failedLine: commit.number };
  }
}

/** `[3:180]` (xshared.c: parse_counters). */
function parseCounters(text: string): Counters | null {
  const found = /^\[[ \t]*\+?([0-9]+):[ \t]*\+?([0-9]+)/.exec(text);
  return found === null ? null : { packets: Number(found[1]), bytes: Number(found[2]) };
}

/** The counters before a rule (xshared.c: tokenize_rule_counters), or why they are none. */
function tokenizeCounters(text: string, line: number): { packets: string; bytes: string; end: number } | string {
  const close = text.indexOf("]");
  if (close < 0) return `Bad line ${line}: need ]`;
  const [packets, after] = strtok(text, 1, ":");
  if (packets === "") return `Bad line ${line}: need :`;
  const [bytes] = strtok(text, after, "]");
  if (bytes === "") return `Bad line ${line}: need ]`;
  return { packets, bytes, end: close + 1 };
}

/** C's strtok with one delimiter: the token and where the next search begins. */
function strtok(text: string, from: number, delimiter: string): [string, number] {
  let start = from;
  while (text[start] === delimiter) start++;
  const end = text.indexOf(delimiter, start);
  return end < 0 ? [text.slice(start), text.length] : [text.slice(start, end), end + 1];
}

/** A quote that is open at the end of a text without a last line break takes none along. */
function cutOpenQuote(words: string[], text: string, ends: readonly number[]): void {
  const last = words.length - 1;
  if (last >= 0 && ends[last] === text.length && words[last].endsWith("\n") && !text.endsWith("\n"))
    words[last] = words[last].slice(0, -1);
}
