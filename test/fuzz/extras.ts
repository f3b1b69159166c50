/** Packets dressed up: IPv4 options and IPv6 extension headers between a packet's header and what it carries. */
import { check, ipv4HeaderSum } from "../../src/bytes/checksum.ts";
import { join } from "../../src/flow/compose.ts";
import type { Dice } from "./dice.ts";
import { lan, net, OWN } from "./world.ts";

/** The packet, or with some probability the packet with something between its headers. */
export function dressed(dice: Dice, packet: Uint8Array, probability = 0.08): Uint8Array {
  const six = packet[0] >>> 4 === 6;
  if (packet.length < (six ? 40 : 20) || !dice.chance(probability)) return packet;
  return six ? withExtensions(dice, packet) : withOptions(dice, packet);
}

function withOptions(dice: Dice, packet: Uint8Array): Uint8Array {
  if ((packet[0] & 15) !== 5) return packet;
  const parts = Array.from({ length: dice.int(1, 3) }, () => option(dice));
  const options = join(...parts);
  const length = Math.min(40, (options.length + 3) & ~3);
  const whole = join(
    packet.subarray(0, 20),
    options.subarray(0, length),
    new Uint8Array(Math.max(0, length - options.length)),
    packet.subarray(20),
  );
  const view = new DataView(whole.buffer);
  whole[0] = 0x40 | (5 + length / 4);
  view.setUint16(2, whole.length);
  view.setUint16(10, 0);
  view.setUint16(10, check(ipv4HeaderSum(view, 0, 20 + length)));
  return whole;
}

/** One IPv4 option, as it should be or not quite. */
function option(dice: Dice): Uint8Array {
  const hops = dice.int(1, 4);
  const pointer = dice.pick([4, 4, 8, 4 * hops + 4, 5, 3]);
  const addresses = join(...Array.from({ length: hops }, () => address4(dice)));
  switch (
    dice.weighted({
      nop: 3,
      end: 1,
      record: 3,
      stamp: 3,
      loose: 2,
      strict: 1,
      alert: 2,
      security: 1,
      unknown: 1,
      broken: 1,
    })
  ) {
    case "nop":
      return new Uint8Array(dice.int(1, 4)).fill(1);
    case "end":
      return Uint8Array.of(0);
    case "record":
      return join(Uint8Array.of(7, 3 + addresses.length, pointer), new Uint8Array(addresses.length));
    case "stamp": {
      // Full ones: what the kernel writes into the others is a clock of milliseconds, which the twin is not told.
      const flag = dice.pick([0, 1, 3]);
      const size = (flag === 0 ? 4 : 8) * dice.int(1, 3);
      return join(Uint8Array.of(68, 4 + size, 5 + size, flag | dice.pick([0, 0x10, 0xf0])), dice.bytes(size));
    }
    case "loose":
      return join(Uint8Array.of(131, 3 + addresses.length, pointer), addresses);
    case "strict":
      return join(Uint8Array.of(137, 3 + addresses.length, pointer), addresses);
    case "alert":
      return Uint8Array.of(148, 4, 0, dice.pick([0, 0, 1]));
    case "security":
      return join(Uint8Array.of(dice.pick([130, 134]), 11), dice.bytes(9));
    case "unknown":
      return join(Uint8Array.of(dice.int(20, 255), 6), dice.bytes(4));
    default:
      return dice.bytes(dice.int(1, 8));
  }
}

function address4(dice: Dice): Uint8Array {
  return Uint8Array.from(
    dice
      .pick([...lan(dice, 4), ...net(dice, 4), OWN[4], "10.0.0.1"])
      .split(".")
      .map(Number),
  );
}

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const NOTHING_NEXT = 59;
const DESTINATION = 60;

function withExtensions(dice: Dice, packet: Uint8Array): Uint8Array {
  const kinds = Array.from({ length: dice.int(1, 3) }, () =>
    dice.pick([HOP_BY_HOP, DESTINATION, DESTINATION, ROUTING, FRAGMENT, AUTHENTICATION]),
  );
  // Hop-by-hop options have their place, and now and then are not in it.
  if (dice.chance(0.9)) kinds.sort((a, b) => Number(b === HOP_BY_HOP) - Number(a === HOP_BY_HOP));
  const last = dice.chance(0.03) ? NOTHING_NEXT : packet[6];
  const headers = kinds.map((kind, i) => extension(dice, kind, kinds[i + 1] ?? last));
  const whole = join(packet.subarray(0, 40), ...headers, packet.subarray(40));
  whole[6] = kinds[0];
  new DataView(whole.buffer).setUint16(4, whole.length - 40);
  return whole;
}

function extension(dice: Dice, kind: number, next: number): Uint8Array {
  switch (kind) {
    case ROUTING: {
      const segments = dice.int(0, 2);
      const head = Uint8Array.of(next, segments * 2, dice.pick([0, 2, 3, 4, 200]), dice.pick([0, 0, 0, 1]), 0, 0, 0, 0);
      return join(head, dice.bytes(segments * 16));
    }
    case FRAGMENT:
      return Uint8Array.of(next, 0, 0, 0, 0, 0, 0, dice.int(1, 255));
    case AUTHENTICATION:
      return join(Uint8Array.of(next, 4, 0, 0), dice.bytes(20));
    default: {
      const options = join(...Array.from({ length: dice.int(1, 3) }, () => tlv(dice, kind)));
      const length = ((options.length + 2 + 7) & ~7) - 2;
      const pad = length - options.length;
      const padding =
        pad === 0
          ? new Uint8Array(0)
          : pad === 1
            ? new Uint8Array(1)
            : join(Uint8Array.of(1, pad - 2), new Uint8Array(pad - 2));
      return join(Uint8Array.of(next, (length + 2) / 8 - 1), options, padding);
    }
  }
}

/** An option of a hop-by-hop or destination header; unknown ones say by their first two bits what to do with them. */
function tlv(dice: Dice, kind: number): Uint8Array {
  switch (dice.weighted({ pad: 4, alert: 2, unknown: 2, jumbo: 0.5, home: 0.5, broken: 0.5 })) {
    case "pad": {
      const n = dice.int(0, 5);
      return join(Uint8Array.of(1, n), dice.chance(0.9) ? new Uint8Array(n) : dice.bytes(n));
    }
    case "alert":
      return kind === HOP_BY_HOP ? Uint8Array.of(5, 2, 0, 0) : Uint8Array.of(0);
    case "unknown":
      return join(Uint8Array.of(dice.pick([0x1e, 0x1e, 0x5e, 0x9e, 0xde]), 3), dice.bytes(3));
    case "jumbo":
      return Uint8Array.of(0xc2, 4, 0, 1, 0, 0);
    case "home":
      return join(Uint8Array.of(0xc9, 16), dice.bytes(16));
    default:
      return dice.bytes(dice.int(1, 6));
  }
}
