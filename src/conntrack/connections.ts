/**
 * The connections of one family, without an object for any of them: a connection is a handle (an integer from 1 up),
 * its data a record of 32-bit words in one typed array, and each of its two directions a node in a hash index.
 *
 *     nodes    per direction: source words, destination words, sport << 16 | dport, zone << 16 | protocol
 *     next     per direction: the next node of the same bucket
 *     buckets  the first node of each bucket; a node is handle << 1 | direction, 0 ends a chain
 *     record   per connection: status, mark, timeout, order of creation, links, the protocol tracker's own words
 *
 * That makes 124 bytes for an IPv4 connection. Accounting and start times live in arrays that exist only when used.
 * Bucket numbers are the *high* bits of the hash, as in the kernel, so that the kernel's neighbouring buckets
 * are neighbours here too (early drop looks through eight of them), whatever the size of either table.
 */
import type { Family } from "../packet/hook.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "../packet/transport.ts";
import { IPS_ASSURED, IPS_CONFIRMED, IPS_DYING, IPS_FIXED_TIMEOUT, IPS_HELPER, IPS_NAT_CLASH } from "./status.ts";
import { type Direction, ORIGINAL, REPLY, type Tuple } from "./tuple.ts";

/** Words of a record. */
const STATUS = 0;
const MARK = 1;
const TIMEOUT = 2;
const ORDER = 3;
const LINK = 4;
/** First of the protocol tracker's own words. */
export const TRACKER_WORDS = 5;
/** What the largest tracker (TCP) needs. */
export const TRACKER_SIZE = 14;
const RECORD = TRACKER_WORDS + TRACKER_SIZE;

/** Above the kernel's bits in the status word; never shown to callers. */
const IN_USE = 1 << 30;
const COUNTED = 1 << 29;
/** Compared under this mask, a record that equals LISTED is in the index. */
const IN_TABLE = IN_USE | IPS_CONFIRMED | IPS_DYING;
const LISTED = IN_USE | IPS_CONFIRMED;
const KERNEL_BITS = 0xffff;

const FIRST_CAPACITY = 64;
/** So many handles stay unused after they died: packets in flight may still name them. */
const QUARANTINE = 16;
/** A jiffy so far ahead that no timeout lies behind it, and still "after" in 32 bits. */
const FAR = 0x7fffffff;
/** nf_conntrack_core.c: NF_CT_EVICTION_RANGE. */
const EVICTION_RANGE = 8;

/** One end of a connection: what `Connections.end` fills. */
export interface End {
  word0: number;
  word1: number;
  word2: number;
  word3: number;
  port: number;
  protocol: number;
}

export class Connections {
  readonly family: Family;
  /** 32-bit words in an address: 1 or 4. */
  readonly addressWords: number;
  /** Words in a node. */
  readonly #stride: number;
  readonly #seed: number;

  /** `record[base(h) + TRACKER_WORDS + i]` is word i of the tracker. Replaced when the table grows: do not keep it. */
  record: Int32Array;
  #nodes: Int32Array;
  #next: Int32Array;
  #buckets: Int32Array;
  /** 32 less the binary logarithm of the number of buckets. */
  #shift: number;
  #capacity: number;
  /** Handles from 1 to here were handed out at least once. */
  #top = 0;
  #free = 0;
  #created = 0;
  /** Packets and bytes, original then reply. */
  #counters: Float64Array | null = null;
  #started: Float64Array | null = null;
  readonly #helpers = new Map<number, string>();
  readonly #quarantine = new Int32Array(QUARANTINE);
  #quarantined = 0;
  /** Where the search for expired entries goes on. */
  #sweeper = 0;
  /** No entry of the table expires before this jiffy. */
  #earliest = 0;

  /** Connections in use, unconfirmed ones included. */
  size = 0;
  /** Jiffies (4 ms, signed 32 bits): an entry whose timeout is not after this is invisible. */
  now = 0;
  /** Told of each connection that ceases to be, while its record can still be read. */
  readonly destroyed: ((connections: Connections, handle: number) => void)[] = [];

  constructor(family: Family, seed: number) {
    this.family = family;
    this.addressWords = family === 4 ? 1 : 4;
    this.#stride = 2 * this.addressWords + 2;
    this.#seed = seed | 0;
    this.#capacity = FIRST_CAPACITY;
    this.record = new Int32Array((FIRST_CAPACITY + 1) * RECORD);
    this.#nodes = new Int32Array((FIRST_CAPACITY + 1) * 2 * this.#stride);
    this.#next = new Int32Array((FIRST_CAPACITY + 1) * 2);
    this.#buckets = new Int32Array(FIRST_CAPACITY * 2);
    this.#shift = 32 - Math.log2(FIRST_CAPACITY * 2);
  }

  /** Moves the clock to another jiffy, less than 2^31 away in either direction. */
  setClock(now: number): void {
    const back = ((now - this.now) | 0) < 0;
    this.now = now;
    if (back || ((this.#earliest - now) | 0) < 0) this.#earliest = now;
  }

  // ── one connection ─────────────────────────────────────────────────────────────────────────────────

  /** Index into `record` of a connection's first word. */
  base(handle: number): number {
    return handle * RECORD;
  }

  /** IPS_* bits. */
  status(handle: number): number {
    return this.record[handle * RECORD + STATUS] & KERNEL_BITS;
  }

  addStatus(handle: number, bits: number): void {
    this.record[handle * RECORD + STATUS] |= bits;
  }

  mark(handle: number): number {
    return this.record[handle * RECORD + MARK];
  }

  setMark(handle: number, mark: number): void {
    this.record[handle * RECORD + MARK] = mark;
  }

  /** In jiffies: when it expires; in an unconfirmed connection, how long after confirmation. */
  timeout(handle: number): number {
    return this.record[handle * RECORD + TIMEOUT];
  }

  /** Will expire `jiffies` from now; counted from confirmation in an unconfirmed connection. __nf_ct_refresh_acct. */
  refresh(handle: number, jiffies: number): void {
    const at = handle * RECORD;
    const status = this.record[at + STATUS];
    if ((status & IPS_FIXED_TIMEOUT) !== 0) return;
    if ((status & IPS_CONFIRMED) === 0) this.record[at + TIMEOUT] = jiffies;
    else this.expireAt(handle, (this.now + jiffies) | 0);
  }

  /** Sets the jiffy at which a confirmed connection expires. */
  expireAt(handle: number, timeout: number): void {
    this.record[handle * RECORD + TIMEOUT] = timeout;
    if (((timeout - this.#earliest) | 0) < 0) this.#earliest = timeout;
  }

  isExpired(handle: number): boolean {
    return ((this.record[handle * RECORD + TIMEOUT] - this.now) | 0) <= 0;
  }

  /** Jiffies until it expires; 0 when it has. nf_conntrack.h: nf_ct_expires. */
  expires(handle: number): number {
    const left = (this.record[handle * RECORD + TIMEOUT] - this.now) | 0;
    return left > 0 ? left : 0;
  }

  /** Counts creations: of two connections the older has the smaller. */
  order(handle: number): number {
    return this.record[handle * RECORD + ORDER];
  }

  /** A word for whoever chains connections (nat/: the next of the same source hash). */
  link(handle: number): number {
    return this.record[handle * RECORD + LINK];
  }

  setLink(handle: number, link: number): void {
    this.record[handle * RECORD + LINK] = link;
  }

  protocol(handle: number): number {
    return this.#nodes[(handle * 2 + 1) * this.#stride - 1] & 0xff;
  }

  /** Fills `into` with the tuple of one direction. */
  tuple(handle: number, direction: Direction, into: Tuple): void {
    const nodes = this.#nodes;
    let at = (handle * 2 + direction) * this.#stride;
    into.family = this.family;
    into.src0 = nodes[at++];
    if (this.addressWords === 4) {
      into.src1 = nodes[at++];
      into.src2 = nodes[at++];
      into.src3 = nodes[at++];
      into.dst0 = nodes[at++];
      into.dst1 = nodes[at++];
      into.dst2 = nodes[at++];
      into.dst3 = nodes[at++];
    } else {
      into.src1 = into.src2 = into.src3 = 0;
      into.dst0 = nodes[at++];
      into.dst1 = into.dst2 = into.dst3 = 0;
    }
    const ports = nodes[at++];
    into.sport = ports >>> 16;
    into.dport = ports & 0xffff;
    into.protocol = nodes[at] & 0xff;
    into.zone = nodes[at] >>> 16;
  }

  /**
   * The source (1) or destination (0) of one direction: its address words, port (ICMP: id) and protocol go into
   * `into`. Words that IPv4 has not are left alone. For nat/, which rewrites one end of a packet at a time.
   */
  end(handle: number, direction: Direction, source: 0 | 1, into: End): void {
    const nodes = this.#nodes;
    const words = this.addressWords;
    const node = (handle * 2 + direction) * this.#stride;
    const at = source === 1 ? node : node + words;
    into.word0 = nodes[at];
    if (words === 4) {
      into.word1 = nodes[at + 1];
      into.word2 = nodes[at + 2];
      into.word3 = nodes[at + 3];
    }
    const ports = nodes[node + 2 * words];
    const protocol = nodes[node + 2 * words + 1] & 0xff;
    into.protocol = protocol;
    // An ICMP id belongs to both ends; a tuple keeps it with the source.
    const id = protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6;
    into.port = source === 1 || id ? ports >>> 16 : ports & 0xffff;
  }

  /** Gives an unconfirmed connection another reply tuple (nf_conntrack_alter_reply). `reply.zone` is not used. */
  setReply(handle: number, reply: Tuple): void {
    const node = handle * 2 + REPLY;
    const zone = this.#nodes[(node + 1) * this.#stride - 1] >>> 16;
    this.#write(node, reply, zone);
  }

  /** The zone's id: that of the direction or directions it holds for. */
  zone(handle: number): number {
    return this.zoneOf(handle, ORIGINAL) || this.zoneOf(handle, REPLY);
  }

  /** 1: original only, 2: reply only, 3: both (also when the zone is 0). */
  zoneDirection(handle: number): number {
    const original = this.zoneOf(handle, ORIGINAL);
    const reply = this.zoneOf(handle, REPLY);
    return original === reply ? 3 : original !== 0 ? 1 : 2;
  }

  /** The zone that one direction's tuple is in. */
  zoneOf(handle: number, direction: Direction): number {
    return this.#nodes[(handle * 2 + direction + 1) * this.#stride - 1] >>> 16;
  }

  /** State of the connection as its tracker numbers them: the low byte of the tracker's first word. */
  state(handle: number): number {
    return this.record[handle * RECORD + TRACKER_WORDS] & 0xff;
  }

  /** The name of the helper that a CT rule or an expectation gave it; "" for none. */
  helper(handle: number): string {
    return this.#helpers.get(handle) ?? "";
  }

  setHelper(handle: number, name: string): void {
    this.#helpers.set(handle, name);
    this.addStatus(handle, IPS_HELPER);
  }

  /** Was accounting on when it was made? */
  isCounted(handle: number): boolean {
    return (this.record[handle * RECORD + STATUS] & COUNTED) !== 0;
  }

  packets(handle: number, direction: Direction): number {
    return this.#counters === null ? 0 : this.#counters[handle * 4 + direction * 2];
  }

  bytes(handle: number, direction: Direction): number {
    return this.#counters === null ? 0 : this.#counters[handle * 4 + direction * 2 + 1];
  }

  account(handle: number, direction: number, packets: number, bytes: number): void {
    if ((this.record[handle * RECORD + STATUS] & COUNTED) === 0 || this.#counters === null) return;
    this.#counters[handle * 4 + direction * 2] += packets;
    this.#counters[handle * 4 + direction * 2 + 1] += bytes;
  }

  /** Microseconds since 1970 when it was confirmed; 0 when nf_conntrack_timestamp was off. */
  started(handle: number): number {
    return this.#started === null ? 0 : this.#started[handle];
  }

  // ── the table ──────────────────────────────────────────────────────────────────────────────────────

  /**
   * Handles in use, confirmed and not expired, in the order of their creation. The kernel lists by a hash with a
   * random key, so that any order is as good as its own.
   */
  handles(): Int32Array {
    const found = new Int32Array(this.size);
    let n = 0;
    for (let h = 1; h <= this.#top; h++) if (this.isListed(h)) found[n++] = h;
    return found.subarray(0, n).sort((a, b) => (this.order(a) - this.order(b)) | 0);
  }

  isListed(handle: number): boolean {
    const status = this.record[handle * RECORD + STATUS];
    return (status & (IN_TABLE | IPS_NAT_CLASH)) === LISTED && !this.isExpired(handle);
  }

  /**
   * The node (handle << 1 | direction) that has this tuple and zone, or 0. Entries that expired are not found.
   * `directions`: 1 looks for original tuples only, 2 for reply tuples, 3 for both.
   */
  find(tuple: Tuple, directions: number): number {
    const key = (tuple.zone << 16) | tuple.protocol;
    const ports = (tuple.sport << 16) | tuple.dport;
    const hash = this.#hash(tuple, ports, key);
    const { record, now } = this;
    const nodes = this.#nodes;
    const next = this.#next;
    const stride = this.#stride;
    for (let node = this.#buckets[hash >>> this.#shift]; node !== 0; node = next[node]) {
      const at = node * stride;
      const same = stride === 4 ? sameNode4(nodes, at, tuple, ports, key) : sameNode6(nodes, at, tuple, ports, key);
      if (same && ((record[(node >>> 1) * RECORD + TIMEOUT] - now) | 0) > 0 && (directions >>> (node & 1)) & 1)
        return node;
    }
    return 0;
  }

  /** What `find` hashes a tuple to, all 32 bits. */
  hash(tuple: Tuple): number {
    return this.#hash(tuple, (tuple.sport << 16) | tuple.dport, (tuple.zone << 16) | tuple.protocol);
  }

  /** A new unconfirmed connection; 0 is never returned. The reply tuple must be the original's inverse, or NAT's. */
  create(original: Tuple, reply: Tuple, counted: boolean): number {
    const handle = this.#allocate();
    const at = handle * RECORD;
    this.record.fill(0, at, at + RECORD);
    this.record[at + STATUS] = counted ? IN_USE | COUNTED : IN_USE;
    this.record[at + ORDER] = this.#created = (this.#created + 1) | 0;
    this.#write(handle * 2, original, original.zone);
    this.#write(handle * 2 + 1, reply, reply.zone);
    if (counted) this.#startCounting(handle);
    return handle;
  }

  /**
   * Confirms a connection: both directions go into the index, the timeout starts. `started` is the time (µs) to
   * remember as its beginning, 0 for none.
   */
  insert(handle: number, started: number): void {
    this.#insert(handle * 2);
    this.#confirm(handle, (this.now + this.timeout(handle)) | 0, started);
  }

  /** Confirms a connection that only its reply direction shall find, for `jiffies` (nf_ct_resolve_clash_harder). */
  insertReply(handle: number, jiffies: number, started: number): void {
    this.addStatus(handle, IPS_FIXED_TIMEOUT | IPS_NAT_CLASH);
    this.#confirm(handle, (this.now + jiffies) | 0, started);
  }

  #confirm(handle: number, timeout: number, started: number): void {
    this.#insert(handle * 2 + 1);
    this.record[handle * RECORD + STATUS] |= IPS_CONFIRMED;
    this.expireAt(handle, timeout);
    if (started !== 0 && this.#started === null) this.#started = new Float64Array(this.#capacity + 1);
    if (this.#started !== null) this.#started[handle] = started;
  }

  /** Ends a connection. Its record can be read until some more have died. */
  remove(handle: number): void {
    const status = this.record[handle * RECORD + STATUS];
    if ((status & IPS_DYING) !== 0 || (status & IN_USE) === 0) return;
    this.record[handle * RECORD + STATUS] |= IPS_DYING;
    for (const listener of this.destroyed) listener(this, handle);
    if ((status & IPS_CONFIRMED) !== 0) {
      this.#unlink(handle * 2);
      this.#unlink(handle * 2 + 1);
    }
    this.size--;
    const slot = this.#quarantined++ % QUARANTINE;
    const released = this.#quarantine[slot];
    this.#quarantine[slot] = handle;
    if (released !== 0) {
      if ((this.record[released * RECORD + STATUS] & IPS_HELPER) !== 0) this.#helpers.delete(released);
      this.record[released * RECORD + STATUS] = 0;
      this.record[released * RECORD + LINK] = this.#free;
      this.#free = released;
    }
  }

  /**
   * Is this tuple, as a reply, in use by another connection than `ignoring` (or one with the very same original)?
   * nf_conntrack_core.c: nf_conntrack_tuple_taken. The zone is that of `ignoring`.
   */
  taken(tuple: Tuple, ignoring: number): boolean {
    const zone = this.zoneOf(ignoring, REPLY);
    const key = (zone << 16) | tuple.protocol;
    const ports = (tuple.sport << 16) | tuple.dport;
    const stride = this.#stride;
    const nodes = this.#nodes;
    for (let node = this.#buckets[this.#hash(tuple, ports, key) >>> this.#shift]; node !== 0; node = this.#next[node]) {
      const at = node * stride;
      const same = stride === 4 ? sameNode4(nodes, at, tuple, ports, key) : sameNode6(nodes, at, tuple, ports, key);
      // Records are looked at last: each is another cache line.
      if (!same) continue;
      const handle = node >>> 1;
      if (handle === ignoring || this.isExpired(handle)) continue;
      if (this.#zoneHolds(node, ignoring) && !this.#sameOriginal(handle, ignoring)) return true;
    }
    return false;
  }

  /** nf_ct_zone_equal: is the node in the zone that connection `other` has in the node's direction? */
  #zoneHolds(node: number, other: number): boolean {
    return this.zoneOf(node >>> 1, (node & 1) as Direction) === this.zoneOf(other, (node & 1) as Direction);
  }

  #sameOriginal(a: number, b: number): boolean {
    return this.#sameNodes(a * 2, b * 2);
  }

  /**
   * Have two connections the same tuples in the same zones? `turned` 0: direction by direction (nf_ct_match);
   * 1: one's original is the other's reply (nf_ct_match_reverse).
   */
  sameTuples(a: number, b: number, turned: number): boolean {
    return this.#sameNodes(a * 2, b * 2 + turned) && this.#sameNodes(a * 2 + 1, b * 2 + 1 - turned);
  }

  #sameNodes(a: number, b: number): boolean {
    const stride = this.#stride;
    for (let i = 0; i < stride; i++) if (this.#nodes[a * stride + i] !== this.#nodes[b * stride + i]) return false;
    return true;
  }

  /** Looks at the next `steps` entries in a round and removes those that expired (the kernel's gc_worker). */
  sweep(steps: number): void {
    for (let i = Math.min(steps, this.#top); i > 0; i--) {
      const handle = this.#nextOfRound();
      if ((this.record[handle * RECORD + STATUS] & IN_TABLE) === LISTED && this.isExpired(handle)) this.remove(handle);
    }
  }

  /**
   * Removes one expired entry, if there is any. Cheap when there is none: then nothing can have expired until the
   * earliest timeout that this looking found.
   */
  reclaim(): boolean {
    if (((this.#earliest - this.now) | 0) > 0) return false;
    let earliest = (this.now + FAR) | 0;
    for (let i = this.#top; i > 0; i--) {
      const handle = this.#nextOfRound();
      if ((this.record[handle * RECORD + STATUS] & IN_TABLE) !== LISTED) continue;
      const timeout = this.record[handle * RECORD + TIMEOUT];
      if (((timeout - this.now) | 0) <= 0) {
        this.remove(handle);
        return true;
      }
      if (((timeout - earliest) | 0) < 0) earliest = timeout;
    }
    this.#earliest = earliest;
    return false;
  }

  #nextOfRound(): number {
    this.#sweeper = this.#sweeper < this.#top ? this.#sweeper + 1 : 1;
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

  /** Handles that early drop may take from bucket number `bucket` of `buckets`. */
  #victims(bucket: number, buckets: number): number[] {
    const victims: number[] = [];
    const from = Math.ceil((bucket * 0x100000000) / buckets) >>> this.#shift;
    const to = Math.min(Math.ceil(((bucket + 1) * 0x100000000) / buckets), 0xffffffff) >>> this.#shift;
    for (let own = from; own <= to; own++)
      for (let node = this.#buckets[own]; node !== 0; node = this.#next[node]) {
        const handle = node >>> 1;
        if ((this.record[handle * RECORD + STATUS] & IPS_ASSURED) !== 0 || this.isExpired(handle)) continue;
        const there = Math.floor(((this.#hashOf(node) >>> 0) * buckets) / 0x100000000);
        if (there === bucket && !victims.includes(handle)) victims.push(handle);
      }
    return victims;
  }

  #allocate(): number {
    this.size++;
    if (this.#free !== 0) {
      const handle = this.#free;
      this.#free = this.record[handle * RECORD + LINK];
      return handle;
    }
    if (this.#top === this.#capacity) this.#grow();
    return ++this.#top;
  }

  #write(node: number, tuple: Tuple, zone: number): void {
    const nodes = this.#nodes;
    let at = node * this.#stride;
    nodes[at++] = tuple.src0;
    if (this.addressWords === 4) {
      nodes[at++] = tuple.src1;
      nodes[at++] = tuple.src2;
      nodes[at++] = tuple.src3;
      nodes[at++] = tuple.dst0;
      nodes[at++] = tuple.dst1;
      nodes[at++] = tuple.dst2;
      nodes[at++] = tuple.dst3;
    } else nodes[at++] = tuple.dst0;
    nodes[at++] = (tuple.sport << 16) | tuple.dport;
    nodes[at] = (zone << 16) | tuple.protocol;
  }

  #hash(tuple: Tuple, ports: number, key: number): number {
    let h = mix(mix(this.#seed, tuple.src0), tuple.dst0);
    if (this.#stride !== 4) {
      h = mix(mix(mix(h, tuple.src1), tuple.src2), tuple.src3);
      h = mix(mix(mix(h, tuple.dst1), tuple.dst2), tuple.dst3);
    }
    return finish(mix(mix(h, ports), key));
  }

  /** The same hash, from what a node says. */
  #hashOf(node: number): number {
    const nodes = this.#nodes;
    const at = node * this.#stride;
    let h = this.#seed;
    if (this.#stride === 4) h = mix(mix(h, nodes[at]), nodes[at + 1]);
    else {
      h = mix(mix(h, nodes[at]), nodes[at + 4]);
      h = mix(mix(mix(h, nodes[at + 1]), nodes[at + 2]), nodes[at + 3]);
      h = mix(mix(mix(h, nodes[at + 5]), nodes[at + 6]), nodes[at + 7]);
    }
    const end = at + this.#stride;
    return finish(mix(mix(h, nodes[end - 2]), nodes[end - 1]));
  }

  #insert(node: number): void {
    const bucket = this.#hashOf(node) >>> this.#shift;
    this.#next[node] = this.#buckets[bucket];
    this.#buckets[bucket] = node;
  }

  #unlink(node: number): void {
    const bucket = this.#hashOf(node) >>> this.#shift;
    const next = this.#next;
    let at = this.#buckets[bucket];
    if (at === node) {
      this.#buckets[bucket] = next[node];
      return;
    }
    for (; at !== 0; at = next[at])
      if (next[at] === node) {
        next[at] = next[node];
        return;
      }
  }

  /** Doubles the room, one array after the other so that the old ones can go. */
  #grow(): void {
    const capacity = this.#capacity * 2;
    this.record = longer(this.record, (capacity + 1) * RECORD);
    this.#nodes = longer(this.#nodes, (capacity + 1) * 2 * this.#stride);
    this.#next = new Int32Array((capacity + 1) * 2);
    this.#buckets = new Int32Array(capacity * 2);
    this.#shift--;
    this.#capacity = capacity;
    if (this.#counters !== null) this.#counters = longer64(this.#counters, (capacity + 1) * 4);
    if (this.#started !== null) this.#started = longer64(this.#started, capacity + 1);
    for (let h = 1; h <= this.#top; h++) {
      const status = this.record[h * RECORD + STATUS];
      if ((status & IN_TABLE) !== LISTED) continue;
      if ((status & IPS_NAT_CLASH) === 0) this.#insert(h * 2);
      this.#insert(h * 2 + 1);
    }
  }

  #startCounting(handle: number): void {
    if (this.#counters === null) this.#counters = new Float64Array((this.#capacity + 1) * 4);
    this.#counters.fill(0, handle * 4, handle * 4 + 4);
  }
}

function sameNode4(nodes: Int32Array, at: number, tuple: Tuple, ports: number, key: number): boolean {
  return nodes[at] === tuple.src0 && nodes[at + 1] === tuple.dst0 && nodes[at + 2] === ports && nodes[at + 3] === key;
}

function sameNode6(nodes: Int32Array, at: number, tuple: Tuple, ports: number, key: number): boolean {
  return (
    nodes[at + 8] === ports &&
    nodes[at + 3] === tuple.src3 &&
    nodes[at + 7] === tuple.dst3 &&
    nodes[at + 9] === key &&
    nodes[at] === tuple.src0 &&
    nodes[at + 1] === tuple.src1 &&
    nodes[at + 2] === tuple.src2 &&
    nodes[at + 4] === tuple.dst0 &&
    nodes[at + 5] === tuple.dst1 &&
    nodes[at + 6] === tuple.dst2
  );
}

/** One step of MurmurHash3. */
function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  h ^= Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

/** MurmurHash3's end: every bit of the input moves every bit of the result. */
function finish(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function longer(old: Int32Array, length: number): Int32Array {
  const array = new Int32Array(length);
  array.set(old);
  return array;
}

function longer64(old: Float64Array, length: number): Float64Array {
  const array = new Float64Array(length);
  array.set(old);
  return array;
}
