/** `-m set`: whether an ipset holds what the packet says (xt_set.c, revision 4; the sets are host/sets/). */
import {
  COUNTER_ABOVE,
  COUNTER_ANY,
  COUNTER_BELOW,
  COUNTER_EQUAL,
  COUNTER_UNEQUAL,
  SetQuery,
} from "../host/sets/set.ts";
import { type GivenOption, match, type OptionType, RuleError } from "../rules/extension.ts";
import { findSet, type NamedSet, namedSet, printNamedSet } from "../rules/named-set.ts";
import { scanNumber64 } from "../rules/numbers.ts";
import { flag, opt, optNot } from "../rules/types.ts";

const COMPARISONS = ["eq", "lt", "gt"] as const;
const only = (what: string) => `only one of the --${what}-[eq|lt|gt] is allowed`;

/** A 64-bit number as decimal text, for one of the options that compare packets or bytes; only `eq` takes `!`. */
const counter = (what: "packets" | "bytes", takesNot = false): OptionType<string> => ({
  arity: 1,
  parse([word], { given, not, option }) {
    if (COMPARISONS.some((op) => given[`--${what}-${op}`] !== undefined)) throw new RuleError(only(what));
    if (not && !takesNot) throw new RuleError(`${option} option cannot be inverted`);
    const scanned = scanNumber64(word);
    if (scanned === null || scanned.end !== word.length) throw new RuleError(`Cannot parse ${word} as a counter value`);
    return String(scanned.value);
  },
  print: (value) => value,
});

interface Comparison {
  readonly is: "eq" | "ne" | "lt" | "gt";
  readonly value: string;
}

interface SetMatch extends NamedSet {
  readonly not: boolean;
  readonly returnNomatch: boolean;
  readonly skipCounters: boolean;
  readonly skipSubcounters: boolean;
  readonly packets: Comparison | null;
  readonly bytes: Comparison | null;
}

const OPS = { eq: COUNTER_EQUAL, ne: COUNTER_UNEQUAL, lt: COUNTER_BELOW, gt: COUNTER_ABOVE };

function comparison(
  eq: GivenOption<string> | undefined,
  lt: GivenOption<string> | undefined,
  gt: GivenOption<string> | undefined,
): Comparison | null {
  if (eq !== undefined) return { is: eq.not ? "ne" : "eq", value: eq.value };
  if (lt !== undefined) return { is: "lt", value: lt.value };
  return gt === undefined ? null : { is: "gt", value: gt.value };
}

function printComparison(what: string, comparison: Comparison | null): string {
  if (comparison === null) return "";
  const { is, value } = comparison;
  return is === "ne" ? ` ! --${what}-eq ${value}` : ` --${what}-${is} ${value}`;
}

export const set = match({
  name: "set",
  families: [4, 6],
  options: {
    "--match-set": optNot(namedSet("--match-set"), {
      aliases: ["--set"],
      onceOnly: "--match-set can be specified only once",
      help: "name of the set, and which address or port each of its dimensions is: src or dst",
    }),
    "--return-nomatch": opt(flag, {
      repeat: true,
      neverNot: "--return-nomatch flag cannot be inverted",
      help: "match what the set holds as nomatch",
    }),
    "--update-counters": optNot(flag, { repeat: true, help: "with !: the element's counters stay as they are" }),
    "--update-subcounters": optNot(flag, { repeat: true, help: "with !: those of a list's member sets stay" }),
    "--packets-eq": optNot(counter("packets", true), {
      onceOnly: only("packets"),
      help: "packet counter of the element",
    }),
    "--packets-lt": optNot(counter("packets"), { onceOnly: only("packets") }),
    "--packets-gt": optNot(counter("packets"), { onceOnly: only("packets") }),
    "--bytes-eq": optNot(counter("bytes", true), { onceOnly: only("bytes"), help: "byte counter of the element" }),
    "--bytes-lt": optNot(counter("bytes"), { onceOnly: only("bytes") }),
    "--bytes-gt": optNot(counter("bytes"), { onceOnly: only("bytes") }),
  },
  check(given) {
    if (given["--match-set"] === undefined) throw new RuleError("You must specify `--match-set' with proper arguments");
  },

  bind(given): SetMatch {
    const { not, value } = given["--match-set"]!;
    return {
      ...value,
      not,
      returnNomatch: given["--return-nomatch"] !== undefined,
      skipCounters: given["--update-counters"]?.not ?? false,
      skipSubcounters: given["--update-subcounters"]?.not ?? false,
      packets: comparison(given["--packets-eq"], given["--packets-lt"], given["--packets-gt"]),
      bytes: comparison(given["--bytes-eq"], given["--bytes-lt"], given["--bytes-gt"]),
    };
  },

  print: (is) =>
    `${is.not ? "! " : ""}--match-set ${printNamedSet(is)}` +
    (is.returnNomatch ? " --return-nomatch" : "") +
    (is.skipCounters ? " ! --update-counters" : "") +
    (is.skipSubcounters ? " ! --update-subcounters" : "") +
    printComparison("packets", is.packets) +
    printComparison("bytes", is.bytes),

  compile(is, on) {
    const found = findSet(is, on);
    const query = new SetQuery(on.family, is.directions);
    query.returnNomatch = is.returnNomatch;
    query.skipCounters = is.skipCounters;
    query.skipSubcounters = is.skipSubcounters;
    query.matchCounters = is.packets !== null || is.bytes !== null;
    query.packetsOp = is.packets === null ? COUNTER_ANY : OPS[is.packets.is];
    query.packets = Number(is.packets?.value ?? 0);
    query.bytesOp = is.bytes === null ? COUNTER_ANY : OPS[is.bytes.is];
    query.bytes = Number(is.bytes?.value ?? 0);
    const { not } = is;
    return (p) => found.test(p, query) !== not;
  },

  why(is) {
    const compared = (printComparison("packets", is.packets) + printComparison("bytes", is.bytes)).trim();
    const counted = compared === "" ? "" : ` with ${compared}`;
    return `it is ${is.not ? "" : "not "}in set ${is.set} (${is.directions.join(",")})${counted}`;
  },
});
