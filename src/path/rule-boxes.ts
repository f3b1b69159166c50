/**
 * The header fields that the rule index cuts, and the range of each that a rule asks for. A rule is a box in the
 * space of all headers; where it asks for something that is no range, the box is the smallest one around it. Of several
 * ranges (`--dports 22,80,443`) each is remembered, too.
 *
 * Values are kept with the sign bit flipped, so that signed comparison orders them as unsigned numbers.
 */
import type { Host } from "../host/host.ts";
import type { Family } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import type { FieldSink, HeaderField } from "../rules/extension.ts";
import type { AddressMatch, InterfaceMatch, Rule, Use } from "../rules/ruleset.ts";
import { devicesMatching } from "./condition.ts";
import type { CompiledChain } from "./program.ts";

export const SPORT = 0;
export const DPORT = 1;
export const PROTOCOL = 2;
export const IN_DEV = 3;
export const OUT_DEV = 4;
/** Source words 5 … 8, destination words 9 … 12. */
export const SOURCE = 5;
export const DESTINATION = 9;
const FIELD_COUNT = 13;

/** What extensions call them. */
const FIELDS = { sport: SPORT, dport: DPORT, src: SOURCE, dst: DESTINATION } as const;

export const FLIP = -0x80000000;
export const LOWEST = FLIP;
export const HIGHEST = 0x7fffffff;

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

/** The bounds of one field, of each rule: inclusive; a rule that says nothing of the field has all of it. */
export interface Column {
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** Of rules that ask for several ranges: these, each its low and high bound, ascending, with gaps between them. */
  readonly spans: Map<number, Int32Array>;
}

type Ranges = Parameters<FieldSink["ranges"]>[1];

/** The boxes of a chain's rules, field by field. */
export class RuleBoxes implements FieldSink {
  readonly #count: number;
  /** null: no rule says anything of the field. */
  readonly #columns: (Column | null)[] = new Array(FIELD_COUNT).fill(null);
  /** The rule whose matches are asked. */
  #at = 0;
  readonly #devices = new Map<InterfaceMatch, readonly number[]>();

  constructor({ source, matches }: CompiledChain, host: Host) {
    this.#count = source.length;
    for (let i = 0; i < source.length; i++) {
      this.#fillOwn(i, source[i], host);
      this.#at = i;
      this.#fillImplied(source[i].matches, matches);
    }
  }

  column(field: number): Column | null {
    return this.#columns[field];
  }

  /** What the rule itself asks. */
  #fillOwn(i: number, rule: Rule, host: Host): void {
    const { source, destination, inInterface, outInterface, protocol } = rule;
    if (source !== null) this.#address(i, SOURCE, source);
    if (destination !== null) this.#address(i, DESTINATION, destination);
    if (inInterface !== null) this.#device(i, IN_DEV, inInterface, host);
    if (outInterface !== null) this.#device(i, OUT_DEV, outInterface, host);
    if (protocol !== null && !protocol.not) this.#narrow(i, PROTOCOL, protocol.number, protocol.number);
  }

  /** What its pure, leading matches imply. */
  #fillImplied(uses: readonly Use[], declared: CompiledChain["matches"]): void {
    for (let u = 0; u < uses.length; u++) {
      const { name, options } = uses[u];
      const match = declared.get(name)!;
      // A match that keeps a state must see what the kernel shows it: nothing behind it may skip the rule.
      if (match.source === undefined || match.noSource?.(options) === true) return;
      if (match.fields !== undefined) match.fields(options, this);
    }
  }

  /** What a match implies of the rule at hand. */
  range(field: HeaderField, low: number, high: number): void {
    this.#narrow(this.#at, FIELDS[field], low, high);
  }

  ranges(name: HeaderField, list: Ranges): void {
    if (list.length === 0) return;
    const field = FIELDS[name];
    let { from, to } = list[0];
    for (let r = 1; r < list.length; r++) {
      if (list[r].from < from) from = list[r].from;
      if (list[r].to > to) to = list[r].to;
    }
    this.#narrow(this.#at, field, from, to);
    if (list.length > 1) this.#columns[field]!.spans.set(this.#at, spansOf(list));
  }

  /** Nothing is implied. */
  bounds(): void {}

  #address(i: number, field: number, match: AddressMatch): void {
    if (match.not) return;
    const { address, mask } = match;
    for (let word = 0; word < mask.length; word++) {
      // Ones after zeroes: the mask is no prefix, and the smallest box is cut at its first zero.
      const prefix = Math.clz32(~mask[word]);
      const host = prefix === 32 ? 0 : -1 >>> prefix;
      this.#narrow(i, field + word, address[word] & ~host, address[word] | host);
    }
  }

  #device(i: number, field: number, match: InterfaceMatch, host: Host): void {
    if (match.not) return;
    let devices = this.#devices.get(match);
    if (devices === undefined) {
      devices = devicesMatching(match, host);
      this.#devices.set(match, devices);
    }
    // No device at all: the rule never matches; any box will do.
    if (devices.length > 0) this.#narrow(i, field, devices[0], devices[devices.length - 1]);
  }

  #begin(field: number): Column {
    const low = new Int32Array(this.#count).fill(LOWEST);
    const high = new Int32Array(this.#count).fill(HIGHEST);
    const column = { low, high, spans: new Map() };
    this.#columns[field] = column;
    return column;
  }

  /** Bounds as they are, of which the unsigned numbers count. */
  #narrow(i: number, field: number, low: number, high: number): void {
    const column = this.#columns[field] ?? this.#begin(field);
    const flippedLow = low ^ FLIP;
    const flippedHigh = high ^ FLIP;
    if (flippedLow > column.low[i]) column.low[i] = flippedLow;
    if (flippedHigh < column.high[i]) column.high[i] = flippedHigh;
  }
}

/** Flipped, in order, those that overlap or touch made one. */
function spansOf(list: Ranges): Int32Array {
  const sorted = isAscending(list) ? list : [...list].sort((a, b) => a.from - b.from);
  const spans = new Int32Array(2 * sorted.length);
  let count = 0;
  for (let i = 0; i < sorted.length; i++) {
    const low = sorted[i].from ^ FLIP;
    const high = sorted[i].to ^ FLIP;
    if (high < low) continue;
    if (count > 0 && low <= spans[count - 1] + 1) spans[count - 1] = Math.max(spans[count - 1], high);
    else {
      spans[count] = low;
      spans[count + 1] = high;
      count += 2;
    }
  }
  return count === spans.length ? spans : spans.slice(0, count);
}

function isAscending(list: Ranges): boolean {
  for (let i = 1; i < list.length; i++) if (list[i].from < list[i - 1].from) return false;
  return true;
}
