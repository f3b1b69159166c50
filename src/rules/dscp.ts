/** Code points of the DS field, by number or class, as the dscp match and the DSCP target take them (dscp_helper.c). */
import { type OptionType, RuleError } from "./extension.ts";
import { uint } from "./types.ts";

const DSCP_MAX = 0x3f;

/** In the order in which iptables looks for the name that a word begins with. */
const CLASSES: readonly (readonly [name: string, dscp: number])[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => [`cs${n}`, n << 3] as const),
  ["be", 0],
  ...[1, 2, 3, 4].flatMap((n) => [1, 2, 3].map((drop) => [`af${n}${drop}`, (n << 3) | (drop << 1)] as const)),
  ["ef", 0x2e],
];

export function printDscp(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}

export const dscpNumber: OptionType<number> = { ...uint(0, DSCP_MAX), print: printDscp };

/** A class, in any case; what stands behind its name is not looked at. */
export const dscpClass: OptionType<number> = {
  arity: 1,
  parse([word]) {
    const found = CLASSES.find(([name]) => word.toLowerCase().startsWith(name));
    if (found === undefined) throw new RuleError(`Invalid DSCP value \`${word}'`);
    return found[1];
  },
  print: printDscp,
};
