/** What a protocol tracker is: protocol/ implements it, Conntrack calls it by protocol number. */
import type { Packet } from "../packet/packet.ts";
import type { Connections } from "./connections.ts";
import type { Conntrack } from "./conntrack.ts";
import type { Tuple } from "./tuple.ts";

/** What a tracker says of a packet, as the kernel's nf_conntrack_*_packet return it. */
export const TRACK_ACCEPT = 1;
/** -NF_ACCEPT: the packet is INVALID and goes on without a connection. */
export const TRACK_INVALID = -1;
/** -NF_DROP. */
export const TRACK_DROP = 0;
/** -NF_REPEAT: the connection was removed; look again, and make a new one. */
export const TRACK_REPEAT = -4;

export interface Tracker {
  /** As `conntrack -L` names it: "tcp". */
  readonly name: string;
  /**
   * Judges a packet of a connection (new ones are unconfirmed), moves the connection's state, refreshes its timeout.
   * `p.ct` and `p.ctinfo` are set.
   */
  packet(on: Conntrack, connections: Connections, handle: number, p: Packet): number;
  /** Fills `sport` and `dport` of the tuple from the transport header at `l4`; false when it is not there. */
  tuple(p: Packet, l4: number, tuple: Tuple): boolean;
  /** Name of the connection's state ("ESTABLISHED"), or "" for protocols that print none. */
  state?(connections: Connections, handle: number): string;
  /** The protocol's words of a tuple, as the listing prints them: "sport=1 dport=2 ", or "". */
  printTuple(tuple: Tuple): string;
}

/** By protocol number; protocols without an entry get `generic`. */
export interface Trackers {
  readonly generic: Tracker;
  readonly byProtocol: readonly (Tracker | undefined)[];
}
