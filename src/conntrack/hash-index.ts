/**
 * From hashes to numbers: an open-addressed table of (hash, number) pairs, eight bytes each, that touches one or two
 * cache lines where chains would touch one per link.
 *
 * Pairs are kept in the order of their hashes. A hash's place is proportional to it, and a pair that finds its place
 * taken stands as near behind as the order allows. So a search for what is not there ends at the first greater hash; the
 * table grows in one pass from front to back; and the kernel's hash buckets, which are ranges of hashes, are ranges here.
 */

/** Pairs may run over the end of the table by so many. */
const SLACK = 64;

export class HashIndex {
  /** Pairs: hash (any 32 bits, ordered as unsigned), number (0: the pair is free). */
  pairs: Int32Array;
  /** Places per hash value. */
  #scale: number;

  constructor(places: number) {
    this.#scale = places / 0x100000000;
    this.pairs = new Int32Array((places + SLACK) * 2);
  }

  /** Index into `pairs` of the first pair whose hash is not less than `hash`, or of the free pair before it. */
  seek(hash: number): number {
    const pairs = this.pairs;
    const wanted = hash >>> 0;
    let at = ((wanted * this.#scale) | 0) << 1;
    while (pairs[at + 1] !== 0 && pairs[at] >>> 0 < wanted) at += 2;
    return at;
  }

  /** Adds a pair; equal hashes stand side by side. */
  insert(hash: number, number: number): void {
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
    // A free pair must be left at the end.
    if (at === pairs.length) this.#stretch();
  }

  /** Takes a pair out, if it is there. */
  remove(hash: number, number: number): void {
    const pairs = this.pairs;
    let at = this.seek(hash);
    while (pairs[at + 1] !== number) {
      if (pairs[at + 1] === 0 || pairs[at] !== hash) return;
      at += 2;
    }
    // What stands behind moves up, unless it is where it belongs.
    for (let next = at + 2; ; next += 2) {
      if (pairs[next + 1] === 0 || Math.floor((pairs[next] >>> 0) * this.#scale) * 2 === next) break;
      pairs[at] = pairs[next];
      pairs[at + 1] = pairs[next + 1];
      at = next;
    }
    pairs[at + 1] = 0;
  }

  /** Calls `visit` with the number of each pair whose hash is at least `from` and below `to` (0 … 2^32). */
  range(from: number, to: number, visit: (number: number) => void): void {
    const pairs = this.pairs;
    const end = Math.ceil(to * this.#scale) * 2;
    // Behind a free pair no pair stands before its own place.
    for (let at = this.seek(from); at < pairs.length && (at < end || pairs[at + 1] !== 0); at += 2)
      if (pairs[at + 1] !== 0 && pairs[at] >>> 0 >= from) {
        if (pairs[at] >>> 0 >= to) return;
        visit(pairs[at + 1]);
      }
  }

  /** Makes room for more. */
  grow(places: number): void {
    const old = this.pairs;
    this.#scale = places / 0x100000000;
    this.pairs = new Int32Array((places + SLACK) * 2);
    this.#refill(old);
  }

  /** So many hashes ended at the end of the table that the slack is used up: more of it. */
  #stretch(): void {
    const longer = new Int32Array(this.pairs.length + 2 * SLACK);
    longer.set(this.pairs);
    this.pairs = longer;
  }

  #refill(old: Int32Array): void {
    let free = 0;
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1] === 0) continue;
      const at = Math.max(free, Math.floor((old[from] >>> 0) * this.#scale) * 2);
      if (at + 2 >= this.pairs.length) this.#stretch();
      this.pairs[at] = old[from];
      this.pairs[at + 1] = old[from + 1];
      free = at + 2;
    }
  }
}
