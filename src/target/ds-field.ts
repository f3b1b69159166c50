/** Writing IPv4's TOS byte and IPv6's traffic class (net/dsfield.h: ipv4_change_dsfield, ipv6_change_dsfield). */
import { replace2 } from "../bytes/checksum.ts";
import { IPV4_CHECKSUM } from "../packet/ipv4.ts";
import type { Packet } from "../packet/packet.ts";

/** Where IPv6's traffic class is in the first 16 bits. */
const CLASS_SHIFT = 4;

export function setTos(p: Packet, tos: number): void {
  const { view, start } = p;
  const old = view.getUint16(start);
  p.tos = tos;
  if (p.family === 4) {
    const changed = (old & 0xff00) | tos;
    view.setUint16(start, changed);
    view.setUint16(start + IPV4_CHECKSUM, replace2(view.getUint16(start + IPV4_CHECKSUM), old, changed));
  } else view.setUint16(start, (old & ~(0xff << CLASS_SHIFT)) | (tos << CLASS_SHIFT));
}
