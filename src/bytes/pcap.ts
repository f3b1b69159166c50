/**
 * Reads pcap: the classic format of libpcap, a file header of 24 bytes and then packets, each after a header of 16
 * bytes (24 in Kuznetzov's modification), in the byte order of the machine that wrote it.
 */
import {
  type CaptureError,
  type CaptureInterface,
  type CaptureRecord,
  LONGEST_PACKET,
  NO_INTERFACE,
  type PlainRecords,
} from "./record.ts";
import type { ByteWindow } from "./window.ts";

export const MAGIC_MICROSECONDS = 0xa1b2c3d4;
export const MAGIC_NANOSECONDS = 0xa1b23c4d;
/** Alexey Kuznetzov's modification adds interface, protocol and packet type to each header. */
export const MAGIC_MODIFIED = 0xa1b2cd34;

const FILE_HEADER = 24;
const PLAIN_HEADER = 16;
const PACKET_OUTGOING = 4;

/** Whether a file that begins with this big-endian word is a pcap file; then in which byte order. */
export function pcapByteOrder(first: number): "big" | "little" | null {
  const swapped = ((first << 24) | ((first & 0xff00) << 8) | ((first >>> 8) & 0xff00) | (first >>> 24)) >>> 0;
  if (isMagic(first >>> 0)) return "big";
  return isMagic(swapped) ? "little" : null;
}

function isMagic(word: number): boolean {
  return word === MAGIC_MICROSECONDS || word === MAGIC_NANOSECONDS || word === MAGIC_MODIFIED;
}

/** What a modified header says of the way; tools that only convert leave its words 0 (no interface has that index). */
function directionOf(view: DataView, at: number, little: boolean): CaptureRecord["direction"] {
  if (view.getUint32(at, little) === 0) return 0;
  return view.getUint8(at + 6) === PACKET_OUTGOING ? 2 : 1;
}

export class PcapReader implements PlainRecords {
  readonly format = "pcap";
  error: CaptureError | null = null;
  interfaces: readonly CaptureInterface[] = [];
  readonly #window: ByteWindow;
  readonly #littleEndian: boolean;
  #interface: CaptureInterface = NO_INTERFACE;
  #headerLength = 0;
  #nanoseconds = false;
  /** Files before version 2.3 have the packet's two lengths the other way round; 2.3 has both. */
  #lengths: "usual" | "swapped" | "either" = "usual";
  #count = 0;

  constructor(window: ByteWindow, littleEndian: boolean) {
    this.#window = window;
    this.#littleEndian = littleEndian;
  }

  /** Are the records of the usual kind, as far as is known? */
  get isPlain(): boolean {
    return this.#littleEndian && this.#headerLength === PLAIN_HEADER && this.#lengths === "usual";
  }

  get window(): ByteWindow {
    return this.#window;
  }

  passed(at: number, count: number): void {
    this.#window.at = at;
    this.#count += count;
  }

  /** Fills `record` with the next packet; false when bytes are missing, at the end, and after an error. */
  next(record: CaptureRecord): boolean {
    if (this.#headerLength === 0 && !this.#readFileHeader()) return false;
    const window = this.#window;
    const { view, at } = window;
    const there = window.end - at;
    const headerLength = this.#headerLength;
    if (there < headerLength) return this.#waitFor(headerLength, "header");
    const little = this.#littleEndian;
    const seconds = view.getUint32(at, little);
    const fraction = view.getUint32(at + 4, little);
    let captured = view.getUint32(at + 8, little);
    let length = view.getUint32(at + 12, little);
    if (this.#lengths !== "usual" && (this.#lengths === "swapped" || captured > length)) {
      const other = captured;
      captured = length;
      length = other;
    }
    if (captured > LONGEST_PACKET)
      return this.#fail(
        "malformed",
        `says that ${captured} bytes of it were captured; more than ${LONGEST_PACKET} is not possible`,
      );
    if (there < headerLength + captured) return this.#waitFor(headerLength + captured, "data");
    record.data = window.data;
    record.view = view;
    record.start = at + headerLength;
    record.end = window.at = at + headerLength + captured;
    record.wireLength = length;
    if (this.#nanoseconds) {
      const microseconds = Math.floor(fraction / 1000);
      record.time = seconds * 1e6 + microseconds;
      record.nanoseconds = fraction - microseconds * 1000;
    } else {
      record.time = seconds * 1e6 + fraction;
      record.nanoseconds = 0;
    }
    record.interface = this.#interface;
    record.direction = headerLength === PLAIN_HEADER ? 0 : directionOf(view, at + 16, little);
    record.number = ++this.#count;
    record.littleEndian = little;
    record.optionsStart = record.optionsEnd = 0;
    return true;
  }

  #readFileHeader(): boolean {
    const { view, at, end, ended } = this.#window;
    if (end - at < FILE_HEADER) {
      if (ended) this.#failHeader("truncated", `the file ends within its ${FILE_HEADER}-byte header`);
      return false;
    }
    const little = this.#littleEndian;
    const magic = view.getUint32(at, little);
    const major = view.getUint16(at + 4, little);
    const minor = view.getUint16(at + 6, little);
    // 543.0 is what DG/UX wrote (libpcap, sf-pcap.c).
    if (!(major === 2 && minor <= 4) && !(major === 543 && minor === 0)) {
      this.#failHeader("unsupported", `pcap version ${major}.${minor} is not supported, only 2.0 to 2.4`);
      return false;
    }
    if (major === 543 || minor < 3) this.#lengths = "swapped";
    else if (minor === 3) this.#lengths = "either";
    this.#nanoseconds = magic === MAGIC_NANOSECONDS;
    this.#headerLength = magic === MAGIC_MODIFIED ? 24 : PLAIN_HEADER;
    this.#interface = {
      ...NO_INTERFACE,
      // The upper bits say how long the frame check sequence is.
      linkType: view.getUint32(at + 20, little) & 0x03ffffff,
      snaplen: view.getUint32(at + 16, little),
      resolution: this.#nanoseconds ? "10^-9" : "10^-6",
      perMicrosecond: this.#nanoseconds ? 1000 : 1,
    };
    this.interfaces = [this.#interface];
    this.#window.at += FILE_HEADER;
    return true;
  }

  #waitFor(needed: number, part: string): false {
    const window = this.#window;
    if (!window.ended || window.exhausted) return false;
    return this.#fail(
      "truncated",
      `is cut off in its ${part}: the file ends after ${window.end - window.at} of its ${needed} bytes`,
    );
  }

  #fail(kind: CaptureError["kind"], what: string): false {
    const packet = this.#count + 1;
    const offset = this.#window.offset;
    this.error = { kind, packet, offset, message: `packet ${packet} at byte ${offset} ${what}` };
    return false;
  }

  #failHeader(kind: CaptureError["kind"], message: string): void {
    this.error = { kind, packet: 0, offset: 0, message };
  }
}
