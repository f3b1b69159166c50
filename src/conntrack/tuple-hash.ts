/**
 * Hashes of tuples: seeded, the same in every run, and the same for a tuple and its inverse where that only exchanges
 * the ends. So a connection's two directions stand side by side in the index: one place in memory to wait for, not two.
 */
import type { Tuple } from "./tuple.ts";

/** `ports` is sport << 16 | dport, `key` zone << 16 | protocol. */
export function hash4(seed: number, source: number, destination: number, ports: number, key: number): number {
  return combine(endOf(seed, source, ports >>> 16), endOf(seed, destination, ports & 0xffff), key);
}

/** Likewise with the addresses of `tuple`. */
export function hash6(seed: number, tuple: Tuple, ports: number, key: number): number {
  const { src0, src1, src2, src3, dst0, dst1, dst2, dst3 } = tuple;
  const source = endOf(endOf(endOf(endOf(seed, src0, 0), src1, 1), src2, 2), src3, ports >>> 16);
  const destination = endOf(endOf(endOf(endOf(seed, dst0, 0), dst1, 1), dst2, 2), dst3, ports & 0xffff);
  return combine(source, destination, key);
}

/** One end of the flow. */
function endOf(seed: number, address: number, port: number): number {
  let h = Math.imul(address ^ seed, 0xcc9e2d51);
  h = Math.imul((h ^ (h >>> 15)) + port, 0x1b873593);
  return h ^ (h >>> 13);
}

/**
 * The same whichever end comes first. A product, because a sum stays the same when one end counts up while the other counts
 * down. Then every bit is made to move the high ones, by which the index orders.
 */
function combine(end: number, otherEnd: number, key: number): number {
  let h = (Math.imul(end | 1, otherEnd | 1) + Math.imul(key, 0x27d4eb2f)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return h ^ (h >>> 15);
}
