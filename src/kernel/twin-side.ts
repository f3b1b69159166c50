/**
 * The twin's side of a comparison: it lives by the kernel's clock and takes its dice from what the kernel chose (a free
 * NAT port, the IP id of a packet it made, a fragment id).
 */
import { hexOf } from "../bytes/hex.ts";
import type { ScriptedRandom } from "../host/random.ts";
import type { Family } from "../packet/hook.ts";
import type { Step } from "../packet/step.ts";
import type { Emitted, Firewall, Outcome } from "../path/firewall.ts";
import { fragmentIdOf } from "./fragment-id.ts";
import { sorted } from "./kernel-firewall.ts";
import type { EventAnswer, TraceLine } from "./scenario.ts";

/** A firewall, and the random source of its host. */
export interface Contender {
  readonly firewall: Firewall;
  readonly dice: ScriptedRandom;
}

export class TwinSide {
  readonly #telling: Contender;
  readonly #silent: Contender | null;
  /** What the kernel expected after the packet before. */
  #expected: readonly string[] = [];

  /**
   * `silent` is the same firewall once more: it tells no steps, and so it takes the ways on which nothing is allocated.
   * Where it says something else than the first, both answers are compared.
   */
  constructor(telling: Contender, silent: Contender | null = null) {
    this.#telling = telling;
    this.#silent = silent;
  }

  /** What it says of a packet of which the kernel said `seen`. `outDev`: what a local sender is bound to. */
  ask(
    dev: string | null,
    bytes: Uint8Array,
    seen: EventAnswer,
    outDev: string | null = null,
  ): { readonly answer: EventAnswer; readonly steps: readonly Step[] } {
    const before = passTime(this.#telling, seen);
    if (this.#silent !== null) passTime(this.#silent, seen);
    const expected = portsChosen(bytes, seen, this.#freshlyExpected(seen));
    const { steps = [], ...outcome } = one(this.#telling, true, dev, bytes, seen, outDev, expected);
    const silent = this.#silent === null ? outcome : one(this.#silent, false, dev, bytes, seen, outDev, expected);
    const connections = seen.connections === null ? null : this.connections();
    const expectations = seen.expectations === undefined ? {} : { expectations: this.expectations() };
    const answer = {
      ...outcome,
      ...before,
      time: seen.time,
      trace: traceOf(steps),
      invalid: invalidOf(steps),
      connections,
      ...expectations,
    };
    return { answer: isSame(outcome, silent) ? answer : { ...answer, silent }, steps };
  }

  /** The ports of what the kernel expects since this packet. */
  #freshlyExpected({ expectations = [] }: EventAnswer): number[] {
    const lines = expectations.map((line) => line.replace(/^\d+ /, ""));
    const fresh = lines.filter((line) => !this.#expected.includes(line));
    this.#expected = lines;
    return fresh.map((line) => Number(/ dport=(\d+)/.exec(line)?.[1]));
  }

  /** As KernelFirewall.connections, as of the last packet, sorted. */
  connections(): string[] {
    return withBoth(this.#telling, this.#silent, ({ firewall }) =>
      [...firewall.connections(4), ...firewall.connections(6)].sort(),
    );
  }

  close(): void {
    this.#telling.firewall.close();
    this.#silent?.firewall.close();
  }

  /** As KernelFirewall.expectations. */
  expectations(): string[] {
    return withBoth(this.#telling, this.#silent, ({ firewall }) => firewall.expectations());
  }

  /** As KernelFirewall.sets. */
  sets(): string[] {
    return withBoth(this.#telling, this.#silent, ({ firewall }) => firewall.host.sets.save().split("\n"));
  }

  /** As KernelFirewall.save. */
  save(family: Family): string {
    const lines = withBoth(this.#telling, this.#silent, ({ firewall }) => firewall.save(family).split("\n"));
    return lines.filter((line) => !line.startsWith("#")).join("\n");
  }
}

/** What timers send before the packet comes. */
function passTime({ firewall, dice }: Contender, { time, before = [] }: EventAnswer): Pick<EventAnswer, "before"> {
  const out: Emitted[] = [];
  dice.clear();
  for (const { bytes } of before) answerIds(dice, bytes, "");
  firewall.onEmit = (dev, p) => out.push({ dev: dev.name, bytes: hexOf(p.data, p.start, p.end) });
  firewall.advance(time);
  firewall.onEmit = null;
  return out.length > 0 ? { before: sorted(out) } : {};
}

function one(
  { firewall, dice }: Contender,
  steps: boolean,
  dev: string | null,
  bytes: Uint8Array,
  seen: EventAnswer,
  outDev: string | null,
  expectedPorts: readonly number[],
): Outcome {
  load(dice, bytes, seen);
  for (const port of expectedPorts) dice.answer("expected port", port);
  const about = { time: seen.time, steps, ...(outDev === null ? {} : { dev: outDev }) };
  return dev === null ? firewall.send(bytes, about) : firewall.receive(dev, bytes, about);
}

/** Of several ports that are expected now, those that were chosen, in order: what left tells them, what came did not. */
function portsChosen(came: Uint8Array, { out }: EventAnswer, ports: readonly number[]): readonly number[] {
  if (ports.length < 2 || out.length === 0) return ports;
  const numbers = (packet: Buffer) =>
    Array.from(packet.toString("latin1").matchAll(/ (\d{1,5})/g), ([, digits]) => Number(digits) & 0xffff);
  const asked = numbers(Buffer.from(came));
  const told = numbers(Buffer.from(out[0].bytes, "hex"));
  return told.filter((port) => ports.includes(port) && !asked.includes(port));
}

function isSame(a: Outcome, b: Outcome): boolean {
  return (
    a.path === b.path &&
    a.state === b.state &&
    a.verdict === b.verdict &&
    a.entry === b.entry &&
    a.out.length === b.out.length &&
    a.out.every(({ dev, bytes }, i) => dev === b.out[i].dev && bytes === b.out[i].bytes) &&
    JSON.stringify(a.by) === JSON.stringify(b.by)
  );
}

/** What one says, and where the other says something else that too: the kernel has neither twice. */
function withBoth(telling: Contender, silent: Contender | null, ask: (one: Contender) => string[]): string[] {
  const told = ask(telling);
  const other = silent === null ? told : ask(silent);
  return told.length === other.length && told.every((line, i) => line === other[i]) ? told : [...told, ...other];
}

/** Queues the choices that the kernel made for this packet, each under what the twin would draw it for. */
function load(dice: ScriptedRandom, packet: Uint8Array, seen: EventAnswer): void {
  dice.clear();
  const sent = hexOf(packet, 0, Math.min(packet.length, 8));
  const entry = seen.entry ?? "";
  // The reply's words stand last: what it comes from is what the destination was translated to.
  const ports = entry.lastIndexOf(" sport=");
  if (ports >= 0) {
    dice.answer("nat destination port", Number.parseInt(entry.slice(ports + 7), 10));
    dice.answer("nat source port", Number.parseInt(entry.slice(entry.indexOf(" dport=", ports) + 7), 10));
  }
  if (seen.destinationPort !== undefined) dice.answer("nat destination port", seen.destinationPort);
  const id = entry.lastIndexOf(" id=");
  if (id >= 0) {
    // Both ends may be chosen, and share the id.
    const last = Number.parseInt(entry.slice(id + 4), 10);
    dice.answer("nat destination id", seen.natId ?? last);
    dice.answer("nat source id", last);
  }
  for (const id of seen.ids ?? []) dice.answer("ip id", id);
  const same = seen.out.filter(({ bytes }) => !answerIds(dice, bytes, sent));
  // The packet itself has its own id; but an answer's may happen to be the same.
  for (const { bytes } of same) answerIds(dice, bytes, "");
}

/** Queues the ids of a packet that left because of one that began with `sent`; false: its IPv4 id is that one's. */
function answerIds(dice: ScriptedRandom, bytes: string, sent: string): boolean {
  if (bytes[0] === "4") {
    const id = bytes.slice(8, 12);
    if (id === sent.slice(8, 12)) return false;
    dice.answer("ip id", Number.parseInt(id, 16));
  } else if (bytes[0] === "6") {
    const label = bytes.slice(3, 8);
    if (label !== sent.slice(3, 8)) dice.answer("flow label", Number.parseInt(label, 16));
    const fragment = fragmentIdOf(bytes);
    if (fragment !== null) dice.answer("fragment id", fragment);
  }
  return true;
}

function traceOf(steps: readonly Step[]): TraceLine[] {
  return steps.flatMap((step): TraceLine[] => {
    switch (step.kind) {
      case "matched":
        return [{ table: step.at.table, chain: step.at.chain, kind: "rule", rule: step.at.rule }];
      case "policy":
        return [{ table: step.table, chain: step.chain, kind: "policy", rule: null }];
      case "return":
        return [{ table: step.table, chain: step.chain, kind: "return", rule: null }];
      case "answer":
        return traceOf(step.steps);
      default:
        return [];
    }
  });
}

/** The line that a helper has the kernel log of a packet that it drops. */
const HELPERS_WORD = /^nf_ct_[^_ ]+: (dropping packet: .*?) IN= OUT= /;

/** What conntrack complained of, also where it let the packet pass in the end. */
function invalidOf(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => {
    if (step.kind === "invalid") return [step.reason.trim()];
    if (step.kind === "note") return [step.text.trim()];
    if (step.kind === "log") return HELPERS_WORD.exec(step.line)?.slice(1) ?? [];
    return step.kind === "answer" ? invalidOf(step.steps) : [];
  });
}
