/**
 * Connection tracking: which connection a packet belongs to, and what that makes of it (nf_conntrack_core.c).
 *
 *     track     at -200 of PREROUTING and OUTPUT: finds the connection or makes an unconfirmed one, asks the tracker
 *     confirm   last in INPUT and POSTROUTING: the connection enters the table, its timeout starts
 *     release   the packet is gone: an unconfirmed connection of its own goes with it
 *
 * A packet without a connection (`p.ct === 0`) is INVALID unless `p.ctinfo` is CT_UNTRACKED.
 */
import type { Host } from "../host/host.ts";
import { ACCEPT, type Family, type Verdict } from "../packet/hook.ts";
import { CT_ESTABLISHED_REPLY, CT_RELATED, CT_RELATED_REPLY, type Packet } from "../packet/packet.ts";
import { Connections } from "./connections.ts";
import type { Trackers } from "./tracker.ts";

/** What `-j CT` attaches beside the zone, which is in the packet. */
export interface Template {
  /** `--zone mark`: the zone is the packet's mark, cut to 16 bits, when conntrack sees it. */
  readonly zoneFromMark: boolean;
  /** `--helper`: name, or "". */
  readonly helper: string;
}

export interface ListOptions {
  readonly family?: Family;
  /** `-o extended`: begin with the network protocol. */
  readonly extended?: boolean;
}

export class Conntrack {
  readonly host: Host;
  readonly #trackers: Trackers;
  readonly #ipv4: Connections;
  readonly #ipv6: Connections;
  readonly #templates: Template[] = [{ zoneFromMark: false, helper: "" }];
  #armed4 = false;
  #armed6 = false;

  constructor(host: Host, trackers: Trackers) {
    this.host = host;
    this.#trackers = trackers;
    const seed = host.random.u32("other");
    this.#ipv4 = new Connections(4, seed);
    this.#ipv6 = new Connections(6, seed ^ 0x5bd1e995);
  }

  connections(family: Family): Connections {
    return family === 4 ? this.#ipv4 : this.#ipv6;
  }

  /** From now on packets of this family are tracked (nf_ct_netns_get). */
  arm(family: Family): void {
    if (family === 4) this.#armed4 = true;
    else this.#armed6 = true;
  }

  armed(family: Family): boolean {
    return family === 4 ? this.#armed4 : this.#armed6;
  }

  /** Keeps what a CT rule attaches; the number goes into `Packet.template`. For load time. */
  addTemplate(template: Template): number {
    this.#templates.push(template);
    return this.#templates.length - 1;
  }

  track(_p: Packet): Verdict {
    void this.#trackers;
    return ACCEPT;
  }

  confirm(_p: Packet): Verdict {
    return ACCEPT;
  }

  /** The packet is gone. An unconfirmed connection that it would have confirmed is freed. */
  release(p: Packet): void {
    p.ct = 0;
  }

  /** `to` answers `from` (REJECT): it gets its connection, in the other direction. nf_conntrack_attach. */
  attach(to: Packet, from: Packet): void {
    to.ct = from.ct;
    to.ctinfo = from.ctinfo < CT_ESTABLISHED_REPLY ? CT_RELATED_REPLY : CT_RELATED;
  }

  /** Calls `listener` for each connection that ceases to be, before its record is reused. */
  onDestroy(listener: (connections: Connections, handle: number) => void): void {
    this.#ipv4.destroyed.push(listener);
    this.#ipv6.destroyed.push(listener);
  }

  /** Lines as `conntrack -L` prints them, oldest connection first. */
  list(_options: ListOptions = {}): string[] {
    return [];
  }

  /** The line of one connection. */
  lineOf(_connections: Connections, _handle: number): string {
    return "";
  }

  /** The line of the packet's connection; null when it has none or the table does not hold it. */
  line(_p: Packet): string | null {
    return null;
  }
}
