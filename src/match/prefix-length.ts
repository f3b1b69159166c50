/** How long a prefix is under which addresses are one: by its length, or by its mask. */
import { prefixOfMask } from "../bytes/address.ts";
import type { Family } from "../packet/hook.ts";
import { parseHost } from "../rules/address-text.ts";
import { type OptionType, RuleError } from "../rules/extension.ts";
import { parseNumber } from "../rules/numbers.ts";

/** What a mask with gaps is taken for: -1 in eight bits. */
export const NO_PREFIX = 255;

function numericHost(word: string, family: Family): readonly number[] | null {
  try {
    return parseHost(word, family);
  } catch {
    return null;
  }
}

/** XTTYPE_PLEN: a prefix length, or a mask that is one. */
export const prefixLength: OptionType<number> = {
  arity: 1,
  parse([word], { family, extension, option }) {
    const longest = family === 4 ? 32 : 128;
    const length = parseNumber(word, 0, longest);
    if (length !== null) return length;
    const mask = numericHost(word, family);
    if (mask === null)
      throw new RuleError(
        `${extension}: bad value for option "${option}", neither a valid network mask nor valid CIDR (0-${longest}).`,
      );
    return prefixOfMask(mask) ?? NO_PREFIX;
  },
  print: String,
};
