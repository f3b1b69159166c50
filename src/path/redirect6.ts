/** ICMPv6 redirects (ndisc.c: ndisc_send_redirect): the sender is told of a next hop on its own link. */
import { check, pseudoSum6, sumOf } from "../bytes/checksum.ts";
import type { Route } from "../host/route.ts";
import { IPV6_HEADER, IPV6_LENGTH, IPV6_NEXT_HEADER } from "../packet/ipv6.ts";
import { SENDER_KERNEL } from "../packet/packet.ts";
import { IPPROTO_ICMPV6 } from "../packet/transport.ts";
import { isLinkLocal } from "./icmp6.ts";
import { localOut6 } from "./output6.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

const NDISC_REDIRECT = 137;
const MIN_MTU = 1280;
/** ICMPv6 header, target, destination. */
const MESSAGE = 40;
const OPTION_REDIRECTED = 4;
/** Milliseconds between two redirects about one destination, and to one sender. */
const PER_DESTINATION = 1000;

/** The packet leaves by the device it came from. Neighbours are not tracked: no link-layer address is told. */
export function redirect6(on: Stack, p: Skb, route: Route): void {
  const address = (w0: number, w1: number, w2: number, w3: number) => `${w0},${w1},${w2},${w3}`;
  if (!on.limit.peer(address(p.dst0, p.dst1, p.dst2, p.dst3), PER_DESTINATION)) return;
  // __ipv6_get_lladdr: the oldest; addresses are listed newest first.
  const links = on.host.interfaces[route.dev].addresses.filter((a) => a.family === 6 && isLinkLocal(a.words[0]));
  const own = links.at(-1);
  if (own === undefined) return;
  const gateway = (route.via0 | route.via1 | route.via2 | route.via3) !== 0;
  const target = gateway ? [route.via0, route.via1, route.via2, route.via3] : [p.dst0, p.dst1, p.dst2, p.dst3];
  if (gateway && !isLinkLocal(target[0])) return;
  const [s0, s1, s2, s3] = own.words;
  const way = on.host.route6(p.src0, p.src1, p.src2, p.src3, s0, s1, s2, s3, route.dev, 0);
  if (way.error !== 0 || (way.via0 | way.via1 | way.via2 | way.via3) !== 0) return;
  if (!on.limit.peer(address(p.src0, p.src1, p.src2, p.src3), PER_DESTINATION)) return;
  const skb = build(on, p, own.words, target);
  skb.route = way;
  localOut6(on, skb);
  on.tell(p, skb, "ICMPv6 redirect to the sender");
  on.done(skb);
}

function build(on: Stack, p: Skb, source: readonly number[], target: readonly number[]): Skb {
  const quoted = (Math.min(MIN_MTU - IPV6_HEADER - MESSAGE, p.length + 8) & ~7) - 8;
  const length = IPV6_HEADER + MESSAGE + 8 + quoted;
  const skb = on.take(length, p);
  const { data, view } = skb;
  data[0] = 0x60;
  view.setUint16(IPV6_LENGTH, length - IPV6_HEADER);
  data[IPV6_NEXT_HEADER] = IPPROTO_ICMPV6;
  data[7] = 255;
  source.forEach((word, i) => {
    view.setInt32(8 + 4 * i, word);
  });
  const to = [p.src0, p.src1, p.src2, p.src3];
  const about = [p.dst0, p.dst1, p.dst2, p.dst3];
  const at = IPV6_HEADER;
  data[at] = NDISC_REDIRECT;
  for (let i = 0; i < 4; i++) {
    view.setInt32(24 + 4 * i, to[i]);
    view.setInt32(at + 8 + 4 * i, target[i]);
    view.setInt32(at + 24 + 4 * i, about[i]);
  }
  const option = at + MESSAGE;
  data[option] = OPTION_REDIRECTED;
  data[option + 1] = (quoted + 8) >> 3;
  data.set(p.data.subarray(p.start, Math.min(p.end, p.start + quoted)), option + 8);
  const [s0, s1, s2, s3] = source;
  const pseudo = pseudoSum6(s0, s1, s2, s3, to[0], to[1], to[2], to[3], IPPROTO_ICMPV6, length - IPV6_HEADER);
  view.setUint16(at + 2, check(sumOf(view, at, length) + pseudo));
  skb.load(data, view, 0, length);
  skb.begin();
  skb.local = true;
  skb.sender = SENDER_KERNEL;
  return skb;
}
