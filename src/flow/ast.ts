/**
 * What grammar/flow.ne makes of a line of a packet script, or of packet notation: plain trees of tokens.
 * A token keeps its column, so that whoever finds a mistake later can still point at it.
 */

/** A word as it was written. */
export interface Token {
  readonly type?: string;
  readonly text: string;
  /** Column of its first character, from 1. */
  readonly col: number;
}

/** `seq 1`, `df`, `mac 02:00:00:00:00:01 > 02:00:00:00:00:02`, `options [mss 1460,nop]`. */
export interface OptionNode {
  readonly name: Token;
  readonly values: readonly Token[];
  /** Only of `options`: what stands between the brackets, in order. */
  readonly list?: readonly OptionNode[];
}

/** `port-unreachable`, `type 3 code 4`, with the packet an error is about. */
export interface IcmpKindNode {
  readonly name: Token | null;
  readonly type: Token | null;
  readonly code: Token | null;
  readonly about: PacketNode | null;
}

/** `[INIT tag 7]`, `[REQUEST]`: an SCTP chunk or a DCCP packet type. */
export interface ChunkNode {
  readonly name: Token;
  readonly fields: readonly OptionNode[];
}

/** The packet itself, without device. */
export interface PacketNode {
  /** `tcp`, `icmp`, `proto`, `raw` …; null in a pattern that only names options. */
  readonly protocol: Token | null;
  /** Of `proto`: its number or name; of `raw`: the bytes. */
  readonly detail: Token | null;
  readonly source: Token | null;
  readonly destination: Token | null;
  readonly flags: Token | null;
  readonly icmp: IcmpKindNode | null;
  readonly chunks: readonly ChunkNode[];
  readonly options: readonly OptionNode[];
}

/** What happens: a packet arrives, the host sends one, or somebody answers. */
export type ActionNode =
  | { readonly kind: "packet"; readonly device: Token; readonly packet: PacketNode }
  | {
      /** `reply`: whoever got it answers; `then`: its sender goes on; `again`: its sender repeats it. */
      readonly kind: "follow";
      readonly how: Token;
      /** The label of the packet that is meant; null: the one before. */
      readonly target: Token | null;
      readonly source: Token | null;
      readonly flags: Token | null;
      readonly icmp: IcmpKindNode | null;
      readonly options: readonly OptionNode[];
    };

type ValueKind = "state" | "path" | "out" | "from" | "to" | "log" | "entry" | "because";
type ValueTerm = { [K in ValueKind]: { readonly kind: K; readonly at: Token; readonly value: Token } }[ValueKind];

/** One expectation of a packet. */
export type TermNode =
  | { readonly kind: "verdict"; readonly at: Token; readonly verdict: string }
  | ValueTerm
  | { readonly kind: "rule"; readonly at: Token; readonly table: Token; readonly chain: Token; readonly rule: Token }
  | { readonly kind: "policy"; readonly at: Token; readonly table: Token | null; readonly chain: Token | null }
  | { readonly kind: "with"; readonly at: Token; readonly flags: Token | null; readonly icmp: IcmpKindNode | null }
  | { readonly kind: "emits"; readonly at: Token; readonly device: Token; readonly pattern: PacketNode }
  | { readonly kind: "nothing"; readonly at: Token }
  | { readonly kind: "no entry"; readonly at: Token };

/** What is claimed of counters and connections. */
export type AssertionNode =
  | {
      readonly kind: "counter";
      readonly at: Token;
      readonly family: 4 | 6;
      readonly table: Token;
      readonly chain: Token;
      /** A rule's number, or the word `policy`. */
      readonly rule: Token;
      readonly compare: Token | null;
      readonly packets: Token;
      readonly bytes: Token | null;
    }
  | { readonly kind: "connections"; readonly at: Token; readonly compare: Token | null; readonly count: Token }
  | { readonly kind: "entry"; readonly at: Token; readonly none: boolean; readonly words: readonly Token[] };

/** A line of a script. */
export type LineNode =
  | { readonly kind: "setting"; readonly name: Token; readonly value: Token }
  | { readonly kind: "sysctl"; readonly key: Token; readonly value: Token | null }
  | { readonly kind: "test"; readonly at: Token; readonly title: Token }
  | {
      readonly kind: "event";
      readonly time: Token | null;
      readonly label: Token | null;
      readonly action: ActionNode;
      readonly terms: readonly TermNode[];
    }
  | { readonly kind: "terms"; readonly terms: readonly TermNode[] }
  | { readonly kind: "wait"; readonly time: Token }
  | { readonly kind: "assertion"; readonly time: Token | null; readonly assertion: AssertionNode };
