/** Writes pcapng: one little-endian section, interfaces as they come, packets with direction and comment. */
import { type ByteSink, ChunkBuffer } from "./chunk.ts";
import {
  BYTE_ORDER_MAGIC,
  ENHANCED_PACKET,
  IF_DESCRIPTION,
  IF_NAME,
  IF_TSRESOL,
  INTERFACE_DESCRIPTION,
  OPT_COMMENT,
  PACKET_FLAGS,
  SECTION_HEADER,
} from "./pcapng.ts";
import { DIRECTION_UNKNOWN, type Direction } from "./record.ts";

export interface WrittenInterface {
  readonly name: string;
  readonly description?: string;
  /** LINKTYPE_* (link.ts). */
  readonly linkType: number;
  /** 0, the default: unlimited. */
  readonly snaplen?: number;
  /** Time stamps in nanoseconds; else in microseconds. */
  readonly nanoseconds?: boolean;
}

const SHB_USERAPPL = 4;
const LONGEST_OPTION = 0xffff;
const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();

export class PcapngWriter {
  readonly #out: ChunkBuffer;
  readonly #nanoseconds: boolean[] = [];

  constructor(sink: ByteSink, application = "firetwin") {
    this.#out = new ChunkBuffer(sink);
    const name = encode(application);
    const length = 28 + optionSize(name) + 4;
    const body = this.#begin(SECTION_HEADER, length);
    const { view } = this.#out;
    view.setUint32(body, BYTE_ORDER_MAGIC, true);
    view.setUint16(body + 4, 1, true);
    view.setUint16(body + 6, 0, true);
    view.setInt32(body + 8, -1, true);
    view.setInt32(body + 12, -1, true);
    this.#endOptions(this.#option(body + 16, SHB_USERAPPL, name));
    this.#finish(length);
  }

  /** Describes one more interface; returns its number for `packet`. */
  addInterface(what: WrittenInterface): number {
    const name = encode(what.name);
    const description = what.description === undefined ? NO_BYTES : encode(what.description);
    const nanoseconds = what.nanoseconds === true;
    let options = optionSize(name) + 4;
    if (description.length > 0) options += optionSize(description);
    if (nanoseconds) options += 8;
    const body = this.#begin(INTERFACE_DESCRIPTION, 20 + options);
    const { data, view } = this.#out;
    view.setUint16(body, what.linkType, true);
    view.setUint16(body + 2, 0, true);
    view.setUint32(body + 4, what.snaplen ?? 0, true);
    let at = this.#option(body + 8, IF_NAME, name);
    if (description.length > 0) at = this.#option(at, IF_DESCRIPTION, description);
    if (nanoseconds) {
      this.#optionHeader(at, IF_TSRESOL, 1);
      view.setUint32(at + 4, 0, true);
      data[at + 4] = 9;
      at += 8;
    }
    this.#endOptions(at);
    this.#finish(20 + options);
    return this.#nanoseconds.push(nanoseconds) - 1;
  }

  /**
   * Writes `data[start, end)` as a packet of interface `id`. `time` is in µs since 1970, `nanoseconds` is what lies
   * beyond. A comment longer than 65535 bytes is cut.
   */
  packet(
    id: number,
    time: number,
    nanoseconds: number,
    data: Uint8Array,
    start: number,
    end: number,
    wireLength = end - start,
    direction: Direction = DIRECTION_UNKNOWN,
    comment: string | null = null,
  ): void {
    const captured = end - start;
    const padded = (captured + 3) & ~3;
    const text = comment === null ? NO_BYTES : encode(comment);
    let options = 0;
    if (direction !== DIRECTION_UNKNOWN) options += 8;
    if (comment !== null) options += optionSize(text);
    if (options > 0) options += 4;
    const length = 32 + padded + options;
    const body = this.#begin(ENHANCED_PACKET, length);
    const { view } = this.#out;
    view.setUint32(body, id, true);
    this.#time(body + 4, time, nanoseconds, this.#nanoseconds[id]);
    view.setUint32(body + 12, captured, true);
    view.setUint32(body + 16, wireLength, true);
    this.#out.data.set(data.subarray(start, end), body + 20);
    this.#out.data.fill(0, body + 20 + captured, body + 20 + padded);
    let at = body + 20 + padded;
    if (direction !== DIRECTION_UNKNOWN) {
      this.#optionHeader(at, PACKET_FLAGS, 4);
      view.setUint32(at + 4, direction, true);
      at += 8;
    }
    if (comment !== null) at = this.#option(at, OPT_COMMENT, text);
    if (options > 0) this.#endOptions(at);
    this.#finish(length);
  }

  /** Hands on what has been written so far; call it at the end. */
  flush(): void {
    this.#out.flush();
  }

  /** A count of nanoseconds does not fit a double: its halves are computed apart. */
  #time(at: number, time: number, nanoseconds: number, fine: boolean): void {
    const { view } = this.#out;
    let high = Math.floor(time / 0x100000000);
    let low = time - high * 0x100000000;
    if (fine) {
      low = low * 1000 + nanoseconds;
      const carry = Math.floor(low / 0x100000000);
      low -= carry * 0x100000000;
      high = high * 1000 + carry;
    }
    view.setUint32(at, high, true);
    view.setUint32(at + 4, low, true);
  }

  /** Begins a block of `length` bytes; returns where its body is. */
  #begin(type: number, length: number): number {
    const out = this.#out;
    out.reserve(length);
    out.view.setUint32(out.at, type, true);
    out.view.setUint32(out.at + 4, length, true);
    return out.at + 8;
  }

  #finish(length: number): void {
    const out = this.#out;
    out.view.setUint32(out.at + length - 4, length, true);
    out.at += length;
  }

  #optionHeader(at: number, code: number, length: number): void {
    this.#out.view.setUint16(at, code, true);
    this.#out.view.setUint16(at + 2, length, true);
  }

  /** Writes an option; returns where the next one goes. */
  #option(at: number, code: number, value: Uint8Array): number {
    const { data } = this.#out;
    this.#optionHeader(at, code, value.length);
    data.set(value, at + 4);
    const next = at + optionSize(value);
    data.fill(0, at + 4 + value.length, next);
    return next;
  }

  #endOptions(at: number): void {
    this.#out.view.setUint32(at, 0, true);
  }
}

function optionSize(value: Uint8Array): number {
  return 4 + ((value.length + 3) & ~3);
}

/** UTF-8, cut between two characters so that it fits an option. */
function encode(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  if (bytes.length <= LONGEST_OPTION) return bytes;
  let end = LONGEST_OPTION;
  while ((bytes[end] & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
