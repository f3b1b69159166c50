/**
 * A ruleset as iptables-save prints it. Sources imitated: iptables/iptables-save.c: do_output; iptables.c: print_rule4;
 * xshared.c: save_ipv4_addr, save_ipv6_addr, save_rule_details, save_iface; libiptc.c: iptc_insert_chain (the order).
 */
import { formatAddress, prefixOfMask } from "../bytes/address.ts";
import type { Family } from "../packet/hook.ts";
import type { GivenOption, MatchDeclaration, OptionSpec, Registry, TargetDeclaration } from "./extension.ts";
import { printCounter } from "./numbers.ts";
import { printProtocol } from "./protocols.ts";
import type { AddressMatch, Chain, Counters, InterfaceMatch, Rule, Ruleset, Table, Use } from "./ruleset.ts";
import { encodeText } from "./text.ts";

export interface PrintOptions {
  /** `[packets:bytes]` before each rule, as with -c. Counters of base chains are always printed. */
  readonly counters?: boolean;
  /** Lines before and after each table, `#` included, as iptables-save prints program and time; default: none. */
  readonly header?: string;
  readonly footer?: string;
}

/** The whole ruleset; "" when it has no table. */
export function printSave(ruleset: Ruleset, registry: Registry, options: PrintOptions = {}): string {
  // The kernel lists the table that was registered last first (/proc/net/ip_tables_names).
  return [...ruleset.tables]
    .reverse()
    .map((table) => printTable(table, ruleset.family, registry, options))
    .join("");
}

function printTable(table: Table, family: Family, registry: Registry, options: PrintOptions): string {
  const chains = inPrintedOrder(table.chains);
  const lines: string[] = [];
  if (options.header !== undefined) lines.push(options.header);
  lines.push(`*${table.name}`);
  for (const { name, policy, counters } of chains)
    lines.push(policy === null ? `:${name} - [0:0]` : `:${name} ${policy} ${printCounters(counters)}`);
  for (const chain of chains)
    for (const rule of chain.rules) {
      const counters = options.counters === true ? `${printCounters(rule.counters)} ` : "";
      lines.push(`${counters}-A ${chain.name}${printRule(rule, family, registry)}`);
    }
  lines.push("COMMIT");
  if (options.footer !== undefined) lines.push(options.footer);
  return `${lines.join("\n")}\n`;
}

function printCounters({ packets, bytes }: Counters): string {
  return `[${printCounter(packets)}:${printCounter(bytes)}]`;
}

/** Base chains in hook order, then user chains by their names' bytes. */
export function inPrintedOrder(chains: readonly Chain[]): Chain[] {
  const base = chains.filter((chain) => chain.policy !== null);
  const user = chains.filter((chain) => chain.policy === null);
  return [...base, ...user.sort((a, b) => compareBytes(a.name, b.name))];
}

/** strcmp over UTF-8. */
function compareBytes(a: string, b: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the question is whether all is ASCII
  const ascii = /^[\x00-\x7f]*$/;
  if (ascii.test(a) && ascii.test(b)) return a < b ? -1 : a > b ? 1 : 0;
  const [left, right] = [encodeText(a), encodeText(b)];
  for (let i = 0; i < left.length && i < right.length; i++) if (left[i] !== right[i]) return left[i] - right[i];
  return left.length - right.length;
}

/** What stands behind `-A CHAIN`, beginning with a blank; "" for a rule that says nothing. */
export function printRule(rule: Rule, family: Family, registry: Registry): string {
  let text = printAddress("s", rule.source) + printAddress("d", rule.destination);
  text += printInterface("i", rule.inInterface) + printInterface("o", rule.outInterface);
  if (rule.protocol !== null) text += `${rule.protocol.not ? " !" : ""} -p ${printProtocol(rule.protocol.number)}`;
  if (rule.fragment !== null) text += rule.fragment.not ? " ! -f" : " -f";
  for (const use of rule.matches) text += ` -m ${printUse(use, registry.match(use.name, family), family)}`;
  const { target } = rule;
  if (target === null) return text;
  if (target.kind === "target")
    return `${text} -j ${printUse(target.use, registry.target(target.use.name, family), family)}`;
  return `${text} -${target.kind === "goto" ? "g" : "j"} ${target.chain}`;
}

function printAddress(letter: string, match: AddressMatch | null): string {
  if (match === null) return "";
  const { not, address, mask } = match;
  const prefix = prefixOfMask(mask) ?? formatAddress(mask);
  return `${not ? " !" : ""} -${letter} ${formatAddress(address)}/${prefix}`;
}

/** save_iface prints nothing for `+` alone, `!` or not. */
function printInterface(letter: string, match: InterfaceMatch | null): string {
  if (match === null || (match.name === "" && match.wildcard)) return "";
  return `${match.not ? " !" : ""} -${letter} ${match.name}${match.wildcard ? "+" : ""}`;
}

/** An extension's name and options, as after `-m ` or `-j `. */
export function printUse(
  use: Use,
  declaration: MatchDeclaration | TargetDeclaration | undefined,
  family: Family,
): string {
  if (declaration === undefined) throw new Error(`extension ${use.name} is not in the registry`);
  const name = declaration.savedName?.(use.options) ?? use.name;
  const options =
    declaration.print?.(use.options, { family }) ??
    printGiven(declaration.options, use.options as Record<string, GivenOption<unknown>>, family);
  return options === "" ? name : `${name} ${options}`;
}

/** Each given option in declared order. */
export function printGiven(
  options: Readonly<Record<string, OptionSpec>>,
  given: Readonly<Record<string, GivenOption<unknown> | undefined>>,
  family: Family,
): string {
  const parts: string[] = [];
  for (const key in options) {
    const option = given[key];
    if (option === undefined) continue;
    const { type, repeat } = options[key];
    for (const value of repeat === true ? (option.value as unknown[]) : [option.value]) {
      const words = type.print(value, { family });
      parts.push(`${option.not ? "! " : ""}${key}${words === "" && type.arity === 0 ? "" : ` ${words}`}`);
    }
  }
  return parts.join(" ");
}
