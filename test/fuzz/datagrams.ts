/**
 * Everything that is not TCP, and the ICMP errors about all of it: UDP, UDP-Lite, pings and other queries, SCTP, GRE,
 * protocols without a tracker; malformed lengths and checksums.
 */
import { join } from "../../src/flow/compose.ts";
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import type { Dice } from "./dice.ts";
import { dressed } from "./extras.ts";
import { chunk, echo, hex, type Ip, icmp, rawPacket, sctp, tcp, udp } from "./packets.ts";
import { COUNT_STATES, family, lan, net, port, recent, rounds, router } from "./world.ts";

export const SCTP_TIMEOUTS = [
  "closed",
  "cookie_wait",
  "cookie_echoed",
  "established",
  "shutdown_sent",
  "shutdown_recd",
  "shutdown_ack_sent",
  "heartbeat_sent",
].map((state) => `sctp_timeout_${state}`);

/** A packet that was sent, to be answered or complained about. */
export interface Sent {
  readonly dev: string;
  readonly bytes: Uint8Array;
  readonly src: string;
  readonly dst: string;
}

export function datagramScenario(dice: Dice): Scenario {
  const fam = family(dice);
  const sent: Sent[] = [];
  const events = rounds(dice, () =>
    Array.from({ length: dice.int(4, 24) }, (): ScenarioEvent => {
      const made = dice.chance(0.3) && sent.length > 0 ? errorAbout(dice, recent(dice, sent)) : datagram(dice, fam);
      if (made.bytes.length < 1400) sent.push(made);
      return { dev: made.dev, hex: hex(mangled(dice, dressed(dice, made.bytes))) };
    }),
  );
  const sysctl: Record<string, number> = {};
  for (const key of [
    "udp_timeout",
    "udp_timeout_stream",
    "icmp_timeout",
    "icmpv6_timeout",
    "generic_timeout",
    "gre_timeout",
    "gre_timeout_stream",
    ...SCTP_TIMEOUTS,
  ])
    if (dice.chance(0.1)) sysctl[`net.netfilter.nf_conntrack_${key}`] = dice.int(20, 400);
  if (dice.chance(0.1)) sysctl["net.netfilter.nf_conntrack_checksum"] = 0;
  if (dice.chance(0.3)) sysctl["net.netfilter.nf_conntrack_acct"] = 1;
  if (dice.chance(0.1)) sysctl["net.netfilter.nf_conntrack_timestamp"] = 1;
  if (dice.chance(0.1)) sysctl["net.netfilter.nf_conntrack_events"] = dice.int(0, 2);
  return {
    host: router(dice, sysctl),
    rules: fam === 4 ? COUNT_STATES : null,
    rules6: fam === 6 ? COUNT_STATES : null,
    events,
  };
}

/** A datagram in either direction between a LAN host and one on the internet. */
export function datagram(dice: Dice, fam: 4 | 6): Sent {
  const out = dice.chance(0.55);
  const inside = dice.pick(lan(dice, fam));
  const outside = dice.pick(net(dice, fam));
  const ends: Ip = {
    src: out ? inside : outside,
    dst: out ? outside : inside,
    ttl: dice.pick([64, 64, 64, 2, 1]),
    id: dice.int(1, 65535),
    tos: dice.pick([0, 0, 0x10, 0xb8]),
  };
  return { dev: out ? "lan0" : "wan0", bytes: payloadOf(dice, fam, ends, out), src: ends.src, dst: ends.dst };
}

function payloadOf(dice: Dice, fam: 4 | 6, ends: Ip, out: boolean): Uint8Array {
  const ports = out ? { sport: port(dice, [4000, 4001]), dport: 53 } : { sport: 53, dport: port(dice, [4000, 4001]) };
  const checksum = dice.chance(0.05) ? ("bad" as const) : dice.chance(0.05) ? ("none" as const) : null;
  const data = dice.bytes(dice.int(0, 40));
  switch (dice.weighted({ udp: 6, udplite: 1, echo: 5, query: 1.5, sctp: 2.5, gre: 1.5, other: 1.5, nd: 0.4 })) {
    case "udp":
      return udp({ ...ends, ...ports, data, checksum });
    case "udplite":
      return udp({ ...ends, ...ports, data, checksum, protocol: 136 });
    case "echo":
      return echo({ ...ends, id16: port(dice, [7, 8, 0xffff, 0]), reply: dice.chance(out ? 0.2 : 0.8), body: data });
    case "query":
      return icmp({
        ...ends,
        type: dice.pick(
          fam === 4
            ? [13, 14, 15, 16, 17, 18, 42, 9, 10, 30, 5, 4]
            : [128, 129, 130, 131, 132, 139, 140, 1, 2, 3, 4, 100, 200],
        ),
        code: dice.pick([0, 0, 1]),
        rest: 0x00070001,
        body: data,
      });
    case "sctp":
      return sctp({
        ...ends,
        sport: ports.sport,
        dport: ports.dport,
        tag: dice.pick([0, 1, 2]),
        chunks: chunks(dice),
        checksum: dice.chance(0.05) ? "bad" : null,
      });
    case "gre":
      return rawPacket(ends, 47, gre(dice));
    case "nd":
      return icmp({ ...ends, ttl: 255, type: fam === 4 ? 9 : dice.int(133, 137), rest: 0, body: dice.bytes(16) });
    default:
      return rawPacket(ends, dice.pick([50, 51, 89, 2, 4, 41, 33, 103, 200, 255, 59]), dice.bytes(dice.int(0, 24)));
  }
}

function gre(dice: Dice): Uint8Array {
  switch (dice.int(0, 2)) {
    case 0:
      return join(Uint8Array.of(0, 0, 8, 0), dice.bytes(8));
    case 1:
      return join(Uint8Array.of(0x20, 0, 8, 0, 0, 0, 0, 5), dice.bytes(8));
    default:
      return join(Uint8Array.of(0x30, 1, 0x88, 0x0b, 0, 8, 0, dice.int(1, 3), 0, 0, 0, 1), dice.bytes(8));
  }
}

/** INIT carries a tag, a window and stream counts; most others are just a header here. */
function chunks(dice: Dice): Uint8Array {
  const one = () => {
    const type = dice.pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 193]);
    const value =
      type === 1 || type === 2
        ? join(Uint8Array.of(0, 0, 0, dice.int(1, 2)), new Uint8Array(12))
        : dice.bytes(dice.pick([4, 12]));
    return chunk(type, dice.pick([0, 0, 1]), value);
  };
  return dice.chance(0.8) ? one() : join(one(), one());
}

/** An ICMP error about a packet, from where it went or from a router on the way. */
export function errorAbout(dice: Dice, about: Sent): Sent {
  const six = about.src.includes(":");
  const from = dice.chance(0.7) ? about.dst : dice.pick(net(dice, six ? 6 : 4));
  const type = dice.pick(six ? [1, 1, 2, 3, 4] : [3, 3, 3, 4, 5, 11, 12]);
  const whole = about.bytes;
  const quoted = dice.chance(0.7)
    ? whole.subarray(0, Math.min(whole.length, six ? 1200 : 548))
    : whole.subarray(0, dice.int(0, whole.length));
  const bytes = icmp({
    src: from,
    dst: about.src,
    type,
    code: dice.pick([0, 1, 3, 4]),
    rest: dice.pick([0, 1400]),
    body: quoted,
    id: dice.int(1, 65535),
    checksum: dice.chance(0.05) ? "bad" : null,
  });
  return { dev: about.dev === "lan0" ? "wan0" : "lan0", bytes, src: from, dst: about.src };
}

/** Now and then a packet is cut, or a byte of it is wrong. */
export function mangled(dice: Dice, bytes: Uint8Array, probability = 0.06): Uint8Array {
  if (!dice.chance(probability)) return bytes;
  const copy = Uint8Array.from(bytes);
  if (dice.chance(0.5)) return copy.subarray(0, dice.int(1, copy.length));
  copy[dice.int(0, Math.min(copy.length - 1, 60))] = dice.int(0, 255);
  return copy;
}

/** A TCP SYN through the router, for errors and NAT to work on. */
export function syn(dice: Dice, fam: 4 | 6, dport = 80): Sent {
  const [src, dst] = [dice.pick(lan(dice, fam)), dice.pick(net(dice, fam))];
  return {
    dev: "lan0",
    src,
    dst,
    bytes: tcp({ src, dst, sport: port(dice, [4000, 4001, 4002]), dport, flags: 2, seq: 1000, id: dice.int(1, 65535) }),
  };
}
