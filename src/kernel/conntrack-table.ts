/**
 * The kernel's connection table, read from /proc/net/nf_conntrack (a quarter of a millisecond, where the conntrack
 * program needs ten) and rewritten into the lines that `conntrack -L` prints.
 */
import { readFileSync } from "node:fs";
import { formatIpv4, formatIpv6, parseIpv6 } from "../bytes/address.ts";
import { Packet } from "../packet/packet.ts";
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "../packet/transport.ts";

/** All connections of the namespace, each once, as `conntrack -L` (or `conntrack -L -f ipv6`) prints them. */
export function readConnections(family: 4 | 6): string[] {
  const prefix = family === 4 ? "ipv4 " : "ipv6 ";
  const lines = readFileSync("/proc/self/net/nf_conntrack", "utf8").split("\n");
  return lines.filter((line) => line.startsWith(prefix)).map(asConntrackPrints);
}

/** nf_conntrack_standalone.c: ct_seq_show → libnetfilter_conntrack's default output. */
export function asConntrackPrints(line: string): string {
  return line
    .replace(/^ipv[46] +\d+ /, "")
    .replace(/timeout=\d+, stream_timeout=\d+ /, "")
    .replace(/^unknown {2}33 (.*?dst=\S+)(.*?dst=\S+)/, "dccp     33 $1 sport=0 dport=0$2 sport=0 dport=0")
    .replace(/ zone=0\b/, "")
    .replace(/ use=(\d+)/, (_, use: string) => ` use=${Number(use) - 1}`)
    .replace(/\b(src|dst)=([0-9a-f:]{39})\b/g, (_, side: string, address: string) => `${side}=${compress(address)}`);
}

function compress(address: string): string {
  const words = parseIpv6(address);
  return words === null ? address : formatIpv6(words[0], words[1], words[2], words[3]);
}

/** The line without what depends on the instant it is read: the timeout, and how many hold the entry just now. */
export function withoutInstant(line: string): string {
  return line.replace(/^(\S+ +\d+ )\d+ /, "$1").replace(/ use=\d+/, "");
}

/** The line of the connection that a packet belongs to, by the tuple it had when it came; null: the table holds none. */
export function entryOf(bytes: Uint8Array, lines: readonly string[]): string | null {
  const packet = new Packet();
  packet.loadBytes(bytes);
  const tuple = tupleOf(packet);
  return (
    lines.find((line) => Number(line.match(/^\S+ +(\d+)/)?.[1]) === tuple.protocol && line.includes(tuple.text)) ?? null
  );
}

/** An ICMP error belongs to the connection that would expect an answer to the packet it quotes. */
function tupleOf(p: Packet): { protocol: number; text: string } {
  const inner = p.protocol === IPPROTO_ICMP || p.protocol === IPPROTO_ICMPV6 ? quotedPacket(p) : null;
  const { protocol, sport, dport } = inner ?? p;
  const source = inner === null ? sourceOf(p) : destinationOf(inner);
  const destination = inner === null ? destinationOf(p) : sourceOf(inner);
  const ends = `src=${source} dst=${destination}`;
  switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP: {
      const [from, to] = inner === null ? [sport, dport] : [dport, sport];
      return { protocol, text: `${ends} sport=${from} dport=${to} ` };
    }
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: {
      const type = inner === null ? dport >>> 8 : (ANSWERS.get(dport >>> 8) ?? dport >>> 8);
      return { protocol, text: `${ends} type=${type} code=${dport & 255} id=${sport} ` };
    }
    default:
      return { protocol, text: `${ends} ` };
  }
}

/** ICMP and ICMPv6 queries and their replies, both ways. */
const ANSWERS = new Map(
  [
    [8, 0],
    [13, 14],
    [15, 16],
    [17, 18],
    [128, 129],
    [139, 140],
  ].flatMap(([query, reply]) => [
    [query, reply],
    [reply, query],
  ]),
);

/** The packet that an ICMP error quotes, or null for other ICMP. */
function quotedPacket(p: Packet): Packet | null {
  if (!p.hasPorts) return null;
  const type = p.dport >>> 8;
  const error = p.protocol === IPPROTO_ICMP ? [3, 4, 5, 11, 12].includes(type) : type < 128;
  if (!error || p.end - p.l4 <= 8) return null;
  const inner = new Packet();
  inner.load(p.data, p.view, p.l4 + 8, p.end);
  return inner;
}

const sourceOf = (p: Packet) => address(p, p.src0, p.src1, p.src2, p.src3);
const destinationOf = (p: Packet) => address(p, p.dst0, p.dst1, p.dst2, p.dst3);

function address(p: Packet, w0: number, w1: number, w2: number, w3: number): string {
  return p.family === 4 ? formatIpv4(w0) : formatIpv6(w0, w1, w2, w3);
}
