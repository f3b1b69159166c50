/** Where two engines disagree: what was expected, what was seen instead, and how each came to it. */
import { bytesOfHex } from "../bytes/hex.ts";
import { printPacket } from "../flow/notation.ts";
import type { Step } from "../packet/step.ts";
import type { Paint } from "./paint.ts";
import { stepLines, type TreeStyle } from "./steps.ts";

export interface Disagreed {
  /** `lan0 > tcp …`, or what it is about when that is no packet. */
  readonly subject: string;
  readonly differences: readonly { readonly what: string; readonly expected: string; readonly seen: string }[];
  /** Who says what is expected, and who is judged. */
  readonly names: { readonly expected: string; readonly seen: string };
  readonly expectedSteps: readonly Step[];
  readonly seenSteps: readonly Step[];
}

/** More lines of counters say nothing new. */
const MOST_DIFFERENCES = 20;

export function disagreementLines(about: Disagreed, style: TreeStyle): string[] {
  const { paint } = style;
  const { names } = about;
  const width = Math.max(names.expected.length, names.seen.length) + "expected ()".length;
  const lines = [paint.strong(about.subject)];
  for (const { what, expected, seen } of about.differences.slice(0, MOST_DIFFERENCES)) {
    lines.push(`  ${paint.warn(what)}`);
    lines.push(...side(`expected (${names.expected})`, shown(what, expected), width, paint.good));
    lines.push(...side(`seen (${names.seen})`, shown(what, seen), width, paint.bad));
  }
  const more = about.differences.length - MOST_DIFFERENCES;
  if (more > 0) lines.push(`  … and ${more} more`);
  const tell = (title: string, steps: readonly Step[]) => {
    if (steps.length > 0) lines.push("", paint.strong(title), ...stepLines(steps, style).map((line) => `  ${line}`));
  };
  tell(`What ${names.seen} did`, about.seenSteps);
  tell(`What ${names.expected} traced`, about.expectedSteps);
  return lines;
}

function side(title: string, texts: readonly string[], width: number, painted: Paint["good"]): string[] {
  return texts.map((text, i) => `    ${(i === 0 ? title : "").padEnd(width)}  ${painted(text)}`);
}

/** The lines of one side. Packets come as `dev hex`: first in words, then in bytes. */
function shown(what: string, text: string): string[] {
  if (text === "") return [what === "out" ? "no packet" : "nothing"];
  if (what !== "out") return text.split("\n");
  return text.split("\n").flatMap((line) => {
    const [dev, hex] = line.split(" ");
    return [`${dev} > ${printPacket(bytesOfHex(hex)!, "full")}`, hex];
  });
}
