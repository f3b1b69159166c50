/**
 * A capture's packets one after the other, each from its record to its verdict, as long as all is known of them: the link
 * they came by, the connection or that they begin one, the route, and what the rules make of such packets (ways.ts).
 */

import { arrive, ECHO, ECHO_REPLY, ICMP, judge, node, protocol, TCP } from "./at-hand";
import { advance, setSpan } from "./clock";
import {
  FREE_ENTRY,
  LENGTHEN,
  LONG_WAY,
  NAT_DONE,
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
import {
  BLOCK_LEAST,
  BLOCK_LENGTHS,
  endOfBlock,
  interfaceOf,
  isOrdinaryBlock,
  LATEST,
  LONGEST_PACKET,
  RECORD_HEADER,
  RECORD_LENGTHS,
  timeOfBlock,
  timeOfRecord,
} from "./records";
import { decreaseTtl, translate } from "./rewrite";
import { IPS_HELPER, IPS_NAT_MASK } from "./status";
import { control, recordOf, setControl } from "./table";
import { count, wayOf } from "./ways";

const WORD = 4;
const IP_HEADER = 20;
const VERSION_AND_LENGTH = 0x45;
const UDP_HEADER = 8;
const ICMP_HEADER = 8;
const TCP_HEADER = 20;
const UDP = 17;
/** MF and the fragment offset, as they lie in memory. */
const FRAGMENT = 0xff3f;

/**
 * Takes the packets of the records from `at` on, of which all that lies before `end` is there: of pcapng's `blocks`, or of pcap.
 * Returns where it stopped: at the first record that is not whole or not ordinary, of which at most the time was taken over.
 */
export function stream(at: i32, end: i32, blocks: bool): i32 {
  const least = blocks ? BLOCK_LEAST : RECORD_HEADER;
  const lengths = blocks ? BLOCK_LENGTHS : RECORD_LENGTHS;
  let taken = 0;
  let first = f64.MAX_VALUE;
  let last = 0.0;
  let stopped = -1;
  // A pcap file has one interface. If it is not for the core, nothing is.
  if (!blocks && unitsOf(0) === 0) end = at;
  while (at + least <= end && control(LENGTHEN) === 0) {
    const captured = load<i32>(at + lengths);
    if ((captured as u32) > (LONGEST_PACKET as u32)) break;
    const frame = at + lengths + 2 * WORD;
    let next = frame + captured;
    let by = 0;
    let time: f64;
    if (blocks) {
      next = endOfBlock(at, captured);
      if (next > end || !isOrdinaryBlock(at, next)) break;
      by = interfaceOf(at);
      time = timeOfBlock(at, unitsOf(by));
      if (time > LATEST) break;
    } else {
      if (next > end) break;
      time = timeOfRecord(at, unitsOf(0));
    }
    const linkLength = linkLengthOf(by);
    if (captured < linkLength + IP_HEADER) break;
    stopped = take(by, frame, frame + linkLength, frame + captured, load<i32>(at + lengths, WORD) - linkLength, time);
    if (stopped >= 0) break;
    taken++;
    first = min<f64>(first, time);
    last = max<f64>(last, time);
    at = next;
  }
  setControl(STOPPED, stopped < 0 ? STOPPED_LONG : stopped);
  setControl(TAKEN, taken);
  setSpan(first, last);
  return at;
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
    if (protocol !== ICMP) translate(start);
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

/**
 * NAT has dealt with the connection where there is NAT, and no helper looks at its packets. Pings are not translated here. That
 * a masqueraded connection still leaves by its device (nat.ts: hasChangedDevice) need not be asked: a destination has one route.
 */
function isOrdinary(status: i32): bool {
  const done = control(NAT_DONE);
  const unusual = protocol === ICMP ? IPS_HELPER | IPS_NAT_MASK : IPS_HELPER;
  return (status & (unusual | done)) === done;
}

/** packet.ts: `plain`, of a packet that is all there; or half a ping. */
function isPlain(start: i32, length: i32): bool {
  if (load<u8>(start) !== VERSION_AND_LENGTH || (load<u16>(start, 6) & FRAGMENT) !== 0) return false;
  const carried: i32 = load<u8>(start, 9);
  if (carried === TCP) return length >= IP_HEADER + TCP_HEADER;
  if (carried === UDP) return length >= IP_HEADER + UDP_HEADER;
  const type: i32 = load<u8>(start, IP_HEADER);
  return carried === ICMP && length >= IP_HEADER + ICMP_HEADER && (type === ECHO || type === ECHO_REPLY);
}
