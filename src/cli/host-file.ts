/**
 * host.yaml (or JSON): the description of a host, checked with a sentence for every mistake and the place where it
 * stands. First the shape (which keys there are and what they hold), then what it means (is the gateway reachable, does
 * the sysctl exist), item by item, so that one reading shows all mistakes.
 */

import type { Document, LineCounter, Node } from "yaml";
import * as yaml from "yaml";
import * as z from "zod";
import { type HostConfig, type SysctlMap, sysctlEntries } from "../host/config.ts";
import { HostError } from "../host/error.ts";
import { Host } from "../host/host.ts";
import { namedInterfaces } from "../host/interfaces.ts";
import { SetError } from "../host/sets/sets.ts";
import { inOrder, type Problem } from "../rules/problem.ts";

export interface HostFile {
  readonly config: HostConfig;
  readonly problems: readonly Problem[];
}

type Path = readonly PropertyKey[];

/** Which keys there are, and what they hold. */
function formOf() {
  const expected = (what: string) => ({ error: () => `expected ${what}` });
  const text = (what: string) => z.string(expected(what));
  const wholeNumber = (what: string) => z.int(expected(what));

  const ADDRESS = "an address such as 192.0.2.1/24, or {address, peer, broadcast}";
  const address = z.union(
    [
      text(ADDRESS),
      z.strictObject({
        address: text("an address such as 192.0.2.1/24"),
        peer: text("an address with its prefix length").optional(),
        broadcast: text("an address").optional(),
      }),
    ],
    expected(ADDRESS),
  );
  const addresses = z.union([text(ADDRESS), z.array(address), z.null()], expected("an address or a list of addresses"));
  const device = {
    addresses: addresses.optional(),
    mac: text("a link-layer address such as 02:00:00:00:00:01").nullable().optional(),
    mtu: wholeNumber("a number of bytes such as 1500").nullable().optional(),
  };
  const SETTING = "a number or a text";
  const setting: z.ZodType = z.lazy(() =>
    z.union([z.number(), z.string(), z.boolean(), z.null(), z.record(z.string(), setting)], expected(SETTING)),
  );
  const lines = (what: string) => z.union([z.string(), z.array(text("a line of text")), z.null()], expected(what));

  return z.strictObject(
    {
      interfaces: z
        .union(
          [
            z.record(
              z.string(),
              z.union([z.strictObject(device), addresses], expected("addresses, or {addresses, mac, mtu}")),
            ),
            z.array(
              z.strictObject(
                { name: text("the name of a device"), ...device },
                expected("{name, addresses, mac, mtu}"),
              ),
            ),
            z.null(),
          ],
          expected("a map from names to devices, or a list of devices"),
        )
        .optional(),
      routes: lines("routes in ip route syntax: a list, or a text with one per line").optional(),
      sysctl: z
        .union(
          [z.record(z.string(), setting), z.array(text("a line of text")), z.string(), z.null()],
          expected("settings as `key: value`"),
        )
        .optional(),
      sets: lines("text as ipset save prints it, or a list of its lines").optional(),
      owner: z
        .strictObject(
          {
            uid: wholeNumber("a user's number"),
            gid: wholeNumber("a group's number"),
            groups: z
              .array(wholeNumber("a group's number"), expected("a list of groups' numbers"))
              .nullable()
              .optional(),
          },
          expected("{uid, gid, groups}"),
        )
        .nullable()
        .optional(),
      queues: z.literal("none", expected("none, or nothing")).nullable().optional(),
      seed: wholeNumber("a whole number").nullable().optional(),
    },
    expected("a map with interfaces, routes, sysctl, sets, owner, queues, seed"),
  );
}

/** Reads a host's description; `file` is for the sentences. The config is only good for use when there is no problem. */
export function loadHostFile(source: string, file: string): HostFile {
  const counter = new yaml.LineCounter();
  const document = yaml.parseDocument(source, { lineCounter: counter, prettyErrors: false });
  const places = new Places(source, file, counter, document);
  let data: unknown = {};
  try {
    // JSON may be indented with tabs, which YAML does not take.
    data = /^\s*\{/.test(source) && document.errors.length > 0 ? JSON.parse(source) : null;
  } catch {
    data = null;
  }
  if (data === null) {
    if (document.errors.length > 0) {
      // What comes behind the first mistake is read by guesswork.
      const [{ pos, code, message }] = document.errors;
      const said = code === "MULTIPLE_DOCS" ? "one host is expected, and another document begins here" : message;
      return { config: {}, problems: [places.at(pos[0], pos[1] - pos[0], `YAML: ${said}`)] };
    }
    try {
      data = document.toJS() ?? {};
    } catch (error) {
      return { config: {}, problems: [places.at(0, 1, error instanceof Error ? error.message : String(error))] };
    }
  }
  const checked = formOf().safeParse(data);
  if (!checked.success)
    return { config: {}, problems: inOrder(checked.error.issues.flatMap((issue) => shapeProblems(issue, [], places))) };
  const config = data as HostConfig;
  return { config, problems: inOrder([...meaningProblems(config, places)]) };
}

/** A zod issue as problems; inside a union, those of the form that was meant. */
function shapeProblems(issue: z.core.$ZodIssue, above: Path, places: Places): Problem[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => places.ofKey([...path, key], `there is no "${key}" here${known(path)}`));
  if (issue.code === "invalid_union") {
    // The form that got furthest is the one that was meant: its mistakes lie deeper than its type.
    const meant = issue.errors.find((form) =>
      form.every((inner) => inner.path.length > 0 || inner.code === "unrecognized_keys"),
    );
    if (meant !== undefined) return meant.flatMap((inner) => shapeProblems(inner, path, places));
  }
  const name = path.length === 0 ? "" : `${path.join(".")}: `;
  return [places.of(path, `${name}${issue.message}`)];
}

const known = (path: Path) =>
  path.length === 0
    ? ": a host has interfaces, routes, sysctl, sets, owner, queues and seed"
    : path[0] === "interfaces"
      ? ": an interface has addresses, mac and mtu"
      : "";

/** Builds the host piece by piece and says which piece is refused. */
function* meaningProblems(config: HostConfig, places: Places): Generator<Problem> {
  const interfaces = namedInterfaces(config.interfaces);
  let complete = true;
  for (const [item, said] of refused(interfaces, (some) => complaint({ interfaces: some }))) {
    complete = false;
    const named = !Array.isArray(config.interfaces);
    const path = ["interfaces", named ? item.name : interfaces.indexOf(item)];
    const words = culprit(said);
    yield named && words === null ? places.ofKey(path, said) : places.of(path, said, words ?? item.name);
  }
  if (!complete) return;
  const routes = [...linesOf(config.routes, "routes")];
  const routed = (some: typeof routes) => complaint({ interfaces, routes: some.map(([, line]) => line) });
  for (const [[path, line], said] of refused(routes, routed)) yield places.of(path, said, line.trim());
  yield* setProblems(config, interfaces, places);
  const owner = complaint({ owner: config.owner });
  if (owner !== null) yield places.of(["owner"], owner);
  const seed = complaint({ seed: config.seed });
  if (seed !== null) yield places.of(["seed"], seed);
  const host = new Host({ interfaces });
  for (const [key, value] of sysctlEntries(config.sysctl)) {
    const said = attempt(() => host.sysctl.set(key, value));
    if (said !== null) yield places.of(settingPath(config.sysctl, key), said, key);
  }
}

function* setProblems(config: HostConfig, interfaces: HostConfig["interfaces"], places: Places): Generator<Problem> {
  try {
    new Host({ interfaces, sets: config.sets });
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const all = [...linesOf(config.sets, "sets")];
    const line = error instanceof SetError ? all[error.line - 1] : undefined;
    yield places.of(line?.[0] ?? ["sets"], `sets: ${error.message}`, line?.[1].trim());
  }
}

/**
 * The items that are refused, in order, and why: each is judged by what stands before it and is not refused itself. The
 * first of them ends the shortest beginning that is refused, so few have to be tried.
 */
function* refused<T>(items: readonly T[], complain: (some: T[]) => string | null): Generator<[T, string]> {
  const left = [...items];
  for (let good = 0; ; ) {
    let said = complain(left);
    if (said === null) return;
    let bad = left.length;
    while (bad - good > 1) {
      const middle = (good + bad) >> 1;
      const sooner = complain(left.slice(0, middle));
      if (sooner === null) good = middle;
      else {
        bad = middle;
        said = sooner;
      }
    }
    yield [left[bad - 1], said];
    left.splice(bad - 1, 1);
  }
}

const complaint = (config: HostConfig) => attempt(() => new Host(config));

function attempt(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    if (error instanceof HostError) return error.message;
    throw error;
  }
}

/** What a complaint about an interface is about, as it is written; null: its name. */
function culprit(said: string): string | null {
  return (
    /^address "?([^" ]+)/.exec(said)?.[1] ?? /not "([^"]+)"$/.exec(said)?.[1] ?? /^(?:mtu|mac)/.exec(said)?.[0] ?? null
  );
}

/** Each line with the path of the node it stands in. */
function* linesOf(value: HostConfig["routes"], name: string): Generator<[Path, string]> {
  if (value === undefined || value === null) return;
  const items = typeof value === "string" ? [value] : value;
  for (const [i, item] of items.entries())
    for (const line of item.split("\n")) yield [typeof value === "string" ? [name] : [name, i], line];
}

/** Where a setting stands: its key may be spread over nested maps. */
function settingPath(config: HostConfig["sysctl"], key: string): Path {
  if (config === null || config === undefined || typeof config === "string") return ["sysctl"];
  if (Array.isArray(config))
    return [
      "sysctl",
      Math.max(
        0,
        config.findIndex((line) => line.includes(key)),
      ),
    ];
  const path: string[] = ["sysctl"];
  let level: SysctlMap[string] = config as SysctlMap;
  let rest = key;
  while (typeof level === "object" && level !== null) {
    const map: SysctlMap = level;
    const name: string | undefined = Object.keys(map).find(
      (candidate) =>
        rest === candidate || rest.startsWith(`${candidate.replaceAll(".", "/")}/`) || rest.startsWith(`${candidate}/`),
    );
    if (name === undefined) break;
    path.push(name);
    if (rest === name) break;
    rest = rest.slice(name.length + 1);
    level = map[name];
  }
  return path;
}

/** Finds the place of a node, of a key, or of words within a node. */
class Places {
  readonly #source: string;
  readonly #file: string;
  readonly #counter: LineCounter;
  readonly #document: Document;
  readonly #lines: readonly string[];

  constructor(source: string, file: string, counter: LineCounter, document: Document) {
    this.#source = source;
    this.#file = file;
    this.#counter = counter;
    this.#document = document;
    this.#lines = source.split("\n");
  }

  at(offset: number, length: number, message: string): Problem {
    const { line, col } = this.#counter.linePos(Math.min(offset, this.#source.length));
    const where = Math.max(1, Math.min(line, this.#lines.length));
    return {
      file: this.#file,
      line: where,
      column: Math.max(1, col),
      length: Math.max(1, length),
      message,
      code: 2,
      text: this.#lines[where - 1] ?? "",
    };
  }

  /** The node at a path, or the nearest one above that is there; `words`: those words in it. */
  of(path: Path, message: string, words?: string): Problem {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = depth === 0 ? this.#document.contents : this.#document.getIn(path.slice(0, depth), true);
      if (!yaml.isNode(node) || !node.range) continue;
      const [from, to] = this.#span(path.slice(0, depth), node);
      const found = words === undefined || words === "" ? -1 : this.#source.indexOf(words, from);
      if (found >= 0 && found < to) return this.at(found, (words as string).length, message);
      return this.at(from, yaml.isScalar(node) ? node.range[1] - from : 1, message);
    }
    return this.at(0, 1, message);
  }

  /** The key at a path. */
  ofKey(path: Path, message: string): Problem {
    const parent = path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true);
    const key = yaml.isMap(parent)
      ? parent.items.find((pair) => yaml.isScalar(pair.key) && String(pair.key.value) === path.at(-1))?.key
      : null;
    if (yaml.isScalar(key) && key.range) return this.at(key.range[0], key.range[1] - key.range[0], message);
    return this.of(path, message);
  }

  /** From the key (a setting is found by its name) to the end of the value. */
  #span(path: Path, node: Node): [number, number] {
    const [from, end] = node.range as readonly [number, number, number];
    if (yaml.isScalar(node) && path.length > 0) {
      const parent = path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true);
      const pair = yaml.isMap(parent)
        ? parent.items.find((item) => yaml.isScalar(item.key) && String(item.key.value) === String(path.at(-1)))
        : undefined;
      if (pair !== undefined && yaml.isScalar(pair.key) && pair.key.range && path[0] === "sysctl")
        return [pair.key.range[0], end];
    }
    return [from, end];
  }
}
