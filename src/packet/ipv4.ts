/** The IPv4 header: where its fields lie, and how they fill a Packet (RFC 791). */

import { ipv4HeaderCheck } from "../bytes/checksum.ts";
import type { Packet } from "./packet.ts";
import { clearTransport, IPPROTO_TCP, IPPROTO_UDP, parseTcp, parseTransport, TCP_HEADER } from "./transport.ts";

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

/** Fills `p` from the header at `p.start`, of which `present` bytes are there: every field that depends on bytes. */
export function parseIpv4(p: Packet, present: number): void {
  p.plain = false;
  if (present < IPV4_MIN_HEADER) {
    parseStump(p, present);
    return;
  }
  const { view, start } = p;
  const first = view.getInt32(start);
  const second = view.getInt32(start + 4);
  const third = view.getInt32(start + 8);
  const headerLength = (first >>> 22) & 60;
  const length = first & 0xffff;
  const protocol = (third >>> 16) & 0xff;
  p.length = length;
  p.tos = (first >>> 16) & 0xff;
  p.ttl = third >>> 24;
  p.protocol = protocol;
  p.src0 = view.getInt32(start + IPV4_SOURCE);
  p.dst0 = view.getInt32(start + IPV4_DESTINATION);
  p.fragmentOffset = (second & IP_OFFSET) << 3;
  p.fragment = (second & (IP_MF | IP_OFFSET)) !== 0;
  // Bytes past the declared length are link-layer padding.
  if (length >= headerLength && length < present) p.end = start + length;
  const l4 = start + headerLength;
  if (headerLength < IPV4_MIN_HEADER || headerLength > present) {
    p.l4 = -1;
    clearTransport(p);
    return;
  }
  p.l4 = l4;
  if ((second & IP_OFFSET) !== 0) clearTransport(p);
  else if (protocol === IPPROTO_TCP && p.end - l4 >= TCP_HEADER) {
    parseTcp(p, view, l4);
    p.plain = (second & IP_MF) === 0;
  } else {
    parseTransport(p);
    p.plain = protocol === IPPROTO_UDP && p.hasPorts && (second & IP_MF) === 0;
  }
}

/** There is no whole header. */
function parseStump(p: Packet, present: number): void {
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
