/**
 * What tells one direction of a connection from every other: addresses, the protocol, and two 16-bit words of that
 * protocol (ports, ICMP id and type, GRE keys). The reply direction's tuple is the inverse of the original's until
 * NAT changes it.
 */
import type { Family } from "../packet/hook.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "../packet/transport.ts";

/** Index into arrays that hold one thing per direction. */
export const ORIGINAL = 0;
export const REPLY = 1;
export type Direction = 0 | 1;

/**
 * A reusable, mutable record. Address words as in Packet. `sport` and `dport` are unsigned 16-bit; for ICMP and ICMPv6
 * `sport` is the id and `dport` is type << 8 | code; for GRE they are the keys; 0 for protocols that have neither.
 */
export class Tuple {
  family: Family = 4;
  src0 = 0;
  src1 = 0;
  src2 = 0;
  src3 = 0;
  dst0 = 0;
  dst1 = 0;
  dst2 = 0;
  dst3 = 0;
  sport = 0;
  dport = 0;
  protocol = 0;
  /** The conntrack zone of this direction. */
  zone = 0;

  copyFrom(other: Tuple): void {
    this.family = other.family;
    this.src0 = other.src0;
    this.src1 = other.src1;
    this.src2 = other.src2;
    this.src3 = other.src3;
    this.dst0 = other.dst0;
    this.dst1 = other.dst1;
    this.dst2 = other.dst2;
    this.dst3 = other.dst3;
    this.sport = other.sport;
    this.dport = other.dport;
    this.protocol = other.protocol;
    this.zone = other.zone;
  }

  /** Same addresses, protocol and protocol words; zones are not compared (nf_ct_tuple_equal). */
  equals(other: Tuple): boolean {
    return (
      this.family === other.family &&
      this.src0 === other.src0 &&
      this.dst0 === other.dst0 &&
      this.sport === other.sport &&
      this.dport === other.dport &&
      this.protocol === other.protocol &&
      this.src1 === other.src1 &&
      this.src2 === other.src2 &&
      this.src3 === other.src3 &&
      this.dst1 === other.dst1 &&
      this.dst2 === other.dst2 &&
      this.dst3 === other.dst3
    );
  }

  /**
   * Makes `into` the tuple that an answer to this one would have; false when nothing answers it (an ICMP type that
   * has no counterpart). `into` may not be this tuple. The zone is copied. nf_conntrack_core.c: nf_ct_invert_tuple.
   */
  invertInto(into: Tuple): boolean {
    into.family = this.family;
    into.src0 = this.dst0;
    into.src1 = this.dst1;
    into.src2 = this.dst2;
    into.src3 = this.dst3;
    into.dst0 = this.src0;
    into.dst1 = this.src1;
    into.dst2 = this.src2;
    into.dst3 = this.src3;
    into.protocol = this.protocol;
    into.zone = this.zone;
    const ports = (this.sport << 16) | this.dport;
    if (!hasInverse(this.protocol, ports)) return false;
    const inverse = invertPorts(this.protocol, ports);
    into.sport = inverse >>> 16;
    into.dport = inverse & 0xffff;
    return true;
  }
}

/** Queries and their answers: echo, timestamp, information, address mask. */
const ICMP_ANSWERS: readonly (readonly [number, number])[] = [
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
];
/** Echo, and node information. */
const ICMPV6_ANSWERS: readonly (readonly [number, number])[] = [
  [128, 129],
  [139, 140],
];

function bothWays(pairs: readonly (readonly [number, number])[]): Int16Array {
  const inverse = new Int16Array(256).fill(-1);
  for (const [query, answer] of pairs) {
    inverse[query] = answer;
    inverse[answer] = query;
  }
  return inverse;
}

const ICMP_INVERSE = bothWays(ICMP_ANSWERS);
const ICMPV6_INVERSE = bothWays(ICMPV6_ANSWERS);

/** Is there an inverse of a tuple with these words (sport << 16 | dport)? */
export function hasInverse(protocol: number, ports: number): boolean {
  const icmp = protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6;
  return !icmp || inverseIcmpType(protocol, (ports >>> 8) & 0xff) >= 0;
}

/** What the inverse has for them. */
export function invertPorts(protocol: number, ports: number): number {
  if (protocol !== IPPROTO_ICMP && protocol !== IPPROTO_ICMPV6) return (ports << 16) | (ports >>> 16);
  return (ports & 0xffff00ff) | (inverseIcmpType(protocol, (ports >>> 8) & 0xff) << 8);
}

/** The type that answers, or is answered by, this one; -1 when there is none. */
export function inverseIcmpType(protocol: number, type: number): number {
  return protocol === IPPROTO_ICMP ? ICMP_INVERSE[type] : ICMPV6_INVERSE[type];
}
