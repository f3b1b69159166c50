/**
 * The part of a stream that is in memory: one reused buffer, filled at its end by whoever has the bytes and read from
 * its front by whoever understands them. It grows with what really arrives, never by a declared length.
 */
import { PACKETS_SIZE } from "../assembly/layout.ts";
import { sumInCore } from "./checksum.ts";
import { claimPackets, releasePackets } from "./core.ts";

const NOTHING = new Uint8Array(0);
/** What `space` offers at least. */
const LEAST_SPACE = 0x10000;
const SMALLEST_BUFFER = 0x1000;
/** A first chunk of this size says that a whole file is coming. */
const STREAM_CHUNK = 0x4000;

export class ByteWindow {
  data: Uint8Array = NOTHING;
  /** A view of the same memory. */
  view: DataView = new DataView(NOTHING.buffer);
  /** Offset of the first unread byte. */
  at = 0;
  /** Offset one past the last byte that is there. */
  end = 0;
  /** No more bytes will come. */
  ended = false;
  /** Offset in the stream of `data[0]`. */
  #base = 0;
  /** Bytes still to come that nobody wants. */
  #unwanted = 0;

  /** Where the first unread byte stands in the stream. */
  get offset(): number {
    return this.#base + this.at;
  }

  /** Nothing is left, and nothing was left out. */
  get exhausted(): boolean {
    return this.ended && this.at === this.end && this.#unwanted === 0;
  }

  /** Memory to put the next bytes in, at least 64 KiB; moves unread bytes, so that offsets got before are void. */
  space(): Uint8Array {
    this.#makeRoom(LEAST_SPACE, true);
    return this.data.subarray(this.end);
  }

  /** `count` bytes were put at the beginning of the last `space()`. */
  filled(count: number): void {
    if (count > this.data.length - this.end) throw new RangeError(`${count} bytes do not fit what space() offered`);
    this.end += count;
    if (this.#unwanted > 0) {
      const dropped = Math.min(this.#unwanted, count);
      this.#unwanted -= dropped;
      this.at += dropped;
    }
  }

  /** Copies `chunk` to the end; moves unread bytes, so that offsets got before are void. */
  push(chunk: Uint8Array): void {
    this.#makeRoom(chunk.length, chunk.length >= STREAM_CHUNK);
    this.data.set(chunk, this.end);
    this.filled(chunk.length);
  }

  /** Passes over `count` bytes, whether they are there yet or not. */
  skip(count: number): void {
    const here = Math.min(count, this.end - this.at);
    this.at += here;
    this.#unwanted += count - here;
  }

  /** The memory may be used by others from now on. */
  close(): void {
    this.ended = true;
    releasePackets(this.view);
    this.#base += this.at;
    this.data = NOTHING;
    this.view = new DataView(NOTHING.buffer);
    this.at = this.end = 0;
  }

  #makeRoom(count: number, streaming: boolean): void {
    if (this.data.length - this.end >= count) return;
    const unread = this.end - this.at;
    const needed = unread + count;
    if (needed <= this.data.length && unread <= this.data.length >>> 1) {
      this.data.copyWithin(0, this.at, this.end);
    } else {
      const old = this.data;
      const from = this.at;
      this.#allocate(needed, streaming && old.length === 0);
      this.data.set(old.subarray(from, from + unread));
    }
    this.#base += this.at;
    this.at = 0;
    this.end = unread;
  }

  #allocate(needed: number, streaming: boolean): void {
    const core = streaming && needed <= PACKETS_SIZE ? claimPackets() : null;
    if (core !== null) {
      sumInCore(core);
      this.data = core.data;
      this.view = core.view;
      return;
    }
    let size = streaming ? PACKETS_SIZE : SMALLEST_BUFFER;
    while (size < needed * 2) size *= 2;
    releasePackets(this.view);
    const buffer = new ArrayBuffer(size);
    this.data = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }
}
