/**
 * Reading a tuple out of a packet's bytes: of the packet itself, or of the one quoted inside an ICMP error
 * (nf_conntrack_core.c: get_l4proto, nf_ct_get_tuple).
 */
import type { Family } from "../packet/hook.ts";
import {
  IPV6_HEADER,
  IPV6_NEXT_HEADER,
  isExtensionHeader,
  NEXTHDR_AUTH,
  NEXTHDR_FRAGMENT,
  NEXTHDR_NONE,
} from "../packet/ipv6.ts";
import type { Packet } from "../packet/packet.ts";
import {
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "../packet/transport.ts";
import type { Tuple } from "./tuple.ts";

/** Where a transport header begins, and of which protocol. One record is reused. */
export class Transport {
  /** Offset in `Packet.data`; -1 when there is none to be found. May lie past the end of the packet. */
  offset = -1;
  protocol = 0;
}

/** Finds the transport header of the IP header at `at` (get_l4proto). */
export function findTransport(p: Packet, at: number, family: Family, into: Transport): void {
  if (family === 4) findTransport4(p, at, into);
  else findTransport6(p, at, into);
}

function findTransport4(p: Packet, at: number, into: Transport): void {
  into.offset = -1;
  if (at + 20 > p.end) return;
  if ((p.view.getUint16(at + 6) & 0x1fff) !== 0) return;
  into.protocol = p.data[at + 9];
  const offset = at + ((p.data[at] & 15) << 2);
  if (offset <= p.start + p.length) into.offset = offset;
}

/**
 * exthdrs_core.c: ipv6_skip_exthdr. It differs from the walk that fills a Packet: a header needs only its first two
 * bytes to be there, and "no next header" ends in failure.
 */
function findTransport6(p: Packet, at: number, into: Transport): void {
  into.offset = -1;
  if (at + IPV6_HEADER > p.end) return;
  const { data, view, end } = p;
  let next = data[at + IPV6_NEXT_HEADER];
  let offset = at + IPV6_HEADER;
  while (isExtensionHeader(next)) {
    if (offset + 2 > end) return;
    let length = (data[offset + 1] + 1) << 3;
    if (next === NEXTHDR_AUTH) length = (data[offset + 1] + 2) << 2;
    else if (next === NEXTHDR_FRAGMENT) {
      if (offset + 4 > end || (view.getUint16(offset + 2) & ~7) !== 0) return;
      length = 8;
    }
    next = data[offset];
    offset += length;
  }
  if (next === NEXTHDR_NONE) return;
  into.protocol = next;
  into.offset = offset;
}

/** Fills `tuple` from the IP header at `at` and what follows it; false when something is missing. Leaves the zone. */
export function tupleAt(p: Packet, at: number, family: Family, scratch: Transport, tuple: Tuple): boolean {
  findTransport(p, at, family, scratch);
  if (scratch.offset < 0) return false;
  const view = p.view;
  tuple.family = family;
  if (family === 4) {
    tuple.src0 = view.getInt32(at + 12);
    tuple.dst0 = view.getInt32(at + 16);
    tuple.src1 = tuple.src2 = tuple.src3 = 0;
    tuple.dst1 = tuple.dst2 = tuple.dst3 = 0;
  } else {
    tuple.src0 = view.getInt32(at + 8);
    tuple.src1 = view.getInt32(at + 12);
    tuple.src2 = view.getInt32(at + 16);
    tuple.src3 = view.getInt32(at + 20);
    tuple.dst0 = view.getInt32(at + 24);
    tuple.dst1 = view.getInt32(at + 28);
    tuple.dst2 = view.getInt32(at + 32);
    tuple.dst3 = view.getInt32(at + 36);
  }
  return readPorts(p, scratch.offset, scratch.protocol, tuple);
}

/** Sets protocol, sport and dport of `tuple` from the transport header at `l4`; false when that is not all there. */
export function readPorts(p: Packet, l4: number, protocol: number, tuple: Tuple): boolean {
  tuple.protocol = protocol;
  const view = p.view;
  switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP:
      if (l4 + 4 > p.end) return false;
      tuple.sport = view.getUint16(l4);
      tuple.dport = view.getUint16(l4 + 2);
      return true;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      if (l4 + 8 > p.end) return false;
      tuple.sport = view.getUint16(l4 + 4);
      tuple.dport = view.getUint16(l4);
      return true;
    case IPPROTO_GRE:
      return readGreKeys(p, l4, tuple);
    default:
      tuple.sport = 0;
      tuple.dport = 0;
      return true;
  }
}

const GRE_VERSION_MASK = 7;
const GRE_VERSION_PPTP = 1;
const GRE_PROTO_PPP = 0x880b;

/**
 * nf_conntrack_proto_gre.c: gre_pkt_to_tuple. Only PPTP's version 1 has a key, the call id of the receiver. The
 * sender's is what the pptp helper wrote down; without it, 0.
 */
function readGreKeys(p: Packet, l4: number, tuple: Tuple): boolean {
  tuple.sport = 0;
  tuple.dport = 0;
  if (l4 + 4 > p.end || (p.data[l4 + 1] & GRE_VERSION_MASK) !== GRE_VERSION_PPTP) return true;
  if (l4 + 8 > p.end) return true;
  if (p.view.getUint16(l4 + 2) !== GRE_PROTO_PPP) return false;
  tuple.dport = p.view.getUint16(l4 + 6);
  return true;
}
