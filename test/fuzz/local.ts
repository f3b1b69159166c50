/**
 * The host as an end: what arrives for it and what it sends, to others, to itself, to everybody; and its answers, RSTs
 * and ICMP errors, which pass OUTPUT and conntrack as packets of their own.
 */
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import { errorAbout, type Sent } from "./datagrams.ts";
import type { Dice } from "./dice.ts";
import { dressed } from "./extras.ts";
import { echo, hex, type Ip, rawPacket, tcp, udp } from "./packets.ts";
import { DMZ, family, lan, net, OWN, port, recent, rounds, router } from "./world.ts";

const ADDRESSES: Readonly<Record<4 | 6, readonly string[]>> = {
  4: [OWN[4], "203.0.113.9", "10.0.0.1", "10.1.0.1", "127.0.0.1", "127.1.2.3"],
  6: [OWN[6], "fd00:1::1", "fd00:3::1", "::1"],
};
const EVERYBODY: Readonly<Record<4 | 6, readonly string[]>> = {
  4: ["255.255.255.255", "10.0.0.255", "224.0.0.1", "224.0.0.9"],
  6: ["ff02::1", "ff01::1", "ff02::2", "ff05::2"],
};

export function localScenario(dice: Dice): Scenario {
  const fam = family(dice, 0.4);
  const rules = localRules(dice, fam);
  const sent: Sent[] = [];
  const events = rounds(dice, () =>
    Array.from({ length: dice.int(4, 18) }, (): ScenarioEvent => {
      const made = sent.length > 0 && dice.chance(0.3) ? back(dice, recent(dice, sent)) : packet(dice, fam);
      sent.push(made);
      return { dev: made.dev === "local" ? null : made.dev, hex: hex(dressed(dice, made.bytes, 0.05)) };
    }),
  );
  const sysctl: Record<string, number> = {};
  if (dice.chance(0.15)) sysctl[fam === 4 ? "net.ipv4.fwmark_reflect" : "net.ipv6.fwmark_reflect"] = 1;
  if (fam === 4 && dice.chance(0.15)) sysctl["net.ipv4.conf.all.route_localnet"] = 1;
  if (fam === 4 && dice.chance(0.15)) sysctl["net.ipv4.icmp_errors_use_inbound_ifaddr"] = 1;
  return { host: router(dice, sysctl), rules: fam === 4 ? rules : null, rules6: fam === 6 ? rules : null, events };
}

function localRules(dice: Dice, fam: 4 | 6): string {
  const lines: string[] = [];
  const table = (name: string, chains: readonly string[], rules: readonly string[]) =>
    lines.push(`*${name}`, ...chains.map((chain) => `:${chain} ACCEPT [0:0]`), ...rules, "COMMIT");
  const some = (from: readonly string[], probability = 0.35) => from.filter(() => dice.chance(probability));
  const protocol = () => dice.pick(["-p tcp", "-p udp", "-p tcp -m tcp --dport 80", "-p udp -m udp --dport 53", ""]);
  const inner = fam === 4 ? "10.0.0.1" : "fd00:1::1";
  if (dice.chance(0.2))
    table(
      "raw",
      ["PREROUTING", "OUTPUT"],
      some(["-A OUTPUT -p udp -j NOTRACK", "-A PREROUTING -i lo -j NOTRACK", "-A OUTPUT -j CT --zone-orig 2"], 0.5),
    );
  if (dice.chance(0.4))
    table(
      "mangle",
      ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
      some([
        `-A OUTPUT ${protocol()} -j MARK --set-xmark 0x1/0xffffffff`,
        "-A OUTPUT -j CONNMARK --save-mark",
        "-A INPUT -j CONNMARK --restore-mark",
        "-A POSTROUTING -o lo -j MARK --set-xmark 0x7/0xffffffff",
        fam === 4 ? "-A OUTPUT -j TTL --ttl-set 9" : "-A OUTPUT -j HL --hl-set 9",
        "-A INPUT -i lo -p udp -j DROP",
        "-A POSTROUTING -p icmp -o lan0 -j DROP",
      ]).filter((rule) => fam === 4 || !rule.includes("-p icmp")),
    );
  if (dice.chance(0.5))
    table(
      "nat",
      ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
      some([
        `-A OUTPUT ${dice.pick(["-p tcp", "-p udp"])} -m ${fam === 4 ? "addrtype --dst-type LOCAL" : "comment --comment out"} -j REDIRECT --to-ports 3128`,
        `-A OUTPUT ${protocol()} -j DNAT --to-destination ${dice.pick([DMZ[fam][0], OWN[fam], fam === 4 ? "127.0.0.1" : "::1"])}`,
        "-A PREROUTING -p tcp -j REDIRECT --to-ports 8080",
        `-A POSTROUTING -o wan0 -j MASQUERADE`,
        `-A INPUT -p udp -j SNAT --to-source ${inner}`,
        `-A POSTROUTING -o lo -j SNAT --to-source ${inner}`,
      ]),
    );
  const states = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"];
  const reject = () => dice.pick(["-j REJECT", "-j REJECT", "-j DROP"]);
  table(
    "filter",
    ["INPUT", "FORWARD", "OUTPUT"],
    ["INPUT", "OUTPUT"].flatMap((chain) => [
      ...(dice.chance(0.85) ? states.map((state) => `-A ${chain} -m conntrack --ctstate ${state}`) : []),
      ...some([
        `-A ${chain} ${dice.chance(0.4) ? "-p tcp -j REJECT --reject-with tcp-reset" : `${protocol()} ${reject()}`}`,
      ]),
      ...some([`-A ${chain} -m mark --mark 0x1`, `-A ${chain} -m addrtype --dst-type LOCAL`]),
      ...some([`-A ${chain} ${chain === "INPUT" ? "-i" : "-o"} lo ${reject()}`], 0.2),
    ]),
  );
  return `${lines.map((line) => line.replace(/ {2,}/g, " ")).join("\n")}\n`;
}

/** Sent by the host, or to it. */
function packet(dice: Dice, fam: 4 | 6): Sent {
  const local = dice.chance(0.6);
  const src = local
    ? dice.pick([OWN[fam], OWN[fam], ...ADDRESSES[fam], lan(dice, fam)[0]])
    : dice.pick([...lan(dice, fam), ...net(dice, fam)]);
  const dst = local
    ? dice.pick([...net(dice, fam), ...lan(dice, fam), ...ADDRESSES[fam], ...(dice.chance(0.3) ? EVERYBODY[fam] : [])])
    : dice.pick([...ADDRESSES[fam], ...(dice.chance(0.3) ? EVERYBODY[fam] : [])]);
  const dev = local ? "local" : dice.pick(["lan0", "wan0"]);
  return { dev, src, dst, bytes: payload(dice, { src, dst, id: dice.int(1, 65535), ttl: dice.pick([64, 64, 1]) }) };
}

function payload(dice: Dice, ends: Ip): Uint8Array {
  const sport = port(dice, [4000, 4001]);
  switch (dice.weighted({ tcp: 4, udp: 4, echo: 3, other: 0.5 })) {
    case "tcp":
      return tcp({ ...ends, sport, dport: dice.pick([80, 443]), flags: dice.pick([2, 2, 2, 16, 4, 17]), seq: 1000 });
    case "udp":
      return udp({ ...ends, sport, dport: dice.pick([53, 80]), data: dice.bytes(dice.pick([0, 12])) });
    case "echo":
      return echo({ ...ends, id16: port(dice, [7, 8]), reply: dice.chance(0.15) });
    default:
      return rawPacket(ends, dice.pick([50, 89, 132, 47]), dice.bytes(dice.int(0, 16)));
  }
}

/** The same again, an answer the other way, or an ICMP error about it. */
function back(dice: Dice, to: Sent): Sent {
  if (dice.chance(0.2)) return to;
  const dev = to.dev === "local" ? dice.pick(["lan0", "wan0", "wan0"]) : "local";
  if (dice.chance(0.3)) return { ...errorAbout(dice, to), dev };
  const at = to.src.includes(":") ? 40 : 20;
  const view = new DataView(to.bytes.buffer, to.bytes.byteOffset, to.bytes.byteLength);
  const protocol = to.bytes[to.src.includes(":") ? 6 : 9];
  const ends = { src: to.dst, dst: to.src, id: dice.int(1, 65535) };
  if (to.bytes.length < at + 8) return to;
  const [sport, dport] = [view.getUint16(at + 2), view.getUint16(at)];
  if (protocol === 6)
    return { ...ends, dev, bytes: tcp({ ...ends, sport, dport, flags: dice.pick([18, 20, 4]), seq: 5000, ack: 1001 }) };
  if (protocol === 17) return { ...ends, dev, bytes: udp({ ...ends, sport, dport }) };
  return { ...ends, dev, bytes: echo({ ...ends, id16: view.getUint16(at + 4), reply: true }) };
}
