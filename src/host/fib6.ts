/**
 * The IPv6 forwarding tables: `local`, asked first, and `main`; entries made by addresses and routes, the lookup
 * (net/ipv6/route.c: fib6_table_lookup), and what may be added.
 */
import { formatAddress } from "../bytes/address.ts";
import { ADDR_LINKLOCAL, ADDR_LOOPBACK, ADDR_MAPPED, ADDR_UNICAST, addressKind6 } from "./address6.ts";
import { HostError } from "./error.ts";
import { type Interface, type InterfaceAddress, LO } from "./interfaces.ts";
import { PrefixTable } from "./prefix-table.ts";
import {
  type Route,
  RTN_ANYCAST,
  RTN_BLACKHOLE,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_THROW,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from "./route.ts";
import type { RouteSpec } from "./routes.ts";

/** The kernel's metrics: of `ip -6 route add`, and of routes that addresses make. */
const USER_METRIC = 1024;
const ADDRESS_METRIC = 256;
const NO_WORDS: readonly number[] = [0, 0, 0, 0];

export interface Entry6 {
  /** RTN_* */
  readonly type: number;
  readonly prefix: readonly number[];
  readonly length: number;
  readonly metric: number;
  /** Interface index. Entries that lead nowhere hang on lo. */
  readonly dev: number;
  /** RTF_REJECT */
  readonly reject: boolean;
  /** RTF_NONEXTHOP: the host's addresses and rejects. */
  readonly noNextHop: boolean;
  readonly via: readonly number[] | null;
  readonly prefsrc: readonly number[] | null;
  readonly mtu: number;
  readonly mtuLocked: boolean;
  readonly hopLimit: number;
  route: Route | null;
}

export class Fib6 {
  readonly #local = new PrefixTable<Entry6>();
  /** Entries that `add` made, not an address. */
  readonly #added = new Set<Entry6>();
  readonly #main = new PrefixTable<Entry6>();
  readonly #interfaces: readonly Interface[];

  constructor(interfaces: readonly Interface[]) {
    this.#interfaces = interfaces;
    for (const device of interfaces) if (device.index > 0) this.#addAddresses(device);
  }

  /**
   * The first table whose entry does not say `throw`. `dev` 0: any device; `strict`: only routes of this device
   * (RT6_LOOKUP_F_IFACE), else they are merely preferred. Null: no route.
   */
  lookup(w0: number, w1: number, w2: number, w3: number, dev: number, strict: boolean): Entry6 | null {
    const local = this.#lookupIn(this.#local, w0, w1, w2, w3, dev, strict);
    if (local !== null && local.type !== RTN_THROW) return local;
    const main = this.#lookupIn(this.#main, w0, w1, w2, w3, dev, strict);
    return main === null || main.type === RTN_THROW ? null : main;
  }

  #lookupIn(
    table: PrefixTable<Entry6>,
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    dev: number,
    strict: boolean,
  ): Entry6 | null {
    const lengths = table.lengths.length;
    for (let nth = 0; nth < lengths; nth++) {
      const leaf = table.leaf(nth, w0, w1, w2, w3);
      if (leaf === null || leaf.length === 0) continue;
      const found = best(leaf, dev, strict);
      if (found !== null) return found;
    }
    return null;
  }

  /** `ip -6 route add`. Throws HostError where the kernel refuses. */
  add(spec: RouteSpec): void {
    const fail = (why: string) => new HostError(`route "${spec.text}": ${why}`);
    const { type } = spec;
    if (type === RTN_MULTICAST && spec.prefix[0] >>> 24 !== 0xff) throw fail("it is no multicast prefix");
    let device = spec.dev === null ? undefined : this.#interfaces.find((item) => item.name === spec.dev);
    if (spec.dev !== null && (device === undefined || device.index === 0))
      throw fail(`there is no interface ${spec.dev}`);
    const toLoopback =
      device !== undefined &&
      device.index === LO &&
      !(kindOf(spec.prefix) & ADDR_LOOPBACK) &&
      type !== RTN_LOCAL &&
      type !== RTN_ANYCAST;
    const reject = isReject6(type) || toLoopback;
    if (isReject6(type)) device = this.#interfaces[LO];
    else if (spec.via !== null) device = this.#checkGateway(spec, device, fail);
    if (device === undefined) throw fail("it needs a device");
    if (device.settings6.disabled) throw fail(`IPv6 is disabled on ${device.name}`);
    if (
      spec.src !== null &&
      !this.isLocal(spec.src, kindOf(spec.src) & (ADDR_LINKLOCAL | ADDR_LOOPBACK) ? device.index : 0)
    )
      throw fail("src is not an address of this host");
    const entry: Entry6 = {
      type,
      prefix: spec.prefix,
      length: spec.length,
      metric: spec.metric === null || spec.metric === 0 ? USER_METRIC : spec.metric,
      dev: device.index,
      reject,
      noNextHop: reject,
      via: reject ? null : spec.via,
      prefsrc: spec.src,
      mtu: spec.mtu,
      mtuLocked: spec.mtuLocked,
      hopLimit: spec.hopLimit,
      route: null,
    };
    const leaf = this.#leaf(spec.local ? this.#local : this.#main, entry);
    const same = leaf.find((other) => other.metric === entry.metric && (!spec.automatic || other.dev === entry.dev));
    if (same !== undefined) {
      // As in fib4.ts: what an address made may be said again.
      if (same.type === type && same.dev === entry.dev && sameWords(same.via, entry.via) && !this.#added.has(same))
        return;
      throw fail("there is a route to this prefix with this metric already");
    }
    this.#added.add(entry);
    insert(leaf, entry);
  }

  /** Whether the address is assigned to the device, or to any (`dev` 0): ipv6_chk_addr. */
  isLocal(words: readonly number[], dev: number): boolean {
    return this.#interfaces.some(
      (device) =>
        (dev === 0 || dev === device.index) &&
        !device.settings6.disabled &&
        device.addresses.some((address) => address.family === 6 && sameWords(address.words, words)),
    );
  }

  /** Does the device, or any (`dev` 0), answer to this anycast address: ipv6_chk_acast_addr. */
  isAnycast(w0: number, w1: number, w2: number, w3: number, dev: number): boolean {
    const leaf = this.#local.lengths[0] === 128 ? this.#local.leaf(0, w0, w1, w2, w3) : null;
    if (leaf === null) return false;
    return leaf.some((entry) => entry.type === RTN_ANYCAST && entry.noNextHop && (dev === 0 || dev === entry.dev));
  }

  forEach(visit: (entry: Entry6) => void): void {
    this.#local.forEach(visit);
    this.#main.forEach(visit);
  }

  /** disable_ipv6: the device's addresses and routes go away. */
  removeDevice(dev: number): void {
    this.#local.remove((entry) => entry.dev === dev);
    this.#main.remove((entry) => entry.dev === dev);
  }

  /** A router answers to the first address of each of its networks (addrconf.c: addrconf_join_anycast). */
  setAnycast(device: Interface, on: boolean): void {
    for (const address of device.addresses) {
      if (address.family !== 6 || address.prefixLength >= 127) continue;
      if (on) this.#addAnycast(device.index, address);
      else {
        const leaf = this.#local.at(...four(masked(address.words, address.prefixLength)), 128);
        const at = leaf.findIndex((entry) => entry.type === RTN_ANYCAST && entry.dev === device.index);
        if (at >= 0) leaf.splice(at, 1);
      }
    }
  }

  #addAnycast(dev: number, address: InterfaceAddress): void {
    if (address.prefixLength >= 127) return;
    const prefix = masked(address.words, address.prefixLength);
    if (prefix.some((word) => word !== 0)) this.#addHere(this.#automatic(RTN_ANYCAST, prefix, 128, 0, dev, true));
  }

  /** An address that leads to the host; unless it does already, be it as the other kind (rt6_duplicate_nexthop). */
  #addHere(entry: Entry6): void {
    const leaf = this.#local.at(...four(entry.prefix), 128);
    if (!leaf.some((other) => other.dev === entry.dev && other.metric === entry.metric)) insert(leaf, entry);
  }

  /** addrconf.c: add_addr, addrconf_prefix_route, addrconf_add_mroute */
  #addAddresses(device: Interface): void {
    const { index } = device;
    // They are listed newest first (interfaces.ts: orderAddresses).
    for (const address of [...device.addresses].reverse()) {
      if (address.family !== 6) continue;
      this.#addHere(this.#automatic(RTN_LOCAL, address.words, 128, 0, index, true));
      if (!device.loopback) this.#addAnycast(index, address);
      // addrconf_dad_begin … ipv6_ifa_notify: lo gets no route to the network of ::1.
      if (device.loopback && address.words[3] === 1 && address.words.slice(0, 3).every((word) => word === 0)) continue;
      const metric = address.metric || ADDRESS_METRIC;
      if (address.prefixRoute) {
        const prefix = masked(address.words, address.prefixLength);
        const leaf = this.#main.at(...four(prefix), address.prefixLength);
        if (!leaf.some((entry) => entry.dev === index && entry.metric === metric))
          insert(leaf, this.#automatic(RTN_UNICAST, prefix, address.prefixLength, metric, index, device.loopback));
      }
      if (address.peer !== null)
        insert(
          this.#main.at(...four(address.peer), 128),
          this.#automatic(RTN_UNICAST, address.peer, 128, metric, index, device.loopback),
        );
    }
    if (!device.loopback) {
      const all = [0xff000000 | 0, 0, 0, 0];
      insert(this.#local.at(...four(all), 8), this.#automatic(RTN_MULTICAST, all, 8, ADDRESS_METRIC, index, false));
    }
  }

  #automatic(
    type: number,
    prefix: readonly number[],
    length: number,
    metric: number,
    dev: number,
    noNextHop: boolean,
  ): Entry6 {
    const reject = type === RTN_UNICAST && dev === LO;
    const none = { via: null, prefsrc: null, mtu: 0, mtuLocked: false, hopLimit: 0, route: null };
    return { type, prefix, length, metric, dev, reject, noNextHop, ...none };
  }

  #leaf(table: PrefixTable<Entry6>, entry: Entry6): Entry6[] {
    return table.at(...four(entry.prefix), entry.length);
  }

  /** route.c: ip6_validate_gw */
  #checkGateway(spec: RouteSpec, device: Interface | undefined, fail: (why: string) => HostError): Interface {
    const gateway = spec.via ?? NO_WORDS;
    const name = formatAddress(gateway);
    const kind = kindOf(gateway);
    const linkLocal = kind === (ADDR_UNICAST | ADDR_LINKLOCAL);
    if (spec.onlink && device === undefined) throw fail("onlink needs a device");
    if (device !== undefined && this.isLocal(gateway, kind & ADDR_LINKLOCAL ? device.index : 0))
      throw fail(`the gateway ${name} is an address of this host`);
    let way = device;
    if (!linkLocal) {
      if (!(kind & (ADDR_UNICAST | ADDR_MAPPED))) throw fail(`${name} cannot be a gateway`);
      const [w0, w1, w2, w3] = four(gateway);
      if (spec.onlink) {
        const entry = this.#lookupIn(this.#main, w0, w1, w2, w3, 0, false);
        const elsewhere = entry !== null && !entry.reject && entry.prefix.some((word) => word !== 0);
        if (elsewhere && (entry.type !== RTN_UNICAST || entry.dev !== device?.index))
          throw fail(`the gateway ${name} is reached by another device`);
      } else {
        const dev = device?.index ?? 0;
        let entry = this.#lookupIn(spec.local ? this.#local : this.#main, w0, w1, w2, w3, dev, true);
        if (entry === null || entry.reject || entry.via !== null || (dev !== 0 && entry.dev !== dev))
          entry = this.lookup(w0, w1, w2, w3, dev, true);
        if (entry === null || entry.reject || entry.via !== null || (dev !== 0 && entry.dev !== dev))
          throw fail(`the gateway ${name} cannot be reached directly${spec.dev ? ` by ${spec.dev}` : ""}`);
        way = this.#interfaces[entry.dev];
      }
    }
    if (way === undefined) throw fail("a link-local gateway needs a device");
    if (way.loopback) throw fail("lo cannot lead to a gateway");
    if (device === undefined && this.isLocal(gateway, kind & ADDR_LINKLOCAL ? way.index : 0))
      throw fail(`the gateway ${name} is an address of this host`);
    return way;
  }
}

/** route.c: find_rr_leaf, with routes of this device scored above others of the same metric. */
function best(leaf: readonly Entry6[], dev: number, strict: boolean): Entry6 | null {
  let found: Entry6 | null = null;
  let preferred = false;
  for (let i = 0; i < leaf.length; i++) {
    const entry = leaf[i];
    if (found !== null && entry.metric !== found.metric) break;
    const here = dev === 0 || entry.dev === dev;
    if (!here && strict) continue;
    if (found === null || (here && !preferred)) {
      found = entry;
      preferred = here;
    }
  }
  return found;
}

/** By metric; among equals the first one added stays first. */
function insert(leaf: Entry6[], entry: Entry6): void {
  const later = leaf.findIndex((other) => entry.metric < other.metric);
  leaf.splice(later < 0 ? leaf.length : later, 0, entry);
}

export const isReject6 = (type: number) =>
  type === RTN_BLACKHOLE || type === RTN_UNREACHABLE || type === RTN_PROHIBIT || type === RTN_THROW;

const kindOf = (words: readonly number[]) => addressKind6(words[0], words[1], words[2], words[3]);
const four = (words: readonly number[]) => words as readonly [number, number, number, number];

const sameWords = (a: readonly number[] | null, b: readonly number[] | null) =>
  a === b || (a !== null && b !== null && a.every((word, i) => word === b[i]));

function masked(words: readonly number[], length: number): number[] {
  return words.map((word, i) => {
    const bits = length - 32 * i;
    return bits >= 32 ? word : bits <= 0 ? 0 : word & (-1 << (32 - bits));
  });
}
