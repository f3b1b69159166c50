/**
 * A packet of the host's own is routed again because OUTPUT changed what its route depends on
 * (netfilter.c: ip_route_me_harder, ip6_route_me_harder).
 */
import { type Route, RTN_LOCAL, RTN_UNICAST } from "../host/route.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

/** Gives the packet its new route: `code`, or the code of a drop. The OUTPUT hook goes on with the old device. */
export function reroute(stack: Stack, p: Skb, code: number): number {
  const route = p.family === 4 ? harder4(stack, p) : harder6(stack, p);
  if (route.error !== 0)
    return stack.drop(p, route.reason === "" ? "no route" : route.reason, "after OUTPUT changed it");
  p.route = route;
  if (p.steps !== null) {
    const dev = stack.host.interfaces[route.dev].name;
    p.steps.push({ kind: "route", text: `routed again, because OUTPUT changed it: leaves by ${dev}` });
  }
  return code;
}

/** The new way; look at its `error`. An address that cannot be a source is left out of the question. */
export function harder4(stack: Stack, p: Skb): Route {
  const type = stack.host.addressType4(p.src0, 0);
  const source = type === RTN_LOCAL || type === RTN_UNICAST ? p.src0 : 0;
  return stack.host.route4(p.dst0, source, 0, p.tos, p.mark);
}

function harder6(stack: Stack, p: Skb): Route {
  const { dst0: d0, dst1: d1, dst2: d2, dst3: d3 } = p;
  // Multicast and link-local destinations mean something on one device only.
  const strict = d0 >>> 24 === 0xff || d0 >>> 22 === 0x3fa;
  const oif = strict && p.route !== null ? p.route.dev : 0;
  return stack.host.route6(d0, d1, d2, d3, p.src0, p.src1, p.src2, p.src3, oif, p.mark);
}
