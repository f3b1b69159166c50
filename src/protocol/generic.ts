/** Every protocol that has no tracker of its own (nf_conntrack_proto_generic.c): one flow per pair of hosts. */

import type { Connections } from "../conntrack/connections.ts";
import { type Conntrack, directionOf } from "../conntrack/conntrack.ts";
import { HZ } from "../conntrack/jiffies.ts";
import { TRACK_ACCEPT, type Tracker } from "../conntrack/tracker.ts";
import type { Packet } from "../packet/packet.ts";

export const generic: Tracker = { allowClash: true, stateName: () => "", packet: trackGeneric };

function trackGeneric(on: Conntrack, connections: Connections, handle: number, p: Packet): number {
  connections.refresh(handle, on.sysctl.genericTimeout * HZ);
  connections.account(handle, directionOf(p), 1, p.length);
  return TRACK_ACCEPT;
}
