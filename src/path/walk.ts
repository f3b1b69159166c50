/**
 * Walking a table. The fast way, when nobody wants to know why: chains are prepared when the first packet comes to
 * them, short ones as generated code, long ones behind the rule index, and over the conditions' functions where no
 * code can be generated. The explaining way (explain.ts) for packets that somebody watches, that are traced, or that
 * are odd.
 */
import type { Host } from "../host/host.ts";
import type { Packet } from "../packet/packet.ts";
import { askRule, GO_ON } from "./ask.ts";
import { BACK } from "./decisions.ts";
import { type Explainer, explain } from "./explain.ts";
import { generate, type Walk } from "./generate.ts";
import type { CompiledChain, CompiledRule, CompiledTable } from "./program.ts";
import { INDEX_FROM, RuleIndex } from "./rule-index.ts";

/** Gives every chain of the table its first `run` and `candidates`, which prepare the real ones when a packet comes. */
export function prepareTable(table: CompiledTable, host: Host, generates: boolean): void {
  for (const chain of table.chains) {
    chain.prepare = () => {
      chain.run = prepareChain(chain, table, host, generates);
    };
    chain.run = firstRun;
    chain.candidates = firstCandidates;
  }
}

function firstRun(this: CompiledChain, p: Packet): number {
  this.prepare();
  return this.run(p);
}

function firstCandidates(this: CompiledChain, p: Packet): ArrayLike<number> {
  this.prepare();
  return this.candidates(p);
}

function prepareChain(chain: CompiledChain, table: CompiledTable, host: Host, generates: boolean): Walk {
  if (chain.source.length >= INDEX_FROM) {
    const index = new RuleIndex(chain, table.counters, table.family, host, generates);
    chain.candidates = (p) => index.candidates(p);
    return (p) => index.walk(p);
  }
  const rules = chain.rules;
  const all = rules.map((_, n) => n);
  chain.candidates = () => all;
  if (generates) return generate(rules, table.counters, false);
  return (p) => askAll(rules, table.counters, p);
}

function askAll(rules: readonly CompiledRule[], counters: Float64Array, p: Packet): number {
  for (let i = 0; i < rules.length; i++) {
    const code = askRule(rules[i], counters, p);
    if (code !== GO_ON) return code;
  }
  return BACK;
}

/** What a table makes of a packet at the hook of this base chain: a code. */
export function tableWalk(table: CompiledTable, base: CompiledChain, explainer: Explainer): Walk {
  const counters = table.counters;
  const at = base.policyCounter;
  const policy = base.policyCode;
  if (table.traces || table.deep) return (p) => explain(table, base, p, explainer);
  return (p) => {
    if (p.odd || p.traced || p.steps !== null) return explain(table, base, p, explainer);
    const code = base.run(p);
    if (code >= 0) {
      if (!p.hotdrop) return code;
      p.hotdrop = false;
      return code & ~3;
    }
    counters[at]++;
    counters[at + 1] += p.length;
    return policy;
  };
}

/** The same as statements that leave the code in `c`. */
export function tableSource(
  table: CompiledTable,
  base: CompiledChain,
  explainer: Explainer,
  name: (value: unknown) => string,
): string {
  const explaining = name((p: Packet) => explain(table, base, p, explainer));
  if (table.traces || table.deep) return `c = ${explaining}(p);`;
  const at = base.policyCounter;
  const counters = name(table.counters);
  return [
    `if (p.odd || p.traced || p.steps !== null) c = ${explaining}(p);`,
    `else if ((c = ${name(base)}.run(p)) >= 0) { if (p.hotdrop) { p.hotdrop = false; c &= ~3; } }`,
    `else { ${counters}[${at}] += 1; ${counters}[${at + 1}] += p.length; c = ${base.policyCode}; }`,
  ].join("\n");
}
