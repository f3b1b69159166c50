/**
 * A recording keeps a scenario and the kernel's answer as text that a person can read and a diff can show:
 * `scenario.txt` is what was asked, `kernel.txt` what the kernel said. Both are sections headed `== name`.
 */
import type { By, PathName, StateName, VerdictName } from "../path/firewall.ts";
import type { Answer, EventAnswer, Scenario, ScenarioEvent, TraceLine } from "./scenario.ts";

export interface Recording {
  /** What it shows, in a sentence. */
  readonly about: string;
  readonly scenario: Scenario;
  readonly answer: Answer;
}

/** In a device's place: the host itself sends the packet. */
const LOCAL = "local";

export function writeScenario(about: string, scenario: Scenario): string {
  const parts = [about, "", "== host", JSON.stringify(scenario.host, null, 1)];
  if (scenario.rules !== null) parts.push("== rules", scenario.rules.trimEnd());
  if (scenario.rules6 !== null) parts.push("== rules6", scenario.rules6.trimEnd());
  parts.push("== packets", ...scenario.events.map(eventLine));
  return `${parts.join("\n")}\n`;
}

/** `+0.5 lan0 4500…`: half a second later it arrives on lan0; `local`: the host sends it, `local:lan0`: by that device. */
function eventLine({ dev, hex, wait, outDev }: ScenarioEvent): string {
  const where = dev ?? (outDev === undefined ? LOCAL : `${LOCAL}:${outDev}`);
  return `${wait === undefined ? "" : `+${wait} `}${where} ${hex}`;
}

export function writeAnswer(answer: Answer): string {
  const parts = ["== packets", ...answer.events.flatMap(answerLines)];
  if (answer.save !== "") parts.push("== save", answer.save.trimEnd());
  if (answer.save6 !== "") parts.push("== save6", answer.save6.trimEnd());
  return `${parts.join("\n")}\n`;
}

function answerLines(event: EventAnswer, i: number): string[] {
  const trace = event.trace.map((l) => [l.table, l.chain, l.kind, ...(l.rule === null ? [] : [l.rule])].join(":"));
  return [
    `${i + 1} ${event.time} ${event.in ?? LOCAL} ${event.path} ${event.state ?? "-"} ${event.verdict} ${JSON.stringify(event.by)}`,
    ...(event.before ?? []).map(({ dev, bytes }) => `  before ${dev} ${bytes}`),
    ...event.out.map(({ dev, bytes }) => `  out ${dev} ${bytes}`),
    ...(event.entry === null ? [] : [`  entry ${event.entry}`]),
    ...(trace.length === 0 ? [] : [`  trace ${trace.join(" ")}`]),
    ...(event.ids === undefined ? [] : [`  ids ${event.ids.join(" ")}`]),
    ...(event.natId === undefined ? [] : [`  natid ${event.natId}`]),
    ...event.invalid.map((message) => `  invalid ${message}`),
    ...(event.connections ?? []).map((line) => `  ct ${line}`),
    ...(event.expectations ?? []).map((line) => `  exp ${line}`),
  ];
}

export function readRecording(scenarioText: string, answerText: string): Recording {
  const asked = sections(scenarioText);
  const said = sections(answerText);
  const text = (name: string) => (asked.get(name) === undefined ? null : `${asked.get(name)!.join("\n")}\n`);
  const saved = (name: string) => (said.get(name) === undefined ? "" : `${said.get(name)!.join("\n")}\n`);
  return {
    about: (asked.get("") ?? []).join("\n").trim(),
    scenario: {
      host: JSON.parse((asked.get("host") ?? ["{}"]).join("\n")),
      rules: text("rules"),
      rules6: text("rules6"),
      events: (asked.get("packets") ?? []).map(readEvent),
    },
    answer: { events: readEvents(said.get("packets") ?? []), save: saved("save"), save6: saved("save6") },
  };
}

function sections(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let current: string[] = [];
  found.set("", current);
  for (const line of text.trimEnd().split("\n")) {
    const head = line.match(/^== (\w+)$/);
    if (head === null) current.push(line);
    else {
      current = [];
      found.set(head[1], current);
    }
  }
  return found;
}

function readEvent(line: string): ScenarioEvent {
  const words = line.split(" ");
  const wait = words[0].startsWith("+") ? Number(words.shift()) : undefined;
  const [where, hex] = words;
  const pause = wait === undefined ? {} : { wait };
  if (where.startsWith(`${LOCAL}:`)) return { dev: null, outDev: where.slice(LOCAL.length + 1), hex, ...pause };
  return { dev: where === LOCAL ? null : where, hex, ...pause };
}

function readEvents(lines: readonly string[]): EventAnswer[] {
  const events: EventAnswer[] = [];
  let out: { dev: string; bytes: string }[] = [];
  let before: { dev: string; bytes: string }[] = [];
  let trace: TraceLine[] = [];
  let invalid: string[] = [];
  let connections: string[] = [];
  let expectations: string[] = [];
  for (const line of lines) {
    const [, key, rest] = line.match(/^ {2}(\w+) (.*)$/) ?? [];
    if (key === "out") out.push({ dev: rest.split(" ")[0], bytes: rest.split(" ")[1] });
    else if (key === "before") {
      before.push({ dev: rest.split(" ")[0], bytes: rest.split(" ")[1] });
      events[events.length - 1] = { ...events[events.length - 1], before };
    } else if (key === "entry") events[events.length - 1] = { ...events[events.length - 1], entry: rest };
    else if (key === "trace") trace.push(...rest.split(" ").map(readTraceLine));
    else if (key === "ids")
      events[events.length - 1] = { ...events[events.length - 1], ids: rest.split(" ").map(Number) };
    else if (key === "natid") events[events.length - 1] = { ...events[events.length - 1], natId: Number(rest) };
    else if (key === "invalid") invalid.push(rest);
    else if (key === "ct") connections.push(rest);
    else if (key === "exp") expectations.push(rest);
    else {
      [out, before, trace, invalid, connections, expectations] = [[], [], [], [], [], []];
      events.push({ ...readHead(line), entry: null, out, trace, invalid, connections, expectations });
    }
  }
  return events;
}

function readHead(line: string): Pick<EventAnswer, "time" | "in" | "path" | "state" | "verdict" | "by"> {
  const [, time, dev, path, state, verdict, by] = line.match(/^\d+ (\d+) (\S+) (\S+) (\S+) (\S+) (.*)$/) ?? [];
  return {
    time: Number(time),
    in: dev === LOCAL ? null : dev,
    path: path as PathName,
    state: state === "-" ? null : (state as StateName),
    verdict: verdict as VerdictName,
    by: JSON.parse(by) as By,
  };
}

function readTraceLine(text: string): TraceLine {
  const [table, chain, kind, rule] = text.split(":");
  return { table, chain, kind: kind as TraceLine["kind"], rule: rule === undefined ? null : Number(rule) };
}
