/** How a fragment of an IPv6 packet is known, in hex as packets leave. */
import { IPV6_HEADER, NEXTHDR_DEST, NEXTHDR_FRAGMENT, NEXTHDR_HOP, NEXTHDR_ROUTING } from "../packet/ipv6.ts";

/** The id in the fragment header of an IPv6 packet, if that stands behind options or routing at most. */
export function fragmentIdOf(hex: string): number | null {
  if (hex[0] !== "6") return null;
  const byte = (at: number) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16);
  let next = byte(6);
  let at = IPV6_HEADER;
  while (next === NEXTHDR_HOP || next === NEXTHDR_ROUTING || next === NEXTHDR_DEST) {
    next = byte(at);
    at += (byte(at + 1) + 1) * 8;
  }
  if (next !== NEXTHDR_FRAGMENT || hex.length < 2 * (at + 8)) return null;
  return Number.parseInt(hex.slice(2 * (at + 4), 2 * (at + 8)), 16);
}
