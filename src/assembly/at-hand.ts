/**
 * The packet at hand: what ip_rcv, conntrack and the routing decision make of it.
 */

import {
  HEADER_CHECKSUM,
  ICMP_TIMEOUT,
  LONG_WAY,
  NOW,
  RANGES,
  ROUTE,
  ROUTED_TO,
  ROUTING,
  UDP_TIMEOUT,
  UDP_TIMEOUT_STREAM,
  UNKNOWN,
  VERIFIED,
} from "./layout";
import { STATUS, TIMEOUT, TRACKER_WORDS } from "./record-words";
import {
  IPS_ASSURED,
  IPS_DYING,
  IPS_EXPECTED,
  IPS_FIXED_TIMEOUT,
  IPS_NAT_CLASH,
  IPS_SEEN_REPLY,
  IPS_SEQ_ADJUST,
} from "./status";
import { fold, sum } from "./sum";
import { control, create, find, hashOf, recordOf, refresh, setControl, sourceOf } from "./table";
import { isOpening, isSoundSegment, open, proceed, word } from "./tcp";

const WORD = 4;
const SOURCE = 12;
const DESTINATION = 16;
const PROTOCOL = 9;
const TTL = 8;
const HEADER = 20;
export const TCP = 6;
export const ICMP = 1;
const UDP_HEADER = 8;
/** The two halves of a ping; between them bits of a message's type. */
export const ECHO = 8;
export const ECHO_REPLY = 0;

/** Connections whose packets are not all alike. */
const UNUSUAL = IPS_DYING | IPS_FIXED_TIMEOUT | IPS_NAT_CLASH | IPS_SEQ_ADJUST;

/** packet/packet.ts */
export const CT_ESTABLISHED = 0;
export const CT_NEW = 2;
export const CT_ESTABLISHED_REPLY = 3;

/** protocol/udp.ts: a flow with packets both ways for so many jiffies is a stream; where that moment is kept. */
const STREAM_AFTER = 2 * 250;
const STREAM_AT = (TRACKER_WORDS + 1) * WORD;

// The packet at hand, of which `begin` makes a connection when it has none: its tuple and what that hashes to, its transport
// header, where what is there of it ends, how many bytes the header declares from there on, and its node, if it has one.
export let source = 0;
export let destination = 0;
export let ports = 0;
export let protocol = 0;
export let hash = 0;
export let header = 0;
let present = 0;
let total = 0;
export let node = 0;

/** Makes this the packet at hand. */
export function look(start: i32, l4: i32, end: i32, length: i32): void {
  source = word(start, SOURCE);
  destination = word(start, DESTINATION);
  protocol = load<u8>(start, PROTOCOL);
  ports = protocol === ICMP ? (word(l4, 4) & 0xffff0000) | (word(l4, 0) >>> 16) : word(l4, 0);
  header = l4;
  present = end;
  total = start + length - l4;
  hash = hashOf(source, destination, ports, protocol);
  node = find(hash, source, destination, ports, protocol);
}

/** What `track` says of the packet at hand, which is one of a connection's, or begins one. */
export function judge(start: i32, verify: i32): i32 {
  if (protocol === ICMP) return judgeEcho(verify);
  const tcp = protocol === TCP;
  const verified = tcp ? soundSegment(start, verify) : soundDatagram(start, verify);
  if (verified < 0) return LONG_WAY;
  if (node === 0) return tcp && !isOpening(header) ? LONG_WAY : UNKNOWN - verified;
  const record = recordOf(node >>> 1);
  if ((load<i32>(record, STATUS * WORD) & UNUSUAL) !== 0) return LONG_WAY;
  const direction = node & 1;
  const answer = ((node >>> 1) << 4) | verified;
  if (!tcp) return datagram(record, direction, answer);
  if (!proceed(record, direction, header, present, total)) return LONG_WAY;
  return answer | (direction === 1 ? CT_ESTABLISHED_REPLY : CT_ESTABLISHED);
}

/** The same of half a ping. protocol/icmp.ts, conntrack/icmp-error.ts. */
function judgeEcho(verify: i32): i32 {
  if (verify !== 0 && fold(sum(header, present)) !== 0xffff) return LONG_WAY;
  const verified = verify === 0 ? 0 : VERIFIED;
  if (node === 0) return isEchoRequest() ? UNKNOWN - verified : LONG_WAY;
  const record = recordOf(node >>> 1);
  const status = load<i32>(record, STATUS * WORD);
  if ((status & (UNUSUAL | IPS_EXPECTED)) !== 0) return LONG_WAY;
  const direction = node & 1;
  if (direction === 1) store<i32>(record, status | IPS_SEEN_REPLY, STATUS * WORD);
  refresh(record, control(ICMP_TIMEOUT));
  return ((node >>> 1) << 4) | verified | infoOf(direction, status);
}

function isEchoRequest(): bool {
  return ((ports >>> 8) & 0xff) === ECHO;
}

/** ctinfo of a packet in this direction of a connection that had this status before. */
export function infoOf(direction: i32, status: i32): i32 {
  if (direction === 1) return CT_ESTABLISHED_REPLY;
  return (status & IPS_SEEN_REPLY) !== 0 ? CT_ESTABLISHED : CT_NEW;
}

/** `receive` without conntrack's judgement, which changes connections: is it an ordinary packet so far? */
export function arrive(start: i32, l4: i32, end: i32, wire: i32, verify: i32, iif: i32): bool {
  const first = word(start, 0);
  const length = first & 0xffff;
  const table = load<i32>(ROUTING + iif * WORD);
  if (table === 0) return false;
  if (first >>> 24 !== 0x45 || length < HEADER || length > wire || load<u8>(start, TTL) <= 1) return false;
  if ((verify & HEADER_CHECKSUM) !== 0 && !headerHolds(start)) return false;
  look(start, l4, end, length);
  const to = node === 0 ? destination : sourceOf(node ^ 1);
  const route = rangeOf(table, to) >>> 1;
  if (route === 0 || (rangeOf(table, source) & 1) === 0) return false;
  setControl(ROUTE, route);
  setControl(ROUTED_TO, to);
  return true;
}

/** The word of the range that the value is in: of a route table, route << 1 | ordinary. */
export function rangeOf(table: i32, address: i32): i32 {
  const first = table + ((address >>> 24) << 1);
  let low: i32 = load<u16>(first);
  let high: i32 = load<u16>(first, 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (load<u32>(table + (middle << 3), RANGES) <= (address as u32)) low = middle;
    else high = middle - 1;
  }
  return load<i32>(table + (low << 3), RANGES + WORD);
}

/** A header of five words. */
function headerHolds(start: i32): bool {
  const words: u64 = load<u64>(start);
  const more: u64 = load<u64>(start, 8);
  const low: u64 = (words & 0xffffffff) + (words >>> 32) + (more & 0xffffffff) + (more >>> 32) + load<u32>(start, 16);
  return fold(fold((low & 0xffffffff) as i32) + ((low >>> 32) as i32)) === 0xffff;
}

/** 0 or VERIFIED; -1 when something is wrong. */
function soundSegment(start: i32, verify: i32): i32 {
  if (!isSoundSegment(header, total)) return -1;
  if (verify === 0) return 0;
  return checksumHolds(start) ? VERIFIED : -1;
}

function soundDatagram(start: i32, verify: i32): i32 {
  const lengthAndSum = word(header, 4);
  const declared = lengthAndSum >>> 16;
  if (declared > total || declared < UDP_HEADER) return -1;
  if (verify === 0 || (lengthAndSum & 0xffff) === 0) return 0;
  return checksumHolds(start) ? VERIFIED : -1;
}

/** conntrack/checksum.ts: checksumHolds, over little-endian words. */
function checksumHolds(start: i32): bool {
  const from = load<i32>(start, SOURCE);
  const to = load<i32>(start, DESTINATION);
  const addresses = (from & 0xffff) + (from >>> 16) + (to & 0xffff) + (to >>> 16);
  const length = ((total & 0xff) << 8) | (total >>> 8);
  return fold(sum(header, present) + addresses + (protocol << 8) + length) === 0xffff;
}

/** protocol/udp.ts: trackDatagram, of a flow that is known. */
function datagram(record: i32, direction: i32, answer: i32): i32 {
  const status = load<i32>(record, STATUS * WORD);
  const answered = (status & IPS_SEEN_REPLY) !== 0;
  if (direction === 0 && !answered && (status & IPS_EXPECTED) !== 0) return LONG_WAY;
  let now = direction === 1 ? status | IPS_SEEN_REPLY : status;
  let timeout = control(UDP_TIMEOUT);
  if (answered && control(NOW) - load<i32>(record, STREAM_AT) > 0) {
    timeout = control(UDP_TIMEOUT_STREAM);
    now |= IPS_ASSURED;
  }
  store<i32>(record, now, STATUS * WORD);
  refresh(record, timeout);
  return answer | infoOf(direction, status);
}

/** What hash a packet that answers the one at hand would have. */
export function replyHash(): i32 {
  return hashOf(destination, source, replyPorts(), protocol);
}

/** Its ports change places; an answer to a ping has the same id. */
function replyPorts(): i32 {
  return protocol === ICMP ? (ports & 0xffff00ff) | (ECHO_REPLY << 8) : rotl<i32>(ports, 16);
}

/** An unconfirmed connection for the packet at hand: its handle, or 0 when there is no room. */
export function begin(): i32 {
  const handle = create(source, destination, ports, replyPorts(), protocol);
  if (handle === 0) return 0;
  const record = recordOf(handle);
  if (protocol === TCP) open(record, header, present, total);
  else if (protocol === ICMP) store<i32>(record, control(ICMP_TIMEOUT), TIMEOUT * WORD);
  else {
    store<i32>(record, control(NOW) + STREAM_AFTER, STREAM_AT);
    store<i32>(record, control(UDP_TIMEOUT), TIMEOUT * WORD);
  }
  return handle;
}
