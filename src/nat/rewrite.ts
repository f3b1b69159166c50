/**
 * Rewriting one header: an address, the port or id that goes with it, and the checksums that cover them
 * (nf_nat_proto.c: nf_nat_ipv4_manip_pkt, nf_nat_ipv6_manip_pkt and the per-protocol functions).
 *
 * Checksums are updated from the difference, never recomputed: a wrong checksum stays exactly as wrong as it was.
 * Differences are sums of 16-bit numbers not yet folded; one address makes at most 16 of them, far from 2^31.
 */
import { CSUM_MANGLED_0, check, fold, mangled0, sctpCheck, sumOfWord } from "../bytes/checksum.ts";
import { findTransport, Transport } from "../conntrack/packet-tuple.ts";
import type { End } from "../conntrack/records.ts";
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, type Packet } from "../packet/packet.ts";
import {
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "../packet/transport.ts";
import { MANIP_SRC, type Manip } from "./range.ts";

const inner = new Transport();

/** What a header is rewritten to. One record is reused for every packet. */
export class Translation implements End {
  manip: Manip = MANIP_SRC;
  family = 4;
  /** Of the connection, which decides what lies behind the addresses. */
  protocol = 0;
  /** The new address. */
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;
  /** The new port, ICMP id or GRE key. */
  port = 0;
}

/**
 * `rewriteHeader` for a plain packet (Packet.plain) whose checksum is not left to the card: one end of it changes, in the
 * bytes and in the Packet's fields.
 */
export function rewritePlain(p: Packet, to: Translation): void {
  const { view, start, l4 } = p;
  const { word0, port } = to;
  const isTcp = p.protocol === IPPROTO_TCP;
  p.pull(l4 - start + (isTcp ? 20 : 8));
  const source = to.manip === MANIP_SRC;
  const difference = wordDifference(source ? p.src0 : p.dst0, word0);
  const change = difference + (~(source ? p.sport : p.dport) & 0xffff) + port;
  // Offsets and values are worked out first: a branch among the arguments keeps V8 from compiling the access in place.
  const checkAt = l4 + (isTcp ? 16 : 6);
  const addressAt = start + (source ? 12 : 16);
  const portAt = l4 + (source ? 0 : 2);
  const headerCheck = view.getUint16(start + 10);
  const old = view.getUint16(checkAt);
  let now = updated(old, change);
  // UDP's zero says that the sender made no checksum; where the sum is 0 it says 0xffff.
  if (!isTcp) now = old === 0 ? 0 : mangled0(now);
  const newHeaderCheck = updated(headerCheck, difference);
  view.setUint16(start + 10, newHeaderCheck);
  view.setInt32(addressAt, word0);
  view.setUint16(portAt, port);
  view.setUint16(checkAt, now);
  if (source) {
    p.src0 = word0;
    p.sport = port;
  } else {
    p.dst0 = word0;
    p.dport = port;
  }
}

/**
 * Rewrites the network header at offset `at` of `p.data`, and the transport header behind it. False when the packet
 * ends too early: it is dropped then, and what was already written does not matter. Does not touch the Packet's fields.
 */
export function rewriteHeader(p: Packet, at: number, to: Translation): boolean {
  return to.family === 4 ? rewriteIpv4(p, at, to) : rewriteIpv6(p, at, to);
}

function rewriteIpv4(p: Packet, at: number, to: Translation): boolean {
  if (at + 20 > p.end) return false;
  const view = p.view;
  const field = at + (to.manip === MANIP_SRC ? 12 : 16);
  const difference = wordDifference(view.getInt32(field), to.word0);
  const l4 = at + ((p.data[at] & 15) << 2);
  if (!rewriteTransport(p, l4, to, difference)) return false;
  view.setUint16(at + 10, updated(view.getUint16(at + 10), difference));
  view.setInt32(field, to.word0);
  return true;
}

function rewriteIpv6(p: Packet, at: number, to: Translation): boolean {
  if (at + 40 > p.end) return false;
  const view = p.view;
  const field = at + (to.manip === MANIP_SRC ? 8 : 24);
  const difference =
    wordDifference(view.getInt32(field), to.word0) +
    wordDifference(view.getInt32(field + 4), to.word1) +
    wordDifference(view.getInt32(field + 8), to.word2) +
    wordDifference(view.getInt32(field + 12), to.word3);
  let l4 = p.fragmentOffset === 0 ? p.l4 : -1;
  if (at !== p.start) {
    findTransport(p, at, 6, inner);
    l4 = inner.offset;
  }
  // Without a transport header (a later fragment, a broken chain) only the address changes.
  if (l4 >= 0 && !rewriteTransport(p, l4, to, difference)) return false;
  view.setInt32(field, to.word0);
  view.setInt32(field + 4, to.word1);
  view.setInt32(field + 8, to.word2);
  view.setInt32(field + 12, to.word3);
  return true;
}

/** How much of `present` bytes must lie together to be rewritten: with the checksum, if that is there. */
function pulled(protocol: number, present: number): number {
  if (protocol === IPPROTO_TCP && present >= 20) return 20;
  return protocol === IPPROTO_SCTP && present >= 12 ? 12 : 8;
}

/** `difference` is that of the addresses, which most transport checksums cover with a pseudo header. */
function rewriteTransport(p: Packet, l4: number, to: Translation, difference: number): boolean {
  const { view, end } = p;
  p.pull(l4 - p.start + pulled(to.protocol, end - l4));
  switch (to.protocol) {
    case IPPROTO_TCP: {
      // The header inside an ICMP error may end after 8 bytes, before the checksum.
      if (l4 + 8 > end) return false;
      const change = difference + setPort(view, l4, to);
      if (l4 + 20 <= end) setPseudoChecksum(p, l4 + 16, difference, change);
      return true;
    }
    case IPPROTO_UDP: {
      if (l4 + 8 > end) return false;
      const change = difference + setPort(view, l4, to);
      // Zero says that the sender made no checksum; it stays so.
      if (view.getUint16(l4 + 6) !== 0) setUdpChecksum(p, l4 + 6, difference, change);
      return true;
    }
    case IPPROTO_UDPLITE:
      if (l4 + 8 > end) return false;
      setUdpChecksum(p, l4 + 6, difference, difference + setPort(view, l4, to));
      return true;
    case IPPROTO_SCTP:
      if (l4 + 8 > end) return false;
      setPort(view, l4, to);
      if (l4 + 12 <= end) setSctpChecksum(p, l4);
      return true;
    case IPPROTO_ICMP:
      if (l4 + 8 > end) return false;
      if (isIcmpQuery(p.data[l4])) setIcmpId(p, l4, 0, to.port);
      return true;
    case IPPROTO_ICMPV6: {
      if (l4 + 8 > end) return false;
      const type = p.data[l4];
      if (type === 128 || type === 129) setIcmpId(p, l4, difference, to.port);
      else setPseudoChecksum(p, l4 + 2, difference, difference);
      return true;
    }
    case IPPROTO_GRE:
      return rewriteGre(p, l4, to);
    default:
      return true;
  }
}

/** Writes the new port and returns the difference it makes. */
function setPort(view: DataView, l4: number, to: Translation): number {
  const field = to.manip === MANIP_SRC ? l4 : l4 + 2;
  const old = view.getUint16(field);
  view.setUint16(field, to.port);
  return (~old & 0xffff) + to.port;
}

function setIcmpId(p: Packet, l4: number, addressDifference: number, id: number): void {
  const view = p.view;
  const old = view.getUint16(l4 + 4);
  view.setUint16(l4 + 4, id);
  setPseudoChecksum(p, l4 + 2, addressDifference, addressDifference + (~old & 0xffff) + id);
}

/** The key of GREv1 (PPTP) is the call id of the receiver; other versions have nothing to rewrite. */
function rewriteGre(p: Packet, l4: number, to: Translation): boolean {
  // gre_manip_pkt wants 8 bytes of every GRE packet, though the base header has only 4.
  if (l4 + 8 > p.end) return false;
  if (to.manip === MANIP_SRC) return true;
  const version = p.data[l4 + 1] & 7;
  if (version > 1) return false;
  if (version === 1) p.view.setUint16(l4 + 6, to.port);
  return true;
}

/** Types that carry an id (icmp_manip_pkt). */
function isIcmpQuery(type: number): boolean {
  return type === 8 || type === 0 || (type >= 13 && type <= 18);
}

function setSctpChecksum(p: Packet, l4: number): void {
  // The card will do it; or the rest of the packet is not here to be summed.
  if (p.checksum === CHECKSUM_PARTIAL || p.cut) return;
  p.view.setInt32(l4 + 8, sctpCheck(p.view, l4, p.end));
  p.checksum = CHECKSUM_NONE;
}

/** UDP says 0xffff where the sum is 0 (CSUM_MANGLED_0). */
function setUdpChecksum(p: Packet, field: number, addressDifference: number, difference: number): void {
  setPseudoChecksum(p, field, addressDifference, difference);
  if (p.view.getUint16(field) === 0) p.view.setUint16(field, CSUM_MANGLED_0);
}

/**
 * inet_proto_csum_replace4, _replace16: `difference` includes the addresses'. A checksum that is left to the card
 * holds the pseudo header's sum, not its complement, and knows nothing of ports.
 */
function setPseudoChecksum(p: Packet, field: number, addressDifference: number, difference: number): void {
  const old = p.view.getUint16(field);
  if (p.checksum === CHECKSUM_PARTIAL) p.view.setUint16(field, fold(old + addressDifference));
  else p.view.setUint16(field, updated(old, difference));
}

/** What replacing `old` by `now` adds to a sum. */
function wordDifference(old: number, now: number): number {
  return sumOfWord(~old) + sumOfWord(now);
}

/** The checksum after the difference. Its sum is never 0 in the kernel's 32-bit arithmetic, so 0xffff never comes out. */
function updated(checksum: number, difference: number): number {
  return check((~checksum & 0xffff) + 0xffff + difference);
}
