/**
 * Bob Jenkins' lookup3 over words (linux/jhash.h: jhash2), with which the kernel spreads the elements of a hash set
 * over its buckets. `ipset save` prints each set's seed (`initval`), so that even which bucket overflows is known.
 *
 * The kernel hashes an element's bytes as they lie in a little-endian machine's memory; here every word is the
 * big-endian reading of the same four bytes, hence the swap.
 */

function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** Hashes `words[0, count)`, each the big-endian reading of four bytes of the element; a signed 32-bit result. */
export function hashWords(words: Int32Array, count: number, seed: number): number {
  let a = (0xdeadbeef + (count << 2) + seed) | 0;
  let b = a;
  let c = a;
  let at = 0;
  let left = count;
  while (left > 3) {
    a = (a + swapped(words[at])) | 0;
    b = (b + swapped(words[at + 1])) | 0;
    c = (c + swapped(words[at + 2])) | 0;
    a = (a - c) ^ ((c << 4) | (c >>> 28));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 6) | (a >>> 26));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 8) | (b >>> 24));
    b = (b + a) | 0;
    a = (a - c) ^ ((c << 16) | (c >>> 16));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 19) | (a >>> 13));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 4) | (b >>> 28));
    b = (b + a) | 0;
    at += 3;
    left -= 3;
  }
  if (left === 0) return c;
  a = (a + swapped(words[at])) | 0;
  if (left > 1) b = (b + swapped(words[at + 1])) | 0;
  if (left > 2) c = (c + swapped(words[at + 2])) | 0;
  c = ((c ^ b) - ((b << 14) | (b >>> 18))) | 0;
  a = ((a ^ c) - ((c << 11) | (c >>> 21))) | 0;
  b = ((b ^ a) - ((a << 25) | (a >>> 7))) | 0;
  c = ((c ^ b) - ((b << 16) | (b >>> 16))) | 0;
  a = ((a ^ c) - ((c << 4) | (c >>> 28))) | 0;
  b = ((b ^ a) - ((a << 14) | (a >>> 18))) | 0;
  return ((c ^ b) - ((b << 24) | (b >>> 8))) | 0;
}
