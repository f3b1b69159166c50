/**
 * Reads pcapng (draft-ietf-opsawg-pcapng): a file of blocks. A section header sets the byte order and starts counting
 * interfaces anew; interface descriptions come before the packets that refer to them; blocks of other kinds (names,
 * statistics, secrets, custom ones) are passed over without being held in memory.
 */
import {
  type CaptureError,
  type CaptureInterface,
  type CaptureRecord,
  type Direction,
  LONGEST_BLOCK,
  LONGEST_PACKET,
  MOST_INTERFACES,
  type PlainRecords,
  textAt,
} from "./record.ts";
import { Timescale, type TimeTarget } from "./timescale.ts";
import type { ByteWindow } from "./window.ts";

export const SECTION_HEADER = 0x0a0d0d0a;
export const INTERFACE_DESCRIPTION = 1;
/** Obsolete, still found in old files. */
export const PACKET = 2;
export const SIMPLE_PACKET = 3;
export const ENHANCED_PACKET = 6;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

export const OPT_ENDOFOPT = 0;
export const OPT_COMMENT = 1;
export const IF_NAME = 2;
export const IF_DESCRIPTION = 3;
export const IF_TSRESOL = 9;
export const IF_TSOFFSET = 14;
export const PACKET_FLAGS = 2;

/** Shortest possible block of each kind that is looked into, in bytes. */
const LEAST = new Map([
  [SECTION_HEADER, 28],
  [INTERFACE_DESCRIPTION, 20],
  [PACKET, 32],
  [SIMPLE_PACKET, 16],
  [ENHANCED_PACKET, 32],
]);
/** Names and descriptions are kept to this many bytes. */
const LONGEST_TEXT = 1024;
const CUT_OFF = "is cut off: the file ends within it";

export class PcapngReader implements PlainRecords {
  readonly format = "pcapng";
  error: CaptureError | null = null;
  /** Those of the section that is being read. */
  interfaces: CaptureInterface[] = [];
  readonly #window: ByteWindow;
  #timescales: Timescale[] = [];
  #littleEndian = false;
  #section = -1;
  #interfaceCount = 0;
  #count = 0;
  /** When the last packet came. */
  readonly #last: TimeTarget = { time: 0, nanoseconds: 0 };
  /** Type of the block that is being read. */
  #type = 0;
  /** Length of the block that is being passed over, 0 when none is, and where it began. */
  #skipped = 0;
  #skippedFrom = 0;
  /** The option that `#nextOption` found. */
  #option = 0;
  #optionAt = 0;
  #optionLength = 0;

  constructor(window: ByteWindow) {
    this.#window = window;
  }

  /** Are the blocks that come next in the usual byte order? The window may be amid one that is passed over. */
  get isPlain(): boolean {
    return this.#littleEndian && this.#skipped === 0;
  }

  get window(): ByteWindow {
    return this.#window;
  }

  passed(at: number, count: number): void {
    const { view } = this.#window;
    // A block's length stands at its end, too: it leads to where the last one began.
    const body = at - view.getUint32(at - 4, true) + 8;
    this.#timescales[view.getUint32(body, true)].read(
      this.#last,
      view.getUint32(body + 4, true),
      view.getUint32(body + 8, true),
    );
    this.#window.at = at;
    this.#count += count;
  }

  /** Fills `record` with the next packet; false when bytes are missing, at the end, and after an error. */
  next(record: CaptureRecord): boolean {
    const window = this.#window;
    for (;;) {
      if (this.#skipped !== 0 && !this.#endSkipped()) return false;
      if (window.end - window.at < 8) {
        this.#type = 0;
        return this.#wait();
      }
      const type = window.view.getUint32(window.at, this.#littleEndian);
      this.#type = type;
      if (type === SECTION_HEADER && !this.#readByteOrder()) return false;
      const length = window.view.getUint32(window.at + 4, this.#littleEndian);
      if (length < 12 || (length & 3) !== 0)
        return this.#fail(`has an impossible length: ${length} is not a multiple of 4 from 12 up`);
      if (type !== ENHANCED_PACKET && !LEAST.has(type)) {
        this.#skippedFrom = window.offset;
        this.#skipped = length;
        window.skip(length - 4);
        continue;
      }
      if (!this.#hasBlock(type, length)) return false;
      const body = window.at + 8;
      const end = window.at + length - 4;
      if (type === ENHANCED_PACKET)
        return this.#packet(record, window.view.getUint32(body, this.#littleEndian), body, end);
      if (type === PACKET) return this.#packet(record, window.view.getUint16(body, this.#littleEndian), body, end);
      if (type === SIMPLE_PACKET) return this.#simple(record, body, end);
      if (!(type === SECTION_HEADER ? this.#startSection(body) : this.#addInterface(body, end))) return false;
      window.at = end + 4;
    }
  }

  /** The block that begins at the window is wholly there and not obviously broken. */
  #hasBlock(type: number, length: number): boolean {
    const window = this.#window;
    const least = type === ENHANCED_PACKET ? 32 : LEAST.get(type)!;
    if (length < least) return this.#fail(`is ${length} bytes long, less than its kind has at least (${least})`);
    if (length > LONGEST_BLOCK)
      return this.#fail(`claims ${length} bytes; more than ${LONGEST_BLOCK} are not accepted`);
    if (window.end - window.at < length) return this.#wait();
    const trailer = window.view.getUint32(window.at + length - 4, this.#littleEndian);
    return trailer === length || this.#fail(`says ${length} bytes at its beginning and ${trailer} at its end`);
  }

  /** Of a block that was passed over, the length at its end is looked at when it comes. */
  #endSkipped(): boolean {
    const window = this.#window;
    if (window.end - window.at < 4) return window.ended ? this.#fail(CUT_OFF, "truncated") : false;
    const length = this.#skipped;
    const trailer = window.view.getUint32(window.at, this.#littleEndian);
    if (trailer !== length) return this.#fail(`says ${length} bytes at its beginning and ${trailer} at its end`);
    window.at += 4;
    this.#skipped = 0;
    return true;
  }

  #readByteOrder(): boolean {
    const { view, at, end } = this.#window;
    if (end - at < 12) return this.#wait();
    const magic = view.getUint32(at + 8);
    if (magic === BYTE_ORDER_MAGIC) this.#littleEndian = false;
    else if (magic === 0x4d3c2b1a) this.#littleEndian = true;
    else return this.#fail("is a section header without the byte-order magic");
    return true;
  }

  #startSection(body: number): boolean {
    const { view } = this.#window;
    const major = view.getUint16(body + 4, this.#littleEndian);
    const minor = view.getUint16(body + 6, this.#littleEndian);
    // 1.2 was written by some and means 1.0 (libpcap, sf-pcapng.c).
    if (major !== 1 || (minor !== 0 && minor !== 2))
      return this.#fail(`is a section of pcapng version ${major}.${minor}, only 1.0 is supported`, "unsupported");
    this.#section++;
    this.interfaces = [];
    this.#timescales = [];
    return true;
  }

  #addInterface(body: number, end: number): boolean {
    const { data, view } = this.#window;
    if (this.interfaces.length >= MOST_INTERFACES)
      return this.#fail(`describes one interface more than the ${MOST_INTERFACES} that are accepted`, "unsupported");
    let name: string | null = null;
    let description: string | null = null;
    let resolution = 6;
    let offset = 0;
    let at = body + 8;
    while (at < end) {
      at = this.#nextOption(at, end);
      if (at < 0) return false;
      const value = this.#optionAt;
      const length = this.#optionLength;
      if (this.#option === IF_NAME) name = textAt(data, value, Math.min(length, LONGEST_TEXT));
      else if (this.#option === IF_DESCRIPTION) description = textAt(data, value, Math.min(length, LONGEST_TEXT));
      else if (this.#option === IF_TSRESOL) {
        if (length !== 1) return this.#fail(`has an if_tsresol of ${length} bytes instead of 1`);
        resolution = data[value];
      } else if (this.#option === IF_TSOFFSET) {
        if (length !== 8) return this.#fail(`has an if_tsoffset of ${length} bytes instead of 8`);
        offset = Number(view.getBigInt64(value, this.#littleEndian));
      }
    }
    const timescale = new Timescale(resolution, offset);
    this.#timescales.push(timescale);
    this.interfaces.push({
      index: this.#interfaceCount++,
      section: this.#section,
      name,
      description,
      linkType: view.getUint16(body, this.#littleEndian),
      snaplen: view.getUint32(body + 4, this.#littleEndian),
      resolution: timescale.text,
      perMicrosecond: timescale.perMicrosecond,
    });
    return true;
  }

  /** Enhanced and obsolete packet blocks differ in how the interface is written only. */
  #packet(record: CaptureRecord, id: number, body: number, end: number): boolean {
    const { view } = this.#window;
    const little = this.#littleEndian;
    if (id >= this.interfaces.length) return this.#noInterface(id);
    this.#timescales[id].read(record, view.getUint32(body + 4, little), view.getUint32(body + 8, little));
    const captured = view.getUint32(body + 12, little);
    return this.#deliver(record, id, body + 20, captured, view.getUint32(body + 16, little), end, end + 4);
  }

  /** It says neither when it came nor how much of it was kept: interface 0's snaplen does. */
  #simple(record: CaptureRecord, body: number, end: number): boolean {
    if (this.interfaces.length === 0) return this.#noInterface(0);
    const length = this.#window.view.getUint32(body, this.#littleEndian);
    const { snaplen } = this.interfaces[0];
    record.time = this.#last.time;
    record.nanoseconds = this.#last.nanoseconds;
    const captured = snaplen !== 0 && snaplen < length ? snaplen : length;
    // No options: what lies behind the data is padding.
    const options = body + 4 + ((captured + 3) & ~3);
    const stop = captured <= LONGEST_PACKET && options < end ? options : end;
    return this.#deliver(record, 0, body + 4, captured, length, stop, end + 4);
  }

  /** `record.time` is set. The packet's data begins at `start`, its options go on to `end`. */
  #deliver(
    record: CaptureRecord,
    id: number,
    start: number,
    captured: number,
    length: number,
    end: number,
    blockEnd: number,
  ): boolean {
    if (captured > LONGEST_PACKET || captured > end - start) {
      const why =
        captured > LONGEST_PACKET ? `more than ${LONGEST_PACKET} is not possible` : `its block has ${end - start}`;
      return this.#fail(`says that ${captured} bytes of it were captured; ${why}`);
    }
    const window = this.#window;
    const options = start + ((captured + 3) & ~3);
    record.direction = 0;
    if (options < end && !this.#readPacketOptions(record, options, end)) return false;
    record.data = window.data;
    record.view = window.view;
    record.start = start;
    record.end = start + captured;
    record.wireLength = length;
    record.interface = this.interfaces[id];
    record.number = ++this.#count;
    record.littleEndian = this.#littleEndian;
    record.optionsStart = options;
    record.optionsEnd = end;
    this.#last.time = record.time;
    this.#last.nanoseconds = record.nanoseconds;
    window.at = blockEnd;
    return true;
  }

  #readPacketOptions(record: CaptureRecord, start: number, end: number): boolean {
    let at = start;
    while (at < end) {
      at = this.#nextOption(at, end);
      if (at < 0) return false;
      if (this.#option === PACKET_FLAGS) {
        if (this.#optionLength !== 4) return this.#fail(`has flags of ${this.#optionLength} bytes instead of 4`);
        const direction = this.#window.view.getUint32(this.#optionAt, this.#littleEndian) & 3;
        record.direction = direction === 3 ? 0 : (direction as Direction);
      }
    }
    return true;
  }

  /** Reads the option at `at`; returns where the next one is (`end` after the last), or -1 when it is broken. */
  #nextOption(at: number, end: number): number {
    const { view } = this.#window;
    this.#option = OPT_ENDOFOPT;
    if (end - at < 4) {
      this.#fail("has options that end within an option's header");
      return -1;
    }
    const code = view.getUint16(at, this.#littleEndian);
    const length = view.getUint16(at + 2, this.#littleEndian);
    if (code === OPT_ENDOFOPT) return end;
    const next = at + 4 + ((length + 3) & ~3);
    if (next > end) {
      this.#fail(`has an option ${code} of ${length} bytes where ${end - at - 4} are left`);
      return -1;
    }
    this.#option = code;
    this.#optionAt = at + 4;
    this.#optionLength = length;
    return next;
  }

  #wait(): false {
    const window = this.#window;
    if (!window.ended || window.exhausted) return false;
    return this.#fail(CUT_OFF, "truncated");
  }

  #noInterface(id: number): false {
    return this.#fail(`is of interface ${id}, which its section does not describe`);
  }

  #fail(what: string, kind: CaptureError["kind"] = "malformed"): false {
    const window = this.#window;
    const packet = this.#count + 1;
    const offset = this.#skipped === 0 ? window.offset : this.#skippedFrom;
    const isPacket = this.#type === ENHANCED_PACKET || this.#type === PACKET || this.#type === SIMPLE_PACKET;
    const subject = isPacket
      ? `packet ${packet} at byte ${offset}`
      : `the ${this.#kind()} at byte ${offset}, before packet ${packet},`;
    this.error = { kind, packet, offset, message: `${subject} ${what}` };
    return false;
  }

  #kind(): string {
    if (this.#type === SECTION_HEADER) return "section header";
    return this.#type === INTERFACE_DESCRIPTION ? "interface description" : "block";
  }
}
