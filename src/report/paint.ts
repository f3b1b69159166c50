/**
 * What a piece of a report means, so that whoever owns the terminal can give it a colour. Reports are plain text
 * without it.
 */

export interface Paint {
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  /** Less important than the rest. */
  dim(text: string): string;
  strong(text: string): string;
  /** Names of things: devices, chains. */
  name(text: string): string;
}

const same = (text: string): string => text;

export const PLAIN: Paint = { good: same, bad: same, warn: same, dim: same, strong: same, name: same };

/** The colour of a verdict's name. */
export function paintVerdict(verdict: string, text: string, paint: Paint): string {
  if (verdict === "ACCEPT") return paint.good(text);
  return verdict === "DROP" ? paint.bad(text) : paint.warn(text);
}

/** The colour of a ctstate's name; "" and "-" stand for none. */
export function paintState(state: string, text: string, paint: Paint): string {
  if (state === "INVALID") return paint.bad(text);
  if (state === "NEW") return paint.strong(text);
  return state === "RELATED" || state === "UNTRACKED" ? paint.warn(text) : text;
}

/** `1 packet`, `2 packets`, `12,345 packets`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

/** Digits in groups of three. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}
