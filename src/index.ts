/**
 * Firetwin as a library.
 *
 *     const firewall = new Firewall({
 *       rules: loadRuleset(text),
 *       host: new Host({ interfaces: { lan0: "10.0.0.1/24", wan0: "203.0.113.1/24" }, routes: "default dev wan0" }),
 *     });
 *     const outcome = firewall.receive("lan0", packet("tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]"), { steps: true });
 *
 * Nothing here touches the machine: the same code runs in a browser.
 */
import { buildPacket } from "./flow/build.ts";
import { FlowError } from "./flow/error.ts";
import { parseLine } from "./flow/parse.ts";
import { registry } from "./registry.ts";
import { parseRules } from "./rules/check.ts";
import { applyCommands as apply } from "./rules/commands.ts";
import { type PrintOptions, printRule as ruleText, printSave as saveText } from "./rules/print.ts";
import type { Problem } from "./rules/problem.ts";
import { renderProblems } from "./rules/problem.ts";
import type { Family, Rule, Ruleset } from "./rules/ruleset.ts";
import type { Parsed } from "./rules/save.ts";

export { bytesOfHex, hexOf } from "./bytes/hex.ts";
export type { CaptureError } from "./bytes/record.ts";
export { CaptureReplay, type ReplayOptions } from "./flow/capture-replay.ts";
export { printPacket } from "./flow/notation.ts";
export type { Totals } from "./flow/tally.ts";
export type { HostConfig, InterfaceConfig } from "./host/config.ts";
export { HostError } from "./host/error.ts";
export { Host } from "./host/host.ts";
export type { Interface } from "./host/interfaces.ts";
export { type RandomPurpose, type RandomSource, ScriptedRandom, SeededRandom } from "./host/random.ts";
export {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  Packet,
} from "./packet/packet.ts";
export type { RulePlace, Step } from "./packet/step.ts";
export {
  type About,
  type By,
  type ChainCounters,
  type Emitted,
  Firewall,
  LoadError,
  type Outcome,
  PATH_NAMES,
  type PathName,
  type Refusal,
  type Result,
  type Setup,
  STATE_NAMES,
  type StateName,
  VERDICT_NAMES,
  type VerdictName,
} from "./path/firewall.ts";
export { registry, registryOf } from "./registry.ts";
export {
  appendRule,
  deleteRule,
  type Edited,
  edit,
  findChain,
  findRule,
  findTable,
  insertRule,
  moveRule,
  parseRule,
  replaceRule,
} from "./rules/edit.ts";
export { match, type Registry, target } from "./rules/extension.ts";
export type { Problem } from "./rules/problem.ts";
export type * from "./rules/ruleset.ts";
export { FlowError };

export interface LoadOptions {
  /** 4 (iptables) unless said otherwise. */
  readonly family?: Family;
  /** The text's name in problems and in the places of rules. */
  readonly file?: string;
  /** Start counters where the text leaves them, as `iptables-restore -c` does; false unless said otherwise. */
  readonly counters?: boolean;
}

/** Rules that iptables would refuse; `problems` has one entry per mistake. */
export class RulesError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(renderProblems(problems));
    this.name = "RulesError";
    this.problems = problems;
  }
}

/** Reads iptables-save text or iptables commands. Throws RulesError. */
export function loadRuleset(text: string, options: LoadOptions = {}): Ruleset {
  const { family = 4, file = "rules", counters = false } = options;
  return checked(parseRules(text, { family, file, registry, counters }));
}

/** Runs iptables commands, one a line, on a ruleset (or on none). Throws RulesError. */
export function applyCommands(ruleset: Ruleset | null, text: string, options: LoadOptions = {}): Ruleset {
  const { family = ruleset?.family ?? 4, file = "commands" } = options;
  return checked(apply(ruleset, text, { family, file, registry }));
}

function checked({ ruleset, errors }: Parsed): Ruleset {
  if (errors.length > 0) throw new RulesError(errors);
  return ruleset;
}

/** The text that iptables-save prints. */
export function printSave(ruleset: Ruleset, options: PrintOptions = {}): string {
  return saveText(ruleset, registry, options);
}

/** One rule as iptables-save prints it, without `-A chain`. */
export function printRule(rule: Rule, family: Family): string {
  return ruleText(rule, family, registry).trim();
}

/** Bytes of a packet in packet notation: `tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]`. Throws FlowError. */
export function packet(notation: string): Uint8Array {
  // The grammar's lines begin with the device that the packet arrives on.
  const line = parseLine(`dev > ${notation}`);
  if (line.kind !== "event" || line.action.kind !== "packet" || line.terms.length > 0)
    throw new FlowError(`not a packet: ${notation}`);
  return buildPacket(line.action.packet).bytes;
}
