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
  /** Source of packets that the capture calls outgoing. */
  sent: boolean;
  /** Destination of packets that the capture calls incoming. */
  received: boolean;
  /** It was asked first: a server. */
  asked: number;
}

interface SeenInterface {
  packets: number;
  readonly addresses: Map<string, Seen>;
  /** Public addresses from which packets came in. */
  readonly world: Set<string>;
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
    const source = six ? [p.src0, p.src1, p.src2, p.src3] : [p.src0];
    const from = this.#end(seen, source);
    if (from !== null && sent) from.sent = true;
    if (from !== null && !sent && isPublic(source)) seen.world.add(formatAddress(source));
    const to = this.#end(seen, six ? [p.dst0, p.dst1, p.dst2, p.dst3] : [p.dst0]);
    if (to !== null && received) to.received = true;
    if (to !== null && first) to.asked++;
  }

  #interface(record: CaptureRecord): SeenInterface {
    const name = record.interface.name ?? "";
    let seen = this.#interfaces.get(name);
    if (seen === undefined) {
      seen = { packets: 0, addresses: new Map(), world: new Set() };
      this.#interfaces.set(name, seen);
    }
    return seen;
  }

  /** Counts an address; null: nobody's own. */
  #end(on: SeenInterface, words: readonly number[]): Seen | null {
    if (!isUnicast(words)) return null;
    const text = formatAddress(words);
    let seen = on.addresses.get(text);
    if (seen === undefined) {
      seen = { packets: 0, sent: false, received: false, asked: 0 };
      on.addresses.set(text, seen);
    }
    seen.packets++;
    return seen;
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
    // Where most of the world came from, there it lies.
    const reach = (name: string) => this.#interfaces.get(name)?.world.size ?? 0;
    const widest = gates.reduce((best, name) => (reach(name) > reach(best) ? name : best));
    return { interfaces, routes: [`default dev ${widest}`, `::/0 dev ${widest}`] };
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

/** Outside the networks that anybody may use inside (RFC 1918, RFC 4193) and link-local ones. */
function isPublic(words: readonly number[]): boolean {
  const word = words[0] >>> 0;
  if (words.length === 4) return word >>> 29 === 1;
  const private16 = word >>> 16 === 0xc0a8 || word >>> 16 === 0xa9fe;
  return word >>> 24 !== 10 && word >>> 20 !== 0xac1 && !private16;
}

/**
 * With a prefix that takes in the neighbours that private networks usually have. A router gets packets for others and
 * sends those of others, but only its own addresses do both.
 */
function ownAddresses(seen: SeenInterface): string[] {
  const all = [...seen.addresses].map(([text, of]) => ({ text, ...of }));
  const both = all.filter((address) => address.sent && address.received);
  const own = both.length > 0 ? both : [4, 6].flatMap((family) => likely(all, family, seen.packets));
  return own.map(({ text }) => (text.includes(":") ? `${text}/64` : `${text}/24`));
}

interface Candidate extends Seen {
  readonly text: string;
}

/** Of a family: the only sender, else the only receiver, else who takes part in nearly everything. */
function likely(all: readonly Candidate[], family: number, packets: number): readonly Candidate[] {
  const ofFamily = all.filter((address) => address.text.includes(":") === (family === 6));
  const sent = ofFamily.filter((address) => address.sent);
  if (sent.length > 0) return sent.length === 1 ? sent : [];
  const received = ofFamily.filter((address) => address.received);
  return received.length === 1 ? received : busiest(ofFamily, packets);
}

/** The one address that nearly all packets share; of two that do, the one that was asked. */
function busiest(candidates: readonly Candidate[], packets: number): Candidate[] {
  const ofFamily = candidates.reduce((sum, address) => sum + address.packets, 0) / 2;
  const shared = candidates.filter((address) => address.packets >= ofFamily * MOST && packets > 0);
  shared.sort((a, b) => b.asked - a.asked || b.packets - a.packets);
  return shared.slice(0, 1);
}
