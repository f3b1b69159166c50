/**
 * An extension in lines of a kind that was read before: that its options may stand there was found out then, and only
 * their values are left to read. What the same values gave before is the same use.
 */
import { type AnyDeclaration, type GivenOptions, useOf } from "./bind.ts";
import type { OptionSite, OptionSpec, OptionType, RuleSite } from "./extension.ts";
import type { Use } from "./ruleset.ts";
import type { OptionEntry } from "./scope.ts";
import { TextMemo } from "./text-memo.ts";

/** No value of the line, but always the same word. */
const FIXED = -1;

/** One option with its words. */
class KnownOption {
  readonly #key: string;
  readonly #type: OptionType<unknown>;
  readonly #not: boolean;
  readonly #repeat: boolean;
  /** Where among the line's values each word is. */
  readonly #slots: readonly number[];
  /** The words of the line at hand. */
  readonly #words: string[];
  /** One for all lines; `given` is that of the line at hand. */
  readonly #site: { -readonly [K in keyof OptionSite]: OptionSite[K] };

  constructor(
    declaration: AnyDeclaration,
    { spec, key }: OptionEntry,
    not: boolean,
    words: readonly string[],
    slots: readonly number[],
    line: Pick<OptionSite, "family" | "table" | "protocol">,
  ) {
    const { type, means, repeat, saidAs } = spec!;
    // A shorthand stands for another option and its words.
    const [meant, ...implied] = means ?? [];
    this.#key = meant ?? key;
    this.#type = meant === undefined ? type : (declaration.options as Record<string, OptionSpec>)[meant].type;
    this.#words = meant === undefined ? [...words] : implied;
    this.#slots = meant === undefined ? slots : implied.map(() => FIXED);
    this.#not = not;
    this.#repeat = repeat === true;
    const option = meant ?? saidAs ?? key;
    this.#site = { ...line, option, extension: declaration.name, not, given: {} };
  }

  take(given: GivenOptions, values: readonly string[]): void {
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i];
      if (slot !== FIXED) this.#words[i] = values[slot];
    }
    this.#site.given = given;
    const value = this.#type.parse(this.#words, this.#site);
    if (!this.#repeat) given[this.#key] = { not: this.#not, value };
    else {
      const before = given[this.#key] as { value: unknown[] } | undefined;
      given[this.#key] = { not: this.#not, value: [...(before?.value ?? []), value] };
    }
  }
}

export class KnownUse {
  /** It looks at the rule around it. */
  readonly looks: boolean;
  readonly #declaration: AnyDeclaration;
  readonly #options: KnownOption[] = [];
  /** The values of the line that it reads. */
  readonly #slots: number[] = [];
  readonly #memo = new TextMemo<Use>();
  /** Where it reads no value. */
  #only: Use | null = null;

  constructor(declaration: AnyDeclaration) {
    const { check, bind, refuse } = declaration;
    this.#declaration = declaration;
    this.looks = check !== undefined || bind !== undefined || refuse !== undefined;
  }

  /** An option that such lines give to it; `slots`: which of the line's values its words are, -1 for none. */
  option(
    entry: OptionEntry,
    not: boolean,
    words: readonly string[],
    slots: readonly number[],
    line: Pick<OptionSite, "family" | "table" | "protocol">,
  ): void {
    this.#options.push(new KnownOption(this.#declaration, entry, not, words, slots, line));
    for (const slot of slots) if (slot !== FIXED) this.#slots.push(slot);
  }

  /** The rule around it is another: the same values may mean something else. */
  forget(): void {
    this.#memo.forget();
    this.#only = null;
  }

  /** The use of a line with these values in such a rule, which may be null where nobody looks at it. May throw a RuleError. */
  of(values: readonly string[], rule: RuleSite | null): Use {
    const slots = this.#slots;
    if (slots.length === 0) {
      this.#only ??= this.#read(values, rule);
      return this.#only;
    }
    const memo = this.#memo;
    if (!memo.pays) return this.#read(values, rule);
    let text = values[slots[0]];
    // No line has a NUL.
    for (let i = 1; i < slots.length; i++) text += `\0${values[slots[i]]}`;
    return memo.get(text) ?? memo.set(text, this.#read(values, rule));
  }

  #read(values: readonly string[], rule: RuleSite | null): Use {
    const given: GivenOptions = {};
    for (let i = 0; i < this.#options.length; i++) this.#options[i].take(given, values);
    return useOf(this.#declaration, given, rule);
  }
}
