/** Tables of ranges in the core's memory (assembly/layout.ts: ROUTING, PARTS): which range an address or port is in, and its word. */
import { RANGES } from "../assembly/layout.ts";

/** Bytes of a range. */
const RANGE = 8;
const FIRST_BYTES = 256;
/** Ranges are numbered in 16 bits. */
const MOST_RANGES = 0x10000;

/** How many ranges a table of so many bytes holds; at most those that can be numbered. */
export function rangesIn(bytes: number): number {
  return Math.min(Math.floor((bytes - RANGES) / RANGE), MOST_RANGES);
}

/** Bytes of a table of so many ranges. */
export function rangeTableSize(ranges: number): number {
  return RANGES + ranges * RANGE;
}

/** Writes a table at byte `at`: `starts`, the first 0, ascend and are unsigned; `wordOf` says the word of each. */
export function writeRanges(
  buffer: ArrayBuffer,
  at: number,
  starts: readonly number[],
  wordOf: (n: number) => number,
): void {
  const firsts = new Uint16Array(buffer, at, FIRST_BYTES + 1);
  const words = new Int32Array(buffer, at + RANGES, starts.length * 2);
  for (const [n, start] of starts.entries()) {
    words[2 * n] = start;
    words[2 * n + 1] = wordOf(n);
    firsts.fill(n, Math.ceil(start / 0x1000000));
  }
}
