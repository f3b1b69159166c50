/**
 * A capture's packets go through a firewall as fast as they can: nobody is told of single ones. Most are taken by the core in
 * one go (path/core-stream.ts); the others, and all where there is no core, one by one.
 */
import type { CaptureReader, CaptureRecord } from "../bytes/capture.ts";
import { PACKET_HOST } from "../packet/packet.ts";
import { type Firewall, PATH_FORWARD, VERDICT_ACCEPT, VERDICT_DROP } from "../path/firewall.ts";
import { type Arrivals, BY_COOKED, BY_MAC, BY_NAME, BY_ONLY, BY_OPTION, BY_ROUTE } from "./arrival.ts";

/** What counts packets (tally.ts). */
export interface Counting {
  /** A packet at this time, in µs since 1970; `verdict`, `state` and `path` are numbers of Result. */
  add(time: number, bytes: number, verdict: number, state: number, path: number, emitted: number): void;
  addNotIp(time: number): void;
  /** So many that nothing told apart but their time. */
  addMany(packets: number, bytes: number, verdict: number, state: number, path: number, emitted: number): void;
  /** There were packets from one time to another. */
  addSpan(first: number, last: number): void;
}

/** Ways to find a packet's device by which all packets with the same link-layer header have the same. */
const BY_LINK: readonly number[] = [BY_NAME, BY_OPTION, BY_COOKED, BY_MAC, BY_ONLY];
/** After so many packets of which the core took and learnt none it is not asked for a while. */
const PATIENCE = 32;
const PAUSE = 512;

export class Intake {
  readonly #firewall: Firewall;
  readonly #arrivals: Arrivals;
  readonly #counting: Counting;
  /** Packets in a row that were not the core's. */
  #misses = 0;

  constructor(firewall: Firewall, arrivals: Arrivals, counting: Counting) {
    this.#firewall = firewall;
    this.#arrivals = arrivals;
    this.#counting = counting;
    // Checksums that are yet to be finished do not hold: such packets come one by one.
    firewall.stream.begin(arrivals.verifies, {
      passed: ({ accepted, state, packets, bytes }) => {
        const verdict = accepted ? VERDICT_ACCEPT : VERDICT_DROP;
        counting.addMany(packets, bytes, verdict, state, PATH_FORWARD, accepted ? packets : 0);
      },
      arrived: (how, packets) => {
        arrivals.counts[how] += packets;
      },
    });
  }

  /** All packets of which the reader has all bytes. */
  take(reader: CaptureReader, record: CaptureRecord): void {
    for (;;) {
      this.#stream(reader);
      if (!reader.next(record)) return;
      this.#one(record);
    }
  }

  /** Everything that was counted is told. */
  finish(): void {
    this.#firewall.stream.collect();
  }

  #stream(reader: CaptureReader): void {
    const { stream } = this.#firewall;
    stream.run(this.#misses > PATIENCE ? null : reader.plainRecords);
    if (stream.taken === 0) return;
    this.#misses = 0;
    this.#counting.addSpan(stream.firstTime, stream.lastTime);
  }

  #one(record: CaptureRecord): void {
    if (this.#arrivals.load(record, this.#firewall.packet)) this.#pass(record);
    else this.#counting.addNotIp(record.time);
    this.#misses = this.#firewall.stream.learnt || this.#misses >= PATIENCE + PAUSE ? 0 : this.#misses + 1;
  }

  #pass(record: CaptureRecord): void {
    const firewall = this.#firewall;
    const { packet, result, stream } = firewall;
    const { length } = packet;
    if (stream.asksForLink) this.#tellLink();
    stream.askForWay(true);
    firewall.run();
    stream.askForWay(false);
    this.#counting.add(record.time, length, result.verdict, result.state, result.path, result.emitted);
  }

  #tellLink(): void {
    const { packet, stream } = this.#firewall;
    const { how, isSameToAll } = this.#arrivals;
    if (packet.family !== 4 || packet.local || packet.packetType !== PACKET_HOST) return;
    const bySource = how === BY_ROUTE && isSameToAll;
    if (bySource || BY_LINK.includes(how)) stream.learnLink(packet, bySource, how);
  }
}
