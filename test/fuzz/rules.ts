/**
 * Random rulesets over every match and target there is, with boundary values, negations, jumps, goto and RETURN, and
 * packets chosen to fall on both sides of them.
 */
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import { datagram, mangled } from "./datagrams.ts";
import type { Dice } from "./dice.ts";
import { hex, type Ip, icmp, tcp, udp } from "./packets.ts";
import { family, lan, net, OWN, port, rounds, router } from "./world.ts";

export function rulesScenario(dice: Dice): Scenario {
  const fam = family(dice);
  const rules = ruleset(dice, fam);
  const events = rounds(dice, () => Array.from({ length: dice.int(3, 16) }, () => packet(dice, fam)));
  const sets = fam === 4 ? SETS4 : SETS6;
  return {
    host: router(dice, {}, { sets, owner: { uid: 0, gid: 0 }, queues: "none" }),
    rules: fam === 4 ? rules : null,
    rules6: fam === 6 ? rules : null,
    events,
  };
}

const SETS4 = [
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

const not = (dice: Dice, probability = 0.2) => (dice.chance(probability) ? "! " : "");

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
    () => `${not(dice)}--dport ${dice.pick(["0:32767", "53"])}`,
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

function matchOf(dice: Dice, fam: 4 | 6, table: string, chain: string | null, protocol: string): string {
  const words: Record<string, () => string> = {
    state: () =>
      table === "raw"
        ? ""
        : `-m state ${not(dice)}--state ${dice.pick(["NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID", "INVALID,NEW", "UNTRACKED"])}`,
    conntrack: () => (table === "raw" ? "" : `-m conntrack ${conntrackOption(dice, fam)}`),
    multiport: () =>
      protocol === "tcp" || protocol === "udp"
        ? `-m multiport ${not(dice)}--${dice.pick(["dports", "sports", "ports"])} ${dice.pick(["80", "53,80", "1:1023", "80,4000:4001", "443,8080,4000"])}`
        : "",
    iprange: () =>
      `-m iprange ${not(dice)}--${dice.pick(["src", "dst"])}-range ${fam === 4 ? dice.pick(["10.0.0.2-10.0.0.3", "198.51.100.9", "198.51.100.0-198.51.100.9"]) : dice.pick(["fd00:1::2-fd00:1::3", "2001:db8::-2001:db8::9"])}`,
    mark: () => `-m mark ${not(dice)}--mark ${dice.pick(["0", "1", "0x1/0x1", "0x10/0xf0", "5"])}`,
    connmark: () => (table === "raw" ? "" : `-m connmark ${not(dice)}--mark ${dice.pick(["0", "1", "0x1/0x1", "7"])}`),
    comment: () => '-m comment --comment "a \\"quoted\\" comment"',
    addrtype: () =>
      `-m addrtype ${not(dice)}--${dice.pick(["src-type", "dst-type"])} ${dice.pick(fam === 4 ? ["LOCAL", "UNICAST", "BROADCAST", "MULTICAST", "LOCAL,UNICAST"] : ["LOCAL", "UNICAST", "MULTICAST"])}`,
    limit: () => `-m limit --limit ${dice.pick(["1/hour", "3/min", "1/sec"])} --limit-burst ${dice.int(1, 4)}`,
    length: () => `-m length ${not(dice)}--length ${dice.pick(["40", "0:60", "61:", "28:48", "1500"])}`,
    ttl: () =>
      fam === 4
        ? `-m ttl ${dice.pick(["--ttl-eq 64", "! --ttl-eq 63", "--ttl-lt 64", "--ttl-gt 63"])}`
        : `-m hl ${dice.pick(["--hl-eq 64", "! --hl-eq 63", "--hl-lt 64", "--hl-gt 63"])}`,
    dscp: () => `-m dscp ${not(dice)}--dscp ${dice.pick(["0x00", "0x02", "0x2e"])}`,
    statistic: () => `-m statistic --mode nth --every ${dice.int(1, 3)} --packet 0`,
    pkttype: () => `-m pkttype ${not(dice)}--pkt-type ${dice.pick(["unicast", "broadcast", "multicast"])}`,
    tos: () => `-m tos ${not(dice)}--tos ${dice.pick(["0x10", "0x08/0x1c", "0x00/0x03", "0xb8/0xfc", "1/3"])}`,
    ecn: () =>
      protocol === "tcp" && dice.chance(0.6)
        ? `-m ecn ${not(dice)}--ecn-tcp-${dice.pick(["ece", "cwr"])}`
        : `-m ecn ${not(dice)}--ecn-ip-ect ${dice.int(0, 3)}`,
    tcpmss: () =>
      protocol === "tcp" ? `-m tcpmss ${not(dice)}--mss ${dice.pick(["1460", "0:1459", "1461:65535"])}` : "",
    quota: () => `-m quota ${not(dice)}--quota ${dice.pick(["0", "60", "150", "100000"])}`,
    recent: () => recentOf(dice),
    hashlimit: () => hashlimitOf(dice),
    rpfilter: () =>
      chain === "PREROUTING"
        ? `-m rpfilter ${dice.pick(["", "--invert", "--loose", "--accept-local", "--loose --accept-local --invert"])}`
        : "",
    policy: () => {
      const out = chain === "OUTPUT" || chain === "POSTROUTING" || (chain === "FORWARD" && dice.chance(0.5));
      return chain === null ? "" : `-m policy --dir ${out ? "out" : "in"} --pol ${dice.pick(["none", "ipsec"])}`;
    },
    connlimit: () =>
      `-m connlimit ${not(dice)}--connlimit-${dice.pick(["above", "upto"])} ${dice.int(0, 3)} ${dice.pick(["", "--connlimit-mask 24", "--connlimit-mask 0", "--connlimit-daddr"])}`,
    u32: () =>
      `-m u32 ${not(dice)}--u32 "${dice.pick(["6&0xFF=6", "0>>22&0x3C@0>>16=4000:4001", "0&0xFFFF=0:60", "4&0x3FFF=0&&8>>24=64", "6&0xFF=0x11,0x1"])}"`,
    ipv6: () => (fam === 6 ? ipv6Of(dice) : ""),
    helper: () => (table === "raw" ? "" : `-m helper ${not(dice)}--helper ${dice.pick(["ftp", '""'])}`),
    string: () => stringOf(dice),
    owner: () => (chain === "OUTPUT" || chain === "POSTROUTING" ? ownerOf(dice) : ""),
    time: () => timeOf(dice),
    connbytes: () =>
      table === "raw"
        ? ""
        : `-m connbytes ${not(dice)}--connbytes ${dice.pick(["1:2", "50:", "0:100", "2"])} --connbytes-mode ${dice.pick(["packets", "bytes", "avgpkt"])} --connbytes-dir ${dice.pick(["original", "reply", "both"])}`,
    physdev: () => (dice.chance(0.2) ? `-m physdev ${not(dice, 0.5)}--physdev-is-in` : ""),
    set: () =>
      `-m set ${not(dice)}--match-set ${dice.pick(["hosts src", "hosts dst", "nets dst", "nets src", "services dst,dst", "services src,src", "ports dst", "ports src", "all src", "all dst"])}`,
  };
  return dice.pick(Object.values(words))();
}

/** Each has a table of its own, because a table's first rule decides for the others. */
function hashlimitOf(dice: Dice): string {
  const rate = dice.pick(["1/hour --hashlimit-burst 1", "1/hour --hashlimit-burst 3", "1/min", "100b/s", "1kb/s"]);
  const by = dice.pick(["", "srcip", "dstip", "srcip,dstport", "srcport", "srcip,dstip,srcport,dstport"]);
  const mask = dice.chance(0.2) ? "--hashlimit-srcmask 24" : "";
  const expire = "--hashlimit-htable-expire 100000";
  const name = `--hashlimit-name t${dice.int(0, 1e9)}`;
  return `-m hashlimit --hashlimit-${dice.pick(["upto", "above"])} ${rate} ${by === "" ? "" : `--hashlimit-mode ${by}`} ${mask} ${expire} ${name}`;
}

function ipv6Of(dice: Dice): string {
  return dice.pick([
    () => `-m frag ${not(dice)}--fragid 0:2147483647 ${dice.pick(["", "--fragfirst", "--fragmore", "--fragres"])}`,
    () => `-m hbh ${dice.pick(["", "--hbh-len 8", "--hbh-opts 5:2", "--hbh-opts 1"])}`,
    () => `-m dst ${dice.pick(["", "! --dst-len 8", "--dst-opts 1:4"])}`,
    () =>
      `-m ipv6header ${not(dice)}--header ${dice.pick(["prot", "hop,prot", "none", "frag", "dst", "auth,esp"])} ${dice.pick(["", "--soft"])}`,
  ])();
}

/** Root sends what the kernel engine sends. */
function ownerOf(dice: Dice): string {
  return `-m owner ${dice.pick([
    () => `${not(dice)}--uid-owner ${dice.pick(["0", "0-10", "1000"])}`,
    () => `${not(dice)}--gid-owner ${dice.pick(["0", "5"])} ${not(dice)}--uid-owner 0`,
    () => `${not(dice)}--socket-exists`,
    () => `${not(dice)}--socket-exists ${not(dice)}--uid-owner ${dice.pick(["0", "7"])}`,
  ])()}`;
}

/** Single bytes and pairs are found often enough. */
function stringOf(dice: Dice): string {
  const what = dice.pick(['--string "E"', "--hex-string '|00|'", "--hex-string '|4006|'", "--hex-string '|0050|'"]);
  const range = dice.pick(["", "--from 20", "--to 40", "--from 9 --to 30", "--from 28 --icase"]);
  return `-m string ${not(dice)}${what.replaceAll("'", '"')} --algo ${dice.pick(["bm", "kmp"])} ${range}`;
}

function timeOf(dice: Dice): string {
  const hour = () => `${dice.int(0, 23)}:${dice.int(0, 59)}`;
  return `-m time ${dice.pick([
    () => `--timestart ${hour()} --timestop ${hour()}`,
    () => `${not(dice)}--weekdays ${dice.pick(["Mon,Tue,Wed", "Sat,Sun", "Fri", "1,2,3,4"])}`,
    () => `${not(dice)}--monthdays ${dice.pick(["1,2,3,4,5,6,7,8,9,10", "21,22,23", "31"])}`,
    () => `--datestart ${dice.int(2020, 2030)} --datestop ${dice.int(2024, 2035)}-06`,
    () => `--timestart 23:59 --timestop ${hour()} --contiguous --weekdays ${dice.pick(["Mon,Tue,Wed,Thu", "Fri,Sat"])}`,
  ])()}`;
}

function recentOf(dice: Dice): string {
  const name = `--name ${dice.pick(["a", "a", "b"])} ${dice.pick(["--rsource", "--rsource", "--rdest"])}`;
  const writes = dice.chance(0.5);
  if (writes) return `-m recent ${not(dice, 0.1)}${dice.pick(["--set", "--set", "--remove"])} ${name}`;
  const hits = dice.chance(0.5) ? `--hitcount ${dice.int(1, 3)}` : "";
  const age = dice.chance(0.5) ? `--seconds ${dice.pick([1, 60])}${dice.chance(0.3) ? " --reap" : ""}` : "";
  const ttl = dice.chance(0.15) ? "--rttl" : "";
  return `-m recent ${not(dice, 0.1)}${dice.pick(["--rcheck", "--update"])} ${age} ${hits} ${ttl} ${name}`;
}

function conntrackOption(dice: Dice, fam: 4 | 6): string {
  return dice.pick([
    () =>
      `${not(dice)}--ctstate ${dice.pick(["NEW", "ESTABLISHED,RELATED", "INVALID", "SNAT", "DNAT", "UNTRACKED,NEW"])}`,
    () => `${not(dice)}--ctproto ${dice.pick(["6", "17", "tcp"])}`,
    () =>
      `${not(dice)}--ctorigsrc ${dice.pick(fam === 4 ? ["10.0.0.2", "10.0.0.0/24"] : ["fd00:1::2", "fd00:1::/64"])}`,
    () =>
      `${not(dice)}--ctrepldst ${dice.pick(fam === 4 ? ["10.0.0.2", "10.0.0.0/24"] : ["fd00:1::2", "fd00:1::/64"])}`,
    () => `${not(dice)}--ctorigdstport ${dice.pick(["80", "53", "1:100"])}`,
    () => `${not(dice)}--ctreplsrcport ${dice.pick(["80", "53:80"])}`,
    () =>
      `${not(dice)}--ctstatus ${dice.pick(["NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SEEN_REPLY,ASSURED"])}`,
    () => `--ctdir ${dice.pick(["ORIGINAL", "REPLY"])}`,
    () => `${not(dice)}--ctexpire ${dice.pick(["0:1000", "29:31", "100:500000"])}`,
  ])();
}

function targetOf(
  dice: Dice,
  fam: 4 | 6,
  table: string,
  chain: string | null,
  users: readonly string[],
  protocol: string,
): string {
  if (users.length > 0 && dice.chance(0.3)) return `${dice.chance(0.2) ? "-g" : "-j"} ${dice.pick(users)}`;
  const plain = ["-j ACCEPT", "-j RETURN", "", '-j LOG --log-prefix "fuzz: "', "-j NFLOG --nflog-group 7"];
  if (table !== "mangle" || dice.chance(0.2)) plain.push("-j DROP");
  if (dice.chance(0.2)) plain.push(`-j NFQUEUE${table === "nat" ? "" : dice.pick([" --queue-bypass", ""])}`);
  const special: string[] = [
    "-j SET --add-set hosts src",
    "-j SET --del-set hosts src",
    "-j SET --add-set services dst,dst --exist",
  ];
  if (table === "mangle") {
    special.push(
      `-j MARK --set-mark ${dice.pick(["1", "0x5", "7"])}`,
      `-j MARK --set-xmark ${dice.pick(["0x10/0xf0", "0x1/0x1"])}`,
      "-j MARK --or-mark 0x2",
      "-j MARK --and-mark 0xfe",
      "-j MARK --xor-mark 0x3",
    );
    special.push(
      `-j CONNMARK ${dice.pick(["--set-mark 1", "--save-mark", "--restore-mark", "--set-xmark 0x7/0xff", "--save-mark --nfmask 0xf --ctmask 0xff", "--and-mark 0x1"])}`,
    );
    special.push("-j DSCP --set-dscp 0x2e", "-j DSCP --set-dscp-class CS1");
    special.push(
      `-j TOS ${dice.pick(["--set-tos 0x10", "--set-tos 0x04/0x1c", "--or-tos 0x03", "--and-tos 0xfc", "--xor-tos 0xff"])}`,
      "-j CHECKSUM --checksum-fill",
    );
    if (protocol === "tcp") {
      special.push(`-j TCPOPTSTRIP --strip-options ${dice.pick(["mss", "2,3,8", "4,5", "timestamp,sack"])}`);
      if (fam === 4)
        special.push(
          `-j ECN ${dice.pick(["--ecn-tcp-remove", "--ecn-tcp-ece 1", "--ecn-tcp-cwr 1 --ecn-ip-ect 2", "--ecn-ip-ect 1"])}`,
        );
    }
    if (chain === "FORWARD" || chain === "OUTPUT" || chain === "POSTROUTING")
      special.push("-j CLASSIFY --set-class 1:20");
    if (fam === 4) special.push("-j TTL --ttl-set 33", "-j TTL --ttl-dec 1", "-j TTL --ttl-inc 2");
    else special.push("-j HL --hl-set 33", "-j HL --hl-dec 1");
    if (protocol === "tcp" && chain !== null && chain !== "INPUT" && chain !== "PREROUTING")
      special.push("-m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1200");
  }
  if (table === "raw") special.push("-j NOTRACK", "-j CT --notrack", "-j CT --zone 3", "-j CT --zone-orig 4");
  if (table === "filter") {
    special.push(
      `-j REJECT --reject-with ${dice.pick(fam === 4 ? ["icmp-port-unreachable", "icmp-host-prohibited", "icmp-net-unreachable", "icmp-admin-prohibited", "icmp-proto-unreachable"] : ["icmp6-port-unreachable", "icmp6-adm-prohibited", "icmp6-no-route", "icmp6-addr-unreachable"])}`,
    );
    if (protocol === "tcp") special.push("-j REJECT --reject-with tcp-reset");
  }
  return special.length > 0 && dice.chance(0.5) ? dice.pick(special) : dice.pick(plain);
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
