/**
 * The ways that the core knows (assembly/ways.ts): what becomes of forwarded IPv4 packets that rules, routes and devices cannot
 * tell apart. A way is learnt from the first such packet, as it comes to FORWARD; from then on the core counts the others.
 *
 * Counters of rules are brought up to date by `collect`; whoever reads them calls it first.
 */
import {
  DESTINATION_PARTS,
  DESTINATION_PORT_PARTS,
  FREE_ENTRY,
  HEADER_BITS,
  KEY,
  PARTS,
  PARTS_SIZE,
  SOURCE_PARTS,
  SOURCE_PORT_PARTS,
  WAY_ACCEPT,
  WAY_BYTES,
  WAY_DROP,
  WAY_KIND,
  WAY_LONG,
  WAY_LONGEST,
  WAY_PACKETS,
  WAY_SIZE,
  WAYS,
  WAYS_SLOTS,
} from "../assembly/layout.ts";
import type { Core } from "../bytes/core.ts";
import { ACCEPT, FORWARD, type Hook, POSTROUTING } from "../packet/hook.ts";
import type { HeaderField } from "../rules/extension.ts";
import { type Parts, partsOf } from "./bounds.ts";
import { PASS } from "./decisions.ts";
import { type Counter, Foresight, UNSURE } from "./foresee.ts";
import { type StepName, stepsAt } from "./hooks.ts";
import type { CompiledTable } from "./program.ts";
import { rangesIn, rangeTableSize, writeRanges } from "./range-table.ts";
import type { Skb } from "./skb.ts";

const WORD = 4;
const KEY_WORDS = 4;
/** Of more ways than that some are forgotten, or rather all. */
const MOST_WAYS = WAYS_SLOTS * 0.7;
/** A way that so few packets take, on the average, is not worth its learning. */
const WORTH = 8;

/** Packets that were told apart by nothing, and what became of them. */
export interface Passed {
  /** Forwarded; or dropped. */
  readonly accepted: boolean;
  /** Index of STATE_NAMES. */
  readonly state: number;
  readonly packets: number;
  /** Of network layer. */
  readonly bytes: number;
}

interface Way {
  /** Its entry, in bytes. */
  readonly at: number;
  readonly kind: number;
  readonly state: number;
  readonly counted: readonly Counter[];
}

/** The way of a packet that has come to FORWARD. */
interface Foreseen {
  /** What FORWARD's rules will say, and what all will, as far as they are known: a code, or UNSURE. */
  readonly atForward: number;
  readonly code: number;
  readonly longest: number;
  readonly state: number;
  readonly counted: readonly Counter[];
}

const PART_TABLES: readonly (readonly [field: HeaderField, control: number, scale: number])[] = [
  ["src", SOURCE_PARTS, 1],
  ["dst", DESTINATION_PARTS, 1],
  ["sport", SOURCE_PORT_PARTS, 0x10000],
  ["dport", DESTINATION_PORT_PARTS, 0x10000],
];

export class Ways {
  /** Told of all packets that the core counted. */
  onPassed: ((passed: Passed) => void) | null = null;
  readonly #tables: readonly CompiledTable[];
  readonly #foresight = new Foresight();
  #foreseen: Foreseen | null = null;
  #parts: Parts | null = null;
  #core: Core | null = null;
  #ways: Way[] = [];
  /** Packets of ways that were forgotten. */
  #before = 0;
  #learnt = 0;
  /** The rules tell nearly all packets apart: knowing their ways is no use. */
  #hopeless = false;

  constructor(tables: readonly CompiledTable[]) {
    this.#tables = tables;
  }

  /** Is there a core that knows some, or is to learn them? */
  get known(): boolean {
    return this.#core !== null;
  }

  /** Begins to teach the core, which knows nothing yet. False: there are too many parts for it, or it would be no use. */
  begin(core: Core): boolean {
    this.end();
    if (this.#hopeless || !this.#writeParts(core)) return false;
    this.#core = core;
    core.control[HEADER_BITS] = 0;
    new Uint8Array(core.buffer, WAYS, WAYS_SLOTS * WAY_SIZE).fill(0);
    return true;
  }

  /** The core's memory belongs to others from now on. */
  end(): void {
    this.collect();
    this.#ways = [];
    this.#core = null;
  }

  /** Brings rule counters up to date. */
  collect(): void {
    const core = this.#core;
    if (core === null) return;
    for (const { at, kind, state, counted } of this.#ways) {
      const packets = core.view.getFloat64(at + WAY_PACKETS, true);
      if (packets === 0) continue;
      const bytes = core.view.getFloat64(at + WAY_BYTES, true);
      core.view.setFloat64(at + WAY_PACKETS, 0, true);
      core.view.setFloat64(at + WAY_BYTES, 0, true);
      this.#before += packets;
      for (const counter of counted) {
        counter.counters[counter.at] += packets;
        counter.counters[counter.at + 1] += bytes;
      }
      this.onPassed?.({ accepted: kind === WAY_ACCEPT, state, packets, bytes });
    }
  }

  /**
   * Finds out the way of a packet that comes to FORWARD, is of at most `longest` bytes, and was `counted` before it was routed. It is
   * learnt when FORWARD's rules have agreed.
   */
  foresee(p: Skb, counted: readonly Counter[], longest: number): void {
    const foresight = this.#foresight;
    foresight.begin();
    const atForward = this.#atHook(p, FORWARD);
    const passes = atForward !== UNSURE && (atForward & 3) === ACCEPT;
    const code = passes ? this.#atHook(p, POSTROUTING) : atForward;
    this.#foreseen = { atForward, code, longest, state: p.state, counted: [...counted, ...foresight.counted] };
  }

  forgetForeseen(): void {
    this.#foreseen = null;
  }

  /** FORWARD's rules said `code` of the packet whose way was foreseen. */
  learn(code: number): void {
    const foreseen = this.#foreseen;
    const core = this.#core;
    this.#foreseen = null;
    if (foreseen === null || core === null) return;
    if (this.#ways.length >= MOST_WAYS) {
      this.#makeRoom(core);
      return;
    }
    const bits = core.control[HEADER_BITS] | this.#foresight.bits;
    // It takes more to tell packets apart than was thought until now.
    if (bits !== core.control[HEADER_BITS]) {
      this.begin(core);
      core.control[HEADER_BITS] = bits;
      return;
    }
    this.#write(core, kindOf(foreseen, code), foreseen);
  }

  /** What the tables of a hook make of the packet, but for nat, whose rules only the first packet of a connection meets. */
  #atHook(p: Skb, hook: Hook): number {
    const { hook: before } = p;
    p.hook = hook;
    let code = PASS;
    for (const step of stepsAt(hook)) {
      code = this.#atStep(p, hook, step, code);
      if (code === UNSURE || (code & 3) !== ACCEPT) break;
    }
    p.hook = before;
    return code;
  }

  #atStep(p: Skb, hook: Hook, step: StepName, code: number): number {
    const table = this.#tables.find(({ name }) => name === step);
    const base = table?.base[hook] ?? null;
    if (step === "nat" || table === undefined || base === null) return code;
    return this.#foresight.table(table, base, p);
  }

  #write({ view, control }: Core, kind: number, { longest, state, counted }: Foreseen): void {
    const at = control[FREE_ENTRY];
    for (let i = 0; i < KEY_WORDS; i++) view.setInt32(at + i * WORD, control[KEY + i], true);
    view.setInt32(at + WAY_KIND, kind, true);
    view.setInt32(at + WAY_LONGEST, longest, true);
    this.#learnt++;
    this.#ways.push({ at, kind, state, counted });
  }

  /** Forgets all ways, because there are too many; and for good, if that was no use. */
  #makeRoom(core: Core): void {
    this.collect();
    this.#hopeless = this.#before < this.#learnt * WORTH;
    this.begin(core);
  }

  #writeParts({ buffer, control }: Core): boolean {
    this.#parts ??= partsOf(this.#tables.filter(({ name }) => name !== "nat"));
    const parts = this.#parts;
    let at = PARTS;
    for (const [field, index, scale] of PART_TABLES) {
      const starts = parts[field];
      control[index] = 0;
      // One part: the rules do not look at the field.
      if (starts.length === 1) continue;
      if (starts.length > rangesIn(PARTS + PARTS_SIZE - at)) return false;
      writeRanges(buffer, at, scale === 1 ? starts : starts.map((start) => start * scale), (n) => n);
      control[index] = at;
      at += rangeTableSize(starts.length);
    }
    return true;
  }
}

/** WAY_…, where FORWARD's rules said `code`: what they did not foresee nobody can say without looking at each packet. */
function kindOf({ atForward, code }: Foreseen, said: number): number {
  const accepted = (said & 3) === ACCEPT;
  if (atForward === UNSURE || code === UNSURE) return WAY_LONG;
  // A hook that passes ends with a code of its own.
  if (accepted ? (atForward & 3) !== ACCEPT : atForward !== said) return WAY_LONG;
  return (code & 3) === ACCEPT ? WAY_ACCEPT : WAY_DROP;
}
