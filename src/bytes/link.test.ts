import test from "ava";
import fc from "fast-check";
import { viewOfHex } from "./hex.ts";
import { BROKEN, LinkFrame, NOT_IP, refuseLinkType, UNSUPPORTED } from "./link.ts";
import { linkTypeName } from "./link-types.ts";

const V4 = "450000140000000040060000c0000201c0000202";
const V6 = "6000000000003b40";
const MACS = "02000000000a02000000000b";

/** Link type, frame, what it is, and fields besides; `*` marks where the network packet must begin. */
const FRAMES: readonly [string, number, string, number, Partial<LinkFrame>][] = [
  ["Ethernet", 1, `${MACS}0800*${V4}`, 4, { etherType: 0x0800, macDestination: 0, macSource: 6, macLength: 6 }],
  ["Ethernet, IPv6", 1, `${MACS}86dd*${V6}`, 6, { etherType: 0x86dd, tags: 0, packetType: -1 }],
  ["Ethernet, ARP", 1, `${MACS}0806*0001`, NOT_IP, { etherType: 0x0806 }],
  ["Ethernet broadcast", 1, `ffffffffffff02000000000b0800*${V4}`, 4, { packetType: 1 }],
  ["Ethernet multicast", 1, `3333ffffffff02000000000b86dd*${V6}`, 6, { packetType: 2 }],
  ["802.1Q", 1, `${MACS}81006064*0800*${V4}`, 4, { tags: 1, tagType: 0x8100, tag: 0x6064, etherType: 0x0800 }],
  [
    "QinQ",
    1,
    `${MACS}88a8000a8100001486dd*${V6}`,
    6,
    { tags: 2, tagType: 0x88a8, tag: 10, innerTag: 20, etherType: 0x86dd },
  ],
  ["QinQ, older", 1, `${MACS}9100000a810000140800*${V4}`, 4, { tags: 2, tagType: 0x9100, innerTag: 20 }],
  ["a PPPoE session", 1, `${MACS}8864*110000010016c0210000`, NOT_IP, { etherType: 0x8864 }],
  ["802.3 with LLC", 1, `${MACS}0026*424203`, NOT_IP, { etherType: 4 }],
  ["a cut Ethernet header", 1, `${MACS}08`, BROKEN, {}],
  ["a cut VLAN tag", 1, `${MACS}8100000108`, BROKEN, {}],
  ["raw IP", 101, `*${V4}`, 4, { etherType: 0x0800 }],
  ["raw IP, BSD's number", 12, `*${V6}`, 6, { etherType: 0x86dd }],
  ["raw IP, OpenBSD's number", 14, `*${V4}`, 4, {}],
  ["raw IP of no version", 101, "*50", NOT_IP, {}],
  ["raw IP without a byte", 101, "*", BROKEN, {}],
  ["raw IPv4, whatever it says", 228, "*60", 4, {}],
  ["raw IPv6", 229, `*${V6}`, 6, {}],
  [
    "cooked, outgoing",
    113,
    `0004000100060200000000010000${"0800"}*${V4}`,
    4,
    { packetType: 4, hardwareType: 1, macSource: 6, macLength: 6, macDestination: -1 },
  ],
  ["cooked, loopback", 113, `0000030400060000000000000000${"86dd"}*${V6}`, 6, { packetType: 0, hardwareType: 772 }],
  ["cooked, no address", 113, `0000fffe00000000000000000000${"0800"}*${V4}`, 4, { macSource: -1, macLength: 0 }],
  ["cooked, an address of 20 bytes", 113, `000000200014010203040506070808${"00"}*${V4}`, 4, { macLength: 8 }],
  ["cooked, tagged", 113, `00000001000602000000000100008100${"00050800"}*${V4}`, 4, { tags: 1, tag: 5 }],
  ["cooked, 802.2", 113, `0000000100060200000000010000${"0004"}*42`, NOT_IP, { etherType: 4 }],
  ["cooked, cut", 113, "00040001000602000000000100000", BROKEN, {}],
  [
    "cooked v2",
    276,
    `0800000000000003${"0001"}0306${"0200000000010000"}*${V4}`,
    4,
    { ifindex: 3, packetType: 3, hardwareType: 1, macSource: 12, macLength: 6 },
  ],
  ["cooked v2, cut", 276, "080000000000000300010306020000000001", BROKEN, {}],
  ["null, little-endian", 0, `02000000*${V4}`, 4, {}],
  ["null, big-endian", 0, `00000002*${V4}`, 4, {}],
  ["null, FreeBSD's IPv6", 0, `1c000000*${V6}`, 6, {}],
  ["null, macOS's IPv6", 0, `0000001e*${V6}`, 6, {}],
  ["null, AppleTalk", 0, `10000000*${V4}`, NOT_IP, {}],
  ["null, cut", 0, "020000", BROKEN, {}],
  ["loop", 108, `00000018*${V6}`, 6, {}],
  ["loop is in network order", 108, `02000000*${V4}`, NOT_IP, {}],
  ["PPP", 9, `ff030021*${V4}`, 4, {}],
  ["PPP without address and control", 9, `0057*${V6}`, 6, {}],
  ["PPP with a short protocol", 9, `21*${V4}`, 4, {}],
  ["PPP in HDLC, a short protocol", 50, `ff0357*${V6}`, 6, {}],
  ["PPP, LCP", 9, "ff03c021*0101", NOT_IP, {}],
  ["Cisco HDLC", 50, `0f000800*${V4}`, 4, {}],
  ["PPP, nothing behind its address", 9, "ff03", BROKEN, {}],
  ["PPP, half a protocol", 9, "00", BROKEN, {}],
  ["Cisco HDLC, cut", 50, "8f0008", BROKEN, {}],
  ["DOCSIS", 143, `*${V4}`, UNSUPPORTED, {}],
];

for (const [name, linkType, hex, content, fields] of FRAMES)
  test(`${name}`, (t) => {
    const view = viewOfHex(`aaaaaa${hex.replaceAll("*", "").slice(0, hex.replaceAll("*", "").length & ~1)}`);
    const data = new Uint8Array(view.buffer);
    const frame = new LinkFrame();
    t.is(frame.parse(linkType, data, view, 3, data.length, true), content as never);
    const shown = Object.fromEntries(Object.keys(fields).map((key) => [key, frame[key as keyof LinkFrame]]));
    // Offsets in the table count from the beginning of the frame.
    const moved = Object.entries(fields).map(([key, value]) => {
      const isOffset = (key === "macSource" || key === "macDestination") && value !== -1;
      return [key, isOffset ? (value as number) + 3 : value];
    });
    t.deepEqual(shown, Object.fromEntries(moved));
    const star = hex.lastIndexOf("*");
    if (content >= 0) t.is(frame.start, 3 + hex.slice(0, star).replaceAll("*", "").length / 2);
    if (content >= 0) t.is(frame.end, data.length);
  });

test("NFLOG, in the byte order of the capture", (t) => {
  for (const little of [true, false]) {
    const u16 = (n: number) =>
      (little ? [n & 255, n >>> 8] : [n >>> 8, n & 255]).map((b) => b.toString(16).padStart(2, "0")).join("");
    const tlv = (type: number, hex: string) =>
      u16(4 + hex.length / 2) + u16(type) + hex + "00".repeat((4 - ((hex.length / 2) & 3)) & 3);
    const before = [
      tlv(1, "08000200"),
      tlv(2, "0000002a"),
      tlv(4, "00000003"),
      tlv(5, "00000004"),
      tlv(8, "000600000200000000010000"),
      tlv(10, "6c6f6700"),
      tlv(99, "ffff"),
    ].join("");
    const view = viewOfHex(`02000005${before}${tlv(9, V4)}`);
    const data = new Uint8Array(view.buffer);
    const frame = new LinkFrame();
    t.is(frame.parse(239, data, view, 0, data.length, little), 4);
    t.like(frame, { hook: 2, mark: 42, inIfindex: 3, outIfindex: 4, macLength: 6, start: 4 + before.length / 2 + 4 });
    t.is(frame.end - frame.start, V4.length / 2);
    t.is(new TextDecoder().decode(data.subarray(frame.prefixStart, frame.prefixEnd)), "log");
    t.is(view.getUint8(frame.macSource), 2);
    // The last attribute is the payload, which a short snaplen cuts.
    t.is(frame.parse(239, data, view, 0, data.length - 8, little), 4);
    t.is(frame.end, data.length - 8);
    const parse = (hex: string) => {
      const other = viewOfHex(hex);
      return frame.parse(239, new Uint8Array(other.buffer), other, 0, other.byteLength, little);
    };
    t.is(parse(`0a000000${tlv(9, V6)}`), 6);
    t.is(parse(`07000000${tlv(1, "86dd0000")}${tlv(9, V6)}`), 6, "a bridge hook: the protocol is in the header");
    t.is(parse(`07000000${tlv(1, "08060000")}${tlv(9, V6)}`), NOT_IP);
    t.is(parse(`02000000${tlv(2, "00000001")}`), BROKEN, "no payload");
    t.is(parse(`02010000${tlv(9, V4)}`), BROKEN, "another version");
    t.is(parse(`02000000${u16(3)}${u16(9)}${V4}`), BROKEN, "a length below its own header");
    t.is(parse("0200"), BROKEN);
  }
});

test("link types are refused by name", (t) => {
  for (const linkType of [0, 1, 9, 12, 14, 50, 101, 108, 113, 228, 229, 239, 276]) t.is(refuseLinkType(linkType), null);
  t.is(refuseLinkType(143), "link type 143 (DOCSIS) is not supported");
  t.is(refuseLinkType(105), "link type 105 (IEEE802_11) is not supported");
  t.is(refuseLinkType(9999), "link type 9999 is not supported");
  t.is(linkTypeName(1), "1 (ETHERNET)");
});

test("no frame makes the parser look outside it", (t) => {
  const types = fc.constantFrom(0, 1, 9, 12, 50, 101, 108, 113, 228, 239, 276, 147);
  const start = fc.constantFrom("", "0000000000000000000000008100", "ff03", "0200", "0a000000", "0f");
  const frame = new LinkFrame();
  fc.assert(
    fc.property(types, start, fc.uint8Array({ maxLength: 60 }), fc.boolean(), (linkType, head, tail, little) => {
      const bytes = Uint8Array.from([...new Uint8Array(viewOfHex(head).buffer), ...tail]);
      // The view ends where the frame does: a read past it would throw.
      const content = frame.parse(linkType, bytes, new DataView(bytes.buffer), 0, bytes.length, little);
      t.true(frame.start <= frame.end && frame.end <= bytes.length);
      if (content === 4) t.is(frame.etherType, 0x0800);
      if (content === 6) t.is(frame.etherType, 0x86dd);
    }),
    { numRuns: 3000 },
  );
});

test("a frame says nothing that is left over from the one before it", (t) => {
  const parsed = (frame: LinkFrame, [, linkType, hex]: (typeof FRAMES)[number]) => {
    const digits = hex.replaceAll("*", "");
    const view = viewOfHex(digits.slice(0, digits.length & ~1));
    const content = frame.parse(linkType, new Uint8Array(view.buffer), view, 0, view.byteLength, true);
    return { content, ...frame };
  };
  const used = new LinkFrame();
  for (const first of FRAMES)
    for (const second of FRAMES) {
      parsed(used, first);
      t.deepEqual(parsed(used, second), parsed(new LinkFrame(), second), `${first[0]}, then ${second[0]}`);
    }
});
