/**
 * The connection that the table holds for a packet's own tuple, although conntrack did not give the packet to it: it
 * called the packet INVALID or UNTRACKED, or never saw it.
 */
import type { Conntrack } from "../conntrack/conntrack.ts";
import { Transport, tupleAt } from "../conntrack/packet-tuple.ts";
import { Tuple } from "../conntrack/tuple.ts";
import { Packet } from "../packet/packet.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "../packet/transport.ts";

const packet = new Packet();
const transport = new Transport();
const tuple = new Tuple();
const inverse = new Tuple();

/** linux/icmp.h: icmp_is_err. */
const ICMP_ERRORS: readonly number[] = [3, 4, 5, 11, 12];
const FIRST_ICMPV6_QUERY = 128;

/** Its line as `conntrack -L` prints it, or null. `bytes` is the packet as it came. */
export function entryOf(conntrack: Conntrack, bytes: Uint8Array, zone: number): string | null {
  const wanted = tupleOf(bytes);
  const { family } = packet;
  if (wanted === null || !conntrack.armed(family)) return null;
  packet.zone = zone;
  conntrack.tick();
  const node = conntrack.findIn(packet, wanted);
  const connections = conntrack.connections(family);
  return node !== 0 && connections.isListed(node >>> 1) ? conntrack.lineOf(connections, node >>> 1) : null;
}

/**
 * The tuple by which a packet is looked up: its own, or for an ICMP error that of an answer to the packet it quotes.
 * null: it has none. One record is reused.
 */
export function tupleOf(bytes: Uint8Array): Tuple | null {
  packet.loadBytes(bytes);
  const { family, start } = packet;
  if (!tupleAt(packet, start, family, transport, tuple)) return null;
  const { protocol, offset } = transport;
  if (!quotes(protocol, packet.data[offset])) return tuple;
  return tupleAt(packet, offset + 8, family, transport, tuple) && tuple.invertInto(inverse) ? inverse : null;
}

function quotes(protocol: number, type: number): boolean {
  if (protocol === IPPROTO_ICMP) return ICMP_ERRORS.includes(type);
  return protocol === IPPROTO_ICMPV6 && type < FIRST_ICMPV6_QUERY;
}
