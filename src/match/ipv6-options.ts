/** `-m hbh`, `-m dst`: the options of IPv6's hop-by-hop and destination headers (ip6t_hbh.c, which is both). */
import { NEXTHDR_DEST, NEXTHDR_HOP } from "../packet/ipv6.ts";
import type { Packet } from "../packet/packet.ts";
import { match, type OptionType, RuleError } from "../rules/extension.ts";
import { strtoul } from "../rules/numbers.ts";
import { opt, optNot, u32 } from "../rules/types.ts";
import { BROKEN_CHAIN, findExtensionHeader, NOT_THERE } from "./ipv6-chain.ts";

/** IP6T_OPTS_OPTSNR */
const MOST = 16;
const ANY_LENGTH = 0xff;
/** Type and length of the header, before its options. */
const BEFORE_OPTIONS = 2;

interface Option {
  readonly type: number;
  /** ANY_LENGTH: not asked. */
  readonly length: number;
}

function listType(name: string, padding: string): OptionType<readonly Option[]> {
  const number = (text: string, what: string) => {
    const { value, rest, overflows } = strtoul(text, 0);
    if (rest === text) throw new RuleError(`${name}: no valid digits in ${what} \`${text}'`);
    if (overflows) throw new RuleError(`${what} \`${text}' specified too big: would overflow`);
    if (rest !== "") throw new RuleError(`${name}: error parsing ${what} \`${text}'`);
    return value & 0xff;
  };
  return {
    arity: 1,
    parse([word]) {
      const words = word.split(",");
      const options = words.slice(0, MOST).map((text, i) => {
        const colon = text.indexOf(":");
        if (colon < 0) return { type: number(text, "opt"), length: ANY_LENGTH };
        if (i === MOST - 1) throw new RuleError("too many ports specified");
        const type = number(text.slice(0, colon), "opt");
        if (type === 0) throw new RuleError(padding);
        return { type, length: number(text.slice(colon + 1), "length") };
      });
      if (words.length > MOST) throw new RuleError("too many addresses specified");
      return options;
    },
    print: (options) =>
      options.map(({ type, length }) => (length === ANY_LENGTH ? String(type) : `${type}:${length}`)).join(","),
  };
}

/** Offset of the header, NOT_THERE, or BROKEN_CHAIN: it or what is before it is not all there. */
function optionsHeader(p: Packet, next: number): number {
  const at = findExtensionHeader(p, next);
  if (at < 0) return at;
  return at + headerLength(p, at) <= p.start + p.length ? at : BROKEN_CHAIN;
}

const headerLength = (p: Packet, at: number) => (p.data[at + 1] + 1) << 3;

/** Whether the header begins with these options, one after another. */
function beginsWith({ data, end }: Packet, header: number, length: number, wanted: readonly Option[]): boolean {
  let at = header + BEFORE_OPTIONS;
  let left = length - BEFORE_OPTIONS;
  for (let i = 0; i < wanted.length; i++) {
    if (left < 1 || at >= end || data[at] !== wanted[i].type) return false;
    let size = 1;
    if (data[at] !== 0) {
      if (left < 2 || at + 1 >= end) return false;
      if (wanted[i].length !== ANY_LENGTH && wanted[i].length !== data[at + 1]) return false;
      size = data[at + 1] + 2;
    }
    if (left < size && i < wanted.length - 1) return false;
    at += size;
    left -= size;
  }
  return true;
}

/** The two differ in their names, in one sentence, and in the header they look at. */
function optionsMatch<N extends "hbh" | "dst">(name: N, next: number, said: string, padding: string) {
  const length = `--${name}-len`;
  const options = `--${name}-opts`;
  const wanted = listType(name, padding);
  return match({
    name,
    families: [6],
    options: {
      [length]: optNot(u32, { help: "bytes of the whole header" }),
      [options]: opt(wanted, { help: "it begins with these options: type[:length],…" }),
    },

    compile(is) {
      const asked = is[length];
      const list = is[options]?.value as readonly Option[] | undefined;
      return (p) => {
        const at = optionsHeader(p, next);
        if (at < 0) {
          if (at === BROKEN_CHAIN) p.hotdrop = true;
          return false;
        }
        const bytes = headerLength(p, at);
        if (asked !== undefined && (bytes === asked.value) === asked.not) return false;
        return list === undefined || beginsWith(p, at, bytes, list);
      };
    },

    why(is, p) {
      const at = optionsHeader(p, next);
      if (at === NOT_THERE) return `it has no ${said} header`;
      if (at === BROKEN_CHAIN) return `its ${said} header is not all there: the packet is dropped`;
      const asked = is[length];
      const bytes = headerLength(p, at);
      if (asked !== undefined && (bytes === asked.value) === asked.not)
        return `its ${said} header's length ${bytes} is ${asked.not ? "" : "not "}${asked.value}`;
      return `its ${said} header does not begin with the options ${wanted.print(is[options]!.value as readonly Option[], { family: 6 })}`;
    },
  });
}

export const hbh = optionsMatch("hbh", NEXTHDR_HOP, "hop-by-hop", "PAD0 has not got length");
export const dst = optionsMatch("dst", NEXTHDR_DEST, "destination", "PAD0 hasn't got length");
