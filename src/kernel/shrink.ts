/**
 * Makes a failing scenario small: fewer packets, fewer rules, fewer settings, as long as the engines still disagree.
 */
import { sysctlEntries } from "../host/config.ts";
import type { Scenario, ScenarioEvent } from "./scenario.ts";

/** The smallest scenario found for which `fails` still says true; asks at most `budget` times. */
export function shrink(scenario: Scenario, fails: (candidate: Scenario) => boolean, budget = 400): Scenario {
  let asked = 0;
  const still = (candidate: Scenario) => {
    if (asked++ >= budget) return false;
    try {
      return fails(candidate);
    } catch {
      // Rules that no longer load, a device that is gone: not a smaller case of the same failure.
      return false;
    }
  };
  let small = scenario;
  for (let before = ""; before !== JSON.stringify(small) && asked < budget; ) {
    before = JSON.stringify(small);
    small = withFewer(small, small.events, (events) => ({ ...small, events: keepWaits(small.events, events) }), still);
    for (const key of ["rules", "rules6"] as const) {
      const text = small[key];
      if (text === null) continue;
      if (still({ ...small, [key]: null })) small = { ...small, [key]: null };
      else small = withFewer(small, text.split("\n"), (lines) => ({ ...small, [key]: lines.join("\n") }), still);
    }
    const { sysctl } = small.host;
    const withSysctl = (entries: readonly [string, number | string | boolean][]): Scenario => ({
      ...small,
      host: { ...small.host, sysctl: Object.fromEntries(entries) },
    });
    if (sysctl !== undefined) small = withFewer(small, sysctlEntries(sysctl), withSysctl, still);
  }
  return small;
}

/** Removes runs of items, half the list first, then smaller ones (delta debugging). */
function withFewer<T>(
  start: Scenario,
  items: readonly T[],
  build: (items: readonly T[]) => Scenario,
  still: (s: Scenario) => boolean,
): Scenario {
  let best = start;
  let list = [...items];
  for (let size = Math.max(1, list.length >> 1); size >= 1; size = size === 1 ? 0 : size >> 1)
    for (let at = 0; at < list.length; ) {
      const fewer = [...list.slice(0, at), ...list.slice(at + size)];
      const candidate = build(fewer);
      if (fewer.length < list.length && still(candidate)) {
        list = fewer;
        best = candidate;
      } else at += size;
    }
  return best;
}

/** Time goes on when a packet is left out: its wait falls to the next one. */
function keepWaits(before: readonly ScenarioEvent[], after: readonly ScenarioEvent[]): ScenarioEvent[] {
  const kept = new Set(after);
  let pending = 0;
  const events: ScenarioEvent[] = [];
  for (const event of before) {
    if (kept.has(event)) {
      const wait = pending + (event.wait ?? 0);
      events.push(wait > 0 ? { ...event, wait } : event);
      pending = 0;
    } else pending += event.wait ?? 0;
  }
  return events;
}
