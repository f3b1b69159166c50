/**
 * A packet with what only the path needs to know of it: its route, what the IP options said, how it was fragmented,
 * and what was decided so far. (The rest of the kernel's sk_buff, and its control block.)
 */
import type { Route } from "../host/route.ts";
import { Packet } from "../packet/packet.ts";
import { PASS } from "./decisions.ts";
import type { FirstFragment } from "./fragment-queue.ts";
import type { IpOptions } from "./ip-options.ts";

/** Values of Skb.way; the indexes of PATH_NAMES. */
export const WAY_NONE = 0;
export const WAY_FORWARD = 1;
export const WAY_INPUT = 2;
export const WAY_OUTPUT = 3;

export class Skb extends Packet {
  /** Where it goes (skb_dst); null before the routing decision. */
  route: Route | null = null;
  /** The route was looked up for a received packet (rt_is_input_route). */
  routedIn = false;
  /** Device it came in on, as ICMP errors and fragment queues ask (IPCB iif); 0: the host's own. */
  iif = 0;
  /** The device that it belongs to at the moment (skb->dev), which ICMPv6 asks; 0: none. */
  deviceNow = 0;
  /** It is being forwarded (IPSKB_FORWARDED). */
  forwarded = false;
  /** May be fragmented in spite of DF (skb->ignore_df): it was put together from fragments. */
  ignoreDf = false;
  /** Size of the largest fragment it was put together from; 0: it was whole. */
  fragMaxSize = 0;
  /** The largest of those fragments had DF (IPSKB_FRAG_PMTU). */
  fragPmtu = false;
  /** Payload sizes of those fragments, in order, when they may leave as they came; null: they may not. */
  pieces: number[] | null = null;
  /** IPv4 options, null without. */
  options: IpOptions | null = null;
  /** IPv6: a hop-by-hop option asked routers to look (IP6SKB_ROUTERALERT). */
  routerAlert = false;

  /** One of the fields that `begin` need not look at for most packets may be set. */
  special = true;

  // ── what was decided ───────────────────────────────────────────────────────────────────────────────
  /** How far it came: WAY_…. */
  way = WAY_NONE;
  /** Conntrack's classification, index of STATE_NAMES; 0: none. */
  state = 0;
  /** The code that the last table ended with, and that of the filter table; PASS: none was asked. */
  lastCode = PASS;
  filterCode = PASS;
  /** The code that the nat table's chain ended with. */
  natCode = PASS;
  /** It was delivered to the host itself. */
  delivered = false;
  /** Device on which a packet of the host's own arrives again; 0: lo. */
  arrival = 0;
  /** The packet of which this is a copy that the host itself hears; null: it is no such copy. */
  copyOf: Skb | null = null;
  /** A fragment on its way through lo: what the host itself sent in pieces. */
  pieceOf: Skb | null = null;
  /** It was sent to lo and waits to be received there. */
  looped = false;

  /** Forgets what the path noted of the packet before. For use after `load`. */
  begin(): void {
    this.route = null;
    this.routedIn = false;
    this.forwarded = false;
    this.way = WAY_NONE;
    this.state = 0;
    this.lastCode = PASS;
    this.filterCode = PASS;
    this.delivered = false;
    if (this.special) this.#beginSpecial();
  }

  /** What most packets never had. */
  #beginSpecial(): void {
    this.special = false;
    this.ignoreDf = false;
    this.fragMaxSize = 0;
    this.fragPmtu = false;
    this.pieces = null;
    this.options = null;
    this.routerAlert = false;
    this.arrival = 0;
    this.copyOf = null;
    this.pieceOf = null;
    this.looped = false;
  }

  override nextHop4(): number {
    const via = this.route === null ? 0 : this.route.via0;
    return via === 0 ? this.dst0 : via;
  }

  /** pskb_may_pull: what is missing in the first fragment is taken from the next ones, which become shorter. */
  override pull(length: number): void {
    const { pieces } = this;
    if (pieces === null || length > this.end - this.start) return;
    const headers = this.end - this.start - pieces.reduce((sum, size) => sum + size, 0);
    let missing = length - headers - pieces[0];
    if (missing <= 0) return;
    pieces[0] += missing;
    while (missing > 0 && pieces.length > 1) {
      const taken = Math.min(missing, pieces[1]);
      missing -= taken;
      pieces[1] -= taken;
      if (pieces[1] === 0) pieces.splice(1, 1);
    }
  }

  /** Takes over what is not in the bytes, as fragments and copies do (ip_copy_metadata). */
  copyMetadata(from: Skb): void {
    this.inDev = from.inDev;
    this.outDev = from.outDev;
    this.iif = from.iif;
    this.deviceNow = from.deviceNow;
    this.packetType = from.packetType;
    this.mark = from.mark;
    this.priority = from.priority;
    this.local = from.local;
    this.route = from.route;
    this.ct = from.ct;
    this.ctinfo = from.ctinfo;
    this.zone = from.zone;
    this.zoneDirection = from.zoneDirection;
    this.traced = from.traced;
    this.checksum = from.checksum;
    this.state = from.state;
    this.way = from.way;
  }

  /** What a queue of fragments keeps of the first one, of whose payload `length` bytes count. */
  asFirstFragment(headerLength: number, length: number): FirstFragment {
    const mac = this.mac < 0 ? new Uint8Array(0) : this.data.slice(this.mac, this.mac + this.macLength);
    return {
      bytes: this.data.slice(this.start, Math.min(this.end, this.start + headerLength + length)),
      headerLength,
      packetType: this.packetType,
      checksum: this.checksum,
      mark: this.mark,
      priority: this.priority,
      traced: this.traced,
      mac,
    };
  }
}
