/** What became of many packets: how many of them by verdict, state and path. */
import {
  type Outcome,
  PATH_NAMES,
  type PathName,
  STATE_NAMES,
  type StateName,
  VERDICT_NAMES,
  type VerdictName,
} from "../path/firewall.ts";
import type { Counting } from "./intake.ts";

/** A replay in numbers; the object that `replay --quiet --format json` prints. */
export interface Totals {
  /** Frames, those without an IP packet (`notIp`) among them. */
  readonly packets: number;
  /** Of network layer. */
  readonly bytes: number;
  readonly notIp: number;
  /** Packets that left the host. */
  readonly emitted: number;
  readonly verdicts: Readonly<Record<VerdictName, number>>;
  /** `none`: conntrack did not see them. */
  readonly states: Readonly<Record<StateName | "none", number>>;
  readonly paths: Readonly<Record<PathName, number>>;
}

/** Counts of outcomes, in numbers so that counting a packet allocates nothing. */
export class Tally implements Counting {
  packets = 0;
  bytes = 0;
  notIp = 0;
  emitted = 0;
  readonly verdicts = new Float64Array(VERDICT_NAMES.length);
  readonly states = new Float64Array(STATE_NAMES.length);
  readonly paths = new Float64Array(PATH_NAMES.length);
  first = Number.POSITIVE_INFINITY;
  last = Number.NEGATIVE_INFINITY;

  /** `verdict`, `state` and `path` are indexes of the three lists of names. */
  add(time: number, bytes: number, verdict: number, state: number, path: number, emitted: number): void {
    this.#at(time);
    this.bytes += bytes;
    this.emitted += emitted;
    this.verdicts[verdict]++;
    this.states[state]++;
    this.paths[path]++;
  }

  addOutcome(time: number, bytes: number, outcome: Outcome): void {
    const state = STATE_NAMES.indexOf(outcome.state);
    const path = PATH_NAMES.indexOf(outcome.path);
    this.add(time, bytes, VERDICT_NAMES.indexOf(outcome.verdict), state, path, outcome.out.length);
  }

  addNotIp(time: number): void {
    this.#at(time);
    this.notIp++;
  }

  /** So many packets that differ in nothing but their time and length, `bytes` in all. */
  addMany(packets: number, bytes: number, verdict: number, state: number, path: number, emitted: number): void {
    this.packets += packets;
    this.bytes += bytes;
    this.emitted += emitted;
    this.verdicts[verdict] += packets;
    this.states[state] += packets;
    this.paths[path] += packets;
  }

  /** There were packets from one time to another. */
  addSpan(first: number, last: number): void {
    this.#reach(first);
    this.#reach(last);
  }

  #at(time: number): void {
    this.#reach(time);
    this.packets++;
  }

  #reach(time: number): void {
    if (time < this.first) this.first = time;
    if (time > this.last) this.last = time;
  }

  /** Seconds from the earliest to the latest packet. */
  get seconds(): number {
    return this.packets === 0 ? 0 : (this.last - this.first) / 1e6;
  }

  /** In words and plain data. */
  totals(): Totals {
    return {
      packets: this.packets,
      bytes: this.bytes,
      notIp: this.notIp,
      emitted: this.emitted,
      verdicts: named(VERDICT_NAMES, this.verdicts),
      states: named(
        STATE_NAMES.map((name) => name ?? "none"),
        this.states,
      ),
      paths: named(PATH_NAMES, this.paths),
    };
  }
}

function named<Name extends string>(names: readonly Name[], counts: Float64Array): Record<Name, number> {
  return Object.fromEntries(names.map((name, i) => [name, counts[i]])) as Record<Name, number>;
}
