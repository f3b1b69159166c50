/**
 * What is wrong with a line of packet notation: one sentence, and where in the line. With file and line it becomes a
 * Problem (rules/problem.ts), like those of rules.
 */

export class FlowError extends Error {
  /** Column of the first wrong character, from 1; 0 when no place is known. */
  readonly column: number;
  /** How many characters are wrong, at least 1. */
  readonly width: number;

  constructor(message: string, at: { readonly col: number; readonly text: string } | null = null) {
    super(message);
    this.name = "FlowError";
    this.column = at?.col ?? 0;
    this.width = Math.max(1, at?.text.length ?? 1);
  }
}
