/** Networks that are used again: to make one takes tens of milliseconds, to renew it a few. */
import { KernelNetwork, type KernelSetup, networkKey } from "./network.ts";

const MOST_NETWORKS = 16;

export class NetworkPool {
  /** Idle ones by key, the one that was used last at the end. */
  readonly #idle = new Map<string, KernelNetwork>();

  /** A network that is ready for the setup: renewed, or made. Throws as KernelNetwork does. */
  take(setup: KernelSetup): KernelNetwork {
    const key = networkKey(setup);
    const network = key === null ? undefined : this.#idle.get(key);
    if (key === null || network === undefined) return new KernelNetwork(setup);
    this.#idle.delete(key);
    try {
      network.renew(setup);
      return network;
    } catch (error) {
      network.close();
      throw error;
    }
  }

  /** Takes a network back that was used for this setup. */
  giveBack(setup: KernelSetup, network: KernelNetwork): void {
    const key = networkKey(setup);
    if (key === null || network.stained || this.#idle.has(key)) {
      network.close();
      return;
    }
    this.#idle.set(key, network);
    if (this.#idle.size <= MOST_NETWORKS) return;
    const [oldest, unused] = this.#idle.entries().next().value!;
    this.#idle.delete(oldest);
    unused.close();
  }

  close(): void {
    for (const network of this.#idle.values()) network.close();
    this.#idle.clear();
  }
}
