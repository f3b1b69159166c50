/**
 * The ICMP errors that the host sends about a packet (icmp.c: __icmp_send): whether it may, from which address, with
 * how much of the packet; and its way out, as a packet of the host's own.
 */

import { check, sumOf } from "../bytes/checksum.ts";
import { LO } from "../host/interfaces.ts";
import { type Route, RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST } from "../host/route.ts";
import { IPV4_LENGTH, setIpv4Check } from "../packet/ipv4.ts";
import { PACKET_HOST, SENDER_KERNEL } from "../packet/packet.ts";
import { IPPROTO_ICMP } from "../packet/transport.ts";
import { buildOptions, type EchoedOptions, echoOptions, noOptions } from "./ip-options.ts";
import { optionsHost } from "./options-host.ts";
import { localOut4 } from "./output4.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

export const ICMP_UNREACHABLE = 3;
export const ICMP_REDIRECT = 5;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETER_PROBLEM = 12;
export const ICMP_FRAG_NEEDED = 4;

const NR_ICMP_TYPES = 18;
/** Types that count as errors, the unassigned ones below 11 among them (icmp_pointers). */
const ERRORS = new Set([1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]);
const MOST = 576;
const IP_HEADER = 20;
const ICMP_HEADER = 8;
const IPTOS_PREC_INTERNETCONTROL = 0xc0;
/** 192.0.0.8, RFC 7600: the source of last resort. */
const DUMMY = -0x3ffffff8;

/** The packet is too long and may not be cut: its sender is told how long it may be. */
export function frameNeeded4(on: Stack, p: Skb, mtu: number): number {
  icmpSend4(on, p, ICMP_UNREACHABLE, ICMP_FRAG_NEEDED, mtu);
  return on.drop(p, "fragmentation needed", `the packet has ${p.length} bytes, ${mtu} may pass, and DF is set`);
}

/** Sends an error about `p`; `info` is the header's last word (MTU, gateway, pointer << 24). */
export function icmpSend4(on: Stack, p: Skb, type: number, code: number, info: number): void {
  const route = p.route;
  if (route === null || p.packetType !== PACKET_HOST) return;
  if (route.type === RTN_BROADCAST || route.type === RTN_MULTICAST) return;
  if (p.fragmentOffset !== 0 || isAboutError(p)) return;
  const unlimited = !limited(on, type, code);
  if (!unlimited && p.iif !== LO && !on.limit.global()) return;
  if (on.icmpBusy4) return;
  on.icmpBusy4 = true;
  try {
    answer(on, p, route, type, code, info, unlimited || p.iif === LO);
  } finally {
    on.icmpBusy4 = false;
  }
}

/** An error is never sent about an error; a type that is not known counts as one. */
function isAboutError(p: Skb): boolean {
  if (p.protocol !== IPPROTO_ICMP) return false;
  if (p.l4 < 0 || p.l4 >= p.end) return true;
  const type = p.data[p.l4];
  return type > NR_ICMP_TYPES || ERRORS.has(type);
}

/** icmpv4_mask_allow: path MTU discovery never counts against the limits. */
function limited(on: Stack, type: number, code: number): boolean {
  if (type === ICMP_UNREACHABLE && code === ICMP_FRAG_NEEDED) return false;
  return ((on.host.sysctl.icmpRatemask >>> type) & 1) !== 0;
}

function answer(on: Stack, p: Skb, route: Route, type: number, code: number, info: number, unlimited: boolean): void {
  const host = on.host;
  const tos = (p.tos & 0x1e) | IPTOS_PREC_INTERNETCONTROL;
  const mark = host.sysctl.fwmarkReflect !== 0 ? p.mark : 0;
  const options = optionsHost(on, p);
  const echoed = echoOptions(p, p.options ?? noOptions(0), options);
  if (echoed === null) return;
  const destination = echoed.firstHop !== 0 ? echoed.firstHop : p.src0;
  const chosen = sourceOf(on, p, route);
  const way = host.route4(destination, chosen, 0, tos, mark);
  if (way.error !== 0) return;
  if (!unlimited) {
    if (way.dev !== LO && !on.limit.peer(destination, host.sysctl.icmpRatelimit)) return;
    on.limit.consume();
  }
  const room = Math.min(way.mtu, MOST) - IP_HEADER - echoed.bytes.length - ICMP_HEADER;
  if (room <= IP_HEADER) return;
  const source = chosen !== 0 ? chosen : way.source0 !== 0 ? way.source0 : DUMMY;
  const quoted = Math.min(p.length, room);
  const skb = build(on, p, type, code, info, { source, destination, tos, quoted, echoed, way });
  if (echoed.bytes.length > 0) {
    buildOptions(skb, echoed, p.src0, source, options);
    setIpv4Check(skb);
  }
  skb.mark = mark;
  on.conntrack.attach(skb, p);
  localOut4(on, skb);
  on.tell(p, skb, `ICMP type ${type} code ${code} to the sender`);
  on.done(skb);
}

/** The address that was written to, if it is ours; 0 lets the route choose. */
function sourceOf(on: Stack, p: Skb, route: Route): number {
  if (route.type === RTN_LOCAL || (!p.routedIn && route.dev === LO)) return p.dst0;
  if (p.routedIn && on.host.sysctl.icmpErrorsUseInboundIfaddr !== 0 && p.iif !== 0)
    return on.host.selectAddress4(p.iif, p.src0, RT_SCOPE_LINK);
  return 0;
}

const RT_SCOPE_LINK = 253;

/** A socket's multicasts go no further than the link unless it says otherwise (inet->mc_ttl). */
function ttlOf(on: Stack, way: Route): number {
  if (way.type === RTN_MULTICAST) return 1;
  return way.hopLimit !== 0 ? way.hopLimit : on.host.sysctl.ipDefaultTtl;
}

interface Letter {
  readonly source: number;
  readonly destination: number;
  readonly tos: number;
  /** Bytes of the packet that are sent back. */
  readonly quoted: number;
  readonly echoed: EchoedOptions;
  readonly way: Route;
}

function build(on: Stack, p: Skb, type: number, code: number, info: number, letter: Letter): Skb {
  const headerLength = IP_HEADER + letter.echoed.bytes.length;
  const length = headerLength + ICMP_HEADER + letter.quoted;
  const skb = on.take(length, p);
  const { data, view } = skb;
  data[0] = 0x40 | (headerLength >> 2);
  data[1] = letter.tos;
  view.setUint16(IPV4_LENGTH, length);
  view.setUint16(4, on.host.random.u16("ip id"));
  data[8] = ttlOf(on, letter.way);
  data[9] = IPPROTO_ICMP;
  view.setInt32(12, letter.source);
  view.setInt32(16, letter.destination);
  data[headerLength] = type;
  data[headerLength + 1] = code;
  view.setUint32(headerLength + 4, info);
  data.set(p.data.subarray(p.start, Math.min(p.end, p.start + letter.quoted)), headerLength + ICMP_HEADER);
  view.setUint16(headerLength + 2, check(sumOf(view, headerLength, length)));
  skb.load(data, view, 0, length);
  skb.begin();
  skb.local = true;
  skb.sender = SENDER_KERNEL;
  skb.route = letter.way;
  setIpv4Check(skb);
  return skb;
}
