/**
 * How long a ruleset takes to be ready in a process that has done nothing yet, and how long iptables-legacy-restore
 * needs for the same text (less what it needs for an empty one).
 */

import { packet } from "../src/index.ts";
import { buildHost, tool } from "../src/kernel/namespace.ts";
import { SystemCalls } from "../src/kernel/system-calls.ts";
import { firewallOf } from "./twin.ts";

export interface LoadFigure {
  /** Milliseconds. */
  readonly ms: number;
}

/** Parsed, checked, bound and compiled, up to the end of the first packet, for which the rule index is made. */
export function measureLoad(rules: string): LoadFigure {
  const started = performance.now();
  const { firewall } = firewallOf(rules);
  firewall.receive("tun0", packet("udp 10.0.0.1:1 > 192.168.0.1:1"));
  return { ms: performance.now() - started };
}

export function measureRestore(rules: string): LoadFigure {
  buildHost(new SystemCalls(), { interfaces: [], routes: [], sysctl: [], sets: "" });
  const restore = (text: string): number => {
    const started = performance.now();
    tool("iptables-legacy-restore", [], text);
    return performance.now() - started;
  };
  const nothing = "*filter\nCOMMIT\n";
  restore(nothing);
  return { ms: restore(rules) - restore(nothing) };
}
