/**
 * What is wrong with a packet script or with packet notation: one sentence, and where. Rendering it with file, line
 * and caret is report/'s affair.
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

/** A FlowError with the line it is in. */
export interface Mistake {
  readonly file: string;
  /** From 1; 0: no line in particular. */
  readonly line: number;
  /** From 1; 0: no column in particular. */
  readonly column: number;
  readonly width: number;
  /** The whole line, for the caret. */
  readonly text: string;
  readonly message: string;
}
