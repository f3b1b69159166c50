/** A line's command carried out on a table. Source imitated: iptables/iptables.c: do_command4. */
import type { Family } from "../packet/hook.ts";
import { type CommandLetter, carriesRule, type LineCommand } from "./command.ts";
import { RuleError } from "./extension.ts";
import { missing } from "./known-extensions.ts";
import type { AddressMatch, Destination, Rule, SourcePlace } from "./ruleset.ts";
import { type TableState, ZERO } from "./table-state.ts";

/** What rules are made with: their family, and the ids that they get. */
export interface RuleMaker {
  readonly family: Family;
  /** The id of the next rule made. */
  nextId(): number;
}

/** Carries out a command; throws a RuleError with code 2 where iptables refuses, 1 where libiptc does. */
export function apply(command: LineCommand, table: TableState, place: SourcePlace, maker: RuleMaker): void {
  for (let i = 0; i < command.commands.length; i++) {
    const letter = command.commands[i];
    const refusal = carriesRule(letter as CommandLetter)
      ? applyRule(letter, command, table, place, maker)
      : applyOther(letter, command, table);
    if (refusal !== null) throw new RuleError(refusal, 1);
  }
}

/**
 * Appends the rules of a line that is known to be right but for where it leads. False, or a RuleError: nothing has happened,
 * and `apply` says why.
 */
export function appendKnown(command: LineCommand, table: TableState, place: SourcePlace, maker: RuleMaker): boolean {
  const target = destinationOf(command, table, maker.family);
  const list = table.listFor(command.chain!, target);
  if (list === null) return false;
  const { sources, destinations } = command;
  for (let i = 0; i < sources.length; i++)
    for (let k = 0; k < destinations.length; k++)
      list.push(ruleOf(command, sources[i], destinations[k], target, place, maker));
  return true;
}

function applyRule(
  letter: string,
  command: LineCommand,
  table: TableState,
  place: SourcePlace,
  maker: RuleMaker,
): string | null {
  const chain = command.chain!;
  const target = destinationOf(command, table, maker.family);
  // `-4` in an IPv6 text ends the line before the addresses are counted: there are none, hence no rule.
  if (command.abandoned) return null;
  const rules = rulesOf(command, target, place, maker);
  switch (letter) {
    case "A":
      return table.append(chain, rules);
    case "I":
      return table.insert(chain, command.ruleNumber, rules);
    case "R":
      return table.replace(chain, command.ruleNumber, rules[0]);
    case "D":
      return table.delete(chain, rules);
    default:
      return table.delete(chain, rules, true);
  }
}

function applyOther(letter: string, command: LineCommand, table: TableState): string | null {
  const { chain } = command;
  switch (letter) {
    case "#":
      return table.deleteNumber(chain!, command.ruleNumber);
    case "N":
      return table.create(chain!);
    case "X":
      return table.remove(chain);
    case "F":
      return table.flush(chain);
    case "Z":
      return table.zero(chain);
    case "z":
      return table.zeroNumber(chain!, command.ruleNumber);
    case "P":
      return table.setPolicy(chain!, command.policy!, command.counters);
    case "E":
      return table.rename(chain!, command.newName!);
    default:
      // -L and -S only print.
      return chain === null || table.has(chain) ? null : `No chain/target/match by that name: ${chain}`;
  }
}

/** Where -j or -g leads: an existing chain before an extension of that name. */
function destinationOf(command: LineCommand, table: TableState, family: Family): Destination | null {
  const { jump, target } = command;
  const goto = command.goto && !command.abandoned;
  if (jump === "") return null;
  if (table.has(jump)) return { kind: goto ? "goto" : "jump", chain: jump };
  if (target !== null) return target;
  throw new RuleError(goto ? `goto '${jump}' is not a chain` : missing("target", jump, family));
}

/** One rule for each pair of source and destination. */
function rulesOf(command: LineCommand, target: Destination | null, place: SourcePlace, maker: RuleMaker): Rule[] {
  const { sources, destinations } = command;
  return sources.flatMap((from) => destinations.map((to) => ruleOf(command, from, to, target, place, maker)));
}

function ruleOf(
  command: LineCommand,
  source: AddressMatch | null,
  destination: AddressMatch | null,
  target: Destination | null,
  place: SourcePlace,
  maker: RuleMaker,
): Rule {
  return {
    id: maker.nextId(),
    source,
    destination,
    inInterface: command.inInterface,
    outInterface: command.outInterface,
    protocol: command.protocol,
    fragment: command.fragment,
    matches: command.matches,
    target,
    counters: command.counters ?? ZERO,
    place,
  };
}
