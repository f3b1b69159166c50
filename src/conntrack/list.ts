/**
 * Connections as conntrack-tools 1.4.7 prints them (libnetfilter_conntrack: snprintf_default.c). Addresses, then the
 * protocol's words, then what is known of the flow; a field that does not apply is left out.
 */

import { IPS_ASSURED, IPS_CONFIRMED, IPS_SEEN_REPLY } from "../assembly/status.ts";
import { formatIpv4, formatIpv6 } from "../bytes/address.ts";
import type { Family } from "../packet/hook.ts";
import {
  IPPROTO_DCCP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "../packet/transport.ts";
import type { Connections } from "./connections.ts";
import { HZ } from "./jiffies.ts";
import { type Direction, ORIGINAL, REPLY, Tuple } from "./tuple.ts";

export interface ListOptions {
  readonly family?: Family;
  /** `-o extended`: begin with the network protocol. */
  readonly extended?: boolean;
}

/** What `-o extended` begins a line with: the network protocol's name and AF_ number. */
const NETWORKS = { 4: "ipv4     2", 6: "ipv6     10" } as const;

/** A line as `-o extended` prints it. */
export function extendedLine(line: string): string {
  return `${NETWORKS[/ src=\S*:/.test(line) ? 6 : 4]} ${line}`;
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [IPPROTO_ICMP, "icmp"],
  [IPPROTO_TCP, "tcp"],
  [IPPROTO_UDP, "udp"],
  [IPPROTO_DCCP, "dccp"],
  [IPPROTO_GRE, "gre"],
  [IPPROTO_ICMPV6, "icmpv6"],
  [IPPROTO_SCTP, "sctp"],
  [IPPROTO_UDPLITE, "udplite"],
]);

const tuple = new Tuple();

/** One line, without the newline. `now` is in µs; `state` is the name of the tracker's state or "". */
export function formatConnection(
  connections: Connections,
  handle: number,
  state: string,
  now: number,
  options: ListOptions,
): string {
  const protocol = connections.protocol(handle);
  const status = connections.status(handle);
  const timeout = (status & IPS_CONFIRMED) !== 0 ? connections.expires(handle) : connections.timeout(handle);
  const words: string[] = [];
  if (options.extended) words.push(NETWORKS[connections.family]);
  words.push(`${(NAMES.get(protocol) ?? "unknown").padEnd(8)} ${protocol}`, `${Math.floor(timeout / HZ)}`);
  if (state !== "") words.push(state);
  pushDirection(words, connections, handle, ORIGINAL);
  if ((status & IPS_SEEN_REPLY) === 0) words.push("[UNREPLIED]");
  pushDirection(words, connections, handle, REPLY);
  if ((status & IPS_ASSURED) !== 0) words.push("[ASSURED]");
  words.push(`mark=${connections.mark(handle) >>> 0}`);
  const zone = connections.zone(handle);
  if (zone !== 0 && connections.zoneDirection(handle) === 3) words.push(`zone=${zone}`);
  const started = connections.started(handle);
  if (started !== 0) words.push(`delta-time=${Math.floor(now / 1e6) - Math.floor(started / 1e6)}`);
  const helped = connections.helped.get(handle);
  if (helped !== undefined) words.push(`helper=${helped.helper.name}`);
  words.push(`use=${1 + (helped?.children ?? 0)}`);
  return words.join(" ");
}

function pushDirection(words: string[], connections: Connections, handle: number, direction: Direction): void {
  connections.tuple(handle, direction, tuple);
  words.push(formatTuple(tuple));
  if (connections.zoneDirection(handle) === direction + 1 && tuple.zone !== 0)
    words.push(`zone-${direction === ORIGINAL ? "orig" : "reply"}=${tuple.zone}`);
  if (connections.isCounted(handle))
    words.push(`packets=${connections.packets(handle, direction)}`, `bytes=${connections.bytes(handle, direction)}`);
}

/** `src=… dst=…` and what the protocol adds to tell connections apart. */
export function formatTuple(t: Tuple): string {
  const ports = formatPorts(t);
  return `src=${source(t)} dst=${destination(t)}${ports === "" ? "" : ` ${ports}`}`;
}

function source(t: Tuple): string {
  return t.family === 4 ? formatIpv4(t.src0) : formatIpv6(t.src0, t.src1, t.src2, t.src3);
}

function destination(t: Tuple): string {
  return t.family === 4 ? formatIpv4(t.dst0) : formatIpv6(t.dst0, t.dst1, t.dst2, t.dst3);
}

function formatPorts(t: Tuple): string {
  switch (t.protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
      return `sport=${t.sport} dport=${t.dport}`;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return `type=${t.dport >>> 8} code=${t.dport & 0xff} id=${t.sport}`;
    case IPPROTO_GRE:
      return `srckey=0x${t.sport.toString(16)} dstkey=0x${t.dport.toString(16)}`;
    default:
      return "";
  }
}
