/**
 * How a node of the rule index is best cut: by which field, into which segments.
 */
import type { Family } from "../packet/hook.ts";
import { type Column, fieldsOf, HIGHEST, LOWEST, type RuleBoxes } from "./rule-boxes.ts";

export interface Cut {
  readonly field: number;
  /** First value of each segment, flipped and ascending; the first is the lowest value there is. */
  readonly points: Int32Array;
  /** Rules of segment i, in order: members[offsets[i] … offsets[i + 1]). */
  readonly offsets: Int32Array;
  readonly members: Int32Array;
  /** Rules that say too little of the field, in order. */
  readonly rest: Int32Array;
}

/** A rule that reaches into more segments than this, or into more than 1/8 of them, says too little of the field. */
const MOST_SEGMENTS = 64;
const BROAD = 8;
/** A cut must leave less than this share of the rules to be looked at. */
const WORTH = 0.75;

/**
 * The cut that leaves the fewest rules to look at, or null when none is worth it. `used`: bit per field that was cut
 * on the way here: all rules cover the whole segment, so that cutting it again would change nothing. A rest of up to
 * `copied` rules is copied into the segments.
 */
export function bestCut(rules: Int32Array, boxes: RuleBoxes, family: Family, used: number, copied: number): Cut | null {
  let best: Draft | null = null;
  // What a cut has to leave less than.
  let least = rules.length * WORTH;
  for (const field of fieldsOf(family)) {
    const column = boxes.column(field);
    if (column === null || ((used >>> field) & 1) !== 0) continue;
    const draft = draftCut(rules, column, field, least);
    if (draft === null || draft.score >= least) continue;
    best = draft;
    least = draft.score;
  }
  return best === null ? null : fill(best, rules, copied);
}

interface Draft {
  readonly field: number;
  readonly column: Column;
  readonly points: Int32Array;
  /** How many segments each rule reaches into. */
  readonly widths: Int32Array;
  /** Rules per segment, on average, and those of the rest. */
  readonly score: number;
}

/*
 * The first packet waits for all of this, and most of it runs once: each loop has a function of its own, because V8 compiles
 * a long function anew for each loop in which it finds it.
 */

/** null: there is nothing to cut, or `least` rules and more would be left. */
function draftCut(rules: Int32Array, column: Column, field: number, least: number): Draft | null {
  const bounds = boundsOf(rules, column, least);
  if (bounds === null) return null;
  const points = pointsOf(bounds);
  if (points.length < 2) return null;
  const widths = widthsOf(rules, column, points);
  return { field, column, points, widths, score: scoreOf(widths, points.length) };
}

/** Where the rules' ranges begin and where they have ended; null when `least` rules say nothing of the field: they are always in the rest. */
function boundsOf(rules: Int32Array, { low, high, spans }: Column, least: number): Int32Array | null {
  const bounds = new Int32Array(2 * rules.length + 1 + boundsOfSpans(rules, spans));
  let count = 1;
  bounds[0] = LOWEST;
  for (let i = 0; i < rules.length; i++) {
    const from = low[rules[i]];
    const to = high[rules[i]];
    if (from === LOWEST && to === HIGHEST) {
      if (--least <= 0) return null;
      continue;
    }
    bounds[count++] = from;
    if (to !== HIGHEST) bounds[count++] = to + 1;
  }
  if (spans.size > 0) count = addSpans(rules, spans, bounds, count);
  return bounds.subarray(0, count);
}

/** Room for the bounds of those rules that have several ranges. */
function boundsOfSpans(rules: Int32Array, spans: Column["spans"]): number {
  if (spans.size === 0) return 0;
  let count = 0;
  for (let i = 0; i < rules.length; i++) count += spans.get(rules[i])?.length ?? 0;
  return count;
}

/** Adds their bounds from `count` on; where they end. */
function addSpans(rules: Int32Array, spans: Column["spans"], bounds: Int32Array, count: number): number {
  for (let i = 0; i < rules.length; i++) {
    const several = spans.get(rules[i]) ?? NO_SPANS;
    for (let s = 0; s < several.length; s += 2) {
      bounds[count++] = several[s];
      if (several[s + 1] !== HIGHEST) bounds[count++] = several[s + 1] + 1;
    }
  }
  return count;
}

/** How many segments each rule reaches into. */
function widthsOf(rules: Int32Array, { low, high, spans }: Column, points: Int32Array): Int32Array {
  const widths = new Int32Array(rules.length);
  for (let i = 0; i < rules.length; i++) widths[i] = widthOf(low[rules[i]], high[rules[i]], points);
  if (spans.size > 0) widenSpans(rules, spans, points, widths);
  return widths;
}

/** The same of rules with several ranges. */
function widenSpans(rules: Int32Array, spans: Column["spans"], points: Int32Array, widths: Int32Array): void {
  for (let i = 0; i < rules.length; i++) {
    const several = spans.get(rules[i]);
    if (several !== undefined) widths[i] = widthOfAll(several, points);
  }
}

function scoreOf(widths: Int32Array, segments: number): number {
  let inside = 0;
  let rest = 0;
  for (let i = 0; i < widths.length; i++) {
    if (isBroad(widths[i], segments)) rest++;
    else inside += widths[i];
  }
  return inside / segments + rest;
}

/** Where the segments begin: each bound once, ascending. */
function pointsOf(bounds: Int32Array): Int32Array {
  bounds.sort();
  let count = 1;
  for (let i = 1; i < bounds.length; i++) if (bounds[i] !== bounds[count - 1]) bounds[count++] = bounds[i];
  return bounds.slice(0, count);
}

/** How many segments a rule with these bounds reaches into. A single value is a segment of its own. */
function widthOf(low: number, high: number, points: Int32Array): number {
  if (low === high) return 1;
  if (high < low) return 0;
  if (low === LOWEST && high === HIGHEST) return points.length;
  return segment(points, high) - segment(points, low) + 1;
}

/** The same of several ranges: no segment reaches from one into the next, for each begins and ends one. */
function widthOfAll(spans: Int32Array, points: Int32Array): number {
  let width = 0;
  for (let s = 0; s < spans.length; s += 2) width += widthOf(spans[s], spans[s + 1], points);
  return width;
}

function isBroad(width: number, segments: number): boolean {
  return width > 1 && (width > MOST_SEGMENTS || width * BROAD > segments);
}

function segment(points: Int32Array, value: number): number {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (points[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Hands the rules to the segments. */
function fill(draft: Draft, rules: Int32Array, copied: number): Cut {
  const { field, points, widths } = draft;
  const rest = restOf(rules, widths, points.length);
  const copies = rest.length <= copied;
  const runs = runsOf(draft, rules, copies);
  const offsets = offsetsOf(runs, points.length);
  return { field, points, offsets, members: membersOf(runs, offsets), rest: copies ? NO_RULES : rest };
}

function restOf(rules: Int32Array, widths: Int32Array, segments: number): Int32Array {
  const rest = new Int32Array(rules.length);
  let count = 0;
  for (let i = 0; i < rules.length; i++) if (isBroad(widths[i], segments)) rest[count++] = rules[i];
  return rest.slice(0, count);
}

/** Words of a run: a rule, the first segment that it reaches into, and the one behind the last in a row. */
const RUN = 3;

/** The runs of all rules, in their order; those of the rest only if they are copied into the segments. */
function runsOf({ column, points, widths }: Draft, rules: Int32Array, copies: boolean): Int32Array {
  const { low, spans } = column;
  const runs = new Int32Array(RUN * (rules.length + boundsOfSpans(rules, spans) / 2));
  let at = 0;
  for (let i = 0; i < rules.length; i++) {
    const width = widths[i];
    if (width === 0 || (!copies && isBroad(width, points.length))) continue;
    const several = spans.size === 0 ? undefined : spans.get(rules[i]);
    if (several === undefined) {
      const first = width === points.length ? 0 : segment(points, low[rules[i]]);
      at = putRun(runs, at, rules[i], first, width);
    } else
      for (let s = 0; s < several.length; s += 2)
        at = putRun(runs, at, rules[i], segment(points, several[s]), widthOf(several[s], several[s + 1], points));
  }
  return runs.subarray(0, at);
}

function putRun(runs: Int32Array, at: number, rule: number, first: number, width: number): number {
  runs[at] = rule;
  runs[at + 1] = first;
  runs[at + 2] = first + width;
  return at + RUN;
}

/** Where each segment's rules begin among the members. */
function offsetsOf(runs: Int32Array, segments: number): Int32Array {
  // How many more reach into a segment than into the one before it.
  const more = new Int32Array(segments + 1);
  for (let r = 0; r < runs.length; r += RUN) {
    more[runs[r + 1]]++;
    more[runs[r + 2]]--;
  }
  const offsets = new Int32Array(segments + 1);
  let count = 0;
  for (let s = 0; s < segments; s++) {
    count += more[s];
    offsets[s + 1] = offsets[s] + count;
  }
  return offsets;
}

function membersOf(runs: Int32Array, offsets: Int32Array): Int32Array {
  const members = new Int32Array(offsets[offsets.length - 1]);
  const filled = offsets.slice();
  for (let r = 0; r < runs.length; r += RUN)
    for (let s = runs[r + 1]; s < runs[r + 2]; s++) members[filled[s]++] = runs[r];
  return members;
}

const NO_RULES = new Int32Array(0);
const NO_SPANS = new Int32Array(0);
