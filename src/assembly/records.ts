/**
 * Records of captures as they lie in memory, little-endian: pcap's, with headers of 16 bytes, and pcapng's enhanced packet
 * blocks. In both the packet comes right behind two words, how much of it was captured and how long it was. bytes/pcap.ts and
 * bytes/pcapng.ts read everything else, and say what is wrong.
 */

import { INTERFACES_SLOTS } from "./layout";
import { unitsOf } from "./links";

const WORD = 4;

/** Where the two lengths are; how much there is beside the packet. */
export const RECORD_LENGTHS = 8;
export const RECORD_HEADER = 16;
export const BLOCK_LENGTHS = 20;
export const BLOCK_LEAST = 32;

/** No capture holds longer packets (bytes/record.ts). */
export const LONGEST_PACKET = 0x40000;
/** µs since 1970: beyond it are no integers (bytes/timescale.ts). */
export const LATEST: f64 = 9007199254740991.0;

const ENHANCED_PACKET = 6;

/** µs since 1970. `units`: how many of the capture's are one. */
export function timeOfRecord(at: i32, units: i32): f64 {
  let fraction = load<u32>(at, WORD);
  if (units !== 1) fraction /= 1000;
  return f64(load<u32>(at)) * 1e6 + f64(fraction);
}

export function timeOfBlock(at: i32, units: i32): f64 {
  let time = ((load<u32>(at, 12) as u64) << 32) | (load<u32>(at, 16) as u64);
  if (units !== 1) time /= 1000;
  return f64(time);
}

export function interfaceOf(block: i32): i32 {
  return load<i32>(block, 8);
}

/** Where a block ends that has no options, which could say more of where a packet came from than its frame does. */
export function endOfBlock(at: i32, captured: i32): i32 {
  return at + BLOCK_LEAST + ((captured + 3) & ~3);
}

/** Is it an enhanced packet block of that length, of an interface whose packets are for the core? */
export function isOrdinaryBlock(at: i32, next: i32): bool {
  const length = next - at;
  if (load<i32>(at) !== ENHANCED_PACKET || load<i32>(at, WORD) !== length || load<i32>(next - WORD) !== length)
    return false;
  const by = interfaceOf(at);
  return (by as u32) < (INTERFACES_SLOTS as u32) && unitsOf(by) !== 0;
}
