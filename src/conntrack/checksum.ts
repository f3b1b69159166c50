/**
 * The transport checksum of a packet as conntrack verifies it in PREROUTING (net/netfilter/utils.c). It sums all that
 * follows the transport header's start, whatever length UDP declares.
 */
import { pseudoSum4, pseudoSum6, sumHolds } from "../bytes/checksum.ts";
import { PREROUTING } from "../packet/hook.ts";
import { CHECKSUM_COMPLETE, CHECKSUM_NONE, type Packet } from "../packet/packet.ts";
import type { Conntrack } from "./conntrack.ts";

/** Is there a checksum to verify? Not on the way out, not when it is known to be good, not when bytes are missing. */
export function verifies(on: Conntrack, p: Packet): boolean {
  return p.hook === PREROUTING && on.sysctl.checksum !== 0 && p.checksum === CHECKSUM_NONE && !p.cut;
}

/**
 * Does the checksum of the transport header at `l4`, with the pseudo header of `protocol`, hold? `covered` bytes of
 * it are summed (all but for UDP-Lite). `protocol` 0: there is no pseudo header.
 */
export function checksumHolds(p: Packet, l4: number, protocol: number, covered: number): boolean {
  const pseudo = protocol === 0 ? 0 : pseudoSum(p, protocol, p.start + p.length - l4);
  if (!sumHolds(p.view, l4, l4 + covered, pseudo)) return false;
  // Almost nobody verifies it again, whatever happens to the bytes (skb->csum_valid).
  p.checksum = CHECKSUM_COMPLETE;
  return true;
}

function pseudoSum(p: Packet, protocol: number, length: number): number {
  return p.family === 4
    ? pseudoSum4(p.src0, p.dst0, protocol, length)
    : pseudoSum6(p.src0, p.src1, p.src2, p.src3, p.dst0, p.dst1, p.dst2, p.dst3, protocol, length);
}
