/** Connection states as the state and conntrack matches name them, one bit each. */
import { CT_NEW, CT_RELATED, CT_UNTRACKED, type Packet } from "../packet/packet.ts";
import { RuleError } from "../rules/extension.ts";

export const STATE_INVALID = 1;
/** `1 << (ctinfo % 3 + 1)`, as the kernel counts. */
export const STATE_ESTABLISHED = 2;
export const STATE_RELATED = 4;
export const STATE_NEW = 8;
export const STATE_UNTRACKED = 16;
export const STATE_SNAT = 32;
export const STATE_DNAT = 64;
/** What a packet's own state can be. */
export const PACKET_STATES = 31;

/** In the order in which iptables-save prints them. */
const NAMES: readonly (readonly [name: string, bit: number])[] = [
  ["INVALID", STATE_INVALID],
  ["NEW", STATE_NEW],
  ["RELATED", STATE_RELATED],
  ["ESTABLISHED", STATE_ESTABLISHED],
  ["UNTRACKED", STATE_UNTRACKED],
  ["SNAT", STATE_SNAT],
  ["DNAT", STATE_DNAT],
];
/** In the order in which iptables compares an abbreviation with them. */
const READ_ORDER = ["INVALID", "NEW", "ESTABLISHED", "RELATED", "UNTRACKED", "SNAT", "DNAT"];

/**
 * `NEW,ESTABLISHED`, each name abbreviated at will, in any case. `bad` makes the refusal from what is left of the text;
 * `noneLeft` is said instead when the list ends with a comma.
 */
export function parseStates(
  text: string,
  allowed: number,
  bad: (rest: string) => string,
  noneLeft: string | null,
): number {
  let mask = 0;
  let rest = text;
  for (;;) {
    const comma = rest.indexOf(",");
    const word = comma < 0 ? rest : rest.slice(0, comma);
    if (word === "" && comma < 0 && noneLeft !== null) throw new RuleError(noneLeft);
    const name =
      word === "" ? undefined : READ_ORDER.find((n) => n.startsWith(word.toUpperCase()) && allows(n, allowed));
    if (name === undefined) throw new RuleError(bad(rest));
    mask |= bitOf(name);
    if (comma < 0) return mask;
    rest = rest.slice(comma + 1);
  }
}

function bitOf(name: string): number {
  return NAMES.find(([known]) => known === name)![1];
}

function allows(name: string, allowed: number): boolean {
  return (bitOf(name) & allowed) !== 0;
}

export function printStates(mask: number): string {
  return NAMES.filter(([, bit]) => (mask & bit) !== 0)
    .map(([name]) => name)
    .join(",");
}

/** Whether `-j CT` has given the packet a template, which is its connection until conntrack sees it: blank, and NEW. */
export function hasTemplate(p: Packet): boolean {
  return p.ct === 0 && p.ctinfo === CT_NEW;
}

/** The packet's own state, one bit. */
export function stateOf(p: Packet): number {
  if (p.ct !== 0) return 1 << ((p.ctinfo % 3) + 1);
  if (p.ctinfo === CT_UNTRACKED) return STATE_UNTRACKED;
  return p.ctinfo === CT_NEW ? STATE_NEW : STATE_INVALID;
}

/** An expression that holds when the packet's own state is among `states` (bits of PACKET_STATES). */
export function stateSource(states: number): string {
  const wanted = states & PACKET_STATES;
  if (wanted === PACKET_STATES) return "true";
  if (wanted === 0) return "false";
  const asks: string[] = [];
  // A literal whose bit n says that ctinfo n is wanted. ctinfo 0 of a packet without connection means nothing, and 1
  // is that of an answer to an untracked packet (Conntrack.attach): INVALID, both.
  const bits = [0, 1, 3, 4].reduce((sum, info) => sum | (((wanted >>> ((info % 3) + 1)) & 1) << info), 0);
  if (bits !== 0) asks.push(`p.ct !== 0 && ((${bits} >>> p.ctinfo) & 1) === 1`);
  if ((wanted & STATE_NEW) !== 0) asks.push(`p.ctinfo === ${CT_NEW}`);
  if ((wanted & STATE_INVALID) !== 0) asks.push(`p.ct === 0 && p.ctinfo <= ${CT_RELATED}`);
  if ((wanted & STATE_UNTRACKED) !== 0) asks.push(`p.ctinfo === ${CT_UNTRACKED}`);
  return asks.length === 1 ? asks[0] : asks.map((ask) => `(${ask})`).join(" || ");
}
