/**
 * The core (assembly/) does what conntrack/, protocol/ and receive4.ts do: whatever comes, both leave the same connections
 * behind, to the last word of their records.
 */
import test from "ava";
import fc from "fast-check";
import { LINK } from "../assembly/record-words.ts";
import { check, pseudoSum4, sumOf } from "../bytes/checksum.ts";
import { Host } from "../host/host.ts";
import { loadRuleset } from "../index.ts";
import { IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";
import { Firewall, type Outcome } from "./firewall.ts";

const FILTER = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
-A FORWARD -m state --state INVALID -j DROP
-A FORWARD -p tcp -m tcp --dport 9 -j REJECT --reject-with tcp-reset
-A FORWARD -p udp -m udp --dport 7 -j DROP
COMMIT
`;
const NAT = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i wan0 -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.9:80
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
`;

const firewall = (rules: string, sysctl: Record<string, number>) =>
  new Firewall({
    rules: loadRuleset(rules),
    host: new Host({
      interfaces: { lan0: ["10.0.0.1/24"], wan0: ["203.0.113.1/24"] },
      routes: ["default via 203.0.113.254 dev wan0", "198.51.100.128/25 dev lan0", "unreachable 192.0.2.0/24"],
      sysctl: { "net.ipv4.icmp_ratelimit": 0, ...sysctl },
    }),
  });

const often = <T>(usual: T, others: fc.Arbitrary<T>) =>
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

const event = fc.record({
  forth: fc.boolean(),
  udp: often(false, fc.constant(true)),
  flow: fc.nat(2),
  flags: fc.constantFrom(...FLAGS),
  seq: often(0, fc.oneof(fc.integer({ min: -400, max: 400 }), fc.integer())),
  ack: often(0, fc.oneof(fc.integer({ min: -400, max: 70_000 }), fc.integer())),
  window: often(500, fc.constantFrom(0, 1, 65535)),
  payload: fc.nat(90),
  options: fc.constantFrom(...OPTIONS),
  repeats: fc.boolean(),
  /** Something is wrong with the packet. */
  fault: often("none", fc.constantFrom("sum", "header", "length", "offset", "ttl", "cut", "udp length", "no sum")),
  seconds: often(0, fc.constantFrom(1, 3, 40, 130, 500_000)),
});
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

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
const ORDINARY: Omit<Event, "forth" | "flow" | "flags"> = {
  udp: false,
  seq: 0,
  ack: 0,
  window: 500,
  payload: 0,
  options: [],
  repeats: false,
  fault: "none",
  seconds: 0,
};
const beginning = fc
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
class Talk {
  readonly next = [1000, 5000, 0x7fffff00, -50, 1, 2];
  #last: Event | null = null;

  packet(given: Event): { dev: string; bytes: Uint8Array } {
    const e = given.repeats && this.#last !== null ? { ...this.#last, seconds: given.seconds } : given;
    this.#last = e;
    const ends = [address(CLIENTS[e.flow]), address(SERVERS[e.flow])];
    const [from, to] = e.forth ? ends : [ends[1], ends[0]];
    const dev = from[0] >>> 24 === 10 || from[0] === address(CLIENTS[2])[0] ? "lan0" : "wan0";
    return { dev, bytes: e.udp ? this.#datagram(e, from, to) : this.#segment(e, from, to) };
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

function header(e: Event, protocol: number, length: number, source: number, destination: number) {
  const bytes = new Uint8Array(20 + length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x45;
  view.setUint16(2, bytes.length + (e.fault === "length" ? 8 : 0));
  bytes[8] = e.fault === "ttl" ? 1 : 64;
  bytes[9] = protocol;
  view.setInt32(12, source);
  view.setInt32(16, destination);
  return { bytes, view };
}

/** With its checksums, unless one is to be wrong. */
function sealed(e: Event, bytes: Uint8Array, view: DataView, protocol: number, at: number): Uint8Array {
  const pseudo = pseudoSum4(view.getInt32(12), view.getInt32(16), protocol, bytes.length - 20);
  view.setUint16(at, check(sumOf(view, 20, bytes.length) + pseudo) ^ (e.fault === "sum" ? 1 : 0));
  view.setUint16(10, check(sumOf(view, 0, 20)) ^ (e.fault === "header" ? 1 : 0));
  return e.fault === "cut" ? bytes.subarray(0, 44) : bytes;
}

const sysctls = fc.record({
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

const withoutSteps = ({ steps, ...rest }: Outcome) => rest;

/** All that is kept of the connections that are there, but for the chains of nat/: in these may also be some that expired. */
function recordsOf({ conntrack }: Firewall): number[][] {
  const connections = conntrack.connections(4);
  return Array.from(connections.handles(), (handle) => {
    const base = connections.base(handle);
    return Array.from(connections.record.subarray(base, connections.base(handle + 1)), (word, i) =>
      i === LINK ? 0 : word,
    );
  });
}

for (const [what, rules] of [
  ["filtered", FILTER],
  ["translated", FILTER + NAT],
])
  test(`${what} packets leave the same behind in the core as on the long way`, (t) => {
    let used = 0;
    fc.assert(
      fc.property(sysctls, beginning, fc.array(event, { minLength: 1, maxLength: 40 }), (sysctl, first, others) => {
        const [silent, telling] = [firewall(rules, sysctl), firewall(rules, sysctl)];
        const talk = new Talk();
        let time = 1e15;
        for (const e of [...first, ...others]) {
          const { dev, bytes } = talk.packet(e);
          time += 1000 + e.seconds * 1e6;
          const short = silent.receive(dev, bytes, { time });
          t.deepEqual(short, withoutSteps(telling.receive(dev, bytes, { time, steps: true })));
          t.deepEqual(recordsOf(silent), recordsOf(telling));
        }
        if (silent.conntrack.connections(4).core !== null) used++;
        t.is(silent.save(4), telling.save(4));
        silent.close();
      }),
      { numRuns: 400 },
    );
    t.true(used > 300, "most were tracked in the core");
  });

test("many connections move into the core and out again, with their counters, times and order", (t) => {
  const sysctl = { "net.netfilter.nf_conntrack_acct": 1, "net.netfilter.nf_conntrack_timestamp": 1 };
  fc.assert(
    fc.property(
      fc.array(fc.record({ flow: fc.nat(999), back: fc.boolean(), closes: fc.nat(40) }), {
        minLength: 70,
        maxLength: 200,
      }),
      (steps) => {
        const [silent, telling] = [firewall(FILTER, sysctl), firewall(FILTER, sysctl)];
        for (const [i, { flow, back, closes }] of steps.entries()) {
          const talk = new Talk();
          const { dev, bytes } = talk.packet({ ...ORDINARY, udp: true, forth: !back, flow: 0, flags: 0 });
          new DataView(bytes.buffer).setUint16(back ? 22 : 20, 10_000 + flow);
          new DataView(bytes.buffer).setUint16(26, 0);
          const time = 1e15 + i * 1e5;
          const short = silent.receive(dev, bytes, { time });
          t.deepEqual(short, withoutSteps(telling.receive(dev, bytes, { time, steps: true })));
          if (closes === 0) silent.close();
        }
        t.deepEqual(silent.connections(4, { extended: true }), telling.connections(4, { extended: true }));
        t.deepEqual(recordsOf(silent), recordsOf(telling));
        silent.close();
        t.deepEqual(recordsOf(silent), recordsOf(telling));
      },
    ),
    {
      numRuns: 30,
      examples: [[Array.from({ length: 900 }, (_, flow) => ({ flow, back: false, closes: flow % 300 }))]],
    },
  );
});
