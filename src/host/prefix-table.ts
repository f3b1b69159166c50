/**
 * Prefixes to lists of entries: the data structure behind both routing tables. A lookup goes through the prefix
 * lengths that are in use, longest first, and asks one hash table; nothing is allocated.
 *
 * Keys are always four words; IPv4 uses the first and leaves the others 0.
 */

/** Mask word `i` (0 … 3) of a prefix of `length` bits. */
export function maskWord(length: number, i: number): number {
  const bits = length - 32 * i;
  return bits >= 32 ? -1 : bits <= 0 ? 0 : -1 << (32 - bits);
}

export class PrefixTable<E> {
  /** Prefix lengths in use, longest first. `leaf` takes an index into it. */
  readonly lengths: number[] = [];
  /** Slots of five words: masked address and length + 1 (0: free). */
  #keys = new Int32Array(5 * 16);
  #leaves: (E[] | null)[] = new Array(16).fill(null);
  #used = 0;

  /** The list at exactly this prefix, made if it is not there. Bits beyond `length` are ignored. */
  at(w0: number, w1: number, w2: number, w3: number, length: number): E[] {
    if (this.#used * 2 >= this.#leaves.length) this.#grow();
    const k0 = w0 & maskWord(length, 0);
    const k1 = w1 & maskWord(length, 1);
    const k2 = w2 & maskWord(length, 2);
    const k3 = w3 & maskWord(length, 3);
    const slot = this.#slot(k0, k1, k2, k3, length);
    let leaf = this.#leaves[slot];
    if (leaf === null) {
      leaf = [];
      this.#leaves[slot] = leaf;
      this.#keys.set([k0, k1, k2, k3, length + 1], slot * 5);
      this.#used++;
      if (!this.lengths.includes(length)) {
        this.lengths.push(length);
        this.lengths.sort((a, b) => b - a);
      }
    }
    return leaf;
  }

  /** The entries at the prefix of length `lengths[nth]` that holds this address, or null. */
  leaf(nth: number, w0: number, w1: number, w2: number, w3: number): E[] | null {
    const length = this.lengths[nth];
    const slot = this.#slot(
      w0 & maskWord(length, 0),
      w1 & maskWord(length, 1),
      w2 & maskWord(length, 2),
      w3 & maskWord(length, 3),
      length,
    );
    return this.#leaves[slot];
  }

  /** Calls `visit` for every entry, in no particular order. */
  forEach(visit: (entry: E) => void): void {
    for (const leaf of this.#leaves) if (leaf !== null) leaf.forEach(visit);
  }

  /** Takes out the entries that `condemn` says. */
  remove(condemn: (entry: E) => boolean): void {
    for (const leaf of this.#leaves)
      if (leaf !== null) for (let i = leaf.length - 1; i >= 0; i--) if (condemn(leaf[i])) leaf.splice(i, 1);
  }

  #slot(k0: number, k1: number, k2: number, k3: number, length: number): number {
    const keys = this.#keys;
    const last = this.#leaves.length - 1;
    let h = Math.imul(k0 ^ (length + 1), 0x9e3779b1) ^ Math.imul(k1, 0x85ebca6b);
    h ^= Math.imul(k2 ^ (h >>> 15), 0xc2b2ae35) ^ Math.imul(k3, 0x27d4eb2f);
    h ^= h >>> 16;
    for (let slot = h & last; ; slot = (slot + 1) & last) {
      const at = slot * 5;
      const tag = keys[at + 4];
      if (tag === 0) return slot;
      if (tag === length + 1 && keys[at] === k0 && keys[at + 1] === k1 && keys[at + 2] === k2 && keys[at + 3] === k3)
        return slot;
    }
  }

  #grow(): void {
    const keys = this.#keys;
    const leaves = this.#leaves;
    this.#keys = new Int32Array(keys.length * 2);
    this.#leaves = new Array(leaves.length * 2).fill(null);
    for (let i = 0; i < leaves.length; i++) {
      if (leaves[i] === null) continue;
      const key = keys.subarray(i * 5, i * 5 + 5);
      const slot = this.#slot(key[0], key[1], key[2], key[3], key[4] - 1);
      this.#keys.set(key, slot * 5);
      this.#leaves[slot] = leaves[i];
    }
  }
}
