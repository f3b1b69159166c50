/**
 * The ICMPv6 errors that the host sends about a packet (net/ipv6/icmp.c: icmp6_send), and their way out.
 */

import { check, pseudoSum6, sumOf } from "../bytes/checksum.ts";
import { LO } from "../host/interfaces.ts";
import type { Route } from "../host/route.ts";
import { HeaderWalk, IPV6_HEADER, IPV6_LENGTH, IPV6_NEXT_HEADER, skipExtensionHeaders } from "../packet/ipv6.ts";
import { PACKET_HOST, SENDER_KERNEL } from "../packet/packet.ts";
import { IPPROTO_ICMPV6 } from "../packet/transport.ts";
import { cut6, FRAGMENT_HEADER } from "./fragment6.ts";
import { localOut6 } from "./output6.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

export const ICMPV6_UNREACHABLE = 1;
export const ICMPV6_TOO_BIG = 2;
export const ICMPV6_TIME_EXCEEDED = 3;
export const ICMPV6_PARAMETER_PROBLEM = 4;
export const ICMPV6_UNKNOWN_OPTION = 2;

const MIN_MTU = 1280;
const ICMP_HEADER = 8;
/** The bit that tells queries and other information from errors. */
const INFORMATION = 0x80;

const walk = new HeaderWalk();
const chosen = new Int32Array(4);

/** Sends an error about `p`; `info` is the header's last word (MTU, pointer). */
export function icmpSend6(on: Stack, p: Skb, type: number, code: number, info: number): void {
  if (p.end - p.start < IPV6_HEADER || p.deviceNow === 0) return;
  const many = isMulticast(p.dst0) || p.packetType !== PACKET_HOST;
  if (many && type !== ICMPV6_TOO_BIG) {
    if (type !== ICMPV6_PARAMETER_PROBLEM || code !== ICMPV6_UNKNOWN_OPTION || !mustBeAnswered(p, info)) return;
  }
  const anonymous = (p.src0 | p.src1 | p.src2 | p.src3) === 0;
  if (anonymous || isMulticast(p.src0) || isAboutError(p)) return;
  const limited = p.deviceNow !== LO && type <= 255 && on.icmp6Limited(type);
  if (limited && !on.limit.global()) return;
  if (on.icmpBusy6) return;
  on.icmpBusy6 = true;
  try {
    answer(on, p, type, code, info, limited, many);
  } finally {
    on.icmpBusy6 = false;
  }
}

function isMulticast(word: number): boolean {
  return word >>> 24 === 0xff;
}

export function isLinkLocal(word: number): boolean {
  return word >>> 22 === 0x3fa;
}

/** opt_unrec: an unknown option that asks for an answer even when the packet went to many. */
function mustBeAnswered(p: Skb, offset: number): boolean {
  const at = p.start + offset;
  return at >= p.end || (p.data[at] & 0xc0) === 0x80;
}

/** is_ineligible. */
function isAboutError(p: Skb): boolean {
  skipExtensionHeaders(p, p.start + IPV6_HEADER, p.data[p.start + IPV6_NEXT_HEADER], walk);
  if (walk.at < 0 || walk.next !== IPPROTO_ICMPV6) return false;
  if (walk.at >= p.end) return walk.fragment === 0;
  return (p.data[walk.at] & INFORMATION) === 0;
}

function answer(on: Stack, p: Skb, type: number, code: number, info: number, limited: boolean, many: boolean): void {
  const host = on.host;
  const mark = host.sysctl.fwmarkReflect6 !== 0 ? p.mark : 0;
  // A link-local sender is known by its device.
  const oif = isLinkLocal(p.src0) ? linkOf(p) : 0;
  chooseSource(on, p, many);
  const [s0, s1, s2, s3] = chosen;
  const way = host.route6(p.src0, p.src1, p.src2, p.src3, s0, s1, s2, s3, oif, mark);
  if (limited && !mayAnswer(on, p, way)) return;
  if (way.error !== 0) return;
  const known = (s0 | s1 | s2 | s3) !== 0;
  const anycast = host.leadsToAnycast6(p.src0, p.src1, p.src2, p.src3, oif, known);
  if (anycast && host.sysctl.icmp6ErrorAnycastAsUnicast === 0) return;
  if (!known && !sourceOfRoute(on, p, way)) return;
  const quoted = Math.min(p.length, MIN_MTU - IPV6_HEADER - ICMP_HEADER);
  const skb = build(on, p, type, code, info, quoted, way);
  skb.mark = mark;
  on.conntrack.attach(skb, p);
  localOut6(on, skb);
  on.tell(p, skb, `ICMPv6 type ${type} code ${code} to the sender`);
  on.done(skb);
}

/** icmp6_dev: what the host sends to itself is on lo, but the address that it goes to is another device's. */
function linkOf(p: Skb): number {
  return p.deviceNow === LO && p.route !== null && p.route.sourceDev !== 0 ? p.route.sourceDev : p.deviceNow;
}

/** Fills `chosen`: the address that was written to, if it is ours; else one of the device it came in on, or none. */
function chooseSource(on: Stack, p: Skb, many: boolean): void {
  chosen.fill(0);
  if (!many && isOurs(on, p)) {
    chosen[0] = p.dst0;
    chosen[1] = p.dst1;
    chosen[2] = p.dst2;
    chosen[3] = p.dst3;
    return;
  }
  const back = on.host.route6(p.src0, p.src1, p.src2, p.src3, 0, 0, 0, 0, 0, 0);
  const prefers = back.error === 0 && (back.source0 | back.source1 | back.source2 | back.source3) !== 0;
  if (!prefers && p.iif !== 0) on.host.selectAddress6(p.iif, p.src0, p.src1, p.src2, p.src3, chosen);
}

/** ipv6_chk_addr, ipv6_chk_acast_addr_src: a link-local address counts on its own device only, and so does ::1. */
function isOurs(on: Stack, p: Skb): boolean {
  const { dst0, dst1, dst2, dst3 } = p;
  if (on.host.isAnycast6(dst0, dst1, dst2, dst3, isLinkLocal(dst0) ? p.deviceNow : 0)) return true;
  if ((dst0 | dst1 | dst2) === 0 && dst3 === 1) return p.deviceNow === LO;
  if (!isLinkLocal(dst0)) return on.host.isLocal6(dst0, dst1, dst2, dst3);
  return on.host.interfaces[p.deviceNow].addresses.some(
    ({ words }) => words[0] === dst0 && words[1] === dst1 && words[2] === dst2 && words[3] === dst3,
  );
}

/** ip6_dst_lookup: the route's own source, or the best of its device; false when there is none. */
export function sourceOfRoute(on: Stack, p: Skb, way: Route): boolean {
  if ((way.source0 | way.source1 | way.source2 | way.source3) !== 0) {
    chosen[0] = way.source0;
    chosen[1] = way.source1;
    chosen[2] = way.source2;
    chosen[3] = way.source3;
    return true;
  }
  return on.host.selectAddress6(way.sourceDev, p.src0, p.src1, p.src2, p.src3, chosen);
}

/** icmpv6_xrlim_allow. */
function mayAnswer(on: Stack, p: Skb, way: Route): boolean {
  if (way.error !== 0) return false;
  if (way.dev !== LO) {
    const address = `${p.src0},${p.src1},${p.src2},${p.src3}`;
    if (!on.limit.peer(address, on.host.sysctl.icmp6Ratelimit)) return false;
  }
  on.limit.consume();
  return true;
}

function build(on: Stack, p: Skb, type: number, code: number, info: number, quoted: number, way: Route): Skb {
  const length = IPV6_HEADER + ICMP_HEADER + quoted;
  const skb = on.take(length, p);
  const { data, view } = skb;
  const at = IPV6_HEADER;
  data[at] = type;
  data[at + 1] = code;
  view.setUint32(at + 4, info);
  data.set(p.data.subarray(p.start, Math.min(p.end, p.start + quoted)), at + ICMP_HEADER);
  writeHeader6(on, skb, length, way, p);
  skb.load(data, view, 0, length);
  skb.begin();
  skb.local = true;
  skb.sender = SENDER_KERNEL;
  // The host may cut what it makes itself (ip6_sk_ignore_df).
  skb.ignoreDf = skb.special = true;
  skb.route = way;
  // ip6_append_data: for this way it is cut already, and stays so on another that takes the pieces but not the whole.
  if (length > way.mtu) skb.pieces = cut6(length - IPV6_HEADER, way.mtu - IPV6_HEADER - FRAGMENT_HEADER);
  return skb;
}

/** The IPv6 header of an ICMPv6 message from `chosen` to the sender of `p`, and the message's checksum. */
function writeHeader6(on: Stack, skb: Skb, length: number, way: Route, p: Skb): void {
  const { data, view } = skb;
  // ip6_default_np_autolabel: of the values 0 to 3, the odd ones give a label to who did not ask for one.
  const label = (on.host.sysctl.autoFlowlabels & 1) !== 0 ? on.host.random.u32("flow label") & 0xfffff : 0;
  view.setUint32(0, 0x60000000 | label);
  view.setUint16(IPV6_LENGTH, length - IPV6_HEADER);
  data[IPV6_NEXT_HEADER] = IPPROTO_ICMPV6;
  data[7] = hopLimitOf(on, way);
  for (let i = 0; i < 4; i++) view.setInt32(8 + 4 * i, chosen[i]);
  view.setInt32(24, p.src0);
  view.setInt32(28, p.src1);
  view.setInt32(32, p.src2);
  view.setInt32(36, p.src3);
  const [s0, s1, s2, s3] = chosen;
  const size = length - IPV6_HEADER;
  const pseudo = pseudoSum6(s0, s1, s2, s3, p.src0, p.src1, p.src2, p.src3, IPPROTO_ICMPV6, size);
  view.setUint16(IPV6_HEADER + 2, check(sumOf(view, IPV6_HEADER, length) + pseudo));
}

/** ip6_dst_hoplimit. */
export function hopLimitOf(on: Stack, way: Route): number {
  return way.hopLimit !== 0 ? way.hopLimit : on.host.interfaces[way.dev].settings6.hopLimit;
}
