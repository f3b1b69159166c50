/**
 * ICMP and ICMPv6 errors about a translated connection (nf_nat_proto.c: nf_nat_icmp_reply_translation). Such a packet
 * carries the beginning of one that was translated on its way out, so that both the header outside and the one inside
 * are taken back, in opposite directions.
 */

import { IPS_NAT_DONE_MASK, IPS_NAT_MASK } from "../assembly/status.ts";
import { check, fold, pseudoSum6, sumOf } from "../bytes/checksum.ts";
import { OUTPUT, PREROUTING } from "../packet/hook.ts";
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, type Packet } from "../packet/packet.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "../packet/transport.ts";
import { MANIP_DST, MANIP_SRC } from "./range.ts";
import { rewriteHeader, type Translation } from "./rewrite.ts";

const ICMP_REDIRECT = 5;
const NDISC_REDIRECT = 137;
/** Of an ICMP or ICMPv6 message, before the packet inside. */
const ICMP_HEADER = 8;

/** Why an error about a connection with this status may not go on, rewritten or not; "" when it may. */
export function objectionTo(p: Packet, status: number): string {
  const innerHeader = p.family === 4 ? 20 : 40;
  if (p.l4 + ICMP_HEADER + innerHeader > p.end) return "an ICMP error that quotes too little of a packet";
  p.pull(p.l4 - p.start + ICMP_HEADER + innerHeader);
  if (!hasRightChecksum(p)) return "an ICMP error with a bad checksum";
  // A redirect changes a route for an address; once addresses are translated it would be about another one.
  if (p.data[p.l4] === (p.family === 4 ? ICMP_REDIRECT : NDISC_REDIRECT)) {
    const untouched = (status & IPS_NAT_DONE_MASK) === IPS_NAT_DONE_MASK && (status & IPS_NAT_MASK) === 0;
    if (!untouched) return "an ICMP redirect about a translated connection";
  }
  return "";
}

/**
 * Rewrites an error without `objectionTo` as `to` says of the header outside. What the header outside shows at one end
 * is what the packet inside, which went the other way, has to show at the other. False: drop it.
 */
export function rewriteError(p: Packet, to: Translation): boolean {
  const { view, l4, end } = p;
  const { manip, protocol } = to;
  const before = p.cut ? sumOf(view, l4, end) : 0;
  to.manip = manip === MANIP_SRC ? MANIP_DST : MANIP_SRC;
  if (!rewriteHeader(p, l4 + ICMP_HEADER, to)) return false;
  if (p.checksum !== CHECKSUM_PARTIAL) {
    if (p.cut) adjustChecksum(p, before);
    else recomputeChecksum(p);
  }
  to.manip = manip;
  to.protocol = p.family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  const done = rewriteHeader(p, p.start, to);
  to.protocol = protocol;
  return done;
}

/** nf_ip_checksum, nf_ip6_checksum. Once it was found right it is not looked at again at later hooks. */
function hasRightChecksum(p: Packet): boolean {
  if (p.checksum !== CHECKSUM_NONE || p.cut || (p.hook !== PREROUTING && p.hook !== OUTPUT)) return true;
  return fold(sumOf(p.view, p.l4, p.end) + pseudoSum(p)) === 0xffff;
}

function recomputeChecksum(p: Packet): void {
  const field = p.l4 + 2;
  p.view.setUint16(field, 0);
  p.view.setUint16(field, check(sumOf(p.view, p.l4, p.end) + pseudoSum(p)));
}

/** Only part of the message is here: what changed in it is all that can be reckoned. */
function adjustChecksum(p: Packet, before: number): void {
  const field = p.l4 + 2;
  const change = sumOf(p.view, p.l4, p.end) + (~before & 0xffff);
  p.view.setUint16(field, check((~p.view.getUint16(field) & 0xffff) + 0xffff + change));
}

/** ICMPv6 is covered by a pseudo header, ICMP is not. */
function pseudoSum(p: Packet): number {
  if (p.family === 4) return 0;
  const { src0, src1, src2, src3, dst0, dst1, dst2, dst3 } = p;
  return pseudoSum6(src0, src1, src2, src3, dst0, dst1, dst2, dst3, IPPROTO_ICMPV6, p.end - p.l4);
}
