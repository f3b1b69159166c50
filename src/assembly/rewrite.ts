/** What forwarding changes in the packet at hand: its time to live, and the ends that its connection translates. */

import { destination, header, ports, protocol, source, TCP } from "./at-hand";
import { ROUTED_TO } from "./layout";
import { fold } from "./sum";
import { control } from "./table";
import { destinationPort, newSource, newSourcePort } from "./ways";

const HEADER_CHECK = 10;
const TCP_CHECK = 16;
const UDP_CHECK = 6;

/** path/forward4.ts: decreaseTtl. */
export function decreaseTtl(start: i32): void {
  const sum: i32 = (load<u16>(start, HEADER_CHECK) as i32) + 1;
  store<u16>(start, sum + ((sum + 1) >>> 16), HEADER_CHECK);
  store<u8>(start, load<u8>(start, 8) - 1, 8);
}

/** nat/rewrite.ts: rewritePlain, of both ends. */
export function translate(start: i32): void {
  const to = control(ROUTED_TO);
  const newPorts = (newSourcePort << 16) | destinationPort;
  if (to === destination && newSource === source && newPorts === ports) return;
  const addresses = difference(source, newSource) + difference(destination, to);
  store<u16>(start, updated(load<u16>(start, HEADER_CHECK), addresses), HEADER_CHECK);
  store<i32>(start, bswap<i32>(newSource), 12);
  store<i32>(start, bswap<i32>(to), 16);
  store<i32>(header, bswap<i32>(newPorts));
  const at = header + (protocol === TCP ? TCP_CHECK : UDP_CHECK);
  const old: i32 = load<u16>(at);
  let now = updated(old, addresses + difference(ports, newPorts));
  // UDP's zero says that the sender made no checksum; where the sum is 0 it says 0xffff.
  if (protocol !== TCP) now = old === 0 ? 0 : now === 0 ? 0xffff : now;
  store<u16>(at, now);
}

/** What to add to a sum that has the bytes of `old`, when they become those of `now`. */
function difference(old: i32, now: i32): i32 {
  return halves(~old) + halves(now);
}

/** The two halves of a word, as they lie in memory. */
function halves(word: i32): i32 {
  const bytes = bswap<i32>(word);
  return (bytes & 0xffff) + (bytes >>> 16);
}

/** The checksum after the difference. Its sum is never 0, so 0xffff never comes out. */
function updated(checksum: i32, difference: i32): i32 {
  return ~fold((~checksum & 0xffff) + 0xffff + difference) & 0xffff;
}
