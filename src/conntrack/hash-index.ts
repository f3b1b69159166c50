/**
 * From hashes to numbers: an open-addressed table of (hash, number) pairs, eight bytes each, that touches one or two
 * cache lines where chains would touch one per link.
 *
 * Pairs are kept in the order of their hashes. A hash's place is proportional to it, and a pair that finds its place
 * taken stands as near behind as the order allows. So a search for what is not there ends at the first greater hash; the
 * table grows in one pass from front to back; and the kernel's hash buckets, which are ranges of hashes, are ranges here.
 */

import { DROP, PAIRS, PAIRS_END, PAIRS_MOST, SHIFT } from "../assembly/layout.ts";

/** Pairs may run over the end of the table by so many. */
const SLACK = 64;
/** The table doubles when more than this share of its places is taken. */
const FULL = 0.86;
/** Three times a power of two: so 2^18 and a million connections, one pair each or two, fill two thirds of their table. */
const FIRST_PLACES = 3 * 32;
/** Bits of a hash that are looked at beyond those that a third of the places needs. */
const FINER = 8;
/** A number of more bits than that, times three, is no 32-bit number any more. */
const MOST_BITS = 30;
/** From so many places on, memory is taken for all that may ever come: what was never written to costs nothing. */
const LAST_MOVE = 60_000;

export class HashIndex {
  /** Pairs: hash (any 32 bits, ordered as unsigned), number (0: the pair is free). Replaced when the table grows. */
  pairs: Int32Array = new Int32Array((FIRST_PLACES + SLACK) * 2);
  /**
   * The numbers that say how the pairs lie, in words of their own (assembly/layout.ts): PAIRS of them; PAIRS_END, where the
   * table ends in `pairs`, with a free pair before it; SHIFT and DROP, how a hash's place comes from it without a division.
   */
  #control: Int32Array;
  #places = 0;
  /** There will hardly be more pairs than this. */
  expected = 0;

  constructor(control: Int32Array) {
    this.#control = control;
    this.#resize(FIRST_PLACES, this.pairs.length);
  }

  /** Where the pairs of a hash begin, if none before it are in the way: index into `pairs`. Grows with the hash. */
  #placeOf(hash: number): number {
    return (Math.imul(hash >>> this.#control[SHIFT], 3) >>> this.#control[DROP]) & -2;
  }

  /** Index into `pairs` of the first pair whose hash is not less than `hash`, or of the free pair before it. */
  seek(hash: number): number {
    const pairs = this.pairs;
    let at = this.#placeOf(hash);
    while (pairs[at + 1] !== 0 && pairs[at] >>> 0 < hash >>> 0) at = (at + 2) | 0;
    return at;
  }

  /** Is there a pair with this hash? */
  has(hash: number): boolean {
    const at = this.seek(hash);
    return this.pairs[at + 1] !== 0 && this.pairs[at] === hash;
  }

  /** Adds a pair; equal hashes stand side by side. */
  insert(hash: number, number: number): void {
    if (++this.#control[PAIRS] > this.#control[PAIRS_MOST]) this.#double();
    let at = this.seek(hash);
    const pairs = this.pairs;
    while (number !== 0) {
      const shiftedHash = pairs[at];
      const shifted = pairs[at + 1];
      pairs[at] = hash;
      pairs[at + 1] = number;
      hash = shiftedHash;
      number = shifted;
      at += 2;
    }
    if (at === this.#control[PAIRS_END]) this.lengthen();
  }

  /** The last pair is taken: makes room behind it, because a free one must be left at the end. */
  lengthen(): void {
    this.#resize(this.#places, this.#control[PAIRS_END] + 2 * SLACK);
  }

  /** Words that are laid out for all that is expected. */
  get whole(): number {
    return wholeLength(this.#control[PAIRS_END], this.expected);
  }

  /** Moves to other memory, at least as much as now; `control` is a copy of the words that say how the pairs lie. */
  move(pairs: Int32Array, control: Int32Array): void {
    pairs.set(this.pairs.subarray(0, this.#control[PAIRS_END]));
    this.pairs = pairs;
    this.#control = control;
  }

  /** Takes a pair out, if it is there. */
  remove(hash: number, number: number): void {
    const pairs = this.pairs;
    let at = this.seek(hash);
    while (pairs[at + 1] !== number) {
      if (pairs[at + 1] === 0 || pairs[at] !== hash) return;
      at += 2;
    }
    this.#control[PAIRS]--;
    // What stands behind moves up, unless it is where it belongs.
    for (let next = at + 2; ; next += 2) {
      if (pairs[next + 1] === 0 || this.#placeOf(pairs[next]) === next) break;
      pairs[at] = pairs[next];
      pairs[at + 1] = pairs[next + 1];
      at = next;
    }
    pairs[at + 1] = 0;
  }

  /** Bytes that the table takes, without what was laid out for later. */
  get byteLength(): number {
    return this.#control[PAIRS_END] * 4;
  }

  /** Calls `visit` with the number of each pair whose hash is at least `from` and below `to` (0 … 2^32). */
  range(from: number, to: number, visit: (number: number) => void): void {
    const pairs = this.pairs;
    const end = to < 0x100000000 ? this.#placeOf(to) + 2 : this.#control[PAIRS_END];
    // Behind a free pair no pair stands before its own place.
    for (let at = this.seek(from); at < this.#control[PAIRS_END] && (at < end || pairs[at + 1] !== 0); at += 2)
      if (pairs[at + 1] !== 0 && pairs[at] >>> 0 >= from) {
        if (pairs[at] >>> 0 >= to) return;
        visit(pairs[at + 1]);
      }
  }

  #double(): void {
    const oldEnd = this.#control[PAIRS_END];
    this.#resize(this.#places * 2, oldEnd + this.#places * 2);
    const { pairs } = this;
    const moved = this.#control[PAIRS_END] - oldEnd;
    // In the same array: all goes to its end, and from there, in order, to its new place, which is never behind the old.
    pairs.copyWithin(moved, 0, oldEnd);
    pairs.fill(0, 0, moved);
    let free = 0;
    for (let from = moved; from < this.#control[PAIRS_END]; from += 2) {
      const number = pairs[from + 1];
      if (number === 0) continue;
      const hash = pairs[from];
      pairs[from + 1] = 0;
      const at = Math.max(free, this.#placeOf(hash));
      pairs[at] = hash;
      pairs[at + 1] = number;
      free = at + 2;
    }
  }

  /** Lays out the table for `places` and `end`; what is in it stays where it is. */
  #resize(places: number, end: number): void {
    // A third of the places is a power of two. Hashes are cut to some more bits than that, multiplied, and cut again.
    const bits = Math.log2(places / 3);
    const finer = Math.min(FINER, MOST_BITS - bits);
    this.#control[SHIFT] = 32 - bits - finer;
    // A place is two words.
    this.#control[DROP] = finer - 1;
    this.#places = places;
    this.#control[PAIRS_MOST] = Math.floor(places * FULL);
    this.#control[PAIRS_END] = end;
    if (end <= this.pairs.length) return;
    const old = this.pairs;
    this.pairs = new Int32Array(places >= LAST_MOVE ? wholeLength(end, this.expected) : end);
    this.pairs.set(old);
  }
}

/** `length` doubled until so many pairs have room. */
function wholeLength(length: number, expected: number): number {
  let whole = length;
  while (whole < (expected / FULL) * 2) whole *= 2;
  return whole;
}
