/** REJECT's answers to IPv6 packets (nf_reject_ipv6.c): a TCP RST, or an ICMPv6 error. */

import { check, fold, pseudoSum6, sumOf } from "../bytes/checksum.ts";
import { LO } from "../host/interfaces.ts";
import { HeaderWalk, IPV6_HEADER, IPV6_LENGTH, IPV6_NEXT_HEADER, skipExtensionHeaders } from "../packet/ipv6.ts";
import { CHECKSUM_NONE } from "../packet/packet.ts";
import { IPPROTO_TCP, TCP_RST } from "../packet/transport.ts";
import { hasChecksum, writeReset } from "./answers4.ts";
import { hopLimitOf, icmpSend6 } from "./icmp6.ts";
import { localOut6 } from "./output6.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

const LENGTH = IPV6_HEADER + 20;

const walk = new HeaderWalk();

/** nf_send_reset6. */
export function tcpReset6(on: Stack, p: Skb): void {
  const { dst0, dst1, dst2, dst3, src0, src1, src2, src3 } = p;
  if (!isUnicast(src0, src1, src2, src3) || !isUnicast(dst0, dst1, dst2, dst3)) return;
  if (!p.hasPorts || p.protocol !== IPPROTO_TCP || (p.tcpFlags & TCP_RST) !== 0) return;
  if (!checksumIsRight6(p, p.l4, IPPROTO_TCP)) return;
  const mark = on.host.sysctl.fwmarkReflect6 !== 0 ? p.mark : 0;
  const way = on.host.route6(src0, src1, src2, src3, dst0, dst1, dst2, dst3, 0, mark);
  if (way.error !== 0) return;
  const skb = on.take(LENGTH, p);
  const { data, view } = skb;
  data[0] = 0x60;
  view.setUint16(IPV6_LENGTH, 20);
  data[IPV6_NEXT_HEADER] = IPPROTO_TCP;
  data[7] = hopLimitOf(on, way);
  [dst0, dst1, dst2, dst3, src0, src1, src2, src3].forEach((word, i) => {
    view.setInt32(8 + 4 * i, word);
  });
  writeReset(skb, p, IPV6_HEADER, p.start + p.length - p.l4);
  const pseudo = pseudoSum6(dst0, dst1, dst2, dst3, src0, src1, src2, src3, IPPROTO_TCP, 20);
  view.setUint16(IPV6_HEADER + 16, check(sumOf(view, IPV6_HEADER, LENGTH) + pseudo));
  skb.load(data, view, 0, LENGTH);
  skb.begin();
  skb.local = true;
  skb.mark = mark;
  skb.route = way;
  on.conntrack.attach(skb, p);
  on.conntrack.setClosing(p);
  localOut6(on, skb);
  on.tell(p, skb, "TCP RST to the sender");
  on.done(skb);
}

/** ipv6_addr_type has IPV6_ADDR_UNICAST: neither multicast nor unspecified, nor an IPv4-mapped address (::ffff:0:0/96). */
function isUnicast(w0: number, w1: number, w2: number, w3: number): boolean {
  const mapped = (w0 | w1) === 0 && w2 === 0xffff;
  return w0 >>> 24 !== 0xff && (w0 | w1 | w2 | w3) !== 0 && !mapped;
}

/** nf_send_unreach6. */
export function unreachable6(on: Stack, p: Skb, type: number, code: number): void {
  if (p.checksum === CHECKSUM_NONE) {
    skipExtensionHeaders(p, p.start + IPV6_HEADER, p.data[p.start + IPV6_NEXT_HEADER], walk);
    if (walk.at < 0 || walk.at >= p.start + p.length || (walk.fragment & ~7) !== 0) return;
    if (hasChecksum(p) && !checksumIsRight6(p, walk.at, walk.next)) return;
  }
  if (p.local && p.deviceNow === 0) p.deviceNow = LO;
  icmpSend6(on, p, type, code, 0);
}

/** nf_ip6_checksum. */
function checksumIsRight6(p: Skb, at: number, protocol: number): boolean {
  if (p.checksum !== CHECKSUM_NONE || p.cut || at < 0 || at > p.end) return true;
  const { dst0, dst1, dst2, dst3, src0, src1, src2, src3 } = p;
  const length = p.start + p.length - at;
  const pseudo = pseudoSum6(src0, src1, src2, src3, dst0, dst1, dst2, dst3, protocol, length);
  return fold(sumOf(p.view, at, p.end) + pseudo) === 0xffff;
}
