/**
 * What a NAT rule asks for: addresses and ports to choose from (uapi/linux/netfilter/nf_nat.h: struct nf_nat_range2),
 * and the ranges that NETMAP makes of a packet's own address.
 */

/** nf_nat_manip_type: which end of the connection is translated. */
export const MANIP_SRC = 0;
export const MANIP_DST = 1;
export type Manip = 0 | 1;

/** The addresses of the range are to be used. */
export const NAT_RANGE_MAP_IPS = 1;
/** The ports of the range are to be used. */
export const NAT_RANGE_PROTO_SPECIFIED = 2;
/** `--random`. */
export const NAT_RANGE_PROTO_RANDOM = 4;
/** `--persistent`: the choice of address ignores the destination. */
export const NAT_RANGE_PERSISTENT = 8;
/** `--random-fully`. */
export const NAT_RANGE_PROTO_RANDOM_FULLY = 16;
/** `DNAT --to a:1000-2000/3000`: the port's distance from `basePort` is kept. */
export const NAT_RANGE_PROTO_OFFSET = 32;
/** Set by NETMAP's options; the kernel ignores it. */
export const NAT_RANGE_NETMAP = 64;

export const NAT_RANGE_RANDOM_ALL = NAT_RANGE_PROTO_RANDOM | NAT_RANGE_PROTO_RANDOM_FULLY;

/**
 * Plain data. Addresses are network-order words read as signed 32-bit integers, IPv4 in word 0 with the others 0;
 * ports (ICMP: ids, GRE: keys) are 0 … 65535. Both ends are inclusive.
 */
export interface NatRange {
  /** NAT_RANGE_* or-ed. */
  readonly flags: number;
  readonly min0: number;
  readonly min1: number;
  readonly min2: number;
  readonly min3: number;
  readonly max0: number;
  readonly max1: number;
  readonly max2: number;
  readonly max3: number;
  readonly minPort: number;
  readonly maxPort: number;
  readonly basePort: number;
}

/** A range that leaves address and port to the kernel (MASQUERADE and REDIRECT without options). */
export const ANY_RANGE: NatRange = {
  flags: 0,
  min0: 0,
  min1: 0,
  min2: 0,
  min3: 0,
  max0: 0,
  max1: 0,
  max2: 0,
  max3: 0,
  minPort: 0,
  maxPort: 0,
  basePort: 0,
};

/** A range of one address, filled anew for each use. */
export class SingleAddress implements NatRange {
  flags = 0;
  min0 = 0;
  min1 = 0;
  min2 = 0;
  min3 = 0;
  max0 = 0;
  max1 = 0;
  max2 = 0;
  max3 = 0;
  minPort = 0;
  maxPort = 0;
  basePort = 0;

  /** `range` with its addresses replaced. The base port is dropped, as the kernel's copies drop it. */
  set(range: NatRange, word0: number, word1: number, word2: number, word3: number): this {
    this.flags = range.flags | NAT_RANGE_MAP_IPS;
    this.min0 = this.max0 = word0;
    this.min1 = this.max1 = word1;
    this.min2 = this.max2 = word2;
    this.min3 = this.max3 = word3;
    this.minPort = range.minPort;
    this.maxPort = range.maxPort;
    return this;
  }
}

/**
 * One word of NETMAP's address (xt_NETMAP.c): the network part comes from the range, whose two ends differ exactly in
 * the host part (10.1.0.0 … 10.1.255.255 is 10.1.0.0/16); the host part comes from the packet.
 */
export function netmapWord(address: number, min: number, max: number): number {
  const network = ~(min ^ max);
  return (address & ~network) | (min & network);
}
