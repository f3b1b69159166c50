/**
 * Both engines on the same packets, one packet at a time, for as long as they agree: what `verify` asks. The kernel
 * answers; the twin must say the same.
 */
import type { PacketInput, ReplayEngine } from "../flow/engine.ts";
import type { ScriptedRandom } from "../host/random.ts";
import type { Family } from "../packet/hook.ts";
import type { Step } from "../packet/step.ts";
import type { ChainCounters, Firewall, Outcome } from "../path/firewall.ts";
import { compareConnections, compareEvent, compareSaves, type Difference, TABLE_INTERVAL } from "./compare.ts";
import { bytesAsked, countersOf, notAsked, Pace, stepsOf, whyNotAsked } from "./kernel-engine.ts";
import { KernelFirewall } from "./kernel-firewall.ts";
import type { KernelSetup } from "./network.ts";
import { TwinSide } from "./twin-side.ts";

/** The engines differ: thrown in the middle of whatever asked them. */
export class Disagreement extends Error {
  readonly differences: readonly Difference[];
  /** null: they differ in the counters after the last packet. */
  readonly packet: {
    /** Among the packets that were asked about, from 1. */
    readonly number: number;
    readonly input: PacketInput;
    readonly twinSteps: readonly Step[];
    readonly kernelSteps: readonly Step[];
  } | null;

  constructor(differences: readonly Difference[], packet: Disagreement["packet"]) {
    super("the twin and the kernel disagree");
    this.name = "Disagreement";
    this.differences = differences;
    this.packet = packet;
  }
}

export class Duel implements ReplayEngine {
  /** Packets that both were asked about. */
  asked = 0;
  /** Packets that the kernel can't be asked about, by reason. */
  readonly skipped = new Map<string, number>();
  readonly #kernel: KernelFirewall;
  readonly #twin: TwinSide;
  readonly #setup: KernelSetup;
  readonly #pace: Pace;

  /** `dice` is the random source of the twin's host. Throws as KernelEngine does. */
  constructor(setup: KernelSetup, twin: Firewall, dice: ScriptedRandom, speed = Number.POSITIVE_INFINITY) {
    this.#setup = setup;
    this.#twin = new TwinSide({ firewall: twin, dice });
    this.#pace = new Pace(speed);
    this.#kernel = new KernelFirewall(setup);
  }

  /** What the kernel said; throws Disagreement when the twin says something else. */
  async packet(input: PacketInput): Promise<Outcome> {
    await this.advance(input.time);
    const reason = whyNotAsked(input, (dev) => this.#kernel.has(dev));
    if (reason !== null) {
      this.#kernel.delivered = null;
      this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1);
      return notAsked(input, reason);
    }
    const { dev, outDev } = input;
    const bytes = bytesAsked(input);
    const number = ++this.asked;
    this.#kernel.everyConnection = number % TABLE_INTERVAL === 0;
    this.#kernel.gather();
    const seen = dev === null ? this.#kernel.send(bytes, outDev) : this.#kernel.receive(dev, bytes);
    const { answer, steps } = this.#twin.ask(dev, bytes, seen, outDev);
    const differences: Difference[] = [];
    compareEvent(differences, number, seen, answer);
    if (differences.length > 0) {
      const kernelSteps = stepsOf(seen, this.#setup.rulesets, bytes[0] >>> 4 === 6 ? 6 : 4);
      throw new Disagreement(differences, { number, input: { ...input, bytes }, twinSteps: steps, kernelSteps });
    }
    return seen;
  }

  /** After the last packet: throws Disagreement when connections differ, or rules or policies counted differently. */
  finish(): void {
    const differences: Difference[] = [];
    compareConnections(differences, 0, this.connections(), this.#twin.connections());
    if (this.#setup.rules !== null) compareSaves(differences, this.save(4), this.#twin.save(4));
    if (this.#setup.rules6 !== null) compareSaves(differences, this.save(6), this.#twin.save(6));
    if (differences.length > 0) throw new Disagreement(differences, null);
  }

  advance(time: number): Promise<void> {
    return this.#pace.until(time);
  }

  delivered(): Uint8Array | null {
    return this.#kernel.delivered;
  }

  counters(family: Family): readonly ChainCounters[] {
    return countersOf(this.save(family));
  }

  save(family: Family): string {
    return this.#kernel.save(family);
  }

  connections(): readonly string[] {
    return this.#kernel.connections();
  }

  notes(): readonly string[] {
    return [...this.skipped].map(
      ([reason, packets]) => `left out, ${reason}: ${packets} packet${packets === 1 ? "" : "s"}`,
    );
  }

  close(): void {
    this.#kernel.close();
  }
}
