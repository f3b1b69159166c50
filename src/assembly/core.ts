/**
 * What happens to nearly every packet of an IPv4 connection, in WebAssembly: this folder is compiled by AssemblyScript, which
 * is TypeScript for machine words. It works in one memory (layout.ts) where the capture's bytes lie and the connections.
 *
 * Nothing here refuses, explains or complains: what is not as nearly always is left untouched for conntrack/ and protocol/,
 * which know everything. `track` says 0 then.
 */

import { arrive, judge, look } from "./at-hand";
import { LONG_WAY, TRANSPORT_CHECKSUM } from "./layout";
import { insert } from "./table";

export { begin } from "./at-hand";
export { stream } from "./stream";
export { sum } from "./sum";

/**
 * Conntrack.track of a whole IPv4 packet of `length` bytes at `start`, with its TCP or UDP header at `l4`, of which the bytes
 * before `end` are there. `verify`: 1 when its checksum is to be verified.
 */
export function track(start: i32, l4: i32, end: i32, length: i32, verify: i32): i32 {
  look(start, l4, end, length);
  return judge(start, verify);
}

/**
 * ip_rcv, nf_conntrack_in and the routing decision, of a packet that came in by device `iif`, of whose `wire` bytes those
 * before `end` are there: as `track`. It can be forwarded: there is time to live, and the route is one that is known. That of
 * a connection's packet leads where the connection's translation says.
 */
export function receive(start: i32, l4: i32, end: i32, wire: i32, verify: i32, iif: i32): i32 {
  if (!arrive(start, l4, end, wire, verify, iif)) return LONG_WAY;
  return judge(start, verify & TRANSPORT_CHECKSUM);
}

/** Connections.insert; see table.ts. */
export function confirm(handle: i32): i32 {
  return insert(handle);
}
