/**
 * IPv4 routing decisions: where a received packet goes and whether its source can be believed (route.c:
 * ip_route_input_slow; fib_frontend.c: fib_validate_source), and the way of a packet that the host sends
 * (ip_route_output_key_hash_rcu).
 *
 * Both halves of a received packet's answer are remembered by (address, device) in small direct-mapped caches, so
 * that a repeated destination costs two probes. Anything out of the ordinary leaves that path.
 */
import { maskOfPrefix4 } from "../bytes/address.ts";
import { type Entry4, Fib4, isLoopback4, isMulticast4, isReject, selectAddress4 } from "./fib4.ts";
import { type Interface, LO, RT_SCOPE_HOST, RT_SCOPE_LINK, RT_SCOPE_UNIVERSE } from "./interfaces.ts";
import {
  EACCES,
  EHOSTUNREACH,
  EINVAL,
  ENETUNREACH,
  makeRoute,
  type Route,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTN_UNSPEC,
} from "./route.ts";
import type { RouteSpec } from "./routes.ts";

/** From `start` (unsigned) to the next range's, what Routing4.input says of destinations, and of sources. */
export interface RouteRange {
  readonly start: number;
  readonly route: Route;
  /** A source that comes in as any other may: nothing more is to be looked at. */
  readonly ordinary: boolean;
}

const SLOTS = 8192;

// What is remembered of a source on a device, packed into one number; 0 is an ordinary source that may come in here.
const CLASS = 3;
const CLASS_MULTICAST = 1;
const CLASS_ZERO = 2;
const CLASS_LOOPBACK = 3;
/** Two bits: the answer of the check that applies; two more: that of the full check. */
const VALID_SHIFT = 2;
const FULL_SHIFT = 4;
const OK = 0;
const NOT_OURS_TO_SEND = 1;
const WRONG_WAY = 2;
/** The source is a neighbour on this very link: fib_validate_source answers 1. */
const DIRECT = 1 << 6;

const martian = (reason: string, detail: string) => makeRoute({ type: RTN_UNSPEC, error: EINVAL, reason, detail });

const SOURCE_MULTICAST = martian("martian source", "a multicast or broadcast address cannot be a source");
const SOURCE_ZERO = martian("martian source", "0.0.0.0 is a source only of a limited broadcast");
const SOURCE_LOOPBACK = martian("martian source", "127.0.0.0/8 comes in by lo only, unless route_localnet is set");
const SOURCE_OWN = martian("martian source", "the source is an address of this host, or not one of another host");
const SOURCE_WAY = martian("martian source", "rp_filter: the way back to the source does not lead out of this device");
const DESTINATION_ZERO = martian("martian destination", "0.0.0.0 is nobody");
const DESTINATION_LOOPBACK = martian(
  "martian destination",
  "127.0.0.0/8 is reached by lo only, unless route_localnet is set",
);
const DESTINATION_TYPE = martian("martian destination", "the route is neither unicast, local nor broadcast");
const NOT_A_MEMBER = martian("multicast group not joined", "no multicast routing, and the host is not in this group");
// The packet comes as far as ip_error, past its options.
const FORWARDING_OFF = makeRoute({
  type: RTN_UNREACHABLE,
  error: EHOSTUNREACH,
  reason: "forwarding is off",
  detail: "the destination is not this host, and the device does not forward",
});
const NO_ROUTE = makeRoute({ type: RTN_UNREACHABLE, error: ENETUNREACH, reason: "no route" });
const UNREACHABLE = makeRoute({ type: RTN_UNREACHABLE, error: EHOSTUNREACH, reason: "unreachable route" });
const PROHIBIT = makeRoute({ type: RTN_UNREACHABLE, error: EACCES, reason: "prohibit route" });
const BLACKHOLE = makeRoute({ type: RTN_UNREACHABLE, error: EINVAL, reason: "blackhole route" });
const BAD_SOURCE = makeRoute({ type: RTN_UNREACHABLE, error: EINVAL, reason: "the source address cannot be used" });
const BAD_DESTINATION = makeRoute({ type: RTN_UNREACHABLE, error: EINVAL, reason: "the destination cannot be used" });

/** Neighbouring addresses, which come together, lie side by side and do not put each other out. */
const slotOf = (address: number, dev: number) =>
  (address + Math.imul((address >>> 13) + dev, 0x9e3779b1)) & (SLOTS - 1);

export class Routing4 {
  readonly #fib: Fib4;
  readonly #interfaces: readonly Interface[];
  /** The host's own addresses (inet_lookup_ifaddr_rcu): address → the last device that got it. */
  readonly #own = new Map<number, number>();

  // Caches: address and device of each slot (device -1: free), and what was found.
  // What is looked at together lies together.
  /** Address, then device << 8 | code, by turns. */
  readonly #sources = new Int32Array(2 * SLOTS);
  /** Address and device by turns. */
  readonly #destinations = new Int32Array(2 * SLOTS);
  readonly #inputs: Route[] = new Array(SLOTS).fill(NO_ROUTE);
  readonly #outputAddresses = new Int32Array(SLOTS);
  readonly #outputDevices = new Int32Array(SLOTS);
  readonly #outputs: Route[] = new Array(SLOTS).fill(NO_ROUTE);

  constructor(interfaces: readonly Interface[]) {
    this.#interfaces = interfaces;
    this.#fib = new Fib4(interfaces);
    for (const device of interfaces)
      for (const address of device.addresses) if (address.family === 4) this.#own.set(address.words[0], device.index);
    this.flush();
  }

  add(spec: RouteSpec): void {
    this.#fib.add(spec);
    this.flush();
  }

  /** Forgets every answer: a setting or route has changed. */
  flush(): void {
    this.#sources.fill(-1);
    this.#destinations.fill(-1);
    this.#outputDevices.fill(-1);
    this.#fib.forEach((entry) => {
      entry.input = null;
      entry.redirect = null;
      entry.output = null;
    });
  }

  addressType(address: number, dev: number): number {
    return this.#fib.addressType(address, dev);
  }

  /** The entry of the forwarding table for an address (fib_lookup); null: none, or one that leads nowhere. */
  entry(address: number): Entry4 | null {
    const entry = this.#fib.lookup(address, 0, RT_SCOPE_UNIVERSE);
    return entry === null || isReject(entry.type) ? null : entry;
  }

  isOwn(address: number): boolean {
    return this.#own.has(address);
  }

  input(dst: number, src: number, iif: number): Route {
    const slot = slotOf(dst, iif);
    const route =
      this.#destinations[2 * slot] === dst && this.#destinations[2 * slot + 1] === iif
        ? this.#inputs[slot]
        : this.#rememberDestination(slot, dst, iif);
    const code = this.#sourceCode(src, iif);
    return code === 0 && dst !== -1 ? route : this.#unusual(dst, src, iif, code, route);
  }

  /** The same for every address: ranges in ascending order, in each of which all are treated alike; null: more than `most`. */
  ranges(iif: number, most: number): RouteRange[] | null {
    const starts = new Set(SPECIAL_STARTS);
    const addRange = (first: number, count: number) => starts.add(first >>> 0).add((first >>> 0) + count);
    this.#fib.forEach(({ prefix, length }) => {
      addRange(prefix, 2 ** (32 - length));
    });
    for (const address of this.#own.keys()) addRange(address, 1);
    if (starts.size > most) return null;
    const ascending = [...starts].filter((start) => start < 2 ** 32).sort((a, b) => a - b);
    return ascending.map((start) => {
      const route = this.#destination(start | 0, iif);
      return { start, route, ordinary: this.#judgeSource(start | 0, iif) === 0 };
    });
  }

  /** The answer for a received packet when its source says more than "believed", in the order of the kernel's checks. */
  #unusual(dst: number, src: number, iif: number, code: number, route: Route): Route {
    const kind = code & CLASS;
    if (isMulticast4(dst)) return this.#multicast(dst, iif, code, route);
    if (kind === CLASS_MULTICAST) return SOURCE_MULTICAST;
    if (dst === -1 || (dst === 0 && src === 0)) {
      const verdict = kind === CLASS_ZERO ? OK : (code >>> VALID_SHIFT) & 3;
      return verdict === OK ? LIMITED_BROADCAST : this.#martian(verdict);
    }
    if (kind === CLASS_ZERO) return SOURCE_ZERO;
    if (route === DESTINATION_ZERO || route === DESTINATION_LOOPBACK) return route;
    if (kind === CLASS_LOOPBACK && !isLoopback4(dst)) return SOURCE_LOOPBACK;
    if (route.type === RTN_UNSPEC || route.type === RTN_UNREACHABLE) return route;
    if (route.type !== RTN_UNICAST) {
      const verdict = (code >>> VALID_SHIFT) & 3;
      return verdict === OK ? route : this.#martian(verdict);
    }
    const device = this.#interfaces[iif];
    const full = route.dev === iif && device.settings4.sendRedirects;
    const verdict = (code >>> (full ? FULL_SHIFT : VALID_SHIFT)) & 3;
    if (verdict !== OK) return this.#martian(verdict);
    if (!full || (code & DIRECT) === 0) return route;
    if (!device.settings4.sharedMedia && !this.#onLink(device, src, route.via0)) return route;
    return this.#withRedirect(dst, iif, route);
  }

  /** route.c: ip_mc_validate_source */
  #multicast(dst: number, iif: number, code: number, route: Route): Route {
    if (route.type === RTN_UNSPEC) return route;
    const kind = code & CLASS;
    if (kind === CLASS_MULTICAST) return SOURCE_MULTICAST;
    if (kind === CLASS_LOOPBACK && !this.#interfaces[iif].settings4.routeLocalnet) return SOURCE_LOOPBACK;
    if (kind === CLASS_ZERO) return dst >>> 8 === 0xe00000 ? route : SOURCE_ZERO;
    const verdict = (code >>> VALID_SHIFT) & 3;
    return verdict === OK ? route : this.#martian(verdict);
  }

  #martian(verdict: number): Route {
    return verdict === WRONG_WAY ? SOURCE_WAY : SOURCE_OWN;
  }

  #withRedirect(dst: number, iif: number, route: Route): Route {
    const entry = this.#fib.lookup(dst, 0, RT_SCOPE_UNIVERSE);
    if (entry === null || entry.dev !== iif) return route;
    entry.redirect ??= makeRoute({ ...route, redirect: true });
    return entry.redirect;
  }

  /** devinet.c: inet_addr_onlink */
  #onLink(device: Interface, a: number, b: number): boolean {
    return device.addresses.some((address) => {
      if (address.family !== 4 || address.secondary) return false;
      const network = (address.peer ?? address.words)[0];
      const mask = maskOfPrefix4(address.prefixLength);
      return ((a ^ network) & mask) === 0 && (b === 0 || ((b ^ network) & mask) === 0);
    });
  }

  // ── the destination's half ─────────────────────────────────────────────────────────────────────────

  #rememberDestination(slot: number, dst: number, iif: number): Route {
    const route = this.#destination(dst, iif);
    this.#destinations[2 * slot] = dst;
    this.#destinations[2 * slot + 1] = iif;
    this.#inputs[slot] = route;
    return route;
  }

  /** Where a packet with a believable source goes: the rest of ip_route_input_slow. */
  #destination(dst: number, iif: number): Route {
    if (isMulticast4(dst)) return dst === ALL_HOSTS ? GROUP : NOT_A_MEMBER;
    if (dst === -1) return LIMITED_BROADCAST;
    if (dst === 0) return DESTINATION_ZERO;
    const settings = this.#interfaces[iif].settings4;
    if (isLoopback4(dst) && !settings.routeLocalnet) return DESTINATION_LOOPBACK;
    const entry = this.#fib.lookup(dst, 0, RT_SCOPE_UNIVERSE);
    if (entry === null || isReject(entry.type)) return settings.forwarding ? rejected(entry) : FORWARDING_OFF;
    if (entry.type === RTN_BROADCAST && settings.bcForwarding) return this.#unicast(entry);
    if (entry.type === RTN_BROADCAST || entry.type === RTN_LOCAL) {
      entry.input ??= makeRoute({ type: entry.type, dev: LO, mtu: this.#interfaces[LO].mtu, sourceDev: entry.dev });
      return entry.input;
    }
    if (!settings.forwarding) return FORWARDING_OFF;
    if (entry.type !== RTN_UNICAST) return DESTINATION_TYPE;
    entry.input ??= this.#unicast(entry);
    return entry.input;
  }

  #unicast(entry: Entry4): Route {
    const mtu = entry.mtu || Math.min(this.#interfaces[entry.dev].mtu, 65535);
    // ip_dst_mtu_maybe_forward: a locked device mtu is distrusted beyond a gateway.
    const lockedMtu = entry.mtuLocked && entry.mtu === 0 && entry.via !== 0 ? Math.min(mtu, 576) : mtu;
    return makeRoute({
      type: RTN_UNICAST,
      dev: entry.dev,
      // rt_set_nexthop: a gateway that is not on the link counts as none.
      via0: entry.nextHopScope === RT_SCOPE_LINK ? entry.via : 0,
      source0: entry.source,
      sourceDev: entry.dev,
      mtu: lockedMtu,
      forwardMtu: lockedMtu,
      mtuLocked: entry.mtuLocked,
      hopLimit: entry.hopLimit,
    });
  }

  // ── the source's half ──────────────────────────────────────────────────────────────────────────────

  #sourceCode(src: number, iif: number): number {
    const slot = slotOf(src, iif);
    const sources = this.#sources;
    if (sources[2 * slot] === src && sources[2 * slot + 1] >> 8 === iif) return sources[2 * slot + 1] & 0xff;
    const code = this.#judgeSource(src, iif);
    sources[2 * slot] = src;
    sources[2 * slot + 1] = (iif << 8) | code;
    return code;
  }

  #judgeSource(src: number, iif: number): number {
    const settings = this.#interfaces[iif].settings4;
    if (isMulticast4(src) || src === -1) return CLASS_MULTICAST;
    if (src === 0) return CLASS_ZERO;
    let code = isLoopback4(src) && !settings.routeLocalnet ? CLASS_LOOPBACK : 0;
    const full = settings.sendRedirects || settings.rpFilter !== 0 ? this.#validateFully(src, iif) : OK;
    let verdict = full & 3;
    // fib_validate_source: without rp_filter, looking for an own address is enough.
    if (settings.rpFilter === 0 && settings.acceptLocal) verdict = OK;
    else if (settings.rpFilter === 0 && this.#fib.customLocal) verdict = this.#validateFully(src, iif) & 3;
    else if (settings.rpFilter === 0) verdict = this.#own.has(src) ? NOT_OURS_TO_SEND : OK;
    code |= (verdict << VALID_SHIFT) | ((full & 3) << FULL_SHIFT) | (full & DIRECT);
    // Only devices that send redirects care for the full answer and for neighbours.
    return settings.sendRedirects ? code : code & ~(DIRECT | (3 << FULL_SHIFT));
  }

  /** fib_frontend.c: __fib_validate_source */
  #validateFully(src: number, iif: number): number {
    const device = this.#interfaces[iif];
    const { rpFilter, acceptLocal } = device.settings4;
    const lastResort = rpFilter !== 0 ? WRONG_WAY : OK;
    const back = this.#fib.lookup(src, 0, RT_SCOPE_UNIVERSE);
    if (back === null || isReject(back.type)) return lastResort;
    if (back.type !== RTN_UNICAST && (back.type !== RTN_LOCAL || !acceptLocal)) return NOT_OURS_TO_SEND;
    if (back.dev === iif || (back.type === RTN_LOCAL && device.loopback))
      return back.nextHopScope >= RT_SCOPE_HOST ? DIRECT : OK;
    if (!device.addresses.some((address) => address.family === 4)) return lastResort;
    if (rpFilter === 1) return WRONG_WAY;
    const here = this.#fib.lookup(src, iif, RT_SCOPE_UNIVERSE);
    return here !== null && here.type === RTN_UNICAST && here.nextHopScope >= RT_SCOPE_HOST ? DIRECT : OK;
  }

  // ── packets of the host's own ──────────────────────────────────────────────────────────────────────

  /** `src` 0: not chosen. A source that is not the host's own is taken as it is (FLOWI_FLAG_ANYSRC). */
  output(dst: number, src: number, oif: number): Route {
    if (isMulticast4(src) || src === -1) return BAD_SOURCE;
    let route: Route;
    if (isMulticast4(dst) || dst === -1) route = this.#outputToMany(dst, src, oif);
    else {
      const slot = slotOf(dst, oif);
      if (this.#outputAddresses[slot] === dst && this.#outputDevices[slot] === oif) route = this.#outputs[slot];
      else {
        route = this.#outputTo(dst, oif);
        this.#outputAddresses[slot] = dst;
        this.#outputDevices[slot] = oif;
        this.#outputs[slot] = route;
      }
    }
    if (isLoopback4(src || route.source0) && route.dev > LO && !this.#interfaces[route.dev].settings4.routeLocalnet)
      return BAD_SOURCE;
    return route;
  }

  #outputTo(dst: number, oif: number): Route {
    if (dst === 0) return this.#local((oif !== 0 && this.selectAddress(oif, 0, RT_SCOPE_HOST)) || 0x7f000001, LO);
    const entry = this.#fib.lookup(dst, oif, RT_SCOPE_UNIVERSE);
    if (entry === null || isReject(entry.type))
      return oif === 0 ? rejected(entry) : this.#onDevice(RTN_UNICAST, oif, 0);
    if (entry.type === RTN_LOCAL) {
      if (entry.prefsrc === 0) return this.#local(dst, entry.dev);
      entry.output ??= this.#local(entry.prefsrc, entry.dev);
      return entry.output;
    }
    if (dst === 0) return BAD_DESTINATION;
    // __mkroute_output: what leaves by lo is delivered when it comes back (RTCF_LOCAL).
    const type = entry.type === RTN_UNICAST && entry.dev === LO ? RTN_LOCAL : entry.type;
    entry.output ??= { ...this.#unicast(entry), type };
    return entry.output;
  }

  #local(source0: number, sourceDev: number): Route {
    const mtu = Math.min(this.#interfaces[LO].mtu, 65535);
    return makeRoute({ type: RTN_LOCAL, dev: LO, source0, sourceDev, mtu, forwardMtu: mtu });
  }

  #outputToMany(dst: number, src: number, oif: number): Route {
    const type = dst === -1 ? RTN_BROADCAST : RTN_MULTICAST;
    if (oif === 0 && src !== 0) {
      // A source address names the device that a multicast leaves by.
      const dev = this.#own.get(src) ?? this.#deviceOfLocal(src);
      return dev === 0 ? NO_ROUTE : this.#onDevice(type, dev, src);
    }
    if (oif !== 0 && (dst === -1 || dst >>> 8 === 0xe00000))
      return this.#onDevice(type, oif, src || this.selectAddress(oif, 0, RT_SCOPE_LINK));
    const wish = src || (oif === 0 ? 0 : this.selectAddress(oif, 0, RT_SCOPE_UNIVERSE));
    const entry = this.#fib.lookup(dst, oif, RT_SCOPE_UNIVERSE);
    if (entry !== null && !isReject(entry.type)) {
      if (entry.type === RTN_LOCAL) return makeRoute({ ...this.#local(wish || entry.prefsrc || dst, entry.dev), type });
      const way = this.#unicast(entry);
      const source0 = wish || way.source0;
      // __mkroute_output: nothing that the entry says holds but its device.
      if (type === RTN_BROADCAST || entry.length < 4) return this.#onDevice(type, entry.dev, source0);
      return makeRoute({ ...way, type, source0 });
    }
    return oif === 0 ? rejected(entry) : this.#onDevice(type, oif, wish);
  }

  #deviceOfLocal(src: number): number {
    const entry = this.#fib.lookup(src, 0, RT_SCOPE_UNIVERSE);
    return entry !== null && entry.type === RTN_LOCAL ? entry.dev : 0;
  }

  #onDevice(type: number, dev: number, source: number): Route {
    const mtu = Math.min(this.#interfaces[dev].mtu, 65535);
    const source0 = source || this.selectAddress(dev, 0, RT_SCOPE_LINK);
    return makeRoute({ type, dev, source0, sourceDev: dev, mtu, forwardMtu: mtu });
  }

  /** devinet.c: inet_select_addr; `dst` 0: no wish. 0 when the host has no address of that scope. */
  selectAddress(dev: number, dst: number, scope: number): number {
    return selectAddress4(this.#interfaces, dev, dst, scope);
  }
}

/** Where addresses begin that are treated in a way of their own whatever routes there are. */
const SPECIAL_STARTS = [0, 1, 0x7f000000, 0x80000000, 0xe0000000, 0xe0000001, 0xe0000002, 0xf0000000, 0xffffffff];

/** 224.0.0.1, the one group that every device is in. */
const ALL_HOSTS = 0xe0000001 | 0;
const GROUP = makeRoute({ type: RTN_MULTICAST, dev: LO });
const LIMITED_BROADCAST = makeRoute({ type: RTN_BROADCAST, dev: LO });

/** fib_semantics.c: fib_props, and fib_lookup's own answer where nothing was found. */
function rejected(entry: Entry4 | null): Route {
  if (entry?.type === RTN_BLACKHOLE) return BLACKHOLE;
  if (entry?.type === RTN_UNREACHABLE) return UNREACHABLE;
  return entry?.type === RTN_PROHIBIT ? PROHIBIT : NO_ROUTE;
}
