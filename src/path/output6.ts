/**
 * IPv6 on its way out: packets of the host's own through OUTPUT, then everything that leaves through POSTROUTING, in
 * fragments when it may be cut and is too long (ip6_output.c).
 */
import { LO } from "../host/interfaces.ts";
import { EACCES, EINVAL, RTN_UNREACHABLE } from "../host/route.ts";
import { ACCEPT, OUTPUT, POSTROUTING } from "../packet/hook.ts";
import { CHECKSUM_NONE, CHECKSUM_UNNECESSARY, PACKET_LOOPBACK, SENDER_PROCESS } from "../packet/packet.ts";
import { PASS } from "./decisions.ts";
import { fragment6 } from "./fragment6.ts";
import { ICMPV6_TOO_BIG, ICMPV6_UNREACHABLE, icmpSend6 } from "./icmp6.ts";
import { type Skb, WAY_OUTPUT } from "./skb.ts";
import type { Stack } from "./stack.ts";

const SCOPE_NODE = 1;

/** ip6_local_out: a packet of the host's own, complete and with its route. */
export function localOut6(on: Stack, p: Skb): number {
  p.way = WAY_OUTPUT;
  p.inDev = p.iif = p.deviceNow = 0;
  p.outDev = p.route === null ? 0 : p.route.dev;
  on.enter(OUTPUT, p);
  const code = on.hooks6.output(p);
  return (code & 3) === ACCEPT ? output6(on, p) : code;
}

/** dst_output: ip6_output. */
export function output6(on: Stack, p: Skb): number {
  const route = p.route;
  if (route === null) return on.drop(p, "no route");
  p.outDev = p.deviceNow = route.dev;
  if (route.type === RTN_UNREACHABLE) {
    // ip6_pkt_discard_out
    icmpSend6(on, p, ICMPV6_UNREACHABLE, 0, 0);
    return on.drop(p, route.reason);
  }
  if (on.host.interfaces[route.dev].settings6.disabled) return on.drop(p, "IPv6 is off on the device");
  on.enter(POSTROUTING, p);
  const code = on.hooks6.postRouting(p);
  return (code & 3) === ACCEPT ? finish6(on, p) : code;
}

/** ip6_finish_output: in one piece, or in several. */
function finish6(on: Stack, p: Skb): number {
  const route = p.route;
  if (route === null) return on.drop(p, "no route");
  const { mtu } = route;
  if ((p.length <= mtu || p.merged) && (p.fragMaxSize === 0 || p.length <= p.fragMaxSize)) return emit6(on, p);
  if ((!p.ignoreDf && p.length > mtu) || p.fragMaxSize > mtu) return tooBig6(on, p, mtu);
  return fragment6(on, p, mtu);
}

/** The packet is too long, and routers do not cut: its sender is told how long it may be. */
export function tooBig6(on: Stack, p: Skb, mtu: number): number {
  icmpSend6(on, p, ICMPV6_TOO_BIG, 0, mtu);
  return on.drop(p, "packet too big", `the packet has ${p.length} bytes, ${mtu} may pass`);
}

/** ip6_finish_output2: the host hears the groups it is in; what is meant for this node only does not leave it. */
export function emit6(on: Stack, p: Skb): number {
  const route = p.route;
  let heard = false;
  if (route !== null && p.dst0 >>> 24 === 0xff && route.dev !== LO) {
    if (on.host.isGroupMember6(route.dev, p.dst0, p.dst1, p.dst2, p.dst3)) {
      const queued = loopCopy(on, p);
      heard = queued && p.sender === SENDER_PROCESS;
      if (p.ttl === 0) return on.drop(p, "a multicast with hop limit 0 stays in the host");
    }
    if (((p.dst0 >>> 16) & 15) <= SCOPE_NODE) return on.drop(p, "a node-local multicast stays in the host");
  }
  if (!heard) return on.transmit(p);
  // The copy is received at once, while the packet itself waits.
  on.held = p;
  return PASS;
}

/** Sends the host its own copy; whether it waits on lo now. Rules may drop it, whatever they did with the packet. */
function loopCopy(on: Stack, p: Skb): boolean {
  const length = p.end - p.start;
  const copy = on.take(length, p);
  copy.data.set(p.data.subarray(p.start, p.end));
  copy.load(copy.data, copy.view, 0, length);
  copy.begin();
  copy.copyMetadata(p);
  on.enter(POSTROUTING, copy);
  const code = on.hooks6.postRouting(copy);
  on.tell(p, copy, "a copy for the host itself");
  if ((code & 3) === ACCEPT) {
    copy.packetType = PACKET_LOOPBACK;
    // dev_loopback_xmit: nobody sums it.
    if (copy.checksum === CHECKSUM_NONE) copy.checksum = CHECKSUM_UNNECESSARY;
    copy.arrival = p.outDev;
    copy.copyOf = p;
    on.loop(copy);
  }
  const queued = copy.looped;
  on.done(copy);
  return queued;
}

/** What there is no way for, by the route's error; -1: nothing is said (a blackhole). */
export function noWayCode6(error: number): number {
  return error === EINVAL ? -1 : error === EACCES ? 1 : 0;
}
