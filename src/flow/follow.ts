/**
 * What the far end would send: `reply` (whoever got a packet answers it), `then` (its sender goes on) and `again`
 * (its sender repeats it). Sequence numbers are kept per endpoint, so that a script never counts bytes by hand.
 */
import { formatAddress } from "../bytes/address.ts";
import { Packet } from "../packet/packet.ts";
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  TCP_ACK,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
} from "../packet/transport.ts";
import type { ActionNode, Token } from "./ast.ts";
import { type BuiltPacket, ipFieldsOf, macOf } from "./build.ts";
import { icmpMessage, ipPacket, quoted, sctpPacket, tcpSegment, udpDatagram } from "./compose.ts";
import { type Ends, endpointOf } from "./ends.ts";
import { FlowError } from "./error.ts";
import { Fields, payloadOf, wishOf } from "./fields.ts";
import { isIcmpError } from "./names.ts";
import { icmpRestOf, icmpTypeOf, sequenceOf, tcpFlagsOf, tcpOptionsOf } from "./transport.ts";

export type FollowNode = Extract<ActionNode, { kind: "follow" }>;

/** Where a server starts to count when nothing else is known. */
const FIRST_SEQUENCE = 5000;

/** What one end of a TCP conversation sends next. */
interface Voice {
  next: number;
  ack: number;
}

/** Remembers who said what, from the packets that came in and those that left. */
export class Conversation {
  readonly #voices = new Map<string, Voice>();
  readonly #packet = new Packet();

  /** `dev` null: the host itself. */
  sent(dev: string | null, bytes: Uint8Array): void {
    const p = this.#load(bytes);
    if (p === null) return;
    const voice = this.#voice(dev, this.#end(p, "source"));
    const next = p.seq + sequenceLength(p);
    if ((p.tcpFlags & TCP_SYN) !== 0 || ((next - voice.next) | 0) > 0) voice.next = next >>> 0;
  }

  /** A packet reached the end that lies behind `dev`. */
  heard(dev: string | null, bytes: Uint8Array): void {
    const p = this.#load(bytes);
    if (p === null) return;
    this.#voice(dev, this.#end(p, "destination")).ack = (p.seq + sequenceLength(p)) >>> 0;
  }

  /** What the source of this packet would send next; null when it never spoke. */
  source(dev: string | null, p: Packet): Voice | null {
    return this.#voices.get(this.#key(dev, this.#end(p, "source"))) ?? null;
  }

  /** The same for its destination. */
  destination(dev: string | null, p: Packet): Voice | null {
    return this.#voices.get(this.#key(dev, this.#end(p, "destination"))) ?? null;
  }

  #load(bytes: Uint8Array): Packet | null {
    this.#packet.loadBytes(bytes);
    return this.#packet.protocol === IPPROTO_TCP && this.#packet.hasPorts ? this.#packet : null;
  }

  /** The end itself and whom it talks to: one address may hold many conversations. */
  #end(p: Packet, which: "source" | "destination"): string {
    const source = `${formatAddress(wordsOf(p, "src"))} ${p.sport}`;
    const destination = `${formatAddress(wordsOf(p, "dst"))} ${p.dport}`;
    return which === "source" ? `${source} ${destination}` : `${destination} ${source}`;
  }

  #key(dev: string | null, end: string): string {
    return `${dev ?? ""} ${end}`;
  }

  #voice(dev: string | null, end: string): Voice {
    const key = this.#key(dev, end);
    let voice = this.#voices.get(key);
    if (voice === undefined) {
      voice = { next: 0, ack: 0 };
      this.#voices.set(key, voice);
    }
    return voice;
  }
}

/** Sequence space that a segment takes: payload, SYN and FIN. */
function sequenceLength(p: Packet): number {
  const payload = Math.max(0, p.start + p.length - p.l4 - p.tcpHeaderLength);
  return payload + ((p.tcpFlags & TCP_SYN) !== 0 ? 1 : 0) + ((p.tcpFlags & TCP_FIN) !== 0 ? 1 : 0);
}

/** What the receiver of `bytes`, which lies behind `dev` (null: the host itself), sends back. */
export function replyTo(node: FollowNode, dev: string | null, bytes: Uint8Array, talk: Conversation): BuiltPacket {
  const p = loaded(bytes);
  const fields = new Fields(node.options, "this reply");
  const mac = fields.option("mac");
  const family = p.family;
  const ends: Ends = {
    source: { words: wordsOf(p, "dst"), port: p.dport },
    destination: { words: wordsOf(p, "src"), port: p.sport },
  };
  const built =
    node.icmp !== null
      ? errorAbout(node, fields, ends, bytes, family)
      : answerTo(node, fields, ends, p, talk.destination(dev, p));
  fields.finish();
  return { bytes: built, mac: macOf(mac, 0), macTo: macOf(mac, 1) };
}

/** What the sender of `bytes` sends next. */
export function thenAfter(node: FollowNode, dev: string | null, bytes: Uint8Array, talk: Conversation): BuiltPacket {
  const p = loaded(bytes);
  if (node.icmp !== null) throw new FlowError("“then” is followed by TCP flags or options", node.icmp.name);
  const fields = new Fields(node.options, "this packet");
  const mac = fields.option("mac");
  const ends: Ends = {
    source: { words: wordsOf(p, "src"), port: p.sport },
    destination: { words: wordsOf(p, "dst"), port: p.dport },
  };
  const built = nextOf(node, fields, ends, p, talk.source(dev, p));
  fields.finish();
  return { bytes: built, mac: macOf(mac, 0), macTo: macOf(mac, 1) };
}

function loaded(bytes: Uint8Array): Packet {
  const p = new Packet();
  p.loadBytes(bytes);
  return p;
}

function wordsOf(p: Packet, end: "src" | "dst"): readonly number[] {
  if (p.family === 4) return [p[`${end}0`]];
  return [p[`${end}0`], p[`${end}1`], p[`${end}2`], p[`${end}3`]];
}

/** An ICMP error from the far end, or from a router on the way (`from ADDRESS`). */
function errorAbout(node: FollowNode, fields: Fields, ends: Ends, about: Uint8Array, family: 4 | 6): Uint8Array {
  const { type, code } = icmpTypeOf(node.icmp!, family);
  if (!isIcmpError(family, type))
    throw new FlowError("a reply names an ICMP error, or nothing for the natural answer", node.icmp!.name);
  if (node.icmp!.about !== null)
    throw new FlowError("a reply is about the packet it answers: leave out the one in ( )", node.icmp!.name);
  const source = node.source === null ? ends.source : routerOf(node.source, family);
  const ip = ipFieldsOf(fields, { source, destination: ends.destination }, true);
  const rest = icmpRestOf(fields, family, type, code);
  const message = icmpMessage(ip, { type, code, rest, body: quoted(family, about) }, wishOf(fields.token("cksum")));
  return ipPacket(ip, family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, message);
}

function routerOf(token: Token, family: 4 | 6): Ends["source"] {
  const end = endpointOf(token);
  if (end.port !== null) throw new FlowError("a router has an address, no port", token);
  if (end.words.length !== (family === 4 ? 1 : 4)) throw new FlowError(`an IPv${family} address is needed here`, token);
  return end;
}

function answerTo(node: FollowNode, fields: Fields, ends: Ends, p: Packet, voice: Voice | null): Uint8Array {
  if (node.source !== null) throw new FlowError("only an ICMP error comes “from” somebody else", node.source);
  const ip = ipFieldsOf(fields, ends);
  const ports = { sport: p.dport, dport: p.sport };
  if (p.protocol === IPPROTO_TCP && p.hasPorts) {
    if ((p.tcpFlags & TCP_RST) !== 0 && node.flags === null) throw unanswered("a reset", node);
    const syn = (p.tcpFlags & TCP_SYN) !== 0 && (p.tcpFlags & TCP_ACK) === 0;
    const next = syn ? FIRST_SEQUENCE : (p.tcpFlags & TCP_ACK) !== 0 ? p.ack >>> 0 : FIRST_SEQUENCE;
    const ack = (p.seq + sequenceLength(p)) >>> 0;
    return tcpAnswer(node, fields, ends, { next: voice !== null && !syn ? voice.next : next, ack }, syn);
  }
  if (node.flags !== null) throw new FlowError("only TCP has flags", node.flags);
  if (p.protocol === IPPROTO_UDP || p.protocol === IPPROTO_UDPLITE)
    return ipPacket(ip, p.protocol, udpDatagram(ip, p.protocol, ports, orOne(fields), wishOf(fields.token("cksum"))));
  if (p.protocol === IPPROTO_ICMP || p.protocol === IPPROTO_ICMPV6) return echoReply(node, fields, ends, p);
  if (p.protocol === IPPROTO_SCTP && p.hasPorts) return sctpAnswer(node, fields, ends, p);
  return ipPacket(ip, p.protocol, p.data.slice(p.l4, p.end));
}

/** A datagram that answers has something in it. */
function orOne(fields: Fields): Uint8Array {
  const payload = payloadOf(fields);
  return payload.length === 0 && !fields.has("length") ? Uint8Array.of(0x61) : payload;
}

function unanswered(what: string, node: FollowNode): FlowError {
  return new FlowError(`nobody replies to ${what}`, node.how);
}

function tcpAnswer(node: FollowNode, fields: Fields, ends: Ends, voice: Voice, syn: boolean): Uint8Array {
  const data = payloadOf(fields);
  const natural = syn ? TCP_SYN | TCP_ACK : data.length > 0 ? TCP_PSH | TCP_ACK : TCP_ACK;
  const flags = node.flags === null ? natural : tcpFlagsOf(node.flags);
  const ip = ipFieldsOf(fields, ends);
  const segment = tcpSegment(ip, {
    sport: ends.source.port!,
    dport: ends.destination.port!,
    // A reset that acknowledges nothing is believed by its sequence number; one that answers a SYN has none.
    seq: sequenceOf(fields, (flags & TCP_RST) !== 0 && syn ? 0 : voice.next),
    ack: fields.number("ack", 0xffffffff, (flags & TCP_ACK) !== 0 ? voice.ack : 0),
    flags,
    window: fields.number("win", 0xffff, 65535),
    urgent: fields.number("urg", 0xffff, 0),
    options: tcpOptionsOf(fields, node.options),
    data,
    checksum: wishOf(fields.token("cksum")),
  });
  return ipPacket(ip, IPPROTO_TCP, segment);
}

function echoReply(node: FollowNode, fields: Fields, ends: Ends, p: Packet): Uint8Array {
  const type = p.dport >>> 8;
  if (isIcmpError(p.family, type)) throw unanswered("an ICMP error", node);
  // Each query and its answer: echo, and IPv4's timestamp, information and address mask.
  const answer = p.family === 6 ? (type === 128 ? 129 : -1) : ({ 8: 0, 13: 14, 15: 16, 17: 18 }[type] ?? -1);
  if (answer < 0) throw unanswered("an ICMP message that asks nothing", node);
  const ip = ipFieldsOf(fields, ends);
  const rest = p.view.getUint32(p.l4 + 4);
  const body = p.data.slice(p.l4 + 8, p.end);
  return ipPacket(
    ip,
    p.protocol,
    icmpMessage(ip, { type: answer, code: 0, rest, body }, wishOf(fields.token("cksum"))),
  );
}

/** SCTP chunk types and what answers them, with the size of the answer's body. */
const SCTP_ANSWERS: Readonly<Record<number, readonly [type: number, body: number]>> = {
  0: [3, 12],
  1: [2, 16],
  4: [5, 8],
  7: [8, 0],
  8: [14, 0],
  10: [11, 0],
};

function sctpAnswer(node: FollowNode, fields: Fields, ends: Ends, p: Packet): Uint8Array {
  const first = p.l4 + 12;
  const found = first + 4 <= p.end ? SCTP_ANSWERS[p.data[first]] : undefined;
  if (found === undefined) throw unanswered("this SCTP chunk", node);
  const [type, size] = found;
  const chunk = new Uint8Array(4 + size);
  chunk[0] = type;
  chunk[3] = 4 + size;
  if (type === 2) chunk.set([0, 0, 0, 2, 0, 1, 0, 0, 0, 10, 0, 10], 4);
  if (type === 5) chunk.set([0, 1, 0, 8], 4);
  // An INIT names the tag by which its sender wants to be called.
  const named = p.data[first] === 1 && first + 8 <= p.end ? p.view.getUint32(first + 4) : p.view.getUint32(p.l4 + 4);
  const ip = ipFieldsOf(fields, ends);
  const ports = { sport: p.dport, dport: p.sport, tag: fields.number("vtag", 0xffffffff, named) };
  return ipPacket(ip, IPPROTO_SCTP, sctpPacket(ports, chunk, wishOf(fields.token("cksum"))));
}

function nextOf(node: FollowNode, fields: Fields, ends: Ends, p: Packet, voice: Voice | null): Uint8Array {
  if (p.protocol === IPPROTO_TCP && p.hasPorts) {
    const next = { next: voice?.next ?? (p.seq + sequenceLength(p)) >>> 0, ack: voice?.ack || p.ack >>> 0 };
    return tcpAnswer(node, fields, ends, next, false);
  }
  if (node.flags !== null) throw new FlowError("only TCP has flags", node.flags);
  const ip = ipFieldsOf(fields, ends);
  if (p.protocol === IPPROTO_UDP || p.protocol === IPPROTO_UDPLITE) {
    const ports = { sport: p.sport, dport: p.dport };
    return ipPacket(ip, p.protocol, udpDatagram(ip, p.protocol, ports, orOne(fields), wishOf(fields.token("cksum"))));
  }
  throw new FlowError("“then” goes on with TCP, UDP or UDP-Lite: write other packets out", node.how);
}
