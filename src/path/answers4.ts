/** REJECT's answers to IPv4 packets (nf_reject_ipv4.c): a TCP RST, or an ICMP error. */
import { fold, ipv4HeaderSum, pseudoSum4, sumOf } from "../bytes/checksum.ts";
import { RTN_BROADCAST, RTN_MULTICAST } from "../host/route.ts";
import { FORWARD } from "../packet/hook.ts";
import { setIpv4Check } from "../packet/ipv4.ts";
import { CHECKSUM_COMPLETE, CHECKSUM_NONE, CHECKSUM_PARTIAL } from "../packet/packet.ts";
import {
  IPPROTO_AH,
  IPPROTO_ESP,
  IPPROTO_GRE,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  TCP_ACK,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
} from "../packet/transport.ts";
import { icmpSend4 } from "./icmp4.ts";
import { localOut4 } from "./output4.ts";
import { harder4 } from "./reroute.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

const LENGTH = 40;

/** nf_send_reset. */
export function tcpReset4(on: Stack, p: Skb): void {
  if (!p.hasPorts || p.protocol !== IPPROTO_TCP || (p.tcpFlags & TCP_RST) !== 0 || !checksumIsRight4(p)) return;
  // Verified before, and yet summed once more.
  if (
    p.checksum === CHECKSUM_COMPLETE &&
    p.hook === FORWARD &&
    ipv4HeaderSum(p.view, p.start, p.l4 - p.start) !== 0xffff
  )
    return;
  const route = p.route;
  if (route === null || route.type === RTN_BROADCAST || route.type === RTN_MULTICAST) return;
  const skb = on.take(LENGTH, p);
  const { data, view } = skb;
  data[0] = 0x45;
  view.setUint16(2, LENGTH);
  view.setUint16(6, 0x4000);
  data[8] = route.hopLimit !== 0 ? route.hopLimit : on.host.sysctl.ipDefaultTtl;
  data[9] = IPPROTO_TCP;
  view.setInt32(12, p.dst0);
  view.setInt32(16, p.src0);
  writeReset(skb, p, 20, p.length - (p.l4 - p.start));
  // The kernel leaves the rest of the checksum to the network card: whoever quotes the RST before sees only this.
  view.setUint16(36, fold(pseudoSum4(p.dst0, p.src0, IPPROTO_TCP, 20)));
  skb.load(data, view, 0, LENGTH);
  skb.begin();
  skb.checksum = CHECKSUM_PARTIAL;
  setIpv4Check(skb);
  skb.local = true;
  skb.mark = on.host.sysctl.fwmarkReflect !== 0 ? p.mark : 0;
  const way = harder4(on, skb);
  if (way.error === 0 && way.mtu >= LENGTH) {
    skb.route = way;
    on.conntrack.attach(skb, p);
    on.conntrack.setClosing(p);
    localOut4(on, skb);
    on.tell(p, skb, "TCP RST to the sender");
  }
  on.done(skb);
}

/** nf_reject_ip_tcphdr_put: the RST's header at `at`; `length` bytes of the segment are header and data. */
export function writeReset(skb: Skb, p: Skb, at: number, length: number): void {
  const { data, view } = skb;
  view.setUint16(at, p.dport);
  view.setUint16(at + 2, p.sport);
  data[at + 12] = 5 << 4;
  data[at + 13] = TCP_RST;
  if ((p.tcpFlags & TCP_ACK) !== 0) {
    view.setInt32(at + 4, p.ack);
    return;
  }
  const taken = ((p.tcpFlags & TCP_SYN) !== 0 ? 1 : 0) + ((p.tcpFlags & TCP_FIN) !== 0 ? 1 : 0);
  view.setInt32(at + 8, (p.seq + taken + length - p.tcpHeaderLength) | 0);
  data[at + 13] = TCP_RST | TCP_ACK;
}

/** nf_send_unreach. */
export function unreachable4(on: Stack, p: Skb, type: number, code: number): void {
  if (p.fragmentOffset !== 0) return;
  if (hasChecksum(p) && !checksumIsRight4(p)) return;
  icmpSend4(on, p, type, code, 0);
}

/** nf_reject_verify_csum: whether the whole payload is covered by a sum in one's complement. */
export function hasChecksum(p: Skb): boolean {
  switch (p.protocol) {
    case IPPROTO_UDP:
      return !p.hasPorts || p.view.getUint16(p.l4 + 6) !== 0;
    case IPPROTO_GRE:
    case IPPROTO_AH:
    case IPPROTO_ESP:
    case IPPROTO_SCTP:
    case IPPROTO_UDPLITE:
      return false;
    default:
      return true;
  }
}

/**
 * nf_ip_checksum: all protocols but TCP and UDP are summed without a pseudo header. The kernel sums the IP header, too,
 * which comes to nothing unless an option was filled in and the header's own check not yet made anew.
 */
function checksumIsRight4(p: Skb): boolean {
  if (p.checksum !== CHECKSUM_NONE || p.cut || p.l4 < 0) return true;
  const ported = p.protocol === IPPROTO_TCP || p.protocol === IPPROTO_UDP;
  const pseudo = ported ? pseudoSum4(p.src0, p.dst0, p.protocol, p.start + p.length - p.l4) : 0;
  return fold(sumOf(p.view, p.start, p.end) + pseudo) === 0xffff;
}
