/**
 * Protocol names and numbers of `-p` and its like: iptables' own short list first, then what /etc/protocols of Debian
 * knows (the IANA assignments). Source imitated: libxtables/xtables.c: xtables_chain_protos, xtables_parse_protocol.
 */
import { assignedProtocol, assignedProtocolName } from "../packet/protocol-names.ts";
import { RuleError } from "./extension.ts";
import { parseNumber, U8_MAX } from "./numbers.ts";

/** In iptables' order: a number that has several names is printed with the first. */
const CHAIN_PROTOCOLS: readonly (readonly [name: string, number: number])[] = [
  ["tcp", 6],
  ["sctp", 132],
  ["udp", 17],
  ["udplite", 136],
  ["icmp", 1],
  ["ipv6-icmp", 58],
  ["icmpv6", 58],
  ["esp", 50],
  ["ah", 51],
  ["mobility-header", 135],
  ["ipv6-mh", 135],
  ["mh", 135],
  ["all", 0],
];

const chainNumbers = new Map(CHAIN_PROTOCOLS);
const chainNames = new Map([...CHAIN_PROTOCOLS].reverse().map(([name, number]) => [number, name]));

/** A protocol's number, or null when there is no such name (getprotobyname and iptables' own list). */
export function protocolNamed(name: string): number | null {
  return chainNumbers.get(name) ?? assignedProtocol(name);
}

/** A number or a name; throws iptables' sentence. A name's number above 255 (mptcp) is cut to 8 bits where it is stored. */
export function parseProtocol(text: string): number {
  const number = parseNumber(text, 0, U8_MAX) ?? protocolNamed(text);
  if (number === null) throw new RuleError(`unknown protocol "${text}" specified`);
  return number;
}

/** The name of a protocol, or null. */
export function nameOfProtocol(number: number): string | null {
  return chainNames.get(number) ?? assignedProtocolName(number);
}

/** The name that iptables-save prints for a protocol, or its number. */
export function printProtocol(number: number): string {
  return nameOfProtocol(number) ?? String(number);
}
