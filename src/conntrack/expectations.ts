/**
 * Expectations: connections that a helper has seen announced. Who begins such a connection finds the expectation, which
 * makes the connection RELATED to its master and is gone then, unless it is permanent (nf_conntrack_expect.c).
 *
 * There are few of them, and none where no rule gives a connection a helper: `count` is all that a new connection asks.
 * They are found by their destination, which is always exact; of the source a mask says what counts.
 */

import { IPS_CONFIRMED, IPS_EXPECTED, IPS_HELPER } from "../assembly/status.ts";
import type { Connections } from "./connections.ts";
import type { Helped } from "./helper.ts";
import { HZ } from "./jiffies.ts";
import { type Direction, ORIGINAL, Tuple } from "./tuple.ts";

export class Expectation {
  readonly master: Helped;
  /** The expected connection's original tuple, as far as the masks say. */
  readonly tuple = new Tuple();
  /** Bits of the source address, and of the source port, that count. */
  mask0 = 0;
  mask1 = 0;
  mask2 = 0;
  mask3 = 0;
  portMask = 0;
  /** It stays when a connection has come, for others (NF_CT_EXPECT_PERMANENT). */
  permanent = false;
  /** The master is translated, and the connection is to be like it (expectfn = nf_nat_follow_master). */
  follows = false;
  /** Where it is to go then: the port that was announced, and the master's direction in which the connection will be. */
  savedPort = 0;
  direction: Direction = ORIGINAL;
  /** The jiffy, counted from 1970, at which it is given up. */
  deadline = 0;

  constructor(master: Helped) {
    this.master = master;
  }

  /** Of the source every bit of the address counts, and no port. */
  matchSourceAddress(): void {
    this.mask0 = -1;
    if (this.tuple.family === 6) this.mask1 = this.mask2 = this.mask3 = -1;
  }

  /** The master is translated: what comes in this direction of it goes to this port. */
  follow(savedPort: number, direction: Direction): void {
    this.follows = true;
    this.savedPort = savedPort;
    this.direction = direction;
  }

  get zone(): number {
    return this.master.connections.zone(this.master.handle);
  }
}

/** What `expect` says: 0, -EBUSY, -EMFILE. */
export const EXPECTED = 0;
export const EXPECT_CLASHES = -16;
export const EXPECT_TABLE_FULL = -24;

export class Expectations {
  /** How many wait. Those whose time is over count until somebody asks. */
  count = 0;
  readonly #byDestination = new Map<number, Expectation[]>();
  /** No expectation is given up before this jiffy. */
  #earliest = Number.POSITIVE_INFINITY;

  /**
   * The expectation that a new connection with this original tuple fulfils, in a zone; it is taken out unless it is
   * permanent. nf_ct_find_expectation.
   */
  fulfil(tuple: Tuple, zone: number, now: number): Expectation | null {
    this.expire(now);
    const found = this.#byDestination.get(keyOf(tuple))?.find((e) => matches(tuple, e) && e.zone === zone);
    if (found === undefined) return null;
    // Who knows of it, when the master's own packet has not left yet?
    const { master } = found;
    if (!master.alive || (master.connections.status(master.handle) & IPS_CONFIRMED) === 0) return null;
    if (master.connections.isExpired(master.handle)) return null;
    if (!found.permanent) this.remove(found);
    return found;
  }

  /** Begins to wait. EXPECTED, or why not. nf_ct_expect_related. */
  expect(fresh: Expectation, limit: number, now: number): number {
    this.expire(now);
    const { master } = fresh;
    for (const other of [...(this.#byDestination.get(keyOf(fresh.tuple)) ?? [])]) {
      if (other.master === master && isSame(other, fresh)) {
        this.remove(other);
        break;
      }
      if (clashes(other, fresh)) return EXPECT_CLASHES;
    }
    const { maxExpected, timeout } = master.helper;
    if (master.expectations.length >= maxExpected) this.remove(master.expectations.at(-1)!);
    if (this.count >= limit) return EXPECT_TABLE_FULL;
    fresh.deadline = now + timeout * HZ;
    this.#insert(fresh);
    return EXPECTED;
  }

  #insert(fresh: Expectation): void {
    const key = keyOf(fresh.tuple);
    const others = this.#byDestination.get(key);
    if (others === undefined) this.#byDestination.set(key, [fresh]);
    else others.unshift(fresh);
    fresh.master.expectations.unshift(fresh);
    this.count++;
    if (fresh.deadline < this.#earliest) this.#earliest = fresh.deadline;
  }

  /** nf_ct_unlink_expect. */
  remove(expectation: Expectation): void {
    const key = keyOf(expectation.tuple);
    const others = this.#byDestination.get(key);
    const at = others?.indexOf(expectation) ?? -1;
    if (others === undefined || at < 0) return;
    if (others.length === 1) this.#byDestination.delete(key);
    else others.splice(at, 1);
    const { expectations } = expectation.master;
    expectations.splice(expectations.indexOf(expectation), 1);
    this.count--;
  }

  /** Gives up those whose time is over. */
  expire(now: number): void {
    if (now < this.#earliest) return;
    this.#earliest = Number.POSITIVE_INFINITY;
    for (const expectation of this.all()) {
      if (expectation.deadline <= now) this.remove(expectation);
      else if (expectation.deadline < this.#earliest) this.#earliest = expectation.deadline;
    }
  }

  /** All of them; in the kernel their order is that of a hash with a random key. */
  all(): Expectation[] {
    return [...this.#byDestination.values()].flat();
  }

  /** The connection came because `master` expected it. */
  adopt(connections: Connections, handle: number, master: Helped): void {
    connections.addStatus(handle, IPS_EXPECTED);
    connections.masters.set(handle, master);
    master.children++;
  }

  /** A connection ceases to be: what it expected goes with it, if none that it expected is left (nf_ct_destroy). */
  forget(connections: Connections, handle: number): void {
    const status = connections.status(handle);
    if ((status & IPS_EXPECTED) !== 0) {
      const master = connections.masters.get(handle)!;
      if (--master.children === 0 && !master.alive) this.#removeAll(master);
    }
    if ((status & IPS_HELPER) === 0) return;
    const helped = connections.helped.get(handle)!;
    helped.alive = false;
    if (helped.children === 0) this.#removeAll(helped);
  }

  #removeAll(master: Helped): void {
    for (const expectation of [...master.expectations]) this.remove(expectation);
  }
}

/** nf_ct_expect_dst_hash */
function keyOf({ family, dst0, dst1, dst2, dst3, dport, protocol }: Tuple): number {
  const address = Math.imul(Math.imul(dst0 ^ dst1, 0xcc9e2d51) ^ dst2, 0x1b873593) ^ dst3;
  return Math.imul(address ^ (dport << 8) ^ protocol ^ (family << 28), 0x85ebca6b);
}

/** nf_ct_tuple_mask_cmp: does the tuple have the expectation's destination, and what counts of its source? */
function matches(tuple: Tuple, e: Expectation): boolean {
  return agrees(tuple, e.tuple, e.mask0, e.mask1, e.mask2, e.mask3, e.portMask);
}

function agrees(a: Tuple, b: Tuple, mask0: number, mask1: number, mask2: number, mask3: number, port: number): boolean {
  return (
    sameDestination(a, b) &&
    ((a.src0 ^ b.src0) & mask0) === 0 &&
    ((a.src1 ^ b.src1) & mask1) === 0 &&
    ((a.src2 ^ b.src2) & mask2) === 0 &&
    ((a.src3 ^ b.src3) & mask3) === 0 &&
    ((a.sport ^ b.sport) & port) === 0
  );
}

function sameDestination(a: Tuple, b: Tuple): boolean {
  return (
    a.family === b.family &&
    a.protocol === b.protocol &&
    a.dport === b.dport &&
    a.dst0 === b.dst0 &&
    a.dst1 === b.dst1 &&
    a.dst2 === b.dst2 &&
    a.dst3 === b.dst3
  );
}

/** expect_matches */
function isSame(a: Expectation, b: Expectation): boolean {
  return (
    a.tuple.equals(b.tuple) &&
    a.mask0 === b.mask0 &&
    a.mask1 === b.mask1 &&
    a.mask2 === b.mask2 &&
    a.mask3 === b.mask3 &&
    a.portMask === b.portMask &&
    a.zone === b.zone
  );
}

/** expect_clash: one connection could fulfil both. */
function clashes(a: Expectation, b: Expectation): boolean {
  const [mask0, mask1, mask2, mask3] = [a.mask0 & b.mask0, a.mask1 & b.mask1, a.mask2 & b.mask2, a.mask3 & b.mask3];
  return agrees(a.tuple, b.tuple, mask0, mask1, mask2, mask3, a.portMask & b.portMask) && a.zone === b.zone;
}
