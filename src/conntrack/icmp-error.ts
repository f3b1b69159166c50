/**
 * ICMP and ICMPv6 before they are looked up as flows of their own: checks, messages that are not tracked, and errors,
 * which belong to the connection of the packet they quote (nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c).
 */

import { expandIpv6, formatIpv4 } from "../bytes/address.ts";
import { CT_RELATED, CT_RELATED_REPLY, CT_UNTRACKED, type Packet } from "../packet/packet.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "../packet/transport.ts";
import { checksumHolds, verifies } from "./checksum.ts";
import type { Conntrack } from "./conntrack.ts";
import { Transport, tupleAt } from "./packet-tuple.ts";
import { REPLY, Tuple } from "./tuple.ts";

/** The message may be a flow's: go on looking. */
export const ICMP_GO_ON = 0;
/** INVALID. */
export const ICMP_INVALID = 1;
/** The packet has its connection, or is untracked. */
export const ICMP_DONE = 2;

const NR_ICMP_TYPES = 18;
/** linux/icmp.h: icmp_is_err: unreachable, source quench, redirect, time exceeded, parameter problem. */
const ICMP_ERRORS = (1 << 3) | (1 << 4) | (1 << 5) | (1 << 11) | (1 << 12);

/** ICMPv6 from 130 on that has no flows: MLD, neighbour discovery, MLDv2, multicast router discovery (noct_valid_new). */
const UNTRACKED_TYPES: ReadonlySet<number> = new Set([130, 131, 132, 133, 134, 135, 136, 143, 151, 152]);
const NDISC_REDIRECT = 137;
const ND_OPT_REDIRECT_HDR = 4;
/** Length of a redirect message without options. */
const REDIRECT_LENGTH = 40;

const inner = new Tuple();
const inverse = new Tuple();
const found = new Tuple();
const transport = new Transport();

/** nf_conntrack_icmpv4_error. */
export function icmpError(on: Conntrack, p: Packet, l4: number): number {
  if (l4 + 8 > p.end) return invalid(on, p, IPPROTO_ICMP, "short packet");
  if (verifies(on, p) && !checksumHolds(p, l4, 0, p.end - l4))
    return invalid(on, p, IPPROTO_ICMP, "bad hw icmp checksum");
  const type = p.data[l4];
  if (type > NR_ICMP_TYPES) return invalid(on, p, IPPROTO_ICMP, "invalid icmp type");
  if (((ICMP_ERRORS >>> type) & 1) === 0) return ICMP_GO_ON;
  return relate(on, p, l4 + 8);
}

/** nf_conntrack_icmpv6_error. */
export function icmpv6Error(on: Conntrack, p: Packet, l4: number): number {
  if (l4 + 8 > p.end) return invalid(on, p, IPPROTO_ICMPV6, "short packet");
  if (verifies(on, p) && !checksumHolds(p, l4, IPPROTO_ICMPV6, p.end - l4))
    return invalid(on, p, IPPROTO_ICMPV6, "ICMPv6 checksum failed");
  const type = p.data[l4];
  if (UNTRACKED_TYPES.has(type)) {
    p.ctinfo = CT_UNTRACKED;
    return ICMP_DONE;
  }
  if (type === NDISC_REDIRECT) return redirect(on, p, l4);
  if (type >= 128) return ICMP_GO_ON;
  return relate(on, p, l4 + 8);
}

/** nf_conntrack_icmpv6_redirect: the packet that was redirected is quoted in an option. */
function redirect(on: Conntrack, p: Packet, l4: number): number {
  if (l4 + REDIRECT_LENGTH > p.end) return invalid(on, p, IPPROTO_ICMPV6, "short redirect");
  if (p.data[l4 + 1] !== 0) return ICMP_GO_ON;
  if (p.ttl !== 255 || (p.src0 & 0xffc00000) !== (0xfe800000 | 0))
    return invalid(on, p, IPPROTO_ICMPV6, "invalid saddr or hoplimit for redirect");
  const option = l4 + REDIRECT_LENGTH;
  if (option + 2 > p.end || p.data[option + 1] === 0) return invalid(on, p, IPPROTO_ICMPV6, "redirect without options");
  if (p.data[option] !== ND_OPT_REDIRECT_HDR) return ICMP_GO_ON;
  return relate(on, p, option + 8);
}

/**
 * nf_conntrack_inet_error: the quoted packet went the other way than the error, so the error belongs to the direction
 * that the quoted tuple's inverse has; and it must be addressed to whom that direction goes.
 */
function relate(on: Conntrack, p: Packet, at: number): number {
  if (!tupleAt(p, at, p.family, transport, inner)) {
    if (p.steps !== null) on.explain(p, "an ICMP error that quotes too little of a packet");
    return ICMP_INVALID;
  }
  const node = inner.invertInto(inverse) ? on.findIn(p, inverse) : 0;
  if (node === 0) {
    if (p.steps !== null) on.explain(p, "an ICMP error about a packet of no known connection");
    return ICMP_INVALID;
  }
  const direction = (node & 1) as 0 | 1;
  on.connections(p.family).tuple(node >>> 1, direction, found);
  if (found.dst0 !== p.dst0 || found.dst1 !== p.dst1 || found.dst2 !== p.dst2 || found.dst3 !== p.dst3) {
    if (!on.hears(p)) return ICMP_INVALID;
    return p.family === 4
      ? invalid(on, p, IPPROTO_ICMP, `outer daddr ${formatIpv4(p.dst0)} != inner ${formatIpv4(found.dst0)}`)
      : invalid(on, p, IPPROTO_ICMPV6, `outer daddr ${full(p)} != inner ${full(found)}`);
  }
  p.ct = node >>> 1;
  p.ctinfo = direction === REPLY ? CT_RELATED_REPLY : CT_RELATED;
  return ICMP_DONE;
}

function full(of: { dst0: number; dst1: number; dst2: number; dst3: number }): string {
  return expandIpv6(of.dst0, of.dst1, of.dst2, of.dst3);
}

function invalid(on: Conntrack, p: Packet, protocol: number, reason: string): number {
  on.complain(p, protocol, reason);
  return ICMP_INVALID;
}
