import test from "ava";
import { bytesOfHex } from "../bytes/hex.ts";
import { Tally } from "../flow/tally.ts";
import type { Step } from "../packet/step.ts";
import type { Outcome } from "../path/firewall.ts";
import { disagreementLines } from "./disagreement.ts";
import { OutcomeLines, outcomeJson, shortBy, timeText } from "./outcome.ts";
import { count, grouped, PLAIN } from "./paint.ts";
import { stepLines } from "./steps.ts";
import { connectionLines, counterLines, totalLines } from "./totals.ts";
import { wrapped, wrappedLines } from "./wrap.ts";

const SYN = bytesOfHex("4500002800014000400606910a000002c63364090fa0005000000064000000005002ffff6b500000")!;
/** The same, from 203.0.113.1 (checksums as they were). */
const SYN_OUT = "45000028000140003f060691cb007101c63364090fa0005000000064000000005002ffff6b500000";

const FORWARDED: Outcome = {
  in: "lan0",
  path: "forward",
  state: "NEW",
  verdict: "ACCEPT",
  by: { table: "filter", chain: "FORWARD", rule: 2 },
  out: [{ dev: "wan0", bytes: SYN_OUT }],
  entry: "tcp      6 120 SYN_SENT src=10.0.0.2 dst=198.51.100.9",
};

test("JSON has the documented keys in the documented order", (t) => {
  t.is(
    outcomeJson(1, 1_700_000_000_000_001, FORWARDED),
    '{"packet":1,"time":"1700000000.000001","in":"lan0","path":"forward","state":"NEW","verdict":"ACCEPT",' +
      `"by":{"table":"filter","chain":"FORWARD","rule":2},"out":[{"dev":"wan0","bytes":"${SYN_OUT}"}],` +
      '"entry":"tcp      6 120 SYN_SENT src=10.0.0.2 dst=198.51.100.9"}',
  );
  t.is(timeText(0), "0.000000");
  t.is(timeText(1_234_567), "1.234567");
});

test("a packet on a line, and on a few when the terminal is narrow", (t) => {
  const line = { number: 1, elapsed: 0, outcome: FORWARDED, bytes: SYN, instead: null, delivered: null };
  const dropped: Outcome = {
    ...FORWARDED,
    verdict: "DROP",
    by: { policy: "DROP", table: "filter", chain: "FORWARD" },
    out: [],
    entry: null,
  };
  const answered: Outcome = {
    ...dropped,
    verdict: "REJECT",
    by: { table: "filter", chain: "FORWARD", rule: 9 },
    out: [{ dev: "lan0", bytes: SYN_OUT }],
  };
  const all = [
    line,
    { ...line, number: 2, elapsed: 1500, outcome: dropped },
    { ...line, number: 3, elapsed: 61_000_000, outcome: { ...FORWARDED, state: "ESTABLISHED" as const } },
    { ...line, number: 4, elapsed: 61_000_001, outcome: answered },
    {
      ...line,
      number: 5,
      elapsed: 61_000_002,
      outcome: { ...dropped, by: { reason: "not IP: ARP" } },
      instead: "42 bytes",
    },
  ];
  const told = (width: number) => {
    const lines = new OutcomeLines(PLAIN, width, { device: 9, packet: 41 });
    return `${[lines.header(), ...all.flatMap((one) => lines.lines(one))].join("\n")}\n`;
  };
  t.is(
    told(Number.POSITIVE_INFINITY),
    `  #        time  device     packet                                     state        verdict  decided by
  1    0.000000  lan0→wan0  tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]    NEW          ACCEPT   FORWARD 2   from 203.0.113.1
  2    0.001500  lan0       tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]    NEW          DROP     FORWARD policy
  3   61.000000  lan0→wan0  tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]    ESTABLISHED  ACCEPT   FORWARD 2   from 203.0.113.1
  4   61.000001  lan0       tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]    NEW          REJECT   FORWARD 9   ↩ lan0 tcp 203.0.113.1:4000 > 198.51.100.9:80 [S]
  5   61.000002  lan0       42 bytes                                   NEW          DROP     not IP: ARP
`,
  );
  t.is(
    told(100),
    `  #     time  device     packet                                     state    verdict  decided by
  1    0.000  lan0→wan0  tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]    NEW      ACCEPT   FORWARD 2
                         from 203.0.113.1
  2    0.001  lan0       tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]    NEW      DROP     FORWARD policy
  3   61.000  lan0→wan0  tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]    ESTAB    ACCEPT   FORWARD 2
  4   61.000  lan0       tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]    NEW      REJECT   FORWARD 9
                         ↩ lan0 tcp 203.0.113.1:4000 > 198.51.100.9:80 [S]
  5   61.000  lan0       42 bytes                                   NEW      DROP     not IP: ARP
`,
  );
});

test("long lines break between words, colours are not counted", (t) => {
  t.deepEqual(wrapped("one two three four", 9, 2), ["one two", "  three", "  four"]);
  t.deepEqual(wrapped("\u001b[1mone\u001b[0m two", 7, 2), ["\u001b[1mone\u001b[0m two"]);
  t.deepEqual(wrapped("averylongword b", 5, 2), ["averylongword", "  b"]);
  t.deepEqual(wrappedLines(["  one two three", "four"], 10, 2), ["  one two", "    three", "four"]);
});

test("what decided, short", (t) => {
  t.is(shortBy({ table: "nat", chain: "PREROUTING", rule: 1 }), "nat PREROUTING 1");
  t.is(shortBy({ table: "filter", chain: "INPUT", policy: "DROP" }), "INPUT policy");
  t.is(shortBy({ reason: "martian source" }), "martian source");
});

const rule = (chain: string, n: number) => ({ table: "filter", chain, rule: n }) as const;
const STEPS: Step[] = [
  { kind: "hook", hook: "PREROUTING", packet: "tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]" },
  { kind: "created", entry: "tcp 6 SYN_SENT" },
  { kind: "state", state: "NEW", entry: null },
  { kind: "route", text: "forward by wan0" },
  { kind: "hook", hook: "FORWARD", packet: "tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]" },
  { kind: "table", table: "filter", chain: "FORWARD" },
  { kind: "missed", at: rule("FORWARD", 1), text: "-A FORWARD -i wan0 -j DROP", because: "it came in on lan0" },
  { kind: "matched", at: rule("FORWARD", 2), text: "-A FORWARD -p tcp -j web", does: "jump web" },
  {
    kind: "missed",
    at: rule("web", 1),
    text: "-A web -p tcp -m tcp --dport 443 -j ACCEPT",
    because: "destination port is 80",
  },
  { kind: "matched", at: rule("web", 2), text: "-A web -j empty", does: "jump empty" },
  { kind: "return", table: "filter", chain: "empty" },
  { kind: "return", table: "filter", chain: "web" },
  { kind: "log", line: "IN=lan0 OUT=wan0 " },
  { kind: "matched", at: rule("FORWARD", 3), text: "-A FORWARD -j ACCEPT", does: "ACCEPT" },
  { kind: "confirmed", entry: "tcp      6 120 SYN_SENT mark=0 use=1" },
  { kind: "hook", hook: "POSTROUTING", packet: "tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]" },
  { kind: "nat", text: "source 203.0.113.1:4000" },
  { kind: "emit", dev: "wan0", packet: "tcp 203.0.113.1:4000 > 198.51.100.9:80 [S]" },
];

test("steps are a tree of hooks, tables, chains and rules", (t) => {
  t.is(
    `${stepLines(STEPS, { paint: PLAIN, full: false }).join("\n")}\n`,
    `PREROUTING  tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]
  conntrack  created  tcp 6 SYN_SENT
  conntrack  NEW
routing  forward by wan0
FORWARD  tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]
  filter FORWARD
    ·  1  -i wan0 -j DROP                        it came in on lan0
    ✓  2  -p tcp -j web                          → jump web
      ·  1  -p tcp -m tcp --dport 443 -j ACCEPT  destination port is 80
      ✓  2  -j empty                             → jump empty
        end of empty
      end of web
    log  IN=lan0 OUT=wan0
    ✓  3  -j ACCEPT                              → ACCEPT
  conntrack  confirmed  tcp 6 120 SYN_SENT
POSTROUTING  tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]
  nat  source 203.0.113.1:4000
leaves  wan0 > tcp 203.0.113.1:4000 > 198.51.100.9:80 [S]
`,
  );
});

test("a long run of rules that did not match is folded, unless all is asked for", (t) => {
  const steps: Step[] = [{ kind: "table", table: "filter", chain: "INPUT" }];
  for (let n = 1; n <= 100; n++)
    steps.push({ kind: "missed", at: rule("INPUT", n), text: `-A INPUT -s 10.0.0.${n}/32 -j DROP`, because: "no" });
  steps.push({ kind: "policy", table: "filter", chain: "INPUT", verdict: "ACCEPT" });
  t.deepEqual(stepLines(steps, { paint: PLAIN, full: false }), [
    "filter INPUT",
    "  ·  1  -s 10.0.0.1/32 -j DROP     no",
    "  ·  2  -s 10.0.0.2/32 -j DROP     no",
    "  ·  3  -s 10.0.0.3/32 -j DROP     no",
    "  ⋮     94 rules more that did not match",
    "  · 98  -s 10.0.0.98/32 -j DROP    no",
    "  · 99  -s 10.0.0.99/32 -j DROP    no",
    "  · 100  -s 10.0.0.100/32 -j DROP  no",
    "  policy                           → ACCEPT",
  ]);
  t.is(stepLines(steps, { paint: PLAIN, full: true }).length, 102);
});

test("an answer's own way stands inside", (t) => {
  const steps: Step[] = [
    { kind: "hook", hook: "FORWARD", packet: "udp 10.0.0.2:1 > 198.51.100.9:2" },
    { kind: "table", table: "filter", chain: "FORWARD" },
    {
      kind: "answer",
      text: "icmp 10.0.0.1 > 10.0.0.2 port-unreachable",
      steps: [
        { kind: "hook", hook: "OUTPUT", packet: "icmp 10.0.0.1 > 10.0.0.2" },
        { kind: "state", state: "RELATED", entry: null },
        { kind: "emit", dev: "lan0", packet: "icmp 10.0.0.1 > 10.0.0.2" },
      ],
    },
    {
      kind: "matched",
      at: rule("FORWARD", 1),
      text: "-A FORWARD -j REJECT",
      does: "REJECT with icmp-port-unreachable",
    },
  ];
  t.deepEqual(stepLines(steps, { paint: PLAIN, full: false }), [
    "FORWARD  udp 10.0.0.2:1 > 198.51.100.9:2",
    "  filter FORWARD",
    "    answers  icmp 10.0.0.1 > 10.0.0.2 port-unreachable",
    "      OUTPUT  icmp 10.0.0.1 > 10.0.0.2",
    "        conntrack  RELATED",
    "      leaves  lan0 > icmp 10.0.0.1 > 10.0.0.2",
    "    ✓  1  -j REJECT  → REJECT with icmp-port-unreachable",
  ]);
});

test("colours do not move columns", (t) => {
  const loud = (text: string) => `\u001b[1m${text}\u001b[0m`;
  const paint = { good: loud, bad: loud, warn: loud, dim: loud, strong: loud, name: loud };
  const painted = stepLines(STEPS, { paint, full: false });
  t.deepEqual(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
    painted.map((line) => line.replace(/\u001b\[\dm/g, "")),
    stepLines(STEPS, { paint: PLAIN, full: false }),
  );
});

const SAVED = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [2:80]
[1:40] -A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [3:120]
:FORWARD DROP [0:0]
:web - [0:0]
[0:0] -A FORWARD -i wan0 -j DROP
[12345:1234567] -A FORWARD -j web
[0:0] -A web -j RETURN
COMMIT
`;

test("only chains and rules that saw packets are listed", (t) => {
  t.deepEqual(counterLines(SAVED, PLAIN), [
    "  nat POSTROUTING (policy ACCEPT: 2 packets, 80 bytes)",
    "     1          1            40  -o wan0 -j MASQUERADE",
    "  filter INPUT (policy DROP: 3 packets, 120 bytes)",
    "  filter FORWARD (policy DROP)  1 rule matched nothing",
    "     2     12,345     1,234,567  -j web",
  ]);
  t.deepEqual(counterLines("", PLAIN), []);
  t.deepEqual(connectionLines(["a", "b", "c"], 2), ["  a", "  b", "  … and 1 connection more"]);
});

test("totals by verdict, state and path", (t) => {
  const tally = new Tally();
  tally.addOutcome(1e6, 40, FORWARDED);
  tally.addOutcome(3.5e6, 40, { ...FORWARDED, verdict: "DROP", state: null, path: "none", out: [] });
  tally.addNotIp(2e6);
  t.deepEqual(totalLines(tally, PLAIN), [
    "3 packets in 2.5 s of traffic, 1 packet left the host",
    "  verdict  ACCEPT 1   DROP 1",
    "  state    none 1   NEW 1",
    "  path     none 1   forward 1",
    "  not IP    1",
  ]);
  t.is(grouped(1234567), "1,234,567");
  t.is(count(1, "packet"), "1 packet");
});

test("a disagreement shows both sides, packets in words and bytes, and what each did", (t) => {
  const packet = "4500001d0000000040116ece0a000002c633640900050006000917e861";
  const lines = disagreementLines(
    {
      subject: "a.pcap, packet 3: lan0 > udp",
      differences: [
        { what: "state", expected: "NEW", seen: "INVALID" },
        { what: "out", expected: `wan0 ${packet}`, seen: "" },
      ],
      names: { expected: "Linux 6.18", seen: "the twin" },
      expectedSteps: [{ kind: "state", state: "NEW", entry: null }],
      seenSteps: [{ kind: "invalid", reason: "short packet" }],
    },
    { paint: PLAIN, full: false },
  );
  t.deepEqual(lines.slice(0, 4), [
    "a.pcap, packet 3: lan0 > udp",
    "  state",
    "    expected (Linux 6.18)  NEW",
    "    seen (the twin)        INVALID",
  ]);
  t.regex(lines[5], /^ {4}expected \(Linux 6\.18\) {2}wan0 > udp 10\.0\.0\.2:5 > 198\.51\.100\.9:6 /);
  t.is(lines[6].trim(), packet);
  t.is(lines[7], "    seen (the twin)        no packet");
  t.deepEqual(lines.slice(8), [
    "",
    "What the twin did",
    "  conntrack  INVALID: short packet",
    "",
    "What Linux 6.18 traced",
    "  conntrack  NEW",
  ]);
});
