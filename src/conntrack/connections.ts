/**
 * The connections of one family, without an object for any of them: a connection is a handle (an integer from 1 up),
 * its data a record of 32-bit words (records.ts), and a hash index (hash-index.ts) leads from either direction's tuple to
 * it: by one entry, since both have one hash (tuple-hash.ts), or by two, when NAT or a zone makes the directions differ
 * in more than that the ends change places.
 *
 * That makes less than 128 bytes for an IPv4 connection, 176 for an IPv6 one, side by side because memory is what a
 * lookup waits for. Accounting and start times live in arrays that exist only when used.
 */
import {
  CAPACITY,
  CONFIRMED,
  CONFIRMED_LAST,
  CONTROL_WORDS,
  CREATED,
  EARLIEST,
  FREE,
  MEMORY_SIZE,
  NOW,
  PAIRS_AT,
  PAIRS_END,
  RECORDS_AT,
  SEED,
  SIZE,
  TABLES,
  TOP,
} from "../assembly/layout.ts";
import { COUNTED, IN_USE, LINK, NODE4, NODES, ORDER, STATUS, STRIDE4, TIMEOUT } from "../assembly/record-words.ts";
import {
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DYING,
  IPS_EXPECTED,
  IPS_FIXED_TIMEOUT,
  IPS_HELPER,
  IPS_NAT_CLASH,
} from "../assembly/status.ts";
import { type Core, type Tenant, vacateTables } from "../bytes/core.ts";
import type { Family } from "../packet/hook.ts";
import { HashIndex } from "./hash-index.ts";
import { Records } from "./records.ts";
import { type Direction, ORIGINAL, REPLY, Tuple } from "./tuple.ts";
import { hash4, hash6 } from "./tuple-hash.ts";

/** A record that equals LISTED under this mask is in the index. */
const IN_TABLE = IN_USE | IPS_CONFIRMED | IPS_DYING;
const LISTED = IN_USE | IPS_CONFIRMED;

const FIRST_CAPACITY = 64;
/** Records are copied to an array this many times larger when they no longer fit… */
const GROWTH = 8;
/** … but from here on to one that has room for all there may ever be: memory that was never written to costs nothing. */
const LAST_COPY = 32768;
/** No array is made for more than this at once. */
const LARGEST = 2 ** 24;
/** So many handles stay unused after they died: packets in flight may still name them. */
const QUARANTINE = 16;
/** A jiffy so far ahead that no timeout lies behind it, and still "after" in 32 bits. */
const FAR = 0x7fffffff;
/** nf_conntrack_core.c: NF_CT_EVICTION_RANGE. */
const EVICTION_RANGE = 8;

const WORD = 4;

export class Connections extends Records implements Tenant {
  readonly #seed: number;
  readonly #index: HashIndex;
  /** There will hardly be more connections than this (nf_conntrack_max). */
  #limit = Number.POSITIVE_INFINITY;
  /** The memory that the table lies in, and what works there; null: in arrays of its own. */
  #core: Core | null = null;
  readonly #quarantine = new Int32Array(QUARANTINE);
  #quarantined = 0;
  /** Where the search for expired entries goes on. */
  #sweeper = 0;

  /** Told of each connection that ceases to be, while its record can still be read. */
  readonly destroyed: ((connections: Connections, handle: number) => void)[] = [];
  /** Called before the table leaves the core's memory. */
  leaving: (() => void) | null = null;

  constructor(family: Family, seed: number) {
    super(family, FIRST_CAPACITY);
    this.#seed = seed | 0;
    this.control[SEED] = seed;
    this.control[CAPACITY] = FIRST_CAPACITY;
    this.#index = new HashIndex(this.control);
  }

  /** Connections in use, unconfirmed ones included. */
  get size(): number {
    return this.control[SIZE];
  }

  // ── where it lies ──────────────────────────────────────────────────────────────────────────────────

  /** What works on the table where it lies; null: nothing does. */
  get core(): Core | null {
    return this.#core;
  }

  /** Moves into the core's memory, whose tables are free and all 0. False: it has not enough room. IPv4 only. */
  enter(core: Core): boolean {
    const recordWords = (this.#limit + 1) * this.stride;
    const pairWords = this.#index.whole;
    const pairsAt = TABLES + recordWords * WORD;
    if (!(pairsAt + pairWords * WORD <= MEMORY_SIZE)) return false;
    const pairs = new Int32Array(core.buffer, pairsAt, pairWords);
    this.#move(this.#limit, new Int32Array(core.buffer, TABLES, recordWords), pairs, core.control);
    this.control[RECORDS_AT] = TABLES;
    this.control[PAIRS_AT] = pairsAt;
    this.#core = core;
    return true;
  }

  /** Moves out again, and leaves nothing behind. */
  leave(): void {
    if (this.#core === null) return;
    this.leaving?.();
    const { record, control } = this;
    const { pairs } = this.#index;
    const capacity = Math.max(control[TOP], FIRST_CAPACITY);
    const own = new Int32Array((capacity + 1) * this.stride);
    this.#move(capacity, own, new Int32Array(control[PAIRS_END]), new Int32Array(CONTROL_WORDS));
    record.fill(0, 0, (control[TOP] + 1) * this.stride);
    pairs.fill(0, 0, control[PAIRS_END]);
    this.#core = null;
    vacateTables(this);
  }

  #move(capacity: number, record: Int32Array, pairs: Int32Array, control: Int32Array): void {
    record.set(this.record.subarray(0, (this.control[TOP] + 1) * this.stride));
    this.record = record;
    control.set(this.control);
    this.#index.move(pairs, control);
    this.control = control;
    control[CAPACITY] = capacity;
    this.#resizeOptional();
  }

  /** Is something kept of connections besides their records? */
  get keepsMore(): boolean {
    return this.counters !== null || this.starts !== null;
  }

  /** Makes what is not kept in the records as long as they are. */
  #resizeOptional(): void {
    const length = this.control[CAPACITY] + 1;
    if (this.counters !== null) this.counters = resized(this.counters, length * 4);
    if (this.starts !== null) this.starts = resized(this.starts, length);
  }

  /** Bytes that this table holds: records, index, and what is counted where it is counted. */
  get memory(): number {
    const optional = (this.counters?.byteLength ?? 0) + (this.starts?.byteLength ?? 0);
    return this.record.byteLength + this.#index.byteLength + this.#quarantine.byteLength + optional;
  }

  /** Bytes of memory that the table takes: records that ever were, the index, counters. */
  get byteLength(): number {
    const perRecord = this.stride * 4 + (this.counters === null ? 0 : 32) + (this.starts === null ? 0 : 8);
    return (this.control[TOP] + 1) * perRecord + this.#index.byteLength;
  }

  /** How many connections there may be. More can be made; but memory is laid out for so many. */
  set limit(connections: number) {
    this.#limit = connections > 0 ? connections + 2 * QUARANTINE : Number.POSITIVE_INFINITY;
    this.#index.expected = Math.min(2 * this.#limit, LARGEST);
  }

  /** Moves the clock to another jiffy, less than 2^31 away in either direction. */
  setClock(now: number): void {
    const back = ((now - this.now) | 0) < 0;
    this.control[NOW] = now;
    if (back || ((this.control[EARLIEST] - now) | 0) < 0) this.control[EARLIEST] = now;
  }

  // ── the table ──────────────────────────────────────────────────────────────────────────────────────

  /**
   * Handles in use, confirmed and not expired, in the order of their creation. The kernel lists by a hash with a
   * random key, so that any order is as good as its own.
   */
  handles(): Int32Array {
    const found = new Int32Array(this.size);
    let n = 0;
    for (let h = 1; h <= this.control[TOP]; h++) if (this.isListed(h)) found[n++] = h;
    return found.subarray(0, n).sort((a, b) => (this.order(a) - this.order(b)) | 0);
  }

  isListed(handle: number): boolean {
    const status = this.record[handle * this.stride + STATUS];
    return (status & (IN_TABLE | IPS_NAT_CLASH)) === LISTED && !this.isExpired(handle);
  }

  /**
   * The node (handle << 1 | direction) that has this tuple and zone, or 0. Entries that expired are not found.
   * `directions`: 1 looks for original tuples only, 2 for reply tuples, 3 for both.
   */
  find(tuple: Tuple, directions: number): number {
    const key = (tuple.zone << 16) | tuple.protocol;
    const ports = (tuple.sport << 16) | tuple.dport;
    if (this.addressWords === 1) return this.find4(tuple.src0, tuple.dst0, ports, key, directions);
    const hash = hash6(this.#seed, tuple, ports, key);
    const { pairs } = this.#index;
    for (let at = this.#index.seek(hash); pairs[at] === hash && pairs[at + 1] !== 0; at += 2) {
      const node = this.#nodeOf(pairs[at + 1], tuple, ports, key);
      if (((directions >>> (node & 1)) & 1) !== 0 && node !== 0 && !this.isExpired(node >>> 1)) return node;
    }
    return 0;
  }

  /** `find` for IPv4: `ports` is sport << 16 | dport, `key` zone << 16 | protocol, as signed words. */
  find4(source: number, destination: number, ports: number, key: number, directions: number): number {
    const hash = hash4(this.#seed, source, destination, ports, key);
    const { record } = this;
    const { pairs } = this.#index;
    for (let at = this.#index.seek(hash); pairs[at] === hash; at = (at + 2) | 0) {
      const handle = pairs[at + 1];
      if (handle === 0) return 0;
      const base = Math.imul(handle, STRIDE4);
      const reply = (base + (NODES + NODE4)) | 0;
      // Which direction it is cannot be predicted: so it is computed, not branched on. (Both may have the same source
      // and ports: a packet to its own sender, translated.)
      const differs =
        (record[reply] ^ source) |
        (record[(reply + 1) | 0] ^ destination) |
        (record[(reply + 2) | 0] ^ ports) |
        (record[(reply + 3) | 0] ^ key);
      const direction = (1 - ((differs | -differs) >>> 31)) | 0;
      const words = (base + NODES + (direction << 2)) | 0;
      const differ =
        (record[words] ^ source) |
        (record[(words + 1) | 0] ^ destination) |
        (record[(words + 2) | 0] ^ ports) |
        (record[(words + 3) | 0] ^ key);
      if (differ === 0 && ((directions >>> direction) & 1) !== 0 && ((record[(base + TIMEOUT) | 0] - this.now) | 0) > 0)
        return (handle << 1) | direction;
    }
    return 0;
  }

  /** The node of a connection that has this tuple, or 0. Of two the same the reply, which the kernel finds first. */
  #nodeOf(handle: number, tuple: Tuple, ports: number, key: number): number {
    if (this.#has((handle << 1) | 1, tuple, ports, key)) return (handle << 1) | 1;
    return this.#has(handle << 1, tuple, ports, key) ? handle << 1 : 0;
  }

  #has(node: number, tuple: Tuple, ports: number, key: number): boolean {
    const { record } = this;
    const at = this.nodeAt(node);
    if (record[at + this.nodeWords - 2] !== ports || record[at + this.nodeWords - 1] !== key) return false;
    if (this.addressWords === 1) return record[at] === tuple.src0 && record[at + 1] === tuple.dst0;
    return (
      record[at] === tuple.src0 &&
      record[at + 1] === tuple.src1 &&
      record[at + 2] === tuple.src2 &&
      record[at + 3] === tuple.src3 &&
      record[at + 4] === tuple.dst0 &&
      record[at + 5] === tuple.dst1 &&
      record[at + 6] === tuple.dst2 &&
      record[at + 7] === tuple.dst3
    );
  }

  /** What a tuple hashes to, all 32 bits. */
  hash(tuple: Tuple): number {
    return this.#hash(tuple, (tuple.sport << 16) | tuple.dport, (tuple.zone << 16) | tuple.protocol);
  }

  #hash(tuple: Tuple, ports: number, key: number): number {
    if (this.addressWords === 1) return hash4(this.#seed, tuple.src0, tuple.dst0, ports, key);
    return hash6(this.#seed, tuple, ports, key);
  }

  #hashOf(node: number): number {
    const { record } = this;
    const at = this.nodeAt(node);
    if (this.addressWords === 1) return hash4(this.#seed, record[at], record[at + 1], record[at + 2], record[at + 3]);
    this.tuple(node >>> 1, (node & 1) as Direction, hashed);
    return hash6(this.#seed, hashed, record[at + 8], record[at + 9]);
  }

  /**
   * Is this tuple, as a reply, in use by another connection than `ignoring` (or one with the very same original)?
   * nf_conntrack_core.c: nf_conntrack_tuple_taken. The zone is that of `ignoring`.
   */
  taken(tuple: Tuple, ignoring: number): boolean {
    const key = (this.zoneOf(ignoring, REPLY) << 16) | tuple.protocol;
    const ports = (tuple.sport << 16) | tuple.dport;
    const hash = this.#hash(tuple, ports, key);
    const { pairs } = this.#index;
    for (let at = this.#index.seek(hash); pairs[at] === hash && pairs[at + 1] !== 0; at += 2) {
      const handle = pairs[at + 1];
      const node = handle === ignoring ? 0 : this.#nodeOf(handle, tuple, ports, key);
      if (node === 0 || this.isExpired(handle)) continue;
      if (this.#zoneHolds(node, ignoring) && !this.#sameNodes(handle << 1, ignoring << 1)) return true;
    }
    return false;
  }

  /** nf_ct_zone_equal: is the node in the zone that connection `other` has in the node's direction? */
  #zoneHolds(node: number, other: number): boolean {
    return this.zoneOf(node >>> 1, (node & 1) as Direction) === this.zoneOf(other, (node & 1) as Direction);
  }

  /**
   * Have two connections the same tuples in the same zones? `turned` 0: direction by direction (nf_ct_match);
   * 1: one's original is the other's reply (nf_ct_match_reverse).
   */
  sameTuples(a: number, b: number, turned: number): boolean {
    return this.#sameNodes(a << 1, (b << 1) | turned) && this.#sameNodes((a << 1) | 1, (b << 1) | (1 - turned));
  }

  #sameNodes(a: number, b: number): boolean {
    const { record } = this;
    const first = this.nodeAt(a);
    const second = this.nodeAt(b);
    for (let i = 0; i < this.nodeWords; i++) if (record[first + i] !== record[second + i]) return false;
    return true;
  }

  // ── birth and death ────────────────────────────────────────────────────────────────────────────────

  /** A new unconfirmed connection; 0 is never returned. The reply tuple must be the original's inverse, or NAT's. */
  create(original: Tuple, reply: Tuple, counted: boolean): number {
    const handle = this.#allocate();
    const at = handle * this.stride;
    this.record[at + STATUS] = counted ? IN_USE | COUNTED : IN_USE;
    this.record[at + ORDER] = this.control[CREATED] = (this.control[CREATED] + 1) | 0;
    this.write(handle << 1, original, original.zone);
    this.write((handle << 1) | 1, reply, reply.zone);
    if (counted) this.#startCounting(handle);
    return handle;
  }

  /** `create` for IPv4, from the words of both nodes but for the addresses, which change places. */
  create4(
    source: number,
    destination: number,
    ports: number,
    key: number,
    replyPorts: number,
    replyKey: number,
    counted: boolean,
  ): number {
    const handle = this.#allocate();
    const { record } = this;
    const at = handle * STRIDE4;
    const nodes = at + NODES;
    record[at + STATUS] = counted ? IN_USE | COUNTED : IN_USE;
    record[at + ORDER] = this.control[CREATED] = (this.control[CREATED] + 1) | 0;
    record[nodes] = source;
    record[nodes + 1] = destination;
    record[nodes + 2] = ports;
    record[nodes + 3] = key;
    record[nodes + NODE4] = destination;
    record[nodes + NODE4 + 1] = source;
    record[nodes + NODE4 + 2] = replyPorts;
    record[nodes + NODE4 + 3] = replyKey;
    if (counted) this.#startCounting(handle);
    return handle;
  }

  /** A handle whose record is all 0. */
  #allocate(): number {
    this.control[SIZE]++;
    if (this.control[FREE] === 0) {
      if (this.control[TOP] === this.control[CAPACITY]) this.#grow();
      return ++this.control[TOP];
    }
    const handle = this.control[FREE];
    const at = handle * this.stride;
    this.control[FREE] = this.record[at + LINK];
    // Few words: TypedArray.fill would take longer than this loop.
    for (let i = 0; i < NODES; i++) this.record[at + i] = 0;
    return handle;
  }

  #startCounting(handle: number): void {
    if (this.counters === null) this.counters = new Float64Array((this.control[CAPACITY] + 1) * 4);
    this.counters.fill(0, handle * 4, handle * 4 + 4);
  }

  #grow(): void {
    this.leave();
    const old = this.record;
    const larger = this.control[CAPACITY] * GROWTH;
    const rest = this.#limit > this.control[CAPACITY] && (this.#limit < larger || this.control[CAPACITY] >= LAST_COPY);
    this.control[CAPACITY] = rest && this.#limit < LARGEST ? this.#limit : larger;
    this.record = new Int32Array((this.control[CAPACITY] + 1) * this.stride);
    this.record.set(old);
    this.#resizeOptional();
  }

  /** IPv4: the reply is the original with its ends exchanged, so that both have one hash. */
  #isMirrored(handle: number): boolean {
    if (this.addressWords !== 1) return false;
    const { record } = this;
    const at = handle * STRIDE4 + NODES;
    const ports = record[at + 2];
    return (
      record[at] === record[at + NODE4 + 1] &&
      record[at + 1] === record[at + NODE4] &&
      record[at + NODE4 + 2] === ((ports << 16) | (ports >>> 16)) &&
      record[at + 3] === record[at + NODE4 + 3]
    );
  }

  /**
   * Confirms a connection: both directions go into the index, the timeout starts. `started` is the time (µs) to
   * remember as its beginning, 0 for none. If another connection has one of its tuples nothing is done, and the other's
   * node returned; else 0.
   */
  insert(handle: number, started: number): number {
    if (this.#core !== null && started === 0 && this.starts === null) {
      const done = this.#core.confirm(handle);
      if (done === CONFIRMED) return 0;
      if (done === CONFIRMED_LAST) {
        this.lengthenIndex();
        return 0;
      }
    }
    const hash = this.#hashOf(handle << 1);
    const replyHash = this.#isMirrored(handle) ? hash : this.#hashOf((handle << 1) | 1);
    if (this.#index.has(hash) || (replyHash !== hash && this.#index.has(replyHash))) {
      const rival = this.rival(handle << 1) || this.rival((handle << 1) | 1);
      if (rival !== 0) return rival;
    }
    this.#addPair(hash, handle);
    if (replyHash !== hash) this.#addPair(replyHash, handle);
    this.#confirm(handle, (this.now + this.timeout(handle)) | 0, started);
    return 0;
  }

  /** Confirms a connection that only its reply direction shall find, for `jiffies` (nf_ct_resolve_clash_harder). */
  insertReply(handle: number, jiffies: number, started: number): void {
    this.#addPair(this.#hashOf((handle << 1) | 1), handle);
    this.addStatus(handle, IPS_FIXED_TIMEOUT | IPS_NAT_CLASH);
    this.#confirm(handle, (this.now + jiffies) | 0, started);
  }

  #addPair(hash: number, handle: number): void {
    this.#index.insert(hash, handle);
    this.#followIndex();
  }

  /** The core put a pair on the index's last place (CONFIRMED_LAST, LENGTHEN). */
  lengthenIndex(): void {
    this.#index.lengthen();
    this.#followIndex();
  }

  /** The index found no more room in the core's memory: then nothing is left there. */
  #followIndex(): void {
    if (this.#core !== null && this.#index.pairs.buffer !== this.#core.buffer) this.leave();
  }

  #confirm(handle: number, timeout: number, started: number): void {
    this.addStatus(handle, IPS_CONFIRMED);
    this.expireAt(handle, timeout);
    if (started !== 0 && this.starts === null) this.starts = new Float64Array(this.control[CAPACITY] + 1);
    if (this.starts !== null) this.starts[handle] = started;
  }

  /** The node in the index that has the words of `node`, and holds in its direction's zone; or 0. */
  rival(node: number): number {
    const hash = this.#hashOf(node);
    const { pairs } = this.#index;
    for (let at = this.#index.seek(hash); pairs[at] === hash && pairs[at + 1] !== 0; at += 2) {
      const handle = pairs[at + 1];
      if (this.isExpired(handle)) continue;
      for (let other = (handle << 1) | 1; other >= handle << 1; other--)
        if (this.#sameNodes(node, other) && this.#zoneHolds(other, node >>> 1)) return other;
    }
    return 0;
  }

  /** Ends a connection. Its record can be read until some more have died. */
  remove(handle: number): void {
    const status = this.record[handle * this.stride + STATUS];
    if ((status & IPS_DYING) !== 0 || (status & IN_USE) === 0) return;
    this.addStatus(handle, IPS_DYING);
    for (const listener of this.destroyed) listener(this, handle);
    if ((status & IPS_CONFIRMED) !== 0) {
      this.#index.remove(this.#hashOf(handle << 1), handle);
      this.#index.remove(this.#hashOf((handle << 1) | 1), handle);
    }
    this.control[SIZE]--;
    const slot = this.#quarantined++ % QUARANTINE;
    const released = this.#quarantine[slot];
    this.#quarantine[slot] = handle;
    if (released === 0) return;
    const at = released * this.stride;
    if ((this.record[at + STATUS] & (IPS_HELPER | IPS_EXPECTED)) !== 0) {
      this.helped.delete(released);
      this.masters.delete(released);
    }
    this.record[at + STATUS] = 0;
    this.record[at + LINK] = this.control[FREE];
    this.control[FREE] = released;
  }

  /** Looks at the next `steps` entries in a round and removes those that expired (the kernel's gc_worker). */
  sweep(steps: number): void {
    for (let i = Math.min(steps, this.control[TOP]); i > 0; i--) {
      const handle = this.#nextOfRound();
      const status = this.record[handle * this.stride + STATUS];
      if ((status & IN_TABLE) === LISTED && this.isExpired(handle)) this.remove(handle);
    }
  }

  /**
   * Removes one expired entry, if there is any. Cheap when there is none: then nothing can have expired until the
   * earliest timeout that this looking found.
   */
  reclaim(): boolean {
    if (((this.control[EARLIEST] - this.now) | 0) > 0) return false;
    let earliest = (this.now + FAR) | 0;
    for (let i = this.control[TOP]; i > 0; i--) {
      const handle = this.#nextOfRound();
      if ((this.record[handle * this.stride + STATUS] & IN_TABLE) !== LISTED) continue;
      const timeout = this.timeout(handle);
      if (((timeout - this.now) | 0) <= 0) {
        this.remove(handle);
        return true;
      }
      if (((timeout - earliest) | 0) < 0) earliest = timeout;
    }
    this.control[EARLIEST] = earliest;
    return false;
  }

  #nextOfRound(): number {
    this.#sweeper = this.#sweeper < this.control[TOP] ? this.#sweeper + 1 : 1;
    return this.#sweeper;
  }

  /**
   * Of a table of `buckets` in all, throws out what is not assured in the bucket that `hash` falls into, or else in
   * the first of the seven behind it that has such an entry. Returns how many. nf_conntrack_core.c: early_drop.
   */
  earlyDrop(hash: number, buckets: number): number {
    const first = Math.floor(((hash >>> 0) * buckets) / 0x100000000);
    for (let i = 0; i < EVICTION_RANGE; i++) {
      const victims = this.#victims((first + i) % buckets, buckets);
      for (const handle of victims) this.remove(handle);
      if (victims.length > 0) return victims.length;
    }
    return 0;
  }

  /**
   * Handles that early drop may take from bucket number `bucket` of `buckets`. The kernel hashes a connection's directions
   * apart; here they have one hash, so the reply's bucket is taken to be the one half a table away.
   */
  #victims(bucket: number, buckets: number): number[] {
    const victims = new Set<number>();
    for (const direction of [ORIGINAL, REPLY]) {
      const first = (bucket + (direction === ORIGINAL ? 0 : buckets >>> 1)) % buckets;
      const from = Math.ceil((first * 0x100000000) / buckets);
      const to = Math.ceil(((first + 1) * 0x100000000) / buckets);
      this.#index.range(from, to, (handle) => {
        const hash = this.#hashOf((handle << 1) | direction) >>> 0;
        if (hash < from || hash >= to) return;
        if ((this.status(handle) & IPS_ASSURED) === 0 && !this.isExpired(handle)) victims.add(handle);
      });
    }
    return [...victims];
  }
}

const hashed = new Tuple();

function resized(old: Float64Array, length: number): Float64Array {
  const array = new Float64Array(length);
  array.set(old.length > length ? old.subarray(0, length) : old);
  return array;
}
