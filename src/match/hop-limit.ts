/** What the ttl and hl matches share: one of three comparisons with the hops that a packet has left (xt_hl.c). */
import type { Packet } from "../packet/packet.ts";
import { type GivenOption, RuleError } from "../rules/extension.ts";

export type Comparison = "eq" | "ne" | "lt" | "gt";

export interface HopLimit {
  readonly is: Comparison;
  readonly value: number;
}

export function hopLimit(
  lt: GivenOption<number> | undefined,
  gt: GivenOption<number> | undefined,
  eq: GivenOption<number> | undefined,
): HopLimit {
  if (lt !== undefined) return { is: "lt", value: lt.value };
  if (gt !== undefined) return { is: "gt", value: gt.value };
  return { is: eq!.not ? "ne" : "eq", value: eq!.value };
}

/** libxtables finds this pair first, also when all three comparisons are given. */
export function checkHopLimit(name: string, lt: unknown, eq: unknown): void {
  if (lt !== undefined && eq !== undefined)
    throw new RuleError(`${name}: option "--${name}-lt" cannot be used together with "--${name}-eq".`);
}

/** `prefix` is `--ttl` or `--hl`. */
export function printHopLimit({ is, value }: HopLimit, prefix: string): string {
  return is === "ne" ? `! ${prefix}-eq ${value}` : `${prefix}-${is} ${value}`;
}

export function hopLimitPredicate({ is, value }: HopLimit): (p: Packet) => boolean {
  switch (is) {
    case "eq":
      return (p) => p.ttl === value;
    case "ne":
      return (p) => p.ttl !== value;
    case "lt":
      return (p) => p.ttl < value;
    default:
      return (p) => p.ttl > value;
  }
}

export function hopLimitSource({ is, value }: HopLimit): string {
  return `p.ttl ${{ eq: "===", ne: "!==", lt: "<", gt: ">" }[is]} ${value}`;
}

export function hopLimitWhy({ is, value }: HopLimit, p: Packet, name: string): string {
  return `${name} ${p.ttl} is ${{ eq: `not ${value}`, ne: String(value), lt: `not below ${value}`, gt: `not above ${value}` }[is]}`;
}
