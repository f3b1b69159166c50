/** What a capture is made of, whatever its format: interfaces, records of packets, and what can be wrong with it. */

/** Why reading stopped: packets before it were delivered. A value, not an exception. */
export interface CaptureError {
  /** One sentence, with packet number and offset. */
  readonly message: string;
  /** `truncated`: the file ends within a record; `unsupported`: well formed, perhaps, but not for us. */
  readonly kind: "malformed" | "truncated" | "unsupported";
  /** The number that the packet would have had; 0 when the file header is wrong. */
  readonly packet: number;
  /** Offset in the (uncompressed) stream of the header or record that is wrong. */
  readonly offset: number;
}

/** Longest captured packet: libpcap's and Wireshark's MAXIMUM_SNAPLEN. */
export const LONGEST_PACKET = 0x40000;
/** Longest pcapng block that is looked into, as in libpcap and Wireshark; longer ones of other kinds are skipped. */
export const LONGEST_BLOCK = 0x1000000;
/** A section with more interfaces than that is refused: their descriptions would fill the memory. */
export const MOST_INTERFACES = 0x10000;

export const DIRECTION_UNKNOWN = 0;
export const DIRECTION_IN = 1;
export const DIRECTION_OUT = 2;
export type Direction = 0 | 1 | 2;

/** An interface that a capture speaks of; a pcap file has one without a name. */
export interface CaptureInterface {
  /** From 0, counted over the whole file. */
  readonly index: number;
  /** From 0: the section of the file in which it stands. */
  readonly section: number;
  /** `if_name`, or null. */
  readonly name: string | null;
  readonly description: string | null;
  /** LINKTYPE_ number (link.ts). */
  readonly linkType: number;
  /** Bytes of each packet that were kept at most; 0 when unlimited or unknown. */
  readonly snaplen: number;
  /** Time stamps count so many units a second, as text: "10^-6". */
  readonly resolution: string;
  /** How many of these units are a microsecond, if that is a whole number and they count from 1970; else 0. */
  readonly perMicrosecond: number;
}

export const NO_INTERFACE: CaptureInterface = {
  index: 0,
  section: 0,
  name: null,
  description: null,
  linkType: 0,
  snaplen: 0,
  resolution: "10^-6",
  perMicrosecond: 1,
};

/**
 * Records that lie in memory one after the other and may be of the usual kind of their format: little-endian, in pcap with a
 * header of 16 bytes, in pcapng enhanced packet blocks. Whoever has read some of them itself says so.
 */
export interface PlainRecords {
  readonly format: "pcap" | "pcapng";
  /** What is there of them: offset of the first, and one past the last byte. */
  readonly window: { readonly view: DataView; readonly at: number; readonly end: number };
  /** Those that they speak of by number: where the numbers mean others, it is another array. */
  readonly interfaces: readonly CaptureInterface[];
  /** `count` packets were read; the next record begins at `at`. */
  passed(at: number, count: number): void;
}

const NO_BYTES = new Uint8Array(0);
const OPTION_COMMENT = 1;

/**
 * One captured packet. The object is made once and filled by every `next`; what it points at is valid until the
 * reader is given more bytes.
 */
export class CaptureRecord {
  data: Uint8Array = NO_BYTES;
  /** A view of the same memory, from its first byte. */
  view: DataView = new DataView(NO_BYTES.buffer);
  /** Offset in `data` of the first byte, a link-layer header. */
  start = 0;
  /** Offset in `data` one past the last captured byte. */
  end = 0;
  /** Length of the packet when it was on the wire; more than `end - start` when it was cut. */
  wireLength = 0;
  /** Microseconds since 1970, an integer within ±2^53; of a packet without a time stamp, that of the one before it. */
  time = 0;
  /** Nanoseconds beyond `time`, 0 … 999. */
  nanoseconds = 0;
  interface: CaptureInterface = NO_INTERFACE;
  direction: Direction = DIRECTION_UNKNOWN;
  /** Counts from 1 over the whole file. */
  number = 0;
  /** Byte order of the section, which some link layers use in their headers (link.ts). */
  littleEndian = false;
  /** Where the packet's pcapng options are, empty in pcap. */
  optionsStart = 0;
  optionsEnd = 0;

  /** The packet's comments, one a line, or null. */
  get comment(): string | null {
    const comments: string[] = [];
    let at = this.optionsStart;
    while (at + 4 <= this.optionsEnd) {
      const code = this.view.getUint16(at, this.littleEndian);
      const length = this.view.getUint16(at + 2, this.littleEndian);
      if (code === 0 || at + 4 + length > this.optionsEnd) break;
      if (code === OPTION_COMMENT) comments.push(textAt(this.data, at + 4, length));
      at += 4 + ((length + 3) & ~3);
    }
    return comments.length === 0 ? null : comments.join("\n");
  }
}

const decoder = new TextDecoder();

/** UTF-8 text of at most `length` bytes, which a zero byte ends. */
export function textAt(data: Uint8Array, at: number, length: number): string {
  const bytes = data.subarray(at, at + length);
  const zero = bytes.indexOf(0);
  return decoder.decode(zero < 0 ? bytes : bytes.subarray(0, zero));
}
