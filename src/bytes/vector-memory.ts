/**
 * Memory whose 16-bit words WebAssembly adds up sixteen bytes at a time, which is three times as fast as JavaScript
 * can and matters where every byte of every packet is summed. The reader of captures keeps its buffer here.
 *
 * There is one such memory; whoever claims it gives it back. Where there is none (taken, or WebAssembly or its vector
 * instructions are missing or forbidden), the caller uses ordinary memory and gets the same results.
 */

/**
 * The sum of the bytes at `start` … `end - 1`, up to 64 KiB, as little-endian 16-bit words, folded to 16 bits; an odd last
 * byte counts as the low half of a word.
 */
export type VectorSum = (start: number, end: number) => number;

export interface VectorMemory {
  readonly data: Uint8Array;
  readonly view: DataView;
  readonly sum: VectorSum;
}

/** Sized so that it stays in the processor's second-level cache. */
export const VECTOR_MEMORY_SIZE = 0x80000;

const PAGE = 0x10000;
/** Behind what callers get: 16 bytes of ones and 16 of zeroes, of which a mask for the last bytes is cut. */
const MASKS = VECTOR_MEMORY_SIZE + 16;

const I32 = 0x7f;
const V128 = 0x7b;
const EMPTY = 0x40;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const I32_CONST = 0x41;
const I32_LT_U = 0x49;
const I32_ADD = 0x6a;
const I32_SUB = 0x6b;
const I32_AND = 0x71;
const I32_SHR_U = 0x76;
const IF = 0x04;
const LOOP = 0x03;
const BR_IF = 0x0d;
const END = 0x0b;
const VECTOR = 0xfd;
const V128_LOAD = 0x00;
const V128_AND = 0x4e;
const I32X4_EXTRACT_LANE = 0x1b;
const I32X4_EXTADD_PAIRWISE_I16X8_U = 0x7f;
const I32X4_ADD = [0xae, 0x01];

/** A signed LEB128 number. */
function number(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  return (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)
    ? [low]
    : [low | 0x80, ...number(rest)];
}

/** Locals of `sum`: its two parameters, where whole blocks or vectors end, and four sums of 32 bits. */
const AT = 0;
const STOP = 1;
const WHOLE = 2;
const SUMS = 3;

const VECTOR_BYTES = 16;
/** Vectors that are added in one turn of the loop over long ranges. */
const BLOCK_VECTORS = 4;
const BLOCK_BYTES = BLOCK_VECTORS * VECTOR_BYTES;

const get = (local: number) => [LOCAL_GET, local];
const constant = (value: number) => [I32_CONST, ...number(value)];
const lane = (i: number) => [...get(SUMS), VECTOR, I32X4_EXTRACT_LANE, i];
/** The vector at the address on the stack, `offset` bytes further on. */
const load = (offset: number) => [VECTOR, V128_LOAD, 0, offset];
/** The vector on the stack, as pairs of 16-bit words, goes to the sums below it. */
const addPairs = [VECTOR, I32X4_EXTADD_PAIRWISE_I16X8_U, VECTOR, ...I32X4_ADD, LOCAL_SET, SUMS];
/** at = (at & 0xffff) + (at >>> 16) */
const fold = [
  ...[...get(AT), ...constant(0xffff), I32_AND],
  ...[...get(AT), ...constant(16), I32_SHR_U, I32_ADD, LOCAL_SET, AT],
];

const addVectorAt = (offset: number) => [...get(SUMS), ...get(AT), ...load(offset), ...addPairs];

/**
 * whole = at + ((stop - at) & -size)
 * if (at < whole) do { sums += pairs of the `size` bytes at `at`; at += size } while (at < whole)
 */
const addWhole = (size: number) => [
  ...[...get(STOP), ...get(AT), I32_SUB, ...constant(-size), I32_AND, ...get(AT), I32_ADD, LOCAL_SET, WHOLE],
  ...[...get(AT), ...get(WHOLE), I32_LT_U, IF, EMPTY, LOOP, EMPTY],
  ...Array.from({ length: size / VECTOR_BYTES }, (_, i) => addVectorAt(i * VECTOR_BYTES)).flat(),
  ...[...get(AT), ...constant(size), I32_ADD, LOCAL_TEE, AT, ...get(WHOLE), I32_LT_U, BR_IF, 0],
  ...[END, END],
];

const SUM_CODE = [
  ...addWhole(BLOCK_BYTES),
  ...addWhole(VECTOR_BYTES),
  // sums += pairs of what is left, and zeroes: masked by the 16 bytes that begin (stop - at) before the masks' middle
  ...[...get(SUMS), ...get(AT), ...load(0)],
  ...[...constant(MASKS + 16), ...get(STOP), I32_SUB, ...get(AT), I32_ADD, ...load(0), VECTOR, V128_AND, ...addPairs],
  ...[...lane(0), ...lane(1), I32_ADD, ...lane(2), I32_ADD, ...lane(3), I32_ADD, LOCAL_SET, AT],
  ...[...fold, ...fold, ...get(AT), END],
];

const name = (text: string) => [text.length, ...Array.from(text, (c) => c.charCodeAt(0))];
const section = (id: number, ...content: number[]) => [id, ...size(content), ...content];
/** Lengths are unsigned: a zero keeps the sign bit away. */
const size = (content: readonly number[]) => number(content.length);

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const body = [2, 1, I32, 1, V128, ...SUM_CODE];
  return Uint8Array.from([
    ...[0, ...name("asm").slice(1), 1, 0, 0, 0],
    ...section(1, 1, 0x60, 2, I32, I32, 1, I32),
    ...section(2, 1, ...name("m"), ...name("memory"), 2, 0, 1),
    ...section(3, 1, 0),
    ...section(7, 1, ...name("sum"), 0, 0),
    ...section(10, 1, ...size(body), ...body),
  ]);
}

function build(): VectorMemory | null {
  try {
    const pages = VECTOR_MEMORY_SIZE / PAGE + 1;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), { m: { memory } });
    const sum = instance.exports.sum as VectorSum;
    new Uint8Array(memory.buffer, MASKS, 16).fill(0xff);
    const data = new Uint8Array(memory.buffer, 0, VECTOR_MEMORY_SIZE);
    return { data, view: new DataView(memory.buffer), sum };
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
