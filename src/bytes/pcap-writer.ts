/** Writes pcap: little-endian, version 2.4, one link type, micro- or nanoseconds. */
import { type ByteSink, ChunkBuffer } from "./chunk.ts";
import { MAGIC_MICROSECONDS, MAGIC_NANOSECONDS } from "./pcap.ts";
import { LONGEST_PACKET } from "./record.ts";

export class PcapWriter {
  readonly #out: ChunkBuffer;
  readonly #nanoseconds: boolean;

  /** `linkType` as in link.ts: LINKTYPE_RAW for IP packets, LINKTYPE_ETHERNET for frames. */
  constructor(sink: ByteSink, linkType: number, nanoseconds = false) {
    this.#out = new ChunkBuffer(sink);
    this.#nanoseconds = nanoseconds;
    const { view } = this.#out;
    view.setUint32(0, nanoseconds ? MAGIC_NANOSECONDS : MAGIC_MICROSECONDS, true);
    view.setUint16(4, 2, true);
    view.setUint16(6, 4, true);
    view.setUint32(16, LONGEST_PACKET, true);
    view.setUint32(20, linkType, true);
    this.#out.at = 24;
  }

  /**
   * Writes `data[start, end)` (at most 262144 bytes) with its time in µs since 1970 and nanoseconds beyond that.
   * `wireLength` is more than the bytes given when the packet was cut.
   */
  packet(
    time: number,
    nanoseconds: number,
    data: Uint8Array,
    start: number,
    end: number,
    wireLength = end - start,
  ): void {
    const out = this.#out;
    const length = end - start;
    out.reserve(16 + length);
    const { view, at } = out;
    const seconds = Math.floor(time / 1e6);
    const microseconds = time - seconds * 1e6;
    view.setUint32(at, seconds, true);
    view.setUint32(at + 4, this.#nanoseconds ? microseconds * 1000 + nanoseconds : microseconds, true);
    view.setUint32(at + 8, length, true);
    view.setUint32(at + 12, wireLength, true);
    out.data.set(data.subarray(start, end), at + 16);
    out.at = at + 16 + length;
  }

  /** Hands on what has been written so far; call it at the end. */
  flush(): void {
    this.#out.flush();
  }
}
