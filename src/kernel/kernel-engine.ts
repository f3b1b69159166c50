/**
 * The running kernel as an engine: what `--engine kernel` puts in the twin's place.
 *
 * A TUN device has no link layer, so what depends on one can't be asked: link-layer addresses, and frames to other
 * hosts, which the kernel would drop on arrival anyway. A packet that a capture cut can't be asked either.
 */
import type { PacketInput, ReplayEngine } from "../flow/engine.ts";
import type { Family, TableName } from "../packet/hook.ts";
import { HOOK_NAMES } from "../packet/hook.ts";
import { PACKET_OTHERHOST } from "../packet/packet.ts";
import type { Step } from "../packet/step.ts";
import type { ChainCounters, Outcome } from "../path/firewall.ts";
import { KernelFirewall, type KernelSetup } from "./kernel-firewall.ts";
import type { EventAnswer } from "./scenario.ts";

const COUNTERS = /^\[(\d+):(\d+)\]$/;

export class KernelEngine implements ReplayEngine {
  readonly #kernel: KernelFirewall;
  /** How many times faster than the capture's clock real time runs; Infinity: it does not wait. */
  readonly #speed: number;
  #clock = -1;

  /** Throws KernelUnavailable, or ToolError in the words of the tool that refused the rules or the host. */
  constructor(setup: KernelSetup, speed = Number.POSITIVE_INFINITY) {
    this.#kernel = new KernelFirewall(setup);
    this.#speed = speed;
  }

  async packet(input: PacketInput): Promise<Outcome> {
    await this.advance(input.time);
    if (input.packetType === PACKET_OTHERHOST) return notAsked(input, "the frame is for another host");
    if (input.wire > input.bytes.length)
      return notAsked(input, "the capture cut the packet: the kernel can't be asked");
    const { trace, invalid, connections, time, ...outcome } =
      input.dev === null ? this.#kernel.send(input.bytes) : this.#kernel.receive(input.dev, input.bytes);
    return input.steps ? { ...outcome, steps: stepsOf({ trace, invalid, connections, time, ...outcome }) } : outcome;
  }

  async advance(time: number): Promise<void> {
    const passed = this.#clock < 0 ? 0 : time - this.#clock;
    this.#clock = Math.max(this.#clock, time);
    const wait = passed / 1000 / this.#speed;
    if (wait >= 1) await new Promise((resolve) => setTimeout(resolve, wait));
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

  close(): void {
    this.#kernel.close();
  }
}

function notAsked(input: PacketInput, reason: string): Outcome {
  return { in: input.dev, path: "none", state: null, verdict: "DROP", by: { reason }, out: [], entry: null };
}

/** The kernel's trace as the steps that it can tell: which rules matched, and what conntrack complained of. */
export function stepsOf(answer: EventAnswer): Step[] {
  const steps: Step[] = answer.invalid.map((reason) => ({ kind: "invalid", reason }));
  if (answer.state !== null) steps.push({ kind: "state", state: answer.state, entry: answer.entry });
  for (const { table, chain, kind, rule } of answer.trace) {
    const at = { table: table as TableName, chain };
    if (kind === "rule") steps.push({ kind: "matched", at: { ...at, rule: rule ?? 0 }, text: "", does: "matched" });
    else if (kind === "policy") steps.push({ kind: "policy", ...at, verdict: "" });
    else steps.push({ kind: "return", ...at });
  }
  for (const { dev, bytes } of answer.out) steps.push({ kind: "emit", dev, packet: bytes });
  return steps;
}

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
      const base = (HOOK_NAMES as readonly string[]).includes(words[0].slice(1));
      chains.push({ table, chain: words[0].slice(1), policy: base ? read(words[2]) : null, rules: [] });
    } else if (COUNTERS.test(words[0]))
      chains.find((c) => c.table === table && c.chain === words[2])?.rules.push(read(words[0]));
  }
  return chains;
}
