/**
 * The host's network devices and their addresses, as `ip link` and `ip addr` would have made them.
 */
import { formatAddress, maskOfPrefix4, parseAddress, parseMac } from "../bytes/address.ts";
import { ADDR_ANY, ADDR_LINKLOCAL, ADDR_LOOPBACK, ADDR_MULTICAST, ADDR_SITELOCAL, addressKind6 } from "./address6.ts";
import {
  type AddressConfig,
  checkInterfaceKeys,
  type HostConfig,
  type InterfaceConfig,
  type NamedInterfaceConfig,
} from "./config.ts";
import { HostError } from "./error.ts";

/** Index of the loopback device. */
export const LO = 1;

/** rtnetlink.h: RT_SCOPE_* */
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_SITE = 200;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RT_SCOPE_NOWHERE = 255;

const SCOPES: Readonly<Record<string, number>> = {
  global: RT_SCOPE_UNIVERSE,
  universe: RT_SCOPE_UNIVERSE,
  site: RT_SCOPE_SITE,
  link: RT_SCOPE_LINK,
  host: RT_SCOPE_HOST,
  nowhere: RT_SCOPE_NOWHERE,
};

export interface InterfaceAddress {
  readonly family: 4 | 6;
  /** Network-order words, signed 32-bit; IPv4 has one, IPv6 four. */
  readonly words: readonly number[];
  readonly prefixLength: number;
  /** The far end of a point-to-point address; null: the address lies in its own network. */
  readonly peer: readonly number[] | null;
  /** IPv4: the broadcast address that was set explicitly (`brd`), null when none was. */
  readonly broadcast: number | null;
  /** IPv4: another address of the same network came first (IFA_F_SECONDARY). */
  readonly secondary: boolean;
  /** RT_SCOPE_* */
  readonly scope: number;
  /** `noprefixroute`: no route to the address's network is made. */
  readonly prefixRoute: boolean;
  /** Metric of the route to the network; 0 means the kernel's default. */
  readonly metric: number;
}

/** Per-device IPv4 settings as they are in effect: `all` and the device's own combined as each key demands. */
export interface DeviceSettings4 {
  forwarding: boolean;
  /** 0 off, 1 strict, anything else loose. */
  rpFilter: number;
  acceptLocal: boolean;
  routeLocalnet: boolean;
  acceptSourceRoute: boolean;
  /** Broadcasts to other networks of the host are forwarded. */
  bcForwarding: boolean;
  sendRedirects: boolean;
  sharedMedia: boolean;
  dropUnicastInL2Multicast: boolean;
}

export interface DeviceSettings6 {
  /** conf.DEV.forwarding: behaves as a router here. Whether packets are forwarded at all is `sysctl.forwarding6`. */
  forwarding: boolean;
  forceForwarding: boolean;
  hopLimit: number;
  /** min(all, device): above 0 routing headers of type 2 are taken, at or above 0 … see exthdrs.c. */
  acceptSourceRoute: number;
  disabled: boolean;
  /** Bytes. */
  mtu: number;
  dropUnicastInL2Multicast: boolean;
  useOifAddrsOnly: boolean;
}

export interface Interface {
  /** Counts from 1; 1 is `lo`. */
  readonly index: number;
  readonly name: string;
  /** In the order in which the kernel keeps them: source selection takes the first that fits. */
  readonly addresses: readonly InterfaceAddress[];
  /** Six bytes, or null for a device without link-layer addresses (lo, tun). */
  readonly mac: Uint8Array | null;
  /** Bytes of network-layer packet. */
  readonly mtu: number;
  readonly loopback: boolean;
  readonly settings4: DeviceSettings4;
  readonly settings6: DeviceSettings6;
}

/** addrconf.c: a device whose MTU is smaller has no IPv6. */
export const IPV6_MIN_MTU = 1280;
const LOOPBACK_MTU = 65536;
const ETHERNET_MTU = 1500;

/** The devices in index order: a placeholder, lo, then the others as listed. */
export function makeInterfaces(config: HostConfig["interfaces"]): Interface[] {
  const named = namedInterfaces(config);
  const lo = named.find((item) => item.name === "lo");
  const interfaces = [makeInterface(0, { name: "" }), makeInterface(1, { ...lo, name: "lo" })];
  for (const item of named) {
    if (item.name === "lo") continue;
    if (interfaces.some((other) => other.name === item.name))
      throw new HostError(`interface ${item.name} is described twice`);
    interfaces.push(makeInterface(interfaces.length, item));
  }
  return interfaces;
}

/** The lenient forms of `interfaces` brought into one. */
export function namedInterfaces(config: HostConfig["interfaces"]): NamedInterfaceConfig[] {
  if (config === undefined || config === null) return [];
  if (Array.isArray(config)) return [...(config as readonly NamedInterfaceConfig[])];
  return Object.entries(config).map(([name, value]) => {
    if (value === null) return { name };
    if (typeof value === "string") return { name, addresses: [value] };
    if (Array.isArray(value)) return { name, addresses: value as readonly (string | AddressConfig)[] };
    return { ...(value as InterfaceConfig), name };
  });
}

function makeInterface(index: number, config: NamedInterfaceConfig): Interface {
  const { name } = config;
  checkInterfaceKeys(config);
  const loopback = index === 1;
  if (index > 0) checkName(name);
  const mtu = config.mtu ?? (loopback ? LOOPBACK_MTU : ETHERNET_MTU);
  if (!Number.isInteger(mtu) || mtu < 68 || mtu > LOOPBACK_MTU)
    throw new HostError(`mtu of ${name} must be a whole number from 68 to ${LOOPBACK_MTU}, not ${mtu}`);
  const mac = config.mac === undefined || config.mac === null ? null : parseMac(config.mac);
  if (config.mac !== undefined && config.mac !== null && mac === null)
    throw new HostError(`mac of ${name} must look like 02:00:00:00:00:01, not "${config.mac}"`);
  if (mac !== null && loopback) throw new HostError("lo has no mac");
  const texts = typeof config.addresses === "string" ? [config.addresses] : (config.addresses ?? []);
  let given = texts.map((text) => readAddress(text, name));
  if (loopback) {
    // lo has these from the start; saying so is no mistake.
    const own = ["127.0.0.1/8", "::1/128"].map((text) => readAddress(text, name));
    const isOwn = (address: InterfaceAddress) =>
      own.some(({ words }) => words.every((word, i) => word === address.words[i]));
    given = [...own, ...given.filter((address) => !isOwn(address))];
  }
  const addresses = orderAddresses(given, name);
  if (mtu < IPV6_MIN_MTU && !loopback && addresses.some(({ family }) => family === 6))
    throw new HostError(`${name} can have no IPv6 address: its mtu of ${mtu} is below ${IPV6_MIN_MTU}`);
  return {
    index,
    name,
    addresses,
    mac,
    mtu,
    loopback,
    settings4: {
      forwarding: true,
      rpFilter: 0,
      acceptLocal: false,
      routeLocalnet: false,
      acceptSourceRoute: false,
      bcForwarding: false,
      sendRedirects: false,
      sharedMedia: true,
      dropUnicastInL2Multicast: false,
    },
    settings6: {
      forwarding: true,
      forceForwarding: false,
      hopLimit: 64,
      acceptSourceRoute: 0,
      disabled: mtu < IPV6_MIN_MTU,
      mtu,
      dropUnicastInL2Multicast: false,
      useOifAddrsOnly: false,
    },
  };
}

/** dev_valid_name */
function checkName(name: string): void {
  if (typeof name !== "string" || name === "") throw new HostError("an interface needs a name");
  if (name.length > 15) throw new HostError(`interface name "${name}" is longer than 15 characters`);
  if (name === "." || name === ".." || /[/:\s]/.test(name))
    throw new HostError(`"${name}" cannot be the name of an interface`);
}

/** One address in `ip addr add` words: `192.0.2.1/24 brd 192.0.2.255`, `10.0.0.1 peer 10.0.0.2/32`. */
function readAddress(config: string | AddressConfig, device: string): InterfaceAddress {
  const text =
    typeof config === "string"
      ? config
      : config.address +
        (config.peer ? ` peer ${config.peer}` : "") +
        (config.broadcast ? ` brd ${config.broadcast}` : "");
  const words = text.trim().split(/\s+/);
  const fail = (why: string) => new HostError(`address "${text}" of ${device}: ${why}`);
  const local = readPrefix(words[0]);
  if (local === null) throw fail("expected an address such as 192.0.2.1/24 or 2001:db8::1/64");
  const family = local.words.length === 1 ? 4 : 6;
  let peer: ReturnType<typeof readPrefix> = null;
  let broadcast: string | null = null;
  let scope =
    family === 4 ? (local.words[0] >>> 24 === 127 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE) : scopeOf6(local.words);
  let prefixRoute = true;
  let metric = 0;
  for (let i = 1; i < words.length; i++) {
    const word = words[i];
    const next = () => {
      if (i + 1 >= words.length) throw fail(`"${word}" needs a value`);
      return words[++i];
    };
    if (word === "peer" || word === "remote") {
      peer = readPrefix(next());
      if (peer === null || peer.words.length !== local.words.length)
        throw fail(`"${words[i]}" is not an address of the same family`);
    } else if (word === "brd" || word === "broadcast") broadcast = next();
    else if (word === "scope") {
      const name = next();
      const number = SCOPES[name] ?? (/^\d+$/.test(name) ? Number(name) : -1);
      if (number < 0 || number > 255) throw fail(`there is no scope "${name}"`);
      if (family === 4) scope = number;
    } else if (word === "noprefixroute") prefixRoute = false;
    else if (word === "metric" || word === "priority" || word === "preference") metric = readNumber(next(), fail);
    else if (word === "label") next();
    else if (word === "dev") {
      if (next() !== device) throw fail("it names another device");
    } else if (word !== "nodad" && word !== device) throw fail(`"${word}" is not understood`);
  }
  const result = {
    family,
    words: local.words,
    prefixLength: peer?.length ?? local.length ?? (family === 4 ? 32 : 128),
    peer: peer?.words ?? null,
    broadcast: null as number | null,
    secondary: false,
    scope,
    prefixRoute,
    metric,
  } as const;
  if (family === 6) {
    check6(local.words, device, fail);
    if (broadcast !== null) throw fail("IPv6 knows no broadcast");
    return result;
  }
  return { ...result, broadcast: readBroadcast(broadcast, result, fail) };
}

function readBroadcast(
  text: string | null,
  address: {
    readonly words: readonly number[];
    readonly prefixLength: number;
    readonly peer: readonly number[] | null;
  },
  fail: (why: string) => HostError,
): number | null {
  if (text === null) return null;
  const network = (address.peer ?? address.words)[0];
  const mask = maskOfPrefix4(address.prefixLength);
  // iproute2 sets none where a network has no room for one.
  if (text === "+" || text === "-") {
    if (address.prefixLength > 30) return null;
    return text === "+" ? network | ~mask : network & mask;
  }
  const words = parseAddress(text);
  if (words === null || words.length !== 1) throw fail(`"${text}" is not a broadcast address`);
  return words[0] === 0 ? null : words[0];
}

/** addrconf.c: inet6_addr_add and ipv6_add_addr say no to these. */
function check6(words: readonly number[], device: string, fail: (why: string) => HostError): void {
  const kind = addressKind6(words[0], words[1], words[2], words[3]);
  if (kind === ADDR_ANY) throw fail("the unspecified address cannot be assigned");
  if (kind & ADDR_MULTICAST) throw fail("a multicast address cannot be assigned");
  if (kind & ADDR_LOOPBACK && device !== "lo") throw fail("::1 can only be assigned to lo");
}

function scopeOf6(words: readonly number[]): number {
  const kind = addressKind6(words[0], words[1], words[2], words[3]);
  if (kind & ADDR_LOOPBACK) return RT_SCOPE_HOST;
  if (kind & ADDR_LINKLOCAL) return RT_SCOPE_LINK;
  return kind & ADDR_SITELOCAL ? RT_SCOPE_SITE : RT_SCOPE_UNIVERSE;
}

/** `address/length` or a bare address; null when it is neither. A netmask may stand for the IPv4 length. */
export function readPrefix(text: string): { words: readonly number[]; length: number | null } | null {
  const slash = text.indexOf("/");
  const words = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (words === null) return null;
  if (slash < 0) return { words, length: null };
  const tail = text.slice(slash + 1);
  const most = words.length * 32;
  if (/^\d{1,3}$/.test(tail)) return Number(tail) <= most ? { words, length: Number(tail) } : null;
  const mask = words.length === 1 ? parseAddress(tail) : null;
  if (mask === null || mask.length !== 1) return null;
  const length = Math.clz32(~mask[0]);
  return mask[0] === maskOfPrefix4(length) ? { words, length } : null;
}

export function readNumber(text: string, fail: (why: string) => HostError): number {
  if (!/^(0x[0-9a-fA-F]{1,8}|\d{1,10})$/.test(text) || Number(text) > 0xffffffff)
    throw fail(`"${text}" is not a number from 0 to 4294967295`);
  return Number(text);
}

/**
 * The order in which the kernel lists addresses (devinet.c: __inet_insert_ifa; addrconf.c: ipv6_link_dev_addr), which
 * decides what is primary and what source selection sees first.
 */
function orderAddresses(given: readonly InterfaceAddress[], device: string): InterfaceAddress[] {
  const v4: InterfaceAddress[] = [];
  const v6: InterfaceAddress[] = [];
  for (const address of given) {
    if (address.family === 4) insert4(v4, address, device);
    else insert6(v6, address, device);
  }
  return [...v4, ...v6];
}

function insert4(list: InterfaceAddress[], address: InterfaceAddress, device: string): void {
  const mask = maskOfPrefix4(address.prefixLength);
  const network = (address.peer ?? address.words)[0] & mask;
  let afterPrimary = 0;
  let secondary = false;
  for (const [i, other] of list.entries()) {
    if (!other.secondary && address.scope <= other.scope) afterPrimary = i + 1;
    if (other.prefixLength !== address.prefixLength || ((other.peer ?? other.words)[0] & mask) !== network) continue;
    const text = `${formatAddress(address.words)}/${address.prefixLength}`;
    if (other.words[0] === address.words[0]) throw new HostError(`address ${text} is assigned to ${device} twice`);
    if (other.scope !== address.scope)
      throw new HostError(`address ${text} of ${device} has another scope than one of its network before it`);
    secondary = true;
  }
  list.splice(secondary ? list.length : afterPrimary, 0, { ...address, secondary });
}

function insert6(list: InterfaceAddress[], address: InterfaceAddress, device: string): void {
  if (list.some((other) => other.words.every((word, i) => word === address.words[i])))
    throw new HostError(`address ${formatAddress(address.words)} is assigned to ${device} twice`);
  const at = list.findIndex((other) => other.scope >= address.scope);
  list.splice(at < 0 ? list.length : at, 0, address);
}
