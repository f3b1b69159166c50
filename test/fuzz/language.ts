/**
 * Random rule lines: what this program makes of them against what iptables-legacy-restore and -save make of them:
 * accepted or refused, the sentence of the refusal, and the saved text. Options come from the registry, so a new
 * extension is covered when it is registered; values come from pools by the option's name.
 */
import { spawnSync } from "node:child_process";
import { registry } from "../../src/registry.ts";
import { LONG_OPTIONS } from "../../src/rules/base-options.ts";
import type { MatchDeclaration, OptionSpec, TargetDeclaration } from "../../src/rules/extension.ts";
import { printSave } from "../../src/rules/print.ts";
import type { Family, TableName } from "../../src/rules/ruleset.ts";
import { parseSave } from "../../src/rules/save.ts";
import { baseChainNames } from "../../src/rules/tables.ts";
import type { Dice } from "./dice.ts";

/** One line in its table: the text given to both. */
export interface LanguageCase {
  readonly family: Family;
  readonly table: TableName;
  readonly line: string;
  readonly text: string;
}

const words = (text: string) => text.split(" ");

const NUMBERS = words(
  '0 1 5 80 255 256 65535 65536 -1 0x10 010 4294967295 4294967296 1:5 5:1 :5 5: http ssh domain foo "" 1,2 1/2 0x1/0xff 99999999999999999999',
);
const ADDRESSES: Readonly<Record<Family, readonly string[]>> = {
  4: words(
    '1.2.3.4 10.0.0.0/8 1.2.3.4/24 1.2.3.4/255.255.0.0 1.2.3.4/255.0.255.0 0/0 10 10.1/16 1.2.3.4,5.6.7.8 1.2.3.4/33 256.1.1.1 foo 1.2.3.4/ /8 ! "" any/0 0x7f.1 ::1',
  ),
  6: words(
    '::1 fe80::/10 2001:db8::/32 ::/0 2001:db8::1/ffff:ffff:: ::1,::2 fe80::/129 foo 1.2.3.4 ::ffff:1.2.3.4 "" 2001:db8::1/ffff:0:ffff::',
  ),
};
const INTERFACES = words('eth0 eth+ + lo averylongname12 averylongname123 "" a/b eth0.5 "eth0"');
const PROTOCOLS = words("tcp udp icmp TCP 6 17 0 all 58 ipv6-icmp icmpv6 gre 255 256 foo ah ip 132 sctp");
const WORDS = words('foo "" bar,baz x"y" it\'s');

const HASHLIMIT_RATES = words(
  "5/s 10/minute 3/hour 1/day 512kb/s 5 1mb/s 100b/s 0/s 10000/s 1000001/s 5/x /s 5/sec 15b/s b/s 7mb/s 1000000/s -5/s 0b/s 5b/min",
);
const TOS_VALUES = words("0x10 0x04/0x1c 16/255 Minimize-Delay normal-service 256 4/256 4/ foo maximize-cost 010");

/** Values by the option that takes them; numbers for all others. A text of two words is for an option that takes two. */
const VALUES: Readonly<Record<string, readonly string[] | "address">> = {
  "--tcp-flags": ["SYN,ACK SYN", "ALL NONE", "ALL", "SYN -", "FOO SYN", "SYN,ACK,FIN,RST SYN", "syn ack", "all none"],
  "--icmp-type": words("8 any echo-request 3/1 host-unreachable ping foo 256 8/256 3/ 255 255/255 echo-re network"),
  "--icmpv6-type": words(
    "128 any echo-request 1/1 port-unreachable ping foo 256 8/256 1/ redirect neighbour-solicitation",
  ),
  "--state": words('NEW ESTABLISHED,RELATED new INVALID UNTRACKED FOO NEW, "" NEW,SNAT'),
  "--ctstate": words('NEW ESTABLISHED,RELATED new INVALID UNTRACKED FOO NEW, "" NEW,SNAT DNAT,NEW'),
  "--ctproto": PROTOCOLS,
  "--ctorigsrc": "address",
  "--ctorigdst": "address",
  "--ctreplsrc": "address",
  "--ctrepldst": "address",
  "--ctstatus": words("ASSURED NONE EXPECTED,SEEN_REPLY CONFIRMED foo NONE,ASSURED"),
  "--ctdir": words("ORIGINAL REPLY original foo"),
  "--sports": words(
    "80 80,443 80:90,100 http,https 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 90:80 foo 1: 80,",
  ),
  "--dports": words("80 80,443 80:90,100 http,https 90:80 foo 1: 80,"),
  "--ports": words("80 80,443 80:90,100 http,https 90:80 foo 1: 80,"),
  "--src-range": words("1.2.3.4-1.2.3.9 1.2.3.4 1.2.3.4- ::1-::9 a-b"),
  "--dst-range": words("1.2.3.4-1.2.3.9 1.2.3.4 ::1-::9 ::1"),
  "--comment": ["foo", '"a b"', '"a\\"b"', "it's", '""', "a\\b", '"ä"', "--dport", '"x"y', "!", "-s", "a".repeat(300)],
  "--src-type": words("LOCAL UNICAST,BROADCAST local FOO UNICAST, THROW,NAT,XRESOLVE"),
  "--dst-type": words("LOCAL MULTICAST foo"),
  "--limit": words("5/s 5/second 10/minute 3/hour 1/day 5 0/s 10001/s 10000/s 5/x /s 5/sec 5/m 7/h 100/d"),
  "--mac-source": words("02:00:00:00:00:01 2:0:0:0:0:1 AA:BB:CC:DD:EE:FF 02:00:00:00:00 02:00:00:00:00:001 foo"),
  "--pkt-type": words("unicast broadcast multicast host otherhost foo BROADCAST"),
  "--reject-with": words(
    "icmp-port-unreachable icmp-net-unreachable tcp-reset tcp-rst icmp6-port-unreachable port-unreach no-route adm-prohibited admin-prohib icmp-admin-prohibited foo policy-fail",
  ),
  "--log-level": words("4 debug warning warn 8 info panic error"),
  "--log-prefix": ['"foo "', "bar", '""', '"a\\"b"', "123456789012345678901234567890"],
  "--to-source": words(
    "1.2.3.4 1.2.3.4-1.2.3.9 1.2.3.4:80 1.2.3.4:80-90 1.2.3.4:90-80 1.2.3.4:65536 :80 1.2.3.9-1.2.3.4 foo ::1 [::1]:80 ::1-::9 [::1] 1.2.3.4:http 1.2.3.4:0",
  ),
  "--to-destination": words(
    "1.2.3.4 1.2.3.4-1.2.3.9 1.2.3.4:80 1.2.3.4:80-90 1.2.3.4:90-80 1.2.3.4:65536 :80 foo ::1 [::1]:80 [::1]:80-90/100 1.2.3.4:80-90/100 1.2.3.4:http",
  ),
  "--to-ports": words("80 80-90 90-80 http 65536 0 80:90 80-90/100"),
  "--to": "address",
  "--ctevents": words("new new,destroy foo assured,mark"),
  "--expevents": words("new foo"),
  "--tos": TOS_VALUES,
  "--set-tos": TOS_VALUES,
  "--chunk-types": [
    "any DATA",
    "all INIT,SACK",
    "only DATA:Be,ABORT:T",
    "any ALL",
    "all none",
    "some DATA",
    "any I_DATA:U",
    "any DATA:x",
    "any FOO",
    "any DATA:-",
    "all",
  ],
  "--dccp-types": words("REQUEST RESPONSE,DATA INVALID request,invalid FOO RESET,"),
  "--mss": words("1400 0:1400 1400: 5:1 x 65536"),
  "--connbytes": words("5 5:10 0: 10:5 : 18446744073709551615 18446744073709551616 x 0:0 5:5"),
  "--connbytes-dir": words("both original reply BOTH"),
  "--connbytes-mode": words("packets bytes avgpkt foo"),
  "--set-class": words("1:2 0:ffff a:b 1 1: x:y 0x10:1 10000:1 -1:1"),
  "--type": words("accept drop reject ACCEPT foo"),
  "--name": words('ssh DEFAULT foo a/b . "" "a b"'),
  "--mask": "address",
  "--queue-num": words("0 1 65535 65536 -1 x 0x10"),
  "--queue-balance": words("0:3 0:65535 0:65534 1:65535 3:3 4:3 5 5: :5 : 1:2:3 x 1:x"),
  "--nflog-prefix": ['"foo "', "bar", '""', '"a\\"b"', "x".repeat(70)],
  "--hashlimit-upto": HASHLIMIT_RATES,
  "--hashlimit-above": HASHLIMIT_RATES,
  "--hashlimit-burst": words("5 10 1m 0 1000000 1000001 2k 16b x 100b 18446744073709551616 -1"),
  "--hashlimit-mode": words('srcip srcip,dstport dstip|srcport "" foo srcip,foo srcip,,dstip'),
  "--hashlimit-name": words('ssh a b a/b . "" "a b"'),
  "--hashlimit-srcmask": words("24 0 32 33 128 255.255.255.0 255.0.255.0 ffff:: x 64"),
  "--hashlimit-dstmask": words("24 0 32 33 128 255.255.255.0 x"),
  "--string": ["foo", '"a b"', '"a\\"b"', '"|00|"', '""', '"a\\"', '"ä"', "x".repeat(129), "GET"],
  "--hex-string": ['"|0d0a|"', '"a|20|b"', "foo", '"|0|"', '"|0g|"', '"|0d 0a|x"', '"| 00|"', '"|00"', '""', '"a\\|b"'],
  "--algo": words('bm kmp BM foo ""'),
  "--datestart": words(
    "2020 2020-02 2020-02-30 2020-01-02T03:04:05 1969 2039 2020-13 1970 2020-00-00 2020-1-1T24 x 2038-12-31",
  ),
  "--datestop": words("2020 2020-12-31T23:59:59 2038 1970 x 2020- 2020-01-01T"),
  "--timestart": words("05:00 23:59:59 0:0 24:00 5 05:60 05:00:60 x 5:"),
  "--timestop": words("17:00 00:00 23:59:59 x 4:30:"),
  "--weekdays": words('Mon,Tue 1,7 Sat,Sun mon Monday 0 8 "" Mo,,Tu 9 x 1,'),
  "--monthdays": words('1,15,31 32 0 "" 08 1,,2 100 x 1,'),
  "--uid-owner": words("0 root 1000-2000 1000:2000 5-4 4294967294 4294967295 -1 1x 1- 010"),
  "--gid-owner": words("0 root 1000-2000 5-4 4294967295 x"),
  "--dir": words("in out in IN foo"),
  "--pol": words("none ipsec foo"),
  "--mode": words("tunnel transport random nth foo"),
  "--proto": words("esp ah ipcomp tcp 50 foo"),
  "--tunnel-src": "address",
  "--tunnel-dst": "address",
  "--physdev-in": words('eth0 eth+ averylongname123 "" +'),
  "--physdev-out": words('eth0 eth+ averylongname1234 ""'),
};

/** What the kernel or its modules answer from elsewhere: sets that exist, helpers and timeout policies that are loaded. */
const SKIPPED = new Set(["set", "--helper", "--timeout"]);
const SENSIBLE: Readonly<Record<string, readonly string[]>> = {
  tcp: ["tcp"],
  udp: ["udp"],
  icmp: ["icmp"],
  icmp6: ["ipv6-icmp"],
  multiport: ["tcp", "udp", "sctp"],
  SNAT: ["tcp"],
  DNAT: ["tcp"],
  MASQUERADE: ["tcp"],
  REDIRECT: ["udp"],
  sctp: ["sctp"],
  dccp: ["dccp"],
  esp: ["esp"],
  ah: ["ah"],
  tcpmss: ["tcp"],
  ecn: ["tcp"],
  TCPMSS: ["tcp"],
};

/** A case; half of them mean to be right, half try what is not. */
export function languageCase(dice: Dice): LanguageCase {
  const family = dice.chance(0.6) ? 4 : 6;
  const table = dice.pick(["filter", "filter", "mangle", "nat", "nat", "raw", "security"] as const);
  const line = ruleLine(dice, family, table, dice.chance(0.5));
  const base = baseChainNames(table);
  const chains = base.map((chain) => `:${chain} ACCEPT [0:0]\n`).join("");
  const from = base.find((chain) => chain === "OUTPUT") ?? base[0];
  return { family, table, line, text: `*${table}\n${chains}:mine - [0:0]\n-A ${from} -j mine\n${line}\nCOMMIT\n` };
}

function ruleLine(dice: Dice, family: Family, table: TableName, wild: boolean): string {
  const blocks: string[][] = [command(dice, table, wild)];
  const protocols: string[] = [];
  for (let n = dice.int(0, 2); n > 0; n--) {
    const match = dice.pick(registry.matches.filter((m) => m.families.includes(family) && !SKIPPED.has(m.name)));
    const given = optionsOf(dice, match, family, wild);
    blocks.push(dice.chance(0.93) ? ["-m", match.name, ...given] : given);
    protocols.push(...(SENSIBLE[match.name] ?? []));
  }
  for (const [letter, pool] of [
    ["-s", ADDRESSES[family]],
    ["-d", ADDRESSES[family]],
    ["-i", INTERFACES],
    ["-o", INTERFACES],
  ] as const)
    if (dice.chance(0.12)) blocks.push([...not(dice, 0.2), letter, good(dice, pool, wild)]);
  if (dice.chance(0.05)) blocks.push([...not(dice, 0.3), dice.pick(["-f", "--fragments"])]);
  if (dice.chance(0.7)) blocks.push(jump(dice, family, wild, protocols));
  if (protocols.length > 0 && dice.chance(0.8)) blocks.splice(1, 0, ["-p", protocols[0]]);
  else if (dice.chance(0.4)) blocks.splice(1, 0, [...not(dice, 0.15), "-p", good(dice, PROTOCOLS, wild)]);
  if (dice.chance(0.04))
    blocks.push([dice.pick(["-c", "--set-counters"]), dice.pick(["5", "5,6", "x"]), dice.pick(["7", "x"])]);
  if (wild && dice.chance(0.1))
    blocks.push([dice.pick(words("-n -v -x -4 -6 -t -w -- foo ! -Q --foo -nv --line-numbers - --= --d --s"))]);
  if (wild && dice.chance(0.05)) blocks.push([abbreviated(dice, dice.pick(LONG_OPTIONS)[0]), dice.pick(WORDS)]);
  if (wild && dice.chance(0.2)) blocks.sort(() => dice.int(0, 2) - 1);
  return blocks.flat().join(" ");
}

function command(dice: Dice, table: TableName, wild: boolean): string[] {
  const chain = dice.pick([...baseChainNames(table), "mine", ...(wild ? ["nope", "PREROUTING"] : [])]);
  if (!wild || dice.chance(0.7)) return ["-A", chain];
  return dice.pick([
    ["-I", chain],
    ["-I", chain, dice.pick(["1", "2", "9", "0"])],
    ["--append", chain],
    [`-A${chain}`],
    ["-D", chain],
    ["-D", chain, "1"],
    ["-R", chain, "1"],
    ["-C", chain],
    ["-P", chain, dice.pick(["DROP", "ACCEPT", "REJECT"])],
    ["-N", dice.pick(["new", "LOG", chain])],
    ["-E", "mine", "yours"],
    ["-X"],
    ["-F", chain],
    [],
  ]);
}

function jump(dice: Dice, family: Family, wild: boolean, protocols: string[]): string[] {
  const plain = ["ACCEPT", "DROP", "RETURN", "mine", ...(wild ? ["INPUT", "FOO", "accept"] : [])];
  if (dice.chance(0.4)) return [dice.pick(["-j", "-j", "-j", "--jump", "-g"]), dice.pick(plain)];
  const target = dice.pick(registry.targets.filter((t) => t.families.includes(family)));
  protocols.push(...(SENSIBLE[target.name] ?? []));
  return ["-j", target.name, ...optionsOf(dice, target, family, wild)];
}

function optionsOf(dice: Dice, owner: MatchDeclaration | TargetDeclaration, family: Family, wild: boolean): string[] {
  const options = Object.entries(owner.options as Record<string, OptionSpec>).filter(([key]) => !SKIPPED.has(key));
  if (options.length === 0) return [];
  const out: string[] = [];
  for (let n = dice.pick(wild ? [0, 1, 1, 2, 3] : [1, 1, 1, 2]); n > 0; n--) {
    const [key, spec] = dice.pick(options);
    const spellings = [key, ...(spec.aliases ?? []).map((alias) => (typeof alias === "string" ? alias : alias.name))];
    let name = dice.pick([key, ...spellings]);
    if (wild && dice.chance(0.05)) name = abbreviated(dice, name);
    out.push(...not(dice, spec.not === true ? 0.15 : wild ? 0.1 : 0), name);
    if (spec.type.arity === 0 || (wild && dice.chance(0.02))) continue;
    const pool = VALUES[key] ?? NUMBERS;
    const value = good(dice, pool === "address" ? ADDRESSES[family] : pool, wild);
    if (wild && dice.chance(0.05) && !value.includes(" ")) out[out.length - 1] += `=${value}`;
    else out.push(value);
  }
  return out;
}

/** From the first third of a pool stand the values that are right nearly everywhere. */
function good(dice: Dice, pool: readonly string[], wild: boolean): string {
  return dice.pick(wild ? pool : pool.slice(0, Math.max(1, Math.ceil(pool.length / 3))));
}

function not(dice: Dice, probability: number): string[] {
  return dice.chance(probability) ? ["!"] : [];
}

function abbreviated(dice: Dice, name: string): string {
  return name.slice(0, dice.int(3, name.length));
}

/** What iptables says of a text: null and the saved table, or its sentence. */
export interface LanguageAnswer {
  readonly saved: string;
  /** "" when it was loaded; `line N failed` where iptables-restore says no more. */
  readonly sentence: string;
  /** The tool itself broke down over the line. */
  readonly crashed?: true;
}

function run(program: string, args: readonly string[], input: string): { status: number; out: string; err: string } {
  const result = spawnSync(program, args, { input, encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  if (result.error !== undefined) throw result.error;
  return { status: result.status ?? -1, out: result.stdout, err: result.stderr };
}

/** Asks the installed iptables; only ever inside a network namespace of its own (SystemCalls.enterEmptyNetwork). */
export function askIptables({ family, table, text }: LanguageCase): LanguageAnswer {
  const program = family === 4 ? "iptables-legacy" : "ip6tables-legacy";
  const { status, err } = run(`${program}-restore`, [], text);
  if (status < 0) return { saved: "", sentence: "", crashed: true };
  if (status !== 0) return { saved: "", sentence: sentenceOf(err) };
  const { out } = run(`${program}-save`, ["-t", table], "");
  return { saved: out.replace(/^# .*\n/gm, ""), sentence: "" };
}

/** The sentence among what iptables-restore prints: without the program, warnings and hints around it. */
function sentenceOf(err: string): string {
  const said = err
    .split("\n")
    .filter(
      (line) =>
        !/^(Warning|WARNING|Notice|warn:|mktime:|xt_iprange: range|--reject-with .* no longer|--set option deprecated)/.test(
          line,
        ),
    )
    .join("\n");
  const failed = /^ip6?tables-restore: (line \d+ failed)/m.exec(said);
  if (failed !== null) return failed[1];
  return said
    .replace(/^ip6?tables-restore v[\d.]+ \(legacy\): /, "")
    .replace(/\nError occurred at line: [\s\S]*$/, "")
    .trim();
}

export function askTwin({ family, text }: LanguageCase): LanguageAnswer {
  const { ruleset, errors } = parseSave(text, { family, file: "line", registry });
  if (errors.length === 0) return { saved: printSave(ruleset, registry), sentence: "" };
  const { message, failedLine } = errors[0];
  return { saved: "", sentence: failedLine === undefined ? message : `line ${failedLine} failed` };
}

/** How the answers differ, or null. Names that iptables would look up are refused by both, in different words. */
export function languageDifference(one: LanguageCase): string | null {
  const twin = askTwin(one);
  if (/ is not evaluated| only prints something/.test(twin.sentence)) return null;
  const kernel = askIptables(one);
  if (kernel.crashed) return null;
  const ours = twin.sentence.replace(/ \((host names|user and group names) are not looked up\)/, "");
  if (kernel.sentence !== ours) return `iptables: ${kernel.sentence || "accepted"}\n  twin:     ${ours || "accepted"}`;
  if (kernel.saved === twin.saved) return null;
  const theirs = kernel.saved.split("\n");
  const at = twin.saved.split("\n").findIndex((line, i) => line !== theirs[i]);
  return `iptables saves: ${theirs[at]}\n  twin saves:     ${twin.saved.split("\n")[at]}`;
}

/** Runs one case per seed and prints each difference; counts those in which both say the same. */
export function fuzzLanguage(
  dice: (seed: number) => Dice,
  firstSeed: number,
  runs: number,
  mostFailures: number,
): { runs: number; identical: number } {
  let failed = 0;
  let done = 0;
  for (let seed = firstSeed; seed < firstSeed + runs && failed < mostFailures; seed++, done++) {
    const one = languageCase(dice(seed));
    const difference = languageDifference(one);
    if (difference === null) continue;
    failed++;
    console.log(`language seed ${seed}, IPv${one.family} ${one.table}: ${one.line}\n  ${difference}`);
  }
  return { runs: done, identical: done - failed };
}
