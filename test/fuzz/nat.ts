/**
 * NAT: every target with ranges of addresses and ports, clashes, replies, ICMP errors about translated packets,
 * hairpins. What answers is made from what the kernel would have emitted, so replies are scripted here by tuple:
 * the far end answers to the address a rule can have given the packet.
 */
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import { errorAbout, type Sent } from "./datagrams.ts";
import type { Dice } from "./dice.ts";
import { dressed } from "./extras.ts";
import { echo, hex, icmp, rawPacket, sctp, tcp, udp } from "./packets.ts";
import { DMZ, family, lan, net, OWN, port, recent, rounds, router } from "./world.ts";

export function natScenario(dice: Dice): Scenario {
  const fam = family(dice);
  const rules = natRules(dice, fam);
  const sent: Sent[] = [];
  const events = rounds(dice, () =>
    Array.from({ length: dice.int(4, 24) }, (): ScenarioEvent => {
      const made = sent.length > 0 && dice.chance(0.4) ? answer(dice, fam, recent(dice, sent)) : first(dice, fam);
      sent.push(made);
      return { dev: made.dev === "local" ? null : made.dev, hex: hex(dressed(dice, made.bytes, 0.04)) };
    }),
  );
  return { host: router(dice), rules: fam === 4 ? rules : null, rules6: fam === 6 ? rules : null, events };
}

const withPort = (fam: 4 | 6, address: string, port: string) =>
  port === "" ? address : fam === 4 ? `${address}:${port}` : `[${address}]:${port}`;

function natRules(dice: Dice, fam: 4 | 6): string {
  const lines = [
    "*nat",
    ":PREROUTING ACCEPT [0:0]",
    ":INPUT ACCEPT [0:0]",
    ":OUTPUT ACCEPT [0:0]",
    ":POSTROUTING ACCEPT [0:0]",
  ];
  for (let n = dice.int(1, 3); n > 0; n--)
    lines.push(natRule(dice, fam, "PREROUTING", (proto) => dnat(dice, fam, proto)));
  if (dice.chance(0.4)) lines.push(natRule(dice, fam, "OUTPUT", (proto) => dnat(dice, fam, proto)));
  for (let n = dice.int(1, 3); n > 0; n--)
    lines.push(natRule(dice, fam, "POSTROUTING", (proto) => snat(dice, fam, proto, "POSTROUTING")));
  if (dice.chance(0.2)) lines.push(natRule(dice, fam, "INPUT", (proto) => snat(dice, fam, proto, "INPUT")));
  lines.push("COMMIT", "*filter", ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]");
  for (const state of ["NEW", "ESTABLISHED", "RELATED", "INVALID", "SNAT", "DNAT"])
    lines.push(`-A FORWARD -m conntrack --ctstate ${state}`);
  lines.push("COMMIT", "");
  return lines.join("\n");
}

function natRule(dice: Dice, fam: 4 | 6, chain: string, target: (protocol: string) => string): string {
  const protocol = dice.pick(["", "tcp", "tcp", "udp", "udp", "sctp", "udplite", fam === 4 ? "icmp" : "ipv6-icmp"]);
  const parts = [`-A ${chain}`];
  if (protocol !== "") parts.push(`-p ${protocol}`);
  if ((protocol === "tcp" || protocol === "udp") && dice.chance(0.4))
    parts.push(`-m ${protocol} --dport ${protocol === "tcp" ? 80 : 53}`);
  if (chain === "PREROUTING" && dice.chance(0.3)) parts.push(dice.pick(["-i lan0", "-i wan0"]));
  return [...parts, target(protocol)].join(" ");
}

/** Only for these may a target choose among ports; for ICMP they are ids. */
const hasPorts = (dice: Dice, protocol: string) =>
  ["tcp", "udp", "sctp", "icmp"].includes(protocol) && dice.chance(0.5);

function dnat(dice: Dice, fam: 4 | 6, proto: string): string {
  switch (dice.weighted({ dnat: 6, redirect: 2, netmap: 1 })) {
    case "dnat": {
      const address = dice.chance(0.6) ? DMZ[fam][0] : `${DMZ[fam][0]}-${fam === 4 ? "10.1.0.12" : "fd00:3::1f"}`;
      const port = hasPorts(dice, proto) ? dice.pick(["8080", "8080-8083", "1000-60000"]) : "";
      const extra = dice.pick(["", "", " --persistent", port === "" ? "" : " --random"]);
      return `-j DNAT --to-destination ${withPort(fam, address, port)}${extra}`;
    }
    case "redirect":
      return !["tcp", "udp", "sctp"].includes(proto)
        ? "-j REDIRECT"
        : `-j REDIRECT --to-ports ${dice.pick(["3128", "3128-3130", "3128-3190 --random"])}`;
    default:
      return `-j NETMAP --to ${fam === 4 ? dice.pick(["10.1.0.0/24", "10.1.0.8/29", "10.1.0.5/32"]) : dice.pick(["fd00:3::/64", "fd00:3::10/124"])}`;
  }
}

function snat(dice: Dice, fam: 4 | 6, proto: string, chain: "POSTROUTING" | "INPUT"): string {
  const kind = chain === "INPUT" ? "snat" : dice.weighted({ masquerade: 4, snat: 5, netmap: 1 });
  const ports = hasPorts(dice, proto) ? dice.pick(["5000", "5000-5003", "1024-65535"]) : "";
  const extra = dice.pick(["", "", "", " --random", " --random-fully"]);
  switch (kind) {
    case "masquerade":
      return `-o wan0 -j MASQUERADE${ports === "" ? "" : ` --to-ports ${ports}`}${extra}`;
    case "snat": {
      const one = fam === 4 ? "203.0.113.9" : "fd00:2::9";
      const range = fam === 4 ? "203.0.113.100-203.0.113.120" : "fd00:2::100-fd00:2::1:20";
      return `-j SNAT --to-source ${withPort(fam, dice.chance(0.6) ? one : range, ports)}${extra}${dice.pick(["", "", " --persistent"])}`;
    }
    default:
      return `-o wan0 -j NETMAP --to ${fam === 4 ? "203.0.113.128/25" : "fd00:2:0:1::/64"}`;
  }
}

/** The first packet of a connection: through, to the router itself, from it, or back into the network it came from. */
function first(dice: Dice, fam: 4 | 6): Sent {
  const where = dice.weighted({ out: 6, in: 2, hairpin: 1, local: 1 });
  const src = where === "in" ? dice.pick(net(dice, fam)) : where === "local" ? OWN[fam] : dice.pick(lan(dice, fam));
  const dst =
    where === "out" || where === "local"
      ? dice.pick(net(dice, fam))
      : where === "hairpin"
        ? OWN[fam]
        : dice.pick([OWN[fam], DMZ[fam][0]]);
  const dev = where === "in" ? "wan0" : where === "local" ? "local" : "lan0";
  const ends = { src, dst, id: dice.int(1, 65535) };
  const sport = port(dice, [4000, 4001, 500, 600, 80]);
  switch (dice.weighted({ tcp: 5, udp: 5, echo: 3, sctp: 1, udplite: 1, other: 1 })) {
    case "tcp":
      return { dev, src, dst, bytes: tcp({ ...ends, sport, dport: dice.pick([80, 443]), flags: 2, seq: 1000 }) };
    case "udp":
      return {
        dev,
        src,
        dst,
        bytes: udp({
          ...ends,
          sport,
          dport: dice.pick([53, 80]),
          data: dice.bytes(dice.int(0, 20)),
          checksum: dice.chance(0.1) ? "none" : null,
        }),
      };
    case "sctp": {
      const chunks = Uint8Array.of(1, 0, 0, 20, 0, 0, 0, 1, ...new Uint8Array(12));
      return { dev, src, dst, bytes: sctp({ ...ends, sport, dport: dice.pick([80, 443]), tag: 0, chunks }) };
    }
    case "udplite":
      return { dev, src, dst, bytes: udp({ ...ends, sport, dport: 53, data: dice.bytes(9), protocol: 136 }) };
    case "other":
      return { dev, src, dst, bytes: rawPacket(ends, dice.pick([47, 50, 33]), dice.bytes(16)) };
    default:
      return { dev, src, dst, bytes: echo({ ...ends, id16: port(dice, [7, 8, 9]) }) };
  }
}

/** A reply or an error that the far end could send, to any of the addresses that the rules may have put there. */
function answer(dice: Dice, fam: 4 | 6, to: Sent): Sent {
  const source = dice.pick([to.src, OWN[fam], fam === 4 ? "203.0.113.9" : "fd00:2::9"]);
  const destination = dice.pick([to.dst, to.dst, DMZ[fam][0]]);
  const dev = destination === DMZ[fam][0] ? "dmz0" : to.dev === "wan0" ? "lan0" : "wan0";
  if (dice.chance(0.25)) {
    const error = errorAbout(dice, { ...to, src: source });
    return { ...error, dev };
  }
  const at = to.src.includes(":") ? 40 : (to.bytes[0] & 15) * 4;
  const view = new DataView(to.bytes.buffer, to.bytes.byteOffset, to.bytes.byteLength);
  const protocol = to.src.includes(":") ? to.bytes[6] : to.bytes[9];
  const ends = { src: destination, dst: source, id: dice.int(1, 65535) };
  if (to.bytes.length < at + 8)
    return { dev, src: destination, dst: source, bytes: icmp({ ...ends, type: fam === 4 ? 3 : 1 }) };
  const [sport, dport] = [view.getUint16(at + 2), view.getUint16(at)];
  if (protocol === 6) return { dev, ...ends, bytes: tcp({ ...ends, sport, dport, flags: 18, seq: 5000, ack: 1001 }) };
  if (protocol === 17) return { dev, ...ends, bytes: udp({ ...ends, sport, dport }) };
  return { dev, ...ends, bytes: echo({ ...ends, id16: view.getUint16(at + 4), reply: true }) };
}
