/**
 * What random rule lines are made of: values by the option that takes them, first those that are right nearly
 * everywhere; and options without which others are no use.
 */
import type { Family } from "../../src/packet/hook.ts";

export const words = (text: string) => text.split(" ");

export const NUMBERS = words(
  '0 1 5 80 255 256 65535 65536 -1 0x10 010 4294967295 4294967296 1:5 5:1 :5 5: http ssh domain foo "" 1,2 1/2 0x1/0xff 99999999999999999999',
);
export const ADDRESSES: Readonly<Record<Family, readonly string[]>> = {
  4: words(
    '1.2.3.4 10.0.0.0/8 1.2.3.4/24 1.2.3.4/255.255.0.0 1.2.3.4/255.0.255.0 0/0 10 10.1/16 1.2.3.4,5.6.7.8 1.2.3.4/33 256.1.1.1 foo 1.2.3.4/ /8 ! "" any/0 0x7f.1 ::1',
  ),
  6: words(
    '::1 fe80::/10 2001:db8::/32 ::/0 2001:db8::1/ffff:ffff:: ::1,::2 fe80::/129 foo 1.2.3.4 ::ffff:1.2.3.4 "" 2001:db8::1/ffff:0:ffff::',
  ),
};
export const INTERFACES = words('eth0 eth+ + lo averylongname12 averylongname123 "" a/b eth0.5 "eth0"');
export const PROTOCOLS = words("tcp udp icmp TCP 6 17 0 all 58 ipv6-icmp icmpv6 gre 255 256 foo ah ip 132 sctp");
export const WORDS = words('foo "" bar,baz x"y" it\'s');

const HASHLIMIT_RATES = words(
  "5/s 10/minute 3/hour 1/day 512kb/s 5 1mb/s 100b/s 0/s 10000/s 1000001/s 5/x /s 5/sec 15b/s b/s 7mb/s 1000000/s -5/s 0b/s 5b/min",
);
const TOS_VALUES = words("0x10 0x04/0x1c 16/255 Minimize-Delay normal-service 256 4/256 4/ foo maximize-cost 010");

/**
 * Values by the option that takes them, or by the extension and its option; numbers for all others. A text of two words
 * is for an option that takes two.
 */
export const VALUES: Readonly<Record<string, readonly string[] | "address">> = {
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
  "string --to": words("40 0 65535 65536 28 x -1"),
  "string --from": words("20 0 65535 65536 41 x"),
  "--u32": [
    '"6&0xFF=6"',
    '"0>>22&0x3C@0>>16=80"',
    "0=0",
    '"4&0x3FFF=0&&8>>24=1:64,70"',
    '"0=5:1"',
    '"0<8=5"',
    '"0="',
    '"=1"',
    '"0=5&6"',
    '""',
    '"0x100000000=1"',
    '"1@2@3@4@5@6@7@8@9@10@11@12=1"',
  ],
  "--strip-options": words("2,3,8 mss,timestamp 5 sack-permitted,md5 1 0 256 mss,2 foo 3, wscale,,mss"),
  "--dscp-class": words("EF CS1 BE AF11 ef AF44 AF14 CS8 foo"),
  "--set-dscp-class": words("EF CS1 BE AF43 ef AF44 CS8 foo"),
  "--probability": words("0.5 1 0 0.33333 1e-3 1.1 -0.1 x 0x1p-1 .25 2"),
  "--hbh-opts": words("1 1:4 5:2,1 3,4,5,6 1:256 256 x 1: 5:2:3"),
  "--dst-opts": words("1 1:4 5:2,1 201:16 1:256 256 x 1:"),
  "--rt-0-addrs": words("2001:db8::1 ::1,::2 ::1, 1.2.3.4 x"),
  "--rt-segsleft": words("0 1:3 :2 2: 3:1 : x"),
  "--header": words("prot hop,prot none dst,route esp,auth foo 43 60,44 255 hop,,prot 50"),
  "--match-set": ["hosts src", "ports dst", "nets src,dst", "hosts foo", "hosts src,dst,src,dst,src,dst,src", "hosts"],
  "--add-set": ["hosts src", "nets dst", "hosts src,dst", "hosts x", `${"n".repeat(32)} src`, "hosts"],
  "--del-set": ["hosts src", "nets dst", "hosts src,dst", "hosts x", "hosts"],
  "--map-set": ["nets src", "nets dst", "hosts src,dst", "nets x"],
  "--helper": words('ftp tftp irc sip-0 sip Q.931 snmp_trap "" nosuchhelpernamenosuchhelper'),
  "CONNMARK --mask": words("0xff 1 0xffffffff 4294967296 x"),
  "CONNMARK --nfmask": words("0xff 1 0xffffffff 4294967296 x"),
  "CONNMARK --ctmask": words("0xff 1 0xffffffff 4294967296 x"),
  "CONNMARK --left-shift-mark": words("1 8 31 32 0 255 256 x"),
  "CONNMARK --right-shift-mark": words("1 8 31 32 0 255 256 x"),
  "statistic --mode": words("random nth tunnel foo"),
  "recent --seconds": words("60 1 4294967295 0 4294967296 x"),
  "--hitcount": words("3 1 20 0 255 256 65535 65536 x"),
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

/** The same for IPv6, where that is another thing. */
export const VALUES6: Readonly<Record<string, readonly string[]>> = {
  "--reject-with": words(
    "icmp6-port-unreachable tcp-reset icmp6-adm-prohibited no-route adm-prohibited addr-unreach port-unreach policy-fail reject-route icmp-net-unreachable foo",
  ),
  "--to-source": words(
    "2001:db8::1 2001:db8::1-2001:db8::9 [2001:db8::1]:80 [::1]:80-90 :80 [::1] foo 1.2.3.4 [::1 ::1-",
  ),
  "--to-destination": words(
    "2001:db8::1 2001:db8::1-2001:db8::9 [2001:db8::1]:80 [::1]:80-90/100 :80 [::1]:90-80 [::1] foo 1.2.3.4",
  ),
  "--src-range": words("::1-::9 2001:db8::1 ::9-::1 1.2.3.4-1.2.3.9 ::1- a-b"),
  "--dst-range": words("::1-::9 2001:db8::1 ::9-::1 1.2.3.4"),
  "--hashlimit-srcmask": words("64 0 128 129 24 ffff:: x"),
  "--src-type": words("LOCAL UNICAST,MULTICAST ANYCAST BLACKHOLE BROADCAST local FOO THROW"),
  "--dst-type": words("LOCAL MULTICAST UNREACHABLE PROHIBIT foo"),
};

/** Options without which an extension is refused, whatever else it has. */
export const STARTS: Readonly<Record<string, readonly string[]>> = {
  hashlimit: ["--hashlimit-upto 5/s --hashlimit-name ssh", "--hashlimit-above 1kb/s --hashlimit-name b"],
  connbytes: ["--connbytes 5:10 --connbytes-dir both --connbytes-mode packets"],
  policy: ["--dir in", "--dir out", "--dir in --pol ipsec --strict"],
  statistic: ["--mode nth --every 3", "--mode random --probability 0.5"],
  string: ["--string foo --algo bm", '--hex-string "|00|" --algo kmp'],
  recent: ["--set", "--rcheck", "--update", "--rcheck --seconds 60", "--remove"],
  rt: ["--rt-type 0", "--rt-type 0 --rt-0-addrs ::1"],
  set: ["--match-set hosts src"],
  SET: ["--add-set hosts src", "--del-set hosts dst", "--map-set nets src --map-mark", "--add-set hosts src --exist"],
  CONNMARK: ["--save-mark", "--restore-mark", "--set-mark 1", "--set-xmark 1/3"],
  connlimit: ["--connlimit-above 3", "--connlimit-upto 3"],
  owner: ["--uid-owner 0", "--gid-owner 0"],
  multiport: ["--dports 80"],
  addrtype: ["--dst-type LOCAL"],
  time: ["--timestart 05:00", "--weekdays Mon"],
  ecn: ["--ecn-ip-ect 1"],
  physdev: ["--physdev-is-bridged"],
  NFQUEUE: ["--queue-balance 0:3"],
};

/** Protocols that an extension wants. */
export const SENSIBLE: Readonly<Record<string, readonly string[]>> = {
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
  TCPOPTSTRIP: ["tcp"],
  ECN: ["tcp"],
  CT: ["tcp", "udp"],
};
