/** `firetwin explain`: every step of one packet, or of a few one after another. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { printPacket } from "../flow/notation.ts";
import { type EventResult, runCase } from "../flow/run.ts";
import { parseScript, splitPackets } from "../flow/script.ts";
import { byText } from "../flow/terms.ts";
import { outcomeJson } from "../report/outcome.ts";
import { type Paint, paintState, paintVerdict } from "../report/paint.ts";
import { stepLines, type TreeStyle } from "../report/steps.ts";
import { wrappedLines } from "../report/wrap.ts";
import { renderProblems } from "../rules/problem.ts";
import { checkEngine, closing, devicesOf, type EngineOptions, makeEngine, makeHost, seedOf } from "./engine.ts";
import { Failure } from "./failure.ts";
import { loadHostFile } from "./host.ts";
import { Output } from "./output.ts";
import { loadBoth } from "./rules-file.ts";
import { terminal } from "./terminal.ts";

export interface ExplainArguments extends EngineOptions {
  readonly packets: readonly string[];
  readonly rules?: string;
  readonly rules6?: string;
  readonly host?: string;
  readonly format: "text" | "json";
  readonly full: boolean;
  readonly seed?: number;
}

export async function explain(args: ExplainArguments): Promise<void> {
  if (args.rules === undefined && args.rules6 === undefined)
    throw new Failure("Which rules? Give --rules FILE, --rules6 FILE, or both.");
  checkEngine(args);
  if (args.packets.every((text) => text.trim() === "")) throw new Failure("The packet to explain is empty.");
  const { script, mistakes } = packetsOf(args.packets);
  if (mistakes.length > 0) throw new Failure(renderProblems(mistakes));
  if (script.cases.length !== 1) throw new Failure("explain takes packets, one or a few: tests belong into a script");
  if (script.cases[0].items.some((item) => item.kind === "assertion" || item.expectations.length > 0))
    throw new Failure("explain shows what happens: put expectations into a script, for firetwin test");
  const path = hostBeside(args);
  const seed = seedOf(args.seed);
  const config = { ...loadHostFile(path), ...seed };
  const host = makeHost(config, path);
  const engine = makeEngine(args, loadBoth(args.rules, args.rules6), config, host);
  const { events, checks } = await closing(engine, () => runCase(script.cases[0], engine, devicesOf(host)));
  const impossible = checks.find((check) => check.event === null && check.failure !== null);
  const output = new Output(1);
  const { paint, width } = terminal(1);
  for (const [i, event] of events.entries())
    if (args.format === "json") output.text(`${outcomeJson(i + 1, event.input.time, event.outcome)}\n`);
    else output.lines(wrappedLines(eventLines(event, i > 0, { paint, full: args.full }), width, 4));
  output.flush();
  if (impossible !== undefined) throw new Failure(`${impossible.line.text}: ${impossible.failure!.happened}`);
}

/** Each argument holds packets of its own; but a packet may also have come as several words. */
function packetsOf(words: readonly string[]): ReturnType<typeof parseScript> {
  const read = (texts: readonly string[]) =>
    parseScript(
      texts
        .flatMap(splitPackets)
        .map((piece) => piece.trim())
        .join("\n"),
      "packet",
    );
  const apart = read(words);
  const together = apart.mistakes.length > 0 && words.length > 1 ? read([words.join(" ")]) : apart;
  return together.mistakes.length === 0 ? together : apart;
}

/** --host, or the host.yaml beside the rules. */
function hostBeside(args: ExplainArguments): string {
  if (args.host !== undefined) return args.host;
  const beside = join(dirname(args.rules ?? args.rules6!), "host.yaml");
  if (existsSync(beside)) return beside;
  throw new Failure(`Which host? Give --host FILE: where a packet goes depends on interfaces and routes.`);
}

function eventLines(event: EventResult, later: boolean, style: TreeStyle): string[] {
  const { input, outcome } = event;
  const { paint } = style;
  const lines = later ? [""] : [];
  lines.push(`${paint.name(input.dev ?? "local")} > ${paint.strong(printPacket(input.bytes, "full"))}`);
  for (const line of stepLines(outcome.steps ?? [], style)) lines.push(`  ${line}`);
  lines.push(verdictLine(event, paint));
  return lines;
}

/** `ACCEPT  NEW  by filter FORWARD rule 2`. */
function verdictLine({ outcome }: EventResult, paint: Paint): string {
  const state = outcome.state === null ? "" : `  ${paintState(outcome.state, outcome.state, paint)}`;
  return `${paint.strong(paintVerdict(outcome.verdict, outcome.verdict, paint))}${state}  ${byText(outcome.by)}`;
}
