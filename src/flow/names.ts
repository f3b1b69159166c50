/**
 * The names that packet notation uses for numbers: protocols, ICMP types and codes (as iptables and ip6tables spell
 * them), SCTP chunks, DCCP packet types, TCP flags (as tcpdump writes them). Used for reading and for printing.
 */

import { assignedProtocol, assignedProtocolName } from "../packet/protocol-names.ts";

/** Protocols by the names that packet notation prints; any other name of /etc/protocols is read too. */
const PROTOCOLS: Readonly<Record<string, number>> = {
  "hop-by-hop": 0,
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  "ipv6-in-ip": 41,
  gre: 47,
  esp: 50,
  ah: 51,
  icmp6: 58,
  "no-next-header": 59,
  eigrp: 88,
  ospf: 89,
  pim: 103,
  ipcomp: 108,
  vrrp: 112,
  l2tp: 115,
  sctp: 132,
  udplite: 136,
};

const PROTOCOL_NAMES = new Map(Object.entries(PROTOCOLS).map(([name, number]) => [number, name]));

/** `tcp`, or the number as text. */
export function protocolName(protocol: number): string {
  return PROTOCOL_NAMES.get(protocol) ?? assignedProtocolName(protocol) ?? String(protocol);
}

/** The number of a protocol, null when the name means none. */
export function protocolNamed(name: string): number | null {
  return Object.hasOwn(PROTOCOLS, name) ? PROTOCOLS[name] : assignedProtocol(name);
}

export interface IcmpKind {
  readonly name: string;
  readonly type: number;
  readonly code: number;
}

const kinds = (table: readonly (readonly [string, number, number])[]): readonly IcmpKind[] =>
  table.map(([name, type, code]) => ({ name, type, code }));

/** The first name of a type and code is the one that is printed. */
export const ICMP_KINDS = kinds([
  ["echo-reply", 0, 0],
  ["network-unreachable", 3, 0],
  ["host-unreachable", 3, 1],
  ["protocol-unreachable", 3, 2],
  ["port-unreachable", 3, 3],
  ["unreachable", 3, 3],
  ["fragmentation-needed", 3, 4],
  ["source-route-failed", 3, 5],
  ["network-unknown", 3, 6],
  ["host-unknown", 3, 7],
  ["network-prohibited", 3, 9],
  ["host-prohibited", 3, 10],
  ["TOS-network-unreachable", 3, 11],
  ["TOS-host-unreachable", 3, 12],
  ["communication-prohibited", 3, 13],
  ["admin-prohibited", 3, 13],
  ["host-precedence-violation", 3, 14],
  ["precedence-cutoff", 3, 15],
  ["source-quench", 4, 0],
  ["network-redirect", 5, 0],
  ["host-redirect", 5, 1],
  ["redirect", 5, 1],
  ["TOS-network-redirect", 5, 2],
  ["TOS-host-redirect", 5, 3],
  ["echo-request", 8, 0],
  ["ping", 8, 0],
  ["router-advertisement", 9, 0],
  ["router-solicitation", 10, 0],
  ["time-exceeded", 11, 0],
  ["ttl-exceeded", 11, 0],
  ["ttl-zero-during-transit", 11, 0],
  ["ttl-zero-during-reassembly", 11, 1],
  ["parameter-problem", 12, 0],
  ["ip-header-bad", 12, 0],
  ["required-option-missing", 12, 1],
  ["timestamp-request", 13, 0],
  ["timestamp-reply", 14, 0],
  ["information-request", 15, 0],
  ["information-reply", 16, 0],
  ["address-mask-request", 17, 0],
  ["address-mask-reply", 18, 0],
]);

export const ICMP6_KINDS = kinds([
  ["no-route", 1, 0],
  ["communication-prohibited", 1, 1],
  ["admin-prohibited", 1, 1],
  ["beyond-scope", 1, 2],
  ["address-unreachable", 1, 3],
  ["port-unreachable", 1, 4],
  ["unreachable", 1, 4],
  ["failed-policy", 1, 5],
  ["reject-route", 1, 6],
  ["packet-too-big", 2, 0],
  ["time-exceeded", 3, 0],
  ["ttl-exceeded", 3, 0],
  ["ttl-zero-during-transit", 3, 0],
  ["ttl-zero-during-reassembly", 3, 1],
  ["parameter-problem", 4, 0],
  ["bad-header", 4, 0],
  ["unknown-header-type", 4, 1],
  ["unknown-option", 4, 2],
  ["echo-request", 128, 0],
  ["ping", 128, 0],
  ["echo-reply", 129, 0],
  ["multicast-listener-query", 130, 0],
  ["multicast-listener-report", 131, 0],
  ["multicast-listener-done", 132, 0],
  ["router-solicitation", 133, 0],
  ["router-advertisement", 134, 0],
  ["neighbour-solicitation", 135, 0],
  ["neighbor-solicitation", 135, 0],
  ["neighbour-advertisement", 136, 0],
  ["neighbor-advertisement", 136, 0],
  ["redirect", 137, 0],
  ["multicast-listener-report-v2", 143, 0],
]);

/** Types whose body is the packet they are about. */
export function isIcmpError(family: 4 | 6, type: number): boolean {
  return family === 6 ? type < 128 : type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}

/** Types that carry an identifier and a sequence number. */
export function isIcmpQuery(family: 4 | 6, type: number): boolean {
  if (family === 6) return type === 128 || type === 129;
  return type === 0 || type === 8 || (type >= 13 && type <= 18);
}

export function icmpKindNamed(family: 4 | 6, name: string): IcmpKind | undefined {
  const wanted = name.toLowerCase();
  const plain = wanted.replace(family === 4 ? /^icmp-/ : /^icmp6-/, "");
  return (family === 4 ? ICMP_KINDS : ICMP6_KINDS).find((kind) => kind.name.toLowerCase() === plain);
}

/** `port-unreachable`, or `type 42 code 7` for what has no name. */
export function icmpName(family: 4 | 6, type: number, code: number): string {
  const kind = (family === 4 ? ICMP_KINDS : ICMP6_KINDS).find((k) => k.type === type && k.code === code);
  return kind?.name ?? `type ${type} code ${code}`;
}

export const SCTP_CHUNKS: Readonly<Record<string, number>> = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
  SACK: 3,
  HEARTBEAT: 4,
  HEARTBEAT_ACK: 5,
  ABORT: 6,
  SHUTDOWN: 7,
  SHUTDOWN_ACK: 8,
  ERROR: 9,
  COOKIE_ECHO: 10,
  COOKIE_ACK: 11,
  ECNE: 12,
  SHUTDOWN_COMPLETE: 14,
  AUTH: 15,
  ASCONF_ACK: 0x80,
  FORWARD_TSN: 0xc0,
  ASCONF: 0xc1,
};

export const DCCP_TYPES = [
  "REQUEST",
  "RESPONSE",
  "DATA",
  "ACK",
  "DATAACK",
  "CLOSEREQ",
  "CLOSE",
  "RESET",
  "SYNC",
  "SYNCACK",
] as const;

/** tcpdump's order (print-tcp.c: tcp_flag_values): FIN SYN RST PSH ACK URG ECE CWR. */
const TCP_FLAGS: readonly (readonly [number, string, string])[] = [
  [0x01, "F", "FIN"],
  [0x02, "S", "SYN"],
  [0x04, "R", "RST"],
  [0x08, "P", "PSH"],
  [0x10, ".", "ACK"],
  [0x20, "U", "URG"],
  [0x40, "E", "ECE"],
  [0x80, "W", "CWR"],
];

/** `[S.]`, `[P.]`, `[none]`. */
export function flagsText(flags: number): string {
  const letters = TCP_FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, letter]) => letter);
  return `[${letters.length === 0 ? "none" : letters.join("")}]`;
}

/** `[S.]`, `[SA]`, `[S A]`, `[SYN,ACK]`, `[none]` to the flag byte; null when a letter means nothing. */
export function flagsOf(text: string): number | null {
  const inner = text.slice(1, -1);
  if (inner === "none") return 0;
  let flags = 0;
  for (const part of inner.split(/[ ,|]+/)) {
    const named = TCP_FLAGS.find(([, , name]) => name === part);
    if (named !== undefined) flags |= named[0];
    else
      for (const letter of part) {
        const bit = letter === "A" ? 0x10 : letter === "C" ? 0x80 : TCP_FLAGS.find(([, l]) => l === letter)?.[0];
        if (bit === undefined) return null;
        flags |= bit;
      }
  }
  return flags;
}
