/**
 * What is kept of each connection, in one typed array: how to read and write the words of a record (record-words.ts). How
 * records are found, made and given up is connections.ts' affair.
 */
import { CONTROL_WORDS, EARLIEST, NOW } from "../assembly/layout.ts";
import {
  COUNTED,
  KERNEL_BITS,
  LINK,
  MARK,
  NODES,
  ORDER,
  STATUS,
  TIMEOUT,
  TRACKER_WORDS,
} from "../assembly/record-words.ts";
import { IPS_CONFIRMED, IPS_FIXED_TIMEOUT, IPS_HELPER } from "../assembly/status.ts";
import type { Family } from "../packet/hook.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "../packet/transport.ts";
import type { Helped } from "./helper.ts";
import { type Direction, ORIGINAL, REPLY, type Tuple } from "./tuple.ts";

/** One end of a connection: what `Connections.end` fills. */
export interface End {
  word0: number;
  word1: number;
  word2: number;
  word3: number;
  port: number;
  protocol: number;
}

export class Records {
  readonly family: Family;
  /** 32-bit words in an address: 1 or 4. */
  readonly addressWords: number;
  /** Words in a node, and in a record. */
  protected readonly nodeWords: number;
  protected readonly stride: number;
  /** `record[base(h) + TRACKER_WORDS + i]` is word i of the tracker. Replaced when the table grows: do not keep it. */
  record: Int32Array;
  /** Packets and bytes, original then reply; null while nobody counts. */
  protected counters: Float64Array | null = null;
  protected starts: Float64Array | null = null;
  /** What there is to a connection with IPS_HELPER, and the master of one with IPS_EXPECTED, by handle. */
  readonly helped = new Map<number, Helped>();
  readonly masters = new Map<number, Helped>();
  /** What the table is besides its records, in words (assembly/layout.ts). Replaced when the table moves. */
  protected control: Int32Array = new Int32Array(CONTROL_WORDS);

  constructor(family: Family, capacity: number) {
    this.family = family;
    this.addressWords = family === 4 ? 1 : 4;
    this.nodeWords = 2 * this.addressWords + 2;
    this.stride = NODES + 2 * this.nodeWords;
    this.record = new Int32Array((capacity + 1) * this.stride);
  }

  /** Jiffies (4 ms, signed 32 bits): an entry whose timeout is not after this is invisible. */
  get now(): number {
    return this.control[NOW];
  }

  /** Index into `record` of a connection's first word. */
  base(handle: number): number {
    return handle * this.stride;
  }

  /** IPS_* bits. */
  status(handle: number): number {
    return this.record[handle * this.stride + STATUS] & KERNEL_BITS;
  }

  addStatus(handle: number, bits: number): void {
    this.record[handle * this.stride + STATUS] |= bits;
  }

  mark(handle: number): number {
    return this.record[handle * this.stride + MARK];
  }

  setMark(handle: number, mark: number): void {
    this.record[handle * this.stride + MARK] = mark;
  }

  /** In jiffies: when it expires; in an unconfirmed connection, how long after confirmation. */
  timeout(handle: number): number {
    return this.record[handle * this.stride + TIMEOUT];
  }

  /** Will expire `jiffies` from now; counted from confirmation in an unconfirmed connection. __nf_ct_refresh_acct. */
  refresh(handle: number, jiffies: number): void {
    const at = handle * this.stride;
    const status = this.record[at + STATUS];
    if ((status & IPS_FIXED_TIMEOUT) !== 0) return;
    if ((status & IPS_CONFIRMED) === 0) this.record[at + TIMEOUT] = jiffies;
    else this.expireAt(handle, (this.now + jiffies) | 0);
  }

  /** Sets the jiffy at which a confirmed connection expires. */
  expireAt(handle: number, timeout: number): void {
    this.record[handle * this.stride + TIMEOUT] = timeout;
    if (((timeout - this.control[EARLIEST]) | 0) < 0) this.control[EARLIEST] = timeout;
  }

  isExpired(handle: number): boolean {
    return ((this.record[handle * this.stride + TIMEOUT] - this.now) | 0) <= 0;
  }

  /** Jiffies until it expires; 0 when it has. nf_conntrack.h: nf_ct_expires. */
  expires(handle: number): number {
    return Math.max((this.record[handle * this.stride + TIMEOUT] - this.now) | 0, 0);
  }

  /** Counts creations: of two connections the older has the smaller. */
  order(handle: number): number {
    return this.record[handle * this.stride + ORDER];
  }

  /** A word for whoever chains connections (nat/: the next of the same source hash). */
  link(handle: number): number {
    return this.record[handle * this.stride + LINK];
  }

  setLink(handle: number, link: number): void {
    this.record[handle * this.stride + LINK] = link;
  }

  protocol(handle: number): number {
    return this.record[(handle + 1) * this.stride - 1] & 0xff;
  }

  /** Fills `into` with the tuple of one direction. */
  tuple(handle: number, direction: Direction, into: Tuple): void {
    const { record } = this;
    let at = this.nodeAt((handle << 1) | direction);
    into.family = this.family;
    into.src0 = record[at++];
    if (this.addressWords === 4) {
      into.src1 = record[at++];
      into.src2 = record[at++];
      into.src3 = record[at++];
      into.dst0 = record[at++];
      into.dst1 = record[at++];
      into.dst2 = record[at++];
      into.dst3 = record[at++];
    } else {
      into.src1 = into.src2 = into.src3 = 0;
      into.dst0 = record[at++];
      into.dst1 = into.dst2 = into.dst3 = 0;
    }
    const ports = record[at++];
    into.sport = ports >>> 16;
    into.dport = ports & 0xffff;
    into.protocol = record[at] & 0xff;
    into.zone = record[at] >>> 16;
  }

  /**
   * The source (1) or destination (0) of one direction: its address words, port (ICMP: id) and protocol go into
   * `into`. Words that IPv4 has not are left alone. For nat/, which rewrites one end of a packet at a time.
   */
  end(handle: number, direction: Direction, source: 0 | 1, into: End): void {
    const { record } = this;
    const words = this.addressWords;
    const node = this.nodeAt((handle << 1) | direction);
    const at = source === 1 ? node : node + words;
    into.word0 = record[at];
    if (words === 4) {
      into.word1 = record[at + 1];
      into.word2 = record[at + 2];
      into.word3 = record[at + 3];
    }
    const ports = record[node + 2 * words];
    const protocol = record[node + 2 * words + 1] & 0xff;
    into.protocol = protocol;
    // An ICMP id belongs to both ends; a tuple keeps it with the source.
    const id = protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6;
    into.port = source === 1 || id ? ports >>> 16 : ports & 0xffff;
  }

  /** Gives an unconfirmed connection another reply tuple (nf_conntrack_alter_reply). `reply.zone` is not used. */
  setReply(handle: number, reply: Tuple): void {
    this.write((handle << 1) | REPLY, reply, this.zoneOf(handle, REPLY));
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
    return this.record[this.nodeAt((handle << 1) | direction) + this.nodeWords - 1] >>> 16;
  }

  /** State of the connection as its tracker numbers them: the low byte of the tracker's first word. */
  state(handle: number): number {
    return this.record[handle * this.stride + TRACKER_WORDS] & 0xff;
  }

  /** A CT rule gave it a helper. */
  setHelper(handle: number, helped: Helped): void {
    this.helped.set(handle, helped);
    this.addStatus(handle, IPS_HELPER);
  }

  /** Was accounting on when it was made? */
  isCounted(handle: number): boolean {
    return (this.record[handle * this.stride + STATUS] & COUNTED) !== 0;
  }

  packets(handle: number, direction: Direction): number {
    return this.counters === null ? 0 : this.counters[handle * 4 + direction * 2];
  }

  bytes(handle: number, direction: Direction): number {
    return this.counters === null ? 0 : this.counters[handle * 4 + direction * 2 + 1];
  }

  account(handle: number, direction: number, packets: number, bytes: number): void {
    if (this.counters === null || (this.record[handle * this.stride + STATUS] & COUNTED) === 0) return;
    this.counters[handle * 4 + direction * 2] += packets;
    this.counters[handle * 4 + direction * 2 + 1] += bytes;
  }

  /** Microseconds since 1970 when it was confirmed; 0 when nf_conntrack_timestamp was off. */
  started(handle: number): number {
    return this.starts === null ? 0 : this.starts[handle];
  }

  /** Index of a node's first word. */
  protected nodeAt(node: number): number {
    return (node >>> 1) * this.stride + NODES + (node & 1) * this.nodeWords;
  }

  protected write(node: number, tuple: Tuple, zone: number): void {
    const { record } = this;
    let at = this.nodeAt(node);
    record[at++] = tuple.src0;
    if (this.addressWords === 4) {
      record[at++] = tuple.src1;
      record[at++] = tuple.src2;
      record[at++] = tuple.src3;
      record[at++] = tuple.dst0;
      record[at++] = tuple.dst1;
      record[at++] = tuple.dst2;
      record[at++] = tuple.dst3;
    } else record[at++] = tuple.dst0;
    record[at++] = (tuple.sport << 16) | tuple.dport;
    record[at] = (zone << 16) | tuple.protocol;
  }
}
