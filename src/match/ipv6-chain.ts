/** Where a header of an IPv6 packet's chain is, for the matches that ask about one extension header. */
import { IPV6_HEADER, IPV6_NEXT_HEADER, isExtensionHeader, NEXTHDR_AUTH, NEXTHDR_FRAGMENT } from "../packet/ipv6.ts";
import type { Packet } from "../packet/packet.ts";

/** There is no such header. */
export const NOT_THERE = -1;
/** The chain is broken in front of it: the match drops the packet. */
export const BROKEN_CHAIN = -2;

const FRAGMENT_OFFSET = 2;

/**
 * exthdrs_core.c: ipv6_find_hdr: offset in `p.data` of the first extension header of this type, of which its first two
 * bytes are there; or NOT_THERE, or BROKEN_CHAIN. Of a later fragment nothing is seen behind the fragment header.
 */
export function findExtensionHeader(p: Packet, wanted: number): number {
  const { data, view, end } = p;
  let next = data[p.start + IPV6_NEXT_HEADER];
  let at = p.start + IPV6_HEADER;
  while (isExtensionHeader(next)) {
    if (at + 2 > end) return BROKEN_CHAIN;
    let length = (data[at + 1] + 1) << 3;
    if (next === NEXTHDR_FRAGMENT) {
      if (at + FRAGMENT_OFFSET + 2 > end) return BROKEN_CHAIN;
      if (next === wanted) return at;
      if ((view.getUint16(at + FRAGMENT_OFFSET) & ~7) !== 0) return NOT_THERE;
      length = 8;
    } else if (next === NEXTHDR_AUTH) length = (data[at + 1] + 2) << 2;
    if (next === wanted) return at;
    next = data[at];
    at += length;
  }
  return NOT_THERE;
}
