/**
 * `-m addrtype`: what the routing tables make of an address (xt_addrtype.c, revision 1). For IPv4 an address has one
 * type and the rule lists those that will do; for IPv6 an address may be several things at once, and the list asks
 * UNSPEC, UNICAST and MULTICAST all together before it looks up LOCAL, ANYCAST and UNREACHABLE.
 */
import { formatAddress } from "../bytes/address.ts";
import type { Host } from "../host/host.ts";
import { INPUT, OUTPUT, POSTROUTING, PREROUTING } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import {
  type Engine,
  type Given,
  type GivenOption,
  match,
  type Options,
  type OptionType,
  type Predicate,
  RuleError,
} from "../rules/extension.ts";
import { flag, opt, optNot } from "../rules/types.ts";

/** RTN_* of linux/rtnetlink.h; the place is the number. */
const TYPES = [
  "UNSPEC",
  "UNICAST",
  "LOCAL",
  "BROADCAST",
  "ANYCAST",
  "MULTICAST",
  "BLACKHOLE",
  "UNREACHABLE",
  "PROHIBIT",
  "THROW",
  "NAT",
  "XRESOLVE",
] as const;

const bit = (name: (typeof TYPES)[number]) => 1 << TYPES.indexOf(name);
const UNSPEC = bit("UNSPEC");
const UNICAST = bit("UNICAST");
const BROADCAST = bit("BROADCAST");
const MULTICAST = bit("MULTICAST");
const BLACKHOLE = bit("BLACKHOLE");
const PROHIBIT = bit("PROHIBIT");
/** What IPv6 finds out by a route lookup. */
const LOOKED_UP = bit("LOCAL") | bit("ANYCAST") | bit("UNREACHABLE");

/** `LOCAL,BROADCAST`, each name abbreviated at will. */
const types: OptionType<number> = {
  arity: 1,
  parse([word]) {
    let mask = 0;
    let rest = word;
    for (;;) {
      const comma = rest.indexOf(",");
      const name = (comma < 0 ? rest : rest.slice(0, comma)).toUpperCase();
      const type = name === "" ? -1 : TYPES.findIndex((known) => known.startsWith(name));
      if (type < 0) throw new RuleError(comma < 0 ? `addrtype: bad type "${rest}"` : `addrtype: bad type \`${rest}'`);
      mask |= 1 << type;
      if (comma < 0) return mask;
      rest = rest.slice(comma + 1);
    }
  },
  print: printTypes,
};

function printTypes(mask: number): string {
  return TYPES.filter((_, i) => (mask & (1 << i)) !== 0).join(",");
}

/** addrconf_core.c: ipv6_addr_type, as far as the match looks: UNSPEC, UNICAST, MULTICAST bits. */
function scopeBits(w0: number, w1: number, w2: number, w3: number): number {
  const top = w0 >>> 29;
  if (top !== 0 && top !== 7) return UNICAST;
  if (w0 >>> 24 === 0xff) return MULTICAST;
  if (top === 7) return UNICAST;
  if ((w0 | w1 | w2 | w3) === 0) return UNSPEC;
  // An IPv4-mapped address is none of them.
  return w0 === 0 && w1 === 0 && w2 === 0xffff ? 0 : UNICAST;
}

function typeTest4(host: Host, mask: number, source: boolean, device: (p: Packet) => number): Predicate {
  return (p) => ((mask >>> host.addressType4(source ? p.src0 : p.dst0, device(p))) & 1) === 1;
}

function typeTest6(host: Host, mask: number, source: boolean, device: (p: Packet) => number): Predicate {
  const scope = mask & (UNSPEC | UNICAST | MULTICAST);
  const lookedUp = mask & LOOKED_UP;
  return (p) => {
    const w0 = source ? p.src0 : p.dst0;
    const w1 = source ? p.src1 : p.dst1;
    const w2 = source ? p.src2 : p.dst2;
    const w3 = source ? p.src3 : p.dst3;
    if ((scope & ~scopeBits(w0, w1, w2, w3)) !== 0) return false;
    return lookedUp === 0 || (host.addressTypes6(w0, w1, w2, w3, device(p)) & lookedUp) !== 0;
  };
}

interface Side {
  readonly given: GivenOption<number>;
  readonly source: boolean;
  readonly holds: Predicate;
}

function sidesOf(is: Is, { host, family }: Engine): Side[] {
  const device = is["--limit-iface-in"]
    ? (p: Packet) => p.inDev
    : is["--limit-iface-out"]
      ? (p: Packet) => p.outDev
      : () => 0;
  const side = (given: GivenOption<number> | undefined, source: boolean): Side[] => {
    if (given === undefined) return [];
    const test = (family === 4 ? typeTest4 : typeTest6)(host, given.value, source, device);
    return [{ given, source, holds: given.not ? (p) => !test(p) : test }];
  };
  return [...side(is["--src-type"], true), ...side(is["--dst-type"], false)];
}

const OPTIONS = {
  "--src-type": optNot(types, { help: "types of the source address" }),
  "--dst-type": optNot(types, { help: "types of the destination address" }),
  "--limit-iface-in": opt(flag, { excludes: ["--limit-iface-out"], help: "as the incoming device sees it" }),
  "--limit-iface-out": opt(flag, { excludes: ["--limit-iface-in"], help: "as the outgoing device sees it" }),
} satisfies Options;

type Is = Given<typeof OPTIONS>;

export const addrtype = match({
  name: "addrtype",
  families: [4, 6],
  options: OPTIONS,
  atLeastOne: [["--src-type", "--dst-type"]],
  oneNeeded: "addrtype: you must specify --src-type or --dst-type",

  checkEntry(is, { family, hooks }) {
    const reached = (...wanted: number[]) => hooks.some((hook) => wanted.includes(hook));
    if (is["--limit-iface-out"] && reached(PREROUTING, INPUT))
      throw new RuleError("output interface limitation not valid in PREROUTING and INPUT", 1);
    if (is["--limit-iface-in"] && reached(POSTROUTING, OUTPUT))
      throw new RuleError("input interface limitation not valid in POSTROUTING and OUTPUT", 1);
    if (family === 4) return;
    const asked = (is["--src-type"]?.value ?? 0) | (is["--dst-type"]?.value ?? 0);
    if ((asked & BLACKHOLE) !== 0) throw new RuleError("ipv6 BLACKHOLE matching not supported", 1);
    if (asked >= PROHIBIT) throw new RuleError("ipv6 PROHIBIT (THROW, NAT ..) matching not supported", 1);
    if ((asked & BROADCAST) !== 0) throw new RuleError("ipv6 does not support BROADCAST matching", 1);
  },

  compile(is, on) {
    const [first, second] = sidesOf(is, on);
    if (second === undefined) return first.holds;
    return (p) => first.holds(p) && second.holds(p);
  },

  why(is, p, on) {
    const failed = sidesOf(is, on).find((side) => !side.holds(p));
    if (failed === undefined) return "its addresses are of other types";
    const { given, source } = failed;
    const words = source ? [p.src0, p.src1, p.src2, p.src3] : [p.dst0, p.dst1, p.dst2, p.dst3];
    const own = formatAddress(words.slice(0, p.family === 4 ? 1 : 4));
    return `${source ? "source" : "destination"} ${own} is ${given.not ? "" : "not "}${printTypes(given.value)}`;
  },
});
