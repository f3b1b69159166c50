/** Options that libxtables looks up by number: its sentences name the first spelling, whichever one was used. */
import type { OptionType } from "../rules/extension.ts";

/** The same type, refusing as if `option` had been written. */
export function saidAs<V>(option: string, type: OptionType<V>): OptionType<V> {
  return { ...type, parse: (words, site) => type.parse(words, { ...site, option }) };
}
