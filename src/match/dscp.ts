/** `-m dscp`: the code point of the DS field, IPv4's TOS without its two ECN bits (xt_dscp.c: dscp_mt). */
import { dscpClass, dscpNumber, printDscp } from "../rules/dscp.ts";
import { type GivenOption, match, RuleError } from "../rules/extension.ts";
import { optNot } from "../rules/types.ts";

export const dscp = match({
  name: "dscp",
  families: [4, 6],
  options: {
    "--dscp": optNot(dscpNumber, { excludes: ["--dscp-class"], help: "code point, 0 to 63" }),
    "--dscp-class": optNot(dscpClass, { excludes: ["--dscp"], help: "class: BE, EF, CS0 … CS7, AF11 … AF43" }),
  },
  check(given) {
    if (given["--dscp"] === undefined && given["--dscp-class"] === undefined)
      throw new RuleError("DSCP match: Parameter --dscp is required");
  },

  bind: (given): GivenOption<number> => (given["--dscp"] ?? given["--dscp-class"])!,
  print: (is) => `${is.not ? "! " : ""}--dscp ${printDscp(is.value)}`,
  compile: ({ not, value }) => (not ? (p) => p.tos >>> 2 !== value : (p) => p.tos >>> 2 === value),
  source: ({ not, value }) => `p.tos >>> 2 ${not ? "!==" : "==="} ${value}`,
  why: ({ not, value }, p) => `code point ${printDscp(p.tos >>> 2)} is ${not ? "" : "not "}${printDscp(value)}`,
});
