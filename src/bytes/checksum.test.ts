import test from "ava";
import fc from "fast-check";
import {
  addressDelta,
  check,
  crc32c,
  fold,
  ipv4HeaderCheck,
  ipv4HeaderSum,
  mangled0,
  protoReplace2,
  protoReplace4,
  protoReplace16,
  pseudoSum4,
  pseudoSum6,
  replace2,
  replace4,
  sctpCheck,
  sumInCore,
  sumOf,
  sumOfWord,
} from "./checksum.ts";
import { claimPackets, releasePackets } from "./core.ts";
import { viewOfHex } from "./hex.ts";

const word = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 0xffff, 0x10000, -0x10000));
const half = fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 1, 0xfffe, 0xffff));

/** RFC 1071 to the letter. */
function sumByWords(view: DataView, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at += 2) {
    sum += (view.getUint8(at) << 8) | (at + 1 < end ? view.getUint8(at + 1) : 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

/** The kernel's 32-bit arithmetic (include/net/checksum.h), with every intermediate value kept. */
const csumAdd = (a: number, b: number) => {
  const sum = (a >>> 0) + (b >>> 0);
  return sum > 0xffffffff ? sum - 0xffffffff : sum;
};
const csumSub = (a: number, b: number) => csumAdd(a, ~b);
const csumFold = (sum: number) => {
  let folded = (sum >>> 16) + (sum & 0xffff);
  folded = (folded >>> 16) + (folded & 0xffff);
  return ~folded & 0xffff;
};

test("the sum of any bytes at any offset is that of RFC 1071", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), fc.nat(20), (bytes, skip, cut) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const start = Math.min(skip, bytes.length);
      const end = Math.max(start, bytes.length - cut);
      t.is(sumOf(view, start, end), sumByWords(view, start, end));
    }),
    { numRuns: 2000 },
  );
});

test("64 KiB of ones and of zeroes are summed without losing a carry", (t) => {
  const bytes = new Uint8Array(0x10000);
  const view = new DataView(bytes.buffer);
  t.is(sumOf(view, 0, bytes.length), 0);
  bytes.fill(0xff);
  t.is(sumOf(view, 0, bytes.length), 0xffff);
  t.is(sumOf(view, 1, bytes.length), sumByWords(view, 1, bytes.length));
  bytes[0x8001] = 0xfe;
  t.is(sumOf(view, 0, bytes.length), 0xfffe);
});

test("the core's sums are the same, and it is claimed once at a time", (t) => {
  const memory = claimPackets();
  if (memory === null) return t.fail("WebAssembly with vectors is part of every supported Node");
  t.is(claimPackets(), null);
  releasePackets(new DataView(new ArrayBuffer(8)));
  t.is(claimPackets(), null);
  sumInCore(memory);
  const { data, view } = memory;
  fc.assert(
    fc.property(fc.nat(64), fc.nat(400), fc.infiniteStream(fc.nat(255)), (start, length, bytes) => {
      for (let i = 0; i < 512; i++) data[i] = bytes.next().value;
      t.is(sumOf(view, start, start + length), sumByWords(view, start, start + length));
    }),
  );
  data.fill(0xff);
  for (const length of [0xfff0, 0xffff, 0x10000, 0x10001, 0x1ffff])
    t.is(sumOf(view, 3, 3 + length), sumByWords(view, 3, 3 + length), `${length}`);
  data.fill(0);
  t.is(sumOf(view, 0, 0x10000), 0);
  releasePackets(view);
  t.is(claimPackets(), memory);
  releasePackets(view);
});

test("fold and check at the edges", (t) => {
  for (const [sum, folded] of [
    [0, 0],
    [0xffff, 0xffff],
    [0x10000, 1],
    [0x1ffff, 1],
    [0x1fffe, 0xffff],
    [0xffffffff, 0xffff],
    [0xfffeffff, 0xfffe],
  ]) {
    t.is(fold(sum), folded, sum.toString(16));
    t.is(check(sum), 0xffff - folded, sum.toString(16));
  }
  t.is(mangled0(0), 0xffff);
  t.is(mangled0(1), 1);
});

test("headers and transport checksums of whole packets", (t) => {
  // 10.0.0.2:40000 > 192.168.0.5:53 UDP "ab", and the same ports over fd00::2 > fd00:1::5
  const v4 = viewOfHex("4500001e000140004011701f0a000002c0a800059c400035000a37536162");
  t.is(ipv4HeaderCheck(v4, 0, 20), 0x701f);
  t.is(ipv4HeaderSum(v4, 0, 20), 0xffff);
  v4.setUint16(10, 0x1234);
  t.is(ipv4HeaderCheck(v4, 0, 20), 0x701f);
  const options = viewOfHex("470000240001000040010000c0a80001c0a800020102030405060708deadbeef00000000");
  t.is(ipv4HeaderSum(options, 0, 28), sumByWords(options, 0, 28));
  t.is(ipv4HeaderCheck(options, 0, 28), check(sumByWords(options, 0, 28)));
  const pseudo4 = pseudoSum4(v4.getInt32(12), v4.getInt32(16), 17, 10);
  t.is(fold(sumOf(v4, 20, 30) + pseudo4), 0xffff);
  const addresses = viewOfHex("fd000000000000000000000000000002fd000001000000000000000000000005");
  const w = (i: number) => addresses.getInt32(4 * i);
  t.is(
    fold(pseudoSum6(w(0), w(1), w(2), w(3), w(4), w(5), w(6), w(7), 17, 0x10008)),
    fold(sumByWords(addresses, 0, 32) + 17 + 1 + 8),
  );
});

test("replace2, replace4 and replace16 are the kernel's arithmetic, zeroes included", (t) => {
  fc.assert(
    fc.property(half, half, half, (value, from, to) => {
      const add16 = (a: number, b: number) => (a + b > 0xffff ? a + b - 0xffff : a + b);
      t.is(replace2(value, from, to), ~add16(add16(~value & 0xffff, ~from & 0xffff), to) & 0xffff);
      t.is(protoReplace2(value, from, to, false, true), csumFold(csumAdd(csumSub(~value, from), to)));
      t.is(protoReplace2(value, from, to, true, false), value);
    }),
  );
  fc.assert(
    fc.property(half, word, word, (value, from, to) => {
      t.is(replace4(value, from, to), csumFold(csumAdd(csumSub(~value, from), to)));
      t.is(protoReplace4(value, from, to, false, false), replace4(value, from, to));
      t.is(protoReplace4(value, from, to, true, true), ~csumFold(csumAdd(csumSub(value, from), to)) & 0xffff);
      t.is(protoReplace4(value, from, to, true, false), value);
    }),
  );
  const address = fc.tuple(word, word, word, word);
  fc.assert(
    fc.property(half, address, address, (value, from, to) => {
      const delta = addressDelta(...from, ...to);
      const diff = [...from.map((w) => ~w), ...to].reduce(csumAdd, 0);
      t.is(protoReplace16(value, delta, false, true), csumFold(csumAdd(diff, ~value)));
      t.is(protoReplace16(value, delta, true, true), ~csumFold(csumAdd(diff, value)) & 0xffff);
      t.is(protoReplace16(value, delta, true, false), value);
    }),
  );
});

test("an updated check verifies like a freshly computed one", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 24, maxLength: 60 }), word, (bytes, to) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      view.setUint16(0, 0x4500);
      view.setUint16(10, 0);
      const before = check(sumOf(view, 0, bytes.length));
      const from = view.getInt32(12);
      view.setInt32(12, to);
      t.is(fold(sumOf(view, 0, bytes.length) + replace4(before, from, to)), 0xffff);
      const low = view.getUint16(14);
      const after = replace4(before, from, to);
      view.setUint16(14, 0x1234);
      t.is(fold(sumOf(view, 0, bytes.length) + replace2(after, low, 0x1234)), 0xffff);
    }),
  );
  t.is(sumOfWord(-1), 0x1fffe);
});

test("CRC32c: published values, and SCTP's field", (t) => {
  // RFC 3720 B.4, and the check value of the Castagnoli polynomial.
  const crc = (hex: string) => ~crc32c(viewOfHex(hex), 0, hex.length / 2) >>> 0;
  t.is(crc("00".repeat(32)), 0x8a9136aa);
  t.is(crc("ff".repeat(32)), 0x62a8ab43);
  t.is(crc("313233343536373839"), 0xe3069283);
  t.is(crc(""), 0);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 12, maxLength: 80 }), (bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const value = sctpCheck(view, 0, bytes.length);
      view.setInt32(8, 0);
      const whole = ~crc32c(view, 0, bytes.length);
      view.setInt32(8, whole, true);
      t.is(view.getInt32(8), value);
      t.is(sctpCheck(view, 0, bytes.length), value);
    }),
  );
});
