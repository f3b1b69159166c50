/** `-m connmark`: the connection's mark under a mask (xt_connmark.c: connmark_mt). Without a connection: no match. */
import { match } from "../rules/extension.ts";
import { hex, markMask, optNot, printMasked } from "../rules/types.ts";
import { hasTemplate } from "./state-bits.ts";

export const connmark = match({
  name: "connmark",
  families: [4, 6],
  armsConntrack: true,
  options: {
    "--mark": optNot(markMask, { required: true, help: "value, or value/mask" }),
  },

  compile(is, { conntrack, family }) {
    const { not, value } = is["--mark"]!;
    const wanted = value.value | 0;
    const mask = value.mask | 0;
    const at = conntrack.connections(family);
    const blank = (wanted === 0) !== not;
    return (p) => (p.ct !== 0 ? ((at.mark(p.ct) & mask) === wanted) !== not : blank && hasTemplate(p));
  },

  why(is, p, { conntrack, family }) {
    if (p.ct === 0 && !hasTemplate(p)) return "it belongs to no connection";
    const { not, value } = is["--mark"]!;
    const own = p.ct === 0 ? 0 : conntrack.connections(family).mark(p.ct);
    return `its connection's mark ${hex(own)} is ${not ? "" : "not "}${printMasked(value)}`;
  },
});
