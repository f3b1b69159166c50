/**
 * What SNAT, DNAT, MASQUERADE and REDIRECT share: `ADDRESS[-ADDRESS][:PORT[-PORT[/BASE]]]` as iptables reads and prints
 * it (libxt_NAT.c: parse_to, parse_ports, sprint_range), and what it comes to as the kernel's range.
 */
import { formatAddress, parseIpv4, parseIpv6 } from "../bytes/address.ts";
import {
  ANY_RANGE,
  NAT_RANGE_MAP_IPS,
  NAT_RANGE_PERSISTENT,
  NAT_RANGE_PROTO_OFFSET,
  NAT_RANGE_PROTO_RANDOM,
  NAT_RANGE_PROTO_RANDOM_FULLY,
  NAT_RANGE_PROTO_SPECIFIED,
  type NatRange,
} from "../nat/range.ts";
import type { Family } from "../packet/hook.ts";
import { IPPROTO_DCCP, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";
import { type OptionSite, type OptionType, RuleError } from "../rules/extension.ts";
import { anyServicePort, scanNumber, U16_MAX } from "../rules/types.ts";

const WITH_PORTS: readonly number[] = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_ICMP];

/** The port (or service name) at the front of `text`, and where it ends. */
function portAt(text: string, least: number): { value: number; end: number } {
  const scanned = scanNumber(text, least, U16_MAX);
  if (scanned !== null) return scanned;
  const named = anyServicePort(text);
  if (named === null) throw new RuleError(`Port \`${text}' not valid`);
  return { value: named, end: text.length };
}

function parsePorts(text: string, { protocol }: OptionSite): NatRange {
  if (protocol === null || !WITH_PORTS.includes(protocol.number))
    throw new RuleError("Need TCP, UDP, SCTP or DCCP with port specification");
  const first = portAt(text, 0);
  const flags = NAT_RANGE_PROTO_SPECIFIED;
  const range = { ...ANY_RANGE, flags, minPort: first.value, maxPort: first.value };
  if (first.end === text.length) return range;
  if (text[first.end] === ":") throw new RuleError("Invalid port:port syntax - use dash");
  if (text[first.end] !== "-") throw new RuleError(`Garbage after port value: \`${text.slice(first.end)}'`);
  const rest = text.slice(first.end + 1);
  const last = scanNumber(rest, 0, U16_MAX);
  if (last === null) throw new RuleError(`Port \`${rest}' not valid`);
  if (last.value < first.value) throw new RuleError(`Port range \`${rest}' funky`);
  if (last.end === rest.length) return { ...range, maxPort: last.value };
  if (rest[last.end] !== "/") throw new RuleError(`Garbage after port range: \`${rest.slice(last.end)}'`);
  // What stands behind the base port is not looked at.
  const base = portAt(rest.slice(last.end + 1), 1);
  return { ...range, flags: flags | NAT_RANGE_PROTO_OFFSET, maxPort: last.value, basePort: base.value };
}

function addressWords(text: string, family: Family): readonly number[] {
  const word = family === 4 ? parseIpv4(text) : null;
  const words = family === 6 ? parseIpv6(text) : word === null ? null : [word, 0, 0, 0];
  if (words === null) throw new RuleError(`Bad IP address "${text}"`);
  return words;
}

/** `--to-source`, `--to-destination`. */
export const addressRange: OptionType<NatRange> = {
  arity: 1,
  parse([word], site) {
    let start = 0;
    let colon: number;
    let stop = word.length;
    const bracket = word.indexOf("[");
    if (bracket < 0) {
      // One colon begins the ports; more make an IPv6 address.
      colon = word.indexOf(":");
      if (colon >= 0 && word.includes(":", colon + 1)) colon = -1;
    } else {
      start = bracket + 1;
      stop = word.indexOf("]", start);
      if (stop < 0 || site.family === 4) throw new RuleError("Invalid address format");
      colon = word.indexOf(":", stop + 1);
    }
    let range = ANY_RANGE;
    if (colon >= 0) {
      range = parsePorts(word.slice(colon + 1), site);
      // Nothing, or `[]`, before the ports.
      if (colon === 0 || colon === 2) return range;
      stop = Math.min(stop, colon);
    }
    const addresses = word.slice(start, stop);
    const dash = addresses.indexOf("-");
    const min = addressWords(dash < 0 ? addresses : addresses.slice(0, dash), site.family);
    const max = dash < 0 ? min : addressWords(addresses.slice(dash + 1), site.family);
    return {
      ...range,
      flags: range.flags | NAT_RANGE_MAP_IPS,
      min0: min[0],
      min1: min[1],
      min2: min[2],
      min3: min[3],
      max0: max[0],
      max1: max[1],
      max2: max[2],
      max3: max[3],
    };
  },
  print: (range, { family }) => printRange(range, family),
};

/** `--to-ports`. */
export const portRange: OptionType<NatRange> = {
  arity: 1,
  parse: ([word], site) => parsePorts(word, site),
  print: (range, { family }) => printRange(range, family).replace(/^:/, ""),
};

function printRange(range: NatRange, family: Family): string {
  const { flags } = range;
  const ports = (flags & NAT_RANGE_PROTO_SPECIFIED) !== 0;
  let text = "";
  if (flags & NAT_RANGE_MAP_IPS) {
    const length = family === 4 ? 1 : 4;
    const min = [range.min0, range.min1, range.min2, range.min3].slice(0, length);
    const max = [range.max0, range.max1, range.max2, range.max3].slice(0, length);
    text = formatAddress(min);
    if (min.some((word, i) => word !== max[i])) text += `-${formatAddress(max)}`;
    if (ports && family === 6) text = `[${text}]`;
  }
  if (!ports) return text;
  text += `:${range.minPort}`;
  if (range.maxPort !== range.minPort) text += `-${range.maxPort}`;
  return flags & NAT_RANGE_PROTO_OFFSET ? `${text}/${range.basePort}` : text;
}

/** The options that are a bit each, in the order in which iptables-save prints them. */
const FLAGS = [
  ["--random", NAT_RANGE_PROTO_RANDOM],
  ["--random-fully", NAT_RANGE_PROTO_RANDOM_FULLY],
  ["--persistent", NAT_RANGE_PERSISTENT],
] as const;

/** `range` (nothing: leave all to the kernel) with the bits of the flag options that were given. */
export function withFlags(range: NatRange | undefined, given: Readonly<Record<string, unknown>>): NatRange {
  const bits = FLAGS.reduce((flags, [option, bit]) => (given[option] === undefined ? flags : flags | bit), 0);
  return { ...(range ?? ANY_RANGE), flags: (range?.flags ?? 0) | bits };
}

/** All options as iptables-save prints them; `option` introduces the range. */
export function printOptions(option: string, type: OptionType<NatRange>, range: NatRange, family: Family): string {
  const text = type.print(range, { family });
  const words = text === "" ? [] : [`${option} ${text}`];
  for (const [name, bit] of FLAGS) if (range.flags & bit) words.push(name);
  return words.join(" ");
}

/** What older revisions of these targets cannot do (libxt_NAT.c: DNAT_fcheck). */
export function refuseBasePort(range: NatRange | undefined): void {
  if (range !== undefined && (range.flags & NAT_RANGE_PROTO_OFFSET) !== 0)
    throw new RuleError("Shifted portmap ranges not supported with this kernel");
}
