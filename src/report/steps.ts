/**
 * What happened to a packet, as a tree: hooks, in them tables, in those rules, in the rules of a jump the other chain.
 */

import { icmpName } from "../flow/names.ts";
import type { RulePlace, Step } from "../packet/step.ts";
import { count, type Paint, paintState, paintVerdict } from "./paint.ts";

const INDENT = "  ";
/** Where the second column of a table's lines begins at most; longer rules push theirs out. */
const WIDEST = 76;
/** Of a longer run of rules that did not match, only the first and last few are shown. */
const LONGEST_RUN = 12;
const SHOWN = 3;

export interface TreeStyle {
  readonly paint: Paint;
  /** Show every rule that did not match. */
  readonly full: boolean;
}

/** A line before its second column is aligned. */
interface Row {
  readonly depth: number;
  readonly left: string;
  /** Length of `left` without colours. */
  readonly length: number;
  readonly right: string;
  readonly missed: boolean;
}

/** Lines of the tree, without line breaks. */
export function stepLines(steps: readonly Step[], style: TreeStyle): string[] {
  const tree = new StepTree(style);
  for (const step of steps) tree.add(step);
  return tree.finish();
}

class StepTree {
  readonly #lines: string[] = [];
  readonly #style: TreeStyle;
  #inHook = false;
  #inTable = false;
  /** Chains entered in the current table, the base chain first. */
  #chains: string[] = [];
  /** Rows of the current table. */
  #rows: Row[] = [];

  constructor(style: TreeStyle) {
    this.#style = style;
  }

  finish(): string[] {
    this.#leaveTable();
    return this.#lines;
  }

  add(step: Step): void {
    const { paint } = this.#style;
    switch (step.kind) {
      case "hook":
        this.#leave();
        this.#inHook = true;
        this.#lines.push(`${paint.strong(step.hook)}  ${paint.dim(named(step.packet))}`);
        return;
      case "table":
        this.#leaveTable();
        this.#put(paint.name(`${step.table} ${step.chain}`));
        this.#inTable = true;
        this.#chains = [step.chain];
        return;
      case "missed":
        this.#rule(step.at, "·", step.text, paint.dim(step.because), true);
        return;
      case "matched": {
        this.#rule(step.at, "✓", step.text, this.#does(step.does), false);
        const entered = step.does.match(/^(?:jump|goto) (\S+)$/)?.[1];
        if (entered !== undefined) this.#chains.push(entered);
        return;
      }
      case "return":
        this.#return(step.chain);
        return;
      case "policy":
        this.#chains.length = Math.min(this.#chains.length, 1);
        this.#row("policy", paintVerdict(step.verdict, `→ ${step.verdict}`, paint));
        this.#leaveTable();
        return;
      default:
        this.#other(step);
    }
  }

  /** A rule and what came of it; a rule of another chain than the last one means that a jump was taken or came back. */
  #rule(at: RulePlace, mark: string, text: string, right: string, missed: boolean): void {
    const { paint } = this.#style;
    const known = this.#chains.lastIndexOf(at.chain);
    if (known >= 0) this.#chains.length = known + 1;
    else this.#chains.push(at.chain);
    const rule = text.startsWith(`-A ${at.chain} `) ? text.slice(at.chain.length + 4) : text;
    const left = `${mark} ${String(at.rule).padStart(2)}  ${rule}`;
    const painted = missed ? paint.dim : (all: string) => all.replace("✓", paint.good("✓"));
    this.#row(left, right, painted, missed);
  }

  #return(chain: string): void {
    const at = this.#chains.lastIndexOf(chain);
    if (at > 0) this.#chains.length = at + 1;
    this.#row(`end of ${chain}`, "", this.#style.paint.dim);
    if (at > 0) this.#chains.length = at;
  }

  #does(does: string): string {
    const verdict = does.match(/^(ACCEPT|DROP|REJECT)\b/)?.[1];
    return verdict === undefined ? `→ ${does}` : paintVerdict(verdict, `→ ${does}`, this.#style.paint);
  }

  #other(step: Exclude<Step, { kind: "hook" | "table" | "missed" | "matched" | "return" | "policy" }>): void {
    const { paint } = this.#style;
    switch (step.kind) {
      case "state":
        this.#leaveTable();
        this.#put(`conntrack  ${paintState(step.state, step.state, paint)}${entryText(step.entry, paint)}`);
        return;
      case "invalid":
        this.#leaveTable();
        this.#put(`conntrack  ${paint.bad("INVALID")}: ${step.reason}`);
        return;
      case "created":
      case "confirmed":
      case "destroyed":
        this.#leaveTable();
        this.#put(`conntrack  ${step.kind}${entryText(step.entry, paint)}`);
        return;
      case "nat":
        this.#put(`nat  ${paint.name(step.text)}`);
        return;
      case "route":
        this.#leave();
        this.#lines.push(`${paint.strong("routing")}  ${step.text}`);
        return;
      case "log":
        this.#put(`log  ${paint.dim(step.line.trimEnd())}`);
        return;
      case "answer":
        this.#put(`${paint.warn("answers")}  ${named(step.text)}`);
        for (const line of stepLines(step.steps, this.#style)) this.#put(`${INDENT}${line}`);
        return;
      case "emit":
        this.#leave();
        this.#lines.push(`${paint.good("leaves")}  ${paint.name(step.dev)} > ${named(step.packet)}`);
        return;
      case "dropped":
        this.#put(`${paint.bad("dropped")}  ${step.reason}`);
        return;
      case "note":
        this.#put(step.text);
        return;
    }
  }

  /** A line that belongs where we are: among the rules of a table, in a hook, or beside the hooks. */
  #put(text: string): void {
    if (this.#inTable) this.#row(text, "");
    else this.#lines.push(`${INDENT.repeat(this.#inHook ? 1 : 0)}${text}`);
  }

  #row(left: string, right: string, painted: (left: string) => string = (all) => all, missed = false): void {
    const depth = (this.#inHook ? 1 : 0) + this.#chains.length;
    this.#rows.push({ depth, left: painted(left), length: 2 * depth + left.length, right, missed });
  }

  /** Aligns what the rules of a table did, and folds long runs of rules that did nothing. */
  #leaveTable(): void {
    const rows = this.#style.full ? this.#rows : folded(this.#rows, this.#style.paint);
    const lengths = rows.filter((row) => row.right !== "" && row.length <= WIDEST).map((row) => row.length);
    const width = Math.max(0, ...lengths);
    for (const { depth, left, length, right } of rows) {
      const gap = right === "" ? "" : " ".repeat(Math.max(0, width - length) + 2);
      this.#lines.push(`${INDENT.repeat(depth)}${left}${gap}${right}`);
    }
    this.#rows = [];
    this.#inTable = false;
    this.#chains = [];
  }

  #leave(): void {
    this.#leaveTable();
    this.#inHook = false;
  }
}

function folded(rows: readonly Row[], paint: Paint): Row[] {
  const kept: Row[] = [];
  let at = 0;
  while (at < rows.length) {
    let end = at;
    while (end < rows.length && rows[end].missed && rows[end].depth === rows[at].depth) end++;
    if (end - at <= LONGEST_RUN) {
      kept.push(...rows.slice(at, Math.max(end, at + 1)));
      at = Math.max(end, at + 1);
      continue;
    }
    const left = `⋮     ${count(end - at - 2 * SHOWN, "rule")} more that did not match`;
    const { depth } = rows[at];
    kept.push(...rows.slice(at, at + SHOWN));
    kept.push({ depth, left: paint.dim(left), length: left.length, right: "", missed: true });
    kept.push(...rows.slice(end - SHOWN, end));
    at = end;
  }
  return kept;
}

/** ICMP types and codes by the names that packet notation has for them. */
function named(text: string): string {
  return text
    .replace(/^(ipv6-)?icmp (\S+ > \S+) type (\d+) code (\d+)/, (_, six, ends, type, code) => {
      const family = six === undefined ? 4 : 6;
      return `${family === 6 ? "icmp6" : "icmp"} ${ends} ${icmpName(family, Number(type), Number(code))}`;
    })
    .replace(/^ICMP(v6)? type (\d+) code (\d+)/, (_, six, type, code) => {
      return `ICMP${six ?? ""} ${icmpName(six === undefined ? 4 : 6, Number(type), Number(code))}`;
    });
}

/** A connection's line without its padding and what it nearly always says. */
function entryText(entry: string | null, paint: Paint): string {
  if (entry === null) return "";
  return `  ${paint.dim(
    entry
      .replace(/ +/g, " ")
      .replace(/ mark=0\b/, "")
      .replace(/ use=1$/, ""),
  )}`;
}
