/** `-m iprange`: source or destination address between two addresses (xt_iprange.c). */
import { formatAddress, parseIpv6 } from "../bytes/address.ts";
import type { Packet } from "../packet/packet.ts";
import { numericToAddress } from "../rules/address-text.ts";
import {
  type FieldSink,
  type GivenOption,
  type HeaderField,
  match,
  type OptionType,
  type Predicate,
  RuleError,
} from "../rules/extension.ts";
import { optNot } from "../rules/types.ts";

interface AddressSpan {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** `10.0.0.1-10.0.0.9`, or one address. A reversed range is taken: it never matches. */
const span: OptionType<AddressSpan> = {
  arity: 1,
  parse([word], { family, option }) {
    const address = (text: string): readonly number[] => {
      const word4 = family === 4 ? numericToAddress(text, false) : null;
      const words = family === 4 ? (word4 === null ? null : [word4]) : parseIpv6(text);
      if (words === null) throw new RuleError(`iprange: Bad value for "${option}" option: "${text}"`);
      return words;
    };
    const dash = word.indexOf("-");
    if (dash < 0) return { from: address(word), to: address(word) };
    return { from: address(word.slice(0, dash)), to: address(word.slice(dash + 1)) };
  },
  print: ({ from, to }) => `${formatAddress(from)}-${formatAddress(to)}`,
};

/** Turns a word read as signed into one that compares as unsigned. */
const FLIP = 1 << 31;

function addressOf(p: Packet, source: boolean): readonly number[] {
  if (p.family === 4) return [source ? p.src0 : p.dst0];
  return source ? [p.src0, p.src1, p.src2, p.src3] : [p.dst0, p.dst1, p.dst2, p.dst3];
}

function inside4({ from, to }: AddressSpan, source: boolean): Predicate {
  const low = from[0] ^ FLIP;
  const high = to[0] ^ FLIP;
  return source
    ? (p) => (p.src0 ^ FLIP) >= low && (p.src0 ^ FLIP) <= high
    : (p) => (p.dst0 ^ FLIP) >= low && (p.dst0 ^ FLIP) <= high;
}

/** Less than 0, 0 or more than 0 as the packet's address lies before, at or after `to`. */
function compare6(p: Packet, source: boolean, to: readonly number[]): number {
  const w0 = source ? p.src0 : p.dst0;
  if (w0 !== to[0]) return (w0 ^ FLIP) < (to[0] ^ FLIP) ? -1 : 1;
  const w1 = source ? p.src1 : p.dst1;
  if (w1 !== to[1]) return (w1 ^ FLIP) < (to[1] ^ FLIP) ? -1 : 1;
  const w2 = source ? p.src2 : p.dst2;
  if (w2 !== to[2]) return (w2 ^ FLIP) < (to[2] ^ FLIP) ? -1 : 1;
  const w3 = source ? p.src3 : p.dst3;
  if (w3 !== to[3]) return (w3 ^ FLIP) < (to[3] ^ FLIP) ? -1 : 1;
  return 0;
}

function inside6({ from, to }: AddressSpan, source: boolean): Predicate {
  return (p) => compare6(p, source, from) >= 0 && compare6(p, source, to) <= 0;
}

function saySpan(field: HeaderField, { not, value }: GivenOption<AddressSpan>, say: FieldSink): void {
  const from = value.from[0] >>> 0;
  const to = value.to[0] >>> 0;
  if (not) say.bounds(field, [{ from, to }]);
  else say.range(field, from, to);
}

function predicate(given: GivenOption<AddressSpan> | undefined, source: boolean): Predicate | null {
  if (given === undefined) return null;
  const inside = given.value.from.length === 1 ? inside4(given.value, source) : inside6(given.value, source);
  return given.not ? (p) => !inside(p) : inside;
}

function expression(given: GivenOption<AddressSpan>, source: boolean): string {
  const field = `(p.${source ? "src0" : "dst0"} ^ ${FLIP})`;
  const { from, to } = given.value;
  return `${given.not ? "!" : ""}(${field} >= ${from[0] ^ FLIP} && ${field} <= ${to[0] ^ FLIP})`;
}

export const iprange = match({
  name: "iprange",
  families: [4, 6],
  options: {
    "--src-range": optNot(span, { help: "source address between two, inclusive" }),
    "--dst-range": optNot(span, { help: "destination address between two, inclusive" }),
  },
  atLeastOne: [["--src-range", "--dst-range"]],
  oneNeeded: "iprange match: You must specify `--src-range' or `--dst-range'",

  compile(is) {
    const source = predicate(is["--src-range"], true);
    const destination = predicate(is["--dst-range"], false);
    if (destination === null) return source!;
    if (source === null) return destination;
    return (p) => source(p) && destination(p);
  },

  noSource: (is) => (is["--src-range"] ?? is["--dst-range"])!.value.from.length !== 1,

  source(is) {
    const { "--src-range": source, "--dst-range": destination } = is;
    const parts: string[] = [];
    if (source !== undefined) parts.push(expression(source, true));
    if (destination !== undefined) parts.push(expression(destination, false));
    return parts.join(" && ");
  },

  fields(is, say) {
    const { "--src-range": source, "--dst-range": destination } = is;
    if (source !== undefined) saySpan("src", source, say);
    if (destination !== undefined) saySpan("dst", destination, say);
  },

  why(is, p) {
    const source = predicate(is["--src-range"], true);
    const failed = source !== null && !source(p);
    const given = (failed ? is["--src-range"] : is["--dst-range"])!;
    const side = failed ? "source" : "destination";
    const own = formatAddress(addressOf(p, failed));
    return `${side} ${own} is ${given.not ? "" : "not "}in ${span.print(given.value, { family: p.family })}`;
  },
});
