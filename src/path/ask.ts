/**
 * One rule and one packet: does it match, and what does it do. Over the conditions' functions; generated code says
 * the same in longhand (generate.ts), the explaining walk with reasons (explain.ts).
 */
import { CONTINUE, type Verdict } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import { BACK } from "./decisions.ts";
import { ACCEPTS, ACTS, type CompiledRule, DROPS, GOES, JUMPS, RETURNS } from "./program.ts";

/** The rule did not end the walk. */
export const GO_ON = -3;

/** One rule: a code, BACK, or GO_ON. Counts it when it matches. */
export function askRule(rule: CompiledRule, counters: Float64Array, p: Packet): number {
  const conditions = rule.conditions;
  for (let i = 0; i < conditions.length; i++) if (!conditions[i].test(p)) return p.hotdrop ? rule.hotdropCode : GO_ON;
  counters[rule.counter]++;
  counters[rule.counter + 1] += p.length;
  // A match could not read its header, and yet held (`! --chunk-types`).
  if (p.hotdrop && rule.does !== ACTS) return rule.hotdropCode;
  return effect(rule, p);
}

/** What a rule that matched does: a code, BACK, or GO_ON. */
function effect(rule: CompiledRule, p: Packet): number {
  const code = rule.decision * 4;
  switch (rule.does) {
    case ACCEPTS:
      return code + 1;
    case DROPS:
      return code;
    case RETURNS:
      return BACK;
    case JUMPS: {
      const inner = rule.to === null ? BACK : rule.to.run(p);
      return inner >= 0 ? inner : GO_ON;
    }
    case GOES:
      return rule.to === null ? BACK : rule.to.run(p);
    case ACTS:
      return rule.action === null ? GO_ON : actionCode(rule.action(p), code, p);
    default:
      return GO_ON;
  }
}

/** What an extension's verdict makes of the walk. */
export function actionCode(verdict: Verdict, code: number, p: Packet): number {
  if (verdict >= 0) return code + verdict;
  if (p.hotdrop) return code;
  return verdict === CONTINUE ? GO_ON : BACK;
}
