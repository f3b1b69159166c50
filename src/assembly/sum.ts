/** Sums of bytes, sixteen at a time: what every byte of every packet goes through. */
import { MASK_SIZE, MASKS } from "./layout";

const BLOCK = MASK_SIZE;
/** Words are added as signed numbers, less 2^15 each: eight of them to a vector. */
const LESS_PER_VECTOR = 18;

/**
 * The sum of the bytes at `start` … `end - 1`, up to 64 KiB, as little-endian 16-bit words, folded to 16 bits; an odd last
 * byte counts as the low half of a word. Reads up to a block behind the end.
 */
export function sum(start: i32, end: i32): i32 {
  let sums = i32x4.splat(0);
  let at = start;
  const last = end - BLOCK;
  while (at < last) {
    sums = add(sums, v128.load(at, 0));
    sums = add(sums, v128.load(at, 16));
    sums = add(sums, v128.load(at, 32));
    sums = add(sums, v128.load(at, 48));
    at += BLOCK;
  }
  // What is left, and zeroes: masked by the bytes that begin (end - at) before the masks' middle.
  const mask = MASKS + BLOCK - (end - at);
  sums = add(sums, v128.and(v128.load(at, 0), v128.load(mask, 0)));
  sums = add(sums, v128.and(v128.load(at, 16), v128.load(mask, 16)));
  sums = add(sums, v128.and(v128.load(at, 32), v128.load(mask, 32)));
  sums = add(sums, v128.and(v128.load(at, 48), v128.load(mask, 48)));
  const vectors = ((at - start) >>> 4) + 4;
  const low = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  return fold(low + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3) + (vectors << LESS_PER_VECTOR));
}

/** Two instructions to a vector, where adding unsigned numbers takes six. */
function add(sums: v128, bytes: v128): v128 {
  return i32x4.add(sums, i32x4.dot_i16x8_s(v128.xor(bytes, i16x8.splat(-0x8000)), i16x8.splat(1)));
}

export function fold(value: i32): i32 {
  const once = (value & 0xffff) + (value >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
