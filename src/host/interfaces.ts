/**
 * The host's network devices and their addresses.
 */

export interface InterfaceAddress {
  readonly family: 4 | 6;
  /** Network-order words, signed 32-bit; IPv4 has one, IPv6 four. */
  readonly words: readonly number[];
  readonly prefixLength: number;
  /** The far end of a point-to-point address; null: the address's own network. */
  readonly peer: readonly number[] | null;
  /** IPv4 broadcast address, null when none is set (0 words are never set). */
  readonly broadcast: number | null;
  /** IPv4: another address of the same network came first (IFA_F_SECONDARY). */
  readonly secondary: boolean;
  /** RT_SCOPE_*: 0 universe, 200 site, 253 link, 254 host. */
  readonly scope: number;
}

/** Per-device IPv4 settings as they are in effect: `all` and the device's own combined as each key demands. */
export interface DeviceSettings4 {
  forwarding: boolean;
  rpFilter: 0 | 1 | 2;
  acceptLocal: boolean;
  routeLocalnet: boolean;
  acceptSourceRoute: boolean;
  sendRedirects: boolean;
  acceptRedirects: boolean;
  sharedMedia: boolean;
  secureRedirects: boolean;
  srcValidMark: boolean;
  bcForwarding: boolean;
  dropUnicastInL2Multicast: boolean;
  promoteSecondaries: boolean;
}

export interface DeviceSettings6 {
  forwarding: boolean;
  forceForwarding: boolean;
  hopLimit: number;
  acceptSourceRoute: number;
  acceptRedirects: boolean;
  disabled: boolean;
  mtu: number;
  dropUnicastInL2Multicast: boolean;
}

export interface Interface {
  /** Counts from 1; 1 is `lo`. */
  readonly index: number;
  readonly name: string;
  readonly addresses: readonly InterfaceAddress[];
  /** Six bytes, or null for a device without link-layer addresses (lo, tun). */
  readonly mac: Uint8Array | null;
  /** Bytes of network-layer packet. */
  readonly mtu: number;
  readonly loopback: boolean;
  /** No link-layer addresses: tun, ppp, wireguard. */
  readonly pointToPoint: boolean;
  readonly settings4: DeviceSettings4;
  readonly settings6: DeviceSettings6;
}
