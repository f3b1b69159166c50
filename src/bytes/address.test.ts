import test from "ava";
import fc from "fast-check";
import {
  expandIpv6,
  formatAddress,
  formatIpv4,
  formatIpv6,
  formatMac,
  maskOfPrefix4,
  maskOfPrefix6,
  parseAddress,
  parseIpv4,
  parseIpv6,
  parseMac,
  prefixOfMask,
} from "./address.ts";
import { bytesOfHex, hexOf, viewOfHex } from "./hex.ts";

const word = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 0xffff, 0x10000, 0x10001, -0x10000));
const words = fc.tuple(word, word, word, word);

test("IPv4 text is read as inet_pton reads it", (t) => {
  for (const [text, value] of [
    ["0.0.0.0", 0],
    ["255.255.255.255", -1],
    ["10.0.0.2", 0x0a000002],
    ["192.168.1.254", 0xc0a801fe | 0],
    ["1.2.3", null],
    ["1.2.3.4.5", null],
    ["1.2.3.", null],
    [".1.2.3.4", null],
    ["1..3.4", null],
    ["1.2.3.4.", null],
    ["256.1.1.1", null],
    ["1.2.3.1000", null],
    ["01.2.3.4", null],
    ["00.0.0.0", null],
    ["1.2.3.4 ", null],
    [" 1.2.3.4", null],
    ["0x1.2.3.4", null],
    ["-1.2.3.4", null],
    ["1.2.3.4/8", null],
    ["", null],
  ] as const)
    t.is(parseIpv4(text), value, text);
});

test("IPv6 text is read and printed as glibc does", (t) => {
  // text, how it prints (null: refused)
  for (const [text, printed] of [
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["fd00::2", "fd00::2"],
    ["FD00:0:0:0:0:0:0:00aB", "fd00::ab"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["1:0:0:4:0:0:7:8", "1::4:0:0:7:8"],
    ["1:0:3:0:0:6:0:0", "1:0:3::6:0:0"],
    ["1:0:0:4:0:0:0:8", "1:0:0:4::8"],
    ["2001:db8::1:0:0:1", "2001:db8::1:0:0:1"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["::ffff:c000:201", "::ffff:192.0.2.1"],
    ["::192.0.2.1", "::192.0.2.1"],
    ["::0.1.0.0", "::0.1.0.0"],
    ["::0.0.0.1", "::1"],
    ["::fffe:192.0.2.1", "::fffe:c000:201"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["::ffff:0:0", "::ffff:0.0.0.0"],
    ["::ffff:0:0:0", "::ffff:0:0:0"],
    ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"],
    ["", null],
    [":", null],
    [":::", null],
    ["1", null],
    ["1:2:3:4:5:6:7", null],
    ["1:2:3:4:5:6:7:8:", null],
    ["1:2:3:4:5:6:7:8:9", null],
    [":1:2:3:4:5:6:7:8", null],
    ["::1:2:3:4:5:6:7:8", null],
    ["1:2:3:4:5:6:7:8::", null],
    ["1::2::3", null],
    ["1:::2", null],
    ["12345::", null],
    ["g::", null],
    ["::1%eth0", null],
    ["::1/64", null],
    ["1.2.3.4", null],
    ["::1.2.3", null],
    ["::01.2.3.4", null],
    ["::1.2.3.4:5", null],
    ["1:2:3:4:5:6:7:1.2.3.4", null],
    [" ::1", null],
  ] as const) {
    const parsed = parseIpv6(text);
    t.is(parsed === null ? null : formatIpv6(...parsed), printed, text);
  }
});

test("what is printed is read back", (t) => {
  fc.assert(
    fc.property(words, (w) => {
      t.deepEqual(parseIpv6(formatIpv6(...w)), w);
      t.deepEqual(parseIpv6(expandIpv6(...w)), w);
      t.deepEqual(parseAddress(formatAddress(w)), w);
    }),
  );
  fc.assert(fc.property(word, (w) => t.is(parseIpv4(formatIpv4(w)), w)));
  t.deepEqual(parseAddress("10.0.0.1"), [0x0a000001]);
  t.is(formatAddress([-1]), "255.255.255.255");
  t.is(parseAddress("localhost"), null);
});

test("the expanded form has every digit", (t) => {
  t.is(expandIpv6(0xfd000001 | 0, 0, 0, 0x2a), "fd00:0001:0000:0000:0000:0000:0000:002a");
});

test("link-layer addresses", (t) => {
  t.is(hexOf(parseMac("02:00:00:00:0A:ff")!), "020000000aff");
  t.is(hexOf(parseMac("2:0:0:0:a:ff")!), "020000000aff");
  for (const text of [
    "",
    "02:00:00:00:0a",
    "02:00:00:00:0a:ff:00",
    "02-00-00-00-0a-ff",
    "002:0:0:0:0:0",
    "g:0:0:0:0:0",
  ])
    t.is(parseMac(text), null, text);
  const data = bytesOfHex("ffff020000000affaa")!;
  t.is(formatMac(data, 2), "02:00:00:00:0a:ff");
  t.is(formatMac(data, 6, 8), "0a:ff:aa");
});

test("prefix lengths and masks", (t) => {
  for (const [prefix, mask] of [
    [0, "0.0.0.0"],
    [1, "128.0.0.0"],
    [8, "255.0.0.0"],
    [31, "255.255.255.254"],
    [32, "255.255.255.255"],
  ] as const)
    t.is(formatIpv4(maskOfPrefix4(prefix)), mask);
  for (let prefix = 0; prefix <= 32; prefix++) t.is(prefixOfMask([maskOfPrefix4(prefix)]), prefix);
  for (let prefix = 0; prefix <= 128; prefix++) t.is(prefixOfMask(maskOfPrefix6(prefix)), prefix);
  t.is(formatIpv6(...maskOfPrefix6(65)), "ffff:ffff:ffff:ffff:8000::");
  t.is(prefixOfMask([parseIpv4("255.0.255.0")!]), null);
  t.is(prefixOfMask([0, -1, 0, 0]), null);
  t.is(prefixOfMask([-1, 0, -1, 0]), null);
});

test("hexadecimal text", (t) => {
  t.is(hexOf(bytesOfHex("4500 00FF\n0a:0b")!), "450000ff0a0b");
  t.is(hexOf(bytesOfHex("")!), "");
  t.is(hexOf(bytesOfHex("00112233")!, 1, 3), "1122");
  for (const text of ["4", "450", "4g", "4 5", "0x45"]) t.is(bytesOfHex(text), null, text);
  t.throws(() => viewOfHex("zz"), { instanceOf: RangeError });
});
