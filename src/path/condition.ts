/**
 * One thing that a rule asks of a packet: part of the rule itself (addresses, devices, protocol) or one of its
 * matches. Each comes in three forms that must agree: an expression for generated code, a function, and a sentence
 * that says why not.
 */
import { formatAddress, prefixOfMask } from "../bytes/address.ts";
import type { Host } from "../host/host.ts";
import type { Family } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import type { Predicate } from "../rules/extension.ts";
import { printProtocol } from "../rules/protocols.ts";
import type { AddressMatch, InterfaceMatch, Rule } from "../rules/ruleset.ts";

export interface Condition {
  /** JavaScript over `p` with literals only; null where only the function knows. */
  readonly source: string | null;
  readonly test: Predicate;
  /** May set `p.hotdrop` (xt_action_param.hotdrop) also of packets that are not odd. */
  readonly hotdrops: boolean;
  /**
   * Of a whole IPv4 packet of TCP, UDP or ICMP that is nothing special: the answer depends on nothing but its protocol, devices, conntrack
   * state, and `bits` of its header (TCP flags | TOS << 8), and along its addresses and ports changes only where bounds.ts was
   * told.
   */
  readonly settled: boolean;
  readonly bits: number;
  /** Why it does not hold for this packet, as a clause. */
  why(p: Packet): string;
}

/** What the rule itself asks, in the order of ip_packet_match and ip6_packet_match. */
export function baseConditions(rule: Rule, family: Family, host: Host): Condition[] {
  const all: Condition[] = [];
  if (rule.source !== null) all.push(addressCondition("src", rule.source));
  if (rule.destination !== null) all.push(addressCondition("dst", rule.destination));
  if (rule.inInterface !== null) all.push(interfaceCondition("inDev", rule.inInterface, host));
  if (rule.outInterface !== null) all.push(interfaceCondition("outDev", rule.outInterface, host));
  if (rule.protocol !== null) all.push(protocolCondition(rule.protocol, family));
  if (rule.fragment !== null && family === 4) all.push(fragmentCondition(rule.fragment.not));
  return all;
}

function addressCondition(side: "src" | "dst", match: AddressMatch): Condition {
  const { address: a, mask: m, not } = match;
  const words = a.map((_, i) => i).filter((i) => m[i] !== 0 || a[i] !== 0);
  const compared = words.map((i) =>
    m[i] === -1 ? `p.${side}${i} === ${a[i]}` : `(p.${side}${i} & ${m[i]}) === ${a[i]}`,
  );
  const inside = compared.length === 0 ? "true" : compared.join(" && ");
  return {
    source: not ? `!(${inside})` : inside,
    test: a.length === 1 ? test4(side, a[0], m[0], not) : test6(side, a, m, not),
    hotdrops: false,
    settled: prefixOfMask(m) !== null,
    bits: 0,
    why: (p) =>
      `${side === "src" ? "source" : "destination"} ${addressOf(p, side)} is ${not ? "" : "not "}${describeNetwork(a, m)}`,
  };
}

function test4(side: "src" | "dst", address: number, mask: number, not: boolean): Predicate {
  if (side === "src") return not ? (p) => (p.src0 & mask) !== address : (p) => (p.src0 & mask) === address;
  return not ? (p) => (p.dst0 & mask) !== address : (p) => (p.dst0 & mask) === address;
}

function test6(side: "src" | "dst", a: readonly number[], m: readonly number[], not: boolean): Predicate {
  const [a0, a1, a2, a3] = a;
  const [m0, m1, m2, m3] = m;
  if (side === "src")
    return (p) =>
      ((p.src0 & m0) === a0 && (p.src1 & m1) === a1 && (p.src2 & m2) === a2 && (p.src3 & m3) === a3) !== not;
  return (p) => ((p.dst0 & m0) === a0 && (p.dst1 & m1) === a1 && (p.dst2 & m2) === a2 && (p.dst3 & m3) === a3) !== not;
}

function addressOf(p: Packet, side: "src" | "dst"): string {
  if (p.family === 4) return formatAddress([side === "src" ? p.src0 : p.dst0]);
  return formatAddress(side === "src" ? [p.src0, p.src1, p.src2, p.src3] : [p.dst0, p.dst1, p.dst2, p.dst3]);
}

function describeNetwork(address: readonly number[], mask: readonly number[]): string {
  const prefix = prefixOfMask(mask);
  if (prefix === 32 * mask.length) return formatAddress(address);
  return `in ${formatAddress(address)}/${prefix ?? formatAddress(mask)}`;
}

/** The indexes of the devices whose name matches; 0 stands for "no device", whose name is empty. */
export function devicesMatching(match: InterfaceMatch, host: Host): number[] {
  const matches = (name: string) => (match.wildcard ? name.startsWith(match.name) : name === match.name) !== match.not;
  return host.interfaces.flatMap((dev, index) => (matches(index === 0 ? "" : dev.name) ? [index] : []));
}

function interfaceCondition(field: "inDev" | "outDev", match: InterfaceMatch, host: Host): Condition {
  const devices = devicesMatching(match, host);
  const all = host.interfaces.length;
  const others = host.interfaces.map((_, i) => i).filter((i) => !devices.includes(i));
  let source: string | null = null;
  if (devices.length === all) source = "true";
  else if (devices.length === 0) source = "false";
  else if (devices.length <= 3) source = `(${devices.map((i) => `p.${field} === ${i}`).join(" || ")})`;
  else if (others.length <= 3) source = `(${others.map((i) => `p.${field} !== ${i}`).join(" && ")})`;
  const wanted = new Uint8Array(all);
  for (const i of devices) wanted[i] = 1;
  const pattern = `${match.name}${match.wildcard ? "+" : ""}`;
  return {
    source,
    test: field === "inDev" ? (p) => wanted[p.inDev] === 1 : (p) => wanted[p.outDev] === 1,
    hotdrops: false,
    settled: true,
    bits: 0,
    why: (p) => {
      const index = field === "inDev" ? p.inDev : p.outDev;
      const way = field === "inDev" ? "came in on" : "leaves by";
      const name = index === 0 ? "no device" : host.interfaces[index].name;
      return match.not ? `it ${way} ${name}` : `it ${way} ${name}, not ${pattern}`;
    },
  };
}

function protocolCondition(protocol: { readonly not: boolean; readonly number: number }, family: Family): Condition {
  const { not, number } = protocol;
  const plain: Predicate = not ? (p) => p.protocol !== number : (p) => p.protocol === number;
  return {
    // Generated code never sees a packet whose header chain is broken: those are odd.
    source: `p.protocol ${not ? "!==" : "==="} ${number}`,
    test: family === 4 ? plain : (p) => (p.protocol < 0 ? dropped(p) : plain(p)),
    hotdrops: false,
    settled: true,
    bits: 0,
    why: (p) =>
      p.protocol < 0
        ? "its extension headers are broken"
        : `protocol ${printProtocol(p.protocol)} is ${not ? "" : "not "}${printProtocol(number)}`,
  };
}

/** ip6_packet_match: no protocol could be found, and this is no later fragment. */
function dropped(p: Packet): boolean {
  p.hotdrop = true;
  return false;
}

function fragmentCondition(not: boolean): Condition {
  return {
    source: `p.fragmentOffset ${not ? "===" : "!=="} 0`,
    test: not ? (p) => p.fragmentOffset === 0 : (p) => p.fragmentOffset !== 0,
    hotdrops: false,
    settled: true,
    bits: 0,
    why: () => (not ? "it is a later fragment" : "it is not a later fragment"),
  };
}

/** What packets of one way have in common, by the names of Packet's fields. */
const COMMON = ["protocol", "inDev", "outDev", "ct", "ctinfo", "mark", "packetType", "fragmentOffset"];
/** Fields whose bounds a match says. */
const BOUNDED = ["src0", "dst0", "sport", "dport"];
const BITS: Readonly<Record<string, number>> = { tcpFlags: 0xff, tos: 0xff00 };

/** Condition.settled and bits of a match with this source; `says`: it says bounds. */
export function settlementOf(
  source: string | null,
  says: boolean,
): { readonly settled: boolean; readonly bits: number } {
  const fields = Array.from(source?.matchAll(/\bp\.(\w+)/g) ?? [], ([, field]) => field);
  const known = (field: string) => COMMON.includes(field) || field in BITS || (says && BOUNDED.includes(field));
  const bits = fields.reduce((sum, field) => sum | (BITS[field] ?? 0), 0);
  return { settled: source !== null && fields.every(known), bits };
}
