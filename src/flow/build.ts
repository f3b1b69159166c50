/**
 * A packet's tree to its bytes. Whatever the notation leaves open gets the value a freshly booted sender would use:
 * sequence numbers 0, window 65535, TTL 64, DF set, checksums right.
 */
import { parseMac } from "../bytes/address.ts";
import type { OptionNode, PacketNode } from "./ast.ts";
import { type FragmentFields, type IpFields, ipPacket } from "./compose.ts";
import { type Ends, endsOf } from "./ends.ts";
import { FlowError } from "./error.ts";
import { Fields, numberOf, rawOf, wishOf } from "./fields.ts";
import { protocolNamed } from "./names.ts";
import { transportOf } from "./transport.ts";

/** A packet with what its link layer says. */
export interface BuiltPacket {
  readonly bytes: Uint8Array;
  /** Link-layer source and destination; null: not said. */
  readonly mac: Uint8Array | null;
  readonly macTo: Uint8Array | null;
}

/** Options that every IP packet has. */
export function ipFieldsOf(fields: Fields, ends: Ends, isIcmp = false): IpFields {
  const family = ends.source.words.length === 1 ? 4 : 6;
  // In ICMP, `id` is the query's.
  const plainId = isIcmp ? 1 : fields.number("id", 0xffff, 1);
  const id = fields.number("ipid", 0xffff, plainId);
  const fragment = fragmentOf(fields, family);
  if (family === 6)
    for (const name of ["df", "nodf", "ipcksum"]) {
      const option = fields.option(name);
      if (option !== undefined) throw new FlowError(`IPv6 has no “${name}”`, option.name);
    }
  const df = fields.has("df") || (!fields.has("nodf") && fragment === null);
  return {
    family,
    source: ends.source.words,
    destination: ends.destination.words,
    ttl: fields.number("ttl", 255, 64),
    tos: fields.number("tos", 255, 0),
    id,
    df,
    flowLabel: fields.number("flowlabel", 0xfffff, 0),
    fragment: fragment === null ? null : fragment.fields,
    checksum: wishOf(fields.token("ipcksum")),
  };
}

/** `frag 77:1480@0+`: of the whole datagram, the 1480 bytes at 0. `frag 77@1480`: the payload is the fragment's. */
export function fragmentOf(
  fields: Fields,
  family: 4 | 6,
): { readonly fields: FragmentFields; readonly size: number | null } | null {
  const token = fields.token("frag");
  if (token === undefined) return null;
  const [, id, size, offset, more] = token.text.match(/^(\d+)(?::(\d+))?@(\d+)(\+?)$/)!;
  if (Number(offset) % 8 !== 0) throw new FlowError(`a fragment begins at a multiple of 8, not at ${offset}`, token);
  if (Number(offset) > 65528) throw new FlowError(`offset ${offset} is too big: at most 65528`, token);
  const largest = family === 4 ? 0xffff : 0xffffffff;
  if (Number(id) > largest) throw new FlowError(`fragment id ${id} is too big: at most ${largest}`, token);
  return {
    fields: { id: Number(id), offset: Number(offset), more: more === "+" },
    size: size === undefined ? null : Number(size),
  };
}

/** Throws FlowError. */
export function buildPacket(node: PacketNode): BuiltPacket {
  if (node.protocol === null) throw new FlowError("this packet says no protocol");
  const fields = new Fields(node.options, node.protocol.text);
  const mac = fields.option("mac");
  const built = node.protocol.text === "raw" ? rawOf(node.detail!) : ipPacketOf(node, fields);
  fields.finish();
  return { bytes: built, mac: macOf(mac, 0), macTo: macOf(mac, 1) };
}

export function macOf(option: OptionNode | undefined, which: 0 | 1): Uint8Array | null {
  const token = option?.values[which];
  return token === undefined ? null : parseMac(token.text);
}

function ipPacketOf(node: PacketNode, fields: Fields): Uint8Array {
  const ends = endsOf(node);
  const protocol = protocolOf(node);
  const transport = transportOf(node, fields, ends, (inner) => buildPacket(inner).bytes);
  const ip = ipFieldsOf(fields, ends, node.icmp !== null);
  const payload = sliceOf(transport, fields, ip);
  const header = ip.family === 4 ? 20 : ip.fragment === null ? 0 : 8;
  if (header + payload.length > 65535)
    throw new FlowError(`the packet has ${header + payload.length} bytes: more than IP can say`, node.protocol);
  return ipPacket(ip, protocol, payload);
}

function protocolOf(node: PacketNode): number {
  const name = node.protocol!.text;
  if (name !== "proto") return protocolNamed(name)!;
  const detail = node.detail!;
  if (/^\d+$/.test(detail.text)) return numberOf(detail, 255, "a protocol");
  const protocol = protocolNamed(detail.text);
  if (protocol === null || protocol > 255)
    throw new FlowError(`“${detail.text}” is no protocol: give its number`, detail);
  return protocol;
}

/** The part of the datagram that a fragment carries. */
function sliceOf(transport: Uint8Array, fields: Fields, ip: IpFields): Uint8Array {
  const fragment = fragmentOf(fields, ip.family);
  if (fragment === null || fragment.size === null) return transport;
  const { offset } = fragment.fields;
  const token = fields.token("frag")!;
  if (offset + fragment.size > transport.length)
    throw new FlowError(
      `the datagram has ${transport.length} bytes after the IP header, so it has no ${fragment.size} at ${offset}`,
      token,
    );
  return transport.subarray(offset, offset + fragment.size);
}
