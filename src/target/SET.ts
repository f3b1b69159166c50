/** `-j SET`: puts what the packet says into an ipset, takes it out, or gives the packet an element's mark (xt_set.c). */
import { SetQuery } from "../host/sets/set.ts";
import { CONTINUE, FORWARD, OUTPUT, POSTROUTING } from "../packet/hook.ts";
import { type OptionType, RuleError, target } from "../rules/extension.ts";
import { findSet, type NamedSet, namedSet, printNamedSet } from "../rules/named-set.ts";
import { flag, hex, parseNumber, U32_MAX } from "../rules/types.ts";

/** Half of what fits into 32 bits of milliseconds: longer is cut to it. */
const TIMEOUT_MAX = 2147483;
const PRIORITY_HOOKS: readonly number[] = [FORWARD, OUTPUT, POSTROUTING];

const seconds: OptionType<number> = {
  arity: 1,
  parse([word]) {
    const value = parseNumber(word, 0, U32_MAX - 1);
    if (value === null) throw new RuleError(`Invalid value for option --timeout or out of range 0-${U32_MAX - 1}`);
    return value;
  },
  print: String,
};

interface SetChange {
  readonly add: NamedSet | null;
  readonly exist: boolean;
  /** Seconds, null: the set's own. */
  readonly timeout: number | null;
  readonly remove: NamedSet | null;
  readonly map: NamedSet | null;
  readonly mapMark: boolean;
  readonly mapPriority: boolean;
  readonly mapQueue: boolean;
}

/** iptables takes `!` before any of these and forgets it. */
const careless = { not: true, repeat: true } as const;
const setOption = (option: string, help: string) => ({
  type: namedSet(option),
  not: true,
  onceOnly: `${option} can be specified only once`,
  help,
});

export const SET = target({
  name: "SET",
  families: [4, 6],
  options: {
    "--add-set": setOption("--add-set", "set, and which address or port each of its dimensions is: src or dst"),
    "--exist": { ...careless, type: flag, help: "an element that is there gets the timeout anew" },
    "--timeout": { ...careless, type: seconds, help: "seconds that the new element stays" },
    "--del-set": setOption("--del-set", "as --add-set, but the element goes"),
    "--map-set": setOption("--map-set", "set whose element tells what follows"),
    "--map-mark": { ...careless, type: flag, help: "the packet gets the element's mark" },
    "--map-prio": { ...careless, type: flag, help: "… its priority" },
    "--map-queue": { ...careless, type: flag, help: "… its queue" },
  },
  check(given) {
    const [add, map] = [given["--add-set"], given["--map-set"]];
    if (add === undefined && given["--del-set"] === undefined && map === undefined)
      throw new RuleError("You must specify either `--add-set' or `--del-set' or `--map-set'");
    if (add === undefined) {
      if (given["--exist"] !== undefined) throw new RuleError("Flag `--exist' can be used with `--add-set' only");
      if (given["--timeout"] !== undefined) throw new RuleError("Option `--timeout' can be used with `--add-set' only");
    }
    const flags = (["--map-mark", "--map-prio", "--map-queue"] as const).filter((name) => given[name] !== undefined);
    if (map === undefined && flags.length > 0)
      throw new RuleError(`Flag \`${flags[0]}' can be used with \`--map-set' only`);
    if (map !== undefined && flags.length === 0)
      throw new RuleError("You must specify flags `--map-mark' or '--map-prio` or `--map-queue'");
  },

  bind: (given): SetChange => ({
    add: given["--add-set"]?.value ?? null,
    exist: given["--exist"] !== undefined,
    timeout: (given["--timeout"]?.value as unknown as number[] | undefined)?.at(-1) ?? null,
    remove: given["--del-set"]?.value ?? null,
    map: given["--map-set"]?.value ?? null,
    mapMark: given["--map-mark"] !== undefined,
    mapPriority: given["--map-prio"] !== undefined,
    mapQueue: given["--map-queue"] !== undefined,
  }),

  print(is) {
    const words: string[] = [];
    if (is.add !== null) words.push(`--add-set ${printNamedSet(is.add)}`);
    if (is.exist) words.push("--exist");
    if (is.timeout !== null) words.push(`--timeout ${is.timeout}`);
    if (is.remove !== null) words.push(`--del-set ${printNamedSet(is.remove)}`);
    if (is.map !== null) words.push(`--map-set ${printNamedSet(is.map)}`);
    if (is.mapMark) words.push("--map-mark");
    if (is.mapPriority) words.push("--map-prio");
    if (is.mapQueue) words.push("--map-queue");
    return words.join(" ");
  },

  checkEntry(is, { table, hooks }) {
    if (is.map === null) return;
    if (table !== "mangle") throw new RuleError("--map-set only usable from mangle table", 1);
    if ((is.mapPriority || is.mapQueue) && hooks.some((hook) => !PRIORITY_HOOKS.includes(hook)))
      throw new RuleError("mapping of prio or/and queue is allowed only from OUTPUT/FORWARD/POSTROUTING chains", 1);
  },

  compile(is, on) {
    const asked = (named: NamedSet | null) =>
      named === null ? null : { set: findSet(named, on), query: new SetQuery(on.family, named.directions) };
    const add = asked(is.add);
    const remove = asked(is.remove);
    const map = asked(is.map);
    if (add !== null) {
      add.query.exist = is.exist;
      if (is.timeout !== null) add.query.timeout = Math.min(is.timeout, TIMEOUT_MAX);
    }
    const { mapMark, mapPriority } = is;
    return (p) => {
      if (add !== null) add.set.add(p, add.query);
      if (remove !== null) remove.set.delete(p, remove.query);
      if (map === null) return CONTINUE;
      const { query } = map;
      // Of a set without such extensions the answers are these.
      query.mark = query.markMask = query.priority = 0;
      if (!map.set.test(p, query)) return CONTINUE;
      if (mapMark) p.mark = (p.mark & ~query.markMask) ^ query.mark;
      if (mapPriority) p.priority = query.priority;
      return CONTINUE;
    };
  },

  does(is, p) {
    const done: string[] = [];
    if (is.add !== null) done.push(`adds to set ${printNamedSet(is.add)}`);
    if (is.remove !== null) done.push(`deletes from set ${printNamedSet(is.remove)}`);
    if (is.map !== null) done.push(`looks into set ${printNamedSet(is.map)}: mark ${hex(p.mark)}`);
    return `SET ${done.join(", ")}`;
  },
});
