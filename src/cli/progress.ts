/** How far a long file has been read, as a bar on standard error, where that is a terminal and nothing else is in the way. */
import { isatty } from "node:tty";
import type { SingleBar } from "cli-progress";

/** Shorter files are read before a bar could be looked at. */
const LONG = 8 << 20;
const STANDARD_ERROR = 2;
const MEBIBYTE = 1 << 20;

export class Progress {
  readonly #bar: SingleBar | null;

  private constructor(bar: SingleBar | null) {
    this.#bar = bar;
  }

  /**
   * Of a file of `size` bytes, 0 when that is not known. `lines`: where lines go meanwhile, which must then be no terminal;
   * null: nowhere.
   */
  static async of(size: number, lines: number | null): Promise<Progress> {
    if (size < LONG || !isatty(STANDARD_ERROR) || (lines !== null && isatty(lines))) return new Progress(null);
    const { default: cliProgress } = await import("cli-progress");
    const bar = new cliProgress.SingleBar({
      format: "{bar} {percentage} % of {size} MiB, {eta_formatted} left",
      barCompleteChar: "█",
      barIncompleteChar: "░",
      barsize: 30,
      clearOnComplete: true,
      hideCursor: true,
      stream: process.stderr,
    });
    bar.start(size, 0, { size: Math.round(size / MEBIBYTE) });
    return new Progress(bar);
  }

  at(bytesRead: number): void {
    this.#bar?.update(bytesRead);
  }

  /** Takes the bar off the terminal. */
  end(): void {
    this.#bar?.stop();
  }
}
