/**
 * Everything outside the packet and the rules that a verdict may depend on: devices, addresses, routes, sysctls,
 * sets, chance and time. Built from plain data, throws HostError with one sentence when the data is wrong.
 *
 * The order of building is that of a machine coming up: devices with their addresses, routes, sets, then sysctls.
 */
import { checkHostKeys, type HostConfig, type OwnerConfig, sysctlEntries } from "./config.ts";
import { HostError } from "./error.ts";
import { type Interface, makeInterfaces } from "./interfaces.ts";
import { type RandomSource, SeededRandom } from "./random.ts";
import { type Route, RTN_ANYCAST, RTN_LOCAL, RTN_UNICAST } from "./route.ts";
import { parseRoutes } from "./routes.ts";
import { type RouteRange, Routing4 } from "./routing4.ts";
import { Routing6 } from "./routing6.ts";
import { loadSets, type SetTable } from "./sets/sets.ts";
import { Sysctl } from "./sysctl.ts";

export class Host {
  /** By index; `[0]` is a placeholder named "", `[1]` is lo. */
  readonly interfaces: readonly Interface[];
  readonly sysctl: Sysctl;
  readonly sets: SetTable;
  /** May be replaced, for instance by a ScriptedRandom. */
  random: RandomSource;
  /** Microseconds since 1970; path/ sets it from the packet. */
  now = 0;
  /** Gets every line that the kernel would log, without level and time stamp; null: nobody listens. */
  log: ((line: string) => void) | null = null;
  /** Who sends what the host itself sends; null: nobody said. */
  readonly owner: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] } | null;
  /** No program listens to NFQUEUE's queues; false: nobody said. */
  readonly queuesUnheard: boolean;
  readonly #byName = new Map<string, Interface>();
  readonly #routing4: Routing4;
  readonly #routing6: Routing6;
  readonly #memory = new Map<string, unknown>();

  constructor(config: HostConfig = {}) {
    checkHostKeys(config);
    const seed = config.seed ?? 1;
    if (!Number.isSafeInteger(seed)) throw new HostError(`seed must be a whole number, not ${seed}`);
    this.random = new SeededRandom(seed);
    this.owner = ownerOf(config.owner);
    const queues = config.queues ?? null;
    if (queues !== null && queues !== "none") throw new HostError(`queues can only be none, not ${queues}`);
    this.queuesUnheard = queues === "none";
    this.interfaces = makeInterfaces(config.interfaces);
    for (const device of this.interfaces) if (device.index > 0) this.#byName.set(device.name, device);
    this.#routing4 = new Routing4(this.interfaces);
    this.#routing6 = new Routing6(this.interfaces);
    this.sysctl = new Sysctl(this.interfaces, () => {
      this.#routing4.flush();
      this.#routing6.settingsChanged();
    });
    const routes = config.routes ?? [];
    for (const spec of parseRoutes(typeof routes === "string" ? [routes] : routes))
      if (spec.family === 4) this.#routing4.add(spec);
      else this.#routing6.add(spec);
    const sets = config.sets ?? "";
    this.sets = loadSets(typeof sets === "string" ? sets : sets.join("\n"), this);
    for (const [key, value] of sysctlEntries(config.sysctl)) this.sysctl.set(key, value);
  }

  interfaceNamed(name: string): Interface | undefined {
    return this.#byName.get(name);
  }

  /** Where a stateful extension keeps what it remembers: made once per key, lives as long as the host. */
  memory<T>(key: string, make: () => T): T {
    let found = this.#memory.get(key) as T | undefined;
    if (found === undefined) {
      found = make();
      this.#memory.set(key, found);
    }
    return found;
  }

  /**
   * Where a received IPv4 packet goes: delivered here, forwarded, answered with an error, or dropped as martian
   * (route.c: ip_route_input_rcu with source validation). `src` 0 and `dst` 0 are addresses like any other.
   * `tos` and `mark` have no say while there are no `ip rule`s.
   */
  input4(dst: number, src: number, iif: number, _tos: number, _mark: number): Route {
    return this.#routing4.input(dst, src, iif);
  }

  /**
   * The way of a packet that the host itself sends (route.c: ip_route_output_key). `src` 0: not chosen yet; a source
   * that is not the host's own is taken as it is. `oif` 0: any device. Never null: look at `error`.
   */
  route4(dst: number, src: number, oif: number, _tos: number, _mark: number): Route {
    return this.#routing4.output(dst, src, oif);
  }

  /** Where a received IPv6 packet goes (net/ipv6/route.c: ip6_route_input). The source has no say. */
  input6(
    d0: number,
    d1: number,
    d2: number,
    d3: number,
    _s0: number,
    _s1: number,
    _s2: number,
    _s3: number,
    iif: number,
    _mark: number,
  ): Route {
    return this.#routing6.input(d0, d1, d2, d3, iif);
  }

  /** The way of an IPv6 packet that the host sends (ip6_route_output); source words all 0: not chosen yet. */
  route6(
    d0: number,
    d1: number,
    d2: number,
    d3: number,
    s0: number,
    s1: number,
    s2: number,
    s3: number,
    oif: number,
    _mark: number,
  ): Route {
    return this.#routing6.output(d0, d1, d2, d3, oif, (s0 | s1 | s2 | s3) !== 0);
  }

  /** Is the destination of such a route an anycast address (ipv6_anycast_destination)? `chosen`: has it a source? */
  leadsToAnycast6(d0: number, d1: number, d2: number, d3: number, oif: number, chosen: boolean): boolean {
    return this.#routing6.leadsToAnycast(d0, d1, d2, d3, oif, chosen);
  }

  /**
   * Whether packets to this address would leave by `dev` (`loose`: by any device), or, where `local` says so, stay here:
   * the reverse path test of -m rpfilter (ipt_rpfilter.c: rpfilter_lookup_reverse).
   */
  leadsBack4(address: number, dev: number, loose: boolean, local: boolean): boolean {
    const entry = this.#routing4.entry(address);
    if (entry === null || (entry.type !== RTN_UNICAST && !(entry.type === RTN_LOCAL && local))) return false;
    return loose || entry.dev === dev;
  }

  /** The same of IPv6 (ip6t_rpfilter.c: rpfilter_lookup_reverse6): an address of the host's own may be on any device. */
  leadsBack6(a0: number, a1: number, a2: number, a3: number, dev: number, loose: boolean, local: boolean): boolean {
    const entry = this.#routing6.entry(a0, a1, a2, a3, loose && a0 >>> 22 !== LINK_LOCAL ? 0 : dev);
    if (entry === null || entry.type === RTN_ANYCAST) return false;
    return entry.type === RTN_LOCAL ? local : loose || entry.dev === dev;
  }

  /** fib_frontend.c: inet_addr_type (`dev` 0) or inet_dev_addr_type: an RTN_*. */
  addressType4(address: number, dev: number): number {
    return this.#routing4.addressType(address, dev);
  }

  /** xt_addrtype.c, IPv6: the set of types this address has, as bits `1 << RTN_*`; `dev` 0: on any device. */
  addressTypes6(a0: number, a1: number, a2: number, a3: number, dev: number): number {
    return this.#routing6.addressTypes(a0, a1, a2, a3, dev);
  }

  /** devinet.c: inet_select_addr: the address of `dev` to talk to `dst` (0: any) from; 0 when there is none. */
  selectAddress4(dev: number, dst: number, scope: number): number {
    return this.#routing4.selectAddress(dev, dst, scope);
  }

  /** ipv6_dev_get_saddr (RFC 6724): writes four words into `out`, false when there is none. `dev` 0: no wish. */
  selectAddress6(dev: number, d0: number, d1: number, d2: number, d3: number, out: Int32Array): boolean {
    return this.#routing6.selectAddress(dev, d0, d1, d2, d3, out);
  }

  /** The routing decision for all that comes in by a device, as ranges of addresses; null: there are more than `most`. */
  ranges4(iif: number, most: number): RouteRange[] | null {
    return this.#routing4.ranges(iif, most);
  }

  /** Whether one of the devices has this address. */
  isLocal4(address: number): boolean {
    return this.#routing4.isOwn(address);
  }

  isLocal6(a0: number, a1: number, a2: number, a3: number): boolean {
    return this.#routing6.isOwn(a0, a1, a2, a3);
  }

  /** Whether the device, or any (`dev` 0), answers to this anycast address (ipv6_chk_acast_addr). */
  isAnycast6(a0: number, a1: number, a2: number, a3: number, dev: number): boolean {
    return this.#routing6.isOwnAnycast(a0, a1, a2, a3, dev);
  }

  /** Whether the device is in this IPv6 multicast group (ipv6_chk_mcast_addr). */
  isGroupMember6(dev: number, a0: number, a1: number, a2: number, a3: number): boolean {
    return this.#routing6.isGroupMember(dev, a0, a1, a2, a3);
  }
}

/** fe80::/10 */
const LINK_LOCAL = 0x3fa;

/** Throws HostError where a number can be no user's or group's. */
function ownerOf(config: OwnerConfig | null | undefined): Host["owner"] {
  if (config === undefined || config === null) return null;
  const { uid, gid, groups } = config;
  for (const id of [uid, gid, ...(groups ?? [])])
    if (!Number.isInteger(id) || id < 0 || id >= NOBODY)
      throw new HostError(`owner must be {uid, gid, groups} with numbers from 0 to ${NOBODY - 1}, not ${id}`);
  return { uid, gid, groups: groups ?? [] };
}

/** -1 in 32 bits stands for no user. */
const NOBODY = 0xffffffff;
