import test from "ava";
import fc from "fast-check";
import { CONTROL_WORDS } from "../assembly/layout.ts";
import { IPS_NAT_CLASH } from "../assembly/status.ts";
import { ACCEPT } from "../packet/hook.ts";
import { CT_NEW, CT_RELATED, CT_RELATED_REPLY, CT_UNTRACKED, Packet } from "../packet/packet.ts";
import type { Step } from "../packet/step.ts";
import { Bench, build, bytesOfHex, ipv4 } from "../protocol/testing.ts";
import { Connections } from "./connections.ts";
import { HashIndex } from "./hash-index.ts";
import type { Helper } from "./helper.ts";
import { ORIGINAL, REPLY, Tuple } from "./tuple.ts";
import { hash4 } from "./tuple-hash.ts";

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;

/** A UDP packet without checksum between 10.0.1.x and 10.0.2.x. */
function udp(sport: number, dport: number, reply = false, from = 0x0a000102, to = 0x0a000202): Uint8Array {
  const datagram = new Uint8Array(12);
  const view = new DataView(datagram.buffer);
  view.setUint16(0, reply ? dport : sport);
  view.setUint16(2, reply ? sport : dport);
  view.setUint16(4, 12);
  return reply ? ipv4(to, from, 17, datagram) : ipv4(from, to, 17, datagram);
}

function tuple(src: number, dst: number, sport: number, dport: number, protocol = 17, zone = 0): Tuple {
  return Object.assign(new Tuple(), { src0: src, dst0: dst, sport, dport, protocol, zone });
}

/** A helper that does nothing. */
function named(name: string): Helper {
  return { name, families: [4], protocol: 17, maxExpected: 1, timeout: 300, help: () => ACCEPT };
}

function packetOf(bytes: Uint8Array): Packet {
  const p = new Packet();
  p.loadBytes(bytes);
  return p;
}

// ── tuples ───────────────────────────────────────────────────────────────────────────────────────────

test("a tuple's inverse is the tuple of the answer", (t) => {
  const cases: [protocol: number, sport: number, dport: number, inverse: [number, number] | null][] = [
    [6, 1000, 80, [80, 1000]],
    [17, 53, 53, [53, 53]],
    [47, 0, 7, [7, 0]],
    [50, 0, 0, [0, 0]],
    [1, 77, 0x0800, [77, 0x0000]],
    [1, 77, 0x0005, [77, 0x0805]],
    [1, 77, 0x0d00, [77, 0x0e00]],
    [1, 77, 0x0f00, [77, 0x1000]],
    [1, 77, 0x1100, [77, 0x1200]],
    [1, 77, 0x0300, null],
    [1, 77, 0x0a00, null],
    [58, 77, 0x8000, [77, 0x8100]],
    [58, 77, 0x8b01, [77, 0x8c01]],
    [58, 77, 0x8c00, [77, 0x8b00]],
    [58, 77, 0x8700, null],
    [58, 77, 0x0800, null],
  ];
  for (const [protocol, sport, dport, inverse] of cases) {
    const into = new Tuple();
    const answered = tuple(1, 2, sport, dport, protocol, 5).invertInto(into);
    t.is(answered, inverse !== null, `${protocol} ${sport} ${dport}`);
    if (inverse !== null)
      t.deepEqual(
        [into.src0, into.dst0, into.sport, into.dport, into.protocol, into.zone],
        [2, 1, ...inverse, protocol, 5],
      );
  }
});

// ── the table ────────────────────────────────────────────────────────────────────────────────────────

test("the index holds what was put in and not taken out, whatever the hashes", (t) => {
  const hash = fc.oneof(
    fc.constantFrom(0, 1, -1, -2, 0x7fffffff, -0x80000000),
    fc.integer({ min: -8, max: 8 }),
    fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  );
  const step = fc.tuple(fc.constantFrom("in", "in", "in", "out"), hash);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
      const index = new HashIndex(new Int32Array(CONTROL_WORDS));
      const model: [hash: number, number: number][] = [];
      let number = 0;
      for (const [what, h] of steps) {
        if (what === "in") {
          index.insert(h, ++number);
          model.push([h, number]);
        }
        if (what === "out" && model.length > 0) {
          const [[oldHash, oldNumber]] = model.splice(Math.abs(h) % model.length, 1);
          index.remove(oldHash, oldNumber);
        }
      }
      for (const [h, n] of model) {
        const found = [];
        for (let at = index.seek(h); index.pairs[at + 1] !== 0 && index.pairs[at] === h; at += 2)
          found.push(index.pairs[at + 1]);
        if (!found.includes(n)) return false;
      }
      const all: number[] = [];
      index.range(0, 0x100000000, (n) => all.push(n));
      return (
        all.sort((a, b) => a - b).join() ===
        model
          .map(([, n]) => n)
          .sort((a, b) => a - b)
          .join()
      );
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test("a range of hashes gives the numbers in it", (t) => {
  const index = new HashIndex(new Int32Array(CONTROL_WORDS));
  const hashes = Array.from({ length: 40 }, (_, i) => Math.imul(i, 0x9e3779b1));
  for (const [i, hash] of hashes.entries()) index.insert(hash, i + 1);
  for (const [from, to] of [
    [0, 0x10000000],
    [0x10000000, 0x80000000],
    [0xf0000000, 0x100000000],
    [5, 6],
  ]) {
    const found: number[] = [];
    index.range(from, to, (n) => found.push(n));
    const expected = hashes.flatMap((hash, i) => (hash >>> 0 >= from && hash >>> 0 < to ? [i + 1] : []));
    t.deepEqual(
      found.sort((a, b) => a - b),
      expected,
    );
  }
});

test("regular addresses and ports spread over the hashes", (t) => {
  const patterns: [string, (i: number) => [number, number, number]][] = [
    ["source ports", (i) => [0x0a000001, 0x0a000002, (i << 16) | 80]],
    ["destination ports", (i) => [0x0a000001, 0x0a000002, (4000 << 16) | i]],
    ["hosts", (i) => [0x0a000000 + i, 0x0a000002, (4000 << 16) | 80]],
    ["networks", (i) => [0x0a000001 + (i << 16), 0x0a000002, (4000 << 16) | 80]],
    ["both ends together", (i) => [0x0a000000 + i, 0xc0a80000 + i, (4000 << 16) | 80]],
    ["host and port together", (i) => [0x0a000000 + i, 0x0a000002, (i << 16) | 80]],
    ["opposite high bits", (i) => [i << 16, (65536 - i) << 16, i]],
    ["hosts that add up", (i) => [0x0a000000 + i, 0x0b00ffff - i, (4000 << 16) | 80]],
    ["ports that add up", (i) => [0x0a000001, 0x0a000002, (i << 16) | (65535 - i)]],
  ];
  for (const [name, words] of patterns)
    for (const seed of [0, 1, 0x12345678]) {
      const buckets = new Set<number>();
      for (let i = 0; i < 65536; i++) {
        const [source, destination, ports] = words(i);
        buckets.add(hash4(seed, source | 0, destination | 0, ports | 0, 6) >>> 16);
      }
      // 65536 random throws into 65536 buckets fill 63.2 % of them.
      t.true(buckets.size > 0.6 * 65536, `${name}, seed ${seed}: ${buckets.size}`);
    }
});

for (const family of [4, 6] as const)
  test(`IPv${family}: thousands of connections are found from both ends, and no longer when removed`, (t) => {
    const connections = new Connections(family, 7);
    const original = new Tuple();
    const reply = new Tuple();
    const make = (i: number) => {
      Object.assign(original, {
        family,
        src0: i,
        src3: i >>> 3,
        dst0: ~i,
        dst2: i,
        sport: i & 0xffff,
        dport: 80,
        protocol: 6,
      });
      if (family === 4) original.src3 = original.dst2 = 0;
      original.invertInto(reply);
    };
    const handles: number[] = [];
    for (let i = 0; i < 5000; i++) {
      make(i);
      handles[i] = connections.create(original, reply, i % 2 === 0);
      connections.refresh(handles[i], 1000);
      t.is(connections.find(original, 3), 0);
      t.is(connections.insert(handles[i], 0), 0);
    }
    for (let i = 0; i < 5000; i += 3) connections.remove(handles[i]);
    const seen = new Tuple();
    for (let i = 0; i < 5000; i++) {
      make(i);
      const there = i % 3 !== 0;
      t.is(connections.find(original, 3), there ? handles[i] << 1 : 0);
      t.is(connections.find(reply, 3), there ? (handles[i] << 1) | 1 : 0);
      t.is(connections.find(reply, 1), 0);
      if (!there) continue;
      connections.tuple(handles[i], REPLY, seen);
      t.true(seen.equals(reply));
    }
    t.is(connections.size, 3333);
    t.deepEqual(
      [...connections.handles()],
      handles.filter((_, i) => i % 3 !== 0),
    );
  });

test("an IPv4 connection takes less than 128 bytes, everything included", (t) => {
  const count = 1 << 18;
  const connections = new Connections(4, 1);
  connections.limit = count;
  const reply = new Tuple();
  for (let i = 0; i < count; i++) {
    const original = tuple(0x0a000000 + (i >>> 4), 0x0b000000, i & 0xffff, 80);
    original.invertInto(reply);
    connections.insert(connections.create(original, reply, false), 0);
  }
  t.is(connections.size, count);
  t.true(connections.byteLength / count < 128, `${connections.byteLength / count}`);
});

// ── life of a connection ─────────────────────────────────────────────────────────────────────────────

test("a packet that is dropped leaves no connection behind", (t) => {
  const { conntrack } = new Bench();
  const p = packetOf(udp(1, 2));
  conntrack.track(p);
  t.is(p.ctinfo, CT_NEW);
  t.is(conntrack.connections(4).size, 1);
  t.is(conntrack.line(p), null);
  conntrack.release(p);
  t.is(conntrack.connections(4).size, 0);
  t.is(p.ct, 0);
});

test("an INVALID packet leaves no connection behind", (t) => {
  const bench = new Bench();
  t.is(bench.see(build("tcp", "> SA seq=1 ack=2", 1000)), "INVALID");
  t.is(bench.conntrack.connections(4).size, 0);
  t.deepEqual(bench.said, ["invalid new"]);
});

test("the timeout starts when the connection is confirmed", (t) => {
  const { conntrack, host } = new Bench();
  const p = packetOf(udp(1, 2));
  conntrack.track(p);
  host.now += 20 * SECOND;
  conntrack.confirm(p);
  t.regex(conntrack.list()[0], /^udp +17 30 /);
});

test("an entry lives to the last jiffy, and is not found after it", (t) => {
  const bench = new Bench();
  const { conntrack, host } = bench;
  const start = host.now;
  t.is(bench.see(udp(1, 2)), "NEW");
  const left = (time: number) => {
    host.now = start + time;
    return conntrack.list().map((line) => line.split(/ +/)[2]);
  };
  t.deepEqual(left(0.996 * SECOND), ["29"]);
  t.deepEqual(left(1 * SECOND), ["29"]);
  t.deepEqual(left(1.004 * SECOND), ["28"]);
  t.deepEqual(left(29.996 * SECOND), ["0"]);
  t.is(conntrack.count(), 1);
  t.deepEqual(left(30 * SECOND), []);
  t.is(conntrack.count(), 0);
  t.is(bench.see(udp(1, 2, true)), "NEW");
});

test("what expired stays expired, however far the clock leaps", (t) => {
  for (const leap of [0.001, 1, 5.1, 30, 98, 99, 99.5, 100, 150, 198.9, 250, 300, 4000].map((days) => days * DAY)) {
    const bench = new Bench({ udp_timeout: 60 });
    bench.see(udp(1, 2));
    bench.see(build("tcp", "> A seq=1 ack=2", 1000));
    bench.host.now += leap;
    t.deepEqual(
      bench.conntrack.list().map((line) => line.slice(0, 3)),
      leap < DAY ? ["tcp"].slice(leap > 300 * SECOND ? 1 : 0) : [],
      `${leap / DAY} days`,
    );
    t.is(bench.see(udp(1, 2)), "NEW");
  }
});

test("a clock that goes back loses nothing", (t) => {
  const bench = new Bench();
  bench.see(udp(1, 2));
  bench.host.now -= 10 * SECOND;
  t.is(bench.see(udp(1, 2, true)), "ESTABLISHED reply");
});

test("expired entries are taken out while new ones come", (t) => {
  const bench = new Bench();
  for (let i = 0; i < 4000; i++) {
    bench.see(udp(i, 2));
    bench.host.now += SECOND;
  }
  t.true(bench.conntrack.connections(4).size < 200);
});

test("whoever listens hears of every connection's end", (t) => {
  const bench = new Bench();
  const ended: number[] = [];
  bench.conntrack.onDestroy((connections, handle) => {
    const seen = new Tuple();
    connections.tuple(handle, ORIGINAL, seen);
    ended.push(seen.sport);
  });
  const p = packetOf(udp(1, 2));
  bench.conntrack.track(p);
  bench.conntrack.release(p);
  bench.see(build("tcp", "> S seq=1", 1000));
  bench.see(build("tcp", "< RA seq=0 ack=2", 1000));
  bench.see(udp(3, 2));
  bench.host.now += 31 * SECOND;
  for (let i = 0; i < 10; i++) bench.see(udp(100 + i, 2));
  t.deepEqual(ended, [1, 1000, 3]);
});

test("a REJECT answer has the connection, in the other direction, and does not confirm it", (t) => {
  const { conntrack } = new Bench();
  const p = packetOf(udp(1, 2));
  conntrack.track(p);
  const answer = packetOf(udp(1, 2, true));
  conntrack.attach(answer, p);
  t.is(answer.ct, p.ct);
  t.is(answer.ctinfo, CT_RELATED_REPLY);
  conntrack.track(answer);
  conntrack.confirm(answer);
  conntrack.release(answer);
  t.is(conntrack.list().length, 0);
  t.is(conntrack.connections(4).size, 1);
  const back = packetOf(udp(1, 2, true));
  conntrack.attach(back, Object.assign(packetOf(udp(1, 2)), { ct: p.ct, ctinfo: CT_RELATED_REPLY }));
  t.is(back.ctinfo, CT_RELATED);
  conntrack.release(p);
  t.is(conntrack.connections(4).size, 0);
  const untracked = packetOf(udp(1, 2));
  untracked.ctinfo = CT_UNTRACKED;
  const toUntracked = packetOf(udp(1, 2, true));
  conntrack.attach(toUntracked, untracked);
  t.deepEqual([toUntracked.ct, toUntracked.ctinfo], [0, CT_RELATED]);
});

test("a connection that ends while its packet is on the way can still be asked about", (t) => {
  const bench = new Bench();
  bench.see(build("tcp", "> S seq=1", 1000));
  t.is(bench.see(build("tcp", "< RA seq=0 ack=2", 1000)), "ESTABLISHED reply");
  const p = bench.packet;
  t.not(p.ct, 0);
  for (let i = 0; i < 10; i++) bench.conntrack.track(packetOf(udp(i, 2)));
  t.is(bench.conntrack.connections(4).protocol(p.ct), 6);
  t.is(bench.conntrack.line(p), null);
});

// ── clashes ──────────────────────────────────────────────────────────────────────────────────────────

test("two packets of one new UDP flow in flight: the second joins the first's connection", (t) => {
  const { conntrack } = new Bench();
  for (const reply of [false, true]) {
    const [first, second] = [packetOf(udp(1, 2)), packetOf(udp(1, 2, reply))];
    conntrack.track(first);
    conntrack.track(second);
    t.not(first.ct, second.ct);
    t.is(conntrack.confirm(first), 1);
    t.is(conntrack.confirm(second), 1);
    t.is(second.ct, first.ct);
    t.is(conntrack.connections(4).size, 1);
    t.regex(conntrack.list()[0], reply ? /packets=2 bytes=64 \[UNREPLIED/ : /packets=2 bytes=64 \[UNREPLIED/);
    conntrack.connections(4).remove(first.ct);
  }
});

test("two packets of one new TCP connection in flight: the second is dropped", (t) => {
  const { conntrack } = new Bench();
  const [first, second] = [1, 2].map(() => packetOf(build("tcp", "> S seq=1", 1000)));
  conntrack.track(first);
  conntrack.track(second);
  conntrack.confirm(first);
  t.is(conntrack.confirm(second), 0);
  t.is(conntrack.dropReason, "another connection has the same tuple");
  t.is(conntrack.statistics.insertFailed, 1);
});

test("a UDP flow whose original is taken, but not its translated reply, is known by its reply for a second", (t) => {
  const { conntrack, host } = new Bench();
  const connections = conntrack.connections(4);
  const [first, second] = [packetOf(udp(1, 2)), packetOf(udp(1, 2))];
  conntrack.track(first);
  conntrack.track(second);
  connections.setReply(second.ct, tuple(0x0a000202, 0xcb007101 | 0, 2, 4000));
  conntrack.confirm(first);
  t.is(conntrack.confirm(second), 1);
  t.is(connections.status(second.ct) & IPS_NAT_CLASH, IPS_NAT_CLASH);
  t.is(conntrack.list().length, 1);
  t.is(connections.find(tuple(0x0a000202, 0xcb007101 | 0, 2, 4000), 3), (second.ct << 1) | 1);
  t.is(connections.find(tuple(0x0a000102, 0x0a000202, 1, 2), 3), first.ct << 1);
  host.now += SECOND;
  conntrack.tick();
  t.is(connections.find(tuple(0x0a000202, 0xcb007101 | 0, 2, 4000), 3), 0);
});

test("a tuple is taken if another flow's reply has it", (t) => {
  const { conntrack } = new Bench();
  const connections = conntrack.connections(4);
  const [first, second, third] = [packetOf(udp(1, 2)), packetOf(udp(3, 2)), packetOf(udp(1, 2))];
  conntrack.track(first);
  conntrack.track(third);
  conntrack.confirm(first);
  conntrack.track(second);
  const reply = tuple(0x0a000202, 0x0a000102, 2, 1);
  t.true(connections.taken(reply, second.ct));
  t.false(connections.taken(reply, first.ct));
  t.false(connections.taken(reply, third.ct), "the same flow: the clash is resolved later");
  t.false(connections.taken(tuple(0x0a000202, 0x0a000102, 2, 9), second.ct));
});

// ── a full table ─────────────────────────────────────────────────────────────────────────────────────

test("a full table: expired entries go first, then unassured neighbours, then the packet", (t) => {
  // One bucket: every connection is a neighbour.
  const bench = new Bench({ max: 3, buckets: 1 });
  const { conntrack, host } = bench;
  const establish = (port: number) => {
    bench.see(build("tcp", "> S seq=1", port));
    bench.see(build("tcp", "< SA seq=1 ack=2", port));
    bench.see(build("tcp", "> A seq=2 ack=2", port));
  };
  establish(1000);
  establish(1001);
  t.is(bench.see(udp(1, 2)), "NEW");
  host.now += 31 * SECOND;
  t.is(bench.see(udp(2, 2)), "NEW");
  t.is(conntrack.statistics.earlyDrop, 0);
  t.is(bench.see(udp(3, 2)), "NEW");
  t.is(conntrack.statistics.earlyDrop, 1);
  t.deepEqual(
    conntrack.list().map((line) => line.match(/sport=(\d+)/)![1]),
    ["1000", "1001", "3"],
  );
  conntrack.connections(4).remove(bench.packet.ct);
  establish(1002);
  t.is(bench.see(udp(4, 2)), "dropped");
  t.is(conntrack.dropReason, "nf_conntrack: table full, dropping packet");
  t.is(conntrack.statistics.drop, 1);
  t.is(bench.see(build("tcp", "> A seq=2 ack=2", 1002)), "ESTABLISHED");
});

test("early drop takes every unassured connection of the first of eight buckets that has one", (t) => {
  const connections = new Connections(4, 3);
  const reply = new Tuple();
  for (let i = 0; i < 200; i++) {
    const original = tuple(0x0a000000 + i, 0x0b000000, i, 80);
    original.invertInto(reply);
    const handle = connections.create(original, reply, false);
    connections.refresh(handle, 1000);
    connections.insert(handle, 0);
  }
  const bucketOf = (hash: number) => Math.floor(((hash >>> 0) * 64) / 0x100000000);
  const seen = new Tuple();
  const handlesIn = (bucket: number) =>
    [...connections.handles()].filter((handle) =>
      [ORIGINAL, REPLY].some((direction) => {
        connections.tuple(handle, direction as 0 | 1, seen);
        return (bucketOf(connections.hash(seen)) + direction * 32) % 64 === bucket;
      }),
    );
  const wanted = tuple(1, 2, 3, 4);
  const first = bucketOf(connections.hash(wanted));
  for (let round = 0; round < 8; round++) {
    const victims = handlesIn((first + round) % 64);
    t.true(victims.length > 0);
    t.is(connections.earlyDrop(connections.hash(wanted), 64), victims.length);
    t.deepEqual(handlesIn((first + round) % 64), []);
  }
  t.is(connections.earlyDrop(connections.hash(wanted), 64), 0);
});

// ── zones ────────────────────────────────────────────────────────────────────────────────────────────

test("zones: each its own flows; a zone of one direction leaves the other in zone 0", (t) => {
  const { conntrack } = new Bench();
  const see = (bytes: Uint8Array, zone: number, zoneDirection: number) => {
    const p = packetOf(bytes);
    Object.assign(p, { zone, zoneDirection });
    conntrack.track(p);
    conntrack.confirm(p);
    return p.ctinfo === CT_NEW ? "NEW" : "ESTABLISHED";
  };
  const cases: [string, zones: [number, number], answered: [number, number], state: string, listed: RegExp][] = [
    ["none", [0, 3], [0, 3], "ESTABLISHED", /use=1$/],
    ["one, and answered from it", [7, 3], [7, 3], "ESTABLISHED", /mark=0 zone=7 use=1$/],
    ["one, and answered from none", [7, 3], [0, 3], "NEW", /mark=0 zone=7 use=1$/],
    [
      "of the original, answered from none",
      [7, 1],
      [0, 3],
      "ESTABLISHED",
      /dport=2 zone-orig=7 packets=.* mark=0 use=1$/,
    ],
    ["of the original, answered from it", [7, 1], [7, 3], "NEW", /zone-orig=7/],
    [
      "of the reply, answered from it",
      [7, 2],
      [7, 3],
      "ESTABLISHED",
      /\] src=\S+ dst=\S+ sport=2 dport=\d+ zone-reply=7|zone-reply=7/,
    ],
    ["of the reply, answered from none", [7, 2], [0, 3], "NEW", /zone-reply=7/],
    ["both rules the same, original", [7, 1], [7, 1], "ESTABLISHED", /zone-orig=7/],
    ["both rules the same, reply", [7, 2], [7, 2], "ESTABLISHED", /zone-reply=7/],
  ];
  for (const [i, [name, zone, answer, state, listed]] of cases.entries()) {
    t.is(see(udp(100 + i, 2), ...zone), "NEW", name);
    t.is(see(udp(100 + i, 2, true), ...answer), state, name);
    t.regex(conntrack.list().find((line) => line.includes(`sport=${100 + i} `))!, listed, name);
  }
});

test("--zone mark: the mark is read when conntrack sees the packet", (t) => {
  const { conntrack } = new Bench();
  const p = packetOf(udp(1, 2));
  p.template = conntrack.addTemplate({ zoneFromMark: true, helper: null });
  p.mark = 0x20009;
  conntrack.track(p);
  conntrack.confirm(p);
  t.regex(conntrack.list()[0], / zone=9 /);
});

test("a connection that began with 1970 has an age", (t) => {
  const bench = new Bench({ timestamp: 1 });
  bench.host.now = 0;
  bench.see(udp(1, 2));
  bench.host.now = 2 * SECOND;
  t.regex(bench.conntrack.list()[0], / delta-time=2 /);
});

// ── words ────────────────────────────────────────────────────────────────────────────────────────────

test("listing", (t) => {
  const bench = new Bench({ acct: 0, timestamp: 1 });
  const { conntrack, host } = bench;
  bench.see(build("tcp", "> S seq=1", 44240));
  bench.see(build("tcp", "< SA seq=1 ack=2", 44240));
  bench.see(build("tcp", "> A seq=2 ack=2", 44240));
  conntrack.connections(4).setMark(bench.packet.ct, -1);
  bench.see(ipv4(0x0a000102, 0x0a000202, 50, new Uint8Array(8)));
  host.sysctl.acct = 1;
  host.sysctl.timestamp = 0;
  const p = packetOf(udp(5555, 53));
  p.template = conntrack.addTemplate({ zoneFromMark: false, helper: named("tftp") });
  conntrack.track(p);
  conntrack.confirm(p);
  t.is(
    conntrack.line(p),
    "udp      17 30 src=10.0.1.2 dst=10.0.2.2 sport=5555 dport=53 packets=1 bytes=32 [UNREPLIED] src=10.0.2.2 dst=10.0.1.2 sport=53 dport=5555 packets=0 bytes=0 mark=0 helper=tftp use=1",
  );
  bench.see(
    bytesOfHex(
      "6000000000103a40fd000001000000000000000000000002fd000002000000000000000000000002" +
        "8000f40e000700016162636465666768",
    ),
  );
  host.now += 3.2 * SECOND;
  const lines = [
    "tcp      6 431996 ESTABLISHED src=10.0.1.2 dst=10.0.2.2 sport=44240 dport=80 src=10.0.2.2 dst=10.0.1.2 sport=80 dport=44240 [ASSURED] mark=4294967295 delta-time=3 use=1",
    "unknown  50 596 src=10.0.1.2 dst=10.0.2.2 [UNREPLIED] src=10.0.2.2 dst=10.0.1.2 mark=0 delta-time=3 use=1",
    "udp      17 26 src=10.0.1.2 dst=10.0.2.2 sport=5555 dport=53 packets=1 bytes=32 [UNREPLIED] src=10.0.2.2 dst=10.0.1.2 sport=53 dport=5555 packets=0 bytes=0 mark=0 helper=tftp use=1",
    "icmpv6   58 26 src=fd00:1::2 dst=fd00:2::2 type=128 code=0 id=7 packets=1 bytes=56 [UNREPLIED] src=fd00:2::2 dst=fd00:1::2 type=129 code=0 id=7 packets=0 bytes=0 mark=0 use=1",
  ];
  t.deepEqual(conntrack.list(), lines);
  t.deepEqual(conntrack.list({ family: 6 }), lines.slice(3));
  t.deepEqual(
    conntrack.list({ extended: true }),
    lines.map((line, i) => `${i < 3 ? "ipv4     2 " : "ipv6     10 "}${line}`),
  );
  t.is(conntrack.count(), 4);
});

test("steps say what happened to the connection", (t) => {
  const { conntrack } = new Bench();
  const see = (text: string) => {
    const steps: Step[] = [];
    const p = packetOf(build("tcp", text, 1000));
    p.steps = { push: (step) => steps.push(step) };
    conntrack.track(p);
    conntrack.confirm(p);
    return steps.map((step) => `${step.kind}: ${Object.values(step)[1]}`.slice(0, 60));
  };
  t.deepEqual(see("> S seq=1"), [
    "created: tcp      6 120 SYN_SENT src=10.0.1.2 dst=10.0.2.2 s",
    "confirmed: tcp      6 120 SYN_SENT src=10.0.1.2 dst=10.0.2.2",
  ]);
  t.deepEqual(see("< SA seq=1 ack=2"), []);
  t.deepEqual(see("> A seq=2 ack=90000"), ["invalid: ACK is over upper bound 3 (ACKed data not seen yet)"]);
  t.deepEqual(see("> A seq=2 ack=2"), []);
  t.deepEqual(see("> S seq=9"), ["note: packet (index 0) in dir 0 ignored, state ESTABLISHED"]);
});

test("nf_conntrack_log_invalid says which protocols are logged", (t) => {
  for (const [logged, heard] of [
    [0, 0],
    [6, 1],
    [17, 0],
    [255, 1],
  ]) {
    const bench = new Bench({ log_invalid: logged });
    bench.see(build("tcp", "> SA seq=1 ack=2", 1000));
    t.is(bench.said.length, heard, `log_invalid ${logged}`);
  }
});

// ── anything ─────────────────────────────────────────────────────────────────────────────────────────

test("any bytes: never a throw, never a look beyond the packet", (t) => {
  const protocol = fc.constantFrom(1, 6, 17, 33, 47, 58, 132, 136, 44, 60, 0, 43, 51, 59, 50);
  const packet = fc
    .tuple(fc.boolean(), protocol, fc.uint8Array({ maxLength: 400, size: "max" }), fc.integer({ min: 0, max: 140 }))
    .map(([six, proto, rest, declared]) => {
      const bytes = new Uint8Array((six ? 40 : 20) + rest.length);
      bytes[0] = six ? 0x60 : 0x45;
      if (six) {
        bytes[5] = declared < 100 ? rest.length : declared;
        bytes[6] = proto;
        bytes[23] = 1;
        bytes[39] = 2;
      } else {
        bytes[3] = declared < 100 ? bytes.length : declared;
        bytes[9] = proto;
        bytes[15] = 1;
        bytes[19] = 2;
      }
      bytes.set(rest, six ? 40 : 20);
      return bytes;
    });
  const outcome = (packets: readonly Uint8Array[], filler: number) => {
    const bench = new Bench({ checksum: 0 });
    return packets.map((bytes) => {
      const around = new Uint8Array(bytes.length + 256).fill(filler);
      around.set(bytes, 128);
      const p = new Packet();
      p.load(around, new DataView(around.buffer), 128, 128 + bytes.length);
      bench.said = [];
      const verdict = bench.conntrack.track(p);
      bench.conntrack.confirm(p);
      return `${verdict} ${p.ct} ${p.ctinfo} ${bench.conntrack.line(p)} ${bench.said.join()}`;
    });
  };
  fc.assert(
    fc.property(fc.array(packet, { minLength: 1, maxLength: 6 }), (packets) => {
      t.deepEqual(outcome(packets, 0), outcome(packets, 0xff));
    }),
    { numRuns: 500 },
  );
});
