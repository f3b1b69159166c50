/**
 * The only source of chance. The kernel's own dice (free NAT port, IP id, IPv6 fragment id, `statistic`, …) are
 * drawn here by name, so that a run is repeatable from its seed, and so that a comparison with the kernel can
 * hand in the kernel's choices.
 */

/** What a number is drawn for; a script answers by purpose. */
export type RandomPurpose =
  | "nat source port"
  | "nat destination port"
  | "nat source id"
  | "nat destination id"
  | "expected port"
  | "ip id"
  | "fragment id"
  | "flow label"
  | "statistic"
  | "other";

export interface RandomSource {
  /** An unsigned 16-bit number. */
  u16(purpose: RandomPurpose): number;
  /** An unsigned 32-bit number. */
  u32(purpose: RandomPurpose): number;
  /**
   * Where a search through the `size` values from `min` on begins, as an unsigned 16-bit offset: value
   * `min + offset % size` is tried first (nf_nat_core.c: nf_nat_l4proto_unique_tuple).
   */
  offset(purpose: RandomPurpose, min: number, size: number): number;
  /** The value with which such a search ends when none was free: `value`, which was tried last. */
  last(purpose: RandomPurpose, value: number): number;
}

/** xorshift32 from a seed: the same seed gives the same run on every machine. */
export class SeededRandom implements RandomSource {
  #state: number;

  constructor(seed = 1) {
    this.#state = (seed ^ 0x9e3779b9) | 0 || 1;
  }

  u32(_purpose: RandomPurpose): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  u16(purpose: RandomPurpose): number {
    return this.u32(purpose) >>> 16;
  }

  offset(purpose: RandomPurpose, _min: number, _size: number): number {
    return this.u16(purpose);
  }

  last(_purpose: RandomPurpose, value: number): number {
    return value;
  }
}

/**
 * Answers from a list per purpose, in order, and falls back to a seeded source when the list is used up. For a search
 * the list holds the values it ends with (a port, an id); one that is not among those searched is left out.
 */
export class ScriptedRandom implements RandomSource {
  readonly #answers: Map<RandomPurpose, number[]>;
  readonly #fallback: RandomSource;
  /** The values with which searches are to end. */
  readonly #wanted = new Map<RandomPurpose, number>();

  constructor(answers: Partial<Record<RandomPurpose, readonly number[]>>, fallback: RandomSource = new SeededRandom()) {
    this.#answers = new Map(Object.entries(answers).map(([k, v]) => [k as RandomPurpose, [...(v ?? [])]]));
    this.#fallback = fallback;
  }

  /** Queues one more answer for `purpose`. */
  answer(purpose: RandomPurpose, value: number): void {
    const queue = this.#answers.get(purpose);
    if (queue === undefined) this.#answers.set(purpose, [value]);
    else queue.push(value);
  }

  /** Forgets what was queued and not drawn. */
  clear(): void {
    this.#answers.clear();
    this.#wanted.clear();
  }

  u32(purpose: RandomPurpose): number {
    return this.#answers.get(purpose)?.shift() ?? this.#fallback.u32(purpose);
  }

  u16(purpose: RandomPurpose): number {
    return this.#answers.get(purpose)?.shift() ?? this.#fallback.u16(purpose);
  }

  offset(purpose: RandomPurpose, min: number, size: number): number {
    const value = this.#answers.get(purpose)?.shift();
    if (value === undefined || value < min || value >= min + size) return this.#fallback.offset(purpose, min, size);
    this.#wanted.set(purpose, value);
    return value - min;
  }

  /** Where every value was taken, any of them may be the last. */
  last(purpose: RandomPurpose, value: number): number {
    return this.#wanted.get(purpose) ?? value;
  }
}
