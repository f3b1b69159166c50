/** Random talk between clients and servers through a router, with everything that may go wrong: what fast and long ways are compared by. */
import fc from "fast-check";
import { check, fold, pseudoSum4, sumOf } from "../bytes/checksum.ts";
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";

export const often = <T>(usual: T, others: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others });

const FLAG_BITS: Readonly<Record<string, number>> = { F: 1, S: 2, P: 8, ".": 16 };
const FLAGS = [0x02, 0x12, 0x10, 0x10, 0x18, 0x11, 0x04, 0x14, 0x01, 0x00, 0x12, 0xc2];
const OPTIONS: readonly (readonly number[])[] = [
  [],
  [],
  [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
  [2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 1, 1],
  [4, 2, 3, 3, 15, 0, 0, 0],
  [1, 1, 5, 10, 0, 0, 0, 5, 0, 0, 0, 60],
  [1, 1, 5, 18, 0, 0, 0, 5, 0, 0, 0, 60, 0, 0, 0, 70, 0, 0, 0, 90],
  [5, 9, 0, 0],
  [3, 0, 0, 0],
];

export const event = fc.record({
  forth: fc.boolean(),
  carries: often<"tcp" | "udp" | "ping">("tcp", fc.constantFrom("udp", "ping")),
  flow: fc.nat(2),
  flags: fc.constantFrom(...FLAGS),
  seq: often(0, fc.oneof(fc.integer({ min: -400, max: 400 }), fc.integer())),
  ack: often(0, fc.oneof(fc.integer({ min: -400, max: 70_000 }), fc.integer())),
  window: often(500, fc.constantFrom(0, 1, 65535)),
  payload: fc.nat(90),
  options: fc.constantFrom(...OPTIONS),
  tos: often(0, fc.constantFrom(0x10, 0x03)),
  repeats: fc.boolean(),
  /** Something is wrong with the packet. */
  fault: often(
    "none",
    fc.constantFrom(
      "sum",
      "header",
      "length",
      "offset",
      "ttl",
      "cut",
      "udp length",
      "no sum",
      "carry",
      "fragment",
      "partial",
    ),
  ),
  seconds: often(0, fc.constantFrom(1, 3, 40, 130, 500_000)),
});
export type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** What random packets meet a part of: who sends (>: the client) which flags. -: it does not acknowledge the last SYN. */
const TALKS = [
  "> S, < S., > ., > P., < P., > F., < ., < F.",
  "> S, < S, > S., < S., > .",
  "> S, < S., > ., > F., < ., < F., > S, < .-",
].map((talk) =>
  talk.split(", ").map((turn) => {
    const flags = [...turn.slice(2)].reduce((bits, flag) => bits | (FLAG_BITS[flag] ?? 0), 0);
    return { forth: turn[0] === ">", flags, ack: turn.endsWith("-") ? -1 : 0 };
  }),
);
export const ORDINARY: Omit<Event, "forth" | "flow" | "flags"> = {
  carries: "tcp",
  seq: 0,
  ack: 0,
  window: 500,
  payload: 0,
  options: [],
  tos: 0,
  repeats: false,
  fault: "none",
  seconds: 0,
};
export const beginning = fc
  .record({ flow: fc.nat(2), talk: fc.constantFrom(...TALKS), length: fc.nat(8) })
  .map(({ flow, talk, length }) => talk.slice(0, length).map((turn): Event => ({ ...ORDINARY, ...turn, flow })));

const CLIENTS = ["10.0.0.2:4000", "10.0.0.3:4001", "198.51.100.128:4002"];
const SERVERS = ["198.51.100.9:80", "198.51.100.10:9", "192.0.2.1:443"];
const DATAGRAM_PORTS = [53, 7, 123];

function address(text: string): [word: number, port: number] {
  const [a, b, c, d, port] = text.split(/[.:]/).map(Number);
  return [(a << 24) | (b << 16) | (c << 8) | d, port];
}

/** The sequence numbers that both ends of each flow have come to. */
export class Talk {
  readonly next = [1000, 5000, 0x7fffff00, -50, 1, 2];
  /** The clients as servers see them: behind NAT whoever watches what leaves changes this. */
  readonly seenAs = CLIENTS.map(address);
  #last: Event | null = null;

  packet(given: Event): { dev: string; bytes: Uint8Array } {
    const e = given.repeats && this.#last !== null ? { ...this.#last, seconds: given.seconds } : given;
    this.#last = e;
    const ends = [address(CLIENTS[e.flow]), address(SERVERS[e.flow])];
    const [from, to] = e.forth ? ends : [ends[1], this.seenAs[e.flow]];
    const dev = from[0] >>> 24 === 10 || from[0] === address(CLIENTS[2])[0] ? "lan0" : "wan0";
    return { dev, bytes: this.#bytes(e, from, to) };
  }

  #bytes(e: Event, from: [number, number], to: [number, number]): Uint8Array {
    if (e.carries === "udp") return this.#datagram(e, from, to);
    return e.carries === "ping" ? this.#ping(e, from, to) : this.#segment(e, from, to);
  }

  /** Half a ping; now and then of another kind. */
  #ping(e: Event, from: [number, number], to: [number, number]): Uint8Array {
    const { bytes, view } = header(e, IPPROTO_ICMP, 8 + e.payload, from[0], to[0]);
    bytes[20] = e.fault === "offset" ? (e.forth ? 13 : 3) : e.forth ? 8 : 0;
    bytes[21] = e.fault === "udp length" ? 1 : 0;
    view.setUint16(24, 700 + e.flow);
    view.setUint16(26, e.seq);
    return sealed(e, bytes, view, IPPROTO_ICMP, 22);
  }

  #segment(e: Event, from: [number, number], to: [number, number]): Uint8Array {
    const { bytes, view } = header(e, IPPROTO_TCP, 20 + e.options.length + e.payload, from[0], to[0]);
    const [mine, theirs] = e.forth ? [2 * e.flow, 2 * e.flow + 1] : [2 * e.flow + 1, 2 * e.flow];
    const seq = (this.next[mine] + e.seq) | 0;
    view.setUint16(20, from[1]);
    view.setUint16(22, to[1]);
    view.setInt32(24, seq);
    view.setInt32(28, (e.flags & 0x10) !== 0 ? (this.next[theirs] + e.ack) | 0 : 0);
    bytes[32] = e.fault === "offset" ? 0x40 : (5 + e.options.length / 4) << 4;
    bytes[33] = e.flags;
    view.setUint16(34, e.window);
    bytes.set(e.options, 40);
    if (e.seq === 0) this.next[mine] = (seq + e.payload + (e.flags & 1) + ((e.flags >> 1) & 1)) | 0;
    return sealed(e, bytes, view, IPPROTO_TCP, 36);
  }

  #datagram(e: Event, from: [number, number], to: [number, number]): Uint8Array {
    const { bytes, view } = header(e, IPPROTO_UDP, 8 + e.payload, from[0], to[0]);
    view.setUint16(20, e.forth ? from[1] : DATAGRAM_PORTS[e.flow]);
    view.setUint16(22, e.forth ? DATAGRAM_PORTS[e.flow] : to[1]);
    view.setUint16(24, 8 + e.payload + (e.fault === "udp length" ? 3 : 0));
    const whole = sealed(e, bytes, view, IPPROTO_UDP, 26);
    if (e.fault === "no sum") view.setUint16(26, 0);
    return whole;
  }
}

/** The sum of a header whose checksum a lower TTL carries over. */
const CARRYING = 0x0100;

function header(e: Event, protocol: number, length: number, source: number, destination: number) {
  const bytes = new Uint8Array(20 + length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x45;
  bytes[1] = e.tos;
  if (e.fault === "fragment") bytes[6] = 0x20;
  view.setUint16(2, bytes.length + (e.fault === "length" ? 8 : 0));
  bytes[8] = e.fault === "ttl" ? 1 : 64;
  bytes[9] = protocol;
  view.setInt32(12, source);
  view.setInt32(16, destination);
  return { bytes, view };
}

/** With its checksums, unless one is to be wrong. */
function sealed(e: Event, bytes: Uint8Array, view: DataView, protocol: number, at: number): Uint8Array {
  const pseudo =
    protocol === IPPROTO_ICMP ? 0 : pseudoSum4(view.getInt32(12), view.getInt32(16), protocol, bytes.length - 20);
  view.setUint16(at, check(sumOf(view, 20, bytes.length) + pseudo) ^ (e.fault === "sum" ? 1 : 0));
  // As it is left to a network card.
  if (e.fault === "partial" && protocol !== IPPROTO_ICMP) view.setUint16(at, fold(pseudo));
  if (e.fault === "carry") view.setUint16(4, (CARRYING + 0xffff - sumOf(view, 0, 20)) % 0xffff);
  view.setUint16(10, check(sumOf(view, 0, 20)) ^ (e.fault === "header" ? 1 : 0));
  return e.fault === "cut" ? bytes.subarray(0, 44) : bytes;
}

export const sysctls = fc.record({
  "net.netfilter.nf_conntrack_tcp_be_liberal": often(0, fc.constant(1)),
  "net.netfilter.nf_conntrack_tcp_loose": often(1, fc.constant(0)),
  "net.netfilter.nf_conntrack_tcp_max_retrans": often(3, fc.constantFrom(0, 1)),
  "net.netfilter.nf_conntrack_tcp_timeout_max_retrans": often(300, fc.constant(7)),
  "net.netfilter.nf_conntrack_tcp_timeout_unacknowledged": often(300, fc.constantFrom(5, 1_000_000)),
  "net.netfilter.nf_conntrack_checksum": often(1, fc.constant(0)),
  "net.netfilter.nf_conntrack_acct": often(0, fc.constant(1)),
  "net.netfilter.nf_conntrack_timestamp": often(0, fc.constant(1)),
  "net.netfilter.nf_conntrack_max": often(262144, fc.constantFrom(0, 2)),
});
