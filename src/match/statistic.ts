/** `-m statistic`: a share of the packets, by chance or by counting (xt_statistic.c). */
import { match, type OptionType, RuleError } from "../rules/extension.ts";
import { opt, optNot, sentence, text, U32_MAX, u32, uint } from "../rules/types.ts";

/** Probabilities are numbers of 31 bits, and this is certainty. */
const CERTAIN = 0x80000000;
const DIGITS = 11;

/** strtod's numbers; null: none, or something stands behind. */
function parseDouble(word: string): number | null {
  const trimmed = word.replace(/^[ \t\n\v\f\r]+/, "");
  if (/^[+-]?nan(\([0-9a-z_]*\))?$/i.test(trimmed)) return Number.NaN;
  const hex = /^([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?[0-9]+))?$/i.exec(trimmed);
  if (hex !== null && hex[2] + hex[3] !== "") {
    const value = Number.parseInt(hex[2] + hex[3], 16) * 2 ** (Number(hex[4] ?? 0) - 4 * hex[3].length);
    return hex[1] === "-" ? -value : value;
  }
  return /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(trimmed) ? Number(trimmed) : null;
}

/** XTTYPE_DOUBLE between 0 and 1, kept as the kernel gets it: of 0x80000000. */
const probability: OptionType<number> = {
  arity: 1,
  parse([word], site) {
    const value = parseDouble(word);
    if (value === null || value < 0 || value > 1)
      throw new RuleError(sentence(site, "bad value for option %s, or out of range (0-1)."));
    // What is not a number becomes 0 when it is rounded.
    return Number.isNaN(value) ? 0 : Math.round(value * CERTAIN);
  },
  print: printProbability,
};

/** printf's %.11f, which rounds a half to the even digit. */
function printProbability(share: number): string {
  const scaled = BigInt(share) * 10n ** BigInt(DIGITS);
  const rest = scaled % BigInt(CERTAIN);
  let digits = scaled / BigInt(CERTAIN);
  const half = BigInt(CERTAIN / 2);
  if (rest > half || (rest === half && digits % 2n === 1n)) digits++;
  const all = String(digits).padStart(DIGITS + 1, "0");
  return `${all.slice(0, -DIGITS)}.${all.slice(-DIGITS)}`;
}

type Statistic =
  | { readonly mode: "random"; readonly not: boolean; readonly share: number }
  | { readonly mode: "nth"; readonly not: boolean; readonly every: number; readonly packet: number };

export const statistic = match({
  name: "statistic",
  families: [4, 6],
  options: {
    "--mode": opt(
      {
        ...text,
        parse([word]: readonly string[]): string {
          if (word !== "random" && word !== "nth") throw new RuleError(`Bad mode "${word}"`);
          return word;
        },
      },
      { required: true, help: "random or nth" },
    ),
    "--probability": optNot(probability, { excludes: ["--every", "--packet"], help: "random: from 0 to 1" }),
    "--every": optNot(uint(1, U32_MAX), {
      excludes: ["--probability"],
      needs: ["--packet"],
      help: "nth: one packet of so many",
    }),
    "--packet": opt(u32, { excludes: ["--probability"], needs: ["--every"], help: "nth: which of them, from 0" }),
  },
  check(given) {
    const share = given["--probability"]?.value;
    const every = given["--every"]?.value;
    const packet = given["--packet"]?.value;
    if (given["--mode"]?.value !== "nth") {
      if (share === undefined) throw new RuleError("--probability must be specified when using random mode");
    } else if (every === undefined && packet === undefined)
      throw new RuleError("--every and --packet must be specified when using nth mode");
    // The probability has the place of the number of packets, and the later one is in it.
    const later = Object.keys(given).findLast((key) => key === "--probability" || key === "--every");
    const last = later === "--every" ? every! - 1 : (share ?? 0);
    if ((packet ?? 0) > last) throw new RuleError("the --packet p must be 0 <= p <= n-1");
  },

  bind(given): Statistic {
    const every = given["--every"];
    if (given["--mode"]!.value === "nth")
      return { mode: "nth", not: every!.not, every: every!.value, packet: given["--packet"]!.value };
    return { mode: "random", not: given["--probability"]!.not, share: given["--probability"]!.value };
  },

  print(is) {
    const not = is.not ? " !" : "";
    return is.mode === "random"
      ? `--mode random${not} --probability ${printProbability(is.share)}`
      : `--mode nth${not} --every ${is.every} --packet ${is.packet}`;
  },

  compile(is, { host, place, nth, family }) {
    const { not } = is;
    if (is.mode === "random") {
      const { share } = is;
      const { random } = host;
      return () => (random.u32("statistic") & 0x7fffffff) < share !== not;
    }
    const last = is.every - 1;
    const where = `${family} ${place.table} ${place.chain} ${place.rule}.${nth}`;
    const counter = host.memory(`statistic ${where} ${is.every}/${is.packet}`, () => ({ count: last - is.packet }));
    return () => {
      counter.count = counter.count === last ? 0 : counter.count + 1;
      return (counter.count === 0) !== not;
    };
  },

  why: (is) =>
    is.mode === "random"
      ? `chance said no (probability ${is.not ? "not " : ""}${printProbability(is.share)})`
      : `it is ${is.not ? "" : "not "}packet ${is.packet} of every ${is.every}`,
});
