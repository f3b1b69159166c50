/** `-j DSCP`: changes the code point of the DS field; the two ECN bits stay (xt_DSCP.c: dscp_tg, dscp_tg6). */
import { CONTINUE } from "../packet/hook.ts";
import { dscpClass, dscpNumber, printDscp } from "../rules/dscp.ts";
import { RuleError, target } from "../rules/extension.ts";
import { opt } from "../rules/types.ts";
import { setTos } from "./ds-field.ts";

const ECN = 3;

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
      setTos(p, (dscp << 2) | (p.tos & ECN));
      return CONTINUE;
    };
  },

  does: (_is, p) => `the code point is now ${printDscp(p.tos >>> 2)}`,
});
