/** `-m ah`: the IPsec authentication header: of IPv4 by its protocol (ipt_ah.c), of IPv6 wherever it is (ip6t_ah.c). */
import { NEXTHDR_AUTH } from "../packet/ipv6.ts";
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_AH } from "../packet/transport.ts";
import { match } from "../rules/extension.ts";
import { flag, opt, optNot, u32, u32Range } from "../rules/types.ts";
import { BROKEN_CHAIN, findExtensionHeader, NOT_THERE } from "./ipv6-chain.ts";
import { isAmong, printSpis, type SpiRange, spiRange, whyNotSpi } from "./spi.ts";

const HEADER = 12;
const LENGTH = 1;
const RESERVED = 2;
const SPI = 4;

const SPIS = optNot(u32Range, { help: "security parameter index, or first:last" });

export const ah4 = match({
  name: "ah",
  families: [4],
  implicitFor: [IPPROTO_AH],
  protocols: [IPPROTO_AH],
  options: { "--ahspi": SPIS },

  bind: (given): SpiRange => spiRange(given["--ahspi"]),
  print: (is) => printSpis(is, "--ahspi"),

  compile(is) {
    return (p) => {
      if (p.fragmentOffset !== 0) return false;
      if (p.l4 < 0 || p.l4 + HEADER > p.end) {
        p.hotdrop = true;
        return false;
      }
      return isAmong(is, p.view.getUint32(p.l4 + SPI));
    };
  },

  why(is, p) {
    if (p.fragmentOffset !== 0) return "it is a later fragment, without an AH header";
    if (p.l4 < 0 || p.l4 + HEADER > p.end) return "its AH header is not all there";
    return whyNotSpi(is, p.view.getUint32(p.l4 + SPI));
  },
});

interface Header {
  readonly spi: SpiRange;
  /** Bytes of the header; value 0: any. */
  readonly length: { readonly not: boolean; readonly value: number };
  /** The reserved field must be zero. */
  readonly reserved: boolean;
}

/** Offset of the header, NOT_THERE, or BROKEN_CHAIN: it or what is before it is not all there. */
function authHeader(p: Packet): number {
  const at = findExtensionHeader(p, NEXTHDR_AUTH);
  if (at < 0) return at;
  return at + HEADER <= p.end && at + headerLength(p, at) <= p.start + p.length ? at : BROKEN_CHAIN;
}

const headerLength = (p: Packet, at: number) => (p.data[at + LENGTH] + 2) << 2;

export const ah6 = match({
  name: "ah",
  families: [6],
  implicitFor: [IPPROTO_AH],
  options: {
    "--ahspi": SPIS,
    "--ahlen": optNot(u32, { help: "bytes of the whole header" }),
    "--ahres": opt(flag, { help: "the reserved field is zero" }),
  },

  bind: (given): Header => ({
    spi: spiRange(given["--ahspi"]),
    length: given["--ahlen"] ?? { not: false, value: 0 },
    reserved: given["--ahres"] !== undefined,
  }),

  print({ spi, length, reserved }) {
    const words = [printSpis(spi, "--ahspi")];
    if (length.value !== 0 || length.not) words.push(`${length.not ? "! " : ""}--ahlen ${length.value}`);
    if (reserved) words.push("--ahres");
    return words.filter((word) => word !== "").join(" ");
  },

  compile({ spi, length, reserved }) {
    return (p) => {
      const at = authHeader(p);
      if (at < 0) {
        if (at === BROKEN_CHAIN) p.hotdrop = true;
        return false;
      }
      return (
        isAmong(spi, p.view.getUint32(at + SPI)) &&
        (length.value === 0 || (headerLength(p, at) === length.value) !== length.not) &&
        !(reserved && p.view.getUint16(at + RESERVED) !== 0)
      );
    };
  },

  why({ spi, length }, p) {
    const at = authHeader(p);
    if (at === NOT_THERE) return "it has no AH header";
    if (at === BROKEN_CHAIN) return "its AH header is not all there: the packet is dropped";
    const own = p.view.getUint32(at + SPI);
    if (!isAmong(spi, own)) return whyNotSpi(spi, own);
    const bytes = headerLength(p, at);
    if (length.value !== 0 && (bytes === length.value) === length.not)
      return `its AH header's length ${bytes} is ${length.not ? "" : "not "}${length.value}`;
    return "its AH header's reserved field is not zero";
  },
});
