/** The IPv6 header and its extension headers (RFC 8200), walked as ip6_tables and conntrack walk them. */

import type { Packet } from "./packet.ts";
import { clearTransport, parseTransport } from "./transport.ts";

export const IPV6_LENGTH = 4;
export const IPV6_NEXT_HEADER = 6;
export const IPV6_HOP_LIMIT = 7;
export const IPV6_SOURCE = 8;
export const IPV6_DESTINATION = 24;
export const IPV6_HEADER = 40;

export const NEXTHDR_HOP = 0;
export const NEXTHDR_ROUTING = 43;
export const NEXTHDR_FRAGMENT = 44;
export const NEXTHDR_AUTH = 51;
export const NEXTHDR_NONE = 59;
export const NEXTHDR_DEST = 60;

/** Fills `p` from the header at `p.start`, of which `present` bytes are there: every field that depends on bytes. */
export function parseIpv6(p: Packet, present: number): void {
  p.protocol = 0;
  p.fragmentOffset = 0;
  p.fragment = false;
  p.l4 = -1;
  if (present < IPV6_HEADER) {
    p.length = present;
    p.tos = p.ttl = 0;
    p.src0 = p.src1 = p.src2 = p.src3 = 0;
    p.dst0 = p.dst1 = p.dst2 = p.dst3 = 0;
    clearTransport(p);
    return;
  }
  const { view, start } = p;
  const payload = view.getUint16(start + IPV6_LENGTH);
  p.length = payload + IPV6_HEADER;
  // A jumbogram says its length in an option; until that is read, all that came belongs to it.
  if (payload === 0 && p.data[start + IPV6_NEXT_HEADER] === NEXTHDR_HOP) p.length = present;
  p.tos = (view.getUint16(start) >>> 4) & 0xff;
  p.ttl = p.data[start + IPV6_HOP_LIMIT];
  p.src0 = view.getInt32(start + IPV6_SOURCE);
  p.src1 = view.getInt32(start + IPV6_SOURCE + 4);
  p.src2 = view.getInt32(start + IPV6_SOURCE + 8);
  p.src3 = view.getInt32(start + IPV6_SOURCE + 12);
  p.dst0 = view.getInt32(start + IPV6_DESTINATION);
  p.dst1 = view.getInt32(start + IPV6_DESTINATION + 4);
  p.dst2 = view.getInt32(start + IPV6_DESTINATION + 8);
  p.dst3 = view.getInt32(start + IPV6_DESTINATION + 12);
  if (p.length < present) p.end = start + p.length;
  walkExtensionHeaders(p);
  if (p.l4 >= 0 && p.fragmentOffset === 0) parseTransport(p, p.protocol);
  else clearTransport(p);
}

/**
 * exthdrs_core.c: ipv6_find_hdr with target -1, which is what `-p` and the matches see: the chain may end in
 * NEXTHDR_NONE, of a header the first bytes must be there but not all that it claims, and a later fragment's protocol is
 * what its header names.
 */
function walkExtensionHeaders(p: Packet): void {
  const { data, view, end } = p;
  let next = data[p.start + IPV6_NEXT_HEADER];
  let at = p.start + IPV6_HEADER;
  while (isExtensionHeader(next)) {
    p.protocol = -1;
    if (at + (next === NEXTHDR_ROUTING ? 4 : 2) > end) return;
    let headerLength = (data[at + 1] + 1) << 3;
    if (next === NEXTHDR_FRAGMENT) {
      if (at + 4 > end) return;
      const fragment = view.getUint16(at + 2);
      const offset = fragment & ~7;
      p.fragment = offset !== 0 || (fragment & 1) !== 0;
      if (offset !== 0) {
        if (isExtensionHeader(data[at])) return;
        p.fragmentOffset = offset;
        p.protocol = data[at];
        if (at + 8 <= end) p.l4 = at + 8;
        return;
      }
      headerLength = 8;
    } else if (next === NEXTHDR_AUTH) headerLength = (data[at + 1] + 2) << 2;
    next = data[at];
    at += headerLength;
  }
  p.protocol = next;
  // The last header may claim to be longer than the packet: its protocol still counts, but nothing of it is there.
  if (at <= end) p.l4 = at;
}

/** ipv6_ext_hdr, without NEXTHDR_NONE. */
export function isExtensionHeader(next: number): boolean {
  return (
    next === NEXTHDR_HOP ||
    next === NEXTHDR_ROUTING ||
    next === NEXTHDR_FRAGMENT ||
    next === NEXTHDR_AUTH ||
    next === NEXTHDR_DEST
  );
}

/** What `skipExtensionHeaders` found. One record is reused. */
export class HeaderWalk {
  /** Offset in `Packet.data`, maybe past the end; -1: the chain is broken. */
  at = -1;
  /** The header there. Behind a later fragment's header nothing is known: then it is NEXTHDR_FRAGMENT. */
  next = 0;
  /** Offset and flags of the last fragment header, as they are in the packet; 0 without one. */
  fragment = 0;
}

/** exthdrs_core.c: ipv6_skip_exthdr, from the header `next` at `at`. It asks less of the headers than `-p` does. */
export function skipExtensionHeaders(p: Packet, at: number, next: number, into: HeaderWalk): void {
  const { data, view, end } = p;
  into.at = -1;
  into.fragment = 0;
  while (isExtensionHeader(next)) {
    if (at + 2 > end) return;
    let length = (data[at + 1] + 1) << 3;
    if (next === NEXTHDR_FRAGMENT) {
      if (at + 4 > end) return;
      into.fragment = view.getUint16(at + 2);
      if ((into.fragment & ~7) !== 0) break;
      length = 8;
    } else if (next === NEXTHDR_AUTH) length = (data[at + 1] + 2) << 2;
    next = data[at];
    at += length;
  }
  if (next === NEXTHDR_NONE) return;
  into.at = at;
  into.next = next;
}
