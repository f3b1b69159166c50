import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { type CaptureError, CaptureReader, CaptureRecord, isGzip, readCapture } from "./capture.ts";
import { bytesOfHex, hexOf } from "./hex.ts";
import { PcapWriter } from "./pcap-writer.ts";
import { PcapngWriter } from "./pcapng-writer.ts";
import { Timescale } from "./timescale.ts";

// ── files made by hand, in either byte order ─────────────────────────────────────────────────────────

type Bytes = readonly number[];

/** The pieces of which captures are made, in one byte order. */
function writer(little: boolean) {
  const order = (bytes: number[]) => (little ? bytes.reverse() : bytes);
  const u16 = (n: number): Bytes => order([(n >>> 8) & 255, n & 255]);
  const u32 = (n: number): Bytes => order([(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
  const pad = (bytes: Bytes): Bytes => [...bytes, ...new Array<number>((4 - (bytes.length & 3)) & 3).fill(0)];
  const option = (code: number, value: Bytes): Bytes => [...u16(code), ...u16(value.length), ...pad(value)];
  const block = (type: number, ...body: Bytes[]): Bytes => {
    const content = body.flat();
    const length = u32(content.length + 12);
    return [...u32(type), ...length, ...content, ...length];
  };
  const unlimited = [...u32(-1), ...u32(-1)];
  return {
    u16,
    u32,
    option,
    block,
    pcapHeader: (magic: number, linkType: number, snaplen = 65535, major = 2, minor = 4): Bytes =>
      [u32(magic), u16(major), u16(minor), u32(0), u32(0), u32(snaplen), u32(linkType)].flat(),
    pcapPacket: (seconds: number, fraction: number, data: Bytes, length = data.length): Bytes =>
      [u32(seconds), u32(fraction), u32(data.length), u32(length), data].flat(),
    section: (...options: Bytes[]): Bytes => block(0x0a0d0d0a, u32(0x1a2b3c4d), u16(1), u16(0), unlimited, ...options),
    interface: (linkType: number, snaplen: number, ...options: Bytes[]): Bytes =>
      block(1, u16(linkType), u16(0), u32(snaplen), ...options),
    enhanced: (id: number, high: number, low: number, data: Bytes, ...options: Bytes[]): Bytes =>
      block(6, u32(id), u32(high), u32(low), u32(data.length), u32(data.length + 3), pad(data), ...options),
    obsolete: (id: number, high: number, low: number, data: Bytes, ...options: Bytes[]): Bytes =>
      block(2, u16(id), u16(7), u32(high), u32(low), u32(data.length), u32(data.length), pad(data), ...options),
    simple: (length: number, data: Bytes): Bytes => block(3, u32(length), pad(data)),
  };
}

const text = (s: string): Bytes => [...new TextEncoder().encode(s)];
const END: Bytes = [0, 0, 0, 0];
const ORDERS = [
  ["little-endian", true],
  ["big-endian", false],
] as const;

/** What a test looks at: everything a record holds, by value. */
function plain(record: CaptureRecord) {
  return {
    number: record.number,
    time: record.time,
    nanoseconds: record.nanoseconds,
    bytes: hexOf(record.data, record.start, record.end),
    wireLength: record.wireLength,
    interface: `${record.interface.index} ${record.interface.name} ${record.interface.linkType}`,
    direction: record.direction,
    comment: record.comment,
  };
}

function read(bytes: Bytes | Uint8Array) {
  const packets: ReturnType<typeof plain>[] = [];
  const error = readCapture(Uint8Array.from(bytes), (record) => packets.push(plain(record)), new CaptureRecord());
  return { packets, error };
}

/** The same through pushes of the given sizes, over and over. */
function readInChunks(bytes: Uint8Array, sizes: readonly number[]) {
  const packets: ReturnType<typeof plain>[] = [];
  const reader = new CaptureReader();
  const record = new CaptureRecord();
  let at = 0;
  for (let i = 0; !reader.finished; i++) {
    if (at === bytes.length) reader.end();
    else reader.push(bytes.subarray(at, at + sizes[i % sizes.length]));
    at = Math.min(bytes.length, at + sizes[i % sizes.length]);
    while (reader.next(record)) packets.push(plain(record));
  }
  return { packets, error: reader.error };
}

// ── pcap ─────────────────────────────────────────────────────────────────────────────────────────────

for (const [name, little] of ORDERS) {
  const w = writer(little);

  test(`pcap, ${name}: microseconds, nanoseconds, modified`, (t) => {
    const micro = read([
      ...w.pcapHeader(0xa1b2c3d4, 1),
      ...w.pcapPacket(1700000000, 123456, [1, 2, 3]),
      ...w.pcapPacket(0xffffffff, 999999, [], 60),
    ]);
    t.is(micro.error, null);
    const common = { nanoseconds: 0, interface: "0 null 1", direction: 0, comment: null };
    t.deepEqual(micro.packets, [
      { number: 1, time: 1700000000123456, bytes: "010203", wireLength: 3, ...common } as never,
      { number: 2, time: 4294967295999999, bytes: "", wireLength: 60, ...common } as never,
    ]);
    const nano = read([...w.pcapHeader(0xa1b23c4d, 101), ...w.pcapPacket(1700000000, 123456789, [9])]);
    t.like(nano.packets[0], { time: 1700000000123456, nanoseconds: 789, interface: "0 null 101" });
    const extra = (type: number, index = 3): Bytes => [...w.u32(index), ...w.u16(8), type, 0];
    const modified = read([
      ...w.pcapHeader(0xa1b2cd34, 1),
      ...[w.u32(1), w.u32(2), w.u32(2), w.u32(2), extra(0), [7, 8]].flat(),
      ...[w.u32(1), w.u32(3), w.u32(1), w.u32(1), extra(4), [9]].flat(),
      ...[w.u32(1), w.u32(4), w.u32(1), w.u32(1), extra(0, 0), [9]].flat(),
    ]);
    t.deepEqual(
      modified.packets.map((p) => [p.time, p.bytes, p.direction]),
      [
        [1000002, "0708", 1],
        [1000003, "09", 2],
        [1000004, "09", 0],
      ],
    );
  });

  test(`pcap, ${name}: old versions have their lengths swapped`, (t) => {
    const packet = [w.u32(1), w.u32(2), w.u32(60), w.u32(2), [7, 8]].flat();
    for (const [major, minor] of [
      [2, 2],
      [2, 3],
      [543, 0],
    ])
      t.like(read([...w.pcapHeader(0xa1b2c3d4, 1, 100, major, minor), ...packet]).packets[0], {
        bytes: "0708",
        wireLength: 60,
      });
    const usual = read([...w.pcapHeader(0xa1b2c3d4, 1, 100, 2, 3), ...w.pcapPacket(1, 2, [7, 8], 60)]);
    t.like(usual.packets[0], { bytes: "0708", wireLength: 60 });
  });

  test(`pcap, ${name}: the bits above the link type are not part of it`, (t) => {
    t.is(read([...w.pcapHeader(0xa1b2c3d4, 0x24000001), ...w.pcapPacket(1, 2, [7])]).packets[0].interface, "0 null 1");
  });
}

// ── pcapng ───────────────────────────────────────────────────────────────────────────────────────────

for (const [name, little] of ORDERS) {
  const w = writer(little);

  test(`pcapng, ${name}: interfaces, directions, comments, every packet block`, (t) => {
    const { packets, error } = read(
      [
        w.section(w.option(4, text("a maker")), END),
        w.block(5, w.u32(0), w.u32(0), w.u32(0)),
        w.interface(1, 0, w.option(2, text("lan0")), w.option(3, text("inside")), END),
        w.interface(113, 4, w.option(2, text("wan0\0")), w.option(9, [9])),
        w.enhanced(0, 0x60a24, 0x9fe40000, [1, 2, 3, 4, 5], w.option(2, w.u32(1)), END),
        w.enhanced(
          1,
          0x1797,
          0x9b5a5801,
          [6],
          w.option(1, text("one")),
          w.option(2, w.u32(0xfffffffe)),
          w.option(1, text("two")),
        ),
        w.block(0x0bad0bad, w.u32(1), w.u32(2)),
        w.obsolete(1, 0x1797, 0x9b5a5be9, [7, 8], w.option(2, w.u32(2)), END),
        w.simple(4, [9, 9, 9, 9]),
        w.enhanced(0, 0, 1, [], w.option(2, w.u32(3))),
      ].flat(),
    );
    t.is(error, null);
    t.deepEqual(
      packets.map((p) => [p.number, p.bytes, p.wireLength, p.interface, p.direction, p.comment]),
      [
        [1, "0102030405", 8, "0 lan0 1", 1, null],
        [2, "06", 4, "1 wan0 113", 2, "one\ntwo"],
        [3, "0708", 2, "1 wan0 113", 2, null],
        [4, "09090909", 4, "0 lan0 1", 0, null],
        [5, "", 3, "0 lan0 1", 0, null],
      ],
    );
    const nanoseconds = (high: bigint, low: bigint) => (high << 32n) | low;
    t.is(packets[0].time, Number(nanoseconds(0x60a24n, 0x9fe40000n)));
    t.is(BigInt(packets[1].time) * 1000n + BigInt(packets[1].nanoseconds), nanoseconds(0x1797n, 0x9b5a5801n));
    t.is(BigInt(packets[2].time) * 1000n + BigInt(packets[2].nanoseconds), nanoseconds(0x1797n, 0x9b5a5be9n));
    t.is(packets[3].time, packets[2].time, "a simple packet has the time of the one before it");
  });

  test(`pcapng, ${name}: simple packets are cut to the snaplen of interface 0`, (t) => {
    const { packets, error } = read([w.section(), w.interface(1, 2), w.simple(9, [1, 2])].flat());
    t.is(error, null);
    t.like(packets[0], { bytes: "0102", wireLength: 9, time: 0 });
  });

  test(`pcapng, ${name}: a section begins anew, in its own byte order`, (t) => {
    const other = writer(!little);
    const { packets, error } = read(
      [
        w.section(),
        w.interface(1, 0, w.option(2, text("a"))),
        w.interface(1, 0, w.option(2, text("b"))),
        w.enhanced(1, 0, 10, [1]),
        other.section(),
        other.interface(101, 0),
        other.enhanced(0, 0, 11, [2]),
        other.enhanced(1, 0, 12, [3]),
      ].flat(),
    );
    t.deepEqual(
      packets.map((p) => [p.interface, p.time]),
      [
        ["1 b 1", 10],
        ["2 null 101", 11],
      ],
    );
    t.regex(error!.message, /^packet 3 at byte \d+ is of interface 1, which its section does not describe$/);
  });

  test(`pcapng, ${name}: the largest options and blocks that are passed over`, (t) => {
    const long = new Array<number>(65535).fill(65);
    const { packets, error } = read(
      [
        w.section(w.option(1, long), w.option(1, long)),
        w.interface(1, 0, w.option(2, text("eth0")), w.option(3, long), w.option(11, long)),
        w.block(0x40000bad, new Array<number>(300000).fill(1)),
        w.enhanced(0, 0, 5, [1], w.option(1, long), w.option(2989, long), w.option(2, w.u32(2))),
      ].flat(),
    );
    t.is(error, null);
    t.like(packets[0], { direction: 2, bytes: "01" });
    t.is(packets[0].comment!.length, 65535);
  });
}

test("time stamps in every resolution are exact", (t) => {
  const target = { time: 0, nanoseconds: 0 };
  const count = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), fc.array(count, { minLength: 1 }), (resolution, counts) => {
      const scale = new Timescale(resolution, 0);
      for (const [high, low] of counts) {
        scale.read(target, high, low);
        const units = (BigInt(high) << 32n) | BigInt(low);
        const exponent = BigInt(resolution & 0x7f);
        const expected = (units * 1_000_000_000n) / (resolution & 0x80 ? 2n ** exponent : 10n ** exponent);
        t.is(scale.text, `${resolution & 0x80 ? 2 : 10}^-${exponent}`);
        if (expected / 1000n > BigInt(Number.MAX_SAFE_INTEGER)) t.is(target.time, Number.MAX_SAFE_INTEGER);
        else t.is(BigInt(target.time) * 1000n + BigInt(target.nanoseconds), expected);
      }
    }),
  );
  const shifted = new Timescale(6, -3600);
  shifted.read(target, 0, 5);
  t.deepEqual(target, { time: -3600000000 + 5, nanoseconds: 0 });
  new Timescale(6, 2 ** 63).read(target, 0, 0);
  t.is(target.time, Number.MAX_SAFE_INTEGER);
});

test("if_tsoffset and a binary if_tsresol are read", (t) => {
  const w = writer(true);
  const offset = [...w.u32(-10), ...w.u32(-1)];
  const { packets } = read(
    [w.section(), w.interface(1, 0, w.option(9, [0x80 | 1]), w.option(14, offset)), w.enhanced(0, 0, 41, [])].flat(),
  );
  t.is(packets[0].time, 10_500_000);
});

// ── what is wrong is said ────────────────────────────────────────────────────────────────────────────

const le = writer(true);
const be = writer(false);
const PCAP = le.pcapHeader(0xa1b2c3d4, 1);
const ONE = le.pcapPacket(1, 2, [1, 2, 3, 4]);
const NG = [...le.section(), ...le.interface(1, 0)];
const enhancedOf = (captured: number, ...rest: Bytes[]) =>
  le.block(6, le.u32(0), le.u32(0), le.u32(1), le.u32(captured), le.u32(captured), ...rest);

/** Name, bytes, packets before the error, kind, message. */
const WRONG: readonly [string, Bytes, number, CaptureError["kind"], string][] = [
  ["nothing", [], 0, "truncated", "the capture is empty"],
  ["three bytes", [0xd4, 0xc3, 0xb2], 0, "truncated", "the capture ends before its fourth byte"],
  ["text", text("hello"), 0, "unsupported", "this is neither pcap nor pcapng: it begins with 68656c6c (hell)"],
  ["bzip2", text("BZh91"), 0, "unsupported", "this is neither pcap nor pcapng: it is bzip2-compressed"],
  ["gzip", [0x1f, 0x8b, 8, 0], 0, "unsupported", "this is neither pcap nor pcapng: it is gzip-compressed"],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd], 0, "unsupported", "this is neither pcap nor pcapng: it is zstd-compressed"],
  ["half a pcap header", PCAP.slice(0, 20), 0, "truncated", "the file ends within its 24-byte header"],
  [
    "a version to come",
    le.pcapHeader(0xa1b2c3d4, 1, 0, 2, 5),
    0,
    "unsupported",
    "pcap version 2.5 is not supported, only 2.0 to 2.4",
  ],
  [
    "a cut packet header",
    [...PCAP, ...ONE, ...ONE.slice(0, 7)],
    1,
    "truncated",
    "packet 2 at byte 44 is cut off in its header: the file ends after 7 of its 16 bytes",
  ],
  [
    "a cut packet",
    [...PCAP, ...ONE, ...ONE.slice(0, 18)],
    1,
    "truncated",
    "packet 2 at byte 44 is cut off in its data: the file ends after 18 of its 20 bytes",
  ],
  [
    "a packet of 4 GB",
    [...PCAP, ...ONE, ...[le.u32(0), le.u32(0), le.u32(-1), le.u32(-1)].flat(), ...ONE],
    1,
    "malformed",
    "packet 2 at byte 44 says that 4294967295 bytes of it were captured; more than 262144 is not possible",
  ],
  [
    "a section header of unknown byte order",
    le.block(0x0a0d0d0a, le.u32(0x11223344), new Array<number>(12).fill(0)),
    0,
    "malformed",
    "the section header at byte 0, before packet 1, is a section header without the byte-order magic",
  ],
  [
    "a section of version 2",
    be.block(0x0a0d0d0a, be.u32(0x1a2b3c4d), be.u16(2), be.u16(0), new Array<number>(8).fill(255)),
    0,
    "unsupported",
    "the section header at byte 0, before packet 1, is a section of pcapng version 2.0, only 1.0 is supported",
  ],
  [
    "a block of 8 bytes",
    [...NG, ...le.u32(6), ...le.u32(8)],
    0,
    "malformed",
    "packet 1 at byte 48 has an impossible length: 8 is not a multiple of 4 from 12 up",
  ],
  [
    "a block of 33 bytes",
    [...NG, ...le.u32(99), ...le.u32(33)],
    0,
    "malformed",
    "the block at byte 48, before packet 1, has an impossible length: 33 is not a multiple of 4 from 12 up",
  ],
  [
    "an enhanced packet without room for its header",
    [...NG, ...le.block(6, le.u32(0), le.u32(0))],
    0,
    "malformed",
    "packet 1 at byte 48 is 20 bytes long, less than its kind has at least (32)",
  ],
  [
    "a packet block of 1 GB",
    [...NG, ...le.u32(6), ...le.u32(0x40000000)],
    0,
    "malformed",
    "packet 1 at byte 48 claims 1073741824 bytes; more than 16777216 are not accepted",
  ],
  [
    "an unknown block of 1 GB that is not there",
    [...NG, ...le.u32(99), ...le.u32(0x40000000), 1, 2, 3],
    0,
    "truncated",
    "the block at byte 48, before packet 1, is cut off: the file ends within it",
  ],
  [
    "two different lengths",
    [...NG, ...le.u32(6), ...le.u32(32), ...new Array<number>(20).fill(0), ...le.u32(36)],
    0,
    "malformed",
    "packet 1 at byte 48 says 32 bytes at its beginning and 36 at its end",
  ],
  [
    "two different lengths of an unknown block",
    [...NG, ...le.u32(99), ...le.u32(16), ...le.u32(0), ...le.u32(20), ...enhancedOf(0)],
    0,
    "malformed",
    "the block at byte 48, before packet 1, says 16 bytes at its beginning and 20 at its end",
  ],
  [
    "more captured than the block holds",
    [...NG, ...enhancedOf(0), ...enhancedOf(5, [1, 2, 3, 4])],
    1,
    "malformed",
    "packet 2 at byte 80 says that 5 bytes of it were captured; its block has 4",
  ],
  [
    "more captured than there is",
    [...NG, ...enhancedOf(-1)],
    0,
    "malformed",
    "packet 1 at byte 48 says that 4294967295 bytes of it were captured; more than 262144 is not possible",
  ],
  [
    "an option longer than its block",
    [...NG, ...enhancedOf(0, le.u16(1), le.u16(9), [1, 2, 3, 4])],
    0,
    "malformed",
    "packet 1 at byte 48 has an option 1 of 9 bytes where 4 are left",
  ],
  [
    "flags of two bytes",
    [...NG, ...enhancedOf(0, le.option(2, [1, 2]))],
    0,
    "malformed",
    "packet 1 at byte 48 has flags of 2 bytes instead of 4",
  ],
  [
    "an if_tsresol of two bytes",
    [...le.section(), ...le.interface(1, 0, le.option(9, [1, 2]))],
    0,
    "malformed",
    "the interface description at byte 28, before packet 1, has an if_tsresol of 2 bytes instead of 1",
  ],
  [
    "an if_tsoffset of four bytes",
    [...le.section(), ...le.interface(1, 0, le.option(14, [1, 2, 3, 4]))],
    0,
    "malformed",
    "the interface description at byte 28, before packet 1, has an if_tsoffset of 4 bytes instead of 8",
  ],
  [
    "a simple packet before any interface",
    [...le.section(), ...le.simple(1, [1])],
    0,
    "malformed",
    "packet 1 at byte 28 is of interface 0, which its section does not describe",
  ],
  [
    "a simple packet that is not all there",
    [...NG, ...le.simple(100, [1, 2, 3, 4])],
    0,
    "malformed",
    "packet 1 at byte 48 says that 100 bytes of it were captured; its block has 4",
  ],
  [
    "half a block header",
    [...NG, ...enhancedOf(0), 6, 0, 0],
    1,
    "truncated",
    "the block at byte 80, before packet 2, is cut off: the file ends within it",
  ],
];

for (const [name, bytes, count, kind, message] of WRONG)
  test(`wrong: ${name}`, (t) => {
    for (const { packets, error } of [read(bytes), readInChunks(Uint8Array.from(bytes), [1])]) {
      t.is(error?.message, message);
      t.is(error?.kind, kind);
      t.is(packets.length, count);
    }
  });

test("a section with more interfaces than anybody has is refused", (t) => {
  const interfaces = new Uint8Array(20 * 65537);
  const one = le.interface(1, 0);
  for (let at = 0; at < interfaces.length; at += 20) interfaces.set(one, at);
  const reader = new CaptureReader();
  reader.push(Uint8Array.from(le.section()));
  reader.push(interfaces);
  t.false(reader.next(new CaptureRecord()));
  t.is(reader.error?.kind, "unsupported");
  t.regex(reader.error!.message, /one interface more than the 65536/);
});

// ── whatever bytes, in whatever portions ─────────────────────────────────────────────────────────────

const packetSpec = fc.record({
  data: fc.uint8Array({ maxLength: 80 }),
  time: fc.nat(2_000_000_000).map((n) => n * 1_000_003),
  nanoseconds: fc.nat(999),
  id: fc.nat(2),
  cut: fc.nat(20),
  direction: fc.constantFrom(0, 1, 2) as fc.Arbitrary<0 | 1 | 2>,
  comment: fc.option(fc.string({ unit: "grapheme", maxLength: 20 }).filter((s) => !s.includes("\0"))),
});
type PacketSpec = typeof packetSpec extends fc.Arbitrary<infer T> ? T : never;

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function writeNg(packets: readonly PacketSpec[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const out = new PcapngWriter((chunk) => chunks.push(chunk.slice()));
  out.addInterface({ name: "lan0", linkType: 1, nanoseconds: true });
  out.addInterface({ name: "wan0", linkType: 101, description: "to the world", snaplen: 100 });
  out.addInterface({ name: "", linkType: 276, nanoseconds: true });
  for (const p of packets)
    out.packet(p.id, p.time, p.nanoseconds, p.data, 0, p.data.length, p.data.length + p.cut, p.direction, p.comment);
  out.flush();
  return concat(chunks);
}

function writePcap(packets: readonly PacketSpec[], nanoseconds: boolean): Uint8Array {
  const chunks: Uint8Array[] = [];
  const out = new PcapWriter((chunk) => chunks.push(chunk.slice()), 101, nanoseconds);
  for (const p of packets) out.packet(p.time, p.nanoseconds, p.data, 0, p.data.length, p.data.length + p.cut);
  out.flush();
  return concat(chunks);
}

const anyCapture = fc
  .tuple(fc.array(packetSpec, { maxLength: 12 }), fc.constantFrom("pcapng", "pcap", "pcap-ns"))
  .map(([packets, kind]) => (kind === "pcapng" ? writeNg(packets) : writePcap(packets, kind === "pcap-ns")));

test("what the writers write is read back", (t) => {
  const names = ["0 lan0 1", "1 wan0 101", "2  276"];
  fc.assert(
    fc.property(fc.array(packetSpec, { maxLength: 12 }), (packets) => {
      const expected = packets.map((p, i) => ({
        number: i + 1,
        time: p.time,
        nanoseconds: p.id === 1 ? 0 : p.nanoseconds,
        bytes: hexOf(p.data),
        wireLength: p.data.length + p.cut,
        interface: names[p.id],
        direction: p.direction,
        comment: p.comment,
      }));
      t.deepEqual(read(writeNg(packets)), { packets: expected, error: null });
      for (const fine of [false, true]) {
        const raw = { interface: "0 null 101", direction: 0 as const, comment: null };
        const simple = expected.map((e, i) => ({ ...e, ...raw, nanoseconds: fine ? packets[i].nanoseconds : 0 }));
        t.deepEqual(read(writePcap(packets, fine)), { packets: simple, error: null });
      }
    }),
  );
});

test("writers: packets larger than their buffer, comments longer than an option", (t) => {
  const chunks: Uint8Array[] = [];
  const out = new PcapngWriter((chunk) => chunks.push(chunk.slice()));
  const id = out.addInterface({ name: "e", linkType: 1 });
  const large = new Uint8Array(200_001).fill(5);
  out.packet(id, 1, 0, new Uint8Array(3), 0, 3, 3, 0, "ü".repeat(40_000));
  out.packet(id, 2, 0, large, 0, large.length);
  out.packet(id, 3, 0, large, 7, 9);
  out.flush();
  const bytes = concat(chunks);
  const lengths: number[] = [];
  const comments: (string | null)[] = [];
  const error = readCapture(
    bytes,
    (record) => {
      lengths.push(record.end - record.start);
      comments.push(record.comment);
    },
    new CaptureRecord(),
  );
  t.is(error, null);
  t.deepEqual(lengths, [3, 200_001, 2]);
  t.deepEqual(comments, ["ü".repeat(32_767), null, null]);
});

function sameInChunks(t: ExecutionContext, bytes: Uint8Array, sizes: readonly number[]) {
  const whole = read(bytes);
  t.deepEqual(readInChunks(bytes, sizes), whole);
  return whole;
}

const chunkSizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 });

test("portions of any size give the same records as one", (t) => {
  fc.assert(fc.property(anyCapture, chunkSizes, (bytes, sizes) => void sameInChunks(t, bytes, sizes)));
});

test("a file cut anywhere gives the packets before the cut, and says so", (t) => {
  fc.assert(
    fc.property(anyCapture, fc.nat(), chunkSizes, (bytes, n, sizes) => {
      const whole = read(bytes).packets;
      const { packets, error } = sameInChunks(t, bytes.subarray(0, n % bytes.length), sizes);
      t.deepEqual(packets, whole.slice(0, packets.length));
      if (error !== null) t.is(error.kind, "truncated");
    }),
  );
});

test("a file with any bytes changed is read to its end or to one error", (t) => {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(anyCapture, fc.array(change, { minLength: 1, maxLength: 8 }), chunkSizes, (bytes, changes, sizes) => {
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      const { packets, error } = sameInChunks(t, bytes, sizes);
      for (const p of packets) t.true(Number.isSafeInteger(p.time) && p.bytes.length / 2 <= bytes.length);
      if (error !== null) t.regex(error.message, /^[a-z].*[^.]$/);
    }),
    { numRuns: 500 },
  );
});

test("random bytes behind a magic number are read to their end or to one error", (t) => {
  const magic = fc.constantFrom("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "34cdb2a1", "0a0d0d0a1c0000004d3c2b1a01000000", "");
  fc.assert(
    fc.property(magic, fc.uint8Array({ maxLength: 400 }), chunkSizes, (start, bytes, sizes) => {
      sameInChunks(t, concat([bytesOfHex(start)!, bytes]), sizes);
    }),
    { numRuns: 500 },
  );
});

test("reading through space() copes with chunks and packets of every size", (t) => {
  const chunks: Uint8Array[] = [];
  const out = new PcapWriter((chunk) => chunks.push(chunk.slice()), 1);
  const data = new Uint8Array(262_144).map((_, i) => i * 7);
  const lengths = [0, 1, 100, 262_144, 65_536, 262_144, 262_144, 3, 200_000, 1500, 0, 9000];
  for (const [i, length] of lengths.entries()) out.packet(i, 0, data, 0, length);
  out.flush();
  const file = concat(chunks);
  for (const portion of [1 << 20, 70_000, 4096]) {
    const reader = new CaptureReader();
    const record = new CaptureRecord();
    const seen: number[] = [];
    let at = 0;
    while (!reader.finished) {
      const space = reader.space();
      t.true(space.length >= 65_536);
      const count = Math.min(portion, space.length, file.length - at);
      space.set(file.subarray(at, at + count));
      at += count;
      if (count === 0) reader.end();
      else reader.filled(count);
      while (reader.next(record)) {
        seen.push(record.end - record.start);
        t.true(record.end === record.start || record.data[record.end - 1] === data[record.end - record.start - 1]);
      }
    }
    t.is(reader.error, null);
    t.deepEqual(seen, lengths);
  }
  t.throws(() => new CaptureReader().filled(1), { instanceOf: RangeError });
});

test("a reader that is closed early delivers nothing more, and gives its memory back", (t) => {
  const first = new CaptureReader();
  const fast = first.space().buffer;
  t.not(new CaptureReader().space().buffer, fast, "two readers at a time have different memory");
  first.push(Uint8Array.from([...PCAP, ...ONE, ...ONE]));
  const record = new CaptureRecord();
  t.true(first.next(record));
  first.close();
  t.false(first.next(record));
  t.true(first.finished);
  t.is(first.error, null);
  t.is(new CaptureReader().space().buffer, fast);
});

/** The last record of a capture of four, of which somebody else reads the second and the third, after the first was read. */
function lastOf(t: ExecutionContext, head: readonly Bytes[], records: readonly Bytes[], units: readonly number[]) {
  const reader = new CaptureReader();
  const record = new CaptureRecord();
  const bytes = Uint8Array.from([...head, ...records].flat());
  t.is(reader.plainRecords, null, "nothing is known yet");
  reader.push(bytes);
  t.true(reader.next(record));
  const records2to4 = reader.plainRecords!;
  const { at, end } = records2to4.window;
  t.is(end - at, records[1].length + records[2].length + records[3].length);
  t.deepEqual(
    records2to4.interfaces.map(({ perMicrosecond }) => perMicrosecond),
    [...units],
  );
  records2to4.passed(at + records[1].length + records[2].length, 2);
  t.true(reader.next(record));
  t.false(reader.next(record));
  reader.end();
  t.false(reader.next(record));
  t.is(reader.error, null);
  t.is(reader.plainRecords, null, "none are left");
  return plain(record);
}

test("records that others read are counted, and their time is that of a packet without", (t) => {
  const data = [1, 2, 3, 4, 5];
  const old = [1, 2, 3, 4].map((second) => le.pcapPacket(second, 7, data));
  t.like(lastOf(t, [le.pcapHeader(0xa1b23c4d, 1)], old, [1000]), { number: 4, time: 4_000_000, nanoseconds: 7 });
  const fine = le.interface(1, 0, le.option(9, [9]));
  const odd = le.interface(1, 0, le.option(9, [0x8a]));
  const late = le.interface(1, 0, le.option(14, [1, 0, 0, 0, 0, 0, 0, 0]));
  const blocks = [
    le.enhanced(0, 0, 1000, data),
    le.enhanced(0, 0, 2000, data),
    le.enhanced(1, 1, 7, data),
    le.simple(5, data),
  ];
  t.like(lastOf(t, [NG, fine, odd, late], blocks, [1, 1000, 0, 0]), {
    number: 4,
    time: 4_294_967,
    nanoseconds: 303,
    bytes: hexOf(Uint8Array.from(data)),
  });
});

test("records that are not of the usual kind are not for others", (t) => {
  const after = (...bytes: Bytes[]) => {
    const reader = new CaptureReader();
    reader.push(Uint8Array.from(bytes.flat()));
    reader.next(new CaptureRecord());
    const { plainRecords } = reader;
    reader.close();
    return plainRecords;
  };
  t.not(after(le.pcapHeader(0xa1b2c3d4, 1)), null);
  t.is(after(le.pcapHeader(0xa1b2cd34, 1)), null);
  t.is(after(le.pcapHeader(0xa1b2c3d4, 1, 65535, 2, 3)), null);
  t.is(after(be.pcapHeader(0xa1b2c3d4, 1)), null);
  t.not(after(NG), null);
  t.is(after(be.section()), null);
  t.is(after(NG, le.block(5, le.u32(0)).slice(0, 12)), null, "amid a block that is passed over");
});

test("format, interfaces, and gzip by its magic", (t) => {
  const reader = new CaptureReader();
  t.is(reader.format, null);
  t.deepEqual(reader.interfaces, []);
  reader.push(Uint8Array.from([...NG, ...le.interface(101, 96, le.option(2, text("tun0")))]));
  t.false(reader.next(new CaptureRecord()));
  t.false(reader.finished);
  t.is(reader.format, "pcapng");
  t.like(reader.interfaces[1], { index: 1, name: "tun0", linkType: 101, snaplen: 96, resolution: "10^-6" });
  reader.end();
  t.false(reader.next(new CaptureRecord()));
  t.true(reader.finished);
  t.is(reader.error, null);
  t.true(isGzip(Uint8Array.of(0x1f, 0x8b)));
  t.false(isGzip(Uint8Array.of(0x1f)));
  t.false(isGzip(Uint8Array.of(0xd4, 0xc3, 0xb2, 0xa1)));
});
