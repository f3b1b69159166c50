/**
 * IPv6 routing decisions: where a received packet goes (net/ipv6/route.c: ip6_route_input), the way of a packet that
 * the host sends (ip6_route_output), multicast groups, and the choice of a source address (RFC 6724).
 */
import {
  ADDR_ANY,
  ADDR_MULTICAST,
  addressKind6,
  commonBits6,
  isOrchid,
  label6,
  needsLink6,
  SCOPE_LINK,
  scope6,
} from "./address6.ts";
import { type Entry6, Fib6 } from "./fib6.ts";
import { type Interface, LO } from "./interfaces.ts";
import {
  EACCES,
  EHOSTUNREACH,
  EINVAL,
  ENETUNREACH,
  makeRoute,
  type Route,
  RTN_ANYCAST,
  RTN_BLACKHOLE,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTN_UNSPEC,
} from "./route.ts";
import type { RouteSpec } from "./routes.ts";

const SLOTS = 1024;

const NO_ROUTE = makeRoute({ type: RTN_UNREACHABLE, error: ENETUNREACH, reason: "no route" });
const UNREACHABLE = makeRoute({ type: RTN_UNREACHABLE, error: EHOSTUNREACH, reason: "unreachable route" });
const PROHIBIT = makeRoute({ type: RTN_UNREACHABLE, error: EACCES, reason: "prohibit route" });
const BLACKHOLE = makeRoute({ type: RTN_UNREACHABLE, error: EINVAL, reason: "blackhole route" });
const REJECT = makeRoute({ type: RTN_UNREACHABLE, error: ENETUNREACH, reason: "the route leads to lo" });
/** The host's own packets go as far as OUTPUT: the route has no error of its own (fib6_prop), only a discarding output. */
const REJECT_OUTPUT = makeRoute({ type: RTN_UNREACHABLE, dev: LO, sourceDev: LO, mtu: 65536, reason: REJECT.reason });
const GROUP = makeRoute({ type: RTN_MULTICAST, dev: LO });
const NOT_A_MEMBER = makeRoute({
  type: RTN_UNSPEC,
  error: EINVAL,
  reason: "multicast group not joined",
  detail: "no multicast routing, and the host is not in this group",
});

export class Routing6 {
  readonly #fib: Fib6;
  readonly #interfaces: readonly Interface[];
  /** Groups that a device joined, as `w0,w1,w2,w3`. */
  readonly #groups: Set<string>[];
  /** Whether the device counts as a router's, as the tables know it so far. */
  readonly #router: boolean[];
  readonly #disabled: boolean[];

  /** Five words a slot: destination and device; the first half of the slots for input, the second for output. */
  readonly #keys = new Int32Array(2 * SLOTS * 5);
  readonly #found: Route[] = new Array(2 * SLOTS).fill(NO_ROUTE);

  constructor(interfaces: readonly Interface[]) {
    this.#interfaces = interfaces;
    this.#fib = new Fib6(interfaces);
    this.#groups = interfaces.map((device) => new Set(initialGroups(device)));
    this.#router = interfaces.map(() => true);
    this.#disabled = interfaces.map(() => false);
    this.settingsChanged();
  }

  add(spec: RouteSpec): void {
    this.#fib.add(spec);
    this.flush();
  }

  flush(): void {
    this.#keys.fill(-1);
    this.#fib.forEach((entry) => {
      entry.route = null;
    });
  }

  /** Brings tables and groups in line with the devices' settings (addrconf.c: dev_forward_change, disable_ipv6). */
  settingsChanged(): void {
    for (const device of this.#interfaces) {
      const { index } = device;
      if (index === 0) continue;
      if (device.settings6.disabled && !this.#disabled[index]) {
        this.#fib.removeDevice(index);
        this.#groups[index].clear();
      }
      this.#disabled[index] ||= device.settings6.disabled;
      const router = device.settings6.forwarding;
      if (router !== this.#router[index] && !device.loopback && !this.#disabled[index]) {
        this.#fib.setAnycast(device, router);
        for (const group of ROUTER_GROUPS)
          if (router) this.#groups[index].add(group);
          else this.#groups[index].delete(group);
        const own = solicitedNodeGroups(device);
        for (const group of anycastGroups(device))
          if (router) this.#groups[index].add(group);
          else if (!own.includes(group)) this.#groups[index].delete(group);
      }
      this.#router[index] = router;
    }
    this.flush();
  }

  /** The entry for an address (ip6_route_lookup) by way of `dev`, 0: of any; null: none, or one that leads nowhere. */
  entry(w0: number, w1: number, w2: number, w3: number, dev: number): Entry6 | null {
    const entry = this.#fib.lookup(w0, w1, w2, w3, dev, dev !== 0 && needsLink6(addressKind6(w0, w1, w2, w3)));
    return entry === null || entry.reject ? null : entry;
  }

  isOwn(w0: number, w1: number, w2: number, w3: number): boolean {
    return this.#fib.isLocal([w0, w1, w2, w3], 0);
  }

  /** Is it an anycast address of the device, or of any (`dev` 0)? */
  isOwnAnycast(w0: number, w1: number, w2: number, w3: number, dev: number): boolean {
    return this.#fib.isAnycast(w0, w1, w2, w3, dev);
  }

  isGroupMember(dev: number, w0: number, w1: number, w2: number, w3: number): boolean {
    return this.#groups[dev].has(`${w0},${w1},${w2},${w3}`);
  }

  input(w0: number, w1: number, w2: number, w3: number, iif: number): Route {
    const slot = slotOf(w0, w1, w2, w3, iif);
    if (this.#holds(slot, w0, w1, w2, w3, iif)) return this.#found[slot];
    const kind = addressKind6(w0, w1, w2, w3);
    const entry = this.#fib.lookup(w0, w1, w2, w3, iif, needsLink6(kind));
    let route = this.#routeOf(entry);
    if (route.type === RTN_MULTICAST) route = this.isGroupMember(iif, w0, w1, w2, w3) ? GROUP : NOT_A_MEMBER;
    this.#remember(slot, w0, w1, w2, w3, iif, route);
    return route;
  }

  /** `chosen`: the packet has a source address already, so that `oif` is only a preference (ip6_route_output). */
  output(w0: number, w1: number, w2: number, w3: number, oif: number, chosen: boolean): Route {
    const tag = oif * 2 + (chosen ? 1 : 0);
    const slot = SLOTS + slotOf(w0, w1, w2, w3, tag);
    if (this.#holds(slot, w0, w1, w2, w3, tag)) return this.#found[slot];
    const found = this.#routeOf(this.#outputEntry(w0, w1, w2, w3, oif, chosen));
    const route = found === REJECT ? REJECT_OUTPUT : found;
    this.#remember(slot, w0, w1, w2, w3, tag, route);
    return route;
  }

  #outputEntry(w0: number, w1: number, w2: number, w3: number, oif: number, chosen: boolean): Entry6 | null {
    const strict = needsLink6(addressKind6(w0, w1, w2, w3)) || (oif !== 0 && !chosen);
    return this.#fib.lookup(w0, w1, w2, w3, oif, strict);
  }

  /** xt_addrtype.c: match_type6, as the set of types: bits `1 << RTN_*`. */
  addressTypes(w0: number, w1: number, w2: number, w3: number, dev: number): number {
    const kind = addressKind6(w0, w1, w2, w3);
    let types = kind === ADDR_ANY ? 1 << RTN_UNSPEC : kind & (1 << RTN_UNSPEC) ? 1 << RTN_UNICAST : 0;
    if (kind & ADDR_MULTICAST) types |= 1 << RTN_MULTICAST;
    const entry = this.#outputEntry(w0, w1, w2, w3, dev, false);
    if (entry === null || (entry.reject && this.#routeOf(entry).error !== 0)) return types | (1 << RTN_UNREACHABLE);
    if (dev !== 0 ? this.#fib.isLocal([w0, w1, w2, w3], dev) : entry.type === RTN_LOCAL) types |= 1 << RTN_LOCAL;
    if (isAnycast(entry, w0, w1, w2, w3)) types |= 1 << RTN_ANYCAST;
    return types;
  }

  /** Is the destination of this output route an anycast address? */
  leadsToAnycast(w0: number, w1: number, w2: number, w3: number, oif: number, chosen: boolean): boolean {
    const entry = this.#outputEntry(w0, w1, w2, w3, oif, chosen);
    return entry !== null && isAnycast(entry, w0, w1, w2, w3);
  }

  #holds(slot: number, w0: number, w1: number, w2: number, w3: number, tag: number): boolean {
    const keys = this.#keys;
    const at = slot * 5;
    return keys[at] === w0 && keys[at + 1] === w1 && keys[at + 2] === w2 && keys[at + 3] === w3 && keys[at + 4] === tag;
  }

  #remember(slot: number, w0: number, w1: number, w2: number, w3: number, tag: number, route: Route): void {
    const keys = this.#keys;
    const at = slot * 5;
    keys[at] = w0;
    keys[at + 1] = w1;
    keys[at + 2] = w2;
    keys[at + 3] = w3;
    keys[at + 4] = tag;
    this.#found[slot] = route;
  }

  #routeOf(entry: Entry6 | null): Route {
    if (entry === null) return NO_ROUTE;
    entry.route ??= this.#make(entry);
    return entry.route;
  }

  /** route.c: ip6_rt_init_dst */
  #make(entry: Entry6): Route {
    if (entry.type === RTN_BLACKHOLE) return BLACKHOLE;
    if (entry.type === RTN_PROHIBIT) return PROHIBIT;
    if (entry.type === RTN_UNREACHABLE) return UNREACHABLE;
    if (entry.reject) return REJECT;
    // RTF_LOCAL, RTF_ANYCAST: a route of type anycast that somebody added has no such flag.
    const here = entry.type === RTN_LOCAL || (entry.type === RTN_ANYCAST && entry.noNextHop);
    const dev = here ? LO : entry.dev;
    const deviceMtu = this.#interfaces[dev].settings6.mtu;
    const via = entry.via ?? NO_WORDS;
    const source = entry.prefsrc ?? NO_WORDS;
    return makeRoute({
      type: entry.type,
      dev,
      via0: via[0],
      via1: via[1],
      via2: via[2],
      via3: via[3],
      source0: source[0],
      source1: source[1],
      source2: source[2],
      source3: source[3],
      sourceDev: entry.dev,
      mtu: entry.mtu || deviceMtu,
      // ip6_dst_mtu_maybe_forward: forwarding heeds the route's mtu only when it is locked.
      forwardMtu: entry.mtuLocked && entry.mtu !== 0 ? entry.mtu : deviceMtu,
      mtuLocked: entry.mtuLocked,
      hopLimit: entry.hopLimit,
    });
  }

  /** addrconf.c: ipv6_dev_get_saddr. Writes four words into `out`; false when the host has no fitting address. */
  selectAddress(dev: number, w0: number, w1: number, w2: number, w3: number, out: Int32Array): boolean {
    const destination = [w0, w1, w2, w3];
    const kind = addressKind6(w0, w1, w2, w3);
    const scope = scope6(w0, w1, w2, w3);
    const label = label6(w0, w1, w2, w3);
    const own = this.#interfaces[dev];
    const onlyHere =
      dev !== 0 && ((kind & ADDR_MULTICAST) !== 0 || scope <= SCOPE_LINK || own.settings6.useOifAddrsOnly);
    let winner: readonly number[] | null = null;
    let highest: readonly number[] = [];
    for (const device of onlyHere ? [own] : this.#interfaces) {
      if (device.settings6.disabled) continue;
      for (const address of device.addresses) {
        if (address.family !== 6) continue;
        const [a0, a1, a2, a3] = address.words;
        const reach = scope6(a0, a1, a2, a3);
        // One number a rule, in the order of the rules; the greater wins.
        const score = [
          Number(a0 === w0 && a1 === w1 && a2 === w2 && a3 === w3),
          reach >= scope ? -reach : reach - 128,
          Number(dev === 0 || device.index === dev),
          Number(label6(a0, a1, a2, a3) === label),
          Number(isOrchid(a0) === isOrchid(w0)),
          Math.min(commonBits6(address.words, destination), address.prefixLength),
        ];
        const differs = score.findIndex((points, rule) => points !== highest[rule]);
        if (winner === null || (differs >= 0 && score[differs] > highest[differs])) {
          winner = address.words;
          highest = score;
        }
      }
    }
    if (winner === null) return false;
    out.set(winner);
    return true;
  }
}

/** ip6_route.h: ipv6_anycast_destination: also the first address of any network that is on the link. */
function isAnycast(entry: Entry6, w0: number, w1: number, w2: number, w3: number): boolean {
  const [p0, p1, p2, p3] = entry.prefix;
  const first = entry.length < 127 && entry.via === null && !entry.noNextHop;
  return (entry.type === RTN_ANYCAST && entry.noNextHop) || (first && p0 === w0 && p1 === w1 && p2 === w2 && p3 === w3);
}

const NO_WORDS: readonly number[] = [0, 0, 0, 0];
const ALL_NODES = ["-16646144,0,0,1", "-16711680,0,0,1"]; //          ff02::1, ff01::1
const ALL_ROUTERS = "-16646144,0,0,2"; //                              ff02::2
const ROUTER_GROUPS = [ALL_ROUTERS, "-16711680,0,0,2", "-16449536,0,0,2"]; // and ff01::2, ff05::2

/** Groups joined when a device of a forwarding host comes up (addrconf.c: ipv6_add_dev, addrconf_join_solict). */
function initialGroups(device: Interface): string[] {
  if (device.index === 0) return [];
  if (device.loopback) return ALL_NODES;
  return [...ALL_NODES, ALL_ROUTERS, ...solicitedNodeGroups(device), ...anycastGroups(device)];
}

const solicited = (word3: number) => `-16646144,0,1,${(word3 & 0xffffff) | 0xff000000}`;

/** Devices without neighbour discovery (tun: IFF_NOARP) join none. */
function solicitedNodeGroups(device: Interface): string[] {
  if (device.mac === null) return [];
  return device.addresses.filter((address) => address.family === 6).map((address) => solicited(address.words[3]));
}

function anycastGroups(device: Interface): string[] {
  if (device.mac === null) return [];
  return device.addresses
    .filter((address) => address.family === 6 && address.prefixLength < 127)
    .map((address) =>
      solicited(address.prefixLength <= 96 ? 0 : address.words[3] & (-1 << (128 - address.prefixLength))),
    );
}

function slotOf(w0: number, w1: number, w2: number, w3: number, tag: number): number {
  let h = Math.imul(w3 ^ Math.imul(tag, 0x61c88647), 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15) ^ w2, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ w1 ^ Math.imul(w0, 0xc2b2ae35), 0x27d4eb2f);
  return h >>> 22;
}
