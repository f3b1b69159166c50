/**
 * Conntrack's part of the core (assembly/core.ts): when a firewall's IPv4 connections lie in its memory, what it is taught,
 * and what its answers mean.
 */
import { CREATED, LENGTHEN, LONG_WAY, ROOM, UNKNOWN, VERIFIED } from "../assembly/layout.ts";
import { type Core, rentTables, stay, vacateTables } from "../bytes/core.ts";
import type { Sysctl } from "../host/sysctl.ts";
import { CHECKSUM_COMPLETE, CT_ESTABLISHED_REPLY, CT_NEW, type Packet } from "../packet/packet.ts";
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";
import type { Connections } from "./connections.ts";
import type { Expectations } from "./expectations.ts";
import type { Room } from "./room.ts";
import type { Trackers } from "./tracker.ts";

export class CoreTracking {
  readonly #sysctl: Sysctl;
  readonly #connections: Connections;
  readonly #room: Room;
  readonly #trackers: Trackers;
  readonly #expectations: Expectations;
  /** The sysctls' version that the core knows. */
  #taught = -1;
  /** Counts what the core was taught: whoever teaches it more does so again when this has changed. */
  lesson = 0;
  /** Connections that had been made before the stream. */
  #created = 0;

  constructor(sysctl: Sysctl, connections: Connections, room: Room, trackers: Trackers, expectations: Expectations) {
    this.#sysctl = sysctl;
    this.#connections = connections;
    this.#room = room;
    this.#trackers = trackers;
    this.#expectations = expectations;
  }

  /** The core, ready for this packet; null: it cannot go there. */
  of(p: Packet): Core | null {
    const core = this.#connections.core ?? this.#enter(p);
    return core === null || p.view !== core.view ? null : this.#ready(core);
  }

  /**
   * The core, ready for whole captures that lie in `view`, if the connections do, too, and nothing is noted down of them but
   * what is in their records; else null. New ones may be begun up to `room`; afterwards `afterStream` is called.
   */
  beforeStream(view: DataView): Core | null {
    const { core } = this.#connections;
    if (core === null || view !== core.view || this.#connections.keepsMore) return null;
    if (this.#sysctl.acct !== 0 || this.#sysctl.timestamp !== 0) return null;
    const { control } = this.#ready(core);
    control[ROOM] = this.#expectations.count === 0 ? this.#room.left(this.#connections) : 0;
    control[LENGTHEN] = 0;
    this.#created = control[CREATED];
    return core;
  }

  afterStream({ control }: Core): void {
    const created = (control[CREATED] - this.#created) | 0;
    if (control[LENGTHEN] !== 0) this.#connections.lengthenIndex();
    this.#room.sweep(this.#connections, created);
  }

  #ready(core: Core): Core {
    if (this.#taught !== this.#sysctl.version) this.#teach(core);
    stay();
    return core;
  }

  /** Gives the packet the connection that the core found, or was to begin. False: it is still without one. */
  adopt(core: Core, p: Packet, said: number): boolean {
    if (said > 0) {
      p.ct = said >>> 4;
      p.ctinfo = said & 7;
      if ((said & VERIFIED) !== 0) p.checksum = CHECKSUM_COMPLETE;
      this.#connections.account(p.ct, p.ctinfo === CT_ESTABLISHED_REPLY ? 1 : 0, 1, p.length);
      return true;
    }
    if (said === LONG_WAY || this.#sysctl.acct !== 0 || this.#expectations.count !== 0) return false;
    if (!this.#room.make(this.#connections)) return false;
    const handle = core.begin();
    if (handle === 0) return false;
    p.ct = handle;
    p.ctinfo = CT_NEW;
    if (said !== UNKNOWN) p.checksum = CHECKSUM_COMPLETE;
    return true;
  }

  /** The packet lies in the core's memory: the connections move there, too, if they can. */
  #enter(p: Packet): Core | null {
    const core = rentTables(p.view, this.#connections);
    if (core === null) return null;
    this.#room.announce();
    if (this.#connections.enter(core)) {
      this.#teach(core);
      return core;
    }
    vacateTables(this.#connections);
    return null;
  }

  #teach(core: Core): void {
    this.#taught = this.#sysctl.version;
    this.lesson++;
    for (const protocol of [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP])
      this.#trackers.byProtocol[protocol].teach?.(core, this.#sysctl);
  }
}
