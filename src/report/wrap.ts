/** Long lines on a terminal: broken between words, and continued further in, so that columns stay readable. */

/** What a terminal does not show: colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
const COLOUR = /\u001b\[[\d;]*m/g;

/** Characters of a line that are seen. */
export function visibleLength(line: string): number {
  return line.replace(COLOUR, "").length;
}

/** Lines of at most `width` characters; those after the first begin `indent` spaces in. A word longer than that stays whole. */
export function wrapped(line: string, width: number, indent: number): string[] {
  if (visibleLength(line) <= width) return [line];
  const lines: string[] = [];
  let current = "";
  let length = 0;
  for (const part of line.match(/ *[^ ]+| +$/g) ?? []) {
    const size = visibleLength(part);
    if (length > indent && length + size > width) {
      lines.push(current);
      const word = part.trimStart();
      current = " ".repeat(indent) + word;
      length = indent + visibleLength(word);
    } else {
      current += part;
      length += size;
    }
  }
  return [...lines, current];
}

/** Each line wrapped, continued `further` characters beyond its own beginning. */
export function wrappedLines(lines: readonly string[], width: number, further: number): string[] {
  if (width === Number.POSITIVE_INFINITY) return [...lines];
  return lines.flatMap((line) => wrapped(line, width, line.search(/[^ ]/) + further));
}
