/** `-m rt`: the IPv6 routing header (ip6t_rt.c). */
import { formatAddress, parseIpv6 } from "../bytes/address.ts";
import { NEXTHDR_ROUTING } from "../packet/ipv6.ts";
import type { Packet } from "../packet/packet.ts";
import { match, type OptionSite, type OptionType, RuleError } from "../rules/extension.ts";
import { flag, opt, optNot, printRange, type Range, U32_MAX, u32, u32Range } from "../rules/types.ts";
import { BROKEN_CHAIN, findExtensionHeader, NOT_THERE } from "./ipv6-chain.ts";
import { describeRange } from "./ports.ts";

const LENGTH = 1;
const TYPE = 2;
const SEGMENTS_LEFT = 3;
const RESERVED = 4;
/** ipv6_rt_hdr, which every routing header begins with. */
const FIXED = 4;
/** rt0_hdr: what stands before the addresses. */
const BEFORE_ADDRESSES = 8;
const ADDRESS = 16;
const MOST_ADDRESSES = 16;

interface Wanted<V> {
  readonly not: boolean;
  readonly value: V;
}

interface RoutingHeader {
  readonly type: Wanted<number> | null;
  readonly segmentsLeft: Wanted<Range> | null;
  /** Bytes of the whole header. */
  readonly length: Wanted<number> | null;
  /** The reserved word must be zero. */
  readonly reserved: boolean;
  /** The addresses of type 0: exactly these, or these in this order among others. */
  readonly addresses: readonly (readonly number[])[] | null;
  readonly strict: boolean;
}

/** What these options need must stand before them: it is looked for when they are read. */
function afterType0({ given, option }: OptionSite): void {
  const type = given["--rt-type"];
  if (type === undefined || type.not || type.value !== 0)
    throw new RuleError(`\`--rt-type 0' required before \`${option}'`);
}

const reserved: OptionType<true> = {
  ...flag,
  parse(_words, site) {
    afterType0(site);
    return true;
  },
};

const addresses: OptionType<readonly (readonly number[])[]> = {
  arity: 1,
  parse([word], site) {
    afterType0(site);
    return parseAddresses(word);
  },
  print: (value) => value.map(formatAddress).join(","),
};

const notStrict: OptionType<true> = {
  ...flag,
  parse(_words, { given }) {
    if (given["--rt-0-addrs"] === undefined)
      throw new RuleError("`--rt-0-addr ...' required before `--rt-0-not-strict'");
    return true;
  },
};

function parseAddresses(list: string): (readonly number[])[] {
  const words = list.split(",");
  const addresses = words.slice(0, MOST_ADDRESSES).map((word) => {
    const address = parseIpv6(word);
    if (address === null) throw new RuleError(`bad address: ${word}`);
    return address;
  });
  if (words.length > MOST_ADDRESSES) throw new RuleError("too many addresses specified");
  return addresses;
}

/** Whether the header at `at`, of `length` bytes, has the reserved word and the addresses of type 0 that are asked for. */
function type0Matches(is: RoutingHeader, { view }: Packet, at: number, length: number): boolean {
  if (is.reserved && view.getUint32(at + RESERVED) !== 0) return false;
  const wanted = is.addresses;
  if (wanted === null) return true;
  const count = Math.trunc((length - BEFORE_ADDRESSES) / ADDRESS);
  if (wanted.length > count || (is.strict && wanted.length !== count)) return false;
  let found = 0;
  for (let i = 0; i < count && found < wanted.length; i++) {
    const address = at + BEFORE_ADDRESSES + i * ADDRESS;
    let same = true;
    for (let word = 0; word < 4; word++) if (view.getInt32(address + word * 4) !== wanted[found][word]) same = false;
    if (same) found++;
    else if (is.strict) return false;
  }
  return found === wanted.length;
}

/** Offset of the routing header, NOT_THERE, or BROKEN_CHAIN: it or what is before it is not all there. */
function routingHeader(p: Packet): number {
  const at = findExtensionHeader(p, NEXTHDR_ROUTING);
  if (at < 0) return at;
  return at + FIXED <= p.end && at + headerLength(p, at) <= p.end ? at : BROKEN_CHAIN;
}

const headerLength = (p: Packet, at: number) => (p.data[at + LENGTH] + 1) << 3;

function missing(is: RoutingHeader, p: Packet): string {
  const at = routingHeader(p);
  if (at === NOT_THERE) return "it has no routing header";
  if (at === BROKEN_CHAIN) return "its routing header is not all there: the packet is dropped";
  const { data } = p;
  const left = data[at + SEGMENTS_LEFT];
  const length = headerLength(p, at);
  const differs = (what: string, has: number, { not }: Wanted<unknown>, wanted: string) =>
    `its routing header's ${what} ${has} is ${not ? "" : "not "}${wanted}`;
  if (is.segmentsLeft !== null) {
    const { not, value } = is.segmentsLeft;
    if ((left >= value.from && left <= value.to) === not)
      return differs("segments left", left, is.segmentsLeft, describeRange(value));
  }
  if (is.length !== null && (length === is.length.value) === is.length.not)
    return differs("length", length, is.length, String(is.length.value));
  if (is.type !== null && (data[at + TYPE] === is.type.value) === is.type.not)
    return differs("type", data[at + TYPE], is.type, String(is.type.value));
  if (is.reserved && p.view.getUint32(at + RESERVED) !== 0) return "its routing header's reserved field is not zero";
  return `its routing header does not go by ${is.addresses!.map(formatAddress).join(",")}`;
}

export const rt = match({
  name: "rt",
  families: [6],
  options: {
    "--rt-type": optNot(u32, { help: "type of routing header" }),
    "--rt-segsleft": optNot(u32Range, { help: "segments left: a number, or first:last" }),
    "--rt-len": optNot(u32, { help: "bytes of the whole header" }),
    "--rt-0-res": opt(reserved, { help: "of type 0: the reserved field is zero" }),
    "--rt-0-addrs": opt(addresses, { help: "of type 0: the addresses are these" }),
    "--rt-0-not-strict": opt(notStrict, { help: "… in this order, maybe with others" }),
  },
  bind(given): RoutingHeader {
    const segments = given["--rt-segsleft"] ?? null;
    const all = segments !== null && segments.value.from === 0 && segments.value.to === U32_MAX;
    return {
      type: given["--rt-type"] ?? null,
      segmentsLeft: all && !segments.not ? null : segments,
      length: given["--rt-len"] ?? null,
      reserved: given["--rt-0-res"] !== undefined,
      addresses: given["--rt-0-addrs"]?.value ?? null,
      strict: given["--rt-0-not-strict"] === undefined,
    };
  },

  print(is) {
    const words: string[] = [];
    const say = (what: Wanted<unknown>, option: string, value: string) =>
      words.push(`${what.not ? "! " : ""}--rt-${option} ${value}`);
    if (is.type !== null) say(is.type, "type", String(is.type.value));
    const segments = is.segmentsLeft;
    // The whole range is not printed, not even with `!` before it.
    if (segments !== null && (segments.value.from !== 0 || segments.value.to !== U32_MAX))
      say(segments, "segsleft", printRange(segments.value));
    if (is.length !== null) say(is.length, "len", String(is.length.value));
    if (is.reserved) words.push("--rt-0-res");
    if (is.addresses !== null) words.push(`--rt-0-addrs ${is.addresses.map(formatAddress).join(",")}`);
    if (!is.strict) words.push("--rt-0-not-strict");
    return words.join(" ");
  },

  compile(is) {
    const type = is.type?.value ?? -1;
    const notType = is.type?.not ?? true;
    const length = is.length?.value ?? -1;
    const notLength = is.length?.not ?? true;
    const from = is.segmentsLeft?.value.from ?? 0;
    const to = is.segmentsLeft?.value.to ?? U32_MAX;
    const notLeft = is.segmentsLeft?.not ?? false;
    return (p) => {
      const at = routingHeader(p);
      if (at < 0) {
        // A header that cannot be read drops the packet.
        if (at === BROKEN_CHAIN) p.hotdrop = true;
        return false;
      }
      const { data } = p;
      const left = data[at + SEGMENTS_LEFT];
      const bytes = headerLength(p, at);
      return (
        (left >= from && left <= to) !== notLeft &&
        (bytes === length) !== notLength &&
        (data[at + TYPE] === type) !== notType &&
        type0Matches(is, p, at, bytes)
      );
    };
  },

  why: missing,
});
