/** The host that packets meet: described in a file, or guessed. */
import type { HostConfig, InterfaceConfig } from "../host/config.ts";
import { renderProblems } from "../rules/problem.ts";
import { Failure } from "./failure.ts";
import { loadHostFile as parseHostFile } from "./host-file.ts";
import { readText } from "./rules-file.ts";

/** Throws Failure with a problem per mistake. */
export function loadHostFile(path: string): HostConfig {
  const { config, problems } = parseHostFile(readText(path), path);
  if (problems.length > 0) throw new Failure(renderProblems(problems));
  return config;
}

/** A guessed host in two or three lines. */
export function guessText(config: HostConfig): string[] {
  const interfaces = Object.entries(config.interfaces as Readonly<Record<string, InterfaceConfig>>);
  const shown = interfaces.map(([name, { addresses }]) => {
    const list = ((addresses ?? []) as readonly string[]).join(", ");
    return list === "" ? `${name} without an address` : `${name} ${list}`;
  });
  const routes = (config.routes as readonly string[]).filter((route) => !route.startsWith("-6"));
  return [`No --host given. Guessed from the capture: ${shown.join("; ")}; ${routes.join("; ")}`];
}
