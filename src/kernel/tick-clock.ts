/**
 * Time as the kernel counts it: in ticks. A timeout, a token of a limit, an ICMP error's turn come with a tick, so a
 * twin that is to agree about them has to be told in which one a packet was handled. The kernel tells how many it has
 * counted (`tickedMilliseconds`); it does so when it gets round to it, on a busy machine milliseconds after the
 * monotonic clock showed the multiple of four milliseconds at which a tick begins (tick-common.c: tick_setup_device).
 */
import { MICROSECONDS_PER_JIFFY } from "../conntrack/jiffies.ts";
import type { SystemCalls } from "./system-calls.ts";

const TICK = MICROSECONDS_PER_JIFFY * 1000;

/** Nanoseconds that a packet may take before the next tick comes. */
const BEFORE = 200_000;

/** So many nanoseconds a tick that is due is waited for: the kernel catches up after five at the latest. */
const PATIENCE = 6 * TICK;

/** Does nothing for so many seconds; the whole process does. */
export function sleep(seconds: number): void {
  if (seconds > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
}

export class TickClock {
  readonly #calls: SystemCalls;
  /** Milliseconds that were last seen, and the ticks that they stand for, since 1970. */
  #milliseconds: number;
  #ticks: number;
  /** Ticks that were counted beyond those that the monotonic clock shows. */
  #ahead: number;

  constructor(calls: SystemCalls) {
    this.#calls = calls;
    this.#milliseconds = calls.tickedMilliseconds();
    this.#ticks = Math.floor((Date.now() * 1000) / MICROSECONDS_PER_JIFFY);
    this.#ahead = this.#ticks - Math.floor(calls.monotonicClock() / TICK);
  }

  /**
   * Microseconds since 1970, a whole number of ticks: one more for every tick that the kernel has counted. When the
   * next tick is due or about to come it waits for it, so that what is done now is done within the tick that it tells.
   */
  now(): number {
    const started = this.#calls.monotonicClock();
    for (;;) {
      // In this order: a tick that is counted between the two only seems to be due.
      const ticks = this.#counted();
      const now = this.#calls.monotonicClock();
      this.#ahead = Math.max(this.#ahead, ticks - Math.floor(now / TICK));
      const due = Math.floor((now + BEFORE) / TICK) + this.#ahead > ticks;
      if (!due || now - started > PATIENCE) return ticks * MICROSECONDS_PER_JIFFY;
    }
  }

  /** Has the kernel counted another tick since `now` told this time? */
  hasTicked(time: number): boolean {
    return this.#counted() * MICROSECONDS_PER_JIFFY !== time;
  }

  /** Waits for the next tick to begin. */
  awaitTick(): void {
    sleep((TICK - (this.#calls.monotonicClock() % TICK)) / 1e9);
  }

  #counted(): number {
    const milliseconds = this.#calls.tickedMilliseconds();
    this.#ticks += (((milliseconds - this.#milliseconds) >>> 0) * 1000) / MICROSECONDS_PER_JIFFY;
    this.#milliseconds = milliseconds;
    return this.#ticks;
  }
}
