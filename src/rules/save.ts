/**
 * iptables-save text read as iptables-restore reads it, line by line, all mistakes of the text reported and not only the
 * first. Source imitated: iptables/iptables-restore.c: ip46tables_restore_main.
 */
import { plainLexer } from "../../grammar/rules-lexer.ts";
import type { Family } from "../packet/hook.ts";
import { appendKnown } from "./apply.ts";
import { type Registry, RuleError } from "./extension.ts";
import type { KernelRefusal } from "./kernel-check.ts";
import { LONGEST_NAME } from "./known-extensions.ts";
import type { KnownLine } from "./line-memo.ts";
import { Recipe } from "./line-recipe.ts";
import { type LineWords, type WordPlaces, WordReader } from "./line-words.ts";
import { inOrder, MOST_PROBLEMS, type Problem } from "./problem.ts";
import { LineError, readLine } from "./rule-line.ts";
import type { Ruleset } from "./ruleset.ts";
import { RulesetState } from "./ruleset-state.ts";
import { eachLine, parseCounters, type TextLine, tokenizeCounters } from "./save-lines.ts";
import { shapeOf } from "./shape.ts";
import { type TableState, ZERO } from "./table-state.ts";
import { isTableName } from "./tables.ts";
import { byteLength } from "./text.ts";

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
  const reader = new SaveReader(text, options);
  eachLine(text, (line) => reader.line(line));
  return reader.end();
}

/** An argv of iptables-restore: 254 words at most, three of them its own, and three more for counters. */
const MOST_WORDS = 254;
const LONGEST_WORD = 1023;

/** A chain line as iptables-save writes it: most are such, and this is the short way. */
const PLAIN_CHAIN = /^:([^ \t\n]+) ([^ \t\n]+) (\[[0-9]+:[0-9]+\])$/;

class SaveReader {
  readonly options: ParseOptions;
  readonly state: RulesetState;
  readonly problems: Problem[] = [];
  readonly words: WordReader;
  /** Names of all chain lines: they never load a target. */
  readonly announced = new Set<string>();
  #text: string;
  #plain = plainLexer();
  #table: TableState | null = null;
  /** The table line was refused: its lines are passed over to COMMIT. */
  #passing = false;
  #lineCount = 0;
  #isChain = (name: string) => this.announced.has(name) || (this.#table?.has(name) ?? false);

  constructor(text: string, options: ParseOptions) {
    this.#text = text;
    this.options = options;
    this.state = new RulesetState(options.family, options.onto ?? null);
    this.words = new WordReader(options.registry, options.family, this.#isChain);
  }

  line(line: TextLine): void {
    this.#lineCount = line.number;
    if (this.#isBeyond(line)) return;
    const { text } = line;
    const first = text[0];
    if (first === "#" || (text === "" && line.complete)) return;
    const inTable = this.#table !== null || this.#passing;
    if (inTable && line.complete && text === "COMMIT") this.#commit(line);
    else if (first === "*" && !inTable) this.#tableLine(line);
    else if (!inTable) this.#fail(line, 0, text.length, "no table is open here", 1, line.number);
    else if (this.#passing) return;
    else if (first === ":") this.#chainLine(line);
    else this.#ruleLine(line);
  }

  /** The rest of a long line of which a piece was wrong, and whatever comes after too many mistakes. */
  #isBeyond({ from, number }: TextLine): boolean {
    const { problems } = this;
    return problems.length >= MOST_PROBLEMS || (from > 0 && problems.at(-1)?.line === number);
  }

  end(): Parsed {
    // A table that was refused has its mistake already.
    if (this.#table !== null && this.problems.length < MOST_PROBLEMS) {
      const number = this.#lineCount + 1;
      this.#fail({ number, from: 0, whole: "" }, 0, 1, `COMMIT expected at line ${number}`, 1);
    }
    return { ruleset: this.state.toRuleset(), errors: inOrder(this.problems) };
  }

  /** `from` and `length` in characters of the piece; `failedLine`: the line that iptables-restore names, and nothing else. */
  #fail(
    line: Pick<TextLine, "number" | "from" | "whole">,
    from: number,
    length: number,
    message: string,
    code: number,
    failedLine?: number,
  ): void {
    this.problems.push({
      file: this.options.file,
      line: line.number,
      column: line.from + from + 1,
      length: Math.max(1, length),
      message: message.trim(),
      code,
      text: line.whole,
      ...(failedLine === undefined ? {} : { failed: `${this.#program()}: line ${failedLine} failed` }),
    });
  }

  #program(): string {
    return this.options.family === 4 ? "iptables-restore" : "ip6tables-restore";
  }

  /** `*filter`: iptables-restore empties the table, unless it adds to what is there. */
  #tableLine(line: TextLine): void {
    const { words, starts, ends, fits } = this.#plainWords("*", line.text);
    if (fits && isTableName(words[0])) {
      this.#table = this.state.table(words[0]);
      if (this.options.onto === undefined) this.#table.clear();
      this.#table.begin();
      return;
    }
    this.#passing = true;
    const message = fits
      ? `${this.#program()}: unable to initialize table '${words[0]}'`
      : `${this.#program()}: line ${line.number} table name invalid`;
    this.#fail(line, starts[0] ?? 0, fits ? ends[0] - starts[0] : line.text.length, message, 2);
  }

  /** The words behind the first character of a table or chain line, as strtok cuts them. */
  #plainWords(mark: "*" | ":", text: string): WordPlaces & { words: string[]; fits: boolean } {
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
    return { words, starts, ends, fits: shapeOf(mark + "w".repeat(words.length)).failure === null };
  }

  /** `:INPUT DROP [3:180]`, `:mine - [0:0]`. */
  #chainLine(line: TextLine): void {
    const plain = PLAIN_CHAIN.exec(line.text);
    const said = plain === null ? null : { words: [plain[1], plain[2], plain[3]], fits: true };
    const refusal = this.#chainRefusal(said ?? this.#plainWords(":", line.text), line.number);
    if (refusal === null) return;
    const read = this.#plainWords(":", line.text);
    const [word, message, code] = refusal;
    const start = read.starts[word] ?? 0;
    this.#fail(line, start, (read.ends[word] ?? line.text.length) - start, message, code);
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

  #ruleLine(line: TextLine): void {
    let from = 0;
    let counters: readonly [string, string] | null = null;
    if (line.text[0] === "[") {
      const counted = tokenizeCounters(line.text, line.number);
      if (typeof counted === "string") {
        this.#fail(line, 0, line.text.length, counted, 2);
        return;
      }
      from = counted.end;
      if (line.text[from] === " ") from++;
      if (this.options.counters === true) counters = [counted.packets, counted.bytes];
    }
    const text = from === 0 ? line.text : line.text.slice(from);
    const known = this.words.memo.find(text, this.words.isChain);
    if (known === null || !this.#carryOutKnown(line, known, counters))
      this.#readInFull(line, from, text, known, counters);
  }

  #readInFull(
    line: TextLine,
    from: number,
    text: string,
    known: KnownLine | null,
    counters: readonly [string, string] | null,
  ): void {
    try {
      const words = this.words.read(text, known);
      if (!line.complete) cutOpenQuote(words.words as string[], text);
      this.#carryOut(line, words, counters);
      if (known !== null) this.#learn(known);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      const [start, length] = this.#wordPlace(text, error.word);
      const { message, code } = error;
      this.#fail(line, from + start, length, message, code, code === 1 ? line.number : undefined);
    }
  }

  /** Where the n-th word of a rule stands and how long it is; the whole text when there is no such word. */
  #wordPlace(text: string, word: number): [start: number, length: number] {
    const { starts, ends } = this.words.places(text);
    return word < starts.length ? [starts[word], ends[word] - starts[word]] : [0, text.length];
  }

  /** The short way, for a line like one that was read before. False: the line has to be read in full. */
  #carryOutKnown(line: TextLine, known: KnownLine, counters: readonly [string, string] | null): boolean {
    const table = this.#table!;
    const recipe = known.recipes.get(table.name);
    if (recipe === undefined || recipe === null || line.text.length * 3 > LONGEST_WORD) return false;
    try {
      const command = recipe.read(this.words.memo.values, counters);
      const place = { file: this.options.file, line: line.number };
      return command !== null && appendKnown(command, table, place, this.state);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      return false;
    }
  }

  /** Such a line has been read in full, and was right. */
  #learn(known: KnownLine): void {
    const { name } = this.#table!;
    if (!known.recipes.has(name)) known.recipes.set(name, Recipe.of(known, this.options.family, name));
  }

  /** Throws LineError with what is wrong with the line. */
  #carryOut(line: TextLine, words: LineWords, counters: readonly [string, string] | null): void {
    const table = this.#table!;
    if (line.text.length * 3 > LONGEST_WORD) {
      const long = words.words.findIndex((word) => word.length * 3 > LONGEST_WORD && byteLength(word) > LONGEST_WORD);
      if (long >= 0) throw new LineError(new RuleError("Parameter too long!"), long);
      const most = MOST_WORDS - (counters === null ? 3 : 6);
      if (words.words.length > most) throw new LineError(new RuleError("Parser cannot handle more arguments"), most);
    }
    const { family, file } = this.options;
    const command = readLine(words, { family, table: table.name, restore: true, counters });
    this.state.apply(command, table, { file, line: line.number });
  }

  #commit(line: TextLine): void {
    const table = this.#table;
    this.#table = null;
    this.#passing = false;
    if (table === null) return;
    table.commit();
    const refusals = this.state.refusals(table, this.options.registry);
    if (refusals.length === 0) return;
    const lines = this.#text.split("\n");
    for (const refusal of refusals.slice(0, MOST_PROBLEMS - this.problems.length)) {
      const { place } = refusal.rule ?? { place: null };
      const own = place !== null && place.file === this.options.file && place.line < line.number;
      if (own) this.#refused(refusal, lines[place.line - 1], place.line, line.number);
      else this.#fail(line, 0, line.text.length, refusal.message, 1, line.number);
    }
  }

  /** The kernel's refusal is shown at the rule, though iptables-restore names the line of COMMIT. */
  #refused({ message, match }: KernelRefusal, whole: string, number: number, commit: number): void {
    const from = whole[0] === "[" ? whole.indexOf("]") + 1 : 0;
    const text = whole.slice(from);
    const { events } = this.words.read(text).line;
    const matches = events.filter(({ entry, loads }) => loads !== null && (entry === null || entry.letter === "m"));
    const jumps = events.filter(({ entry }) => entry?.letter === "j" || entry?.letter === "g");
    const event = match === null ? jumps[0] : matches[match];
    // The name of the extension is the word behind -m or -j.
    const word = event === undefined ? -1 : event.entry === null || event.glued !== null ? event.word : event.word + 1;
    const [start, length] = this.#wordPlace(text, word < 0 ? Number.MAX_SAFE_INTEGER : word);
    this.#fail({ number, from: 0, whole }, from + start, length, message, 1, commit);
  }
}

/** A quote that is open at the end of a text without a last line break takes none along. */
function cutOpenQuote(words: string[], text: string): void {
  const last = words.length - 1;
  if (last >= 0 && words[last].endsWith("\n") && !text.endsWith("\n")) words[last] = words[last].slice(0, -1);
}
