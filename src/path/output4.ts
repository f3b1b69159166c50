/**
 * IPv4 on its way out: packets of the host's own through OUTPUT, then everything that leaves through POSTROUTING, in
 * pieces when it is too long (ip_output.c).
 */
import { LO } from "../host/interfaces.ts";
import { type Route, RTN_BROADCAST, RTN_MULTICAST } from "../host/route.ts";
import { ACCEPT, OUTPUT, POSTROUTING } from "../packet/hook.ts";
import { IP_DF, IPV4_FRAGMENT } from "../packet/ipv4.ts";
import { CHECKSUM_NONE, CHECKSUM_UNNECESSARY, PACKET_LOOPBACK } from "../packet/packet.ts";
import { fragment4 } from "./fragment4.ts";
import { frameNeeded4 } from "./icmp4.ts";
import { type Skb, WAY_OUTPUT } from "./skb.ts";
import { ALL_HOSTS, type Stack } from "./stack.ts";

/** ip_local_out: a packet of the host's own, complete and with its route. */
export function localOut4(on: Stack, p: Skb): number {
  p.way = WAY_OUTPUT;
  p.inDev = p.iif = 0;
  p.outDev = p.route === null ? 0 : p.route.dev;
  on.enter(OUTPUT, p);
  const code = on.hooks4.output(p);
  return (code & 3) === ACCEPT ? output4(on, p) : code;
}

/** dst_output: ip_output or ip_mc_output. */
export function output4(on: Stack, p: Skb): number {
  const route = p.route;
  if (route === null) return on.drop(p, "no route");
  p.outDev = route.dev;
  if (!p.forwarded && isHeard(p, route)) {
    loopCopy(on, p);
    if (route.type === RTN_MULTICAST && p.ttl === 0) return on.drop(p, "a multicast with TTL 0 stays in the host");
  }
  on.enter(POSTROUTING, p);
  const code = on.hooks4.postRouting(p);
  return (code & 3) === ACCEPT ? finish4(on, p, p.route ?? route) : code;
}

/** Does the host hear what it sends itself? Only broadcasts and groups that it is in (RTCF_LOCAL). */
function isHeard(p: Skb, route: Route): boolean {
  if (route.dev === LO) return false;
  return route.type === RTN_BROADCAST || (route.type === RTN_MULTICAST && p.dst0 === ALL_HOSTS);
}

/** ip_mc_output: the host hears its own broadcasts and the groups it is in; a copy goes its own way. */
function loopCopy(on: Stack, p: Skb): void {
  const length = p.end - p.start;
  const copy = on.take(length, p);
  copy.data.set(p.data.subarray(p.start, p.end));
  copy.load(copy.data, copy.view, 0, length);
  copy.begin();
  copy.copyMetadata(p);
  on.enter(POSTROUTING, copy);
  const code = on.hooks4.postRouting(copy);
  on.tell(p, copy, "a copy for the host itself");
  if ((code & 3) === ACCEPT) {
    copy.packetType = PACKET_LOOPBACK;
    // dev_loopback_xmit: nobody sums it.
    if (copy.checksum === CHECKSUM_NONE) copy.checksum = CHECKSUM_UNNECESSARY;
    copy.arrival = p.outDev;
    copy.copyOf = p;
    on.loop(copy);
  }
  on.done(copy);
}

/** ip_finish_output: in one piece, or in several. */
export function finish4(on: Stack, p: Skb, route: Route): number {
  const mtu = p.forwarded ? route.forwardMtu : route.mtu;
  if ((p.length <= mtu || p.merged) && p.fragMaxSize === 0) return on.transmit(p);
  const df = (p.view.getUint16(p.start + IPV4_FRAGMENT) & IP_DF) !== 0;
  if (df && (!p.ignoreDf || p.fragMaxSize > mtu)) return frameNeeded4(on, p, mtu);
  return fragment4(on, p, mtu);
}
