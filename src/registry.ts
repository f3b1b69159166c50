/** The only list of extensions. Adding one: its file, its table of lines, and a line here. */
import type { Family } from "./packet/hook.ts";
import type { MatchDeclaration, Registry, TargetDeclaration } from "./rules/extension.ts";

const MATCHES: readonly MatchDeclaration[] = [];

const TARGETS: readonly TargetDeclaration[] = [];

/** A registry over these declarations; a name taken twice in one family is a mistake in the list and throws. */
export function registryOf(matches: readonly MatchDeclaration[], targets: readonly TargetDeclaration[]): Registry {
  const index = <D extends MatchDeclaration | TargetDeclaration>(list: readonly D[]) => {
    const byName = new Map<string, D>();
    for (const d of list)
      for (const family of d.families) {
        const key = `${family} ${d.name}`;
        if (byName.has(key)) throw new Error(`extension ${d.name} is registered twice for IPv${family}`);
        byName.set(key, d);
      }
    return (name: string, family: Family) => byName.get(`${family} ${name}`);
  };
  return { match: index(matches), target: index(targets), matches, targets };
}

export const registry: Registry = registryOf(MATCHES, TARGETS);
