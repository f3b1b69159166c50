/** One replay: every packet of a capture through an engine, told as it goes, and what stands at the end. */
import type { CaptureError, CaptureRecord } from "../bytes/record.ts";
import { extendedLine } from "../conntrack/list.ts";
import { Arrivals, FOUND_BY } from "../flow/arrival.ts";
import type { ChecksumFindings } from "../flow/checksums.ts";
import type { PacketInput, ReplayEngine } from "../flow/engine.ts";
import { Intake } from "../flow/intake.ts";
import { Tally } from "../flow/tally.ts";
import { TwinEngine } from "../flow/twin.ts";
import type { Host } from "../host/host.ts";
import type { Interface } from "../host/interfaces.ts";
import type { Family } from "../packet/hook.ts";
import { Packet } from "../packet/packet.ts";
import type { Outcome } from "../path/firewall.ts";
import { OutcomeLines, outcomeJson, type UsualWidths } from "../report/outcome.ts";
import { count } from "../report/paint.ts";
import { stepLines } from "../report/steps.ts";
import { connectionLines, counterLines, totalJson, totalLines } from "../report/totals.ts";
import { wrappedLines } from "../report/wrap.ts";
import { type CaptureFile, each, type Take } from "./capture-file.ts";
import { EXIT_BAD_INPUT, Failure } from "./failure.ts";
import { Output, writeText } from "./output.ts";
import { Progress } from "./progress.ts";
import { type Terminal, terminal } from "./terminal.ts";
import { WrittenPackets } from "./written-packets.ts";

/** More connections than that are better looked at in a file. */
const MOST_CONNECTIONS = 50;
/** How much further in a line goes on that is too long for the terminal. */
const CONTINUED = 4;
/** … and a rule, so that its words do not stand below its counters. */
const BEHIND_COUNTERS = 29;
const FAMILIES: readonly Family[] = [4, 6];
const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;

export interface RunOptions {
  readonly format: "text" | "json";
  readonly trace: boolean;
  readonly full: boolean;
  readonly quiet: boolean;
  readonly counters?: string;
  readonly counters6?: string;
  readonly conntrack?: string;
  readonly extended: boolean;
  readonly write?: string;
}

export interface RunSetup {
  readonly engine: ReplayEngine;
  readonly host: Host;
  /** Where packets arrive when the capture does not say. */
  readonly device: Interface | null;
  readonly checksums: ChecksumFindings;
  readonly widths: UsualWidths;
  /** Sentences for the report that are known beforehand. */
  readonly notes: readonly string[];
}

/** What is left of a record once the next one has taken its place. */
interface Told {
  readonly number: number;
  readonly time: number;
  readonly bytes: Uint8Array;
  /** What stands for the packet of a frame that holds none. */
  readonly instead: string | null;
}

export class ReplayRun {
  readonly #options: RunOptions;
  readonly #engine: ReplayEngine;
  readonly #host: Host;
  readonly #arrivals: Arrivals;
  readonly #notes: string[];
  readonly #found: readonly string[];
  readonly #tally = new Tally();
  readonly #report: 1 | 2;
  readonly #output: Output;
  readonly #terminal: Terminal;
  readonly #lines: OutcomeLines;
  readonly #written: WrittenPackets | null;
  readonly #packet = new Packet();
  /** iptables-save -c text before the first packet: counters may go on from those in the rules file. */
  readonly #before: { [family in Family]: string } = { 4: "", 6: "" };
  #first: number | null = null;
  #intake: Intake | null = null;

  constructor(options: RunOptions, { engine, host, device, checksums, widths, notes }: RunSetup) {
    // A capture on standard output leaves no room there for anything else.
    this.#report = options.write === "-" ? STANDARD_ERROR : STANDARD_OUTPUT;
    this.#output = new Output(this.#report);
    this.#terminal = terminal(this.#report);
    this.#options = options;
    this.#engine = engine;
    this.#host = host;
    this.#notes = [...notes];
    this.#found = checksums.said;
    this.#arrivals = new Arrivals(host, { device, checksums });
    this.#lines = new OutcomeLines(this.#terminal.paint, this.#terminal.width, widths);
    this.#written = options.write === undefined ? null : new WrittenPackets(options.write, host);
  }

  /** Every packet; what is wrong with the capture, or null. */
  async all(capture: CaptureFile): Promise<CaptureError | null> {
    const { quiet, format } = this.#options;
    if (!quiet && format === "text") this.#output.line(this.#lines.header());
    if (!quiet && format === "text")
      for (const family of FAMILIES) this.#before[family] = await this.#engine.save(family);
    const progress = await Progress.of(capture.size, quiet ? null : this.#report);
    try {
      return await capture.read(this.#taker(), () => {
        if (capture.live) this.#output.flush();
        progress.at(capture.bytesRead);
      });
    } finally {
      progress.end();
    }
  }

  /** At full speed, unless somebody wants to know what becomes of each packet. */
  #taker(): Take {
    const engine = this.#engine;
    if (!this.#options.quiet || this.#written !== null || !(engine instanceof TwinEngine))
      return each((record) => this.#tell(record));
    const intake = new Intake(engine.firewall, this.#arrivals, this.#tally);
    this.#intake = intake;
    return (reader, record) => intake.take(reader, record);
  }

  #tell(record: CaptureRecord): void | Promise<void> {
    this.#first ??= record.time;
    const p = this.#packet;
    if (!this.#arrivals.load(record, p)) {
      this.#tally.addNotIp(record.time);
      this.#tellOther(record);
      return;
    }
    const input = this.#input(p);
    const { length } = p;
    const told = { number: record.number, time: record.time, bytes: input.bytes, instead: null };
    const answer = this.#engine.packet(input);
    if (answer instanceof Promise) return answer.then((outcome) => this.#became(told, length, outcome));
    this.#became(told, length, answer);
  }

  #became(told: Told, length: number, outcome: Outcome): void {
    this.#tally.addOutcome(told.time, length, outcome);
    this.#written?.add(told.time, outcome);
    if (!this.#options.quiet) this.#print(told, outcome, this.#engine.delivered());
  }

  #input(p: Packet): PacketInput {
    return inputOf(p, this.#host, this.#options.trace);
  }

  /** A frame without an IP packet: iptables never sees it, so its verdict is NONE. */
  #tellOther(record: CaptureRecord): void {
    if (this.#options.quiet) return;
    const reason = this.#arrivals.whyNot(record);
    const device = this.#arrivals.deviceOf(record)?.name ?? null;
    const outcome = { in: device, path: "none", state: null, verdict: "NONE", by: { reason }, out: [], entry: null };
    const instead = `${count(record.end - record.start, "byte")}, ${reason}`;
    const told = { number: record.number, time: record.time, bytes: new Uint8Array(0), instead };
    this.#print(told, outcome as unknown as Outcome, null);
  }

  #print({ number, time, bytes, instead }: Told, outcome: Outcome, delivered: Uint8Array | null): void {
    if (this.#options.format === "json") {
      this.#output.text(`${outcomeJson(number, time, outcome)}\n`);
      return;
    }
    const elapsed = time - this.#first!;
    this.#output.lines(this.#lines.lines({ number, elapsed, outcome, bytes, instead, delivered }));
    if (outcome.steps === undefined) return;
    const { paint, width } = this.#terminal;
    const steps = stepLines(outcome.steps, { paint, full: this.#options.full }).map((line) => `      ${line}`);
    this.#output.lines(wrappedLines(steps, width, CONTINUED));
    this.#output.line("");
  }

  /** What stands after the packets, and the files. */
  async finish(error: CaptureError | null, capture: CaptureFile, interrupted: boolean): Promise<void> {
    this.#intake?.finish();
    if (error !== null && this.#tally.packets === 0) throw new Failure(`${capture.name}: ${error.message}`);
    this.#takeNotes();
    const { format, quiet } = this.#options;
    if (format === "text") {
      if (!quiet) await this.#tellState();
      this.#output.lines(totalLines(this.#tally, this.#terminal.paint));
      const notes = this.#notes.map((note) => `  ${note}`);
      this.#output.lines(wrappedLines(notes, this.#terminal.width, CONTINUED));
    } else if (quiet) this.#output.text(`${totalJson(this.#tally)}\n`);
    this.#output.flush();
    await this.#writeFiles();
    this.#complain(error, capture, interrupted);
  }

  /** On standard error: what was not as it should be, and in JSON what has no place there. */
  #complain(error: CaptureError | null, capture: CaptureFile, interrupted: boolean): void {
    const problems = new Output(STANDARD_ERROR);
    if (this.#options.format === "json") problems.lines(this.#notes);
    if (interrupted) problems.line(`Interrupted after ${count(this.#tally.packets, "packet")}.`);
    if (error !== null) {
      problems.line(`${capture.name}: ${error.message}`);
      problems.line(`The results are those of the ${count(this.#tally.packets, "packet")} before that.`);
      process.exitCode = EXIT_BAD_INPUT;
    }
    for (const [sentence, packets] of this.#arrivals.refused) {
      problems.line(`${capture.name}: ${sentence}: ${count(packets, "packet")} could not be read`);
      process.exitCode = EXIT_BAD_INPUT;
    }
    problems.flush();
  }

  /** Rule counters and connections. */
  async #tellState(): Promise<void> {
    const { paint, width } = this.#terminal;
    const section = (title: string, lines: readonly string[], further: number) => {
      if (lines.length > 0) this.#output.lines(["", paint.strong(title), ...wrappedLines(lines, width, further)]);
    };
    for (const family of FAMILIES) {
      const lines = counterLines(await this.#engine.save(family), paint, this.#before[family]);
      section(family === 4 ? "Rules that matched" : "IPv6 rules that matched", lines, BEHIND_COUNTERS);
    }
    const connections = await this.#engine.connections();
    section(`Connections (${connections.length})`, connectionLines(connections, MOST_CONNECTIONS), CONTINUED);
    this.#output.line("");
  }

  #takeNotes(): void {
    const { counts, cut, foreign, merged } = this.#arrivals;
    const note = (sentence: string, packets: number) => {
      if (packets > 0) this.#notes.push(`${sentence}: ${count(packets, "packet")}`);
    };
    for (const [how, sentence] of FOUND_BY.entries()) note(sentence, counts[how]);
    note("outgoing, but from addresses of others (copies of forwarded packets, perhaps)", foreign);
    note("longer than their device's MTU: taken as segments that the network card joined (GRO, GSO)", merged);
    note("cut by the capture's snaplen, judged by what is there, checksums not verified", cut);
    this.#notes.push(...this.#found, ...this.#engine.notes());
  }

  async #writeFiles(): Promise<void> {
    const { counters, counters6, conntrack, extended } = this.#options;
    this.#written?.close();
    if (counters !== undefined) writeText(counters, await this.#engine.save(4));
    if (counters6 !== undefined) writeText(counters6, await this.#engine.save(6));
    if (conntrack === undefined) return;
    const lines = await this.#engine.connections();
    writeText(conntrack, lines.map((line) => `${extended ? extendedLine(line) : line}\n`).join(""));
  }
}

/** What an engine is told of a loaded packet. */
export function inputOf(p: Packet, host: Host, steps: boolean): PacketInput {
  const mac = p.mac < 0 ? null : new Uint8Array(p.data.subarray(p.mac, p.mac + p.macLength));
  return {
    dev: p.local ? null : host.interfaces[p.inDev].name,
    outDev: p.outDev === 0 ? null : host.interfaces[p.outDev].name,
    bytes: p.bytes(),
    time: p.time,
    wire: p.wire,
    mac,
    packetType: p.packetType,
    merged: p.merged,
    checksum: p.checksum,
    steps: steps,
  };
}
