/**
 * What goes through a firewall at full speed leaves the same behind as packets that go through it one by one: counters,
 * connections, totals, how devices were found.
 */
import test from "ava";
import fc from "fast-check";
import { CaptureReader, CaptureRecord, readCapture } from "../bytes/capture.ts";
import { hexOf } from "../bytes/hex.ts";
import { Host } from "../host/host.ts";
import { loadRuleset } from "../index.ts";
import { Firewall, PATH_NAMES, STATE_NAMES, VERDICT_NAMES } from "../path/firewall.ts";
import { beginning, type Event, event, ORDINARY, often, sysctls, Talk } from "../path/testing.ts";
import { Arrivals } from "./arrival.ts";
import { CaptureReplay } from "./capture-replay.ts";
import { VERIFY_ALL } from "./checksums.ts";
import { type Counting, Intake } from "./intake.ts";

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
  "-s 10.0.0.0/255.0.0.255",
  "-m conntrack --ctdir REPLY",
  "-m dscp --dscp 4",
  "-m tos --tos 0x10/0x3f",
  "-m length --length 0:60",
  "-m ttl --ttl-gt 60",
  "-m mark --mark 0x0",
  "-m limit --limit 5/min",
  "-m statistic --mode nth --every 3 --packet 0",
];
const TARGETS = ["-j ACCEPT", "-j DROP", "-j RETURN", "-j A", "-g A", "", "-j REJECT", "-j MARK --set-mark 1"];

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

const ruleset = fc
  .record({
    nat: fc.boolean(),
    raw: often("", fc.constantFrom(RAW, RAW.replace("COMMIT", "-A PREROUTING -p udp -j NOTRACK\nCOMMIT"))),
    policy: often("ACCEPT", fc.constant("DROP")),
    filter: lines(
      "FORWARD",
      TARGETS.filter((target) => !target.includes("MARK")),
      6,
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

/** Link layers of captures; whether devices have link-layer addresses by which a packet's is found, and how long packets may be there. */
const LINKS = [
  { linkType: 1, length: 14, mac: true, padTo: 60, mtu: 1500 },
  { linkType: 1, length: 14, mac: true, padTo: 60, mtu: 80 },
  { linkType: 1, length: 14, mac: false, padTo: 60, mtu: 1500 },
  { linkType: 101, length: 0, mac: false, padTo: 0, mtu: 1500 },
  { linkType: 113, length: 16, mac: false, padTo: 0, mtu: 1500 },
] as const;
type Link = (typeof LINKS)[number];

const MACS: Readonly<Record<string, number>> = { lan0: 1, wan0: 2 };

function makeFirewall(rules: string, sysctl: Record<string, number>, { mac, mtu }: Link): Firewall {
  const device = (name: string, address: string) => ({
    addresses: [address],
    mtu,
    ...(mac ? { mac: `02:00:00:00:00:0${MACS[name]}` } : {}),
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

/** A pcap file, packet by packet. */
class Capture {
  readonly #records: Uint8Array[] = [];
  readonly #link: Link;
  readonly #nanoseconds: boolean;

  constructor(link: Link, nanoseconds: boolean) {
    this.#link = link;
    this.#nanoseconds = nanoseconds;
    const header = new Uint8Array(24);
    const view = new DataView(header.buffer);
    view.setUint32(0, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, true);
    view.setUint16(4, 2, true);
    view.setUint16(6, 4, true);
    view.setUint32(16, 65535, true);
    view.setUint32(20, link.linkType, true);
    this.#records.push(header);
  }

  add(time: number, dev: string, packet: Uint8Array, cutFrom: number, stranger: boolean): void {
    const { length, linkType, padTo } = this.#link;
    const whole = Math.max(length + packet.length, cutFrom > 0 ? 0 : padTo);
    const record = new Uint8Array(16 + whole);
    const view = new DataView(record.buffer);
    view.setUint32(0, Math.floor(time / 1e6), true);
    view.setUint32(4, this.#nanoseconds ? (time % 1e6) * 1000 + 7 : time % 1e6, true);
    view.setUint32(8, whole, true);
    view.setUint32(12, cutFrom > 0 ? length + cutFrom : whole, true);
    if (linkType === 1) record.set([2, 0, 0, 0, 0, stranger ? 9 : MACS[dev], 2, 0, 0, 0, 1, MACS[dev], 8, 0], 16);
    if (linkType === 113) record.set([0, stranger ? 1 : 0, 0, 1, 0, 6, 2, 0, 0, 0, 1, MACS[dev], 0, 0, 8, 0], 16);
    record.set(packet, 16 + length);
    this.#records.push(record);
  }

  get bytes(): Uint8Array {
    const all = new Uint8Array(this.#records.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const record of this.#records) {
      all.set(record, at);
      at += record.length;
    }
    return all;
  }
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

  addNotIp(): void {
    throw new Error("all are IP");
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
}

/** One by one, and nowhere near the core. */
function goOneByOne(firewall: Firewall, bytes: Uint8Array): Seen {
  const arrivals = new Arrivals(firewall.host, { device: null, checksums: VERIFY_ALL });
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
    arrivals.load(record, packet);
    const { length } = packet;
    firewall.run();
    counts.add(record.time, length, result.verdict, result.state, result.path, result.emitted);
    number++;
  };
  readCapture(bytes, use, new CaptureRecord());
  return { left, counts, arrivals, firewall };
}

/** `left` holds only packets that the core took, also those that it dropped, as they are then. */
function goAtOnce(firewall: Firewall, bytes: Uint8Array, link: Link, sizes: readonly number[]): Seen {
  const arrivals = new Arrivals(firewall.host, { device: null, checksums: VERIFY_ALL });
  const counts = new Counts();
  const reader = new CaptureReader();
  const intake = new Intake(firewall, arrivals, counts);
  const record = new CaptureRecord();
  const left: (string | undefined)[] = [];
  let number = 0;
  const add = counts.add.bind(counts);
  counts.add = (...numbers) => {
    number++;
    add(...numbers);
  };
  const { stream } = firewall;
  const run = stream.run.bind(stream);
  stream.run = (records) => {
    const from = records?.at ?? 0;
    run(records);
    const { view, at } = records ?? { view: new DataView(new ArrayBuffer(0)), at: from };
    for (let record = from; record < at; record += 16 + view.getUint32(record + 8, true)) {
      const start = record + 16 + link.length;
      left[number++] = hexOf(new Uint8Array(view.buffer), start, start + view.getUint16(start + 2));
    }
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
  return { left, counts, arrivals, firewall };
}

/** The capture of a talk, of which a firewall's NAT may change who the servers see. */
function captureOf(events: readonly Event[], link: Link, nanoseconds: boolean, watch: Firewall): Uint8Array {
  const capture = new Capture(link, nanoseconds);
  const talk = new Talk();
  let time = 1e15;
  for (const [i, e] of events.entries()) {
    const { dev, bytes } = talk.packet(e);
    time += 1000 + e.seconds * 1e6;
    const cut = e.fault === "cut" ? bytes.length + 7 : 0;
    capture.add(time, dev, bytes, cut, i % 37 === 36);
    const { out } = watch.receive(dev, bytes, { time, steps: true, ...(cut > 0 ? { wire: cut } : {}) });
    const left = e.forth ? out.find(({ dev: by }) => by === "wan0")?.bytes : undefined;
    if (e.carries !== "ping" && left !== undefined && left.length >= 48)
      talk.seenAs[e.flow] = [Number.parseInt(left.slice(24, 32), 16) | 0, Number.parseInt(left.slice(40, 44), 16)];
  }
  return capture.bytes;
}

const stateOf = ({ counts, arrivals, firewall }: Seen) => ({
  rules: firewall.save(4),
  connections: firewall.connections(4, { extended: true }),
  by: Object.fromEntries([...counts.by].sort()),
  bytes: counts.bytes,
  emitted: counts.emitted,
  span: [counts.first, counts.last],
  arrivals: [...arrivals.counts],
  cut: arrivals.cut,
  now: firewall.host.now,
});

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

test("a program gets the totals of a capture that it hands over in pieces, and what is wrong with it", (t) => {
  const events = TALK.map((forth): Event => ({ ...ORDINARY, carries: "udp", forth, flow: 0, flags: 0 }));
  const link = LINKS[0];
  const rules = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m state --state NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n";
  const bytes = captureOf(events, link, false, makeFirewall(rules, {}, link));
  const firewall = makeFirewall(rules, {}, link);
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

/** Who sends: the client, or the server. */
const TALK = [true, false, true, true, false, false, true, false];

test("a stream of packets leaves the same behind as packets one by one", (t) => {
  let taken = 0;
  let all = 0;
  fc.assert(
    fc.property(
      ruleset,
      often<Record<string, number>>({}, fc.oneof(sysctls, fc.constant({ "net.netfilter.nf_conntrack_checksum": 0 }))),
      fc.constantFrom(...LINKS),
      fc.boolean(),
      ordinary,
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 4 }),
      (rules, sysctl, link, nanoseconds, talks, times, sizes) => {
        const events = Array.from({ length: times }, () => talks.flat()).flat();
        const bytes = captureOf(events, link, nanoseconds, makeFirewall(rules, sysctl, LINKS[0]));
        const stream = makeFirewall(rules, sysctl, link);
        const seen = goAtOnce(stream, bytes, link, sizes);
        const expected = goOneByOne(makeFirewall(rules, sysctl, link), bytes);
        t.deepEqual(stateOf(seen), stateOf(expected));
        seen.left.forEach((hex, number) => {
          if (expected.left[number] !== undefined) t.is(hex, expected.left[number], `packet ${number + 1}`);
          taken++;
        });
        all += events.length;
        stream.close();
      },
    ),
    { numRuns: 300 },
  );
  t.log(`${taken} of ${all} packets were taken by the core`);
  t.true(taken > all / 10);
});
