/**
 * The description of a host as plain data, as written in host.yaml or by a program. Lenient where people spell the
 * same thing differently; `Host` reads every form and refuses what it does not understand.
 */

import { HostError } from "./error.ts";

export interface InterfaceConfig {
  /** In `ip addr add` words: `192.0.2.1/24`, `fe80::1/64`, `10.0.0.1 peer 10.0.0.2/32`, `192.0.2.1/24 brd 192.0.2.255`. */
  readonly addresses?: readonly (string | AddressConfig)[] | string | null;
  /** `02:00:00:00:00:01`; a device without one is a tun: point-to-point, no link layer. */
  readonly mac?: string | null;
  /** Bytes of network-layer packet; default 1500. */
  readonly mtu?: number | null;
}

export interface AddressConfig {
  readonly address: string;
  readonly peer?: string;
  readonly broadcast?: string;
}

export type NamedInterfaceConfig = InterfaceConfig & { readonly name: string };

/** A sysctl value, or a level of a nested map (`net: {ipv4: {ip_forward: 1}}`). */
export interface SysctlMap {
  readonly [key: string]: number | string | boolean | null | SysctlMap;
}

export interface OwnerConfig {
  readonly uid: number;
  readonly gid: number;
  /** Further groups of the user. */
  readonly groups?: readonly number[] | null;
}

export interface HostConfig {
  /** In the order in which the devices came up: their indexes, and which address the host prefers, depend on it. */
  readonly interfaces?:
    | Readonly<Record<string, InterfaceConfig | readonly (string | AddressConfig)[] | string | null>>
    | readonly NamedInterfaceConfig[]
    | null;
  /** In `ip route` syntax, one per item or line, in the order in which they are added. */
  readonly routes?: string | readonly string[] | null;
  /** `net.ipv4.ip_forward: 1`, nested maps, or `key = value` lines; written in this order when the devices are up. */
  readonly sysctl?: SysctlMap | readonly string[] | string | null;
  /** `ipset save` text, whole or by lines. */
  readonly sets?: string | readonly string[] | null;
  /** Who sends what the host itself sends, for `-m owner`; none: such rules are refused. */
  readonly owner?: OwnerConfig | null;
  /** "none": no program listens to what `-j NFQUEUE` hands on; not said: such rules are refused. */
  readonly queues?: "none" | null;
  /** Seed of the random source; default 1. */
  readonly seed?: number | null;
}

/** All keys there are: the compiler sees to it that none is missing. */
const HOST_KEYS: Readonly<Record<keyof HostConfig, true>> = {
  interfaces: true,
  routes: true,
  sysctl: true,
  sets: true,
  owner: true,
  queues: true,
  seed: true,
};
const INTERFACE_KEYS: Readonly<Record<keyof NamedInterfaceConfig, true>> = {
  name: true,
  addresses: true,
  mac: true,
  mtu: true,
};

/** Throws HostError for a key that nobody reads: a program's slip must not go unnoticed. */
export function checkHostKeys(config: HostConfig): void {
  for (const key of Object.keys(config))
    if (!Object.hasOwn(HOST_KEYS, key))
      throw new HostError(`a host has no "${key}": it has ${Object.keys(HOST_KEYS).join(", ")}`);
}

export function checkInterfaceKeys(config: NamedInterfaceConfig): void {
  for (const key of Object.keys(config))
    if (!Object.hasOwn(INTERFACE_KEYS, key))
      throw new HostError(
        `interface ${config.name} has no "${key}": it has ${Object.keys(INTERFACE_KEYS).slice(1).join(", ")}`,
      );
}

/** Settings as key and value, in order, whatever form they were given in. */
export function sysctlEntries(config: HostConfig["sysctl"]): [string, number | string | boolean][] {
  if (config === undefined || config === null) return [];
  if (typeof config === "string") return sysctlLines(config.split("\n"));
  if (Array.isArray(config)) return sysctlLines((config as readonly string[]).flatMap((line) => line.split("\n")));
  return [...walk(config as SysctlMap, "")];
}

function sysctlLines(lines: readonly string[]): [string, string][] {
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith(";"))
    .map((line) => {
      const equals = line.indexOf("=");
      // A leading `-` in sysctl.conf means: do not complain.
      const key = (equals < 0 ? line : line.slice(0, equals)).trim().replace(/^-/, "");
      return [key, equals < 0 ? "" : line.slice(equals + 1).trim()];
    });
}

/** Below `conf` and `neigh` a name is a device, dots and all; elsewhere a dot separates. */
function* walk(map: SysctlMap, prefix: string): Generator<[string, number | string | boolean]> {
  for (const [name, value] of Object.entries(map)) {
    const flat = prefix === "" && (value === null || typeof value !== "object");
    const device = /\/(conf|neigh)\/$/.test(prefix);
    const key = flat ? name : prefix + (device ? name : name.replaceAll(".", "/"));
    if (value !== null && typeof value === "object") yield* walk(value, `${key}/`);
    else yield [key, value ?? ""];
  }
}
