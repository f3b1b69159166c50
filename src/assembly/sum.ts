/** Sums of bytes, sixteen at a time: what every byte of every packet goes through. */
import { MASKS } from "./layout";

/**
 * The sum of the bytes at `start` … `end - 1`, up to 64 KiB, as little-endian 16-bit words, folded to 16 bits; an odd last
 * byte counts as the low half of a word.
 */
export function sum(start: i32, end: i32): i32 {
  let sums = i32x4.splat(0);
  let at = start;
  const blocks = at + ((end - at) & ~63);
  while (at < blocks) {
    sums = add(sums, v128.load(at, 0));
    sums = add(sums, v128.load(at, 16));
    sums = add(sums, v128.load(at, 32));
    sums = add(sums, v128.load(at, 48));
    at += 64;
  }
  const vectors = at + ((end - at) & ~15);
  while (at < vectors) {
    sums = add(sums, v128.load(at));
    at += 16;
  }
  // What is left, and zeroes: masked by the 16 bytes that begin (end - at) before the masks' middle.
  sums = add(sums, v128.and(v128.load(at), v128.load(MASKS + 16 - (end - at))));
  const low = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  return fold(low + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3));
}

function add(sums: v128, bytes: v128): v128 {
  return i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(bytes));
}

export function fold(value: i32): i32 {
  const once = (value & 0xffff) + (value >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
