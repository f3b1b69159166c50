/**
 * iptables and ip6tables commands, one or a file of them, cut into words as a shell cuts them and carried out one after
 * the other. Nothing is run: what only a shell could work out (variables, pipes, loops) is refused.
 * Source imitated: iptables/iptables-standalone.c: iptables_main; the kernel's word is asked once, after the last command.
 */
import type moo from "moo";
import { shellLexer, shellLineEnd, WORD_CLASSES, type WordClass } from "../../grammar/rules-lexer.ts";
import type { Family } from "../packet/hook.ts";
import { RuleError } from "./extension.ts";
import { type LineWords, readLineOf, type WordPlaces } from "./line-words.ts";
import { inOrder, MOST_PROBLEMS, type Problem } from "./problem.ts";
import { LineError, readLine } from "./rule-line.ts";
import type { Ruleset } from "./ruleset.ts";
import { RulesetState } from "./ruleset-state.ts";
import type { Parsed, ParseOptions } from "./save.ts";
import { LineScope } from "./scope.ts";
import { LONGEST_SHAPE } from "./shape.ts";
import { isTableName } from "./tables.ts";

/** The programs that a command may begin with, by family. */
const PROGRAM = /^(?:\/(?:[^/]+\/)*)?(ip6?)tables(?:-legacy|-nft)?$/;
/** The longest word that the kernel hands to a program. */
const LONGEST_ARGUMENT = 131_071;
/** Words before the program that change nothing for the rules. */
const PREFIXES = new Set(["sudo", "command", "exec"]);

/**
 * Carries out the commands of `options.family`; those of the other family are left to another call.
 * `ruleset` null: from empty tables.
 */
export function applyCommands(ruleset: Ruleset | null, text: string, options: ParseOptions): Parsed {
  const reader = new CommandReader(ruleset, text, options);
  reader.read();
  return reader.end();
}

class CommandReader {
  readonly options: ParseOptions;
  readonly state: RulesetState;
  readonly problems: Problem[] = [];
  readonly scope: LineScope;
  #text: string;
  #lexer: moo.Lexer;
  /** Where in the text the lexer's begins. */
  #base = 0;
  /** null: the program's name has not come yet; a family: its arguments are being read. */
  #family: Family | null = null;
  #starts: number[] = [];
  #ends: number[] = [];
  #letters = "";
  /** Where the command of each line begins, for the kernel's refusals. */
  #commands = new Map<number, { start: number; end: number }>();
  #lineStarts: number[] = [0];

  constructor(ruleset: Ruleset | null, text: string, options: ParseOptions) {
    this.options = options;
    this.#text = text;
    this.state = new RulesetState(options.family, ruleset);
    this.scope = new LineScope(options.registry);
    this.#lexer = shellLexer((word) => this.#classify(word));
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#lineStarts.push(at + 1);
  }

  read(): void {
    this.#lexer.reset(this.#text);
    for (;;) {
      const token = this.#lexer.next();
      if (this.problems.length >= MOST_PROBLEMS) return;
      if (token === undefined || token.type === "separator") {
        this.#finish();
        this.#begin();
        if (token === undefined) return;
      } else if (token.type !== "blank" && token.type !== "comment" && !this.#take(token)) {
        // After a refusal the rest of the line is not looked at.
        this.#begin();
        this.#goOn(shellLineEnd(this.#text, this.#base + token.offset + token.text.length));
      }
    }
  }

  /** The lexer goes on here. */
  #goOn(at: number): void {
    this.#base = at;
    this.#lexer.reset(this.#text.slice(at));
  }

  /** False when the command cannot be one of ours. */
  #take(token: moo.Token): boolean {
    const start = this.#base + token.offset;
    if (token.type !== "refused") return this.#word(token, start);
    this.#fail(start, 1, refusedSentence(token.text), 2);
    return false;
  }

  end(): Parsed {
    const { registry } = this.options;
    for (const table of this.state.tables.values())
      for (const { message, rule } of this.state.refusals(table, registry)) {
        if (this.problems.length >= MOST_PROBLEMS) break;
        const command = this.#commands.get(rule?.place?.line ?? 0);
        if (rule?.place?.file === this.options.file && command !== undefined)
          this.#fail(command.start, command.end - command.start, message, 1);
        else this.#fail(0, 1, message, 1);
      }
    return { ruleset: this.state.toRuleset(), errors: inOrder(this.problems) };
  }

  #begin(): void {
    this.#family = null;
    this.#starts = [];
    this.#ends = [];
    this.#letters = "";
  }

  /** moo asks for a word's class: the program's name, then its arguments. */
  #classify(word: string): WordClass {
    if (this.#family !== null) return this.#starts.length > LONGEST_SHAPE ? "rest" : this.scope.classify(word);
    const program = PROGRAM.exec(word);
    if (program !== null) {
      this.#family = program[1] === "ip" ? 4 : 6;
      this.scope.reset(this.#family, () => false);
    }
    return program !== null || PREFIXES.has(word) ? "word" : "stray";
  }

  /** Takes a word into the command; false when the command cannot be one of ours. */
  #word(token: moo.Token, start: number): boolean {
    if (this.#family === null || token.type === "word") {
      if (token.type === "word") return true;
      this.#fail(start, token.text.length, `not an iptables command: ${token.value}`, 2);
      return false;
    }
    // execve(2): MAX_ARG_STRLEN. A word that goes on in another token is longer still.
    if (token.text.length > LONGEST_ARGUMENT || start === this.#ends.at(-1)) {
      this.#fail(start, token.text.length, "Argument list too long", 2);
      return false;
    }
    if (this.#starts.length === LONGEST_SHAPE && this.#family === this.options.family)
      this.#fail(start, token.text.length, "Parser cannot handle more arguments", 2);
    this.#starts.push(start);
    this.#ends.push(start + token.text.length);
    this.#letters += WORD_CLASSES[token.type as WordClass];
    return this.#starts.length <= LONGEST_SHAPE;
  }

  /** A command is complete. */
  #finish(): void {
    if (this.#family !== this.options.family) return;
    const { words } = this.scope;
    const line: LineWords & WordPlaces = {
      words,
      line: readLineOf(this.scope, this.#letters),
      starts: this.#starts,
      ends: this.#ends,
    };
    try {
      this.#carryOut(line);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      const start = line.starts[error.word] ?? line.starts[0] ?? 0;
      const end = line.ends[error.word] ?? line.ends.at(-1) ?? start + 1;
      this.#fail(start, end - start, error.message, error.code);
    }
  }

  #carryOut(line: LineWords & WordPlaces): void {
    const { family, file } = this.options;
    const site = { family, table: "filter", restore: false, counters: null } as const;
    const command = readLine(line, site);
    const name = command.table ?? "filter";
    const program = family === 4 ? "iptables" : "ip6tables";
    if (!isTableName(name)) {
      const why = "Table does not exist (do you need to insmod?)";
      const word = line.words.indexOf(name);
      throw new LineError(new RuleError(`can't initialize ${program} table \`${name}': ${why}`, 3), Math.max(0, word));
    }
    const place = this.#placeOf(line.starts[0] ?? 0);
    this.state.apply(command, this.state.table(name), { file, line: place.line });
    this.#commands.set(place.line, { start: line.starts[0] ?? 0, end: line.ends.at(-1) ?? 1 });
  }

  /** Line and column, from 1, of a place in the text. */
  #placeOf(offset: number): { line: number; column: number } {
    let low = 0;
    let high = this.#lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#lineStarts[middle] <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - this.#lineStarts[low] + 1 };
  }

  #fail(start: number, length: number, message: string, code: number): void {
    const { line, column } = this.#placeOf(start);
    const from = this.#lineStarts[line - 1];
    const text = this.#text.slice(from, (this.#lineStarts[line] ?? this.#text.length + 1) - 1);
    const shown = Math.max(1, Math.min(length, text.length - column + 1));
    this.problems.push({ file: this.options.file, line, column, length: shown, message: message.trim(), code, text });
  }
}

function refusedSentence(character: string): string {
  return character === '"' || character === "'"
    ? `the quote ${character} is not closed, or holds something that only a shell can work out`
    : `only a shell can work out \`${character}': write the command out`;
}

/** Whether a text is iptables-save's rather than a file of commands: it has a line that begins a table, or no command. */
export function isSaveText(text: string): boolean {
  return (
    /^\*/m.test(text) || !/^[ \t]*(?:sudo[ \t]+)?(?:\/[\w./-]*\/)?ip6?tables(?:-legacy|-nft)?(?:[ \t;&]|$)/m.test(text)
  );
}
