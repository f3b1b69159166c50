/** `-j DSCP`: changes the code point of the DS field; the two ECN bits stay (xt_DSCP.c: dscp_tg, dscp_tg6). */
import { replace2 } from "../bytes/checksum.ts";
import { CONTINUE } from "../packet/hook.ts";
import { IPV4_CHECKSUM } from "../packet/ipv4.ts";
import { dscpClass, dscpNumber, printDscp } from "../rules/dscp.ts";
import { RuleError, target } from "../rules/extension.ts";
import { opt } from "../rules/types.ts";

const ECN = 3;
/** Where IPv6's traffic class is in the first 16 bits. */
const CLASS_SHIFT = 4;

export const DSCP = target({
  name: "DSCP",
  families: [4, 6],
  tables: ["mangle"],
  options: {
    "--set-dscp": opt(dscpNumber, { excludes: ["--set-dscp-class"], help: "code point, 0 to 63" }),
    "--set-dscp-class": opt(dscpClass, { excludes: ["--set-dscp"], help: "class: BE, EF, CS0 … CS7, AF11 … AF43" }),
  },
  check(given) {
    if (given["--set-dscp"] === undefined && given["--set-dscp-class"] === undefined)
      throw new RuleError("DSCP target: Parameter --set-dscp is required");
  },

  bind: (given): { readonly dscp: number } => ({ dscp: (given["--set-dscp"] ?? given["--set-dscp-class"])!.value }),
  print: (is) => `--set-dscp ${printDscp(is.dscp)}`,

  compile({ dscp }) {
    return (p) => {
      if (p.tos >>> 2 === dscp) return CONTINUE;
      const { view, start } = p;
      const old = view.getUint16(start);
      p.tos = (dscp << 2) | (p.tos & ECN);
      if (p.family === 4) {
        const changed = (old & 0xff00) | p.tos;
        view.setUint16(start, changed);
        view.setUint16(start + IPV4_CHECKSUM, replace2(view.getUint16(start + IPV4_CHECKSUM), old, changed));
      } else view.setUint16(start, (old & ~(0xff << CLASS_SHIFT)) | (p.tos << CLASS_SHIFT));
      return CONTINUE;
    };
  },

  does: (_is, p) => `the code point is now ${printDscp(p.tos >>> 2)}`,
});
