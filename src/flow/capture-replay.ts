/**
 * A capture that goes through a firewall at full speed, for programs:
 *
 *     const replay = new CaptureReplay(firewall);
 *     for await (const chunk of createReadStream("capture.pcap")) replay.push(chunk);
 *     const totals = replay.end();
 *     if (replay.error !== null) console.error(replay.error.message);
 *
 * Afterwards the firewall's counters and connections are those after the last packet. One capture at a time; one that is given up
 * is ended, too.
 */
import { type CaptureError, CaptureReader, CaptureRecord } from "../bytes/capture.ts";
import { HostError } from "../host/error.ts";
import type { Firewall } from "../path/firewall.ts";
import { Arrivals } from "./arrival.ts";
import { IGNORE_ALL, VERIFY_ALL } from "./checksums.ts";
import { Intake } from "./intake.ts";
import { Tally, type Totals } from "./tally.ts";

export interface ReplayOptions {
  /** The device that packets arrive on of which the capture does not say it by a name. Default: found out for each. */
  readonly dev?: string;
  /** `ignore`: checksums are taken to be right, as where the network card makes them. Default: `verify`. */
  readonly checksums?: "verify" | "ignore";
}

export class CaptureReplay {
  readonly #reader = new CaptureReader();
  readonly #record = new CaptureRecord();
  readonly #tally = new Tally();
  readonly #intake: Intake;

  /** Throws HostError when there is no such device. */
  constructor(firewall: Firewall, { dev, checksums = "verify" }: ReplayOptions = {}) {
    const device = dev === undefined ? null : (firewall.host.interfaceNamed(dev) ?? null);
    if (dev !== undefined && device === null) throw new HostError(`there is no interface ${dev}`);
    const findings = checksums === "ignore" ? IGNORE_ALL : VERIFY_ALL;
    this.#intake = new Intake(firewall, new Arrivals(firewall.host, { device, checksums: findings }), this.#tally);
  }

  /** The next bytes of the capture (pcap or pcapng, not compressed), of any number; they are copied. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#reader.finished; at += PIECE) {
      this.#reader.push(bytes.subarray(at, at + PIECE));
      this.#intake.take(this.#reader, this.#record);
    }
  }

  /** The capture is over: what became of its packets. */
  end(): Totals {
    this.#reader.end();
    this.#intake.take(this.#reader, this.#record);
    this.#intake.finish();
    return this.#tally.totals();
  }

  /** What is wrong with the capture: the totals are those of the packets before that. */
  get error(): CaptureError | null {
    return this.#reader.error;
  }
}

/** So many bytes are given to the reader at a time: its buffer stays small. */
const PIECE = 0x20000;
