/**
 * ICMP errors about connections that NAT translated: every type and code of both families, from the far end, from a
 * router on the way and from inside; quotes cut anywhere, with options, extension headers or wrong bytes in them.
 */
import { join } from "../../src/flow/compose.ts";
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import type { Dice } from "./dice.ts";
import { echo, hex, type Ip, icmp, rawPacket, sctp, tcp, udp } from "./packets.ts";
import { DMZ, family, lan, net, OWN, port, recent, rounds, router } from "./world.ts";

/** How a connection looks on either side of the router. */
interface Talk {
  readonly inside: { readonly dev: string; readonly bytes: Uint8Array; readonly src: string; readonly dst: string };
  readonly outside: { readonly dev: string; readonly bytes: Uint8Array; readonly src: string; readonly dst: string };
}

const TRANSLATED = { 4: "203.0.113.9", 6: "fd00:2::9" } as const;
const STATES = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "SNAT", "DNAT"];

export function icmpScenario(dice: Dice): Scenario {
  const fam = family(dice, 0.45);
  const rules = [
    "*nat",
    ...["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"].map((chain) => `:${chain} ACCEPT [0:0]`),
    `-A PREROUTING -i wan0 -j DNAT --to-destination ${DMZ[fam][0]}`,
    `-A POSTROUTING -o wan0 -j SNAT --to-source ${TRANSLATED[fam]}`,
    "COMMIT",
    "*filter",
    ...["INPUT", "FORWARD", "OUTPUT"].map((chain) => `:${chain} ACCEPT [0:0]`),
    ...["INPUT", "FORWARD"].flatMap((chain) => STATES.map((s) => `-A ${chain} -m conntrack --ctstate ${s}`)),
    "COMMIT",
    "",
  ].join("\n");
  const talks: Talk[] = [];
  const events = rounds(dice, () =>
    Array.from({ length: dice.int(6, 22) }, (): ScenarioEvent => {
      if (talks.length > 0 && !dice.chance(0.3)) return error(dice, fam, recent(dice, talks));
      const made = talk(dice, fam);
      talks.push(made);
      return { dev: made.inside.dev, hex: hex(made.inside.bytes) };
    }),
  );
  const sysctl: Record<string, number> = dice.chance(0.15) ? { "net.netfilter.nf_conntrack_checksum": 0 } : {};
  return { host: router(dice, sysctl), rules: fam === 4 ? rules : null, rules6: fam === 6 ? rules : null, events };
}

/** From the LAN, source translated; or from outside to the router's address, destination translated. */
function talk(dice: Dice, fam: 4 | 6): Talk {
  const far = dice.pick(net(dice, fam));
  const make = maker(dice);
  if (dice.chance(0.6)) {
    const src = dice.pick(lan(dice, fam));
    const after = TRANSLATED[fam];
    return {
      inside: { dev: "lan0", src, dst: far, bytes: make({ src, dst: far }) },
      outside: { dev: "wan0", src: after, dst: far, bytes: make({ src: after, dst: far, ttl: 63 }) },
    };
  }
  const dst = OWN[fam];
  const after = DMZ[fam][0];
  return {
    inside: { dev: "wan0", src: far, dst, bytes: make({ src: far, dst }) },
    outside: { dev: "dmz0", src: far, dst: after, bytes: make({ src: far, dst: after, ttl: 63 }) },
  };
}

/** Makes the same packet between different ends. */
function maker(dice: Dice): (ends: Ip) => Uint8Array {
  const ports = { sport: port(dice, [4000, 4001, 4002]), dport: dice.pick([80, 53]) };
  const data = dice.bytes(dice.pick([0, 8, 40, 600]));
  const id = dice.int(1, 65535);
  const id16 = port(dice, [7, 8, 9]);
  const checksum = dice.chance(0.2) ? ("none" as const) : null;
  switch (dice.weighted({ tcp: 4, udp: 4, echo: 3, gre: 1, sctp: 1, other: 1 })) {
    case "tcp":
      return (ends) => tcp({ ...ends, ...ports, id, flags: 2, seq: 1000, data });
    case "udp":
      return (ends) => udp({ ...ends, ...ports, id, data, checksum: ends.src.includes(":") ? null : checksum });
    case "echo":
      return (ends) => echo({ ...ends, id, id16, body: data });
    case "gre":
      return (ends) => rawPacket({ ...ends, id }, 47, Uint8Array.of(0x30, 1, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 1));
    case "sctp":
      return (ends) =>
        sctp({ ...ends, ...ports, id, tag: 0, chunks: Uint8Array.of(1, 0, 0, 20, ...new Uint8Array(16)) });
    default:
      return (ends) => rawPacket({ ...ends, id }, 50, data);
  }
}

function error(dice: Dice, fam: 4 | 6, about: Talk): ScenarioEvent {
  // About the packet as it went on, as a rule; as it came, now and then.
  const side = dice.chance(0.8) ? about.outside : about.inside;
  const from = dice.weighted({ far: 4, router: 4, own: 0.5 });
  const src = from === "far" ? side.dst : from === "router" ? dice.pick([net(dice, fam)[2], DMZ[fam][1]]) : OWN[fam];
  const type =
    fam === 4
      ? dice.pick([3, 3, 3, 3, 11, 12, 4, 5, dice.int(0, 19)])
      : dice.pick([1, 1, 1, 2, 3, 4, 137, dice.int(0, 12), dice.int(127, 162)]);
  const message = {
    src,
    dst: dice.chance(0.9) ? side.src : dice.pick([...lan(dice, fam), OWN[fam]]),
    id: dice.int(1, 65535),
    type,
    code: dice.chance(0.7) ? dice.int(0, 5) : dice.int(0, 20),
    rest: dice.pick([0, 1400, 0x00070001, dice.int(0, 0xffff) << 8]),
    body: quote(dice, side.bytes),
    ttl: type === 137 ? 255 : 64,
    checksum: dice.chance(0.06) ? ("bad" as const) : null,
  };
  return { dev: side.dev, hex: hex(icmp(message)) };
}

function quote(dice: Dice, whole: Uint8Array): Uint8Array {
  const six = whole[0] >>> 4 === 6;
  switch (dice.weighted({ whole: 4, eight: 3, cut: 3, options: 1, wrong: 1.5, fragment: 1, nested: 0.5 })) {
    case "whole":
      return whole.subarray(0, 540);
    case "eight":
      return whole.subarray(0, (six ? 40 : 20) + 8);
    case "cut":
      return whole.subarray(0, dice.int(0, Math.min(whole.length, 64)));
    case "options":
      return lengthened(whole, six);
    case "wrong": {
      const copy = Uint8Array.from(whole.subarray(0, 540));
      copy[dice.int(0, Math.min(copy.length, six ? 52 : 32) - 1)] = dice.int(0, 255);
      return copy;
    }
    case "fragment": {
      if (six) return whole.subarray(0, 48);
      const copy = Uint8Array.from(whole.subarray(0, 540));
      copy[6] = dice.pick([0x20, 0x00]);
      copy[7] = dice.pick([0, 1, 185]);
      return copy;
    }
    default: {
      const ends: Ip = { src: net(dice, six ? 6 : 4)[0], dst: lan(dice, six ? 6 : 4)[0] };
      return icmp({ ...ends, type: six ? 1 : 3, code: 1, body: whole.subarray(0, 60) });
    }
  }
}

/** The same packet with four bytes of IPv4 options, or a destination options header. */
function lengthened(whole: Uint8Array, six: boolean): Uint8Array {
  if (six) {
    const head = Uint8Array.from(whole.subarray(0, 40));
    const next = head[6];
    head[6] = 60;
    new DataView(head.buffer).setUint16(4, whole.length - 40 + 8);
    return join(join(head, Uint8Array.of(next, 0, 1, 4, 0, 0, 0, 0)), whole.subarray(40, 540));
  }
  const head = Uint8Array.from(whole.subarray(0, 20));
  head[0] = 0x46;
  return join(join(head, Uint8Array.of(1, 1, 1, 0)), whole.subarray(20, 540));
}
