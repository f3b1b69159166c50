/**
 * From a captured frame to a packet at the host's door: on which device it arrived, or that the host sent it itself,
 * what its frame type was, and what is known of its checksums. Nothing is allocated per packet.
 */
import {
  BROKEN,
  COOKED_OUTGOING,
  ETH_P_802_2,
  IS_IPV4,
  IS_IPV6,
  LinkFrame,
  refuseLinkType,
  UNSUPPORTED,
} from "../bytes/link.ts";
import { type CaptureInterface, type CaptureRecord, DIRECTION_IN, DIRECTION_OUT } from "../bytes/record.ts";
import type { Host } from "../host/host.ts";
import { type Interface, LO } from "../host/interfaces.ts";
import { RTN_UNICAST } from "../host/route.ts";
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  PACKET_HOST,
  PACKET_OTHERHOST,
  type Packet,
} from "../packet/packet.ts";
import { IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";
import { type ChecksumFindings, isPartial, isRight, repairIpv4Header } from "./checksums.ts";

/** How a packet's device was found; indexes of `Arrivals.counts`. */
export const BY_NAME = 0;
export const BY_OPTION = 1;
export const BY_COOKED = 2;
export const BY_MAC = 3;
export const BY_ONLY = 4;
export const BY_ROUTE = 5;
export const BY_NOTHING = 6;
export const SENT_BY_FLAG = 7;
export const SENT_BY_ADDRESS = 8;

/** The same in words, for the report: "arrived on …: 3 packets". */
export const FOUND_BY = [
  "arrived on the capture's interface of that name",
  "arrived on the device that --in names",
  "arrived on lo, as their frames say",
  "arrived on the device with the link-layer address they were sent to",
  "arrived on the only device there is",
  "arrived on the device that leads back to their source (the capture names none)",
  "arrived on the first device (no route leads back to their source)",
  "sent by this host (the capture says outgoing)",
  "sent by this host (their source is its own address)",
] as const;

const ARPHRD_LOOPBACK = 772;

const ETHER_TYPES: ReadonlyMap<number, string> = new Map([
  [0x0806, "ARP"],
  [0x8035, "RARP"],
  [0x8863, "PPPoE discovery"],
  [0x8864, "PPPoE"],
  [0x8847, "MPLS"],
  [0x8848, "MPLS"],
  [0x88cc, "LLDP"],
  [0x888e, "802.1X"],
  [ETH_P_802_2, "802.2 LLC"],
]);

export interface ArrivalOptions {
  /** The device that `--in` names; null: not said. */
  readonly device: Interface | null;
  readonly checksums: ChecksumFindings;
}

export class Arrivals {
  readonly frame = new LinkFrame();
  /** Packets by how their device was found (BY_…, SENT_…). */
  readonly counts = new Float64Array(FOUND_BY.length);
  /** How that of the last packet was. */
  how = BY_NOTHING;
  /** Packets cut by the capture's snaplen. */
  cut = 0;
  /** Outgoing packets whose source is not the host's: copies of forwarded ones, perhaps. */
  foreign = 0;
  /** Packets longer than their device's MTU: TCP segments or datagrams that the network card joined, or was to cut. */
  merged = 0;
  /** Packets of link types that cannot be read, by the sentence that refuses them. */
  readonly refused = new Map<string, number>();
  readonly #host: Host;
  readonly #device: Interface | null;
  readonly #only: Interface | null;
  readonly #first: Interface;
  /** Has any device a link-layer address? */
  readonly #haveMacs: boolean;
  /** The smallest MTU of the host's devices. */
  readonly #smallestMtu: number;
  /** The largest. */
  readonly #largestMtu: number;
  readonly #checksums: ChecksumFindings;
  /** Device by the capture's interface, null where the host has none of that name. */
  readonly #named: (Interface | null)[] = [];

  constructor(host: Host, options: ArrivalOptions) {
    this.#host = host;
    this.#device = options.device;
    this.#checksums = options.checksums;
    const real = host.interfaces.filter((device) => device.index > 0 && !device.loopback);
    this.#only = real.length === 1 ? real[0] : null;
    this.#haveMacs = real.some(({ mac }) => mac !== null);
    this.#first = real[0] ?? host.interfaces[1];
    this.#smallestMtu = real.reduce((smallest, device) => Math.min(smallest, device.mtu), Number.POSITIVE_INFINITY);
    this.#largestMtu = real.reduce((largest, device) => Math.max(largest, device.mtu), 0);
  }

  /** Are checksums of received packets looked at? */
  get verifies(): boolean {
    return !this.#checksums.ignoreReceived;
  }

  /** Would the last frame have been the same to any other device, for the host or for others? */
  get isSameToAll(): boolean {
    const { packetType, macDestination } = this.frame;
    return packetType >= 0 || macDestination < 0 || !this.#haveMacs;
  }

  /**
   * Points `p` at the record's network packet and says where it came from. False: there is no IP packet in the frame;
   * `whyNot` tells.
   */
  load(record: CaptureRecord, p: Packet): boolean {
    const { frame } = this;
    const { data, view } = record;
    const linkType = record.interface.linkType;
    const content = frame.parse(linkType, data, view, record.start, record.end, record.littleEndian);
    if (content !== IS_IPV4 && content !== IS_IPV6) {
      if (content === UNSUPPORTED) this.#refuse(linkType);
      return false;
    }
    p.load(data, view, frame.start, frame.end);
    p.time = record.time;
    p.wire = record.wireLength - (frame.start - record.start);
    if (p.cut) this.cut++;
    if (this.#isSent(record, p)) {
      p.local = true;
      // Without a link layer nothing is padded: the kernel writes the length of what a socket gives it.
      if (frame.start === record.start && p.wire === frame.end - frame.start) p.declareLength(p.wire);
      if (this.#needsDevice(p)) p.outDev = this.#leaving(record);
    } else this.#arrive(record, p);
    if (p.length > this.#smallestMtu) this.#judgeLength(p);
    if (p.merged) return true;
    if (this.#checksums.any) this.#judgeChecksum(p);
    else if (p.cut) p.checksum = CHECKSUM_UNNECESSARY;
    return true;
  }

  /** Why the last frame held no IP packet. */
  whyNot(record: CaptureRecord): string {
    const { frame } = this;
    const { data, view } = record;
    const content = frame.parse(record.interface.linkType, data, view, record.start, record.end, record.littleEndian);
    if (content === UNSUPPORTED) return refuseLinkType(record.interface.linkType)!;
    if (content === BROKEN) return "the frame ends before its network packet";
    const { etherType } = frame;
    if (etherType === 0) return "not IP";
    return `not IP: ${ETHER_TYPES.get(etherType) ?? `type 0x${etherType.toString(16).padStart(4, "0")}`}`;
  }

  /** The device a frame without an IP packet came in on; null when only its addresses could have told. */
  deviceOf(record: CaptureRecord): Interface | null {
    return this.#interfaceNamed(record.interface, this.frame) ?? this.#device ?? this.#only;
  }

  #refuse(linkType: number): void {
    const sentence = refuseLinkType(linkType)!;
    this.refused.set(sentence, (this.refused.get(sentence) ?? 0) + 1);
  }

  /** The host itself sent it: the capture says outgoing, or says nothing and the source is the host's own. */
  #isSent(record: CaptureRecord, p: Packet): boolean {
    const said = record.direction;
    if (said === DIRECTION_OUT || this.frame.packetType === COOKED_OUTGOING) {
      this.counts[SENT_BY_FLAG]++;
      if (!this.#isOwnSource(p)) this.foreign++;
      return true;
    }
    // A cooked frame says whether it was received. An Ethernet frame to a group says only for whom it is.
    const received = said === DIRECTION_IN || (this.frame.packetType >= 0 && this.frame.macDestination < 0);
    if (received || !this.#isOwnSource(p)) return false;
    this.counts[SENT_BY_ADDRESS]++;
    return true;
  }

  #isOwnSource(p: Packet): boolean {
    return p.family === 4 ? this.#host.isLocal4(p.src0) : this.#host.isLocal6(p.src0, p.src1, p.src2, p.src3);
  }

  /**
   * A segment longer than the device's MTU is one of which the card (or GRO, or GSO) joined several, or that it was still
   * to cut: the kernel carries it as one. Its checksum then is the pseudo header's sum, or the last segment's: whatever has
   * a right one came as it is, for a device takes what is longer than its MTU, too.
   */
  #judgeLength(p: Packet): void {
    const limit = p.local ? this.#smallestMtu : this.#host.interfaces[p.inDev].mtu;
    const joins = p.protocol === IPPROTO_TCP || p.protocol === IPPROTO_UDP;
    if (p.length <= limit || !joins || p.fragment) return;
    if (isRight(p) && (!p.local || p.length <= this.#largestMtu)) return;
    p.merged = true;
    this.merged++;
    // Whoever joined them verified each; what the field holds now is the pseudo header's sum, or the last one's.
    p.checksum = !p.cut && isPartial(p) ? CHECKSUM_PARTIAL : CHECKSUM_UNNECESSARY;
  }

  #arrive(record: CaptureRecord, p: Packet): void {
    const device = this.#deviceFor(record, p);
    const { frame } = this;
    p.inDev = device.index;
    p.mac = frame.macSource;
    p.macLength = frame.macLength;
    if (frame.packetType >= 0) p.packetType = frame.packetType;
    else if (frame.macDestination >= 0 && device.mac !== null)
      p.packetType = sameMac(record.data, frame.macDestination, device.mac) ? PACKET_HOST : PACKET_OTHERHOST;
  }

  /** A group, a link-local address or the limited broadcast is on every device: only its sender can say on which. */
  #needsDevice(p: Packet): boolean {
    const { dst0 } = p;
    if (p.family === 4) return dst0 >>> 28 === 0xe || dst0 === -1;
    // The host's own link-local addresses are seen on the loopback, where there is no route to them.
    return dst0 >>> 24 === 0xff || (dst0 >>> 22 === 0x3fa && !this.#host.isLocal6(dst0, p.dst1, p.dst2, p.dst3));
  }

  /** The device that the capture saw a packet leave by; 0 when it names none. */
  #leaving(record: CaptureRecord): number {
    const device = this.#interfaceNamed(record.interface, this.frame) ?? this.#device ?? this.#only;
    return device === null ? 0 : device.index;
  }

  #deviceFor(record: CaptureRecord, p: Packet): Interface {
    const named = this.#interfaceNamed(record.interface, this.frame);
    if (named !== null) return this.#found(named, BY_NAME);
    if (this.#device !== null) return this.#found(this.#device, BY_OPTION);
    if (this.frame.hardwareType === ARPHRD_LOOPBACK) return this.#found(this.#host.interfaces[LO], BY_COOKED);
    if (this.#only !== null) return this.#found(this.#only, BY_ONLY);
    const owner = this.#ownerOfMac(record.data);
    if (owner !== null) return this.#found(owner, BY_MAC);
    const route =
      p.family === 4
        ? this.#host.route4(p.src0, 0, 0, 0, 0)
        : this.#host.route6(p.src0, p.src1, p.src2, p.src3, 0, 0, 0, 0, 0, 0);
    if (route.type === RTN_UNICAST && route.dev > 0) return this.#found(this.#host.interfaces[route.dev], BY_ROUTE);
    return this.#found(this.#holderOf(p) ?? this.#first, BY_NOTHING);
  }

  #found(device: Interface, how: number): Interface {
    this.how = how;
    this.counts[how]++;
    return device;
  }

  /** The host's device of the capture interface's name, or the VLAN device on it. */
  #interfaceNamed(captured: CaptureInterface, frame: LinkFrame): Interface | null {
    let named = this.#named[captured.index];
    if (named === undefined) {
      named = captured.name === null ? null : (this.#host.interfaceNamed(captured.name) ?? null);
      this.#named[captured.index] = named;
    }
    if (frame.tags === 0 || named === null) return named;
    const id = frame.tag & 0xfff;
    return this.#host.interfaceNamed(`${named.name}.${id}`) ?? this.#host.interfaceNamed(`vlan${id}`) ?? named;
  }

  /** The device that a frame was addressed to, when exactly one has that link-layer address. */
  #ownerOfMac(data: Uint8Array): Interface | null {
    const at = this.frame.macDestination;
    if (at < 0) return null;
    let owner: Interface | null = null;
    for (const device of this.#host.interfaces) {
      if (device.mac === null || !sameMac(data, at, device.mac)) continue;
      if (owner !== null) return null;
      owner = device;
    }
    return owner;
  }

  /** The device that has the destination address. */
  #holderOf(p: Packet): Interface | null {
    const words = p.family === 4 ? [p.dst0] : [p.dst0, p.dst1, p.dst2, p.dst3];
    const holds = (device: Interface) =>
      device.addresses.some((a) => a.family === p.family && a.words.every((word, i) => word === words[i]));
    return this.#host.interfaces.find((device) => device.index > 1 && holds(device)) ?? null;
  }

  #judgeChecksum(p: Packet): void {
    const findings = this.#checksums;
    if (p.local ? findings.ignoreSent : findings.ignoreReceived) {
      p.checksum = CHECKSUM_UNNECESSARY;
      repairIpv4Header(p);
    } else if (p.cut) p.checksum = CHECKSUM_UNNECESSARY;
    // The network card was to finish it: it holds the pseudo header's sum.
    if (findings.partial && !p.cut && isPartial(p)) p.checksum = CHECKSUM_PARTIAL;
  }
}

function sameMac(data: Uint8Array, at: number, mac: Uint8Array): boolean {
  for (let i = 0; i < mac.length; i++) if (data[at + i] !== mac[i]) return false;
  return true;
}
