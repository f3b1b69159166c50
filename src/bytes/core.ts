/**
 * The core: one piece of WebAssembly memory with the functions that work in it (assembly/core.ts). Captures are read into
 * its front; behind lie the IPv4 connections of one firewall at a time. Both are rented: whoever comes second, or runs where
 * WebAssembly or its vector instructions are missing or forbidden, uses ordinary memory and gets the same results more slowly.
 */
import { CORE_CODE } from "../assembly/generated/core-code.ts";
import {
  CLOCK,
  CLOCK_NUMBERS,
  CONTROL,
  CONTROL_WORDS,
  MASK_SIZE,
  MASKS,
  MEMORY_SIZE,
  PACKETS,
  PACKETS_SIZE,
  PAGE,
  SINGLE,
  SINGLE_SIZE,
} from "../assembly/layout.ts";

/** What assembly/core.ts exports. Addresses are bytes of the memory, also offsets in `view`. */
interface Functions {
  sum(start: number, end: number): number;
  track(start: number, l4: number, end: number, length: number, verify: number): number;
  receive(start: number, l4: number, end: number, wire: number, verify: number, iif: number): number;
  begin(): number;
  confirm(handle: number): number;
  stream(at: number, end: number, blocks: number): number;
}

export interface Core extends Functions {
  readonly buffer: ArrayBuffer;
  /** The part that captures are read into, and all that packets lie in. */
  readonly data: Uint8Array;
  readonly packets: Uint8Array;
  /** A view of the memory, by which packets that lie in it are recognised. */
  readonly view: DataView;
  /** The words and numbers that both sides read and write. */
  readonly control: Int32Array;
  readonly clock: Float64Array;
}

function build(): Core | null {
  try {
    const pages = MEMORY_SIZE / PAGE;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(CORE_CODE)), { env: { memory } });
    const { buffer } = memory;
    new Uint8Array(buffer, MASKS, MASK_SIZE).fill(0xff);
    return {
      buffer,
      data: new Uint8Array(buffer, PACKETS, PACKETS_SIZE),
      packets: new Uint8Array(buffer, PACKETS, SINGLE + SINGLE_SIZE),
      view: new DataView(buffer),
      control: new Int32Array(buffer, CONTROL, CONTROL_WORDS),
      clock: new Float64Array(buffer, CLOCK, CLOCK_NUMBERS),
      ...(instance.exports as unknown as Functions),
    };
  } catch {
    // No WebAssembly, no vectors, no address space, or a page whose policy forbids compiling: ordinary memory does.
    return null;
  }
}

let built: Core | null | undefined;

function theCore(): Core | null {
  if (built === undefined) built = build();
  return built;
}

// ── the packets' part ────────────────────────────────────────────────────────────────────────────────

let reading = false;

/** The core, whose `data` is the caller's until it is given back; null when it is taken or there is none. */
export function claimPackets(): Core | null {
  const core = theCore();
  if (reading || core === null) return null;
  reading = true;
  return core;
}

/** Gives the packets' part back, if `view` is of it. */
export function releasePackets(view: DataView): void {
  if (built && view === built.view) reading = false;
}

// ── the single packet's part ─────────────────────────────────────────────────────────────────────────

/** To make the core takes longer than so many packets take without it. */
const WORTH_A_CORE = 100;

let single = false;
let singles = 0;

/**
 * The core, for a packet of so many bytes at SINGLE; null when another is on its way there, or it has no room, or only few
 * packets came until now.
 */
export function claimSingle(length: number): Core | null {
  if (built === undefined && ++singles < WORTH_A_CORE) return null;
  const core = theCore();
  if (single || core === null || length > SINGLE_SIZE) return null;
  single = true;
  return core;
}

/** The packet's way is over. Its bytes stay until the next one comes. */
export function releaseSingle(): void {
  single = false;
}

// ── the connections' part ────────────────────────────────────────────────────────────────────────────

/** Whose connections lie in the core. */
export interface Tenant {
  /** Somebody else needs the place, and this one seems to have no more packets: moves out. */
  leave(): void;
}

/** So many packets another firewall has to see, and the tenant none, before the tenant is sent away. */
const PATIENCE = 10_000;

let tenant: Tenant | null = null;
let waited = 0;

/** The core, for a firewall whose packets lie in it (`view`) and whose connections shall; null: not there, or not now. */
export function rentTables(view: DataView, applicant: Tenant): Core | null {
  if (!built || view !== built.view) return null;
  if (tenant !== null) {
    if (++waited < PATIENCE) return null;
    tenant.leave();
  }
  tenant = applicant;
  waited = 0;
  return built;
}

/** The tenant is still there. */
export function stay(): void {
  waited = 0;
}

/** The connections' part is free again, and all zeroes. */
export function vacateTables(leaving: Tenant): void {
  if (tenant === leaving) tenant = null;
}
