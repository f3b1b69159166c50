/**
 * What a set type reads from a packet: addresses, the port or ICMP type (ip_set_getport.c), link-layer addresses.
 */

import { NEXTHDR_NONE } from "../../packet/ipv6.ts";
import { PACKET_BROADCAST, PACKET_HOST, PACKET_MULTICAST, type Packet } from "../../packet/packet.ts";
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "../../packet/transport.ts";
import type { SetEnvironment } from "./set.ts";

const SCTP_HEADER = 12;

/** Writes one address word (IPv4) or four (IPv6) of the packet into `key` from `at` on. */
export function putAddress(key: Int32Array, at: number, p: Packet, source: boolean): void {
  if (p.family === 4) {
    key[at] = source ? p.src0 : p.dst0;
  } else if (source) {
    key[at] = p.src0;
    key[at + 1] = p.src1;
    key[at + 2] = p.src2;
    key[at + 3] = p.src3;
  } else {
    key[at] = p.dst0;
    key[at + 1] = p.dst1;
    key[at + 2] = p.dst2;
    key[at + 3] = p.dst3;
  }
}

/**
 * Protocol and port as `protocol << 16 | port`, or -1 when the packet has none to read: a later fragment, or a header
 * that is not all there. ICMP: the port is type << 8 | code. A protocol without ports has port 0.
 */
export function portOf(p: Packet, source: boolean): number {
  const { protocol } = p;
  if (protocol < 0) return -1;
  if (p.family === 4 ? protocol === 0 : protocol === NEXTHDR_NONE) return -1;
  switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
      if (p.fragmentOffset !== 0 || !p.hasPorts) return -1;
      return (protocol << 16) | (source ? p.sport : p.dport);
    case IPPROTO_SCTP:
      if (p.fragmentOffset !== 0 || p.l4 < 0 || p.end - p.l4 < SCTP_HEADER) return -1;
      return (protocol << 16) | (source ? p.sport : p.dport);
    case IPPROTO_ICMP:
      if (p.fragmentOffset !== 0 || !p.hasPorts) return -1;
      return (protocol << 16) | p.dport;
    case IPPROTO_ICMPV6:
      // A later IPv4 fragment of this protocol is one without ports.
      if (p.fragmentOffset !== 0) return p.family === 4 ? protocol << 16 : -1;
      return p.hasPorts ? (protocol << 16) | p.dport : -1;
    default:
      return p.family === 6 && p.fragmentOffset !== 0 ? -1 : protocol << 16;
  }
}

/**
 * Writes the link-layer address into `key[at]` and the upper half of `key[at + 1]`; false when the packet came from no
 * Ethernet device or the address is all zero. The destination is what follows from the packet's type: the receiving device's own,
 * broadcast, or the group's.
 */
export function putMac(key: Int32Array, at: number, p: Packet, source: boolean, environment: SetEnvironment): boolean {
  if (p.mac < 0 || p.macLength !== 6) return false;
  let high: number;
  let low: number;
  if (source) {
    high = p.view.getInt32(p.mac);
    low = p.view.getUint16(p.mac + 4);
  } else if (p.packetType === PACKET_BROADCAST) {
    high = -1;
    low = 0xffff;
  } else if (p.packetType === PACKET_MULTICAST) {
    // The group's Ethernet address: 01:00:5e and 23 bits of an IPv4 group, 33:33 and 32 bits of an IPv6 one.
    const group = p.family === 4 ? p.dst0 & 0x7fffff : p.dst3;
    high = p.family === 4 ? 0x01005e00 | (group >>> 16) : 0x33330000 | (group >>> 16);
    low = group & 0xffff;
  } else {
    const mac = p.packetType === PACKET_HOST ? environment.interfaces[p.inDev]?.mac : null;
    if (mac === null || mac === undefined) return false;
    high = (mac[0] << 24) | (mac[1] << 16) | (mac[2] << 8) | mac[3];
    low = (mac[4] << 8) | mac[5];
  }
  key[at] = high;
  key[at + 1] = low << 16;
  return high !== 0 || low !== 0;
}
