/**
 * Turns pcapng time stamps, 64-bit counts of an interface's own unit, into integer microseconds and the nanoseconds
 * beyond them, exactly: counts of nanoseconds since 1970 do not fit a double.
 */

/** What `read` fills. */
export interface TimeTarget {
  time: number;
  nanoseconds: number;
}

export class Timescale {
  /** The unit: "10^-6", "2^-20". */
  readonly text: string;
  /** Microseconds between 1970 and the count's zero. */
  readonly #offset: number;
  /** Units in a microsecond; 0 where that is not a whole number up to 10^6. */
  readonly #perMicrosecond: number;
  /** Nanoseconds of one unit, and units of one nanosecond, as far as whole; else 0. */
  readonly #nanosPerUnit: number;
  /** The upper half of a count changes rarely: its quotient in µs, and what is left of it in units. */
  #high = 0;
  #upper = 0;
  #rest = 0;
  /** The general case: nanoseconds = count * #numerator / #denominator. */
  readonly #numerator: bigint;
  readonly #denominator: bigint;

  /** `resolution` as in if_tsresol: a negative power of 10, or of 2 where the top bit is set; `offset` in seconds. */
  constructor(resolution: number, offset: number) {
    const exponent = resolution & 0x7f;
    const base = resolution & 0x80 ? 2 : 10;
    this.text = `${base}^-${exponent}`;
    this.#offset = offset * 1e6;
    this.#perMicrosecond = base === 10 && exponent >= 6 && exponent <= 12 ? 10 ** (exponent - 6) : 0;
    this.#nanosPerUnit = 1000 / (this.#perMicrosecond || 1);
    this.#numerator = 1_000_000_000n;
    this.#denominator = BigInt(base) ** BigInt(exponent);
  }

  /** How many units are a microsecond, if that is a whole number and they count from 1970; else 0. */
  get perMicrosecond(): number {
    return this.#offset === 0 ? this.#perMicrosecond : 0;
  }

  /** Sets time and nanoseconds of `target` from the two halves of a count. Times beyond 2^53 µs are cut to that. */
  read(target: TimeTarget, high: number, low: number): void {
    const per = this.#perMicrosecond;
    let time: number;
    if (per === 1) {
      time = high * 0x100000000 + low;
      target.nanoseconds = 0;
    } else if (per > 1) {
      if (high !== this.#high) {
        const upper = Math.floor(high / per);
        this.#high = high;
        this.#upper = upper * 0x100000000;
        this.#rest = (high - upper * per) * 0x100000000;
      }
      const rest = this.#rest + low;
      const lower = Math.floor(rest / per);
      time = this.#upper + lower;
      target.nanoseconds = Math.floor((rest - lower * per) * this.#nanosPerUnit);
    } else {
      const nanoseconds = (((BigInt(high) << 32n) | BigInt(low)) * this.#numerator) / this.#denominator;
      time = Number(nanoseconds / 1000n);
      target.nanoseconds = Number(nanoseconds % 1000n);
    }
    time += this.#offset;
    if (time > Number.MAX_SAFE_INTEGER) time = Number.MAX_SAFE_INTEGER;
    else if (time < -Number.MAX_SAFE_INTEGER) time = -Number.MAX_SAFE_INTEGER;
    target.time = time;
  }
}
