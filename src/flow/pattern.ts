/**
 * A packet's tree as a pattern: `out wan0 > tcp 203.0.113.1:4000 > 198.51.100.9:80 [S] ttl 63`. Only what is written
 * is compared; what is left open may be anything.
 */
import { formatAddress, parseAddress } from "../bytes/address.ts";
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_TCP } from "../packet/transport.ts";
import type { OptionNode, PacketNode, Token } from "./ast.ts";
import { endpointOf, endsOf } from "./ends.ts";
import { FlowError } from "./error.ts";
import { numberOf, octetsOf, rangeOf, rawOf } from "./fields.ts";
import { icmpKindNamed, isIcmpQuery, protocolNamed } from "./names.ts";
import { destinationText, sourceText, tcpOptionsText } from "./notation.ts";
import { icmpTypeOf, tcpFlagsOf } from "./transport.ts";

type Reader = (p: Packet) => number | null;

const ipv4 =
  (read: Reader): Reader =>
  (p) =>
    p.family === 4 ? read(p) : null;
const tcp =
  (read: Reader): Reader =>
  (p) =>
    p.protocol === IPPROTO_TCP && p.hasPorts ? read(p) : null;
const isIcmp = (p: Packet) => p.protocol === (p.family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) && p.hasPorts;
const query =
  (read: Reader): Reader =>
  (p) =>
    isIcmp(p) && isIcmpQuery(p.family, p.dport >>> 8) ? read(p) : null;
const ipId = ipv4((p) => p.view.getUint16(p.start + 4));
const dontFragment = ipv4((p) => (p.view.getUint16(p.start + 6) >>> 14) & 1);

/** Options whose value is one number of the packet; null: this packet has no such thing. */
const NUMBERS: Readonly<Record<string, Reader>> = {
  ttl: (p) => p.ttl,
  hlim: (p) => p.ttl,
  tos: (p) => p.tos,
  tclass: (p) => p.tos,
  ipid: ipId,
  id: (p) => query((q) => q.sport)(p) ?? ipId(p),
  flowlabel: (p) => (p.family === 6 ? p.view.getUint32(p.start) & 0xfffff : null),
  seq: (p) => tcp((q) => q.seq >>> 0)(p) ?? query((q) => q.view.getUint16(q.l4 + 6))(p),
  ack: tcp((p) => p.ack >>> 0),
  win: tcp((p) => p.window),
  urg: tcp((p) => p.view.getUint16(p.l4 + 18)),
  length: (p) => p.start + p.length - payloadStart(p),
  mtu: (p) => (isIcmp(p) ? (p.family === 4 ? p.view.getUint16(p.l4 + 6) : p.view.getUint32(p.l4 + 4)) : null),
  rest: (p) => (isIcmp(p) ? p.view.getUint32(p.l4 + 4) : null),
  vtag: (p) => (p.protocol === IPPROTO_SCTP && p.hasPorts ? p.view.getUint32(p.l4 + 4) : null),
};

const TCP_OPTIONS = new Set(["mss", "wscale", "sackOK", "TS", "sack", "nop", "eol"]);

/** Where the payload begins; the end of the packet when its headers are broken. */
function payloadStart(p: Packet): number {
  if (p.l4 < 0) return p.end;
  if (p.protocol === IPPROTO_TCP && p.hasPorts) return p.l4 + p.tcpHeaderLength;
  return p.hasPorts ? p.l4 + 8 : p.l4;
}

/** Refuses what cannot be compared, before anything runs. */
export function checkPattern(pattern: PacketNode): void {
  if (pattern.source !== null) endsOf(pattern);
  if (pattern.flags !== null) tcpFlagsOf(pattern.flags);
  if (isRaw(pattern)) rawOf(pattern.detail!);
  else if (pattern.detail !== null) protocolOf(pattern);
  for (const option of pattern.options) {
    const name = option.name.text;
    if (name in NUMBERS) {
      if (option.values[0].type !== "range") numberOf(option.values[0], 0xffffffff, name);
    } else if (!TCP_OPTIONS.has(name) && !["df", "nodf", "data", "gateway", "options"].includes(name))
      throw new FlowError(`“${name}” cannot be compared`, option.name);
  }
}

/** `raw 4500…`: all its bytes, nothing is left open. */
export function isRaw(pattern: PacketNode): boolean {
  return pattern.protocol?.text === "raw";
}

function protocolOf(pattern: PacketNode): number {
  const token = pattern.detail ?? pattern.protocol!;
  const number = /^\d+$/.test(token.text) ? numberOf(token, 255, "a protocol") : protocolNamed(token.text);
  if (number === null) throw new FlowError(`“${token.text}” cannot be compared: name a protocol`, token);
  return number;
}

export function matchesPattern(pattern: PacketNode, p: Packet): boolean {
  if (isRaw(pattern)) return sameBytes(rawOf(pattern.detail!), p.data, p.start, p.end);
  if (pattern.protocol !== null && protocolOf(pattern) !== p.protocol) return false;
  if (pattern.source !== null && !sameEnd(pattern.source, sourceText(p), p.sport)) return false;
  if (pattern.destination !== null && !sameEnd(pattern.destination, destinationText(p), p.dport)) return false;
  if (pattern.flags !== null && p.tcpFlags !== tcpFlagsOf(pattern.flags)) return false;
  if (pattern.icmp !== null && !sameKind(pattern, p)) return false;
  return pattern.options.every((option) => hasOption(option, p));
}

function sameEnd(token: Token, address: string, port: number): boolean {
  const end = endpointOf(token);
  return formatAddress(end.words) === address && (end.port === null || end.port === port);
}

function sameKind(pattern: PacketNode, p: Packet): boolean {
  const kind = pattern.icmp!;
  if (kind.name !== null && icmpKindNamed(p.family, kind.name.text) === undefined) return false;
  const { type, code } = icmpTypeOf(kind, p.family);
  return p.dport === ((type << 8) | code);
}

function hasOption(option: OptionNode, p: Packet): boolean {
  const name = option.name.text;
  const value = option.values[0];
  if (name in NUMBERS) {
    const wanted = value.type === "range" ? rangeOf(value)[0] : Number(value.text);
    return NUMBERS[name](p) === wanted;
  }
  if (name === "df" || name === "nodf") return dontFragment(p) === (name === "df" ? 1 : 0);
  if (name === "gateway")
    return isIcmp(p) && formatAddress([p.view.getInt32(p.l4 + 4)]) === formatAddress(parseAddress(value.text) ?? [0]);
  if (name === "data") {
    const wanted = octetsOf(value);
    const from = payloadStart(p);
    return sameBytes(wanted, p.data, from, p.end);
  }
  if (p.protocol !== IPPROTO_TCP || !p.hasPorts) return false;
  const there = tcpOptionsText(p).split(",");
  if (name === "options") return option.list!.map(optionText).join(",") === there.join(",");
  return there.includes(optionText(option));
}

function sameBytes(wanted: Uint8Array, data: Uint8Array, from: number, to: number): boolean {
  return to - from === wanted.length && wanted.every((byte, i) => data[from + i] === byte);
}

/** A TCP option as tcpOptionsText prints it. */
function optionText({ name, values }: OptionNode): string {
  if (name.text === "TS") return `TS val ${Number(values[0].text)} ecr ${Number(values[1].text)}`;
  if (values.length === 0) return name.text;
  return `${name.text} ${values.map((value) => (value.type === "range" ? value.text : Number(value.text))).join(" ")}`;
}
