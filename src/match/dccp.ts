/** `-m dccp`: ports, packet type and options of the DCCP header (xt_dccp.c). */
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_DCCP } from "../packet/transport.ts";
import { match, type OptionType, RuleError } from "../rules/extension.ts";
import { optNot, portRange, printRange, uint } from "../rules/types.ts";
import { portMatches, whyNotPorts } from "./ports.ts";
import { saidAs } from "./said-as.ts";

/** dccp_hdr: what every header begins with. */
const FIXED = 12;
const DATA_OFFSET = 4;
const TYPE_BYTE = 8;
/** Beyond the fixed header by type: REQUEST … SYNCACK; reserved types are taken for RESET (dccp_packet_hdr_len). */
const EXTRA = [4, 12, 0, 8, 8, 8, 8, 12, 8, 8];
const RESET = 7;

const TYPES = [
  "REQUEST",
  "RESPONSE",
  "DATA",
  "ACK",
  "DATAACK",
  "CLOSEREQ",
  "CLOSE",
  "RESET",
  "SYNC",
  "SYNCACK",
  "INVALID",
];
const INVALID = 10;
/** All types from INVALID on. */
const ALL_INVALID = 0xfc00;

/** Types as bits. */
const types: OptionType<number> = {
  arity: 1,
  parse([word]) {
    let mask = 0;
    for (const name of word.split(",").filter((part) => part !== "")) {
      const type = TYPES.indexOf(name.toUpperCase());
      if (type < 0) throw new RuleError(`Unknown DCCP type \`${name}'`);
      mask |= type === INVALID ? ALL_INVALID : 1 << type;
    }
    return mask;
  },
  print: (mask) => TYPES.filter((_, type) => (mask & (1 << type)) !== 0).join(","),
};

const typeOf = (p: Packet) => (p.data[p.l4 + TYPE_BYTE] >>> 1) & 0xf;

/** Bytes before the options: with long sequence numbers (the X bit) four more, and what the type brings. */
function headerLength(p: Packet): number {
  const long = (p.data[p.l4 + TYPE_BYTE] & 1) !== 0;
  return FIXED + (long ? 4 : 0) + (EXTRA[typeOf(p)] ?? EXTRA[RESET]);
}

/** Whether there is such an option; a header that is not all there drops the packet. */
function hasOption(p: Packet, kind: number): boolean {
  const { data, l4 } = p;
  const start = l4 + headerLength(p);
  const end = l4 + data[l4 + DATA_OFFSET] * 4;
  if (end === start) return false;
  if (end < start || end > p.end) {
    p.hotdrop = true;
    return false;
  }
  for (let at = start; at < end; ) {
    if (data[at] === kind) return true;
    if (data[at] < 2 || at === end - 1) at++;
    else at += data[at + 1] || 1;
  }
  return false;
}

const isWhole = (p: Packet) => p.l4 >= 0 && p.l4 + FIXED <= p.end;

export const dccp = match({
  name: "dccp",
  families: [4, 6],
  implicitFor: [IPPROTO_DCCP],
  protocols: [IPPROTO_DCCP],
  options: {
    "--sport": optNot(saidAs("--source-port", portRange), {
      aliases: ["--source-port"],
      saidAs: "--source-port",
      help: "source port, or first:last",
    }),
    "--dport": optNot(saidAs("--destination-port", portRange), {
      aliases: ["--destination-port"],
      saidAs: "--destination-port",
      help: "destination port, or first:last",
    }),
    "--dccp-types": optNot(types, { help: "REQUEST, RESPONSE, DATA, ACK … INVALID" }),
    "--dccp-option": optNot(uint(1, 255), { help: "has an option of this kind" }),
  },

  print(is) {
    const words: string[] = [];
    for (const option of ["--sport", "--dport"] as const) {
      const given = is[option];
      if (given !== undefined) words.push(`${given.not ? "! " : ""}${option} ${printRange(given.value)}`);
    }
    const { "--dccp-types": asked, "--dccp-option": option } = is;
    if (asked !== undefined)
      words.push(`${asked.not ? "! " : ""}--dccp-types ${types.print(asked.value, { family: 4 })}`);
    if (option !== undefined) words.push(`${option.not ? "! " : ""}--dccp-option ${option.value}`);
    return words.join(" ");
  },

  compile(is) {
    const { "--sport": sport, "--dport": dport, "--dccp-types": asked, "--dccp-option": option } = is;
    return (p) => {
      if (p.fragmentOffset !== 0) return false;
      if (!isWhole(p)) {
        p.hotdrop = true;
        return false;
      }
      if (!portMatches(sport, p.sport) || !portMatches(dport, p.dport)) return false;
      if (asked !== undefined && ((asked.value & (1 << typeOf(p))) !== 0) === asked.not) return false;
      if (option === undefined) return true;
      return hasOption(p, option.value) !== option.not;
    };
  },

  why(is, p) {
    if (p.fragmentOffset !== 0) return "it is a later fragment, without a DCCP header";
    if (!isWhole(p)) return "its DCCP header is not all there";
    const ports = whyNotPorts(is, p);
    if (ports !== null) return ports;
    const asked = is["--dccp-types"];
    const type = typeOf(p);
    if (asked !== undefined && ((asked.value & (1 << type)) !== 0) === asked.not)
      return `its type ${TYPES[type] ?? type} is ${asked.not ? "" : "not "}among ${types.print(asked.value, { family: 4 })}`;
    return `DCCP option ${is["--dccp-option"]?.value} is ${is["--dccp-option"]?.not ? "there" : "not there"}`;
  },
});
