/** What a protocol tracker is: protocol/ implements it, Conntrack calls it by protocol number. */
import type { Core } from "../bytes/core.ts";
import type { Sysctl } from "../host/sysctl.ts";
import type { Packet } from "../packet/packet.ts";
import type { Connections } from "./connections.ts";
import type { Conntrack } from "./conntrack.ts";

/** What a tracker says of a packet, as the kernel's nf_conntrack_*_packet return it. */
export const TRACK_ACCEPT = 1;
/** NF_DROP. */
export const TRACK_DROP = 0;
/** -NF_ACCEPT: the packet is INVALID and goes on without a connection. */
export const TRACK_INVALID = -1;
/** -NF_REPEAT: the connection was removed; look again, and make a new one. */
export const TRACK_REPEAT = -4;

export interface Tracker {
  /** Another packet of the same flow that confirms later may join the connection that won (nf_ct_resolve_clash). */
  readonly allowClash: boolean;
  /**
   * Judges a packet of a connection (a new one is unconfirmed): moves the connection's state, refreshes its timeout,
   * accounts. `p.ct` and `p.ctinfo` are set; `l4` is the offset of the transport header, which may not be there.
   */
  packet(on: Conntrack, connections: Connections, handle: number, p: Packet, l4: number): number;
  /** Name of a state ("ESTABLISHED"), or "" where the protocol has none. */
  stateName(state: number): string;
  /**
   * NAT finds no free tuple for the new connection `fresh`: is `old`, which has one that would do, over and done with,
   * so that nothing of it can be taken for `fresh`'s? Absent: never. nf_nat_core.c: nf_nat_used_tuple_harder.
   */
  outlived?(connections: Connections, old: number, fresh: number): boolean;
  /** The host itself ended the confirmed connection (nf_conntrack_set_closing). Absent: that changes nothing. */
  close?(on: Conntrack, connections: Connections, handle: number): void;
  /** Writes into the core's memory what it has to know of this protocol: tables, and timeouts as sysctls say. */
  teach?(core: Core, sysctl: Sysctl): void;
}

/** protocol/'s table. */
export interface Trackers {
  /** By protocol number, 256 of them. */
  readonly byProtocol: readonly Tracker[];
}
