/**
 * TCP conversations: two peers that mostly do what TCP does, with deviations in flags, sequence, acknowledgement,
 * window, options and timing, under every conntrack sysctl that TCP has.
 */

import { join } from "../../src/flow/compose.ts";
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import type { Dice } from "./dice.ts";
import { hex, tcp } from "./packets.ts";
import { COUNT_STATES, family, lan, net, port, rounds, router } from "./world.ts";

const [FIN, SYN, RST, PSH, ACK, URG, ECE, CWR] = [1, 2, 4, 8, 16, 32, 64, 128];

/** One end of a conversation. */
interface Peer {
  readonly dev: string;
  readonly address: string;
  readonly port: number;
  /** The next byte it will send. */
  next: number;
  /** The next byte it expects. */
  expected: number;
  window: number;
  readonly scale: number | null;
  readonly sack: boolean;
  readonly timestamps: boolean;
}

export function tcpScenario(dice: Dice): Scenario {
  const fam = family(dice, 0.25);
  const events = rounds(dice, () => tcpRound(dice, fam));
  return {
    host: router(dice, sysctls(dice)),
    rules: fam === 4 ? COUNT_STATES : null,
    rules6: fam === 6 ? COUNT_STATES : null,
    events,
  };
}

/** A few conversations, their packets in turn. */
export function tcpRound(dice: Dice, fam: 4 | 6): ScenarioEvent[] {
  const conversations = Array.from({ length: dice.int(1, 3) }, () => conversation(dice, fam));
  return Array.from({ length: dice.int(4, 28) }, () => step(dice, dice.pick(conversations)));
}

function sysctls(dice: Dice): Record<string, number> {
  const set: Record<string, number> = {};
  const maybe = (key: string, value: number, probability = 0.15) => {
    if (dice.chance(probability)) set[`net.netfilter.nf_conntrack_${key}`] = value;
  };
  maybe("tcp_loose", 0);
  maybe("tcp_be_liberal", 1);
  maybe("tcp_ignore_invalid_rst", 1);
  maybe("tcp_max_retrans", dice.int(0, 4), 0.25);
  maybe("checksum", 0, 0.1);
  maybe("acct", 1, 0.3);
  for (const state of [
    "syn_sent",
    "syn_recv",
    "established",
    "fin_wait",
    "close_wait",
    "last_ack",
    "time_wait",
    "close",
    "max_retrans",
    "unacknowledged",
  ])
    maybe(`tcp_timeout_${state}`, dice.int(20, 500), 0.1);
  return set;
}

interface Conversation {
  readonly client: Peer;
  readonly server: Peer;
  /** How far the script of an ordinary connection has come. */
  stage: number;
}

function conversation(dice: Dice, fam: 4 | 6): Conversation {
  const peer = (dev: string, address: string, port: number): Peer => ({
    dev,
    address,
    port,
    next: dice.pick([1000, 0xfffffff0, dice.int(0, 0xffffffff), 0x7ffffff0]),
    expected: 0,
    window: dice.pick([65535, 500, 29200, 8192, 0]),
    scale: dice.chance(0.6) ? dice.pick([0, 1, 7, 14, 20]) : null,
    sack: dice.chance(0.6),
    timestamps: dice.chance(0.4),
  });
  return {
    client: peer("lan0", dice.pick(lan(dice, fam)), port(dice, [4000, 4001, 1023])),
    server: peer("wan0", dice.pick(net(dice, fam)), dice.pick([80, 443])),
    stage: 0,
  };
}

type Move = (c: Conversation, dice: Dice) => ScenarioEvent;

/** What an ordinary connection does, in order. */
const SCRIPT: readonly Move[] = [
  (c, d) => send(c.client, c.server, d, SYN),
  (c, d) => send(c.server, c.client, d, SYN | ACK),
  (c, d) => send(c.client, c.server, d, ACK),
  (c, d) => send(c.client, c.server, d, ACK | PSH, d.int(1, 300)),
  (c, d) => send(c.server, c.client, d, ACK),
  (c, d) => send(c.server, c.client, d, ACK | PSH, d.int(1, 1200)),
  (c, d) => send(c.client, c.server, d, ACK),
  (c, d) => send(c.client, c.server, d, FIN | ACK),
  (c, d) => send(c.server, c.client, d, ACK),
  (c, d) => send(c.server, c.client, d, FIN | ACK),
  (c, d) => send(c.client, c.server, d, ACK),
  (c, d) => send(c.client, c.server, d, SYN),
];

function step(dice: Dice, c: Conversation): ScenarioEvent {
  const kind = dice.weighted({
    script: 10,
    skip: 1,
    again: 1.5,
    data: 2,
    ack: 2,
    odd: 3,
    reset: 0.7,
    syn: 0.8,
    garbage: 0.5,
  });
  const [from, to] = dice.chance(0.5) ? [c.client, c.server] : [c.server, c.client];
  switch (kind) {
    case "script":
      return SCRIPT[c.stage++ % SCRIPT.length](c, dice);
    case "skip":
      c.stage++;
      return SCRIPT[c.stage++ % SCRIPT.length](c, dice);
    case "again":
      return retransmit(from, to, dice);
    case "data":
      return send(from, to, dice, ACK | PSH, dice.int(1, 1400));
    case "ack":
      return send(from, to, dice, ACK);
    case "reset":
      return send(from, to, dice, dice.pick([RST, RST | ACK]), 0, deviation(dice));
    case "syn":
      return send(
        from,
        to,
        dice,
        dice.pick([SYN, SYN | ACK, SYN | ECE | CWR]),
        dice.chance(0.1) ? 5 : 0,
        dice.chance(0.5) ? deviation(dice) : {},
      );
    case "garbage":
      return send(from, to, dice, dice.int(0, 255), dice.pick([0, 0, 10]), deviation(dice));
    default:
      return send(
        from,
        to,
        dice,
        dice.pick([ACK, ACK | PSH, FIN | ACK, ACK | URG]),
        dice.pick([0, 0, 1, 100, 1400]),
        deviation(dice),
      );
  }
}

interface Deviation {
  readonly seq?: number;
  readonly ack?: number;
  readonly window?: number;
}

/** Somewhere off the mark, at the borders of what the window check accepts and far beyond. */
function deviation(dice: Dice): Deviation {
  const off = () =>
    dice.pick([
      0, 1, -1, 2, 100, -100, 499, 500, 501, 1000, -1000, 65535, -65535, 65536, -66000, 100000, -100000, 0x40000000,
      -0x40000000, 0x7fffffff,
    ]);
  return {
    ...(dice.chance(0.7) ? { seq: off() } : {}),
    ...(dice.chance(0.5) ? { ack: off() } : {}),
    ...(dice.chance(0.2) ? { window: dice.pick([0, 1, 100, 65535]) } : {}),
  };
}

function send(from: Peer, to: Peer, dice: Dice, flags: number, length = 0, off: Deviation = {}): ScenarioEvent {
  const seq = (from.next + (off.seq ?? 0)) >>> 0;
  const ack =
    (flags & ACK) !== 0 ? (from.expected + (off.ack ?? 0)) >>> 0 : dice.chance(0.1) ? dice.int(0, 0xffffffff) : 0;
  const event = {
    dev: from.dev,
    hex: hex(
      tcp({
        src: from.address,
        dst: to.address,
        sport: from.port,
        dport: to.port,
        flags,
        seq,
        ack,
        window: off.window ?? from.window,
        options: optionsOf(from, to, dice, flags),
        data: new Uint8Array(length),
        checksum: dice.chance(0.01) ? "bad" : null,
        id: dice.int(1, 65535),
      }),
    ),
  };
  const taken = length + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
  if (off.seq === undefined && dice.chance(0.95)) from.next = (from.next + taken) >>> 0;
  // The other side mostly sees it.
  if (off.seq === undefined && dice.chance(0.9)) to.expected = from.next;
  return event;
}

function retransmit(from: Peer, to: Peer, dice: Dice): ScenarioEvent {
  const back = dice.pick([1, 1, 10, 300]);
  return send(from, to, dice, ACK | PSH, back, { seq: -back });
}

function optionsOf(from: Peer, to: Peer, dice: Dice, flags: number): Uint8Array {
  const parts: Uint8Array[] = [];
  if ((flags & SYN) !== 0) {
    if (dice.chance(0.8)) parts.push(Uint8Array.of(2, 4, 5, 0xb4));
    if (from.scale !== null) parts.push(Uint8Array.of(1, 3, 3, from.scale));
    if (from.sack) parts.push(Uint8Array.of(1, 1, 4, 2));
  } else if (from.sack && dice.chance(0.2)) {
    const left = (from.expected + dice.pick([0, 100, 1000, -500])) >>> 0;
    const block = new DataView(new ArrayBuffer(12));
    block.setUint32(0, 0x0101050a);
    block.setUint32(4, left);
    block.setUint32(8, (left + dice.pick([1, 100, 1400, 100000])) >>> 0);
    parts.push(new Uint8Array(block.buffer));
  }
  if (from.timestamps && to.timestamps) parts.push(Uint8Array.of(1, 1, 8, 10, 0, 0, 0, dice.int(0, 255), 0, 0, 0, 1));
  if (dice.chance(0.03)) parts.push(dice.bytes(dice.int(1, 8)));
  const all = join(...parts);
  return all.length > 40 ? all.subarray(0, 40) : all;
}
