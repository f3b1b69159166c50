/** The host that packets meet: described in a file, or guessed. */
import type { HostConfig, InterfaceConfig } from "../host/config.ts";
import { renderProblems } from "../rules/problem.ts";
import { Failure } from "./failure.ts";
import { loadHostFile as parseHostFile } from "./host-file.ts";
import { readText } from "./rules-file.ts";

/** The first mistakes explain the others as a rule. */
const MOST_PROBLEMS = 10;

/** Throws Failure with a problem per mistake. */
export function loadHostFile(path: string): HostConfig {
  const text = readText(path);
  if (text.includes("\0")) throw new Failure(`${path} is not a description of a host: it is not text`);
  const { config, problems } = parseHostFile(text, path);
  if (problems.length > 0) throw new Failure(renderProblems(problems.slice(0, MOST_PROBLEMS)));
  return config;
}

/** A guessed host in two or three lines. */
export function guessText(config: HostConfig): string[] {
  const interfaces = Object.entries(config.interfaces as Readonly<Record<string, InterfaceConfig>>);
  const shown = interfaces.map(([name, { addresses }]) => {
    const list = ((addresses ?? []) as readonly string[]).join(", ");
    return list === "" ? `${name} without an address` : `${name} ${list}`;
  });
  const routes = (config.routes as readonly string[]).filter((route) => !route.startsWith("::"));
  return [`No --host given. Guessed from the capture: ${shown.join("; ")}; ${routes.join("; ")}`];
}
