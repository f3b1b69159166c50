/** Builds what packets are run through, from rules and a host. */
import type { ReplayEngine } from "../flow/engine.ts";
import { TwinEngine } from "../flow/twin.ts";
import type { HostConfig } from "../host/config.ts";
import { HostError } from "../host/error.ts";
import { Host } from "../host/host.ts";
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

/** Throws Failure when the rules ask for what this version does not evaluate. */
export function makeTwin(rulesets: Rulesets, host: Host): TwinEngine {
  try {
    return new TwinEngine(new Firewall({ ...rulesets, host, registry }));
  } catch (error) {
    if (error instanceof LoadError || error instanceof RuleError || error instanceof HostError)
      throw new Failure(error.message);
    throw error;
  }
}

/** How scripts see the devices of a host. */
export function devicesOf(host: Host): { macOf(dev: string): Uint8Array | null | undefined } {
  return { macOf: (dev) => host.interfaceNamed(dev)?.mac };
}

export type { ReplayEngine };
