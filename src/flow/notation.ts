/**
 * A packet in the notation that grammar/flow.ne reads. `short` is for a line in a report: who talks to whom, and what
 * it is. `full` says everything that `short` leaves out and that is not a default, so that it can be read back.
 */
import { formatAddress } from "../bytes/address.ts";
import { hexOf } from "../bytes/hex.ts";
import { Packet } from "../packet/packet.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP } from "../packet/transport.ts";
import { DCCP_TYPES, flagsText, icmpName, isIcmpError, isIcmpQuery, protocolName, SCTP_CHUNKS } from "./names.ts";

export type Style = "short" | "full";

/** Protocols with notation of their own and ports. */
const PORTED = new Set([6, 17, 33, 132, 136]);
const NOTED = new Set(["tcp", "udp", "udplite", "sctp", "dccp", "gre", "esp", "ah"]);
const CHUNK_NAMES = new Map(Object.entries(SCTP_CHUNKS).map(([name, type]) => [type, name]));

/** Network-layer bytes in packet notation. Any bytes: what is broken or cut is said to be. */
export function printPacket(bytes: Uint8Array, style: Style = "short"): string {
  const p = new Packet();
  p.loadBytes(bytes);
  return describePacket(p, style);
}

/** A loaded packet in packet notation. */
export function describePacket(p: Packet, style: Style = "short"): string {
  const present = p.end - p.start;
  const version = present > 0 ? p.data[p.start] >>> 4 : 0;
  if (version !== p.family || present < (p.family === 4 ? 20 : 40))
    return `raw ${present === 0 ? '""' : hexOf(p.data, p.start, Math.min(p.end, p.start + 64))}`;
  const words = [endsText(p), transportText(p, style), ipText(p, style)].filter((part) => part !== "");
  if (p.cut) words.push(`(cut: ${present} of ${p.length} bytes)`);
  return words.join(" ");
}

/** Source and destination addresses of a loaded packet, as text. */
export function sourceText(p: Packet): string {
  return formatAddress(p.family === 4 ? [p.src0] : [p.src0, p.src1, p.src2, p.src3]);
}

export function destinationText(p: Packet): string {
  return formatAddress(p.family === 4 ? [p.dst0] : [p.dst0, p.dst1, p.dst2, p.dst3]);
}

/** `10.0.0.2:4000`, `[2001:db8::1]:80`. */
export function withPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The protocol, and who talks to whom. */
function endsText(p: Packet): string {
  const source = sourceText(p);
  const destination = destinationText(p);
  const name = protocolName(p.protocol);
  const icmp = p.family === 4 ? p.protocol === IPPROTO_ICMP : p.protocol === IPPROTO_ICMPV6;
  // An ICMP error may quote no more of a header than its ports.
  if (PORTED.has(p.protocol) && p.l4 >= 0 && p.fragmentOffset === 0 && p.end - p.l4 >= 4)
    return `${name} ${withPort(source, p.view.getUint16(p.l4))} > ${withPort(destination, p.view.getUint16(p.l4 + 2))}`;
  const noted = (icmp && p.hasPorts) || (NOTED.has(name) && !PORTED.has(p.protocol) && p.fragmentOffset === 0);
  return `${noted ? name : `proto ${name}`} ${source} > ${destination}`;
}

function ipText(p: Packet, style: Style): string {
  const words: string[] = [];
  const v4 = p.family === 4;
  const id = v4 ? p.view.getUint16(p.start + 4) : fragmentId6(p);
  const more = v4 ? (p.view.getUint16(p.start + 6) & 0x2000) !== 0 : fragmentMore6(p);
  if (p.fragment) words.push(`frag ${id}@${p.fragmentOffset}${more ? "+" : ""}`);
  if (style === "short") return words.join(" ");
  if (p.ttl !== 64) words.push(`${v4 ? "ttl" : "hlim"} ${p.ttl}`);
  if (p.tos !== 0) words.push(`${v4 ? "tos" : "tclass"} 0x${p.tos.toString(16)}`);
  if (v4) {
    if (!p.fragment && id !== 1) words.push(`ipid ${id}`);
    const df = (p.view.getUint16(p.start + 6) & 0x4000) !== 0;
    if (df === p.fragment) words.push(df ? "df" : "nodf");
  } else {
    const label = p.view.getUint32(p.start) & 0xfffff;
    if (label !== 0) words.push(`flowlabel 0x${label.toString(16)}`);
  }
  return words.join(" ");
}

/** Offset of the fragment header of an IPv6 fragment, -1 when it has none. */
function fragmentHeader6(p: Packet): number {
  let next = p.data[p.start + 6];
  let at = p.start + 40;
  while (at + 8 <= p.end) {
    if (next === 44) return at;
    if (next !== 0 && next !== 43 && next !== 60) return -1;
    next = p.data[at];
    at += (p.data[at + 1] + 1) << 3;
  }
  return -1;
}

function fragmentId6(p: Packet): number {
  const at = fragmentHeader6(p);
  return at < 0 ? 0 : p.view.getUint32(at + 4);
}

function fragmentMore6(p: Packet): boolean {
  const at = fragmentHeader6(p);
  return at >= 0 && (p.view.getUint16(at + 2) & 1) !== 0;
}

function transportText(p: Packet, style: Style): string {
  if (p.l4 < 0) return p.end - p.start < p.length ? "" : "(broken header)";
  if (p.fragmentOffset > 0 || !p.hasPorts) {
    if (p.fragmentOffset === 0 && PORTED.has(p.protocol)) return p.cut ? "" : "(truncated header)";
    return otherText(p, style);
  }
  switch (p.protocol) {
    case IPPROTO_TCP:
      return tcpText(p, style);
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return (p.protocol === IPPROTO_ICMP) === (p.family === 4) ? icmpText(p, style) : payloadText(p, p.l4, style);
    case 132:
      return sctpText(p);
    case 33:
      return `[${DCCP_TYPES[(p.data[p.l4 + 8] >>> 1) & 15] ?? "?"}]`;
    default:
      return payloadText(p, p.l4 + 8, style);
  }
}

/** GRE, ESP, AH and what has no notation: keys and length. */
function otherText(p: Packet, style: Style): string {
  const there = p.end - p.l4;
  if (p.fragmentOffset === 0 && p.protocol === 50 && there >= 8)
    return `spi 0x${p.view.getUint32(p.l4).toString(16)} ${payloadText(p, p.l4 + 8, style)}`.trim();
  if (p.fragmentOffset === 0 && p.protocol === 47 && there >= 4) return greText(p);
  return payloadText(p, p.l4, style);
}

function greText(p: Packet): string {
  const flags = p.view.getUint16(p.l4);
  if ((flags & 7) === 1 && p.end - p.l4 >= 8) return `call ${p.view.getUint16(p.l4 + 6)}`;
  const at = p.l4 + 4 + ((flags & 0x8000) !== 0 ? 4 : 0);
  return (flags & 0x2000) !== 0 && at + 4 <= p.end ? `key 0x${p.view.getUint32(at).toString(16)}` : "";
}

function payloadText(p: Packet, from: number, style: Style): string {
  // The length on the wire, also when the capture cut the packet.
  const length = p.start + p.length - from;
  if (length <= 0) return "";
  const payload = p.data.subarray(from, p.end);
  if (style === "short" || p.cut || payload.every((byte) => byte === 0)) return `length ${length}`;
  return payload.every((byte) => byte >= 0x20 && byte < 0x7f)
    ? `data "${String.fromCharCode(...payload).replace(/["\\]/g, "\\$&")}"`
    : `data 0x${hexOf(payload)}`;
}

function tcpText(p: Packet, style: Style): string {
  const words = [flagsText(p.tcpFlags)];
  const dataAt = p.l4 + p.tcpHeaderLength;
  if (p.tcpHeaderLength < 20) return `${words[0]} (header length ${p.tcpHeaderLength})`;
  if (style === "full") {
    if (p.seq !== 0) words.push(`seq ${p.seq >>> 0}`);
    if (p.ack !== 0) words.push(`ack ${p.ack >>> 0}`);
    if (p.window !== 65535) words.push(`win ${p.window}`);
    const urgent = p.view.getUint16(p.l4 + 18);
    if (urgent !== 0) words.push(`urg ${urgent}`);
    const options = tcpOptionsText(p);
    if (options !== "") words.push(`options [${options}]`);
  }
  words.push(payloadText(p, dataAt, style));
  return words.filter((word) => word !== "").join(" ");
}

/** `mss 1460,nop,wscale 7` */
export function tcpOptionsText(p: Packet): string {
  const { view, data } = p;
  const end = Math.min(p.l4 + p.tcpHeaderLength, p.end);
  const list: string[] = [];
  let at = p.l4 + 20;
  while (at < end) {
    const kind = data[at];
    if (kind <= 1) {
      list.push(kind === 0 ? "eol" : "nop");
      at++;
      continue;
    }
    const size = at + 1 < end ? data[at + 1] : 0;
    if (size < 2 || at + size > end) return [...list, `kind ${kind}`].join(",");
    list.push(tcpOptionText(view, data, at, kind, size));
    at += size;
  }
  return list.join(",");
}

function tcpOptionText(view: DataView, data: Uint8Array, at: number, kind: number, size: number): string {
  if (kind === 2 && size === 4) return `mss ${view.getUint16(at + 2)}`;
  if (kind === 3 && size === 3) return `wscale ${data[at + 2]}`;
  if (kind === 4 && size === 2) return "sackOK";
  if (kind === 8 && size === 10) return `TS val ${view.getUint32(at + 2)} ecr ${view.getUint32(at + 6)}`;
  if (kind === 5 && size % 8 === 2 && size > 2) {
    const ranges: string[] = [];
    for (let i = at + 2; i < at + size; i += 8) ranges.push(`${view.getUint32(i)}:${view.getUint32(i + 4)}`);
    return `sack ${ranges.join(" ")}`;
  }
  return size > 2 ? `kind ${kind} 0x${hexOf(data, at + 2, at + size)}` : `kind ${kind}`;
}

function icmpText(p: Packet, style: Style): string {
  const type = p.dport >>> 8;
  const words = [icmpName(p.family, type, p.dport & 255)];
  const rest = p.view.getUint32(p.l4 + 4);
  const body = p.l4 + 8;
  const mtu = p.family === 4 ? type === 3 && (p.dport & 255) === 4 : type === 2;
  if (isIcmpError(p.family, type)) {
    if (body < p.end) words.push(`(${innerText(p, body, style)})`);
    if (mtu) words.push(`mtu ${p.family === 4 ? rest & 0xffff : rest}`);
    else if (p.family === 4 && type === 5) words.push(`gateway ${formatAddress([rest | 0])}`);
    else if (rest !== 0 && style === "full") words.push(`rest 0x${rest.toString(16)}`);
    return words.join(" ");
  }
  if (isIcmpQuery(p.family, type)) words.push(`id ${rest >>> 16} seq ${rest & 0xffff}`);
  else if (p.family === 6 && type >= 135 && type <= 137 && p.end >= body + 16) {
    words.push(`target ${formatAddress([0, 4, 8, 12].map((i) => p.view.getInt32(body + i)))}`);
    return words.join(" ");
  } else if (rest !== 0 && style === "full") words.push(`rest 0x${rest.toString(16)}`);
  if (style === "full") words.push(payloadText(p, body, style));
  return words.filter((word) => word !== "").join(" ");
}

/** The packet inside an ICMP error, which is cut as a rule. */
function innerText(p: Packet, at: number, style: Style): string {
  const inner = new Packet();
  inner.loadBytes(p.data.subarray(at, p.end));
  const text = describePacket(inner, style).replace(/ \(cut: [^)]*\)$/, "");
  return style === "short" ? text.replace(/ length \d+$/, "") : text;
}

function sctpText(p: Packet): string {
  const chunks: string[] = [];
  let at = p.l4 + 12;
  while (at + 4 <= p.end && chunks.length < 8) {
    const size = p.view.getUint16(at + 2);
    const name = CHUNK_NAMES.get(p.data[at]) ?? `CHUNK_${p.data[at]}`;
    const tagged = (p.data[at] === 1 || p.data[at] === 2) && at + 8 <= p.end;
    chunks.push(`[${name}${tagged ? ` tag ${p.view.getUint32(at + 4)}` : ""}]`);
    if (size < 4) break;
    at += (size + 3) & ~3;
  }
  const tag = p.end >= p.l4 + 8 ? p.view.getUint32(p.l4 + 4) : 0;
  return `${chunks.join("")}${tag === 0 ? "" : ` vtag ${tag}`}`;
}
