/** A ruleset while text is read into it: its tables, the ids of its rules, and the kernel's word at the end. */
import type { Family, TableName } from "../packet/hook.ts";
import { apply, type RuleMaker } from "./apply.ts";
import type { LineCommand } from "./command.ts";
import { type Registry, RuleError } from "./extension.ts";
import { type KernelRefusal, kernelRefusals } from "./kernel-check.ts";
import { LineError } from "./rule-line.ts";
import type { Ruleset, SourcePlace } from "./ruleset.ts";
import { TableState } from "./table-state.ts";

export class RulesetState implements RuleMaker {
  readonly family: Family;
  readonly tables = new Map<TableName, TableState>();
  #nextId = 1;

  constructor(family: Family, ruleset: Ruleset | null = null) {
    this.family = family;
    if (ruleset === null) return;
    for (const table of ruleset.tables) this.tables.set(table.name, TableState.from(table));
    this.#nextId = ruleset.nextId;
  }

  /** The table of this name; made, empty and accepting, when it is not there yet. */
  table(name: TableName): TableState {
    let table = this.tables.get(name);
    if (table === undefined) {
      table = new TableState(name);
      this.tables.set(name, table);
    }
    return table;
  }

  nextId(): number {
    return this.#nextId++;
  }

  /** Carries a command out; throws LineError where iptables or libiptc refuse it. */
  apply(command: LineCommand, table: TableState, place: SourcePlace): void {
    try {
      apply(command, table, place, this);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      // libiptc refuses the command, iptables where it leads.
      throw new LineError(error, error.code === 1 ? command.word : command.targetWord);
    }
  }

  /** What the kernel refuses of one table. */
  refusals(table: TableState, registry: Registry): KernelRefusal[] {
    return kernelRefusals(table.toTable(), this.family, registry);
  }

  toRuleset(): Ruleset {
    const tables = [...this.tables.values()].map((table) => table.toTable());
    return { family: this.family, tables, nextId: this.#nextId };
  }
}
