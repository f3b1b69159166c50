/**
 * Finding the rules of a long chain that a packet can match at all, in order, without asking the others.
 *
 * A node cuts one header field into segments, at the places where some rule's range begins or ends, and keeps for
 * each segment the rules that reach into it; its children cut further. Rules that say nothing of the field, or too
 * little, are not copied into every segment but make a tree of their own beside it (`rest`), so that the whole stays
 * within a few times the size of the ruleset. A packet thus comes to one or a few leaves, whose candidates are merged
 * in rule order (once: such a pair is kept as a leaf of its own) and then asked in full. What the index leaves out
 * could not have matched, so counters and stateful matches see exactly what the kernel's see.
 *
 * A target or another chain may change what the packet says; after one that went on, the packet is looked up again.
 * Nodes are made when the first packet comes to them. (HyperSplit and EffiCuts are the ancestors of this.)
 */
import type { Host } from "../host/host.ts";
import type { Family } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import { askRule, GO_ON } from "./ask.ts";
import { BACK } from "./decisions.ts";
import { generate, RESUME, type Walk } from "./generate.ts";
import { ACTS, type CompiledChain, JUMPS } from "./program.ts";
import { DPORT, FLIP, fieldOf, RuleBoxes } from "./rule-boxes.ts";
import { bestCut } from "./rule-cut.ts";

/** Chains from this many rules on are indexed. */
export const INDEX_FROM = 40;
/** A node with so few rules is not cut further. */
const LEAF = 6;
/** A rest of so few rules is copied into the segments instead. */
const COPIED_REST = 4;
/** From so many segments on, a port is looked up in a table of 65536 instead of searched; so many nodes get one. */
const TABLE_FROM = 24;
const MOST_TABLES = 16;
/** A leaf that so many packets came to is worth generated code; so many leaves get some. */
const WARM = 50;
const MOST_GENERATED = 2000;
/** So many pairs of leaves are kept merged. */
const MOST_PAIRS = 20000;

const UNDECIDED = -2;
const IS_LEAF = -1;
const EMPTY = new Int32Array(0);

class Node {
  readonly id: number;
  /** The rules at and below this node, in order; of a leaf: the candidates. */
  readonly rules: Int32Array;
  /** Bit per field that was cut on the way here. */
  readonly used: number;
  /** Field that it cuts, IS_LEAF, or UNDECIDED. */
  field = UNDECIDED;
  /** First value of each segment, flipped. */
  points: Int32Array = EMPTY;
  /** Ports: value → segment. */
  table: Uint16Array | null = null;
  /** Rules of segment i: members[offsets[i] … offsets[i + 1]). */
  offsets: Int32Array = EMPTY;
  members: Int32Array = EMPTY;
  children: (Node | null)[] = [];
  rest: Node | null = null;
  visits = 0;
  walk: Walk | null = null;

  constructor(id: number, rules: Int32Array, used: number) {
    this.id = id;
    this.rules = rules;
    this.used = used;
  }
}

export class RuleIndex {
  readonly #chain: CompiledChain;
  readonly #counters: Float64Array;
  readonly #family: Family;
  readonly #generates: boolean;
  readonly #boxes: RuleBoxes;
  readonly #root: Node;
  #nodes = 0;
  #tables = 0;
  #generated = 0;
  readonly #pairs = new Map<number, Node>();

  constructor(chain: CompiledChain, counters: Float64Array, family: Family, host: Host, generates: boolean) {
    this.#chain = chain;
    this.#counters = counters;
    this.#family = family;
    this.#generates = generates;
    this.#boxes = new RuleBoxes(chain, host);
    this.#root = this.#node(allRules(chain.source.length), 0);
  }

  /** The rules that the packet can match at all, in order. */
  candidates(p: Packet): Int32Array {
    return this.#leafOf(this.#root, p).rules;
  }

  /** Walks the chain: a code, or BACK. */
  walk(p: Packet): number {
    const leaf = this.#leafOf(this.#root, p);
    let code = leaf.walk === null ? this.#ask(leaf, p, 0) : leaf.walk(p);
    if (code > RESUME) return code;
    let at = leaf.rules[RESUME - code];
    for (;;) {
      const again = this.#leafOf(this.#root, p);
      code = this.#ask(again, p, at + 1);
      if (code > RESUME) return code;
      at = again.rules[RESUME - code];
    }
  }

  /** Asks the candidates from rule `from` on: a code, BACK, or RESUME - i for the i-th candidate. */
  #ask(leaf: Node, p: Packet, from: number): number {
    if (this.#generates && ++leaf.visits === WARM && this.#generated < MOST_GENERATED) this.#warm(leaf);
    const candidates = leaf.rules;
    for (let i = from === 0 ? 0 : firstFrom(candidates, from); i < candidates.length; i++) {
      const rule = this.#chain.rule(candidates[i]);
      const code = askRule(rule, this.#counters, p);
      if (code !== GO_ON) return code;
      // A rule that did not match went on, too; looking up again for it only costs time.
      if (rule.does === JUMPS || rule.does === ACTS) return RESUME - i;
    }
    return BACK;
  }

  #warm(leaf: Node): void {
    this.#generated++;
    const rules = Array.from(leaf.rules, (n) => this.#chain.rule(n));
    leaf.walk = generate(rules, this.#counters, true);
  }

  #node(rules: Int32Array, used: number): Node {
    return new Node(this.#nodes++, rules, used);
  }

  /** The leaf that holds all candidates for this packet. */
  #leafOf(node: Node, p: Packet): Node {
    let at = node;
    let beside: Node | null = null;
    for (;;) {
      if (at.field < 0) {
        if (at.field === UNDECIDED) {
          this.#cut(at);
          continue;
        }
        return beside === null ? at : this.#pair(at, beside);
      }
      if (at.rest !== null) {
        const rest = this.#leafOf(at.rest, p);
        beside = beside === null ? rest : this.#pair(beside, rest);
      }
      const segment = segmentOf(at, fieldOf(p, at.field));
      at = at.children[segment] ?? this.#child(at, segment);
    }
  }

  #child(node: Node, segment: number): Node {
    const rules = node.members.subarray(node.offsets[segment], node.offsets[segment + 1]);
    const child = this.#node(rules, node.used | (1 << node.field));
    node.children[segment] = child;
    return child;
  }

  /** Two leaves as one. */
  #pair(a: Node, b: Node): Node {
    if (b.rules.length === 0) return a;
    if (a.rules.length === 0) return b;
    const key = a.id * 0x4000000 + b.id;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      if (this.#pairs.size >= MOST_PAIRS) this.#pairs.clear();
      pair = this.#node(merge(a.rules, b.rules), 0);
      pair.field = IS_LEAF;
      this.#pairs.set(key, pair);
    }
    return pair;
  }

  /** Decides how a node is cut, or that it is a leaf. */
  #cut(node: Node): void {
    const cut =
      node.rules.length > LEAF ? bestCut(node.rules, this.#boxes, this.#family, node.used, COPIED_REST) : null;
    if (cut === null) {
      node.field = IS_LEAF;
      return;
    }
    node.field = cut.field;
    node.points = cut.points;
    node.offsets = cut.offsets;
    node.members = cut.members;
    node.children = new Array(cut.points.length).fill(null);
    if (cut.rest.length > 0) node.rest = this.#node(cut.rest, node.used);
    if (cut.field <= DPORT && cut.points.length >= TABLE_FROM && this.#tables < MOST_TABLES) {
      this.#tables++;
      node.table = tableOf(cut.points);
    }
  }
}

function allRules(count: number): Int32Array {
  const rules = new Int32Array(count);
  for (let n = 0; n < count; n++) rules[n] = n;
  return rules;
}

/** The segment of each port. */
function tableOf(points: Int32Array): Uint16Array {
  const table = new Uint16Array(0x10000);
  for (let i = 1; i < points.length; i++) {
    const end = i + 1 < points.length ? points[i + 1] ^ FLIP : table.length;
    for (let port = points[i] ^ FLIP; port < end && port < table.length; port++) table[port] = i;
  }
  return table;
}

function segmentOf(node: Node, value: number): number {
  if (node.table !== null) return node.table[value & 0xffff];
  return search(node.points, value);
}

/** The last segment that begins at or before `value`; segment 0 begins at the lowest value there is. */
function search(points: Int32Array, value: number): number {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (points[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The position of the first rule from `from` on. */
function firstFrom(rules: Int32Array, from: number): number {
  let low = 0;
  let high = rules.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rules[middle] < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function merge(a: Int32Array, b: Int32Array): Int32Array {
  const both = new Int32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both.sort();
}
