/** Short spellings for the packets that generators make, over flow/'s builders. Addresses are text, results hex. */
import { parseAddress } from "../../src/bytes/address.ts";
import { hexOf } from "../../src/bytes/hex.ts";
import {
  type ChecksumWish,
  type IpFields,
  icmpMessage,
  ipPacket,
  join,
  sctpPacket,
  tcpSegment,
  udpDatagram,
} from "../../src/flow/compose.ts";

export interface Ip {
  readonly src: string;
  readonly dst: string;
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  readonly df?: boolean;
  readonly fragment?: { readonly id: number; readonly offset: number; readonly more: boolean };
  readonly ipChecksum?: ChecksumWish;
}

export interface Tcp extends Ip {
  readonly sport: number;
  readonly dport: number;
  readonly flags: number;
  readonly seq?: number;
  readonly ack?: number;
  readonly window?: number;
  readonly urgent?: number;
  readonly options?: Uint8Array;
  readonly data?: Uint8Array;
  readonly checksum?: ChecksumWish;
}

const NOTHING = new Uint8Array(0);

export function ipFields(ip: Ip): IpFields {
  const source = parseAddress(ip.src)!;
  return {
    family: source.length === 1 ? 4 : 6,
    source,
    destination: parseAddress(ip.dst)!,
    ttl: ip.ttl ?? 64,
    tos: ip.tos ?? 0,
    id: ip.id ?? 1,
    df: ip.df ?? ip.fragment === undefined,
    flowLabel: 0,
    fragment: ip.fragment ?? null,
    checksum: ip.ipChecksum ?? null,
  };
}

/** Bytes of a packet of any protocol. */
export function rawPacket(ip: Ip, protocol: number, payload: Uint8Array): Uint8Array {
  return ipPacket(ipFields(ip), protocol, payload);
}

export function tcp(p: Tcp): Uint8Array {
  const options = padded(p.options ?? NOTHING);
  const fields = {
    sport: p.sport,
    dport: p.dport,
    seq: (p.seq ?? 0) >>> 0,
    ack: (p.ack ?? 0) >>> 0,
    flags: p.flags,
    window: p.window ?? 65535,
    urgent: p.urgent ?? 0,
    options,
    data: p.data ?? NOTHING,
    checksum: p.checksum ?? null,
  };
  return rawPacket(p, 6, tcpSegment(ipFields(p), fields));
}

/** TCP options end at a multiple of four bytes. */
function padded(options: Uint8Array): Uint8Array {
  return join(options, new Uint8Array(-options.length & 3).fill(1));
}

export function udp(
  p: Ip & { sport: number; dport: number; data?: Uint8Array; checksum?: ChecksumWish; protocol?: 17 | 136 },
): Uint8Array {
  const protocol = p.protocol ?? 17;
  return rawPacket(p, protocol, udpDatagram(ipFields(p), protocol, p, p.data ?? NOTHING, p.checksum ?? null));
}

export function icmp(
  p: Ip & { type: number; code?: number; rest?: number; body?: Uint8Array; checksum?: ChecksumWish },
): Uint8Array {
  const fields = ipFields(p);
  const message = { type: p.type, code: p.code ?? 0, rest: p.rest ?? 0, body: p.body ?? NOTHING };
  return ipPacket(fields, fields.family === 4 ? 1 : 58, icmpMessage(fields, message, p.checksum ?? null));
}

export function echo(p: Ip & { id16: number; seq?: number; reply?: boolean; body?: Uint8Array }): Uint8Array {
  const six = p.src.includes(":");
  const type = six ? (p.reply ? 129 : 128) : p.reply ? 0 : 8;
  return icmp({ ...p, type, rest: (p.id16 << 16) | (p.seq ?? 1), body: p.body ?? new Uint8Array(8) });
}

export function sctp(
  p: Ip & { sport: number; dport: number; tag: number; chunks: Uint8Array; checksum?: ChecksumWish },
): Uint8Array {
  return rawPacket(p, 132, sctpPacket(p, p.chunks, p.checksum ?? null));
}

/** One SCTP chunk: type, flags, value. */
export function chunk(type: number, flags: number, value: Uint8Array): Uint8Array {
  const head = Uint8Array.of(type, flags, (4 + value.length) >>> 8, (4 + value.length) & 255);
  return join(head, value, new Uint8Array(-value.length & 3));
}

export const hex = (bytes: Uint8Array): string => hexOf(bytes);
