/** `-m udp`: ports of the UDP header (xt_tcpudp.c: udp_mt). */
import { IPPROTO_UDP } from "../packet/transport.ts";
import { match } from "../rules/extension.ts";
import { optNot, portRange } from "../rules/types.ts";
import { portExpressions, portMatches, printPorts, sayPorts, whyNotPorts } from "./ports.ts";
import { saidAs } from "./said-as.ts";

export const udp = match({
  name: "udp",
  families: [4, 6],
  implicitFor: [IPPROTO_UDP],
  protocols: [IPPROTO_UDP],
  options: {
    "--sport": optNot(saidAs("--source-port", portRange), {
      aliases: ["--source-port"],
      saidAs: "--source-port",
      onceOnly: 'udp: option "--source-port" can only be used once.',
      help: "source port, or first:last",
    }),
    "--dport": optNot(saidAs("--destination-port", portRange), {
      aliases: ["--destination-port"],
      saidAs: "--destination-port",
      onceOnly: 'udp: option "--destination-port" can only be used once.',
      help: "destination port, or first:last",
    }),
  },

  print: (is) => printPorts(is).join(" "),

  compile(is) {
    const { "--sport": sport, "--dport": dport } = is;
    return (p) => {
      if (p.fragmentOffset !== 0) return false;
      if (!p.hasPorts) {
        p.hotdrop = true;
        return false;
      }
      return portMatches(sport, p.sport) && portMatches(dport, p.dport);
    };
  },

  source(is) {
    const parts = portExpressions(is);
    return parts.length === 0 ? "true" : parts.join(" && ");
  },

  fields: (is, say) => sayPorts(is, say),

  why(is, p) {
    if (p.fragmentOffset !== 0) return "it is a later fragment, without a UDP header";
    if (!p.hasPorts) return "its UDP header is not all there";
    return whyNotPorts(is, p) ?? "its ports do not match";
  },
});
