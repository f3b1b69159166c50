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

/** Tables of which nothing was refused, and by whom: what has been read is not checked again when it is compiled. */
const accepted = new WeakMap<Table, { readonly family: Family; readonly registry: Registry }>();

/** All refusals of a table; the kernel itself stops at the first. */
export function kernelRefusals(table: Table, family: Family, registry: Registry): KernelRefusal[] {
  const by = accepted.get(table);
  if (by?.family === family && by.registry === registry) return [];
  const refusals = refusalsOf(table, family, registry, reachOf(table));
  if (refusals.length === 0) accepted.set(table, { family, registry });
  return refusals;
}

function refusalsOf(table: Table, family: Family, registry: Registry, reach: TableReach): KernelRefusal[] {
  if (reach.loop !== null) {
    const message = `Too many levels of symbolic links: chains jump in a loop (${pathOf(reach.loop)})`;
    const last = reach.loop[reach.loop.length - 2];
    const closing = table.chains
      .find((chain) => chain.name === last)
      ?.rules.find(({ target }) => target !== null && target.kind !== "target" && target.chain === reach.loop!.at(-1));
    return [{ message, chain: last, rule: closing ?? null, match: null }];
  }
  const refusals: KernelRefusal[] = [];
  const asked = { match: new AskedOf(registry, "match", family), target: new AskedOf(registry, "target", family) };
  for (const chain of table.chains) {
    const { hooks, rules } = reach.chains.get(chain.name)!;
    for (let i = 0; i < chain.rules.length; i++) {
      const rule = chain.rules[i];
      const from = i < rules ? hooks : NO_HOOKS;
      if (!isPlain(rule, from, asked)) checkRule({ rule, chain, table, family, hooks: from }, asked, refusals);
    }
  }
  return refusals;
}

const NO_HOOKS: readonly Hook[] = [];

/** Names of chains, not all when they are very many. */
function pathOf(loop: readonly string[]): string {
  return (loop.length > 12 ? [...loop.slice(0, 4), "…", ...loop.slice(-4)] : loop).join(", ");
}

type Checked = MatchDeclaration | TargetDeclaration;
type Asked = Readonly<Record<"match" | "target", AskedOf>>;

/** What the kernel checks of an extension. */
interface Known {
  /** null: nothing is checked. */
  readonly declared: Checked | null;
  /** It asks for a table or for hooks; from these it may be reached. */
  readonly placed: boolean;
  rightFrom: readonly Hook[] | null;
}

/** What the kernel checks of a table's extensions, by their names; each is looked up once. */
class AskedOf {
  readonly #find: (name: string) => Checked | undefined;
  readonly #known = new Map<string, Known>();

  constructor(registry: Registry, kind: "match" | "target", family: Family) {
    this.#find = (name) => registry[kind](name, family);
  }

  known(name: string): Known {
    let known = this.#known.get(name);
    if (known === undefined) {
      const named = this.#find(name);
      const declared = named !== undefined && isChecked(named) ? named : null;
      known = { declared, placed: (declared?.tables ?? declared?.hooks) !== undefined, rightFrom: null };
      this.#known.set(name, known);
    }
    return known;
  }
}

function isChecked(d: Checked): boolean {
  return d.tables !== undefined || d.hooks !== undefined || d.protocols !== undefined || d.checkEntry !== undefined;
}

/** The short way for what is nearly always there: the rule has the protocols that are asked for, and the rest was found right before. */
function isPlain({ protocol, matches, target }: Rule, hooks: readonly Hook[], asked: Asked): boolean {
  for (let m = 0; m < matches.length; m++)
    if (!isRight(asked.match.known(matches[m].name), protocol, hooks)) return false;
  return target?.kind !== "target" || isRight(asked.target.known(target.use.name), protocol, hooks);
}

function isRight({ declared, placed, rightFrom }: Known, protocol: Rule["protocol"], hooks: readonly Hook[]): boolean {
  if (declared === null) return true;
  if (declared.checkEntry !== undefined || (placed && rightFrom !== hooks)) return false;
  const { protocols } = declared;
  return protocols === undefined || (protocol !== null && !protocol.not && protocols.includes(protocol.number));
}

interface RulePlace {
  readonly rule: Rule;
  readonly chain: Chain;
  readonly table: Table;
  readonly family: Family;
  readonly hooks: readonly Hook[];
}

function checkRule(place: RulePlace, asked: Asked, refusals: KernelRefusal[]): void {
  const { matches, target } = place.rule;
  const site = siteOf(place);
  for (let m = 0; m < matches.length; m++)
    checkUse(asked.match.known(matches[m].name), matches[m].options, m, site, place, refusals);
  if (target?.kind === "target")
    checkUse(asked.target.known(target.use.name), target.use.options, null, site, place, refusals);
}

function checkUse(
  known: Known,
  options: unknown,
  match: number | null,
  site: RuleSite,
  place: RulePlace,
  refusals: KernelRefusal[],
): void {
  const { declared } = known;
  if (declared === null) return;
  try {
    checkPlace(declared, match === null ? "target" : "match", site);
    known.rightFrom = site.hooks;
    declared.checkEntry?.(options, site);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    refusals.push({ message: error.message, chain: place.chain.name, rule: place.rule, match });
  }
}

function siteOf({ rule, table, family, hooks }: RulePlace): RuleSite {
  return {
    family,
    table: table.name,
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
  if (tables !== undefined && !tables.includes(site.table))
    throw new RuleError(
      `${whose(declaration, kind, site)}: only valid in ${tables.join(", ")} table, not ${site.table}`,
      1,
    );
  if (hooks !== undefined && site.hooks.some((hook) => !hooks.includes(hook))) {
    const from = kind === "match" ? "valid" : "usable";
    throw new RuleError(
      `${whose(declaration, kind, site)}: used from hooks ${hookNames(site.hooks)}, but only ${from} from ${hookNames(hooks)}`,
      1,
    );
  }
  if (protocols !== undefined) {
    const { protocol } = site;
    if (protocol === null || protocol.not || !protocols.includes(protocol.number))
      throw new RuleError(`${whose(declaration, kind, site)}: only valid for protocol ${protocols.join(", ")}`, 1);
  }
}

function whose(declaration: Checked, kind: "match" | "target", site: RuleSite): string {
  return `x_tables: ${site.family === 4 ? "ip" : "ip6"}_tables: ${declaration.kernelName ?? declaration.name} ${kind}`;
}
