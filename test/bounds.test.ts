/**
 * Packets that agree in all that streams look at (docs/ARCHITECTURE.md) are alike to every match that is settled: its answer
 * changes along addresses and ports only at the bounds that it says.
 */
import test from "ava";
import { Host } from "../src/host/host.ts";
import type { Family } from "../src/packet/hook.ts";
import { Packet } from "../src/packet/packet.ts";
import { partsOf } from "../src/path/bounds.ts";
import { baseConditions, settlementOf } from "../src/path/condition.ts";
import type { CompiledTable } from "../src/path/program.ts";
import { registry } from "../src/registry.ts";
import type { HeaderField, MatchDeclaration } from "../src/rules/extension.ts";
import type { Rule } from "../src/rules/ruleset.ts";
import { parseSave } from "../src/rules/save.ts";
import { Dice } from "./fuzz/dice.ts";
import { matchOf } from "./fuzz/matches.ts";

const FAMILY: Family = 4;
const FIELDS: readonly (readonly [field: HeaderField, of: "src0" | "dst0" | "sport" | "dport", size: number])[] = [
  ["src", "src0", 2 ** 32],
  ["dst", "dst0", 2 ** 32],
  ["sport", "sport", 2 ** 16],
  ["dport", "dport", 2 ** 16],
];
const PROTOCOLS = { tcp: 6, udp: 17, icmp: 1 } as const;
/** What `-p` brings along. */
const OWN: Readonly<Record<keyof typeof PROTOCOLS, readonly string[]>> = {
  tcp: [
    "--dport 80",
    "! --sport 1024:5000",
    "--dport :79 --sport 1024:",
    "--syn",
    "! --tcp-flags SYN,ACK SYN --dport 22",
  ],
  udp: ["--dport 53", "! --dport 1:1023", "--sport 0:65535", "! --sport 65535"],
  icmp: ["--icmp-type 8", "! --icmp-type 3/4", "--icmp-type destination-unreachable", "--icmp-type any"],
};
const RULES = 1500;
const PAIRS = 40;
const host = new Host({ interfaces: { lan0: "10.0.0.1/24", wan0: "203.0.113.1/24" } });

function ruleOf(dice: Dice, protocol: keyof typeof PROTOCOLS): Rule | null {
  const addresses = dice.pick(["", "-s 10.0.0.0/8 ", "! -d 10.0.0.2/31 ", "-s 10.0.0.3/255.0.0.255 ", "-d 0.0.0.0/0 "]);
  const own = dice.chance(0.5) ? dice.pick(OWN[protocol]) : "";
  const line = `-A FORWARD ${addresses}-p ${protocol} ${own} ${matchOf(dice, FAMILY, "filter", "FORWARD", protocol)} -j ACCEPT`;
  const text = `*filter\n:FORWARD ACCEPT [0:0]\n${line}\nCOMMIT\n`;
  const { ruleset, errors } = parseSave(text, { family: FAMILY, file: "bounds", registry });
  return errors.length > 0 ? null : ruleset.tables[0].chains.find(({ name }) => name === "FORWARD")!.rules[0];
}

/** The settled conditions of a rule. */
function settledOf(rule: Rule): { readonly said: string; readonly holds: (p: Packet) => boolean }[] {
  const own = baseConditions(rule, FAMILY, host)
    .filter(({ settled }) => settled)
    .map(({ source, test: holds }) => ({ said: source ?? "", holds }));
  const matches = rule.matches.flatMap(({ name, options }) => {
    const declared = registry.match(name, FAMILY)!;
    if (declared.source === undefined || declared.noSource?.(options) === true) return [];
    const source = declared.source(options);
    if (!settlementOf(source, declared.fields !== undefined).settled) return [];
    return [{ said: `-m ${name}: ${source}`, holds: new Function("p", `return ${source};`) as (p: Packet) => boolean }];
  });
  return [...own, ...matches];
}

function partsOfRule(rule: Rule) {
  const matches = new Map<string, MatchDeclaration>(
    rule.matches.map(({ name }) => [name, registry.match(name, FAMILY)!]),
  );
  return partsOf([{ chains: [{ source: [rule], matches }] } as unknown as CompiledTable]);
}

/** 10.0.0.2 and 10.0.0.3. */
const KNOWN = [0x0a000002, 0x0a000003];

/** Two values in the same part, often at its ends. */
function pairIn(dice: Dice, starts: readonly number[], size: number): [number, number] {
  const n = dice.int(0, starts.length - 1);
  const [first, last] = [starts[n], (starts[n + 1] ?? size) - 1];
  const known = KNOWN.filter((value) => value >= first && value <= last);
  const between = first + Math.floor((last - first) * (dice.int(0, 1000) / 1000));
  const draw = () => dice.pick([first, last, between, ...known]);
  return [draw(), draw()];
}

test("settled matches change their answer only at the bounds that they say", (t) => {
  const seen = new Map<string, Set<boolean>>();
  for (let seed = 1; seed <= RULES; seed++) {
    const dice = new Dice(seed);
    const protocol = dice.pick(["tcp", "udp", "icmp"] as const);
    const rule = ruleOf(dice, protocol);
    const conditions = rule === null ? [] : settledOf(rule);
    if (rule === null || conditions.length === 0) continue;
    const parts = partsOfRule(rule);
    const [a, b] = [new Packet(), new Packet()];
    for (let i = 0; i < PAIRS; i++) {
      a.protocol = b.protocol = PROTOCOLS[protocol];
      a.tcpFlags = b.tcpFlags = dice.int(0, 255);
      a.tos = b.tos = dice.int(0, 255);
      a.ct = b.ct = dice.int(0, 1);
      a.ctinfo = b.ctinfo = dice.pick([0, 2, 3]);
      a.inDev = b.inDev = dice.int(1, 3);
      a.outDev = b.outDev = dice.int(1, 3);
      for (const [field, of, size] of FIELDS) {
        const [one, other] = pairIn(dice, parts[field], size);
        a[of] = size === 2 ** 32 ? one | 0 : one;
        b[of] = size === 2 ** 32 ? other | 0 : other;
      }
      for (const { said, holds } of conditions) {
        const answer = holds(a);
        if (holds(b) !== answer) t.fail(`seed ${seed}: ${said} tells packets of one part apart`);
        const name = /^-m \S+/.exec(said)?.[0] ?? "base";
        seen.set(name, (seen.get(name) ?? new Set()).add(answer));
      }
    }
  }
  // Those that matter were asked, and said both yes and no.
  const both = [...seen].filter(([, answers]) => answers.size === 2).map(([name]) => name);
  for (const name of [
    "base",
    "-m tcp:",
    "-m udp:",
    "-m multiport:",
    "-m iprange:",
    "-m icmp:",
    "-m conntrack:",
    "-m state:",
  ])
    t.true(both.includes(name), `${name} was asked`);
});
