/** Hashes of tuples: seeded, the same in every run. */
import type { Tuple } from "./tuple.ts";

/**
 * Each word is multiplied and folded on its own, so that the processor does it side by side; then all are mixed, so that
 * every bit moves every bit. Folding before adding is what keeps the high bits of two words from cancelling out.
 */
export function hash4(seed: number, source: number, destination: number, ports: number, key: number): number {
  let a = Math.imul(source ^ seed, 0xcc9e2d51);
  let b = Math.imul(destination + seed, 0x1b873593);
  let c = Math.imul(ports ^ (seed << 7), 0x9e3779b1);
  a ^= a >>> 15;
  b ^= b >>> 13;
  c ^= c >>> 17;
  // MurmurHash3's end.
  let h = (a + b + (c ^ Math.imul(key, 0x27d4eb2f))) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Likewise with the addresses of `tuple`. */
export function hash6(seed: number, tuple: Tuple, ports: number, key: number): number {
  const high = hash4(seed, tuple.src0, tuple.dst0, tuple.src1, tuple.dst1);
  const low = hash4(high, tuple.src2, tuple.dst2, tuple.src3, tuple.dst3);
  return hash4(low, ports, key, 0, 0);
}
