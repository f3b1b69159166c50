/**
 * Where, along addresses and ports, rules begin and cease to mean a packet: between two such bounds all IPv4 packets are
 * alike to them. What a match says of itself is in its `fields`.
 */
import { prefixOfMask } from "../bytes/address.ts";
import type { FieldSink, HeaderField } from "../rules/extension.ts";
import type { AddressMatch } from "../rules/ruleset.ts";
import type { CompiledTable } from "./program.ts";

type Ranges = Parameters<FieldSink["bounds"]>[1];

/** The first value of each part into which the rules divide a field, ascending from 0. */
export type Parts = Readonly<Record<HeaderField, readonly number[]>>;

/** Of the rules of these tables. */
export function partsOf(tables: readonly CompiledTable[]): Parts {
  const bounds = new Bounds();
  for (const { chains } of tables) for (const chain of chains) bounds.addChain(chain);
  return bounds.parts();
}

class Bounds implements FieldSink {
  readonly #starts: Readonly<Record<HeaderField, Set<number>>> = {
    src: new Set([0]),
    dst: new Set([0]),
    sport: new Set([0]),
    dport: new Set([0]),
  };

  addChain({ source: rules, matches: declared }: CompiledTable["chains"][number]): void {
    for (const { source, destination, matches } of rules) {
      if (source !== null) this.#addNetwork("src", source);
      if (destination !== null) this.#addNetwork("dst", destination);
      for (const { name, options } of matches) declared.get(name)?.fields?.(options, this);
    }
  }

  range(field: HeaderField, low: number, high: number): void {
    this.#starts[field].add(low).add(high + 1);
  }

  ranges(field: HeaderField, list: Ranges): void {
    this.bounds(field, list);
  }

  bounds(field: HeaderField, list: Ranges): void {
    for (const { from, to } of list) this.range(field, from, to);
  }

  #addNetwork(field: HeaderField, { address, mask }: AddressMatch): void {
    const prefix = prefixOfMask(mask);
    // What is no prefix has too many bounds; its condition is not settled.
    if (prefix === null) return;
    const first = address[0] >>> 0;
    this.range(field, first, first + 2 ** (32 - prefix) - 1);
  }

  parts(): Parts {
    const ascending = (field: HeaderField, limit: number) =>
      [...this.#starts[field]].filter((start) => start < limit).sort((a, b) => a - b);
    return {
      src: ascending("src", 2 ** 32),
      dst: ascending("dst", 2 ** 32),
      sport: ascending("sport", 2 ** 16),
      dport: ascending("dport", 2 ** 16),
    };
  }
}
