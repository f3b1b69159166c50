/**
 * What a routing decision answers. Routes are made when the host is built (one per entry of the forwarding table)
 * and shared by all packets that take them: the fast path only ever passes them on.
 */

/** uapi/linux/rtnetlink.h: RTN_* */
export const RTN_UNSPEC = 0;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_MULTICAST = 5;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;

export const ROUTE_TYPE_NAMES = [
  "unspec",
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
] as const;

/** asm-generic/errno.h; `Route.error` holds one of these, or 0. */
export const EACCES = 13;
export const EINVAL = 22;
export const ENETUNREACH = 101;
export const EHOSTUNREACH = 113;

export interface Route {
  /**
   * RTN_UNICAST: leaves by `dev`. RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST, RTN_MULTICAST: delivered here when it was
   * received; when the host sends it, `dev` is where it leaves (lo for local destinations).
   * RTN_UNREACHABLE with `error`: no way there; received packets are answered as `ip_error` / `ip6_pkt_drop` do
   * (EHOSTUNREACH, ENETUNREACH, EACCES; EINVAL is a blackhole: silence).
   * RTN_UNSPEC: dropped before any of that, without an answer; `reason` says why ("martian source").
   */
  readonly type: number;
  /** Interface index of the device it leaves by; 0 where there is none. */
  readonly dev: number;
  /** 0, or the errno (positive) that the kernel's lookup ended with. */
  readonly error: number;
  /** Why there is no way, as a clause; "" when there is one. */
  readonly reason: string;
  /** The next hop of the packet's own family; all words 0 when the destination is on the link itself. */
  readonly via0: number;
  readonly via1: number;
  readonly via2: number;
  readonly via3: number;
  /** The source address the host uses on this route (`src`, or the device's); all 0 when it has none. */
  readonly source0: number;
  readonly source1: number;
  readonly source2: number;
  readonly source3: number;
  /** Largest packet that fits, in bytes: the route's `mtu`, else the device's. */
  readonly mtu: number;
  /** The route says `mtu lock`: path MTU discovery is off there, DF is not looked at (IPv4). */
  readonly mtuLocked: boolean;
}
