/** `-m mark`: the packet's mark under a mask (xt_mark.c: mark_mt). */
import { match } from "../rules/extension.ts";
import { hex, markMask, optNot, printMasked } from "../rules/types.ts";

export const mark = match({
  name: "mark",
  families: [4, 6],
  options: {
    "--mark": optNot(markMask, { required: true, help: "value, or value/mask" }),
  },

  compile(is) {
    const { not, value } = is["--mark"]!;
    const wanted = value.value | 0;
    const mask = value.mask | 0;
    return not ? (p) => (p.mark & mask) !== wanted : (p) => (p.mark & mask) === wanted;
  },

  source(is) {
    const { not, value } = is["--mark"]!;
    const mask = value.mask | 0;
    const field = mask === -1 ? "p.mark" : `(p.mark & ${mask})`;
    return `${field} ${not ? "!==" : "==="} ${value.value | 0}`;
  },

  why: (is, p) => `mark ${hex(p.mark)} is ${is["--mark"]!.not ? "" : "not "}${printMasked(is["--mark"]!.value)}`,
});
