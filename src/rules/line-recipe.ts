/**
 * Rules of one kind of line, read the short way. When the first line of a kind has been read in full (rule-line.ts), all
 * that does not depend on its values has been checked: options twice, options that exclude each other, what -A goes with.
 * A recipe reads the values of the next ones and nothing else. Where a value is refused the line is read in full after all,
 * so that sentences come from one place only.
 */
import type { Family, TableName } from "../packet/hook.ts";
import { parseAddressList } from "./address-text.ts";
import { type GivenOptions, KnownOption, useOf } from "./bind.ts";
import { blankCommand, type LineCommand } from "./command.ts";
import type { MatchDeclaration, RuleSite, TargetDeclaration } from "./extension.ts";
import { LONGEST_NAME } from "./known-extensions.ts";
import type { KnownLine } from "./line-memo.ts";
import { parseInterface, protocolOf, readCounters, targetName } from "./line-values.ts";
import type { Rule, Use } from "./ruleset.ts";
import type { OptionEvent } from "./scope.ts";
import type { Item } from "./shape.ts";
import { possibleHooks } from "./tables.ts";
import { byteLength } from "./text.ts";

/** A value that the line does not have. */
const NONE = -1;

/** An option of an extension and its words: each is a value of the line, or always the same. */
interface Taken {
  readonly option: KnownOption;
  readonly slots: readonly number[];
  readonly words: readonly string[];
}

/** An extension that the line loads, with what it gives to it. */
interface Loaded {
  readonly declaration: MatchDeclaration | TargetDeclaration;
  readonly taken: Taken[];
}

export class Recipe {
  readonly #known: KnownLine;
  readonly #words: readonly string[];
  readonly #family: Family;
  readonly #table: TableName;
  /** Which value is what. */
  readonly #slots = { chain: NONE, source: NONE, destination: NONE, in: NONE, out: NONE, jump: NONE };
  readonly #nots = { source: false, destination: false, in: false, out: false };
  #protocol: Rule["protocol"] = null;
  #fragment: Rule["fragment"] = null;
  /** -j or -g with something that is no value, and what it loads. */
  #jump = "";
  #goto = false;
  #word = 0;
  #targetWord = 0;
  readonly #matches: readonly Loaded[];
  #target: Loaded | null = null;
  /** Some extension looks at the rule around it. */
  #looks = false;

  /** For lines like this one, which was read in full in this table; null: they have to be. */
  static of(known: KnownLine, family: Family, table: TableName): Recipe | null {
    const recipe = new Recipe(known, family, table);
    return recipe.#learn() ? recipe : null;
  }

  private constructor(known: KnownLine, family: Family, table: TableName) {
    this.#known = known;
    this.#words = known.words(null);
    this.#matches = known.line.matches.map(({ declaration }) => ({ declaration, taken: [] }));
    this.#family = family;
    this.#table = table;
  }

  #learn(): boolean {
    const { events, shape, letters } = this.#known.line;
    if (letters.includes("e")) return false;
    let next = 0;
    for (const item of shape.items) {
      let not = item.not >= 0;
      for (; next < events.length && events[next].word <= item.option; next++) {
        const event = events[next];
        if (event.trouble !== null || event.glued !== null) return false;
        if (event.entry === null) continue;
        if (!(event.extension === null ? this.#base(event, not, item) : this.#option(event, not, item))) return false;
        not = false;
      }
    }
    const loaded = this.#target === null ? this.#matches : [...this.#matches, this.#target];
    this.#looks = loaded.some(
      ({ declaration: d }) => d.check !== undefined || d.bind !== undefined || d.refuse !== undefined,
    );
    return this.#slots.chain !== NONE;
  }

  #base({ entry, loads }: OptionEvent, not: boolean, item: Item): boolean {
    const word = item.values[0];
    const slot = this.#known.slots.indexOf(word);
    switch (entry!.letter) {
      case "A":
        this.#slots.chain = slot;
        this.#word = word;
        return true;
      case "s":
        this.#slots.source = slot;
        this.#nots.source = not;
        return true;
      case "d":
        this.#slots.destination = slot;
        this.#nots.destination = not;
        return true;
      case "i":
        this.#slots.in = slot;
        this.#nots.in = not;
        return true;
      case "o":
        this.#slots.out = slot;
        this.#nots.out = not;
        return true;
      case "p":
        this.#protocol = protocolOf(this.#words[word].toLowerCase(), not);
        return true;
      case "f":
        this.#fragment = { not };
        return true;
      case "m":
        return true;
      case "g":
      case "j":
        this.#goto = entry!.letter === "g";
        this.#slots.jump = slot;
        this.#jump = this.#words[word];
        this.#targetWord = word;
        this.#target = loads === null ? null : { declaration: loads.declaration, taken: [] };
        return true;
      default:
        return false;
    }
  }

  #option({ entry, extension }: OptionEvent, not: boolean, item: Item): boolean {
    const site = { family: this.#family, table: this.#table, protocol: this.#protocol };
    const match = this.#known.line.matches.indexOf(extension!);
    const loaded = match < 0 ? this.#target : this.#matches[match];
    loaded!.taken.push({
      option: new KnownOption(extension!.declaration, entry!, not, site),
      slots: item.values.map((word) => this.#known.slots.indexOf(word)),
      words: item.values.map((word) => this.#words[word]),
    });
    return true;
  }

  /** The command of a line with these values. Null, or a RuleError: the line has to be read in full. */
  read(values: readonly string[], counters: readonly [packets: string, bytes: string] | null): LineCommand | null {
    const out = blankCommand();
    const { chain, source, destination, in: inSlot, out: outSlot, jump } = this.#slots;
    const nots = this.#nots;
    out.commands = "A";
    out.chain = values[chain];
    if (byteLength(out.chain) > LONGEST_NAME) return null;
    if (outSlot !== NONE && (out.chain === "PREROUTING" || out.chain === "INPUT")) return null;
    if (inSlot !== NONE && (out.chain === "POSTROUTING" || out.chain === "OUTPUT")) return null;
    if (counters !== null) {
      if (/^[-!]/.test(counters[1])) return null;
      out.counters = readCounters(counters[0], counters[1]);
    }
    if (source !== NONE) out.sources = parseAddressList(values[source], this.#family);
    if (destination !== NONE) out.destinations = parseAddressList(values[destination], this.#family);
    out.sourceNot = nots.source;
    out.destinationNot = nots.destination;
    if ((out.sources.length > 1 || out.destinations.length > 1) && (out.sourceNot || out.destinationNot)) return null;
    if (inSlot !== NONE) out.inInterface = parseInterface(values[inSlot], nots.in);
    if (outSlot !== NONE) out.outInterface = parseInterface(values[outSlot], nots.out);
    out.protocol = this.#protocol;
    out.fragment = this.#fragment;
    out.jump = jump === NONE ? this.#jump : targetName(values[jump]);
    if (this.#table === "nat" && out.jump === "DROP") return null;
    out.goto = this.#goto;
    out.word = this.#word;
    out.targetWord = this.#targetWord;
    const rule = this.#looks ? this.#site(out) : null;
    if (this.#matches.length > 0) out.matches = this.#matches.map((match) => use(match, values, rule));
    if (this.#target !== null) out.target = use(this.#target, values, rule);
    return out;
  }

  #site(out: LineCommand): RuleSite {
    return {
      family: this.#family,
      table: this.#table,
      chain: out.chain!,
      hooks: possibleHooks(this.#table, out.chain!),
      protocol: out.protocol,
      inInterface: out.inInterface !== null,
      outInterface: out.outInterface !== null,
    };
  }
}

function use({ declaration, taken }: Loaded, values: readonly string[], rule: RuleSite | null): Use {
  const given: GivenOptions = {};
  for (let i = 0; i < taken.length; i++) {
    const { option, slots, words } = taken[i];
    if (slots.length === 1 && slots[0] !== NONE) option.take(given, [values[slots[0]]]);
    else
      option.take(
        given,
        words.map((word, w) => (slots[w] === NONE ? word : values[slots[w]])),
      );
  }
  return useOf(declaration, given, rule);
}
