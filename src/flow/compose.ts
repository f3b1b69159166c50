/**
 * Packets from plain data: headers in front, lengths and checksums filled in. What a sender's stack would do.
 */
import { check, ipv4HeaderCheck, mangled0, pseudoSum4, pseudoSum6, sctpCheck, sumOf } from "../bytes/checksum.ts";

export interface IpFields {
  readonly family: 4 | 6;
  /** Network-order words, one or four. */
  readonly source: readonly number[];
  readonly destination: readonly number[];
  readonly ttl: number;
  readonly tos: number;
  /** IPv4 identification. */
  readonly id: number;
  readonly df: boolean;
  readonly flowLabel: number;
  readonly fragment: FragmentFields | null;
  /** A value for the IPv4 header's checksum field instead of the right one, or a way to spoil it. */
  readonly checksum: ChecksumWish;
}

export interface FragmentFields {
  readonly id: number;
  /** In bytes, a multiple of 8. */
  readonly offset: number;
  readonly more: boolean;
}

/** null: the right one; "bad": a wrong one; "none": 0; or this value. */
export type ChecksumWish = null | "bad" | "none" | number;

const NEXTHDR_FRAGMENT = 44;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The whole packet: IP header, IPv6 fragment header if need be, payload. */
export function ipPacket(ip: IpFields, protocol: number, payload: Uint8Array): Uint8Array {
  return ip.family === 4 ? ipv4Packet(ip, protocol, payload) : ipv6Packet(ip, protocol, payload);
}

function ipv4Packet(ip: IpFields, protocol: number, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(20);
  const view = viewOf(header);
  header[0] = 0x45;
  header[1] = ip.tos;
  view.setUint16(2, 20 + payload.length);
  view.setUint16(4, ip.fragment?.id ?? ip.id);
  const more = ip.fragment?.more ? 0x2000 : 0;
  view.setUint16(6, (ip.df ? 0x4000 : 0) | more | ((ip.fragment?.offset ?? 0) >>> 3));
  header[8] = ip.ttl;
  header[9] = protocol;
  view.setInt32(12, ip.source[0]);
  view.setInt32(16, ip.destination[0]);
  view.setUint16(10, wished(ip.checksum, ipv4HeaderCheck(view, 0, 20)));
  return join(header, payload);
}

function ipv6Packet(ip: IpFields, protocol: number, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(40);
  const view = viewOf(header);
  view.setUint32(0, (0x60000000 | (ip.tos << 20) | ip.flowLabel) >>> 0);
  header[7] = ip.ttl;
  for (let i = 0; i < 4; i++) {
    view.setInt32(8 + 4 * i, ip.source[i]);
    view.setInt32(24 + 4 * i, ip.destination[i]);
  }
  let body = payload;
  header[6] = protocol;
  if (ip.fragment !== null) {
    const extension = new Uint8Array(8);
    extension[0] = protocol;
    viewOf(extension).setUint16(2, ip.fragment.offset | (ip.fragment.more ? 1 : 0));
    viewOf(extension).setUint32(4, ip.fragment.id);
    header[6] = NEXTHDR_FRAGMENT;
    body = join(extension, payload);
  }
  view.setUint16(4, body.length);
  return join(header, body);
}

function wished(wish: ChecksumWish, right: number): number {
  if (wish === null) return right;
  if (wish === "bad") return right ^ 0x5555;
  return wish === "none" ? 0 : wish;
}

/** Puts the internet checksum with pseudo header at `at` of `segment`. */
export function fillChecksum(
  segment: Uint8Array,
  at: number,
  ip: Pick<IpFields, "family" | "source" | "destination">,
  protocol: number,
  wish: ChecksumWish,
  covered = segment.length,
): void {
  const view = viewOf(segment);
  const [s0, s1, s2, s3] = ip.source;
  const [d0, d1, d2, d3] = ip.destination;
  const pseudo =
    ip.family === 4
      ? pseudoSum4(s0, d0, protocol, segment.length)
      : pseudoSum6(s0, s1, s2, s3, d0, d1, d2, d3, protocol, segment.length);
  const right = check(pseudo + sumOf(view, 0, covered));
  // UDP's 0 means "no checksum", so its computed 0 is sent as all ones.
  view.setUint16(at, wished(wish, protocol === 17 || protocol === 136 ? mangled0(right) : right));
}

export interface TcpFields {
  readonly sport: number;
  readonly dport: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: Uint8Array;
  readonly data: Uint8Array;
  readonly checksum: ChecksumWish;
}

export function tcpSegment(ip: Pick<IpFields, "family" | "source" | "destination">, tcp: TcpFields): Uint8Array {
  const header = new Uint8Array(20 + tcp.options.length);
  const view = viewOf(header);
  view.setUint16(0, tcp.sport);
  view.setUint16(2, tcp.dport);
  view.setUint32(4, tcp.seq);
  view.setUint32(8, tcp.ack);
  header[12] = (header.length >>> 2) << 4;
  header[13] = tcp.flags;
  view.setUint16(14, tcp.window);
  view.setUint16(18, tcp.urgent);
  header.set(tcp.options, 20);
  const segment = join(header, tcp.data);
  fillChecksum(segment, 16, ip, 6, tcp.checksum);
  return segment;
}

/** `protocol` 17, or 136 for UDP-Lite with full coverage. */
export function udpDatagram(
  ip: Pick<IpFields, "family" | "source" | "destination">,
  protocol: number,
  ports: { readonly sport: number; readonly dport: number },
  data: Uint8Array,
  wish: ChecksumWish,
): Uint8Array {
  const header = new Uint8Array(8);
  const view = viewOf(header);
  view.setUint16(0, ports.sport);
  view.setUint16(2, ports.dport);
  view.setUint16(4, protocol === 17 ? 8 + data.length : 0);
  const datagram = join(header, data);
  fillChecksum(datagram, 6, ip, protocol, wish);
  return datagram;
}

/** An ICMP or ICMPv6 message; `rest` are the four bytes after the checksum. */
export function icmpMessage(
  ip: Pick<IpFields, "family" | "source" | "destination">,
  message: { readonly type: number; readonly code: number; readonly rest: number; readonly body: Uint8Array },
  wish: ChecksumWish,
): Uint8Array {
  const header = new Uint8Array(8);
  header[0] = message.type;
  header[1] = message.code;
  viewOf(header).setUint32(4, message.rest >>> 0);
  const whole = join(header, message.body);
  if (ip.family === 6) fillChecksum(whole, 2, ip, 58, wish);
  else viewOf(whole).setUint16(2, wished(wish, check(sumOf(viewOf(whole), 0, whole.length))));
  return whole;
}

/** An SCTP packet of finished chunks. */
export function sctpPacket(
  ports: { readonly sport: number; readonly dport: number; readonly tag: number },
  chunks: Uint8Array,
  wish: ChecksumWish,
): Uint8Array {
  const header = new Uint8Array(12);
  const view = viewOf(header);
  view.setUint16(0, ports.sport);
  view.setUint16(2, ports.dport);
  view.setUint32(4, ports.tag);
  const whole = join(header, chunks);
  const right = sctpCheck(viewOf(whole), 0, whole.length);
  viewOf(whole).setInt32(8, wish === null ? right : wish === "bad" ? right ^ 1 : wish === "none" ? 0 : wish);
  return whole;
}

/** What an ICMP error quotes of the packet it is about: as much as Linux sends. */
export function quoted(family: 4 | 6, packet: Uint8Array): Uint8Array {
  return packet.subarray(0, family === 4 ? 548 : 1232);
}
