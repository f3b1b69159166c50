/**
 * An IPv6 packet that arrives: is it one at all, what do its hop-by-hop options want, where does it go
 * (ip6_input.c, exthdrs.c, and ip6_pkt_drop of route.c).
 */
import { LO } from "../host/interfaces.ts";
import { type Route, RTN_ANYCAST, RTN_LOCAL, RTN_MULTICAST, RTN_UNICAST, RTN_UNSPEC } from "../host/route.ts";
import { ACCEPT, INPUT, PREROUTING } from "../packet/hook.ts";
import { IPV6_HEADER, IPV6_NEXT_HEADER, NEXTHDR_HOP } from "../packet/ipv6.ts";
import { PACKET_BROADCAST, PACKET_LOOPBACK, PACKET_MULTICAST, PACKET_OTHERHOST } from "../packet/packet.ts";
import { IPPROTO_TCP } from "../packet/transport.ts";
import { PASS } from "./decisions.ts";
import { forward6 } from "./forward6.ts";
import { readHopByHop } from "./hop-by-hop.ts";
import { ICMPV6_UNREACHABLE, icmpSend6 } from "./icmp6.ts";
import { noWayCode6 } from "./output6.ts";
import { routeText } from "./receive4.ts";
import { type Skb, WAY_INPUT, WAY_OUTPUT } from "./skb.ts";
import type { Stack } from "./stack.ts";

const TCP_HEADER = 20;

/** ipv6_rcv, with `p.inDev` set. A packet that comes through lo may bring its route along. */
export function receive6(on: Stack, p: Skb): number {
  p.deviceNow = p.inDev;
  p.iif = p.route === null ? p.inDev : p.route.sourceDev;
  p.outDev = 0;
  const wrong = whatIsWrong(on, p);
  if (wrong !== "") return on.drop(p, wrong);
  if (p.data[p.start + IPV6_NEXT_HEADER] === NEXTHDR_HOP) {
    const code = readHopByHop(on, p);
    if (code !== PASS) return code;
  }
  on.enter(PREROUTING, p);
  const code = on.hooks6.preRouting(p);
  return (code & 3) === ACCEPT ? finish(on, p) : code;
}

/** ip6_rcv_core: why this is no packet for us, or "". */
function whatIsWrong(on: Stack, p: Skb): string {
  if (p.packetType === PACKET_OTHERHOST) return "the frame is for another host";
  const device = on.host.interfaces[p.inDev];
  if (device.settings6.disabled) return "IPv6 is off on the device";
  if (p.wire < IPV6_HEADER) return "shorter than an IPv6 header";
  if (p.end - p.start < IPV6_HEADER) return "cut before the end of the IPv6 header";
  const multicast = p.dst0 >>> 24 === 0xff;
  const scope = (p.dst0 >>> 16) & 15;
  if (p.inDev !== LO) {
    if (isLoopback(p.src0, p.src1, p.src2, p.src3)) return "::1 as source, from another device than lo";
    if (isLoopback(p.dst0, p.dst1, p.dst2, p.dst3)) return "to ::1, from another device than lo";
    if (multicast && scope === 1 && p.packetType !== PACKET_LOOPBACK)
      return "an interface-local multicast from outside";
  }
  if (
    !multicast &&
    (p.packetType === PACKET_BROADCAST || p.packetType === PACKET_MULTICAST) &&
    device.settings6.dropUnicastInL2Multicast
  )
    return "a unicast packet in a multicast frame";
  if (multicast && scope === 0) return "a multicast of the reserved scope 0";
  if (p.src0 >>> 24 === 0xff) return "a multicast address cannot be a source";
  if (p.length > p.wire) return "shorter than its IPv6 length says";
  return "";
}

function isLoopback(w0: number, w1: number, w2: number, w3: number): boolean {
  return (w0 | w1 | w2) === 0 && w3 === 1;
}

/** ip6_rcv_finish. */
function finish(on: Stack, p: Skb): number {
  let route = p.route;
  if (route === null) {
    // tcp_v6_early_demux looks for a socket, and therefore at the whole TCP header.
    if (p.pieces !== null && p.data[p.start + IPV6_NEXT_HEADER] === IPPROTO_TCP) p.pull(IPV6_HEADER + TCP_HEADER);
    route = on.host.input6(p.dst0, p.dst1, p.dst2, p.dst3, p.src0, p.src1, p.src2, p.src3, p.inDev, p.mark);
    if (route.type === RTN_UNSPEC) return on.drop(p, route.reason, route.detail);
    p.route = route;
    p.routedIn = true;
  }
  if (p.steps !== null) p.steps.push({ kind: "route", text: routeText(on, route) });
  if (route.type === RTN_UNICAST) return forward6(on, p);
  if (route.type === RTN_LOCAL || route.type === RTN_ANYCAST || route.type === RTN_MULTICAST) return deliver(on, p);
  return noWay(on, p, route);
}

/** ip6_pkt_drop. */
function noWay(on: Stack, p: Skb, route: Route): number {
  const code = noWayCode6(route.error);
  if (code >= 0) icmpSend6(on, p, ICMPV6_UNREACHABLE, code, 0);
  return on.drop(p, route.reason, route.detail);
}

/** ip6_input, ip6_mc_input. Here the packet ends: no socket answers, and no later header is looked at. */
function deliver(on: Stack, p: Skb): number {
  if (p.way !== WAY_OUTPUT) p.way = WAY_INPUT;
  on.enter(INPUT, p);
  const code = on.hooks6.input(p);
  if ((code & 3) === ACCEPT) p.delivered = true;
  return code;
}
