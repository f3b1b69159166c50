/**
 * Turns the hook table (hooks.ts) into one function per hook: the steps that exist for this family, in order of
 * priority, until one says something else than ACCEPT.
 */
import { ACCEPT, type Family, HOOK_NAMES, type Hook, OUTPUT, PREROUTING } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import type { Unseen } from "./core-way.ts";
import { PASS } from "./decisions.ts";
import type { Explainer } from "./explain.ts";
import type { Counter } from "./foresee.ts";
import type { Walk } from "./generate.ts";
import { type StepName, stepsAt } from "./hooks.ts";
import type { CompiledChain, CompiledTable } from "./program.ts";
import { reroute } from "./reroute.ts";
import type { Skb } from "./skb.ts";
import type { HookWalks, SkbWalk, Stack } from "./stack.ts";
import { STATE_WORDS, stateOf } from "./states.ts";
import { tableSource, tableWalk } from "./walk.ts";

interface Parts {
  readonly stack: Stack;
  readonly family: Family;
  readonly tables: readonly CompiledTable[];
  /** Gathers fragments: PASS with a whole packet. */
  readonly gather: SkbWalk;
  readonly explainer: Explainer;
}

/** What happens at one hook of one priority. */
interface HookStep {
  readonly walk: SkbWalk;
  /** The same as statements that leave in `c` a code, or return it; for generated code. Default: calls `walk`. */
  source?(name: (value: unknown) => string): string;
}

/** The walks of all hooks of a family. */
export function hookWalks(parts: Parts, generates: boolean): HookWalks {
  const [preRouting, input, forward, output, postRouting] = HOOK_NAMES.map((_, hook) => {
    const steps = stepsAt(hook as Hook)
      .map((step) => hookStep(parts, hook as Hook, step))
      .filter((step) => step !== null);
    return generates ? generated(steps) : oneByOne(steps.map((step) => step.walk));
  });
  return { preRouting, input, forward, output, postRouting };
}

/** null: somebody looks at packets that arrive before they are routed. */
export function unseenArrivals(tables: readonly CompiledTable[]): Unseen | null {
  const counted: Counter[] = [];
  let code = PASS;
  for (const step of stepsAt(PREROUTING)) {
    const table = tables.find(({ name }) => name === step);
    const base = table?.base[PREROUTING] ?? null;
    if (step === "nat" || table === undefined || base === null) continue;
    if (base.source.length > 0 || (base.policyCode & 3) !== ACCEPT) return null;
    counted.push({ counters: table.counters, at: base.policyCounter });
    code = base.policyCode;
  }
  return { counted, code };
}

/** NAT's step of arriving packets; null: there is none. */
export function natOfArrivals(parts: Parts): SkbWalk | null {
  return hookStep(parts, PREROUTING, "nat")?.walk ?? null;
}

/** Spelt out, so that every call site has one callee and the engine can inline it. */
function generated(steps: readonly HookStep[]): SkbWalk {
  const values: unknown[] = [];
  const name = (value: unknown) => `v${values.push(value) - 1}`;
  const body = steps.map((step) => {
    const statements = step.source?.(name) ?? `c = ${name(step.walk)}(p);`;
    return `${statements}\nif ((c & 3) !== 1) return c;`;
  });
  const names = values.map((_, i) => `const v${i} = V[${i}];`).join("\n");
  const code = `"use strict";\n${names}\nreturn function (p) {\nlet c = ${PASS};\n${body.join("\n")}\nreturn ${PASS};\n};`;
  return new Function("V", code)(values) as SkbWalk;
}

function oneByOne(steps: readonly SkbWalk[]): SkbWalk {
  return (p) => {
    for (let i = 0; i < steps.length; i++) {
      const code = steps[i](p);
      if ((code & 3) !== ACCEPT) return code;
    }
    return PASS;
  };
}

function hookStep(parts: Parts, hook: Hook, step: StepName): HookStep | null {
  const { stack, family, tables } = parts;
  const armed = stack.conntrack.armed(family);
  switch (step) {
    case "defrag":
      return armed ? defragStep(parts.gather, family) : null;
    case "conntrack":
      return armed ? trackStep(stack) : null;
    case "confirm":
      return armed ? confirmStep(stack) : null;
    default: {
      const table = tables.find((t) => t.name === step);
      const base = table?.base[hook] ?? null;
      if (table === undefined || base === null) return null;
      const walk = tableWalk(table, base, parts.explainer);
      if (step === "nat") return { walk: natStep(stack, hook, walk) };
      if (step === "mangle" && hook === OUTPUT) return { walk: mangleOutputStep(stack, walk) };
      return tableStep(table, base, walk, parts.explainer);
    }
  }
}

function defragStep(gather: SkbWalk, family: Family): HookStep {
  // A packet without extension headers is no IPv6 fragment.
  const maybe = family === 4 ? "p.fragment" : "p.l4 !== p.start + 40";
  return { walk: gather, source: (name) => `if (${maybe}) c = ${name(gather)}(p);` };
}

function tableStep(table: CompiledTable, base: CompiledChain, walk: Walk, explainer: Explainer): HookStep {
  const field = table.name === "filter" ? "filterCode" : "lastCode";
  return {
    walk: (p) => {
      const code = walk(p);
      p[field] = code;
      return code;
    },
    source: (name) => `${tableSource(table, base, explainer, name)}\np.${field} = c;`,
  };
}

/** iptable_mangle.c: ipt_mangle_out: what decides on a route may have changed. */
function mangleOutputStep(stack: Stack, walk: Walk): SkbWalk {
  return (p) => {
    const { src0, src1, src2, src3, dst0, dst1, dst2, dst3, mark } = p;
    const other = p.family === 4 ? p.tos : hopsAndLabel(p);
    const code = walk(p);
    p.lastCode = code;
    if ((code & 3) !== ACCEPT) return code;
    const same =
      p.src0 === src0 &&
      p.src1 === src1 &&
      p.src2 === src2 &&
      p.src3 === src3 &&
      p.dst0 === dst0 &&
      p.dst1 === dst1 &&
      p.dst2 === dst2 &&
      p.dst3 === dst3 &&
      p.mark === mark &&
      (p.family === 4 ? p.tos : hopsAndLabel(p)) === other;
    return same ? code : reroute(stack, p, code);
  };
}

/** IPv6: hop limit, traffic class and flow label, in one number. */
function hopsAndLabel(p: Skb): number {
  return p.view.getUint32(p.start) * 256 + p.ttl;
}

function natStep(stack: Stack, hook: Hook, walk: Walk): SkbWalk {
  const walkTable = (packet: Packet) => {
    const p = packet as Skb;
    const code = walk(p);
    p.natCode = code;
    p.lastCode = code;
    return code & 3;
  };
  const refuse = (p: Skb) => ((p.natCode & 3) !== ACCEPT ? p.natCode : stack.drop(p, stack.nat.dropReason));
  switch (hook) {
    case OUTPUT:
      return (p) => {
        if (p.ct === 0) return PASS;
        p.natCode = PASS;
        if (stack.nat.atHook(p, walkTable) !== ACCEPT) return refuse(p);
        return stack.nat.mustReroute(p) ? reroute(stack, p, PASS) : PASS;
      };
    case PREROUTING:
      return (p) => {
        if (p.ct === 0) return PASS;
        p.natCode = PASS;
        const { dst0, dst1, dst2, dst3 } = p;
        if (stack.nat.atHook(p, walkTable) !== ACCEPT) return refuse(p);
        // nf_nat_ipv4_pre_routing: a route that the packet brought with it (through lo) is void.
        if (p.route !== null && (p.dst0 !== dst0 || p.dst1 !== dst1 || p.dst2 !== dst2 || p.dst3 !== dst3))
          p.route = null;
        return PASS;
      };
    default:
      return (p) => {
        if (p.ct === 0) return PASS;
        p.natCode = PASS;
        return stack.nat.atHook(p, walkTable) === ACCEPT ? PASS : refuse(p);
      };
  }
}

function trackStep(stack: Stack): HookStep {
  const conntrack = stack.conntrack;
  const tell = (p: Skb) => p.steps?.push({ kind: "state", state: STATE_WORDS[p.state], entry: conntrack.line(p) });
  const drop = (p: Skb) => stack.drop(p, conntrack.dropReason);
  return {
    walk: (p) => {
      if (conntrack.track(p) !== ACCEPT) return drop(p);
      if (p.state === 0) p.state = stateOf(p);
      if (p.steps !== null) tell(p);
      return PASS;
    },
    source: (name) =>
      [
        `if (${name(conntrack)}.track(p) !== ${ACCEPT}) return ${name(drop)}(p);`,
        `if (p.state === 0) p.state = ${name(stateOf)}(p);`,
        `if (p.steps !== null) ${name(tell)}(p);`,
      ].join("\n"),
  };
}

function confirmStep(stack: Stack): HookStep {
  const conntrack = stack.conntrack;
  const by = conntrack.helping.active ? conntrack.helping : conntrack;
  const drop = (p: Skb) => stack.drop(p, conntrack.dropReason);
  return {
    walk: (p) => (by.confirm(p) === ACCEPT ? PASS : drop(p)),
    source: (name) => `if (${name(by)}.confirm(p) !== ${ACCEPT}) return ${name(drop)}(p);`,
  };
}
