/** `firetwin replay`: what becomes of each packet of a capture. */
import { LinkFrame } from "../bytes/link.ts";
import { Arrivals } from "../flow/arrival.ts";
import { type ChecksumFindings, type ChecksumMode, ChecksumSample, IGNORE_ALL, VERIFY_ALL } from "../flow/checksums.ts";
import { HostGuess } from "../flow/guess.ts";
import { describePacket } from "../flow/notation.ts";
import type { HostConfig } from "../host/config.ts";
import type { Host } from "../host/host.ts";
import type { Interface } from "../host/interfaces.ts";
import { Packet } from "../packet/packet.ts";
import { CaptureFile } from "./capture-file.ts";
import { checkEngine, type EngineOptions, makeEngine, makeHost, seedOf } from "./engine.ts";
import { Failure } from "./failure.ts";
import { guessText, loadHostFile } from "./host.ts";
import { Interrupt } from "./interrupt.ts";
import { ReplayRun, type RunOptions } from "./replay-run.ts";
import { loadBoth } from "./rules-file.ts";

export interface ReplayArguments extends RunOptions, EngineOptions {
  readonly capture: string;
  readonly rules?: string;
  readonly rules6?: string;
  readonly host?: string;
  readonly in?: string;
  readonly checksums: ChecksumMode;
  readonly seed?: number;
}

/** Wider pairs of devices move their line to the right. */
const MOST_DEVICES = 19;

export async function replay(args: ReplayArguments): Promise<void> {
  if (args.rules === undefined && args.rules6 === undefined)
    throw new Failure("Which rules? Give --rules FILE, --rules6 FILE, or both.");
  if ([args.capture, args.rules, args.rules6, args.host].filter((path) => path === "-").length > 1)
    throw new Failure("Standard input (-) can be read only once.");
  checkEngine(args);
  const rulesets = loadBoth(args.rules, args.rules6);
  const described = args.host === undefined ? null : loadHostFile(args.host);
  const interrupt = new Interrupt();
  const capture = new CaptureFile(args.capture, interrupt);
  try {
    const config = described ?? (await guessHost(capture, args.in ?? null));
    const seed = seedOf(args.seed);
    const host = makeHost({ ...config, ...seed }, args.host ?? "the guessed host");
    const device = deviceNamed(host, args.in);
    const checksums = await lookAtChecksums(args.checksums, capture, host, device);
    const packet = args.format === "text" && !args.quiet ? await widestPacket(capture) : 0;
    const widths = { packet, device: widestDevices(host) };
    const notes = described === null ? guessText(config) : [];
    const engine = makeEngine(args, rulesets, config, host);
    try {
      const run = new ReplayRun(args, { engine, host, device, checksums, widths, notes });
      const error = await run.all(capture);
      await run.finish(error, capture, interrupt.happened);
    } finally {
      engine.close();
    }
  } finally {
    interrupt.close();
    capture.close();
  }
  if (interrupt.happened) interrupt.obey();
}

/** A host in which the capture could have been taken. */
export async function guessHost(capture: CaptureFile, inDevice: string | null): Promise<HostConfig> {
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

/** The device that --in names; throws Failure when the host has none of that name. */
export function deviceNamed(host: Host, name: string | undefined): Interface | null {
  if (name === undefined) return null;
  const device = host.interfaceNamed(name);
  if (device !== undefined) return device;
  const names = host.interfaces.slice(1).map((one) => one.name);
  throw new Failure(`--in ${name}: the host has no such device; it has ${names.join(", ")}`);
}

/** How the checksums of a capture are to be treated. */
export async function lookAtChecksums(
  mode: ChecksumMode,
  capture: CaptureFile,
  host: Host,
  device: Interface | null,
): Promise<ChecksumFindings> {
  if (mode !== "auto") return mode === "ignore" ? IGNORE_ALL : VERIFY_ALL;
  const arrivals = new Arrivals(host, { device, checksums: VERIFY_ALL });
  const sample = new ChecksumSample();
  const packet = new Packet();
  await capture.sample((record) => {
    if (arrivals.load(record, packet)) sample.add(packet);
  });
  return sample.findings();
}
