/**
 * The ways to walk a table must always agree: explaining (the kernel's own loop), generated code, the conditions'
 * functions, and both again behind the rule index. Random rulesets, random packets; verdict, decision, counters,
 * marks and the order in which stateful matches were asked are compared.
 */
import test from "ava";
import fc from "fast-check";
import type { Conntrack } from "../conntrack/conntrack.ts";
import type { Host } from "../host/host.ts";
import { iprange } from "../match/iprange.ts";
import type { Nat } from "../nat/nat.ts";
import { CONTINUE, type Family, FORWARD } from "../packet/hook.ts";
import { Packet } from "../packet/packet.ts";
import type { Step } from "../packet/step.ts";
import { registryOf } from "../registry.ts";
import { type Answers, match, type Registry, target } from "../rules/extension.ts";
import type { Chain, Destination, Rule, Ruleset } from "../rules/ruleset.ts";
import { compileRuleset, LoadError } from "./compile.ts";
import { BACK, Decisions } from "./decisions.ts";
import { type Explainer, explain } from "./explain.ts";
import { generate } from "./generate.ts";
import type { CompiledChain, CompiledTable } from "./program.ts";
import { RuleIndex } from "./rule-index.ts";
import { prepareTable, tableWalk } from "./walk.ts";

interface Ports {
  readonly field: "sport" | "dport";
  readonly low: number;
  readonly high: number;
}

interface SeveralPorts {
  readonly field: "sport" | "dport";
  readonly ranges: readonly (readonly [number, number])[];
}

/** Asks its number of a list, which tells later who was asked, and in which order. */
interface Asked {
  readonly id: number;
  readonly modulo: number;
}

let asked: string[] = [];

const options = {};
const ports = match<typeof options, Ports>({
  name: "ports",
  families: [4, 6],
  options,
  compile: (is) => (p) => p.hasPorts && p[is.field] >= is.low && p[is.field] <= is.high,
  source: (is) => `p.hasPorts && p.${is.field} >= ${is.low} && p.${is.field} <= ${is.high}`,
  fields: (is, say) => say.range(is.field, is.low, is.high),
});
const severalPorts = match<typeof options, SeveralPorts>({
  name: "severalPorts",
  families: [4, 6],
  options,
  compile: (is) => (p) => p.hasPorts && is.ranges.some(([low, high]) => p[is.field] >= low && p[is.field] <= high),
  source: ({ field, ranges }) =>
    `p.hasPorts && (${ranges.map(([low, high]) => `p.${field} >= ${low} && p.${field} <= ${high}`).join(" || ")})`,
  fields: ({ field, ranges }, say) =>
    say.ranges(
      field,
      ranges.map(([from, to]) => ({ from, to })),
    ),
});
const asks = match<typeof options, Asked>({
  name: "asks",
  families: [4, 6],
  options,
  compile: (is) => (p) => {
    asked.push(`${is.id} ${p.mark}`);
    return (p.sport + is.id) % is.modulo === 0;
  },
});
const hotdrop = match<typeof options, Asked>({
  name: "hotdrop",
  families: [4, 6],
  options,
  compile: (is) => (p) => {
    p.hotdrop = (p.dport + is.id) % is.modulo === 0;
    return false;
  },
});
const setmark = target<typeof options, { mark: number }>({
  name: "SETMARK",
  families: [4, 6],
  options,
  compile: (is) => (p) => {
    p.mark = (p.mark * 31 + is.mark) | 0;
    return CONTINUE;
  },
});
/** A target that changes what the index looks at. */
const moves = target<typeof options, { port: number }>({
  name: "MOVES",
  families: [4, 6],
  options,
  compile: (is) => (p) => {
    p.dport = is.port;
    p.src0 = (p.src0 + 1) | 0;
    return CONTINUE;
  },
});
const registry: Registry = registryOf([ports, severalPorts, asks, hotdrop, iprange], [setmark, moves]);

const host = {
  interfaces: ["", "lo", "lan0", "lan1", "wan0"].map((name, index) => ({ name, index })),
} as unknown as Host;

const silent: Explainer = { text: () => "", trace: () => {} };

function compile(ruleset: Ruleset): CompiledTable {
  const machine = {
    host,
    conntrack: {} as Conntrack,
    nat: {} as Nat,
    answers: {} as Answers,
    registry,
    decisions: new Decisions(),
  };
  return compileRuleset(ruleset, machine)[0];
}

const WORDS = [0x0a000001, 0x0a000102, 0x0a010000, -0x3f5700ff, 0x7f000001];

function addressArb(family: Family) {
  const words = family === 4 ? 1 : 4;
  return fc
    .record({
      not: fc.boolean(),
      prefix: fc.constantFrom(0, 8, 16, 23, 24, 31, 32),
      words: fc.array(fc.constantFrom(...WORDS), { minLength: words, maxLength: words }),
    })
    .map(({ not, prefix, words }) => {
      const mask = words.map((_, i) => (i > 0 || prefix === 0 ? 0 : -1 << (32 - prefix)));
      return { not: not && prefix > 0, mask, address: words.map((word, i) => word & mask[i]) };
    });
}

const deviceArb = fc.record({
  not: fc.boolean(),
  name: fc.constantFrom("lan", "lan0", "wan0", "gone", ""),
  wildcard: fc.boolean(),
});

const PORTS = [0, 53, 80, 443, 1024, 65535];
const portsArb = fc
  .tuple(fc.constantFrom("sport", "dport"), fc.constantFrom(...PORTS), fc.constantFrom(...PORTS))
  .map(([field, a, b]) => ({ name: "ports", options: { field, low: Math.min(a, b), high: Math.max(a, b) } }));
const somePort = fc.oneof(fc.constantFrom(...PORTS), fc.nat(65535));
/** In no order, overlapping or touching now and then. */
const severalPortsArb = fc
  .record({
    field: fc.constantFrom("sport", "dport"),
    ports: fc.array(fc.tuple(somePort, fc.constantFrom(0, 0, 1, 700)), { minLength: 1, maxLength: 6 }),
  })
  .map(({ field, ports }) => {
    const ranges = ports.map(([low, more]): [number, number] => [low, Math.min(low + more, 65535)]);
    return { name: "severalPorts", options: { field, ranges } };
  });
/** Reversed ranges too: they never match. */
function spanArb(family: Family) {
  const words = family === 4 ? 1 : 4;
  const address = fc.array(fc.constantFrom(...WORDS), { minLength: words, maxLength: words });
  return fc
    .record({
      side: fc.constantFrom("--src-range", "--dst-range"),
      not: fc.boolean(),
      value: fc.record({ from: address, to: address }),
    })
    .map(({ side, not, value }) => ({ name: "iprange", options: { [side]: { not, value } } }));
}
const statefulArb = fc.record({
  name: fc.constantFrom("asks", "asks", "asks", "hotdrop"),
  options: fc.record({ id: fc.nat(20), modulo: fc.integer({ min: 2, max: 50 }) }),
});

function targetArb(chains: readonly string[]): fc.Arbitrary<Destination | null> {
  const use = (name: string, options: unknown): Destination => ({ kind: "target", use: { name, options } });
  const ways: fc.Arbitrary<Destination | null>[] = [
    fc.constantFrom(null, use("ACCEPT", {}), use("DROP", {}), use("RETURN", {})),
    fc.nat(9).map((mark) => use("SETMARK", { mark })),
    fc.constantFrom(...PORTS).map((port) => use("MOVES", { port })),
  ];
  if (chains.length > 0)
    ways.push(
      fc.record({ kind: fc.constantFrom("jump" as const, "goto" as const), chain: fc.constantFrom(...chains) }),
    );
  return fc.oneof(...ways);
}

let ids = 0;

function ruleArb(family: Family, chains: readonly string[]): fc.Arbitrary<Rule> {
  const maybe = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: null, freq: 2 });
  return fc
    .record({
      source: maybe(addressArb(family)),
      destination: maybe(addressArb(family)),
      inInterface: fc.option(deviceArb, { nil: null, freq: 1 }),
      outInterface: fc.option(deviceArb, { nil: null, freq: 1 }),
      protocol: maybe(fc.record({ not: fc.boolean(), number: fc.constantFrom(6, 17, 1) })),
      matches: fc.array(
        fc.oneof(
          { weight: 4, arbitrary: portsArb },
          { weight: 2, arbitrary: severalPortsArb },
          { weight: 1, arbitrary: spanArb(family) },
          { weight: 1, arbitrary: statefulArb },
        ),
        { maxLength: 2 },
      ),
      target: targetArb(chains),
    })
    .map((rule) => ({
      ...rule,
      id: ids++,
      fragment: null,
      counters: { packets: 0, bytes: 0 },
      place: null,
    }));
}

/** Chains may only jump to later ones, so that there are no loops. */
function rulesetArb(family: Family, longest: number): fc.Arbitrary<Ruleset> {
  const names = ["FORWARD", "one", "two", "three"];
  const chain = (i: number) =>
    fc.array(ruleArb(family, names.slice(i + 1)), { maxLength: i === 0 ? longest : 8 }).map(
      (rules): Chain => ({
        name: names[i],
        policy: i === 0 ? "ACCEPT" : null,
        counters: { packets: 0, bytes: 0 },
        rules,
      }),
    );
  return fc
    .tuple(...names.map((_, i) => chain(i)))
    .map((chains) => ({ family, nextId: ids, tables: [{ name: "filter", chains }] }));
}

interface Fields {
  readonly source: readonly number[];
  readonly destination: readonly number[];
  readonly protocol: number;
  readonly sport: number;
  readonly dport: number;
  readonly inDev: number;
  readonly outDev: number;
}

const fieldsArb: fc.Arbitrary<Fields> = fc.record({
  source: fc.array(fc.constantFrom(...WORDS), { minLength: 4, maxLength: 4 }),
  destination: fc.array(fc.constantFrom(...WORDS), { minLength: 4, maxLength: 4 }),
  protocol: fc.constantFrom(6, 17, 1, 47),
  sport: fc.oneof(fc.constantFrom(...PORTS), fc.nat(65535)),
  dport: fc.oneof(fc.constantFrom(...PORTS), fc.nat(65535)),
  inDev: fc.nat(4),
  outDev: fc.nat(4),
});

function packet(family: Family, f: Fields): Packet {
  const p = new Packet();
  p.family = family;
  p.length = 100;
  [p.src0, p.src1, p.src2, p.src3] = f.source;
  [p.dst0, p.dst1, p.dst2, p.dst3] = f.destination;
  if (family === 4) p.src1 = p.src2 = p.src3 = p.dst1 = p.dst2 = p.dst3 = 0;
  p.protocol = f.protocol;
  p.hasPorts = f.protocol !== 47;
  if (p.hasPorts) [p.sport, p.dport] = [f.sport, f.dport];
  p.inDev = f.inDev;
  p.outDev = f.outDev;
  return p;
}

type Way = (table: CompiledTable, base: CompiledChain) => (p: Packet) => number;

function closing(table: CompiledTable, base: CompiledChain, run: (p: Packet) => number) {
  return (p: Packet) => {
    const code = run(p);
    if (p.hotdrop) return code & ~3;
    if (code !== BACK) return code;
    table.counters[base.policyCounter]++;
    table.counters[base.policyCounter + 1] += p.length;
    return base.policyCode;
  };
}

const WAYS: Record<string, Way> = {
  explain: (table, base) => (p) => explain(table, base, p, silent),
  prepared: (table, base) => {
    prepareTable(table, host, true);
    return tableWalk(table, base, silent);
  },
  functions: (table, base) => {
    prepareTable(table, host, false);
    return tableWalk(table, base, silent);
  },
  generated: (table, base) => {
    for (const chain of table.chains) chain.run = generate(chain.rules, table.counters, false);
    return closing(table, base, base.run);
  },
  indexed: (table, base) => {
    for (const chain of table.chains) {
      const index = new RuleIndex(chain, table.counters, table.family, host, true);
      chain.run = (p) => index.walk(p);
    }
    return closing(table, base, base.run);
  },
};

function outcome(ruleset: Ruleset, way: Way, packets: readonly Fields[], rounds: number): unknown {
  const table = compile(ruleset);
  const base = table.base[FORWARD] as CompiledChain;
  const run = way(table, base);
  asked = [];
  const codes: unknown[] = [];
  for (let round = 0; round < rounds; round++)
    for (const fields of packets) {
      const p = packet(ruleset.family, fields);
      codes.push([run(p), p.mark, p.dport, p.src0]);
    }
  return { codes, asked, counters: Array.from(table.counters) };
}

for (const family of [4, 6] as const)
  test(`every way to walk IPv${family} rules comes to the same end`, (t) => {
    fc.assert(
      fc.property(rulesetArb(family, 90), fc.array(fieldsArb, { minLength: 1, maxLength: 12 }), (ruleset, packets) => {
        // Enough rounds that leaves of the index become generated code.
        const rounds = Math.ceil(110 / packets.length);
        const expected = outcome(ruleset, WAYS.explain, packets, rounds);
        for (const name of Object.keys(WAYS))
          t.deepEqual(outcome(ruleset, WAYS[name], packets, rounds), expected, name);
      }),
      { numRuns: 60 },
    );
  });

test("a chain of thousands of rules is cut into pieces, and the index finds each of them", (t) => {
  const rules = Array.from(
    { length: 2000 },
    (_, i): Rule => ({
      id: i,
      source: i % 3 === 0 ? { not: false, address: [0x0a000000 + i], mask: [-1] } : null,
      destination: i % 3 === 1 ? { not: false, address: [0x0b000000 + (i << 8)], mask: [-256] } : null,
      inInterface: null,
      outInterface: null,
      protocol: { not: false, number: 6 },
      fragment: null,
      matches: i % 3 === 2 ? [{ name: "ports", options: { field: "dport", low: i, high: i } }] : [],
      target: { kind: "target", use: { name: i % 2 === 0 ? "ACCEPT" : "DROP", options: {} } },
      counters: { packets: 0, bytes: 0 },
      place: null,
    }),
  );
  const chain: Chain = { name: "FORWARD", policy: "DROP", counters: { packets: 0, bytes: 0 }, rules };
  const ruleset: Ruleset = { family: 4, nextId: 2000, tables: [{ name: "filter", chains: [chain] }] };
  const packets = rules.map((_, i): Fields => {
    const word = i % 3 === 0 ? 0x0a000000 + i : 1;
    const to = i % 3 === 1 ? 0x0b000000 + (i << 8) + 7 : 2;
    const dport = i % 3 === 2 ? i : 0;
    return {
      source: [word, 0, 0, 0],
      destination: [to, 0, 0, 0],
      protocol: 6,
      sport: 9,
      dport,
      inDev: 2,
      outDev: 4,
    };
  });
  const seen = outcome(ruleset, WAYS.indexed, packets, 1) as { counters: number[] };
  t.deepEqual(
    rules.flatMap((_, i) => (seen.counters[2 * i + 2] === 1 ? [] : [i])),
    [],
  );
  t.deepEqual(
    outcome(ruleset, WAYS.generated, packets.slice(0, 50), 1),
    outcome(ruleset, WAYS.indexed, packets.slice(0, 50), 1),
  );
});

function simpleRule(target: Destination | null, matches: Rule["matches"] = []): Rule {
  return {
    id: ids++,
    source: null,
    destination: null,
    inInterface: null,
    outInterface: null,
    protocol: null,
    fragment: null,
    matches,
    target,
    counters: { packets: 0, bytes: 0 },
    place: { file: "rules.v4", line: 7 },
  };
}

const zero = { packets: 0, bytes: 0 };
const accept: Destination = { kind: "target", use: { name: "ACCEPT", options: {} } };

test("a chain that a goto entered comes back to the caller's caller", (t) => {
  const chains: Chain[] = [
    {
      name: "FORWARD",
      policy: "DROP",
      counters: zero,
      rules: [simpleRule({ kind: "jump", chain: "a" }), simpleRule(accept)],
    },
    { name: "a", policy: null, counters: zero, rules: [simpleRule({ kind: "goto", chain: "b" }), simpleRule(null)] },
    { name: "b", policy: null, counters: zero, rules: [simpleRule(null)] },
  ];
  const table = compile({ family: 4, nextId: 9, tables: [{ name: "filter", chains }] });
  const p = packet(4, { source: [1], destination: [2], protocol: 6, sport: 1, dport: 2, inDev: 2, outDev: 4 });
  const steps: Step[] = [];
  p.steps = steps;
  const code = explain(table, table.base[FORWARD] as CompiledChain, p, { ...silent, text: (rule) => rule.place.chain });
  t.is(code & 3, 1);
  t.deepEqual(
    steps.map((step) => (step.kind === "matched" ? `${step.text} ${step.does}` : step.kind)),
    ["table", "FORWARD jump a", "a goto b", "b counted", "return", "FORWARD ACCEPT"],
  );
});

test("what is not known is refused by name and place", (t) => {
  const rules = [
    simpleRule(accept, [{ name: "sorcery", options: {} }]),
    simpleRule({ kind: "target", use: { name: "MAGIC", options: {} } }),
  ];
  const ruleset: Ruleset = {
    family: 4,
    nextId: 9,
    tables: [{ name: "filter", chains: [{ name: "FORWARD", policy: "DROP", counters: zero, rules }] }],
  };
  const error = t.throws(() => compile(ruleset), { instanceOf: LoadError });
  t.is(
    error.message,
    "rules.v4:7: filter FORWARD rule 1: match sorcery is not known to this version\n" +
      "rules.v4:7: filter FORWARD rule 2: target MAGIC is not known to this version",
  );
});

test("chains may call each other thousands deep", (t) => {
  const chains = Array.from({ length: 5000 }, (_, i): Chain => {
    const rules = [simpleRule(i === 4999 ? null : { kind: "jump", chain: `c${i + 1}` }), simpleRule(null)];
    return { name: i === 0 ? "FORWARD" : `c${i}`, policy: i === 0 ? "ACCEPT" : null, counters: zero, rules };
  });
  const ruleset: Ruleset = { family: 4, nextId: 9, tables: [{ name: "filter", chains }] };
  const table = compile(ruleset);
  const base = table.base[FORWARD] as CompiledChain;
  prepareTable(table, host, true);
  const p = packet(4, { source: [1], destination: [2], protocol: 6, sport: 1, dport: 2, inDev: 2, outDev: 4 });
  t.is(tableWalk(table, base, silent)(p), base.policyCode);
  const counted = Array.from(table.counters.filter((_, i) => i % 2 === 0)).reduce((sum, n) => sum + n, 0);
  t.is(counted, 10_001);
});

test("chains that would lead a packet round for hours are refused", (t) => {
  const twice = (levels: number): Ruleset => {
    const chains = Array.from({ length: levels }, (_, i): Chain => {
      const target = i === levels - 1 ? null : ({ kind: "jump", chain: `c${i + 1}` } as const);
      const name = i === 0 ? "FORWARD" : `c${i}`;
      return {
        name,
        policy: i === 0 ? "ACCEPT" : null,
        counters: zero,
        rules: [simpleRule(target), simpleRule(target)],
      };
    });
    return { family: 4, nextId: 9, tables: [{ name: "filter", chains }] };
  };
  t.notThrows(() => compile(twice(20)));
  t.throws(() => compile(twice(60)), {
    instanceOf: LoadError,
    message: /^filter FORWARD: its jumps, taken together, may lead a packet past more than 1,000,000,000 rules/,
  });
});
