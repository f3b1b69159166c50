/** Passing an IPv4 packet on (ip_forward.c): TTL, size, redirects, in the order in which the kernel looks at them. */
import type { Route } from "../host/route.ts";
import { ACCEPT, FORWARD, POSTROUTING } from "../packet/hook.ts";
import { IP_DF, IPV4_CHECKSUM, IPV4_FRAGMENT, IPV4_TTL, setIpv4Check } from "../packet/ipv4.ts";
import { PACKET_HOST } from "../packet/packet.ts";
import { PASS } from "./decisions.ts";
import { frameNeeded4, ICMP_REDIRECT, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE, icmpSend4 } from "./icmp4.ts";
import { forwardOptions } from "./ip-options.ts";
import { finish4, output4 } from "./output4.ts";
import { type Skb, WAY_FORWARD, WAY_OUTPUT } from "./skb.ts";
import type { Stack } from "./stack.ts";

const ICMP_SOURCE_ROUTE_FAILED = 5;
const ICMP_REDIRECT_HOST = 1;

/** ip_forward, with an input route to another host. */
export function forward4(on: Stack, p: Skb, route: Route): number {
  if (p.packetType !== PACKET_HOST || p.ttl <= 1 || p.options !== null) {
    const refused = refuse(on, p, route);
    if (refused !== PASS) return refused;
  }
  p.forwarded = true;
  if (p.way !== WAY_OUTPUT) p.way = WAY_FORWARD;
  if (p.length > route.forwardMtu && isTooLong(p, route.forwardMtu)) return frameNeeded4(on, p, route.forwardMtu);
  decreaseTtl(p);
  if (route.redirect && (p.options === null || p.options.sourceRoute === 0)) redirect(on, p, route);
  if (on.updatesPriority) p.priority = PRIORITIES[(p.tos & 0x1e) >> 1];
  p.outDev = route.dev;
  on.enter(FORWARD, p);
  const code = on.hooks4.forward(p);
  if ((code & 3) !== ACCEPT) return code;
  if (p.options !== null) {
    forwardOptions(p, p.options, route.source0);
    if (p.options.changed) setIpv4Check(p);
  }
  return output4(on, p);
}

/**
 * ip_forward to ip_finish_output in one go, of a packet without options, with time to live, that is not too long, and
 * whose sender need not be shown another gateway. A rule may change that: then the longer functions go on.
 */
export function passOn4(on: Stack, p: Skb, route: Route): number {
  p.forwarded = true;
  p.way = WAY_FORWARD;
  decreaseTtl(p);
  if (on.updatesPriority) p.priority = PRIORITIES[(p.tos & 0x1e) >> 1];
  p.outDev = route.dev;
  p.hook = FORWARD;
  const hooks = on.hooks4;
  if (on.learner !== null) on.learner.foresee(p, route);
  let code = hooks.forward(p);
  if (on.learner !== null) on.learner.learnWay(code);
  if ((code & 3) !== ACCEPT) return code;
  if (p.route !== route) return output4(on, p);
  p.hook = POSTROUTING;
  code = hooks.postRouting(p);
  if ((code & 3) !== ACCEPT) return code;
  if (p.route !== route || p.length > route.forwardMtu || p.fragMaxSize !== 0) return finish4(on, p, p.route ?? route);
  return on.transmit(p);
}

/** What stands against forwarding the packet: the code of its drop, or PASS. */
function refuse(on: Stack, p: Skb, route: Route): number {
  if (p.packetType !== PACKET_HOST) return on.drop(p, "broadcast frames are not forwarded");
  if (p.ttl <= 1) {
    icmpSend4(on, p, ICMP_TIME_EXCEEDED, 0, 0);
    return on.drop(p, "TTL exceeded");
  }
  if (p.options?.strict && route.via0 !== 0) {
    icmpSend4(on, p, ICMP_UNREACHABLE, ICMP_SOURCE_ROUTE_FAILED, 0);
    return on.drop(p, "strict source route through a gateway");
  }
  return PASS;
}

/** ip_exceeds_mtu, of a packet longer than `mtu`. */
function isTooLong(p: Skb, mtu: number): boolean {
  if (p.merged || (p.view.getUint16(p.start + IPV4_FRAGMENT) & IP_DF) === 0) return false;
  return p.fragMaxSize > mtu || !p.ignoreDf;
}

/** ip_decrease_ttl: the checksum follows, as the kernel adds it on a little-endian machine. */
export function decreaseTtl(p: Skb): void {
  const { view } = p;
  const at = p.start + IPV4_CHECKSUM;
  const sum = view.getUint16(at, true) + 1;
  // From 0xffff on one more. A branch among the arguments would keep V8 from compiling the access in place.
  view.setUint16(at, sum + ((sum + 1) >>> 16), true);
  p.ttl--;
  p.data[p.start + IPV4_TTL] = p.ttl;
}

/** ip_rt_send_redirect. */
function redirect(on: Stack, p: Skb, route: Route): void {
  const gateway = route.via0 !== 0 ? route.via0 : p.dst0;
  on.limit.redirect(p.src0, () => icmpSend4(on, p, ICMP_REDIRECT, ICMP_REDIRECT_HOST, gateway >>> 0));
}

/** rt_tos2priority: the packet scheduler's band for a TOS (route.c: ip_tos2prio). */
const PRIORITIES = [0, 0, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4];
