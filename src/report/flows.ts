/**
 * Packet scripts after they ran: a line per test, and for each failure what was expected, what happened, and how it
 * came to that.
 */
import { printPacket } from "../flow/notation.ts";
import type { CaseResult, Check, EventResult } from "../flow/run.ts";
import { byText } from "../flow/terms.ts";
import { count, type Paint, paintVerdict } from "./paint.ts";
import { stepLines, type TreeStyle } from "./steps.ts";

/** A script's tests, all of them run. */
export interface ScriptResult {
  readonly file: string;
  readonly cases: readonly CaseResult[];
}

export interface FlowTotals {
  scripts: number;
  tests: number;
  passed: number;
  failed: number;
}

/** The report of one script; adds to `totals`. */
export function scriptLines(result: ScriptResult, style: TreeStyle, totals: FlowTotals): string[] {
  const lines: string[] = [];
  totals.scripts++;
  for (const test of result.cases) {
    const failures = test.checks.filter((check) => check.failure !== null);
    totals.tests++;
    totals.passed += test.checks.length - failures.length;
    totals.failed += failures.length;
    lines.push(caseLine(result.file, test, failures.length, style.paint));
    let shown: EventResult | null = null;
    for (const check of failures) {
      lines.push(...failureLines(result.file, check, style, check.event !== null && check.event === shown));
      shown = check.event ?? shown;
    }
    if (failures.length > 0) lines.push("");
  }
  return lines;
}

function caseLine(file: string, test: CaseResult, failures: number, paint: Paint): string {
  const { title } = test.case;
  const name = title === null ? file : `${file}: ${title}`;
  const expectations = count(test.checks.length, "expectation");
  const what = `${count(test.events.length, "packet")}, ${failures === 0 ? expectations : `${failures} of ${expectations} failed`}`;
  return failures === 0
    ? `${paint.good("✓")} ${name}  ${paint.dim(what)}`
    : `${paint.bad("✗")} ${name}  ${paint.bad(what)}`;
}

/** `again`: the packet was already shown for the failure before. */
function failureLines(file: string, check: Check, style: TreeStyle, again: boolean): string[] {
  const { paint } = style;
  const { line, column, claim, failure } = check;
  const gutter = `${line.number} | `;
  const blank = line.text.slice(0, column - 1).replace(/[^\t]/g, " ");
  const lines = [
    "",
    `  ${paint.bad(`${file}:${line.number}:${column}`)}`,
    `  ${paint.dim(gutter)}${line.text}`,
    `  ${" ".repeat(gutter.length - 2)}${paint.dim("|")} ${blank}${paint.bad("^".repeat(Math.max(1, claim.length)))}`,
    `    expected  ${paint.good(failure!.expected)}`,
    `    happened  ${happenedText(failure!.happened)}`,
  ];
  const { event } = check;
  if (event === null || again) return lines;
  lines.push(`    packet    ${eventText(event, paint)}`);
  for (const step of stepLines(event.outcome.steps ?? [], style)) lines.push(`      ${step}`);
  return lines;
}

/** Further lines stand below the first. */
function happenedText(text: string): string {
  return text.replaceAll("\n", `\n${" ".repeat(14)}`);
}

function eventText({ input, outcome }: EventResult, paint: Paint): string {
  const verdict = paintVerdict(outcome.verdict, outcome.verdict, paint);
  return `${input.dev ?? "local"} > ${printPacket(input.bytes, "full")}: ${verdict} ${byText(outcome.by)}`;
}

/** The last line: `3 scripts, 7 tests: 41 passed, 0 failed`. */
export function flowTotal(totals: FlowTotals, paint: Paint): string {
  const ran = `${count(totals.scripts, "script")}, ${count(totals.tests, "test")}`;
  const failed = `${totals.failed} failed`;
  return `${ran}: ${paint.good(`${totals.passed} passed`)}, ${totals.failed > 0 ? paint.bad(failed) : failed}`;
}
