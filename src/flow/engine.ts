/**
 * What replay, explain and packet scripts ask of an engine: the twin (twin.ts), or the real kernel behind the same
 * face. Answers may be promises, because real time passes in a real kernel.
 */
import type { Family } from "../packet/hook.ts";
import { CHECKSUM_NONE, PACKET_HOST } from "../packet/packet.ts";
import type { ChainCounters, Outcome } from "../path/firewall.ts";

/** One packet as an engine gets it. */
export interface PacketInput {
  /** The device it arrives on; null: the host itself sends it. */
  readonly dev: string | null;
  /** The device that the sender is bound to when the host itself sends it; null: to none. */
  readonly outDev: string | null;
  /** From the network header on. */
  readonly bytes: Uint8Array;
  /** Microseconds since 1970. */
  readonly time: number;
  /** Network-layer bytes that were on the wire, when a capture cut the packet; else `bytes.length`. */
  readonly wire: number;
  /** Link-layer source address, null when there is none. */
  readonly mac: Uint8Array | null;
  /** PACKET_HOST … PACKET_OTHERHOST. */
  readonly packetType: number;
  /** It stands for several packets that the network card joined, or was to cut: no MTU stops it. */
  readonly merged: boolean;
  /** CHECKSUM_NONE: to be verified; CHECKSUM_UNNECESSARY; CHECKSUM_PARTIAL. */
  readonly checksum: number;
  /** Write down steps. */
  readonly steps: boolean;
}

type Answer<T> = T | Promise<T>;

export interface ReplayEngine {
  packet(input: PacketInput): Answer<Outcome>;
  /** Lets time pass without a packet, to this many µs since 1970. */
  advance(time: number): Answer<void>;
  /** The last packet as it was delivered to the host itself; null when it was not, or the engine cannot tell. */
  delivered(): Uint8Array | null;
  counters(family: Family): Answer<readonly ChainCounters[]>;
  /** `iptables-save -c` text; "" without rules of the family. */
  save(family: Family): Answer<string>;
  /** Lines of `conntrack -L`, as of the last packet's time. */
  connections(): Answer<readonly string[]>;
  /** Sentences for the report about what this engine was not asked, or was asked otherwise. */
  notes(): readonly string[];
  /** Gives back what the engine holds of the machine. */
  close(): void;
}

/** A whole packet without link layer, checksums to be verified. */
export function plainInput(dev: string | null, bytes: Uint8Array, time: number, steps: boolean): PacketInput {
  return {
    dev,
    outDev: null,
    bytes,
    time,
    wire: bytes.length,
    mac: null,
    packetType: PACKET_HOST,
    merged: false,
    checksum: CHECKSUM_NONE,
    steps,
  };
}
