/**
 * Time as the kernel counts it: in ticks. A timeout, a token of a limit, an ICMP error's turn come with a tick, so a
 * twin that is to agree about them has to be told in which one a packet was handled. Ticks begin when the monotonic
 * clock shows a multiple of four milliseconds (tick-common.c: tick_setup_device).
 */
import { MICROSECONDS_PER_JIFFY } from "../conntrack/jiffies.ts";
import type { SystemCalls } from "./system-calls.ts";

const TICK = MICROSECONDS_PER_JIFFY * 1000;

/** Nanoseconds that a packet may take before the next tick comes, and by which a tick may be late. */
const BEFORE = 200_000;
const AFTER = 150_000;

/** Does nothing for so many seconds; the whole process does. */
export function sleep(seconds: number): void {
  if (seconds > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
}

export class TickClock {
  readonly #calls: SystemCalls;
  /** Ticks since 1970 when the monotonic clock stood at 0. */
  readonly #epoch: number;

  constructor(calls: SystemCalls) {
    this.#calls = calls;
    this.#epoch = Math.floor((Date.now() * 1000) / MICROSECONDS_PER_JIFFY) - Math.floor(calls.monotonicClock() / TICK);
  }

  /**
   * Microseconds since 1970, a whole number of ticks: one more for every tick that the kernel has counted. When the
   * next tick is about to come it waits for it, so that what is done now is done within the tick that it tells.
   */
  now(): number {
    for (;;) {
      const now = this.#calls.monotonicClock();
      const into = now % TICK;
      if (into > AFTER && into < TICK - BEFORE) return (this.#epoch + Math.floor(now / TICK)) * MICROSECONDS_PER_JIFFY;
    }
  }

  /** Waits for the next tick to begin. */
  awaitTick(): void {
    sleep((TICK - (this.#calls.monotonicClock() % TICK)) / 1e9);
  }
}
