/**
 * The words of a line carried out one after the other, as iptables does, so that the first mistake it would name is the
 * one that is named. Source imitated: iptables/xshared.c: do_parse, ipv4_post_parse, ipv6_post_parse.
 */
import type { Family, TableName } from "../packet/hook.ts";
import { parseAddressList } from "./address-text.ts";
import { bindExtension, type GivenOptions, giveOption } from "./bind.ts";
import {
  blankCommand,
  COMMAND_LETTERS,
  type CommandLetter,
  carriesRule,
  checkOptions,
  type LineCommand,
  letterSaid,
} from "./command.ts";
import { RuleError, type RuleSite } from "./extension.ts";
import { LONGEST_NAME } from "./known-extensions.ts";
import {
  checkChainName,
  checkWait,
  notEmpty,
  parseInterface,
  protocolOf,
  readCounterOption,
  readCounters,
  ruleNumber,
  targetName,
} from "./line-values.ts";
import type { LineWords, ReadLine } from "./line-words.ts";
import type { LoadedExtension, OptionEvent } from "./scope.ts";
import type { Item } from "./shape.ts";
import { possibleHooks } from "./tables.ts";
import { byteLength } from "./text.ts";

/** A line's mistake with the word it is about. */
export class LineError extends RuleError {
  readonly word: number;
  constructor(error: RuleError, word: number) {
    super(error.message, error.code);
    this.word = word;
  }
}

export interface LineSite {
  readonly family: Family;
  /** The table if the line does not say `-t`. */
  readonly table: TableName;
  /** iptables-restore, which refuses -t and -w; else a command of its own. */
  readonly restore: boolean;
  /** Counters before the rule, as words, when they are wanted. */
  readonly counters: readonly [packets: string, bytes: string] | null;
}

/** Reads a line's words into a command; throws LineError with the first mistake. */
export function readLine(line: LineWords, site: LineSite): LineCommand {
  const reader = new LineReader(line, site);
  try {
    return reader.read();
  } catch (error) {
    if (error instanceof RuleError) throw new LineError(error, reader.at);
    throw error;
  }
}

const NOTHING_GIVEN: readonly GivenOptions[] = [];

class LineReader {
  readonly words: readonly string[];
  readonly line: ReadLine;
  readonly site: LineSite;
  /** The word that is being read. */
  at = 0;
  readonly out: LineCommand;

  private options = "";
  private table: TableName;
  private sourceText: string | null = null;
  private destinationText: string | null = null;
  private sourceNot = false;
  private destinationNot = false;
  private sourceWord = 0;
  private destinationWord = 0;
  private inWord = 0;
  private outWord = 0;
  private target: LoadedExtension | null = null;
  private abandoned = false;
  /** What was given to each extension that the line has loaded, by its index. */
  private given: readonly GivenOptions[] = NOTHING_GIVEN;

  constructor({ words, line }: LineWords, site: LineSite) {
    this.words = words;
    this.line = line;
    this.site = site;
    this.table = site.table;
    this.out = blankCommand();
  }

  read(): LineCommand {
    if (this.site.counters !== null) {
      this.options = "c";
      // iptables-restore hands both on as words behind `-c`.
      if (/^[-!]/.test(this.site.counters[1])) throw new RuleError("-c requires packet and byte counter");
      this.out.counters = readCounters(this.site.counters[0], this.site.counters[1]);
    }
    const { events, shape, extensions } = this.line;
    const { items, failure } = shape;
    this.given =
      extensions === 0 ? NOTHING_GIVEN : extensions === 1 ? [{}] : Array.from({ length: extensions }, () => ({}));
    let next = 0;
    for (const item of items) {
      let not = item.not >= 0;
      // The events of the words up to this option: its own, and an extension loaded for it.
      for (; next < events.length && events[next].word <= item.option; next++) {
        const event = events[next];
        this.at = event.word;
        if (event.trouble !== null && event.entry === null) throw new RuleError(event.trouble);
        if (event.entry === null) {
          continue;
        }
        this.option(event, not, item);
        if (this.abandoned) return { ...this.out, abandoned: true };
        not = false;
      }
    }
    if (failure !== null) this.stop(failure.at, next);
    this.complete();
    return this.out;
  }

  /** The line has no such shape: the event of the word that does not fit, or what is missing. */
  private stop(at: number, next: number): void {
    const { words } = this;
    const { letters, events } = this.line;
    this.at = Math.min(at, words.length - 1);
    for (let i = next; i < events.length && events[i].word <= at; i++)
      if (events[i].entry === null && events[i].trouble !== null) throw new RuleError(events[i].trouble!);
    if (at >= words.length) {
      // Only an option's argument can be missing, or the option behind a `!`.
      if (letters.endsWith("!")) {
        this.complete(new RuleError("nothing appropriate following !"));
        return;
      }
      throw new RuleError(this.line.unfinished ?? `option "${words[words.length - 1]}" requires an argument`);
    }
    switch (letters[at]) {
      case "!":
        throw new RuleError("multiple consecutive ! not allowed");
      case "r":
        this.complete();
        return;
      case "e":
        this.complete(new RuleError("nothing appropriate following !"));
        return;
      default:
        throw new RuleError(`Bad argument \`${words[at]}'`);
    }
  }

  private option(event: OptionEvent, not: boolean, item: Item): void {
    const { words } = this;
    const entry = event.entry!;
    const own = event.glued ?? (entry.argument === 1 ? words[item.values[0]] : null);
    const further = event.glued === null && entry.argument === 1 ? item.values.slice(1) : item.values;
    const more = event.word === item.option ? further.map((i) => words[i]) : [];
    if (event.glued === null && entry.argument > 0 && item.values.length > 0) this.at = item.values[0];
    if (entry.owner !== null) {
      const taken = own === null ? [] : [own, ...more];
      const extension = event.extension!;
      giveOption(extension, this.given[extension.index], entry, not, taken, {
        family: this.site.family,
        table: this.table,
        protocol: this.out.protocol,
      });
      return;
    }
    if (event.trouble !== null) this.loadFails(entry.letter, not, event.trouble, own);
    if (COMMANDS.includes(entry.letter)) this.command(entry.letter as CommandLetter, not, own, more);
    else this.base(entry.letter, not, own ?? "", more, event);
  }

  /** An extension that cannot be loaded: what iptables would say before it tries comes first. */
  private loadFails(letter: string, not: boolean, trouble: string, name: string | null): void {
    if (letter === "m" && not) throw new RuleError("unexpected ! flag before --match");
    if (letter === "j") {
      this.setOption("j", not);
      targetName(name ?? "");
    }
    throw new RuleError(trouble);
  }

  private command(letter: CommandLetter, not: boolean, own: string | null, more: string[]): void {
    const { out } = this;
    out.word = this.at;
    if (letter === "N") checkChainName(own!, this.site.family);
    this.addCommand(letter, letter === "L" || letter === "S" ? "Zz" : letter === "Z" ? "LS" : "", not);
    if (own !== null) out.chain = own;
    switch (letter) {
      case "D":
        if (more.length > 0) {
          out.ruleNumber = ruleNumber(more[0]);
          out.commands = "#";
        }
        break;
      case "R":
        if (more.length === 0) throw new RuleError("-R requires a rule number");
        out.ruleNumber = ruleNumber(more[0]);
        break;
      case "I":
        out.ruleNumber = more.length > 0 ? ruleNumber(more[0]) : 1;
        break;
      case "E":
        if (more.length === 0) throw new RuleError("-E requires old-chain-name and new-chain-name");
        out.newName = more[0];
        break;
      case "P":
        if (more.length === 0) throw new RuleError("-P requires a chain and a policy");
        out.policy = more[0];
        break;
      case "L":
      case "S":
      case "Z":
      case "F":
      case "X":
        if (own === null && more.length > 0) out.chain = more.shift()!;
        if (more.length > 0) {
          out.ruleNumber = ruleNumber(more[0]);
          if (letter === "Z") out.commands = "z";
        }
        break;
    }
  }

  /** xshared.c: add_command. */
  private addCommand(letter: CommandLetter, beside: string, not: boolean): void {
    if (not) throw new RuleError("unexpected '!' flag");
    const { commands } = this.out;
    if (commands !== "") {
      const clash = COMMAND_LETTERS.filter((c) => commands.includes(c) && !beside.includes(c)).pop();
      if (clash !== undefined) throw new RuleError(`Cannot use -${letterSaid(letter)} with -${letterSaid(clash)}`);
    }
    if (!commands.includes(letter)) this.out.commands += letter;
  }

  /** xshared.c: set_option. */
  private setOption(option: string, not: boolean): void {
    if (this.options.includes(option)) throw new RuleError(`multiple -${option} flags not allowed`);
    this.options += option;
    if (not && !"sdpiof".includes(option)) throw new RuleError(`cannot have ! before -${option}`);
  }

  private base(letter: string, not: boolean, own: string, more: string[], event: OptionEvent): void {
    const { out } = this;
    switch (letter) {
      case "p":
        this.setOption("p", not);
        out.protocol = protocolOf(own.toLowerCase(), not);
        break;
      case "s":
        this.setOption("s", not);
        this.sourceText = own;
        this.sourceWord = this.at;
        this.sourceNot = not;
        break;
      case "d":
        this.setOption("d", not);
        this.destinationText = own;
        this.destinationWord = this.at;
        this.destinationNot = not;
        break;
      case "i":
        notEmpty(own);
        this.setOption("i", not);
        out.inInterface = parseInterface(own, not);
        this.inWord = this.at;
        break;
      case "o":
        notEmpty(own);
        this.setOption("o", not);
        out.outInterface = parseInterface(own, not);
        this.outWord = this.at;
        break;
      case "g":
        this.setOption("j", not);
        out.goto = true;
        out.jump = targetName(own);
        out.targetWord = this.at;
        break;
      case "j":
        this.setOption("j", not);
        out.jump = targetName(own);
        out.targetWord = this.at;
        this.target = event.loads;
        break;
      case "f":
        if (this.site.family === 6) throw new RuleError("`-f' is not supported in IPv6, use -m frag instead");
        this.setOption("f", not);
        out.fragment = { not };
        break;
      case "m":
        if (not) throw new RuleError("unexpected ! flag before --match");
        break;
      case "c":
        this.setOption("c", not);
        out.counters = readCounterOption(own, more);
        break;
      default:
        this.incidental(letter, not, own, more);
    }
  }

  /** Options that say how iptables works, not what the rule is. */
  private incidental(letter: string, not: boolean, own: string, more: string[]): void {
    const program = this.site.family === 4 ? "iptables-restore" : "ip6tables-restore";
    switch (letter) {
      case "v":
        if (!this.options.includes("v")) this.setOption("v", not);
        break;
      case "n":
      case "x":
      case "0":
        this.setOption(letter, not);
        break;
      case "t":
        if (not) throw new RuleError("unexpected ! flag before --table");
        if (this.site.restore) throw new RuleError(`The -t option cannot be used in ${program}.`);
        this.out.table = own;
        this.table = own as TableName;
        break;
      case "w":
      case "W":
        if (this.site.restore) throw new RuleError(`You cannot use \`-${letter}' from iptables-restore`);
        checkWait(letter, own === "" ? (more[0] ?? null) : own);
        this.options += letter;
        break;
      case "4":
      case "6":
        if (Number(letter) === this.site.family) break;
        if (!this.site.restore) throw new RuleError(`-${letter} is for the other address family`);
        this.abandoned = true;
        break;
      case "h":
      case "V":
        throw new RuleError(`-${letter} only prints something: there is no rule in it`);
      case "b":
        throw new RuleError('Unknown arg "(null)"');
    }
  }

  /** All options are read: the checks that need the whole line, in iptables' order. */
  private complete(dangling: RuleError | null = null): void {
    const { out } = this;
    const end = Math.max(0, this.words.length - 1);
    if (this.table === "nat" && (out.policy === "DROP" || out.jump === "DROP")) {
      this.at = out.targetWord;
      throw new RuleError('The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.');
    }
    if (this.options.includes("W") && !this.options.includes("w")) {
      this.at = end;
      throw new RuleError("--wait-interval only makes sense with --wait");
    }
    this.bindExtensions();
    this.at = end;
    if (this.line.letters.includes("r")) throw new RuleError("unknown arguments found on commandline");
    if (out.commands === "") throw new RuleError("no command specified");
    if (dangling !== null) throw dangling;
    this.addresses();
    this.at = out.word;
    checkOptions(out.commands, this.options);
    if (out.chain !== null && byteLength(out.chain) > LONGEST_NAME)
      throw new RuleError(`chain name \`${out.chain}' too long (must be under ${LONGEST_NAME + 1} chars)`);
    if (out.chain !== null) this.interfacesFit(out.chain);
  }

  private bindExtensions(): void {
    const { out } = this;
    const { matches } = this.line;
    const rule = matches.length > 0 || this.target !== null ? this.ruleSite() : null;
    if (matches.length > 0) {
      out.matches = matches.map((match) => {
        this.at = match.word;
        return bindExtension(match, this.given[match.index], rule!);
      });
    }
    if (this.target !== null) {
      this.at = this.target.word;
      out.target = { kind: "target", use: bindExtension(this.target, this.given[this.target.index], rule!) };
    }
  }

  private ruleSite(): RuleSite {
    const { out } = this;
    return {
      family: this.site.family,
      table: this.table,
      hooks: possibleHooks(this.table, out.chain ?? ""),
      protocol: out.protocol,
      inInterface: out.inInterface !== null,
      outInterface: out.outInterface !== null,
    };
  }

  /** ipv4_post_parse, ipv6_post_parse. */
  private addresses(): void {
    const { out } = this;
    const { family } = this.site;
    this.at = this.sourceWord;
    if (this.sourceText !== null) out.sources = parseAddressList(this.sourceText, family, this.sourceNot);
    this.at = this.destinationWord;
    if (this.destinationText !== null)
      out.destinations = parseAddressList(this.destinationText, family, this.destinationNot);
    if ((out.sources.length > 1 || out.destinations.length > 1) && (this.sourceNot || this.destinationNot))
      throw new RuleError("! not allowed with multiple source or destination IP addresses");
    if (out.commands.includes("R") && (out.sources.length > 1 || out.destinations.length > 1))
      throw new RuleError("Replacement rule does not specify a unique address");
  }

  private interfacesFit(chain: string): void {
    const { out } = this;
    const command = out.commands[0] as CommandLetter;
    if (!carriesRule(command) && command !== "#") return;
    if ((chain === "PREROUTING" || chain === "INPUT") && this.options.includes("o")) {
      this.at = this.outWord;
      throw new RuleError(`Can't use -o with ${chain}`);
    }
    if ((chain === "POSTROUTING" || chain === "OUTPUT") && this.options.includes("i")) {
      this.at = this.inWord;
      throw new RuleError(`Can't use -i with ${chain}`);
    }
  }
}

const COMMANDS = "ACDRILSFZNXEP";
