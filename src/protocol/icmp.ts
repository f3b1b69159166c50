/**
 * ICMP and ICMPv6 queries (nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c). Errors never get here: they belong to
 * the connection they are about (conntrack/icmp-error.ts).
 */

import { ICMP_TIMEOUT } from "../assembly/layout.ts";
import { IPS_CONFIRMED } from "../assembly/status.ts";
import type { Core } from "../bytes/core.ts";
import type { Connections } from "../conntrack/connections.ts";
import { type Conntrack, directionOf } from "../conntrack/conntrack.ts";
import { HZ } from "../conntrack/jiffies.ts";
import { TRACK_ACCEPT, TRACK_INVALID, type Tracker } from "../conntrack/tracker.ts";
import { ORIGINAL, Tuple } from "../conntrack/tuple.ts";
import type { Sysctl } from "../host/sysctl.ts";
import type { Packet } from "../packet/packet.ts";

/** Echo, timestamp, information and address mask requests: what a flow may begin with. */
const ICMP_REQUESTS = [8, 13, 15, 17];
/** Echo request, node information query. */
const ICMPV6_REQUESTS = [128, 139];

const original = new Tuple();

export const icmp: Tracker = { allowClash: false, stateName: () => "", packet: trackIcmp, teach };
export const icmpv6: Tracker = { allowClash: false, stateName: () => "", packet: trackIcmpv6 };

function teach({ control }: Core, sysctl: Sysctl): void {
  control[ICMP_TIMEOUT] = sysctl.icmpTimeout * HZ;
}

function trackIcmp(on: Conntrack, connections: Connections, handle: number, p: Packet): number {
  if (p.family !== 4) return wrongFamily(on, p, "ICMP in IPv6");
  if (!isRequest(on, connections, handle, p, ICMP_REQUESTS)) return TRACK_INVALID;
  return count(connections, handle, p, on.sysctl.icmpTimeout);
}

function trackIcmpv6(on: Conntrack, connections: Connections, handle: number, p: Packet): number {
  if (p.family !== 6) return wrongFamily(on, p, "ICMPv6 in IPv4");
  if (!isRequest(on, connections, handle, p, ICMPV6_REQUESTS)) return TRACK_INVALID;
  return count(connections, handle, p, on.sysctl.icmpv6Timeout);
}

function wrongFamily(on: Conntrack, p: Packet, reason: string): number {
  if (p.steps !== null) on.explain(p, reason);
  return TRACK_INVALID;
}

/** Was the connection begun with a request? An answer without one makes no connection. */
function isRequest(
  on: Conntrack,
  connections: Connections,
  handle: number,
  p: Packet,
  requests: readonly number[],
): boolean {
  if ((connections.status(handle) & IPS_CONFIRMED) !== 0) return true;
  connections.tuple(handle, ORIGINAL, original);
  if (requests.includes(original.dport >>> 8)) return true;
  if (p.steps !== null) on.explain(p, "an answer to no known request");
  return false;
}

/** The entry outlives the answer: duplicates of it are answers, too. */
function count(connections: Connections, handle: number, p: Packet, timeout: number): number {
  connections.refresh(handle, timeout * HZ);
  connections.account(handle, directionOf(p), 1, p.length);
  return TRACK_ACCEPT;
}
