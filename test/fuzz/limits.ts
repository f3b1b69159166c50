/** Real time and full tables: timeouts of a few seconds that run out, and connection tables that have no room. */
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import { datagram, errorAbout, SCTP_TIMEOUTS, type Sent, syn } from "./datagrams.ts";
import type { Dice } from "./dice.ts";
import { hex, tcp } from "./packets.ts";
import { tcpRound } from "./tcp.ts";
import { COUNT_STATES, family, recent, rounds, router } from "./world.ts";

const TIMEOUTS = [
  "tcp_timeout_syn_sent",
  "tcp_timeout_syn_recv",
  "tcp_timeout_established",
  "tcp_timeout_fin_wait",
  "tcp_timeout_close_wait",
  "tcp_timeout_last_ack",
  "tcp_timeout_time_wait",
  "tcp_timeout_close",
  "tcp_timeout_max_retrans",
  "tcp_timeout_unacknowledged",
  "udp_timeout",
  "udp_timeout_stream",
  "icmp_timeout",
  "icmpv6_timeout",
  "generic_timeout",
  "gre_timeout",
  "gre_timeout_stream",
  ...SCTP_TIMEOUTS,
];

/** Small timeouts, and waits that end before or after them. */
export function timeoutScenario(dice: Dice): Scenario {
  const fam = family(dice);
  const sysctl: Record<string, number> = {};
  for (const key of TIMEOUTS) if (dice.chance(0.6)) sysctl[`net.netfilter.nf_conntrack_${key}`] = dice.int(1, 3);
  const sent: Sent[] = [];
  const events = dice.packets > 0 ? phases(dice, fam, sent) : slowRound(dice, fam, sent, dice.int(4, 9), 0.4);
  return {
    host: router(dice, sysctl),
    rules: fam === 4 ? COUNT_STATES : null,
    rules6: fam === 6 ? COUNT_STATES : null,
    events,
  };
}

/** A long scenario waits a few times only, and as many connections as there is room for wait with it. */
function phases(dice: Dice, fam: 4 | 6, sent: Sent[]): ScenarioEvent[] {
  const events: ScenarioEvent[] = [];
  for (let phase = 1; phase <= PHASES; phase++) {
    const wait = phase === 1 ? 0 : dice.int(50, 350) / 100;
    const upTo = (dice.packets * phase) / PHASES;
    const late: ScenarioEvent[] = [];
    while (events.length + late.length < upTo) {
      dice.round++;
      const round = dice.chance(0.5) ? tcpRound(dice, fam) : slowRound(dice, fam, sent, dice.int(4, 12), 0);
      late.push(...round);
      // Of the conversations that had begun before the wait some go on.
      if (events.length > 0) for (let n = dice.int(1, 6); n > 0; n--) late.push(again(dice.pick(events)));
    }
    if (wait > 0 && late.length > 0) late[0] = { ...late[0], wait };
    events.push(...late);
  }
  return events;
}

const PHASES = 4;

/** The same packet, without its wait. */
const again = ({ dev, hex }: ScenarioEvent): ScenarioEvent => ({ dev, hex });

/** First packets and replies, and with some probability a wait before each. */
function slowRound(dice: Dice, fam: 4 | 6, sent: Sent[], length: number, waits: number): ScenarioEvent[] {
  return Array.from({ length }, (): ScenarioEvent => {
    const made =
      sent.length > 0 && dice.chance(0.6)
        ? reply(dice, recent(dice, sent))
        : dice.chance(0.4)
          ? syn(dice, fam)
          : datagram(dice, fam);
    sent.push(made);
    const event = { dev: made.dev, hex: hex(made.bytes) };
    return dice.chance(waits) ? { ...event, wait: dice.pick([0.4, 1.4, 2.4]) } : event;
  });
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

const RATES = ["1/sec", "2/sec", "10/sec", "1/min", "100/hour", "50/sec", "100/sec", "1000/sec", "10000/sec"];

/** `-m limit` with buckets that empty and fill again, and the rates of the host's own ICMP errors. */
export function limitScenario(dice: Dice): Scenario {
  const fam = family(dice);
  const limit = () => `-m limit --limit ${dice.pick(RATES)} --limit-burst ${dice.pick([1, 2, 3, 5, 20])}`;
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
  const sysctl: Record<string, number | string> = {};
  if (dice.packets > 0 || dice.chance(0.4))
    sysctl[fam === 4 ? "net.ipv4.icmp_ratelimit" : "net.ipv6.icmp.ratelimit"] = dice.pick([0, 4, 20, 200, 1000, 3000]);
  // With neither rate nor burst the global limit lets none pass; else it throws dice.
  if (dice.chance(0.1)) sysctl[`net.ipv4.icmp_msgs_${dice.pick(["per_sec", "burst"])}`] = 0;
  if (dice.chance(0.2)) sysctl["net.ipv4.icmp_ratemask"] = dice.pick([0, 8, 0x800, 0xffff]);
  if (dice.chance(0.2)) sysctl["net.ipv6.icmp.ratemask"] = dice.pick(["0-255", "1,3", "0-0", "4"]);
  const dead = dice.chance(0.3);
  const waits = dice.packets > 0 ? 0.04 : 0.15;
  const events = rounds(dice, () =>
    Array.from({ length: dice.int(6, 20) }, (): ScenarioEvent => {
      const made = dice.chance(0.3) ? syn(dice, fam) : datagram(dice, fam);
      const bytes = Uint8Array.from(made.bytes);
      if (dead) bytes[fam === 4 ? 8 : 7] = 1;
      const event = { dev: made.dev, hex: hex(bytes) };
      return dice.chance(waits) ? { ...event, wait: limitWait(dice) } : event;
    }),
  );
  return {
    host: router(dice, sysctl),
    rules: fam === 4 ? rules : null,
    rules6: fam === 6 ? rules : null,
    events: dice.packets === 0 ? events : events.map(patient),
  };
}

/** Who waits is handled at the beginning of a tick, and is not interrupted by the next: every second packet does. */
function patient(event: ScenarioEvent, i: number): ScenarioEvent {
  if (event.wait !== undefined && i <= MOST_WAITING) return event;
  return i % 2 === 0 ? { ...event, wait: 0 } : { dev: event.dev, hex: event.hex };
}

/** After so many packets nobody waits any more: it is real time. */
const MOST_WAITING = 400;

/** From a tick to a second, in seconds; mostly short. */
function limitWait(dice: Dice): number {
  return dice.pick([0.004, 0.004, 0.01, 0.01, 0.02, 0.02, 0.05, 0.1, 0.3, dice.chance(0.3) ? 1.3 : 0.03]);
}
