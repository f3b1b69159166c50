/** The twin as an engine: what replay, explain and scripts ask, answered by a Firewall. */
import type { Family } from "../packet/hook.ts";
import type { ChainCounters, Firewall, Outcome } from "../path/firewall.ts";
import type { PacketInput, ReplayEngine } from "./engine.ts";

export class TwinEngine implements ReplayEngine {
  readonly firewall: Firewall;
  #delivered: Uint8Array | null = null;

  constructor(firewall: Firewall) {
    this.firewall = firewall;
  }

  packet(input: PacketInput): Outcome {
    const { dev, outDev, bytes, time, wire, mac, packetType, merged, checksum, steps } = input;
    const about = {
      time,
      wire,
      packetType,
      merged,
      checksum,
      steps,
      ...(mac === null ? {} : { mac }),
      ...(outDev === null ? {} : { dev: outDev }),
    };
    const outcome = dev === null ? this.firewall.send(bytes, about) : this.firewall.receive(dev, bytes, about);
    const here = outcome.path === "input" && outcome.verdict === "ACCEPT";
    this.#delivered = here ? this.firewall.packet.bytes() : null;
    return outcome;
  }

  advance(time: number): void {
    this.firewall.advance(time);
  }

  delivered(): Uint8Array | null {
    return this.#delivered;
  }

  counters(family: Family): readonly ChainCounters[] {
    return this.firewall.counters(family);
  }

  save(family: Family): string {
    return this.firewall.save(family);
  }

  connections(): readonly string[] {
    return this.firewall.connections();
  }

  notes(): readonly string[] {
    return [];
  }

  close(): void {
    this.firewall.close();
  }
}
