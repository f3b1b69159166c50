/**
 * Runs one test of a script on an engine, and holds every expectation against what happened.
 */

import { bytesOfHex } from "../bytes/hex.ts";
import { PACKET_HOST, PACKET_OTHERHOST } from "../packet/packet.ts";
import type { ChainCounters, Outcome } from "../path/firewall.ts";
import type { AssertionNode, Token } from "./ast.ts";
import { type BuiltPacket, buildPacket } from "./build.ts";
import { type PacketInput, plainInput, type ReplayEngine } from "./engine.ts";
import { FlowError } from "./error.ts";
import { unquote } from "./fields.ts";
import { Conversation, type FollowNode, replyTo, thenAfter } from "./follow.ts";
import type { Item, SourceLine, TestCase } from "./script.ts";
import { hasWords, judge, termText, type Verdict } from "./terms.ts";

/** When a script begins, in µs since 1970: any fixed time would do. */
export const SCRIPT_START = 1_700_000_000_000_000;

/** One expectation or claim, judged. */
export interface Check {
  readonly line: SourceLine;
  /** Column of the words that claim it, from 1. */
  readonly column: number;
  /** The claim as it is written. */
  readonly claim: string;
  /** null: it holds. */
  readonly failure: Verdict;
  /** The packet it speaks of, null for a claim about counters or connections. */
  readonly event: EventResult | null;
}

/** A packet of the script, and what became of it. */
export interface EventResult {
  readonly line: SourceLine;
  readonly time: number;
  readonly input: PacketInput;
  readonly outcome: Outcome;
  readonly delivered: Uint8Array | null;
}

export interface CaseResult {
  readonly case: TestCase;
  readonly checks: readonly Check[];
  readonly events: readonly EventResult[];
}

/** How an engine's devices look to the link layer; null: no such device. */
export interface Devices {
  /** Link-layer address of a device, null when it has none; undefined when there is no such device. */
  macOf(dev: string): Uint8Array | null | undefined;
}

/** Runs the items in order. Throws nothing for a failed expectation; engine errors pass through. */
export async function runCase(test: TestCase, engine: ReplayEngine, devices: Devices): Promise<CaseResult> {
  const runner = new Runner(engine, devices);
  for (const item of test.items) await runner.step(item);
  return { case: test, checks: runner.checks, events: runner.events };
}

/** Runs packets one after another and says what became of them; `explain` and tests share it. */
export class Runner {
  readonly checks: Check[] = [];
  readonly events: EventResult[] = [];
  readonly #engine: ReplayEngine;
  readonly #devices: Devices;
  readonly #talk = new Conversation();
  readonly #labelled = new Map<string, EventResult>();
  /** Set when a packet could not be made: what refers to it then makes no sense either. */
  readonly #missing = new Set<string>();

  constructor(engine: ReplayEngine, devices: Devices) {
    this.#engine = engine;
    this.#devices = devices;
  }

  async step(item: Item): Promise<void> {
    if (item.kind === "assertion") {
      await this.#assert(item.line, item.time, item.assertion);
      return;
    }
    let event: EventResult;
    try {
      event = await this.#send(item);
    } catch (error) {
      if (!(error instanceof FlowError)) throw error;
      this.#fail(item, error);
      return;
    }
    this.events.push(event);
    if (item.label !== null) this.#labelled.set(item.label, event);
    for (const { line, term } of item.expectations)
      this.checks.push({
        line,
        column: term.at.col,
        claim: termText(line.text, term),
        failure: judge(term, event),
        event,
      });
  }

  /** A packet that could not be made is a failure of its line. */
  #fail(item: Extract<Item, { kind: "event" }>, error: FlowError): void {
    if (item.label !== null) this.#missing.add(item.label);
    const claim = item.line.text.slice(error.column > 0 ? error.column - 1 : 0).trim();
    const failure = { expected: "this packet", happened: error.message };
    this.checks.push({ line: item.line, column: Math.max(1, error.column), claim, failure, event: null });
  }

  async #send(item: Extract<Item, { kind: "event" }>): Promise<EventResult> {
    const input = this.#input(item, SCRIPT_START + item.time);
    const outcome = await this.#engine.packet(input);
    const delivered = this.#engine.delivered();
    this.#talk.sent(input.dev, input.bytes);
    for (const { dev, bytes } of outcome.out) this.#talk.heard(dev, bytesOfHex(bytes)!);
    if (delivered !== null) this.#talk.heard(null, delivered);
    return { line: item.line, time: item.time, input, outcome, delivered };
  }

  #input(item: Extract<Item, { kind: "event" }>, time: number): PacketInput {
    const { action } = item;
    if (action.kind === "packet") {
      const name = unquote(action.device);
      const dev = name === "local" ? null : name;
      if (dev !== null && this.#devices.macOf(dev) === undefined)
        throw new FlowError(`the host has no device “${dev}”`, action.device);
      return this.#arrival(dev, buildPacket(action.packet), time);
    }
    const event = this.#target(action);
    if (action.how.text === "again") return { ...event.input, time };
    if (action.how.text === "then") {
      const next = thenAfter(action, event.input.dev, event.input.bytes, this.#talk);
      return this.#arrival(event.input.dev, next, time);
    }
    const { dev, bytes } = this.#answered(event, action);
    return this.#arrival(dev, replyTo(action, dev, bytes, this.#talk), time);
  }

  #target(action: FollowNode): EventResult {
    const name = action.target?.text;
    if (name !== undefined && this.#missing.has(name)) throw new FlowError(`“${name}” never happened`, action.target);
    const event = name === undefined ? this.events.at(-1) : this.#labelled.get(name);
    if (event === undefined) throw new FlowError("there is no packet before this one", action.how);
    return event;
  }

  /** What there is to answer: the packet that left, or the one that the host itself got. */
  #answered(event: EventResult, action: FollowNode): { readonly dev: string | null; readonly bytes: Uint8Array } {
    if (event.outcome.verdict === "ACCEPT" && event.delivered !== null) return { dev: null, bytes: event.delivered };
    const left = event.outcome.out[0];
    if (left === undefined)
      throw new FlowError(`nobody got line ${event.line.number}'s packet, so nobody can reply to it`, action.how);
    return { dev: left.dev, bytes: bytesOfHex(left.bytes)! };
  }

  /** With link-layer addresses given, the packet's type follows from the destination, as in eth_type_trans. */
  #arrival(dev: string | null, built: BuiltPacket, time: number): PacketInput {
    const plain = plainInput(dev, built.bytes, time, true);
    if (dev === null || built.mac === null) return plain;
    const own = this.#devices.macOf(dev) ?? null;
    return {
      ...plain,
      mac: built.mac,
      packetType: built.macTo === null ? PACKET_HOST : packetTypeOf(built.macTo, own),
    };
  }

  async #assert(line: SourceLine, time: number, assertion: AssertionNode): Promise<void> {
    await this.#engine.advance(SCRIPT_START + time);
    const failure =
      assertion.kind === "counter"
        ? judgeCounter(assertion, await this.#engine.counters(assertion.family))
        : judgeConnections(assertion, await this.#engine.connections());
    const claim = line.text.slice(assertion.at.col - 1).replace(/\s*#[^"]*$/, "");
    this.checks.push({ line, column: assertion.at.col, claim, failure, event: null });
  }
}

/** eth.c: eth_type_trans. `own` null: the device's address is not known, so a unicast frame counts as ours. */
export function packetTypeOf(destination: Uint8Array, own: Uint8Array | null): number {
  if (own?.every((byte, i) => destination[i] === byte)) return PACKET_HOST;
  if ((destination[0] & 1) === 0) return own === null ? PACKET_HOST : PACKET_OTHERHOST;
  return destination.every((byte) => byte === 0xff) ? 1 : 2;
}

function judgeCounter(
  assertion: Extract<AssertionNode, { kind: "counter" }>,
  chains: readonly ChainCounters[],
): Verdict {
  const [table, name] = [assertion.table.text, unquote(assertion.chain)];
  const where = `${table} ${name} ${assertion.rule.text === "policy" ? "policy" : `rule ${assertion.rule.text}`}`;
  const compare = assertion.compare?.text ?? "=";
  const bytes = assertion.bytes === null ? "" : `, ${assertion.bytes.text} bytes`;
  const expected = `${where} ${compare} ${assertion.packets.text} packets${bytes}`;
  const chain = chains.find((c) => c.table === table && c.chain === name);
  if (chain === undefined) return { expected, happened: `there is no chain ${name} in table ${table}` };
  const counters = assertion.rule.text === "policy" ? chain.policy : chain.rules[Number(assertion.rule.text) - 1];
  if (counters === null) return { expected, happened: `${name} is a user chain: it has no policy` };
  if (counters === undefined) return { expected, happened: `${name} has ${chain.rules.length} rules` };
  const holds =
    compares(counters.packets, compare, assertion.packets) &&
    (assertion.bytes === null || counters.bytes === Number(assertion.bytes.text));
  return holds ? null : { expected, happened: `${counters.packets} packets, ${counters.bytes} bytes` };
}

function judgeConnections(
  assertion: Extract<AssertionNode, { kind: "connections" | "entry" }>,
  lines: readonly string[],
): Verdict {
  const number = lines.length === 1 ? "1 connection" : `${lines.length} connections`;
  const happened = lines.length === 0 ? "no connection" : `${number}:\n${lines.join("\n")}`;
  if (assertion.kind === "connections") {
    const compare = assertion.compare?.text ?? "=";
    if (compares(lines.length, compare, assertion.count)) return null;
    return { expected: `connections ${compare} ${assertion.count.text}`, happened };
  }
  const words = assertion.words.flatMap((word) => unquote(word).split(/\s+/));
  const found = lines.some((line) => hasWords(line, words));
  if (found !== assertion.none) return null;
  return { expected: `${assertion.none ? "no entry" : "an entry"} ${words.join(" ")}`, happened };
}

function compares(value: number, compare: string, token: Token): boolean {
  const wanted = Number(token.text);
  switch (compare) {
    case "=":
      return value === wanted;
    case "!=":
      return value !== wanted;
    case "<":
      return value < wanted;
    case "<=":
      return value <= wanted;
    case ">":
      return value > wanted;
    default:
      return value >= wanted;
  }
}
