/** The IPv4 header: where its fields lie, and how they fill a Packet (RFC 791). */

import { ipv4HeaderCheck } from "../bytes/checksum.ts";
import type { Packet } from "./packet.ts";
import { clearTransport, parseTransport } from "./transport.ts";

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
  if (present < IPV4_MIN_HEADER) {
    p.length = present;
    p.src0 = p.dst0 = p.tos = p.ttl = p.protocol = 0;
    p.fragmentOffset = 0;
    p.fragment = false;
    p.l4 = -1;
    clearTransport(p);
    return;
  }
  const { view, data, start } = p;
  const headerLength = (data[start] & 15) << 2;
  const length = view.getUint16(start + IPV4_LENGTH);
  p.length = length;
  p.tos = data[start + IPV4_TOS];
  p.ttl = data[start + IPV4_TTL];
  p.protocol = data[start + IPV4_PROTOCOL];
  p.src0 = view.getInt32(start + IPV4_SOURCE);
  p.dst0 = view.getInt32(start + IPV4_DESTINATION);
  const fragment = view.getUint16(start + IPV4_FRAGMENT);
  p.fragmentOffset = (fragment & IP_OFFSET) << 3;
  p.fragment = (fragment & (IP_MF | IP_OFFSET)) !== 0;
  // Bytes past the declared length are link-layer padding.
  if (length >= headerLength && length < present) p.end = start + length;
  if (headerLength < IPV4_MIN_HEADER || headerLength > present) {
    p.l4 = -1;
    clearTransport(p);
    return;
  }
  p.l4 = start + headerLength;
  if ((fragment & IP_OFFSET) === 0) parseTransport(p);
  else clearTransport(p);
}

/** Makes the header's checksum anew (ip_send_check). The whole header must be there. */
export function setIpv4Check(p: Packet): void {
  p.view.setUint16(p.start + IPV4_CHECKSUM, ipv4HeaderCheck(p.view, p.start, (p.data[p.start] & 15) << 2));
}
