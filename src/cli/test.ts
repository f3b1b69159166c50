/** `firetwin test`: runs packet scripts and says which expectations fail. */
import { runCase } from "../flow/run.ts";
import { type FlowTotals, flowTotal, type ScriptResult, scriptLines } from "../report/flows.ts";
import { wrappedLines } from "../report/wrap.ts";
import { checkEngine, closing, devicesOf, type EngineOptions, makeEngine, makeHost } from "./engine.ts";
import { EXIT_BAD_INPUT, EXIT_FAILED, Failure } from "./failure.ts";
import { Output } from "./output.ts";
import { casesOf, ScriptFiles, scripts } from "./scripts.ts";
import { terminal } from "./terminal.ts";

export interface TestArguments extends EngineOptions {
  readonly paths?: readonly string[];
  readonly full: boolean;
}

const NO_TIME =
  "For the kernel no time passed between packets: what waits for some needs --speed 1 (or more, to go faster).";

export async function test(args: TestArguments): Promise<void> {
  const output = new Output(1);
  const mistakes = new Output(2);
  const { paint, width } = terminal(1);
  const style = { paint, full: args.full };
  checkEngine(args);
  const totals: FlowTotals = { scripts: 0, tests: 0, passed: 0, failed: 0 };
  const files = new ScriptFiles();
  for (const file of scripts(args.paths ?? [])) {
    try {
      output.lines(wrappedLines(scriptLines(await runScript(file, files, args), style, totals), width, 4));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      mistakes.line(`${error.message}\n`);
      process.exitCode = EXIT_BAD_INPUT;
    }
  }
  if (totals.scripts > 0) output.line(flowTotal(totals, style.paint));
  if (totals.failed > 0 && args.engine === "kernel" && args.speed === undefined) output.line(NO_TIME);
  output.flush();
  mistakes.flush();
  if (totals.failed > 0 && process.exitCode !== EXIT_BAD_INPUT) process.exitCode = EXIT_FAILED;
}

async function runScript(file: string, files: ScriptFiles, options: EngineOptions): Promise<ScriptResult> {
  const cases = [];
  for (const test of casesOf(file)) {
    const { rulesets, config, where } = files.of(file, test);
    const host = makeHost(config, where);
    const engine = makeEngine(options, rulesets, config, host);
    cases.push(await closing(engine, () => runCase(test, engine, devicesOf(host))));
  }
  return { file, cases };
}
