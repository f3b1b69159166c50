/**
 * Reads captures, pcap and pcapng alike, from a stream of bytes of any length through one reused buffer:
 *
 *     const reader = new CaptureReader();
 *     const record = new CaptureRecord();
 *     while (!reader.finished) {
 *       const count = readSync(fd, reader.space());        // or: reader.push(chunk)
 *       if (count === 0) reader.end();
 *       else reader.filled(count);
 *       while (reader.next(record)) use(record);           // valid until the next bytes are given
 *     }
 *     if (reader.error !== null) console.error(reader.error.message);
 *
 * Nothing is allocated per packet. Whatever is wrong with the bytes ends up in `error`, after all packets before it
 * were delivered. Compressed files are recognised (`isGzip`) but not decompressed here.
 */
import { PcapReader, pcapByteOrder } from "./pcap.ts";
import { PcapngReader, SECTION_HEADER } from "./pcapng.ts";
import type { CaptureError, CaptureInterface, CaptureRecord, PlainRecords } from "./record.ts";
import { ByteWindow } from "./window.ts";

export {
  type CaptureError,
  type CaptureInterface,
  CaptureRecord,
  type Direction,
  type PlainRecords,
} from "./record.ts";

/** Other files that people take for captures, by their first four bytes. */
const OTHERS = new Map([
  [0x28b52ffd, "zstd-compressed"],
  [0xfd377a58, "xz-compressed"],
  [0x04224d18, "lz4-compressed"],
  [0x504b0304, "a zip archive"],
  [0x736e6f6f, "a snoop capture"],
]);

/** What a file is whose first four bytes are not a capture's. */
function whatItIs(first: number): string {
  const other =
    first >>> 16 === 0x1f8b ? "gzip-compressed" : first >>> 8 === 0x425a68 ? "bzip2-compressed" : OTHERS.get(first);
  if (other !== undefined) return `it is ${other}`;
  const letters = String.fromCharCode(first >>> 24, (first >>> 16) & 255, (first >>> 8) & 255, first & 255);
  const readable = /^[ -~]+$/.test(letters) ? ` (${letters})` : "";
  return `it begins with ${first.toString(16).padStart(8, "0")}${readable}`;
}

/** The bytes begin a gzip stream (RFC 1952); two of them suffice to say so. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

export class CaptureReader {
  readonly #window = new ByteWindow();
  #format: PcapReader | PcapngReader | null = null;
  #error: CaptureError | null = null;
  #finished = false;

  /** Null before the first four bytes were seen. */
  get format(): "pcap" | "pcapng" | null {
    return this.#format === null ? null : this.#format.format;
  }

  /** Those of the current section, as far as they were read; pcap has one. */
  get interfaces(): readonly CaptureInterface[] {
    return this.#format === null ? [] : this.#format.interfaces;
  }

  get error(): CaptureError | null {
    return this.#error;
  }

  /** Nothing more will come: the end was reached, or an error. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Memory (at least 64 KiB) to read the next bytes into: the way without a copy. */
  space(): Uint8Array {
    return this.#window.space();
  }

  /** `count` bytes were put at the beginning of what `space()` returned. */
  filled(count: number): void {
    this.#window.filled(count);
  }

  /** Gives the next bytes; they are copied. Records that were delivered before are void. */
  push(chunk: Uint8Array): void {
    if (!this.#finished) this.#window.push(chunk);
  }

  /** There are no more bytes. */
  end(): void {
    this.#window.ended = true;
  }

  /** Stops before the end: `finished` from now on. Needed only where reading is given up early. */
  close(): void {
    if (!this.#finished) this.#finish(null);
  }

  /** Fills `record` with the next packet. False: give more bytes, unless `finished`. */
  next(record: CaptureRecord): boolean {
    if (this.#finished) return false;
    if (this.#format === null && !this.#recognise()) return false;
    const format = this.#format!;
    if (format.next(record)) return true;
    if (format.error !== null) this.#finish(format.error);
    else if (this.#window.exhausted) this.#finish(null);
    return false;
  }

  /** The records that come next, if they are so plain that others can read them, too; else null. */
  get plainRecords(): PlainRecords | null {
    const format = this.#format;
    return format?.isPlain && !this.#finished ? format : null;
  }

  #recognise(): boolean {
    const { view, at, end, ended } = this.#window;
    if (end - at < 4) {
      const message = end === at ? "the capture is empty" : "the capture ends before its fourth byte";
      if (ended) this.#finish({ kind: "truncated", packet: 0, offset: 0, message });
      return false;
    }
    const first = view.getUint32(at);
    const order = pcapByteOrder(first);
    if (order !== null) this.#format = new PcapReader(this.#window, order === "little");
    else if (first === SECTION_HEADER) this.#format = new PcapngReader(this.#window);
    else {
      this.#finish({
        kind: "unsupported",
        packet: 0,
        offset: 0,
        message: `this is neither pcap nor pcapng: ${whatItIs(first)}`,
      });
    }
    return this.#format !== null;
  }

  #finish(error: CaptureError | null): void {
    this.#error = error;
    this.#finished = true;
    this.#window.close();
  }
}

/** Bytes that are given to the reader at a time when all of them are in memory anyway. */
const SLICE = 0x20000;

/** Reads a capture that is in memory: calls `use` for every packet, and returns what went wrong, or null. */
export function readCapture(
  bytes: Uint8Array,
  use: (record: CaptureRecord) => void,
  record: CaptureRecord,
): CaptureError | null {
  const reader = new CaptureReader();
  for (let at = 0; !reader.finished; at += SLICE) {
    if (at < bytes.length) reader.push(bytes.subarray(at, at + SLICE));
    else reader.end();
    while (reader.next(record)) use(record);
  }
  return reader.error;
}
