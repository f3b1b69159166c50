import test from "ava";
import { bytesOfHex } from "../bytes/hex.ts";
import { LINKTYPE_ETHERNET, LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2, LINKTYPE_RAW } from "../bytes/link.ts";
import { CaptureRecord, DIRECTION_IN, DIRECTION_OUT, type Direction, NO_INTERFACE } from "../bytes/record.ts";
import type { HostConfig } from "../host/config.ts";
import { Host } from "../host/host.ts";
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  Packet,
} from "../packet/packet.ts";
import { Arrivals, FOUND_BY } from "./arrival.ts";
import { buildPacket } from "./build.ts";
import { ChecksumSample, IGNORE_ALL, VERIFY_ALL } from "./checksums.ts";
import { HostGuess } from "./guess.ts";
import { parseLine } from "./parse.ts";

const ROUTER: HostConfig = {
  interfaces: {
    lan0: { addresses: ["10.0.0.1/24", "2001:db8:1::1/64"], mac: "02:00:00:00:00:01" },
    "lan0.7": { addresses: ["10.7.0.1/24"] },
    wan0: { addresses: ["203.0.113.1/24"], mac: "02:00:00:00:00:02" },
  },
  routes: ["default dev wan0", "10.1.0.0/16 via 10.0.0.254"],
};

interface Frame {
  readonly link?: number;
  readonly name?: string | null;
  readonly direction?: Direction;
  /** The link-layer header, hex. */
  readonly header?: string;
  /** In packet notation, or hex. */
  readonly packet: string;
  /** Bytes that the capture kept. */
  readonly snaplen?: number;
}

function bytesOf(text: string): Uint8Array {
  const hex = bytesOfHex(text);
  if (hex !== null) return hex;
  const node = parseLine(`x > ${text}`);
  if (node.kind !== "event" || node.action.kind !== "packet") throw new Error(text);
  return buildPacket(node.action.packet).bytes;
}

function recordOf({
  link = LINKTYPE_RAW,
  name = null,
  direction = 0,
  header = "",
  packet,
  snaplen,
}: Frame): CaptureRecord {
  const bytes = Uint8Array.of(...bytesOfHex(header)!, ...bytesOf(packet));
  const record = new CaptureRecord();
  record.data = bytes;
  record.view = new DataView(bytes.buffer);
  record.end = Math.min(snaplen ?? bytes.length, bytes.length);
  record.wireLength = bytes.length;
  record.direction = direction;
  record.number = 1;
  record.time = 1_700_000_000_000_000;
  record.interface = { ...NO_INTERFACE, linkType: link, name };
  return record;
}

interface Arrived {
  readonly dev: string;
  readonly how: string;
  readonly packetType: number;
  /** The device that a packet of the host's own must leave by, "" when its route says. */
  readonly leaves: string;
}

function arrive(frame: Frame, device: string | null = null, config = ROUTER): Arrived {
  const host = new Host(config);
  const arrivals = new Arrivals(host, {
    device: device === null ? null : host.interfaceNamed(device)!,
    checksums: VERIFY_ALL,
  });
  const p = new Packet();
  if (!arrivals.load(recordOf(frame), p)) throw new Error(arrivals.whyNot(recordOf(frame)));
  const how = FOUND_BY[arrivals.counts.indexOf(1)];
  const leaves = p.outDev === 0 ? "" : host.interfaces[p.outDev].name;
  return { dev: p.local ? "local" : host.interfaces[p.inDev].name, how, packetType: p.packetType, leaves };
}

const FROM_LAN = "udp 10.0.0.2:1 > 198.51.100.9:53";
const FROM_WAN = "udp 198.51.100.9:53 > 203.0.113.1:1";
const ETHER = (to: string, from: string, type = "0800") => `${to} ${from} ${type}`;
const OTHER = "020000000099";
const [LAN_MAC, WAN_MAC] = ["020000000001", "020000000002"];
/** Linux cooked, v1: packet type, ARPHRD, address length and address, protocol. */
const cooked = (type: number, hardware = 1) =>
  `000${type} ${hardware.toString(16).padStart(4, "0")} 0006 ${OTHER} 0000 0800`;

test("on which device a packet arrived, and how that is known", (t) => {
  const table: [string, Frame, string | null, string, RegExp][] = [
    ["the capture names it", { name: "wan0", packet: FROM_LAN }, null, "wan0", /interface of that name/],
    ["a name is better than --in", { name: "wan0", packet: FROM_LAN }, "lan0", "wan0", /interface of that name/],
    ["a name that the host does not have", { name: "eth9", packet: FROM_LAN }, "wan0", "wan0", /--in/],
    ["--in", { packet: FROM_LAN }, "wan0", "wan0", /--in/],
    ["the route back to the source", { packet: FROM_LAN }, null, "lan0", /leads back/],
    ["the default route", { packet: FROM_WAN }, null, "wan0", /leads back/],
    ["a route by a gateway", { packet: "udp 10.1.2.3:1 > 198.51.100.9:53" }, null, "lan0", /leads back/],
    ["IPv6", { packet: "udp [2001:db8:1::5]:1 > [2001:db8::9]:53" }, null, "lan0", /leads back/],
    ["nothing leads back", { packet: "udp [2001:db8:7::5]:1 > [2001:db8:1::1]:53" }, null, "lan0", /no route/],
    [
      "who the frame was sent to",
      { link: LINKTYPE_ETHERNET, header: ETHER(WAN_MAC, OTHER), packet: FROM_LAN },
      null,
      "wan0",
      /link-layer address/,
    ],
    [
      "a cooked frame on lo",
      { link: LINKTYPE_LINUX_SLL, header: cooked(0, 772), packet: FROM_WAN },
      null,
      "lo",
      /on lo/,
    ],
    [
      "a VLAN device",
      { link: LINKTYPE_ETHERNET, name: "lan0", header: ETHER(LAN_MAC, OTHER, "8100 0007 0800"), packet: FROM_LAN },
      null,
      "lan0.7",
      /of that name/,
    ],
    [
      "a VLAN without a device",
      { link: LINKTYPE_ETHERNET, name: "lan0", header: ETHER(LAN_MAC, OTHER, "8100 0008 0800"), packet: FROM_LAN },
      null,
      "lan0",
      /of that name/,
    ],
    ["outgoing by flag", { name: "wan0", direction: DIRECTION_OUT, packet: FROM_LAN }, null, "local", /says outgoing/],
    [
      "outgoing by cooked type",
      { link: LINKTYPE_LINUX_SLL, header: cooked(4), packet: FROM_LAN },
      null,
      "local",
      /says outgoing/,
    ],
    [
      "outgoing by cooked type, version 2",
      { link: LINKTYPE_LINUX_SLL2, header: `0800 0000 00000002 0001 04 06 ${OTHER} 0000`, packet: FROM_LAN },
      null,
      "local",
      /says outgoing/,
    ],
    [
      "a source of the host's own",
      { name: "wan0", packet: "udp 203.0.113.1:1 > 198.51.100.9:53" },
      null,
      "local",
      /its own address/,
    ],
    ["its own IPv6 source", { packet: "udp [2001:db8:1::1]:1 > [2001:db8::9]:53" }, null, "local", /its own address/],
    [
      "its own source, to a group of the link",
      {
        link: LINKTYPE_ETHERNET,
        header: ETHER("01005e0000fb", LAN_MAC),
        packet: "udp 10.0.0.1:5353 > 224.0.0.251:5353",
      },
      null,
      "local",
      /its own address/,
    ],
    [
      "its own source, to all of the link",
      { link: LINKTYPE_ETHERNET, header: ETHER("ffffffffffff", LAN_MAC), packet: "udp 10.0.0.1:137 > 10.0.0.255:137" },
      null,
      "local",
      /its own address/,
    ],
    [
      "its own source, but the frame says received by a group",
      { link: LINKTYPE_LINUX_SLL, name: "lan0", header: cooked(2), packet: "udp 10.0.0.1:5353 > 224.0.0.251:5353" },
      null,
      "lan0",
      /of that name/,
    ],
    [
      "its own source, but the capture says incoming",
      { name: "wan0", direction: DIRECTION_IN, packet: "udp 203.0.113.1:1 > 198.51.100.9:53" },
      null,
      "wan0",
      /of that name/,
    ],
  ];
  for (const [what, frame, device, dev, how] of table) {
    const arrived = arrive(frame, device);
    t.is(arrived.dev, dev, what);
    t.regex(arrived.how, how, what);
  }
  const single: HostConfig = { interfaces: { eth0: { addresses: ["192.0.2.1/24"] } } };
  t.regex(arrive({ packet: FROM_LAN }, null, single).how, /only device/);
});

test("where no route tells, a sent packet leaves by the device that the capture saw it on", (t) => {
  const out = { name: "wan0", direction: DIRECTION_OUT } as const;
  const config: HostConfig = {
    interfaces: { lan0: { addresses: ["10.0.0.1/24", "fe80::1/64"] }, wan0: { addresses: ["fe80::2/64"] } },
  };
  for (const [packet, leaves] of [
    ["udp [fe80::2]:1 > [fe80::9]:2", "wan0"],
    ["udp [fe80::2]:1 > [ff02::1]:2", "wan0"],
    ["udp [fe80::2]:1 > [fe80::1]:2", ""],
    ["udp [fe80::2]:1 > [2001:db8::9]:2", ""],
    ["udp 10.0.0.1:1 > 224.0.0.251:2", "wan0"],
    ["udp 10.0.0.1:1 > 239.255.255.250:2", "wan0"],
    ["udp 0.0.0.0:68 > 255.255.255.255:67", "wan0"],
    ["udp 10.0.0.1:1 > 10.0.0.255:2", ""],
    ["udp 10.0.0.1:1 > 240.0.0.1:2", ""],
  ] as const) {
    t.is(arrive({ ...out, packet }, null, config).leaves, leaves, packet);
    t.is(arrive({ ...out, direction: DIRECTION_IN, packet }, null, config).leaves, "", `received: ${packet}`);
  }
  const group = "udp 10.0.0.1:1 > 224.0.0.251:2";
  t.is(arrive({ packet: group }, null, config).leaves, "", "the capture names no device");
  t.is(arrive({ packet: group }, "wan0", config).leaves, "wan0", "--in");
});

test("whose frame it was", (t) => {
  for (const [header, packetType] of [
    [ETHER(LAN_MAC, OTHER), PACKET_HOST],
    [ETHER(OTHER, WAN_MAC), PACKET_OTHERHOST],
    [ETHER("ffffffffffff", OTHER), PACKET_BROADCAST],
    [ETHER("01005e000001", OTHER), PACKET_MULTICAST],
  ] as const)
    t.is(arrive({ link: LINKTYPE_ETHERNET, name: "lan0", header, packet: FROM_LAN }).packetType, packetType, header);
  const unknown = { link: LINKTYPE_ETHERNET, name: "lan0.7", header: ETHER(OTHER, WAN_MAC), packet: FROM_LAN };
  t.is(arrive(unknown).packetType, PACKET_HOST, "a device without a known address");
  for (const type of [0, 1, 2, 3])
    t.is(arrive({ link: LINKTYPE_LINUX_SLL, header: cooked(type), packet: FROM_LAN }).packetType, type);
  t.is(arrive({ packet: FROM_LAN }).packetType, PACKET_HOST);
});

test("frames without an IP packet say what they are", (t) => {
  const arrivals = new Arrivals(new Host(ROUTER), { device: null, checksums: VERIFY_ALL });
  const p = new Packet();
  for (const [link, frame, reason] of [
    [LINKTYPE_ETHERNET, `${ETHER(LAN_MAC, OTHER, "0806")} 0001`, "not IP: ARP"],
    [LINKTYPE_ETHERNET, `${ETHER(LAN_MAC, OTHER, "88b5")} 0001`, "not IP: type 0x88b5"],
    [LINKTYPE_ETHERNET, `${ETHER(LAN_MAC, OTHER, "0026")} 4242`, "not IP: 802.2 LLC"],
    [LINKTYPE_ETHERNET, "0200", "the frame ends before its network packet"],
    [195, "0200", "link type 195 (IEEE802_15_4_WITHFCS) is not supported"],
  ] as const) {
    const record = recordOf({ link, packet: frame });
    t.false(arrivals.load(record, p));
    t.is(arrivals.whyNot(record), reason);
  }
  t.is(arrivals.refused.get("link type 195 (IEEE802_15_4_WITHFCS) is not supported"), 1);
});

test("what is known of checksums", (t) => {
  const tcp = "tcp 10.0.0.2:1 > 198.51.100.9:80 [S]";
  const partial = bytesOf(tcp);
  // The pseudo header's sum: addresses, protocol 6, length 20.
  new DataView(partial.buffer).setUint16(36, 0x3459);
  const verdict = (packet: string, findings = VERIFY_ALL, snaplen?: number): number => {
    const p = new Packet();
    new Arrivals(new Host(ROUTER), { device: null, checksums: findings }).load(recordOf({ packet, snaplen }), p);
    return p.checksum;
  };
  const hex = [...partial].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const found = { ...VERIFY_ALL, any: true, partial: true };
  t.is(verdict(tcp), CHECKSUM_NONE);
  t.is(verdict(tcp, found), CHECKSUM_NONE);
  t.is(verdict(hex), CHECKSUM_NONE);
  t.is(verdict(hex, found), CHECKSUM_PARTIAL);
  t.is(verdict(tcp, IGNORE_ALL), CHECKSUM_UNNECESSARY);
  t.is(verdict(`${tcp} length 100`, VERIFY_ALL, 60), CHECKSUM_UNNECESSARY, "cut by the capture");
  t.is(verdict(`${tcp} length 100`, found, 60), CHECKSUM_UNNECESSARY, "cut by the capture");
});

test("what is longer than the device's MTU was joined by the network card, unless its checksum is right", (t) => {
  const jumbo = { ...ROUTER, interfaces: { ...ROUTER.interfaces, big0: { addresses: ["10.9.0.1/24"], mtu: 9000 } } };
  const segment = "tcp 10.0.0.2:1 > 198.51.100.9:80 [.]";
  const verified = [false, CHECKSUM_NONE] as const;
  const joined = [true, CHECKSUM_UNNECESSARY] as const;
  for (const [frame, merged, checksum] of [
    [{ packet: `${segment} length 1460` }, ...verified],
    [{ packet: `${segment} length 1461 cksum bad` }, ...joined],
    [{ packet: `${segment} length 1461` }, ...verified],
    [{ packet: `${segment} length 60000`, snaplen: 96 }, ...joined],
    [{ packet: `${segment} length 1461`, name: "big0" }, ...verified],
    [{ packet: "udp 10.0.0.2:1 > 198.51.100.9:53 length 1473 cksum bad" }, ...joined],
    [{ packet: "udp 10.0.0.2:1 > 198.51.100.9:53 length 1473 cksum none" }, ...joined],
    [{ packet: "udp 10.0.0.2:1 > 198.51.100.9:53 length 1473" }, ...verified],
    [{ packet: "icmp 10.0.0.2 > 198.51.100.9 echo-request id 1 seq 1 length 3000" }, ...verified],
    [{ packet: `${segment} length 2000 frag 7@0+` }, ...verified],
    [{ packet: "tcp [2001:db8:1::2]:1 > [2001:db8::9]:80 [.] length 2900 cksum bad" }, ...joined],
    [{ packet: "tcp [2001:db8:1::2]:1 > [2001:db8::9]:80 [.] length 2900" }, ...verified],
    [{ packet: "tcp 203.0.113.1:80 > 198.51.100.9:1 [.] length 20000" }, ...joined],
    [{ packet: "tcp 203.0.113.1:80 > 198.51.100.9:1 [.] length 8000" }, ...verified],
    [{ packet: "tcp 203.0.113.1:80 > 198.51.100.9:1 [.] length 8000 cksum bad" }, ...joined],
  ] as [Frame, boolean, number][]) {
    const arrivals = new Arrivals(new Host(jumbo), { device: null, checksums: VERIFY_ALL });
    const p = new Packet();
    arrivals.load(recordOf(frame), p);
    t.deepEqual([p.merged, p.checksum, arrivals.merged], [merged, checksum, merged ? 1 : 0], JSON.stringify(frame));
  }
});

test("what the host sent is as long as it is where nothing pads it", (t) => {
  const odd = `4500001c${"00010000401100000a00000108080808"}${"0001000200100000"}6162636465666768`;
  const length = (frame: Partial<Frame>): number => {
    const p = new Packet();
    new Arrivals(new Host(ROUTER), { device: null, checksums: VERIFY_ALL }).load(
      recordOf({ packet: odd, ...frame }),
      p,
    );
    return p.length;
  };
  t.is(length({ direction: DIRECTION_OUT }), 36);
  t.is(length({ direction: DIRECTION_IN }), 28);
  t.is(length({ direction: DIRECTION_OUT, snaplen: 30 }), 28, "cut by the capture");
  t.is(length({ direction: DIRECTION_OUT, link: LINKTYPE_ETHERNET, header: "0200000000010200000000020800" }), 28);
});

test("a sample finds offloaded and unverified checksums", (t) => {
  const sampled = (packets: readonly [string, boolean][]) => {
    const sample = new ChecksumSample();
    for (const [text, local] of packets) {
      const p = new Packet();
      p.loadBytes(bytesOf(text));
      p.local = local;
      sample.add(p);
    }
    return sample.findings();
  };
  const good = "tcp 10.0.0.2:1 > 198.51.100.9:80 [S]";
  const bad = `${good} cksum bad`;
  const many = (text: string, n: number, local = false) =>
    Array.from({ length: n }, (): [string, boolean] => [text, local]);
  t.false(sampled(many(good, 20)).any);
  t.false(sampled(many(bad, 9)).any, "too few to tell");
  t.false(sampled([...many(good, 11), ...many(bad, 10)]).any, "a minority is really broken");
  t.false(sampled(many("udp 10.0.0.2:1 > 198.51.100.9:53 cksum none", 20)).any, "no checksum is none to verify");
  const ignored = sampled([...many(good, 10), ...many(bad, 10)]);
  t.true(ignored.ignoreReceived);
  t.false(ignored.ignoreSent);
  t.regex(ignored.said[0], /10 of the first 20 checksums of received packets are wrong/);
  t.true(sampled(many(bad, 10, true)).ignoreSent);
  const offloaded = sampled([[`${good} cksum 0x3459`, true]]);
  t.true(offloaded.partial);
  t.false(offloaded.ignoreSent);
});

test("a capture without a host shows a likely one", (t) => {
  const guess = (frames: readonly Frame[], device: string | null = null) => {
    const guessed = new HostGuess();
    for (const frame of frames) guessed.add(recordOf(frame));
    return guessed.config(device);
  };
  const config = (interfaces: object, gate: string) => ({
    interfaces,
    routes: [`default dev ${gate}`, `::/0 dev ${gate}`],
  });
  t.deepEqual(
    guess([
      { packet: "tcp 198.51.100.9:4000 > 192.0.2.80:80 [S]" },
      { packet: "tcp 192.0.2.80:80 > 198.51.100.9:4000 [S.]" },
    ]),
    config({ eth0: { addresses: ["192.0.2.80/24"] } }, "eth0"),
    "a server: who is asked",
  );
  t.deepEqual(
    guess(
      [
        { packet: FROM_LAN },
        { packet: "udp 10.0.0.2:1 > 203.0.113.7:53" },
        { packet: "udp 192.0.2.3:53 > 10.0.0.2:9" },
      ],
      "wlan0",
    ),
    config({ wlan0: { addresses: ["10.0.0.2/24"] } }, "wlan0"),
    "a client: who takes part in all",
  );
  t.deepEqual(
    guess([
      { name: "lan0", direction: DIRECTION_IN, packet: "udp 10.0.0.2:1 > 10.0.0.1:53" },
      { name: "lan0", direction: DIRECTION_OUT, packet: "udp 10.0.0.1:53 > 10.0.0.2:1" },
      { name: "lan0", direction: DIRECTION_IN, packet: FROM_LAN },
      { name: "wan0", direction: DIRECTION_IN, packet: FROM_WAN },
      { name: "wan0", direction: DIRECTION_OUT, packet: "udp 203.0.113.1:1 > 198.51.100.9:53" },
    ]),
    config({ lan0: { addresses: ["10.0.0.1/24"] }, wan0: { addresses: ["203.0.113.1/24"] } }, "wan0"),
    "a router: what is both a source of outgoing and a destination of incoming packets",
  );
  t.deepEqual(guess([]), config({ eth0: {} }, "eth0"), "an empty capture");
  t.notThrows(() => new Host(guess([{ packet: "udp 10.0.0.2:1 > 255.255.255.255:67" }])));
});
