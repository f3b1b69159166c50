/**
 * What one line asks for, as data: a command (-A, -I, -P …), and for those that carry a rule the rule's parts, bound to
 * typed options. Built by rule-line.ts, carried out by table-state.ts.
 */
import { RuleError } from "./extension.ts";
import type { AddressMatch, Counters, InterfaceMatch, TargetDestination, Use } from "./ruleset.ts";

/** iptables' letters; `#` is -D with a number, `z` is -Z with a number. */
export type CommandLetter = "I" | "D" | "#" | "R" | "A" | "L" | "F" | "Z" | "N" | "X" | "P" | "E" | "S" | "z" | "C";

/** In the order of iptables' CMD_* bits. */
export const COMMAND_LETTERS: readonly CommandLetter[] = [..."ID#RALFZNXPESzC"] as CommandLetter[];

/** How iptables writes a command in a sentence (xshared.c: cmd2char). */
export function letterSaid(command: CommandLetter): string {
  return command === "#" ? "D" : command === "z" ? "Z" : command;
}

/** The commands that carry a rule. */
export function carriesRule(command: CommandLetter): boolean {
  return "ADCIR".includes(command);
}

/** The options that may not stand beside a command (xshared.c: commands_v_options), `0` for --line-numbers. */
const ILLEGAL: Readonly<Record<CommandLetter, string>> = {
  I: "nx0",
  D: "nx0c",
  "#": "nsdpjxio0cf",
  R: "nx0",
  A: "nx0",
  L: "sdpjiocf",
  F: "nsdpjxio0cf",
  Z: "nsdpjxio0cf",
  N: "nsdpjxio0cf",
  X: "nsdpjxio0cf",
  P: "nsdpjxio0f",
  E: "nsdpjxio0cf",
  S: "nsdpjxio0cf",
  z: "nsdpjxio0cf",
  C: "nx0c",
};

const OPTION_ORDER = "nsdpjvxio0cf";

/** generic_opt_check: an option is legal when one of the commands takes it. Both are texts of letters. */
export function checkOptions(commands: string, options: string): void {
  let first = OPTION_ORDER.length;
  for (let i = 0; i < options.length; i++) {
    let legal = false;
    for (let c = 0; c < commands.length; c++)
      if (!ILLEGAL[commands[c] as CommandLetter].includes(options[i])) legal = true;
    const place = OPTION_ORDER.indexOf(options[i]);
    if (!legal && place >= 0 && place < first) first = place;
  }
  if (first < OPTION_ORDER.length) throw new RuleError(`Illegal option \`-${OPTION_ORDER[first]}' with this command`);
}

/** One line, read and checked by itself; names of chains are not looked up yet. */
export interface LineCommand {
  /** CommandLetters; several only for -L or -S with -Z. Empty: the line was for the other family (-4, -6). */
  commands: string;
  /** -t; null: not said. */
  table: string | null;
  chain: string | null;
  /** 1 is the first rule; 0: not said. */
  ruleNumber: number;
  newName: string | null;
  policy: string | null;
  /** One rule for each pair of them; null: any address. */
  sources: readonly (AddressMatch | null)[];
  destinations: readonly (AddressMatch | null)[];
  inInterface: InterfaceMatch | null;
  outInterface: InterfaceMatch | null;
  protocol: { readonly not: boolean; readonly number: number } | null;
  fragment: { readonly not: boolean } | null;
  matches: readonly Use[];
  /** -j or -g as written; "" for none. */
  jump: string;
  goto: boolean;
  /** The extension that -j loaded; a chain of its name goes before it. */
  target: TargetDestination | null;
  /** -c; null: not said. */
  counters: Counters | null;
  /** -4 in an IPv6 text and the reverse: the rest of the line was not looked at (xshared.c: do_parse returns). */
  abandoned: boolean;
  /** Index of the word to point at when the command itself fails. */
  word: number;
  /** Where -j or -g stands. */
  targetWord: number;
}

const ANY_ADDRESS: readonly null[] = [null];
const NO_USES: readonly Use[] = [];

/** A line that asks for nothing yet. */
export function blankCommand(): LineCommand {
  return {
    commands: "",
    table: null,
    chain: null,
    ruleNumber: 0,
    newName: null,
    policy: null,
    sources: ANY_ADDRESS,
    destinations: ANY_ADDRESS,
    inInterface: null,
    outInterface: null,
    protocol: null,
    fragment: null,
    matches: NO_USES,
    jump: "",
    goto: false,
    target: null,
    counters: null,
    abandoned: false,
    word: 0,
    targetWord: 0,
  };
}
