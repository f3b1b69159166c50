/** The two ends of a packet: addresses and, where the protocol has them, ports. */
import { parseAddress } from "../bytes/address.ts";
import type { PacketNode, Token } from "./ast.ts";
import { FlowError } from "./error.ts";

export interface Endpoint {
  readonly words: readonly number[];
  readonly port: number | null;
}

/** `10.0.0.2:4000`, tcpdump's `10.0.0.2.4000` and `2001:db8::1.4000`, `[2001:db8::1]:80`, `2001:db8::1`. */
export function endpointOf(token: Token): Endpoint {
  const text = token.text;
  const bracketed = text.match(/^\[(.*)\](?::(\d+))?$/);
  const dotted = text.match(/^(\d+\.\d+\.\d+\.\d+)[:.](\d+)$/) ?? text.match(/^([^.]*:[^.]*)\.(\d+)$/);
  const [address, port] =
    bracketed !== null ? [bracketed[1], bracketed[2]] : dotted !== null ? [dotted[1], dotted[2]] : [text, undefined];
  const words = parseAddress(address);
  if (words === null) throw new FlowError(`“${address}” is not an address`, token);
  if (port !== undefined && Number(port) > 0xffff) throw new FlowError(`port ${port} is too big: at most 65535`, token);
  return { words, port: port === undefined ? null : Number(port) };
}

export interface Ends {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/** Both ends of a packet, checked against each other and the protocol. */
export function endsOf(node: PacketNode): Ends {
  const source = endpointOf(node.source!);
  const destination = endpointOf(node.destination!);
  const protocol = node.protocol!.text;
  if (source.words.length !== destination.words.length)
    throw new FlowError("an IPv4 and an IPv6 address cannot be in one packet", node.destination);
  if (protocol === "icmp" && source.words.length === 4)
    throw new FlowError("icmp is IPv4's: write icmp6 between IPv6 addresses", node.protocol);
  if (protocol === "icmp6" && source.words.length === 1)
    throw new FlowError("icmp6 is IPv6's: write icmp between IPv4 addresses", node.protocol);
  const ported = ["tcp", "udp", "udplite", "sctp", "dccp"].includes(protocol);
  for (const [end, token] of [
    [source, node.source!],
    [destination, node.destination!],
  ] as const) {
    if (ported && end.port === null) throw new FlowError(`${protocol} needs a port: ${withPort(token.text)}`, token);
    if (!ported && end.port !== null) throw new FlowError(`${protocol} has no ports`, token);
  }
  return { source, destination };
}

function withPort(address: string): string {
  if (address.includes(":")) return address.startsWith("[") ? `${address}:80` : `[${address}]:80`;
  return `${address}:80`;
}
