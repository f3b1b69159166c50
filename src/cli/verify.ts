/** `firetwin verify`: the twin and this machine's kernel on the same packets, up to their first disagreement. */
import { statSync } from "node:fs";
import { release } from "node:os";
import { Arrivals } from "../flow/arrival.ts";
import type { ChecksumMode } from "../flow/checksums.ts";
import { printPacket } from "../flow/notation.ts";
import { runCase } from "../flow/run.ts";
import type { HostConfig } from "../host/config.ts";
import { ScriptedRandom } from "../host/random.ts";
import { Disagreement, Duel } from "../kernel/duel.ts";
import { Packet } from "../packet/packet.ts";
import { disagreementLines } from "../report/disagreement.ts";
import { count } from "../report/paint.ts";
import { wrappedLines } from "../report/wrap.ts";
import { CaptureFile, each } from "./capture-file.ts";
import { asFailure, checkEngine, devicesOf, kernelSetup, makeHost, makeTwin } from "./engine.ts";
import { EXIT_BAD_INPUT, EXIT_FAILED, Failure } from "./failure.ts";
import { guessText, loadHostFile } from "./host.ts";
import { Output } from "./output.ts";
import { deviceNamed, guessHost, lookAtChecksums } from "./replay.ts";
import { inputOf } from "./replay-run.ts";
import { loadBoth, type Rulesets } from "./rules-file.ts";
import { casesOf, ScriptFiles, scripts } from "./scripts.ts";
import { terminal } from "./terminal.ts";

export interface VerifyArguments {
  readonly inputs: readonly string[];
  readonly rules?: string;
  readonly rules6?: string;
  readonly host?: string;
  readonly in?: string;
  readonly checksums: ChecksumMode;
  readonly speed?: number;
  readonly limit: number;
  readonly full: boolean;
}

/** `Linux 6.18.44`. */
const LINUX = `Linux ${release().replace(/-.*/, "")}`;

/** What was asked so far, of all inputs. */
interface Asked {
  packets: number;
  /** Sentences for the report. */
  readonly notes: string[];
}

export async function verify(args: VerifyArguments): Promise<void> {
  checkEngine({ engine: "kernel", ...(args.speed === undefined ? {} : { speed: args.speed }) });
  if (!(args.limit >= 1)) throw new Failure("--limit takes a number of packets.");
  const asked: Asked = { packets: 0, notes: [] };
  const output = new Output(1);
  const { paint, width } = terminal(1);
  const files = new ScriptFiles();
  for (const input of args.inputs) {
    const agreed = isScript(input)
      ? await verifyScripts(input, files, args, asked)
      : await verifyCapture(input, args, asked);
    if (agreed === null) continue;
    output.lines(wrappedLines(disagreed(agreed, input, { paint, full: args.full }), width, 4));
    output.flush();
    process.exitCode = EXIT_FAILED;
    return;
  }
  output.line(`${count(asked.packets, "packet")}: the twin and ${LINUX} agree`);
  for (const note of asked.notes) output.line(`  ${note}`);
  output.flush();
}

function isScript(path: string): boolean {
  return path.endsWith(".flow") || (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

function disagreed(
  { packet, differences }: Disagreement,
  input: string,
  style: Parameters<typeof disagreementLines>[1],
): string[] {
  const where = packet === null ? "after the last packet" : `packet ${packet.number}`;
  const what = packet === null ? "" : `: ${packet.input.dev ?? "local"} > ${printPacket(packet.input.bytes, "full")}`;
  return disagreementLines(
    {
      subject: `${input}, ${where}${what}`,
      differences: differences.map(({ what, kernel, twin }) => ({ what, expected: kernel, seen: twin })),
      names: { expected: `${LINUX}`, seen: "the twin" },
      expectedSteps: packet?.kernelSteps ?? [],
      seenSteps: packet?.twinSteps ?? [],
    },
    style,
  );
}

/** Runs `use` on both engines at once; the Disagreement that ended it, or null. */
async function duelling(
  rulesets: Rulesets,
  config: HostConfig,
  where: string,
  { speed }: VerifyArguments,
  asked: Asked,
  use: (duel: Duel, host: ReturnType<typeof makeHost>) => Promise<void>,
): Promise<Disagreement | null> {
  const host = makeHost(config, where);
  const dice = new ScriptedRandom({});
  host.random = dice;
  const twin = makeTwin(rulesets, host);
  const duel = asFailure(() => new Duel(kernelSetup(rulesets, config, twin), twin.firewall, dice, speed));
  try {
    await use(duel, host);
    duel.finish();
    return null;
  } catch (error) {
    if (error instanceof Disagreement) return error;
    throw error;
  } finally {
    duel.close();
    asked.packets += duel.asked;
    asked.notes.push(...duel.notes());
  }
}

/** Ends the reading of a capture of which enough was seen. */
class Enough extends Error {}

async function verifyCapture(path: string, args: VerifyArguments, asked: Asked): Promise<Disagreement | null> {
  if (args.rules === undefined && args.rules6 === undefined)
    throw new Failure("Which rules? Give --rules FILE, --rules6 FILE, or both.");
  const rulesets = loadBoth(args.rules, args.rules6);
  const described = args.host === undefined ? null : loadHostFile(args.host);
  const capture = new CaptureFile(path);
  try {
    const config = described ?? (await guessHost(capture, args.in ?? null));
    if (described === null) asked.notes.push(...guessText(config));
    return await duelling(rulesets, config, args.host ?? "the guessed host", args, asked, async (duel, host) => {
      const device = deviceNamed(host, args.in);
      const checksums = await lookAtChecksums(args.checksums, capture, host, device);
      const arrivals = new Arrivals(host, { device, checksums });
      const packet = new Packet();
      const ask = async () => {
        if (duel.asked >= args.limit) throw new Enough();
        await duel.packet(inputOf(packet, host, true));
      };
      try {
        const error = await capture.read(
          each((record) => (arrivals.load(record, packet) ? ask() : undefined)),
          () => {},
        );
        if (error === null) return;
        asked.notes.push(`${capture.name}: ${error.message}`);
        process.exitCode = EXIT_BAD_INPUT;
      } catch (error) {
        if (!(error instanceof Enough)) throw error;
        asked.notes.push(`only the first ${count(args.limit, "packet")} of ${capture.name} (--limit)`);
      }
    });
  } finally {
    capture.close();
  }
}

async function verifyScripts(
  path: string,
  files: ScriptFiles,
  args: VerifyArguments,
  asked: Asked,
): Promise<Disagreement | null> {
  for (const file of scripts([path]))
    for (const test of casesOf(file)) {
      const { rulesets, config, where } = files.of(file, test);
      const end = await duelling(rulesets, config, where, args, asked, async (duel, host) => {
        const { checks } = await runCase(test, duel, devicesOf(host));
        // What a script expects is not asked here, but a packet that could not be made was not compared.
        const unmade = checks.find((check) => check.event === null && check.failure?.expected === "this packet");
        if (unmade !== undefined)
          asked.notes.push(`${file}:${unmade.line.number}: not compared: ${unmade.failure?.happened}`);
      });
      if (end !== null) return end;
    }
  return null;
}
