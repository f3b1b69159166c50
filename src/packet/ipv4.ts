/** The IPv4 header: where its fields lie, and how they fill a Packet (RFC 791). */

import { ipv4HeaderCheck } from "../bytes/checksum.ts";
import type { Packet } from "./packet.ts";
import {
  clearTransport,
  IPPROTO_TCP,
  IPPROTO_UDP,
  parseTcp,
  parseTransport,
  setPorts,
  TCP_HEADER,
  UDP_HEADER,
} from "./transport.ts";

export const IPV4_TOS = 1;
export const IPV4_LENGTH = 2;
export const IPV4_ID = 4;
export const IPV4_FRAGMENT = 6;
export const IPV4_TTL = 8;
export const IPV4_PROTOCOL = 9;
export const IPV4_CHECKSUM = 10;
export const IPV4_SOURCE = 12;
export const IPV4_DESTINATION = 16;
export const IPV4_MIN_HEADER = 20;

export const IP_DF = 0x4000;
export const IP_MF = 0x2000;
export const IP_OFFSET = 0x1fff;

/** First byte of an IPv4 header without options. */
const VERSION_AND_LENGTH = 0x45;

/**
 * Fills `p` from the header at `p.start`, of which `present` bytes are there: every field that depends on bytes. Words are
 * read before fields are written: each write in between would cost another look at the view.
 */
export function parseIpv4(p: Packet, present: number): void {
  if (present < IPV4_MIN_HEADER) {
    parseStump(p, present);
    return;
  }
  const { view, start } = p;
  const first = view.getInt32(start);
  const second = view.getInt32(start + 4);
  const third = view.getInt32(start + 8);
  const src0 = view.getInt32(start + IPV4_SOURCE);
  const dst0 = view.getInt32(start + IPV4_DESTINATION);
  const protocol = (third >>> 16) & 0xff;
  const length = first & 0xffff;
  const there = length < present ? length : present;
  const offset = (second & IP_OFFSET) << 3;
  const whole = (second & (IP_MF | IP_OFFSET)) === 0;
  const l4 = start + IPV4_MIN_HEADER;
  const ordinary = first >>> 24 === VERSION_AND_LENGTH && whole;
  if (ordinary && protocol === IPPROTO_TCP && there >= TCP_IN_IPV4) {
    parseTcp(p, view, l4);
    p.end = start + there;
    p.l4 = l4;
    p.plain = true;
  } else if (ordinary && protocol === IPPROTO_UDP && there >= UDP_IN_IPV4) {
    setPorts(p, view.getInt32(l4));
    p.end = start + there;
    p.l4 = l4;
    p.plain = true;
  } else parseRest(p, first, whole, protocol, offset, present);
  p.length = length;
  p.tos = (first >>> 16) & 0xff;
  p.ttl = third >>> 24;
  p.protocol = protocol;
  p.src0 = src0;
  p.dst0 = dst0;
  p.fragmentOffset = offset;
  p.fragment = !whole;
}

/** Bytes of an IPv4 header without options and what follows it, likewise. */
const TCP_IN_IPV4 = IPV4_MIN_HEADER + TCP_HEADER;
const UDP_IN_IPV4 = IPV4_MIN_HEADER + UDP_HEADER;

/** What lies behind the header that begins with the word `first`. */
function parseRest(p: Packet, first: number, whole: boolean, protocol: number, offset: number, present: number): void {
  const headerLength = (first >>> 22) & 60;
  const length = first & 0xffff;
  p.plain = false;
  // Bytes past the declared length are link-layer padding.
  if (length >= headerLength && length < present) p.end = p.start + length;
  const readable = headerLength >= IPV4_MIN_HEADER && headerLength <= present;
  p.l4 = readable ? p.start + headerLength : -1;
  if (!readable || offset !== 0) {
    clearTransport(p);
    return;
  }
  parseTransport(p, protocol);
  p.plain = whole && p.hasPorts && (protocol === IPPROTO_UDP || protocol === IPPROTO_TCP);
}

/** There is no whole header. */
function parseStump(p: Packet, present: number): void {
  p.plain = false;
  p.length = present;
  p.src0 = p.dst0 = p.tos = p.ttl = p.protocol = 0;
  p.fragmentOffset = 0;
  p.fragment = false;
  p.l4 = -1;
  clearTransport(p);
}

/** Makes the header's checksum anew (ip_send_check). The whole header must be there. */
export function setIpv4Check(p: Packet): void {
  p.view.setUint16(p.start + IPV4_CHECKSUM, ipv4HeaderCheck(p.view, p.start, (p.data[p.start] & 15) << 2));
}
