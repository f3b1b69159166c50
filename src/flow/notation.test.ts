import test from "ava";
import fc from "fast-check";
import { hexOf } from "../bytes/hex.ts";
import { buildPacket } from "./build.ts";
import { FlowError } from "./error.ts";
import { printPacket } from "./notation.ts";
import { parseLine } from "./parse.ts";

/** The bytes that packet notation means. */
function bytesOf(text: string): Uint8Array {
  const node = parseLine(`lan0 > ${text}`);
  if (node.kind !== "event" || node.action.kind !== "packet") throw new Error(`no packet: ${text}`);
  return buildPacket(node.action.packet).bytes;
}

test("notation to bytes: headers, defaults and checksums", (t) => {
  // The expected bytes were written by another program.
  const table: [string, string][] = [
    [
      "tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] seq 100",
      "4500002800014000400606910a000002c63364090fa0005000000064000000005002ffff6b500000",
    ],
    [
      'tcp 10.0.0.2:4000 > 198.51.100.9:80 [P.] seq 101 ack 5001 win 512 data "hello" ttl 63',
      "4500002d000140003f06078c0a000002c63364090fa0005000000065000013895018020011d9000068656c6c6f",
    ],
    [
      "tcp [2001:db8::1]:4000 > [2001:db8::2]:80 [S]",
      "600000000014064020010db800000000000000000000000120010db80000000000000000000000020fa0005000000000000000005002ffff447e0000",
    ],
    [
      "tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] cksum bad",
      "4500002800014000400606910a000002c63364090fa0005000000000000000005002ffff3ee10000",
    ],
    [
      'udp 10.0.0.2:5353 > 198.51.100.9:53 data "E" nodf tos 0x10',
      "4510001d00010000401146810a000002c633640914e900350009717f45",
    ],
    [
      'udp [2001:db8::1]:5353 > [2001:db8::2]:53 data "E"',
      "600000000009114020010db800000000000000000000000120010db800000000000000000000000214e9003500094a4945",
    ],
    ["udp 10.0.0.2:5353 > 198.51.100.9:53 cksum none", "4500001c00014000401106920a000002c633640914e9003500080000"],
    [
      'udplite 10.0.0.2:5353 > 198.51.100.9:53 data "abc"',
      "4500001f00014000408806180a000002c633640914e900350000f1ac616263",
    ],
    [
      'icmp 10.0.0.2 > 198.51.100.9 echo-request id 77 seq 3 data "abcdefgh"',
      "45000024000140004001069a0a000002c63364090800661a004d00036162636465666768",
    ],
    [
      'icmp6 2001:db8::1 > 2001:db8::2 echo-reply id 77 seq 3 data "abcdefgh"',
      "6000000000103a4020010db800000000000000000000000120010db80000000000000000000000028100915a004d00036162636465666768",
    ],
    [
      'icmp 198.51.100.9 > 10.0.0.2 port-unreachable (udp 10.0.0.2:1 > 198.51.100.9:2 data "x")',
      "450000390001400040010685c63364090a00000203033156000000004500001d00014000401106910a000002c6336409000100020009539a78",
    ],
    [
      "sctp 10.0.0.2:5 > 198.51.100.9:6 vtag 17 [COOKIE_ACK][HEARTBEAT]",
      "45000030000140004084060b0a000002c63364090005000600000011b69abcba0b0000040400000c0001000800000000",
    ],
    [
      "dccp 10.0.0.2:5 > 198.51.100.9:6 [RESPONSE] seq 9 ack 8",
      "45000030000140004021066e0a000002c6336409000500060700c1670300000000000009000000000000000800000000",
    ],
    ['gre 10.0.0.2 > 198.51.100.9 key 5 data "x"', "4500001d00014000402f06730a000002c6336409200008000000000578"],
    [
      'gre 10.0.0.2 > 198.51.100.9 call 99 data "x"',
      "4500002100014000402f066f0a000002c63364093001880b000100630000000178",
    ],
    ['proto 253 10.0.0.2 > 198.51.100.9 data "x" ipid 7 frag 7@16+', "450000150007200240fd25a50a000002c633640978"],
    ["raw 4500001c", "4500001c"],
    ['raw "45 00 00 1c"', "4500001c"],
  ];
  for (const [text, hex] of table) t.is(hexOf(bytesOf(text)), hex, text);
});

test("every kind of packet prints as it is written", (t) => {
  for (const text of [
    "tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]",
    "tcp 10.0.0.2:4000 > 198.51.100.9:80 [S.] seq 5000 ack 1 win 1000 options [mss 1460,sackOK,TS val 1 ecr 2,nop,wscale 7]",
    "tcp 10.0.0.2:4000 > 198.51.100.9:80 [P.] seq 1 ack 5001 length 100",
    "tcp 10.0.0.2:4000 > 198.51.100.9:80 [.] options [nop,nop,sack 1:101 201:301]",
    "tcp 10.0.0.2:4000 > 198.51.100.9:80 [none]",
    "tcp 10.0.0.2:4000 > 198.51.100.9:80 [FSRP.UEW] urg 9",
    'tcp 10.0.0.2:4000 > 198.51.100.9:80 [P.] data "GET / HTTP/1.0"',
    "tcp [2001:db8::1]:4000 > [2001:db8::2]:80 [S] hlim 63 tclass 0x10 flowlabel 0xabcde",
    "udp 10.0.0.2:5353 > 198.51.100.9:53 length 30 ttl 1 tos 0x10 ipid 4660 nodf",
    "udp 10.0.0.2:5353 > 198.51.100.9:53 data 0x00ff10",
    "udplite 10.0.0.2:5353 > 198.51.100.9:53 length 8",
    "icmp 10.0.0.2 > 198.51.100.9 echo-request id 77 seq 1 length 56",
    "icmp 198.51.100.9 > 10.0.0.2 echo-reply id 77 seq 1",
    "icmp 198.51.100.9 > 203.0.113.1 port-unreachable (udp 203.0.113.1:4000 > 198.51.100.9:53 length 5)",
    "icmp 192.0.2.1 > 203.0.113.1 fragmentation-needed (tcp 203.0.113.1:4000 > 198.51.100.9:80 [.] seq 7 length 1400) mtu 1400",
    "icmp 192.0.2.1 > 203.0.113.1 host-redirect (udp 203.0.113.1:4000 > 198.51.100.9:53) gateway 192.0.2.2",
    "icmp 10.0.0.2 > 198.51.100.9 type 42 code 7",
    "icmp6 2001:db8::1 > 2001:db8::2 echo-request id 1 seq 2",
    "icmp6 2001:db8::2 > 2001:db8::1 packet-too-big (udp [2001:db8::1]:1 > [2001:db8::9]:2 length 1200) mtu 1280",
    "icmp6 fe80::1 > ff02::1 neighbour-solicitation target 2001:db8::7 hlim 255",
    "sctp 10.0.0.2:5000 > 198.51.100.9:36412 [INIT tag 7]",
    "sctp 10.0.0.2:5000 > 198.51.100.9:36412 [COOKIE_ECHO][DATA] vtag 17",
    "dccp 10.0.0.2:5000 > 198.51.100.9:5001 [REQUEST]",
    "gre 10.0.0.2 > 198.51.100.9 key 0x5",
    "gre 10.0.0.2 > 198.51.100.9 call 99",
    "esp 10.0.0.2 > 198.51.100.9 spi 0x1234 length 20",
    "proto ospf 10.0.0.2 > 224.0.0.5 length 24",
    "proto 253 10.0.0.2 > 198.51.100.9 length 1",
    "proto udp 10.0.0.2 > 198.51.100.9 length 512 frag 77@1480",
    "udp 10.0.0.2:1 > 198.51.100.9:2 length 1472 frag 77@0+",
  ])
    t.is(printPacket(bytesOf(text), "full"), text);
});

test("what is printed in full reads back as the same bytes", (t) => {
  const port = fc.integer({ min: 0, max: 65535 });
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  const address = fc
    .tuple(u32, u32)
    .map(([a, b]) => [a, b].map((n) => `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`));
  const flags = fc.subarray([..."FSRP.UEW"]).map((letters) => `[${letters.join("") || "none"}]`);
  fc.assert(
    fc.property(
      address,
      port,
      port,
      flags,
      u32,
      u32,
      port,
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 0, max: 255 }),
      fc.boolean(),
      ([a, b], sport, dport, f, seq, ack, win, data, ttl, df) => {
        const payload = data.length === 0 ? "" : ` data 0x${hexOf(data)}`;
        const text = `tcp ${a}:${sport} > ${b}:${dport} ${f} seq ${seq} ack ${ack} win ${win}${payload} ttl ${ttl} ${df ? "df" : "nodf"}`;
        const bytes = bytesOf(text);
        t.deepEqual(bytesOf(printPacket(bytes, "full")), bytes, text);
      },
    ),
  );
});

test("other spellings mean the same packet", (t) => {
  for (const [one, other] of [
    ["tcp 1.2.3.4:5 > 6.7.8.9:10 [SA]", "tcp 1.2.3.4:5 > 6.7.8.9:10 [S.]"],
    ["tcp 1.2.3.4:5 > 6.7.8.9:10 [S A]", "tcp 1.2.3.4:5 > 6.7.8.9:10 [S.]"],
    ["tcp 1.2.3.4:5 > 6.7.8.9:10 [SYN,ACK]", "tcp 1.2.3.4:5 > 6.7.8.9:10 [S.]"],
    ["tcp 1.2.3.4.5 > 6.7.8.9.10", "tcp 1.2.3.4:5 > 6.7.8.9:10 [S]"],
    ["tcp 1.2.3.4:5 > 6.7.8.9:10 [P.] seq 1:101", "tcp 1.2.3.4:5 > 6.7.8.9:10 [P.] seq 1 length 100"],
    ["tcp 1.2.3.4:5 > 6.7.8.9:10 [S], seq 1, win 5, length 0", "tcp 1.2.3.4:5 > 6.7.8.9:10 [S] seq 1 win 5"],
    [
      "tcp 1.2.3.4:5 > 6.7.8.9:10 [S] mss 1460 nop wscale 7",
      "tcp 1.2.3.4:5 > 6.7.8.9:10 [S] options [mss 1460,nop,wscale 7]",
    ],
    [
      "tcp 1.2.3.4:5 > 6.7.8.9:10 [.] options [nop,nop,sack 1 {5:9}]",
      "tcp 1.2.3.4:5 > 6.7.8.9:10 [.] options [nop nop sack 5:9]",
    ],
    [
      "IP 1.2.3.4.5 > 6.7.8.9.10: Flags [S], seq 7, win 65535, options [mss 1460,nop,wscale 7], length 0",
      "tcp 1.2.3.4:5 > 6.7.8.9:10 [S] seq 7 mss 1460 nop wscale 7",
    ],
    ["IP6 2001:db8::1.5 > 2001:db8::2.10: UDP, length 30", "udp [2001:db8::1]:5 > [2001:db8::2]:10 length 30"],
    ["icmp 1.2.3.4 > 5.6.7.8 ping", "icmp 1.2.3.4 > 5.6.7.8 echo-request id 1 seq 1"],
    ["icmp 1.2.3.4 > 5.6.7.8 type 8", "icmp 1.2.3.4 > 5.6.7.8 echo-request"],
    ["proto 89 1.2.3.4 > 5.6.7.8", "proto ospf 1.2.3.4 > 5.6.7.8"],
    ["udp 1.2.3.4:5 > 6.7.8.9:10 hlim 3", "udp 1.2.3.4:5 > 6.7.8.9:10 ttl 3"],
  ])
    t.deepEqual(bytesOf(one), bytesOf(other), one);
});

test("fragments of one datagram are slices of its bytes", (t) => {
  const datagram = "udp 10.0.0.2:4000 > 198.51.100.9:53 length 2000 nodf";
  const whole = bytesOf(datagram).subarray(20);
  const first = bytesOf(`${datagram} frag 77:1480@0+`);
  const second = bytesOf(`${datagram} frag 77:528@1480`);
  t.deepEqual([...first.subarray(20), ...second.subarray(20)], [...whole]);
  t.is(printPacket(first), "udp 10.0.0.2:4000 > 198.51.100.9:53 length 1472 frag 77@0+");
  t.is(printPacket(second), "proto udp 10.0.0.2 > 198.51.100.9 length 528 frag 77@1480");
  const six = bytesOf("udp [2001:db8::1]:1 > [2001:db8::2]:2 length 100 frag 9:64@0+");
  t.is(printPacket(six), "udp [2001:db8::1]:1 > [2001:db8::2]:2 length 56 frag 9@0+");
});

test("any bytes print as one line", (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 120 }),
      fc.constantFrom(0x45, 0x46, 0x4f, 0x60, 0x00, 0x41),
      (bytes, first) => {
        if (bytes.length > 0) bytes[0] = first;
        for (const style of ["short", "full"] as const) t.regex(printPacket(bytes, style), /^[^\n]+$/);
      },
    ),
    { numRuns: 500 },
  );
  const syn = bytesOf("tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]");
  for (let length = 0; length < syn.length; length++) t.regex(printPacket(syn.subarray(0, length)), /^[^\n]+$/);
  t.is(printPacket(syn.subarray(0, 30)), "tcp 10.0.0.2:4000 > 198.51.100.9:80 (cut: 30 of 40 bytes)");
});

test("a mistake is one sentence at one place", (t) => {
  const table: [string, number, RegExp][] = [
    ["lan0 > tpc 10.0.0.2:4000 > 198.51.100.9:80", 8, /^“tpc” cannot stand here: a protocol \(tcp, udp/],
    ["lan0 > tcp 10.0.0.2 > 198.51.100.9:80", 12, /^tcp needs a port: 10\.0\.0\.2:80$/],
    ["lan0 > tcp 2001:db8::1 > [::2]:80", 12, /^tcp needs a port: \[2001:db8::1\]:80$/],
    ["lan0 > icmp 10.0.0.2:1 > 198.51.100.9 ping", 13, /^icmp has no ports$/],
    ["lan0 > icmp 2001:db8::1 > 2001:db8::2 ping", 8, /^icmp is IPv4's: write icmp6/],
    ["lan0 > udp 10.0.0.2:1 > [::1]:2", 25, /^an IPv4 and an IPv6 address/],
    ["lan0 > udp 10.0.0.2:1 > 10.0.0.3:2 win 5", 36, /^“win” is not an option of udp$/],
    ["lan0 > udp 10.0.0.2:1 > 10.0.0.3:2 ttl 5 ttl 6", 42, /^“ttl” is given twice$/],
    ["lan0 > udp 10.0.0.2:1 > 10.0.0.3:2 ttl 256", 40, /^ttl 256 is too big: at most 255$/],
    ["lan0 > udp 10.0.0.2:1 > 10.0.0.3:2 ttl 1.5", 40, /^ttl is a whole number, not “1\.5”$/],
    ["lan0 > udp 10.0.0.2:70000 > 10.0.0.3:2", 12, /^port 70000 is too big/],
    ["lan0 > udp 10.0.0.256:7 > 10.0.0.3:2", 12, /^“10\.0\.0\.256” is not an address$/],
    ["lan0 > tcp 10.0.0.2:1 > 10.0.0.3:2 [S", 36, /^“\[” cannot stand here/],
    ["lan0 > icmp 10.0.0.2 > 10.0.0.3 nonsense", 33, /^“nonsense” is no ICMP type/],
    ["lan0 > icmp 10.0.0.2 > 10.0.0.3 no-route", 33, /^“no-route” is no ICMP type: only IPv6 has that$/],
    ["lan0 > icmp 10.0.0.2 > 10.0.0.3 port-unreachable", 33, /is about a packet: add it/],
    ["lan0 > raw 450", 12, /^raw is followed by the packet in hexadecimal/],
    ["lan0 > proto bogus 10.0.0.2 > 10.0.0.3", 14, /^“bogus” is no protocol/],
    ["lan0 > udp 10.0.0.2:1 > 10.0.0.3:2 frag 7@9", 41, /^a fragment begins at a multiple of 8/],
    ["lan0 > udp 10.0.0.2:1 > 10.0.0.3:2 frag 7:64@8", 41, /^the datagram has 8 bytes/],
    ['lan0 > udp 10.0.0.2:1 > 10.0.0.3:2 data "x', 41, /^the quoted text is not closed$/],
    ["lan0 > udp 10.0.0.2:1 >", 24, /^the line ends too early: an address must follow$/],
    ["lan0 > sctp 10.0.0.2:1 > 10.0.0.3:2 [INIT_NOT]", 38, /^“INIT_NOT” is no SCTP chunk/],
    ["lan0 tcp 10.0.0.2:1 > 10.0.0.3:2", 6, /^“>” is missing before “tcp”/],
    ["0.1 ! lan0", 5, /^“! lan0” begins no line/],
    ["lan0 > udp 1.2.3.4:1 > 1.2.3.5:2 => bogus", 37, /^“bogus” cannot stand here: an expectation \(accept/],
    ["lan0 > udp 1.2.3.4:1 > 1.2.3.5:2 =>", 36, /^the line ends too early: an expectation/],
  ];
  for (const [text, column, message] of table) {
    const error = t.throws(
      () => {
        const node = parseLine(text);
        if (node.kind === "event" && node.action.kind === "packet") buildPacket(node.action.packet);
      },
      { instanceOf: FlowError },
      text,
    );
    t.regex(error.message, message);
    t.is(error.column, column, `${text}: ${error.message}`);
  }
});

test("no text crashes the parser", (t) => {
  const words = fc.constantFrom(
    "lan0",
    ">",
    "tcp",
    "udp",
    "10.0.0.2:1",
    "[S]",
    "[",
    "]",
    "=>",
    "accept",
    "by",
    "filter",
    "2",
    "frag",
    "7:8@0+",
    "seq",
    "1:2",
    '"',
    "expect",
    "reply",
    "0x",
    ",",
    "(",
    ")",
    "::1",
    "options",
    "mss",
    "#",
    "ü",
    "\\",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 6 })), { maxLength: 12 }), (parts) => {
      try {
        const node = parseLine(parts.join(" "));
        if (node.kind === "event" && node.action.kind === "packet") buildPacket(node.action.packet);
      } catch (error) {
        if (!(error instanceof FlowError)) throw error;
        if (/\n/.test(error.message)) throw new Error(`two lines: ${error.message}`);
      }
    }),
    { numRuns: 1000 },
  );
  t.pass();
});
