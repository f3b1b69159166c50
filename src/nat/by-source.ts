/**
 * Connections by where they come from, so that a source that is translated already is translated the same way again
 * (nf_nat_core.c: nf_nat_bysource). The newest connection of a source is found first, as in the kernel.
 *
 * A chain's next is the connection's own link word; heads and previous links are kept here.
 */

import { IPS_CONFIRMED } from "../assembly/status.ts";
import type { Connections } from "../conntrack/connections.ts";
import { ORIGINAL, Tuple } from "../conntrack/tuple.ts";

const FIRST_BUCKETS = 64;
/** So many times more when they no longer suffice: to make chains anew costs a look at every connection. */
const GROWTH = 4;

export class BySource {
  readonly #connections: Connections;
  /** First handle of each chain; 0 ends one. A power of two of them, at least as many as connections. */
  #heads = new Int32Array(FIRST_BUCKETS);
  /** By handle: the one before it, or minus the bucket minus 1 when it is first; 0 when it is in no chain. */
  #previous = new Int32Array(FIRST_BUCKETS);
  #size = 0;
  readonly #wanted = new Tuple();
  readonly #seen = new Tuple();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /**
   * The newest connection with this source and protocol, and the zone of `handle`, that comes after `after` (0: the
   * newest). The source is that of `handle` itself, but for an ICMP id that its destination's translation changed.
   */
  next(handle: number, source: Tuple, after: number): number {
    const connections = this.#connections;
    const wanted = this.#wanted;
    const seen = this.#seen;
    connections.tuple(handle, ORIGINAL, seen);
    wanted.copyFrom(source);
    wanted.zone = seen.zone;
    const zone = hashedZone(connections, handle);
    let at = after === 0 ? this.#heads[this.#bucket(wanted, zone)] : connections.link(after);
    for (; at !== 0; at = connections.link(at)) {
      connections.tuple(at, ORIGINAL, seen);
      if (sameSource(seen, wanted) && hashedZone(connections, at) === zone && !isGone(connections, at)) return at;
    }
    return 0;
  }

  add(handle: number): void {
    if (handle >= this.#previous.length) this.#previous = longer(this.#previous, handle);
    if (++this.#size > this.#heads.length) this.#rehash();
    this.#insert(handle);
  }

  remove(handle: number): void {
    const previous = handle < this.#previous.length ? this.#previous[handle] : 0;
    if (previous === 0) return;
    const next = this.#connections.link(handle);
    if (previous < 0) this.#heads[~previous] = next;
    else this.#connections.setLink(previous, next);
    if (next !== 0) this.#previous[next] = previous;
    this.#previous[handle] = 0;
    this.#size--;
  }

  #insert(handle: number): void {
    const connections = this.#connections;
    connections.tuple(handle, ORIGINAL, this.#wanted);
    const bucket = this.#bucket(this.#wanted, hashedZone(connections, handle));
    const first = this.#heads[bucket];
    connections.setLink(handle, first);
    if (first !== 0) this.#previous[first] = handle;
    this.#previous[handle] = ~bucket;
    this.#heads[bucket] = handle;
  }

  /** More buckets. Chains are re-made oldest first, so that the newest stays at the head. */
  #rehash(): void {
    const connections = this.#connections;
    const old = this.#heads;
    this.#heads = new Int32Array(old.length * GROWTH);
    for (const head of old) {
      let last = head;
      while (last !== 0 && connections.link(last) !== 0) last = connections.link(last);
      for (let at = last; at > 0; ) {
        const before = this.#previous[at];
        this.#insert(at);
        at = before;
      }
    }
  }

  #bucket(tuple: Tuple, zone: number): number {
    let h = Math.imul(tuple.src0 ^ Math.imul(tuple.src1, 0x85ebca6b), 0xcc9e2d51);
    h = Math.imul((h >>> 15) ^ h ^ tuple.src2 ^ Math.imul(tuple.src3, 0x1b873593), 0xc2b2ae35);
    h = Math.imul((h >>> 13) ^ h ^ (tuple.sport << 16) ^ (tuple.protocol << 8) ^ zone, 0x85ebca6b);
    return (h ^ (h >>> 16)) & (this.#heads.length - 1);
  }
}

/** same_src, and the zone of the original direction. */
function sameSource(a: Tuple, b: Tuple): boolean {
  return (
    a.src0 === b.src0 &&
    a.sport === b.sport &&
    a.protocol === b.protocol &&
    a.zone === b.zone &&
    a.src1 === b.src1 &&
    a.src2 === b.src2 &&
    a.src3 === b.src3
  );
}

/** Entries that expired stay in the index until they are swept. */
function isGone(connections: Connections, handle: number): boolean {
  return (connections.status(handle) & IPS_CONFIRMED) !== 0 && connections.isExpired(handle);
}

/** hash_by_src looks at the zone only when it holds for both directions. */
function hashedZone(connections: Connections, handle: number): number {
  return connections.zoneDirection(handle) === 3 ? connections.zoneOf(handle, ORIGINAL) : 0;
}

function longer(array: Int32Array<ArrayBuffer>, handle: number) {
  const room = new Int32Array(Math.max(array.length * 2, handle + 1));
  room.set(array);
  return room;
}
