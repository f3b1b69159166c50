/**
 * Which of its own addresses the host gives a redirected packet: loopback to what it sent itself, else one of the
 * device the packet came in on (nf_nat_redirect.c).
 */
import {
  ADDR_COMPAT_V4,
  ADDR_LINKLOCAL,
  ADDR_LOOPBACK,
  ADDR_MAPPED,
  ADDR_SITELOCAL,
  addressKind6,
} from "../host/address6.ts";
import type { Interface } from "../host/interfaces.ts";
import { OUTPUT } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";

const INADDR_LOOPBACK = 0x7f000001;
/** IPV6_ADDR_SCOPE_MASK */
const SCOPE_BITS = ADDR_LOOPBACK | ADDR_LINKLOCAL | ADDR_SITELOCAL | ADDR_COMPAT_V4;

/** Writes the new destination into `out`; false when the device has no address to offer: the packet is dropped. */
export function redirectAddress(p: Packet, device: Interface | undefined, out: Int32Array): boolean {
  out.fill(0);
  if (p.hook === OUTPUT) {
    if (p.family === 4) out[0] = INADDR_LOOPBACK;
    else out[3] = 1;
    return true;
  }
  if (device === undefined) return false;
  return p.family === 4 ? firstAddress4(device, out) : firstAddress6(p, device, out);
}

/** The device's first address. */
function firstAddress4(device: Interface, out: Int32Array): boolean {
  const first = device.addresses.find(({ family }) => family === 4);
  if (first !== undefined) out.set(first.words);
  return out[0] !== 0;
}

/** The first address of the scope of the old destination, or of any scope when that is global. */
function firstAddress6(p: Packet, device: Interface, out: Int32Array): boolean {
  const wanted = addressKind6(p.dst0, p.dst1, p.dst2, p.dst3) & SCOPE_BITS;
  for (const { family, words } of device.addresses) {
    if (family !== 6) continue;
    const kind = addressKind6(words[0], words[1], words[2], words[3]);
    if ((kind & ADDR_MAPPED) !== 0 || (wanted !== 0 && (kind & wanted) === 0)) continue;
    out.set(words);
    return true;
  }
  return false;
}
