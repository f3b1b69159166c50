/**
 * What an extension declares: one `-m` or `-j` is one file with one declaration, made by `match({…})` or
 * `target({…})`. From the options come argument checking, the lexer's arities, `iptables-save` printing and help;
 * from `compile` comes what it does. rules/ knows no extension by name; registry.ts lists them.
 */
import type { Conntrack } from "../conntrack/conntrack.ts";
import type { Host } from "../host/host.ts";
import type { Nat } from "../nat/nat.ts";
import type { Family, Hook, TableName, Verdict } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import type { RulePlace } from "../packet/step.ts";
import type { Use } from "./ruleset.ts";

/** What is known while an option's words are read, checked or printed. */
export interface OptionSite {
  readonly family: Family;
  readonly table: TableName;
  /** The option with its dashes, as libxtables says it whatever spelling was used: `saidAs` or the key. */
  readonly option: string;
  /** The extension whose option it is, as iptables' sentences begin with it. */
  readonly extension: string;
  /** `-p` as far as the line has been read (what stands after this option is not known yet). */
  readonly protocol: { readonly not: boolean; readonly number: number } | null;
  /** A `!` stands before it. */
  readonly not: boolean;
  /** What the line has given to the extension before this option. */
  readonly given: Readonly<Record<string, GivenOption<unknown>>>;
}

/** Another spelling of an option. */
export interface Alias {
  readonly name: string;
  /** Whether `!` may stand before this spelling, where that differs from the option's own (never with libxtables' options). */
  readonly not?: boolean;
}

/** How the words after an option become a typed value and back. Values are plain data. */
export interface OptionType<V> {
  /** How many words follow the option. */
  readonly arity: 0 | 1 | 2;
  /** Said when fewer words follow; default: `--x requires two args.` */
  readonly tooFew?: string;
  /** Throws a RuleError in iptables' own words. */
  parse(words: readonly string[], site: OptionSite): V;
  /** The words as iptables-save prints them (already quoted where it quotes); "" for arity 0. */
  print(value: V, site: { readonly family: Family }): string;
}

export interface OptionSpec<V = unknown> {
  readonly type: OptionType<V>;
  /** `!` may stand before the option (or, where iptables still takes it, between option and value). */
  readonly not?: boolean;
  /** May be given more than once; the value is then the list of all given, and `not` that of the last. */
  readonly repeat?: boolean;
  /** Given again, this is said; default: libxtables' `NAME: option "--x" can only be used once.` */
  readonly onceOnly?: string;
  /** Said when `!` stands before an option that takes none; default: libxtables' `NAME: option "--x" cannot be inverted.` */
  readonly neverNot?: string;
  /** XTOPT_MAND: `NAME: option "--x" must be specified`. */
  readonly required?: boolean;
  /** Options that cannot stand beside it (excl): `NAME: option "--x" cannot be used together with "--y".` */
  readonly excludes?: readonly string[];
  /** Options that must stand beside it (also): `NAME: option "--x" also requires "--y".` */
  readonly needs?: readonly string[];
  /** The spelling that libxtables' sentences use, where it is not the key: the first of its table with that number. */
  readonly saidAs?: string;
  /** Other spellings (`--sport` of `--source-port`). The key is the one that is printed. */
  readonly aliases?: readonly (string | Alias)[];
  /** This spelling is only a shorthand: `--syn` stands for `--tcp-flags FIN,SYN,RST,ACK SYN`. */
  readonly means?: readonly string[];
  /** One line for help and documentation. */
  readonly help?: string;
}

export type Options = Readonly<Record<string, OptionSpec<any>>>;

export interface GivenOption<V> {
  readonly not: boolean;
  readonly value: V;
}

/** What the user gave: option → value. The default typed data of an extension. */
export type Given<O extends Options> = {
  readonly [K in keyof O]?: GivenOption<O[K] extends OptionSpec<infer V> ? V : never>;
};

/** The rule around an extension, as far as a check may look at it. */
export interface RuleSite {
  readonly family: Family;
  readonly table: TableName;
  /**
   * The hooks this rule can be reached from. In checkEntry exact, as the kernel finds out by following jumps (none in a
   * chain that nothing jumps to); in check, bind and refuse, which see one line only, for a user chain all that its table has.
   */
  readonly hooks: readonly Hook[];
  readonly protocol: { readonly not: boolean; readonly number: number } | null;
  /** For checks that look at other parts (MASQUERADE's -o, …). */
  readonly inInterface: boolean;
  readonly outInterface: boolean;
  /** The rule's matches, as bound. Known in checkEntry only. */
  readonly matches?: readonly Use[];
}

export interface Declaration<O extends Options, I> {
  readonly name: string;
  readonly families: readonly Family[];
  readonly options: O;
  /** Said when none of an exactlyOne or atLeastOne group is given. */
  readonly oneNeeded?: string;
  /** Each group: exactly one of these must be given; two: libxtables' `cannot be used together with`. */
  readonly exactlyOne?: readonly (readonly (keyof O & string)[])[];
  readonly atLeastOne?: readonly (readonly (keyof O & string)[])[];
  /** Each group: at most one of these. */
  readonly atMostOne?: readonly (readonly (keyof O & string)[])[];
  /** Options in the order of their numbers, where that is not the declared one: which of two excluded ones is named. */
  readonly numbered?: readonly (keyof O & string)[];
  /** The kernel's name for it in its refusals, where it is another (NOTRACK is CT). */
  readonly kernelName?: string;
  /** The kernel wants the rule to say `-p` one of these (not inverted). */
  readonly protocols?: readonly number[];
  /** The kernel takes it in these tables only. */
  readonly tables?: readonly TableName[];
  /** The kernel takes it only where all hooks that reach the rule are among these. */
  readonly hooks?: readonly Hook[];
  /** The kernel switches conntrack on for the family when such a rule is loaded (nf_ct_netns_get). */
  readonly armsConntrack?: boolean | ((is: I) => boolean);
  /**
   * What iptables checks itself when the line is complete, before libxtables' own checks of required and excluded options
   * (x6_fcheck, final_check). Throws RuleError.
   */
  check?(given: Given<O>, rule: RuleSite): void;
  /**
   * What the kernel refuses when the table is loaded (checkentry), after `protocols`, `tables` and `hooks`. Throws
   * RuleError with code 1 and, where the kernel logs one, its sentence.
   */
  checkEntry?(is: I, rule: RuleSite): void;
  /** Turns what was given into the extension's typed data, plain and JSON-able. Throws RuleError. Default: as given. */
  bind?(given: Given<O>, rule: RuleSite): I;
  /** The name that iptables-save prints, where it is not the declaration's (CT --notrack is saved as NOTRACK). */
  savedName?(is: I): string;
  /** The options as iptables-save prints them, without `-m name`/`-j name`. Default: each given option in declared order. */
  print?(is: I, site: { readonly family: Family }): string;
  /** A sentence when these options are understood but not evaluated by this version: refused at load. */
  refuse?(is: I, rule: RuleSite): string | null;
}

/** What a compiled rule may use. One per rule. */
export interface Engine {
  readonly family: Family;
  readonly host: Host;
  readonly conntrack: Conntrack;
  readonly nat: Nat;
  readonly answers: Answers;
  readonly place: RulePlace;
  /** Which of the rule's matches is compiled, from 0; for its target their number. */
  readonly nth: number;
}

/** How a target makes the host send a packet of its own (path/ does it). */
export interface Answers {
  /** Sends a TCP RST for `p` (nf_reject_ipv4.c: nf_send_reset). */
  tcpReset(p: Packet): void;
  /** Sends an ICMP or ICMPv6 error about `p` (nf_reject: nf_send_unreach). */
  unreachable(p: Packet, type: number, code: number): void;
  /** Destination changed or mark changed in OUTPUT: route again. Called by path/ itself; targets only change fields. */
}

export type Predicate = (p: Packet) => boolean;
export type Action = (p: Packet) => Verdict;

/**
 * Takes the header facts that a match implies; the rule index may skip the rule when one does not hold. Ranges are inclusive,
 * of unsigned numbers; addresses are IPv4's. Each field is said once.
 *
 * The bounds of all that is said are also the only places along these fields where the match's answer changes: packets that
 * differ in nothing else are all alike to it.
 */
export interface FieldSink {
  range(field: HeaderField, low: number, high: number): void;
  /** In one of these; none at all: nothing is said. */
  ranges(field: HeaderField, list: readonly { readonly from: number; readonly to: number }[]): void;
  /** Nothing is implied, but the answer may change at the bounds of these. */
  bounds(field: HeaderField, list: readonly { readonly from: number; readonly to: number }[]): void;
}

export type HeaderField = "sport" | "dport" | "src" | "dst";

export interface MatchDeclaration<O extends Options = any, I = any> extends Declaration<O, I> {
  readonly kind: "match";
  /** `-p tcp --dport` loads `-m tcp` unasked. */
  readonly implicitFor?: readonly number[];
  /** Options are fixed when the rule is loaded: return the smallest predicate. It must not allocate. */
  compile(is: I, on: Engine): Predicate;
  /**
   * The same as a JavaScript expression over `p` (a Packet) with literals only, for generated code.
   * A match that has this at all keeps no state and refuses nothing in `compile`, which may then wait for the first packet.
   */
  source?(is: I): string;
  /** With these options there is no such expression: `compile` is called, and never `source`. */
  noSource?(is: I): boolean;
  /** Says what its `source` implies. */
  fields?(is: I, say: FieldSink): void;
  /** Why it did not match this packet, as a clause: "TTL 63 is not below 10". */
  why?(is: I, p: Packet, on: Engine): string;
}

export interface TargetDeclaration<O extends Options = any, I = any> extends Declaration<O, I> {
  readonly kind: "target";
  /** `compile` refuses nothing and begins no state: it may wait for the first packet that needs the rule. */
  readonly mayWait?: boolean;
  /** Returns ACCEPT, DROP, STOLEN, CONTINUE or RETURN. */
  compile(is: I, on: Engine): Action;
  /** What it did to the packet, for the `matched` step; default: the target's name and options. */
  does?(is: I, p: Packet, on: Engine): string;
}

export function match<O extends Options, I = Given<O>>(
  declaration: Omit<MatchDeclaration<O, I>, "kind">,
): MatchDeclaration<O, I> {
  return { ...declaration, kind: "match" };
}

export function target<O extends Options, I = Given<O>>(
  declaration: Omit<TargetDeclaration<O, I>, "kind">,
): TargetDeclaration<O, I> {
  return { ...declaration, kind: "target" };
}

/** The extensions a parser, printer or compiler works with. Several declarations may share a name (one per family). */
export interface Registry {
  match(name: string, family: Family): MatchDeclaration | undefined;
  target(name: string, family: Family): TargetDeclaration | undefined;
  readonly matches: readonly MatchDeclaration[];
  readonly targets: readonly TargetDeclaration[];
}

/** What iptables says when it refuses; the parser adds file, line, column and caret. */
export class RuleError extends Error {
  /** 1 or 2 as iptables' exit code (2: PARAMETER_PROBLEM); 1 where the kernel refused. */
  readonly code: number;
  constructor(message: string, code = 2) {
    super(message);
    this.name = "RuleError";
    this.code = code;
  }
}
