/**
 * What decides a packet's fate, as small integers, so that the fast path passes on a number and allocates nothing.
 *
 * A *code* is what a step of the path ends with: `decision * 4 + verdict`, with the verdict in the two low bits
 * (DROP 0, ACCEPT 1, STOLEN 2). Negative codes never leave a chain (BACK).
 */
import type { TableName } from "../packet/hook.ts";
import type { RulePlace } from "../packet/step.ts";

/** What decided the packet's fate. */
export type By =
  | RulePlace
  | { readonly policy: "ACCEPT" | "DROP"; readonly table: TableName; readonly chain: string }
  | { readonly reason: string };

/** A chain came to its end or RETURN left it: the caller goes on. */
export const BACK = -1;

/** Decision 0. */
export const NO_RULES = 0;
/** The code of a step that has nothing to say. */
export const PASS = NO_RULES * 4 + 1;

/** Decisions in a row, of which it is said only when somebody asks what they are. */
interface Block {
  readonly first: number;
  by(n: number): By;
}

export class Decisions {
  #next = 0;
  readonly #known = new Map<number, By>();
  readonly #blocks: Block[] = [];
  readonly #reasons = new Map<string, number>();
  /** The rule's target answered the sender (REJECT). */
  readonly #rejects = new Set<number>();

  constructor() {
    this.reason("no rules");
  }

  /** The decision that stands for this sentence. Sentences come from a fixed, small stock: they are kept for good. */
  reason(text: string): number {
    let id = this.#reasons.get(text);
    if (id === undefined) {
      id = this.add({ reason: text });
      this.#reasons.set(text, id);
    }
    return id;
  }

  add(by: By): number {
    this.#known.set(this.#next, by);
    return this.#next++;
  }

  /** The first of `count` decisions in a row; `by` says what the n-th of them is. */
  reserve(count: number, by: (n: number) => By): number {
    const first = this.#next;
    if (count > 0) this.#blocks.push({ first, by });
    this.#next += count;
    return first;
  }

  /** The packets that this drops are rejected. */
  reject(decision: number): void {
    this.#rejects.add(decision);
  }

  by(decision: number): By {
    let by = this.#known.get(decision);
    if (by === undefined) {
      const block = this.#blockOf(decision);
      by = block.by(decision - block.first);
      this.#known.set(decision, by);
    }
    return by;
  }

  /** The last block that begins at or before it. */
  #blockOf(decision: number): Block {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#blocks[middle].first <= decision) low = middle;
      else high = middle - 1;
    }
    return this.#blocks[low];
  }

  rejects(decision: number): boolean {
    return this.#rejects.has(decision);
  }
}
