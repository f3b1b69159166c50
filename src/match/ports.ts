/** What the matches of protocols with ports share: a port, or a range of them, asked of one side of the packet. */
import type { Packet } from "../packet/packet.ts";
import type { ServiceProtocol } from "../packet/service-names.ts";
import { type FieldSink, type GivenOption, type OptionType, RuleError } from "../rules/extension.ts";
import { parseNumber, printRange, type Range, servicePort } from "../rules/types.ts";

export const ALL_PORTS = 0xffff;

/** A port or a range of them, by numbers or the names of the protocol's services (xtables_parse_port). */
export function servicePorts(protocol: ServiceProtocol): OptionType<Range> {
  const parsePort = (text: string): number => {
    const port = parseNumber(text, 0, ALL_PORTS) ?? servicePort(text, protocol);
    if (port === null) throw new RuleError(`invalid port/service \`${text}' specified`);
    return port;
  };
  return {
    arity: 1,
    parse([word]) {
      const colon = word.indexOf(":");
      const from = colon === 0 ? 0 : parsePort(colon < 0 ? word : word.slice(0, colon));
      if (colon < 0) return { from, to: from };
      const to = colon === word.length - 1 ? ALL_PORTS : parsePort(word.slice(colon + 1));
      if (from > to) throw new RuleError("invalid portrange (min > max)");
      return { from, to };
    },
    print: printRange,
  };
}

export interface PortOptions {
  readonly "--sport"?: GivenOption<Range>;
  readonly "--dport"?: GivenOption<Range>;
}

/** `--sport 0:65535` asks for nothing, and iptables-save does not print it (nor its `!`). */
export function isEveryPort(given: GivenOption<Range> | undefined): boolean {
  return given === undefined || (given.value.from === 0 && given.value.to === ALL_PORTS);
}

export function portMatches(given: GivenOption<Range> | undefined, port: number): boolean {
  return given === undefined || (port >= given.value.from && port <= given.value.to) !== given.not;
}

/** An expression over a port field, "" when every port will do. */
function portExpression(field: string, given: GivenOption<Range> | undefined): string {
  if (given === undefined) return "";
  const { from, to } = given.value;
  let inside: string;
  if (from > to) inside = "false";
  else if (from === to) inside = `${field} === ${from}`;
  else if (from === 0 && to === ALL_PORTS) inside = "true";
  else if (from === 0) inside = `${field} <= ${to}`;
  else if (to === ALL_PORTS) inside = `${field} >= ${from}`;
  else inside = `(${field} >= ${from} && ${field} <= ${to})`;
  return given.not ? `!(${inside})` : inside;
}

/** The expressions of both sides. */
export function portExpressions(is: PortOptions): string[] {
  return [portExpression("p.sport", is["--sport"]), portExpression("p.dport", is["--dport"])].filter((e) => e !== "");
}

/** The ranges that are left when `ranges` are taken out of all ports. */
export function otherPorts(ranges: readonly Range[]): Range[] {
  const left: Range[] = [];
  let next = 0;
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    if (from > to) continue;
    if (from > next) left.push({ from: next, to: from - 1 });
    next = Math.max(next, to + 1);
  }
  if (next <= ALL_PORTS) left.push({ from: next, to: ALL_PORTS });
  return left;
}

/** Says which ports it takes, for the rule index. */
export function sayPorts(is: PortOptions, say: FieldSink): void {
  const { "--sport": sport, "--dport": dport } = is;
  if (sport !== undefined) sayPort("sport", sport, say);
  if (dport !== undefined) sayPort("dport", dport, say);
}

function sayPort(field: "sport" | "dport", { not, value }: GivenOption<Range>, say: FieldSink): void {
  if (not) say.ranges(field, otherPorts([value]));
  else if (value.from <= value.to) say.range(field, value.from, value.to);
}

export function printPorts(is: PortOptions): string[] {
  const words: string[] = [];
  for (const option of ["--sport", "--dport"] as const) {
    const given = is[option];
    if (given === undefined || isEveryPort(given)) continue;
    const { from, to } = given.value;
    words.push(`${given.not ? "! " : ""}${option} ${from === to ? from : `${from}:${to}`}`);
  }
  return words;
}

export function describeRange({ from, to }: Range): string {
  return from === to ? String(from) : `between ${from} and ${to}`;
}

/** Why the ports do not match, or null when they do. */
export function whyNotPorts(is: PortOptions, p: Packet): string | null {
  for (const [option, side, port] of [
    ["--sport", "source", p.sport],
    ["--dport", "destination", p.dport],
  ] as const) {
    const given = is[option];
    if (given !== undefined && !portMatches(given, port))
      return `${side} port ${port} is ${given.not ? "" : "not "}${describeRange(given.value)}`;
  }
  return null;
}
