/**
 * How often the host answers with ICMP: a token bucket for all errors together (icmp.c: icmp_global_allow) and one
 * for each address it answers to (inetpeer.c: inet_peer_xrlim_allow), which redirects and routing errors share
 * (route.c: ip_rt_send_redirect, ip_error). Time is the packets' clock in jiffies.
 */
import { HZ } from "../conntrack/jiffies.ts";
import type { Host } from "../host/host.ts";

const BURST_FACTOR = 6;
/** ip_error: a cost of one second, a burst of five. */
const ERROR_COST = HZ;
const ERROR_BURST = 5 * HZ;
/** Redirects that a sender ignored before the host gives up, the first pause, and the silence that forgives. */
const REDIRECT_NUMBER = 9;
const REDIRECT_LOAD = Math.floor(HZ / 50);
const REDIRECT_SILENCE = REDIRECT_LOAD << (REDIRECT_NUMBER + 1);
/** A peer not heard of counts as silent for this long. */
const FRESH = 60 * HZ;
/** So many peers are remembered; older ones have long got all their tokens back. */
const MOST_PEERS = 65536;

interface Peer {
  tokens: number;
  last: number;
  redirects: number;
}

export class IcmpLimit {
  readonly #host: Host;
  readonly #peers = new Map<string | number, Peer>();
  #credit = 0;
  #stamp = -HZ;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Whether any more errors may be sent now, to whomever. */
  global(): boolean {
    if (this.#credit > 0) return true;
    const now = this.#jiffies();
    const delta = Math.min(Math.max(0, now - this.#stamp), HZ);
    if (delta < Math.floor(HZ / 50)) return false;
    const { icmpMsgsPerSec, icmpMsgsBurst } = this.#host.sysctl;
    const grown = Math.floor((icmpMsgsPerSec * delta) / HZ);
    if (grown === 0) return false;
    this.#stamp = now;
    this.#credit = Math.min(this.#credit + grown, icmpMsgsBurst);
    return true;
  }

  /** An error is sent: takes 0 to 2 tokens, by chance. */
  consume(): void {
    this.#credit -= this.#host.random.u32("other") % 3;
  }

  /** Whether this address may be sent one more; `timeout` milliseconds a message. */
  peer(address: string | number, timeout: number): boolean {
    const cost = Math.floor((timeout * HZ) / 1000);
    const peer = this.#peer(address);
    const now = this.#jiffies();
    if (now !== peer.last) {
      peer.tokens = Math.min(peer.tokens + Math.max(0, now - peer.last), BURST_FACTOR * cost);
      peer.last = now;
    }
    if (peer.tokens < cost) return false;
    peer.tokens -= cost;
    return true;
  }

  /** ip_error: whether the sender may be told once more that there is no way. */
  routingError(address: number): boolean {
    const peer = this.#peer(address);
    const now = this.#jiffies();
    peer.tokens = Math.min(peer.tokens + Math.max(0, now - peer.last), ERROR_BURST);
    peer.last = now;
    if (peer.tokens < ERROR_COST) return false;
    peer.tokens -= ERROR_COST;
    return true;
  }

  /** ip_rt_send_redirect: sends by `send` if the sender may be redirected again. */
  redirect(address: number, send: () => void): void {
    const peer = this.#peer(address);
    const now = this.#jiffies();
    if (now > peer.last + REDIRECT_SILENCE) {
      peer.tokens = 0;
      peer.redirects = 0;
    }
    if (peer.redirects >= REDIRECT_NUMBER) {
      peer.last = now;
      return;
    }
    if (peer.redirects !== 0 && now <= peer.last + (REDIRECT_LOAD << peer.redirects)) return;
    send();
    peer.last = now;
    peer.redirects++;
  }

  #peer(address: string | number): Peer {
    let peer = this.#peers.get(address);
    if (peer === undefined) {
      if (this.#peers.size >= MOST_PEERS) this.#forgetOldest();
      peer = { tokens: 0, last: this.#jiffies() - FRESH, redirects: 0 };
      this.#peers.set(address, peer);
    }
    return peer;
  }

  /** The first half, in the order in which they were met. */
  #forgetOldest(): void {
    let left = MOST_PEERS / 2;
    for (const address of this.#peers.keys()) {
      if (left-- === 0) break;
      this.#peers.delete(address);
    }
  }

  #jiffies(): number {
    return Math.floor(this.#host.now / (1_000_000 / HZ));
  }
}
