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

export class Decisions {
  readonly #list: By[] = [{ reason: "no rules" }];
  readonly #reasons = new Map<string, number>([["no rules", NO_RULES]]);
  /** Per decision: the rule's target answered the sender (REJECT). */
  readonly #rejects: boolean[] = [false];

  /** The decision that stands for this sentence. Sentences come from a fixed, small stock: they are kept for good. */
  reason(text: string): number {
    let id = this.#reasons.get(text);
    if (id === undefined) {
      id = this.add({ reason: text }, false);
      this.#reasons.set(text, id);
    }
    return id;
  }

  add(by: By, rejects: boolean): number {
    this.#list.push(by);
    this.#rejects.push(rejects);
    return this.#list.length - 1;
  }

  by(decision: number): By {
    return this.#list[decision] ?? this.#list[NO_RULES];
  }

  rejects(decision: number): boolean {
    return this.#rejects[decision] === true;
  }
}
