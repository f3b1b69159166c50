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
  INTERFACE_LINK,
  INTERFACE_SIZE,
  INTERFACES,
  INTERFACES_SLOTS,
  JIFFY_ENDS,
  KEY,
  LAST_TIME,
  LINK_DEVICE,
  LINK_PACKETS,
  LINK_SIZE,
  LINKS,
  LINKS_SLOTS,
  NAT_DONE,
  ROOM,
  ROUTED_DEVICES,
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
import { linkLength } from "../bytes/link.ts";
import type { CaptureInterface, PlainRecords } from "../bytes/record.ts";
import { MICROSECONDS_PER_JIFFY } from "../conntrack/jiffies.ts";
import type { Route } from "../host/route.ts";
import type { Packet } from "../packet/packet.ts";
import type { Skb } from "./skb.ts";
import type { Learner, Stack } from "./stack.ts";
import type { Passed, Ways } from "./ways.ts";

/** µs that the clock may go on at once: in a greater leap long expired connections are looked for. */
const LEAP = 1e12;
/** The core looks at eight bytes of link-layer headers at a time: the first, the last, and those behind the first. */
const SHORTEST_LINK = 8;
const LONGEST_LINK = 24;
const MOST_LINKS = LINKS_SLOTS / 2;

/** A link-layer header by which packets came in. */
interface Link {
  readonly at: number;
  readonly how: number;
}

/** Whoever wants to know what became of packets of which nobody was told. */
export interface StreamListener {
  passed(passed: Passed): void;
  /** So many packets came in as the one of which `learnLink` was told `how`. */
  arrived(how: number, packets: number): void;
}

export class CoreStream implements Learner {
  readonly #stack: Stack;
  readonly #ways: Ways;
  /** No packet is longer that a device takes as it is. */
  readonly #shortestMtu: number;
  #verifies = true;
  #lesson = 0;
  #core: Core | null = null;
  #links: Link[] = [];
  /** Those that the core knows, and how many of them it was told of. */
  #interfaces: readonly CaptureInterface[] = [];
  #told = 0;
  #listener: StreamListener | null = null;
  /** Packets that the last `run` took, and their times; why it stopped. */
  taken = 0;
  firstTime = 0;
  lastTime = 0;
  /** Has the core learnt something of the packet that it stopped at? */
  learnt = false;
  #stopped = STOPPED_LONG;

  constructor(stack: Stack, ways: Ways) {
    this.#stack = stack;
    this.#ways = ways;
    this.#shortestMtu = Math.min(...stack.host.interfaces.slice(1).map(({ mtu }) => mtu));
    stack.conntrack.connections(4).leaving = () => this.#end();
  }

  /** A capture begins, whose checksums are verified or taken as right. Where its packets come in is to be learnt. */
  begin(verifies: boolean, listener: StreamListener): void {
    this.collect();
    this.#forget();
    this.#verifies = verifies;
    this.#listener = listener;
    this.#ways.onPassed = (passed) => listener.passed(passed);
  }

  /** Takes packets from the front of what was read, if it can; null: it shall not. */
  run(records: PlainRecords | null): void {
    this.#stopped = STOPPED_LONG;
    this.taken = 0;
    this.learnt = false;
    if (records === null) return;
    const { view, at, end } = records.window;
    const core = this.#ready(view);
    if (core === null) return;
    const { control, clock } = core;
    this.#tellInterfaces(core, records.interfaces);
    this.#setClock(core);
    const next = core.stream(at, end, records.format === "pcapng" ? 1 : 0);
    const taken = control[TAKEN];
    this.#stopped = control[STOPPED];
    this.taken = taken;
    this.#stack.host.now = clock[TIME];
    if (taken === 0) return;
    this.firstTime = clock[FIRST_TIME];
    this.lastTime = clock[LAST_TIME];
    records.passed(next, taken);
    this.#stack.conntrack.coreTracking.afterStream(core);
  }

  /** Would the core like to know by which link the packet came that it stopped at? */
  get asksForLink(): boolean {
    return this.#stopped === STOPPED_LINK;
  }

  /** The packet that comes next shall teach its way; or not. */
  askForWay(asked: boolean): void {
    this.#stack.learner = asked && this.#stopped === STOPPED_WAY ? this : null;
    this.#ways.forgetForeseen();
  }

  /**
   * All packets of the interface behind the same link-layer header as the one that comes next arrive by its device, or by that
   * which leads back to their source.
   */
  learnLink(p: Packet, bySource: boolean, how: number): void {
    const core = this.#coreOf(p, STOPPED_LINK);
    if (core === null || this.#links.length >= MOST_LINKS || p.inDev >= ROUTED_DEVICES) return;
    if (bySource && core.control[ARRIVALS] === 0) {
      core.control[ARRIVALS] = this.#stack.coreWay.writeDevices(core);
      if (core.control[ARRIVALS] === 0) return;
    }
    const { view, control } = core;
    const at = control[FREE_ENTRY];
    view.setInt32(at + LINK_DEVICE, bySource ? BY_SOURCE : p.inDev, true);
    view.setFloat64(at + LINK_PACKETS, 0, true);
    this.#links.push({ at, how });
    this.learnt = true;
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
    if (unseen === null) return;
    this.#ways.foresee(p, unseen.counted, Math.min(route.forwardMtu, this.#shortestMtu));
    this.learnt = true;
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
  collect(): void {
    this.#ways.collect();
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
    if (coreWay.unseen === null || leaves !== null || host.now === 0) return null;
    const core = conntrack.coreTracking.beforeStream(view);
    const { lesson } = conntrack.coreTracking;
    if (core === null || !coreWay.isTaught(lesson)) return null;
    if (this.#lesson !== lesson) this.#begin(core, lesson);
    // A new connection's translation is chosen elsewhere.
    if (coreWay.nat !== null) core.control[ROOM] = 0;
    conntrack.tick();
    return this.#ways.known ? this.#core : null;
  }

  /** The core knows nothing yet of ways, links and interfaces. */
  #begin(core: Core, lesson: number): void {
    this.collect();
    this.#forget();
    this.#lesson = lesson;
    this.#core = this.#ways.begin(core) ? core : null;
    const { control } = core;
    const translates = this.#stack.coreWay.nat !== null;
    control[ARRIVALS] = 0;
    control[NAT_DONE] = translates ? IPS_NAT_DONE_MASK : 0;
    const ofTransport = this.#stack.conntrack.sysctl.checksum !== 0 ? TRANSPORT_CHECKSUM : 0;
    control[VERIFIES] = this.#verifies ? HEADER_CHECKSUM | ofTransport : 0;
  }

  #end(): void {
    this.collect();
    this.#ways.end();
    this.#forget();
    this.#core = null;
  }

  #forget(): void {
    this.#links = [];
    this.#interfaces = [];
    this.#lesson = 0;
  }

  /** The core hears of interfaces as they are described; and where their numbers mean others, forgets the links. */
  #tellInterfaces(core: Core, interfaces: readonly CaptureInterface[]): void {
    if (this.#interfaces !== interfaces) {
      this.collect();
      this.#links = [];
      this.#interfaces = interfaces;
      this.#told = 0;
      new Uint8Array(core.buffer, LINKS, LINKS_SLOTS * LINK_SIZE).fill(0);
      new Uint8Array(core.buffer, INTERFACES, INTERFACES_SLOTS * INTERFACE_SIZE).fill(0);
    }
    const known = Math.min(interfaces.length, INTERFACES_SLOTS);
    for (; this.#told < known; this.#told++) {
      const { linkType, perMicrosecond } = interfaces[this.#told];
      const at = INTERFACES + this.#told * INTERFACE_SIZE;
      const length = linkLength(linkType);
      const plain = perMicrosecond === 1 || perMicrosecond === 1000;
      core.view.setInt32(at, plain && isForCore(length) ? perMicrosecond : 0, true);
      core.view.setInt32(at + INTERFACE_LINK, length, true);
    }
  }

  #setClock({ clock }: Core): void {
    const { host, fragments4, fragments6 } = this.#stack;
    const { now } = host;
    clock[TIME] = now;
    clock[JIFFY_ENDS] = (Math.floor(now / MICROSECONDS_PER_JIFFY) + 1) * MICROSECONDS_PER_JIFFY;
    clock[UNTIL] = Math.min(now + LEAP, fragments4.queues.deadline, fragments6.queues.deadline);
  }
}

/** Is there either no link-layer header, or one of a length that the core looks at all of? */
function isForCore(length: number): boolean {
  return length === 0 || (length >= SHORTEST_LINK && length <= LONGEST_LINK);
}
