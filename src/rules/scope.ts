/**
 * What the words of one line are, told as getopt_long tells it: which options exist changes along the line, because
 * `-m` and `-j` bring options with them and an unknown option makes `-p tcp` load the match `tcp`. The moo lexer asks
 * here for the class of each word; the options met are listed as events, which rule-line.ts then carries out in order.
 * Sources imitated: glibc getopt_long (abbreviations, clusters, `--x=y`), xshared.c: do_parse, command_default,
 * should_load_proto, command_match, command_jump; xtables.c: xtables_options_xfrm (which option wins).
 */
import type { WordClass } from "../../grammar/rules-lexer.ts";
import type { Family } from "../packet/hook.ts";
import { type ArgumentKind, furtherWords, LETTERS, LONG_OPTIONS } from "./base-options.ts";
import type { MatchDeclaration, OptionSpec, Registry, TargetDeclaration } from "./extension.ts";
import { isKnown, LONGEST_NAME, missing } from "./known-extensions.ts";
import { type EdgeKind, mayBeOption } from "./line-memo.ts";
import { parseNumber, U8_MAX } from "./numbers.ts";
import { nameOfProtocol } from "./protocols.ts";
import { byteLength } from "./text.ts";

/** An extension that a line has loaded. */
export interface LoadedExtension {
  readonly declaration: MatchDeclaration | TargetDeclaration;
  /** Index of the word that loaded it, for the caret. */
  readonly word: number;
  /** The how-manieth of its line it is, from 0. */
  readonly index: number;
}

/** One spelling of an option that getopt would know. */
export interface OptionEntry {
  readonly name: string;
  readonly argument: ArgumentKind;
  /** Base options: their letter; "" for those of extensions. */
  readonly letter: string;
  readonly owner: MatchDeclaration | TargetDeclaration | null;
  /** The key and declaration of the owner's option, and whether this spelling takes `!`. */
  readonly key: string;
  readonly spec: OptionSpec | null;
  readonly not: boolean;
}

/** Something that happens at a word: an option, an extension loaded unasked, or a word that is none. */
export interface OptionEvent {
  readonly word: number;
  readonly entry: OptionEntry | null;
  /** The argument in the same word: `80` in `--dport=80`, `tcp` in `-ptcp`. */
  readonly glued: string | null;
  /** The extension whose option this is. */
  readonly extension: LoadedExtension | null;
  /** The extension that this option, or the lack of it, loads. */
  loads: LoadedExtension | null;
  /** Why it cannot be: an extension not known, an option not known. */
  trouble: string | null;
}

const baseEntries: OptionEntry[] = LONG_OPTIONS.map(([name, argument, letter]) => baseEntry(name, argument, letter));
const baseByName = new Map(baseEntries.map((entry) => [entry.name, entry]));
const baseByLetter = new Map<string, OptionEntry>();
for (const argument of [0, 1, 2] as const)
  for (const letter of LETTERS[argument]) baseByLetter.set(letter, baseEntry(`-${letter}`, argument, letter));

function baseEntry(name: string, argument: ArgumentKind, letter: string): OptionEntry {
  return { name, argument, letter, owner: null, key: name, spec: null, not: true };
}

interface OptionTable {
  readonly entries: readonly OptionEntry[];
  readonly byName: ReadonlyMap<string, OptionEntry>;
}

const tables = new WeakMap<MatchDeclaration | TargetDeclaration, OptionTable>();

/** All spellings of an extension's options, in declared order. */
function optionTable(owner: MatchDeclaration | TargetDeclaration): OptionTable {
  let table = tables.get(owner);
  if (table === undefined) {
    const entries: OptionEntry[] = [];
    for (const [key, spec] of Object.entries(owner.options as Record<string, OptionSpec>)) {
      const argument = spec.type.arity === 0 ? 0 : 1;
      const not = spec.not === true;
      entries.push({ name: key, argument, letter: "", owner, key, spec, not });
      for (const alias of spec.aliases ?? []) {
        const name = typeof alias === "string" ? alias : alias.name;
        const aliasNot = typeof alias === "string" ? not : (alias.not ?? not);
        entries.push({ name, argument, letter: "", owner, key, spec, not: aliasNot });
      }
    }
    table = { entries, byName: new Map(entries.map((entry) => [entry.name, entry])) };
    tables.set(owner, table);
  }
  return table;
}

/** The three names of one match (xtables_find_match). */
function matchName(name: string): string {
  return name === "icmpv6" || name === "ipv6-icmp" ? "icmp6" : name;
}

export class LineScope {
  readonly registry: Registry;
  family: Family = 4;
  /** Names that are chains and therefore never load a target (xtables_announce_chain). */
  isChain: (name: string) => boolean = () => false;

  /** The words of the line, without quotes. */
  words: string[] = [];
  events: OptionEvent[] = [];
  /** How many extensions were loaded. */
  extensions = 0;
  /** How each word leads on in the memory of lines; null when the line is not to be remembered. */
  edges: EdgeKind[] | null = [];

  readonly #known = {
    match: { 4: new Map<string, MatchDeclaration | TargetDeclaration>(), 6: new Map() },
    target: { 4: new Map<string, MatchDeclaration | TargetDeclaration>(), 6: new Map() },
  };
  #loaded: (MatchDeclaration | TargetDeclaration)[] = [];
  #instances = new Map<MatchDeclaration | TargetDeclaration, LoadedExtension>();
  #protocol: string | null = null;
  #protocolUsed = false;
  #ended = false;
  /** The option that waits for its argument, and how many words it may take after that. */
  #waiting: OptionEvent | null = null;
  #further = 0;

  constructor(registry: Registry) {
    this.registry = registry;
  }

  /** A new line begins. */
  reset(family: Family, isChain: (name: string) => boolean): void {
    this.family = family;
    this.isChain = isChain;
    this.words = [];
    this.events = [];
    this.extensions = 0;
    this.edges = [];
    if (this.#loaded.length > 0) {
      this.#loaded = [];
      this.#instances.clear();
    }
    this.#protocol = null;
    this.#protocolUsed = false;
    this.#ended = false;
    this.#waiting = null;
    this.#further = 0;
  }

  /** The class of the next word of the line. */
  classify(word: string): WordClass {
    this.words.push(word);
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      // Counters differ from line to line and say how many words follow.
      if (waiting.entry!.letter === "c") this.#forget("value");
      this.edges?.push(this.#edgeOfValue(waiting, word));
      this.#took(waiting, word);
      return "value";
    }
    if (this.#further > 0 && !mayBeOption(word)) {
      this.#further--;
      this.edges?.push("argument");
      return "argument";
    }
    this.#further = 0;
    this.edges?.push("text");
    if (this.#ended) return this.#forget("rest");
    if (word === "!") return "not";
    if (word.charCodeAt(0) !== 45 || word.length === 1) return this.#forget("stray");
    if (word === "--") {
      this.#ended = true;
      return this.#forget("end");
    }
    return word.charCodeAt(1) === 45 ? this.#long(word) : this.#cluster(word);
  }

  /** A line with such a word is rare, or wrong: it is not remembered. */
  #forget(as: WordClass): WordClass {
    this.edges = null;
    return as;
  }

  /** Whether an option's value decides how the line goes on. */
  #edgeOfValue({ entry }: OptionEvent, word: string): EdgeKind {
    switch (entry!.letter) {
      case "p":
      case "m":
        return "text";
      case "j":
        return this.isChain(word) ? "chain" : "jump";
      default:
        return "any";
    }
  }

  /** `--name` or `--name=value`. */
  #long(word: string): WordClass {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    let entry = this.#find(name);
    if (entry === null && this.#loadProtocol()) entry = this.#find(name);
    // getopt refuses a value for an option that takes none as it refuses an unknown option.
    if (entry === null || (equals >= 0 && entry.argument === 0)) return this.#unknown(word);
    return this.#met(entry, equals < 0 ? null : word.slice(equals + 1));
  }

  /** `-n`, `-nv`, `-p6`: letters until one takes the rest as its argument. */
  #cluster(word: string): WordClass {
    let last: WordClass = "flag";
    for (let i = 1; i < word.length; i++) {
      const entry = baseByLetter.get(word[i]);
      if (entry === undefined) {
        this.#loadProtocol();
        // In the middle of a word getopt has not moved on yet: iptables then names the word before.
        const at = i === word.length - 1 ? this.words.length - 1 : this.words.length - 2;
        return this.#unknown(this.words[at] ?? word);
      }
      const rest = word.slice(i + 1);
      if (entry.argument === 0) last = this.#met(entry, null);
      else return this.#met(entry, rest === "" ? null : rest);
    }
    return last;
  }

  #met(entry: OptionEntry, glued: string | null): WordClass {
    const extension = entry.owner === null ? null : (this.#instances.get(entry.owner) ?? null);
    const word = this.words.length - 1;
    // do_parse looks at argv[optind - 1] for these: an argument in the same word is read with its option, and refused.
    if (glued !== null) this.#forget("flag");
    if (glued !== null && entry.letter !== "" && "psdioj".includes(entry.letter)) glued = this.words[word];
    const event: OptionEvent = { word, entry, glued, extension, loads: null, trouble: null };
    this.events.push(event);
    this.#further =
      entry.owner === null ? furtherWords(entry.letter, glued !== null) : entry.spec!.type.arity === 2 ? 1 : 0;
    if (entry.argument === 1 && glued === null) {
      this.#waiting = event;
      return this.#further > 0 ? "pair" : "taking";
    }
    if (glued !== null) this.#took(event, glued);
    return this.#further === 2 ? "listing" : this.#further === 1 ? "asking" : "flag";
  }

  /** An option has its argument: some change what the rest of the line means. */
  #took(event: OptionEvent, value: string): void {
    switch (event.entry!.letter) {
      case "p":
        this.#protocol = value.toLowerCase();
        break;
      case "m":
        this.#loadMatch(event, value);
        break;
      case "j":
        this.#loadTarget(event, value);
        break;
      case "c":
        if (value.indexOf(",", 1) > 0) this.#further = 0;
        break;
    }
  }

  #unknown(word: string): WordClass {
    const trouble = `unknown option "${word}"`;
    this.#forget("unknown");
    this.events.push({ word: this.words.length - 1, entry: null, glued: null, extension: null, loads: null, trouble });
    return "unknown";
  }

  #find(name: string): OptionEntry | null {
    const base = baseByName.get(name);
    // ip6tables knows -f, to refuse it, and not its long name.
    if (base !== undefined && (base.letter !== "f" || this.family === 4)) return base;
    for (const owner of this.#loaded) {
      const entry = optionTable(owner).byName.get(name);
      if (entry !== undefined) return entry;
    }
    return this.#abbreviated(name);
  }

  /** The only option that begins so; several spellings of one option are one. */
  #abbreviated(name: string): OptionEntry | null {
    let found: OptionEntry | null = null;
    const lists = [baseEntries, ...this.#loaded.map((owner) => optionTable(owner).entries)];
    for (const entries of lists)
      for (const entry of entries) {
        if (!entry.name.startsWith(name) || (entry.letter === "f" && this.family === 6)) continue;
        if (found === null) found = entry;
        else if (found.owner !== entry.owner || found.letter !== entry.letter || !sameOption(found, entry)) return null;
      }
    return found;
  }

  #load(declaration: MatchDeclaration | TargetDeclaration, word: number): LoadedExtension {
    const extension: LoadedExtension = { declaration, word, index: this.extensions++ };
    // What is loaded last is looked at first; loaded again, its options stay where they were.
    if (!this.#instances.has(declaration)) this.#loaded.unshift(declaration);
    this.#instances.set(declaration, extension);
    return extension;
  }

  #loadMatch(event: OptionEvent, value: string): void {
    const name = matchName(value);
    if (byteLength(value) > LONGEST_NAME) {
      event.trouble = `Invalid match name "${value}" (${LONGEST_NAME} chars max)`;
      return;
    }
    const declaration = this.#named("match", name) as MatchDeclaration | undefined;
    if (declaration === undefined) event.trouble = missing("match", name, this.family);
    else event.loads = this.#load(declaration, this.words.length - 1);
  }

  #loadTarget(event: OptionEvent, value: string): void {
    if (this.isChain(value)) return;
    const declaration = this.#named("target", value);
    if (declaration !== undefined) event.loads = this.#load(declaration, this.words.length - 1);
    else if (isKnown("target", value, this.family)) event.trouble = missing("target", value, this.family);
  }

  /** Asks the registry once for each name. */
  #named(kind: "match" | "target", name: string): MatchDeclaration | TargetDeclaration | undefined {
    const known = this.#known[kind][this.family];
    let declaration = known.get(name);
    if (declaration === undefined) {
      declaration = this.registry[kind](name, this.family);
      if (declaration !== undefined) known.set(name, declaration);
    }
    return declaration;
  }

  /**
   * What is said of the option that the line ends with, if it lacks its argument. Nobody takes it, so it too loads the
   * match of the protocol, even if it is there already, and is read once more: what it was short for may be two by then.
   */
  unfinished(): string | null {
    if (this.#waiting === null) return null;
    const word = this.words[this.words.length - 1];
    const name = this.#protocolMatch();
    const declaration = name === null ? undefined : this.#named("match", name);
    if (word.startsWith("--") && declaration !== undefined && this.#waiting.entry!.name !== word) {
      const { entries, byName } = optionTable(declaration);
      if (!byName.has(word) && entries.some((entry) => entry.name.startsWith(word))) return `unknown option "${word}"`;
    }
    return `option "${word}" requires an argument`;
  }

  /** The match that an option nobody knows would load; null: none. */
  #protocolMatch(): string | null {
    if (this.#protocol === null || this.#protocolUsed) return null;
    const number = parseNumber(this.#protocol, 0, U8_MAX);
    return matchName(number === null ? this.#protocol : (nameOfProtocol(number) ?? ""));
  }

  /** `-p tcp --dport 80`: an option nobody knows loads the match of the protocol, once. */
  #loadProtocol(): boolean {
    const name = this.#protocolMatch();
    if (name === null) return false;
    const declaration = this.#named("match", name);
    const word = this.words.length - 1;
    if (declaration === undefined) {
      if (!isKnown("match", name, this.family)) return false;
      const trouble = missing("match", name, this.family);
      this.events.push({ word, entry: null, glued: null, extension: null, loads: null, trouble });
      return false;
    }
    this.#protocolUsed = true;
    const loads = this.#load(declaration, word);
    this.events.push({ word, entry: null, glued: null, extension: null, loads, trouble: null });
    return true;
  }
}

function sameOption(a: OptionEntry, b: OptionEntry): boolean {
  return a.argument === b.argument && (a.owner === null || a.key === b.key);
}
