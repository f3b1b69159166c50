/**
 * Random rulesets over every match and target there is, with boundary values, negations, jumps, goto and RETURN, and
 * packets chosen to fall on both sides of them.
 */
import { bytesOfHex } from "../../src/bytes/hex.ts";
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import { datagram, mangled } from "./datagrams.ts";
import type { Dice } from "./dice.ts";
import { dressed } from "./extras.ts";
import { matchOf, not } from "./matches.ts";
import { hex, type Ip, icmp, tcp, udp } from "./packets.ts";
import { targetOf } from "./targets.ts";
import { family, lan, net, OWN, port, rounds, router } from "./world.ts";

export function rulesScenario(dice: Dice): Scenario {
  const fam = family(dice);
  const rules = ruleset(dice, fam);
  const events = rounds(dice, () => Array.from({ length: dice.int(3, 16) }, () => dressedPacket(dice, fam)));
  const sets = fam === 4 ? SETS4 : SETS6;
  return {
    host: router(dice, {}, { sets, owner: { uid: 0, gid: 0 }, queues: "none" }),
    rules: fam === 4 ? rules : null,
    rules6: fam === 6 ? rules : null,
    events,
  };
}

const SETS4 = [
  "create counted hash:ip family inet counters",
  "add counted 10.0.0.2 packets 1 bytes 60",
  "add counted 198.51.100.9",
  "create aging hash:ip family inet timeout 600",
  "add aging 10.0.0.2",
  "add aging 198.51.100.9 timeout 0",
  "create marked hash:net family inet skbinfo",
  "add marked 198.51.100.0/24 skbmark 0x5/0xff",
  "add marked 10.0.0.2 skbmark 0x10/0xf0 skbprio 1:10 skbqueue 0",
  "create hosts hash:ip family inet",
  "add hosts 10.0.0.2",
  "add hosts 198.51.100.9",
  "create nets hash:net family inet",
  "add nets 198.51.100.0/24",
  "add nets 198.51.100.9 nomatch",
  "create services hash:ip,port family inet",
  "add services 198.51.100.9,tcp:80",
  "add services 198.51.100.10,udp:53",
  "create ports bitmap:port range 1-10000",
  "add ports 80",
  "add ports 4000-4001",
  "create all list:set",
  "add all hosts",
  "add all nets",
];
const SETS6 = [
  "create counted hash:ip family inet6 counters",
  "add counted fd00:1::2 packets 1 bytes 60",
  "add counted 2001:db8::9",
  "create aging hash:ip family inet6 timeout 600",
  "add aging fd00:1::2",
  "add aging 2001:db8::9 timeout 0",
  "create marked hash:net family inet6 skbinfo",
  "add marked 2001:db8::/64 skbmark 0x5/0xff",
  "add marked fd00:1::2 skbmark 0x10/0xf0 skbprio 1:10 skbqueue 0",
  "create hosts hash:ip family inet6",
  "add hosts fd00:1::2",
  "add hosts 2001:db8::9",
  "create nets hash:net family inet6",
  "add nets 2001:db8::/64",
  "create services hash:ip,port family inet6",
  "add services 2001:db8::9,tcp:80",
  "create ports bitmap:port range 1-10000",
  "add ports 80",
  "create all list:set",
  "add all hosts",
];

const CHAINS: Readonly<Record<string, readonly string[]>> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
  security: ["INPUT", "FORWARD", "OUTPUT"],
};

function ruleset(dice: Dice, fam: 4 | 6): string {
  const lines: string[] = [];
  for (const table of ["raw", "mangle", "filter", "security"]) {
    if (table !== "filter" && !dice.chance(0.35)) continue;
    const users = ["one", "two", "three"].slice(0, dice.int(0, 3));
    lines.push(`*${table}`);
    for (const chain of CHAINS[table])
      lines.push(`:${chain} ${dice.chance(0.15) && table === "filter" ? "DROP" : "ACCEPT"} [0:0]`);
    for (const chain of users) lines.push(`:${chain} - [0:0]`);
    for (const chain of CHAINS[table])
      for (let n = dice.int(0, 5); n > 0; n--) lines.push(`-A ${chain} ${rule(dice, fam, table, chain, users)}`);
    // Jumps go to later chains only: the kernel refuses loops.
    users.forEach((chain, i) => {
      for (let n = dice.int(0, 4); n > 0; n--)
        lines.push(`-A ${chain} ${rule(dice, fam, table, null, users.slice(i + 1))}`);
    });
    lines.push("COMMIT");
  }
  return `${lines.join("\n")}\n`;
}

function rule(dice: Dice, fam: 4 | 6, table: string, chain: string | null, users: readonly string[]): string {
  const protocol = dice.weighted({
    none: 4,
    tcp: 4,
    udp: 3,
    icmp: 2,
    other: 0.5,
    sctp: 0.7,
    dccp: 0.4,
    esp: 0.4,
    ah: 0.4,
  });
  const parts = [...base(dice, fam, chain), ...protocolOf(dice, fam, protocol)];
  for (let n = dice.int(0, 2); n > 0; n--) parts.push(matchOf(dice, fam, table, chain, protocol));
  parts.push(targetOf(dice, fam, table, chain, users, protocol));
  return parts.filter((part) => part !== "").join(" ");
}

function base(dice: Dice, fam: 4 | 6, chain: string | null): string[] {
  const parts: string[] = [];
  const network = () =>
    dice.pick(
      fam === 4
        ? ["10.0.0.2", "10.0.0.0/24", "198.51.100.8/30", "0.0.0.0/0", "198.51.100.9/255.255.0.255", "128.0.0.0/1"]
        : ["fd00:1::2", "fd00:1::/64", "2001:db8::8/126", "::/0", "2001:db8::/33"],
    );
  if (dice.chance(0.3)) parts.push(`${not(dice)}-s ${network()}`);
  if (dice.chance(0.3)) parts.push(`${not(dice)}-d ${network()}`);
  if (dice.chance(0.2) && chain !== "OUTPUT" && chain !== "POSTROUTING" && chain !== null)
    parts.push(`${not(dice)}-i ${dice.pick(["lan0", "wan0", "lan+", "w+", "+"])}`);
  if (dice.chance(0.2) && chain !== "INPUT" && chain !== "PREROUTING" && chain !== null)
    parts.push(`${not(dice)}-o ${dice.pick(["lan0", "wan0", "wan+", "d+"])}`);
  if (fam === 4 && dice.chance(0.04)) parts.push(`${not(dice)}-f`);
  return parts;
}

function protocolOf(dice: Dice, fam: 4 | 6, protocol: string): string[] {
  switch (protocol) {
    case "none":
      return [];
    case "icmp":
      return [
        fam === 4 ? "-p icmp" : "-p ipv6-icmp",
        dice.chance(0.6)
          ? `-m ${fam === 4 ? "icmp" : "icmp6"} ${not(dice)}--${fam === 4 ? "icmp-type" : "icmpv6-type"} ${dice.pick(fam === 4 ? ["8", "0", "3/3", "3", "any", "echo-request", "time-exceeded", "255"] : ["128", "129", "1/4", "1", "echo-request", "packet-too-big"])}`
          : "",
      ];
    case "other":
      return [`${not(dice)}-p ${dice.pick(["47", "132", "136", "50", "89"])}`];
    case "sctp":
      return ["-p sctp -m sctp", sctpOf(dice)];
    case "dccp":
      return ["-p dccp -m dccp", dccpOf(dice)];
    case "esp":
    case "ah":
      return [`-p ${protocol} -m ${protocol}`, spiOf(dice, fam, protocol)];
    default:
      return [`-p ${protocol}`, ...portsOf(dice, protocol)];
  }
}

function sctpOf(dice: Dice): string {
  const types = ["DATA", "INIT", "INIT_ACK,SACK", "DATA,ABORT", "ALL", "NONE", "DATA:E", "DATA:be,SHUTDOWN", "ASCONF"];
  return dice.chance(0.6)
    ? `${not(dice)}--chunk-types ${dice.pick(["any", "all", "only"])} ${dice.pick(types)}`
    : `${not(dice)}--${dice.pick(["sport", "dport"])} ${dice.pick(["53", "4000:4001", ":1023"])}`;
}

function dccpOf(dice: Dice): string {
  return dice.pick([
    () => `${not(dice)}--dccp-types ${dice.pick(["REQUEST", "DATA,ACK,RESET", "INVALID", "CLOSE,SYNC,SYNCACK"])}`,
    () => `${not(dice)}--dccp-option ${dice.pick(["1", "2", "32"])}`,
    () => `${not(dice)}--${dice.pick(["dport", "sport"])} ${dice.pick(["0:32767", "53"])}`,
  ])();
}

function spiOf(dice: Dice, fam: 4 | 6, protocol: string): string {
  const spi = `${not(dice)}--${protocol}spi ${dice.pick(["0:2147483647", "0:4294967295", "5", "1000000000:"])}`;
  if (fam === 4 || protocol === "esp") return dice.chance(0.8) ? spi : "";
  return dice.pick([spi, `${not(dice)}--ahlen ${dice.pick(["8", "16", "24"])}`, "--ahres", `${spi} --ahres`, ""]);
}

function portsOf(dice: Dice, protocol: string): string[] {
  const range = () => dice.pick(["80", "53", "4000", "4000:4001", "0:65535", ":1023", "1024:", "79:81"]);
  const parts = [`-m ${protocol}`];
  if (dice.chance(0.4)) parts.push(`${not(dice)}--dport ${range()}`);
  if (dice.chance(0.25)) parts.push(`${not(dice)}--sport ${range()}`);
  if (protocol === "tcp" && dice.chance(0.25))
    parts.push(
      dice.pick([
        `${not(dice)}--syn`,
        `${not(dice)}--tcp-flags SYN,ACK,FIN,RST ${dice.pick(["SYN", "NONE", "ACK", "SYN,ACK"])}`,
        `${not(dice)}--tcp-option ${dice.pick(["2", "4", "8"])}`,
      ]),
    );
  return parts.length === 1 ? (dice.chance(0.1) ? parts : []) : parts;
}

/** Now and then with IPv4 options or IPv6 extension headers. */
function dressedPacket(dice: Dice, fam: 4 | 6): ScenarioEvent {
  const { dev, hex: plain } = packet(dice, fam);
  return { dev, hex: hex(dressed(dice, bytesOfHex(plain)!, 0.06)) };
}

function packet(dice: Dice, fam: 4 | 6): ScenarioEvent {
  const where = dice.weighted({ out: 5, back: 2, in: 2, local: 2 });
  const ends: Ip = {
    src: where === "out" ? dice.pick(lan(dice, fam)) : where === "local" ? OWN[fam] : dice.pick(net(dice, fam)),
    dst:
      where === "out" || where === "local"
        ? dice.pick(net(dice, fam))
        : where === "in"
          ? OWN[fam]
          : dice.pick(lan(dice, fam)),
    ttl: dice.pick([64, 64, 65, 63]),
    id: dice.int(1, 65535),
    tos: dice.pick([0, 0, 8, 1, 0x13]),
  };
  const dev = where === "local" ? null : where === "out" ? "lan0" : "wan0";
  const [sport, dport] = dice.chance(0.7)
    ? [port(dice, [4000, 4001, 1023]), dice.pick([80, 53, 443])]
    : [dice.pick([80, 53]), port(dice, [4000, 4001])];
  const kind = dice.weighted({ tcp: 5, udp: 4, icmp: 2, other: 3 });
  if (kind === "other" && dev !== null) {
    const made = datagram(dice, fam);
    return { dev: made.dev, hex: hex(mangled(dice, made.bytes, 0.1)) };
  }
  if (kind === "tcp")
    return {
      dev,
      hex: hex(
        tcp({
          ...ends,
          sport,
          dport,
          flags: dice.pick([2, 2, 18, 16, 24, 4, 17, 0, 0xc2, 0x50, 0x90]),
          seq: 1000,
          ack: 1,
          options: dice.chance(0.4) ? Uint8Array.of(2, 4, 5, 0xb4) : new Uint8Array(0),
          data: dice.bytes(dice.pick([0, 0, 20])),
        }),
      ),
    };
  if (kind === "udp")
    return { dev, hex: hex(udp({ ...ends, sport, dport, data: dice.bytes(dice.pick([0, 20, 33])) })) };
  return {
    dev,
    hex: hex(
      icmp({
        ...ends,
        type: dice.pick(fam === 4 ? [8, 0, 3, 11] : [128, 129, 1, 3]),
        code: dice.pick([0, 3]),
        rest: 0x00070001,
        body: dice.bytes(dice.pick([8, 40])),
      }),
    ),
  };
}
