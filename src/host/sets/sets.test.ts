/** ipsets: texts as the kernel's ipset took, refused and saved them (restore.txt), and what packets do to them. */
import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import { buildPacket } from "../../flow/build.ts";
import { parseLine } from "../../flow/parse.ts";
import { Packet } from "../../packet/packet.ts";
import { SeededRandom } from "../random.ts";
import type { SetEnvironment } from "./set.ts";
import { type IpSet, loadSets, SetError, SetQuery, SetTable } from "./sets.ts";

const SECOND = 1_000_000;

interface World extends SetEnvironment {
  now: number;
}

function world(): World {
  return {
    now: 1_700_000_000 * SECOND,
    random: new SeededRandom(1),
    interfaces: [
      { name: "", mac: null },
      { name: "lo", mac: null },
      { name: "lan0", mac: null },
    ],
  };
}

/** A packet that came in by lan0, in packet notation. */
function packet(notation: string): Packet {
  const node = parseLine(`lan0 > ${notation}`);
  if (node.kind !== "event" || node.action.kind !== "packet") throw new Error(`no packet: ${notation}`);
  const { bytes, mac } = buildPacket(node.action.packet);
  const p = new Packet();
  const frame = new Uint8Array(14 + bytes.length);
  frame.set(bytes, 14);
  if (mac !== null) frame.set(mac, 6);
  p.load(frame, new DataView(frame.buffer), 14, frame.length);
  p.inDev = 2;
  if (mac !== null) {
    p.mac = 6;
    p.macLength = 6;
  }
  return p;
}

function query(directions: string, p: Packet, options: Partial<SetQuery> = {}): SetQuery {
  return Object.assign(new SetQuery(p.family, directions.split(",") as ("src" | "dst")[]), options);
}

function inSet(set: IpSet, directions: string, notation: string, options: Partial<SetQuery> = {}): boolean {
  const p = packet(notation);
  return set.test(p, query(directions, p, options));
}

const BLOCKS = readFileSync("src/host/sets/restore.txt", "utf8").split(/^= /m).slice(1);

for (const block of BLOCKS) {
  const [title, ...lines] = block.trimEnd().split("\n");
  const input = lines.filter((line) => !/^[>!]/.test(line)).join("\n");
  const saved = lines.filter((line) => line.startsWith("> ")).map((line) => line.slice(2));
  const refusal = lines.find((line) => line.startsWith("! "))?.slice(2);
  test(`restore: ${title}`, (t) => {
    if (refusal !== undefined) {
      t.is(t.throws(() => loadSets(input, world()), { instanceOf: SetError })?.message, refusal);
      return;
    }
    const table = loadSets(input, world());
    t.deepEqual(table.save().trimEnd().split("\n"), saved);
    // What was saved is the same again, in the same order.
    t.is(loadSets(table.save(), world()).save(), table.save());
  });
}

test("restore: what the tables cover", (t) => {
  t.true(BLOCKS.filter((block) => block.includes("\n! ")).length > 40);
  t.true(BLOCKS.filter((block) => block.includes("\n> ")).length > 8);
});

test("restore: refusals of this version", (t) => {
  const refused: [text: string, sentence: RegExp][] = [
    ["create a hash:net,port,foo", /^line 1: .*'hash:net,port,foo' is unknown$/],
    ["create a hash:ip\n\nlist a", /^line 3: /],
    ["create a hash:ip\nsave", /^line 2: /],
    ["create a hash:ip\ntest a 10.0.0.1", /^line 2: /],
  ];
  for (const [text, sentence] of refused) t.regex(t.throws(() => loadSets(text, world()))?.message ?? "", sentence);
});

test("restore: any text is taken or refused with a SetError", (t) => {
  const word = fc.constantFrom(
    ..."create add del flush swap rename destroy a b c hash:ip hash:net hash:ip,port bitmap:ip list:set range timeout".split(
      " ",
    ),
    ..."10.0.0.1 10.0.0.0/30 10.0.0.1,tcp:80 10.0.0.1-10.0.0.9 10.0.0.0/24 counters comment nomatch family inet6 ::1 -1 5".split(
      " ",
    ),
    '"',
    "\\",
    "\u{1f600}",
  );
  const line = fc.array(word, { maxLength: 7 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      try {
        loadSets(lines.join("\n"), world()).save();
      } catch (error) {
        if (!(error instanceof SetError) || error.line < 1) throw error;
      }
    }),
  );
  t.pass();
});

test("without initval the order follows from the host's dice", (t) => {
  const text = `create a hash:ip\n${Array.from({ length: 30 }, (_, i) => `add a 10.0.0.${i}`).join("\n")}`;
  t.is(loadSets(text, world()).save(), loadSets(text, world()).save());
  const other = new SetTable({ ...world(), random: new SeededRandom(2) });
  other.restore(text);
  t.not(other.save(), loadSets(text, world()).save());
  t.deepEqual(other.save().split("\n").slice(1).sort(), loadSets(text, world()).save().split("\n").slice(1).sort());
});

test("packets add and delete elements", (t) => {
  // Commands of SET rules and what the kernel's sets held after one packet for each.
  const table = loadSets(
    `create ip hash:ip counters initval 0x1
create net hash:net initval 0x2
add net 10.0.0.0/24
create port hash:ip,port counters initval 0x3
create both hash:ip,port,net initval 0x4
create map bitmap:ip range 10.0.0.0/28 counters
create ports bitmap:port range 50-100
create mac bitmap:ip,mac range 10.0.0.0/28
create two hash:ip maxelem 2 initval 0x5
create turn hash:ip maxelem 2 forceadd initval 0x6
create iface hash:net,iface initval 0x7
create list list:set
add list ip
add list port
create one hash:ip netmask 24 initval 0x8
`,
    world(),
  );
  const steps: [command: string, source: string, port: number][] = [
    ["add ip src", "10.0.0.2", 53],
    ["add ip src", "10.0.0.2", 53],
    ["add ip src --exist", "10.0.0.2", 53],
    ["add ip dst", "10.0.0.2", 53],
    ["add ip src", "10.0.0.3", 53],
    ["del ip src", "10.0.0.3", 53],
    ["del ip src", "10.0.0.9", 53],
    ["add net src", "10.0.0.2", 53],
    ["add net dst", "10.0.0.2", 53],
    ["del net src", "10.0.0.5", 53],
    ["add port src,dst", "10.0.0.2", 53],
    ["add port src,src", "10.0.0.2", 53],
    ["add port src", "10.0.0.3", 53],
    ["add both src,dst,dst", "10.0.0.2", 53],
    ["add both dst,src,src", "10.0.0.2", 53],
    ["del both src,dst,dst", "10.0.0.2", 53],
    ["add map src", "10.0.0.2", 53],
    ["add map src", "10.0.0.99", 53],
    ["add map src --exist", "10.0.0.2", 53],
    ["add ports dst", "10.0.0.2", 53],
    ["add ports dst", "10.0.0.2", 49],
    ["add ports src", "10.0.0.2", 53],
    ["add mac src,src", "10.0.0.2", 53],
    ["add two src", "10.0.0.2", 53],
    ["add two src", "10.0.0.3", 53],
    ["add two src", "10.0.0.4", 53],
    ["add turn src", "10.0.0.2", 53],
    ["add turn src", "10.0.0.3", 53],
    ["add turn src", "10.0.0.4", 53],
    ["add iface src,src", "10.0.0.2", 53],
    ["add iface dst,src", "10.0.0.2", 53],
    ["add iface src,dst", "10.0.0.3", 53],
    ["add list src,dst", "10.0.0.7", 53],
    ["del list src,dst", "10.0.0.7", 53],
    ["add one src", "10.0.0.7", 53],
    ["add one dst", "10.0.0.7", 53],
  ];
  for (const [command, source, port] of steps) {
    const [what, name, directions, exist] = command.split(" ");
    const p = packet(`udp ${source}:100 > 198.51.100.9:${port}`);
    const q = query(directions, p, { exist: exist !== undefined });
    const set = table.get(name)!;
    if (what === "add") set.add(p, q);
    else set.delete(p, q);
  }
  t.is(
    table.save(),
    `create ip hash:ip family inet hashsize 1024 maxelem 65536 counters bucketsize 12 initval 0x00000001
add ip 10.0.0.2 packets 1 bytes 28
add ip 198.51.100.9 packets 1 bytes 28
create net hash:net family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x00000002
add net 198.51.100.0/24
create port hash:ip,port family inet hashsize 1024 maxelem 65536 counters bucketsize 12 initval 0x00000003
add port 10.0.0.2,udp:53 packets 1 bytes 28
add port 10.0.0.2,udp:100 packets 1 bytes 28
create both hash:ip,port,net family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x00000004
add both 198.51.100.9,udp:100,10.0.0.2
create map bitmap:ip range 10.0.0.0-10.0.0.15 counters
add map 10.0.0.2 packets 1 bytes 28
create ports bitmap:port range 50-100
add ports 53
add ports 100
create mac bitmap:ip,mac range 10.0.0.0-10.0.0.15
create two hash:ip family inet hashsize 1024 maxelem 2 bucketsize 12 initval 0x00000005
add two 10.0.0.3
add two 10.0.0.2
create turn hash:ip family inet hashsize 1024 maxelem 2 bucketsize 12 initval 0x00000006
add turn 10.0.0.2
add turn 10.0.0.3
create iface hash:net,iface family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x00000007
add iface 10.0.0.2,lan0
add iface 198.51.100.9,lan0
create one hash:ip family inet hashsize 1024 maxelem 65536 netmask 24 bucketsize 12 initval 0x00000008
add one 10.0.0.0
add one 198.51.100.0
create list list:set size 8
add list ip
add list port
`,
  );
});

test("timeouts run on the host's clock, from the first packet on", (t) => {
  const host = world();
  const table = loadSets("create a hash:ip timeout 10\nadd a 10.0.0.2\nadd a 10.0.0.3 timeout 0", host);
  const a = table.get("a")!;
  const here = (address: string) => inSet(a, "src", `udp ${address}:1 > 10.9.9.9:2`);
  const start = host.now;
  table.start(start);
  host.now = start + 10 * SECOND;
  t.true(here("10.0.0.2"));
  // A tick is 4 ms.
  host.now += 4000;
  t.false(here("10.0.0.2"));
  t.true(here("10.0.0.3"));

  // Added again by a packet, for three seconds; only with --exist does another packet prolong that.
  const p = packet("udp 10.0.0.2:1 > 10.9.9.9:2");
  t.true(a.add(p, query("src", p, { timeout: 3 })));
  host.now += 2 * SECOND;
  t.false(a.add(p, query("src", p, { timeout: 3 })));
  host.now += SECOND + 4000;
  t.false(here("10.0.0.2"));
  t.true(a.add(p, query("src", p)));
  host.now += 9 * SECOND;
  t.true(a.add(p, query("src", p, { exist: true })));
  host.now += 9 * SECOND;
  t.true(here("10.0.0.2"));
  t.regex(table.save(), /add a 10\.0\.0\.2 timeout 1\n/);
  t.regex(table.save(), /add a 10\.0\.0\.3 timeout 0\n/);
  host.now += 2 * SECOND;
  t.notRegex(table.save(), /10\.0\.0\.2/);
});

test("types that look at addresses of the link layer, marks and two networks", (t) => {
  const table = loadSets(
    `create mac hash:mac
add mac 02:00:00:00:00:0a
create ipmac hash:ip,mac
add ipmac 10.0.0.2,02:00:00:00:00:0a
create mark hash:ip,mark markmask 0xff
add mark 10.0.0.2,0x105
create nets hash:net,net
add nets 10.0.0.0/8,198.51.100.0/24
add nets 10.0.0.0/24,198.51.100.9 nomatch
create netportnet hash:net,port,net
add netportnet 10.0.0.0/8,udp:53,198.51.100.0/24
`,
    world(),
  );
  const A = "udp 10.0.0.2:1 > 198.51.100.9:53";
  const B = "udp 10.1.0.2:1 > 198.51.100.9:53";
  const C = "udp 10.0.0.2:1 > 198.51.100.10:54";
  const asked: [set: string, directions: string, packet: string, mark: number, answer: boolean][] = [
    ["mac", "src", `${A} mac 02:00:00:00:00:0a > 02:00:00:00:00:01`, 0, true],
    ["mac", "src", `${A} mac 02:00:00:00:00:0b > 02:00:00:00:00:01`, 0, false],
    ["mac", "src", A, 0, false],
    ["ipmac", "src,src", `${A} mac 02:00:00:00:00:0a > 02:00:00:00:00:01`, 0, true],
    ["ipmac", "src,src", `${B} mac 02:00:00:00:00:0a > 02:00:00:00:00:01`, 0, false],
    ["ipmac", "src", `${A} mac 02:00:00:00:00:0a > 02:00:00:00:00:01`, 0, false],
    ["mark", "src,src", A, 5, true],
    ["mark", "src,src", A, 0x305, true],
    ["mark", "src,src", A, 6, false],
    ["mark", "dst,src", A, 5, false],
    ["nets", "src,dst", A, 0, false],
    ["nets", "src,dst", B, 0, true],
    ["nets", "src,dst", C, 0, true],
    ["nets", "dst,src", B, 0, false],
    ["netportnet", "src,dst,dst", A, 0, true],
    ["netportnet", "src,dst,dst", C, 0, false],
    ["netportnet", "src,src,dst", A, 0, false],
  ];
  for (const [name, directions, notation, mark, answer] of asked) {
    const p = packet(notation);
    p.mark = mark;
    t.is(table.get(name)!.test(p, query(directions, p)), answer, `${name} ${directions} ${notation} mark ${mark}`);
  }
  const a = packet(A);
  t.true(table.get("nets")!.test(a, query("src,dst", a, { returnNomatch: true })));
  t.deepEqual(
    table
      .save()
      .split("\n")
      .filter((line) => line.startsWith("add "))
      .sort(),
    [
      "add ipmac 10.0.0.2,02:00:00:00:00:0A",
      "add mac 02:00:00:00:00:0A",
      "add mark 10.0.0.2,0x00000005",
      "add netportnet 10.0.0.0/8,udp:53,198.51.100.0/24",
      "add nets 10.0.0.0/24,198.51.100.9 nomatch",
      "add nets 10.0.0.0/8,198.51.100.0/24",
    ],
  );
});

test("cut and strange packets are in no set with ports", (t) => {
  const table = loadSets(
    "create p bitmap:port range 0-65535\nadd p 0-65535\ncreate i hash:ip,port\nadd i 10.0.0.2,tcp:1\nadd i 10.0.0.2,89:0",
    world(),
  );
  const bytes = packet("tcp 10.0.0.2:1 > 198.51.100.9:2 [S]").bytes();
  for (let length = 20; length <= 40; length++) {
    const cut = bytes.slice(0, length);
    new DataView(cut.buffer).setUint16(2, length);
    const p = new Packet();
    p.load(cut, new DataView(cut.buffer), 0, length);
    t.is(table.get("i")!.test(p, query("src,src", p)), length === 40, `${length} bytes`);
  }
  t.true(inSet(table.get("i")!, "src,src", "proto 89 10.0.0.2 > 198.51.100.9"));
  t.false(inSet(table.get("p")!, "src", "proto 89 10.0.0.2 > 198.51.100.9"));
  t.false(inSet(table.get("p")!, "src", "icmp 10.0.0.2 > 198.51.100.9 echo-request"));
  t.true(inSet(table.get("p")!, "src", "udp 10.0.0.2:0 > 198.51.100.9:9"));
});
