/** An ipset named in a rule: `NAME src,dst`, as the set match and the SET target take it (libxt_set.h). */
import type { IpSet } from "../host/sets/set.ts";
import { type Engine, type OptionType, RuleError } from "./extension.ts";

const NAME_MAX = 31;
const MAX_DIRECTIONS = 6;

export type Direction = "src" | "dst";

export interface NamedSet {
  readonly set: string;
  readonly directions: readonly Direction[];
}

/** The two words behind `option`: each direction is known by its first three letters. */
export function namedSet(option: string): OptionType<NamedSet> {
  return {
    arity: 2,
    parse([set, directions]) {
      if (directions === undefined || directions.startsWith("-") || directions.startsWith("!"))
        throw new RuleError(`${option} requires two args.`);
      if (set.length > NAME_MAX) throw new RuleError(`setname \`${set}' too long, max ${NAME_MAX} characters.`);
      return { set, directions: parseDirections(directions) };
    },
    print: printNamedSet,
  };
}

export function printNamedSet({ set, directions }: NamedSet): string {
  return `${set} ${directions.join(",")}`;
}

function parseDirections(word: string): Direction[] {
  const words = word.split(",");
  const directions = words.slice(0, MAX_DIRECTIONS).map((direction): Direction => {
    if (direction.startsWith("src")) return "src";
    if (direction.startsWith("dst")) return "dst";
    throw new RuleError("You must spefify (the comma separated list of) 'src' or 'dst'.");
  });
  if (words.length > MAX_DIRECTIONS) throw new RuleError(`Can't be more src/dst options than ${MAX_DIRECTIONS}.`);
  return directions;
}

/** The host's set of this name. A ruleset cannot name a set that is not there, or one of the other family. */
export function findSet({ set }: NamedSet, { host, family }: Engine): IpSet {
  const found = host.sets.get(set);
  if (found === undefined) throw new RuleError(`Set ${set} doesn't exist: it is not among the host's sets`);
  if (found.family !== 0 && found.family !== family)
    throw new RuleError(
      `The protocol family of set ${set} is ${found.family === 4 ? "IPv4" : "IPv6"}, which is not applicable.`,
    );
  return found;
}
