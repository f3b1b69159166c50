/**
 * Everything outside the packet and the rules that a verdict may depend on: devices, addresses, routes, sysctls,
 * sets, chance and time. Built from plain data, throws HostError with one sentence when the data is wrong.
 */
import type { HostConfig } from "./config.ts";
import type { Interface } from "./interfaces.ts";
import { type RandomSource, SeededRandom } from "./random.ts";
import type { Route } from "./route.ts";
import { loadSets, type SetTable } from "./sets/sets.ts";
import { Sysctl } from "./sysctl.ts";

export class Host {
  /** By index; `[0]` is a placeholder named "", `[1]` is lo. */
  readonly interfaces: readonly Interface[] = [];
  readonly sysctl: Sysctl;
  readonly sets: SetTable;
  /** May be replaced, for instance by a ScriptedRandom. */
  random: RandomSource;
  /** Microseconds since 1970; path/ sets it from the packet. */
  now = 0;
  readonly #memory = new Map<string, unknown>();

  constructor(config: HostConfig = {}) {
    this.random = new SeededRandom(config.seed);
    this.sysctl = new Sysctl();
    const sets = typeof config.sets === "string" ? config.sets : (config.sets ?? []).join("\n");
    this.sets = loadSets(sets, this);
  }

  interfaceNamed(_name: string): Interface | undefined {
    throw new Error("being written");
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
   */
  input4(_dst: number, _src: number, _iif: number, _tos: number, _mark: number): Route {
    throw new Error("being written");
  }

  /**
   * The way of a packet that the host itself sends (route.c: ip_route_output_key). `src` 0: not chosen yet;
   * `oif` 0: any device. Never null: look at `error`.
   */
  route4(_dst: number, _src: number, _oif: number, _tos: number, _mark: number): Route {
    throw new Error("being written");
  }

  /** Where a received IPv6 packet goes (net/ipv6/route.c: ip6_route_input). */
  input6(
    _d0: number,
    _d1: number,
    _d2: number,
    _d3: number,
    _s0: number,
    _s1: number,
    _s2: number,
    _s3: number,
    _iif: number,
    _mark: number,
  ): Route {
    throw new Error("being written");
  }

  /** The way of an IPv6 packet that the host sends (ip6_route_output); source words all 0: not chosen yet. */
  route6(
    _d0: number,
    _d1: number,
    _d2: number,
    _d3: number,
    _s0: number,
    _s1: number,
    _s2: number,
    _s3: number,
    _oif: number,
    _mark: number,
  ): Route {
    throw new Error("being written");
  }

  /** fib_validate_source for a packet that leaves by `oif` (0: delivered here): 0, or an index into SOURCE_REASONS. */
  validateSource4(_src: number, _dst: number, _iif: number, _oif: number): number {
    throw new Error("being written");
  }

  /** fib_frontend.c: inet_addr_type (`dev` 0) or inet_dev_addr_type: an RTN_*. */
  addressType4(_address: number, _dev: number): number {
    throw new Error("being written");
  }

  /** xt_addrtype.c, IPv6: the set of types this address has, as bits `1 << RTN_*`; `dev` 0: on any device. */
  addressTypes6(_a0: number, _a1: number, _a2: number, _a3: number, _dev: number): number {
    throw new Error("being written");
  }

  /** devinet.c: inet_select_addr: the address of `dev` to talk to `dst` (0: any) from; 0 when there is none. */
  selectAddress4(_dev: number, _dst: number, _scope: number): number {
    throw new Error("being written");
  }

  /** ipv6_dev_get_saddr (RFC 6724): writes four words into `out`, false when there is none. */
  selectAddress6(_dev: number, _d0: number, _d1: number, _d2: number, _d3: number, _out: Int32Array): boolean {
    throw new Error("being written");
  }

  /** Whether this address is the host's own (inet_ifa_byprefix … RTN_LOCAL); `dev` 0: on any device. */
  isLocal4(_address: number): boolean {
    throw new Error("being written");
  }

  isLocal6(_a0: number, _a1: number, _a2: number, _a3: number): boolean {
    throw new Error("being written");
  }
}
