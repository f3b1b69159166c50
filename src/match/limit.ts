/**
 * `-m limit`: a bucket of credits that fills with time, and from which each match pays (xt_limit.c). Time is counted in
 * ticks of the kernel's clock, and all numbers are 32 bits wide and wrap as there.
 */
import { HZ } from "../host/sets/set.ts";
import { match, type OptionType, RuleError } from "../rules/extension.ts";
import { opt, uint } from "../rules/types.ts";

const TICK = 1_000_000 / HZ;
/** Precision of rates: 1/10000 of a second (XT_LIMIT_SCALE). */
const SCALE = 10000;
const DAY = 24 * 60 * 60;
/** The largest power of two with which the slowest rate, one a day, still fits in 32 bits. */
const CREDITS_PER_TICK = 2 ** Math.floor(Math.log2(Math.floor(0xffffffff / (HZ * DAY))));
const CREDITS_PER_SECOND = HZ * CREDITS_PER_TICK;

const DEFAULT_RATE = (SCALE * 60 * 60) / 3;
const DEFAULT_BURST = 5;

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ["second", 1],
  ["minute", 60],
  ["hour", 60 * 60],
  ["day", DAY],
];

/** `5/min` as the time between two matches, in 1/10000 s, rounded down. */
const rate: OptionType<number> = {
  arity: 1,
  parse([word]) {
    const bad = () => new RuleError(`bad rate "${word}"'`);
    const slash = word.indexOf("/");
    let seconds = 1;
    if (slash >= 0) {
      const name = word.slice(slash + 1).toLowerCase();
      const unit = name === "" ? undefined : UNITS.find(([known]) => known.startsWith(name));
      if (unit === undefined) throw bad();
      seconds = unit[1];
    }
    const count = atoi(word) >>> 0;
    if (count === 0) throw bad();
    const period = Math.floor((SCALE * seconds) / count);
    if (period === 0) throw new RuleError(`Rate too fast "${word}"`);
    return period;
  },
  print: printRate,
};

/** C's atoi: digits after blanks and a sign; what follows is not looked at. */
function atoi(text: string): number {
  const m = /^[ \t\n\v\f\r]*([+-]?[0-9]+)/.exec(text);
  if (m === null) return 0;
  const value = BigInt(m[1]);
  const most = (1n << 63n) - 1n;
  const clamped = value > most ? most : value < -most - 1n ? -most - 1n : value;
  return Number(BigInt.asIntN(32, clamped));
}

function printRate(period: number): string {
  const units: readonly (readonly [name: string, length: number])[] = [
    ["day", SCALE * DAY],
    ["hour", SCALE * 60 * 60],
    ["min", SCALE * 60],
    ["sec", SCALE],
  ];
  let i = 1;
  for (; i < units.length; i++) {
    const length = units[i][1];
    if (period > length || Math.floor(length / period) < length % period) break;
  }
  const [name, length] = units[i - 1];
  return `${Math.floor(length / period)}/${name}`;
}

/** user2credits, in 32 bits. */
function credits(time: number): number {
  if (time > Math.floor(0xffffffff / CREDITS_PER_SECOND))
    return (Math.floor(time / SCALE) * CREDITS_PER_SECOND) % 2 ** 32;
  return Math.floor((time * CREDITS_PER_SECOND) / SCALE);
}

interface Limit {
  /** Time between two matches, in 1/10000 s. */
  readonly period: number;
  readonly burst: number;
}

const burstTime = ({ period, burst }: Limit) => (period * burst) % 2 ** 32;

/** What one rule remembers. Unsigned. */
interface Bucket {
  credit: number;
  /** Tick of the last look, -1 before the first. */
  tick: number;
}

export const limit = match({
  name: "limit",
  families: [4, 6],
  options: {
    "--limit": opt(rate, { help: "matches per second, /minute, /hour or /day; default 3/hour" }),
    "--limit-burst": opt(uint(0, 10000), { help: "how many match at once after a pause; default 5" }),
  },

  bind: (given): Limit => ({
    period: given["--limit"]?.value ?? DEFAULT_RATE,
    burst: given["--limit-burst"]?.value ?? DEFAULT_BURST,
  }),

  print: ({ period, burst }) =>
    `--limit ${printRate(period)}${burst === DEFAULT_BURST ? "" : ` --limit-burst ${burst}`}`,

  checkEntry(is) {
    if (is.burst === 0 || credits(burstTime(is)) < credits(is.period))
      throw new RuleError(`Overflow, try lower: ${is.period}/${is.burst}`, 1);
  },

  compile(is, { host, place, nth, family }) {
    const cost = credits(is.period);
    const cap = credits(burstTime(is));
    const key = `limit ${family} ${place.table} ${place.chain} ${place.rule}.${nth} ${is.period}/${is.burst}`;
    const bucket: Bucket = host.memory(key, () => ({ credit: cap, tick: -1 }));
    return () => {
      const tick = Math.floor(host.now / TICK);
      if (bucket.tick < 0) bucket.tick = tick;
      const gained = ((tick - bucket.tick) * CREDITS_PER_TICK) % 2 ** 32;
      bucket.tick = tick;
      let credit = (bucket.credit + gained) >>> 0;
      if (credit > cap) credit = cap;
      const enough = credit >= cost;
      bucket.credit = enough ? credit - cost : credit;
      return enough;
    };
  },

  why: ({ period, burst }) => `more than ${burst} in a burst, or ${printRate(period)}`,
});
