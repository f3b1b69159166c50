/** `-m icmp6`: type and code of an ICMPv6 message (xt_tcpudp.c: icmp6_match). */
import { IPPROTO_ICMPV6 } from "../packet/transport.ts";
import { match } from "../rules/extension.ts";
import { optNot } from "../rules/types.ts";
import { ICMPV6_NAMES, icmpPredicate, icmpSource, icmpType, icmpWhy, sayTypes } from "./icmp-types.ts";

export const icmp6 = match({
  name: "icmp6",
  families: [6],
  implicitFor: [IPPROTO_ICMPV6],
  protocols: [IPPROTO_ICMPV6],
  options: {
    "--icmpv6-type": optNot(icmpType("ICMPv6", ICMPV6_NAMES), { required: true, help: "type, type/code, or a name" }),
  },
  compile: (is) => icmpPredicate(is["--icmpv6-type"]!.value, false, is["--icmpv6-type"]!.not),
  source: (is) => icmpSource(is["--icmpv6-type"]!.value, false, is["--icmpv6-type"]!.not),
  fields: (is, say) => sayTypes(is["--icmpv6-type"]!.value, false, is["--icmpv6-type"]!.not, say),
  why: (is, p) => icmpWhy(is["--icmpv6-type"]!.value, is["--icmpv6-type"]!.not, p, "ICMPv6"),
});
