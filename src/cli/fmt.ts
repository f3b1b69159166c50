/** `firetwin fmt`: rules as iptables-save prints them. */
import { registry } from "../registry.ts";
import { printSave } from "../rules/print.ts";
import { type FamilyArguments, familyOf } from "./check.ts";
import { Output } from "./output.ts";
import { readText, rulesOf } from "./rules-file.ts";

export function fmt(args: FamilyArguments & { readonly file: string; readonly counters: boolean }): void {
  const text = readText(args.file);
  const { ruleset } = rulesOf(text, args.file, familyOf(args.file, text, args));
  const output = new Output(1);
  output.text(printSave(ruleset, registry, { counters: args.counters }));
  output.flush();
}
