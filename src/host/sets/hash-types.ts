/**
 * The hash set types: how an element of each lies in memory (as words, each the big-endian reading of four bytes of
 * the kernel's struct), what a packet's element is (kadt of ip_set_hash_*.c), and which options it is created with.
 *
 * A = words of an address. `| n` below means n in the word's lowest byte.
 */
import type { Family } from "../../packet/hook.ts";
import type { Packet } from "../../packet/packet.ts";
import type { Element, Part } from "./element.ts";
import type { HashSet } from "./hash.ts";
import { portOf, putAddress, putMac } from "./packet-key.ts";
import type { SetQuery } from "./set.ts";

/** Where a network lies in the key, and where its prefix length is kept. */
export interface NetPlace {
  /** First word of the address, in words per address: 0 or 1 addresses before it. */
  readonly address: 0 | 1;
  /** Word of the prefix length after the addresses, and how far left in it. */
  readonly word: number;
  readonly shift: number;
  /** What is stored is the prefix length minus this. */
  readonly less: 0 | 1;
}

export interface HashType {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly dimensions: number;
  readonly canNomatch: boolean;
  readonly parts: readonly Part[];
  /** What `create` takes, in the order in which `ipset save` prints it. */
  readonly create: readonly string[];
  /** hash:mac is of no family. */
  readonly noFamily?: boolean;
  /** IPv4 networks and ranges of the first address may not be written. */
  readonly onlyHosts?: boolean;
  readonly addresses: 0 | 1 | 2;
  /** Words after the addresses. */
  readonly extraWords: number;
  /** Extra words that only the IPv4 variant has: its struct is padded to 16 bytes. */
  readonly padding4?: number;
  readonly nets: readonly NetPlace[];
  /** Prefix length 0 may be stored. */
  readonly zeroPrefix?: boolean;
  /** Interface names belong to the element. */
  readonly hasInterface?: boolean;
  /** An element whose masked first address is all zero cannot be stored (and no packet has one). */
  readonly noZero?: boolean;
  /** Writes the packet's element into `key`, networks at full length; false: nothing to look at. */
  keyOfPacket(set: HashSet, p: Packet, q: SetQuery, key: Int32Array): boolean;
  /** Writes what of a written element is no address and no port; the words after the addresses begin at `at`. */
  keyOfElement?(set: HashSet, element: Element, key: Int32Array, at: number): void;
  /** Writes protocol and port; the words after the addresses begin at `at`. */
  putPort?(key: Int32Array, at: number, protocol: number, port: number): void;
  /** Reads them back as `protocol << 16 | port`. */
  portAt?(words: Int32Array, at: number): number;
}

const COMMON = ["timeout", "counters", "comment", "forceadd", "skbinfo", "bucketsize", "initval"];
const SIZES = ["family", "hashsize", "maxelem"];

const wordsOf = (family: 0 | Family) => (family === 6 ? 4 : 1);
const from = (q: SetQuery, direction: number) => (q.sources & (1 << direction)) !== 0;

/** Port and protocol as in `__be16 port; u8 proto; u8 …`. */
const PORT_FIRST = {
  putPort(key: Int32Array, at: number, protocol: number, port: number) {
    key[at] = (port << 16) | (protocol << 8);
  },
  portAt: (words: Int32Array, at: number) => (((words[at] >>> 8) & 0xff) << 16) | (words[at] >>> 16),
};

function keyIpPort(set: HashSet, p: Packet, q: SetQuery, key: Int32Array): boolean {
  const port = portOf(p, from(q, 2));
  if (port < 0) return false;
  putAddress(key, 0, p, from(q, 1));
  set.type_.putPort!(key, set.extra, port >>> 16, port & 0xffff);
  return true;
}

/** Two addresses around a port: directions 1, 2 (the port's) and 3. */
function keyIpPortIp(set: HashSet, p: Packet, q: SetQuery, key: Int32Array): boolean {
  if (!keyIpPort(set, p, q, key)) return false;
  putAddress(key, wordsOf(set.family), p, from(q, 3));
  return true;
}

/** A 32-bit number that the kernel keeps in host order, as the big-endian reading of a little-endian word. */
function hostOrder(mark: number): number {
  return (mark << 24) | ((mark & 0xff00) << 8) | ((mark >>> 8) & 0xff00) | (mark >>> 24);
}

/** The link-layer address of an element, in the two words from `at` on. */
function putWrittenMac(mac: Uint8Array, key: Int32Array, at: number): void {
  key[at] = (mac[0] << 24) | (mac[1] << 16) | (mac[2] << 8) | mac[3];
  key[at + 1] = (mac[4] << 24) | (mac[5] << 16);
}

export const HASH_TYPES: readonly HashType[] = [
  {
    name: "hash:ip",
    aliases: ["iphash"],
    dimensions: 1,
    canNomatch: false,
    parts: ["ip4 single6"],
    create: [...SIZES, "netmask", "bitmask", ...COMMON],
    addresses: 1,
    extraWords: 0,
    nets: [],
    noZero: true,
    keyOfPacket(set, p, q, key) {
      putAddress(key, 0, p, from(q, 1));
      return set.maskAddress(key, 0);
    },
  },
  {
    // struct { ip; u16 padding; u8 nomatch; u8 cidr }
    name: "hash:net",
    aliases: ["nethash"],
    dimensions: 1,
    canNomatch: true,
    parts: ["ip4 net6"],
    create: [...SIZES, ...COMMON],
    addresses: 1,
    extraWords: 1,
    nets: [{ address: 0, word: 0, shift: 0, less: 0 }],
    keyOfPacket(_set, p, q, key) {
      putAddress(key, 0, p, from(q, 1));
      return true;
    },
  },
  {
    // struct { ip; __be16 port; u8 proto; u8 padding }
    name: "hash:ip,port",
    aliases: ["ipporthash"],
    dimensions: 2,
    canNomatch: false,
    parts: ["ip4 single6", "port"],
    create: [...SIZES, ...COMMON, "netmask", "bitmask"],
    addresses: 1,
    extraWords: 1,
    nets: [],
    noZero: true,
    ...PORT_FIRST,
    keyOfPacket: (set, p, q, key) => keyIpPort(set, p, q, key) && set.maskAddress(key, 0),
  },
  {
    // struct { ip; __be16 port; u8 proto; u8 cidr - 1 }
    name: "hash:net,port",
    aliases: ["netporthash"],
    dimensions: 2,
    canNomatch: true,
    parts: ["ip4 net6", "port"],
    create: [...SIZES, ...COMMON],
    addresses: 1,
    extraWords: 1,
    nets: [{ address: 0, word: 0, shift: 0, less: 1 }],
    ...PORT_FIRST,
    keyOfPacket: keyIpPort,
  },
  {
    // struct { ip; ip2; __be16 port; u8 proto; u8 padding }
    name: "hash:ip,port,ip",
    aliases: ["ipportiphash"],
    dimensions: 3,
    canNomatch: false,
    parts: ["ip4 single6", "port", "single ip"],
    create: [...SIZES, ...COMMON],
    addresses: 2,
    extraWords: 1,
    nets: [],
    ...PORT_FIRST,
    keyOfPacket: keyIpPortIp,
  },
  {
    // struct { ip; ip2; __be16 port; u8 cidr - 1; u8 proto }
    name: "hash:ip,port,net",
    aliases: ["ipportnethash"],
    dimensions: 3,
    canNomatch: true,
    parts: ["ip4 single6", "port", "ip4 net6"],
    create: [...SIZES, ...COMMON],
    addresses: 2,
    extraWords: 1,
    nets: [{ address: 1, word: 0, shift: 8, less: 1 }],
    putPort(key, at, protocol, port) {
      key[at] = (port << 16) | protocol;
    },
    portAt: (words, at) => ((words[at] & 0xff) << 16) | (words[at] >>> 16),
    keyOfPacket: keyIpPortIp,
  },
  {
    // struct { ip[2]; u8 nomatch; u8 padding; u8 cidr[2] }
    name: "hash:net,net",
    aliases: ["netnethash"],
    dimensions: 2,
    canNomatch: true,
    parts: ["ip4 net6", "ip4 net6"],
    create: [...SIZES, ...COMMON, "bitmask", "netmask"],
    addresses: 2,
    extraWords: 1,
    padding4: 1,
    nets: [
      { address: 0, word: 0, shift: 8, less: 0 },
      { address: 1, word: 0, shift: 0, less: 0 },
    ],
    keyOfPacket(set, p, q, key) {
      putAddress(key, 0, p, from(q, 1));
      putAddress(key, wordsOf(set.family), p, from(q, 2));
      set.maskAddress(key, 0);
      set.maskAddress(key, wordsOf(set.family));
      return true;
    },
  },
  {
    // struct { ip[2]; __be16 port; u8 cidr[2]; u16 padding; u8 nomatch; u8 proto }
    name: "hash:net,port,net",
    aliases: ["netportnethash"],
    dimensions: 3,
    canNomatch: true,
    parts: ["ip4 net6", "port", "ip4 net6"],
    create: [...SIZES, ...COMMON],
    addresses: 2,
    extraWords: 2,
    nets: [
      { address: 0, word: 0, shift: 8, less: 0 },
      { address: 1, word: 0, shift: 0, less: 0 },
    ],
    zeroPrefix: true,
    putPort(key, at, protocol, port) {
      key[at] = port << 16;
      key[at + 1] = protocol;
    },
    portAt: (words, at) => ((words[at + 1] & 0xff) << 16) | (words[at] >>> 16),
    keyOfPacket: keyIpPortIp,
  },
  {
    // hashed: struct { ip; u8 physdev; u8 cidr; u8 nomatch; u8 elem = 1 }; the name is compared
    name: "hash:net,iface",
    aliases: ["netifacehash"],
    dimensions: 2,
    canNomatch: true,
    parts: ["ip4 net6", "iface"],
    create: [...SIZES, ...COMMON],
    addresses: 1,
    extraWords: 1,
    nets: [{ address: 0, word: 0, shift: 16, less: 0 }],
    zeroPrefix: true,
    hasInterface: true,
    keyOfPacket(set, p, q, key) {
      const device = from(q, 2) ? p.inDev : p.outDev;
      if (device === 0) return false;
      putAddress(key, 0, p, from(q, 1));
      key[set.extra] = 1;
      set.keyInterface = set.environment.interfaces[device].name;
      return true;
    },
    keyOfElement(set, element, key, at) {
      key[at] = ((element.physdev ? 1 : 0) << 24) | 1;
      set.keyInterface = element.iface;
    },
  },
  {
    // struct { u8 ether[6]; u8 padding[2] }
    name: "hash:mac",
    aliases: ["machash"],
    dimensions: 1,
    canNomatch: false,
    parts: ["mac"],
    create: ["hashsize", "maxelem", ...COMMON],
    noFamily: true,
    addresses: 0,
    extraWords: 2,
    nets: [],
    keyOfPacket: (set, p, q, key) => putMac(key, 0, p, from(q, 1), set.environment),
    keyOfElement: (_set, element, key, at) => putWrittenMac(element.mac!, key, at),
  },
  {
    // struct { ip; u8 ether[6]; u8 padding[2] }
    name: "hash:ip,mac",
    aliases: ["ipmachash"],
    dimensions: 2,
    canNomatch: false,
    parts: ["ip4 single6", "mac"],
    create: [...SIZES, ...COMMON],
    onlyHosts: true,
    addresses: 1,
    extraWords: 2,
    nets: [],
    keyOfPacket(set, p, q, key) {
      if (!putMac(key, set.extra, p, from(q, 2), set.environment)) return false;
      putAddress(key, 0, p, from(q, 1));
      return true;
    },
    keyOfElement: (_set, element, key, at) => putWrittenMac(element.mac!, key, at),
  },
  {
    // struct { ip; u32 mark }
    name: "hash:ip,mark",
    aliases: ["ipmarkhash"],
    dimensions: 2,
    canNomatch: false,
    parts: ["ip4 single6", "mark"],
    create: ["family", "markmask", "hashsize", "maxelem", ...COMMON],
    addresses: 1,
    extraWords: 1,
    nets: [],
    keyOfPacket(set, p, q, key) {
      putAddress(key, 0, p, from(q, 1));
      key[set.extra] = hostOrder(p.mark & set.config.markmask);
      return true;
    },
    keyOfElement(set, element, key, at) {
      key[at] = hostOrder(element.mark & set.config.markmask);
    },
  },
];

/** hostOrder is its own inverse: the mark that an element keeps. */
export const markOf = hostOrder;
