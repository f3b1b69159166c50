/** TOS bytes under a mask, by numbers or by the old names, as the tos match and the TOS target take them (xtoptions.c: xtopt_parse_tosmask). */
import { type OptionType, RuleError } from "./extension.ts";
import { scanNumber, U8_MAX } from "./numbers.ts";

/** The mask that a name brings along. */
const NAMED_MASK = 0x3f;

const NAMES: Readonly<Record<string, number>> = {
  "minimize-delay": 0x10,
  "maximize-throughput": 0x08,
  "maximize-reliability": 0x04,
  "minimize-cost": 0x02,
  "normal-service": 0,
};

export interface TosMask {
  readonly value: number;
  readonly mask: number;
}

const hex2 = (value: number) => `0x${value.toString(16).padStart(2, "0")}`;

export function printTos({ value, mask }: TosMask): string {
  return `${hex2(value)}/${hex2(mask)}`;
}

export const tosMask: OptionType<TosMask> = {
  arity: 1,
  parse([word]) {
    const number = scanNumber(word, 0, U8_MAX);
    if (number === null) {
      const name = word.toLowerCase();
      if (!Object.hasOwn(NAMES, name)) throw new RuleError(`Symbolic name "${word}" is unknown`);
      return { value: NAMES[name], mask: NAMED_MASK };
    }
    if (number.end === word.length) return { value: number.value, mask: U8_MAX };
    if (word[number.end] === "/") {
      const rest = word.slice(number.end + 1);
      const mask = scanNumber(rest, 0, U8_MAX);
      if (mask !== null && mask.end === rest.length) return { value: number.value, mask: mask.value };
    }
    throw new RuleError(`Illegal value: "${word}"`);
  },
  print: printTos,
};
