import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test from "ava";
import { bundle } from "../../scripts/constants.mjs";
import { CaptureReader } from "../bytes/capture.ts";
import { ipv4HeaderCheck } from "../bytes/checksum.ts";
import { LINKTYPE_ETHERNET, LINKTYPE_LINUX_SLL, LINKTYPE_RAW, LinkFrame } from "../bytes/link.ts";
import { PcapngWriter } from "../bytes/pcapng-writer.ts";
import { CaptureRecord } from "../bytes/record.ts";
import { buildPacket } from "../flow/build.ts";
import { parseLine } from "../flow/parse.ts";
import { Packet } from "../packet/packet.ts";
import { run } from "./commands.ts";
import { Failure } from "./failure.ts";

const CLI = `dist/cli-test-${process.pid}.mjs`;
const FOLDER = mkdtempSync(join(tmpdir(), "firetwin-"));
const file = (name: string) => join(FOLDER, name);

const RULES = `# a router
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lan0 -p tcp -m tcp --dport 23 -j REJECT --reject-with icmp-port-unreachable
-A FORWARD -i lan0 -m state --state NEW -j ACCEPT
COMMIT
`;
const COMMANDS = `#!/bin/sh
# the same, as commands
iptables -t nat -A POSTROUTING -o wan0 -j MASQUERADE
iptables -P INPUT DROP
iptables -P FORWARD DROP
iptables -A FORWARD -m state --state ESTABLISHED,RELATED -j ACCEPT
iptables -A FORWARD -i lan0 -p tcp --dport 23 -j REJECT
iptables -A FORWARD -i lan0 -m state --state NEW -j ACCEPT
ip6tables -P FORWARD DROP
`;
const HOST = `interfaces:
  lan0: {addresses: [10.0.0.1/24]}
  wan0: {addresses: [203.0.113.1/24]}
routes: [default dev wan0]
`;
/** Device and packet, a tenth of a second apart. */
const TRAFFIC: readonly (readonly [string, string])[] = [
  ["lan0", "tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]"],
  ["wan0", "tcp 198.51.100.9:80 > 203.0.113.1:4000 [S.] seq 5000 ack 1"],
  ["lan0", "tcp 10.0.0.2:4000 > 198.51.100.9:80 [.] seq 1 ack 5001"],
  ["lan0", "tcp 10.0.0.2:4001 > 198.51.100.9:23 [S]"],
  ["wan0", "udp 198.51.100.9:9 > 203.0.113.1:9 length 3"],
];

function bytesOf(text: string): Uint8Array {
  const node = parseLine(`x > ${text}`);
  if (node.kind !== "event" || node.action.kind !== "packet") throw new Error(text);
  return buildPacket(node.action.packet).bytes;
}

function capture(): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new PcapngWriter((chunk) => chunks.push(chunk.slice()));
  const ids = new Map(["lan0", "wan0"].map((name) => [name, writer.addInterface({ name, linkType: LINKTYPE_RAW })]));
  for (const [i, [device, text]] of TRAFFIC.entries()) {
    const bytes = bytesOf(text);
    writer.packet(ids.get(device)!, 1_700_000_000_000_000 + i * 100_000, 0, bytes, 0, bytes.length);
  }
  // A frame that is no IP packet.
  const ether = writer.addInterface({ name: "lan0", linkType: LINKTYPE_ETHERNET });
  const arp = Uint8Array.of(255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1);
  writer.packet(ether, 1_700_000_000_500_000, 0, arp, 0, arp.length);
  writer.flush();
  return Uint8Array.of(...chunks.flatMap((chunk) => [...chunk]));
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function firetwin(args: readonly string[], input?: Uint8Array): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, FORCE_COLOR: "0", NODE_OPTIONS: "" }, maxBuffer: 1 << 24 };
    const child = execFile(process.execPath, [CLI, ...args], options, (error, out, err) => {
      if (error !== null && typeof error.code !== "number") reject(error);
      else resolve({ code: (error?.code as number | undefined) ?? 0, out, err });
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

const ALL = ["--rules", file("rules.v4"), "--host", file("host.yaml")];

test.before(async () => {
  await bundle({
    entryPoints: ["src/cli/main.ts"],
    outfile: CLI,
    platform: "node",
    target: "node20",
    packages: "external",
  });
  writeFileSync(file("rules.v4"), RULES);
  writeFileSync(file("commands.sh"), COMMANDS);
  writeFileSync(file("host.yaml"), HOST);
  writeFileSync(file("c.pcapng"), capture());
});

test.after.always(() => {
  rmSync(CLI, { force: true });
  rmSync(`${CLI}.map`, { force: true });
  rmSync(FOLDER, { recursive: true, force: true });
});

test("replay --format json: an object per packet, the files beside it, from a pipe and compressed alike", async (t) => {
  const files = [
    "--counters",
    file("counters"),
    "--counters6",
    file("counters6"),
    "--conntrack",
    file("ct"),
    "--write",
    file("o.pcapng"),
  ];
  const [plain, piped, commands] = await Promise.all([
    firetwin(["replay", file("c.pcapng"), ...ALL, "--format", "json", ...files]),
    firetwin(
      ["replay", "-", ...ALL, "--format", "json", "--conntrack", file("extended"), "--extended"],
      gzipSync(capture()),
    ),
    firetwin([
      "replay",
      file("c.pcapng"),
      "--rules",
      file("commands.sh"),
      "--host",
      file("host.yaml"),
      "--format",
      "json",
    ]),
  ]);
  t.is(plain.code, 0, plain.err);
  t.is(piped.out, plain.out);
  t.is(commands.out, plain.out);
  const packets = plain.out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  t.deepEqual(Object.keys(packets[0]), ["packet", "time", "in", "path", "state", "verdict", "by", "out", "entry"]);
  t.deepEqual(
    packets.map(({ packet, time, in: dev, path, state, verdict, by }) => [packet, time, dev, path, state, verdict, by]),
    [
      [1, "1700000000.000000", "lan0", "forward", "NEW", "ACCEPT", { table: "filter", chain: "FORWARD", rule: 3 }],
      [
        2,
        "1700000000.100000",
        "wan0",
        "forward",
        "ESTABLISHED",
        "ACCEPT",
        { table: "filter", chain: "FORWARD", rule: 1 },
      ],
      [
        3,
        "1700000000.200000",
        "lan0",
        "forward",
        "ESTABLISHED",
        "ACCEPT",
        { table: "filter", chain: "FORWARD", rule: 1 },
      ],
      [4, "1700000000.300000", "lan0", "forward", "NEW", "REJECT", { table: "filter", chain: "FORWARD", rule: 2 }],
      [5, "1700000000.400000", "wan0", "input", "NEW", "DROP", packets[4].by],
      [6, "1700000000.500000", "lan0", "none", null, "NONE", { reason: "not IP: ARP" }],
    ],
  );
  t.is(packets[4].by.policy, "DROP");
  t.deepEqual(
    packets.map(({ out }) => out.map(({ dev }: { dev: string }) => dev)),
    [["wan0"], ["lan0"], ["wan0"], ["lan0"], [], []],
  );
  t.regex(packets[2].entry, /^tcp +6 432000 ESTABLISHED src=10\.0\.0\.2 dst=198\.51\.100\.9 .*\[ASSURED\]/);
  t.is(packets[3].entry, null);
  t.regex(
    readFileSync(file("counters"), "utf8"),
    /\[2:80\] -A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT\n\[1:40\] -A FORWARD -i lan0 -p tcp/,
  );
  t.is(readFileSync(file("counters6"), "utf8"), "");
  t.regex(readFileSync(file("ct"), "utf8"), /^tcp +6 \d+ ESTABLISHED src=10\.0\.0\.2 [^\n]*\n$/);
  t.is(readFileSync(file("extended"), "utf8"), `ipv4     2 ${readFileSync(file("ct"), "utf8")}`);
  t.deepEqual(written(readFileSync(file("o.pcapng"))), [
    "wan0 ACCEPT NEW, FORWARD 3",
    "lan0 ACCEPT ESTABLISHED, FORWARD 1",
    "wan0 ACCEPT ESTABLISHED, FORWARD 1",
    "lan0 REJECT NEW, FORWARD 2",
  ]);
});

/** Device and comment of each packet; every frame is an outgoing cooked one. */
function written(bytes: Uint8Array): string[] {
  const reader = new CaptureReader();
  const record = new CaptureRecord();
  const found: string[] = [];
  reader.push(bytes);
  reader.end();
  while (reader.next(record)) {
    if (record.interface.linkType !== LINKTYPE_LINUX_SLL || record.data[record.start + 1] !== 4)
      throw new Error("frame");
    found.push(`${record.interface.name} ${record.comment}`);
  }
  return found;
}

/** Sizes of the blocks of a pcapng file; throws where one does not end as it began or an option is not padded. */
function blocksOf(bytes: Uint8Array): [type: number, length: number][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const blocks: [number, number][] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    if (length % 4 !== 0 || view.getUint32(at + length - 4, true) !== length) throw new Error(`block at ${at}`);
    blocks.push([view.getUint32(at, true), length]);
    at += length;
  }
  return blocks;
}

test("--write: IPv6, fragments and packets that the capture cut are written whole or said to be cut", async (t) => {
  const sent: readonly (readonly [string, number])[] = [
    ["tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]", 0],
    ["tcp 10.0.0.2:4000 > 198.51.100.9:80 [.] length 1000", 60],
    ["udp [2001:db8:1::2]:1 > [2001:db8::9]:53 length 5", 0],
    ['proto udp 2001:db8:1::2 > 2001:db8::9 data "abcdefgh" frag 7@0+', 0],
    ["udp 10.0.0.2:1 > 198.51.100.9:53 length 3 frag 9@0+", 0],
    ["tcp 10.0.0.2:4000 > 198.51.100.9:80 [.] length 20000", 0],
  ];
  const chunks: Uint8Array[] = [];
  const writer = new PcapngWriter((chunk) => chunks.push(chunk.slice()));
  const id = writer.addInterface({ name: "lan0", linkType: LINKTYPE_RAW });
  for (const [text, cut] of sent) {
    const bytes = bytesOf(text);
    writer.packet(id, 1_700_000_000_000_000, 0, bytes, 0, cut === 0 ? bytes.length : cut, bytes.length);
  }
  writer.flush();
  writeFileSync(file("six.pcapng"), Uint8Array.of(...chunks.flatMap((chunk) => [...chunk])));
  writeFileSync(
    file("six.yaml"),
    `interfaces:
  lan0: {addresses: [10.0.0.1/24, "2001:db8:1::1/64"]}
  wan0: {addresses: [203.0.113.1/24, "2001:db8:2::1/64"], mtu: 65000, mac: "02:00:00:00:00:02"}
routes: [default dev wan0, "::/0 dev wan0"]
`,
  );
  writeFileSync(file("six.rules"), "*mangle\n-A FORWARD -m comment --comment all -j ACCEPT\nCOMMIT\n");
  const { code } = await firetwin([
    ...["replay", file("six.pcapng"), "--rules", file("six.rules"), "--rules6", file("six.rules")],
    ...["--host", file("six.yaml"), "--write", file("six.out")],
  ]);
  t.is(code, 0);
  const bytes = readFileSync(file("six.out"));
  t.deepEqual(
    blocksOf(bytes).map(([type]) => type),
    [0x0a0d0d0a, 1, 6, 6, 6, 6, 6, 6],
  );
  const reader = new CaptureReader();
  const record = new CaptureRecord();
  reader.push(bytes);
  reader.end();
  const frame = new LinkFrame();
  const p = new Packet();
  for (const [text, cut] of sent) {
    t.true(reader.next(record), text);
    const { data, view, start, end, wireLength } = record;
    const family = frame.parse(LINKTYPE_LINUX_SLL, data, view, start, end, false);
    const { length } = bytesOf(text);
    p.load(data, view, frame.start, frame.end);
    t.is(family, p.family, text);
    t.is(wireLength - (frame.start - start), length, `${text}: length on the wire`);
    t.is(frame.end - frame.start, cut === 0 ? length : cut, `${text}: bytes that are there`);
    if (p.family === 4) t.is(ipv4HeaderCheck(view, p.start, 20), view.getUint16(p.start + 10), text);
    t.regex(record.comment ?? "", /^ACCEPT, /, text);
  }
  t.false(reader.next(record));
});

test("replay as text tells each packet, rules, connections, totals and how it knew", async (t) => {
  const { out, code } = await firetwin(["replay", file("c.pcapng"), ...ALL]);
  t.is(code, 0);
  t.regex(out, /^ {2}#.* time {2}device +packet +state +verdict {2}decided by\n/);
  t.regex(
    out,
    /\n {2}1 +0\.000000 {2}lan0→wan0 +tcp 10\.0\.0\.2:4000 > 198\.51\.100\.9:80 \[S\] +NEW +ACCEPT +FORWARD 3 +from 203\.0\.113\.1\n/,
  );
  t.regex(
    out,
    /\n {2}4 .* REJECT +FORWARD 2 +↩ lan0 icmp 10\.0\.0\.1 > 10\.0\.0\.2 port-unreachable \(tcp 10\.0\.0\.2:4001 > 198\.51\.100\.9:23 \[S\]\)\n/,
  );
  t.regex(out, /\n {2}5 .* DROP +INPUT policy\n/);
  t.regex(out, /\n {2}6 .* 16 bytes, not IP: ARP .* NONE/);
  t.regex(out, /\nRules that matched\n[\s\S]*filter FORWARD \(policy DROP\)\n {5}1 +2 +80 {2}-m state/);
  t.regex(out, /\nConnections \(1\)\n {2}tcp /);
  t.regex(
    out,
    /\n6 packets in 0\.5 s of traffic, 4 packets left the host\n {2}verdict {2}ACCEPT 3 {3}DROP 1 {3}REJECT 1\n/,
  );
  t.regex(out, /\n {2}arrived on the capture's interface of that name: 5 packets\n$/);
});

test("replay --quiet is totals only; --trace adds steps", async (t) => {
  const [quiet, trace, guessed] = await Promise.all([
    firetwin(["replay", file("c.pcapng"), ...ALL, "--quiet"]),
    firetwin(["replay", file("c.pcapng"), ...ALL, "--trace"]),
    firetwin(["replay", file("c.pcapng"), "--rules", file("rules.v4"), "--quiet"]),
  ]);
  t.regex(quiet.out, /^6 packets in [\s\S]*state +none 1 {3}NEW 3|^6 packets in [\s\S]*NEW 3 {3}ESTABLISHED 2/);
  t.false(quiet.out.includes("FORWARD"));
  t.regex(
    trace.out,
    /\n {6}FORWARD {2}tcp[\s\S]*\n {8}filter FORWARD\n {10}· {2}1 {2}-m state --state RELATED,ESTABLISHED -j ACCEPT +its state NEW/,
  );
  t.regex(guessed.out, /\n {2}No --host given\. Guessed from the capture: lan0 /);
});

test("a capture that ends early: results so far, a warning, exit code 2", async (t) => {
  const { out, err, code } = await firetwin(["replay", "-", ...ALL, "--format", "json"], capture().slice(0, -20));
  t.is(code, 2);
  t.is(out.trimEnd().split("\n").length, 5);
  t.regex(err, /standard input: packet 6 at byte \d+ is cut off/);
  t.regex(err, /The results are those of the 5 packets before that\./);
});

test("a reader that goes away ends the program quietly", async (t) => {
  const many = new Uint8Array(24 + 20000 * 56);
  const view = new DataView(many.buffer);
  view.setUint32(0, 0xa1b2c3d4);
  view.setUint32(4, 0x00020004);
  view.setUint32(16, 65535);
  view.setUint32(20, LINKTYPE_RAW);
  const packet = bytesOf(TRAFFIC[0][1]);
  for (let i = 0; i < 20000; i++) {
    view.setUint32(24 + 56 * i + 8, 40);
    view.setUint32(24 + 56 * i + 12, 40);
    many.set(packet, 24 + 56 * i + 16);
  }
  writeFileSync(file("many.pcap"), many);
  const child = spawn(process.execPath, [CLI, "replay", file("many.pcap"), ...ALL, "--format", "json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let err = "";
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.on("close", resolve));
  t.is(code, 0);
  t.is(err, "");
});

test("explain shows every step of one packet, or of a few", async (t) => {
  const [one, few, json] = await Promise.all([
    firetwin(["explain", ...ALL, "lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]"]),
    firetwin(["explain", "--rules", file("rules.v4"), "lan0 > udp 10.0.0.2:4000 > 198.51.100.9:53; reply"]),
    firetwin(["explain", ...ALL, "--format", "json", "local > udp 203.0.113.1:1 > 198.51.100.9:53"]),
  ]);
  t.is(one.code, 0, one.err);
  t.regex(one.out, /^lan0 > tcp 10\.0\.0\.2:4000 > 198\.51\.100\.9:80 \[S\]\n {2}PREROUTING /);
  t.regex(one.out, /\n {6}✓ {2}3 {2}-i lan0 -m state --state NEW -j ACCEPT +→ ACCEPT\n/);
  t.regex(
    one.out,
    /\n {2}leaves {2}wan0 > tcp 203\.0\.113\.1:4000 > 198\.51\.100\.9:80 \[S\]\nACCEPT {2}NEW {2}by filter FORWARD rule 3\n$/,
  );
  t.regex(
    few.out,
    /\n\nwan0 > udp 198\.51\.100\.9:53 > 203\.0\.113\.1:4000 data "a"\n[\s\S]*ACCEPT {2}ESTABLISHED {2}by filter FORWARD rule 1\n$/,
  );
  const outcome = JSON.parse(json.out);
  t.is(outcome.path, "output");
  t.true(outcome.steps.length > 0);
});

test("test runs scripts; a failed expectation is shown with its steps and exit code 1", async (t) => {
  writeFileSync(
    file("good.flow"),
    `test "out"\nlan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] => accept by filter FORWARD 3, from 203.0.113.1:4000\nreply => to 10.0.0.2\nexpect connections 1\n`,
  );
  writeFileSync(file("bad.flow"), "wan0 > tcp 198.51.100.9:1 > 203.0.113.1:22 [S] => accept\n");
  writeFileSync(file("broken.flow"), "lan0 > tpc 10.0.0.2:1 > 10.0.0.3:2\n");
  writeFileSync(file("lost.flow"), "rules nowhere.v4\nlan0 > udp 10.0.0.2:1 > 10.0.0.3:2\n");
  const [good, bad, folder, rules] = await Promise.all([
    firetwin(["test", file("good.flow")]),
    firetwin(["test", file("good.flow"), file("bad.flow")]),
    firetwin(["test", FOLDER]),
    firetwin(["test", file("rules.v4")]),
  ]);
  t.is(good.code, 0, good.err + good.out);
  t.regex(good.out, /^✓ .*good\.flow: out {2}2 packets, 5 expectations\n1 script, 1 test: 5 passed, 0 failed\n$/);
  t.is(bad.code, 1);
  t.regex(
    bad.out,
    /bad\.flow:1:51\n {2}1 \| wan0 > tcp[\s\S]* {4}expected {2}ACCEPT\n {4}happened {2}DROP by the policy of filter INPUT\n[\s\S]*policy +→ DROP/,
  );
  t.regex(bad.out, /\n2 scripts, 2 tests: 5 passed, 1 failed\n$/);
  t.is(rules.code, 2);
  t.regex(rules.err, /\n… and \d+ mistakes more\n/);
  t.is(folder.code, 2);
  t.regex(
    folder.err,
    /broken\.flow:1:8: “tpc” cannot stand here[\s\S]*\n1 \| lan0 > tpc 10\.0\.0\.2:1 > 10\.0\.0\.3:2\n {2}\| {8}\^\^\^\n/,
  );
  t.regex(folder.err, /nowhere\.v4 cannot be read: there is no such file/);
});

test("check and fmt", async (t) => {
  writeFileSync(file("wrong.v4"), RULES.replace("--dport 23", "--dport 99999"));
  const [fine, wrong, saved, counted] = await Promise.all([
    firetwin(["check", file("rules.v4"), file("commands.sh")]),
    firetwin(["check", file("wrong.v4")]),
    firetwin(["fmt", file("commands.sh")]),
    firetwin(["fmt", "-c", "-"], new TextEncoder().encode(RULES.replace("-A FORWARD -i", "[3:4] -A FORWARD -i"))),
  ]);
  t.is(fine.code, 0, fine.err);
  t.regex(fine.out, /rules\.v4: IPv4, 2 tables, 7 chains, 4 rules: fine\n.*commands\.sh: .* fine\n$/);
  t.is(wrong.code, 2);
  t.regex(
    wrong.err,
    /wrong\.v4:14:\d+: .*99999[\s\S]*\n14 \| -A FORWARD -i lan0 -p tcp -m tcp --dport 99999[^\n]*\n +\| +\^+/,
  );
  t.regex(saved.out, /-A FORWARD -i lan0 -p tcp -m tcp --dport 23 -j REJECT --reject-with icmp-port-unreachable\n/);
  t.regex(counted.out, /\[3:4\] -A FORWARD -i lan0 -p tcp/);
});

test("a user's mistake is one sentence and exit code 2, never a stack", async (t) => {
  const c = file("c.pcapng");
  const mistakes: [string[], RegExp][] = [
    [[], /^Which command\?/],
    [["replya"], /^Did you mean replay\?/],
    [["replay"], /^firetwin replay needs a capture/],
    [["replay", "-", ...ALL, "--rules", "-"], /^Standard input \(-\) can be read only once/],
    [["replay", c, ...ALL, "--seed", "x"], /^--seed takes a whole number/],
    [["replay", c, "--rules="], /^A file has an empty name/],
    [["fmt", c], /c\.pcapng is not a rules file: it is not text/],
    [["check", c], /c\.pcapng is not a rules file: it is not text/],
    [["replay", c], /^Which rules\?/],
    [["replay", c, ...ALL, "--bogus"], /^firetwin does not know “bogus”/],
    [["replay", c, ...ALL, "--format", "xml"], /^--format takes "text" or "json", not "xml"/],
    [["replay", c, ...ALL, "--in", "eth9"], /^--in eth9: the host has no such device; it has lo, lan0, wan0/],
    [["replay", file("none"), ...ALL], /none cannot be read: there is no such file/],
    [["replay", FOLDER, ...ALL], /is a folder, not a capture/],
    [["replay", file("rules.v4"), ...ALL], /this is neither pcap nor pcapng/],
    [["replay", c, ...ALL, "--counters", "/nonexistent/x"], /\/nonexistent\/x cannot be written/],
    [["replay", c, "--rules", c], /is not a rules file: it is not text/],
    [["explain", ...ALL, "lan9 > tcp 10.0.0.2:1 > 10.0.0.3:2"], /the host has no device “lan9”/],
    [["explain", ...ALL, "lan0 > tcp 10.0.0.2 > 10.0.0.3:2"], /^packet:1:12: tcp needs a port/],
    [["explain", ...ALL, " "], /^The packet to explain is empty/],
    [["test", file("none.flow")], /there is no such file/],
    [["replay", c, ...ALL, "--speed", "2"], /^--speed is for --engine kernel/],
    [["replay", c, ...ALL, "--engine", "kernel", "--speed", "0"], /^--speed takes a number above 0/],
    [["replay", c, ...ALL, "--engine", "netmap"], /^--engine takes "twin" or "kernel", not "netmap"/],
  ];
  for (const [args, sentence] of mistakes) {
    const error = await t.throwsAsync(run(args), { instanceOf: Failure }, args.join(" "));
    t.regex(error.message, sentence);
    t.is(error.code, 2);
  }
  const [{ err, code, out }, version] = await Promise.all([firetwin(["replay"]), firetwin(["--version"])]);
  t.is(err, "firetwin replay needs a capture; firetwin replay --help says more.\n");
  t.is(out, "");
  t.is(code, 2);
  t.regex(version.out, /^\d+\.\d+\.\d+\n$/);
});

const COUNTED = RULES.replace(":FORWARD DROP [0:0]", ":FORWARD DROP [7:700]").replace(
  "-A FORWARD -i lan0 -m",
  "[40:4000] -A FORWARD -i lan0 -m",
);

test("counters go on from those in the rules; the report tells what the replay added", async (t) => {
  writeFileSync(file("counted.v4"), COUNTED);
  writeFileSync(file("uncounted.v4"), COUNTED.replace(":INPUT DROP [0:0]", ":INPUT DROP"));
  const args = (rules: string) => ["replay", file("c.pcapng"), "--rules", file(rules), "--host", file("host.yaml")];
  const [counted, fresh, uncounted, text] = await Promise.all([
    firetwin([...args("counted.v4"), "--quiet", "--counters", "-"]),
    firetwin([...args("rules.v4"), "--quiet", "--counters", "-"]),
    firetwin([...args("uncounted.v4"), "--quiet", "--counters", "-"]),
    firetwin(args("counted.v4")),
  ]);
  t.regex(counted.out, /^:FORWARD DROP \[7:700\]$/m);
  t.regex(counted.out, /^\[41:4040\] -A FORWARD -i lan0 -m state --state NEW -j ACCEPT$/m);
  t.regex(fresh.out, /^\[1:40\] -A FORWARD -i lan0 -m state --state NEW -j ACCEPT$/m);
  // iptables-restore -c refuses a chain without counters: then nothing is taken over.
  t.regex(uncounted.out, /^:FORWARD DROP \[0:0\]$/m);
  t.regex(uncounted.out, /^\[1:40\] -A FORWARD -i lan0 -m state --state NEW -j ACCEPT$/m);
  t.regex(text.out, /filter FORWARD \(policy DROP\)/);
  t.regex(text.out, / {9}1 {12}40 {2}-i lan0 -m state --state NEW -j ACCEPT\n/);
});

/** Timeouts are read an instant later, and the kernel does not say why it drops. */
const comparable = (lines: string) =>
  lines
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .map(({ entry, by, ...rest }) => ({
      ...rest,
      by: by.reason === undefined ? by : "a reason",
      entry: entry?.replace(/^(\S+ +\d+) \d+/, "$1") ?? null,
    }));

test("--engine kernel says the same, or in a sentence why it cannot be asked", async (t) => {
  const json = ["replay", file("c.pcapng"), ...ALL, "--format", "json"];
  writeFileSync(
    file("kernel.flow"),
    "rules rules.v4\nlan0 > udp 10.0.0.2:1 > 198.51.100.9:2 => accept\nreply => accept\n",
  );
  const [twin, kernel, commands, script, verified, told] = await Promise.all([
    firetwin(json),
    firetwin([...json, "--engine", "kernel"]),
    firetwin([...json, "--engine", "kernel", "--rules", file("commands.sh")]),
    firetwin(["test", file("kernel.flow"), "--engine", "kernel"]),
    firetwin(["verify", file("c.pcapng"), ...ALL]),
    firetwin(["explain", ...ALL, "lan0 > tcp 10.0.0.2:1 > 198.51.100.9:23 [S]", "--engine", "kernel"]),
  ]);
  const asked = [kernel, commands, script, verified, told];
  if (asked.every(({ code }) => code === 2)) {
    for (const { err, out } of asked) {
      t.regex(err, /^(The|the) kernel engine (needs|may not) [^\n]+\n$/);
      t.is(out, "");
    }
    return;
  }
  for (const { code, err } of asked) t.is(code, 0, err);
  const wanted = comparable(twin.out).map(({ out, ...rest }) => ({ ...rest, out: out.length }));
  for (const { out } of [kernel, commands])
    t.deepEqual(
      comparable(out).map(({ out, ...rest }) => ({ ...rest, out: out.length })),
      wanted,
    );
  t.regex(script.out, /2 packets, 2 expectations\n1 script, 1 test: 2 passed, 0 failed\n$/);
  t.regex(verified.out, /^5 packets: the twin and Linux \S+ agree\n/);
  t.regex(told.out, /filter FORWARD\n {4}✓ {2}2 {2}-i lan0 -p tcp -m tcp --dport 23 -j REJECT[^\n]*→ REJECT\n/);
});

test("Ctrl-C ends a replay where it is: what was found is told", async (t) => {
  const child = spawn(process.execPath, [CLI, "replay", "-", ...ALL, "--in", "lan0"], {
    env: { ...process.env, FORCE_COLOR: "0", NODE_OPTIONS: "" },
  });
  // Not "exit": what it said may come later.
  const closed = once(child, "close");
  let out = "";
  let err = "";
  child.stderr.on("data", (piece) => {
    err += piece;
  });
  // The pipe stays open: the capture has no end. What came of it is told at once.
  child.stdin.write(capture());
  for await (const piece of child.stdout) {
    out += piece;
    if (!child.killed && /\n {2}6 /.test(out)) child.kill("SIGINT");
  }
  await closed;
  t.is(child.signalCode, "SIGINT");
  t.regex(out, /\nConnections \(1\)[\s\S]*\n6 packets in /);
  t.is(err, "Interrupted after 6 packets.\n");
});

test("no text commands the terminal", async (t) => {
  writeFileSync(file("esc.v4"), "*filter\n-A INPUT -m comment --comment \u001b[2J -j \u001b]0;X\u0007\nCOMMIT\n");
  const { err, code } = await firetwin(["check", file("esc.v4")]);
  t.is(code, 2);
  t.regex(err, /--comment ␛\[2J -j ␛\]0;X␇\n/);
  t.false(err.includes("\u001b"));
});

test("fmt takes text without counters", async (t) => {
  const bare = "*filter\n:INPUT DROP\n:OUTPUT ACCEPT\n-A INPUT -j ACCEPT\nCOMMIT\n";
  const { out, code } = await firetwin(["fmt", "-"], Buffer.from(bare));
  t.is(code, 0);
  t.regex(out, /\n:INPUT DROP \[0:0\]\n/);
});

test("explain takes a packet as one word or as several", async (t) => {
  const packet = "lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]; reply";
  const [one, several] = await Promise.all([
    firetwin(["explain", ...ALL, packet]),
    firetwin(["explain", ...ALL, ...packet.split(" ")]),
  ]);
  t.is(one.code, 0);
  t.deepEqual(several, one);
});

test("--write - leaves standard output to the capture", async (t) => {
  const args = ["replay", file("c.pcapng"), ...ALL];
  const [piped, plain] = [await firetwin([...args, "--write", "-"]), await firetwin(args)];
  t.is(piped.err, plain.out);
  t.is(piped.out.charCodeAt(0), 0x0a, "the magic of pcapng");
});
