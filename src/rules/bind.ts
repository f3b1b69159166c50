/**
 * From the options that were given to an extension to its typed data: the option's value when it is met, the checks
 * when the line is complete. Source imitated: libxtables/xtoptions.c: xtables_option_parse, xtables_options_fcheck.
 */
import {
  type Declaration,
  type GivenOption,
  type OptionSite,
  type OptionSpec,
  RuleError,
  type RuleSite,
} from "./extension.ts";
import type { Use } from "./ruleset.ts";
import type { LoadedExtension, OptionEntry } from "./scope.ts";

/** What was given to an extension so far, by the options' keys. */
export type GivenOptions = Record<string, GivenOption<unknown>>;

/** Takes one option of an extension with its words into what was given. */
export function giveOption(
  { declaration }: LoadedExtension,
  given: GivenOptions,
  entry: OptionEntry,
  not: boolean,
  words: readonly string[],
  line: Pick<OptionSite, "family" | "table" | "protocol">,
): void {
  const spec = entry.spec!;
  const name = declaration.name;
  // libxtables looks the entry up by its number: of several spellings it says the first.
  const said = spec.saidAs ?? entry.key;
  if (spec.means !== undefined) {
    const [key, ...implied] = spec.means;
    const meant = (declaration.options as Record<string, OptionSpec>)[key];
    if (given[key] !== undefined) throw onceOnly(spec.onceOnly === undefined ? meant : spec, name, said);
    if (not && !entry.not) throw neverNot(spec, name, said);
    const site = { ...line, option: key, extension: name, not, given };
    given[key] = { not, value: meant.type.parse(implied, site) };
    return;
  }
  const before = given[entry.key];
  if (before !== undefined && spec.repeat !== true) throw onceOnly(spec, name, said);
  if (not && !entry.not) throw neverNot(spec, name, said);
  if (words.length < spec.type.arity) throw new RuleError(spec.type.tooFew ?? `${said} requires two args.`);
  const site: OptionSite = {
    family: line.family,
    table: line.table,
    protocol: line.protocol,
    option: said,
    extension: name,
    not,
    given,
  };
  const value = spec.type.parse(words, site);
  if (spec.repeat === true) given[entry.key] = { not, value: [...((before?.value as unknown[]) ?? []), value] };
  else given[entry.key] = { not, value };
}

function onceOnly(spec: OptionSpec, extension: string, option: string): RuleError {
  return new RuleError(spec.onceOnly ?? `${extension}: option "${option}" can only be used once.`);
}

function neverNot(spec: OptionSpec, extension: string, option: string): RuleError {
  return new RuleError(spec.neverNot ?? `${extension}: option "${option}" cannot be inverted.`);
}

/** The line is complete: the extension's own checks, libxtables' checks, and then its data. */
export function bindExtension({ declaration }: LoadedExtension, given: GivenOptions, rule: RuleSite): Use {
  oneIsGiven(declaration, given);
  declaration.check?.(given, rule);
  checkTogether(declaration, given);
  return dataOf(declaration, given, rule);
}

/** The same for a line of a kind that was read before: which options it has was found right then. `rule`: null where nobody asks. */
export function useOf(declaration: AnyDeclaration, given: GivenOptions, rule: RuleSite | null): Use {
  if (rule === null) return { name: declaration.name, options: given };
  declaration.check?.(given, rule);
  return dataOf(declaration, given, rule);
}

function dataOf(declaration: AnyDeclaration, given: GivenOptions, rule: RuleSite): Use {
  const options = declaration.bind === undefined ? given : declaration.bind(given, rule);
  const refusal = declaration.refuse?.(options, rule) ?? null;
  if (refusal !== null) throw new RuleError(refusal);
  return { name: declaration.name, options };
}

/** Whatever its options are. */
export type AnyDeclaration = Declaration<any, any>;
type Given = Readonly<Partial<GivenOptions>>;

/** What must be checked of an extension's options together; worked out once. */
interface TogetherChecks {
  readonly needed: readonly (readonly string[])[];
  readonly exclusive: readonly (readonly string[])[];
  readonly any: boolean;
  /** The options in the order of their numbers. */
  readonly numbered: readonly string[];
}

const checks = new WeakMap<AnyDeclaration, TogetherChecks>();

function checksOf(declaration: AnyDeclaration): TogetherChecks {
  let found = checks.get(declaration);
  if (found === undefined) {
    const needed = [...(declaration.exactlyOne ?? []), ...(declaration.atLeastOne ?? [])];
    const exclusive = [...(declaration.exactlyOne ?? []), ...(declaration.atMostOne ?? [])];
    const specs = Object.values(declaration.options as Record<string, OptionSpec>);
    const any =
      exclusive.length > 0 ||
      specs.some((spec) => spec.required === true || spec.needs !== undefined || spec.excludes !== undefined);
    const numbered = declaration.numbered ?? Object.keys(declaration.options);
    found = { needed, exclusive, any, numbered };
    checks.set(declaration, found);
  }
  return found;
}

function oneIsGiven(declaration: AnyDeclaration, given: Given): void {
  for (const group of checksOf(declaration).needed)
    if (!group.some((key) => given[key] !== undefined))
      throw new RuleError(declaration.oneNeeded ?? `${declaration.name}: one of ${group.join(", ")} must be specified`);
}

/**
 * Options in declared order, each beside the others in the order of their numbers: what is required, what needs another,
 * what cannot stand beside another.
 */
function checkTogether(declaration: AnyDeclaration, given: Given): void {
  const options: Readonly<Record<string, OptionSpec>> = declaration.options;
  const { exclusive: groups, any, numbered } = checksOf(declaration);
  if (!any) return;
  for (const key in options) {
    const spec = options[key];
    if (given[key] === undefined) {
      if (spec.required === true)
        throw new RuleError(`${declaration.name}: option "${spec.saidAs ?? key}" must be specified`);
      continue;
    }
    if (spec.needs === undefined && spec.excludes === undefined && groups.length === 0) continue;
    for (const other of numbered) {
      if (other === key) continue;
      const said = `"${spec.saidAs ?? key}"`;
      const otherSaid = `"${options[other].saidAs ?? other}"`;
      if (given[other] === undefined) {
        if (spec.needs?.includes(other))
          throw new RuleError(`${declaration.name}: option ${said} also requires ${otherSaid}.`);
      } else if (spec.excludes?.includes(other) || groups.some((g) => g.includes(key) && g.includes(other)))
        throw new RuleError(`${declaration.name}: option ${said} cannot be used together with ${otherSaid}.`);
    }
  }
}
