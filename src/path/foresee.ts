/**
 * What a table would make of an ordinary IPv4 packet, found out without counting or doing anything, if it can be told from
 * what the packet has in common with all others of its way (Condition.settled). The rest of the walk is walk.ts's.
 */
import type { Packet } from "../packet/packet.ts";
import { BACK } from "./decisions.ts";
import {
  ACCEPTS,
  ACTS,
  type CompiledChain,
  type CompiledRule,
  type CompiledTable,
  DROPS,
  GOES,
  JUMPS,
  RETURNS,
} from "./program.ts";

/** In place of a code: it depends on more, or a target acts. */
export const UNSURE = -4;

/** Two counters, packets and bytes, side by side. */
export interface Counter {
  readonly counters: Float64Array;
  readonly at: number;
}

const NO = 0;
const YES = 1;

export class Foresight {
  /** What the packet would count in. */
  counted: Counter[] = [];
  /** What of its header its way depends on: Condition.bits. */
  bits = 0;

  begin(): void {
    this.counted = [];
    this.bits = 0;
  }

  /** A code, or UNSURE, from this base chain on. */
  table(table: CompiledTable, base: CompiledChain, p: Packet): number {
    if (table.traces || table.deep) return UNSURE;
    const code = this.#chain(table, base, p);
    if (code !== BACK) return code;
    this.counted.push({ counters: table.counters, at: base.policyCounter });
    return base.policyCode;
  }

  #chain(table: CompiledTable, chain: CompiledChain, p: Packet): number {
    const candidates = chain.candidates(p);
    for (let i = 0; i < candidates.length; i++) {
      const rule = chain.rule(candidates[i]);
      const holds = this.#holds(rule, p);
      if (holds === NO) continue;
      if (holds === UNSURE || rule.does === ACTS) return UNSURE;
      this.counted.push({ counters: table.counters, at: rule.counter });
      const code = this.#effect(table, rule, p);
      if (code !== null) return code;
    }
    return BACK;
  }

  #holds(rule: CompiledRule, p: Packet): number {
    for (const condition of rule.conditions) {
      if (!condition.settled) return UNSURE;
      this.bits |= condition.bits;
      if (!condition.test(p)) return NO;
    }
    return YES;
  }

  /** null: the next rule is asked. */
  #effect(table: CompiledTable, rule: CompiledRule, p: Packet): number | null {
    switch (rule.does) {
      case ACCEPTS:
        return rule.decision * 4 + 1;
      case DROPS:
        return rule.decision * 4;
      case RETURNS:
        return BACK;
      case JUMPS: {
        const inner = rule.to === null ? BACK : this.#chain(table, rule.to, p);
        return inner === BACK ? null : inner;
      }
      case GOES:
        return rule.to === null ? BACK : this.#chain(table, rule.to, p);
      default:
        return null;
    }
  }
}
