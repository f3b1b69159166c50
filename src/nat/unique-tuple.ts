/**
 * Finds the tuple that a connection gets: inside the range, and used by nobody else if that can be had
 * (nf_nat_core.c: get_unique_tuple). In order:
 *
 *   1. sources only: the tuple as it is, when it is in the range and free; else what the same source got before
 *   2. an address of the range (a hash, address-choice.ts)
 *   3. the port as it is, when it is in the range and free
 *   4. a search through the range's ports from a random start: 128 ports, then 64 from another, 32, 16, 8
 *
 * When even that fails the last port tried is taken, and the packet is dropped when the connection cannot be confirmed.
 */

import {
  IPS_DYING,
  IPS_EXPECTED,
  IPS_FIXED_TIMEOUT,
  IPS_NAT_MASK,
  IPS_SEQ_ADJUST,
  IPS_SRC_NAT,
} from "../assembly/status.ts";
import type { Connections } from "../conntrack/connections.ts";
import type { Conntrack } from "../conntrack/conntrack.ts";
import { ORIGINAL, REPLY, Tuple } from "../conntrack/tuple.ts";
import type { RandomPurpose } from "../host/random.ts";
import {
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "../packet/transport.ts";
import { chooseAddress } from "./address-choice.ts";
import type { BySource } from "./by-source.ts";
import {
  MANIP_DST,
  MANIP_SRC,
  type Manip,
  NAT_RANGE_MAP_IPS,
  NAT_RANGE_PROTO_OFFSET,
  NAT_RANGE_PROTO_SPECIFIED,
  NAT_RANGE_RANDOM_ALL,
  type NatRange,
} from "./range.ts";

const MAX_ATTEMPTS = 128;
/** With so few attempts left, a TCP connection that is over may be evicted. */
const HARDER_THRESHOLD = MAX_ATTEMPTS / 4;

/** The values that the port, id or key may take. */
interface Search {
  min: number;
  size: number;
}

export class UniqueTuple {
  readonly #conntrack: Conntrack;
  readonly #reply = new Tuple();
  readonly #other = new Tuple();
  readonly #search: Search = { min: 0, size: 0 };

  constructor(conntrack: Conntrack) {
    this.#conntrack = conntrack;
  }

  /**
   * Fills `into` with the tuple for unconfirmed connection `handle`, whose original direction looks like `current` so
   * far (translation of its destination included).
   */
  choose(
    connections: Connections,
    handle: number,
    bySource: BySource,
    current: Tuple,
    range: NatRange,
    manip: Manip,
    into: Tuple,
  ): void {
    const random = (range.flags & NAT_RANGE_RANDOM_ALL) !== 0;
    if (manip === MANIP_SRC && !random) {
      if (inRange(current, range)) {
        if (!this.#takenUntouched(connections, handle, current)) {
          into.copyFrom(current);
          return;
        }
      } else if (this.#findSameSource(connections, handle, bySource, current, range, into)) {
        if (!this.#taken(connections, handle, into)) return;
      }
    }
    into.copyFrom(current);
    chooseAddress(into, connections.zone(handle), range, manip);
    if (!random && this.#staysAsItIs(connections, handle, range, manip, into)) return;
    this.#searchPort(connections, handle, range, manip, into);
  }

  /** Is the port acceptable without a search? */
  #staysAsItIs(connections: Connections, handle: number, range: NatRange, manip: Manip, tuple: Tuple): boolean {
    if ((range.flags & NAT_RANGE_PROTO_SPECIFIED) === 0) return !this.#taken(connections, handle, tuple);
    if ((range.flags & NAT_RANGE_PROTO_OFFSET) !== 0 || !portInRange(tuple, range, manip)) return false;
    return range.minPort === range.maxPort || !this.#taken(connections, handle, tuple);
  }

  /** nf_nat_used_tuple */
  #taken(connections: Connections, handle: number, tuple: Tuple): boolean {
    tuple.invertInto(this.#reply);
    return connections.taken(this.#reply, handle);
  }

  /**
   * nf_nat_used_tuple_new: two packets that cross each other may both have made a connection. Without NAT the tuple
   * then counts as free, and confirming resolves the clash.
   */
  #takenUntouched(connections: Connections, handle: number, tuple: Tuple): boolean {
    if (!this.#taken(connections, handle, tuple)) return false;
    if (!this.#conntrack.tracker(tuple.protocol).allowClash) return true;
    const usesNat = IPS_NAT_MASK | IPS_SEQ_ADJUST;
    if ((connections.status(handle) & usesNat) !== 0) return true;
    const other = this.#find(connections, handle, tuple) || this.#findInverse(connections, handle, tuple);
    if (other === 0) return false;
    if ((connections.status(other >>> 1) & usesNat) !== 0) return true;
    connections.tuple(other >>> 1, ORIGINAL, this.#other);
    connections.tuple(handle, REPLY, this.#reply);
    return !this.#other.equals(this.#reply);
  }

  /** nf_conntrack_find_get with the zones of `handle`: the node, or 0. */
  #find(connections: Connections, handle: number, tuple: Tuple): number {
    const other = this.#other;
    other.copyFrom(tuple);
    other.zone = connections.zoneOf(handle, ORIGINAL);
    const replyZone = connections.zoneOf(handle, REPLY);
    if (replyZone === other.zone) return connections.find(other, 3);
    const node = connections.find(other, 1);
    if (node !== 0) return node;
    other.zone = replyZone;
    return connections.find(other, 2);
  }

  #findInverse(connections: Connections, handle: number, tuple: Tuple): number {
    tuple.invertInto(this.#reply);
    return this.#find(connections, handle, this.#reply);
  }

  /** find_appropriate_src: the source that the newest connection from here got, if the range has it. */
  #findSameSource(
    connections: Connections,
    handle: number,
    bySource: BySource,
    current: Tuple,
    range: NatRange,
    into: Tuple,
  ): boolean {
    for (let at = bySource.next(handle, current, 0); at !== 0; at = bySource.next(handle, current, at)) {
      connections.tuple(at, REPLY, this.#reply);
      this.#reply.invertInto(into);
      into.dst0 = current.dst0;
      into.dst1 = current.dst1;
      into.dst2 = current.dst2;
      into.dst3 = current.dst3;
      into.dport = current.dport;
      into.zone = current.zone;
      if (inRange(into, range)) return true;
    }
    return false;
  }

  /** nf_nat_l4proto_unique_tuple */
  #searchPort(connections: Connections, handle: number, range: NatRange, manip: Manip, tuple: Tuple): void {
    const search = this.#search;
    const expected = (connections.status(handle) & IPS_EXPECTED) !== 0;
    if (!portsToTry(tuple, expected, range, manip, search)) return;
    const { min, size } = search;
    const isId = tuple.protocol === IPPROTO_ICMP || tuple.protocol === IPPROTO_ICMPV6;
    const inSource = manip === MANIP_SRC || isId;
    const purpose = manip === MANIP_SRC ? (isId ? "nat source id" : "nat source port") : destinationPurpose(isId);
    const random = this.#conntrack.host.random;

    // The kernel counts offsets in 16 bits.
    let offset = 0;
    if ((range.flags & NAT_RANGE_PROTO_OFFSET) !== 0)
      offset = ((inSource ? tuple.sport : tuple.dport) - range.basePort) & 0xffff;
    else if ((range.flags & NAT_RANGE_RANDOM_ALL) !== 0 || manip !== MANIP_DST)
      offset = random.offset(purpose, min, size);

    for (let attempts = Math.min(size, MAX_ATTEMPTS); ; attempts >>= 1) {
      for (let left = attempts; left > 0; left--) {
        const port = (min + (offset % size)) & 0xffff;
        if (inSource) tuple.sport = port;
        else tuple.dport = port;
        if (!this.#takenHarder(connections, handle, tuple, left)) return;
        offset = (offset + 1) & 0xffff;
      }
      if (attempts >= size || attempts < 16) {
        const last = random.last(purpose, inSource ? tuple.sport : tuple.dport);
        if (inSource) tuple.sport = last;
        else tuple.dport = last;
        return;
      }
      offset = random.offset(purpose, min, size);
    }
  }

  /** nf_nat_used_tuple_harder: towards the end of a search, a TCP connection in TIME_WAIT gives way to a newer one. */
  #takenHarder(connections: Connections, handle: number, tuple: Tuple, attemptsLeft: number): boolean {
    if (!this.#taken(connections, handle, tuple)) return false;
    if (attemptsLeft > HARDER_THRESHOLD) return true;
    const node = this.#findInverse(connections, handle, tuple);
    if ((node & 1) === ORIGINAL) return true;
    const old = node >>> 1;
    const status = connections.status(old) & (IPS_SRC_NAT | IPS_FIXED_TIMEOUT | IPS_DYING);
    const outlived = this.#conntrack.tracker(tuple.protocol).outlived;
    if (status !== IPS_SRC_NAT || outlived === undefined || !outlived(connections, old, handle)) return true;
    connections.remove(old);
    return false;
  }
}

function destinationPurpose(isId: boolean): RandomPurpose {
  return isId ? "nat destination id" : "nat destination port";
}

/** nf_in_range: would this source satisfy the range? */
function inRange(tuple: Tuple, range: NatRange): boolean {
  if ((range.flags & NAT_RANGE_MAP_IPS) !== 0 && !sourceInRange(tuple, range)) return false;
  return (range.flags & NAT_RANGE_PROTO_SPECIFIED) === 0 || portInRange(tuple, range, MANIP_SRC);
}

function sourceInRange(tuple: Tuple, range: NatRange): boolean {
  const { src0, src1, src2, src3 } = tuple;
  return (
    compareAddresses(src0, src1, src2, src3, range.min0, range.min1, range.min2, range.min3) >= 0 &&
    compareAddresses(src0, src1, src2, src3, range.max0, range.max1, range.max2, range.max3) <= 0
  );
}

function compareAddresses(
  a0: number,
  a1: number,
  a2: number,
  a3: number,
  b0: number,
  b1: number,
  b2: number,
  b3: number,
): number {
  return (a0 >>> 0) - (b0 >>> 0) || (a1 >>> 0) - (b1 >>> 0) || (a2 >>> 0) - (b2 >>> 0) || (a3 >>> 0) - (b3 >>> 0);
}

/** l4proto_in_range. Protocols without ports are in every range. */
function portInRange(tuple: Tuple, range: NatRange, manip: Manip): boolean {
  const protocol = tuple.protocol;
  let port = tuple.sport;
  if (protocol !== IPPROTO_ICMP && protocol !== IPPROTO_ICMPV6) {
    if (protocol !== IPPROTO_GRE && !hasPorts(protocol)) return true;
    if (manip === MANIP_DST) port = tuple.dport;
  }
  return port >= range.minPort && port <= range.maxPort;
}

/** Protocols whose ports NAT may change. */
export function hasPorts(protocol: number): boolean {
  return (
    protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || protocol === IPPROTO_UDPLITE || protocol === IPPROTO_SCTP
  );
}

/**
 * Sets the values to search through; false when the protocol has none or they must stay. `expected`: the connection
 * has a master, so that GRE is PPTP's.
 */
function portsToTry(tuple: Tuple, expected: boolean, range: NatRange, manip: Manip, search: Search): boolean {
  const specified = (range.flags & NAT_RANGE_PROTO_SPECIFIED) !== 0;
  if (tuple.protocol === IPPROTO_ICMP || tuple.protocol === IPPROTO_ICMPV6) {
    search.min = specified ? range.minPort : 0;
    search.size = specified ? range.maxPort - range.minPort + 1 : 65536;
    return search.size > 0;
  }
  const isKey = tuple.protocol === IPPROTO_GRE && expected;
  if (!isKey && !hasPorts(tuple.protocol)) return false;
  if (specified) {
    search.min = Math.min(range.minPort, range.maxPort);
    search.size = Math.abs(range.maxPort - range.minPort) + 1;
    return true;
  }
  if (isKey) {
    setSearch(search, 1, 65535);
    return true;
  }
  if (manip === MANIP_DST) return false;
  // Ports below 512 were a credential once (rsh); they stay among themselves.
  if (tuple.sport < 512) setSearch(search, 1, 511);
  else if (tuple.sport < 1024) setSearch(search, 600, 1023);
  else setSearch(search, 1024, 65535);
  return true;
}

function setSearch(search: Search, first: number, last: number): void {
  search.min = first;
  search.size = last - first + 1;
}
