/**
 * Fragments that wait for each other: what both families' queues have in common (inet_fragment.c). Overlapping
 * fragments condemn the whole datagram, exact repetitions are ignored, memory is bounded, time is the packets' clock.
 */
import type { Family } from "../packet/hook.ts";

/** What a fragment can be to the queue. */
export const FRAGMENT_OK = 0;
export const FRAGMENT_REPEATED = 1;
export const FRAGMENT_OVERLAPS = 2;

/** Bytes of a queue: struct ipq, struct frag_queue. */
const QUEUE_COST = { 4: 200, 6: 184 } as const;

/** struct sk_buff and what lies behind a packet's bytes (skb_shared_info), rounded up to cache lines. */
const BUFFER = 256;
const SHARED_INFO = 320;
const CACHE_LINE = 64;
const PAGE = 4096;
/** What there is room for before a packet: of a TUN device's (NET_SKB_PAD), of a raw socket's. */
const ROOM_RECEIVED = 64;
const ROOM_SENT = 31;
/** Memory comes in these pieces: small packets have a cache of their own (skbuff_small_head), others powers of 2. */
const PIECES = [576, 1024, 2048, 4096, 8192] as const;

/** skb->truesize of a packet that came through a TUN device or from a raw socket. */
export function memoryOf(length: number, sent: boolean): number {
  const room = sent ? ROOM_SENT : ROOM_RECEIVED;
  if (!sent && room + length >= PAGE) return BUFFER + PIECES[0] + Math.ceil(length / PAGE) * PAGE;
  const head = Math.ceil((room + length) / CACHE_LINE) * CACHE_LINE + SHARED_INFO;
  return BUFFER + (PIECES.find((piece) => head <= piece) ?? 2 ** Math.ceil(Math.log2(head)));
}

/** ip_frag_ecn_table: bits say which ECN fields the fragments had (1 << ECN); 0xff: they contradict each other. */
export const ECN_TABLE = [0, 0, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 3, 0xff, 3, 0xff, 3, 0xff] as const;

export interface Fragment {
  readonly offset: number;
  readonly payload: Uint8Array;
}

export class FragmentQueue {
  readonly key: string;
  /** When it gives up, µs since 1970. */
  deadline: number;
  /** Whoever's fragments these are: the first one's headers, all of the first fragment as it came, and its meta data. */
  first: FirstFragment | null = null;
  /** The last fragment came: `length` is known. */
  lastSeen = false;
  length = 0;
  /** Payload bytes that are there. */
  filled = 0;
  /** Device of the latest fragment. */
  iif = 0;
  ecn = 0;
  /** Largest fragment, and largest with DF. */
  maxSize = 0;
  maxDfSize = 0;
  /** Counter of its source's fragments when the latest came (ipq.rid). */
  sourceCount = 0;
  /** Some fragment was cut by the capture. */
  cut = false;
  /** Memory, as the kernel would count it. */
  cost: number;
  readonly #ownCost: number;
  readonly fragments: Fragment[] = [];
  /** Where runs of adjacent fragments begin and end; a repetition lies within one of them. */
  #runs: { start: number; end: number }[] = [];
  /** The run to which fragments were appended last, and where the highest fragment ends. */
  #lastRun: { start: number; end: number } | null = null;
  #tail = -1;

  constructor(key: string, deadline: number, family: Family) {
    this.key = key;
    this.deadline = deadline;
    this.cost = this.#ownCost = QUEUE_COST[family];
  }

  get complete(): boolean {
    return this.first !== null && this.lastSeen && this.filled === this.length;
  }

  /** inet_frag_queue_insert, of the payload bytes from `offset` to `end`. */
  judge(offset: number, end: number): number {
    if (this.#tail < 0 || this.#tail < end)
      return this.#tail >= 0 && offset < this.#tail ? FRAGMENT_OVERLAPS : FRAGMENT_OK;
    for (const run of this.#runs)
      if (end > run.start && offset < run.end)
        return offset >= run.start && end <= run.end ? FRAGMENT_REPEATED : FRAGMENT_OVERLAPS;
    return FRAGMENT_OK;
  }

  /** Keeps a fragment that `judge` found good, and that takes so much memory. */
  insert(offset: number, payload: Uint8Array, memory: number): void {
    const end = offset + payload.length;
    if (this.#tail < 0 || this.#tail < end) {
      if (this.#lastRun !== null && offset === this.#tail) this.#lastRun.end = end;
      else {
        this.#lastRun = { start: offset, end };
        this.#runs.push(this.#lastRun);
      }
      this.#tail = end;
    } else this.#runs.push({ start: offset, end });
    this.fragments.push({ offset, payload });
    this.filled += payload.length;
    this.cost += memory;
  }

  /** ip_frag_reinit: begins again; sizes seen are remembered. */
  restart(deadline: number): void {
    this.deadline = deadline;
    this.first = null;
    this.lastSeen = false;
    this.length = 0;
    this.filled = 0;
    this.iif = 0;
    this.ecn = 0;
    this.cost = this.#ownCost;
    this.fragments.length = 0;
    this.#runs = [];
    this.#lastRun = null;
    this.#tail = -1;
  }
}

/** The fragment at offset 0: its bytes, and what else is known of it. */
export interface FirstFragment {
  /** The whole fragment, network header first. */
  readonly bytes: Uint8Array;
  /** Bytes before the fragmentable part. */
  readonly headerLength: number;
  readonly packetType: number;
  readonly checksum: number;
  readonly mark: number;
  readonly priority: number;
  readonly traced: boolean;
  readonly mac: Uint8Array;
}

/** All queues of one kind. */
export class FragmentQueues {
  readonly #family: Family;
  readonly #queues = new Map<string, FragmentQueue>();
  #memory = 0;
  /** How many wait. */
  count = 0;

  constructor(family: Family) {
    this.#family = family;
  }

  /** The queue, a new one if need be; null when memory is used up (also for queues that exist: inet_frag_find). */
  find(key: string, limit: number, deadline: number): FragmentQueue | null {
    if (limit === 0 || this.#memory > limit) return null;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new FragmentQueue(key, deadline, this.#family);
      this.#queues.set(key, queue);
      this.count = this.#queues.size;
      this.#memory += queue.cost;
    }
    return queue;
  }

  /** Keeps a fragment. */
  insert(queue: FragmentQueue, offset: number, payload: Uint8Array, memory: number): void {
    queue.insert(offset, payload, memory);
    this.#memory += memory;
  }

  restart(queue: FragmentQueue, deadline: number): void {
    this.#memory -= queue.cost;
    queue.restart(deadline);
    this.#memory += queue.cost;
    // Queues lie in the order of their deadlines.
    this.#queues.delete(queue.key);
    this.#queues.set(queue.key, queue);
  }

  remove(queue: FragmentQueue): void {
    if (this.#queues.get(queue.key) !== queue) return;
    this.#queues.delete(queue.key);
    this.count = this.#queues.size;
    this.#memory -= queue.cost;
  }

  /** When the first of them gives up. */
  get deadline(): number {
    for (const queue of this.#queues.values()) return queue.deadline;
    return Number.POSITIVE_INFINITY;
  }

  /** Takes out the next queue whose time is over at `now`; null when there is none. */
  expired(now: number): FragmentQueue | null {
    for (const queue of this.#queues.values()) {
      if (queue.deadline > now) return null;
      this.remove(queue);
      return queue;
    }
    return null;
  }
}
