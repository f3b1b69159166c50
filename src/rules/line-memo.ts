/**
 * What was found out about a line holds for every line that differs from it only in values: `-s 192.0.2.7/32 -p tcp -m
 * tcp --dport 80` is read like `-s 192.0.2.9/32 -p tcp -m tcp --dport 443`. Lines are remembered in a tree: from each word the
 * next ones lead on, by their text where the text decides (options, names of extensions, protocols), else by any word.
 * A line that the tree does not know goes through lexer, scope and grammar, which stay the only ones that decide.
 */
import type { ReadLine } from "./line-words.ts";

/** How a word leads on: by its text, as any value, as a word that begins no option, as a chain's name, as a jump's text. */
export type EdgeKind = "text" | "any" | "argument" | "chain" | "jump";

class Node {
  readonly texts = new Map<string, Node>();
  any: Node | null = null;
  argument: Node | null = null;
  chain: Node | null = null;
  /** The word is what -j leads to: a chain of its name goes before an extension. */
  jumps = false;
  /** The line that ends here. */
  line: ReadLine | null = null;
}

/** A ruleset has some hundred kinds of lines; a text that makes more is not worth remembering. */
const MOST_NODES = 20_000;

export class LineMemo {
  #root = new Node();
  #nodes = 0;

  /** The line of these words as it was read before, or null. */
  find(words: readonly string[], isChain: (name: string) => boolean): ReadLine | null {
    let node: Node | null = this.#root;
    for (let i = 0; i < words.length; i++) {
      const word = words[i];
      if (node.any !== null) node = node.any;
      else if (node.jumps && isChain(word)) node = node.chain;
      else {
        const next: Node | undefined = node.texts.get(word);
        if (next !== undefined) node = next;
        else if (node.argument !== null && !mayBeOption(word)) node = node.argument;
        else return null;
      }
      if (node === null) return null;
    }
    return node.line;
  }

  add(words: readonly string[], edges: readonly EdgeKind[], line: ReadLine): void {
    if (this.#nodes > MOST_NODES) {
      this.#root = new Node();
      this.#nodes = 0;
    }
    let node = this.#root;
    for (let i = 0; i < words.length; i++) node = this.#step(node, words[i], edges[i]);
    node.line = line;
  }

  #step(node: Node, word: string, edge: EdgeKind): Node {
    if (edge === "jump" || edge === "chain") node.jumps = true;
    let next = edge === "text" || edge === "jump" ? (node.texts.get(word) ?? null) : node[edge];
    if (next === null) {
      next = new Node();
      this.#nodes++;
      if (edge === "text" || edge === "jump") node.texts.set(word, next);
      else node[edge] = next;
    }
    return next;
  }
}

/** xs_has_arg takes no word that begins so for an argument. */
export function mayBeOption(word: string): boolean {
  const first = word.charCodeAt(0);
  return first === 45 || first === 33;
}
