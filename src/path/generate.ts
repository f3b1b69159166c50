/**
 * Rules as generated JavaScript: a run of rules becomes one function over the packet, with constants, counters and
 * conditions written out. An array of rule objects costs several times as much to walk.
 *
 * A function of more than about a thousand rules is never optimised by the engine, so runs are cut into pieces.
 * Where code may not be generated (a page's content security policy), ask.ts asks the conditions' functions.
 * Odd and traced packets never come here.
 */
import type { Packet } from "../packet/packet.ts";
import { BACK } from "./decisions.ts";
import { ACCEPTS, ACTS, type CompiledChain, type CompiledRule, DROPS, GOES, JUMPS, RETURNS } from "./program.ts";

/** Rules in one generated function. */
const PIECE = 300;
/** A piece of a longer run came to its end. */
const NEXT = -2;
/** RESUME - i: rule i of the run went on, but may have changed what the packet says. */
export const RESUME = -16;

export type Walk = (p: Packet) => number;

/** Whether `new Function` works here. */
export function canGenerate(): boolean {
  try {
    return new Function("return 1")() === 1;
  } catch {
    return false;
  }
}

/** What the code refers to by name: functions `f0…`, chains `c0…`. */
class Names {
  readonly functions: unknown[] = [];
  readonly chains: CompiledChain[] = [];

  function(f: unknown): string {
    this.functions.push(f);
    return `f${this.functions.length - 1}`;
  }

  chain(chain: CompiledChain): string {
    let i = this.chains.indexOf(chain);
    if (i < 0) i = this.chains.push(chain) - 1;
    return `c${i}`;
  }
}

/**
 * A function that walks `rules` in order and returns a code, or BACK at their end or where RETURN leaves the chain.
 * With `resumes`, it also returns (RESUME - i) after a jump or target of rule i that went on.
 */
export function generate(rules: readonly CompiledRule[], counters: Float64Array, resumes: boolean): Walk {
  const pieces: Walk[] = [];
  for (let at = 0; at < rules.length; at += PIECE) {
    const end = at + PIECE < rules.length ? NEXT : BACK;
    pieces.push(piece(rules.slice(at, at + PIECE), counters, end, resumes ? RESUME - at : 0));
  }
  if (pieces.length === 0) return () => BACK;
  if (pieces.length === 1) return pieces[0];
  return (p) => {
    for (let i = 0; ; i++) {
      const code = pieces[i](p);
      if (code !== NEXT) return code;
    }
  };
}

function piece(rules: readonly CompiledRule[], counters: Float64Array, end: number, resume: number): Walk {
  const names = new Names();
  const body = rules.map((rule, i) => ruleSource(rule, names, resume === 0 ? 0 : resume - i)).join("\n");
  const code = [
    '"use strict";',
    ...names.functions.map((_, i) => `const f${i} = F[${i}];`),
    ...names.chains.map((_, i) => `const c${i} = C[${i}];`),
    `return function (p) {\nlet v = 0;\n${body}\nreturn ${end};\n};`,
  ].join("\n");
  return new Function("N", "F", "C", code)(counters, names.functions, names.chains) as Walk;
}

function ruleSource(rule: CompiledRule, names: Names, resume: number): string {
  const asks = rule.conditions.map((c) => (c.source === null ? `${names.function(c.test)}(p)` : `(${c.source})`));
  const counts = `N[${rule.counter}] += 1; N[${rule.counter + 1}] += p.length;`;
  // A match may find no whole header and hold all the same: then the rule counts, and the packet is dropped.
  const drops = rule.conditions.some((c) => c.hotdrops) ? `if (p.hotdrop) return ${rule.hotdropCode};` : "";
  const block = `{ ${counts} ${rule.does === ACTS ? "" : drops} ${effectSource(rule, names, resume, drops)} }`;
  if (asks.length === 0) return block;
  return `if (${asks.join(" && ")}) ${block}${drops === "" ? "" : ` else ${drops}`}`;
}

/** The same as ask.ts: effect. `drops`: what an action that ran is followed by. */
function effectSource(rule: CompiledRule, names: Names, resume: number, drops: string): string {
  const code = rule.decision * 4;
  const goesOn = resume === 0 ? "" : ` return ${resume};`;
  switch (rule.does) {
    case ACCEPTS:
      return `return ${code + 1};`;
    case DROPS:
      return `return ${code};`;
    case RETURNS:
      return `return ${BACK};`;
    case JUMPS:
      return rule.to === null ? "" : `v = ${names.chain(rule.to)}.run(p); if (v >= 0) return v;${goesOn}`;
    case GOES:
      return rule.to === null ? "" : `return ${names.chain(rule.to)}.run(p);`;
    case ACTS: {
      const ends = `if (v >= 0) return ${code} + v; if (p.hotdrop) return ${code}; if (v !== -1) return ${BACK};`;
      return `v = ${names.function(rule.action)}(p); ${drops}${ends}${goesOn}`;
    }
    default:
      return "";
  }
}
