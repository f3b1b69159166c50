/** `-m pkttype`: for whom the link layer said the packet was (xt_pkttype.c). */
import {
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_LOOPBACK,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  type Packet,
} from "../packet/packet.ts";
import { match } from "../rules/extension.ts";
import { oneOf, optNot } from "../rules/types.ts";

const TYPES = {
  unicast: PACKET_HOST,
  broadcast: PACKET_BROADCAST,
  multicast: PACKET_MULTICAST,
  otherhost: PACKET_OTHERHOST,
  bcast: PACKET_BROADCAST,
  mcast: PACKET_MULTICAST,
  host: PACKET_HOST,
} as const;

const packetType = oneOf(TYPES, (word) => `Bad packet type '${word}'`, { ignoreCase: true });

/** A packet that the host sent to a group and hears itself counts as what it was sent to. */
function typeOf(p: Packet): number {
  if (p.packetType !== PACKET_LOOPBACK) return p.packetType;
  return p.family === 6 || p.dst0 >>> 28 === 14 ? PACKET_MULTICAST : PACKET_BROADCAST;
}

export const pkttype = match({
  name: "pkttype",
  families: [4, 6],
  options: {
    "--pkt-type": optNot(packetType, { required: true, help: "unicast, broadcast, multicast or otherhost" }),
  },

  compile(is) {
    const { not, value } = is["--pkt-type"]!;
    return (p) => (typeOf(p) === value) !== not;
  },

  why(is, p) {
    const { not, value } = is["--pkt-type"]!;
    const name = (type: number) => packetType.print(type as typeof value, { family: p.family });
    return `it came as ${name(typeOf(p))}${not ? "" : `, not ${name(value)}`}`;
  },
});
