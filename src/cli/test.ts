/** `firetwin test`: runs packet scripts and says which expectations fail. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { runCase } from "../flow/run.ts";
import { parseScript, type Settings, type TestCase } from "../flow/script.ts";
import { type HostConfig, sysctlEntries } from "../host/config.ts";
import { type FlowTotals, flowTotal, type ScriptResult, scriptLines } from "../report/flows.ts";
import { wrappedLines } from "../report/wrap.ts";
import { renderProblems } from "../rules/problem.ts";
import type { Ruleset } from "../rules/ruleset.ts";
import { devicesOf, makeHost, makeTwin } from "./engine.ts";
import { EXIT_BAD_INPUT, EXIT_FAILED, Failure, systemError } from "./failure.ts";
import { loadHostFile } from "./host.ts";
import { Output } from "./output.ts";
import { loadRules, type Rulesets, readText } from "./rules-file.ts";
import { terminal } from "./terminal.ts";

export interface TestArguments {
  readonly paths?: readonly string[];
  readonly full: boolean;
}

export async function test(args: TestArguments): Promise<void> {
  const output = new Output(1);
  const mistakes = new Output(2);
  const { paint, width } = terminal(1);
  const style = { paint, full: args.full };
  const totals: FlowTotals = { scripts: 0, tests: 0, passed: 0, failed: 0 };
  const files = new Files();
  for (const file of scripts(args.paths ?? [])) {
    try {
      output.lines(wrappedLines(scriptLines(await runScript(file, files), style, totals), width, 4));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      mistakes.line(`${error.message}\n`);
      process.exitCode = EXIT_BAD_INPUT;
    }
  }
  if (totals.scripts > 0) output.line(flowTotal(totals, style.paint));
  output.flush();
  mistakes.flush();
  if (totals.failed > 0 && process.exitCode !== EXIT_BAD_INPUT) process.exitCode = EXIT_FAILED;
}

/** The scripts that are named, and those in the folders that are named. */
function scripts(paths: readonly string[]): string[] {
  const found: string[] = [];
  for (const path of paths.length === 0 ? ["."] : paths) {
    let folder: boolean;
    try {
      folder = statSync(path).isDirectory();
    } catch (error) {
      throw new Failure(`${path} cannot be read: ${systemError(error)}`);
    }
    if (!folder) found.push(path);
    else {
      const inside = scriptsIn(path);
      if (inside.length === 0) throw new Failure(`${path} holds no packet script (*.flow)`);
      found.push(...inside);
    }
  }
  return found;
}

function scriptsIn(folder: string): string[] {
  const found: string[] = [];
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== "node_modules" && !entry.name.startsWith("."))
      found.push(...scriptsIn(path));
    else if (entry.isFile() && entry.name.endsWith(".flow")) found.push(path);
  }
  return found;
}

async function runScript(file: string, files: Files): Promise<ScriptResult> {
  const { script, mistakes } = parseScript(readText(file), file);
  if (mistakes.length > 0) throw new Failure(renderProblems(mistakes));
  const cases = [];
  for (const test of script.cases) {
    const { rulesets, config, where } = files.of(file, test);
    const own = Object.keys(test.settings.sysctl).length > 0;
    const host = makeHost(config, own ? file : where);
    const engine = makeTwin(rulesets, host);
    try {
      cases.push(await runCase(test, engine, devicesOf(host)));
    } finally {
      engine.close();
    }
  }
  return { file, cases };
}

/** Rules and hosts that scripts name, each read once. */
class Files {
  readonly #rules = new Map<string, Ruleset>();
  readonly #hosts = new Map<string, HostConfig>();

  of(script: string, test: TestCase): { rulesets: Rulesets; config: HostConfig; where: string } {
    const { settings } = test;
    const rules = this.#beside(script, settings.rules, "rules.v4");
    const rules6 = this.#beside(script, settings.rules6, "rules.v6");
    const where = this.#beside(script, settings.host, "host.yaml");
    if (rules === null && rules6 === null)
      throw new Failure(
        `${script}: no rules: name them with “rules FILE”, or put rules.v4 or rules.v6 beside the script`,
      );
    if (where === null)
      throw new Failure(`${script}: no host: name it with “host FILE”, or put host.yaml beside the script`);
    const rulesets = {
      rules: rules === null ? null : this.#ruleset(rules, 4),
      rules6: rules6 === null ? null : this.#ruleset(rules6, 6),
    };
    return { rulesets, config: withSettings(this.#host(where), settings), where };
  }

  /** A file that the script names, relative to itself, else the usual one when it is there. */
  #beside(script: string, named: string | null, usual: string): string | null {
    const path = relative(".", join(dirname(script), named ?? usual));
    return named !== null || existsSync(path) ? path : null;
  }

  #ruleset(path: string, family: 4 | 6): Ruleset {
    const key = `${family} ${path}`;
    let ruleset = this.#rules.get(key);
    if (ruleset === undefined) {
      ruleset = loadRules(path, family);
      this.#rules.set(key, ruleset);
    }
    return ruleset;
  }

  #host(path: string): HostConfig {
    let config = this.#hosts.get(path);
    if (config === undefined) {
      config = loadHostFile(path);
      this.#hosts.set(path, config);
    }
    return config;
  }
}

/** The host as its file describes it, with what the script changes. */
function withSettings(config: HostConfig, settings: Settings): HostConfig {
  const sysctl = [...sysctlEntries(config.sysctl), ...Object.entries(settings.sysctl)].map(([k, v]) => `${k} = ${v}`);
  return { ...config, sysctl, ...(settings.seed === null ? {} : { seed: settings.seed }) };
}
