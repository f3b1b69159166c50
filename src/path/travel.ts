/**
 * A packet's whole way: arriving or departing, through lo and back if need be, together with all that it causes.
 */
import { LO } from "../host/interfaces.ts";
import type { Route } from "../host/route.ts";
import { DROP } from "../packet/hook.ts";
import { IP_DF, IPV4_FRAGMENT, IPV4_LENGTH, IPV4_SOURCE, setIpv4Check } from "../packet/ipv4.ts";
import { SENDER_PROCESS } from "../packet/packet.ts";
import { PASS } from "./decisions.ts";
import { isLinkLocal } from "./icmp6.ts";
import { localOut4 } from "./output4.ts";
import { localOut6 } from "./output6.ts";
import { receive4 } from "./receive4.ts";
import { receive6 } from "./receive6.ts";
import { type Skb, WAY_OUTPUT } from "./skb.ts";
import type { Stack } from "./stack.ts";

const source = new Int32Array(4);

/** Lets the clock go on to `time` (µs): what waited too long gives up, and may say so. */
export function passTime(on: Stack, time: number): void {
  if (on.fragments4.queues.count > 0) on.fragments4.expire(time);
  if (on.fragments6.queues.count > 0) on.fragments6.expire(time);
  if (time > on.host.now) {
    // The sets were loaded when the first packet came: their timeouts run from then.
    if (on.host.now === 0) on.host.sets.start(time);
    on.host.now = time;
  }
  if (on.backlog.length > 0) drain(on, null, PASS);
}

/** The packet that `main` stands for, to its end: a code. */
export function travel(on: Stack, main: Skb): number {
  const code = main.local ? depart(on, main) : main.family === 4 ? receive4(on, main) : receive6(on, main);
  return on.backlog.length === 0 ? code : drain(on, main, code);
}

/** Receives what was sent to lo, in order. */
function drain(on: Stack, main: Skb | null, code: number): number {
  let result = code;
  for (let p = on.backlog.shift(); p !== undefined; p = on.backlog.shift()) {
    p.looped = false;
    p.inDev = p.arrival !== 0 ? p.arrival : LO;
    p.outDev = 0;
    p.local = false;
    p.forwarded = false;
    if (p.ct === 0) {
      // What a CT rule attached went when conntrack looked.
      p.template = 0;
      p.zone = 0;
      p.zoneDirection = 3;
    }
    if (main !== null && p.steps !== null && waited(main, p)) {
      // It was told of as it was sent; what becomes of it now is told in its turn.
      p.steps = [];
      on.tell(main, p, "which the host itself receives");
    }
    const end = p.family === 4 ? receive4(on, p) : receive6(on, p);
    if (p === main) result = end;
    else {
      if (main !== null && (p.copyOf === main || p.pieceOf === main)) {
        // The copy's last tables are the packet's last tables; and its fate is, if nothing left.
        if (p.filterCode !== PASS) main.filterCode = p.filterCode;
        if ((code & 3) === DROP || p.pieceOf === main) result = end;
      }
      on.done(p);
    }
  }
  const { held } = on;
  if (held !== null) {
    on.held = null;
    on.transmit(held);
  }
  return result;
}

/**
 * Was it received later than it was sent? What a process sends to the host itself is received at once, and so is an
 * answer to that; but the copy of an answer is sent before the answer is (netif_rx, while BHs are off).
 */
function waited(main: Skb, p: Skb): boolean {
  return main.way === WAY_OUTPUT ? p.copyOf !== null && p.copyOf !== main : p !== main;
}

/** raw_send_hdrinc: what the sender left open in the header. */
function fillHeader4(on: Stack, p: Skb, route: Route): void {
  const { view, start } = p;
  const anonymous = p.src0 === 0 && route.source0 !== 0;
  const nameless = view.getUint16(start + 4) === 0 && (view.getUint16(start + IPV4_FRAGMENT) & IP_DF) === 0;
  // It is as long as it is; unless the capture cut it.
  if (p.cut && p.wire === p.end - start) {
    view.setUint16(start + IPV4_LENGTH, p.wire);
    p.reload();
  }
  if (anonymous) {
    p.src0 = route.source0;
    view.setInt32(start + IPV4_SOURCE, route.source0);
  }
  if (nameless) view.setUint16(start + 4, on.host.random.u16("ip id"));
  setIpv4Check(p);
}

/** ip6_dst_lookup_tail: a raw socket is given a source, whatever the header says, or may not send. */
function hasSource6(on: Stack, p: Skb, route: Route): boolean {
  // For all that lies beyond the link any address will do, and ::1 is always there.
  if (p.dst0 >>> 24 !== 0xff && !isLinkLocal(p.dst0)) return true;
  if ((route.source0 | route.source1 | route.source2 | route.source3) !== 0) return true;
  return on.host.selectAddress6(route.sourceDev, p.dst0, p.dst1, p.dst2, p.dst3, source);
}

/** rawv6_send_hdrinc: it is as long as it is, whatever its header says; unless the capture cut it. */
function measure6(p: Skb): void {
  const present = p.end - p.start;
  if (p.length === present || p.wire !== present) return;
  p.length = present;
  p.cut = false;
}

/** The host sends the packet, complete as it is (raw.c: raw_send_hdrinc). `outDev` may say by which device. */
function depart(on: Stack, p: Skb): number {
  const { host } = on;
  const present = p.end - p.start;
  p.sender = SENDER_PROCESS;
  // Of IPv6 only the fixed header must be whole.
  if (present < (p.family === 4 ? 20 : 40) || (p.family === 4 && p.l4 < 0)) return on.drop(p, "not a whole IP header");
  // rawv6_sendmsg: to :: means to ::1.
  const d3 = (p.dst0 | p.dst1 | p.dst2 | p.dst3) === 0 ? 1 : p.dst3;
  const route =
    p.family === 4
      ? host.route4(p.dst0, 0, p.outDev, p.tos, p.mark)
      : host.route6(p.dst0, p.dst1, p.dst2, d3, 0, 0, 0, 0, p.outDev, p.mark);
  if (route.error !== 0) return on.drop(p, route.reason === "" ? "no route" : route.reason, route.detail);
  if (p.family === 6 && p.outDev === 0 && !hasSource6(on, p, route)) return on.drop(p, "no address to send from");
  if (p.family === 6) measure6(p);
  if (p.length > host.interfaces[route.dev].mtu && !p.merged) return on.drop(p, "longer than the device's MTU");
  p.route = route;
  if (p.family === 4) fillHeader4(on, p, route);
  if (p.steps !== null) p.steps.push({ kind: "route", text: `leaves by ${host.interfaces[route.dev].name}` });
  return p.family === 4 ? localOut4(on, p) : localOut6(on, p);
}
