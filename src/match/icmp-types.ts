/**
 * ICMP and ICMPv6 types by name as iptables reads them, and what the icmp and icmp6 matches share
 * (libxt_icmp.h, xt_tcpudp.c).
 */
import type { Packet } from "../packet/packet.ts";
import { type FieldSink, type OptionType, RuleError } from "../rules/extension.ts";
import { scanNumber } from "../rules/types.ts";

/** A type with an inclusive range of codes. */
export interface IcmpType {
  readonly type: number;
  readonly from: number;
  readonly to: number;
}

export type IcmpName = readonly [name: string, type: number, from: number, to: number];

const any = (name: string, type: number): IcmpName => [name, type, 0, 255];
const one = (name: string, type: number, code: number): IcmpName => [name, type, code, code];

export const ICMP_NAMES: readonly IcmpName[] = [
  any("any", 255),
  any("echo-reply", 0),
  any("pong", 0),
  any("destination-unreachable", 3),
  one("network-unreachable", 3, 0),
  one("host-unreachable", 3, 1),
  one("protocol-unreachable", 3, 2),
  one("port-unreachable", 3, 3),
  one("fragmentation-needed", 3, 4),
  one("source-route-failed", 3, 5),
  one("network-unknown", 3, 6),
  one("host-unknown", 3, 7),
  one("network-prohibited", 3, 9),
  one("host-prohibited", 3, 10),
  one("TOS-network-unreachable", 3, 11),
  one("TOS-host-unreachable", 3, 12),
  one("communication-prohibited", 3, 13),
  one("host-precedence-violation", 3, 14),
  one("precedence-cutoff", 3, 15),
  any("source-quench", 4),
  any("redirect", 5),
  one("network-redirect", 5, 0),
  one("host-redirect", 5, 1),
  one("TOS-network-redirect", 5, 2),
  one("TOS-host-redirect", 5, 3),
  any("echo-request", 8),
  any("ping", 8),
  any("router-advertisement", 9),
  any("router-solicitation", 10),
  any("time-exceeded", 11),
  any("ttl-exceeded", 11),
  one("ttl-zero-during-transit", 11, 0),
  one("ttl-zero-during-reassembly", 11, 1),
  any("parameter-problem", 12),
  one("ip-header-bad", 12, 0),
  one("required-option-missing", 12, 1),
  any("timestamp-request", 13),
  any("timestamp-reply", 14),
  any("address-mask-request", 17),
  any("address-mask-reply", 18),
];

export const ICMPV6_NAMES: readonly IcmpName[] = [
  any("destination-unreachable", 1),
  one("no-route", 1, 0),
  one("communication-prohibited", 1, 1),
  one("beyond-scope", 1, 2),
  one("address-unreachable", 1, 3),
  one("port-unreachable", 1, 4),
  one("failed-policy", 1, 5),
  one("reject-route", 1, 6),
  any("packet-too-big", 2),
  any("time-exceeded", 3),
  any("ttl-exceeded", 3),
  one("ttl-zero-during-transit", 3, 0),
  one("ttl-zero-during-reassembly", 3, 1),
  any("parameter-problem", 4),
  one("bad-header", 4, 0),
  one("unknown-header-type", 4, 1),
  one("unknown-option", 4, 2),
  any("echo-request", 128),
  any("ping", 128),
  any("echo-reply", 129),
  any("pong", 129),
  any("router-solicitation", 133),
  any("router-advertisement", 134),
  any("neighbour-solicitation", 135),
  any("neighbor-solicitation", 135),
  any("neighbour-advertisement", 136),
  any("neighbor-advertisement", 136),
  any("redirect", 137),
];

/** `3`, `3:5`: both ends and what follows, or null. */
function parseRange(text: string): { from: number; to: number; rest: string } | null {
  const first = scanNumber(text, 0, 255);
  if (first === null) return null;
  const rest = text.slice(first.end);
  if (!rest.startsWith(":")) return { from: first.value, to: first.value, rest };
  const second = scanNumber(rest.slice(1), 0, 255);
  return second === null ? null : { from: first.value, to: second.value, rest: rest.slice(1 + second.end) };
}

function parseType(word: string, protocol: string, names: readonly IcmpName[]): IcmpType {
  const begun = names.filter(([name]) => name.toLowerCase().startsWith(word.toLowerCase()));
  if (begun.length > 1)
    throw new RuleError(`Ambiguous ${protocol} type \`${word}': \`${begun[0][0]}' or \`${begun[1][0]}'?`);
  if (begun.length === 1) {
    const [, type, from, to] = begun[0];
    return { type, from, to };
  }
  const type = parseRange(word);
  if (type === null) throw new RuleError(`Unknown ${protocol} type \`${word}'`);
  let codes = { from: 0, to: 255 };
  if (type.rest !== "") {
    if (!type.rest.startsWith("/")) throw new RuleError(`unknown character ${type.rest[0]}`);
    const parsed = parseRange(type.rest.slice(1));
    if (parsed === null) throw new RuleError(`Unknown ${protocol} code \`${word}'`);
    if (parsed.rest !== "") throw new RuleError(`unknown character ${parsed.rest[0]}`);
    codes = parsed;
  }
  if (type.from !== type.to) throw new RuleError(`${protocol} type range not supported`);
  return { type: type.from, from: codes.from, to: codes.to };
}

/** `--icmp-type`: a name or its beginning, `type`, `type/code`, `type/first:last`; of a range only its start is saved. */
export function icmpType(protocol: string, names: readonly IcmpName[]): OptionType<IcmpType> {
  return {
    arity: 1,
    parse: ([word]) => parseType(word, protocol, names),
    print: ({ type, from, to }) => (from !== 0 || to !== 255 ? `${type}/${from}` : String(type)),
  };
}

/** A predicate for a type and codes; `all`: every type matches. Later fragments never do; a cut header drops. */
export function icmpPredicate({ type, from, to }: IcmpType, all: boolean, not: boolean): (p: Packet) => boolean {
  const low = (type << 8) | from;
  const high = (type << 8) | to;
  return (p) => {
    if (p.fragmentOffset !== 0) return false;
    if (!p.hasPorts) {
      p.hotdrop = true;
      return false;
    }
    return (all || (p.dport >= low && p.dport <= high)) !== not;
  };
}

export function icmpSource({ type, from, to }: IcmpType, all: boolean, not: boolean): string {
  const low = (type << 8) | from;
  const high = (type << 8) | to;
  let inside: string;
  if (all) inside = "true";
  else if (from > to) inside = "false";
  else if (from === 0 && to === 255) inside = `p.dport >>> 8 === ${type}`;
  else inside = low === high ? `p.dport === ${low}` : `(p.dport >= ${low} && p.dport <= ${high})`;
  return not ? `!(${inside})` : inside;
}

/** Says where its source changes: type and code are in the field of the destination port. */
export function sayTypes({ type, from, to }: IcmpType, all: boolean, not: boolean, say: FieldSink): void {
  if (all || from > to) return;
  const range = { from: (type << 8) | from, to: (type << 8) | to };
  if (not) say.bounds("dport", [range]);
  else say.range("dport", range.from, range.to);
}

export function icmpWhy(is: IcmpType, not: boolean, p: Packet, protocol: string): string {
  if (p.fragmentOffset !== 0) return `it is a later fragment, without an ${protocol} header`;
  if (!p.hasPorts) return `its ${protocol} header is not all there`;
  const codes = is.from === 0 && is.to === 255 ? "" : is.from === is.to ? `/${is.from}` : `/${is.from} to ${is.to}`;
  return `${protocol} type ${p.dport >>> 8}/${p.dport & 255} is ${not ? "" : "not "}${is.type}${codes}`;
}
