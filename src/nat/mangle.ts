/**
 * Data that names addresses and ports, rewritten as the packet around it was (nf_nat_helper.c: nf_nat_mangle_*_packet). The
 * packet may become longer or shorter; of a TCP connection all later sequence numbers then move (conntrack/sequence.ts).
 */
import { fold, ipv4HeaderCheck, protoReplace2, pseudoSum4, pseudoSum6 } from "../bytes/checksum.ts";
import { directionOf } from "../conntrack/conntrack.ts";
import type { Expectation } from "../conntrack/expectations.ts";
import { EXPECT_CLASHES, EXPECTED } from "../conntrack/expectations.ts";
import type { Helped } from "../conntrack/helper.ts";
import type { Helping } from "../conntrack/helping.ts";
import { moveSequence } from "../conntrack/sequence.ts";
import type { RandomSource } from "../host/random.ts";
import { IPV4_CHECKSUM, IPV4_LENGTH } from "../packet/ipv4.ts";
import { IPV6_HEADER, IPV6_LENGTH } from "../packet/ipv6.ts";
import { CHECKSUM_PARTIAL, type Packet } from "../packet/packet.ts";
import { IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";

const LONGEST_PACKET = 65535;
const LAST_PORT = 65535;
const MOST_ATTEMPTS = 128;
const UDP_HEADER = 8;
const UDP_LENGTH = 4;
const UDP_CHECKSUM = 6;
const TCP_CHECKSUM = 16;

/** Replaces `length` bytes of a segment's data from `offset` on. False: the packet would be too long. */
export function mangleTcp(helped: Helped, p: Packet, offset: number, length: number, text: string): boolean {
  const before = p.start + p.length - p.l4;
  if (!splice(p, p.l4 + p.tcpHeaderLength + offset, length, text)) return false;
  leaveChecksum(p, IPPROTO_TCP, p.l4 + TCP_CHECKSUM, before);
  moveSequence(helped, directionOf(p), p.seq, text.length - length);
  return true;
}

/** Likewise of a datagram. */
export function mangleUdp(p: Packet, offset: number, length: number, text: string): boolean {
  const before = p.start + p.length - p.l4;
  if (!splice(p, p.l4 + UDP_HEADER + offset, length, text)) return false;
  p.view.setUint16(p.l4 + UDP_LENGTH, p.start + p.length - p.l4);
  // The sender made none.
  if (p.view.getUint16(p.l4 + UDP_CHECKSUM) !== 0 || p.checksum === CHECKSUM_PARTIAL)
    leaveChecksum(p, IPPROTO_UDP, p.l4 + UDP_CHECKSUM, before);
  return true;
}

/** mangle_contents: the packet gets bytes of its own, for what follows it in its buffer is not ours. */
function splice(p: Packet, at: number, length: number, text: string): boolean {
  const grown = p.length + text.length - length;
  if (grown > LONGEST_PACKET) return false;
  p.pull(p.length);
  const mac = p.mac >= 0 ? p.macLength : 0;
  const bytes = new Uint8Array(mac + grown);
  if (mac > 0) bytes.set(p.data.subarray(p.mac, p.mac + mac));
  bytes.set(p.data.subarray(p.start, at), mac);
  const to = mac + at - p.start;
  for (let i = 0; i < text.length; i++) bytes[to + i] = text.charCodeAt(i);
  bytes.set(p.data.subarray(at + length, p.start + p.length), to + text.length);
  const view = new DataView(bytes.buffer);
  if (p.family === 4) {
    view.setUint16(mac + IPV4_LENGTH, grown);
    view.setUint16(mac + IPV4_CHECKSUM, ipv4HeaderCheck(view, mac, (bytes[mac] & 15) << 2));
  } else view.setUint16(mac + IPV6_LENGTH, grown - IPV6_HEADER);
  p.data = bytes;
  p.view = view;
  p.start = mac;
  p.end = bytes.length;
  p.mac = mac > 0 ? 0 : -1;
  p.wire = p.end - p.start;
  p.reload();
  return true;
}

/** nf_nat_csum_recalc: the sum is left to whoever sends the packet. `before`: how long its transport part was. */
function leaveChecksum(p: Packet, protocol: number, field: number, before: number): void {
  const { view, src0, src1, src2, src3, dst0, dst1, dst2, dst3 } = p;
  const now = p.start + p.length - p.l4;
  if (p.checksum === CHECKSUM_PARTIAL) {
    view.setUint16(field, protoReplace2(view.getUint16(field), before, now, true, true));
    return;
  }
  p.checksum = CHECKSUM_PARTIAL;
  const sum =
    p.family === 4
      ? pseudoSum4(src0, dst0, protocol, now)
      : pseudoSum6(src0, src1, src2, src3, dst0, dst1, dst2, dst3, protocol, now);
  view.setUint16(field, fold(sum));
}

/**
 * The port by which a translated connection will be expected: the one that was announced, or where that would clash with
 * what others expect, one above it. 0: none is free. nf_nat_exp_find_port.
 */
export function expectSomePort(helping: Helping, p: Packet, expectation: Expectation, random: RandomSource): number {
  const first = expectation.tuple.dport;
  const range = LAST_PORT - first;
  for (let left = Math.min(range, MOST_ATTEMPTS); ; left--) {
    const answer = helping.expect(p, expectation);
    if (answer === EXPECTED) return expectation.tuple.dport;
    if (answer !== EXPECT_CLASHES || left <= 0) return 0;
    expectation.tuple.dport = (first + (random.offset("expected port", first, range) % range)) & 0xffff;
  }
}
