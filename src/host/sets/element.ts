/**
 * The words of an ipset command line as values: numbers, addresses, networks and ranges, protocols and ports, and the
 * options that an element may carry. Source imitated: ipset's lib/parse.c, its sentences included.
 */
import { maskOfPrefix4, maskOfPrefix6, parseIpv6, parseMac } from "../../bytes/address.ts";
import type { Family } from "../../packet/hook.ts";
import { assignedProtocol, assignedProtocolName } from "../../packet/protocol-names.ts";
import { type ServiceProtocol, servicePort } from "../../packet/service-names.ts";
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "../../packet/transport.ts";
import { SetError } from "./error.ts";
import { icmpNamed } from "./icmp-names.ts";

/** An address, network or range as written. Words in network order, one or four. */
export interface AddressRange {
  readonly from: readonly number[];
  readonly to: readonly number[] | null;
  readonly prefix: number | null;
}

/** A port or a range of them; -1 where nothing was written. ICMP: type << 8 | code. */
export interface PortRange {
  readonly protocol: number;
  readonly from: number;
  readonly to: number;
}

/** One element as written, by the parts that a set type has. */
export interface Element {
  ip: AddressRange | null;
  ip2: AddressRange | null;
  port: PortRange | null;
  mac: Uint8Array | null;
  /** Unsigned. */
  mark: number;
  iface: string;
  physdev: boolean;
  setName: string;
}

export interface ElementOptions {
  readonly timeout: number | null;
  readonly packets: number | null;
  readonly bytes: number | null;
  readonly comment: string | null;
  readonly mark: number;
  readonly markMask: number;
  readonly priority: number;
  readonly queue: number;
  readonly nomatch: boolean;
  readonly wildcard: boolean;
  readonly before: string | null;
  readonly after: string | null;
}

/** Which reader a part of an element has (lib/parse.c: ipset_parse_…). */
export type Part =
  /** IPv4: address, network or range; IPv6: one address. */
  | "ip4 single6"
  /** IPv4: address, network or range; IPv6: address or network. */
  | "ip4 net6"
  /** Address, network or range. */
  | "ip"
  | "single ip"
  | "port"
  /** A TCP or UDP port whose protocol does not count. */
  | "tcp/udp port"
  | "mac"
  | "mark"
  | "iface"
  | "set";

export const NAME_MAX = 31;
const IFACE_MAX = 15;
const COMMENT_MAX = 255;
export const TIMEOUT_MAX = Math.floor(0x7fffffff / 1000);

const syntax = (message: string) => new SetError(`Syntax error: ${message}`);

/** strtoull with base 0, within bounds (string_to_number_ll). */
export function parseNumber(text: string, min: number | bigint, max: number | bigint): bigint {
  const m = /^\s*\+?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.exec(text);
  if (m === null) throw syntax(`'${text}' is invalid as number`);
  const digits = m[1];
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (value < BigInt(min) || value > BigInt(max)) throw syntax(`'${text}' is out of range ${min}-${max}`);
  return value;
}

export const parseSmall = (text: string, min: number, max: number) => Number(parseNumber(text, min, max));
/** A 64-bit counter; above 2^53 the nearest number that there is. */
export const parseCounter = (text: string) => Number(parseNumber(text, 0, 0xfffffffffffffffen));

/** The first `mark` in text that stands neither first nor last (ipset_strchr), or -1. */
function separator(text: string, mark: string): number {
  return text.startsWith(mark) || text.endsWith(mark) ? -1 : text.indexOf(mark);
}

/** Where the `-` of a range is; brackets hide one that belongs to a name: `[ftp-data]-[ssh]`. */
function rangeSeparator(text: string): number {
  if (!text.startsWith("[")) return separator(text, "-");
  const end = text.indexOf("]") + 1;
  if (end === 0) throw syntax(`cannot find closing escape character ']' in ${text}`);
  if (end === text.length) return -1;
  if (text[end] !== "-") throw syntax(`range separator expected after '${text.slice(0, end)}'`);
  return end;
}

/** escape_range_separator, which looks ahead before the text is taken apart. */
function isRange(text: string): boolean {
  if (!text.startsWith("[")) return separator(text, "-") >= 0;
  const end = text.indexOf("]");
  return end >= 0 && separator(text.slice(end), "-") >= 0;
}

function unescaped(text: string): string {
  if (!text.startsWith("[")) return text;
  if (!text.endsWith("]")) throw syntax(`cannot find closing escape character ']' in ${text}`);
  return text.slice(1, -1);
}

/** inet_aton: one to four numbers, decimal, octal or hexadecimal, the last one filling the rest. */
function parseLooseIpv4(text: string): number | null {
  const parts = text.split(".");
  if (parts.length > 4) return null;
  let word = 0;
  for (let i = 0; i < parts.length; i++) {
    const m = /^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.exec(parts[i]);
    if (m === null) return null;
    const value = /^0[0-7]+$/.test(m[1]) ? Number.parseInt(m[1], 8) : Number(m[1]);
    const last = i === parts.length - 1;
    const bits = last ? 8 * (4 - i) : 8;
    if (value >= 2 ** bits) return null;
    word = last ? word | value : word | (value << (24 - 8 * i));
  }
  return word | 0;
}

function parseHost(text: string, family: Family): readonly number[] {
  const loose = family === 4 ? parseLooseIpv4(text) : null;
  const words = family === 4 ? (loose === null ? null : [loose]) : parseIpv6(text);
  if (words === null) throw syntax(`cannot parse ${text}: resolving to IPv${family} address failed`);
  return words;
}

/** parse_ipaddr: `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1-10.0.0.9`. */
function parseAddressRange(text: string, family: Family): AddressRange {
  const slash = separator(text, "/");
  if (slash >= 0) {
    const prefix = parseSmall(text.slice(slash + 1), 0, family === 4 ? 32 : 128);
    return { from: parseHost(unescaped(text.slice(0, slash)), family), to: null, prefix };
  }
  const dash = rangeSeparator(text);
  if (dash < 0) return { from: parseHost(unescaped(text), family), to: null, prefix: null };
  const from = parseHost(unescaped(text.slice(0, dash)), family);
  return { from, to: parseHost(unescaped(text.slice(dash + 1)), family), prefix: null };
}

export function parseAddressPart(part: Part, text: string, family: Family): AddressRange {
  const network = separator(text, "/") >= 0;
  const range = isRange(text);
  const single = part === "single ip" || (part === "ip4 single6" && family === 6);
  if (single && (range || (network && !text.endsWith(family === 4 ? "/32" : "/128"))))
    throw syntax(`plain IP address must be supplied: ${text}`);
  if (part === "ip4 net6" && family === 6 && range) throw syntax(`IP address or IP/cidr must be specified: ${text}`);
  return parseAddressRange(text, family);
}

/** A bitmap's `range`: a network or a range. */
export function parseNetRange(text: string, family: Family): AddressRange {
  if (separator(text, "/") < 0 && !isRange(text)) throw syntax(`IP/cidr or IP-IP range must be specified: ${text}`);
  return parseAddressRange(text, family);
}

/** A single address of a given family, for masks and `from`/`to`. */
export function parseSingle(text: string, family: Family): readonly number[] {
  return parseAddressPart("single ip", text, family).from;
}

export function hasPorts(protocol: number): boolean {
  return (
    protocol === IPPROTO_TCP || protocol === IPPROTO_SCTP || protocol === IPPROTO_UDP || protocol === IPPROTO_UDPLITE
  );
}

/** A number, or the name of a service of the protocol, as the text calls it: its name or number. */
function parsePort(text: string, protocol: string): number {
  try {
    return parseSmall(text, 0, 0xffff);
  } catch {
    const name = /^\d/.test(protocol) ? assignedProtocolName(parseSmall(protocol, 0, 255)) : protocol;
    const service = text.replace(/^\[(.*)\]$/, "$1");
    const port = servicePort(service, name as ServiceProtocol);
    if (port !== null) return port;
    throw new SetError(`cannot parse '${text}' as a ${protocol} port`);
  }
}

function parsePorts(text: string, protocol: string): { from: number; to: number } {
  const dash = rangeSeparator(text);
  if (dash < 0) return { from: parsePort(text, protocol), to: -1 };
  const to = parsePort(text.slice(dash + 1), protocol);
  return { from: parsePort(text.slice(0, dash), protocol), to };
}

function parseProtocol(text: string): number {
  if (/^\s*\+?\d/.test(text)) return parseSmall(text, 0, 255);
  const number = assignedProtocol(text.toLowerCase() === "icmpv6" ? "ipv6-icmp" : text);
  if (number === null) throw syntax(`cannot parse '${text}' as a protocol`);
  if (number === 0) throw syntax(`Unsupported protocol '${text}'`);
  return number & 0xff;
}

/** `80`, `udp:53-55`, `icmp:ping`, `icmp:3/1`, `gre:0` (ipset_parse_proto_port). */
export function parsePortPart(text: string, family: 0 | Family): PortRange {
  const colon = separator(text, ":");
  if (colon < 0) return { protocol: IPPROTO_TCP, ...parsePorts(text, "tcp") };
  const name = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  const protocol = parseProtocol(name);
  if (hasPorts(protocol)) return { protocol, ...parsePorts(rest, name) };
  if (protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6) {
    const own = protocol === IPPROTO_ICMP ? 4 : 6;
    if (family !== own)
      throw syntax(
        `Protocol ${own === 4 ? "ICMP" : "ICMPv6"} can be used with family ${own === 4 ? "inet" : "inet6"} only`,
      );
    return { protocol, from: parseIcmp(rest, own), to: -1 };
  }
  if (rest !== "0") throw syntax(`Protocol ${name} can be used with pseudo port value 0 only.`);
  return { protocol, from: 0, to: -1 };
}

function parseIcmp(text: string, family: Family): number {
  const named = icmpNamed(text, family);
  if (named !== null) return named;
  const slash = separator(text, "/");
  if (slash < 0) throw new SetError(`Cannot parse ${text} as an ${family === 4 ? "ICMP" : "ICMPv6"} type/code.`);
  return (parseSmall(text.slice(0, slash), 0, 255) << 8) | parseSmall(text.slice(slash + 1), 0, 255);
}

function parseEther(text: string): Uint8Array {
  const mac = parseMac(text);
  if (mac === null) throw syntax(`cannot parse '${text}' as ethernet address`);
  return mac;
}

export function parseSetName(text: string): string {
  if (text.length > NAME_MAX) throw syntax(`setname '${text}' is longer than ${NAME_MAX} characters`);
  return text;
}

function parsePart(part: Part, text: string, family: 0 | Family, second: boolean, into: Element): void {
  switch (part) {
    case "port":
      into.port = parsePortPart(text, family);
      return;
    case "tcp/udp port": {
      into.port = parsePortPart(text, family);
      if (into.port.protocol !== IPPROTO_TCP && into.port.protocol !== IPPROTO_UDP)
        throw syntax("Only protocols TCP and UDP are valid");
      return;
    }
    case "mac":
      into.mac = parseEther(text);
      return;
    case "mark":
      into.mark = parseSmall(text, 0, 0xffffffff);
      return;
    case "iface": {
      into.physdev = text.startsWith("physdev:");
      into.iface = into.physdev ? text.slice(8) : text;
      if (into.iface.length > IFACE_MAX)
        throw syntax(`interface name '${into.iface}' is longer than ${IFACE_MAX} characters`);
      return;
    }
    default: {
      const range = parseAddressPart(part, text, family === 0 ? 4 : family);
      // ipset lets a prefix of full length pass here, and then cannot say what it minds.
      if (second && part === "single ip" && range.prefix !== null)
        throw new SetError(
          "There are not allowed options (28) but can't resolve them. It's a bug, please report the problem.",
        );
      if (second) into.ip2 = range;
      else into.ip = range;
    }
  }
}

/** Takes `text` apart as the type's parts demand (ipset_parse_elem). `lastOptional`: the last part may be missing. */
export function parseElement(
  type: { readonly name: string; readonly parts: readonly Part[]; readonly lastOptional?: boolean },
  text: string,
  family: 0 | Family,
): Element {
  const element: Element = {
    ip: null,
    ip2: null,
    port: null,
    mac: null,
    mark: 0,
    iface: "",
    physdev: false,
    setName: "",
  };
  const { parts } = type;
  // Lists take `name,before,other` too; they take it apart themselves.
  if (parts[0] === "set") {
    element.setName = text;
    return element;
  }
  const words: string[] = [];
  let rest = text;
  for (;;) {
    const comma = separator(rest, ",");
    if (comma < 0) break;
    words.push(rest.slice(0, comma));
    rest = rest.slice(comma + 1);
  }
  words.push(rest);
  const missing = ["Second", "Third"][words.length - 1];
  if (words.length < parts.length && !type.lastOptional) throw syntax(`${missing} element is missing from ${text}.`);
  if (words.length > parts.length) {
    if (parts.length === 1) throw syntax(`Elem separator in ${text}, but settype ${type.name} supports none.`);
    if (parts.length === 2) throw syntax(`Two elem separators in ${text}, but settype ${type.name} supports one.`);
    throw syntax(`Three elem separators in ${text}, but settype ${type.name} supports two.`);
  }
  words.forEach((word, i) => {
    parsePart(parts[i], word, family, i > 0 && parts[i].includes("ip"), element);
  });
  return element;
}

export function parseComment(text: string): string {
  if (text.includes('"')) throw syntax('" character is not permitted in comments');
  if (new TextEncoder().encode(text).length > COMMENT_MAX)
    throw syntax(`Comment is longer than the maximum allowed ${COMMENT_MAX} characters`);
  return text;
}

/** `0x1/0xff` or `0x1`. */
export function parseSkbMark(text: string): { mark: number; markMask: number } {
  const m = /^0x([0-9a-fA-F]+)(?:\/0x([0-9a-fA-F]+))?/.exec(text);
  if (m === null) throw syntax("Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)");
  const low = (digits: string) => Number(BigInt.asIntN(32, BigInt(`0x${digits}`)));
  return { mark: low(m[1]), markMask: m[2] === undefined ? -1 : low(m[2]) };
}

/** `MAJOR:MINOR`, both hexadecimal. */
export function parseSkbPriority(text: string): number {
  const m = /^\s*(?:0x)?([0-9a-fA-F]+):(?:0x)?([0-9a-fA-F]+)/.exec(text);
  if (m === null) throw syntax("Invalid skbprio format, it should be:MAJOR:MINOR (see manpage)");
  return (Number.parseInt(m[1], 16) << 16) | (Number.parseInt(m[2], 16) & 0xffff);
}

/** The network that `words` lie in. */
export function maskWords(words: readonly number[], prefix: number): number[] {
  const mask = words.length === 1 ? [maskOfPrefix4(prefix)] : maskOfPrefix6(prefix);
  return words.map((word, i) => word & mask[i]);
}
