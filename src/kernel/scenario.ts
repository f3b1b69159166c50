/**
 * A scenario is what both engines are asked: a host, rules, and packets one after another. An answer is what one of
 * them said. Both are plain data: they are compared (compare.ts), shrunk, and kept as recordings.
 */
import type { HostConfig } from "../host/config.ts";
import type { Emitted, Outcome } from "../path/firewall.ts";

export interface ScenarioEvent {
  /** The device the packet arrives on; null: the host sends it. */
  readonly dev: string | null;
  /** The device that the sender is bound to when the host sends it. */
  readonly outDev?: string;
  /** Network-layer bytes, hex. */
  readonly hex: string;
  /** Seconds that pass before it. Real ones for the kernel. */
  readonly wait?: number;
}

export interface Scenario {
  readonly host: HostConfig;
  /** iptables-save text; null: no table exists. */
  readonly rules: string | null;
  readonly rules6: string | null;
  readonly events: readonly ScenarioEvent[];
}

/** One line of a rule-by-rule trace. `rule` is null for a policy or the end of a user chain. */
export interface TraceLine {
  readonly table: string;
  readonly chain: string;
  readonly kind: "rule" | "policy" | "return";
  readonly rule: number | null;
}

/** What an engine said of one packet. */
export interface EventAnswer extends Omit<Outcome, "steps"> {
  /** Microseconds since 1970 at which it was handled. */
  readonly time: number;
  /** In order, for the packet itself and for those the host made because of it. */
  readonly trace: readonly TraceLine[];
  /** Messages of nf_conntrack_log_invalid, without "nf_ct_proto_6: ". */
  readonly invalid: readonly string[];
  /** All connections right after it, as `conntrack -L` prints them; null: they were not asked for. */
  readonly connections: readonly string[] | null;
  /** What helpers wait for right after it, as `conntrack -L expect` prints it; absent: no rule gives connections a helper. */
  readonly expectations?: readonly string[];
  /** Where no connection tells it: the destination port that a new packet had after PREROUTING or OUTPUT. */
  readonly destinationPort?: number;
  /** The id of a new ICMP query after PREROUTING or OUTPUT, where these chose one: POSTROUTING may choose another. */
  readonly natId?: number;
  /** What timers made the host send while it waited for this packet, sorted; absent: nothing. */
  readonly before?: readonly Emitted[];
  /** A tick came while the packet was handled: which parts of it before and which after nobody knows. */
  readonly ticked?: true;
  /** Where not all of them left: the IP ids that the kernel chose, in order, for packets of the host's own. */
  readonly ids?: readonly number[];
  /** The twin's answer when it tells no steps, where that is another one. */
  readonly silent?: Outcome;
}

export interface Answer {
  readonly events: readonly EventAnswer[];
  /** `iptables-save -c` text without comments, after the last packet; "" without rules. */
  readonly save: string;
  readonly save6: string;
  /** The `add` lines of `ipset save`, sorted: the order is that of a hash with a seed of its own. Absent: not asked. */
  readonly elements?: readonly string[];
}
