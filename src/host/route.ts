/**
 * What a routing decision answers. Routes are made once per entry of the forwarding table and shared by all packets
 * that take them: the fast path only ever passes them on.
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
   * (EHOSTUNREACH, ENETUNREACH, EACCES), but a blackhole (EINVAL) is silent.
   * RTN_UNSPEC: dropped before any of that, without an answer; `reason` says why ("martian source").
   */
  readonly type: number;
  /** Interface index of the device it leaves by; 0 where there is none. */
  readonly dev: number;
  /** 0, or the errno (positive) that the kernel's lookup ended with. */
  readonly error: number;
  /** Why there is no way ("martian source", "no route"); "" when there is one. */
  readonly reason: string;
  /** More words about it, for a person: which check said no. May be "". */
  readonly detail: string;
  /** The next hop of the packet's own family; all words 0 when the destination is on the link itself. */
  readonly via0: number;
  readonly via1: number;
  readonly via2: number;
  readonly via3: number;
  /**
   * IPv4: the source address the host uses on this route when none was chosen; 0 when it has none.
   * IPv6: the route's `src`, all 0 when it says none: then `host.selectAddress6(route.sourceDev, destination…)`.
   */
  readonly source0: number;
  readonly source1: number;
  readonly source2: number;
  readonly source3: number;
  /** The device whose addresses a source is chosen from: `dev`, or for local destinations the one that has it. */
  readonly sourceDev: number;
  /** dst_mtu: the largest packet that fits, in bytes: the route's `mtu`, else the device's. */
  readonly mtu: number;
  /** What a forwarded packet may have (ip_dst_mtu_maybe_forward, ip6_dst_mtu_maybe_forward). */
  readonly forwardMtu: number;
  /** `mtu lock`: DF is not set and not looked at (IPv4). */
  readonly mtuLocked: boolean;
  /** The route's `hoplimit` for packets that the host makes; 0: the system's. */
  readonly hopLimit: number;
  /** IPv4: sender and next hop share the device's link: an ICMP redirect is due (IPSKB_DOREDIRECT). */
  readonly redirect: boolean;
}

const NOWHERE: Route = {
  type: RTN_UNSPEC,
  dev: 0,
  error: 0,
  reason: "",
  detail: "",
  via0: 0,
  via1: 0,
  via2: 0,
  via3: 0,
  source0: 0,
  source1: 0,
  source2: 0,
  source3: 0,
  sourceDev: 0,
  mtu: 0,
  forwardMtu: 0,
  mtuLocked: false,
  hopLimit: 0,
  redirect: false,
};

/** A Route with all fields, in one order, whatever was said: all routes have the same shape. */
export function makeRoute(fields: Partial<Route>): Route {
  return { ...NOWHERE, ...fields };
}
