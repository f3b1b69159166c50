/**
 * Transport checksums that were left to the network card (CHECKSUM_PARTIAL), finished where the kernel must: before a
 * packet is cut into fragments, and where it leaves (dev.c: skb_checksum_help).
 */
import { check, mangled0, sumOf } from "../bytes/checksum.ts";
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, type Packet } from "../packet/packet.ts";
import { IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";

/** The checksum field holds the pseudo header's sum: adds the rest. What the capture cut off is left as it is. */
export function completeChecksum(p: Packet): void {
  if (p.checksum !== CHECKSUM_PARTIAL) return;
  p.checksum = CHECKSUM_NONE;
  if (p.cut || p.l4 < 0 || !p.hasPorts) return;
  if (p.protocol === IPPROTO_TCP) p.view.setUint16(p.l4 + 16, check(sumOf(p.view, p.l4, p.end)));
  else if (p.protocol === IPPROTO_UDP) p.view.setUint16(p.l4 + 6, mangled0(check(sumOf(p.view, p.l4, p.end))));
}
