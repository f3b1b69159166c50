/**
 * How a node of the rule index is best cut: by which field, into which segments.
 */
import type { Family } from "../packet/hook.ts";
import { FLIP, fieldsOf, type RuleBoxes } from "./rule-boxes.ts";

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
  for (const field of fieldsOf(family)) {
    if (((used >>> field) & 1) !== 0) continue;
    const draft = draftCut(rules, boxes, field);
    if (draft !== null && (best === null || draft.score < best.score)) best = draft;
  }
  if (best === null || best.score > rules.length * WORTH) return null;
  return fill(best, rules, boxes, copied);
}

interface Draft {
  readonly field: number;
  readonly points: Int32Array;
  /** Rules per segment, on average, and those of the rest. */
  readonly score: number;
}

function draftCut(rules: Int32Array, boxes: RuleBoxes, field: number): Draft | null {
  const points = pointsOf(rules, boxes, field);
  if (points.length < 2) return null;
  let inside = 0;
  let rest = 0;
  for (const rule of rules) {
    const width = widthOf(rule, boxes, field, points);
    if (isBroad(width, points.length)) rest++;
    else inside += width;
  }
  return { field, points, score: inside / points.length + rest };
}

/** Where the segments begin. */
function pointsOf(rules: Int32Array, boxes: RuleBoxes, field: number): Int32Array {
  const bounds: number[] = [FLIP];
  for (const rule of rules) {
    if (boxes.full(rule, field)) continue;
    bounds.push(boxes.low(rule, field));
    const high = boxes.high(rule, field);
    if (high !== 0x7fffffff) bounds.push(high + 1);
  }
  const sorted = Int32Array.from(bounds).sort();
  return sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
}

/** How many segments the rule reaches into. */
function widthOf(rule: number, boxes: RuleBoxes, field: number, points: Int32Array): number {
  if (boxes.full(rule, field)) return points.length;
  const low = boxes.low(rule, field);
  const high = boxes.high(rule, field);
  return high < low ? 0 : segment(points, high) - segment(points, low) + 1;
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
function fill(draft: Draft, rules: Int32Array, boxes: RuleBoxes, copied: number): Cut {
  const { field, points } = draft;
  const rest = rules.filter((rule) => isBroad(widthOf(rule, boxes, field, points), points.length));
  const copies = rest.length <= copied;
  const offsets = new Int32Array(points.length + 1);
  const each = (visit: (segment: number, rule: number) => void) => {
    for (const rule of rules) {
      const width = widthOf(rule, boxes, field, points);
      if (isBroad(width, points.length) && !copies) continue;
      const first = width === points.length ? 0 : segment(points, boxes.low(rule, field));
      for (let i = 0; i < width; i++) visit(first + i, rule);
    }
  };
  each((i) => {
    offsets[i + 1]++;
  });
  for (let i = 0; i < points.length; i++) offsets[i + 1] += offsets[i];
  const members = new Int32Array(offsets[points.length]);
  const filled = offsets.slice();
  each((i, rule) => {
    members[filled[i]++] = rule;
  });
  return { field, points, offsets, members, rest: copies ? new Int32Array(0) : rest };
}
