/**
 * Output in large pieces. Writing blocks, so that a slow reader slows the program down instead of filling its memory;
 * a reader that goes away (`| head`) ends the program quietly.
 */
import { openSync, writeSync } from "node:fs";
import { encodeText } from "../rules/text.ts";
import { Failure, systemError } from "./failure.ts";

const PIECE = 0x10000;
/** How long to wait, in ms, for a pipe that is full and was set not to block. */
const PATIENCE = 5;

/** The reader of standard output is gone. */
export class ReaderGone extends Error {}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of it; throws ReaderGone for a closed pipe. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at, bytes.length - at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") throw new ReaderGone();
      if (code !== "EAGAIN") throw error;
      Atomics.wait(sleeper, 0, 0, PATIENCE);
    }
  }
}

/** Text that is collected and written in pieces of at least 64 KiB. */
export class Output {
  readonly #fd: number;
  #parts: string[] = [];
  #length = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  line(text: string): void {
    this.#parts.push(text, "\n");
    this.#length += text.length + 1;
    if (this.#length >= PIECE) this.flush();
  }

  lines(all: readonly string[]): void {
    for (const text of all) this.line(text);
  }

  /** As it is, without a line break. */
  text(text: string): void {
    this.#parts.push(text);
    this.#length += text.length;
    if (this.#length >= PIECE) this.flush();
  }

  flush(): void {
    if (this.#length === 0) return;
    const bytes = encodeText(this.#parts.join(""));
    this.#parts = [];
    this.#length = 0;
    writeAll(this.#fd, bytes);
  }
}

/** Opens a file for writing; `-` is standard output. */
export function openOutput(path: string): number {
  if (path === "-") return 1;
  try {
    return openSync(path, "w");
  } catch (error) {
    throw new Failure(`${path} cannot be written: ${systemError(error)}`);
  }
}

/** Writes a whole file; `-` is standard output. */
export function writeText(path: string, text: string): void {
  const output = new Output(openOutput(path));
  output.text(text);
  output.flush();
}
