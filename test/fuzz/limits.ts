/** Real time and full tables: timeouts of a few seconds that run out, and connection tables that have no room. */
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import { datagram, errorAbout, type Sent, syn } from "./datagrams.ts";
import type { Dice } from "./dice.ts";
import { hex, tcp } from "./packets.ts";
import { COUNT_STATES, family, router } from "./world.ts";

const TIMEOUTS = [
  "tcp_timeout_syn_sent",
  "tcp_timeout_syn_recv",
  "tcp_timeout_established",
  "tcp_timeout_close",
  "udp_timeout",
  "udp_timeout_stream",
  "icmp_timeout",
  "icmpv6_timeout",
  "generic_timeout",
  "gre_timeout",
];

/** Small timeouts, and waits that end before or after them, never within a quarter of a second of one. */
export function timeoutScenario(dice: Dice): Scenario {
  const fam = family(dice);
  const sysctl: Record<string, number> = {};
  for (const key of TIMEOUTS) if (dice.chance(0.6)) sysctl[`net.netfilter.nf_conntrack_${key}`] = dice.int(1, 2);
  const events: ScenarioEvent[] = [];
  const sent: Sent[] = [];
  for (let left = dice.int(4, 9); left > 0; left--) {
    const made =
      sent.length > 0 && dice.chance(0.6)
        ? reply(dice, dice.pick(sent))
        : dice.chance(0.4)
          ? syn(dice, fam)
          : datagram(dice, fam);
    sent.push(made);
    const wait = dice.chance(0.4) ? dice.pick([0.4, 1.4, 2.4]) : 0;
    events.push({ dev: made.dev, hex: hex(made.bytes), ...(wait > 0 ? { wait } : {}) });
  }
  return {
    host: router(dice, sysctl),
    rules: fam === 4 ? COUNT_STATES : null,
    rules6: fam === 6 ? COUNT_STATES : null,
    events,
  };
}

function reply(dice: Dice, to: Sent): Sent {
  if (dice.chance(0.3)) return to;
  if (dice.chance(0.2)) return errorAbout(dice, to);
  const six = to.src.includes(":");
  const at = six ? 40 : 20;
  const view = new DataView(to.bytes.buffer, to.bytes.byteOffset, to.bytes.byteLength);
  const tcpSent = (six ? to.bytes[6] : to.bytes[9]) === 6 && to.bytes.length >= at + 20;
  if (!tcpSent) return to;
  const dev = to.dev === "lan0" ? "wan0" : "lan0";
  const bytes = tcp({
    src: to.dst,
    dst: to.src,
    sport: view.getUint16(at + 2),
    dport: view.getUint16(at),
    flags: dice.pick([18, 16, 4, 17]),
    seq: 5000,
    ack: view.getUint32(at + 4) + 1,
  });
  return { dev, src: to.dst, dst: to.src, bytes };
}

const RATES = ["1/sec", "2/sec", "10/sec", "1/min", "100/hour"];

/** `-m limit` with buckets that empty and fill again, and the rates of the host's own ICMP errors. */
export function limitScenario(dice: Dice): Scenario {
  const fam = family(dice);
  const limit = () => `-m limit --limit ${dice.pick(RATES)} --limit-burst ${dice.pick([1, 2, 3, 5])}`;
  const rules = [
    "*filter",
    ":INPUT ACCEPT [0:0]",
    ":FORWARD ACCEPT [0:0]",
    ":OUTPUT ACCEPT [0:0]",
    `-A FORWARD ${limit()} -p udp`,
    `-A FORWARD ${limit()} -j ACCEPT`,
    dice.chance(0.5) ? "-A FORWARD -j REJECT" : `-A FORWARD ! -p udp ${limit()} -j REJECT`,
    `-A OUTPUT ${limit()} -j ACCEPT`,
    dice.chance(0.5) ? "-A OUTPUT -j DROP" : "-A OUTPUT",
    "COMMIT",
    "",
  ].join("\n");
  const sysctl: Record<string, number> = {};
  if (dice.chance(0.4))
    sysctl[fam === 4 ? "net.ipv4.icmp_ratelimit" : "net.ipv6.icmp.ratelimit"] = dice.pick([0, 200, 3000]);
  const dead = dice.pick([0, 0, 1]);
  const events = Array.from({ length: dice.int(6, 20) }, (): ScenarioEvent => {
    const made = dice.chance(0.3) ? syn(dice, fam) : datagram(dice, fam);
    const bytes = Uint8Array.from(made.bytes);
    const wait = dice.chance(0.15) ? dice.pick([0.3, 0.7, 1.3]) : 0;
    const event = { dev: made.dev, hex: hex(dead === 1 ? bytes.fill(1, fam === 4 ? 8 : 7, fam === 4 ? 9 : 8) : bytes) };
    return wait > 0 ? { ...event, wait } : event;
  });
  return { host: router(dice, sysctl), rules: fam === 4 ? rules : null, rules6: fam === 6 ? rules : null, events };
}
