/**
 * Which address of a range a connection gets. The kernel rolls no dice here: a hash of the connection's source (and,
 * unless `--persistent`, its destination) picks it, so that the same client always comes from the same address
 * (nf_nat_core.c: find_best_ips_proto).
 *
 * The hash is Bob Jenkins' lookup3 over the words as they lie in memory. The kernel's memory here is that of a
 * little-endian machine, hence the byte swaps.
 */
import type { Tuple } from "../conntrack/tuple.ts";
import { MANIP_SRC, type Manip, NAT_RANGE_MAP_IPS, NAT_RANGE_PERSISTENT, type NatRange } from "./range.ts";

const JHASH_INITVAL = 0xdeadbeef | 0;

/** A network-order word as a little-endian machine reads it. */
function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

function rotateLeft(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

/** jhash.h: jhash2 over exactly four words; all words and the result are signed 32-bit. */
export function jhash4(k0: number, k1: number, k2: number, k3: number, seed: number): number {
  const init = (JHASH_INITVAL + (4 << 2) + seed) | 0;
  let a = (init + k0) | 0;
  let b = (init + k1) | 0;
  let c = (init + k2) | 0;
  // __jhash_mix
  a = ((a - c) | 0) ^ rotateLeft(c, 4);
  c = (c + b) | 0;
  b = ((b - a) | 0) ^ rotateLeft(a, 6);
  a = (a + c) | 0;
  c = ((c - b) | 0) ^ rotateLeft(b, 8);
  b = (b + a) | 0;
  a = ((a - c) | 0) ^ rotateLeft(c, 16);
  c = (c + b) | 0;
  b = ((b - a) | 0) ^ rotateLeft(a, 19);
  a = (a + c) | 0;
  c = ((c - b) | 0) ^ rotateLeft(b, 4);
  b = (b + a) | 0;
  // The one word that is left, then __jhash_final
  a = (a + k3) | 0;
  c = ((c ^ b) - rotateLeft(b, 14)) | 0;
  a = ((a ^ c) - rotateLeft(c, 11)) | 0;
  b = ((b ^ a) - rotateLeft(a, 25)) | 0;
  c = ((c ^ b) - rotateLeft(b, 16)) | 0;
  a = ((a ^ c) - rotateLeft(c, 4)) | 0;
  b = ((b ^ a) - rotateLeft(a, 14)) | 0;
  return ((c ^ b) - rotateLeft(b, 24)) | 0;
}

/** kernel.h: reciprocal_scale: maps a 32-bit number evenly onto 0 … range-1; both unsigned. */
export function reciprocalScale(value: number, range: number): number {
  // value * range / 2^32 without losing the low bits of the 64-bit product.
  const low = (value & 0xffff) * range;
  const high = (value >>> 16) * range + Math.floor(low / 0x10000);
  return Math.floor(high / 0x10000);
}

const minimum = new Int32Array(4);
const maximum = new Int32Array(4);
const destination = new Int32Array(4);
const chosen = new Int32Array(4);

/** Replaces the source (MANIP_SRC) or destination address of `tuple` by one of the range's; `zone` is the connection's. */
export function chooseAddress(tuple: Tuple, zone: number, range: NatRange, manip: Manip): void {
  if ((range.flags & NAT_RANGE_MAP_IPS) === 0) return;
  const { min0, min1, min2, min3 } = range;
  if (min0 === range.max0 && min1 === range.max1 && min2 === range.max2 && min3 === range.max3) {
    chosen[0] = min0;
    chosen[1] = min1;
    chosen[2] = min2;
    chosen[3] = min3;
  } else spread(tuple, zone, range, manip);
  if (manip === MANIP_SRC) {
    tuple.src0 = chosen[0];
    tuple.src1 = chosen[1];
    tuple.src2 = chosen[2];
    tuple.src3 = chosen[3];
  } else {
    tuple.dst0 = chosen[0];
    tuple.dst1 = chosen[1];
    tuple.dst2 = chosen[2];
    tuple.dst3 = chosen[3];
  }
}

/** Hashes the tuple's addresses into `chosen`. */
function spread(tuple: Tuple, zone: number, range: NatRange, manip: Manip): void {
  minimum[0] = range.min0;
  minimum[1] = range.min1;
  minimum[2] = range.min2;
  minimum[3] = range.min3;
  maximum[0] = range.max0;
  maximum[1] = range.max1;
  maximum[2] = range.max2;
  maximum[3] = range.max3;
  destination[0] = tuple.dst0;
  destination[1] = tuple.dst1;
  destination[2] = tuple.dst2;
  destination[3] = tuple.dst3;
  chosen.fill(0);
  const last = tuple.family === 4 ? 0 : 3;
  const persistent = (range.flags & NAT_RANGE_PERSISTENT) !== 0;
  const seed = persistent ? 0 : swapped(destination[last]) ^ zone;
  let hash = jhash4(swapped(tuple.src0), swapped(tuple.src1), swapped(tuple.src2), swapped(tuple.src3), seed);
  // Once a word lies below the range's end, all following words are free.
  let free = false;
  for (let i = 0; i <= last; i++) {
    const from = free ? 0 : minimum[i] >>> 0;
    const distance = free ? 0xffffffff : ((maximum[i] >>> 0) - from + 1) >>> 0;
    chosen[i] = (from + reciprocalScale(hash >>> 0, distance)) | 0;
    if (chosen[i] !== maximum[i]) free = true;
    if (!persistent) {
      // With MANIP_DST the kernel mixes in the word that it has just chosen, not the packet's.
      hash ^= swapped(manip === MANIP_SRC ? destination[i] : chosen[i]);
    }
  }
}
