/** `firetwin replay`: what becomes of each packet of a capture. */

import { LinkFrame } from "../bytes/link.ts";
import type { CaptureError, CaptureRecord } from "../bytes/record.ts";
import { Arrivals, FOUND_BY } from "../flow/arrival.ts";
import { type ChecksumFindings, type ChecksumMode, ChecksumSample, IGNORE_ALL, VERIFY_ALL } from "../flow/checksums.ts";
import type { PacketInput } from "../flow/engine.ts";
import { HostGuess } from "../flow/guess.ts";
import { describePacket } from "../flow/notation.ts";
import type { TwinEngine } from "../flow/twin.ts";
import type { HostConfig } from "../host/config.ts";
import type { Host } from "../host/host.ts";
import type { Interface } from "../host/interfaces.ts";
import { Packet } from "../packet/packet.ts";
import type { Outcome } from "../path/firewall.ts";
import { OutcomeLines, outcomeJson, type UsualWidths } from "../report/outcome.ts";
import { count } from "../report/paint.ts";
import { stepLines } from "../report/steps.ts";
import { connectionLines, counterLines, Tally, totalLines } from "../report/totals.ts";
import { wrappedLines } from "../report/wrap.ts";
import { CaptureFile } from "./capture-file.ts";
import { makeHost, makeTwin } from "./engine.ts";
import { EXIT_BAD_INPUT, Failure } from "./failure.ts";
import { guessText, loadHostFile } from "./host.ts";
import { Output, writeText } from "./output.ts";
import { loadBoth } from "./rules-file.ts";
import { type Terminal, terminal } from "./terminal.ts";
import { WrittenPackets } from "./written-packets.ts";

export interface ReplayArguments {
  readonly capture: string;
  readonly rules?: string;
  readonly rules6?: string;
  readonly host?: string;
  readonly format: "text" | "json";
  readonly trace: boolean;
  readonly full: boolean;
  readonly quiet: boolean;
  readonly counters?: string;
  readonly counters6?: string;
  readonly conntrack?: string;
  readonly write?: string;
  readonly in?: string;
  readonly checksums: ChecksumMode;
  readonly seed?: number;
}

/** More connections than that are better looked at in a file. */
const MOST_CONNECTIONS = 50;
/** How much further in a line goes on that is too long for the terminal. */
const CONTINUED = 4;
/** … and a rule, so that its words do not stand below its counters. */
const BEHIND_COUNTERS = 29;
/** Wider pairs of devices move their line to the right. */
const MOST_DEVICES = 19;
const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;

export async function replay(args: ReplayArguments): Promise<void> {
  if (args.rules === undefined && args.rules6 === undefined)
    throw new Failure("Which rules? Give --rules FILE, --rules6 FILE, or both.");
  const rulesets = loadBoth(args.rules, args.rules6);
  const described = args.host === undefined ? null : loadHostFile(args.host);
  const capture = new CaptureFile(args.capture);
  try {
    const config = described ?? (await guessHost(capture, args.in ?? null));
    const seed = args.seed === undefined ? {} : { seed: args.seed };
    const host = makeHost({ ...config, ...seed }, args.host ?? "the guessed host");
    const findings = await lookAtChecksums(args.checksums, capture, host, args.in);
    const packet = args.format === "text" && !args.quiet ? await widestPacket(capture) : 0;
    const run = new Run(args, makeTwin(rulesets, host), host, findings, { packet, device: widestDevices(host) });
    if (described === null) run.notes.push(...guessText(config));
    const error = await run.all(capture);
    run.finish(error, capture);
  } finally {
    capture.close();
  }
}

async function guessHost(capture: CaptureFile, inDevice: string | null): Promise<HostConfig> {
  const guess = new HostGuess();
  await capture.sample((record) => guess.add(record));
  return guess.config(inDevice);
}

/** How long the first packets of the capture are in packet notation. */
async function widestPacket(capture: CaptureFile): Promise<number> {
  const frame = new LinkFrame();
  const packet = new Packet();
  let widest = 0;
  await capture.sample(({ data, view, start, end, littleEndian, interface: { linkType } }) => {
    if (frame.parse(linkType, data, view, start, end, littleEndian) <= 0) return;
    packet.load(data, view, frame.start, frame.end);
    widest = Math.max(widest, describePacket(packet).length);
  });
  return widest;
}

/** `lan0→wan0`, `wan0→local`. */
function widestDevices(host: Host): number {
  const names = host.interfaces.filter((device) => !device.loopback).map((device) => device.name.length);
  const widest = Math.max(...names);
  return Math.min(MOST_DEVICES, widest + 1 + Math.max(widest, "local".length));
}

function deviceNamed(host: Host, name: string | undefined): Interface | null {
  if (name === undefined) return null;
  const device = host.interfaceNamed(name);
  if (device !== undefined) return device;
  const names = host.interfaces.slice(1).map((one) => one.name);
  throw new Failure(`--in ${name}: the host has no such device; it has ${names.join(", ")}`);
}

async function lookAtChecksums(
  mode: ChecksumMode,
  capture: CaptureFile,
  host: Host,
  inDevice: string | undefined,
): Promise<ChecksumFindings> {
  const device = deviceNamed(host, inDevice);
  if (mode !== "auto") return mode === "ignore" ? IGNORE_ALL : VERIFY_ALL;
  const arrivals = new Arrivals(host, { device, checksums: VERIFY_ALL });
  const sample = new ChecksumSample();
  const packet = new Packet();
  await capture.sample((record) => {
    if (arrivals.load(record, packet)) sample.add(packet);
  });
  return sample.findings();
}

/** One replay from the first packet to the last. */
class Run {
  /** Sentences about the capture as a whole. */
  readonly notes: string[] = [];
  readonly #args: ReplayArguments;
  readonly #engine: TwinEngine;
  readonly #host: Host;
  readonly #arrivals: Arrivals;
  readonly #findings: ChecksumFindings;
  readonly #tally = new Tally();
  readonly #output = new Output(STANDARD_OUTPUT);
  readonly #terminal: Terminal = terminal(STANDARD_OUTPUT);
  readonly #lines: OutcomeLines;
  readonly #written: WrittenPackets | null;
  readonly #packet = new Packet();
  #first: number | null = null;

  constructor(args: ReplayArguments, engine: TwinEngine, host: Host, findings: ChecksumFindings, widths: UsualWidths) {
    this.#args = args;
    this.#engine = engine;
    this.#host = host;
    this.#findings = findings;
    this.#arrivals = new Arrivals(host, { device: deviceNamed(host, args.in), checksums: findings });
    this.#lines = new OutcomeLines(this.#terminal.paint, this.#terminal.width, widths);
    this.#written = args.write === undefined ? null : new WrittenPackets(args.write, host);
  }

  /** Every packet; what is wrong with the capture, or null. */
  async all(capture: CaptureFile): Promise<CaptureError | null> {
    const fast = this.#args.quiet && this.#written === null;
    if (!this.#args.quiet && this.#args.format === "text") this.#output.line(this.#lines.header());
    const use = fast ? this.#count : this.#tell;
    return capture.read(
      (record) => use.call(this, record),
      () => {
        if (capture.live) this.#output.flush();
      },
    );
  }

  /** At full speed: nothing is allocated. */
  #count(record: CaptureRecord): void {
    const { firewall } = this.#engine;
    const { packet, result } = firewall;
    if (!this.#arrivals.load(record, packet)) {
      this.#tally.addNotIp(record.time);
      return;
    }
    const { length } = packet;
    firewall.run();
    this.#tally.add(record.time, length, result.verdict, result.state, result.path, result.emitted);
  }

  #tell(record: CaptureRecord): void {
    this.#first ??= record.time;
    const p = this.#packet;
    if (!this.#arrivals.load(record, p)) {
      this.#tally.addNotIp(record.time);
      this.#tellOther(record);
      return;
    }
    const input = this.#input(p);
    const outcome = this.#engine.packet(input);
    this.#tally.addOutcome(record.time, p.length, outcome);
    this.#written?.add(record.time, outcome);
    if (this.#args.quiet) return;
    if (this.#args.format === "json") this.#output.line(outcomeJson(record.number, record.time, outcome));
    else this.#print(record, input.bytes, null, outcome);
  }

  #input(p: Packet): PacketInput {
    const mac = p.mac < 0 ? null : new Uint8Array(p.data.subarray(p.mac, p.mac + p.macLength));
    return {
      dev: p.local ? null : this.#host.interfaces[p.inDev].name,
      bytes: p.bytes(),
      time: p.time,
      wire: p.wire,
      mac,
      packetType: p.packetType,
      checksum: p.checksum,
      steps: this.#args.trace,
    };
  }

  /** A frame without an IP packet: iptables never sees it. */
  #tellOther(record: CaptureRecord): void {
    if (this.#args.quiet) return;
    const reason = this.#arrivals.whyNot(record);
    const device = this.#arrivals.deviceOf(record)?.name ?? null;
    const outcome = { in: device, path: "none", state: null, verdict: "NONE", by: { reason }, out: [], entry: null };
    const told = outcome as unknown as Outcome;
    if (this.#args.format === "json") this.#output.line(outcomeJson(record.number, record.time, told));
    else this.#print(record, new Uint8Array(0), `${count(record.end - record.start, "byte")}, ${reason}`, told);
  }

  #print(record: CaptureRecord, bytes: Uint8Array, instead: string | null, outcome: Outcome): void {
    const { number, time } = record;
    const delivered = instead === null ? this.#engine.delivered() : null;
    const elapsed = time - this.#first!;
    this.#output.lines(this.#lines.lines({ number, elapsed, outcome, bytes, instead, delivered }));
    if (outcome.steps === undefined) return;
    const { paint, width } = this.#terminal;
    const steps = stepLines(outcome.steps, { paint, full: this.#args.full }).map((line) => `      ${line}`);
    this.#output.lines(wrappedLines(steps, width, CONTINUED));
    this.#output.line("");
  }

  /** What stands after the packets, and the files. */
  finish(error: CaptureError | null, capture: CaptureFile): void {
    if (error !== null && this.#tally.packets === 0) throw new Failure(`${capture.name}: ${error.message}`);
    this.#takeNotes();
    const { args, paint } = { args: this.#args, paint: this.#terminal.paint };
    if (args.format === "text") {
      if (!args.quiet) this.#tellState();
      this.#output.lines(totalLines(this.#tally, paint));
      this.#output.lines(this.notes.map((note) => `  ${note}`));
    }
    this.#output.flush();
    this.#writeFiles();
    const problems = new Output(STANDARD_ERROR);
    if (args.format === "json" && !args.quiet) problems.lines(this.notes);
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
  #tellState(): void {
    const { paint, width } = this.#terminal;
    const section = (title: string, lines: readonly string[], further: number) => {
      if (lines.length > 0) this.#output.lines(["", paint.strong(title), ...wrappedLines(lines, width, further)]);
    };
    for (const family of [4, 6] as const) {
      const lines = counterLines(this.#engine.save(family), paint);
      section(family === 4 ? "Rules that matched" : "IPv6 rules that matched", lines, BEHIND_COUNTERS);
    }
    const connections = this.#engine.connections();
    section(`Connections (${connections.length})`, connectionLines(connections, MOST_CONNECTIONS), CONTINUED);
    this.#output.line("");
  }

  #takeNotes(): void {
    const { counts, cut, foreign } = this.#arrivals;
    for (const [how, sentence] of FOUND_BY.entries())
      if (counts[how] > 0) this.notes.push(`${sentence}: ${count(counts[how], "packet")}`);
    if (foreign > 0)
      this.notes.push(
        `outgoing, but from addresses of others (copies of forwarded packets, perhaps): ${count(foreign, "packet")}`,
      );
    if (cut > 0)
      this.notes.push(
        `${count(cut, "packet")} cut by the capture's snaplen: judged by what is there, checksums unseen`,
      );
    if (this.#args.checksums === "auto") this.notes.push(...this.#findings.said);
  }

  #writeFiles(): void {
    const { counters, counters6, conntrack } = this.#args;
    this.#written?.close();
    if (counters !== undefined) writeText(counters, this.#engine.save(4));
    if (counters6 !== undefined) writeText(counters6, this.#engine.save(6));
    if (conntrack !== undefined)
      writeText(
        conntrack,
        this.#engine
          .connections()
          .map((line) => `${line}\n`)
          .join(""),
      );
  }
}
