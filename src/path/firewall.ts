/**
 * The twin itself: rules and a host in, packets through, and out comes what the kernel would have done.
 *
 * Two ways in. `receive` and `send` take bytes and return an Outcome, plain data, the object that
 * `replay --format json` prints. For millions of packets, point `firewall.packet` at the bytes, call `run()`, and read
 * the numeric fields (`verdict`, `path`, `state`, `decision`) of `firewall.result`: that way allocates nothing.
 */
import { SINGLE } from "../assembly/layout.ts";
import { claimSingle, releaseSingle } from "../bytes/core.ts";
import { hexOf } from "../bytes/hex.ts";
import { Conntrack } from "../conntrack/conntrack.ts";
import { helpers } from "../helper/helpers.ts";
import { HostError } from "../host/error.ts";
import type { Host } from "../host/host.ts";
import type { Interface } from "../host/interfaces.ts";
import { Nat } from "../nat/nat.ts";
import { describe } from "../packet/describe.ts";
import { ACCEPT, type Family, STOLEN, type TableName } from "../packet/hook.ts";
import { LOG_DEFAULT, logLine } from "../packet/log-line.ts";
import type { Packet } from "../packet/packet.ts";
import type { Step } from "../packet/step.ts";
import { trackers } from "../protocol/trackers.ts";
import { registry as allExtensions } from "../registry.ts";
import { type Registry, RuleError } from "../rules/extension.ts";
import { printRule, printSave } from "../rules/print.ts";
import type { Counters, Ruleset } from "../rules/ruleset.ts";
import { answersOf } from "./answers.ts";
import { compileRuleset } from "./compile.ts";
import { CoreStream } from "./core-stream.ts";
import { type By, Decisions, PASS } from "./decisions.ts";
import { entryOf } from "./entry-of.ts";
import type { Explainer } from "./explain.ts";
import { canGenerate } from "./generate.ts";
import { hookWalks, natOfArrivals, unseenArrivals } from "./hook-walks.ts";
import type { CompiledTable } from "./program.ts";
import { Skb } from "./skb.ts";
import { Stack } from "./stack.ts";
import { passTime, travel } from "./travel.ts";
import { prepareTable } from "./walk.ts";
import { Ways } from "./ways.ts";

export { LoadError, type Refusal } from "./compile.ts";
export type { By } from "./decisions.ts";

export interface Setup {
  /** iptables' rules; absent: no table of the family exists. */
  readonly rules?: Ruleset | null;
  /** ip6tables' rules. */
  readonly rules6?: Ruleset | null;
  readonly host: Host;
  /** The extensions to compile with; default: all of registry.ts. */
  readonly registry?: Registry;
  /** Do not generate code from rules. Default: only where `new Function` is forbidden. */
  readonly closures?: boolean;
  /** A packet in words, for steps. Default: packet/describe.ts. */
  readonly describe?: (p: Packet) => string;
}

export type PathName = "forward" | "input" | "output" | "none";
export type StateName = "NEW" | "ESTABLISHED" | "RELATED" | "INVALID" | "UNTRACKED";
/** QUEUED: a fragment that waits for the others. */
export type VerdictName = "ACCEPT" | "DROP" | "REJECT" | "QUEUED";

/** A packet that left the host: network-layer bytes in hex. */
export interface Emitted {
  readonly dev: string;
  readonly bytes: string;
}

/** What became of one packet. */
export interface Outcome {
  /** The device it came in on; null: the host itself sent it. */
  readonly in: string | null;
  readonly path: PathName;
  /** Conntrack's classification; null when conntrack is not armed for the family, or the packet never got there. */
  readonly state: StateName | null;
  readonly verdict: VerdictName;
  readonly by: By;
  /** All that left because of it, in order, generated answers and fragments included. */
  readonly out: readonly Emitted[];
  /** The connection's line as `conntrack -L` prints it right after the packet; null when the table holds none. */
  readonly entry: string | null;
  /** What happened, in order; only when asked for. */
  readonly steps?: readonly Step[];
}

/** What a caller may say of a packet beside its bytes. */
export interface About {
  /** Microseconds since 1970; default: `host.now`, the time of the packet before. */
  readonly time?: number;
  /** Write down steps. */
  readonly steps?: boolean;
  /** Network-layer bytes that were on the wire, when a capture cut the packet. */
  readonly wire?: number;
  /** Link-layer source address. */
  readonly mac?: Uint8Array;
  /** PACKET_HOST … PACKET_OTHERHOST (packet/packet.ts), default PACKET_HOST. */
  readonly packetType?: number;
  /** CHECKSUM_NONE (verify, the default), CHECKSUM_UNNECESSARY or CHECKSUM_PARTIAL. */
  readonly checksum?: number;
  readonly mark?: number;
  /** It stands for several packets (GRO, GSO): no MTU is too small for it. */
  readonly merged?: boolean;
  /** `send`: the device that the sender is bound to. */
  readonly dev?: string;
}

/** Values of Result.path. */
export const PATH_NONE = 0;
export const PATH_FORWARD = 1;
export const PATH_INPUT = 2;
export const PATH_OUTPUT = 3;
export const PATH_NAMES: readonly PathName[] = ["none", "forward", "input", "output"];

/** Values of Result.verdict. */
export const VERDICT_DROP = 0;
export const VERDICT_ACCEPT = 1;
export const VERDICT_REJECT = 2;
export const VERDICT_QUEUED = 3;
export const VERDICT_NAMES: readonly VerdictName[] = ["DROP", "ACCEPT", "REJECT", "QUEUED"];

/** Values of Result.state; 0 is null. */
export const STATE_NAMES: readonly (StateName | null)[] = [
  null,
  "NEW",
  "ESTABLISHED",
  "RELATED",
  "INVALID",
  "UNTRACKED",
];

/** What `run` leaves behind, in numbers. */
export interface Result {
  /** PATH_…; index of PATH_NAMES. */
  readonly path: number;
  /** VERDICT_…; index of VERDICT_NAMES. */
  readonly verdict: number;
  /** Index of STATE_NAMES. */
  readonly state: number;
  /** What decided; `firewall.by(decision)` says it in words. */
  readonly decision: number;
  /** Packets that left because of it. */
  readonly emitted: number;
}

class Results implements Result {
  path = PATH_NONE;
  verdict = VERDICT_DROP;
  state = 0;
  decision = 0;
  emitted = 0;
}

/** Counters of a chain as they are now. */
export interface ChainCounters {
  readonly table: TableName;
  readonly chain: string;
  /** null in a user chain. */
  readonly policy: Counters | null;
  readonly rules: readonly Counters[];
}

/** The twin of one host's firewall. */
export class Firewall {
  readonly host: Host;
  readonly conntrack: Conntrack;
  /** The packet that `run` works on: `load` it, then set inDev, time, local, checksum, packetType, mark, wire, mac. */
  readonly packet: Packet;
  readonly result: Result;
  /** Captures at full speed; see flow/intake.ts. */
  readonly stream: CoreStream;
  readonly #main = new Skb();
  readonly #results = new Results();
  readonly #stack: Stack;
  readonly #decisions = new Decisions();
  readonly #registry: Registry;
  readonly #rulesets: { readonly 4: Ruleset | null; readonly 6: Ruleset | null };
  readonly #tables: { readonly 4: readonly CompiledTable[]; readonly 6: readonly CompiledTable[] };
  readonly #texts = new Map<object, string>();
  /** The packet lies in the core's memory. */
  #inCore = false;
  /** Where emitted packets are noted down, while an Outcome is wanted. */
  #out: Emitted[] | null = null;
  #onEmit: ((dev: Interface, p: Packet) => void) | null = null;

  /** Throws LoadError when the rules ask for what this version or this host does not have. */
  constructor(setup: Setup) {
    const { host } = setup;
    this.host = host;
    this.packet = this.#main;
    this.result = this.#results;
    this.#registry = setup.registry ?? allExtensions;
    this.conntrack = new Conntrack(host, trackers, helpers);
    this.conntrack.helping.onDrop = (p, prefix) => this.#logWithoutDevices(p, prefix);
    this.conntrack.onInvalid = (p, prefix) => this.#log(p, prefix);
    const nat = new Nat(host, this.conntrack);
    const { conntrack } = this;
    const decisions = this.#decisions;
    const stack = new Stack({ host, conntrack, nat, decisions }, setup.describe ?? describe);
    this.#stack = stack;
    const machine = { host, conntrack, nat, decisions, registry: this.#registry, answers: answersOf(stack) };
    this.#rulesets = { 4: setup.rules ?? null, 6: setup.rules6 ?? null };
    const compile = (family: Family): CompiledTable[] => {
      const rules = this.#rulesets[family];
      if (rules === null) return [];
      if (rules.family !== family)
        throw new RuleError(`rules for IPv${rules.family} stand in the place of IPv${family}'s`);
      return compileRuleset(rules, machine);
    };
    this.#tables = { 4: compile(4), 6: compile(6) };
    const generates = setup.closures !== true && canGenerate();
    for (const family of [4, 6] as const) this.#hookUp(family, generates);
    this.stream = new CoreStream(stack, new Ways(this.#tables[4]));
  }

  #hookUp(family: Family, generates: boolean): void {
    const stack = this.#stack;
    const tables = this.#tables[family];
    for (const table of tables) prepareTable(table, this.host, generates);
    const gather = family === 4 ? (p: Skb) => stack.fragments4.gather(p) : (p: Skb) => stack.fragments6.gather(p);
    const parts = { stack, family, tables, gather, explainer: this.#explainer() };
    const walks = hookWalks(parts, generates);
    if (family === 4) {
      stack.hooks4 = walks;
      stack.coreWay.unseen = this.conntrack.armed(4) ? unseenArrivals(tables) : null;
      stack.coreWay.nat = natOfArrivals(parts);
    } else stack.hooks6 = walks;
  }

  #explainer(): Explainer {
    return {
      text: (rule, table) => {
        let text = this.#texts.get(rule);
        if (text === undefined) {
          text = printRule(rule.rule, table.family, this.#registry).trim();
          this.#texts.set(rule, text);
        }
        return text;
      },
      trace: (p, table, chain, what, rule) => {
        this.#log(p, `TRACE: ${table.name}:${chain}:${what}:${rule} `);
      },
    };
  }

  /** The kernel logs the packet: whoever listens to the host's log or to steps hears it. */
  #log(p: Packet, prefix: string): void {
    const { log } = this.host;
    if (log === null && p.steps === null) return;
    const line = logLine(p, this.host, prefix, LOG_DEFAULT);
    if (p.steps !== null) p.steps.push({ kind: "log", line });
    if (log !== null) log(line);
  }

  /** The kernel logs the packet, and does not say where it came from or goes (nf_log_packet without devices). */
  #logWithoutDevices(p: Packet, prefix: string): void {
    const { inDev, outDev } = p;
    p.inDev = p.outDev = 0;
    this.#log(p, prefix);
    p.inDev = inDev;
    p.outDev = outDev;
  }

  /** A packet arrives on `dev`. Throws HostError when there is no such device. */
  receive(dev: string, bytes: Uint8Array, about: About = {}): Outcome {
    const device = this.#device(dev);
    this.#load(bytes, about);
    this.#main.inDev = device.index;
    return this.#outcome(dev, bytes, about);
  }

  /** The host itself sends a packet (as through a raw socket with IP_HDRINCL: the bytes are complete). */
  send(bytes: Uint8Array, about: About = {}): Outcome {
    const device = about.dev === undefined ? 0 : this.#device(about.dev).index;
    this.#load(bytes, about);
    // raw_send_hdrinc writes the length of what it was given. That is not known of what a capture cut or padded.
    if (this.#main.wire === bytes.length) this.#main.declareLength(bytes.length);
    this.#main.local = true;
    this.#main.outDev = device;
    return this.#outcome(null, bytes, about);
  }

  #device(name: string): Interface {
    const device = this.host.interfaceNamed(name);
    if (device === undefined) throw new HostError(`there is no interface ${name}`);
    return device;
  }

  #load(bytes: Uint8Array, about: About): void {
    const p = this.#main;
    if (bytes?.[Symbol.toStringTag] !== "Uint8Array") throw new TypeError("a packet is a Uint8Array of its bytes");
    const time = about.time ?? this.host.now;
    if (!Number.isFinite(time)) throw new TypeError(`a packet's time is a number of microseconds, not ${time}`);
    const mac = about.mac ?? NO_BYTES;
    const length = mac.length + bytes.length;
    // Who wants steps gets none of the short ways anyhow.
    const core = about.steps === true ? null : claimSingle(length);
    this.#inCore = core !== null;
    const at = core === null ? 0 : SINGLE;
    const data = core === null ? new Uint8Array(length) : core.packets;
    data.set(mac, at);
    data.set(bytes, at + mac.length);
    p.load(data, core === null ? new DataView(data.buffer) : core.view, at + mac.length, at + length);
    if (mac.length > 0) {
      p.mac = at;
      p.macLength = mac.length;
    }
    p.time = time;
    if (about.wire !== undefined) p.wire = about.wire;
    if (about.packetType !== undefined) p.packetType = about.packetType;
    if (about.checksum !== undefined) p.checksum = about.checksum;
    if (about.mark !== undefined) p.mark = about.mark | 0;
    if (about.merged !== undefined) p.merged = about.merged;
  }

  #outcome(dev: string | null, bytes: Uint8Array, about: About): Outcome {
    const p = this.#main;
    const steps: Step[] | null = about.steps === true ? [] : null;
    const out: Emitted[] = [];
    let entry: string | null = null;
    p.steps = steps;
    this.#out = out;
    this.#listen();
    try {
      this.#go();
      // What conntrack saw: of a fragment all that it belongs to.
      entry = p.ct !== 0 ? this.conntrack.line(p) : entryOf(this.conntrack, p.state === 0 ? bytes : p.bytes(), p.zone);
    } finally {
      if (this.#inCore) releaseSingle();
      this.#out = null;
      this.#listen();
      p.steps = null;
      this.conntrack.release(p);
    }
    const { path, verdict, state, decision } = this.#results;
    return {
      in: dev,
      path: PATH_NAMES[path],
      state: STATE_NAMES[state],
      verdict: VERDICT_NAMES[verdict],
      by: this.#decisions.by(decision),
      out,
      entry,
      ...(steps === null ? {} : { steps }),
    };
  }

  /** The fast path over `packet`; fills `result`. */
  run(): void {
    this.#go();
    this.conntrack.release(this.#main);
  }

  #go(): void {
    const p = this.#main;
    const results = this.#results;
    const stack = this.#stack;
    stack.emitted = 0;
    p.begin();
    passTime(stack, p.time);
    const code = travel(stack, p);
    results.emitted = stack.emitted;
    results.path = p.way;
    results.state = p.state;
    const verdict = code & 3;
    if (verdict === ACCEPT) {
      results.verdict = VERDICT_ACCEPT;
      results.decision = (p.filterCode !== PASS ? p.filterCode : p.lastCode) >> 2;
    } else {
      results.decision = code >> 2;
      if (verdict === STOLEN) results.verdict = VERDICT_QUEUED;
      else results.verdict = this.#decisions.rejects(code >> 2) ? VERDICT_REJECT : VERDICT_DROP;
    }
  }

  /** Called with every packet that leaves; the packet is only valid during the call. */
  get onEmit(): ((dev: Interface, p: Packet) => void) | null {
    return this.#onEmit;
  }

  set onEmit(listener: ((dev: Interface, p: Packet) => void) | null) {
    this.#onEmit = listener;
    this.#listen();
  }

  /** Hears of packets that leave, if anybody wants to know. */
  #listen(): void {
    this.#stack.leaves = this.#out === null && this.#onEmit === null ? null : (p) => this.#leaves(p);
  }

  #leaves(p: Skb): void {
    const dev = this.host.interfaces[p.outDev];
    if (this.#out !== null) this.#out.push({ dev: dev.name, bytes: hexOf(p.data, p.start, p.end) });
    if (this.#onEmit !== null) this.#onEmit(dev, p);
  }

  /** Leaves memory that firewalls share to the others. Needed only where many are made; this one can still be used. */
  close(): void {
    this.conntrack.connections(4).leave();
  }

  /** Moves the clock without a packet: fragment queues time out (and may answer). µs since 1970. */
  advance(time: number): void {
    passTime(this.#stack, time);
  }

  by(decision: number): By {
    return this.#decisions.by(decision);
  }

  /** The rules as they were given, with the counters that they began with. */
  ruleset(family: Family): Ruleset | null {
    return this.#rulesets[family];
  }

  counters(family: Family): ChainCounters[] {
    this.stream.collect();
    return this.#tables[family].flatMap((table) =>
      table.chains.map((chain) => ({
        table: table.name,
        chain: chain.name,
        policy: chain.policy === null ? null : countersAt(table, chain.policyCounter),
        rules: chain.source.map((_, n) => countersAt(table, chain.counterOf(n))),
      })),
    );
  }

  /** iptables-save -c text with the counters as they are now; "" without rules of the family. */
  save(family: Family): string {
    const ruleset = this.#rulesets[family];
    if (ruleset === null) return "";
    this.stream.collect();
    const tables = this.#tables[family].map((table) => ({
      name: table.name,
      chains: table.source.chains.map((chain, i) => {
        const compiled = table.chains[i];
        const rules = chain.rules.map((rule, n) => ({
          ...rule,
          counters: countersAt(table, compiled.counterOf(n)),
        }));
        return { ...chain, rules, counters: countersAt(table, compiled.policyCounter) };
      }),
    }));
    return printSave({ ...ruleset, tables }, this.#registry, { counters: true });
  }

  /** Lines of `conntrack -L`, as of the last packet's time; with `extended` those of `-o extended`. */
  connections(family?: Family, options: { readonly extended?: boolean } = {}): string[] {
    return this.conntrack.list(family === undefined ? options : { ...options, family });
  }

  /** Lines of `conntrack -L expect`: what helpers wait for. */
  expectations(): string[] {
    return this.conntrack.helping.list();
  }
}

const NO_BYTES = new Uint8Array(0);

function countersAt(table: CompiledTable, at: number): Counters {
  return { packets: table.counters[at], bytes: table.counters[at + 1] };
}
