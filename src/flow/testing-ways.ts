/** For tests: a capture through a firewall both ways, at full speed and one packet after the other, and all that each leaves behind. */
import { type CaptureError, CaptureReader, CaptureRecord, readCapture } from "../bytes/capture.ts";
import { hexOf } from "../bytes/hex.ts";
import { linkLength } from "../bytes/link.ts";
import type { PlainRecords } from "../bytes/record.ts";
import { Host } from "../host/host.ts";
import { Firewall, PATH_NAMES, STATE_NAMES, VERDICT_NAMES } from "../path/firewall.ts";
import { type Event, Talk } from "../path/testing.ts";
import { registry } from "../registry.ts";
import { parseRules } from "../rules/check.ts";
import type { Ruleset } from "../rules/ruleset.ts";
import { Arrivals } from "./arrival.ts";
import type { ChecksumFindings } from "./checksums.ts";
import { type Counting, Intake } from "./intake.ts";
import { macOf, type Sight } from "./testing.ts";

/** Which devices have link-layer addresses, by which a packet's is found, and how long packets may be there. */
export interface Devices {
  readonly macs: readonly string[];
  readonly mtu: number;
}

export const ADDRESSED: Devices = { macs: ["lan0", "wan0"], mtu: 1500 };
export function rulesetOf(text: string): Ruleset {
  const { ruleset, errors } = parseRules(text, { family: 4, file: "rules", registry });
  if (errors.length > 0) throw new Error(errors[0].message);
  return ruleset;
}

export function makeFirewall(rules: string, sysctl: Record<string, number>, { macs, mtu }: Devices): Firewall {
  const device = (name: string, address: string) => ({
    addresses: [address],
    mtu,
    ...(macs.includes(name) ? { mac: macOf(name) } : {}),
  });
  return new Firewall({
    rules: rulesetOf(rules),
    host: new Host({
      interfaces: { lan0: device("lan0", "10.0.0.1/24"), wan0: device("wan0", "203.0.113.1/24") },
      routes: ["default via 203.0.113.254 dev wan0", "198.51.100.128/25 dev lan0", "unreachable 192.0.2.0/24"],
      sysctl: { "net.ipv4.icmp_ratelimit": 0, ...sysctl },
    }),
  });
}

export class Counts implements Counting {
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

export interface Seen {
  /** Of packets that were forwarded, as they left, in hexadecimal; by the packets' numbers from 0. */
  readonly left: readonly (string | undefined)[];
  readonly counts: Counts;
  readonly arrivals: Arrivals;
  readonly firewall: Firewall;
  /** What was wrong with the capture. */
  readonly error: CaptureError | null;
}

/** One by one, and nowhere near the core. */
export function goOneByOne(firewall: Firewall, bytes: Uint8Array, checksums: ChecksumFindings): Seen {
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
export function goAtOnce(
  firewall: Firewall,
  bytes: Uint8Array,
  checksums: ChecksumFindings,
  sizes: readonly number[],
): Seen {
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
export function sightsOf(events: readonly Event[], from: number, watch: Firewall): Sight[] {
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

export const stateOf = ({ counts, arrivals, firewall, error }: Seen) => ({
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
