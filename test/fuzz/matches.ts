/** The matches that random rules have, each with all of its options and values at their borders. */
import type { Dice } from "./dice.ts";

export const not = (dice: Dice, probability = 0.2) => (dice.chance(probability) ? "! " : "");

export function matchOf(dice: Dice, fam: 4 | 6, table: string, chain: string | null, protocol: string): string {
  const words: Record<string, () => string> = {
    state: () =>
      table === "raw" && dice.chance(0.7)
        ? ""
        : `-m state ${not(dice)}--state ${dice.pick(["NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID", "INVALID,NEW", "UNTRACKED"])}`,
    conntrack: () => (table === "raw" && dice.chance(0.7) ? "" : `-m conntrack ${conntrackOption(dice, fam)}`),
    multiport: () =>
      protocol === "tcp" || protocol === "udp"
        ? `-m multiport ${not(dice)}--${dice.pick(["dports", "sports", "ports"])} ${dice.pick(["80", "53,80", "1:1023", "80,4000:4001", "443,8080,4000"])}`
        : "",
    iprange: () =>
      `-m iprange ${not(dice)}--${dice.pick(["src", "dst"])}-range ${fam === 4 ? dice.pick(["10.0.0.2-10.0.0.3", "198.51.100.9", "198.51.100.0-198.51.100.9"]) : dice.pick(["fd00:1::2-fd00:1::3", "2001:db8::-2001:db8::9"])}`,
    mark: () => `-m mark ${not(dice)}--mark ${dice.pick(["0", "1", "0x1/0x1", "0x10/0xf0", "5"])}`,
    connmark: () =>
      table === "raw" && dice.chance(0.7)
        ? ""
        : `-m connmark ${not(dice)}--mark ${dice.pick(["0", "1", "0x1/0x1", "7"])}`,
    comment: () => '-m comment --comment "a \\"quoted\\" comment"',
    addrtype: () => addrtypeOf(dice, fam, chain),
    limit: () => `-m limit --limit ${dice.pick(["1/hour", "3/min", "1/sec"])} --limit-burst ${dice.int(1, 4)}`,
    length: () => `-m length ${not(dice)}--length ${dice.pick(["40", "0:60", "61:", "28:48", "1500"])}`,
    ttl: () =>
      fam === 4
        ? `-m ttl ${dice.pick(["--ttl-eq 64", "! --ttl-eq 63", "--ttl-lt 64", "--ttl-gt 63"])}`
        : `-m hl ${dice.pick(["--hl-eq 64", "! --hl-eq 63", "--hl-lt 64", "--hl-gt 63"])}`,
    dscp: () =>
      `-m dscp ${not(dice)}--dscp${dice.pick([" 0x00", " 0x02", " 0x2e", "-class BE", "-class CS1", "-class EF"])}`,
    statistic: () => statisticOf(dice),
    pkttype: () => `-m pkttype ${not(dice)}--pkt-type ${dice.pick(["unicast", "broadcast", "multicast"])}`,
    tos: () => `-m tos ${not(dice)}--tos ${dice.pick(["0x10", "0x08/0x1c", "0x00/0x03", "0xb8/0xfc", "1/3"])}`,
    ecn: () =>
      protocol === "tcp" && dice.chance(0.6)
        ? `-m ecn ${not(dice)}--ecn-tcp-${dice.pick(["ece", "cwr"])}`
        : `-m ecn ${not(dice)}--ecn-ip-ect ${dice.int(0, 3)}`,
    tcpmss: () =>
      protocol === "tcp" ? `-m tcpmss ${not(dice)}--mss ${dice.pick(["1460", "0:1459", "1461:65535"])}` : "",
    quota: () => `-m quota ${not(dice)}--quota ${dice.pick(["0", "60", "150", "100000"])}`,
    recent: () => recentOf(dice, fam),
    hashlimit: () => hashlimitOf(dice),
    rpfilter: () =>
      chain === "PREROUTING"
        ? `-m rpfilter ${dice.pick(["", "--invert", "--loose", "--accept-local", "--validmark", "--loose --accept-local --validmark --invert"])}`
        : "",
    policy: () => policyOf(dice, fam, chain),
    // Mostly of all addresses together: which lists lie in one bucket of its hash is chance, and a list that another
    // one lies beside is looked through more often.
    connlimit: () =>
      `-m connlimit ${not(dice)}--connlimit-${dice.pick(["above", "upto"])} ${dice.int(0, 3)} ${dice.pick(["--connlimit-mask 0", "--connlimit-mask 0", "--connlimit-mask 0 --connlimit-daddr", "--connlimit-mask 8 --connlimit-saddr", ""])}`,
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
    physdev: () => physdevOf(dice, chain),
    // A TUN device has no link-layer addresses: neither these nor other ones.
    mac: () =>
      chain === "PREROUTING" || chain === "INPUT" || chain === "FORWARD"
        ? dice.pick([`-m mac ${not(dice, 0.5)}--mac-source 02:00:00:00:00:01`, fam === 6 ? "-m eui64" : ""])
        : "",
    set: () => setOf(dice),
  };
  return dice.pick(Object.values(words))();
}

function addrtypeOf(dice: Dice, fam: 4 | 6, chain: string | null): string {
  const four = [
    "LOCAL",
    "UNICAST",
    "BROADCAST",
    "MULTICAST",
    "LOCAL,UNICAST",
    "BLACKHOLE,UNREACHABLE,PROHIBIT",
    "UNSPEC",
  ];
  const six = ["LOCAL", "UNICAST", "MULTICAST", "ANYCAST", "UNREACHABLE", "LOCAL,ANYCAST"];
  const type = () => dice.pick(fam === 4 ? four : six);
  const limits = [""];
  if (chain === "PREROUTING" || chain === "INPUT" || chain === "FORWARD") limits.push("--limit-iface-in");
  if (chain === "FORWARD" || chain === "OUTPUT" || chain === "POSTROUTING") limits.push("--limit-iface-out");
  return `-m addrtype ${dice.pick([
    () => `${not(dice)}--src-type ${type()}`,
    () => `${not(dice)}--dst-type ${type()}`,
    () => `${not(dice)}--src-type ${type()} ${not(dice)}--dst-type ${type()}`,
  ])()} ${dice.pick(limits)}`;
}

/** Of the dice only those whose outcome is certain. */
function statisticOf(dice: Dice): string {
  const every = dice.int(1, 4);
  return `-m statistic ${dice.pick([
    `--mode nth ${not(dice)}--every ${every} --packet ${dice.int(0, every - 1)}`,
    `--mode random ${not(dice)}--probability ${dice.pick([0, 1])}`,
  ])}`;
}

function policyOf(dice: Dice, fam: 4 | 6, chain: string | null): string {
  if (chain === null) return "";
  const out = chain === "OUTPUT" || chain === "POSTROUTING" || (chain === "FORWARD" && dice.chance(0.5));
  const dir = `-m policy --dir ${out ? "out" : "in"}`;
  const end = fam === 4 ? "10.0.0.0/8" : "fd00::/16";
  return dice.pick([
    `${dir} --pol none`,
    `${dir} --pol ipsec`,
    `${dir} --pol ipsec ${not(dice)}--reqid 1 ${not(dice)}--proto esp`,
    `${dir} --pol ipsec --strict ${not(dice)}--spi 0x5 --next --mode tunnel --tunnel-src ${end} ${not(dice)}--tunnel-dst ${end}`,
  ]);
}

/** No bridge, no ports of one. */
function physdevOf(dice: Dice, chain: string | null): string {
  if (!dice.chance(0.5)) return "";
  const parts = [
    `${not(dice, 0.5)}--physdev-is-in`,
    `${not(dice, 0.5)}--physdev-in ${dice.pick(["lan0", "w+", "+"])}`,
    `${not(dice, 0.5)}--physdev-is-bridged`,
  ];
  if (chain === "FORWARD" || chain === "POSTROUTING")
    parts.push(`${not(dice, 0.5)}--physdev-is-out`, `${not(dice, 0.5)}--physdev-out ${dice.pick(["wan0", "l+"])}`);
  return `-m physdev ${dice.pick(parts)}`;
}

function setOf(dice: Dice): string {
  const name = dice.pick([
    ...["hosts src", "hosts dst", "nets dst", "nets src", "services dst,dst", "services src,src"],
    ...["ports dst", "ports src", "all src", "all dst", "counted src", "counted dst", "aging src", "marked dst"],
  ]);
  const number = () => dice.pick([0, 1, 2, 60, 1000]);
  const more = dice.pick([
    ...["", "", "", "", "--return-nomatch", "! --update-counters", "! --update-subcounters"],
    `${not(dice)}--packets-eq ${number()}`,
    `--packets-lt ${number()}`,
    `--packets-gt ${number()} --bytes-lt ${number()}`,
    `${not(dice)}--bytes-eq ${number()}`,
    `--bytes-gt ${number()} ! --update-counters`,
  ]);
  return `-m set ${not(dice)}--match-set ${name} ${more}`;
}

/** Each has a table of its own, because a table's first rule decides for the others. */
function hashlimitOf(dice: Dice): string {
  const rate = dice.pick(["1/hour --hashlimit-burst 1", "1/hour --hashlimit-burst 3", "1/min", "100b/s", "1kb/s"]);
  const by = dice.pick(["", "srcip", "dstip", "srcip,dstport", "srcport", "srcip,dstip,srcport,dstport"]);
  const masks = dice.pick(["", "", "", "--hashlimit-srcmask 24", "--hashlimit-dstmask 25", "--hashlimit-srcmask 0"]);
  const size = dice.pick(["", "", "--hashlimit-htable-size 4", "--hashlimit-htable-size 8 --hashlimit-htable-max 3"]);
  const rest = `${masks} ${size} --hashlimit-htable-expire 100000 --hashlimit-htable-gcinterval 50000`;
  const how = dice.chance(0.1)
    ? `--hashlimit-${dice.pick(["upto", "above"])} ${dice.pick(["2/s", "5/min"])} --hashlimit-rate-match --hashlimit-rate-interval ${dice.pick([60, 600])}`
    : `--hashlimit-${dice.pick(["upto", "above"])} ${rate}`;
  const name = `--hashlimit-name t${dice.int(0, 1e9)}`;
  return `-m hashlimit ${how} ${by === "" ? "" : `--hashlimit-mode ${by}`} ${rest} ${name}`;
}

function ipv6Of(dice: Dice): string {
  return dice.pick([
    () =>
      `-m frag ${not(dice)}--fragid ${dice.pick(["0:2147483647", "1:60", "7"])} ${dice.pick(["", "--fragfirst", "--fragmore", "--fraglast", "--fragres", "--fragfirst --fragmore"])}`,
    () => `-m frag ${not(dice)}--fraglen ${dice.pick([8, 16])}`,
    () =>
      `-m hbh ${dice.pick(["", `${not(dice)}--hbh-len ${dice.pick([8, 16])}`, "--hbh-opts 5:2", "--hbh-opts 1", "--hbh-opts 1:4,5"])}`,
    () =>
      `-m dst ${dice.pick(["", `${not(dice)}--dst-len ${dice.pick([8, 16])}`, "--dst-opts 1:4", "--dst-opts 1,1"])}`,
    () => `-m rt ${routingOf(dice)}`,
    () =>
      `-m ipv6header ${not(dice)}--header ${dice.pick(["prot", "hop,prot", "none", "frag", "dst", "auth,esp", "route", "dst,route,prot"])} ${dice.pick(["", "--soft"])}`,
  ])();
}

function routingOf(dice: Dice): string {
  const zero = `--rt-type 0 ${dice.pick(["", "--rt-0-res", "--rt-0-addrs 2001:db8::9", "--rt-0-addrs 2001:db8::9,fd00:1::2 --rt-0-not-strict"])}`;
  return dice.pick([
    "",
    zero,
    zero,
    `${not(dice)}--rt-type ${dice.pick([0, 2, 3, 4])}`,
    `${not(dice)}--rt-segsleft ${dice.pick(["0", "1:3", ":1"])}`,
    `${not(dice)}--rt-len ${dice.pick([8, 24, 40])}`,
  ]);
}

/** Root sends what the kernel engine sends. */
function ownerOf(dice: Dice): string {
  return `-m owner ${dice.pick([
    () => `${not(dice)}--uid-owner ${dice.pick(["0", "0-10", "1000"])}`,
    () => `${not(dice)}--gid-owner ${dice.pick(["0", "5"])} ${not(dice)}--uid-owner 0`,
    () => `${not(dice)}--socket-exists`,
    () => `${not(dice)}--gid-owner ${dice.pick(["0", "5"])} --suppl-groups`,
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
  ])()} ${dice.pick(["", "", "--kerneltz", "--utc"])}`;
}

function recentOf(dice: Dice, fam: 4 | 6): string {
  // The first rule gives a list its mask: one has a narrower one.
  const list = dice.pick(["a", "a", "b", fam === 4 ? "m --mask 255.255.255.0" : "m --mask ffff:ffff:ffff:ffff::"]);
  const name = `--name ${list} ${dice.pick(["--rsource", "--rsource", "--rdest"])}`;
  const writes = dice.chance(0.5);
  if (writes) return `-m recent ${not(dice, 0.1)}${dice.pick(["--set", "--set", "--remove"])} ${name}`;
  const hits = dice.chance(0.5) ? `--hitcount ${dice.int(1, 3)}` : "";
  const age = dice.chance(0.5) ? `--seconds ${dice.pick([1, 60])}${dice.chance(0.3) ? " --reap" : ""}` : "";
  const ttl = dice.chance(0.15) ? "--rttl" : "";
  return `-m recent ${not(dice, 0.1)}${dice.pick(["--rcheck", "--update"])} ${age} ${hits} ${ttl} ${name}`;
}

function conntrackOption(dice: Dice, fam: 4 | 6): string {
  const inside = () => dice.pick(fam === 4 ? ["10.0.0.2", "10.0.0.0/24", "0.0.0.0/0"] : ["fd00:1::2", "fd00:1::/64"]);
  const outside = () => dice.pick(fam === 4 ? ["198.51.100.9", "192.0.2.0/24"] : ["2001:db8::9", "2001:db8::/33"]);
  const ports = () => dice.pick(["80", "53", "53:80", "1:100", "4000:65535"]);
  return dice.pick([
    () =>
      `${not(dice)}--ctstate ${dice.pick(["NEW", "ESTABLISHED,RELATED", "INVALID", "SNAT", "DNAT", "UNTRACKED,NEW"])}`,
    () => `${not(dice)}--ctproto ${dice.pick(["6", "17", "tcp"])}`,
    () => `${not(dice)}--ctorigsrc ${inside()}`,
    () => `${not(dice)}--ctorigdst ${outside()}`,
    () => `${not(dice)}--ctreplsrc ${outside()}`,
    () => `${not(dice)}--ctrepldst ${inside()}`,
    () => `${not(dice)}--ctorigsrcport ${ports()}`,
    () => `${not(dice)}--ctorigdstport ${ports()}`,
    () => `${not(dice)}--ctreplsrcport ${ports()}`,
    () => `${not(dice)}--ctrepldstport ${ports()}`,
    () =>
      `${not(dice)}--ctstatus ${dice.pick(["NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SEEN_REPLY,ASSURED"])}`,
    () => `--ctdir ${dice.pick(["ORIGINAL", "REPLY"])}`,
    () => `${not(dice)}--ctexpire ${dice.pick(["0:1000", "29:31", "100:500000"])}`,
    () =>
      `${not(dice)}--ctstate ${dice.pick(["NEW", "ESTABLISHED"])} --ctdir ORIGINAL ${not(dice)}--ctorigsrc ${inside()}`,
  ])();
}
