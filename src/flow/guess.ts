/**
 * A host for a capture that comes without a description of one: what interfaces and addresses the packets themselves
 * show. A guess, and printed as one.
 */
import { formatAddress } from "../bytes/address.ts";
import {
  BROKEN,
  COOKED_HOST,
  COOKED_OUTGOING,
  IS_IPV4,
  IS_IPV6,
  LinkFrame,
  NOT_IP,
  UNSUPPORTED,
} from "../bytes/link.ts";
import { type CaptureRecord, DIRECTION_IN, DIRECTION_OUT } from "../bytes/record.ts";
import type { HostConfig, InterfaceConfig } from "../host/config.ts";
import { Packet } from "../packet/packet.ts";
import { IPPROTO_TCP, TCP_ACK, TCP_SYN } from "../packet/transport.ts";

/** An address is at one end of at least this share of a capture's packets: it is probably the host's own. */
const MOST = 0.9;
const LOOPBACK = "lo";

/** What is known of one address on one interface. */
interface Seen {
  packets: number;
  /** Packets in which the capture itself says that it is the host's. */
  own: number;
  /** It was asked first: a server. */
  asked: number;
}

interface SeenInterface {
  packets: number;
  readonly addresses: Map<string, Seen>;
}

export class HostGuess {
  readonly #interfaces = new Map<string, SeenInterface>();
  readonly #frame = new LinkFrame();
  readonly #packet = new Packet();

  add(record: CaptureRecord): void {
    const frame = this.#frame;
    const { data, view, start, end } = record;
    const content = frame.parse(record.interface.linkType, data, view, start, end, record.littleEndian);
    if (content === UNSUPPORTED || content === BROKEN) return;
    const seen = this.#interface(record);
    if (content === NOT_IP || (content !== IS_IPV4 && content !== IS_IPV6)) return;
    const p = this.#packet;
    p.load(data, view, frame.start, frame.end);
    const sent = record.direction === DIRECTION_OUT || frame.packetType === COOKED_OUTGOING;
    const received = record.direction === DIRECTION_IN || frame.packetType === COOKED_HOST;
    const first = p.protocol === IPPROTO_TCP ? (p.tcpFlags & (TCP_SYN | TCP_ACK)) === TCP_SYN : seen.packets === 0;
    seen.packets++;
    const six = p.family === 6;
    this.#end(seen, six ? [p.src0, p.src1, p.src2, p.src3] : [p.src0], sent, false);
    this.#end(seen, six ? [p.dst0, p.dst1, p.dst2, p.dst3] : [p.dst0], received && frame.packetType <= 0, first);
  }

  #interface(record: CaptureRecord): SeenInterface {
    const name = record.interface.name ?? "";
    let seen = this.#interfaces.get(name);
    if (seen === undefined) {
      seen = { packets: 0, addresses: new Map() };
      this.#interfaces.set(name, seen);
    }
    return seen;
  }

  #end(on: SeenInterface, words: readonly number[], own: boolean, asked: boolean): void {
    if (!isUnicast(words)) return;
    const text = formatAddress(words);
    let seen = on.addresses.get(text);
    if (seen === undefined) {
      seen = { packets: 0, own: 0, asked: 0 };
      on.addresses.set(text, seen);
    }
    seen.packets++;
    if (own) seen.own++;
    if (asked) seen.asked++;
  }

  /** The guessed host; `inDevice`: what `--in` names, for captures that name no interface. */
  config(inDevice: string | null): HostConfig {
    const interfaces: Record<string, InterfaceConfig> = {};
    const gates: string[] = [];
    for (const [captured, seen] of this.#interfaces) {
      const name = deviceName(captured) ?? inDevice ?? "eth0";
      if (name === LOOPBACK || interfaces[name] !== undefined) continue;
      interfaces[name] = { addresses: ownAddresses(seen) };
      gates.push(name);
    }
    if (gates.length === 0) {
      interfaces[inDevice ?? "eth0"] = {};
      gates.push(inDevice ?? "eth0");
    }
    // Who has most addresses beyond it leads to the world.
    const reach = (name: string) => this.#interfaces.get(name)?.addresses.size ?? 0;
    const widest = gates.reduce((best, name) => (reach(name) > reach(best) ? name : best));
    return { interfaces, routes: [`default dev ${widest}`, `-6 default dev ${widest}`] };
  }
}

/** A capture's interface name that a Linux device can have; null for `any` and for other systems' names. */
function deviceName(captured: string): string | null {
  if (captured === "" || captured === "any" || captured.length > 15 || /[\s/\\{}:]/.test(captured)) return null;
  return captured;
}

/** Not multicast, broadcast, loopback or unspecified. */
function isUnicast(words: readonly number[]): boolean {
  if (words.length === 1) {
    const first = words[0] >>> 24;
    // In a network of 256 addresses, the first and the last belong to nobody.
    const last = words[0] & 255;
    return first !== 0 && first !== 127 && first < 224 && last !== 0 && last !== 255;
  }
  return words[0] >>> 24 !== 0xff && words.slice(0, 3).some((word) => word !== 0);
}

/** With a prefix that takes in the neighbours that private networks usually have. */
function ownAddresses(seen: SeenInterface): string[] {
  const all = [...seen.addresses].map(([text, of]) => ({ text, ...of }));
  const said = all.filter((address) => address.own > 0);
  const own = said.length > 0 ? said : [4, 6].flatMap((family) => busiest(all, family, seen.packets));
  return own.map(({ text }) => (text.includes(":") ? `${text}/64` : `${text}/24`));
}

/** The one address of a family that nearly all packets share; of two that do, the one that was asked. */
function busiest<A extends { text: string; packets: number; asked: number }>(
  all: readonly A[],
  family: number,
  packets: number,
): A[] {
  const candidates = all.filter((a) => a.text.includes(":") === (family === 6));
  const ofFamily = candidates.reduce((sum, a) => sum + a.packets, 0) / 2;
  const shared = candidates.filter((a) => a.packets >= ofFamily * MOST && packets > 0);
  shared.sort((a, b) => b.asked - a.asked || b.packets - a.packets);
  return shared.slice(0, 1);
}
