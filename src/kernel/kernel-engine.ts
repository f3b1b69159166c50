/**
 * The running kernel as an engine: what `--engine kernel` puts in the twin's place.
 *
 * A TUN device has no link layer, so what depends on one can't be asked: link-layer addresses, and frames to other
 * hosts, which the kernel would drop on arrival anyway. Nor can a packet that a capture cut, one that the network card
 * joined from several, or one that arrives on lo.
 */
import { bytesOfHex } from "../bytes/hex.ts";
import { withRightChecksums } from "../flow/checksums.ts";
import type { PacketInput, ReplayEngine } from "../flow/engine.ts";
import { describe } from "../packet/describe.ts";
import type { Family, TableName } from "../packet/hook.ts";
import { HOOK_NAMES } from "../packet/hook.ts";
import { CHECKSUM_NONE, PACKET_OTHERHOST, Packet } from "../packet/packet.ts";
import type { Step } from "../packet/step.ts";
import type { ChainCounters, Outcome } from "../path/firewall.ts";
import { KernelFirewall } from "./kernel-firewall.ts";
import type { KernelSetup } from "./network.ts";
import { ruleWords } from "./rules-text.ts";
import type { EventAnswer } from "./scenario.ts";

type Rulesets = KernelSetup["rulesets"];

const COUNTERS = /^\[(\d+):(\d+)\]$/;

export class KernelEngine implements ReplayEngine {
  readonly #kernel: KernelFirewall;
  readonly #pace: Pace;
  readonly #rulesets: Rulesets;
  #repaired = 0;
  readonly #skipped = new Map<string, number>();

  /**
   * `speed`: how many times faster than the packets' clock real time runs; Infinity: it does not wait. Throws
   * KernelUnavailable, or ToolError in the words of the tool that refused the rules or the host.
   */
  constructor(setup: KernelSetup, speed = Number.POSITIVE_INFINITY) {
    this.#kernel = new KernelFirewall(setup);
    this.#kernel.everyConnection = false;
    this.#rulesets = setup.rulesets;
    this.#pace = new Pace(speed);
  }

  async packet(input: PacketInput): Promise<Outcome> {
    await this.advance(input.time);
    const reason = whyNotAsked(input, (dev) => this.#kernel.has(dev));
    if (reason !== null) {
      this.#kernel.delivered = null;
      this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + 1);
      return notAsked(input, reason);
    }
    const bytes = bytesAsked(input);
    if (bytes !== input.bytes) this.#repaired++;
    const { dev, outDev } = input;
    const answer = dev === null ? this.#kernel.send(bytes, outDev) : this.#kernel.receive(dev, bytes);
    const { trace, invalid, connections, time, ...outcome } = answer;
    // A fragment that no table saw waits for the others, or was one too many: the kernel does not say which.
    const waits = trace.length === 0 && outcome.verdict === "DROP" && isFragment(bytes);
    if (waits) outcome.verdict = "QUEUED";
    return input.steps ? { ...outcome, steps: stepsOf(answer, this.#rulesets, bytes[0] >>> 4 === 6 ? 6 : 4) } : outcome;
  }

  advance(time: number): Promise<void> {
    return this.#pace.until(time);
  }

  delivered(): Uint8Array | null {
    return this.#kernel.delivered;
  }

  counters(family: Family): readonly ChainCounters[] {
    return countersOf(this.#kernel.save(family));
  }

  save(family: Family): string {
    return this.#kernel.save(family);
  }

  connections(): readonly string[] {
    return this.#kernel.connections();
  }

  notes(): readonly string[] {
    const packets = (n: number) => (n === 1 ? "1 packet" : `${n} packets`);
    const notes = [...this.#skipped].map(([reason, n]) => `the kernel was not asked, ${reason}: ${packets(n)}`);
    if (this.#repaired > 0)
      notes.push(
        `the kernel verifies every checksum, so it got the right ones where the capture's were not to be verified: ${packets(this.#repaired)}`,
      );
    return notes;
  }

  close(): void {
    this.#kernel.close();
  }
}

/** Lets real time pass as the packets' clock says. */
export class Pace {
  readonly #speed: number;
  #clock = -1;

  constructor(speed: number) {
    this.#speed = speed;
  }

  /** To this many µs since 1970, of the packets' clock. */
  async until(time: number): Promise<void> {
    const passed = this.#clock < 0 ? 0 : time - this.#clock;
    this.#clock = Math.max(this.#clock, time);
    const wait = passed / 1000 / this.#speed;
    if (wait >= 1) await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

function isFragment(bytes: Uint8Array): boolean {
  const packet = new Packet();
  packet.loadBytes(bytes);
  return packet.fragment;
}

/** What stands for the answer that the kernel was not asked for. */
export function notAsked({ dev }: PacketInput, reason: string): Outcome {
  return { in: dev, path: "none", state: null, verdict: "DROP", by: { reason }, out: [], entry: null };
}

/** Why this packet can't be handed to a kernel through a TUN device; null: it can. */
export function whyNotAsked(input: PacketInput, hasDevice: (dev: string) => boolean): string | null {
  if (input.packetType === PACKET_OTHERHOST) return "the frame is for another host";
  if (input.wire > input.bytes.length) return "the capture cut the packet";
  if (input.merged) return "the network card joined several packets in it";
  if (input.dev !== null && !hasDevice(input.dev)) return `nothing can be put on ${input.dev} from outside`;
  return null;
}

/** The kernel verifies all checksums: those that were not to be verified are made right. Else the same bytes. */
export function bytesAsked({ bytes, checksum }: PacketInput): Uint8Array {
  if (checksum === CHECKSUM_NONE) return bytes;
  const right = withRightChecksums(bytes);
  return right.every((byte, i) => byte === bytes[i]) ? bytes : right;
}

/** The kernel's trace as the steps that it can tell: which rules matched, and what conntrack complained of. */
export function stepsOf(answer: EventAnswer, rulesets: Rulesets, family: Family): Step[] {
  const ruleset = rulesets[family];
  const packet = new Packet();
  const steps: Step[] = answer.invalid.map((reason) => ({ kind: "invalid", reason }));
  if (answer.state !== null) steps.push({ kind: "state", state: answer.state, entry: answer.entry });
  let base = "";
  for (const { table: name, chain, kind, rule } of answer.trace) {
    const table = name as TableName;
    if (isBase(chain) && base !== `${table} ${chain}`) {
      base = `${table} ${chain}`;
      steps.push({ kind: "table", table, chain });
    }
    if (kind === "rule") {
      const at = { table, chain, rule: rule ?? 0 };
      const words = ruleWords(ruleset, at, family);
      steps.push({ kind: "matched", at, ...words });
      // Outside the first network the kernel writes no log; of the line only the prefix is known.
      if (words.does === "LOG") steps.push({ kind: "log", line: logPrefix(words.text) });
    } else if (kind === "return") steps.push({ kind: "return", table, chain });
    else {
      const policy = ruleset?.tables.find((t) => t.name === table)?.chains.find((c) => c.name === chain)?.policy;
      steps.push({ kind: "policy", table, chain, verdict: policy ?? "ACCEPT" });
      base = "";
    }
  }
  for (const { dev, bytes } of answer.out) {
    packet.loadBytes(bytesOfHex(bytes)!);
    steps.push({ kind: "emit", dev, packet: describe(packet) });
  }
  return steps;
}

/** `--log-prefix` of a rule as iptables-save prints it. */
function logPrefix(rule: string): string {
  const [, quoted, plain] = rule.match(/ --log-prefix (?:"((?:[^"\\]|\\.)*)"|(\S+))/) ?? [];
  return quoted === undefined ? (plain ?? "") : quoted.replace(/\\(.)/g, "$1");
}

const isBase = (chain: string) => (HOOK_NAMES as readonly string[]).includes(chain);

/** Counters out of `iptables-save -c` text. */
export function countersOf(text: string): ChainCounters[] {
  const chains: {
    table: TableName;
    chain: string;
    policy: { packets: number; bytes: number } | null;
    rules: { packets: number; bytes: number }[];
  }[] = [];
  let table: TableName = "filter";
  const read = (word: string) => {
    const [, packets, bytes] = word.match(COUNTERS) ?? [];
    return { packets: Number(packets), bytes: Number(bytes) };
  };
  for (const line of text.split("\n")) {
    const words = line.split(" ");
    if (line.startsWith("*")) table = line.slice(1) as TableName;
    else if (line.startsWith(":")) {
      const base = isBase(words[0].slice(1));
      chains.push({ table, chain: words[0].slice(1), policy: base ? read(words[2]) : null, rules: [] });
    } else if (COUNTERS.test(words[0]))
      chains.find((c) => c.table === table && c.chain === words[2])?.rules.push(read(words[0]));
  }
  return chains;
}
