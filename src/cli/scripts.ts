/** Packet scripts on disk: where they are, and the rules and hosts that they name. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseScript, type Settings, type TestCase } from "../flow/script.ts";
import { type HostConfig, sysctlEntries } from "../host/config.ts";
import { Failure, systemError } from "./failure.ts";
import { loadHostFile } from "./host.ts";
import { loadRules, type Rulesets, type RulesFile, readText, tooWrong } from "./rules-file.ts";

/** The scripts that are named, and those in the folders that are named. */
export function scripts(paths: readonly string[]): string[] {
  const found: string[] = [];
  for (const path of paths.length === 0 ? ["."] : paths) {
    if (path === "-" || !readable(path, () => statSync(path)).isDirectory()) {
      found.push(path);
      continue;
    }
    const inside = scriptsIn(path);
    if (inside.length === 0) throw new Failure(`${path} holds no packet script (*.flow)`);
    found.push(...inside);
  }
  return found;
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Failure(`${path} cannot be read: ${systemError(error)}`);
  }
}

function scriptsIn(folder: string): string[] {
  const found: string[] = [];
  const entries = readable(folder, () => readdirSync(folder, { withFileTypes: true })).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== "node_modules" && !entry.name.startsWith("."))
      found.push(...scriptsIn(path));
    else if (entry.isFile() && entry.name.endsWith(".flow")) found.push(path);
  }
  return found;
}

/** The tests of a script. Throws Failure with a problem per mistake. */
export function casesOf(file: string): readonly TestCase[] {
  const { script, mistakes } = parseScript(readText(file), file);
  if (mistakes.length > 0) throw tooWrong(mistakes);
  return script.cases;
}

/** Rules and hosts that scripts name, each read once. */
export class ScriptFiles {
  readonly #rules = new Map<string, RulesFile>();
  readonly #hosts = new Map<string, HostConfig>();

  /** What a test of a script runs on; `where` is the file to blame for a host that makes no sense. */
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
      4: rules === null ? null : this.#ruleset(rules, 4),
      6: rules6 === null ? null : this.#ruleset(rules6, 6),
    };
    const own = Object.keys(settings.sysctl).length > 0;
    return { rulesets, config: withSettings(this.#host(where), settings), where: own ? script : where };
  }

  /** A file that the script names, relative to itself, else the usual one when it is there. */
  #beside(script: string, named: string | null, usual: string): string | null {
    const path = relative(".", join(dirname(script), named ?? usual));
    return named !== null || existsSync(path) ? path : null;
  }

  #ruleset(path: string, family: 4 | 6): RulesFile {
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
