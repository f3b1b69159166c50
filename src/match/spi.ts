/** What the esp and ah matches share: a range of security parameter indexes. */
import type { GivenOption } from "../rules/extension.ts";
import { printRange, type Range, U32_MAX } from "../rules/types.ts";
import { describeRange } from "./ports.ts";

export interface SpiRange extends Range {
  readonly not: boolean;
}

/** All of them, when nothing is given. */
export function spiRange(given: GivenOption<Range> | undefined): SpiRange {
  return given === undefined ? { not: false, from: 0, to: U32_MAX } : { not: given.not, ...given.value };
}

/** The whole range is not printed, not even with `!` before it. */
export function printSpis(range: SpiRange, option: string): string {
  return range.from === 0 && range.to === U32_MAX ? "" : `${range.not ? "! " : ""}${option} ${printRange(range)}`;
}

export function isAmong({ not, from, to }: SpiRange, spi: number): boolean {
  return (spi >= from && spi <= to) !== not;
}

export function whyNotSpi(range: SpiRange, spi: number): string {
  return `SPI ${spi} is ${range.not ? "" : "not "}${describeRange(range)}`;
}
