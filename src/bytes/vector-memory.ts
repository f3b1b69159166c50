/**
 * Memory whose 16-bit words WebAssembly adds up sixteen bytes at a time, which is three times as fast as JavaScript
 * can and matters where every byte of every packet is summed. The reader of captures keeps its buffer here.
 *
 * There is one such memory; whoever claims it gives it back. Where there is none (taken, or WebAssembly or its vector
 * instructions are missing or forbidden), the caller uses ordinary memory and gets the same results.
 */

/** Sums the `end - start` bytes, a positive multiple of 16 up to 64 KiB, as little-endian 16-bit words: below 2^31. */
export type VectorSum = (start: number, end: number) => number;

export interface VectorMemory {
  readonly data: Uint8Array;
  readonly view: DataView;
  readonly sum: VectorSum;
}

/** Sized so that it stays in the processor's second-level cache. */
export const VECTOR_MEMORY_SIZE = 0x80000;

const PAGE = 0x10000;
const I32 = 0x7f;
const V128 = 0x7b;
const EMPTY = 0x40;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const I32_CONST = 0x41;
const I32_ADD = 0x6a;
const I32_LT_U = 0x49;
const LOOP = 0x03;
const BR_IF = 0x0d;
const END = 0x0b;
const VECTOR = 0xfd;
const V128_LOAD = 0x00;
const I32X4_EXTRACT_LANE = 0x1b;
const I32X4_EXTADD_PAIRWISE_I16X8_U = 0x7f;
const I32X4_ADD = [0xae, 0x01];
/** Locals of `sum`: its two parameters and the four 32-bit sums. */
const AT = 0;
const STOP = 1;
const SUMS = 2;

const lane = (i: number) => [LOCAL_GET, SUMS, VECTOR, I32X4_EXTRACT_LANE, i];

/** sum(at, stop): do { sums += pairs of the vector at `at`; at += 16 } while (at < stop); the four sums together. */
const SUM_CODE = [
  ...[LOOP, EMPTY],
  ...[LOCAL_GET, SUMS],
  ...[LOCAL_GET, AT, VECTOR, V128_LOAD, 0, 0],
  ...[VECTOR, I32X4_EXTADD_PAIRWISE_I16X8_U],
  ...[VECTOR, ...I32X4_ADD],
  ...[LOCAL_SET, SUMS],
  ...[LOCAL_GET, AT, I32_CONST, 16, I32_ADD, LOCAL_TEE, AT],
  ...[LOCAL_GET, STOP, I32_LT_U, BR_IF, 0],
  END,
  ...[...lane(0), ...lane(1), I32_ADD, ...lane(2), I32_ADD, ...lane(3), I32_ADD],
  END,
];

const name = (text: string) => [text.length, ...Array.from(text, (c) => c.charCodeAt(0))];
const section = (id: number, ...content: number[]) => [id, content.length, ...content];

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const body = [1, 1, V128, ...SUM_CODE];
  return Uint8Array.from([
    ...[0, ...name("asm").slice(1), 1, 0, 0, 0],
    ...section(1, 1, 0x60, 2, I32, I32, 1, I32),
    ...section(2, 1, ...name("m"), ...name("memory"), 2, 0, 1),
    ...section(3, 1, 0),
    ...section(7, 1, ...name("sum"), 0, 0),
    ...section(10, 1, body.length, ...body),
  ]);
}

function build(): VectorMemory | null {
  try {
    const pages = VECTOR_MEMORY_SIZE / PAGE;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), { m: { memory } });
    const sum = instance.exports.sum as VectorSum;
    return { data: new Uint8Array(memory.buffer), view: new DataView(memory.buffer), sum };
  } catch {
    // No WebAssembly, no vectors, or a page whose policy forbids compiling: ordinary memory does.
    return null;
  }
}

let built: VectorMemory | null | undefined;
let taken = false;

/** The memory, or null when it is taken or there is none. */
export function claimVectorMemory(): VectorMemory | null {
  if (built === undefined) built = build();
  if (taken || built === null) return null;
  taken = true;
  return built;
}

/** Gives the memory back, if `view` is of it. */
export function releaseVectorMemory(view: DataView): void {
  if (built && view === built.view) taken = false;
}
