/**
 * What goes through a firewall at full speed leaves the same behind as packets that go through it one by one: counters,
 * connections, totals, how devices were found.
 */
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { type CaptureError, CaptureReader, CaptureRecord, readCapture } from "../bytes/capture.ts";
import { hexOf } from "../bytes/hex.ts";
import { linkLength } from "../bytes/link.ts";
import type { PlainRecords } from "../bytes/record.ts";
import { Host } from "../host/host.ts";
import { loadRuleset } from "../index.ts";
import { Firewall, PATH_NAMES, STATE_NAMES, VERDICT_NAMES } from "../path/firewall.ts";
import { beginning, type Event, event, ORDINARY, often, sysctls, Talk } from "../path/testing.ts";
import { Arrivals, BY_MAC, BY_NAME } from "./arrival.ts";
import { CaptureReplay } from "./capture-replay.ts";
import { type ChecksumFindings, IGNORE_ALL, VERIFY_ALL } from "./checksums.ts";
import { type Counting, Intake } from "./intake.ts";
import {
  type InterfaceStyle,
  LINK_LAYERS,
  macOf,
  type PcapngStyle,
  pcapngOf,
  pcapngStyle,
  pcapOf,
  pcapStyle,
  type SectionStyle,
  type Sight,
} from "./testing.ts";

/** Of which packets that the core knows are told apart by nothing else. */
const SETTLED = [
  "-p tcp -m tcp --dport 80",
  "-p tcp -m tcp --dport 9",
  "-p udp -m udp --sport 1024:5000",
  "-p udp -m udp ! --dport 53",
  "-p tcp -m tcp --tcp-flags SYN,RST,ACK,FIN SYN",
  "-p tcp -m tcp ! --tcp-flags SYN,RST,ACK,FIN SYN -m state --state NEW",
  "-p tcp -m multiport --ports 80,4001",
  "-p tcp -m multiport ! --dports 80,9,4000:4002",
  "-s 10.0.0.0/24",
  "-s 10.0.0.2/32",
  "! -d 198.51.100.0/24",
  "-d 198.51.100.9/32",
  "-m iprange ! --src-range 10.0.0.3-198.51.100.9",
  "-m iprange --dst-range 198.51.100.1-198.51.100.9",
  "-p icmp -m icmp --icmp-type 8",
  "-p icmp -m icmp ! --icmp-type 0/0",
  "-p icmp",
  "-i lan0",
  "-i lan0 -o wan0",
  "! -o wan0",
  "-m state --state NEW",
  "-m conntrack --ctstate RELATED,ESTABLISHED",
  "-m conntrack ! --ctstate INVALID",
  "-m comment --comment all",
  "",
];
const RULES = [
  "-s 10.0.0.3/255.0.0.255",
  "-m conntrack --ctdir REPLY",
  "-m dscp --dscp 4",
  "-m tos --tos 0x10/0x3f",
  "-m length --length 0:60",
  "-m ttl --ttl-gt 60",
  "-m mark --mark 0x0",
  "-m limit --limit 5/min",
  "-m statistic --mode nth --every 3 --packet 0",
];
const TARGETS = [
  "-j ACCEPT",
  "-j DROP",
  "-j RETURN",
  "-j A",
  "-g A",
  "",
  "-j REJECT",
  "-j MARK --set-mark 1",
  "-j CONNMARK --set-mark 7",
];

const rule = often("", fc.constantFrom(...RULES)).chain((usual) =>
  usual === "" ? fc.constantFrom(...SETTLED) : fc.constant(usual),
);
const line = (chain: string, targets: readonly string[]) =>
  fc
    .record({ rule, target: fc.constantFrom(...targets) })
    .map(({ rule, target }) => `-A ${chain} ${rule} ${target}`.replace(/ +/g, " ").trim());
const lines = (chain: string, targets: readonly string[], most: number) =>
  fc.array(line(chain, targets), { maxLength: most });
const harmless = TARGETS.filter((target) => !/ACCEPT|DROP|REJECT/.test(target));
const inner = TARGETS.filter((target) => !/ A$|MARK/.test(target));

const NAT = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i lan0 -p tcp -m tcp --dport 9 -j DNAT --to-destination 198.51.100.9:80
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
`;

const RAW = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
COMMIT
`;

const rulesetOf = (most: number) =>
  fc
    .record({
      nat: fc.boolean(),
      raw: often("", fc.constantFrom(RAW, RAW.replace("COMMIT", "-A PREROUTING -p udp -j NOTRACK\nCOMMIT"))),
      policy: often("ACCEPT", fc.constant("DROP")),
      filter: lines(
        "FORWARD",
        TARGETS.filter((target) => target !== "-j MARK --set-mark 1"),
        most,
      ),
      a: lines(
        "A",
        inner.filter((target) => target !== "-j REJECT"),
        4,
      ),
      long: often(0, fc.constant(60)),
      mangle: often<string[] | null>(
        null,
        fc
          .tuple(lines("FORWARD", harmless, 3), lines("POSTROUTING", harmless, 3), lines("A", ["-j RETURN", ""], 2))
          .map((parts) => parts.flat().filter((text) => !/POSTROUTING.* -i /.test(text))),
      ),
    })
    .map(({ nat, raw, policy, filter, a, long, mangle }) =>
      [
        raw,
        nat ? NAT : "",
        mangle === null
          ? ""
          : `*mangle\n:PREROUTING ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:A - [0:0]\n${mangle.join("\n")}\nCOMMIT\n`,
        `*filter\n:FORWARD ${policy} [0:0]\n:A - [0:0]\n`,
        ...Array.from(
          { length: long },
          (_, i) => `-A FORWARD -s 10.1.${i}.0/24 -p tcp -m tcp --dport ${i + 1} -j DROP\n`,
        ),
        ...[...filter, ...a, "-A A -m state --state INVALID -j DROP"].map((text) => `${text}\n`),
        "COMMIT\n",
      ].join(""),
    );

/** Which devices have link-layer addresses, by which a packet's is found, and how long packets may be there. */
interface Devices {
  readonly macs: readonly string[];
  readonly mtu: number;
}

const ADDRESSED: Devices = { macs: ["lan0", "wan0"], mtu: 1500 };
const devices: fc.Arbitrary<Devices> = fc.record({
  macs: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(["lan0", "wan0"], []) },
    { weight: 1, arbitrary: fc.constant(["lan0"]) },
  ),
  mtu: often(1500, fc.constant(80)),
});

function makeFirewall(rules: string, sysctl: Record<string, number>, { macs, mtu }: Devices): Firewall {
  const device = (name: string, address: string) => ({
    addresses: [address],
    mtu,
    ...(macs.includes(name) ? { mac: macOf(name) } : {}),
  });
  return new Firewall({
    rules: loadRuleset(rules),
    host: new Host({
      interfaces: { lan0: device("lan0", "10.0.0.1/24"), wan0: device("wan0", "203.0.113.1/24") },
      routes: ["default via 203.0.113.254 dev wan0", "198.51.100.128/25 dev lan0", "unreachable 192.0.2.0/24"],
      sysctl: { "net.ipv4.icmp_ratelimit": 0, ...sysctl },
    }),
  });
}

class Counts implements Counting {
  readonly by = new Map<string, number>();
  bytes = 0;
  emitted = 0;
  first = Number.POSITIVE_INFINITY;
  last = Number.NEGATIVE_INFINITY;

  add(time: number, bytes: number, verdict: number, state: number, path: number, emitted: number): void {
    this.addMany(1, bytes, verdict, state, path, emitted);
    this.addSpan(time, time);
  }

  addNotIp(time: number): void {
    this.by.set("not IP", (this.by.get("not IP") ?? 0) + 1);
    this.addSpan(time, time);
  }

  addMany(packets: number, bytes: number, verdict: number, state: number, path: number, emitted: number): void {
    const key = `${VERDICT_NAMES[verdict]} ${STATE_NAMES[state]} ${PATH_NAMES[path]}`;
    this.by.set(key, (this.by.get(key) ?? 0) + packets);
    this.bytes += bytes;
    this.emitted += emitted;
  }

  addSpan(first: number, last: number): void {
    this.first = Math.min(this.first, first);
    this.last = Math.max(this.last, last);
  }
}

interface Seen {
  /** Of packets that were forwarded, as they left, in hexadecimal; by the packets' numbers from 0. */
  readonly left: readonly (string | undefined)[];
  readonly counts: Counts;
  readonly arrivals: Arrivals;
  readonly firewall: Firewall;
  /** What was wrong with the capture. */
  readonly error: CaptureError | null;
}

/** One by one, and nowhere near the core. */
function goOneByOne(firewall: Firewall, bytes: Uint8Array, checksums: ChecksumFindings): Seen {
  const arrivals = new Arrivals(firewall.host, { device: null, checksums });
  const counts = new Counts();
  const { packet, result } = firewall;
  const left: (string | undefined)[] = [];
  firewall.onEmit = (_, p) => {
    if (p === packet) left[number] = hexOf(p.data, p.start, p.end);
  };
  let number = 0;
  const use = (record: CaptureRecord) => {
    const copy = record.data.slice(record.start, record.end);
    record.data = copy;
    record.view = new DataView(copy.buffer);
    record.end -= record.start;
    record.start = 0;
    if (!arrivals.load(record, packet)) {
      counts.addNotIp(record.time);
      number++;
      return;
    }
    const { length } = packet;
    firewall.run();
    counts.add(record.time, length, result.verdict, result.state, result.path, result.emitted);
    number++;
  };
  const error = readCapture(bytes, use, new CaptureRecord());
  return { left, counts, arrivals, firewall, error };
}

/** The packets of the records that lie between `from` and those that are left, in hexadecimal. */
function* packetsIn({ format, window, interfaces }: PlainRecords, from: number): Generator<string> {
  const { view, at } = window;
  const word = (offset: number) => view.getUint32(offset, true);
  for (let record = from; record < at; ) {
    const [by, frame, next] =
      format === "pcap" ? [0, record + 16, 16 + word(record + 8)] : [word(record + 8), record + 28, word(record + 4)];
    const start = frame + linkLength(interfaces[by].linkType);
    yield hexOf(new Uint8Array(view.buffer), start, start + view.getUint16(start + 2));
    record += next;
  }
}

/** `left` holds only packets that the core took, also those that it dropped, as they are then. */
function goAtOnce(firewall: Firewall, bytes: Uint8Array, checksums: ChecksumFindings, sizes: readonly number[]): Seen {
  const arrivals = new Arrivals(firewall.host, { device: null, checksums });
  const counts = new Counts();
  const reader = new CaptureReader();
  const intake = new Intake(firewall, arrivals, counts);
  const record = new CaptureRecord();
  const left: (string | undefined)[] = [];
  let number = 0;
  const { add, addNotIp } = counts;
  counts.add = (...numbers) => {
    number++;
    add.apply(counts, numbers);
  };
  counts.addNotIp = (time) => {
    number++;
    addNotIp.call(counts, time);
  };
  const { stream } = firewall;
  const run = stream.run.bind(stream);
  stream.run = (records) => {
    const from = records?.window.at ?? 0;
    run(records);
    if (records !== null) for (const packet of packetsIn(records, from)) left[number++] = packet;
  };
  for (let at = 0, i = 0; !reader.finished; i++) {
    const size = Math.min(sizes[i % sizes.length], bytes.length - at);
    reader.space().set(bytes.subarray(at, at + size));
    if (size === 0) reader.end();
    else reader.filled(size);
    at += size;
    intake.take(reader, record);
  }
  intake.finish();
  return { left, counts, arrivals, firewall, error: reader.error };
}

/** What a capture sees of a talk, of which a firewall's NAT may change who the servers see. */
function sightsOf(events: readonly Event[], from: number, watch: Firewall): Sight[] {
  const talk = new Talk();
  let time = from;
  const sights = events.map((e, i) => {
    const { dev, bytes } = talk.packet(e);
    time += 1000 + e.seconds * 1e6;
    const whole = e.fault === "cut" ? bytes.length + 7 : 0;
    const sight = { time, dev, packet: bytes.slice(), whole, stranger: i % 37 === 36 };
    const { out } = watch.receive(dev, bytes, { time, steps: true, ...(whole > 0 ? { wire: whole } : {}) });
    const left = e.forth ? out.find(({ dev: by }) => by === "wan0")?.bytes : undefined;
    if (e.carries !== "ping" && left !== undefined && left.length >= 48)
      talk.seenAs[e.flow] = [Number.parseInt(left.slice(24, 32), 16) | 0, Number.parseInt(left.slice(40, 44), 16)];
    return sight;
  });
  watch.close();
  return sights;
}

const stateOf = ({ counts, arrivals, firewall, error }: Seen) => ({
  rules: firewall.save(4),
  connections: firewall.connections(4, { extended: true }),
  by: Object.fromEntries([...counts.by].sort()),
  bytes: counts.bytes,
  emitted: counts.emitted,
  span: [counts.first, counts.last],
  arrivals: [...arrivals.counts],
  cut: arrivals.cut,
  merged: arrivals.merged,
  foreign: arrivals.foreign,
  error,
  now: firewall.host.now,
});

/** Two connections that go on, datagrams and pings; hardly anything is wrong. */
const calm = fc
  .array(
    fc.record({
      flow: fc.nat(1),
      carries: fc.constantFrom("tcp", "tcp", "udp", "ping"),
      forth: fc.boolean(),
      payload: fc.nat(60),
      tos: often(0, fc.constant(0x10)),
      fault: often(
        "none",
        often("none", fc.constantFrom("no sum", "sum", "header", "partial", "carry", "fragment", "cut")),
      ),
      seconds: often(0, often(0, fc.constantFrom(1, 40))),
    }),
    { minLength: 10, maxLength: 40 },
  )
  .map((turns) => [
    ...[0, 1].flatMap((flow) => OPENING.map((turn): Event => ({ ...ORDINARY, ...turn, flow }))),
    ...Array.from({ length: 8 }, () => turns.map((turn): Event => ({ ...ORDINARY, flags: 0x18, ...turn }))).flat(),
  ]);
const OPENING = [
  { forth: true, flags: 0x02 },
  { forth: false, flags: 0x12 },
  { forth: true, flags: 0x10 },
];

const ordinary = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: beginning },
    {
      weight: 2,
      arbitrary: fc
        .record({
          flow: fc.nat(2),
          turns: fc.array(fc.boolean(), { maxLength: 6 }),
          payload: fc.nat(90),
          carries: fc.constantFrom("udp", "ping"),
          fault: often("none", fc.constantFrom("no sum", "carry", "fragment", "cut")),
          tos: often(0, fc.constant(0x10)),
        })
        .map(({ turns, ...rest }) => turns.map((forth): Event => ({ ...ORDINARY, ...rest, forth, flags: 0 }))),
    },
    { weight: 1, arbitrary: fc.array(event, { maxLength: 4 }) },
  ),
  { minLength: 1, maxLength: 12 },
);

/** Rules and what meets them: a few rules and calm traffic, of which the core takes most, or all kinds of either. */
const rules = fc.oneof(rulesetOf(6), rulesetOf(2));
const events = fc.oneof(
  calm,
  fc
    .tuple(ordinary, fc.integer({ min: 1, max: 8 }))
    .map(([talks, times]) => Array.from({ length: times }, () => talks.flat()).flat()),
);

const LEFT_TO_CARDS: ChecksumFindings = { ...VERIFY_ALL, any: true, partial: true };

/** What may be wrong with a file: bytes that are missing at its end, bytes that are other ones. */
const damage = often(
  { missing: 0, changes: [] as { at: number; to: number }[] },
  fc.record({
    missing: often(0, fc.nat(40)),
    changes: fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { maxLength: 3 }),
  }),
);

function damaged(bytes: Uint8Array, { missing, changes }: typeof damage extends fc.Arbitrary<infer T> ? T : never) {
  const left = bytes.slice(0, bytes.length - missing);
  for (const { at, to } of changes) left[at % left.length] = to;
  return left;
}

/** Captures as this makes them leave the same behind either way, and the core takes its part of them. */
function agree<Style>(
  t: ExecutionContext,
  style: fc.Arbitrary<Style>,
  captureOf: (sights: readonly Sight[], style: Style) => Uint8Array,
): void {
  let taken = 0;
  let all = 0;
  fc.assert(
    fc.property(
      rules,
      often<Record<string, number>>({}, fc.oneof(sysctls, fc.constant({ "net.netfilter.nf_conntrack_checksum": 0 }))),
      devices,
      style,
      events,
      fc.constantFrom(1e15, 1.7e15, 4.1e15),
      damage,
      often(VERIFY_ALL, fc.constantFrom(IGNORE_ALL, LEFT_TO_CARDS, { ...IGNORE_ALL, partial: true })),
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 4 }),
      (rules, sysctl, devices, how, events, from, harm, checksums, sizes) => {
        const sights = sightsOf(events, from, makeFirewall(rules, sysctl, ADDRESSED));
        const bytes = damaged(captureOf(sights, how), harm);
        const stream = makeFirewall(rules, sysctl, devices);
        const seen = goAtOnce(stream, bytes, checksums, sizes);
        const expected = goOneByOne(makeFirewall(rules, sysctl, devices), bytes, checksums);
        t.deepEqual(stateOf(seen), stateOf(expected));
        seen.left.forEach((hex, number) => {
          // One by one, headers whose checksums are taken as right get right ones.
          if (expected.left[number] !== undefined && !checksums.ignoreReceived)
            t.is(hex, expected.left[number], `packet ${number + 1}`);
          taken++;
        });
        all += events.length;
        stream.close();
      },
    ),
    { numRuns: 100 },
  );
  t.log(`${taken} of ${all} packets were taken by the core`);
  t.true(taken > all / 30);
}

test("a stream of packets leaves the same behind as packets one by one: pcap", (t) => {
  agree(t, pcapStyle, pcapOf);
});

test("a stream of packets leaves the same behind as packets one by one: pcapng", (t) => {
  agree(t, pcapngStyle, pcapngOf);
});

/** Who sends: the client, or the server. */
const TALK = [true, false, true, true, false, false, true, false];

test("a program gets the totals of a capture that it hands over in pieces, and what is wrong with it", (t) => {
  const events = TALK.map((forth): Event => ({ ...ORDINARY, carries: "udp", forth, flow: 0, flags: 0 }));
  const rules = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m state --state NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n";
  const sights = sightsOf(events, 1e15, makeFirewall(rules, {}, ADDRESSED));
  const bytes = pcapOf(sights, { link: LINK_LAYERS[0], nanoseconds: false, little: true });
  const firewall = makeFirewall(rules, {}, ADDRESSED);
  const replay = new CaptureReplay(firewall);
  for (let at = 0; at < bytes.length - 1; at += 7) replay.push(bytes.subarray(at, Math.min(at + 7, bytes.length - 1)));
  const totals = replay.end();
  t.is(replay.error?.kind, "truncated");
  const packets = TALK.length - 1;
  t.deepEqual(totals, {
    packets,
    bytes: packets * 28,
    notIp: 0,
    emitted: packets,
    verdicts: { DROP: 0, ACCEPT: packets, REJECT: 0, QUEUED: 0 },
    states: { none: 0, NEW: 1, ESTABLISHED: packets - 1, RELATED: 0, INVALID: 0, UNTRACKED: 0 },
    paths: { none: 0, forward: packets, input: 0, output: 0 },
  });
  t.regex(firewall.save(4), new RegExp(`\\[${packets}:${packets * 28}\\] -A FORWARD`));
  t.throws(() => new CaptureReplay(firewall, { dev: "eth9" }), { message: "there is no interface eth9" });
});

/** A datagram an ms from a client to a server behind `wan0` and back. */
function datagrams(count: number): Sight[] {
  const talk = new Talk();
  return Array.from({ length: count }, (_, i) => {
    const { dev, bytes } = talk.packet({
      ...ORDINARY,
      carries: "udp",
      forth: i % 2 === 0,
      flow: 0,
      payload: i % 4,
      flags: 0,
    });
    return { time: 1.7e15 + i * 1000, dev, packet: bytes, whole: 0, stranger: false };
  });
}

const FORWARD = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m state --state INVALID -j DROP\nCOMMIT\n";
const PLAIN: InterfaceStyle = { link: 0, resolution: 0, says: false, offset: 0 };
const NAMED: SectionStyle = {
  little: true,
  others: 0,
  names: ["lan0", "wan0"],
  swapped: false,
  interfaces: [PLAIN, PLAIN],
};
const USUAL: PcapngStyle = {
  sections: [NAMED],
  mixed: false,
  forms: ["plain"],
  between: ["nothing"],
  link: LINK_LAYERS[0],
};

/** How many of 200 datagrams the core takes, and how their devices were found. */
function take(t: ExecutionContext, style: PcapngStyle): [taken: number, arrivals: Arrivals] {
  const firewall = makeFirewall(FORWARD, {}, ADDRESSED);
  const { left, arrivals, error } = goAtOnce(firewall, pcapngOf(datagrams(200), style), VERIFY_ALL, [100_000]);
  t.is(error, null);
  firewall.close();
  return [left.filter((packet) => packet !== undefined).length, arrivals];
}

test("the core takes pcapng's packets, of several interfaces in turn, in µs and ns", (t) => {
  for (const resolution of [0, 1]) {
    const interfaces: [InterfaceStyle, InterfaceStyle] = [PLAIN, { ...PLAIN, resolution }];
    const [taken, { counts }] = take(t, { ...USUAL, sections: [{ ...NAMED, interfaces }] });
    t.true(taken >= 190, `${taken}`);
    t.is(counts[BY_NAME], 200);
    const [nameless, arrivals] = take(t, { ...USUAL, sections: [{ ...NAMED, names: ["", ""], interfaces }] });
    t.true(nameless >= 190, `${nameless}`);
    t.is(arrivals.counts[BY_MAC], 200);
  }
});

test("what pcapng says of a packet beside its bytes keeps that one from the core, and no other", (t) => {
  for (const form of ["comment", "in", "end", "obsolete"]) {
    const [taken] = take(t, { ...USUAL, forms: [...new Array<string>(9).fill("plain"), form] });
    t.true(taken >= 170 && taken <= 180, `${form}: ${taken}`);
  }
  for (const kind of ["statistics", "unknown", "interface"]) {
    const [taken] = take(t, { ...USUAL, between: [...new Array<string>(9).fill("nothing"), kind] });
    t.true(taken >= 170 && taken <= 180, `${kind}: ${taken}`);
  }
});

test("packets come from more link-layer addresses than the core keeps", (t) => {
  const bytes = pcapOf(datagrams(4000), { link: LINK_LAYERS[0], nanoseconds: false, little: true });
  const view = new DataView(bytes.buffer);
  for (let at = 24, i = 0; at < bytes.length; at += 16 + view.getUint32(at + 8, true), i++)
    view.setUint32(at + 24, (i % 7) * (i % 100));
  const [once, alone] = [makeFirewall(FORWARD, {}, ADDRESSED), makeFirewall(FORWARD, {}, ADDRESSED)];
  const seen = goAtOnce(once, bytes, VERIFY_ALL, [100_000]);
  t.deepEqual(stateOf(seen), stateOf(goOneByOne(alone, bytes, VERIFY_ALL)));
  const taken = seen.left.reduce((sum) => sum + 1, 0);
  t.true(taken > 1000 && taken < 3500, `${taken} packets were taken`);
  once.close();
});

/** More ports than the core keeps ways, each of its own rule; packets to the same port come together. */
for (const [what, together] of [
  ["no use", 2],
  ["of use", 12],
] as const)
  test(`rules tell so many packets apart that the core forgets their ways: knowing them is ${what}`, (t) => {
    const ports = Array.from({ length: 3500 }, (_, i) => i + 1);
    const accepting = ports.map(
      (port) => `-A FORWARD -p udp -m udp --dport ${port} -j ${port % 7 === 0 ? "DROP" : "ACCEPT"}`,
    );
    const rules = `*filter\n:FORWARD DROP [0:0]\n${accepting.join("\n")}\n-A FORWARD -m state --state INVALID\nCOMMIT\n`;
    const sights = datagrams(2 * together * ports.length)
      .filter(({ dev }) => dev === "lan0")
      .map((sight, i) => {
        new DataView(sight.packet.buffer).setUint16(22, ports[Math.floor(i / together) % ports.length]);
        new DataView(sight.packet.buffer).setUint16(26, 0);
        return sight;
      });
    const bytes = pcapOf(sights, { link: LINK_LAYERS[1], nanoseconds: false, little: true });
    const [once, alone] = [makeFirewall(rules, {}, ADDRESSED), makeFirewall(rules, {}, ADDRESSED)];
    const seen = goAtOnce(once, bytes, VERIFY_ALL, [100_000]);
    t.deepEqual(stateOf(seen), stateOf(goOneByOne(alone, bytes, VERIFY_ALL)));
    const taken = seen.left.reduce((sum) => sum + 1, 0) / sights.length;
    t.true(together > 8 ? taken > 0.8 : taken < 0.5, `${taken} of the packets were taken`);
    once.close();
  });
