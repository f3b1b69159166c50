/** UDP and UDP-Lite (nf_conntrack_proto_udp.c): no states, but a flow that goes on is kept longer. */

import { UDP_TIMEOUT, UDP_TIMEOUT_STREAM } from "../assembly/layout.ts";
import { TRACKER_WORDS } from "../assembly/record-words.ts";
import { IPS_ASSURED, IPS_CONFIRMED, IPS_NAT_CLASH, IPS_SEEN_REPLY } from "../assembly/status.ts";
import type { Core } from "../bytes/core.ts";
import { checksumHolds, verifies } from "../conntrack/checksum.ts";
import type { Connections } from "../conntrack/connections.ts";
import { type Conntrack, directionOf } from "../conntrack/conntrack.ts";
import { HZ } from "../conntrack/jiffies.ts";
import { TRACK_ACCEPT, TRACK_INVALID, type Tracker } from "../conntrack/tracker.ts";
import type { Sysctl } from "../host/sysctl.ts";
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_UDP, IPPROTO_UDPLITE } from "../packet/transport.ts";

const HEADER = 8;
/** Seconds that a flow with packets both ways must last to count as a stream. */
const STREAM_AFTER = 2;
/** Tracker's second word: the jiffy after which the flow is a stream. */
const STREAM_AT = TRACKER_WORDS + 1;

export const udp: Tracker = { allowClash: true, stateName: () => "", packet: trackDatagram, teach };
export const udplite: Tracker = { allowClash: true, stateName: () => "", packet: trackLite };

function teach({ control }: Core, sysctl: Sysctl): void {
  control[UDP_TIMEOUT] = sysctl.udpTimeout * HZ;
  control[UDP_TIMEOUT_STREAM] = sysctl.udpTimeoutStream * HZ;
}

function trackDatagram(on: Conntrack, connections: Connections, handle: number, p: Packet, l4: number): number {
  if (!isSound(on, p, l4)) return refuse(on, p, l4);
  const status = connections.status(handle);
  const at = connections.base(handle) + STREAM_AT;
  if ((status & IPS_CONFIRMED) === 0) connections.record[at] = (connections.now + STREAM_AFTER * HZ) | 0;
  const sysctl = on.sysctl;
  let timeout = sysctl.udpTimeout;
  if ((status & IPS_SEEN_REPLY) !== 0 && ((connections.now - connections.record[at]) | 0) > 0) {
    timeout = sysctl.udpTimeoutStream;
    if ((status & (IPS_ASSURED | IPS_NAT_CLASH)) === 0) connections.addStatus(handle, IPS_ASSURED);
  }
  connections.refresh(handle, timeout * HZ);
  connections.account(handle, directionOf(p), 1, p.length);
  return TRACK_ACCEPT;
}

/** udp_error, when there is none. All that IP carries is summed, also what lies behind the length that UDP declares. */
function isSound(on: Conntrack, p: Packet, l4: number): boolean {
  if (l4 + HEADER > p.end) return false;
  const lengthAndSum = p.view.getInt32(l4 + 4);
  const declared = lengthAndSum >>> 16;
  if (declared > p.start + p.length - l4 || declared < HEADER) return false;
  return (lengthAndSum & 0xffff) === 0 || !verifies(on, p) || checksumHolds(p, l4, IPPROTO_UDP, p.end - l4);
}

/** udp_error: what is wrong. */
function refuse(on: Conntrack, p: Packet, l4: number): number {
  const length = p.start + p.length - l4;
  const declared = l4 + HEADER > p.end ? -1 : p.view.getUint16(l4 + 4);
  if (declared < 0) on.complain(p, IPPROTO_UDP, "short packet");
  else if (declared > length || declared < HEADER) on.complain(p, IPPROTO_UDP, "truncated/malformed packet");
  else on.complain(p, IPPROTO_UDP, "bad checksum");
  return TRACK_INVALID;
}

function trackLite(on: Conntrack, connections: Connections, handle: number, p: Packet, l4: number): number {
  if (hasLiteError(on, p, l4)) return TRACK_INVALID;
  const status = connections.status(handle);
  const stream = (status & IPS_SEEN_REPLY) !== 0;
  connections.refresh(handle, (stream ? on.sysctl.udpTimeoutStream : on.sysctl.udpTimeout) * HZ);
  connections.account(handle, directionOf(p), 1, p.length);
  if (stream && (status & IPS_NAT_CLASH) === 0) connections.addStatus(handle, IPS_ASSURED);
  return TRACK_ACCEPT;
}

/** udplite_error. */
function hasLiteError(on: Conntrack, p: Packet, l4: number): boolean {
  const length = p.start + p.length - l4;
  if (l4 + HEADER > p.end) {
    on.complain(p, IPPROTO_UDPLITE, "short packet");
    return true;
  }
  const coverage = p.view.getUint16(l4 + 4) || length;
  if (coverage < HEADER || coverage > length) {
    on.complain(p, IPPROTO_UDPLITE, "invalid checksum coverage");
    return true;
  }
  if (p.view.getUint16(l4 + 6) === 0) {
    on.complain(p, IPPROTO_UDPLITE, "checksum missing");
    return true;
  }
  // The pseudo header is summed with UDP's protocol number, as in the kernel.
  if (!verifies(on, p) || checksumHolds(p, l4, IPPROTO_UDP, coverage)) return false;
  on.complain(p, IPPROTO_UDPLITE, "bad checksum");
  return true;
}
