/**
 * The host's ipsets: what `-m set` and `-j SET` ask and change. Built from the text that `ipset save` prints and
 * `ipset restore` reads: create, add, del, flush, destroy, rename, swap lines. What ipset or the kernel would refuse is
 * refused here, one sentence with its line number.
 */
import type { Family } from "../../packet/hook.ts";
import { addressBitmap, BITMAP_TYPES, BitmapSet, type BitmapType } from "./bitmap.ts";
import {
  type AddressRange,
  type Element,
  type ElementOptions,
  NAME_MAX,
  parseAddressPart,
  parseComment,
  parseCounter,
  parseElement,
  parseNetRange,
  parsePortPart,
  parseSetName,
  parseSingle,
  parseSkbMark,
  parseSkbPriority,
  parseSmall,
  TIMEOUT_MAX,
} from "./element.ts";
import { SetError } from "./error.ts";
import { HashSet } from "./hash.ts";
import { HASH_TYPES, type HashType } from "./hash-types.ts";
import { LIST_TYPE, ListSet, type SetSlot } from "./list.ts";
import { type ExtensionConfig, type IpSet, SetClock, type SetEnvironment } from "./set.ts";

export { SetError } from "./error.ts";
export { IpSet, SetQuery } from "./set.ts";

type SetType = HashType | BitmapType | typeof LIST_TYPE;

const TYPES: readonly SetType[] = [...BITMAP_TYPES, ...HASH_TYPES, LIST_TYPE];

/** In ipset's order: a command may be cut short, and the first that fits is meant. */
const COMMANDS: readonly (readonly [command: string, names: readonly string[], words: number])[] = [
  ["create", ["create", "new", "-N"], 2],
  ["add", ["add", "-A"], 2],
  ["del", ["del", "-D"], 2],
  ["test", ["test", "-T"], 2],
  ["destroy", ["destroy", "x", "-X"], 0],
  ["list", ["list", "-L"], 0],
  ["save", ["save", "-S"], 0],
  ["restore", ["restore", "-R"], 0],
  ["flush", ["flush", "-F"], 0],
  ["rename", ["rename", "e", "-E"], 2],
  ["swap", ["swap", "w", "-W"], 2],
];

const NO_SUCH_SET = "The set with the given name does not exist";
const BUSY = "Set cannot be destroyed: it is in use by a kernel component";
const MAX_SETS = 65534;
const MAX_HASHSIZE = 1 << 24;

/** Options of ipset itself that may stand anywhere in a line. */
const GENERAL_OPTIONS = [
  "-exist",
  "-!",
  "-quiet",
  "-q",
  "-sorted",
  "-s",
  "-resolve",
  "-r",
  "-name",
  "-n",
  "-terse",
  "-t",
];
/** Options that take no value. */
const FLAGS = ["counters", "comment", "forceadd", "skbinfo", "-4", "-6"];
const ADD_OPTIONS = ["timeout", "packets", "bytes", "comment", "skbmark", "skbprio", "skbqueue"];
/** Taken and ignored by ipset for older users' sake. */
const IGNORED = ["probes", "resize", "gc"];

export class SetTable {
  readonly #slots = new Map<string, SetSlot>();
  readonly #clock: SetClock;
  readonly #environment: SetEnvironment;
  /** `-exist` was said: it holds for all later lines. */
  #exist = false;
  /** Adjoining add (or del) lines for one set go to the kernel together, with what held for the first of them. */
  #batch = "";
  #batchExist = false;

  constructor(environment: SetEnvironment) {
    this.#environment = environment;
    this.#clock = new SetClock(environment);
  }

  get(name: string): IpSet | undefined {
    return this.#slots.get(name)?.set;
  }

  /** In the order in which they were made. */
  get all(): readonly IpSet[] {
    return [...this.#slots.values()].map((slot) => slot.set);
  }

  /** When the sets were loaded, microseconds since 1970: their timeouts run from then. Default: the first question. */
  start(now: number): void {
    this.#clock.start(now);
  }

  /** The text of `ipset save`; lists come last. */
  save(): string {
    const sets = this.all;
    const lines: string[] = [];
    for (const set of [...sets.filter((s) => !(s instanceof ListSet)), ...sets.filter((s) => s instanceof ListSet)]) {
      lines.push(`create ${set.name} ${set.type}${set.header()}`);
      for (const element of set.elements()) lines.push(`add ${set.name} ${element}`);
    }
    return lines.map((line) => `${line}\n`).join("");
  }

  /** Executes lines of `ipset restore`. Throws a SetError that names the line. */
  restore(text: string): void {
    text.split("\n").forEach((line, i) => {
      const trimmed = line.trim();
      if (trimmed === "" || trimmed.startsWith("#") || trimmed === "COMMIT") return;
      try {
        this.#execute(wordsOf(trimmed));
      } catch (error) {
        if (error instanceof SetError && error.line === 0) throw new SetError(error.message, i + 1);
        throw error;
      }
    });
  }

  #execute(line: readonly string[]): void {
    const words = line.filter((word) => {
      const option = word.startsWith("--") ? word.slice(1) : word;
      if (option === "-exist" || option === "-!") this.#exist = true;
      return !GENERAL_OPTIONS.includes(option);
    });
    const found = COMMANDS.find(([, names]) => names.some((name) => abbreviates(words[0] ?? "", name)));
    if (found === undefined)
      throw new SetError(
        words.length > 0 ? `No command specified: unknown argument ${words[0]}` : "No command specified.",
      );
    const [command, names, needed] = found;
    const batch = command === "add" || command === "del" ? `${command} ${words[1]}` : "";
    if (batch === "" || batch !== this.#batch) this.#batchExist = this.#exist;
    this.#batch = batch;
    if (needed > 0 && words.length < 2) throw new SetError(`Missing mandatory argument to command ${names[0]}`);
    if (needed > 1 && words.length < 3) throw new SetError(`Missing second mandatory argument to command ${names[0]}`);
    const rest = words.slice(3);
    switch (command) {
      case "create":
        this.#create(words[1], words[2], rest);
        return;
      case "add":
      case "del":
        this.#change(command, words[1], words[2], rest);
        return;
      case "destroy":
      case "flush":
        noMore(words.slice(2));
        if (command === "flush") this.#flush(words[1]);
        else this.#destroy(words[1]);
        return;
      case "rename":
      case "swap":
        noMore(rest);
        if (command === "rename") this.#rename(words[1], parseSetName(words[2]));
        else this.#swap(words[1], words[2]);
        return;
      default:
        throw new SetError(`Command \`${names[0]}' is invalid in restore mode.`);
    }
  }

  #slot(name: string): SetSlot {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new SetError(NO_SUCH_SET);
    return slot;
  }

  #create(name: string, typeName: string, words: readonly string[]): void {
    parseSetName(name);
    if (typeName.length > NAME_MAX)
      throw new SetError(`Syntax error: typename '${typeName}' is longer than ${NAME_MAX} characters`);
    const type = TYPES.find((t) => t.name === typeName || (t.aliases as readonly string[]).includes(typeName));
    if (type === undefined) throw new SetError(`Syntax error: typename '${typeName}' is unknown`);
    const set = this.#make(name, type, createOptions(type, words));
    const there = this.#slots.get(name)?.set;
    if (there !== undefined) {
      if (this.#exist && sameSet(there, set)) return;
      throw new SetError("Set cannot be created: set with the same name already exists");
    }
    if (this.#slots.size >= MAX_SETS)
      throw new SetError("Kernel error received: maximal number of sets reached, cannot create more.");
    this.#slots.set(name, { set });
  }

  #make(name: string, type: SetType, given: ReadonlyMap<string, string>): IpSet {
    const extensions: ExtensionConfig = {
      timeout: given.has("timeout") ? parseSmall(given.get("timeout")!, 0, TIMEOUT_MAX) : -1,
      counters: given.has("counters"),
      comment: given.has("comment"),
      skbinfo: given.has("skbinfo"),
    };
    if ("size" in Object.fromEntries(type.create.map((option) => [option, true]))) {
      const size = Math.max(4, parseSmall(given.get("size") ?? "8", 0, 0xffffffff));
      return new ListSet(name, { ...extensions, size }, this.#clock);
    }
    if ("of" in type) return new BitmapSet(name, type, { ...extensions, ...bitmapOptions(type, given) }, this.#clock);
    return this.#makeHash(name, type as HashType, given, extensions);
  }

  #makeHash(name: string, type: HashType, given: ReadonlyMap<string, string>, extensions: ExtensionConfig): HashSet {
    const family: 0 | Family = type.noFamily ? 0 : familyOf(given.get("family") ?? "inet");
    const full = family === 6 ? 128 : 32;
    const number = (option: string, fallback: number) =>
      given.has(option) ? parseSmall(given.get(option)!, 0, 0xffffffff) : fallback;
    const hashsize = Math.max(64, number("hashsize", 1024));
    if (hashsize > MAX_HASHSIZE) throw new SetError("Kernel error received: Cannot allocate memory");
    const markmask = number("markmask", 0xffffffff);
    if (markmask === 0) throw new SetError("The value of the markmask parameter is invalid");
    const bucketsize = Math.min(
      12,
      Math.max(2, given.has("bucketsize") ? parseSmall(given.get("bucketsize")!, 0, 255) : 12),
    );
    return new HashSet(
      name,
      type,
      family,
      {
        ...extensions,
        hashsize,
        maxelem: number("maxelem", 65536),
        markmask,
        ...maskOptions(given, family, full),
        forceadd: given.has("forceadd"),
        bucketsize: bucketsize + (bucketsize % 2),
        initval: given.has("initval") ? number("initval", 0) | 0 : this.#environment.random.u32("other") | 0,
      },
      this.#clock,
    );
  }

  #change(command: "add" | "del", name: string, text: string, words: readonly string[]): void {
    parseSetName(name);
    const { set } = this.#slot(name);
    const type = TYPES.find((t) => t.name === set.type)!;
    const element = parseElement(type, text, set.family);
    const options = elementOptions(type, command, words);
    if (set instanceof ListSet) {
      this.#changeList(set, command, element, options);
      return;
    }
    checkExtensions(set.extensions.config, options);
    if (
      "onlyHosts" in type &&
      type.onlyHosts &&
      set.family === 4 &&
      (element.ip?.to != null || element.ip?.prefix != null)
    )
      throw new SetError(
        `${element.ip.to !== null ? "FROM-TO IP range" : "IP/CIDR range"} is not allowed in command ${command} with set type ${type.name} and family inet`,
      );
    const changed = set as HashSet | BitmapSet;
    if (command === "add") changed.addElement(element, options, this.#batchExist);
    else changed.deleteElement(element, this.#batchExist);
  }

  #changeList(set: ListSet, command: "add" | "del", element: Element, options: ElementOptions): void {
    const [name, place, compat, ...more] = element.setName.split(",");
    if (place !== undefined && (compat === undefined || more.length > 0 || (place !== "before" && place !== "after")))
      throw new SetError("you must specify elements as setname,[before|after],setname");
    parseSetName(name);
    const before = place === "before" ? compat : options.before;
    const referred = before ?? (place === "after" ? compat : options.after);
    checkExtensions(set.extensions.config, options);
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new SetError("Set to be added/deleted/tested as element does not exist.");
    if (slot.set instanceof ListSet) throw new SetError("Sets with list:set type cannot be added to the set.");
    const reference = referred === null ? null : (this.#slots.get(referred) ?? null);
    if (referred !== null && reference === null)
      throw new SetError("The set to which you referred with 'before' or 'after' does not exist.");
    if (command === "add") set.addMember(slot, reference, { ...options, before }, this.#batchExist);
    else set.deleteMember(slot, reference, before !== null, this.#batchExist);
  }

  #flush(name: string | undefined): void {
    if (name === undefined) for (const set of this.all) set.flush();
    else this.#slot(name).set.flush();
  }

  #destroy(name: string | undefined): void {
    if (name === undefined) {
      if (this.all.some((set) => set.references > 0)) throw new SetError(BUSY);
      this.#slots.clear();
      return;
    }
    const set = this.get(name);
    if (set === undefined) {
      if (this.#exist) return;
      throw new SetError(NO_SUCH_SET);
    }
    if (set.references > 0) throw new SetError(BUSY);
    set.flush();
    this.#slots.delete(name);
  }

  #rename(name: string, other: string): void {
    const slot = this.#slot(name);
    if (slot.set.references > 0) throw new SetError("Set cannot be renamed: it is in use by another system");
    if (this.#slots.has(other)) throw new SetError("Set cannot be renamed: a set with the new name already exists");
    const entries = [...this.#slots];
    this.#slots.clear();
    for (const [key, value] of entries) this.#slots.set(key === name ? other : key, value);
    slot.set.name = other;
  }

  #swap(name: string, other: string): void {
    const a = this.#slot(name);
    const b = this.#slots.get(other);
    if (b === undefined) throw new SetError("Sets cannot be swapped: the second set does not exist");
    if (features(a.set) !== features(b.set) || a.set.family !== b.set.family)
      throw new SetError("The sets cannot be swapped: their type does not match");
    [a.set, b.set] = [b.set, a.set];
    [a.set.references, b.set.references] = [b.set.references, a.set.references];
    a.set.name = name;
    b.set.name = other;
  }
}

/** Reads `ipset save` text. Throws SetError (a HostError). */
export function loadSets(text: string, environment: SetEnvironment): SetTable {
  const table = new SetTable(environment);
  table.restore(text);
  return table;
}

/** Words of a line; what stands between double quotes may hold blanks (build_argv). */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word = "";
  let quoted = false;
  for (const c of line) {
    if (c === '"') quoted = !quoted;
    else if (!quoted && (c === " " || c === "\t" || c === "\r")) {
      if (word !== "") words.push(word);
      word = "";
    } else word += c;
  }
  if (quoted) throw new SetError("Missing close quote!");
  if (word !== "") words.push(word);
  return words;
}

function abbreviates(word: string, name: string): boolean {
  const bare = word.startsWith("--") ? word.slice(2) : word;
  return bare !== "" && bare !== "-" && name.startsWith(bare);
}

function noMore(words: readonly string[]): void {
  if (words.length > 0) throw new SetError(`Unknown argument ${words[0]}`);
}

/** Two sets may be swapped when what their elements consist of is the same. */
function features(set: IpSet): string {
  const type = TYPES.find((t) => t.name === set.type)!;
  const kinds = type.parts.map((part) => (part.includes("port") ? "port" : part.includes("ip") ? "ip" : part));
  return `${kinds.sort().join()} ${type.canNomatch}`;
}

function sameSet(a: IpSet, b: IpSet): boolean {
  const shape = (set: IpSet) =>
    `${set.type}${set.header().replace(/ (hashsize|bucketsize|initval|forceadd)( \S+)?/g, "")}`;
  return shape(a) === shape(b);
}

function familyOf(word: string): Family {
  if (["inet", "ipv4", "-4"].includes(word)) return 4;
  if (["inet6", "ipv6", "-6"].includes(word)) return 6;
  if (["any", "unspec"].includes(word)) throw new SetError("Protocol family not supported by the set type");
  throw new SetError(`Syntax error: unknown inet family ${word}`);
}

/** Reads `option value` pairs against the list of what is known. */
function pairs(
  words: readonly string[],
  known: (option: string) => "flag" | "value" | "ignored" | null,
): Map<string, string> {
  const given = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const option = words[i].startsWith("--") ? words[i].slice(2) : words[i];
    const kind = known(option);
    if (kind === null) throw new SetError(`Unknown argument: \`${words[i]}'`);
    const family = option === "-4" || option === "-6";
    const key = family ? "family" : option;
    const repeated = given.has(key);
    if (kind === "flag") {
      if (repeated && family) throw new SetError(`Syntax error: ${option} already specified`);
      given.set(key, option);
      continue;
    }
    const value = words[++i];
    if (value === undefined) throw new SetError(`Missing mandatory argument of option \`${option}'`);
    if (kind === "ignored") continue;
    if (repeated) throw new SetError(`Syntax error: ${option} already specified`);
    given.set(key, value);
  }
  return given;
}

function createOptions(type: SetType, words: readonly string[]): Map<string, string> {
  const create = type.create as readonly string[];
  const hash = create.includes("hashsize");
  return pairs(words, (option) => {
    if ((option === "-4" || option === "-6") && create.includes("family")) return "flag";
    if (create.includes(option)) return FLAGS.includes(option) ? "flag" : "value";
    if (hash && IGNORED.includes(option)) return "ignored";
    if ("of" in type && ["from", "to", ...(type.of === "addresses" ? ["network"] : [])].includes(option))
      return "value";
    return null;
  });
}

function bitmapOptions(type: BitmapType, given: ReadonlyMap<string, string>) {
  const from = given.get("from");
  const to = given.get("to");
  if (type.of === "ports") {
    const text = given.get("range") ?? from;
    if (text === undefined) throw new SetError("Mandatory option `range' is missing");
    const range = parsePortPart(text, 0);
    const last = to === undefined ? range.to : parsePortPart(to, 0).from;
    if (last < 0) throw new SetError("Mandatory option `to' is missing");
    const [low, high] = range.from <= last ? [range.from, last] : [last, range.from];
    return { first: low, last: high, netmask: 32, elements: high - low + 1 };
  }
  const text = given.get("range") ?? given.get("network");
  let range: AddressRange;
  if (text !== undefined) range = parseNetRange(text, 4);
  else if (from !== undefined && to !== undefined)
    range = { from: parseSingle(from, 4), to: parseSingle(to, 4), prefix: null };
  else throw new SetError(`Mandatory option \`${from === undefined ? "range" : "to"}' is missing`);
  return addressBitmap(range, maskOptions(given, 4, 32).netmask || 32);
}

/** `netmask` and `bitmask` of a set whose addresses have `full` bits. */
function maskOptions(
  given: ReadonlyMap<string, string>,
  family: 0 | Family,
  full: number,
): { netmask: number; bitmask: readonly number[] } {
  const netmask = given.get("netmask");
  const bitmask = given.get("bitmask");
  const ones = family === 6 ? [-1, -1, -1, -1] : [-1];
  if (netmask !== undefined && bitmask !== undefined)
    throw new SetError("Syntax error: bitmask and netmask are mutually exclusive, provide only one");
  if (bitmask !== undefined) {
    const words = parseAddressPart("ip", bitmask, family === 6 ? 6 : 4).from;
    if (words.every((word) => word === 0)) throw new SetError("The value of the netmask parameter is invalid");
    return { netmask: 0, bitmask: words };
  }
  if (netmask === undefined) return { netmask: 0, bitmask: ones };
  let prefix: number;
  try {
    prefix = parseSmall(netmask, 1, full);
  } catch {
    throw new SetError(`Syntax error: netmask is out of the inclusive range of 1-${full}`);
  }
  const bits = ones.map((_, i) => {
    const here = Math.min(32, Math.max(0, prefix - 32 * i));
    return here === 0 ? 0 : -1 << (32 - here);
  });
  return { netmask: prefix, bitmask: bits };
}

function elementOptions(type: SetType, command: "add" | "del", words: readonly string[]): ElementOptions {
  const list = type === LIST_TYPE;
  const given = pairs(words, (option) => {
    if (list && (option === "before" || option === "after")) return "value";
    if (command === "del") return null;
    if (option === "nomatch") return type.canNomatch ? "flag" : null;
    if (option === "wildcard") return "hasInterface" in type && type.hasInterface ? "flag" : null;
    return ADD_OPTIONS.includes(option) ? "value" : null;
  });
  const value = <T>(option: string, read: (text: string) => T): T | null =>
    given.has(option) ? read(given.get(option)!) : null;
  const mark = value("skbmark", parseSkbMark);
  return {
    timeout: value("timeout", (text) => parseSmall(text, 0, TIMEOUT_MAX)),
    packets: value("packets", parseCounter),
    bytes: value("bytes", parseCounter),
    comment: value("comment", parseComment),
    mark: mark?.mark ?? 0,
    markMask: mark?.markMask ?? 0,
    priority: value("skbprio", parseSkbPriority) ?? 0,
    queue: value("skbqueue", (text) => parseSmall(text, 0, 0xffff)) ?? 0,
    nomatch: given.has("nomatch"),
    wildcard: given.has("wildcard"),
    before: value("before", parseSetName),
    after: value("after", parseSetName),
  };
}

function checkExtensions(config: ExtensionConfig, options: ElementOptions): void {
  if (options.timeout !== null && config.timeout < 0)
    throw new SetError("Timeout cannot be used: set was created without timeout support");
  if ((options.packets !== null || options.bytes !== null) && !config.counters)
    throw new SetError("Packet/byte counters cannot be used: set was created without counter support");
  if (options.comment !== null && !config.comment)
    throw new SetError("Comment cannot be used: set was created without comment support");
  if (
    (options.mark !== 0 || options.markMask !== 0 || options.priority !== 0 || options.queue !== 0) &&
    !config.skbinfo
  )
    throw new SetError("Skbinfo mapping cannot be used: set was created without skbinfo support");
}
