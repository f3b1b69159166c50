import test from "ava";
import { parseIpv4 } from "../bytes/address.ts";
import { hexOf } from "../bytes/hex.ts";
import { PACKET_BROADCAST, PACKET_HOST, PACKET_OTHERHOST, Packet } from "../packet/packet.ts";
import type { ChainCounters, Outcome } from "../path/firewall.ts";
import type { PacketInput, ReplayEngine } from "./engine.ts";
import { printPacket } from "./notation.ts";
import { type CaseResult, runCase } from "./run.ts";
import { parseScript, splitPackets } from "./script.ts";

const INSIDE = parseIpv4("10.0.0.2")!;
const OUTSIDE = parseIpv4("203.0.113.1")!;
const HERE = parseIpv4("10.0.0.1")!;

/**
 * A firewall of a few lines: what comes from lan0 leaves by wan0 as 203.0.113.1, what comes for that goes back, what is
 * for 10.0.0.1 is delivered, port 22 is dropped by filter FORWARD 1, port 23 is answered with a reset.
 */
class Toy implements ReplayEngine {
  readonly inputs: PacketInput[] = [];
  #now = 0;
  #delivered: Uint8Array | null = null;

  packet(input: PacketInput): Outcome {
    this.inputs.push(input);
    this.#now = input.time;
    this.#delivered = null;
    const p = new Packet();
    p.loadBytes(input.bytes);
    const none = { in: input.dev, out: [], entry: null, steps: [{ kind: "note", text: "a toy saw it" }] } as const;
    if (p.dport === 22)
      return {
        ...none,
        path: "forward",
        state: "NEW",
        verdict: "DROP",
        by: { table: "filter", chain: "FORWARD", rule: 1 },
      };
    if (p.dport === 9) return { ...none, path: "none", state: null, verdict: "DROP", by: { reason: "martian source" } };
    if (p.dport === 23) {
      const reset = "450000280001000040067b5ec6336409" + "0a0000020017000a0000000000000000500400000f6b0000";
      return {
        ...none,
        path: "forward",
        state: "NEW",
        verdict: "REJECT",
        by: { table: "filter", chain: "FORWARD", rule: 2 },
        out: [{ dev: "lan0", bytes: reset }],
      };
    }
    const by = { policy: "ACCEPT", table: "filter", chain: "FORWARD" } as const;
    if (p.dst0 === HERE) {
      this.#delivered = p.bytes();
      return { ...none, path: "input", state: "NEW", verdict: "ACCEPT", by };
    }
    if (input.dev === null)
      return {
        ...none,
        path: "output",
        state: "ESTABLISHED",
        verdict: "ACCEPT",
        by,
        out: [{ dev: "lan0", bytes: hexOf(p.bytes()) }],
      };
    const out = p.dst0 === OUTSIDE ? "lan0" : "wan0";
    if (out === "lan0") p.view.setInt32(16, INSIDE);
    else p.view.setInt32(12, OUTSIDE);
    const entry =
      "tcp      6 120 SYN_SENT src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=80 [UNREPLIED] src=198.51.100.9 dst=203.0.113.1";
    return {
      ...none,
      path: "forward",
      state: out === "wan0" ? "NEW" : "ESTABLISHED",
      verdict: "ACCEPT",
      by,
      out: [{ dev: out, bytes: hexOf(p.bytes()) }],
      entry,
    };
  }

  advance(time: number): void {
    this.#now = time;
  }

  delivered(): Uint8Array | null {
    return this.#delivered;
  }

  counters(): ChainCounters[] {
    const seen = { packets: this.inputs.length, bytes: 40 * this.inputs.length };
    return [
      { table: "filter", chain: "FORWARD", policy: seen, rules: [{ packets: 3, bytes: 180 }] },
      { table: "filter", chain: "web", policy: null, rules: [] },
    ];
  }

  save(): string {
    return "";
  }

  /** One connection, for ten seconds. */
  connections(): string[] {
    return this.inputs.length > 0 && this.#now - this.inputs.at(-1)!.time < 10e6
      ? ["tcp 6 ESTABLISHED src=10.0.0.2 [ASSURED]"]
      : [];
  }

  notes(): readonly string[] {
    return [];
  }

  close(): void {}
}

const MACS = new Map<string, Uint8Array | null>([
  ["lan0", Uint8Array.of(2, 0, 0, 0, 0, 1)],
  ["wan0", null],
]);

async function run(text: string): Promise<{ results: CaseResult[]; inputs: PacketInput[] }> {
  const { script, mistakes } = parseScript(text, "x.flow");
  if (mistakes.length > 0) throw new Error(mistakes.map((m) => `${m.line}:${m.column} ${m.message}`).join("\n"));
  const results: CaseResult[] = [];
  const inputs: PacketInput[] = [];
  for (const one of script.cases) {
    const toy = new Toy();
    results.push(await runCase(one, toy, { macOf: (dev) => MACS.get(dev) }));
    inputs.push(...toy.inputs);
  }
  return { results, inputs };
}

/** What each packet of a script was, with its device and the seconds since it began. */
async function packets(text: string): Promise<string[]> {
  const { inputs } = await run(text);
  return inputs.map(
    ({ dev, bytes, time }) => `${(time - 1.7e15) / 1e6} ${dev ?? "local"} > ${printPacket(bytes, "full")}`,
  );
}

test("reply, then and again keep up a conversation through NAT", async (t) => {
  t.deepEqual(
    await packets(`
      lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] seq 100
      +0.1 reply
      +0.1 reply
      then [P.] length 10
      reply [P.] length 1000 ttl 50
      then length 500
      reply
      again
      then [F.]
      reply [R]
    `),
    [
      "0 lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] seq 100",
      "0.1 wan0 > tcp 198.51.100.9:80 > 203.0.113.1:4000 [S.] seq 5000 ack 101",
      "0.2 lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [.] seq 101 ack 5001",
      "0.2 lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [P.] seq 101 ack 5001 length 10",
      "0.2 wan0 > tcp 198.51.100.9:80 > 203.0.113.1:4000 [P.] seq 5001 ack 111 length 1000 ttl 50",
      "0.2 wan0 > tcp 198.51.100.9:80 > 203.0.113.1:4000 [P.] seq 6001 ack 111 length 500",
      "0.2 lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [.] seq 111 ack 6501",
      "0.2 lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [.] seq 111 ack 6501",
      "0.2 lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [F.] seq 111 ack 6501",
      "0.2 wan0 > tcp 198.51.100.9:80 > 203.0.113.1:4000 [R] seq 6501",
    ],
  );
});

test("each kind of packet has its natural answer", async (t) => {
  const answers: [string, string][] = [
    ["udp 10.0.0.2:4000 > 198.51.100.9:53 length 30\nreply", 'udp 198.51.100.9:53 > 203.0.113.1:4000 data "a"'],
    ["udp 10.0.0.2:4000 > 198.51.100.9:53\nreply length 500", "udp 198.51.100.9:53 > 203.0.113.1:4000 length 500"],
    [
      'icmp 10.0.0.2 > 198.51.100.9 ping id 7 seq 3 data "abc"\nreply',
      'icmp 198.51.100.9 > 203.0.113.1 echo-reply id 7 seq 3 data "abc"',
    ],
    [
      "sctp 10.0.0.2:5 > 198.51.100.9:6 [INIT tag 9]\nreply",
      "sctp 198.51.100.9:6 > 203.0.113.1:5 [INIT_ACK tag 2] vtag 9",
    ],
    [
      "sctp 10.0.0.2:5 > 198.51.100.9:6 vtag 4 [SHUTDOWN]\nreply",
      "sctp 198.51.100.9:6 > 203.0.113.1:5 [SHUTDOWN_ACK] vtag 4",
    ],
    ["tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]\nreply [R.]", "tcp 198.51.100.9:80 > 203.0.113.1:4000 [R.] ack 1"],
    [
      "tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]\nreply mss 1400 win 9",
      "tcp 198.51.100.9:80 > 203.0.113.1:4000 [S.] seq 5000 ack 1 win 9 options [mss 1400]",
    ],
    [
      "udp 10.0.0.2:4000 > 198.51.100.9:53\nreply port-unreachable",
      "icmp 198.51.100.9 > 203.0.113.1 port-unreachable (udp 203.0.113.1:4000 > 198.51.100.9:53)",
    ],
    [
      "udp 10.0.0.2:4000 > 198.51.100.9:53\nreply from 192.0.2.1 ttl-exceeded ttl 250",
      "icmp 192.0.2.1 > 203.0.113.1 time-exceeded (udp 203.0.113.1:4000 > 198.51.100.9:53) ttl 250",
    ],
    [
      "tcp 10.0.0.2:4000 > 198.51.100.9:80 [.]\nreply fragmentation-needed mtu 1400",
      "icmp 198.51.100.9 > 203.0.113.1 fragmentation-needed (tcp 203.0.113.1:4000 > 198.51.100.9:80 [.]) mtu 1400",
    ],
  ];
  for (const [text, answer] of answers) t.is((await packets(`lan0 > ${text}`))[1], `0 wan0 > ${answer}`, text);
});

test("what the host got, the host answers", async (t) => {
  t.deepEqual(await packets("lan0 > tcp 10.0.0.2:4000 > 10.0.0.1:80\nreply\nreply"), [
    "0 lan0 > tcp 10.0.0.2:4000 > 10.0.0.1:80 [S]",
    "0 local > tcp 10.0.0.1:80 > 10.0.0.2:4000 [S.] seq 5000 ack 1",
    "0 lan0 > tcp 10.0.0.2:4000 > 10.0.0.1:80 [.] seq 1 ack 5001",
  ]);
});

test("names refer to packets further back", async (t) => {
  t.deepEqual(
    (
      await packets(
        "a: lan0 > udp 10.0.0.2:1 > 198.51.100.9:53\nb: lan0 > udp 10.0.0.2:2 > 198.51.100.9:53\nreply to a\nagain a",
      )
    ).slice(2),
    ['0 wan0 > udp 198.51.100.9:53 > 203.0.113.1:1 data "a"', "0 lan0 > udp 10.0.0.2:1 > 198.51.100.9:53"],
  );
});

test("link-layer addresses say whose frame it was", async (t) => {
  const { inputs } = await run(`
    lan0 > udp 10.0.0.2:1 > 198.51.100.9:53
    lan0 > udp 10.0.0.2:1 > 198.51.100.9:53 mac 02:00:00:00:00:02
    lan0 > udp 10.0.0.2:1 > 198.51.100.9:53 mac 02:00:00:00:00:02 > 02:00:00:00:00:01
    lan0 > udp 10.0.0.2:1 > 198.51.100.9:53 mac 02:00:00:00:00:02 > 02:00:00:00:00:03
    lan0 > udp 10.0.0.2:1 > 198.51.100.9:53 mac 02:00:00:00:00:02 > ff:ff:ff:ff:ff:ff
    wan0 > udp 10.0.0.2:1 > 198.51.100.9:53 mac 02:00:00:00:00:02 > 02:00:00:00:00:03
  `);
  t.deepEqual(
    inputs.map((input) => input.packetType),
    [PACKET_HOST, PACKET_HOST, PACKET_HOST, PACKET_OTHERHOST, PACKET_BROADCAST, PACKET_HOST],
  );
  t.is(inputs[0].mac, null);
  t.is(hexOf(inputs[1].mac!), "020000000002");
});

test("expectations that hold", async (t) => {
  const { results } = await run(`
    lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] ttl 9 mss 1460
      => accept by policy filter FORWARD, state NEW, path forward, out wan0, from 203.0.113.1:4000, to 198.51.100.9:80
      => by policy, from 203.0.113.1, entry "tcp SYN_SENT [UNREPLIED] dst=203.0.113.1"
      => out wan0 > tcp 203.0.113.1:4000 > 198.51.100.9:80 [S] ttl 9 mss 1460 seq 0 length 0 df, out wan0 > ttl 9
    lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 => out wan0 > raw 450000280001400040060691cb007101c63364090fa0005000000000000000005002ffff6bb40000
    lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:22 => drop by filter FORWARD 1, nothing, no entry, state new
    lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:23 => reject with [R], out lan0 > tcp [R]
    lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:23 => reject with tcp-reset by filter FORWARD 2, out lan0
    lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:23 => reject with [R] by filter FORWARD 2
    lan0 > tcp 10.0.0.2:4000 > 10.0.0.1:80     => path input, to 10.0.0.1:80, from 10.0.0.2, nothing
    lan0 > tcp 10.0.0.2:4000 > 10.0.0.1:9      => drop because "martian", state none, path none
    expect counter filter FORWARD 1 = 3 packets, 180 bytes
    expect counter filter FORWARD policy >= 6
    expect connections 1
    expect connections > 0
    expect entry ESTABLISHED src=10.0.0.2 [ASSURED]
    expect no entry udp
    +11s expect connections = 0
  `);
  t.deepEqual(
    results[0].checks.filter((check) => check.failure !== null).map((check) => [check.claim, check.failure]),
    [],
  );
  t.is(results[0].checks.length, 43);
});

test("expectations that fail say what happened instead", async (t) => {
  const table: [string, string, string][] = [
    ["80 => drop", "DROP", "ACCEPT by the policy of filter FORWARD"],
    ["80 => state ESTABLISHED", "state ESTABLISHED", "state NEW"],
    ["9 => state NEW", "state NEW", "state none (not tracked)"],
    ["80 => by filter FORWARD 1", "by filter FORWARD rule 1", "ACCEPT by the policy of filter FORWARD"],
    ["22 => by filter FORWARD 2", "by filter FORWARD rule 2", "DROP by filter FORWARD rule 1"],
    ["22 => by policy", "by the policy", "DROP by filter FORWARD rule 1"],
    ["80 => by policy filter INPUT", "by the policy of filter INPUT", "ACCEPT by the policy of filter FORWARD"],
    ['22 => because "martian"', 'because "martian"', "DROP by filter FORWARD rule 1"],
    ['9 => because "no route"', 'because "no route"', "martian source"],
    ["80 => path input", "path input", "path forward"],
    ["80 => out lan0", "out lan0", "wan0 > tcp 203.0.113.1:4000 > 198.51.100.9:80 [S]"],
    ["22 => out lan0", "out lan0", "nothing left (DROP by filter FORWARD rule 1)"],
    ["80 => nothing", "nothing leaves", "wan0 > tcp 203.0.113.1:4000 > 198.51.100.9:80 [S]"],
    ["80 => from 10.0.0.2", "from 10.0.0.2", "wan0 > tcp 203.0.113.1:4000 > 198.51.100.9:80 [S]"],
    ["80 => to 198.51.100.9:81", "to 198.51.100.9:81", "wan0 > tcp 203.0.113.1:4000 > 198.51.100.9:80 [S]"],
    [
      "80 => out wan0 > raw 4500",
      "out wan0 > that packet",
      "wan0 > raw 450000280001400040060691cb007101c63364090fa0005000000000000000005002ffff6bb40000",
    ],
    ["80 => out wan0 > ttl 63", "out wan0 > that packet", "wan0 > tcp 203.0.113.1:4000 > 198.51.100.9:80 [S]"],
    [
      "23 => reject with port-unreachable",
      "an answer port-unreachable",
      "lan0 > tcp 198.51.100.9:23 > 10.0.0.2:10 [R]",
    ],
    [
      '80 => entry "udp"',
      "entry udp",
      "entry tcp      6 120 SYN_SENT src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=80 [UNREPLIED] src=198.51.100.9 dst=203.0.113.1",
    ],
    ['22 => entry "udp"', "entry udp", "no entry"],
    [
      "80 => no entry",
      "no entry",
      "entry tcp      6 120 SYN_SENT src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=80 [UNREPLIED] src=198.51.100.9 dst=203.0.113.1",
    ],
    ['80 => log "X"', 'log "X"', "nothing was logged"],
    ["80\nexpect counter filter FORWARD 1 = 4", "filter FORWARD rule 1 = 4 packets", "3 packets, 180 bytes"],
    ["80\nexpect counter filter FORWARD 2 = 4", "filter FORWARD rule 2 = 4 packets", "FORWARD has 1 rules"],
    [
      "80\nexpect counter filter web policy = 4",
      "filter web policy = 4 packets",
      "web is a user chain: it has no policy",
    ],
    ["80\nexpect counter nat web 1 = 4", "nat web rule 1 = 4 packets", "there is no chain web in table nat"],
    ["80\nexpect connections > 1", "connections > 1", "1 connection:\ntcp 6 ESTABLISHED src=10.0.0.2 [ASSURED]"],
    ["80\nexpect connections 2", "connections = 2", "1 connection:\ntcp 6 ESTABLISHED src=10.0.0.2 [ASSURED]"],
    ["80\nexpect entry udp", "an entry udp", "1 connection:\ntcp 6 ESTABLISHED src=10.0.0.2 [ASSURED]"],
    ["80\nexpect no entry tcp", "no entry tcp", "1 connection:\ntcp 6 ESTABLISHED src=10.0.0.2 [ASSURED]"],
    ["22\nreply", "this packet", "nobody got line 1's packet, so nobody can reply to it"],
    ["80 [R]\nreply", "this packet", "nobody replies to a reset"],
    ["23\nreply", "this packet", "nobody replies to a reset"],
    ["80\neth7 > udp 1.2.3.4:1 > 1.2.3.5:2", "this packet", "the host has no device “eth7”"],
  ];
  for (const [text, expected, happened] of table) {
    const { results } = await run(`lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:${text}`);
    const failures = results[0].checks.map((check) => check.failure).filter((failure) => failure !== null);
    t.deepEqual(failures, [{ expected, happened }], text);
  }
});

test("settings hold for a script or for one test", (t) => {
  const { script, mistakes } = parseScript(
    `rules a.v4\nhost "my host.yaml"\nsysctl net.ipv4.ip_forward=0\ntest "one"\nlan0 > udp 1.2.3.4:1 > 1.2.3.5:2
     test "two"\nrules b.v4\nrules6 b.v6\nseed 7\nsysctl net.netfilter.nf_conntrack_max = 9\nlan0 > udp 1.2.3.4:1 > 1.2.3.5:2`,
    "x.flow",
  );
  t.deepEqual(mistakes, []);
  t.deepEqual(
    script.cases.map(({ title, line, settings }) => ({ title, line, settings })),
    [
      {
        title: "one",
        line: 4,
        settings: {
          rules: "a.v4",
          rules6: null,
          host: "my host.yaml",
          seed: null,
          sysctl: { "net.ipv4.ip_forward": 0 },
        },
      },
      {
        title: "two",
        line: 6,
        settings: {
          rules: "b.v4",
          rules6: "b.v6",
          host: "my host.yaml",
          seed: 7,
          sysctl: { "net.ipv4.ip_forward": 0, "net.netfilter.nf_conntrack_max": 9 },
        },
      },
    ],
  );
});

test("times are absolute or since the line before", async (t) => {
  const udp = "lan0 > udp 10.0.0.2:1 > 198.51.100.9:53";
  const times = (await packets(`${udp}\n0.5 ${udp}\n+1.25 ${udp}\nwait 250ms\n${udp}\n1m ${udp}\n+2h again`)).map(
    (line) => line.split(" ")[0],
  );
  t.deepEqual(times, ["0", "0.5", "1.75", "2", "60", "7260"]);
});

test("every mistake of a script is found at once, each at its place", (t) => {
  const text = `=> accept
lan0 > udp 1.2.3.4:1 > 1.2.3.5:2 => by filters FORWARD 2
rules x
a: lan0 > udp 1.2.3.4:1 > 1.2.3.5:2
a: again
reply to nobody
5 again
4 again
lan0 > udp 1.2.3.4:1 > 1.2.3.5:2 => state NEWS, accept
lan0 > udp 1.2.3.4:1 > 1.2.3.5:2 => by filter FORWARD 0
lan0 > udp 1.2.3.4:1 > 1.2.3.5:2 => out wan0 > udp cksum bad
lan0 > udp 1.2.3.4:1 > 1.2.3.5:2 => accept with bogus
lan0 > udp 1.2.3.4:1 > 1.2.3.5:2 => out wan0 > raw 450
expect counter filter FORWARD 1.5 = 2
bogus`;
  const { mistakes } = parseScript(text, "x.flow");
  t.deepEqual(
    mistakes.map(({ line, column, message }) => `${line}:${column} ${message}`),
    [
      "1:4 “=>” needs a packet before it",
      "2:40 “filters” is not a table: raw, mangle, nat, filter, security",
      "5:1 “a” already names a packet of this test",
      "6:10 no packet of this test is called “nobody”",
      "8:1 time goes back: 4 after 5",
      "9:43 “NEWS” is not a state: NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED, NONE",
      "10:55 rules count from 1",
      "11:52 “cksum” cannot be compared",
      "12:49 “bogus” is no ICMPv6 type: write type N code N for what has no name",
      "13:52 raw is followed by the packet in hexadecimal, two digits a byte",
      "14:31 a rule is a whole number, not “1.5”",
      "15:1 “bogus” begins no line: write a packet (lan0 > tcp …), reply, then, again, =>, expect, wait, test, rules, rules6, host, seed or sysctl",
    ],
  );
});

test("packets on one line are separated by ;", (t) => {
  t.deepEqual(splitPackets('a > b ; reply "x;y" ;; # no\nthen'), ["a > b ", ' reply "x;y" ', "then"]);
});

test("no line takes long, and none crashes", (t) => {
  const said = (line: string) => parseScript(line, "f").mistakes.map(({ message }) => message);
  const packet = "lan0 > udp 10.0.0.2:4000 > 198.51.100.9:53";
  t.deepEqual(said(`${packet} data "${"a".repeat(500_000)}"`).length, 1);
  t.deepEqual(said(`${packet} data "${"\\x61".repeat(60_000)}"`), []);
  t.deepEqual(said(`${packet} data "${"a".repeat(1_000_000)}"`), ["the line is longer than 1000000 characters"]);
  t.deepEqual(said(`${packet} ${"ttl 5 ".repeat(100_000)}`), ["the line has more than 2000 words"]);
});
