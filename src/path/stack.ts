/**
 * What every part of the path works on: the host, conntrack, the hooks with their steps, the answers that wait, and
 * what leaves. One per firewall. The path itself is functions over it: receive4.ts, forward4.ts, output4.ts and their
 * IPv6 sisters.
 */

import type { Conntrack } from "../conntrack/conntrack.ts";
import type { Host } from "../host/host.ts";
import { LO } from "../host/interfaces.ts";
import type { Route } from "../host/route.ts";
import type { Nat } from "../nat/nat.ts";
import type { Hook } from "../packet/hook.ts";
import { HOOK_NAMES } from "../packet/hook.ts";
import { CHECKSUM_PARTIAL, type Packet } from "../packet/packet.ts";
import type { Step, StepListener } from "../packet/step.ts";
import { CoreWay } from "./core-way.ts";
import { type Decisions, PASS } from "./decisions.ts";
import { Fragments4 } from "./defrag4.ts";
import { Fragments6 } from "./defrag6.ts";
import { IcmpLimit } from "./icmp-limit.ts";
import { completeChecksum } from "./partial-checksum.ts";
import { Skb } from "./skb.ts";

export type SkbWalk = (p: Skb) => number;

/**
 * All that happens at each hook of a family, as one walk over the packet. Fields, not an array: a call that always
 * meets the same function is one that the engine inlines.
 */
export interface HookWalks {
  readonly preRouting: SkbWalk;
  readonly input: SkbWalk;
  readonly forward: SkbWalk;
  readonly output: SkbWalk;
  readonly postRouting: SkbWalk;
}

const pass: SkbWalk = () => PASS;
const EMPTY: HookWalks = { preRouting: pass, input: pass, forward: pass, output: pass, postRouting: pass };

/** Wants to know what rules make of a packet that is passed on. */
export interface Learner {
  /** It has come to FORWARD, by this route. */
  foresee(p: Skb, route: Route): void;
  /** FORWARD's rules said this, as a code. */
  learnWay(code: number): void;
}

/** 224.0.0.1: the group that every host is in. */
export const ALL_HOSTS = -0x1fffffff;
/** netdev_max_backlog: so many packets wait on lo; more are lost. */
const BACKLOG = 1000;

export class Stack {
  readonly host: Host;
  readonly conntrack: Conntrack;
  readonly nat: Nat;
  readonly decisions: Decisions;
  readonly limit: IcmpLimit;
  readonly coreWay: CoreWay;
  /** Set by whoever builds the stack. */
  hooks4: HookWalks = EMPTY;
  hooks6: HookWalks = EMPTY;
  readonly fragments4: Fragments4;
  readonly fragments6: Fragments6;
  /** Forwarding gives a packet the priority of its TOS (ip_forward_update_priority). */
  readonly updatesPriority: boolean;
  /** IPv6: largest hop-by-hop header in bytes, and most options in it; negative: none that are not known. */
  readonly hopByHopLength: number;
  readonly hopByHopNumber: number;
  /** ICMPv6 types that count against the limits (icmpv6_ratemask). */
  readonly #limited6 = new Uint8Array(256);
  /** An ICMP error of the family is being sent: none about it, or because of it, can be (icmp_xmit_lock). */
  icmpBusy4 = false;
  icmpBusy6 = false;
  /** Packets that left by a device other than lo; set back by whoever counts. */
  emitted = 0;
  /** Looks at packets that are passed on; null: nobody does. */
  learner: Learner | null = null;
  /** Called for each of them; null while nobody wants to know. */
  leaves: ((p: Skb) => void) | null = null;
  readonly describe: (p: Packet) => string;
  /** Packets that were sent to lo and are yet to be received. */
  readonly backlog: Skb[] = [];
  /** A packet of a process that leaves when the host has heard its copy, and answered. */
  held: Skb | null = null;
  readonly #idle: Skb[] = [];

  constructor(
    parts: { host: Host; conntrack: Conntrack; nat: Nat; decisions: Decisions },
    describe: (p: Packet) => string,
  ) {
    this.host = parts.host;
    this.conntrack = parts.conntrack;
    this.nat = parts.nat;
    this.decisions = parts.decisions;
    this.limit = new IcmpLimit(parts.host);
    this.coreWay = new CoreWay(parts.host, parts.conntrack);
    this.fragments4 = new Fragments4(this);
    this.fragments6 = new Fragments6(this);
    const { sysctl } = parts.host;
    this.hopByHopLength = Number(sysctl.get("net.ipv6.max_hbh_length"));
    this.hopByHopNumber = Number(sysctl.get("net.ipv6.max_hbh_opts_number"));
    for (const range of String(sysctl.get("net.ipv6.icmp.ratemask")).split(",")) {
      const [first, last = first] = range.split("-").map(Number);
      this.#limited6.fill(1, first, last + 1);
    }
    this.updatesPriority = sysctl.get("net.ipv4.ip_forward_update_priority") !== 0;
    this.describe = describe;
  }

  /** Whether ICMPv6 messages of this type are limited in number. */
  icmp6Limited(type: number): boolean {
    return this.#limited6[type] === 1;
  }

  /** The packet ends here, for this reason: the code to return. */
  drop(p: Packet, reason: string, detail = ""): number {
    if (p.steps !== null) p.steps.push({ kind: "dropped", reason: detail === "" ? reason : `${reason}: ${detail}` });
    return this.decisions.reason(reason) * 4;
  }

  /** The packet comes to a hook; the caller then runs the hook's walk. */
  enter(hook: Hook, p: Skb): void {
    p.hook = hook;
    if (p.steps !== null) this.#tellHook(hook, p);
  }

  /** Apart, so that `enter` is small enough to be compiled into every caller. */
  #tellHook(hook: Hook, p: Skb): void {
    p.steps?.push({ kind: "hook", hook: HOOK_NAMES[hook], packet: this.describe(p) });
  }

  /** The packet goes out by its device: away, or through lo back in. */
  transmit(p: Skb): number {
    if (p.outDev === LO) return this.loop(p);
    if (p.checksum === CHECKSUM_PARTIAL) completeChecksum(p);
    this.emitted++;
    if (p.steps !== null) this.#tellEmit(p, p.steps);
    if (this.leaves !== null) this.leaves(p);
    return PASS;
  }

  #tellEmit(p: Skb, steps: StepListener): void {
    steps.push({ kind: "emit", dev: this.host.interfaces[p.outDev].name, packet: this.describe(p) });
  }

  /** Queues the packet to be received; the answer comes with the code of its second life. */
  loop(p: Skb): number {
    if (this.backlog.length >= BACKLOG) return this.drop(p, "the backlog of lo is full");
    p.special = true;
    p.looped = true;
    this.backlog.push(p);
    return PASS;
  }

  /** A packet of the host's own making, with room for `length` bytes, all 0. Give it back by `done`. */
  take(length: number, because: Packet | null): Skb {
    const skb = this.#idle.pop() ?? new Skb();
    if (skb.data.length < length) {
      skb.data = new Uint8Array(Math.max(2048, length));
      skb.view = new DataView(skb.data.buffer);
    } else skb.data.fill(0, 0, length);
    skb.time = this.host.now;
    skb.steps = because === null || because.steps === null ? null : [];
    return skb;
  }

  /** Ends the life of a packet that was taken, unless it waits on lo. */
  done(skb: Skb): void {
    if (skb.looped) return;
    this.conntrack.release(skb);
    skb.steps = null;
    this.#idle.push(skb);
  }

  /** Tells the watcher of `because` what became of an answer. */
  tell(because: Packet, answer: Skb, text: string): void {
    if (because.steps !== null && answer.steps !== null)
      because.steps.push({ kind: "answer", text, steps: answer.steps as unknown as Step[] });
  }
}
