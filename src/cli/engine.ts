/** Builds what packets are run through, from rules and a host. */
import type { ReplayEngine } from "../flow/engine.ts";
import { TwinEngine } from "../flow/twin.ts";
import type { HostConfig } from "../host/config.ts";
import { HostError } from "../host/error.ts";
import { Host } from "../host/host.ts";
import { KernelEngine } from "../kernel/kernel-engine.ts";
import { kernelHost, ToolError } from "../kernel/namespace.ts";
import type { KernelSetup } from "../kernel/network.ts";
import { restoreText } from "../kernel/rules-text.ts";
import { KernelUnavailable, SystemCallError, SystemCalls } from "../kernel/system-calls.ts";
import type { Family } from "../packet/hook.ts";
import { Firewall, LoadError } from "../path/firewall.ts";
import { registry } from "../registry.ts";
import { RuleError } from "../rules/extension.ts";
import { Failure } from "./failure.ts";
import type { Rulesets } from "./rules-file.ts";

/** Throws Failure: `where` is the file that describes the host. */
export function makeHost(config: HostConfig, where: string): Host {
  try {
    return new Host(config);
  } catch (error) {
    if (error instanceof HostError) throw new Failure(`${where}: ${error.message}`);
    throw error;
  }
}

export type EngineName = "twin" | "kernel";

export interface EngineOptions {
  readonly engine: EngineName;
  /** How many times faster than the packets' clock real time runs in the kernel; undefined: it does not wait. */
  readonly speed?: number;
}

/** Throws Failure for options that contradict each other, and where there is no kernel to ask. */
export function checkEngine({ engine, speed }: EngineOptions): void {
  if (speed !== undefined && !(speed > 0)) throw new Failure("--speed takes a number above 0.");
  if (engine === "kernel") asFailure(() => new SystemCalls());
  else if (speed !== undefined) throw new Failure("--speed is for --engine kernel: the twin never waits.");
}

/** What --seed adds to the description of a host. Throws Failure. */
export function seedOf(seed: number | undefined): { readonly seed?: number } {
  if (seed === undefined) return {};
  if (!Number.isSafeInteger(seed)) throw new Failure("--seed takes a whole number.");
  return { seed };
}

/** Throws Failure when the rules ask for what the engine does not have. */
export function makeEngine(options: EngineOptions, rulesets: Rulesets, config: HostConfig, host: Host): ReplayEngine {
  const twin = makeTwin(rulesets, host);
  if (options.engine === "twin") return twin;
  return asFailure(() => new KernelEngine(kernelSetup(rulesets, config, twin), options.speed));
}

export function kernelSetup(rulesets: Rulesets, config: HostConfig, twin: TwinEngine): KernelSetup {
  const text = (family: Family) => {
    const file = rulesets[family];
    return file === null ? null : restoreText(file.text, file.ruleset);
  };
  return {
    host: kernelHost(config),
    rules: text(4),
    rules6: text(6),
    rulesets: { 4: rulesets[4]?.ruleset ?? null, 6: rulesets[6]?.ruleset ?? null },
    armed: (family) => twin.firewall.conntrack.armed(family),
  };
}

/** Runs `ask`; what the kernel or one of its tools refuses becomes a Failure. */
export function asFailure<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw kernelFailure(error) ?? error;
  }
}

/** What the kernel or one of its tools refused, in a sentence; null for other errors. */
export function kernelFailure(error: unknown): Failure | null {
  if (error instanceof KernelUnavailable) return new Failure(error.message);
  if (!(error instanceof ToolError || error instanceof SystemCallError)) return null;
  const lines = error.message.split("\n").map((line) => line.trim());
  const said = lines.filter((line) => line !== "" && !line.startsWith("Try `"));
  return new Failure(`the kernel engine: ${said.join("; ")}`);
}

/** Throws Failure when the rules ask for what this version does not evaluate. */
export function makeTwin(rulesets: Rulesets, host: Host): TwinEngine {
  const rules = rulesets[4]?.ruleset ?? null;
  const rules6 = rulesets[6]?.ruleset ?? null;
  try {
    return new TwinEngine(new Firewall({ rules, rules6, host, registry }));
  } catch (error) {
    if (error instanceof LoadError || error instanceof RuleError || error instanceof HostError)
      throw new Failure(error.message);
    throw error;
  }
}

/** Runs `use`, and gives back what the engine holds of the machine, however that ends. */
export async function closing<T>(engine: ReplayEngine, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    engine.close();
  }
}

/** How scripts see the devices of a host. */
export function devicesOf(host: Host): { macOf(dev: string): Uint8Array | null | undefined } {
  return { macOf: (dev) => host.interfaceNamed(dev)?.mac };
}
