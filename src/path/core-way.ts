/**
 * The way in of most packets: what ip_rcv, conntrack and the routing decision do with an ordinary IPv4 packet that is
 * forwarded, in one call of the core (assembly/core.ts). Whatever is not as it usually is takes the long way of receive4.ts,
 * from which the core learns the routes.
 */

import {
  HEADER_CHECKSUM,
  ROUTE,
  ROUTED_DEVICES,
  ROUTED_TO,
  ROUTING,
  ROUTING_SIZE,
  TRANSPORT_CHECKSUM,
} from "../assembly/layout.ts";
import type { Core } from "../bytes/core.ts";
import { verifies } from "../conntrack/checksum.ts";
import type { Conntrack } from "../conntrack/conntrack.ts";
import type { Host } from "../host/host.ts";
import { LO } from "../host/interfaces.ts";
import { type Route, RTN_UNICAST } from "../host/route.ts";
import type { RouteRange } from "../host/routing4.ts";
import { PREROUTING } from "../packet/hook.ts";
import { IPV4_MIN_HEADER } from "../packet/ipv4.ts";
import { CHECKSUM_UNNECESSARY, PACKET_HOST } from "../packet/packet.ts";
import { PASS } from "./decisions.ts";
import type { Counter } from "./foresee.ts";
import { rangesIn, rangeTableSize, writeRanges } from "./range-table.ts";
import type { Skb } from "./skb.ts";
import type { SkbWalk } from "./stack.ts";
import { stateOf } from "./states.ts";

const WORD = 4;

/** What packets meet at PREROUTING, beside conntrack and NAT, where nobody looks at them: policies that let them pass. */
export interface Unseen {
  readonly counted: readonly Counter[];
  /** The code that the last one ends with. */
  readonly code: number;
}

export class CoreWay {
  /** What packets meet before the routing decision, where nobody but conntrack and `nat` looks at them; null: somebody does. */
  unseen: Unseen | null = null;
  /** What NAT does with arriving packets; null: there is no nat table. */
  nat: SkbWalk | null = null;
  /** The way of the last packet. */
  route: Route | null = null;
  #routedTo = 0;
  readonly #host: Host;
  readonly #conntrack: Conntrack;
  /** By number; 0 is none. */
  readonly #routes: (Route | null)[] = [null];
  readonly #numbers = new Map<Route, number>();
  /** The lesson that the core's tables are part of, the devices that have one, and where another would go. */
  #lesson = 0;
  readonly #devices = new Uint8Array(ROUTED_DEVICES);
  #free = 0;

  constructor(host: Host, conntrack: Conntrack) {
    this.#host = host;
    this.#conntrack = conntrack;
  }

  /** Receives and tracks the packet, and leaves its route in `route`. False: nothing was done. */
  receive(p: Skb): boolean {
    const { unseen } = this;
    if (unseen === null || !isOrdinary(p)) return false;
    const conntrack = this.#conntrack;
    const core = conntrack.coreTracking.of(p);
    if (core === null) return false;
    if (this.#lesson !== conntrack.coreTracking.lesson || this.#devices[p.inDev] === 0) this.#teach(core, p.inDev);
    conntrack.tick();
    p.hook = PREROUTING;
    const header = p.checksum === CHECKSUM_UNNECESSARY ? 0 : HEADER_CHECKSUM;
    const transport = verifies(conntrack, p) ? TRANSPORT_CHECKSUM : 0;
    const said = core.receive(p.start, p.l4, p.end, p.wire, header | transport, p.inDev);
    if (!conntrack.coreTracking.adopt(core, p, said)) return false;
    if (unseen.code !== PASS) countUnseen(unseen, p);
    p.iif = p.inDev;
    p.outDev = 0;
    p.state = stateOf(p);
    this.route = this.#routes[core.control[ROUTE]];
    this.#routedTo = core.control[ROUTED_TO];
    return true;
  }

  /** Does the last packet's route lead to this address? */
  leadsTo(address: number): boolean {
    return this.#routedTo === address;
  }

  /** Knows the core all that it was taught since this lesson began? Else the next packet teaches it. */
  isTaught(lesson: number): boolean {
    return this.#lesson === lesson;
  }

  routeNumbered(number: number): Route | null {
    return this.#routes[number] ?? null;
  }

  /** Writes a table of the devices that packets to an address would leave by, 0 for none: its place; 0: there is no room. */
  writeDevices(core: Core): number {
    const ranges = this.#host.ranges4(LO, rangesIn(ROUTING + ROUTING_SIZE - this.#free));
    if (ranges === null) return 0;
    const starts = ranges.map(({ start }) => start);
    const at = this.#free;
    writeRanges(core.buffer, at, starts, (n) => {
      const { type, dev } = this.#host.route4(starts[n] | 0, 0, 0, 0, 0);
      return type === RTN_UNICAST && dev < ROUTED_DEVICES ? dev : 0;
    });
    this.#free += rangeTableSize(ranges.length);
    return at;
  }

  /** Tells the core the routing decision for what comes in by a device. */
  #teach(core: Core, dev: number): void {
    const { lesson } = this.#conntrack.coreTracking;
    const tables = new Int32Array(core.buffer, ROUTING, ROUTED_DEVICES);
    if (this.#lesson !== lesson) {
      this.#lesson = lesson;
      tables.fill(0);
      this.#devices.fill(0);
      this.#routes.length = 1;
      this.#numbers.clear();
      this.#free = ROUTING + ROUTED_DEVICES * WORD;
    }
    this.#devices[dev] = 1;
    const ranges = this.#host.ranges4(dev, rangesIn(ROUTING + ROUTING_SIZE - this.#free));
    // Where there are too many routes the packets take the long way.
    if (ranges === null) return;
    const starts = ranges.map(({ start }) => start);
    writeRanges(core.buffer, this.#free, starts, (n) => this.#wordOf(ranges[n]));
    tables[dev] = this.#free;
    this.#free += rangeTableSize(ranges.length);
  }

  #wordOf({ start, route, ordinary }: RouteRange): number {
    const forwards = route.type === RTN_UNICAST && !route.redirect;
    // What comes from the host's own addresses it may have sent, even where it would take that from others (accept_local).
    const fromOthers = ordinary && !this.#host.isLocal4(start | 0);
    return ((forwards ? this.#numberOf(route) : 0) << 1) | Number(fromOthers);
  }

  #numberOf(route: Route): number {
    let number = this.#numbers.get(route);
    if (number === undefined) {
      number = this.#routes.push(route) - 1;
      this.#numbers.set(route, number);
    }
    return number;
  }
}

function countUnseen({ counted, code }: Unseen, p: Skb): void {
  for (let i = 0; i < counted.length; i++) {
    counted[i].counters[counted[i].at]++;
    counted[i].counters[counted[i].at + 1] += p.length;
  }
  p.lastCode = code;
}

function isOrdinary(p: Skb): boolean {
  return (
    p.plain &&
    p.steps === null &&
    p.packetType === PACKET_HOST &&
    p.inDev < ROUTED_DEVICES &&
    p.l4 - p.start === IPV4_MIN_HEADER &&
    (p.ct | p.ctinfo | p.zone | p.template) === 0 &&
    p.route === null &&
    p.pieces === null
  );
}
