/**
 * Time as the kernel counts it: in ticks. A timeout, a token of a limit, an ICMP error's turn come with a tick, so a
 * twin that is to agree about them has to be told in which one a packet was handled. The coarse clock shows the time
 * of the last tick, and nothing since.
 */
import { MICROSECONDS_PER_JIFFY } from "../conntrack/jiffies.ts";
import type { SystemCalls } from "./system-calls.ts";

const NANOSECONDS_PER_TICK = MICROSECONDS_PER_JIFFY * 1000;

/** Nanoseconds that a packet may take, and how often the clocks are read before a tick that is late is given up. */
const MARGIN = 100_000;
const MOST_LOOKS = 1000;

export class TickClock {
  readonly #calls: SystemCalls;
  /** What the coarse clock showed last, in nanoseconds, and how many ticks had passed since 1970 by then. */
  #shown: bigint;
  #ticks = Math.floor((Date.now() * 1000) / MICROSECONDS_PER_JIFFY);

  constructor(calls: SystemCalls) {
    this.#calls = calls;
    this.#shown = calls.monotonicClock(true);
  }

  /**
   * Microseconds since 1970, a whole number of ticks: one more for every tick that the kernel has counted. When the
   * next tick is about to come it waits for it, so that what is done now is done within the tick that it tells.
   */
  now(): number {
    let shown = this.#calls.monotonicClock(true);
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const since = Number(this.#calls.monotonicClock(false) - shown);
      if (since < NANOSECONDS_PER_TICK - MARGIN) break;
      shown = this.#calls.monotonicClock(true);
    }
    // The clock is slewed, the tick is not: from one look to the next it is a whole number of ticks, more or less.
    this.#ticks += Math.round(Number(shown - this.#shown) / NANOSECONDS_PER_TICK);
    this.#shown = shown;
    return this.#ticks * MICROSECONDS_PER_JIFFY;
  }
}
