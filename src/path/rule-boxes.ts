/**
 * The header fields that the rule index cuts, and the range of each that a rule asks for. A rule is a box in the
 * space of all headers; where it asks for something that is no range, the box is the smallest one around it.
 *
 * Values are kept with the sign bit flipped, so that signed comparison orders them as unsigned numbers.
 */
import type { Host } from "../host/host.ts";
import type { Family } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import type { AddressMatch, InterfaceMatch } from "../rules/ruleset.ts";
import { devicesMatching } from "./condition.ts";
import type { CompiledRule } from "./program.ts";

export const SPORT = 0;
export const DPORT = 1;
export const PROTOCOL = 2;
export const IN_DEV = 3;
export const OUT_DEV = 4;
/** Source words 5 … 8, destination words 9 … 12. */
export const SOURCE = 5;
export const DESTINATION = 9;
const FIELD_COUNT = 13;

export const FLIP = -0x80000000;
const LOWEST = FLIP;
const HIGHEST = 0x7fffffff;

/** The value of a field, flipped. */
export function fieldOf(p: Packet, field: number): number {
  switch (field) {
    case SPORT:
      return p.sport ^ FLIP;
    case DPORT:
      return p.dport ^ FLIP;
    case PROTOCOL:
      return p.protocol ^ FLIP;
    case IN_DEV:
      return p.inDev ^ FLIP;
    case OUT_DEV:
      return p.outDev ^ FLIP;
    case SOURCE:
      return p.src0 ^ FLIP;
    case SOURCE + 1:
      return p.src1 ^ FLIP;
    case SOURCE + 2:
      return p.src2 ^ FLIP;
    case SOURCE + 3:
      return p.src3 ^ FLIP;
    case DESTINATION:
      return p.dst0 ^ FLIP;
    case DESTINATION + 1:
      return p.dst1 ^ FLIP;
    case DESTINATION + 2:
      return p.dst2 ^ FLIP;
    default:
      return p.dst3 ^ FLIP;
  }
}

/** The fields that a family's packets have. */
export function fieldsOf(family: Family): readonly number[] {
  const common = [SPORT, DPORT, PROTOCOL, IN_DEV, OUT_DEV];
  if (family === 4) return [...common, SOURCE, DESTINATION];
  return [...common, 5, 6, 7, 8, 9, 10, 11, 12];
}

/** The boxes of a chain's rules. Bounds are inclusive; a rule that says nothing of a field has all of it. */
export class RuleBoxes {
  readonly #low: Int32Array;
  readonly #high: Int32Array;

  constructor(rules: readonly CompiledRule[], host: Host) {
    this.#low = new Int32Array(rules.length * FIELD_COUNT).fill(LOWEST);
    this.#high = new Int32Array(rules.length * FIELD_COUNT).fill(HIGHEST);
    for (let i = 0; i < rules.length; i++) this.#fill(i, rules[i], host);
  }

  low(rule: number, field: number): number {
    return this.#low[rule * FIELD_COUNT + field];
  }

  high(rule: number, field: number): number {
    return this.#high[rule * FIELD_COUNT + field];
  }

  /** The rule says nothing of the field. */
  full(rule: number, field: number): boolean {
    return this.low(rule, field) === LOWEST && this.high(rule, field) === HIGHEST;
  }

  #fill(i: number, compiled: CompiledRule, host: Host): void {
    const rule = compiled.rule;
    this.#address(i, SOURCE, rule.source);
    this.#address(i, DESTINATION, rule.destination);
    this.#device(i, IN_DEV, rule.inInterface, host);
    this.#device(i, OUT_DEV, rule.outInterface, host);
    if (rule.protocol !== null && !rule.protocol.not)
      this.#narrow(i, PROTOCOL, rule.protocol.number, rule.protocol.number);
    for (const { field, ranges } of compiled.fields) {
      if ((field !== "sport" && field !== "dport") || ranges.length === 0) continue;
      const low = Math.min(...ranges.map((r) => r[0]));
      const high = Math.max(...ranges.map((r) => r[1]));
      this.#narrow(i, field === "sport" ? SPORT : DPORT, low, high);
    }
  }

  #address(i: number, field: number, match: AddressMatch | null): void {
    if (match === null || match.not) return;
    match.mask.forEach((mask, word) => {
      const address = match.address[word];
      // Ones after zeroes: the mask is no prefix, and the smallest box is cut at its first zero.
      const prefix = Math.clz32(~mask);
      const host = prefix === 32 ? 0 : -1 >>> prefix;
      this.#narrow(i, field + word, (address & ~host) >>> 0, (address | host) >>> 0);
    });
  }

  #device(i: number, field: number, match: InterfaceMatch | null, host: Host): void {
    if (match === null || match.not) return;
    const devices = devicesMatching(match, host);
    // No device at all: the rule never matches; any box will do.
    if (devices.length > 0) this.#narrow(i, field, devices[0], devices[devices.length - 1]);
  }

  /** Unsigned bounds. */
  #narrow(i: number, field: number, low: number, high: number): void {
    const at = i * FIELD_COUNT + field;
    this.#low[at] = Math.max(this.#low[at], (low | 0) ^ FLIP);
    this.#high[at] = Math.min(this.#high[at], (high | 0) ^ FLIP);
  }
}
