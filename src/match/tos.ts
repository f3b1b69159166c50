/** `-m tos`: the TOS byte of IPv4, the traffic class of IPv6, under a mask (xt_dscp.c: tos_mt). */
import { match } from "../rules/extension.ts";
import { printTos, tosMask } from "../rules/tos.ts";
import { optNot } from "../rules/types.ts";

export const tos = match({
  name: "tos",
  families: [4, 6],
  options: {
    "--tos": optNot(tosMask, { required: true, help: "value, value/mask, or Minimize-Delay and its like" }),
  },
  compile(is) {
    const { not, value } = is["--tos"]!;
    return (p) => ((p.tos & value.mask) === value.value) !== not;
  },
  source(is) {
    const { not, value } = is["--tos"]!;
    return `(p.tos & ${value.mask}) ${not ? "!==" : "==="} ${value.value}`;
  },
  why(is, p) {
    const { not, value } = is["--tos"]!;
    return `TOS 0x${p.tos.toString(16).padStart(2, "0")} is ${not ? "" : "not "}${printTos(value)}`;
  },
});
