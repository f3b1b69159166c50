/**
 * The description of a host as plain data, as written in host.yaml or by a program. Lenient where people spell the
 * same thing differently; `Host` reads every form and refuses what it does not understand.
 */

export interface InterfaceConfig {
  /** `192.0.2.1/24`, `fe80::1/64`, `10.0.0.1 peer 10.0.0.2/32`, `192.0.2.1/24 broadcast 192.0.2.255`. */
  readonly addresses?: readonly (string | AddressConfig)[];
  /** `02:00:00:00:00:01`. */
  readonly mac?: string;
  readonly mtu?: number;
}

export interface AddressConfig {
  readonly address: string;
  readonly peer?: string;
  readonly broadcast?: string;
}

export type NamedInterfaceConfig = InterfaceConfig & { readonly name: string };

/** A sysctl value, or a level of a nested map (`net: {ipv4: {ip_forward: 1}}`). */
export interface SysctlMap {
  readonly [key: string]: number | string | boolean | SysctlMap;
}

export interface HostConfig {
  readonly interfaces?:
    | Readonly<Record<string, InterfaceConfig | readonly (string | AddressConfig)[] | string | null>>
    | readonly NamedInterfaceConfig[];
  /** In `ip route` syntax, one per item or line. */
  readonly routes?: string | readonly string[] | null;
  /** `net.ipv4.ip_forward: 1`, nested maps, or a list of `key = value`. */
  readonly sysctl?: SysctlMap | readonly string[] | string | null;
  /** `ipset save` text. */
  readonly sets?: string | readonly string[] | null;
  readonly seed?: number;
}
