/** What the terminal can do: colours and width. A pipe gets plain text and unbroken lines. */
import { isatty } from "node:tty";
import { styleText } from "node:util";
import { type Paint, PLAIN } from "../report/paint.ts";

type Style = Parameters<typeof styleText>[0];

const painter = (style: Style) => (text: string) =>
  text === "" ? text : styleText(style, text, { validateStream: false } as never);

const COLOURS: Paint = {
  good: painter("green"),
  bad: painter("red"),
  warn: painter("yellow"),
  dim: painter("dim"),
  strong: painter("bold"),
  name: painter("cyan"),
};

export interface Terminal {
  readonly paint: Paint;
  /** Columns, 80 where a terminal does not know (it says 0 then); Infinity where there is none. */
  readonly width: number;
}

/** Of standard output (1) or standard error (2). NO_COLOR and FORCE_COLOR are heeded. */
export function terminal(fd: 1 | 2): Terminal {
  const tty = isatty(fd);
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== "" && FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  const coloured = forced || (tty && (NO_COLOR ?? "") === "" && FORCE_COLOR !== "0" && TERM !== "dumb");
  const stream = fd === 1 ? process.stdout : process.stderr;
  return { paint: coloured ? COLOURS : PLAIN, width: tty ? stream.columns || 80 : Number.POSITIVE_INFINITY };
}
