/**
 * A packet in a few words, for a step that nobody renders better: `tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]`.
 * The notation is that of packet scripts (flow/), cut to who talks to whom.
 */
import { formatIpv4, formatIpv6 } from "../bytes/address.ts";
import type { Packet } from "./packet.ts";
import { assignedProtocolName } from "./protocol-names.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP } from "./transport.ts";

/** TCP flags as tcpdump writes them, lowest bit first. */
const TCP_FLAGS = ["F", "S", "R", "P", ".", "U", "E", "W"];

export function describe(p: Packet): string {
  const present = p.end - p.start;
  if (present < (p.family === 4 ? 20 : 40)) return `${present} bytes, too few for an IPv${p.family} header`;
  const v4 = p.family === 4;
  const source = v4 ? formatIpv4(p.src0) : formatIpv6(p.src0, p.src1, p.src2, p.src3);
  const destination = v4 ? formatIpv4(p.dst0) : formatIpv6(p.dst0, p.dst1, p.dst2, p.dst3);
  const name = p.protocol < 0 ? "broken" : (assignedProtocolName(p.protocol) ?? `proto ${p.protocol}`);
  const fragment = p.fragment ? ` fragment at ${p.fragmentOffset}` : "";
  if (!p.hasPorts) return `${name} ${source} > ${destination}${fragment}`;
  if (p.protocol === IPPROTO_ICMP || p.protocol === IPPROTO_ICMPV6)
    return `${name} ${source} > ${destination} type ${p.dport >>> 8} code ${p.dport & 255}${fragment}`;
  const flags = p.protocol === IPPROTO_TCP ? ` [${flagsOf(p.tcpFlags)}]` : "";
  return `${name} ${withPort(source, p.sport)} > ${withPort(destination, p.dport)}${flags}${fragment}`;
}

function withPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function flagsOf(flags: number): string {
  return TCP_FLAGS.filter((_, bit) => ((flags >>> bit) & 1) !== 0).join("") || "none";
}
