/**
 * What all set types have in common: how a rule asks a set about a packet, and the extensions that an element may
 * carry (timeout, counters, comment, skbinfo).
 *
 * A question goes the kernel's way (ip_set_core.c: ip_set_test): dimensions and family are compared first, then the
 * type looks at the packet, then the element's extensions have their say.
 */
import type { Family } from "../../packet/hook.ts";
import type { Packet } from "../../packet/packet.ts";
import type { RandomSource } from "../random.ts";
import type { ElementOptions } from "./element.ts";

/** Timer ticks a second of the kernel that is imitated (CONFIG_HZ). */
export const HZ = 250;
const MICROSECONDS_PER_TICK = 1_000_000 / HZ;

/** What a set may depend on: the host is one. */
export interface SetEnvironment {
  /** Microseconds since 1970. */
  readonly now: number;
  readonly random: RandomSource;
  /** By index; `[0]` is a placeholder. */
  readonly interfaces: readonly { readonly name: string; readonly mac: Uint8Array | null }[];
}

/** Answers of a type's test, add and delete: positive for a match, 0 for none or success, negative for an error. */
export const MATCH = 1;
export const NO_MATCH = 0;
/** The element found says `nomatch` (-ENOTEMPTY). */
export const MATCH_OF_NOMATCH = -39;
/** The packet has nothing that this type looks at (-EINVAL). */
export const NOT_APPLICABLE = -22;
/** test: the element waits to be completed from this packet; add: the bucket is full (-EAGAIN). */
export const AGAIN = -11;
export const ALREADY_THERE = -4103;
export const FULL = -4352;

/** Comparison of a counter: IPSET_COUNTER_*. */
export const COUNTER_ANY = 0;
export const COUNTER_EQUAL = 1;
export const COUNTER_UNEQUAL = 2;
export const COUNTER_BELOW = 3;
export const COUNTER_ABOVE = 4;

/** One rule's question or command (ip_set_adt_opt). Made once per rule; the fields at the end are answers. */
export class SetQuery {
  readonly family: Family;
  /** How many directions the rule names. */
  readonly dimensions: number;
  /** Bit `1 << n` is set when direction n (from 1) is `src`. */
  readonly sources: number;
  returnNomatch = false;
  skipCounters = false;
  skipSubcounters = false;
  /** Compare the counters below, after they were updated. */
  matchCounters = false;
  packetsOp = COUNTER_ANY;
  packets = 0;
  bytesOp = COUNTER_ANY;
  bytes = 0;
  /** add: overwrite what is there. */
  exist = false;
  /** add: seconds, 0 for ever, -1: the set's own. */
  timeout = -1;

  /** skbinfo of the element that matched. */
  mark = 0;
  markMask = 0;
  priority = 0;
  queue = 0;

  constructor(family: Family, directions: readonly ("src" | "dst")[]) {
    this.family = family;
    this.dimensions = directions.length;
    let sources = 0;
    directions.forEach((direction, i) => {
      if (direction === "src") sources |= 1 << (i + 1);
    });
    this.sources = sources;
  }
}

/** Ticks since the sets were loaded. What was loaded begins to age with the first packet that the host sees. */
export class SetClock {
  readonly environment: SetEnvironment;
  #start = -1;

  constructor(environment: SetEnvironment) {
    this.environment = environment;
  }

  /** Says when the sets were loaded, microseconds since 1970; the first question says it otherwise. */
  start(now: number): void {
    this.#start = Math.floor(now / MICROSECONDS_PER_TICK);
  }

  /** Ticks since the start; 0 until somebody asks about a packet. */
  now(): number {
    const ticks = Math.floor(this.environment.now / MICROSECONDS_PER_TICK);
    if (this.#start < 0) this.#start = ticks;
    return ticks - this.#start;
  }

  started(): boolean {
    return this.#start >= 0;
  }
}

/** Which extensions a set was created with. */
export interface ExtensionConfig {
  /** Default seconds of a new element, or -1: the set has no timeouts. */
  readonly timeout: number;
  readonly counters: boolean;
  readonly comment: boolean;
  readonly skbinfo: boolean;
}

/** The extensions of all elements of one set, by element number. */
export class Extensions {
  readonly config: ExtensionConfig;
  readonly clock: SetClock;
  /** Tick after which the element is gone; 0: never. */
  expires = new Float64Array(0);
  packets = new Float64Array(0);
  bytes = new Float64Array(0);
  comments: string[] = [];
  /** mark, mask, priority, queue. */
  skb = new Int32Array(0);

  constructor(config: ExtensionConfig, clock: SetClock, capacity: number) {
    this.config = config;
    this.clock = clock;
    this.grow(capacity);
  }

  grow(capacity: number): void {
    const { config } = this;
    if (config.timeout >= 0) this.expires = grown(this.expires, new Float64Array(capacity));
    if (config.counters) {
      this.packets = grown(this.packets, new Float64Array(capacity));
      this.bytes = grown(this.bytes, new Float64Array(capacity));
    }
    if (config.skbinfo) this.skb = grown(this.skb, new Int32Array(capacity * 4));
  }

  expired(element: number): boolean {
    if (this.config.timeout < 0) return false;
    const expires = this.expires[element];
    return expires !== 0 && this.clock.started() && this.clock.now() > expires;
  }

  /** ip_set_core.c: ip_set_match_extensions. */
  matches(element: number, p: Packet, q: SetQuery): boolean {
    const { config } = this;
    if (config.timeout >= 0 && this.expired(element)) return false;
    if (config.counters) {
      if (!q.skipCounters) {
        this.bytes[element] += p.length;
        this.packets[element]++;
      }
      if (
        q.matchCounters &&
        !(compared(this.packets[element], q.packets, q.packetsOp) && compared(this.bytes[element], q.bytes, q.bytesOp))
      )
        return false;
    }
    if (config.skbinfo) {
      const at = element * 4;
      q.mark = this.skb[at];
      q.markMask = this.skb[at + 1];
      q.priority = this.skb[at + 2];
      q.queue = this.skb[at + 3];
    }
    return true;
  }

  /** Of an element that a packet added. */
  initFromPacket(element: number, p: Packet, q: SetQuery): void {
    const { config } = this;
    if (config.counters) {
      this.bytes[element] = p.length;
      this.packets[element] = 1;
    }
    if (config.skbinfo) this.skb.fill(0, element * 4, element * 4 + 4);
    if (config.timeout >= 0) this.setTimeout(element, this.timeoutFor(q));
  }

  /** Of an element that the text adds; `fresh`: nothing was there before. */
  initFromText(element: number, o: ElementOptions, fresh: boolean): void {
    const { config } = this;
    if (config.counters) {
      if (o.bytes !== null || fresh) this.bytes[element] = o.bytes ?? 0;
      if (o.packets !== null || fresh) this.packets[element] = o.packets ?? 0;
    }
    if (config.comment) this.comments[element] = o.comment ?? "";
    if (config.skbinfo) {
      this.skb[element * 4] = o.mark;
      this.skb[element * 4 + 1] = o.markMask;
      this.skb[element * 4 + 2] = o.priority;
      this.skb[element * 4 + 3] = o.queue;
    }
    if (config.timeout >= 0) this.setTimeout(element, o.timeout ?? config.timeout);
  }

  timeoutFor(q: SetQuery): number {
    return q.timeout >= 0 ? q.timeout : this.config.timeout;
  }

  setTimeout(element: number, seconds: number): void {
    this.expires[element] = seconds === 0 ? 0 : seconds * HZ + (this.clock.started() ? this.clock.now() : 0);
  }

  clear(element: number): void {
    if (this.config.comment) this.comments[element] = "";
  }

  copy(from: number, to: number): void {
    const { config } = this;
    if (config.timeout >= 0) this.expires[to] = this.expires[from];
    if (config.counters) {
      this.packets[to] = this.packets[from];
      this.bytes[to] = this.bytes[from];
    }
    if (config.comment) this.comments[to] = this.comments[from];
    if (config.skbinfo) this.skb.copyWithin(to * 4, from * 4, from * 4 + 4);
  }

  /** As `ipset save` prints them; `flags` come after the timeout. */
  print(element: number, flags: string): string {
    const { config } = this;
    let text = "";
    if (config.timeout >= 0) text += ` timeout ${this.#remaining(element)}`;
    text += flags;
    if (config.counters) text += ` packets ${this.packets[element]} bytes ${this.bytes[element]}`;
    if (config.comment && this.comments[element]) text += ` comment "${this.comments[element]}"`;
    if (config.skbinfo) {
      const [mark, mask, priority, queue] = this.skb.subarray(element * 4, element * 4 + 4);
      const hex = (word: number) => (word >>> 0).toString(16);
      if (mark !== 0 || mask !== 0) text += ` skbmark 0x${hex(mark)}${mask === -1 ? "" : `/0x${hex(mask)}`}`;
      if (priority !== 0) text += ` skbprio ${hex(priority >>> 16)}:${hex(priority & 0xffff)}`;
      if (queue !== 0) text += ` skbqueue ${queue}`;
    }
    return text;
  }

  /** Seconds left; what is about to go says 1, for 0 means for ever. */
  #remaining(element: number): number {
    const expires = this.expires[element];
    if (expires === 0) return 0;
    const left = Math.floor((expires - (this.clock.started() ? this.clock.now() : 0)) / HZ);
    return left <= 0 ? 1 : left;
  }
}

function grown<A extends Float64Array | Int32Array | Uint8Array>(old: A, fresh: A): A {
  fresh.set(old);
  return fresh;
}

function compared(counter: number, value: number, op: number): boolean {
  switch (op) {
    case COUNTER_EQUAL:
      return counter === value;
    case COUNTER_UNEQUAL:
      return counter !== value;
    case COUNTER_BELOW:
      return counter < value;
    case COUNTER_ABOVE:
      return counter > value;
    default:
      return true;
  }
}

/** What every set type offers. */
export abstract class IpSet {
  name: string;
  /** `hash:ip`, … */
  readonly type: string;
  /** 0: for both families. */
  readonly family: 0 | Family;
  /** How many directions a rule must name at least. */
  readonly dimensions: number;
  /** Its elements may say `nomatch`. */
  readonly canNomatch: boolean;
  readonly extensions: Extensions;
  /** How many lists hold it. */
  references = 0;

  constructor(
    name: string,
    type: { readonly name: string; readonly dimensions: number; readonly canNomatch: boolean },
    family: 0 | Family,
    extensions: Extensions,
  ) {
    this.name = name;
    this.type = type.name;
    this.family = family;
    this.dimensions = type.dimensions;
    this.canNomatch = type.canNomatch;
    this.extensions = extensions;
  }

  /** Whether the packet is in the set; counters and timeouts of the element change as the kernel's do. */
  test(p: Packet, q: SetQuery): boolean {
    if (!this.applies(q)) return false;
    const answer = this.testPacket(p, q);
    if (answer === AGAIN) {
      this.addPacket(p, q);
      return true;
    }
    if (q.returnNomatch && this.canNomatch) return answer === MATCH_OF_NOMATCH;
    return answer > 0;
  }

  /** `-j SET --add-set`: whether the element is now in the set because of this packet. */
  add(p: Packet, q: SetQuery): boolean {
    return this.applies(q) && this.addPacket(p, q) === 0;
  }

  /** `-j SET --del-set`: whether the element was there. */
  delete(p: Packet, q: SetQuery): boolean {
    return this.applies(q) && this.deletePacket(p, q) === 0;
  }

  applies(q: SetQuery): boolean {
    return q.dimensions >= this.dimensions && (this.family === 0 || this.family === q.family);
  }

  protected abstract testPacket(p: Packet, q: SetQuery): number;
  protected abstract addPacket(p: Packet, q: SetQuery): number;
  protected abstract deletePacket(p: Packet, q: SetQuery): number;

  abstract flush(): void;
  /** The `create` line of `ipset save`, without `create NAME TYPE`. */
  abstract header(): string;
  /** The elements as `ipset save` prints them, in its order, without `add NAME`. */
  abstract elements(): string[];
}
