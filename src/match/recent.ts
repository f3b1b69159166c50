/**
 * `-m recent`: lists of addresses with the times at which they were seen (xt_recent.c). A list is known by its name, to
 * all tables and both families; the first rule that names it gives it its mask.
 */
import { formatAddress } from "../bytes/address.ts";
import type { Host } from "../host/host.ts";
import { HZ } from "../host/sets/set.ts";
import { type Packet, SENDER_NONE } from "../packet/packet.ts";
import { match, RuleError } from "../rules/extension.ts";
import { flag, host, opt, optNot, string, U32_MAX, u32, uint } from "../rules/types.ts";

const TICK = 1_000_000 / HZ;
/** ip_list_tot: addresses that a list remembers. */
const MOST_ADDRESSES = 100;
/** XT_RECENT_MAX_NSTAMPS. */
const MOST_HITS = 65535;
/** Stamps of an address where no rule asks for a number of hits. */
const USUAL_STAMPS = 32;
/** XT_RECENT_NAME_LEN. */
const NAME_SIZE = 200;

const OPERATIONS = ["--set", "--rcheck", "--update", "--remove"] as const;
type Operation = (typeof OPERATIONS)[number];
const operation = (own: Operation, help: string) =>
  optNot(flag, { excludes: OPERATIONS.filter((other) => other !== own), help });

interface Recent {
  readonly operation: Operation;
  readonly not: boolean;
  /** 0: any age will do. */
  readonly seconds: number;
  readonly reap: boolean;
  /** 0: once will do. */
  readonly hits: number;
  readonly ttl: boolean;
  readonly name: string;
  readonly mask: readonly number[];
  readonly destination: boolean;
}

/** An address in a list. `stamps` is a ring of ticks, `next` where the next one goes. */
interface Entry {
  ttl: number;
  next: number;
  readonly stamps: number[];
}

type Key = number | string;

class List {
  readonly mask: readonly number[];
  /** Longest rings, a power of two. */
  stamps = 1;
  /** Oldest first, by when they were last written to. */
  readonly entries = new Map<Key, Entry>();

  constructor(mask: readonly number[]) {
    this.mask = mask;
  }

  add(key: Key, ttl: number, tick: number): void {
    if (this.entries.size >= MOST_ADDRESSES) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(key, { ttl, next: 1, stamps: [tick] });
  }

  update(key: Key, entry: Entry, ttl: number, tick: number): void {
    entry.next &= this.stamps - 1;
    entry.stamps[entry.next++] = tick;
    entry.ttl = ttl;
    this.entries.delete(key);
    this.entries.set(key, entry);
  }

  /** The oldest address goes when it was last seen before `tick`, unless it is `kept`. */
  reap(tick: number, kept: Entry | null): void {
    for (const [key, entry] of this.entries) {
      if (entry !== kept && tick > entry.stamps[entry.next - 1]) this.entries.delete(key);
      return;
    }
  }
}

const FULL = [-1, -1, -1, -1];

function listOf(memory: Host, is: Recent): List {
  const wanted = is.hits === 0 ? USUAL_STAMPS : 2 ** Math.ceil(Math.log2(is.hits));
  const list = memory.memory(`recent ${is.name}`, () => new List([...is.mask, ...FULL].slice(0, 4)));
  if (wanted > list.stamps) {
    list.entries.clear();
    list.stamps = wanted;
  }
  return list;
}

/** The address that the rule is about, under the list's mask. */
function keyOf(p: Packet, destination: boolean, [m0, m1, m2, m3]: readonly number[]): Key {
  const a0 = (destination ? p.dst0 : p.src0) & m0;
  if (p.family === 4) return a0;
  const a1 = (destination ? p.dst1 : p.src1) & m1;
  const a2 = (destination ? p.dst2 : p.src2) & m2;
  const a3 = (destination ? p.dst3 : p.src3) & m3;
  return `${a0} ${a1} ${a2} ${a3}`;
}

/** The TTL with which the packet came here. */
function arrivedWith(p: Packet): number {
  return p.outDev !== 0 && p.sender === SENDER_NONE ? (p.ttl + 1) & 0xff : p.ttl;
}

/** Whether the address was seen often enough, lately enough. */
function isHit({ seconds, hits }: Recent, { stamps }: Entry, tick: number): boolean {
  const since = tick - seconds * HZ;
  let seen = 0;
  for (const stamp of stamps) {
    if (seconds !== 0 && since > stamp) continue;
    if (hits === 0 || ++seen >= hits) return true;
  }
  return false;
}

export const recent = match({
  name: "recent",
  families: [4, 6],
  options: {
    "--set": operation("--set", "adds the address to the list; always true"),
    "--rcheck": operation("--rcheck", "the address is in the list"),
    "--update": operation("--update", "the address is in the list; it is seen again now"),
    "--remove": operation("--remove", "the address was in the list, and goes"),
    "--seconds": opt(uint(1, U32_MAX), { help: "only if it was seen in the last seconds" }),
    "--reap": opt(flag, { needs: ["--seconds"], help: "older addresses go" }),
    "--hitcount": opt(u32, { help: "only if it was seen so many times" }),
    "--rttl": opt(flag, { excludes: ["--set", "--remove"], help: "only if it had the same TTL" }),
    "--name": opt(string({ size: NAME_SIZE }), { help: "of the list; default DEFAULT" }),
    "--rsource": opt(flag, { help: "it is about the source address (the default)" }),
    "--rdest": opt(flag, { help: "it is about the destination address" }),
    "--mask": opt(host, { help: "under which addresses are kept" }),
  },
  check(given) {
    if (OPERATIONS.every((name) => given[name] === undefined))
      throw new RuleError("recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'");
  },

  bind(given, { family }): Recent {
    const done = OPERATIONS.find((name) => given[name] !== undefined)!;
    const sides = Object.keys(given).filter((name) => name === "--rsource" || name === "--rdest");
    return {
      operation: done,
      not: given[done]!.not,
      seconds: given["--seconds"]?.value ?? 0,
      reap: given["--reap"] !== undefined,
      hits: given["--hitcount"]?.value ?? 0,
      ttl: given["--rttl"] !== undefined,
      name: given["--name"]?.value ?? "DEFAULT",
      mask: given["--mask"]?.value ?? FULL.slice(0, family === 4 ? 1 : 4),
      destination: sides.at(-1) === "--rdest",
    };
  },

  // Numbers are printed as signed ones, the name as it is.
  print(is) {
    const words = [`${is.not ? "! " : ""}${is.operation}`];
    if (is.seconds !== 0) words.push(`--seconds ${is.seconds | 0}`);
    if (is.reap) words.push("--reap");
    if (is.hits !== 0) words.push(`--hitcount ${is.hits | 0}`);
    if (is.ttl) words.push("--rttl");
    words.push(`--name ${is.name}`, `--mask ${formatAddress(is.mask)}`, is.destination ? "--rdest" : "--rsource");
    return words.join(" ");
  },

  checkEntry(is) {
    const writes = is.operation === "--set" || is.operation === "--remove";
    if (writes && (is.seconds !== 0 || is.hits !== 0 || is.reap || is.ttl))
      throw new RuleError(`Invalid argument: recent ${is.operation} takes no --seconds, --hitcount, --reap, --rttl`, 1);
    if (is.hits > MOST_HITS)
      throw new RuleError(`xt_recent: hitcount (${is.hits}) is larger than allowed maximum (${MOST_HITS})`, 1);
    if (is.name === "" || is.name === "." || is.name === ".." || is.name.includes("/"))
      throw new RuleError(`Invalid argument: "${is.name}" can't be the name of a file in /proc/net/xt_recent`, 1);
  },

  compile(is, on) {
    const list = listOf(on.host, is);
    const { not, destination } = is;
    return (p) => {
      const tick = Math.floor(on.host.now / TICK);
      const ttl = arrivedWith(p);
      const key = keyOf(p, destination, list.mask);
      const entry = list.entries.get(key);
      if (entry === undefined || (is.ttl && ttl !== 0 && entry.ttl !== 0 && entry.ttl !== ttl)) {
        if (is.operation !== "--set") return not;
        list.add(key, ttl, tick);
        return !not;
      }
      if (is.operation === "--remove") {
        list.entries.delete(key);
        return !not;
      }
      const holds = (is.operation === "--set" || isHit(is, entry, tick)) !== not;
      const updates = is.operation === "--update" && holds;
      if (is.reap) list.reap(tick - is.seconds * HZ, updates ? entry : null);
      if (is.operation === "--set" || updates) list.update(key, entry, ttl, tick);
      return holds;
    };
  },

  why(is, p, on) {
    const list = listOf(on.host, is);
    const side = is.destination ? "destination" : "source";
    const entry = list.entries.get(keyOf(p, is.destination, list.mask));
    if (entry === undefined) return `its ${side} is ${is.not ? "no longer" : "not"} in the list ${is.name}`;
    if (is.not) return `its ${side} is in the list ${is.name}`;
    if (is.ttl && entry.ttl !== arrivedWith(p))
      return `its ${side} was put in the list ${is.name} with TTL ${entry.ttl}`;
    const times = is.hits === 0 ? "" : ` ${is.hits} times`;
    const lately = is.seconds === 0 ? "" : ` in the last ${is.seconds} seconds`;
    return `its ${side} was not seen${times}${lately} (list ${is.name})`;
  },
});
