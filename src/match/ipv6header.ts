/** `-m ipv6header`: which headers an IPv6 packet has (ip6t_ipv6header.c). */
import {
  IPV6_HEADER,
  IPV6_NEXT_HEADER,
  NEXTHDR_AUTH,
  NEXTHDR_DEST,
  NEXTHDR_FRAGMENT,
  NEXTHDR_HOP,
  NEXTHDR_NONE,
  NEXTHDR_ROUTING,
} from "../packet/ipv6.ts";
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_ESP } from "../packet/transport.ts";
import { match, type OptionType, RuleError } from "../rules/extension.ts";
import { nameOfProtocol, protocolNamed } from "../rules/protocols.ts";
import { flag, opt, optNot } from "../rules/types.ts";

const NONE = 2;
const ESP = 4;
/** Something behind the extension headers. */
const PROTOCOL = 1;
const IPPROTO_RAW = 255;

/** In the order in which iptables-save prints them. */
const HEADERS: readonly (readonly [protocol: number, bit: number])[] = [
  [NEXTHDR_HOP, 128],
  [NEXTHDR_DEST, 64],
  [NEXTHDR_ROUTING, 32],
  [NEXTHDR_FRAGMENT, 16],
  [NEXTHDR_AUTH, 8],
  [IPPROTO_ESP, ESP],
  [NEXTHDR_NONE, NONE],
  [IPPROTO_RAW, PROTOCOL],
];

/** Names that are no protocols'. */
const NAMES: Readonly<Record<string, number>> = {
  "hop-by-hop": NEXTHDR_HOP,
  protocol: IPPROTO_RAW,
  hop: NEXTHDR_HOP,
  dst: NEXTHDR_DEST,
  route: NEXTHDR_ROUTING,
  frag: NEXTHDR_FRAGMENT,
  auth: NEXTHDR_AUTH,
  esp: IPPROTO_ESP,
  none: NEXTHDR_NONE,
  prot: IPPROTO_RAW,
  "0": NEXTHDR_HOP,
  "60": NEXTHDR_DEST,
  "43": NEXTHDR_ROUTING,
  "44": NEXTHDR_FRAGMENT,
  "51": NEXTHDR_AUTH,
  "50": IPPROTO_ESP,
  "59": NEXTHDR_NONE,
  "255": IPPROTO_RAW,
};

function bitOf(name: string): number {
  const protocol = protocolNamed(name) ?? (Object.hasOwn(NAMES, name) ? NAMES[name] : null);
  if (protocol === null) throw new RuleError(`unknown header \`${name}' specified`);
  const found = HEADERS.find(([known]) => known === protocol);
  if (found === undefined) throw new RuleError(`unknown header \`${protocol}' specified`);
  return found[1];
}

/** One bit per header. */
const headers: OptionType<number> = {
  arity: 1,
  parse([word]) {
    const names = word.split(",").filter((name) => name !== "");
    const bits = names.reduce((all, name) => all | bitOf(name), 0);
    if (bits === 0) throw new RuleError("ip6t_ipv6header: cannot parse header names");
    return bits;
  },
  print: (bits) =>
    HEADERS.filter(([, bit]) => (bits & bit) !== 0)
      .map(([protocol]) => (protocol === NEXTHDR_HOP ? "hop-by-hop" : (nameOfProtocol(protocol) ?? "protocol")))
      .join(","),
};

/** What cannot be said: too short for its next header, and dropped. */
const SHORT = -1;
const BROKEN = -2;

/** The headers of a packet, one bit each. */
function headersOf(p: Packet): number {
  const { data, end } = p;
  const last = p.start + p.length;
  let next = data[p.start + IPV6_NEXT_HEADER];
  let at = p.start + IPV6_HEADER;
  let bits = 0;
  for (;;) {
    const found = HEADERS.find(([protocol]) => protocol === next && protocol !== IPPROTO_RAW);
    if (found === undefined) return bits | PROTOCOL;
    if (next === NEXTHDR_NONE) return bits | NONE;
    if (last - at < 2) return SHORT;
    if (next === IPPROTO_ESP) return bits | ESP;
    if (at + 2 > end) return BROKEN;
    bits |= found[1];
    let length = (data[at + 1] + 1) << 3;
    if (next === NEXTHDR_FRAGMENT) length = 8;
    else if (next === NEXTHDR_AUTH) length = (data[at + 1] + 2) << 2;
    next = data[at];
    at += length;
    if (at > last) return next === NEXTHDR_NONE || next === IPPROTO_ESP ? bits : bits | PROTOCOL;
  }
}

export const ipv6header = match({
  name: "ipv6header",
  families: [6],
  options: {
    "--header": optNot(headers, { required: true, help: "hop-by-hop, dst, route, frag, auth, esp, none, prot" }),
    "--soft": opt(flag, { help: "others may be there, too" }),
  },
  compile(is) {
    const { not, value } = is["--header"]!;
    const soft = is["--soft"] !== undefined;
    return (p) => {
      const bits = headersOf(p);
      if (bits < 0) {
        if (bits === BROKEN) p.hotdrop = true;
        return false;
      }
      // Softly inverted: none of them.
      if (soft) return (bits & value) === (not ? 0 : value);
      return (bits === value) !== not;
    };
  },
  why(_is, p) {
    const bits = headersOf(p);
    if (bits < 0) return "its headers are not all there";
    return `it has the headers ${headers.print(bits, { family: 6 }) || "none"}`;
  },
});
