/** `-m icmp`: type and code of an ICMP message (xt_tcpudp.c: icmp_match). */
import { IPPROTO_ICMP } from "../packet/transport.ts";
import { match } from "../rules/extension.ts";
import { optNot } from "../rules/types.ts";
import { ICMP_NAMES, icmpPredicate, icmpSource, icmpType, icmpWhy, sayTypes } from "./icmp-types.ts";

/** Type 255 stands for every type, whatever its code. */
const ANY = 255;
const icmpTypeOption = icmpType("ICMP", ICMP_NAMES);

export const icmp = match({
  name: "icmp",
  families: [4],
  implicitFor: [IPPROTO_ICMP],
  protocols: [IPPROTO_ICMP],
  options: {
    "--icmp-type": optNot(icmpTypeOption, { required: true, help: "type, type/code, or a name" }),
  },

  print(is) {
    const { not, value } = is["--icmp-type"]!;
    const type = value.type === ANY ? "any" : icmpTypeOption.print(value, { family: 4 });
    return `${not ? "! " : ""}--icmp-type ${type}`;
  },

  compile(is) {
    const { not, value } = is["--icmp-type"]!;
    return icmpPredicate(value, value.type === ANY, not);
  },

  source(is) {
    const { not, value } = is["--icmp-type"]!;
    return icmpSource(value, value.type === ANY, not);
  },

  fields: (is, say) =>
    sayTypes(is["--icmp-type"]!.value, is["--icmp-type"]!.value.type === ANY, is["--icmp-type"]!.not, say),

  why: (is, p) => icmpWhy(is["--icmp-type"]!.value, is["--icmp-type"]!.not, p, "ICMP"),
});
