/**
 * A capture as a stream of bytes: a file, a gzipped file, or standard input, of any length. The beginning can be looked
 * at twice: once as a sample (device names, checksums), and then from the first packet on.
 */
import { closeSync, fstatSync, openSync, read, readSync } from "node:fs";
import { Socket } from "node:net";
import { createGunzip } from "node:zlib";
import { CaptureReader, isGzip } from "../bytes/capture.ts";
import type { CaptureError } from "../bytes/record.ts";
import { CaptureRecord } from "../bytes/record.ts";
import { Failure, isSystemError, systemError } from "./failure.ts";
import type { Interrupt } from "./interrupt.ts";

/** How much of a capture is looked at beforehand. */
const SAMPLE_BYTES = 0x400000;
const SAMPLE_PACKETS = 2000;
const PIECE = 0x40000;
/** Bytes that tell gzip. */
const GZIP_MAGIC = 2;
/** How long to wait, in ms, for a pipe that is empty and was set not to block. */
const PATIENCE = 5;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

export class CaptureFile {
  readonly #path: string;
  readonly #interrupt: Interrupt | null;
  readonly #fd: number;
  /** Of a pipe. */
  readonly #stream: AsyncIterator<Uint8Array> | null = null;
  /** Decompressed bytes that were read for the sample. */
  #sampled: Uint8Array[] = [];
  #pieces: AsyncGenerator<Uint8Array> | null = null;
  #begun = false;
  #ended = false;
  #trouble: string | null = null;
  /** Bytes of the file itself that were read, and how many there are; 0 when that is not known. */
  bytesRead = 0;
  readonly size: number;

  /** `-` is standard input; after an interrupt nothing more is read. Throws Failure. */
  constructor(path: string, interrupt: Interrupt | null = null) {
    this.#path = path;
    this.#interrupt = interrupt;
    try {
      this.#fd = path === "-" ? 0 : openSync(path, "r");
      const stat = fstatSync(this.#fd);
      if (stat.isDirectory()) throw new Failure(`${path} is a folder, not a capture`);
      this.size = stat.isFile() ? stat.size : 0;
      if (stat.isFIFO() || stat.isSocket())
        this.#stream = new Socket({ fd: this.#fd, readable: true, writable: false })[Symbol.asyncIterator]();
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure(`${path} cannot be read: ${systemError(error)}`);
    }
  }

  get name(): string {
    return this.#path === "-" ? "standard input" : this.#path;
  }

  /** It may be written while we read: what was read should be told at once. */
  get live(): boolean {
    return this.size === 0;
  }

  /**
   * Hands the first packets to `look`; nothing is used up, and it can be done again. Of a live capture only what is
   * there already is looked at.
   */
  async sample(look: (record: CaptureRecord) => void): Promise<void> {
    const reader = new CaptureReader();
    const record = new CaptureRecord();
    let bytes = 0;
    let packets = 0;
    for (let i = 0; !reader.finished && bytes < SAMPLE_BYTES && packets < (this.live ? 1 : SAMPLE_PACKETS); i++) {
      const piece = this.#sampled[i] ?? (await this.#next());
      if (piece === null) reader.end();
      else {
        if (i === this.#sampled.length) this.#sampled.push(piece);
        bytes += piece.length;
        reader.push(piece);
      }
      while (packets < SAMPLE_PACKETS && reader.next(record)) {
        look(record);
        packets++;
      }
    }
    reader.close();
  }

  /**
   * Every packet in order: `take` takes all that the reader has; `between` is called after each piece of input. Returns what is
   * wrong with the capture.
   */
  async read(take: Take, between: () => void): Promise<CaptureError | null> {
    const reader = new CaptureReader();
    const record = new CaptureRecord();
    const sampled = this.#sampled;
    this.#sampled = [];
    for (let i = 0; !reader.finished; i++) {
      if (i < sampled.length) reader.push(sampled[i]);
      else if (this.#pieces === null && !this.live) this.#readInto(reader);
      else {
        const piece = await this.#next();
        if (piece === null && this.#interrupt?.happened === true) return null;
        if (piece === null) reader.end();
        else reader.push(piece);
      }
      await take(reader, record);
      between();
      if ((await this.#interrupt?.listen()) === true) return null;
    }
    if (this.#trouble === null) return reader.error;
    return { kind: "truncated", message: this.#trouble, packet: record.number + 1, offset: reader.error?.offset ?? 0 };
  }

  close(): void {
    if (this.#stream !== null) this.#stream.return?.();
    else if (this.#fd > 2) closeSync(this.#fd);
  }

  /** A plain file is read into the reader's own memory. */
  #readInto(reader: CaptureReader): void {
    const count = this.#ended ? 0 : this.#read(reader.space());
    if (count === 0) reader.end();
    else reader.filled(count);
  }

  /** The next piece of decompressed bytes; null at the end. */
  async #next(): Promise<Uint8Array | null> {
    if (this.#pieces === null) {
      const first = await this.#piece();
      if (first === null || this.#begun) return first;
      this.#begun = true;
      const enough = first.length >= GZIP_MAGIC ? first : await this.#longer(first);
      if (!isGzip(enough)) return enough;
      this.#pieces = this.#unzipped(enough);
    }
    const { value, done } = await this.#pieces.next();
    return done ? null : value;
  }

  /** A pipe may hand out one byte. */
  async #longer(first: Uint8Array): Promise<Uint8Array> {
    const more = (await this.#piece()) ?? new Uint8Array(0);
    const both = new Uint8Array(first.length + more.length);
    both.set(first);
    both.set(more, first.length);
    return both;
  }

  async *#unzipped(first: Uint8Array): AsyncGenerator<Uint8Array> {
    const gunzip = createGunzip();
    const feed = async () => {
      let piece: Uint8Array | null = first;
      while (piece !== null) {
        if (!gunzip.write(piece)) await new Promise((resolve) => gunzip.once("drain", resolve));
        piece = await this.#piece();
      }
      gunzip.end();
    };
    // A capture that was cut, or that is no gzip after all, ends the stream: what came before counts.
    const fed = feed();
    fed.catch(() => {});
    try {
      for await (const piece of gunzip) yield new Uint8Array(piece);
      await fed;
    } catch (error) {
      if (error instanceof Failure) throw error;
      const { code } = error as NodeJS.ErrnoException;
      this.#trouble =
        code === "Z_BUF_ERROR"
          ? "the compressed file is cut off"
          : "the compressed file is damaged: gzip cannot read on";
    }
  }

  async #piece(): Promise<Uint8Array | null> {
    if (this.#ended) return null;
    const piece = this.live ? await this.#wait() : this.#readPiece();
    if (piece === null) this.#ended = true;
    return piece;
  }

  #readPiece(): Uint8Array | null {
    const piece = new Uint8Array(PIECE);
    const count = this.#read(piece);
    return count === 0 ? null : piece.subarray(0, count);
  }

  #read(into: Uint8Array): number {
    for (;;) {
      try {
        const count = readSync(this.#fd, into, 0, into.length, null);
        this.bytesRead += count;
        return count;
      } catch (error) {
        if (this.#isEnd(error)) return 0;
        Atomics.wait(sleeper, 0, 0, PATIENCE);
      }
    }
  }

  /** The next piece where it may take long to come; null at the end, or after an interrupt. */
  async #wait(): Promise<Uint8Array | null> {
    for (;;) {
      try {
        const some =
          this.#stream === null ? this.#readSlowly() : this.#stream.next().then(({ value }) => value ?? null);
        return await (this.#interrupt === null ? some : this.#interrupt.unless(some));
      } catch (error) {
        if (this.#isEnd(error)) return null;
        await new Promise((resolve) => setTimeout(resolve, PATIENCE));
      }
    }
  }

  async #readSlowly(): Promise<Uint8Array | null> {
    const piece = new Uint8Array(PIECE);
    const count = await new Promise<number>((resolve, reject) => {
      read(this.#fd, piece, 0, PIECE, null, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
    return count === 0 ? null : piece.subarray(0, count);
  }

  /** False: it has to be tried again. Throws Failure for what cannot be read. */
  #isEnd(error: unknown): boolean {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EOF") return true;
    if (code === "EAGAIN") return false;
    if (isSystemError(error)) throw new Failure(`${this.name} cannot be read: ${systemError(error)}`);
    throw error;
  }
}

/** Takes all records that the reader has, by filling `record` with each. */
export type Take = (reader: CaptureReader, record: CaptureRecord) => void | Promise<void>;

/** Uses one record after the other. Waits only for those who ask for it: most uses are over when they return. */
export function each(use: (record: CaptureRecord) => void | Promise<void>): Take {
  return async (reader, record) => {
    while (reader.next(record)) {
      const done = use(record);
      if (done !== undefined) await done;
    }
  };
}
