/**
 * The way in of most packets: what ip_rcv, conntrack and the routing decision do with an ordinary IPv4 packet that is
 * forwarded, in one call of the core (assembly/core.ts). Whatever is not as it usually is takes the long way of receive4.ts,
 * from which the core learns the routes.
 */
import {
  HEADER_CHECKSUM,
  RANGES,
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
import { type Route, RTN_UNICAST } from "../host/route.ts";
import type { RouteRange } from "../host/routing4.ts";
import { PREROUTING } from "../packet/hook.ts";
import { IPV4_MIN_HEADER } from "../packet/ipv4.ts";
import { CHECKSUM_UNNECESSARY, PACKET_HOST } from "../packet/packet.ts";
import type { Skb } from "./skb.ts";
import type { SkbWalk } from "./stack.ts";
import { stateOf } from "./states.ts";

const WORD = 4;
/** Bytes of a range. */
const RANGE = 8;
const FIRST_BYTES = 256;

export class CoreWay {
  /** Nobody but conntrack and `nat` looks at packets before the routing decision. */
  open = false;
  /** What NAT does with arriving packets; null: there is no nat table. */
  nat: SkbWalk | null = null;
  /** The way of the last packet. */
  route: Route | null = null;
  #routedTo = 0;
  readonly #host: Host;
  readonly #conntrack: Conntrack;
  /** By number; 0 is none. */
  readonly #routes: (Route | null)[] = [null];
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
    if (!this.open || !isOrdinary(p)) return false;
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

  /** Tells the core the routing decision for what comes in by a device. */
  #teach(core: Core, dev: number): void {
    const { lesson } = this.#conntrack.coreTracking;
    const tables = new Int32Array(core.buffer, ROUTING, ROUTED_DEVICES);
    if (this.#lesson !== lesson) {
      this.#lesson = lesson;
      tables.fill(0);
      this.#devices.fill(0);
      this.#routes.length = 1;
      this.#free = ROUTING + ROUTED_DEVICES * WORD;
    }
    this.#devices[dev] = 1;
    const room = ROUTING + ROUTING_SIZE - this.#free - RANGES;
    const ranges = this.#host.ranges4(dev, Math.floor(room / RANGE));
    // Where there are too many routes the packets take the long way.
    if (ranges === null) return;
    this.#write(core, ranges);
    tables[dev] = this.#free;
    this.#free += RANGES + ranges.length * RANGE;
  }

  #write({ buffer }: Core, ranges: readonly RouteRange[]): void {
    const firsts = new Uint16Array(buffer, this.#free, FIRST_BYTES + 1);
    const words = new Int32Array(buffer, this.#free + RANGES, ranges.length * 2);
    ranges.forEach(({ start, route, ordinary }, i) => {
      const forwards = route.type === RTN_UNICAST && !route.redirect;
      words[2 * i] = start;
      words[2 * i + 1] = ((forwards ? this.#routes.push(route) - 1 : 0) << 1) | Number(ordinary);
      firsts.fill(i, Math.ceil(start / 0x1000000));
    });
  }
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
