/**
 * Text cut into lines as fgets cuts it, and the few things that iptables-restore reads with strtok and sscanf.
 * Sources imitated: iptables/iptables-restore.c, xshared.c: tokenize_rule_counters, parse_counters.
 */
import { scanCounter } from "./numbers.ts";
import type { Counters } from "./ruleset.ts";
import { byteLength, cutBytes } from "./text.ts";

/** A piece of text that iptables-restore reads at once. */
export interface TextLine {
  /** Without the line break, and no further than a NUL, where C strings end. */
  readonly text: string;
  /** Its line break was read with it. */
  readonly complete: boolean;
  readonly number: number;
  /** Where it begins in its line: above 0 only in lines that are longer than iptables-restore's buffer. */
  readonly from: number;
  /** The whole line, for carets. */
  readonly whole: string;
}

/** What fgets reads at most, in bytes: a buffer of 10240 less its NUL. */
const BUFFER = 10239;

/** Calls `take` with each line; a line that does not fit the buffer comes in pieces. */
export function eachLine(text: string, take: (line: TextLine) => void): void {
  const nul = text.includes("\0");
  let number = 1;
  for (let at = 0; at < text.length; number++) {
    const end = text.indexOf("\n", at);
    const complete = end >= 0;
    const whole = text.slice(at, complete ? end : text.length);
    at = complete ? end + 1 : text.length;
    if (!nul && (whole.length * 3 < BUFFER || byteLength(whole) < BUFFER))
      take({ text: whole, complete, number, from: 0, whole });
    else takePieces(whole, complete, number, take);
  }
}

function takePieces(whole: string, complete: boolean, number: number, take: (line: TextLine) => void): void {
  let from = 0;
  for (;;) {
    const piece = cutBytes(whole.slice(from, from + BUFFER), BUFFER);
    const last = from + piece.length >= whole.length && (!complete || byteLength(piece) < BUFFER);
    const nul = piece.indexOf("\0");
    const text = nul < 0 ? piece : piece.slice(0, nul);
    take({ text, complete: last && complete && nul < 0, number, from, whole });
    from += piece.length;
    if (last) return;
  }
}

/** `[3:180]` of a chain line, or null. */
export function parseCounters(text: string): Counters | null {
  const found = /^\[[ \t]*([+-]?[0-9]+):[ \t]*([+-]?[0-9]+)/.exec(text);
  return found === null ? null : { packets: scanCounter(found[1])!, bytes: scanCounter(found[2])! };
}

export interface CounterWords {
  readonly packets: string;
  readonly bytes: string;
  /** Where the rule begins. */
  readonly end: number;
}

/** The counters before a rule, or the sentence why they are none. */
export function tokenizeCounters(text: string, line: number): CounterWords | string {
  const close = text.indexOf("]");
  if (close < 0) return `Bad line ${line}: need ]`;
  const [packets, after] = strtok(text, 1, ":");
  if (packets === "") return `Bad line ${line}: need :`;
  const [bytes] = strtok(text, after, "]");
  if (bytes === "") return `Bad line ${line}: need ]`;
  return { packets, bytes, end: close + 1 };
}

/** C's strtok with one delimiter: the token and where the next search begins. */
function strtok(text: string, from: number, delimiter: string): [string, number] {
  let start = from;
  while (text[start] === delimiter) start++;
  const end = text.indexOf(delimiter, start);
  return end < 0 ? [text.slice(start), text.length] : [text.slice(start, end), end + 1];
}
