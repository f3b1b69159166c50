/**
 * Tables of packets: src/match/*.packets, one test per table. They say which packets each rule matches, as the kernel's
 * counters told; the twin must say the same in generated code and in closures, with steps and without.
 *
 *     = TITLE                          a table
 *     # comment
 *     family 6                         default: 4
 *     table raw PREROUTING             where the rules stand; default: mangle PREROUTING
 *     route ROUTE                      beside the default route by wan0
 *     ipset LINE                       of `ipset restore`
 *     *nat … COMMIT                    other tables
 *     before RULE                      first rules, nobody asks which packets they match
 *     [SECONDS] a: DEVICE > PACKET     packets in the order of their coming, in packet notation
 *     RULE => abc                      the packets it matches, or none
 *     saved LINE                       of `ipset save` afterwards
 */
import { readdirSync, readFileSync } from "node:fs";
import test from "ava";
import { buildPacket } from "../flow/build.ts";
import { parseLine } from "../flow/parse.ts";
import { Host } from "../host/host.ts";
import { PACKET_BROADCAST, PACKET_HOST, PACKET_MULTICAST, PACKET_OTHERHOST } from "../packet/packet.ts";
import { Firewall } from "../path/firewall.ts";
import { registry } from "../registry.ts";
import { parseSave } from "../rules/save.ts";

const FOLDER = "src/match";
/** Microseconds, a whole tick. */
const START = 1_700_000_000_000_000;
const LAN_MAC = "02:00:00:00:00:01";

interface Event {
  readonly name: string;
  readonly dev: string;
  readonly seconds: number;
  readonly bytes: Uint8Array;
  readonly mac: Uint8Array | null;
  readonly packetType: number;
}

interface Table {
  readonly title: string;
  readonly family: 4 | 6;
  readonly table: string;
  readonly chain: string;
  readonly routes: readonly string[];
  readonly sets: string;
  readonly saved: string;
  /** All of iptables-save. */
  readonly save: string;
  /** How many rules stand in front of those that are asked about. */
  readonly before: number;
  readonly events: readonly Event[];
  readonly rules: readonly (readonly [rule: string, packets: string])[];
}

function tableOf(text: string): Table {
  const [title, ...lines] = text.split("\n");
  const rest = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const [table, chain] = (rest("table")[0] ?? "mangle PREROUTING").split(" ");
  const before = rest("before");
  const rules = lines.filter((line) => line.includes(" => ")).map((line) => line.split(" => ") as [string, string]);
  const first = lines.findIndex((line) => line.startsWith("*"));
  const others = first < 0 ? [] : lines.slice(first, lines.lastIndexOf("COMMIT") + 1);
  const all = [...before, ...rules.map(([rule]) => rule)].map((rule) => `-A ${chain} ${rule}`);
  return {
    title,
    family: rest("family")[0] === "6" ? 6 : 4,
    table,
    chain,
    routes: rest("route"),
    sets: rest("ipset").join("\n"),
    saved: rest("saved").join("\n"),
    save: [...others, `*${table}`, ...all, "COMMIT", ""].join("\n"),
    before: before.length,
    events: lines.filter((line) => /^([\d.]+ )?\w: /.test(line)).map(eventOf),
    rules,
  };
}

function eventOf(line: string): Event {
  const node = parseLine(line);
  if (node.kind !== "event" || node.action.kind !== "packet") throw new Error(`no packet: ${line}`);
  const { bytes, mac, macTo } = buildPacket(node.action.packet);
  return {
    name: node.label!.text.slice(0, -1),
    dev: node.action.device.text,
    seconds: Number(node.time?.text ?? 0),
    bytes,
    mac,
    packetType: packetTypeOf(macTo),
  };
}

function packetTypeOf(destination: Uint8Array | null): number {
  if (destination === null) return PACKET_HOST;
  if (destination.every((byte) => byte === 0xff)) return PACKET_BROADCAST;
  if ((destination[0] & 1) !== 0) return PACKET_MULTICAST;
  return [...destination].map((byte) => byte.toString(16).padStart(2, "0")).join(":") === LAN_MAC
    ? PACKET_HOST
    : PACKET_OTHERHOST;
}

function firewallOf(table: Table, closures: boolean): Firewall {
  const routing = table.family === 6 ? ["-6 default dev wan0"] : ["default dev wan0"];
  const host = new Host({
    interfaces: {
      lan0: { addresses: ["10.0.0.1/24", "2001:db8::1/64"], mac: LAN_MAC },
      wan0: { addresses: ["203.0.113.1/24", "198.51.100.1/24", "2001:db8:9::1/64"] },
    },
    routes: [...table.routes, ...routing],
    sysctl: { "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1 },
    sets: table.sets,
  });
  const { ruleset, errors } = parseSave(table.save, { family: table.family, file: table.title, registry });
  if (errors.length > 0) throw errors[0];
  return new Firewall({ [table.family === 6 ? "rules6" : "rules"]: ruleset, host, registry, closures });
}

function counts(table: Table, firewall: Firewall): number[] {
  const chain = firewall.counters(table.family).find((c) => c.table === table.table && c.chain === table.chain)!;
  return chain.rules.slice(table.before).map((rule) => rule.packets);
}

/** For each rule the names of the packets it matches. */
function matched(table: Table, firewall: Firewall, steps: boolean, missed: (because: string) => void): string[] {
  const names = table.rules.map(() => "");
  for (const event of table.events) {
    const was = counts(table, firewall);
    const { dev, bytes, mac, packetType, seconds } = event;
    const about = { time: START + Math.round(seconds * 1e6), steps, packetType, ...(mac === null ? {} : { mac }) };
    const outcome = firewall.receive(dev, bytes, about);
    for (const [i, packets] of counts(table, firewall).entries()) if (packets > was[i]) names[i] += event.name;
    for (const step of outcome.steps ?? []) if (step.kind === "missed") missed(step.because);
  }
  return names.map((letters) => letters || "none");
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".packets")))
  for (const text of readFileSync(`${FOLDER}/${file}`, "utf8").split(/^= /m).slice(1)) {
    const table = tableOf(text);
    test(`${file}: ${table.title}`, (t) => {
      const expected = table.rules.map(([rule, packets]) => `${rule} => ${packets}`);
      const silent: string[] = [];
      for (const closures of [false, true])
        for (const steps of [false, true]) {
          const firewall = firewallOf(table, closures);
          const got = matched(table, firewall, steps, (because) => {
            if (!/^\S.*\S$/.test(because)) silent.push(because);
          });
          t.deepEqual(
            got.map((packets, i) => `${table.rules[i][0]} => ${packets}`),
            expected,
          );
          if (table.saved !== "") t.is(firewall.host.sets.save().trim(), table.saved);
        }
      t.deepEqual(silent, [], "every miss has its reason");
    });
  }

test("every rule of the tables is asked about packets that exist", (t) => {
  const tables = readdirSync(FOLDER)
    .filter((name) => name.endsWith(".packets"))
    .flatMap((name) => readFileSync(`${FOLDER}/${name}`, "utf8").split(/^= /m).slice(1).map(tableOf));
  t.true(tables.length > 20);
  for (const { title, events, rules } of tables) {
    const known = events.map((event) => event.name);
    t.is(new Set(known).size, known.length, title);
    t.true(events.length > 0 && rules.length > 0, title);
    for (const [rule, packets] of rules)
      if (packets !== "none")
        t.true(
          [...packets].every((name) => known.includes(name)),
          `${title}: ${rule}`,
        );
  }
});

test("why a packet misses a rule", (t) => {
  const table = tableOf(`why
ipset create ip hash:ip counters
ipset add ip 10.0.0.2
a: lan0 > tcp 10.0.0.2:1000 > 198.51.100.9:80 [S]
b: lan0 > tcp 10.0.0.2:1000 > 198.51.100.9:80 [S]`);
  const sentences: [rule: string, why: string][] = [
    ["-p tcp -m tcp --sport 1:999", "source port 1000 is not between 1 and 999"],
    ["-p tcp -m tcp ! --dport 80", "destination port 80 is 80"],
    ["-p tcp -m tcp --tcp-flags SYN,ACK ACK", "of the flags SYN,ACK it has SYN"],
    ["-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN", "of the flags FIN,SYN,RST,ACK it has SYN"],
    ["-p tcp -m tcp --tcp-option 2", "TCP option 2 is not there"],
    ["-p udp -m udp --dport 53", "protocol tcp is not udp"],
    ["-p icmp -m icmp --icmp-type 8", "protocol tcp is not icmp"],
    ["-p tcp -m multiport --dports 1,2:5", "destination port 80 is not among 1,2:5"],
    ["-p tcp -m multiport ! --ports 80", "source port 1000 or destination port 80 is among 80"],
    ["-m iprange --src-range 10.0.0.3-10.0.0.9", "source 10.0.0.2 is not in 10.0.0.3-10.0.0.9"],
    ["-m length --length 100:65535", "length 40 is not between 100 and 65535"],
    ["-m ttl --ttl-lt 10", "TTL 64 is not below 10"],
    ["-m mark --mark 0x5/0x7", "mark 0x0 is not 0x5/0x7"],
    ["-m connmark --mark 0x7", "its connection's mark 0x0 is not 0x7"],
    ["-m state --state RELATED,ESTABLISHED", "its state NEW is not among RELATED,ESTABLISHED"],
    ["-m conntrack ! --ctstate NEW", "its state NEW is among NEW"],
    ["-m conntrack --ctorigsrc 10.0.0.3", "its original source 10.0.0.2 is not 10.0.0.3"],
    ["-m conntrack --ctreplsrcport 81", "its reply source port 80 is not 81"],
    ["-m conntrack --ctstatus ASSURED", "its status CONFIRMED has none of ASSURED"],
    ["-m conntrack --ctdir REPLY", "it goes in the original direction"],
    ["-m conntrack --ctexpire 5:10", "its 120 seconds left are not between 5 and 10"],
    ["-m conntrack --ctproto 17", "its connection's protocol tcp is not udp"],
    ["-m addrtype --dst-type LOCAL,MULTICAST", "destination 198.51.100.9 is not LOCAL,MULTICAST"],
    ["-m addrtype ! --src-type UNICAST", "source 10.0.0.2 is UNICAST"],
    ["-m limit --limit 1/hour --limit-burst 1", "more than 1 in a burst, or 1/hour"],
    ["-m mac --mac-source 00:11:22:33:44:55", "it has no link-layer address"],
    ["-m pkttype --pkt-type broadcast", "it came as unicast, not broadcast"],
    ["-m set --match-set ip dst", "it is not in set ip (dst)"],
    ["-m set ! --match-set ip src", "it is in set ip (src)"],
    ["-m set --match-set ip src --packets-gt 7", "it is not in set ip (src) with --packets-gt 7"],
  ];
  const save = ["*mangle", ...sentences.map(([rule]) => `-A PREROUTING ${rule}`), "COMMIT", ""].join("\n");
  const firewall = firewallOf({ ...table, save }, false);
  // The limit misses when it is used up.
  const outcomes = table.events.map(({ dev, bytes }) => firewall.receive(dev, bytes, { time: START, steps: true }));
  const missed = outcomes[1].steps!.filter((step) => step.kind === "missed");
  t.deepEqual(
    missed.map(({ text, because }) => [text.replace("-A PREROUTING ", ""), because]),
    sentences,
  );
});
