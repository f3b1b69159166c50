/** `-j CLASSIFY`: chooses the class of the packet scheduler, skb->priority (xt_CLASSIFY.c). */
import { CONTINUE, FORWARD, OUTPUT, POSTROUTING } from "../packet/hook.ts";
import { type OptionType, RuleError, target } from "../rules/extension.ts";
import { opt } from "../rules/types.ts";

const printClass = (priority: number) => {
  const hex4 = (value: number) => value.toString(16).padStart(4, "0");
  return `${hex4(priority >>> 16)}:${hex4(priority & 0xffff)}`;
};

/** Two hexadecimal numbers as sscanf's "%x:%x" reads them: blanks and signs in front, and anything behind. */
const CLASS = /^[ \t\n\v\f\r]*([+-]?)(?:0[xX])?([0-9a-fA-F]+):[ \t\n\v\f\r]*([+-]?)(?:0[xX])?([0-9a-fA-F]+)/;

/** Major and minor number in one word, unsigned. */
const priority: OptionType<number> = {
  arity: 1,
  parse([word]) {
    const found = CLASS.exec(word);
    if (found === null) throw new RuleError(`Bad class value "${word}"`);
    const number = (sign: string, digits: string) => {
      const value = BigInt(`0x${digits}`);
      const clamped = value > 0xffffffffffffffffn ? 0xffffffffffffffffn : value;
      return Number(BigInt.asUintN(32, sign === "-" ? -clamped : clamped));
    };
    return ((number(found[1], found[2]) << 16) | (number(found[3], found[4]) & 0xffff)) >>> 0;
  },
  print: printClass,
};

export const CLASSIFY = target({
  name: "CLASSIFY",
  families: [4, 6],
  hooks: [FORWARD, OUTPUT, POSTROUTING],
  options: { "--set-class": opt(priority, { required: true, help: "MAJOR:MINOR, hexadecimal" }) },
  compile(is) {
    const chosen = is["--set-class"]!.value | 0;
    return (p) => {
      p.priority = chosen;
      return CONTINUE;
    };
  },
  does: (is) => `class is now ${printClass(is["--set-class"]!.value)}`,
});
