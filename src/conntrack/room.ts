/** Whether there is room for one more connection: nf_conntrack_max, and what happens when that many are there. */
import type { Sysctl } from "../host/sysctl.ts";
import type { Connections } from "./connections.ts";

/** Any number: 31 bits. */
const MOST = 0x7fffffff;

export class Room {
  readonly #sysctl: Sysctl;
  readonly #ipv4: Connections;
  readonly #ipv6: Connections;
  /** nf_conntrack_max as the tables know it. */
  #limit = 0;

  constructor(sysctl: Sysctl, ipv4: Connections, ipv6: Connections) {
    this.#sysctl = sysctl;
    this.#ipv4 = ipv4;
    this.#ipv6 = ipv6;
  }

  /** The tables know how many connections there may be. Returns that; 0: any number. */
  announce(): number {
    const max = this.#sysctl.conntrackMax;
    if (max !== this.#limit) {
      this.#limit = max;
      this.#ipv4.limit = max;
      this.#ipv6.limit = max;
    }
    return max;
  }

  /** How many of `connections` there may be besides those of the other family, before any has to go. */
  left(connections: Connections): number {
    const max = this.announce();
    const others = connections === this.#ipv4 ? this.#ipv6 : this.#ipv4;
    return max === 0 ? MOST : max - others.size;
  }

  /** Looks for what expired, after so many connections were made without. */
  sweep(connections: Connections, made: number): void {
    // Twice as fast as new ones come, or the search would never catch up with them.
    connections.sweep(2 * made);
  }

  /** __nf_conntrack_alloc: is there room for one more of `connections`? */
  make(connections: Connections): boolean {
    const max = this.announce();
    this.sweep(connections, 1);
    if (this.#ipv4.size + this.#ipv6.size < max || max === 0) return true;
    return this.#ipv4.reclaim() || this.#ipv6.reclaim();
  }

  /** early_drop, for a new connection whose tuple has this hash: how many were dropped. */
  dropEarly(hash: number): number {
    const buckets = this.#sysctl.conntrackBuckets;
    return this.#ipv4.earlyDrop(hash, buckets) || this.#ipv6.earlyDrop(hash, buckets);
  }
}
