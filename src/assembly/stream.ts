/**
 * A capture's packets one after the other, each from its record to its verdict, as long as all is known of them: the link
 * they came by, the connection or that they begin one, the route, and what the rules make of such packets (ways.ts).
 */

import { arrive, judge, node, TCP } from "./at-hand";
import { advance, span } from "./clock";
import {
  FREE_ENTRY,
  INTERFACES_SLOTS,
  LENGTHEN,
  LONG_WAY,
  SETTLED,
  STOPPED,
  STOPPED_AT,
  STOPPED_LINK,
  STOPPED_LONG,
  STOPPED_WAY,
  TAKEN,
  TRANSPORT_CHECKSUM,
  VERIFIES,
  WAY_ACCEPT,
  WAY_KIND,
  WAY_LONG,
  WAY_LONGEST,
} from "./layout";
import { countLink, deviceOf, isKnown, linkLengthOf, linkOf, unitsOf } from "./links";
import { admit, hasRoom, passBy } from "./newcomer";
import { STATUS } from "./record-words";
import { decreaseTtl, translate } from "./rewrite";
import { IPS_HELPER } from "./status";
import { control, recordOf, setControl } from "./table";
import { count, wayOf } from "./ways";

const WORD = 4;
/** pcap: a record's header. pcapng: an enhanced packet block, without the packet; its type; where the packet is in it. */
const RECORD_HEADER = 16;
const BLOCK_LEAST = 32;
const ENHANCED_PACKET = 6;
const BLOCK_HEADER = 28;
const IP_HEADER = 20;
const VERSION_AND_LENGTH = 0x45;
const UDP_HEADER = 8;
const TCP_HEADER = 20;
const UDP = 17;
/** No capture holds longer packets (bytes/record.ts). */
const LONGEST_PACKET = 0x40000;
/** Times beyond it are no integers in JavaScript (bytes/timescale.ts). */
const LATEST: u64 = 0x1fffffffffffff;
/** MF and the fragment offset, as they lie in memory. */
const FRAGMENT = 0xff3f;

/**
 * Takes the packets of the records from `at` on, of which all that lies before `end` is there: pcap, little-endian, with
 * headers of 16 bytes. Returns where it stopped: at the first record that is not whole or not ordinary, of which at most the
 * time was taken over.
 */
export function streamPcap(at: i32, end: i32): i32 {
  begin();
  const units = unitsOf(0);
  if (units === 0) return at;
  while (at + RECORD_HEADER <= end && control(LENGTHEN) === 0) {
    const captured = load<i32>(at, 8);
    const frame = at + RECORD_HEADER;
    const next = frame + captured;
    if ((captured as u32) > (LONGEST_PACKET as u32) || next > end) break;
    let fraction = load<u32>(at, WORD);
    if (units !== 1) fraction /= 1000;
    const time = f64(load<u32>(at)) * 1e6 + f64(fraction);
    if (!pass(0, frame, next, load<i32>(at, 12), time)) break;
    at = next;
  }
  return at;
}

/**
 * The same of pcapng: enhanced packet blocks, little-endian. Ordinary ones have no options, which could say more than the
 * frame does of where a packet came from.
 */
export function streamPcapng(at: i32, end: i32): i32 {
  begin();
  while (at + BLOCK_LEAST <= end && control(LENGTHEN) === 0) {
    const captured = load<i32>(at, 20);
    if ((captured as u32) > (LONGEST_PACKET as u32)) break;
    const length = BLOCK_LEAST + ((captured + 3) & ~3);
    const next = at + length;
    if (next > end || load<i32>(at) !== ENHANCED_PACKET) break;
    if (load<i32>(at, WORD) !== length || load<i32>(next - WORD) !== length) break;
    const by = load<i32>(at, 8);
    if ((by as u32) >= (INTERFACES_SLOTS as u32)) break;
    const units = unitsOf(by);
    if (units === 0) break;
    let time = ((load<u32>(at, 12) as u64) << 32) | (load<u32>(at, 16) as u64);
    if (units !== 1) time /= 1000;
    const frame = at + BLOCK_HEADER;
    if (time > LATEST || !pass(by, frame, frame + captured, load<i32>(at, 24), f64(time))) break;
    at = next;
  }
  return at;
}

/** Nothing was taken yet. */
function begin(): void {
  setControl(STOPPED, STOPPED_LONG);
  setControl(TAKEN, 0);
}

/** The packet in this frame of an interface, `wire` bytes long when it was whole, is taken; or it is one to stop at. */
function pass(by: i32, frame: i32, end: i32, wire: i32, time: f64): bool {
  const start = frame + linkLengthOf(by);
  if (end < start + IP_HEADER) return false;
  const stopped = take(by, frame, start, end, wire - (start - frame), time);
  if (stopped >= 0) {
    setControl(STOPPED, stopped);
    return false;
  }
  setControl(TAKEN, control(TAKEN) + 1);
  span(time);
  return true;
}

/**
 * Takes the packet at `start`, in a frame of this interface that begins at `frame` and ends at `end`: -1, or why not
 * (STOPPED_…).
 */
function take(by: i32, frame: i32, start: i32, end: i32, wire: i32, time: f64): i32 {
  const link = linkOf(by, frame, start);
  if (!isKnown(link)) return stopAt(start, link, STOPPED_LINK);
  const length = bswap<u16>(load<u16>(start, 2)) as i32;
  // What is no IP packet does not set the clock.
  if (start + length > end || !isPlain(start, length) || !advance(time)) return STOPPED_LONG;
  const iif = deviceOf(link, start);
  if (!arrive(start, start + IP_HEADER, start + length, wire, control(VERIFIES), iif)) return STOPPED_LONG;
  if (node === 0 ? !hasRoom() : !isOrdinary(load<i32>(recordOf(node >>> 1), STATUS * WORD))) return STOPPED_LONG;
  const way = wayOf(start, iif);
  const kind = load<i32>(way, WAY_KIND);
  if (kind === 0) return stopAt(start, way, STOPPED_WAY);
  if (kind === WAY_LONG || length > load<i32>(way, WAY_LONGEST)) return STOPPED_LONG;
  const accepted = kind === WAY_ACCEPT;
  if (judge(start, control(VERIFIES) & TRANSPORT_CHECKSUM) === LONG_WAY) return STOPPED_LONG;
  if (accepted) {
    if (node === 0 && !admit()) return STOPPED_LONG;
    decreaseTtl(start);
    translate(start);
  } else if (node === 0) passBy();
  count(way, length);
  countLink(link);
  return -1;
}

/** There is a free entry for what is not known yet of the packet. */
function stopAt(start: i32, entry: i32, why: i32): i32 {
  setControl(STOPPED_AT, start);
  setControl(FREE_ENTRY, entry);
  return why;
}

/** The connection's translation is settled where there is one to be, and no helper looks at its packets. */
function isOrdinary(status: i32): bool {
  const settled = control(SETTLED);
  return (status & (IPS_HELPER | settled)) === settled;
}

/** packet.ts: `plain`, of a packet that is all there. */
function isPlain(start: i32, length: i32): bool {
  if (load<u8>(start) !== VERSION_AND_LENGTH || (load<u16>(start, 6) & FRAGMENT) !== 0) return false;
  const protocol: i32 = load<u8>(start, 9);
  if (protocol === TCP) return length >= IP_HEADER + TCP_HEADER;
  return protocol === UDP && length >= IP_HEADER + UDP_HEADER;
}
