/** `-m multiport`: up to fifteen ports, ranges counting two (xt_multiport.c). */
import type { Packet } from "../packet/packet.ts";
import type { ServiceProtocol } from "../packet/service-names.ts";
import { IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE } from "../packet/transport.ts";
import { match, type OptionSite, type OptionType, RuleError } from "../rules/extension.ts";
import { optNot, parseNumber, printRange, type Range, servicePort, U16_MAX } from "../rules/types.ts";
import { otherPorts } from "./ports.ts";

const MAX_PORTS = 15;
/** Source and destination port. */
const PORTS_LENGTH = 4;
const PROTOCOLS = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP];

/** Service names are looked up under the rule's protocol, for which a `-p` must have been read. */
function serviceProtocol({ protocol }: OptionSite): ServiceProtocol | null {
  if (protocol === null || (!protocol.not && protocol.number === 0))
    throw new RuleError("multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'");
  if (protocol.not || !PROTOCOLS.includes(protocol.number))
    throw new RuleError("multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP");
  if (protocol.number === IPPROTO_TCP) return "tcp";
  if (protocol.number === IPPROTO_UDP) return "udp";
  return protocol.number === IPPROTO_SCTP ? "sctp" : null;
}

function parsePort(text: string, service: ServiceProtocol | null): number {
  const port = parseNumber(text, 0, U16_MAX) ?? (service === null ? null : servicePort(text, service));
  if (port === null) throw new RuleError(`invalid port/service \`${text}' specified`);
  return port;
}

const ports: OptionType<readonly Range[]> = {
  arity: 1,
  parse([word], site) {
    const service = serviceProtocol(site);
    const parts = word.split(",");
    const list: Range[] = [];
    let count = 0;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      const colon = part.indexOf(":");
      if (count === MAX_PORTS || (colon >= 0 && count === MAX_PORTS - 1))
        throw new RuleError("too many ports specified");
      const from = parsePort(colon < 0 ? part : part.slice(0, colon), service);
      const to = colon < 0 ? from : parsePort(part.slice(colon + 1), service);
      if (colon >= 0 && from >= to) throw new RuleError("invalid portrange specified");
      list.push({ from, to });
      count += colon < 0 ? 1 : 2;
    }
    return list;
  },
  print: (list) => list.map(printRange).join(","),
};

type Side = "source" | "destination" | "either";

interface Ports {
  readonly side: Side;
  readonly not: boolean;
  readonly ports: readonly Range[];
}

const OPTION: Readonly<Record<Side, string>> = { source: "--sports", destination: "--dports", either: "--ports" };

function includes(list: readonly Range[], port: number): boolean {
  for (let i = 0; i < list.length; i++) if (port >= list[i].from && port <= list[i].to) return true;
  return false;
}

function matches({ side, ports: list, not }: Ports, sport: number, dport: number): boolean {
  const found = (side !== "destination" && includes(list, sport)) || (side !== "source" && includes(list, dport));
  return found !== not;
}

function expression(field: string, list: readonly Range[]): string {
  return list
    .map(({ from, to }) => (from === to ? `${field} === ${from}` : `(${field} >= ${from} && ${field} <= ${to})`))
    .join(" || ");
}

export const multiport = match({
  name: "multiport",
  families: [4, 6],
  protocols: PROTOCOLS,
  options: {
    "--sports": optNot(ports, {
      aliases: ["--source-ports"],
      saidAs: "--source-ports",
      onceOnly: 'multiport: option "--source-ports" can only be used once.',
      excludes: ["--dports", "--ports"],
      help: "one of these source ports",
    }),
    "--dports": optNot(ports, {
      aliases: ["--destination-ports"],
      saidAs: "--destination-ports",
      onceOnly: 'multiport: option "--destination-ports" can only be used once.',
      excludes: ["--sports", "--ports"],
      help: "one of these destination ports",
    }),
    "--ports": optNot(ports, { excludes: ["--sports", "--dports"], help: "one of these ports on either side" }),
  },
  atLeastOne: [["--sports", "--dports", "--ports"]],
  oneNeeded: "multiport expection an option",

  bind(given): Ports {
    const side = given["--sports"] ? "source" : given["--dports"] ? "destination" : "either";
    const { not, value } = (given["--sports"] ?? given["--dports"] ?? given["--ports"])!;
    return { side, not, ports: value };
  },

  print: ({ side, not, ports: list }) => `${not ? "! " : ""}${OPTION[side]} ${list.map(printRange).join(",")}`,

  compile(is) {
    return (p) => {
      if (p.fragmentOffset !== 0) return false;
      if (p.hasPorts) return matches(is, p.sport, p.dport);
      // The four bytes of the ports may be there although the header is cut.
      if (p.l4 < 0 || p.end - p.l4 < PORTS_LENGTH) {
        p.hotdrop = true;
        return false;
      }
      return matches(is, p.view.getUint16(p.l4), p.view.getUint16(p.l4 + 2));
    };
  },

  source({ side, not, ports: list }) {
    const sides = side === "source" ? ["p.sport"] : side === "destination" ? ["p.dport"] : ["p.sport", "p.dport"];
    return `${not ? "!" : ""}(${sides.map((field) => expression(field, list)).join(" || ")})`;
  },

  fields({ side, not, ports: list }, say) {
    if (side === "either") {
      say.bounds("sport", list);
      say.bounds("dport", list);
    } else say.ranges(side === "source" ? "sport" : "dport", not ? otherPorts(list) : list);
  },

  why({ side, not, ports: list }, p: Packet) {
    if (p.fragmentOffset !== 0) return "it is a later fragment, without ports";
    const what =
      side === "either"
        ? `source port ${p.sport} or destination port ${p.dport}`
        : `${side} port ${side === "source" ? p.sport : p.dport}`;
    return `${what} is ${not ? "" : "not "}among ${list.map(printRange).join(",")}`;
  },
});
