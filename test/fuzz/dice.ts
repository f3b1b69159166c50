/** Seeded choices for scenario generators: the same seed and size make the same scenario. */
import { SeededRandom } from "../../src/host/random.ts";

export class Dice {
  readonly #random: SeededRandom;
  /** The round of conversations that is being made, from 0 (world.ts: rounds). */
  round = 0;
  /** A scenario goes on in further rounds until it has this many packets. */
  packets: number;

  constructor(seed: number, packets = 0) {
    this.packets = packets;
    this.#random = new SeededRandom(seed);
    for (let i = 0; i < 8; i++) this.#random.u32("other");
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + (this.#random.u32("other") % (max - min + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.#random.u32("other") / 2 ** 32 < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(0, from.length - 1)];
  }

  /** One of the keys, by weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let at = (this.#random.u32("other") / 2 ** 32) * entries.reduce((sum, [, w]) => sum + w, 0);
    for (const [key, weight] of entries) {
      at -= weight;
      if (at < 0) return key;
    }
    return entries[entries.length - 1][0];
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(0, 255));
  }
}
