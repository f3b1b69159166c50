/**
 * The IPv4 forwarding table: entries made by addresses and routes, the lookup, and what may be added.
 *
 * One table holds `local` and `main` together, as the kernel keeps them while no `ip rule` was added
 * (fib_frontend.c: fib_unmerge has not happened): the longest prefix of both wins, and at the same prefix `local` does.
 */
import { formatIpv4, maskOfPrefix4 } from "../bytes/address.ts";
import { HostError } from "./error.ts";
import {
  type Interface,
  type InterfaceAddress,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
} from "./interfaces.ts";
import { PrefixTable } from "./prefix-table.ts";
import {
  type Route,
  RTN_ANYCAST,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_THROW,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from "./route.ts";
import type { RouteSpec } from "./routes.ts";

export interface Entry4 {
  /** RTN_* */
  readonly type: number;
  readonly prefix: number;
  readonly length: number;
  readonly local: boolean;
  readonly priority: number;
  /** fib_info.fib_scope and nexthop's nhc_scope. */
  readonly scope: number;
  readonly nextHopScope: number;
  /** Interface index; 0 for types that lead nowhere. */
  readonly dev: number;
  /** IPv4 gateway; 0: none, or one of IPv6. */
  readonly via: number;
  readonly prefsrc: number;
  /** The source that packets of the host's own get here: `prefsrc`, or chosen when the entry was made (nh_saddr). */
  readonly source: number;
  readonly mtu: number;
  readonly mtuLocked: boolean;
  readonly hopLimit: number;
  /** What a lookup that ends here answers, made when first asked for (host/routing4.ts). */
  input: Route | null;
  redirect: Route | null;
  output: Route | null;
}

export const isReject = (type: number) =>
  type === RTN_BLACKHOLE || type === RTN_UNREACHABLE || type === RTN_PROHIBIT || type === RTN_THROW;

export const isMulticast4 = (address: number) => address >>> 28 === 14;
export const isLoopback4 = (address: number) => address >>> 24 === 127;

/** The scope that each type must have at least (fib_semantics.c: fib_props). */
const LEAST_SCOPE: Readonly<Record<number, number>> = {
  [RTN_LOCAL]: RT_SCOPE_HOST,
  [RTN_BROADCAST]: RT_SCOPE_LINK,
  [RTN_ANYCAST]: RT_SCOPE_LINK,
};

export class Fib4 {
  readonly #table = new PrefixTable<Entry4>();
  readonly #interfaces: readonly Interface[];
  /** Entries that `add` made, not an address. */
  readonly #added = new Set<Entry4>();
  /** A `local` route was added by hand: owning an address is no longer the whole truth (fib_has_custom_local_routes). */
  customLocal = false;

  constructor(interfaces: readonly Interface[]) {
    this.#interfaces = interfaces;
    for (const device of interfaces) this.#addAddresses(device);
  }

  /**
   * fib_trie.c: fib_table_lookup. `oif` 0: any device; entries of a smaller scope than `scope` do not count.
   * The entry may be of a type that leads nowhere; null: no route.
   */
  lookup(dst: number, oif: number, scope: number): Entry4 | null {
    const table = this.#table;
    const lengths = table.lengths.length;
    for (let nth = 0; nth < lengths; nth++) {
      const leaf = table.leaf(nth, dst, 0, 0, 0);
      if (leaf === null) continue;
      for (let i = 0; i < leaf.length; i++) {
        const entry = leaf[i];
        if (entry.scope < scope) continue;
        if (isReject(entry.type)) return entry;
        if (oif !== 0 && entry.dev !== oif) continue;
        return entry;
      }
    }
    return null;
  }

  /** fib_frontend.c: __inet_dev_addr_type on the local table, which is merged with main. */
  addressType(address: number, dev: number): number {
    if (address === 0 || address === -1) return RTN_BROADCAST;
    if (isMulticast4(address)) return RTN_MULTICAST;
    const entry = this.lookup(address, 0, RT_SCOPE_UNIVERSE);
    if (entry === null || isReject(entry.type)) return RTN_UNICAST;
    return dev === 0 || dev === entry.dev ? entry.type : RTN_UNICAST;
  }

  /** `ip route add`. Throws HostError where the kernel refuses. */
  add(spec: RouteSpec): void {
    const fail = (why: string) => new HostError(`route "${spec.text}": ${why}`);
    const { type, length } = spec;
    const prefix = spec.prefix[0];
    if ((prefix & ~maskOfPrefix4(length)) !== 0)
      throw fail(`${formatIpv4(prefix)} has bits beyond its prefix length ${length}`);
    if (spec.scope < (LEAST_SCOPE[type] ?? 0)) throw fail("the scope is too wide for a route of this type");
    const device = spec.dev === null ? undefined : this.#interfaces.find((item) => item.name === spec.dev);
    if (spec.dev !== null && (device === undefined || device.index === 0))
      throw fail(`there is no interface ${spec.dev}`);
    const hop = this.#nextHop(spec, device, fail);
    const prefsrc = spec.src?.[0] ?? 0;
    const checked = prefsrc !== 0 && !isReject(type);
    if (checked && !(type === RTN_LOCAL && prefix === prefsrc) && this.addressType(prefsrc, 0) !== RTN_LOCAL)
      throw fail(`${formatIpv4(prefsrc)} is not an address of this host`);
    const via = spec.via?.length === 1 ? spec.via[0] : 0;
    const entry: Entry4 = {
      type,
      prefix,
      length,
      local: spec.local,
      priority: spec.metric ?? 0,
      scope: spec.scope,
      nextHopScope: hop.scope,
      dev: hop.dev,
      via,
      prefsrc,
      source: prefsrc || (isReject(type) ? 0 : selectAddress4(this.#interfaces, hop.dev, via, spec.scope)),
      mtu: spec.mtu,
      mtuLocked: spec.mtuLocked,
      hopLimit: spec.hopLimit,
      input: null,
      redirect: null,
      output: null,
    };
    const twin = this.#table
      .at(prefix, 0, 0, 0, length)
      .find((other) => other.local === entry.local && other.priority === entry.priority);
    if (twin !== undefined) {
      // `ip route show` prints what addresses made; saying it again changes nothing.
      const same = twin.type === type && twin.dev === entry.dev && twin.via === entry.via;
      if (same && !this.#added.has(twin)) return;
      throw fail("there is a route to this prefix with this metric already");
    }
    if (type === RTN_LOCAL) this.customLocal = true;
    this.#added.add(entry);
    this.#insert(entry);
  }

  /** Calls `visit` for every entry. */
  forEach(visit: (entry: Entry4) => void): void {
    this.#table.forEach(visit);
  }

  /** fib_semantics.c: fib_create_info and fib_check_nh. */
  #nextHop(
    spec: RouteSpec,
    device: Interface | undefined,
    fail: (why: string) => HostError,
  ): { dev: number; scope: number } {
    if (isReject(spec.type)) {
      if (spec.via !== null || device !== undefined)
        throw fail("a route of this type leads nowhere: it cannot have a gateway or a device");
      return { dev: 0, scope: RT_SCOPE_NOWHERE };
    }
    if (spec.scope > RT_SCOPE_HOST) throw fail("the scope is too narrow");
    if (spec.scope === RT_SCOPE_HOST) {
      if (spec.via !== null) throw fail("a route of scope host cannot have a gateway");
      if (device === undefined) throw fail("it needs a device");
      return { dev: device.index, scope: RT_SCOPE_NOWHERE };
    }
    if (spec.via === null) {
      if (spec.onlink) throw fail("onlink needs a gateway");
      if (device === undefined) throw fail("it needs a gateway or a device");
      return { dev: device.index, scope: RT_SCOPE_HOST };
    }
    if (spec.via.length === 4) {
      if (device === undefined) throw fail("an IPv6 gateway needs a device");
      return { dev: device.index, scope: RT_SCOPE_LINK };
    }
    const gateway = spec.via[0];
    if (spec.onlink) {
      if (spec.scope >= RT_SCOPE_LINK) throw fail("a route with a gateway cannot have the scope link");
      if (device === undefined) throw fail("onlink needs a device");
      if (this.addressType(gateway, 0) !== RTN_UNICAST)
        throw fail(`the gateway ${formatIpv4(gateway)} is not the address of another host`);
      return { dev: device.index, scope: RT_SCOPE_LINK };
    }
    const way = this.lookup(gateway, device?.index ?? 0, Math.max(RT_SCOPE_LINK, spec.scope + 1));
    if (way === null || (way.type !== RTN_UNICAST && way.type !== RTN_LOCAL))
      throw fail(`the gateway ${formatIpv4(gateway)} cannot be reached directly${spec.dev ? ` by ${spec.dev}` : ""}`);
    return { dev: way.dev, scope: way.scope };
  }

  /** fib_frontend.c: fib_add_ifaddr, called when the address is given and again when the device comes up. */
  #addAddresses(device: Interface): void {
    const v4 = device.addresses.filter((address) => address.family === 4);
    for (const up of [false, true]) for (const address of v4) this.#addAddress(device, v4, address, up);
  }

  #addAddress(device: Interface, v4: readonly InterfaceAddress[], address: InterfaceAddress, up: boolean): void {
    const mask = maskOfPrefix4(address.prefixLength);
    const local = address.words[0];
    const network = (address.peer ?? address.words)[0] & mask;
    const same = (other: typeof address) =>
      !other.secondary &&
      other.prefixLength === address.prefixLength &&
      ((other.peer ?? other.words)[0] & mask) === network;
    const prefsrc = address.secondary ? (v4.find(same)?.words[0] ?? local) : local;
    const magic = (type: number, prefix: number, length: number, metric = 0) =>
      this.#magic(device.index, type, prefix, length, prefsrc, metric);
    magic(RTN_LOCAL, local, 32);
    if (!up) return;
    if (address.broadcast !== null && address.broadcast !== -1) magic(RTN_BROADCAST, address.broadcast, 32);
    if (network === 0 || address.secondary || (network === local && address.prefixLength === 32)) return;
    if (address.prefixRoute)
      magic(device.loopback ? RTN_LOCAL : RTN_UNICAST, network, address.prefixLength, address.metric);
    if (address.prefixLength < 31) magic(RTN_BROADCAST, network | ~mask, 32);
  }

  /** fib_frontend.c: fib_magic; what exists already in the same words is not added again. */
  #magic(dev: number, type: number, prefix: number, length: number, prefsrc: number, priority: number): void {
    const local = type !== RTN_UNICAST;
    // fib_valid_prefsrc: where another device calls this address a broadcast, the entry is not made.
    if (!(type === RTN_LOCAL && prefix === prefsrc) && this.addressType(prefsrc, 0) !== RTN_LOCAL) return;
    const exists = this.#table
      .at(prefix, 0, 0, 0, length)
      .some((e) => e.local === local && e.type === type && e.dev === dev && e.prefsrc === prefsrc);
    if (exists) return;
    this.#insert({
      type,
      prefix,
      length,
      local,
      priority,
      scope: type === RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_LINK,
      nextHopScope: type === RTN_LOCAL ? RT_SCOPE_NOWHERE : RT_SCOPE_HOST,
      dev,
      via: 0,
      prefsrc,
      source: prefsrc,
      mtu: 0,
      mtuLocked: false,
      hopLimit: 0,
      input: null,
      redirect: null,
      output: null,
    });
  }

  /** Local before main, then by metric; among equals the first one added stays first. */
  #insert(entry: Entry4): void {
    const leaf = this.#table.at(entry.prefix, 0, 0, 0, entry.length);
    const later = leaf.findIndex(
      (other) => (entry.local && !other.local) || (entry.local === other.local && entry.priority < other.priority),
    );
    leaf.splice(later < 0 ? leaf.length : later, 0, entry);
  }
}

/** devinet.c: inet_select_addr; `dst` 0: no wish. 0 when the host has no address of that scope. */
export function selectAddress4(interfaces: readonly Interface[], dev: number, dst: number, scope: number): number {
  const device = interfaces[dev];
  const localnetScope = device.settings4.routeLocalnet ? RT_SCOPE_LINK : RT_SCOPE_HOST;
  let found = 0;
  for (const address of device.addresses) {
    if (address.family !== 4 || address.secondary || Math.min(address.scope, localnetScope) > scope) continue;
    const network = (address.peer ?? address.words)[0];
    if (dst === 0 || ((dst ^ network) & maskOfPrefix4(address.prefixLength)) === 0) return address.words[0];
    if (found === 0) found = address.words[0];
  }
  if (found !== 0) return found;
  for (const other of interfaces)
    for (const address of other.addresses)
      if (address.family === 4 && !address.secondary && address.scope !== RT_SCOPE_LINK && address.scope <= scope)
        return address.words[0];
  return 0;
}
