/** `-m tcp`: ports, flags and options of the TCP header (xt_tcpudp.c: tcp_mt). */
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_TCP } from "../packet/transport.ts";
import { match, type OptionType, RuleError } from "../rules/extension.ts";
import { flag, optNot, parseNumber } from "../rules/types.ts";
import { portExpressions, portMatches, printPorts, sayPorts, servicePorts, whyNotPorts } from "./ports.ts";

const HEADER = 20;

const tcpPorts = servicePorts("tcp");

/** In the order in which iptables-save prints them. */
const FLAGS: readonly (readonly [name: string, bit: number])[] = [
  ["FIN", 0x01],
  ["SYN", 0x02],
  ["RST", 0x04],
  ["PSH", 0x08],
  ["ACK", 0x10],
  ["URG", 0x20],
];
const ALL = 0x3f;

function parseFlags(text: string): number {
  let flags = 0;
  for (const word of text.split(",")) {
    if (word === "") continue;
    const name = word.toUpperCase();
    const bit = name === "ALL" ? ALL : name === "NONE" ? 0 : FLAGS.find(([flag]) => flag === name)?.[1];
    if (bit === undefined) throw new RuleError(`Unknown TCP flag \`${word}'`);
    flags |= bit;
  }
  return flags;
}

function printFlags(flags: number): string {
  const names = FLAGS.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name);
  return names.length === 0 ? "NONE" : names.join(",");
}

interface Flags {
  readonly mask: number;
  readonly set: number;
}

const tcpFlags: OptionType<Flags> = {
  arity: 2,
  parse([mask, set]) {
    if (set === undefined || set.startsWith("-") || set.startsWith("!"))
      throw new RuleError("--tcp-flags requires two args.");
    return { mask: parseFlags(mask), set: parseFlags(set) };
  },
  print: ({ mask, set }) => `${printFlags(mask)} ${printFlags(set)}`,
};

const tcpOption: OptionType<number> = {
  arity: 1,
  parse([word]) {
    const kind = parseNumber(word, 1, 255);
    if (kind === null) throw new RuleError(`Bad TCP option "${word}"`);
    return kind;
  },
  print: String,
};

/** Whether the header carries an option of this kind; a header that is not all there drops the packet. */
function hasOption(p: Packet, kind: number): boolean {
  const { data } = p;
  const end = p.l4 + p.tcpHeaderLength;
  if (p.tcpHeaderLength < HEADER || end > p.end) {
    // Without options there is nothing to miss.
    if (p.tcpHeaderLength !== HEADER) p.hotdrop = true;
    return false;
  }
  let at = p.l4 + HEADER;
  while (at < end) {
    if (data[at] === kind) return true;
    // End of list and no-operation are one byte long; so is whatever stands last, and what says it has no length.
    if (data[at] < 2 || at === end - 1) at++;
    else at += data[at + 1] || 1;
  }
  return false;
}

const ONLY_ONE = "Only one of `--syn' or `--tcp-flags'  allowed";

export const tcp = match({
  name: "tcp",
  families: [4, 6],
  implicitFor: [IPPROTO_TCP],
  protocols: [IPPROTO_TCP],
  options: {
    "--sport": optNot(tcpPorts, {
      aliases: ["--source-port"],
      onceOnly: "Only one `--source-port' allowed",
      help: "source port, or first:last",
    }),
    "--dport": optNot(tcpPorts, {
      aliases: ["--destination-port"],
      onceOnly: "Only one `--destination-port' allowed",
      help: "destination port, or first:last",
    }),
    "--tcp-option": optNot(tcpOption, {
      onceOnly: "Only one `--tcp-option' allowed",
      help: "has an option of this kind",
    }),
    "--tcp-flags": optNot(tcpFlags, { onceOnly: ONLY_ONE, help: "of these flags, exactly those are set" }),
    "--syn": optNot(flag, {
      means: ["--tcp-flags", "SYN,RST,ACK,FIN", "SYN"],
      help: "opens a connection: --tcp-flags FIN,SYN,RST,ACK SYN",
    }),
  },

  print(is) {
    const words = printPorts(is);
    const option = is["--tcp-option"];
    if (option !== undefined) words.push(`${option.not ? "! " : ""}--tcp-option ${option.value}`);
    const flags = is["--tcp-flags"];
    if (flags !== undefined && (flags.value.mask !== 0 || flags.not))
      words.push(`${flags.not ? "! " : ""}--tcp-flags ${tcpFlags.print(flags.value, { family: 4 })}`);
    return words.join(" ");
  },

  compile(is) {
    const { "--sport": sport, "--dport": dport, "--tcp-flags": flags, "--tcp-option": option } = is;
    const mask = flags?.value.mask ?? 0;
    const set = flags?.value.set ?? 0;
    const notFlags = flags?.not ?? false;
    return (p) => {
      if (p.fragmentOffset !== 0) {
        // A fragment eight bytes in would overwrite the flags: the kernel calls it evil. IPv6 counts bytes here.
        if (p.fragmentOffset === 8 && p.family === 4) p.hotdrop = true;
        return false;
      }
      if (!p.hasPorts) {
        p.hotdrop = true;
        return false;
      }
      if (!portMatches(sport, p.sport) || !portMatches(dport, p.dport)) return false;
      if (flags !== undefined && ((p.tcpFlags & mask) === set) === notFlags) return false;
      if (option === undefined) return true;
      const found = hasOption(p, option.value);
      return !p.hotdrop && found !== option.not;
    };
  },

  noSource: (is) => is["--tcp-option"] !== undefined,

  source(is) {
    const parts = portExpressions(is);
    const flags = is["--tcp-flags"];
    if (flags !== undefined)
      parts.push(`(p.tcpFlags & ${flags.value.mask}) ${flags.not ? "!==" : "==="} ${flags.value.set}`);
    return parts.length === 0 ? "true" : parts.join(" && ");
  },

  fields: (is, say) => sayPorts(is, say),

  why(is, p) {
    if (p.fragmentOffset !== 0) return "it is a later fragment, without a TCP header";
    if (!p.hasPorts) return "its TCP header is not all there";
    const ports = whyNotPorts(is, p);
    if (ports !== null) return ports;
    const flags = is["--tcp-flags"];
    if (flags !== undefined && ((p.tcpFlags & flags.value.mask) === flags.value.set) === flags.not)
      return `of the flags ${printFlags(flags.value.mask)} it has ${printFlags(p.tcpFlags & flags.value.mask)}`;
    return `TCP option ${is["--tcp-option"]?.value} is ${is["--tcp-option"]?.not ? "there" : "not there"}`;
  },
});
