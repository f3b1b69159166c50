/** Rewriting headers: what comes out is what the sender would have made with the new address and port. */
import test from "ava";
import fc from "fast-check";
import { fold, pseudoSum4, pseudoSum6 } from "../bytes/checksum.ts";
import { hexOf } from "../bytes/hex.ts";
import { icmpMessage, ipPacket, sctpPacket, tcpSegment, udpDatagram } from "../flow/compose.ts";
import { CHECKSUM_PARTIAL, Packet } from "../packet/packet.ts";
import { MANIP_DST, MANIP_SRC, type Manip } from "./range.ts";
import { rewriteHeader, Translation } from "./rewrite.ts";

type Kind = "tcp" | "udp" | "udp unsummed" | "udplite" | "sctp" | "echo" | "gre1" | "esp";
const KINDS: readonly Kind[] = ["tcp", "udp", "udp unsummed", "udplite", "sctp", "echo", "gre1", "esp"];
const PROTOCOL = { tcp: 6, udp: 17, "udp unsummed": 17, udplite: 136, sctp: 132, echo: 1, gre1: 47, esp: 50 };

/** All that a translation may change, and what must not matter. */
interface Made {
  readonly kind: Kind;
  readonly family: 4 | 6;
  readonly source: readonly number[];
  readonly destination: readonly number[];
  readonly sport: number;
  readonly dport: number;
  readonly data: Uint8Array;
  readonly bad: boolean;
}

function make({ kind, family, source, destination, sport, dport, data, bad }: Made): Uint8Array {
  const ip = {
    ...{ family, source, destination, ttl: 64, tos: 0, id: 7, df: true, flowLabel: 0, fragment: null },
    checksum: null,
  };
  const wish = bad ? "bad" : null;
  const ports = { sport, dport };
  const tcp = { ...ports, seq: 1, ack: 2, flags: 16, window: 9, urgent: 0, options: new Uint8Array(0), data };
  switch (kind) {
    case "tcp":
      return ipPacket(ip, 6, tcpSegment(ip, { ...tcp, checksum: wish }));
    case "udp":
      return ipPacket(ip, 17, udpDatagram(ip, 17, ports, data, wish));
    case "udp unsummed":
      return ipPacket(ip, 17, udpDatagram(ip, 17, ports, data, "none"));
    case "udplite":
      return ipPacket(ip, 136, udpDatagram(ip, 136, ports, data, wish));
    case "sctp":
      return ipPacket(ip, 132, sctpPacket({ ...ports, tag: 5 }, data, null));
    case "echo": {
      const message = { type: family === 4 ? 8 : 128, code: 0, rest: sport << 16, body: data };
      return ipPacket(ip, family === 4 ? 1 : 58, icmpMessage(ip, message, wish));
    }
    case "gre1": {
      const header = Uint8Array.of(0x30, 1, 0x88, 0x0b, 0, data.length, dport >>> 8, dport & 255, 0, 0, 0, 1);
      return ipPacket(ip, 47, Uint8Array.of(...header, ...data));
    }
    case "esp":
      return ipPacket(ip, 50, data);
  }
}

const word = fc.oneof(fc.constantFrom(0, -1, 0x0a000001, 0xffff, -65536), fc.integer());
const port = fc.oneof(fc.constantFrom(0, 1, 65535), fc.nat(65535));
const made: fc.Arbitrary<Made> = fc.constantFrom(4 as const, 6 as const).chain((family) => {
  const address = fc.array(word, { minLength: family === 4 ? 1 : 4, maxLength: family === 4 ? 1 : 4 });
  return fc.record({
    kind: fc.constantFrom(...KINDS),
    family: fc.constant(family),
    source: address,
    destination: address,
    sport: port,
    dport: port,
    data: fc.uint8Array({ maxLength: 40 }),
    bad: fc.boolean(),
  });
});
const change = fc.record({
  manip: fc.constantFrom<Manip>(MANIP_SRC, MANIP_DST),
  address: fc.array(word, { minLength: 4, maxLength: 4 }),
  port,
});

function translation(packet: Made, manip: Manip, address: readonly number[], to: number): Translation {
  const t = new Translation();
  t.manip = manip;
  t.family = packet.family;
  t.protocol = packet.kind === "echo" && packet.family === 6 ? 58 : PROTOCOL[packet.kind];
  [t.word0, t.word1 = 0, t.word2 = 0, t.word3 = 0] = address;
  t.port = to;
  return t;
}

/** The packet that should come out: made anew with the changed end. */
function expected(packet: Made, manip: Manip, address: readonly number[], to: number): Made {
  const end = address.slice(0, packet.family === 4 ? 1 : 4);
  // Of GRE only the receiver has a key; an ICMP id is the same for both ends.
  if (packet.kind === "echo") return { ...packet, ...sides(manip, end), sport: to };
  if (packet.kind === "gre1" && manip === MANIP_SRC) return { ...packet, source: end };
  return { ...packet, ...sides(manip, end), ...(manip === MANIP_SRC ? { sport: to } : { dport: to }) };
}

const sides = (manip: Manip, end: readonly number[]) => (manip === MANIP_SRC ? { source: end } : { destination: end });

function load(bytes: Uint8Array): Packet {
  const p = new Packet();
  p.loadBytes(bytes);
  return p;
}

test("a rewritten packet is the one that its sender would have made", (t) => {
  fc.assert(
    fc.property(
      made.filter(({ bad }) => !bad),
      change,
      (packet, { manip, address, port: to }) => {
        const p = load(make(packet));
        t.true(rewriteHeader(p, 0, translation(packet, manip, address, to)));
        t.is(hexOf(p.bytes()), hexOf(make(expected(packet, manip, address, to))));
      },
    ),
    { numRuns: 1000 },
  );
});

test("rewriting back gives the packet back, wrong checksums included", (t) => {
  fc.assert(
    fc.property(made, change, (packet, { manip, address, port: to }) => {
      const before = make(packet);
      const p = load(before);
      const own = manip === MANIP_SRC ? packet.source : packet.destination;
      const ownPort = packet.kind === "echo" || manip === MANIP_SRC ? packet.sport : packet.dport;
      rewriteHeader(p, 0, translation(packet, manip, address, to));
      rewriteHeader(p, 0, translation(packet, manip, own, ownPort));
      t.is(hexOf(normal(p, packet)), hexOf(normal(load(before), packet)));
    }),
    { numRuns: 1000 },
  );
});

/** 0 and 0xffff are the same sum; the kernel's arithmetic prefers 0, UDP 0xffff. A wrong sum may be either. */
function normal(p: Packet, { kind, family }: Made): Uint8Array {
  const bytes = p.bytes();
  const l4 = family === 4 ? 20 : 40;
  const at = { tcp: 16, udp: 6, "udp unsummed": -1, udplite: 6, sctp: -1, echo: 2, gre1: -1, esp: -1 }[kind];
  if (at >= 0 && bytes[l4 + at] === 255 && bytes[l4 + at + 1] === 255) bytes.fill(0, l4 + at, l4 + at + 2);
  return bytes;
}

test("a cut packet is refused or rewritten within what is there, never beyond", (t) => {
  fc.assert(
    fc.property(made, change, fc.nat(80), (packet, { manip, address, port: to }, length) => {
      const bytes = make(packet).slice(0, length);
      const room = new Uint8Array(bytes.length + 64).fill(0xaa);
      room.set(bytes);
      const p = new Packet();
      p.load(room, new DataView(room.buffer), 0, bytes.length);
      p.family = packet.family;
      const done = rewriteHeader(p, 0, translation(packet, manip, address, to));
      t.true(room.subarray(bytes.length).every((byte) => byte === 0xaa));
      if (bytes.length < (packet.family === 4 ? 20 : 40)) t.false(done);
    }),
    { numRuns: 500 },
  );
});

test("a checksum left to the card follows the addresses and not the ports", (t) => {
  fc.assert(
    fc.property(made, change, (packet, { manip, address, port: to }) => {
      fc.pre(packet.kind === "tcp");
      const l4 = packet.family === 4 ? 20 : 40;
      const bytes = make(packet);
      const view = new DataView(bytes.buffer);
      view.setUint16(l4 + 16, pseudo(packet, bytes.length - l4));
      const p = load(bytes);
      p.checksum = CHECKSUM_PARTIAL;
      rewriteHeader(p, 0, translation(packet, manip, address, to));
      const after = expected(packet, manip, address, to);
      t.is(p.view.getUint16(l4 + 16) % 0xffff, pseudo(after, bytes.length - l4) % 0xffff);
    }),
    { numRuns: 300 },
  );
});

function pseudo({ family, source: s, destination: d }: Made, length: number): number {
  if (family === 4) return fold(pseudoSum4(s[0], d[0], 6, length));
  return fold(pseudoSum6(s[0], s[1], s[2], s[3], d[0], d[1], d[2], d[3], 6, length));
}
