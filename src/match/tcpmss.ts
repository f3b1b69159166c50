/** `-m tcpmss`: the value of TCP's MSS option (xt_tcpmss.c). */
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_TCP } from "../packet/transport.ts";
import { match, type OptionType, RuleError } from "../rules/extension.ts";
import { optNot, printRange, type Range, u16Range } from "../rules/types.ts";
import { describeRange } from "./ports.ts";

const HEADER = 20;
const MSS = 2;
const MSS_LENGTH = 4;
/** What is found instead of a value. */
const NONE = -1;
const BROKEN = -2;

const range: OptionType<Range> = {
  arity: 1,
  parse(words, site) {
    const value = u16Range.parse(words, site);
    if (value.to < value.from) throw new RuleError("tcpmss: invalid range given");
    return value;
  },
  print: printRange,
};

/** The option's value; NONE; BROKEN: the header is not all there, which drops the packet. */
function mssOf(p: Packet): number {
  const { data, view, l4 } = p;
  if (l4 < 0 || l4 + HEADER > p.end) return BROKEN;
  const end = l4 + ((data[l4 + 12] >>> 4) << 2);
  if (end < l4 + HEADER || end > p.end) return BROKEN;
  for (let at = l4 + HEADER; at < end; ) {
    if (data[at] === MSS && end - at >= MSS_LENGTH && data[at + 1] === MSS_LENGTH) return view.getUint16(at + 2);
    // End of list and no-operation are one byte long; so is whatever stands last, and what says it has no length.
    if (data[at] < 2 || at === end - 1) at++;
    else at += data[at + 1] || 1;
  }
  return NONE;
}

export const tcpmss = match({
  name: "tcpmss",
  families: [4, 6],
  protocols: [IPPROTO_TCP],
  options: { "--mss": optNot(range, { required: true, help: "value of the MSS option, or first:last" }) },

  compile(is) {
    const { not, value } = is["--mss"]!;
    return (p) => {
      const mss = mssOf(p);
      if (mss === BROKEN) {
        p.hotdrop = true;
        return false;
      }
      return mss === NONE ? not : (mss >= value.from && mss <= value.to) !== not;
    };
  },

  why(is, p) {
    const mss = mssOf(p);
    if (mss === BROKEN) return "its TCP header is not all there: the packet is dropped";
    if (mss === NONE) return "it has no MSS option";
    const { not, value } = is["--mss"]!;
    return `its MSS ${mss} is ${not ? "" : "not "}${describeRange(value)}`;
  },
});
