/**
 * The twin itself: rules and a host in, packets through, and out comes what the kernel would have done.
 *
 * Two ways in. `receive` and `send` take bytes and return an Outcome, plain data, the object that
 * `replay --format json` prints. For millions of packets, point `firewall.packet` at the bytes, call `run()`, and read
 * the numeric fields (`verdict`, `path`, `state`, `decision`) of `firewall.result`: that way allocates nothing.
 */
import type { Conntrack } from "../conntrack/conntrack.ts";
import type { Host } from "../host/host.ts";
import type { Interface } from "../host/interfaces.ts";
import type { Family, TableName } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import type { RulePlace, Step } from "../packet/step.ts";
import type { Registry } from "../rules/extension.ts";
import type { Counters, Ruleset } from "../rules/ruleset.ts";

export interface Setup {
  /** iptables' rules; absent: no table of the family exists. */
  readonly rules?: Ruleset | null;
  /** ip6tables' rules. */
  readonly rules6?: Ruleset | null;
  readonly host: Host;
  /** The extensions to compile with; default: all of registry.ts. */
  readonly registry?: Registry;
  /** Compile rules to closures instead of generated code. Default: only where `new Function` is forbidden. */
  readonly closures?: boolean;
}

/** What decided the packet's fate. */
export type By =
  | RulePlace
  | { readonly policy: "ACCEPT" | "DROP"; readonly table: TableName; readonly chain: string }
  | { readonly reason: string };

export type PathName = "forward" | "input" | "output" | "none";
export type StateName = "NEW" | "ESTABLISHED" | "RELATED" | "INVALID" | "UNTRACKED";
/** QUEUED: a fragment that waits for the others. */
export type VerdictName = "ACCEPT" | "DROP" | "REJECT" | "QUEUED";

/** A packet that left the host: network-layer bytes in hex. */
export interface Emitted {
  readonly dev: string;
  readonly bytes: string;
}

/** What became of one packet. */
export interface Outcome {
  /** The device it came in on; null: the host itself sent it. */
  readonly in: string | null;
  readonly path: PathName;
  /** Conntrack's classification; null when conntrack is not armed for the family, or the packet never got there. */
  readonly state: StateName | null;
  readonly verdict: VerdictName;
  readonly by: By;
  /** All that left because of it, in order, generated answers and fragments included. */
  readonly out: readonly Emitted[];
  /** The connection's line as `conntrack -L` prints it right after the packet; null when the table holds none. */
  readonly entry: string | null;
  /** What happened, in order; only when asked for. */
  readonly steps?: readonly Step[];
}

/** What a caller may say of a packet beside its bytes. */
export interface About {
  /** Microseconds since 1970; default: `host.now`, the time of the packet before. */
  readonly time?: number;
  /** Write down steps. */
  readonly steps?: boolean;
  /** Network-layer bytes that were on the wire, when a capture cut the packet. */
  readonly wire?: number;
  /** Link-layer source address. */
  readonly mac?: Uint8Array;
  /** PACKET_HOST … PACKET_OTHERHOST (packet/packet.ts), default PACKET_HOST. */
  readonly packetType?: number;
  /** CHECKSUM_NONE (verify, the default), CHECKSUM_UNNECESSARY or CHECKSUM_PARTIAL. */
  readonly checksum?: number;
  readonly mark?: number;
}

/** Values of Result.path. */
export const PATH_NONE = 0;
export const PATH_FORWARD = 1;
export const PATH_INPUT = 2;
export const PATH_OUTPUT = 3;
export const PATH_NAMES: readonly PathName[] = ["none", "forward", "input", "output"];

/** Values of Result.verdict. */
export const VERDICT_DROP = 0;
export const VERDICT_ACCEPT = 1;
export const VERDICT_REJECT = 2;
export const VERDICT_QUEUED = 3;
export const VERDICT_NAMES: readonly VerdictName[] = ["DROP", "ACCEPT", "REJECT", "QUEUED"];

/** Values of Result.state; 0 is null. */
export const STATE_NAMES: readonly (StateName | null)[] = [
  null,
  "NEW",
  "ESTABLISHED",
  "RELATED",
  "INVALID",
  "UNTRACKED",
];

/** What `run` leaves behind, in numbers. */
export interface Result {
  /** PATH_…; index of PATH_NAMES. */
  readonly path: number;
  /** VERDICT_…; index of VERDICT_NAMES. */
  readonly verdict: number;
  /** Index of STATE_NAMES. */
  readonly state: number;
  /** What decided; `firewall.by(decision)` says it in words. */
  readonly decision: number;
  /** Packets that left because of it. */
  readonly emitted: number;
}

/** Counters of a chain as they are now. */
export interface ChainCounters {
  readonly table: TableName;
  readonly chain: string;
  /** null in a user chain. */
  readonly policy: Counters | null;
  readonly rules: readonly Counters[];
}

/** The twin of one host's firewall: `new Firewall(setup)`. */
export declare class Firewall {
  constructor(setup: Setup);
  readonly host: Host;
  readonly conntrack: Conntrack;
  /** The packet that `run` works on: `load` it, then set inDev, time, local, checksum, packetType, mark, wire, mac. */
  readonly packet: Packet;
  readonly result: Result;
  /** Called with every packet that leaves; the packet is only valid during the call. */
  onEmit: ((dev: Interface, p: Packet) => void) | null;
  /** Called with every line that LOG, TRACE or conntrack makes the kernel log. */
  onLog: ((line: string) => void) | null;
  /** A packet arrives on `dev`. Throws HostError when there is no such device. */
  receive(dev: string, bytes: Uint8Array, about?: About): Outcome;
  /** The host itself sends a packet (as through a raw socket with IP_HDRINCL: the bytes are complete). */
  send(bytes: Uint8Array, about?: About): Outcome;
  /** The fast path over `packet`; fills `result`. */
  run(): void;
  /** Moves the clock without a packet: fragment queues time out (and may answer). µs since 1970. */
  advance(time: number): void;
  by(decision: number): By;
  ruleset(family: Family): Ruleset | null;
  counters(family: Family): ChainCounters[];
  /** iptables-save -c text with the counters as they are now; "" without rules of the family. */
  save(family: Family): string;
  /** Lines of `conntrack -L`, as of the last packet's time. */
  connections(family?: Family): string[];
}
