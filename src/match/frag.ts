/** `-m frag`: the IPv6 fragment header (ip6t_frag.c). Where conntrack is at work, packets were put together before. */
import { NEXTHDR_FRAGMENT } from "../packet/ipv6.ts";
import type { Packet } from "../packet/packet.ts";
import { match } from "../rules/extension.ts";
import { flag, opt, optNot, u32, u32Range } from "../rules/types.ts";
import { BROKEN_CHAIN, findExtensionHeader, NOT_THERE } from "./ipv6-chain.ts";
import { isAmong, printSpis, type SpiRange, spiRange } from "./spi.ts";

const HEADER = 8;
const RESERVED = 1;
const OFFSET = 2;
const ID = 4;
const MORE = 1;
const RESERVED_BITS = 6;

interface Fragment {
  readonly ids: SpiRange;
  /** The kernel does not look at it. */
  readonly length: { readonly not: boolean; readonly value: number } | null;
  readonly reserved: boolean;
  readonly first: boolean;
  readonly more: boolean;
  readonly last: boolean;
}

/** Offset of the header, NOT_THERE, or BROKEN_CHAIN: it or what is before it is not all there. */
function fragmentHeader(p: Packet): number {
  const at = findExtensionHeader(p, NEXTHDR_FRAGMENT);
  return at >= 0 && at + HEADER > p.end ? BROKEN_CHAIN : at;
}

/** Why the header does not match; "" when it does. */
function objection({ ids, reserved, first, more, last }: Fragment, { data, view }: Packet, at: number): string {
  const id = view.getUint32(at + ID);
  const field = view.getUint16(at + OFFSET);
  if (!isAmong(ids, id)) return `its fragment's id ${id} is ${ids.not ? "" : "not "}between ${ids.from} and ${ids.to}`;
  if (reserved && (data[at + RESERVED] !== 0 || (field & RESERVED_BITS) !== 0)) return "its reserved bits are not zero";
  if (first && (field & ~7) !== 0) return "it is not the first fragment";
  if (more && (field & MORE) === 0) return "it is the last fragment";
  return last && (field & MORE) !== 0 ? "more fragments follow" : "";
}

export const frag = match({
  name: "frag",
  families: [6],
  options: {
    "--fragid": optNot(u32Range, { help: "id of the fragments, or first:last" }),
    "--fraglen": optNot(u32, { help: "has no effect" }),
    "--fragres": opt(flag, { help: "the reserved bits are zero" }),
    "--fragfirst": opt(flag, { help: "it is the first" }),
    "--fragmore": opt(flag, { excludes: ["--fraglast"], help: "more follow" }),
    "--fraglast": opt(flag, { excludes: ["--fragmore"], help: "it is the last" }),
  },

  bind: (given): Fragment => ({
    ids: spiRange(given["--fragid"]),
    length: given["--fraglen"] ?? null,
    reserved: given["--fragres"] !== undefined,
    first: given["--fragfirst"] !== undefined,
    more: given["--fragmore"] !== undefined,
    last: given["--fraglast"] !== undefined,
  }),

  print({ ids, length, reserved, first, more, last }) {
    const words = [printSpis(ids, "--fragid")];
    if (length !== null) words.push(`${length.not ? "! " : ""}--fraglen ${length.value}`);
    if (reserved) words.push("--fragres");
    if (first) words.push("--fragfirst");
    if (more) words.push("--fragmore");
    if (last) words.push("--fraglast");
    return words.filter((word) => word !== "").join(" ");
  },

  compile(is) {
    return (p) => {
      const at = fragmentHeader(p);
      if (at === BROKEN_CHAIN) p.hotdrop = true;
      return at >= 0 && objection(is, p, at) === "";
    };
  },

  why(is, p) {
    const at = fragmentHeader(p);
    if (at === NOT_THERE) return "it has no fragment header";
    return at === BROKEN_CHAIN ? "its fragment header is not all there: the packet is dropped" : objection(is, p, at);
  },
});
