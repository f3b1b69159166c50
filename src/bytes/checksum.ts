/**
 * Checksums of the Internet protocols: the one's-complement sum of RFC 1071 with its incremental update as the
 * kernel does it (include/net/checksum.h, net/core/utils.c), and SCTP's CRC32c.
 *
 * Two kinds of numbers, both in host byte order as `DataView.getUint16` reads them:
 *
 * - a *sum* is a non-negative integer whose residue counts: sums are added with `+`, and `fold` brings one down to
 *   16 bits. A sum is 0 only when every byte that went into it was 0, as in the kernel;
 * - a *check* is what stands in a header field: the folded sum inverted (`check`).
 *
 *     const sum = sumOf(view, l4, end) + pseudoSum4(src, dst, IPPROTO_TCP, end - l4);
 *     fold(sum) === 0xffff       the checksum of a received packet is right
 *     check(sum)                 the value to write, when the field was 0 while summing
 *
 * Only the last of several ranges that are summed one after the other may have an odd length.
 */
import type { Core } from "./core.ts";

/** RFC 768 and net/checksum.h: in UDP, 0 says "no checksum", so a checksum that comes out as 0 is sent as this. */
export const CSUM_MANGLED_0 = 0xffff;

/** Folds a sum (below 2^32) to 16 bits; stays 0 only if it was 0. */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** The value of a checksum field for `sum`: csum_fold. */
export function check(sum: number): number {
  return ~fold(sum) & 0xffff;
}

/** 0 becomes 0xffff, as UDP asks. */
export function mangled0(value: number): number {
  return value === 0 ? CSUM_MANGLED_0 : value;
}

/**
 * The sum of the bytes at `start` … `end - 1`, folded to 16 bits; an odd last byte counts as the high half of a word.
 * `start` need not be aligned. The caller answers for the range: it lies inside the view.
 *
 * The bytes are read as little-endian words, since the sum commutes with swapping bytes.
 */
export function sumOf(view: DataView, start: number, end: number): number {
  return swapped(littleEndianSum(view, start, end));
}

/** Do the bytes at `start` … `end - 1`, their checksum among them, and the pseudo header with this sum, add up? */
export function sumHolds(view: DataView, start: number, end: number, pseudoSum: number): boolean {
  return fold(littleEndianSum(view, start, end) + swapped(fold(pseudoSum))) === 0xffff;
}

function swapped(sum: number): number {
  return ((sum & 0xff) << 8) | (sum >>> 8);
}

/** Whole packets are summed here, so this is the hottest loop there is: in the capture reader's memory it is WebAssembly. */
function littleEndianSum(view: DataView, start: number, end: number): number {
  return view === coreView && end - start <= VECTOR_MOST ? coreSum(start, end) : plainSum(view, start, end);
}

function plainSum(view: DataView, start: number, end: number): number {
  const length = end - start;
  let at = start;
  let sum = 0;
  if (length >= BLOCKS_LEAST) {
    at = start + (length & ~15);
    sum = sumBlocks(view, start, at);
  }
  for (const stop = end - 3; at < stop; at += 4) sum += sumOfWord(view.getInt32(at, true));
  if (at < end - 1) {
    sum += view.getUint16(at, true);
    at += 2;
  }
  if (at < end) sum += view.getUint8(at);
  return fold(sum);
}

/** Below this a plain loop is as fast. */
const BLOCKS_LEAST = 48;
/** Longer ranges would overflow the vectors' sums. */
const VECTOR_MOST = 0x10000;

let coreView: DataView | null = null;
let coreSum: Core["sum"] = () => 0;

/** From now on sums over the core's memory are taken by its own function. */
export function sumInCore(core: Core): void {
  coreView = core.view;
  coreSum = core.sum;
}

/**
 * The folded sum of the little-endian words in blocks of 16 bytes. They are added up as doubles, which hold 2^21 words
 * of 32 bits exactly and need no carry: four times the speed of adding 16-bit words.
 */
function sumBlocks(view: DataView, start: number, end: number): number {
  let even = 0;
  let odd = 0;
  for (let at = start; at < end; at += 16) {
    even += view.getUint32(at, true) + view.getUint32(at + 4, true);
    odd += view.getUint32(at + 8, true) + view.getUint32(at + 12, true);
  }
  const words = even + odd;
  return fold(sumOfWord(words | 0) + Math.floor(words / 0x100000000));
}

/** The sum of one 32-bit word, such as an IPv4 address. */
export function sumOfWord(word: number): number {
  return (word >>> 16) + (word & 0xffff);
}

/** The sum of IPv4's pseudo header. `length` is that of the transport header and payload (csum_tcpudp_nofold). */
export function pseudoSum4(src: number, dst: number, protocol: number, length: number): number {
  return (src >>> 16) + (src & 0xffff) + (dst >>> 16) + (dst & 0xffff) + protocol + (length >>> 16) + (length & 0xffff);
}

/** The sum of IPv6's pseudo header, addresses as four words each (csum_ipv6_magic). */
export function pseudoSum6(
  src0: number,
  src1: number,
  src2: number,
  src3: number,
  dst0: number,
  dst1: number,
  dst2: number,
  dst3: number,
  protocol: number,
  length: number,
): number {
  return (
    (src0 >>> 16) +
    (src0 & 0xffff) +
    (src1 >>> 16) +
    (src1 & 0xffff) +
    (src2 >>> 16) +
    (src2 & 0xffff) +
    (src3 >>> 16) +
    (src3 & 0xffff) +
    pseudoSum4(dst0, dst1, protocol, length) +
    (dst2 >>> 16) +
    (dst2 & 0xffff) +
    (dst3 >>> 16) +
    (dst3 & 0xffff)
  );
}

/** The sum of the IPv4 header at `start`, folded: 0xffff when its checksum is right (ip_fast_csum). */
export function ipv4HeaderSum(view: DataView, start: number, headerLength: number): number {
  let sum =
    sumOfWord(view.getInt32(start)) +
    sumOfWord(view.getInt32(start + 4)) +
    sumOfWord(view.getInt32(start + 8)) +
    sumOfWord(view.getInt32(start + 12)) +
    sumOfWord(view.getInt32(start + 16));
  for (let at = 20; at < headerLength; at += 4) sum += sumOfWord(view.getInt32(start + at));
  return fold(sum);
}

/** The checksum for the IPv4 header at `start`, whatever its checksum field holds now (ip_send_check). */
export function ipv4HeaderCheck(view: DataView, start: number, headerLength: number): number {
  return check(ipv4HeaderSum(view, start, headerLength) + (~view.getUint16(start + 10) & 0xffff));
}

/** csum_replace2: `value` is the check of data in which a 16-bit field changed. */
export function replace2(value: number, from: number, to: number): number {
  return ~fold((~value & 0xffff) + (~from & 0xffff) + to) & 0xffff;
}

/**
 * csum_replace4: a 32-bit word changed. Never gives 0xffff, unlike `replace2`: the kernel unfolds the check to 32 bits
 * before it inverts it, so the sum is never 0.
 */
export function replace4(value: number, from: number, to: number): number {
  return check(0xffff + (~value & 0xffff) + sumOfWord(~from) + sumOfWord(to));
}

/**
 * inet_proto_csum_replace4: a word that the transport checksum covers changed. `partial`: the field holds only the
 * pseudo header's sum, not inverted (CHECKSUM_PARTIAL); then only words of the pseudo header (`pseudo`) matter.
 */
export function protoReplace4(value: number, from: number, to: number, partial: boolean, pseudo: boolean): number {
  if (!partial) return replace4(value, from, to);
  return pseudo ? fold(value + sumOfWord(~from) + sumOfWord(to)) : value;
}

/** inet_proto_csum_replace2: likewise for a 16-bit field, which the kernel widens to 32 bits. */
export function protoReplace2(value: number, from: number, to: number, partial: boolean, pseudo: boolean): number {
  return protoReplace4(value, from, to, partial, pseudo);
}

/**
 * inet_proto_csum_replace16: an IPv6 address changed. `delta` is `addressDelta(from, to)`, which serves every check
 * that covers the address.
 */
export function protoReplace16(value: number, delta: number, partial: boolean, pseudo: boolean): number {
  if (!partial) return check(0xffff + (~value & 0xffff) + delta);
  return pseudo ? fold(value + delta) : value;
}

/** The sum that has to be added when an IPv6 address changes from `from` to `to`. */
export function addressDelta(
  from0: number,
  from1: number,
  from2: number,
  from3: number,
  to0: number,
  to1: number,
  to2: number,
  to3: number,
): number {
  return (
    sumOfWord(~from0) +
    sumOfWord(~from1) +
    sumOfWord(~from2) +
    sumOfWord(~from3) +
    sumOfWord(to0) +
    sumOfWord(to1) +
    sumOfWord(to2) +
    sumOfWord(to3)
  );
}

/** Four tables of CRC32c (Castagnoli, reflected 0x82f63b78): `CRC32C[k << 8 | byte]` for a byte k places ahead. */
const CRC32C = crc32cTables();

function crc32cTables(): Int32Array {
  const tables = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const ahead = tables[i - 256];
    tables[i] = (ahead >>> 8) ^ tables[ahead & 0xff];
  }
  return tables;
}

/** Goes on with a CRC32c over `start` … `end - 1`. Begin with -1; the finished value is the complement. */
export function crc32c(view: DataView, start: number, end: number, crc = -1): number {
  let at = start;
  for (const stop = end - 3; at < stop; at += 4) {
    crc ^= view.getInt32(at, true);
    crc =
      CRC32C[768 + (crc & 0xff)] ^
      CRC32C[512 + ((crc >>> 8) & 0xff)] ^
      CRC32C[256 + ((crc >>> 16) & 0xff)] ^
      CRC32C[crc >>> 24];
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ CRC32C[(crc ^ view.getUint8(at)) & 0xff];
  return crc;
}

/** Four zero bytes, which stand for SCTP's checksum field while it is computed. */
const ZEROES = new DataView(new ArrayBuffer(4));

/**
 * The checksum of the SCTP packet whose common header is at `start` (sctp_compute_cksum), as the signed word that
 * `view.getInt32(start + 8)` reads when it is right. At least the 12 bytes of the common header are there.
 */
export function sctpCheck(view: DataView, start: number, end: number): number {
  const crc = ~crc32c(view, start + 12, end, crc32c(ZEROES, 0, 4, crc32c(view, start, start + 8)));
  return (crc << 24) | ((crc & 0xff00) << 8) | ((crc >>> 8) & 0xff00) | (crc >>> 24);
}
