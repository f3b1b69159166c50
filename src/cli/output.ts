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

/**
 * Text without what would command a terminal: names of devices and comments come from captures and rules of others. A
 * control character becomes its picture, as wide as a caret; line breaks, tabs and our own colours stay.
 */
export function visible(text: string): string {
  return text.replace(COMMANDS, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const COMMANDS = /[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[[0-9;]*m)/g;

/** Text that is collected and written in pieces of at least 64 KiB. */
export class Output {
  readonly #fd: number;
  #parts: string[] = [];
  #length = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** A line for people. */
  line(text: string): void {
    this.#parts.push(visible(text), "\n");
    this.#length += text.length + 1;
    if (this.#length >= PIECE) this.flush();
  }

  lines(all: readonly string[]): void {
    for (const text of all) this.line(text);
  }

  /** Text for programs, as it is. */
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
