/** What the hashlimit match is told: rates and bursts in packets or bytes, read and printed as libxt_hashlimit.c does. */
import { type OptionType, RuleError } from "../rules/extension.ts";
import { scanNumber64, U32_MAX } from "../rules/numbers.ts";

/** Precision of rates: 1/1000000 of a second (XT_HASHLIMIT_SCALE_v2). */
export const SCALE = 1_000_000;
/** Bytes are counted in chunks of 16 (XT_HASHLIMIT_BYTE_SHIFT). */
export const CHUNK_SHIFT = 4;
export const MOST_BURST = 1_000_000;

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ["second", 1],
  ["minute", 60],
  ["hour", 3600],
  ["day", 86400],
];
const PRINTED_UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ["day", 86400],
  ["hour", 3600],
  ["min", 60],
  ["sec", 1],
];
const BYTE_UNITS: readonly (readonly [name: string, bytes: number])[] = [
  ["m", 1024 * 1024],
  ["k", 1024],
  ["", 1],
];

export interface Rate {
  readonly bytes: boolean;
  /** Of packets: time from one to the next, in 1/SCALE s; of bytes: the cost of a chunk. */
  readonly period: number;
  /** Seconds of the unit that was named; 15 for bytes. */
  readonly unit: number;
}

/** Seconds after which an idle entry of a rate in bytes goes, without and with a burst. */
const BYTE_EXPIRE = 15;
export const BYTE_EXPIRE_BURST = 60;

/** A cost is a share of 32 bits. */
export function costOfBytes(bytes: bigint): number {
  const chunks = Number(BigInt.asUintN(32, bytes >> BigInt(CHUNK_SHIFT)));
  return Math.floor(U32_MAX / (chunks + 1));
}

export function bytesOfCost(cost: number): number {
  const chunks = cost === 0 ? U32_MAX : Math.floor(U32_MAX / cost);
  return (chunks - 1) * 2 ** CHUNK_SHIFT;
}

/** C's atoll, as an unsigned number of 64 bits. */
function atoll(text: string): bigint {
  const found = /^[ \t\n\v\f\r]*([+-]?[0-9]+)/.exec(text);
  if (found === null) return 0n;
  const value = BigInt(found[1]);
  const most = (1n << 63n) - 1n;
  return BigInt.asUintN(64, value > most ? most : value < -most - 1n ? -most - 1n : value);
}

function factorOf(letter: string | undefined): bigint {
  return letter === "m" ? 1024n * 1024n : letter === "k" ? 1024n : 1n;
}

function parseBytes(word: string): Rate | null {
  const at = word.indexOf("b/s");
  const count = atoll(word);
  if (at <= 0 || count === 0n) return null;
  const cost = costOfBytes(BigInt.asUintN(64, count * factorOf(word[at - 1])));
  if (cost === 0) throw new RuleError(`Rate too high "${word}"`);
  return { bytes: true, period: cost, unit: BYTE_EXPIRE };
}

function parsePackets(word: string): Rate | null {
  const slash = word.indexOf("/");
  let unit = 1;
  if (slash >= 0) {
    const name = word.slice(slash + 1).toLowerCase();
    const found = name === "" ? undefined : UNITS.find(([known]) => known.startsWith(name));
    if (found === undefined) return null;
    unit = found[1];
  }
  const count = atoll(word);
  if (count === 0n) return null;
  const period = BigInt(SCALE * unit) / count;
  if (period === 0n) throw new RuleError(`Rate too fast "${word}"`);
  return { bytes: false, period: Number(period), unit };
}

export const rate: OptionType<Rate> = {
  arity: 1,
  parse([word], { option }) {
    const found = parseBytes(word) ?? parsePackets(word);
    if (found === null) throw new RuleError(`hashlimit: Bad value for "${option}" option: "${word}"`);
    return found;
  },
  print: ({ bytes, period }) => (bytes ? printByteRate(period) : printPacketRate(period)),
};

/** A number of packets, or of bytes with `k` or `m` behind it. */
export const burst: OptionType<number> = {
  arity: 1,
  parse([word]) {
    const scanned = scanNumber64(word);
    if (scanned === null || scanned.value === 0n || (scanned.end === word.length && scanned.value > MOST_BURST))
      throw badBurst();
    return Number(BigInt.asUintN(64, scanned.value * factorOf(word[scanned.end])));
  },
  print: String,
};

export function badBurst(): RuleError {
  return new RuleError(`bad value for option "--hashlimit-burst", or out of range (1-${MOST_BURST}).`);
}

export const HASH_DSTIP = 1;
export const HASH_DSTPORT = 2;
export const HASH_SRCIP = 4;
export const HASH_SRCPORT = 8;

/** In the order in which iptables-save prints them. */
const MODES: readonly (readonly [name: string, bit: number])[] = [
  ["srcip", HASH_SRCIP],
  ["srcport", HASH_SRCPORT],
  ["dstip", HASH_DSTIP],
  ["dstport", HASH_DSTPORT],
];

export const mode: OptionType<number> = {
  arity: 1,
  parse([word]) {
    let bits = 0;
    for (const name of word.split(/[,|]/).filter((part) => part !== "")) {
      const found = MODES.find(([known]) => known === name);
      if (found === undefined) throw new RuleError(`hashlimit: Bad value for "--hashlimit-mode" option: "${word}"`);
      bits |= found[1];
    }
    return bits;
  },
  print: (bits) =>
    MODES.filter(([, bit]) => (bits & bit) !== 0)
      .map(([name]) => name)
      .join(","),
};

export const interval: OptionType<number> = {
  arity: 1,
  parse([word]) {
    const seconds = Number(BigInt.asIntN(32, atoll(word)));
    if (seconds <= 0) throw new RuleError(`hashlimit: Bad value for "--hashlimit-rate-interval" option: "${word}"`);
    return seconds;
  },
  print: String,
};

/** The unit in which iptables-save prints the time between two packets. */
function unitOf(period: number): readonly [name: string, seconds: number] {
  let i = 1;
  for (; i < PRINTED_UNITS.length; i++) {
    const length = PRINTED_UNITS[i][1] * SCALE;
    if (period > length || Math.floor(length / period) < length % period) break;
  }
  return PRINTED_UNITS[i - 1];
}

export function printPacketRate(period: number): string {
  if (period === 0) return "inf";
  const [name, seconds] = unitOf(period);
  return `${Math.floor((seconds * SCALE) / period)}/${name}`;
}

export function printByteRate(cost: number): string {
  const bytes = bytesOfCost(cost);
  const keeps = (size: number) => bytes >= size && costOfBytes(BigInt(bytes - (bytes % size))) === cost;
  const [name, size] = BYTE_UNITS.find(([, unit], i) => i === BYTE_UNITS.length - 1 || keeps(unit))!;
  return `${Math.floor(bytes / size)}${name}b/s`;
}

export function printBytes(bytes: number): string {
  const [name, size] = BYTE_UNITS.find(([, unit]) => bytes >= unit) ?? BYTE_UNITS[2];
  return `${Math.floor(bytes / size)}${name}b`;
}

/** After how many milliseconds idle entries go when iptables-save need not say it. */
export function usualExpire(rate: Omit<Rate, "unit">, burst: number): number {
  if (rate.bytes) return (burst === 0 ? BYTE_EXPIRE : BYTE_EXPIRE_BURST) * 1000;
  return rate.period === 0 ? 0 : unitOf(rate.period)[1] * 1000;
}
