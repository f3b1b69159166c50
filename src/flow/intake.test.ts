/**
 * What goes through a firewall at full speed leaves the same behind as packets that go through it one by one: counters,
 * connections, totals, how devices were found.
 */
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { beginning, type Event, event, ORDINARY, often, sysctls } from "../path/testing.ts";
import { type ChecksumFindings, IGNORE_ALL, VERIFY_ALL } from "./checksums.ts";
import { pcapngOf, pcapngStyle, pcapOf, pcapStyle, type Sight } from "./testing.ts";
import { ADDRESSED, type Devices, goAtOnce, goOneByOne, makeFirewall, sightsOf, stateOf } from "./testing-ways.ts";

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

const rulesOf = (most: number) =>
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

const devices: fc.Arbitrary<Devices> = fc.record({
  macs: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(["lan0", "wan0"], []) },
    { weight: 1, arbitrary: fc.constant(["lan0"]) },
  ),
  mtu: often(1500, fc.constant(80)),
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
const rules = fc.oneof(rulesOf(6), rulesOf(2));
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
