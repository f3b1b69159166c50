/** GRE (nf_conntrack_proto_gre.c): one flow per pair of hosts, or per PPTP call. */

import { TRACKER_WORDS } from "../assembly/record-words.ts";
import { IPS_ASSURED, IPS_CONFIRMED, IPS_NAT_CLASH, IPS_SEEN_REPLY } from "../assembly/status.ts";
import type { Connections } from "../conntrack/connections.ts";
import { type Conntrack, directionOf } from "../conntrack/conntrack.ts";
import { HZ } from "../conntrack/jiffies.ts";
import { TRACK_ACCEPT, type Tracker } from "../conntrack/tracker.ts";
import type { Packet } from "../packet/packet.ts";

/** Seconds, fixed when the connection begins. */
const TIMEOUT = TRACKER_WORDS + 1;
const STREAM_TIMEOUT = TRACKER_WORDS + 2;

export const gre: Tracker = { allowClash: true, stateName: () => "", packet: trackGre };

function trackGre(on: Conntrack, connections: Connections, handle: number, p: Packet): number {
  const r = connections.record;
  const b = connections.base(handle);
  const status = connections.status(handle);
  if ((status & IPS_CONFIRMED) === 0) {
    r[b + TIMEOUT] = on.sysctl.greTimeout;
    r[b + STREAM_TIMEOUT] = on.sysctl.greTimeoutStream;
  }
  const stream = (status & IPS_SEEN_REPLY) !== 0;
  connections.refresh(handle, r[b + (stream ? STREAM_TIMEOUT : TIMEOUT)] * HZ);
  connections.account(handle, directionOf(p), 1, p.length);
  if (stream && (status & IPS_NAT_CLASH) === 0) connections.addStatus(handle, IPS_ASSURED);
  return TRACK_ACCEPT;
}
