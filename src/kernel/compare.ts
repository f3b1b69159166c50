/**
 * The same scenario through the twin and through the kernel, and the differences between their answers. The kernel
 * goes first: the twin then lives by its clock and with its dice (twin-side.ts). Everything else must be equal.
 */
import { Host } from "../host/host.ts";
import { ScriptedRandom } from "../host/random.ts";
import { type Emitted, Firewall } from "../path/firewall.ts";
import { registry } from "../registry.ts";
import type { Ruleset } from "../rules/ruleset.ts";
import { parseSave } from "../rules/save.ts";
import { withoutInstant } from "./conntrack-table.ts";
import { KERNEL_SILENT, KernelFirewall } from "./kernel-firewall.ts";
import { kernelHost } from "./namespace.ts";
import { KernelNetwork, type KernelSetup } from "./network.ts";
import type { NetworkPool } from "./network-pool.ts";
import { isCounted } from "./rules-text.ts";
import type { Answer, EventAnswer, Scenario, TraceLine } from "./scenario.ts";
import { type Contender, TwinSide } from "./twin-side.ts";

/** One thing in which the twin differs from the kernel. */
export interface Difference {
  /** Number of the event, from 1; 0: after the last one. */
  readonly event: number;
  readonly what:
    | "before"
    | "out"
    | "state"
    | "path"
    | "verdict"
    | "by"
    | "entry"
    | "connections"
    | "expectations"
    | "trace"
    | "invalid"
    | "counters"
    | "sets";
  readonly kernel: string;
  readonly twin: string;
}

/** Seconds by which a timeout may differ: the kernel's is read an instant after the packet. */
const TIMEOUT_SLACK = 1;

/**
 * `thorough`: all connections are read and compared after every packet. `quick`: after every packet only the one that
 * it belongs to, and all of them now and then and after the last, which finds the same differences, some of them later.
 */
export type Thoroughness = "thorough" | "quick";

/** Packets between two looks at all connections. */
export const TABLE_INTERVAL = 100;

/** Reads the rules of a scenario. Throws the first mistake as an Error. */
export function rulesetsOf(scenario: Scenario): { 4: Ruleset | null; 6: Ruleset | null } {
  const read = (text: string | null, family: 4 | 6): Ruleset | null => {
    if (text === null) return null;
    const { ruleset, errors } = parseSave(text, {
      family,
      file: family === 4 ? "rules.v4" : "rules.v6",
      registry,
      counters: isCounted(text),
    });
    if (errors.length > 0) throw new Error(errors[0].message);
    return ruleset;
  };
  return { 4: read(scenario.rules, 4), 6: read(scenario.rules6, 6) };
}

/** The twin that a scenario is about to be asked of: one that tells what it does, and one that does not. */
class Twins {
  readonly rulesets: ReturnType<typeof rulesetsOf>;
  readonly telling: Contender;
  readonly silent: Contender;

  constructor(scenario: Scenario) {
    this.rulesets = rulesetsOf(scenario);
    this.telling = this.#make(scenario);
    this.silent = this.#make(scenario);
  }

  #make(scenario: Scenario): Contender {
    const dice = new ScriptedRandom({});
    const host = new Host(scenario.host);
    host.random = dice;
    return { firewall: new Firewall({ rules: this.rulesets[4], rules6: this.rulesets[6], host }), dice };
  }
}

/** Asks the running kernel, in a network of its own, or in one of the pool's. Needs root. */
export function askKernel(
  scenario: Scenario,
  how: Thoroughness = "thorough",
  pool: NetworkPool | null = null,
  { rulesets, telling } = new Twins(scenario),
): Answer {
  const setup: KernelSetup = {
    host: kernelHost(scenario.host),
    rules: scenario.rules,
    rules6: scenario.rules6,
    rulesets,
    armed: (family) => telling.firewall.conntrack.armed(family),
  };
  const network = pool === null ? new KernelNetwork(setup) : pool.take(setup);
  let answer: Answer | null = null;
  try {
    answer = askAll(scenario, new KernelFirewall(setup, network), how);
    return answer;
  } finally {
    if (pool === null || answer === null) network.close();
    else pool.giveBack(setup, network);
  }
}

function askAll(scenario: Scenario, kernel: KernelFirewall, how: Thoroughness): Answer {
  const last = scenario.events.length - 1;
  const events = scenario.events.map((event, i) => {
    if (event.wait !== undefined) kernel.wait(event.wait);
    kernel.everyConnection = how === "thorough" || i === last || i % TABLE_INTERVAL === TABLE_INTERVAL - 1;
    const bytes = Buffer.from(event.hex, "hex");
    return event.dev === null ? kernel.send(bytes, event.outDev) : kernel.receive(event.dev, bytes);
  });
  return {
    events,
    save: scenario.rules === null ? "" : kernel.save(4),
    save6: scenario.rules6 === null ? "" : kernel.save(6),
    ...(hasSets(scenario) ? { elements: elementsOf(kernel.sets()) } : {}),
  };
}

const hasSets = ({ host }: Scenario) => host.sets !== undefined && host.sets !== null && host.sets.length > 0;

/** What is in the sets, without the seconds that elements have left. */
function elementsOf(saved: readonly string[]): string[] {
  return saved
    .filter((line) => line.startsWith("add "))
    .map((line) => line.replace(/ timeout \d+/, ""))
    .sort();
}

/** Asks the twin, by the clock and with the dice of the kernel's answer. */
export function askTwin(scenario: Scenario, kernel: Answer, { telling, silent } = new Twins(scenario)): Answer {
  const side = new TwinSide(telling, silent);
  try {
    const events = scenario.events.map(
      ({ dev, hex, outDev }, i): EventAnswer => side.ask(dev, Buffer.from(hex, "hex"), kernel.events[i], outDev).answer,
    );
    return {
      events,
      save: scenario.rules === null ? "" : side.save(4),
      save6: scenario.rules6 === null ? "" : side.save(6),
      ...(kernel.elements === undefined ? {} : { elements: elementsOf(side.sets()) }),
    };
  } finally {
    side.close();
  }
}

/** Everything in which the twin's answer differs from the kernel's, in the order of the packets. */
export function differences(kernel: Answer, twin: Answer): Difference[] {
  const found: Difference[] = [];
  for (const [i, seen] of kernel.events.entries()) compareEvent(found, i + 1, seen, twin.events[i]);
  for (const [k, t] of [
    [kernel.save, twin.save],
    [kernel.save6, twin.save6],
  ])
    compareSaves(found, k, t);
  if (kernel.elements !== undefined && twin.elements !== undefined) {
    const [k, t] = [kernel.elements.join("\n"), twin.elements.join("\n")];
    if (k !== t) found.push({ event: 0, what: "sets", kernel: k, twin: t });
  }
  return found;
}

/**
 * Whether what differs can't be a tick's fault: none came in the midst of a packet up to the first difference. Else
 * ask again.
 */
export function isCertain(kernel: Answer, found: readonly Difference[]): boolean {
  const first = found.length === 0 || found[0].event === 0 ? kernel.events.length : found[0].event;
  return kernel.events.slice(0, first).every(({ ticked }) => ticked === undefined);
}

/** Adds to `found` in what the answers to one packet differ. */
export function compareEvent(found: Difference[], event: number, kernel: EventAnswer, twin: EventAnswer): void {
  if (twin.silent !== undefined) {
    const { silent, ...told } = twin;
    compareEvent(found, event, kernel, { ...told, ...silent });
  }
  const say = (what: Difference["what"], k: string, t: string) => {
    if (k !== t) found.push({ event, what, kernel: k, twin: t });
  };
  const [left, leaves] = [byDevice(kernel.out), byDevice(twin.out)];
  if (!isEqual(left, leaves, isEqualEmission)) say("out", outText(left), outText(leaves));
  say("before", outText(kernel.before ?? []), outText(twin.before ?? []));
  say("state", String(kernel.state), kernel.state === null ? "null" : String(twin.state));
  // A packet that is dropped before the first hook of its path leaves no trace of where it was going.
  if (kernel.path !== "none") say("path", kernel.path, twin.path);
  say("verdict", kernel.verdict, twin.verdict === "QUEUED" ? "DROP" : twin.verdict);
  if (!("reason" in kernel.by && kernel.by.reason === KERNEL_SILENT) && !hasNoTrace(twin))
    say("by", JSON.stringify(kernel.by), JSON.stringify(twin.by));
  if (!isEqual(kernel.trace, twin.trace, isEqualLine)) say("trace", traceText(kernel), traceText(twin));
  // The twin says more than the kernel does: of some packets the kernel only counts that they were invalid.
  for (const message of kernel.invalid)
    if (!twin.invalid.includes(message)) say("invalid", message, twin.invalid.join("; "));
  const entry = (answer: EventAnswer) => (answer.entry === null ? "none" : withoutInstant(answer.entry));
  // On the kernel's side it is found by the packet's bytes, which tell nothing of zones, and little of fragments.
  const zones = [...(kernel.connections ?? []), kernel.entry, twin.entry].some((line) => line?.includes(" zone"));
  if (kernel.entry !== null && !zones) say("entry", entry(kernel), entry(twin));
  if (kernel.connections !== null && twin.connections !== null)
    compareConnections(found, event, kernel.connections, twin.connections);
  if (kernel.expectations !== undefined && twin.expectations !== undefined)
    compareExpectations(found, event, kernel.expectations, twin.expectations);
}

/** Adds to `found` what only one side expects; the time that is left may differ by TIMEOUT_SLACK. */
function compareExpectations(
  found: Difference[],
  event: number,
  kernel: readonly string[],
  twin: readonly string[],
): void {
  const sorted = (lines: readonly string[]) =>
    lines.map((line) => [line.replace(/^\d+ /, ""), Number.parseInt(line, 10)] as const).sort();
  const [a, b] = [sorted(kernel), sorted(twin)];
  const same = ([line, left]: readonly [string, number], [other, otherLeft]: readonly [string, number]) =>
    line === other && Math.abs(left - otherLeft) <= TIMEOUT_SLACK;
  if (!isEqual(a, b, same))
    found.push({ event, what: "expectations", kernel: kernel.join("\n"), twin: twin.join("\n") });
}

/** The last word was a match's that could not read its header, about a copy that the host hears: TRACE is silent on it. */
function hasNoTrace({ by, verdict, trace }: EventAnswer): boolean {
  if (verdict !== "ACCEPT" || !("rule" in by)) return false;
  return !trace.some((line) => line.table === by.table && line.chain === by.chain && line.rule === by.rule);
}

function isEqual<T>(a: readonly T[], b: readonly T[], same: (a: T, b: T) => boolean): boolean {
  return a.length === b.length && a.every((one, i) => same(one, b[i]));
}

const isEqualEmission = (a: Emitted, b: Emitted) => a.bytes === b.bytes && a.dev === b.dev;

const isEqualLine = (a: TraceLine, b: TraceLine) =>
  a.rule === b.rule && a.chain === b.chain && a.kind === b.kind && a.table === b.table;

/** The kernel's devices are read one after another: only of each is it known in which order packets left. */
function byDevice(out: readonly Emitted[]): readonly Emitted[] {
  return out.length < 2 ? out : [...out].sort((a, b) => (a.dev < b.dev ? -1 : Number(a.dev > b.dev)));
}

const outText = (out: readonly Emitted[]) => out.map(({ dev, bytes }) => `${dev} ${bytes}`).join("\n");

const traceText = ({ trace }: EventAnswer) =>
  trace.map((l) => `${l.table}:${l.chain}:${l.kind}${l.rule === null ? "" : `:${l.rule}`}`).join(" ");

/** Adds to `found` the connections that only one side has. */
export function compareConnections(
  found: Difference[],
  event: number,
  kernelLines: readonly string[],
  twinLines: readonly string[],
): void {
  const [kernel, twin] = missingFrom(kernelLines, twinLines);
  if (kernel.length > 0 || twin.length > 0)
    found.push({ event, what: "connections", kernel: kernel.join("\n"), twin: twin.join("\n") });
}

/** Lines of each side that the other lacks; timeouts may differ by TIMEOUT_SLACK. */
function missingFrom(kernel: readonly string[], twin: readonly string[]): [string[], string[]] {
  const rest = new Map<string, string[]>();
  for (const line of twin) rest.set(withoutInstant(line), [...(rest.get(withoutInstant(line)) ?? []), line]);
  const onlyKernel = kernel.filter((line) => {
    const same = rest.get(withoutInstant(line));
    const at = same?.findIndex((other) => Math.abs(timeoutOf(other) - timeoutOf(line)) <= TIMEOUT_SLACK) ?? -1;
    if (at >= 0) same!.splice(at, 1);
    return at < 0;
  });
  // The kernel's table is read an instant later: what was about to run out has.
  return [onlyKernel, [...rest.values()].flat().filter((line) => timeoutOf(line) > 0)];
}

const timeoutOf = (line: string) => Number(line.match(/^\S+ +\d+ (\d+)/)?.[1]);

/** Adds to `found` the lines of `iptables-save -c` text in which the sides differ. */
export function compareSaves(found: Difference[], kernelText: string, twinText: string): void {
  const kernel = kernelText.split("\n");
  const twin = twinText.split("\n");
  for (let i = 0; i < Math.max(kernel.length, twin.length); i++)
    if (kernel[i] !== twin[i]) found.push({ event: 0, what: "counters", kernel: kernel[i] ?? "", twin: twin[i] ?? "" });
}

/** Both engines on one scenario; the kernel in one of the pool's networks, if there is a pool. */
export function verify(
  scenario: Scenario,
  how: Thoroughness = "thorough",
  pool: NetworkPool | null = null,
): { kernel: Answer; twin: Answer; differences: Difference[] } {
  const twins = new Twins(scenario);
  const kernel = askKernel(scenario, how, pool, twins);
  const twin = askTwin(scenario, kernel, twins);
  return { kernel, twin, differences: differences(kernel, twin) };
}
