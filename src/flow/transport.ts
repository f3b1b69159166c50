/**
 * What stands after the IP header, protocol by protocol: from the tree to bytes.
 */
import { parseAddress } from "../bytes/address.ts";
import type { ChunkNode, IcmpKindNode, OptionNode, PacketNode, Token } from "./ast.ts";
import { fillChecksum, icmpMessage, join, quoted, sctpPacket, tcpSegment, udpDatagram, viewOf } from "./compose.ts";
import type { Ends } from "./ends.ts";
import { FlowError } from "./error.ts";
import { Fields, numberOf, octetsOf, payloadOf, rangeOf, wishOf } from "./fields.ts";
import { DCCP_TYPES, flagsOf, icmpKindNamed, isIcmpError, isIcmpQuery, SCTP_CHUNKS } from "./names.ts";

const SYN = 0x02;

/** Builds the packet an ICMP error is about. */
export type BuildInner = (node: PacketNode) => Uint8Array;

/** Throws FlowError. Reads the options it knows from `fields`. */
export function transportOf(node: PacketNode, fields: Fields, ends: Ends, buildInner: BuildInner): Uint8Array {
  const family = ends.source.words.length === 1 ? 4 : 6;
  const ip = { family, source: ends.source.words, destination: ends.destination.words } as const;
  const ports = { sport: ends.source.port ?? 0, dport: ends.destination.port ?? 0 };
  switch (node.protocol!.text) {
    case "tcp":
      return tcpSegment(ip, {
        ...ports,
        seq: sequenceOf(fields, 0),
        ack: fields.number("ack", 0xffffffff, 0),
        flags: node.flags === null ? SYN : tcpFlagsOf(node.flags),
        window: fields.number("win", 0xffff, 65535),
        urgent: fields.number("urg", 0xffff, 0),
        options: tcpOptionsOf(fields, node.options),
        data: payloadOf(fields),
        checksum: wishOf(fields.token("cksum")),
      });
    case "udp":
      return udpDatagram(ip, 17, ports, payloadOf(fields), wishOf(fields.token("cksum")));
    case "udplite":
      return udpDatagram(ip, 136, ports, payloadOf(fields), wishOf(fields.token("cksum")));
    case "icmp":
    case "icmp6":
      return icmpOf(node.icmp!, fields, ip, buildInner);
    case "sctp":
      return sctpPacket(
        { ...ports, tag: fields.number("vtag", 0xffffffff, 0) },
        join(...node.chunks.map((chunk) => sctpChunk(chunk))),
        wishOf(fields.token("cksum")),
      );
    case "dccp":
      return dccpOf(node, fields, ip, ports);
    case "gre":
      return greOf(fields);
    case "esp":
      return join(words(fields.number("spi", 0xffffffff, 0x1000), sequenceOf(fields, 1)), payloadOf(fields));
    case "ah":
      return join(
        // Next header "none", 24 bytes, and a check value nobody verifies here.
        Uint8Array.of(59, 4, 0, 0),
        words(fields.number("spi", 0xffffffff, 0x1000), sequenceOf(fields, 1), 0, 0, 0),
        payloadOf(fields),
      );
    default:
      return payloadOf(fields);
  }
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  for (const [i, value] of values.entries()) viewOf(bytes).setUint32(4 * i, value);
  return bytes;
}

/** `seq 100` or the start of `seq 100:200`. */
export function sequenceOf(fields: Fields, otherwise: number): number {
  const token = fields.token("seq");
  if (token === undefined) return otherwise;
  return token.type === "range" ? rangeOf(token)[0] : numberOf(token, 0xffffffff, "seq");
}

export function tcpFlagsOf(token: Token): number {
  const flags = flagsOf(token.text);
  if (flags === null) throw new FlowError(`${token.text} are no TCP flags: write them as tcpdump does, [S.]`, token);
  return flags;
}

const TCP_OPTION_NAMES = new Set(["mss", "wscale", "sackOK", "TS", "sack", "nop", "eol", "kind"]);

/** Options in the order in which they stand, filled up with no-operations to a multiple of four. */
export function tcpOptionsOf(fields: Fields, all: readonly OptionNode[]): Uint8Array {
  const list = fields.option("options")?.list;
  const direct = all.filter((option) => TCP_OPTION_NAMES.has(option.name.text));
  for (const option of direct) fields.has(option.name.text);
  if (list !== undefined && direct.length > 0)
    throw new FlowError(`“${direct[0].name.text}” belongs into the brackets of options`, direct[0].name);
  const bytes: number[] = [];
  for (const option of list ?? direct) bytes.push(...tcpOption(option));
  while (bytes.length % 4 !== 0) bytes.push(1);
  if (bytes.length > 40)
    throw new FlowError(`TCP options have at most 40 bytes, these are ${bytes.length}`, (list ?? direct)[0].name);
  return Uint8Array.from(bytes);
}

function tcpOption({ name, values }: OptionNode): number[] {
  const u32 = (value: number) => [...words(value)];
  const number = (i: number, most = 0xffffffff) => numberOf(values[i], most, name.text);
  switch (name.text) {
    case "eol":
      return [0];
    case "nop":
      return [1];
    case "mss":
      return [2, 4, number(0, 0xffff) >>> 8, number(0, 0xffff) & 0xff];
    case "wscale":
      return [3, 3, number(0, 255)];
    case "sackOK":
      return [4, 2];
    case "sack":
      return [5, 2 + 8 * values.length, ...values.flatMap((range) => rangeOf(range).flatMap(u32))];
    case "TS":
      return [8, 10, ...u32(number(0)), ...u32(number(1))];
    case "kind": {
      const data = values.length > 1 ? octetsOf(values[1]) : new Uint8Array(0);
      return [number(0, 255), 2 + data.length, ...data];
    }
    default:
      throw new FlowError(`“${name.text}” is not a TCP option`, name);
  }
}

// ── ICMP ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Type and code of `port-unreachable` or of `type 3 code 3`. */
export function icmpTypeOf(node: IcmpKindNode, family: 4 | 6): { readonly type: number; readonly code: number } {
  if (node.name !== null) {
    const kind = icmpKindNamed(family, node.name.text);
    if (kind !== undefined) return kind;
    const other = icmpKindNamed(family === 4 ? 6 : 4, node.name.text) !== undefined;
    const reason = other ? `only IPv${family === 4 ? 6 : 4} has that` : "write type N code N for what has no name";
    throw new FlowError(`“${node.name.text}” is no ICMP${family === 6 ? "v6" : ""} type: ${reason}`, node.name);
  }
  return {
    type: numberOf(node.type!, 255, "an ICMP type"),
    code: node.code === null ? 0 : numberOf(node.code, 255, "an ICMP code"),
  };
}

/** The four bytes after the checksum, as the type uses them. */
export function icmpRestOf(fields: Fields, family: 4 | 6, type: number, code: number): number {
  if (isIcmpQuery(family, type))
    return ((fields.number("id", 0xffff, 1) << 16) | (fields.number("seq", 0xffff, 1) & 0xffff)) >>> 0;
  if (family === 4 && type === 3 && code === 4) return fields.number("mtu", 0xffff, 0);
  if (family === 6 && type === 2) return fields.number("mtu", 0xffffffff, 0);
  if (family === 4 && type === 5) {
    const gateway = fields.token("gateway");
    if (gateway === undefined) return 0;
    const address = parseAddress(gateway.text);
    if (address?.length !== 1) throw new FlowError(`“${gateway.text}” is not an IPv4 address`, gateway);
    return address[0];
  }
  return fields.number("rest", 0xffffffff, 0);
}

function icmpOf(
  node: IcmpKindNode,
  fields: Fields,
  ip: { readonly family: 4 | 6; readonly source: readonly number[]; readonly destination: readonly number[] },
  buildInner: BuildInner,
): Uint8Array {
  const { type, code } = icmpTypeOf(node, ip.family);
  const rest = icmpRestOf(fields, ip.family, type, code);
  return icmpMessage(
    ip,
    { type, code, rest, body: icmpBodyOf(node, fields, ip.family, type, buildInner) },
    wishOf(fields.token("cksum")),
  );
}

function icmpBodyOf(
  node: IcmpKindNode,
  fields: Fields,
  family: 4 | 6,
  type: number,
  buildInner: BuildInner,
): Uint8Array {
  if (node.about !== null) {
    if (!isIcmpError(family, type)) throw new FlowError("only an ICMP error is about a packet", node.about.protocol);
    const inner = buildInner(node.about);
    if (inner[0] >>> 4 !== family)
      throw new FlowError(
        `an ICMP${family === 6 ? "v6" : ""} error is about an IPv${family} packet`,
        node.about.protocol,
      );
    return quoted(family, inner);
  }
  if (isIcmpError(family, type) && !fields.has("data") && !fields.has("length") && node.name !== null)
    throw new FlowError(
      `“${node.name.text}” is about a packet: add it, as in (udp 10.0.0.2:4000 > 198.51.100.9:53)`,
      node.name,
    );
  if (family === 6 && (type === 135 || type === 136 || type === 137)) {
    const target = fields.token("target");
    if (target === undefined)
      throw new FlowError("a neighbour message has a target: add “target ADDRESS”", node.name ?? node.type);
    const address = parseAddress(target.text);
    if (address?.length !== 4) throw new FlowError(`“${target.text}” is not an IPv6 address`, target);
    return join(words(...address), payloadOf(fields));
  }
  return payloadOf(fields);
}

// ── SCTP, DCCP, GRE ──────────────────────────────────────────────────────────────────────────────────────

function sctpChunk(node: ChunkNode): Uint8Array {
  const name = node.name.text.toUpperCase().replaceAll("-", "_");
  const type = Object.hasOwn(SCTP_CHUNKS, name) ? SCTP_CHUNKS[name] : undefined;
  if (type === undefined)
    throw new FlowError(`“${node.name.text}” is no SCTP chunk: ${Object.keys(SCTP_CHUNKS).join(", ")}`, node.name);
  const fields = new Fields(node.fields, name);
  const flags = fields.number("flags", 255, name === "DATA" ? 3 : 0);
  const body = sctpChunkBody(name, fields);
  fields.finish();
  const chunk = new Uint8Array((4 + body.length + 3) & ~3);
  chunk[0] = type;
  chunk[1] = flags;
  viewOf(chunk).setUint16(2, 4 + body.length);
  chunk.set(body, 4);
  return chunk;
}

function sctpChunkBody(name: string, fields: Fields): Uint8Array {
  const u32 = 0xffffffff;
  switch (name) {
    case "INIT":
    case "INIT_ACK": {
      // Initiate tag, receive window, outbound and inbound streams, first TSN.
      const body = words(
        fields.number("tag", u32, 1),
        fields.number("window", u32, 65536),
        0,
        fields.number("tsn", u32, 0),
      );
      viewOf(body).setUint16(8, fields.number("out", 0xffff, 10));
      viewOf(body).setUint16(10, fields.number("in", 0xffff, 10));
      return body;
    }
    case "DATA":
      return join(words(fields.number("tsn", u32, 0), 0, 0), new Uint8Array(fields.number("length", 65000, 4)));
    case "SACK":
      return words(fields.number("tsn", u32, 0), fields.number("window", u32, 65536), 0);
    case "HEARTBEAT":
    case "HEARTBEAT_ACK":
      return Uint8Array.of(0, 1, 0, 8, 0, 0, 0, 0);
    case "SHUTDOWN":
      return words(fields.number("tsn", u32, 0));
    case "COOKIE_ECHO":
      return new Uint8Array(fields.number("length", 65000, 4));
    default:
      return new Uint8Array(fields.number("length", 65000, 0));
  }
}

function dccpOf(
  node: PacketNode,
  fields: Fields,
  ip: { readonly family: 4 | 6; readonly source: readonly number[]; readonly destination: readonly number[] },
  ports: { readonly sport: number; readonly dport: number },
): Uint8Array {
  const chunk = node.chunks[0];
  if (chunk === undefined || node.chunks.length > 1)
    throw new FlowError("a dccp packet has one type, as in [REQUEST]", node.chunks[1]?.name ?? node.destination);
  const type = DCCP_TYPES.indexOf(chunk.name.text.toUpperCase() as (typeof DCCP_TYPES)[number]);
  if (type < 0) throw new FlowError(`“${chunk.name.text}” is no DCCP type: ${DCCP_TYPES.join(", ")}`, chunk.name);
  // RFC 4340: REQUEST and DATA acknowledge nothing; REQUEST and RESPONSE name a service, RESET a code.
  const acknowledges = type !== 0 && type !== 2;
  const tail = join(
    acknowledges ? words(0, fields.number("ack", 0xffffffff, 0)) : new Uint8Array(0),
    type < 2 || type === 7 ? words(0) : new Uint8Array(0),
  );
  const header = new Uint8Array(16);
  const view = viewOf(header);
  view.setUint16(0, ports.sport);
  view.setUint16(2, ports.dport);
  header[4] = (16 + tail.length) >>> 2;
  header[8] = (type << 1) | 1;
  view.setUint32(12, sequenceOf(fields, 1));
  const packet = join(header, tail, payloadOf(fields));
  fillChecksum(packet, 6, ip, 33, wishOf(fields.token("cksum")));
  return packet;
}

function greOf(fields: Fields): Uint8Array {
  const payload = payloadOf(fields);
  if (fields.has("call")) {
    // Enhanced GRE of PPTP: key and sequence present, version 1, PPP inside.
    const header = new Uint8Array(12);
    const view = viewOf(header);
    view.setUint16(0, 0x3001);
    view.setUint16(2, 0x880b);
    view.setUint16(4, payload.length);
    view.setUint16(6, fields.number("call", 0xffff, 0));
    view.setUint32(8, sequenceOf(fields, 1));
    return join(header, payload);
  }
  const plain = Uint8Array.of(fields.has("key") ? 0x20 : 0, 0, 8, 0);
  return join(plain, fields.has("key") ? words(fields.number("key", 0xffffffff, 0)) : new Uint8Array(0), payload);
}
