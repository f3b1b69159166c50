/** `-m eui64`: the last half of the IPv6 source is made from the frame's source address (ip6t_eui64.c). */
import { FORWARD, INPUT, PREROUTING } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import { match } from "../rules/extension.ts";

const MAC_LENGTH = 6;

function isFromMac({ data, mac, macLength, src2, src3 }: Packet): boolean {
  if (mac < 0 || macLength !== MAC_LENGTH) return false;
  const high = ((data[mac] ^ 2) << 24) | (data[mac + 1] << 16) | (data[mac + 2] << 8) | 0xff;
  const low = (0xfe << 24) | (data[mac + 3] << 16) | (data[mac + 4] << 8) | data[mac + 5];
  return src2 === high && src3 === low;
}

export const eui64 = match({
  name: "eui64",
  families: [6],
  hooks: [PREROUTING, INPUT, FORWARD],
  options: {},
  compile(_is, { host }) {
    return (p) => host.interfaces[p.inDev].mac !== null && isFromMac(p);
  },
  why: (_is, p) => (p.mac < 0 ? "it has no link-layer address" : "its source is not made from the link-layer address"),
});
