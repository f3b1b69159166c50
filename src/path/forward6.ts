/** Passing an IPv6 packet on (ip6_output.c: ip6_forward), in the order in which the kernel looks at it. */
import { ACCEPT, FORWARD } from "../packet/hook.ts";
import { IPV6_HOP_LIMIT } from "../packet/ipv6.ts";
import { PACKET_HOST } from "../packet/packet.ts";
import { ICMPV6_TIME_EXCEEDED, ICMPV6_UNREACHABLE, icmpSend6, isLinkLocal } from "./icmp6.ts";
import { output6, tooBig6 } from "./output6.ts";
import { redirect6 } from "./redirect6.ts";
import { type Skb, WAY_FORWARD, WAY_OUTPUT } from "./skb.ts";
import type { Stack } from "./stack.ts";

const MIN_MTU = 1280;
const BEYOND_SCOPE = 2;

/** ip6_forward, with an input route to another host. */
export function forward6(on: Stack, p: Skb): number {
  const route = p.route;
  if (route === null) return on.drop(p, "no route");
  if (on.host.sysctl.forwarding6 === 0 && !on.host.interfaces[p.iif].settings6.forceForwarding)
    return on.drop(p, "forwarding is off");
  if (p.packetType !== PACKET_HOST) return on.drop(p, "multicast frames are not forwarded");
  if (p.ttl <= 1) {
    icmpSend6(on, p, ICMPV6_TIME_EXCEEDED, 0, 0);
    return on.drop(p, "hop limit exceeded");
  }
  if (p.iif === route.dev) redirect6(on, p, route);
  else {
    const wrong = sourceIsWrong(on, p);
    if (wrong !== "") return on.drop(p, wrong);
  }
  const mtu = Math.max(route.forwardMtu, MIN_MTU);
  if (p.length > mtu && !p.merged && (!p.ignoreDf || p.fragMaxSize > mtu)) {
    p.deviceNow = route.dev;
    return tooBig6(on, p, mtu);
  }
  p.ttl--;
  p.data[p.start + IPV6_HOP_LIMIT] = p.ttl;
  p.forwarded = true;
  if (p.way !== WAY_OUTPUT) p.way = WAY_FORWARD;
  p.outDev = route.dev;
  on.enter(FORWARD, p);
  const code = on.hooks6.forward(p);
  return (code & 3) === ACCEPT ? output6(on, p) : code;
}

/** Sources that may not leave their link, or are none. */
function sourceIsWrong(on: Stack, p: Skb): string {
  const { src0, src1, src2, src3 } = p;
  if ((src0 | src1 | src2 | src3) === 0) return ":: cannot be a source here";
  if ((src0 | src1 | src2) === 0 && src3 === 1) return "::1 cannot be a source here";
  if (!isLinkLocal(src0)) return "";
  icmpSend6(on, p, ICMPV6_UNREACHABLE, BEYOND_SCOPE, 0);
  return "a link-local source stays on its link";
}
