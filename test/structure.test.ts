/**
 * The rules of the house (docs/ARCHITECTURE.md), enforced: data flows one way, only the edge of the system touches
 * the machine, extensions stay strangers to each other, and files stay small enough to be one thing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import test from "ava";
import * as layout from "../src/assembly/layout.ts";
import { SEGMENT_KINDS, TCP_STATES } from "../src/assembly/tcp-words.ts";

/** Folders in the order in which data flows; a file imports from its own or an earlier rank. */
const FLOW: readonly (readonly string[])[] = [
  ["assembly"],
  ["bytes"],
  ["packet"],
  ["host"],
  ["conntrack"],
  ["nat"],
  ["rules"],
  ["match", "target", "protocol", "helper"],
  ["registry.ts"],
  ["path"],
  ["flow"],
  ["report"],
  ["index.ts"],
  ["kernel"],
  ["cli"],
];
/** Folders that may touch the machine: files, processes, clocks, argv. */
const EDGE = ["kernel", "cli"];
const MACHINE =
  /\bfrom "node:|\bimport\("node:|\bprocess\.|\bBuffer\b|\bnew Date\b|\bDate\.(now|parse|UTC)\b|\bperformance\./;
const LONGEST_FILE = 600;

interface SourceFile {
  readonly path: string;
  readonly room: string;
  readonly text: string;
}

const sources: SourceFile[] = readdirSync("src", { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".ts"))
  .sort()
  .map((name) => ({ path: `src/${name}`, room: name.split("/")[0], text: readFileSync(join("src", name), "utf8") }));
const production = sources.filter((file) => !file.path.endsWith(".test.ts"));

const rank = (room: string) => FLOW.findIndex((rooms) => rooms.includes(room));

function* imports(file: SourceFile): Generator<{ to: string; typeOnly: boolean }> {
  for (const m of file.text.matchAll(/^\s*(import|export)\s+(type\s)?[^;"]*?from\s+"(\.[^"]+)"/gm)) {
    const path = normalize(join(dirname(file.path), m[3]));
    if (path.startsWith("src/")) yield { to: path.slice(4).split("/")[0], typeOnly: m[2] !== undefined };
  }
}

test("every folder of src/ has its place in the flow", (t) => {
  t.deepEqual([...new Set(sources.map((file) => file.room).filter((room) => rank(room) < 0))], []);
});

test("a file imports only from its own folder or from earlier ones", (t) => {
  const broken: string[] = [];
  for (const file of production)
    for (const { to } of imports(file)) {
      const backwards = rank(to) < rank(file.room) || to === file.room;
      if (!backwards) broken.push(`${file.path} imports from ${to}`);
    }
  t.deepEqual(broken, []);
});

test("only cli/ and kernel/ touch node:, process, Buffer or the clock", (t) => {
  const broken = production
    .filter((file) => !EDGE.includes(file.room))
    .filter((file) => MACHINE.test(file.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "")));
  t.deepEqual(
    broken.map((file) => file.path),
    [],
  );
});

test("the parts of the core's memory do not overlap", (t) => {
  const ends: readonly (readonly [name: string, from: number, bytes: number])[] = [
    ["packets", layout.PACKETS, layout.PACKETS_SIZE],
    ["masks", layout.MASKS, 2 * layout.MASK_SIZE],
    ["control", layout.CONTROL, 4 * layout.CONTROL_WORDS],
    ["clock", layout.CLOCK, 8 * layout.CLOCK_NUMBERS],
    ["TCP's states", layout.TCP_NEXT, 2 * SEGMENT_KINDS * TCP_STATES],
    ["TCP's kinds", layout.TCP_KINDS, 32],
    ["TCP's flags", layout.TCP_VALID, 0x40],
    ["TCP's timeouts", layout.TCP_TIMEOUTS, 4 * TCP_STATES],
    ["interfaces", layout.INTERFACES, layout.INTERFACES_SLOTS * layout.INTERFACE_SIZE],
    ["links", layout.LINKS, layout.LINKS_SLOTS * layout.LINK_SIZE],
    ["routes", layout.ROUTING, layout.ROUTING_SIZE],
    ["single packet", layout.SINGLE, layout.SINGLE_SIZE],
    ["ways", layout.WAYS, layout.WAYS_SLOTS * layout.WAY_SIZE],
    ["parts", layout.PARTS, layout.PARTS_SIZE],
    ["tables", layout.TABLES, layout.MEMORY_SIZE - layout.TABLES],
  ];
  const broken = ends.slice(1).filter(([, from], i) => ends[i][1] + ends[i][2] > from);
  t.deepEqual(broken, []);
  const [last] = ends.slice(-1);
  t.is(last[1] + last[2], layout.MEMORY_SIZE);
});

test("every module says what it is about before it does it", (t) => {
  const silent = production.filter((file) => !/^(#!.*\n)?\s*\/\*\*/.test(file.text));
  t.deepEqual(
    silent.map((file) => file.path),
    [],
  );
});

test("every extension file is named after the extension it declares", (t) => {
  const broken: string[] = [];
  for (const file of production)
    if (file.room === "match" || file.room === "target") {
      const name = file.text.match(/\b(?:match|target)(?:<[^(]*>)?\(\{\s*name: "([^"]+)"/)?.[1];
      if (
        name !== undefined &&
        file.path !== `src/${file.room}/${name}.ts` &&
        !file.path.startsWith(`src/${file.room}/${name}6`)
      )
        broken.push(`${file.path} declares ${name}`);
    }
  t.deepEqual(broken, []);
});

test("no file is so long that it must be two things", (t) => {
  const long = production
    .map((file) => [file.path, file.text.split("\n").length] as const)
    .filter(([, lines]) => lines > LONGEST_FILE);
  t.deepEqual(long, []);
});

test("nothing is left for later, silenced, or focused", (t) => {
  const left = sources.filter((file) =>
    /\bTODO\b|\bFIXME\b|\bXXX\b|@ts-ignore|@ts-nocheck|\btest\.only\(/.test(file.text),
  );
  t.deepEqual(
    left.map((file) => file.path),
    [],
  );
});
