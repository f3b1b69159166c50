/**
 * Rules of one kind of line, read the short way. When the first line of a kind has been read in full (rule-line.ts), all
 * that does not depend on its values has been checked: options twice, options that exclude each other, what -A goes with.
 * A recipe reads the values of the next ones and nothing else. Where a value is refused the line is read in full after all,
 * so that sentences come from one place only.
 */
import type { Family, TableName } from "../packet/hook.ts";
import { parseAddressList } from "./address-text.ts";
import { blankCommand, type LineCommand } from "./command.ts";
import type { RuleSite } from "./extension.ts";
import { LONGEST_NAME } from "./known-extensions.ts";
import { KnownUse } from "./known-use.ts";
import type { KnownLine } from "./line-memo.ts";
import { parseInterface, protocolOf, readCounters, targetName } from "./line-values.ts";
import type { InterfaceMatch, Use } from "./ruleset.ts";
import type { OptionEvent } from "./scope.ts";
import type { Item } from "./shape.ts";
import { possibleHooks } from "./tables.ts";
import { byteLength } from "./text.ts";
import { TextMemo } from "./text-memo.ts";

/** A value that the line does not have. */
const NONE = -1;

const NOTHING_READ: Use = { name: "", options: null };

/** What may be seen of a rule by extensions that look at it. */
type Seen = { -readonly [K in keyof RuleSite]: RuleSite[K] };

export class Recipe {
  readonly #known: KnownLine;
  readonly #words: readonly string[];
  readonly #family: Family;
  readonly #table: TableName;
  /** Which value is what. */
  readonly #slots = { chain: NONE, source: NONE, destination: NONE, in: NONE, out: NONE, jump: NONE };
  readonly #nots = { source: false, destination: false, in: false, out: false };
  readonly #matches: readonly KnownUse[];
  #target: KnownUse | null = null;
  /** What the line says, as far as it was read; what is no value stays. */
  readonly #out = blankCommand();
  /** What extensions see of the rule around them; null: none of them looks. */
  #seen: Seen | null = null;
  readonly #sources = new TextMemo<LineCommand["sources"]>();
  readonly #destinations = new TextMemo<LineCommand["destinations"]>();
  readonly #devices = new TextMemo<{ readonly match: InterfaceMatch | null }>();

  /** For lines like this one, which was read in full in this table; null: they have to be. */
  static of(known: KnownLine, family: Family, table: TableName): Recipe | null {
    const recipe = new Recipe(known, family, table);
    return recipe.#learn() ? recipe : null;
  }

  private constructor(known: KnownLine, family: Family, table: TableName) {
    this.#known = known;
    this.#words = known.words(null);
    this.#matches = known.line.matches.map(({ declaration }) => new KnownUse(declaration));
    this.#family = family;
    this.#table = table;
    this.#out.commands = "A";
    this.#out.matches = this.#matches.map(() => NOTHING_READ);
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
    if (this.#target?.looks === true || this.#matches.some(({ looks }) => looks)) {
      const { protocol } = this.#out;
      this.#seen = {
        family: this.#family,
        table: this.#table,
        hooks: [],
        protocol,
        inInterface: false,
        outInterface: false,
      };
    }
    return this.#slots.chain !== NONE;
  }

  #base({ entry, loads }: OptionEvent, not: boolean, item: Item): boolean {
    const out = this.#out;
    const word = item.values[0];
    const slot = this.#known.slots.indexOf(word);
    switch (entry!.letter) {
      case "A":
        this.#slots.chain = slot;
        out.word = word;
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
        out.protocol = protocolOf(this.#words[word].toLowerCase(), not);
        return true;
      case "f":
        out.fragment = { not };
        return true;
      case "m":
        return true;
      case "g":
      case "j":
        out.goto = entry!.letter === "g";
        out.jump = this.#words[word];
        out.targetWord = word;
        this.#slots.jump = slot;
        this.#target = loads === null ? null : new KnownUse(loads.declaration);
        return true;
      default:
        return false;
    }
  }

  #option({ entry, extension }: OptionEvent, not: boolean, item: Item): boolean {
    const match = this.#known.line.matches.indexOf(extension!);
    const use = match < 0 ? this.#target : this.#matches[match];
    const words = item.values.map((word) => this.#words[word]);
    const slots = item.values.map((word) => this.#known.slots.indexOf(word));
    use!.option(entry!, not, words, slots, {
      family: this.#family,
      table: this.#table,
      protocol: this.#out.protocol,
    });
    return true;
  }

  /** The command of a line with these values, valid until the next is read. Null, or a RuleError: the line has to be read in full. */
  read(values: readonly string[], counters: readonly [packets: string, bytes: string] | null): LineCommand | null {
    const out = this.#out;
    const { chain: chainSlot, source, destination, in: inSlot, out: outSlot, jump } = this.#slots;
    const chain = values[chainSlot];
    out.chain = chain;
    if (byteLength(chain) > LONGEST_NAME) return null;
    if (outSlot !== NONE && (chain === "PREROUTING" || chain === "INPUT")) return null;
    if (inSlot !== NONE && (chain === "POSTROUTING" || chain === "OUTPUT")) return null;
    out.counters = null;
    if (counters !== null) {
      if (/^[-!]/.test(counters[1])) return null;
      out.counters = readCounters(counters[0], counters[1]);
    }
    if (source !== NONE) out.sources = this.#addresses(this.#sources, values[source], this.#nots.source);
    if (destination !== NONE)
      out.destinations = this.#addresses(this.#destinations, values[destination], this.#nots.destination);
    const several = out.sources.length > 1 || out.destinations.length > 1;
    if (several && (this.#nots.source || this.#nots.destination)) return null;
    if (inSlot !== NONE) out.inInterface = this.#device(values[inSlot], this.#nots.in);
    if (outSlot !== NONE) out.outInterface = this.#device(values[outSlot], this.#nots.out);
    if (jump !== NONE) out.jump = targetName(values[jump]);
    if (out.jump === "DROP" && this.#table === "nat") return null;
    if (this.#seen !== null) this.#look(this.#seen, chain);
    this.#uses(values);
    return out;
  }

  #addresses(memo: TextMemo<LineCommand["sources"]>, text: string, not: boolean): LineCommand["sources"] {
    if (!memo.pays) return parseAddressList(text, this.#family, not);
    return memo.get(text) ?? memo.set(text, parseAddressList(text, this.#family, not));
  }

  #device(text: string, not: boolean): InterfaceMatch | null {
    const key = not ? `!${text}` : text;
    return (this.#devices.get(key) ?? this.#devices.set(key, { match: parseInterface(text, not) })).match;
  }

  /** Takes over what extensions may see of the rule. */
  #look(seen: Seen, chain: string): void {
    const hooks = possibleHooks(this.#table, chain);
    const inInterface = this.#out.inInterface !== null;
    const outInterface = this.#out.outInterface !== null;
    if (hooks === seen.hooks && inInterface === seen.inInterface && outInterface === seen.outInterface) return;
    seen.hooks = hooks;
    seen.inInterface = inInterface;
    seen.outInterface = outInterface;
    for (const match of this.#matches) match.forget();
    this.#target?.forget();
  }

  /** Binds the line's extensions. Lists of matches and destinations that are the same as in the line before are shared with it. */
  #uses(values: readonly string[]): void {
    const out = this.#out;
    const known = this.#matches;
    let own: Use[] | null = null;
    for (let i = 0; i < known.length; i++) {
      const use = known[i].of(values, this.#seen);
      if (use === out.matches[i]) continue;
      own ??= out.matches.slice();
      own[i] = use;
    }
    if (own !== null) out.matches = own;
    if (this.#target === null) return;
    const use = this.#target.of(values, this.#seen);
    if (use !== out.target?.use) out.target = { kind: "target", use };
  }
}
