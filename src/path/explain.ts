/**
 * Walking a table with reasons: for each rule why it missed or what it did, and the lines that TRACE logs. It goes
 * the kernel's own way (ip_tables.c: ipt_do_table), with an explicit stack of the rules to come back to, and so also
 * serves as the check on the fast way: both must come to the same end (walk.test.ts).
 */
import { CONTINUE } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import type { Step } from "../packet/step.ts";
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

/** What explaining needs to know of the world. */
export interface Explainer {
  /** The rule as iptables-save prints it, without the counters. */
  text(rule: CompiledRule, table: CompiledTable): string;
  /** A line that the kernel logs for a traced packet: `what` is rule, return or policy. */
  trace(p: Packet, table: CompiledTable, chain: string, what: "rule" | "return" | "policy", rule: number): void;
}

/** Walks the base chain: a code. */
export function explain(table: CompiledTable, base: CompiledChain, p: Packet, on: Explainer): number {
  const code = new Walker(table, base, p, on).walk();
  p.hotdrop = false;
  return code;
}

class Walker {
  readonly #table: CompiledTable;
  readonly #base: CompiledChain;
  readonly #p: Packet;
  readonly #on: Explainer;
  /** Chains to come back to, and the number of the rule in each that jumped. */
  readonly #callers: CompiledChain[] = [];
  readonly #callerRules: number[] = [];
  #chain: CompiledChain;
  /** The next rule. */
  #at = 0;

  constructor(table: CompiledTable, base: CompiledChain, p: Packet, on: Explainer) {
    this.#table = table;
    this.#base = base;
    this.#p = p;
    this.#on = on;
    this.#chain = base;
  }

  walk(): number {
    const steps = this.#p.steps;
    steps?.push({ kind: "table", table: this.#table.name, chain: this.#base.name });
    for (;;) {
      if (this.#at >= this.#chain.source.length) {
        if (this.#end()) return this.#policy();
        continue;
      }
      const rule = this.#chain.rule(this.#at++);
      if (!this.#matches(rule)) {
        if (this.#p.hotdrop) return this.#dropped(rule);
        continue;
      }
      const code = this.#do(rule);
      if (this.#p.hotdrop) return this.#dropped(rule);
      if (code !== null) return code;
    }
  }

  #matches(rule: CompiledRule): boolean {
    const p = this.#p;
    for (const condition of rule.conditions) {
      if (condition.test(p)) continue;
      p.steps?.push({
        kind: "missed",
        at: rule.place,
        text: this.#on.text(rule, this.#table),
        because: condition.why(p),
      });
      return false;
    }
    const counters = this.#table.counters;
    counters[rule.counter]++;
    counters[rule.counter + 1] += p.length;
    if (p.traced) this.#on.trace(p, this.#table, this.#chain.name, "rule", rule.place.rule);
    return true;
  }

  /** A code when the rule ends the walk. */
  #do(rule: CompiledRule): number | null {
    const code = rule.decision * 4;
    switch (rule.does) {
      case ACCEPTS:
        return this.#done(rule, code + 1);
      case DROPS:
        return this.#done(rule, code);
      case RETURNS:
        this.#matched(rule);
        // Whoever has to be dropped asks no policy.
        return !this.#p.hotdrop && this.#leave() ? this.#policy() : null;
      case JUMPS:
        this.#matched(rule);
        this.#callers.push(this.#chain);
        this.#callerRules.push(this.#at);
        this.#enter(rule.to as CompiledChain);
        return null;
      case GOES:
        this.#matched(rule);
        this.#enter(rule.to as CompiledChain);
        return null;
      case ACTS:
        return this.#act(rule, code);
      default:
        this.#matched(rule);
        return null;
    }
  }

  #act(rule: CompiledRule, code: number): number | null {
    if (rule.action === null) return null;
    const p = this.#p;
    const steps = p.steps;
    // What the target causes (an answer, a log line) is told after what it did, which is known only afterwards.
    const caused: Step[] = [];
    if (steps !== null) p.steps = caused;
    const verdict = rule.action(p);
    p.steps = steps;
    this.#matched(rule);
    if (steps !== null) for (const step of caused) steps.push(step);
    if (verdict >= 0) return code + verdict;
    if (p.hotdrop || verdict === CONTINUE) return p.hotdrop ? code : null;
    return this.#leave() ? this.#policy() : null;
  }

  #matched(rule: CompiledRule): void {
    this.#p.steps?.push({
      kind: "matched",
      at: rule.place,
      text: this.#on.text(rule, this.#table),
      does: rule.says(this.#p),
    });
  }

  #done(rule: CompiledRule, code: number): number {
    this.#matched(rule);
    return code;
  }

  #dropped(rule: CompiledRule): number {
    const { table, chain } = rule.place;
    this.#p.steps?.push({ kind: "dropped", reason: `a match in ${table} ${chain} could not read its header` });
    return rule.hotdropCode;
  }

  #enter(chain: CompiledChain): void {
    this.#chain = chain;
    this.#at = 0;
  }

  /** The chain's end: true when the policy decides. */
  #end(): boolean {
    const chain = this.#chain;
    if (chain.policy === null) {
      if (this.#p.traced) this.#on.trace(this.#p, this.#table, chain.name, "return", chain.source.length + 1);
      this.#p.steps?.push({ kind: "return", table: this.#table.name, chain: chain.name });
    }
    return this.#leave();
  }

  /** Back to whoever jumped; true when nobody did. A chain that a goto entered comes back to the caller before. */
  #leave(): boolean {
    const caller = this.#callers.pop();
    const at = this.#callerRules.pop();
    if (caller === undefined || at === undefined) return true;
    this.#chain = caller;
    this.#at = at;
    return false;
  }

  #policy(): number {
    const base = this.#base;
    const counters = this.#table.counters;
    counters[base.policyCounter]++;
    counters[base.policyCounter + 1] += this.#p.length;
    if (this.#p.traced) this.#on.trace(this.#p, this.#table, base.name, "policy", base.source.length + 1);
    const { name, policy } = base;
    this.#p.steps?.push({ kind: "policy", table: this.#table.name, chain: name, verdict: policy ?? "ACCEPT" });
    return base.policyCode;
  }
}
