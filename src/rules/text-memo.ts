/** What texts were read as: many values come again and again in a ruleset, and are then the same for all its rules. */

/** So many texts in a row may be new before it is given up: ports and addresses of some rulesets are all different. */
const PATIENCE = 64;
/** So many are kept. */
const MOST = 5000;

/** Remembers what was read of a text, as long as that pays. */
export class TextMemo<T> {
  #found: Map<string, T> | null = null;
  #patience = PATIENCE;
  /** It is worth asking. */
  pays = true;

  /** undefined: it was not remembered. */
  get(text: string): T | undefined {
    const found = this.#found?.get(text);
    if (found !== undefined) this.#patience++;
    return found;
  }

  set(text: string, value: T): T {
    if (--this.#patience < 0) {
      this.pays = false;
      this.#found = null;
      return value;
    }
    if (this.#found === null || this.#found.size >= MOST) this.#found = new Map();
    this.#found.set(text, value);
    return value;
  }

  forget(): void {
    this.#found = null;
  }
}
