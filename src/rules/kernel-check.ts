/**
 * What the kernel refuses when a table is loaded, though iptables took every line: loops, and extensions in tables, hooks
 * or beside protocols that are not theirs. The sentences are the kernel's log messages.
 * Sources imitated: ip_tables.c: translate_table, find_check_entry; x_tables.c: xt_check_match, xt_check_target.
 */
import type { Family, Hook } from "../packet/hook.ts";
import { HOOK_NAMES } from "../packet/hook.ts";
import type { MatchDeclaration, Registry, RuleSite, TargetDeclaration } from "./extension.ts";
import { RuleError } from "./extension.ts";
import { reachOf, type TableReach } from "./reach.ts";
import type { Chain, Rule, Table } from "./ruleset.ts";

/** One refusal: of a rule's match (its index) or target (null), or of the table's jumps. */
export interface KernelRefusal {
  readonly message: string;
  readonly chain: string;
  readonly rule: Rule | null;
  readonly match: number | null;
}

/** All refusals of a table; the kernel itself stops at the first. */
export function kernelRefusals(
  table: Table,
  family: Family,
  registry: Registry,
  reach: TableReach = reachOf(table),
): KernelRefusal[] {
  if (reach.loop !== null) {
    const path = reach.loop.join(", ");
    const message = `Too many levels of symbolic links: chains jump in a loop (${path})`;
    const last = reach.loop[reach.loop.length - 2];
    const closing = table.chains
      .find((chain) => chain.name === last)
      ?.rules.find(({ target }) => target !== null && target.kind !== "target" && target.chain === reach.loop!.at(-1));
    return [{ message, chain: last, rule: closing ?? null, match: null }];
  }
  const refusals: KernelRefusal[] = [];
  const checked = { match: checkedOf(registry, "match", family), target: checkedOf(registry, "target", family) };
  for (const chain of table.chains) {
    const { hooks, rules } = reach.chains.get(chain.name)!;
    for (let i = 0; i < chain.rules.length; i++) {
      const rule = chain.rules[i];
      const place: RulePlace = { rule, chain, table, family, hooks: i < rules ? hooks : [] };
      for (let m = 0; m < rule.matches.length; m++) {
        const { name, options } = rule.matches[m];
        checkUse(checked.match(name), options, m, place, refusals);
      }
      if (rule.target?.kind === "target") {
        const { name, options } = rule.target.use;
        checkUse(checked.target(name), options, null, place, refusals);
      }
    }
  }
  return refusals;
}

type Checked = MatchDeclaration | TargetDeclaration;

interface RulePlace {
  readonly rule: Rule;
  readonly chain: Chain;
  readonly table: Table;
  readonly family: Family;
  readonly hooks: readonly Hook[];
}

function checkUse(
  declaration: Checked | null,
  options: unknown,
  match: number | null,
  place: RulePlace,
  refusals: KernelRefusal[],
): void {
  if (declaration === null || isPlainlyFine(declaration, place)) return;
  const site = siteOf(place);
  try {
    checkPlace(declaration, match === null ? "target" : "match", site);
    declaration.checkEntry?.(options, site);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    refusals.push({ message: error.message, chain: place.chain.name, rule: place.rule, match });
  }
}

/** The short way for what is nearly always there: it only asks for a protocol, and the rule has it. */
function isPlainlyFine({ checkEntry, tables, hooks, protocols }: Checked, { rule: { protocol } }: RulePlace): boolean {
  if (checkEntry !== undefined || tables !== undefined || hooks !== undefined || protocols === undefined) return false;
  return protocol !== null && !protocol.not && protocols.includes(protocol.number);
}

/** An extension by name where the kernel has something to check of it; each name is looked up once. */
function checkedOf(registry: Registry, kind: "match" | "target", family: Family) {
  const found = new Map<string, Checked | null>();
  return (name: string) => {
    let declaration = found.get(name);
    if (declaration === undefined) {
      const named = registry[kind](name, family);
      declaration = named !== undefined && isChecked(named) ? named : null;
      found.set(name, declaration);
    }
    return declaration;
  };
}

function isChecked(d: Checked): boolean {
  return d.tables !== undefined || d.hooks !== undefined || d.protocols !== undefined || d.checkEntry !== undefined;
}

function siteOf({ rule, chain, table, family, hooks }: RulePlace): RuleSite {
  return {
    family,
    table: table.name,
    chain: chain.name,
    hooks,
    protocol: rule.protocol,
    inInterface: rule.inInterface !== null,
    outInterface: rule.outInterface !== null,
    matches: rule.matches,
  };
}

const hookNames = (hooks: readonly Hook[]) => hooks.map((hook) => HOOK_NAMES[hook]).join("/");

/** xt_check_match and xt_check_target up to checkentry. */
function checkPlace(declaration: Checked, kind: "match" | "target", site: RuleSite): void {
  const { tables, hooks, protocols } = declaration;
  const who = () =>
    `x_tables: ${site.family === 4 ? "ip" : "ip6"}_tables: ${declaration.kernelName ?? declaration.name} ${kind}`;
  if (tables !== undefined && !tables.includes(site.table))
    throw new RuleError(`${who()}: only valid in ${tables.join(", ")} table, not ${site.table}`, 1);
  if (hooks !== undefined && site.hooks.some((hook) => !hooks.includes(hook))) {
    const from = kind === "match" ? "valid" : "usable";
    throw new RuleError(
      `${who()}: used from hooks ${hookNames(site.hooks)}, but only ${from} from ${hookNames(hooks)}`,
      1,
    );
  }
  if (protocols !== undefined) {
    const { protocol } = site;
    if (protocol === null || protocol.not || !protocols.includes(protocol.number))
      throw new RuleError(`${who()}: only valid for protocol ${protocols.join(", ")}`, 1);
  }
}
