/**
 * A capture's packets one after the other, each from its record to its verdict, as long as all is known of them: the link
 * they came by, the connection or that they begin one, the route, and what the rules make of such packets (ways.ts).
 */

import { arrive, ECHO, ECHO_REPLY, ICMP, judge, node, protocol, rangeOf, TCP } from "./at-hand";
import {
  ARRIVALS,
  BY_SOURCE,
  CLOCK,
  EARLIEST,
  FIRST_TIME,
  FREE_ENTRY,
  JIFFY_ENDS,
  LAST_TIME,
  LENGTHEN,
  LINK_DEVICE,
  LINK_LENGTH,
  LINK_PACKETS,
  LINK_SIZE,
  LINKS,
  LINKS_SLOTS,
  LONG_WAY,
  NANOSECONDS,
  NOW,
  SETTLED,
  STOPPED,
  STOPPED_AT,
  STOPPED_LINK,
  STOPPED_LONG,
  STOPPED_WAY,
  TAKEN,
  TIME,
  TRANSPORT_CHECKSUM,
  UNTIL,
  VERIFIES,
  WAY_ACCEPT,
  WAY_KIND,
  WAY_LONG,
  WAY_LONGEST,
} from "./layout";
import { admit, hasRoom, passBy } from "./newcomer";
import { STATUS } from "./record-words";
import { decreaseTtl, translate } from "./rewrite";
import { IPS_HELPER, IPS_NAT_MASK } from "./status";
import { control, recordOf, setControl } from "./table";
import { count, wayOf } from "./ways";

const WORD = 4;
const RECORD_HEADER = 16;
const IP_HEADER = 20;
const UDP_HEADER = 8;
const ICMP_HEADER = 8;
const TCP_HEADER = 20;
const UDP = 17;
/** No capture holds longer packets (bytes/record.ts). */
const LONGEST_PACKET = 0x40000;
const MICROSECONDS_PER_JIFFY = 4000;
/** MF and the fragment offset, as they lie in memory. */
const FRAGMENT = 0xff3f;

/**
 * Takes the packets of the records from `at` on, of which all that lies before `end` is there (pcap, little-endian). Returns
 * where it stopped: at the first record that is not whole or not ordinary, of which only the time was taken over.
 */
export function stream(at: i32, end: i32): i32 {
  const linkLength = control(LINK_LENGTH);
  let taken = 0;
  let first = f64.MAX_VALUE;
  let last = 0.0;
  let stopped = -1;
  while (at + RECORD_HEADER <= end) {
    const captured = load<i32>(at, 8);
    const frame = at + RECORD_HEADER;
    const next = frame + captured;
    if ((captured as u32) > (LONGEST_PACKET as u32) || next > end) break;
    const time = timeOf(at);
    if (captured < linkLength + IP_HEADER || !advance(time)) break;
    stopped = take(frame, frame + linkLength, next, load<i32>(at, 12) - linkLength);
    if (stopped >= 0) break;
    taken++;
    first = min<f64>(first, time);
    last = max<f64>(last, time);
    at = next;
    if (control(LENGTHEN) !== 0) break;
  }
  setControl(STOPPED, stopped < 0 ? STOPPED_LONG : stopped);
  setControl(TAKEN, taken);
  setNumber(FIRST_TIME, first);
  setNumber(LAST_TIME, last);
  return at;
}

/** Microseconds since 1970. */
function timeOf(record: i32): f64 {
  let fraction = load<u32>(record, WORD);
  if (control(NANOSECONDS) !== 0) fraction /= 1000;
  return f64(load<u32>(record)) * 1e6 + f64(fraction);
}

function number(index: i32): f64 {
  return load<f64>(CLOCK + (index << 3));
}

function setNumber(index: i32, value: f64): void {
  store<f64>(CLOCK + (index << 3), value);
}

/** The clock goes on to `time`, if that is later. False: too far. travel.ts: passTime, conntrack.ts: tick. */
function advance(time: f64): bool {
  if (time <= number(TIME)) return true;
  if (time >= number(UNTIL)) return false;
  setNumber(TIME, time);
  if (time < number(JIFFY_ENDS)) return true;
  const jiffies = i64(time) / MICROSECONDS_PER_JIFFY;
  setNumber(JIFFY_ENDS, f64((jiffies + 1) * MICROSECONDS_PER_JIFFY));
  const now = i32(jiffies);
  setControl(NOW, now);
  if (control(EARLIEST) - now < 0) setControl(EARLIEST, now);
  return true;
}

/** Takes the packet at `start`, in a frame that begins at `frame` and ends at `end`: -1, or why not (STOPPED_…). */
function take(frame: i32, start: i32, end: i32, wire: i32): i32 {
  const link = linkOf(frame, start);
  if (load<i32>(link, LINK_DEVICE) === 0) return stopAt(start, link, STOPPED_LINK);
  const length = bswap<u16>(load<u16>(start, 2)) as i32;
  if (start + length > end || !isPlain(start, length)) return STOPPED_LONG;
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
  store<f64>(link, load<f64>(link, LINK_PACKETS) + 1, LINK_PACKETS);
  return -1;
}

/** There is a free entry for what is not known yet of the packet. */
function stopAt(start: i32, entry: i32, why: i32): i32 {
  setControl(STOPPED_AT, start);
  setControl(FREE_ENTRY, entry);
  return why;
}

/** The connection's translation is settled where there is one to be, and no helper looks at its packets. Pings are not translated here. */
function isOrdinary(status: i32): bool {
  const settled = control(SETTLED);
  const unusual = protocol === ICMP ? IPS_HELPER | IPS_NAT_MASK : IPS_HELPER;
  return (status & (unusual | settled)) === settled;
}

/** packet.ts: `plain`, of a packet that is all there; or half a ping. */
function isPlain(start: i32, length: i32): bool {
  if ((load<u16>(start, 6) & FRAGMENT) !== 0) return false;
  const carried: i32 = load<u8>(start, 9);
  if (carried === TCP) return length >= IP_HEADER + TCP_HEADER;
  if (carried === UDP) return length >= IP_HEADER + UDP_HEADER;
  const type: i32 = load<u8>(start, IP_HEADER);
  return carried === ICMP && length >= IP_HEADER + ICMP_HEADER && (type === ECHO || type === ECHO_REPLY);
}

/** The entry of a link-layer header, or the free one where it would be. */
function linkOf(frame: i32, end: i32): i32 {
  if (frame === end) return LINKS;
  const first = load<u64>(frame);
  const last = load<u64>(end - 8);
  const mixed = first ^ (last << 23) ^ (last >>> 11);
  const slot = (((i32(mixed) ^ i32(mixed >>> 32)) * 0x9e3779b1) >>> 16) & (LINKS_SLOTS - 1);
  let link = LINKS + slot * LINK_SIZE;
  while (load<i32>(link, LINK_DEVICE) !== 0 && (load<u64>(link) !== first || load<u64>(link, 8) !== last)) {
    link += LINK_SIZE;
    if (link === LINKS + LINKS_SLOTS * LINK_SIZE) link = LINKS;
  }
  return link;
}

/** The device that a packet came in by; 0 if that cannot be told. */
function deviceOf(link: i32, start: i32): i32 {
  const device = load<i32>(link, LINK_DEVICE);
  if (device !== BY_SOURCE) return device;
  return rangeOf(control(ARRIVALS), bswap<i32>(load<i32>(start, 12)));
}
