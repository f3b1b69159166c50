/**
 * An IPv4 packet that arrives: is it one at all, where does it go, and is that here (ip_input.c, and ip_error of
 * route.c).
 */
import {
  EACCES,
  EHOSTUNREACH,
  ENETUNREACH,
  ROUTE_TYPE_NAMES,
  type Route,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTN_UNSPEC,
} from "../host/route.ts";
import { ACCEPT, INPUT, PREROUTING } from "../packet/hook.ts";
import { IPV4_MIN_HEADER } from "../packet/ipv4.ts";
import {
  CHECKSUM_UNNECESSARY,
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
} from "../packet/packet.ts";
import { IPPROTO_TCP } from "../packet/transport.ts";
import { PASS } from "./decisions.ts";
import { forward4, passOn4 } from "./forward4.ts";
import { ICMP_PARAMETER_PROBLEM, ICMP_UNREACHABLE, icmpSend4 } from "./icmp4.ts";
import { compileOptions, noOptions } from "./ip-options.ts";
import { optionsHost } from "./options-host.ts";
import { type Skb, WAY_INPUT, WAY_NONE, WAY_OUTPUT } from "./skb.ts";
import { ALL_HOSTS, type Stack } from "./stack.ts";

const TCP_HEADER = 20;

/** ip_rcv, with `p.inDev` set. A packet that comes through lo may bring its route along. */
export function receive4(on: Stack, p: Skb): number {
  if (on.coreWay.receive(p)) return translateAndGoOn(on, p);
  if (!isSound(p)) return on.drop(p, whatIsWrong(p));
  p.iif = p.inDev;
  p.outDev = 0;
  on.enter(PREROUTING, p);
  const code = on.hooks4.preRouting(p);
  if ((code & 3) !== ACCEPT) return code;
  return route4(on, p);
}

/** What follows on the core's way in: NAT, and the routing decision where that leads elsewhere. */
function translateAndGoOn(on: Stack, p: Skb): number {
  const { nat, route } = on.coreWay;
  if (nat !== null) {
    const code = nat(p);
    if ((code & 3) !== ACCEPT) return code;
    if (!on.coreWay.leadsTo(p.dst0)) return route4(on, p);
  }
  return route === null ? route4(on, p) : goOn(on, p, route);
}

function route4(on: Stack, p: Skb): number {
  if (p.route !== null || p.pieces !== null || p.steps !== null || p.packetType !== PACKET_HOST) return finish(on, p);
  // ip_rcv_finish, for nearly all packets.
  const route = on.host.input4(p.dst0, p.src0, p.inDev, p.tos, p.mark);
  if (route.type !== RTN_UNICAST || p.l4 - p.start !== IPV4_MIN_HEADER) return finish(on, p);
  return goOn(on, p, route);
}

/** Forwards the packet: it has passed PREROUTING and the routing decision. */
function goOn(on: Stack, p: Skb, route: Route): number {
  p.route = route;
  p.routedIn = true;
  // What `refuse`, the MTU and a redirect have to say of a packet is nothing for nearly all of them.
  if (p.ttl <= 1 || p.length > route.forwardMtu || route.redirect || p.way !== WAY_NONE) return forward4(on, p, route);
  return passOn4(on, p, route);
}

/** Nothing of what `whatIsWrong` names is wrong: the same checks in fewer steps. */
function isSound(p: Skb): boolean {
  const { view, start } = p;
  const present = p.end - start;
  if (present < IPV4_MIN_HEADER || p.packetType === PACKET_OTHERHOST) return false;
  const first = view.getInt32(start);
  const headerLength = (first >>> 22) & 60;
  if (first >>> 28 !== 4 || headerLength < IPV4_MIN_HEADER || headerLength > present) return false;
  if (p.length < headerLength || p.length > p.wire || p.wire < headerLength) return false;
  return p.checksum === CHECKSUM_UNNECESSARY || headerIsIntact(view, start, headerLength);
}

/** ip_rcv_core: why this is no packet for us, or "". */
function whatIsWrong(p: Skb): string {
  if (p.packetType === PACKET_OTHERHOST) return "the frame is for another host";
  const present = p.end - p.start;
  if (p.wire < IPV4_MIN_HEADER) return "shorter than an IPv4 header";
  if (present < IPV4_MIN_HEADER) return "cut before the end of the IPv4 header";
  const first = p.data[p.start];
  if (first >>> 4 !== 4) return "neither IPv4 nor IPv6";
  const headerLength = (first & 15) << 2;
  if (headerLength < IPV4_MIN_HEADER) return "IPv4 header length below 20";
  if (headerLength > p.wire) return "shorter than its IPv4 header says";
  if (headerLength > present) return "cut before the end of the IPv4 header";
  if (p.checksum !== CHECKSUM_UNNECESSARY && !headerIsIntact(p.view, p.start, headerLength))
    return "IPv4 header checksum is wrong";
  if (p.wire < p.length) return "shorter than its IPv4 length says";
  if (p.length < headerLength) return "IPv4 length is less than the header's";
  return "";
}

/** The five words every header has are added without a loop. */
function headerIsIntact(view: DataView, start: number, length: number): boolean {
  const a = view.getInt32(start);
  const b = view.getInt32(start + 4);
  const c = view.getInt32(start + 8);
  const d = view.getInt32(start + 12);
  const e = view.getInt32(start + 16);
  const high = (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16) + (e >>> 16);
  const low = (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff) + (e & 0xffff);
  let sum = high + low;
  for (let at = start + IPV4_MIN_HEADER; at < start + length; at += 4) {
    const word = view.getInt32(at);
    sum += (word >>> 16) + (word & 0xffff);
  }
  sum = (sum & 0xffff) + (sum >>> 16);
  return ((sum + (sum >>> 16)) & 0xffff) === 0xffff;
}

/** ip_rcv_finish: the routing decision, and the options that depend on it. */
function finish(on: Stack, p: Skb): number {
  if (p.route === null) {
    // tcp_v4_early_demux looks for a socket, and therefore at the whole TCP header.
    if (p.pieces !== null && p.protocol === IPPROTO_TCP) p.pull(p.l4 - p.start + TCP_HEADER);
    const route = on.host.input4(p.dst0, p.src0, p.inDev, p.tos, p.mark);
    if (route.type === RTN_UNSPEC) return on.drop(p, route.reason, route.detail);
    p.route = route;
    p.routedIn = true;
  } else if (p.route.type === RTN_MULTICAST && p.dst0 !== ALL_HOSTS)
    // __mkroute_output: a way out is no way in, unless the host is in the group (RTCF_LOCAL).
    return on.drop(p, "sent through lo to a group that the host is not in");
  if (p.steps !== null) p.steps.push({ kind: "route", text: routeText(on, p.route) });
  if (p.l4 - p.start > IPV4_MIN_HEADER) {
    const code = readOptions(on, p);
    if (code !== PASS) return code;
  }
  const route = p.route;
  if (
    (p.packetType === PACKET_BROADCAST || p.packetType === PACKET_MULTICAST) &&
    route.type !== RTN_MULTICAST &&
    route.type !== RTN_BROADCAST &&
    on.host.interfaces[p.inDev].settings4.dropUnicastInL2Multicast
  )
    return on.drop(p, "a unicast packet in a broadcast frame");
  if (route.type === RTN_UNICAST) return forward4(on, p, route);
  if (route.type === RTN_UNREACHABLE) return noWay(on, p, route);
  return deliver(on, p);
}

export function routeText(on: Stack, route: Route): string {
  if (route.error !== 0) return route.reason;
  if (route.type === RTN_UNICAST) return `leaves by ${on.host.interfaces[route.dev].name}`;
  return route.type === RTN_LOCAL ? "to this host" : `to this host, ${ROUTE_TYPE_NAMES[route.type]}`;
}

/** ip_rcv_options: PASS, or the code of a drop. */
function readOptions(on: Stack, p: Skb): number {
  const opt = noOptions(p.l4 - p.start - IPV4_MIN_HEADER);
  p.special = true;
  p.options = opt;
  const wrong = compileOptions(p, opt, optionsHost(on, p));
  if (wrong >= 0) {
    icmpSend4(on, p, ICMP_PARAMETER_PROBLEM, 0, wrong << 24);
    return on.drop(p, "a broken IPv4 option");
  }
  if (opt.sourceRoute === 0) return PASS;
  if (!on.host.interfaces[p.inDev].settings4.acceptSourceRoute) return on.drop(p, "source routing is off");
  return followSourceRoute(on, p);
}

/** ip_options_rcv_srr: when this host is the next stop, the packet is routed to the one after. */
function followSourceRoute(on: Stack, p: Skb): number {
  const opt = p.options;
  const route = p.route;
  if (opt === null || route === null) return PASS;
  if (p.packetType !== PACKET_HOST) return on.drop(p, "a source route in a broadcast frame");
  if (route.type === RTN_UNICAST) {
    if (!opt.strict) return PASS;
    icmpSend4(on, p, ICMP_PARAMETER_PROBLEM, 0, 16 << 24);
    return on.drop(p, "strict source route to another host");
  }
  if (route.type !== RTN_LOCAL) return on.drop(p, "a source route to an address that is no host's");
  const { data, view, start } = p;
  const at = start + opt.sourceRoute;
  const space = data[at + 1];
  for (let pointer = data[at + 2]; pointer <= space; pointer += 4) {
    if (pointer + 3 > space) {
      icmpSend4(on, p, ICMP_PARAMETER_PROBLEM, 0, (opt.sourceRoute + 2) << 24);
      return on.drop(p, "a broken source route");
    }
    const next = view.getInt32(at + pointer - 1);
    const way = on.host.input4(next, p.src0, p.inDev, p.tos, p.mark);
    if (way.type !== RTN_UNICAST && way.type !== RTN_LOCAL)
      return on.drop(p, "no way to the next stop of the source route");
    p.route = way;
    opt.sourceRouteHit = true;
    opt.nextHop = next;
    opt.changed = true;
    if (way.type !== RTN_LOCAL) return PASS;
    // The next stop is this host again.
    view.setInt32(start + 16, next);
    p.dst0 = next;
  }
  opt.sourceRouteHit = false;
  return PASS;
}

/** ip_error: the sender is told that there is no way, by a router, though not at any rate. */
function noWay(on: Stack, p: Skb, route: Route): number {
  if (!on.host.interfaces[p.inDev].settings4.forwarding) return on.drop(p, route.reason, route.detail);
  const code = route.error === EHOSTUNREACH ? 1 : route.error === ENETUNREACH ? 0 : route.error === EACCES ? 13 : -1;
  if (code >= 0 && on.limit.routingError(p.src0)) icmpSend4(on, p, ICMP_UNREACHABLE, code, 0);
  return on.drop(p, route.reason, route.detail);
}

/** ip_local_deliver. Here the packet ends: no socket answers. */
function deliver(on: Stack, p: Skb): number {
  if (p.way !== WAY_OUTPUT) p.way = WAY_INPUT;
  if (p.fragment) {
    const code = on.fragments4.deliver(p);
    if ((code & 3) !== ACCEPT) return code;
  }
  on.enter(INPUT, p);
  const code = on.hooks4.input(p);
  if ((code & 3) === ACCEPT) p.delivered = true;
  return code;
}
