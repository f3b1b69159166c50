/** `firetwin fmt`: rules as iptables-save prints them. */
import { registry } from "../registry.ts";
import { parseRules } from "../rules/check.ts";
import { printSave } from "../rules/print.ts";
import { renderProblems } from "../rules/problem.ts";
import { type FamilyArguments, familyOf } from "./check.ts";
import { Failure } from "./failure.ts";
import { Output } from "./output.ts";
import { readText } from "./rules-file.ts";

export function fmt(args: FamilyArguments & { readonly file: string; readonly counters: boolean }): void {
  const text = readText(args.file);
  const family = familyOf(args.file, text, args);
  const { ruleset, errors } = parseRules(text, { family, file: args.file, registry, counters: true });
  if (errors.length > 0) throw new Failure(renderProblems(errors));
  const output = new Output(1);
  output.text(printSave(ruleset, registry, { counters: args.counters }));
  output.flush();
}
