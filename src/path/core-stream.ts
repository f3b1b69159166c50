/**
 * Captures at full speed, where nobody wants to hear of single packets: as long as the core knows all there is to know of a
 * packet (assembly/stream.ts), it takes one after the other from their records. What it does not know it stops at; that packet
 * goes the usual way, and teaches it.
 */
import {
  ARRIVALS,
  BY_SOURCE,
  FIRST_TIME,
  FREE_ENTRY,
  HEADER_CHECKSUM,
  JIFFY_ENDS,
  KEY,
  LAST_TIME,
  LINK_DEVICE,
  LINK_LENGTH,
  LINK_PACKETS,
  LINK_SIZE,
  LINKS,
  LINKS_SLOTS,
  NANOSECONDS,
  ROOM,
  SETTLED,
  STOPPED,
  STOPPED_AT,
  STOPPED_LINK,
  STOPPED_LONG,
  STOPPED_WAY,
  TAKEN,
  TIME,
  TRANSPORT_CHECKSUM,
  UNTIL,
  VERIFIES,
} from "../assembly/layout.ts";
import { IPS_NAT_DONE_MASK } from "../assembly/status.ts";
import type { Core } from "../bytes/core.ts";
import type { PlainRecords } from "../bytes/pcap.ts";
import { MICROSECONDS_PER_JIFFY } from "../conntrack/jiffies.ts";
import type { Route } from "../host/route.ts";
import type { Packet } from "../packet/packet.ts";
import type { Skb } from "./skb.ts";
import type { Learner, Stack } from "./stack.ts";
import type { Passed, Ways } from "./ways.ts";

/** µs that the clock may go on at once: in a greater leap long expired connections are looked for. */
const LEAP = 1e12;
/** Of link-layer headers all are kept up to this length, and none that are shorter than the other, but 0. */
const LONGEST_LINK = 16;
const SHORTEST_LINK = 8;
const MOST_LINKS = LINKS_SLOTS / 2;

/** A link-layer header by which packets came in. */
interface Link<How> {
  readonly at: number;
  readonly how: How;
}

/** Whoever wants to know what became of packets of which nobody was told. */
export interface StreamListener<How> {
  passed(passed: Passed): void;
  /** So many packets came in like the one that `learnLink` was told of. */
  arrived(how: How, packets: number): void;
}

export class CoreStream<How = unknown> implements Learner {
  readonly #stack: Stack;
  readonly #ways: Ways;
  /** No packet is longer that a device takes as it is. */
  readonly #shortestMtu: number;
  #lesson = 0;
  #core: Core | null = null;
  #links: Link<How>[] = [];
  /** -1: not known yet. */
  #linkLength = -1;
  #listener: StreamListener<How> | null = null;
  /** Packets that the last `run` took, and their times; why it stopped. */
  taken = 0;
  firstTime = 0;
  lastTime = 0;
  #stopped = STOPPED_LONG;

  constructor(stack: Stack, ways: Ways) {
    this.#stack = stack;
    this.#ways = ways;
    this.#shortestMtu = Math.min(...stack.host.interfaces.slice(1).map(({ mtu }) => mtu));
    stack.conntrack.connections(4).leaving = () => this.#end();
  }

  /** A capture begins. Where its packets come in is to be learnt. */
  begin(listener: StreamListener<How>): void {
    this.settle();
    this.#forgetLinks();
    this.#linkLength = -1;
    this.#listener = listener;
    this.#ways.onPassed = (passed) => listener.passed(passed);
  }

  /** Takes packets from the front of what was read, if it can; null: it shall not. */
  run(records: PlainRecords | null): void {
    this.#stopped = STOPPED_LONG;
    this.taken = 0;
    const core = records === null ? null : this.#ready(records.view);
    if (records === null || core === null) return;
    const { control, clock } = core;
    control[NANOSECONDS] = records.nanoseconds ? 1 : 0;
    this.#setClock(core);
    const end = core.stream(records.at, records.end);
    const taken = control[TAKEN];
    this.#stopped = control[STOPPED];
    this.taken = taken;
    this.#stack.host.now = clock[TIME];
    if (taken === 0) return;
    this.firstTime = clock[FIRST_TIME];
    this.lastTime = clock[LAST_TIME];
    records.passed(end, taken);
    this.#stack.conntrack.coreTracking.afterStream(core);
  }

  /** Would the core like to know more of the packet that it stopped at? */
  get asks(): boolean {
    return this.#stopped !== STOPPED_LONG || this.#linkLength < 0;
  }

  /** … by which link it came? */
  get asksForLink(): boolean {
    return this.#stopped === STOPPED_LINK || this.#linkLength < 0;
  }

  /** The packet that comes next shall teach its way; or not. */
  askForWay(asked: boolean): void {
    this.#stack.learner = asked && this.#stopped === STOPPED_WAY ? this : null;
    this.#ways.forgetForeseen();
  }

  /**
   * All packets behind the bytes from `from` to the packet's start arrive by its device, or by that which leads back to
   * their source.
   */
  learnLink(p: Packet, from: number, bySource: boolean, how: How): void {
    const length = p.start - from;
    const known = this.#linkLength;
    if (length > LONGEST_LINK || (length < SHORTEST_LINK && length !== 0)) return;
    if (known < 0) {
      this.#linkLength = length;
      return;
    }
    const core = this.#coreOf(p, STOPPED_LINK);
    if (core === null || length !== known || this.#links.length >= MOST_LINKS) return;
    if (bySource && core.control[ARRIVALS] === 0) {
      core.control[ARRIVALS] = this.#stack.coreWay.writeDevices(core);
      if (core.control[ARRIVALS] === 0) return;
    }
    const { view, control } = core;
    const at = control[FREE_ENTRY];
    if (length > 0) {
      view.setBigUint64(at, view.getBigUint64(from));
      view.setBigUint64(at + 8, view.getBigUint64(p.start - 8));
    }
    view.setInt32(at + LINK_DEVICE, bySource ? BY_SOURCE : p.inDev, true);
    view.setFloat64(at + LINK_PACKETS, 0, true);
    this.#links.push({ at, how });
  }

  /** A packet has come to FORWARD: what will become of it, if it is that which the core stopped at? */
  foresee(p: Skb, route: Route): void {
    const core = this.#coreOf(p, STOPPED_WAY);
    if (core === null || p.ct === 0) return;
    // Is it what the core took it for?
    const seen = core.control[KEY + 2];
    const same = (seen & 7) === p.ctinfo && ((seen >>> 8) & 0xff) === p.inDev;
    if (!same || this.#stack.coreWay.routeNumbered(seen >>> 16) !== route) return;
    const { unseen } = this.#stack.coreWay;
    if (unseen !== null) this.#ways.foresee(p, unseen.counted, Math.min(route.forwardMtu, this.#shortestMtu));
  }

  /** That is what FORWARD's rules said of it. */
  learnWay(code: number): void {
    this.#ways.learn(code);
  }

  /** The core, if it stopped at this packet for this reason. */
  #coreOf(p: Packet, why: number): Core | null {
    const core = this.#core;
    if (core === null || this.#stopped !== why || p.view !== core.view) return null;
    return p.start === core.control[STOPPED_AT] ? core : null;
  }

  /** Brings all that is counted up to date. */
  settle(): void {
    this.#ways.settle();
    const core = this.#core;
    if (core === null) return;
    for (const { at, how } of this.#links) {
      const packets = core.view.getFloat64(at + LINK_PACKETS, true);
      core.view.setFloat64(at + LINK_PACKETS, 0, true);
      if (packets > 0) this.#listener?.arrived(how, packets);
    }
  }

  /** The core, taught all that is known; null: not now. */
  #ready(view: DataView): Core | null {
    const { conntrack, coreWay, leaves, host } = this.#stack;
    if (coreWay.unseen === null || leaves !== null || host.now === 0 || this.#linkLength < 0) return null;
    const core = conntrack.coreTracking.beforeStream(view);
    const { lesson } = conntrack.coreTracking;
    if (core === null || !coreWay.isTaught(lesson)) return null;
    if (this.#lesson !== lesson) this.#begin(core, lesson);
    // A new connection's translation is chosen elsewhere.
    if (coreWay.nat !== null) core.control[ROOM] = 0;
    conntrack.tick();
    return this.#ways.known ? this.#core : null;
  }

  /** The core knows nothing yet of ways and links. */
  #begin(core: Core, lesson: number): void {
    this.settle();
    this.#forgetLinks();
    this.#lesson = lesson;
    this.#core = this.#ways.begin(core) ? core : null;
    new Uint8Array(core.buffer, LINKS, LINKS_SLOTS * LINK_SIZE).fill(0);
    const { control } = core;
    const translates = this.#stack.coreWay.nat !== null;
    control[ARRIVALS] = 0;
    control[LINK_LENGTH] = this.#linkLength;
    control[SETTLED] = translates ? IPS_NAT_DONE_MASK : 0;
    control[VERIFIES] = HEADER_CHECKSUM | (this.#stack.conntrack.sysctl.checksum !== 0 ? TRANSPORT_CHECKSUM : 0);
  }

  #end(): void {
    this.settle();
    this.#ways.end();
    this.#forgetLinks();
    this.#core = null;
    this.#lesson = 0;
  }

  #forgetLinks(): void {
    this.#links = [];
    this.#lesson = 0;
  }

  #setClock({ clock }: Core): void {
    const { host, fragments4, fragments6 } = this.#stack;
    const { now } = host;
    clock[TIME] = now;
    clock[JIFFY_ENDS] = (Math.floor(now / MICROSECONDS_PER_JIFFY) + 1) * MICROSECONDS_PER_JIFFY;
    clock[UNTIL] = Math.min(now + LEAP, fragments4.queues.deadline, fragments6.queues.deadline);
  }
}
