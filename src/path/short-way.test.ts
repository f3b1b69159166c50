/** Ordinary packets take short ways where nobody listens: they must lead where the long ones do. */
import test from "ava";
import fc from "fast-check";
import { Host } from "../host/host.ts";
import { loadRuleset, packet } from "../index.ts";
import { IPPROTO_UDP } from "../packet/transport.ts";
import { Firewall, type Outcome } from "./firewall.ts";

const RULES = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i wan0 -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.9:80
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
-A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -m state --state INVALID -j REJECT
-A FORWARD -i lan0 -j ACCEPT
-A FORWARD -i wan0 -p tcp --dport 80 -j ACCEPT
COMMIT
`;

const firewall = () =>
  new Firewall({
    rules: loadRuleset(RULES),
    host: new Host({
      interfaces: { lan0: ["10.0.0.1/24"], wan0: ["203.0.113.1/24"] },
      routes: ["default via 203.0.113.254 dev wan0"],
      sysctl: {
        "net.ipv4.icmp_ratelimit": 0,
        "net.ipv4.icmp_msgs_per_sec": 1_000_000,
        "net.ipv4.icmp_msgs_burst": 1_000_000,
      },
    }),
  });

const TALK: readonly (readonly [dev: string, notation: string])[] = [
  ["lan0", "tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] seq 100 win 60000"],
  ["wan0", "tcp 198.51.100.9:80 > 203.0.113.1:4000 [S.] seq 900 ack 101 win 60000"],
  ["lan0", "tcp 10.0.0.2:4000 > 198.51.100.9:80 [.] seq 101 ack 901 win 60000"],
  ["lan0", "tcp 10.0.0.2:4000 > 198.51.100.9:80 [P.] seq 101 ack 901 win 60000 length 33"],
  ["wan0", "tcp 198.51.100.9:80 > 203.0.113.1:4000 [F.] seq 901 ack 134 win 0"],
  ["lan0", "tcp 10.0.0.2:4000 > 198.51.100.9:80 [R] seq 134 win 0"],
  ["wan0", "tcp 198.51.100.7:999 > 203.0.113.1:8080 [S] seq 1 win 1000"],
  ["lan0", "tcp 10.0.0.9:80 > 198.51.100.7:999 [S.] seq 7 ack 2 win 1000"],
  ["lan0", "udp 10.0.0.2:5353 > 198.51.100.9:53 length 20"],
  ["wan0", "udp 198.51.100.9:53 > 203.0.113.1:5353 length 99"],
  ["wan0", "udp 198.51.100.9:53 > 203.0.113.1:9 length 3"],
  ["lan0", "icmp 10.0.0.2 > 198.51.100.9 echo-request id 7 seq 1 length 20"],
  ["lan0", "icmp 10.0.0.2 > 10.0.0.1 echo-request id 9 seq 1"],
];

/** A packet of the talk, maybe with one byte of its headers changed, cut, or its header summed anew. */
const event = fc.record({
  of: fc.nat(TALK.length - 1),
  at: fc.oneof({ weight: 3, arbitrary: fc.constant(-1) }, fc.nat(45)),
  value: fc.nat(255),
  end: fc.oneof({ weight: 6, arbitrary: fc.constant(2000) }, fc.nat(60)),
  mend: fc.boolean(),
  /** UDP without a checksum. */
  unsummed: fc.boolean(),
});

type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

function bytesOf({ of, at, value, end, mend, unsummed }: Event): Uint8Array {
  const bytes = packet(TALK[of][1]);
  if (unsummed && bytes[9] === IPPROTO_UDP) bytes.fill(0, 26, 28);
  if (at >= 0 && at < bytes.length) bytes[at] = value;
  if (mend) sumHeader(bytes);
  return bytes.subarray(0, Math.min(end, bytes.length));
}

function sumHeader(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = Math.min((bytes[0] & 15) * 4, bytes.length & ~1);
  if (length < 20) return;
  view.setUint16(10, 0);
  let sum = 0;
  for (let i = 0; i < length; i += 2) sum += view.getUint16(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum & 0xffff);
}

const withoutSteps = ({ steps, ...rest }: Outcome) => rest;

test("whoever listens hears of the same fate, and every drop has a reason", (t) => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 25 }), (events) => {
      const [silent, telling] = [firewall(), firewall()];
      for (const [i, what] of events.entries()) {
        const bytes = bytesOf(what);
        const time = 1e15 + i * 1e6;
        const dev = TALK[what.of][0];
        const short = silent.receive(dev, bytes, { time });
        t.deepEqual(short, withoutSteps(telling.receive(dev, bytes, { time, steps: true })));
        if ("reason" in short.by) t.not(short.by.reason, "");
      }
      t.is(silent.save(4), telling.save(4));
      t.deepEqual(silent.connections(), telling.connections());
      silent.close();
    }),
    { numRuns: 400 },
  );
});
