/**
 * The fields of the transport header that the hot path reads. What a protocol makes of them is protocol/'s affair.
 */
import type { Packet } from "./packet.ts";

export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_IPIP = 4;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_DCCP = 33;
export const IPPROTO_GRE = 47;
export const IPPROTO_ESP = 50;
export const IPPROTO_AH = 51;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_SCTP = 132;
export const IPPROTO_UDPLITE = 136;

/** TCP header, byte 13. */
export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_ECE = 0x40;
export const TCP_CWR = 0x80;

/** Bytes of a TCP header without options. */
export const TCP_HEADER = 20;
export const UDP_HEADER = 8;

/** Reads the header at `p.l4` of a whole packet or first fragment: fills every transport field. */
export function parseTransport(p: Packet, protocol: number): void {
  const { l4, view } = p;
  const there = p.end - l4;
  switch (protocol) {
    case IPPROTO_TCP:
      if (there < TCP_HEADER) break;
      parseTcp(p, view, l4);
      return;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_DCCP:
    case IPPROTO_SCTP:
      if (there < 8) break;
      setPorts(p, view.getInt32(l4));
      return;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      if (there < 8) break;
      clearTransport(p);
      p.dport = view.getUint16(l4);
      p.sport = view.getUint16(l4 + 4);
      p.hasPorts = true;
      return;
  }
  clearTransport(p);
}

/** A TCP header of which at least TCP_HEADER bytes are there. */
export function parseTcp(p: Packet, view: DataView, l4: number): void {
  const ports = view.getInt32(l4);
  const seq = view.getInt32(l4 + 4);
  const ack = view.getInt32(l4 + 8);
  const rest = view.getInt32(l4 + 12);
  p.sport = ports >>> 16;
  p.dport = ports & 0xffff;
  p.seq = seq;
  p.ack = ack;
  p.tcpHeaderLength = (rest >>> 26) & 60;
  p.tcpFlags = (rest >>> 16) & 0xff;
  p.window = rest & 0xffff;
  p.hasPorts = true;
}

/** Of any protocol but TCP: the first word of its header holds the ports. */
export function setPorts(p: Packet, ports: number): void {
  clearTransport(p);
  p.sport = ports >>> 16;
  p.dport = ports & 0xffff;
  p.hasPorts = true;
}

/** There is no transport header to read. */
export function clearTransport(p: Packet): void {
  p.hasPorts = false;
  p.sport = 0;
  p.dport = 0;
  p.tcpFlags = 0;
  p.seq = 0;
  p.ack = 0;
  p.window = 0;
  p.tcpHeaderLength = 0;
}

/** Protocols whose header parseTransport reads: without `hasPorts` theirs is cut or missing. */
export function needsPorts(protocol: number): boolean {
  return (
    protocol === IPPROTO_TCP ||
    protocol === IPPROTO_UDP ||
    protocol === IPPROTO_ICMP ||
    protocol === IPPROTO_ICMPV6 ||
    protocol === IPPROTO_UDPLITE ||
    protocol === IPPROTO_SCTP ||
    protocol === IPPROTO_DCCP
  );
}

/** a < b, as sequence numbers. */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** a > b. */
export function after(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}
