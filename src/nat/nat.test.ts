/** What NAT makes of connections, in the least of a router. Expected values were seen on Linux 6.18. */
import test from "ava";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../bytes/address.ts";
import { fold, pseudoSum4, sumOf } from "../bytes/checksum.ts";
import { Conntrack } from "../conntrack/conntrack.ts";
import { REPLY, Tuple } from "../conntrack/tuple.ts";
import { icmpMessage, ipPacket, tcpSegment, udpDatagram } from "../flow/compose.ts";
import type { HostConfig } from "../host/config.ts";
import { Host } from "../host/host.ts";
import { ScriptedRandom } from "../host/random.ts";
import { ACCEPT, type Hook, POSTROUTING, PREROUTING, type Verdict } from "../packet/hook.ts";
import { Packet } from "../packet/packet.ts";
import { trackers } from "../protocol/trackers.ts";
import { Nat } from "./nat.ts";
import {
  ANY_RANGE,
  MANIP_DST,
  MANIP_SRC,
  NAT_RANGE_PROTO_OFFSET,
  NAT_RANGE_PROTO_RANDOM,
  type NatRange,
} from "./range.ts";
import { rangeOf } from "./testing.ts";

const HOST: HostConfig = {
  interfaces: { lan0: ["10.0.0.1/24", "fd00:1::1/64"], wan0: ["203.0.113.1/24", "2001:db8::1/64"] },
  routes: ["default dev wan0", "default via 2001:db8::fe dev wan0"],
};

/** A rule of the nat table: what it does with the first packet of a connection at one hook. */
export interface Rule {
  readonly hook: Hook;
  readonly does: (nat: Nat, p: Packet) => Verdict;
}

/** As path/ makes them: with the next hop of its route. */
class Routed extends Packet {
  via = 0;

  override nextHop4(): number {
    return this.via === 0 ? this.dst0 : this.via;
  }
}

/** PREROUTING and POSTROUTING of a router, one after the other. */
export class Router {
  readonly host: Host;
  readonly conntrack: Conntrack;
  readonly nat: Nat;
  readonly random = new ScriptedRandom({});
  rules: readonly Rule[] = [];
  readonly #packet = new Routed();

  constructor(config: HostConfig = HOST) {
    this.host = new Host(config);
    this.host.random = this.random;
    this.host.now = 1_700_000_000_000_000;
    this.conntrack = new Conntrack(this.host, trackers);
    this.conntrack.arm(4);
    this.conntrack.arm(6);
    this.nat = new Nat(this.host, this.conntrack);
  }

  /** Sends a packet through, and gives what came out: `src:port > dst:port`, or null when it was dropped. */
  forward(bytes: Uint8Array, into = "lan0", out = "wan0"): string | null {
    const p = this.#packet;
    p.loadBytes(bytes);
    p.inDev = this.host.interfaceNamed(into)!.index;
    p.hook = PREROUTING;
    if (this.conntrack.track(p) !== ACCEPT || this.#nat(p) !== ACCEPT) return this.#drop();
    if (p.family === 4) p.via = this.host.input4(p.dst0, p.src0, p.inDev, p.tos, p.mark).via0;
    p.hook = POSTROUTING;
    p.outDev = this.host.interfaceNamed(out)!.index;
    if (this.#nat(p) !== ACCEPT || this.conntrack.confirm(p) !== ACCEPT) return this.#drop();
    return ends(p);
  }

  /** The reply tuple of the connection that the last packet belonged to. */
  reply(): string {
    const tuple = new Tuple();
    this.conntrack.connections(this.#packet.family).tuple(this.#packet.ct, REPLY, tuple);
    return `${text(tuple.family, tuple.src0, tuple.src1, tuple.src2, tuple.src3)}:${tuple.sport} > ${text(tuple.family, tuple.dst0, tuple.dst1, tuple.dst2, tuple.dst3)}:${tuple.dport}`;
  }

  /** The packet as it is after `forward`. */
  get packet(): Packet {
    return this.#packet;
  }

  #nat(p: Packet): Verdict {
    return this.nat.atHook(p, () => {
      for (const rule of this.rules) if (rule.hook === p.hook) return rule.does(this.nat, p);
      return ACCEPT;
    });
  }

  #drop(): null {
    this.conntrack.release(this.#packet);
    return null;
  }
}

const text = (family: 4 | 6, ...words: number[]) => formatAddress(words.slice(0, family === 4 ? 1 : 4));

function ends(p: Packet): string {
  const [src, dst] = [text(p.family, p.src0, p.src1, p.src2, p.src3), text(p.family, p.dst0, p.dst1, p.dst2, p.dst3)];
  return `${src}:${p.sport} > ${dst}:${p.dport}`;
}

function ipFields(src: string, dst: string) {
  const source = parseAddress(src)!;
  const family = source.length === 1 ? (4 as const) : (6 as const);
  const rest = { ttl: 64, tos: 0, id: 1, df: true, flowLabel: 0, fragment: null, checksum: null };
  return { family, source, destination: parseAddress(dst)!, ...rest };
}

export function udp(src: string, sport: number, dst: string, dport: number, data = new Uint8Array(4)): Uint8Array {
  const ip = ipFields(src, dst);
  return ipPacket(ip, 17, udpDatagram(ip, 17, { sport, dport }, data, null));
}

export function tcp(src: string, sport: number, dst: string, dport: number, flags: number, seq = 1, ack = 0) {
  const ip = ipFields(src, dst);
  const none = new Uint8Array(0);
  const rest = { window: 65535, urgent: 0, options: none, data: none, checksum: null };
  return ipPacket(ip, 6, tcpSegment(ip, { sport, dport, seq, ack, flags, ...rest }));
}

export function icmp(src: string, dst: string, type: number, code: number, rest: number, body: Uint8Array): Uint8Array {
  const ip = ipFields(src, dst);
  return ipPacket(ip, ip.family === 4 ? 1 : 58, icmpMessage(ip, { type, code, rest, body }, null));
}

export function esp(src: string, dst: string): Uint8Array {
  return ipPacket(ipFields(src, dst), 50, new Uint8Array(8));
}

const snat = (range: NatRange): Rule => ({ hook: POSTROUTING, does: (nat, p) => nat.setup(p, range, MANIP_SRC) });
const dnat = (range: NatRange): Rule => ({ hook: PREROUTING, does: (nat, p) => nat.setup(p, range, MANIP_DST) });
const masquerade: Rule = { hook: POSTROUTING, does: (nat, p) => nat.masquerade(p, ANY_RANGE) };
const redirect: Rule = { hook: PREROUTING, does: (nat, p) => nat.redirect(p, ANY_RANGE) };
const netmap = (hook: Hook, range: string): Rule => ({ hook, does: (nat, p) => nat.netmap(p, rangeOf(range)) });

const SERVER = "198.51.100.9";
const SERVER6 = "2001:db8:9::9";

function router(...rules: Rule[]): Router {
  const made = new Router();
  made.rules = rules;
  return made;
}

test("masquerading takes the device's address and keeps the port; replies are taken back", (t) => {
  const r = router(masquerade);
  t.is(r.forward(udp("10.0.0.2", 4000, SERVER, 53)), `203.0.113.1:4000 > ${SERVER}:53`);
  t.is(r.forward(udp(SERVER, 53, "203.0.113.1", 4000), "wan0", "lan0"), `${SERVER}:53 > 10.0.0.2:4000`);
  t.is(r.forward(udp("fd00:1::2", 4000, SERVER6, 53)), `2001:db8::1:4000 > ${SERVER6}:53`);
  t.is(r.forward(udp(SERVER6, 53, "2001:db8::1", 4000), "wan0", "lan0"), `${SERVER6}:53 > fd00:1::2:4000`);
});

test("a port in use is replaced by one of its own class: 1-511, 600-1023, 1024-65535", (t) => {
  const r = router(masquerade);
  for (const [port, other] of [
    [100, 435],
    [1000, 916],
    [4000, 17661],
  ]) {
    t.is(r.forward(udp("10.0.0.2", port, SERVER, 53)), `203.0.113.1:${port} > ${SERVER}:53`);
    r.random.answer("nat source port", other);
    t.is(r.forward(udp("10.0.0.3", port, SERVER, 53)), `203.0.113.1:${other} > ${SERVER}:53`);
    t.is(r.forward(udp(SERVER, 53, "203.0.113.1", other), "wan0", "lan0"), `${SERVER}:53 > 10.0.0.3:${port}`);
  }
});

test("a search goes on from its start, round the end of the range", (t) => {
  const r = router(snat(rangeOf("203.0.113.7 5000-5003")));
  const ports = [5002, 5002, 5002, 5002].map((start, i) => {
    r.random.answer("nat source port", start);
    return r.forward(udp("10.0.0.2", 4000 + i, SERVER, 53))?.match(/:(\d+) >/)?.[1];
  });
  t.deepEqual(ports, ["5002", "5003", "5000", "5001"]);
  t.is(r.forward(udp("10.0.0.2", 4004, SERVER, 53)), null, "all four are taken: dropped when it is to be confirmed");
  t.is(r.conntrack.count(), 4);
});

test("a source keeps the translation it has, whatever the destination", (t) => {
  const r = router(snat(rangeOf("203.0.113.7 6000-6100")));
  r.random.answer("nat source port", 6081);
  t.is(r.forward(udp("10.0.0.2", 4000, SERVER, 53)), `203.0.113.7:6081 > ${SERVER}:53`);
  t.is(r.forward(udp("10.0.0.2", 4000, SERVER, 54)), `203.0.113.7:6081 > ${SERVER}:54`);
  t.is(r.forward(udp("10.0.0.2", 4000, "198.51.100.10", 53)), "203.0.113.7:6081 > 198.51.100.10:53");
  r.random.answer("nat source port", 6027);
  t.is(r.forward(udp("10.0.0.3", 4000, SERVER, 53)), `203.0.113.7:6027 > ${SERVER}:53`);
});

test("it does not when all its connections are gone", (t) => {
  const r = router(snat(rangeOf("203.0.113.7 6000-6100")));
  r.random.answer("nat source port", 6081);
  r.forward(udp("10.0.0.2", 4000, SERVER, 53));
  r.host.now += 31e6;
  r.random.answer("nat source port", 6005);
  t.is(r.forward(udp("10.0.0.2", 4000, SERVER, 54)), `203.0.113.7:6005 > ${SERVER}:54`);
});

test("--random never keeps a port", (t) => {
  const r = router(snat(rangeOf("203.0.113.7 6000-6100", NAT_RANGE_PROTO_RANDOM)));
  r.random.answer("nat source port", 6081);
  r.random.answer("nat source port", 6000);
  t.is(r.forward(udp("10.0.0.2", 6050, SERVER, 53)), `203.0.113.7:6081 > ${SERVER}:53`);
  t.is(r.forward(udp("10.0.0.2", 6050, SERVER, 54)), `203.0.113.7:6000 > ${SERVER}:54`);
});

test("a destination's ports are taken in order, and kept when they are in the range and free", (t) => {
  const r = router(dnat(rangeOf("203.0.113.5 5000-5003")));
  const port = (bytes: Uint8Array) => r.forward(bytes)?.replace(/.*:/, "");
  t.is(port(udp("10.0.0.2", 4000, SERVER, 53)), "5000");
  t.is(port(udp("10.0.0.2", 4001, SERVER, 53)), "5000");
  t.is(port(udp("10.0.0.2", 4000, SERVER, 5002)), "5002");
  t.is(port(udp("10.0.0.2", 4000, SERVER, 54)), "5001");
  t.is(port(udp("10.0.0.2", 4000, SERVER, 55)), "5003");
  // Now all are taken: the last one tried stays, and the source's null binding finds another port.
  r.random.answer("nat source port", 55632);
  t.is(r.forward(udp("10.0.0.2", 4000, SERVER, 56)), "10.0.0.2:55632 > 203.0.113.5:5003");
});

test("shifted ports keep their distance from the base port", (t) => {
  const range = { ...rangeOf("203.0.113.5 5000-5010", NAT_RANGE_PROTO_OFFSET), basePort: 50 };
  const r = router(dnat(range));
  const port = (sport: number, dport: number) => r.forward(udp("10.0.0.2", sport, SERVER, dport))?.replace(/.*:/, "");
  t.deepEqual([port(4000, 53), port(4001, 60), port(4000, 61), port(4002, 40)], ["5003", "5010", "5000", "5010"]);
});

test("a connection that no rule wants changes its port when its tuple is taken", (t) => {
  const r = router({ hook: POSTROUTING, does: (nat, p) => (p.inDev === 2 ? nat.masquerade(p, ANY_RANGE) : ACCEPT) });
  t.is(r.forward(udp("10.0.0.2", 4000, SERVER, 53)), `203.0.113.1:4000 > ${SERVER}:53`);
  r.random.answer("nat source port", 19097);
  t.is(r.forward(udp("203.0.113.1", 4000, SERVER, 53), "wan0"), `203.0.113.1:19097 > ${SERVER}:53`);
});

test("ICMP ids are translated as ports are", (t) => {
  const r = router(snat(rangeOf("203.0.113.7 100-101")));
  const echo = (src: string, id: number) => icmp(src, SERVER, 8, 0, (id << 16) | 1, new Uint8Array(4));
  const id = (bytes: Uint8Array) => r.forward(bytes)?.match(/:(\d+) >/)?.[1] ?? null;
  r.random.answer("nat source id", 100);
  t.is(id(echo("10.0.0.2", 7)), "100");
  r.random.answer("nat source id", 100);
  t.is(id(echo("10.0.0.3", 7)), "101");
  t.is(id(echo("10.0.0.4", 7)), null);
  t.is(id(echo("10.0.0.4", 101)), null);
  const answer = icmp(SERVER, "203.0.113.7", 0, 0, (101 << 16) | 1, new Uint8Array(4));
  t.is(r.forward(answer, "wan0", "lan0"), `${SERVER}:7 > 10.0.0.3:0`);
});

test("a protocol without ports cannot share an address", (t) => {
  const r = router(masquerade);
  t.is(r.forward(esp("10.0.0.2", SERVER)), `203.0.113.1:0 > ${SERVER}:0`);
  t.is(r.forward(esp("10.0.0.3", SERVER)), null);
});

test("when all ports are taken, a packet costs at most 248 lookups", (t) => {
  const r = router(snat(rangeOf("203.0.113.7 1024-1523")));
  for (let i = 0; i < 500; i++) {
    r.random.answer("nat source port", 1024 + i);
    r.forward(udp("10.0.0.2", 10000 + i, SERVER, 53));
  }
  let draws = 0;
  r.host.random = { u16: () => 0, u32: () => 0, offset: () => draws++ * 50, last: (_purpose, port) => port };
  t.is(r.forward(udp("10.0.0.2", 20000, SERVER, 53)), null);
  t.is(draws, 5, "128 + 64 + 32 + 16 + 8");
});

const [FIN, SYN, ACK] = [1, 2, 16];

test("towards the end of a search a TCP connection in TIME_WAIT gives way to one with higher sequence numbers", (t) => {
  const r = router(snat(rangeOf("203.0.113.7 5000")));
  const back = (flags: number, seq: number, ack: number) =>
    r.forward(tcp(SERVER, 80, "203.0.113.7", 5000, flags, seq, ack), "wan0", "lan0");
  const there = (sport: number, flags: number, seq: number, ack: number) =>
    r.forward(tcp("10.0.0.2", sport, SERVER, 80, flags, seq, ack));
  const whole = () => [
    there(4000, SYN, 100, 0),
    back(SYN | ACK, 500, 101),
    there(4000, ACK, 101, 501),
    there(4000, FIN | ACK, 101, 501),
    back(FIN | ACK, 501, 102),
    there(4000, ACK, 102, 502),
  ];
  t.false(whole().includes(null));
  t.is(there(4001, SYN, 101, 0), null, "its sequence numbers could be the old connection's");
  t.is(there(4001, SYN, 102, 0), `203.0.113.7:5000 > ${SERVER}:80`);
  t.is(r.conntrack.count(), 1);
  t.is(there(4002, SYN, 1000, 0), null, "a connection that just begins does not give way");
});

test("a masqueraded connection that leaves by another device is forgotten", (t) => {
  const r = router(masquerade);
  r.forward(udp("10.0.0.2", 4000, SERVER, 53));
  r.forward(udp(SERVER, 53, "203.0.113.1", 4000), "wan0", "lan0");
  t.is(r.forward(udp("10.0.0.2", 4000, SERVER, 53), "lan0", "lan0"), null);
  t.is(r.conntrack.count(), 0);
  t.is(r.forward(udp("10.0.0.2", 4000, SERVER, 53), "lan0", "lan0"), `10.0.0.1:4000 > ${SERVER}:53`);
});

test("masquerading looks at the next hop, and leaves packets from 0.0.0.0 alone", (t) => {
  const r = new Router({
    interfaces: { lan0: ["10.0.0.1/24"], wan0: ["203.0.113.1/24", "192.0.2.1/24"] },
    routes: ["default dev wan0", "198.51.100.0/24 via 192.0.2.254"],
  });
  r.rules = [masquerade];
  t.is(r.forward(udp("10.0.0.2", 4000, SERVER, 53)), `192.0.2.1:4000 > ${SERVER}:53`);
  t.is(r.forward(udp("10.0.0.2", 4000, "8.8.8.8", 53)), "203.0.113.1:4000 > 8.8.8.8:53");
  t.is(r.forward(udp("0.0.0.0", 68, "8.8.8.8", 67)), "0.0.0.0:68 > 8.8.8.8:67");
});

test("NETMAP keeps the host part, in both directions and families", (t) => {
  const r = router(netmap(PREROUTING, "192.168.4.0-192.168.7.255"));
  t.is(r.forward(udp("10.0.0.2", 4000, SERVER, 53)), "10.0.0.2:4000 > 192.168.4.9:53");
  const six = router(netmap(POSTROUTING, "2001:db8:5::-2001:db8:5::ffff"));
  t.is(six.forward(udp("fd00:1::12:2", 4000, SERVER6, 53)), `2001:db8:5::2:4000 > ${SERVER6}:53`);
});

test("redirecting takes the first address of the device, of the scope of the old destination", (t) => {
  const r = new Router({
    interfaces: {
      lan0: ["10.0.0.1/24", "10.0.9.1/24", "fe80::1/64", "fd00:1::1/64", "fd00:7::1/64"],
      wan0: ["203.0.113.1/24"],
    },
    routes: ["default dev wan0", "default via fe80::2 dev lan0"],
  });
  r.rules = [redirect];
  t.is(r.forward(udp("10.0.0.2", 4000, SERVER, 53)), "10.0.0.2:4000 > 10.0.0.1:53");
  t.is(r.forward(udp("fd00:1::2", 4000, SERVER6, 53)), "fd00:1::2:4000 > fd00:7::1:53");
  t.is(r.forward(udp("fd00:1::2", 4000, "fe80::2", 53)), "fd00:1::2:4000 > fe80::1:53");
  t.is(r.forward(udp("203.0.113.2", 4000, "10.0.0.7", 53), "wan0"), "203.0.113.2:4000 > 203.0.113.1:53");
});

test("an ICMP error about a translated packet becomes one about the packet that was sent", (t) => {
  for (const [client, server, own, type] of [
    ["10.0.0.2", SERVER, "203.0.113.1", 3],
    ["fd00:1::2", SERVER6, "2001:db8::1", 1],
  ] as const) {
    const middle = type === 3 ? "198.51.100.77" : "2001:db8:9::77";
    for (const quote of [udp, (...a: Parameters<typeof udp>) => tcp(a[0], a[1], a[2], a[3], SYN)]) {
      const r = router(masquerade);
      r.forward(quote(client, 4000, server, 53));
      const error = icmp(middle, own, type, 3, 0, quote(own, 4000, server, 53));
      t.is(r.forward(error, "wan0", "lan0"), `${middle}:0 > ${client}:${(type << 8) | 3}`);
      t.deepEqual(r.packet.bytes(), icmp(middle, client, type, 3, 0, quote(client, 4000, server, 53)));
    }
  }
});

test("so does an error from inside about a reply", (t) => {
  const r = router(masquerade);
  r.forward(udp("10.0.0.2", 4000, SERVER, 53));
  r.forward(udp(SERVER, 53, "203.0.113.1", 4000), "wan0", "lan0");
  r.forward(icmp("10.0.0.2", SERVER, 3, 3, 0, udp(SERVER, 53, "10.0.0.2", 4000)));
  t.deepEqual(r.packet.bytes(), icmp("203.0.113.1", SERVER, 3, 3, 0, udp(SERVER, 53, "203.0.113.1", 4000)));
});

test("a redirect about a translated connection is dropped, one about an untranslated connection is not", (t) => {
  const redirectAbout = (own: string) => icmp("198.51.100.77", own, 5, 1, 0, udp(own, 4000, SERVER, 53));
  const r = router(masquerade);
  r.forward(udp("10.0.0.2", 4000, SERVER, 53));
  t.is(r.forward(redirectAbout("203.0.113.1"), "wan0", "lan0"), null);
  const plain = router();
  plain.forward(udp("10.0.0.2", 4000, SERVER, 53));
  t.not(plain.forward(redirectAbout("10.0.0.2"), "wan0", "lan0"), null);
});

const anyRules = fc.record({
  post: fc.constantFrom(
    masquerade,
    snat(rangeOf("203.0.113.7")),
    snat(rangeOf("203.0.113.7-203.0.113.20")),
    snat(rangeOf("203.0.113.7-203.0.113.8 5000-5002")),
    snat(rangeOf("203.0.113.7 5000-5400", NAT_RANGE_PROTO_RANDOM)),
    netmap(POSTROUTING, "192.168.0.0-192.168.255.255"),
  ),
  pre: fc.constantFrom(
    null,
    dnat(rangeOf("203.0.113.50")),
    dnat(rangeOf("203.0.113.50-203.0.113.60 8000-8003")),
    netmap(PREROUTING, "203.0.112.0-203.0.112.255"),
  ),
});
const anyPacket = fc.record({
  client: fc.constantFrom("10.0.0.2", "10.0.0.3", "10.0.0.4"),
  sport: fc.constantFrom(80, 700, 4000, 4001),
  server: fc.constantFrom(SERVER, "198.51.100.10", "203.0.113.50"),
  dport: fc.constantFrom(53, 8001),
});

test("whatever the rules, the answer to what came out goes back to who asked, and no two connections share one", (t) => {
  fc.assert(
    fc.property(anyRules, fc.array(anyPacket, { maxLength: 30 }), ({ pre, post }, packets) => {
      const r = router(...(pre === null ? [post] : [pre, post]));
      for (const { client, sport, server, dport } of packets) {
        const out = r.forward(udp(client, sport, server, dport));
        if (out === null) continue;
        t.true(isSound(r.packet.bytes()));
        const [, src, fromPort, dst, toPort] = out.match(/(.*):(\d+) > (.*):(\d+)/)!;
        const back = r.forward(udp(dst, Number(toPort), src, Number(fromPort)), "wan0", "lan0");
        t.is(back, `${server}:${dport} > ${client}:${sport}`);
        t.true(isSound(r.packet.bytes()));
      }
      const replies = r.conntrack.list().map((line) => line.match(/src=.*src=(.*) mark/)?.[1]);
      t.is(new Set(replies).size, replies.length);
    }),
    { numRuns: 150 },
  );
});

/** Are both checksums of an IPv4 UDP packet right? */
function isSound(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer);
  const pseudo = pseudoSum4(view.getInt32(12), view.getInt32(16), 17, bytes.length - 20);
  return fold(sumOf(view, 0, 20)) === 0xffff && fold(sumOf(view, 20, bytes.length) + pseudo) === 0xffff;
}
