/** Collects bytes that are written piece by piece and hands them on in large chunks. */

/** Takes bytes that are valid until it returns. */
export type ByteSink = (chunk: Uint8Array) => void;

const SIZE = 0x10000;

export class ChunkBuffer {
  data: Uint8Array;
  /** A view of the same memory. */
  view: DataView;
  /** Where the next byte goes; the writer moves it on. */
  at = 0;
  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    this.#sink = sink;
    const buffer = new ArrayBuffer(SIZE);
    this.data = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Makes sure that `count` bytes can be written at `at`. */
  reserve(count: number): void {
    if (this.at + count <= this.data.length) return;
    this.flush();
    if (count <= this.data.length) return;
    const buffer = new ArrayBuffer(count);
    this.data = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Hands on what is there. */
  flush(): void {
    if (this.at > 0) this.#sink(this.data.subarray(0, this.at));
    this.at = 0;
  }
}
