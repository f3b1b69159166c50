/**
 * A hash set, as ip_set_hash_gen.h builds it: buckets of a few elements each, found by the hash of the element's
 * words. Text that fills a bucket doubles the table; a packet (`-j SET`) that meets a full bucket adds nothing, and
 * which bucket is full follows from the set's `initval`. Networks are looked for one prefix length after the other,
 * the longest first, so that the first answer, a `nomatch` included, is the most specific one.
 *
 * Elements lie in typed arrays by number; a bucket is a chain of numbers in the order in which they came.
 */
import type { Family } from "../../packet/hook.ts";
import type { Packet } from "../../packet/packet.ts";
import type { Element, ElementOptions } from "./element.ts";
import { SetError } from "./error.ts";
import { elementText } from "./hash-print.ts";
import { eachKey } from "./hash-text.ts";
import type { HashType, NetPlace } from "./hash-types.ts";
import { hashWords } from "./jhash.ts";
import {
  AGAIN,
  ALREADY_THERE,
  type ExtensionConfig,
  Extensions,
  FULL,
  IpSet,
  MATCH,
  MATCH_OF_NOMATCH,
  NO_MATCH,
  NOT_APPLICABLE,
  type SetClock,
  type SetEnvironment,
  type SetQuery,
} from "./set.ts";

export interface HashConfig extends ExtensionConfig {
  readonly hashsize: number;
  readonly maxelem: number;
  /** Prefix length of `netmask`, 0 when there is none. */
  readonly netmask: number;
  /** Words of `netmask` or `bitmask`, all ones when there is none. */
  readonly bitmask: readonly number[];
  /** Unsigned. */
  readonly markmask: number;
  readonly forceadd: boolean;
  readonly bucketsize: number;
  readonly initval: number;
}

const BUCKET_STEP = 2;
/** Interfaces of one network may fill a bucket up to this (AHASH_MAX_TUNED). */
const BUCKET_LIMIT = 64;
const REGION_BITS = 10;
const MAX_BITS = 24;
const MAX_ELEMENTS = 1 << 24;

/** The prefix lengths in use in one dimension, longest first, and how many elements have each. */
class Prefixes {
  readonly counts = new Int32Array(129);
  readonly list = new Uint8Array(129);
  length = 0;

  add(prefix: number): void {
    if (this.counts[prefix]++ === 0) this.#rebuild();
  }

  remove(prefix: number): void {
    if (--this.counts[prefix] === 0) this.#rebuild();
  }

  clear(): void {
    this.counts.fill(0);
    this.length = 0;
  }

  #rebuild(): void {
    this.length = 0;
    for (let prefix = 128; prefix >= 0; prefix--) if (this.counts[prefix] > 0) this.list[this.length++] = prefix;
  }
}

export class HashSet extends IpSet {
  readonly type_: HashType;
  readonly config: HashConfig;
  readonly environment: SetEnvironment;
  /** Words of one element; the first `extra` are addresses. */
  readonly width: number;
  readonly extra: number;
  readonly wordsPerAddress: number;
  /** The element that is looked for or added. */
  readonly key: Int32Array;
  keyInterface = "";

  /** `width` words per element. */
  words: Int32Array;
  nomatch: Uint8Array;
  readonly interfaces: string[] = [];
  readonly wildcards: boolean[] = [];
  /** Next element of the chain, or of the free list; 0 ends it, else the number plus one. */
  #next: Int32Array;
  #heads: Int32Array;
  #bits: number;
  #free = 0;
  /** Elements ever used, the free ones included. */
  #used = 0;
  #count = 0;
  #regions: Int32Array;
  #bucketsize: number;
  readonly #prefixes: Prefixes[];
  readonly #second = new Int32Array(4);
  /** Elements of the same network whose interface was another one, in the bucket last looked at. */
  #otherInterfaces = 0;
  /** place() took a new element rather than one that was there. */
  #fresh = false;

  constructor(name: string, type: HashType, family: 0 | Family, config: HashConfig, clock: SetClock) {
    super(name, type, family, new Extensions(config, clock, 0));
    this.type_ = type;
    this.config = config;
    this.environment = clock.environment;
    this.wordsPerAddress = family === 6 ? 4 : 1;
    this.extra = type.addresses * this.wordsPerAddress;
    this.width = this.extra + type.extraWords + (family === 4 ? (type.padding4 ?? 0) : 0);
    this.key = new Int32Array(this.width);
    this.words = new Int32Array(0);
    this.nomatch = new Uint8Array(0);
    this.#next = new Int32Array(0);
    this.#bits = Math.max(6, 32 - Math.clz32(config.hashsize - 1));
    this.#heads = new Int32Array(2 ** this.#bits);
    this.#regions = new Int32Array(2 ** Math.max(0, this.#bits - REGION_BITS));
    this.#bucketsize = config.bucketsize;
    this.#prefixes = type.nets.map(() => new Prefixes());
  }

  get size(): number {
    return this.#count;
  }

  /** Applies netmask or bitmask to the address at `at`; false when nothing is left of it. */
  maskAddress(key: Int32Array, at: number): boolean {
    const { bitmask } = this.config;
    let rest = 0;
    for (let i = 0; i < this.wordsPerAddress; i++) {
      key[at + i] &= bitmask[i];
      rest |= key[at + i];
    }
    return rest !== 0;
  }

  // ── packets ────────────────────────────────────────────────────────────────────────────────────────

  protected testPacket(p: Packet, q: SetQuery): number {
    if (!this.type_.keyOfPacket(this, p, q, this.key)) return NOT_APPLICABLE;
    const { nets } = this.type_;
    if (nets.length === 0) return this.#lookUp(p, q);
    if (nets.length === 1) return this.#lookUpNets(p, q, nets[0]);
    return this.#lookUpPairs(p, q, nets[0], nets[1]);
  }

  protected addPacket(p: Packet, q: SetQuery): number {
    if (!this.#keyToChange(p, q)) return NOT_APPLICABLE;
    const element = this.#place(q.exist);
    if (element < 0) return element;
    this.nomatch[element] = 0;
    if (this.#fresh) this.wildcards[element] = false;
    this.extensions.initFromPacket(element, p, q);
    return 0;
  }

  protected deletePacket(p: Packet, q: SetQuery): number {
    return this.#keyToChange(p, q) ? this.#remove() : NOT_APPLICABLE;
  }

  /** The packet's element to add or delete: networks get the longest prefix length that the set has. */
  #keyToChange(p: Packet, q: SetQuery): boolean {
    if (!this.type_.keyOfPacket(this, p, q, this.key)) return false;
    const { nets } = this.type_;
    for (let i = 0; i < nets.length; i++) {
      const prefixes = this.#prefixes[i];
      this.setNet(nets[i], prefixes.length > 0 ? prefixes.list[0] : 32 * this.wordsPerAddress);
    }
    return true;
  }

  /** Cuts the key's network to `prefix` bits and notes the length in its place. */
  setNet(place: NetPlace, prefix: number): void {
    const { key, wordsPerAddress } = this;
    const at = place.address * wordsPerAddress;
    if (wordsPerAddress === 1) {
      if (prefix < 32) key[at] &= prefix === 0 ? 0 : -1 << (32 - prefix);
    } else {
      let left = prefix;
      for (let i = 0; i < 4; i++) {
        if (left < 32) key[at + i] &= left <= 0 ? 0 : -1 << (32 - left);
        left -= 32;
      }
    }
    const word = this.extra + place.word;
    key[word] = (key[word] & ~(0xff << place.shift)) | ((prefix - place.less) << place.shift);
  }

  prefixAt(element: number, place: NetPlace): number {
    const word = this.words[element * this.width + this.extra + place.word];
    return ((word >>> place.shift) & 0xff) + place.less;
  }

  #lookUpNets(p: Packet, q: SetQuery, place: NetPlace): number {
    const prefixes = this.#prefixes[0];
    for (let i = 0; i < prefixes.length; i++) {
      this.setNet(place, prefixes.list[i]);
      const answer = this.#lookUp(p, q);
      if (answer !== NO_MATCH) return answer;
      // The kernel looks no further once the network was there for another interface.
      if (this.#otherInterfaces > 0) return NO_MATCH;
    }
    return NO_MATCH;
  }

  #lookUpPairs(p: Packet, q: SetQuery, first: NetPlace, second: NetPlace): number {
    const [outer, inner] = this.#prefixes;
    const { key, wordsPerAddress } = this;
    const at = second.address * wordsPerAddress;
    for (let w = 0; w < wordsPerAddress; w++) this.#second[w] = key[at + w];
    for (let i = 0; i < outer.length; i++) {
      this.setNet(first, outer.list[i]);
      for (let w = 0; w < wordsPerAddress; w++) key[at + w] = this.#second[w];
      for (let j = 0; j < inner.length; j++) {
        this.setNet(second, inner.list[j]);
        const answer = this.#lookUp(p, q);
        if (answer !== NO_MATCH) return answer;
      }
    }
    return NO_MATCH;
  }

  /** ip_set_hash_gen.h: mtype_test: the first element equal to the key whose extensions agree. */
  #lookUp(p: Packet, q: SetQuery): number {
    this.#otherInterfaces = 0;
    let link = this.#heads[this.#bucket()];
    while (link !== 0) {
      const element = link - 1;
      if (this.#sameWords(element)) {
        if (!this.type_.hasInterface || this.#sameInterface(element)) {
          if (this.extensions.matches(element, p, q)) return this.nomatch[element] !== 0 ? MATCH_OF_NOMATCH : MATCH;
          this.#otherInterfaces = 0;
        } else this.#otherInterfaces++;
      }
      link = this.#next[element];
    }
    return NO_MATCH;
  }

  #bucket(): number {
    return hashWords(this.key, this.width, this.config.initval) & (this.#heads.length - 1);
  }

  #sameWords(element: number): boolean {
    const { key, words, width } = this;
    const at = element * width;
    for (let i = 0; i < width; i++) if (words[at + i] !== key[i]) return false;
    return true;
  }

  #sameInterface(element: number): boolean {
    const own = this.interfaces[element];
    return this.wildcards[element] ? this.keyInterface.startsWith(own) : this.keyInterface === own;
  }

  // ── elements come and go ───────────────────────────────────────────────────────────────────────────

  /** mtype_add: the element that now holds the key, or why none does. Its extensions are the caller's affair. */
  #place(exist: boolean): number {
    const bucket = this.#bucket();
    const region = bucket >>> REGION_BITS;
    let elements = this.#regions[region];
    let limit = Math.floor(this.config.maxelem / this.#regions.length);
    let force = false;
    if (elements >= limit) {
      if (this.config.timeout >= 0) this.#collect(region);
      limit = this.config.maxelem;
      elements = this.#count;
      force = elements >= limit && this.config.forceadd;
    }
    const head = this.#heads[bucket];
    if (head === 0 && (force || elements >= limit)) return FULL;
    let count = 0;
    let last = 0;
    let reuse = -1;
    let sameNet = 0;
    for (let link = head; link !== 0; link = this.#next[link - 1]) {
      const element = link - 1;
      const expired = this.extensions.expired(element);
      if (this.#sameWords(element)) {
        sameNet++;
        if (!this.type_.hasInterface || this.#sameInterface(element)) {
          if (!exist && !expired) return ALREADY_THERE;
          this.#fresh = false;
          return element;
        }
      }
      if (expired && reuse < 0) reuse = element;
      last = link;
      count++;
    }
    if (force && reuse < 0) reuse = head - 1;
    if (reuse >= 0) {
      this.#forget(reuse);
      return this.#write(reuse, region);
    }
    if (elements >= limit) return FULL;
    if (count >= BUCKET_STEP && count % BUCKET_STEP === 0) {
      if (this.type_.hasInterface) {
        if (this.#bucketsize >= BUCKET_LIMIT) return FULL;
        if (this.#bucketsize <= sameNet) this.#bucketsize += BUCKET_STEP;
      }
      if (count >= this.#bucketsize) return AGAIN;
    }
    const element = this.#take();
    if (last === 0) this.#heads[bucket] = element + 1;
    else this.#next[last - 1] = element + 1;
    this.#next[element] = 0;
    return this.#write(element, region);
  }

  #write(element: number, region: number): number {
    this.words.set(this.key, element * this.width);
    if (this.type_.hasInterface) this.interfaces[element] = this.keyInterface;
    for (let i = 0; i < this.#prefixes.length; i++) this.#prefixes[i].add(this.prefixAt(element, this.type_.nets[i]));
    this.#regions[region]++;
    this.#count++;
    this.#fresh = true;
    return element;
  }

  /** Takes an element out of the books; its place in the chain stays. */
  #forget(element: number): void {
    const at = element * this.width;
    const region =
      (hashWords(this.words.subarray(at, at + this.width), this.width, this.config.initval) &
        (this.#heads.length - 1)) >>>
      REGION_BITS;
    for (let i = 0; i < this.#prefixes.length; i++)
      this.#prefixes[i].remove(this.prefixAt(element, this.type_.nets[i]));
    this.#regions[region]--;
    this.#count--;
    this.extensions.clear(element);
  }

  #take(): number {
    if (this.#free !== 0) {
      const element = this.#free - 1;
      this.#free = this.#next[element];
      return element;
    }
    if (this.#used === this.nomatch.length) this.#grow(Math.max(16, this.#used * 2));
    return this.#used++;
  }

  #grow(capacity: number): void {
    if (capacity > MAX_ELEMENTS) throw new SetError(`set ${this.name} holds more than ${MAX_ELEMENTS} elements`);
    const words = new Int32Array(capacity * this.width);
    words.set(this.words);
    this.words = words;
    const nomatch = new Uint8Array(capacity);
    nomatch.set(this.nomatch);
    this.nomatch = nomatch;
    const next = new Int32Array(capacity);
    next.set(this.#next);
    this.#next = next;
    this.extensions.grow(capacity);
  }

  /** mtype_del. */
  #remove(): number {
    const bucket = this.#bucket();
    let before = 0;
    for (let link = this.#heads[bucket]; link !== 0; link = this.#next[link - 1]) {
      const element = link - 1;
      if (this.#sameWords(element) && (!this.type_.hasInterface || this.#sameInterface(element))) {
        if (this.extensions.expired(element)) return ALREADY_THERE;
        this.#unlink(bucket, before, element);
        return 0;
      }
      before = link;
    }
    return ALREADY_THERE;
  }

  #unlink(bucket: number, before: number, element: number): void {
    this.#forget(element);
    if (before === 0) this.#heads[bucket] = this.#next[element];
    else this.#next[before - 1] = this.#next[element];
    this.#next[element] = this.#free;
    this.#free = element + 1;
  }

  /** mtype_gc_do: expired elements of one region go. */
  #collect(region: number): void {
    const end = Math.min(this.#heads.length, (region + 1) << REGION_BITS);
    for (let bucket = region << REGION_BITS; bucket < end; bucket++) {
      let before = 0;
      let link = this.#heads[bucket];
      while (link !== 0) {
        const next = this.#next[link - 1];
        if (this.extensions.expired(link - 1)) this.#unlink(bucket, before, link - 1);
        else before = link;
        link = next;
      }
    }
  }

  /** mtype_resize: doubles the table until every bucket has room. */
  #resize(): void {
    const order = this.#inOrder();
    for (let bits = this.#bits + 1; ; bits++) {
      if (bits > MAX_BITS) throw new SetError("Hash is full, cannot add more elements");
      if (this.#rehash(bits, order)) return;
    }
  }

  #inOrder(): number[] {
    const order: number[] = [];
    for (const head of this.#heads)
      for (let link = head; link !== 0; link = this.#next[link - 1])
        if (!this.extensions.expired(link - 1)) order.push(link - 1);
    return order;
  }

  #rehash(bits: number, order: readonly number[]): boolean {
    const heads = new Int32Array(2 ** bits);
    const tails = new Int32Array(2 ** bits);
    const counts = new Uint8Array(2 ** bits);
    const regions = new Int32Array(2 ** Math.max(0, bits - REGION_BITS));
    const next = new Int32Array(this.#next.length);
    for (const element of order) {
      const at = element * this.width;
      const hash = hashWords(this.words.subarray(at, at + this.width), this.width, this.config.initval);
      const bucket = hash & (heads.length - 1);
      if (counts[bucket]++ >= this.#bucketsize) return false;
      if (tails[bucket] === 0) heads[bucket] = element + 1;
      else next[tails[bucket] - 1] = element + 1;
      tails[bucket] = element + 1;
      regions[bucket >>> REGION_BITS]++;
    }
    for (let link = this.#free; link !== 0; link = this.#next[link - 1]) next[link - 1] = this.#next[link - 1];
    this.#bits = bits;
    this.#heads = heads;
    this.#next = next;
    this.#regions = regions;
    return true;
  }

  // ── text ───────────────────────────────────────────────────────────────────────────────────────────

  addElement(element: Element, options: ElementOptions, exist: boolean): void {
    eachKey(this, element, () => {
      let placed = this.#place(exist);
      while (placed === AGAIN) {
        this.#resize();
        placed = this.#place(exist);
      }
      if (placed === ALREADY_THERE) throw new SetError("Element cannot be added to the set: it's already added");
      if (placed === FULL) throw new SetError("Hash is full, cannot add more elements");
      this.nomatch[placed] = options.nomatch ? 1 : 0;
      if (this.#fresh) this.wildcards[placed] = options.wildcard;
      this.extensions.initFromText(placed, options, this.#fresh);
    });
  }

  deleteElement(element: Element, exist: boolean): void {
    eachKey(this, element, () => {
      if (this.#remove() !== 0 && !exist) throw new SetError("Element cannot be deleted from the set: it's not added");
    });
  }

  flush(): void {
    this.#heads.fill(0);
    this.#regions.fill(0);
    this.#free = 0;
    this.#used = 0;
    this.#count = 0;
    for (const prefixes of this.#prefixes) prefixes.clear();
  }

  header(): string {
    const { config } = this;
    const netmask = config.netmask > 0 && config.netmask < 32 * this.wordsPerAddress;
    const said: Record<string, string | number | boolean | null> = {
      family: this.family === 6 ? "inet6" : "inet",
      hashsize: this.#heads.length,
      maxelem: config.maxelem,
      markmask: `0x${config.markmask.toString(16).padStart(8, "0")}`,
      netmask: netmask ? config.netmask : null,
      bitmask: netmask || config.bitmask.every((word) => word === -1) ? null : elementText.address(config.bitmask),
      timeout: config.timeout >= 0 ? config.timeout : null,
      counters: config.counters,
      comment: config.comment,
      // ipset 7.17 does not print it, though it is in effect.
      forceadd: false,
      skbinfo: config.skbinfo,
      bucketsize: this.#bucketsize,
      initval: `0x${(config.initval >>> 0).toString(16).padStart(8, "0")}`,
    };
    return this.type_.create
      .map((option) => [option, said[option]] as const)
      .filter(([, value]) => value !== null && value !== false)
      .map(([option, value]) => (value === true ? ` ${option}` : ` ${option} ${value}`))
      .join("");
  }

  elements(): string[] {
    return this.#inOrder().map((element) => {
      const flags = `${this.nomatch[element] ? " nomatch" : ""}${this.wildcards[element] ? " wildcard" : ""}`;
      return elementText.hash(this, element) + this.extensions.print(element, flags);
    });
  }
}
