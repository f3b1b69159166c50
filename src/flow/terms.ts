/**
 * What a script expects of one packet, held against what happened to it. Each term is judged alone, and says in the
 * reader's words what was expected and what happened instead.
 */
import { formatAddress, parseAddress } from "../bytes/address.ts";
import { bytesOfHex } from "../bytes/hex.ts";
import { Packet } from "../packet/packet.ts";
import type { Step } from "../packet/step.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, TCP_RST } from "../packet/transport.ts";
import type { By, Outcome } from "../path/firewall.ts";
import type { IcmpKindNode, TermNode, Token } from "./ast.ts";
import { type Endpoint, endpointOf } from "./ends.ts";
import { FlowError } from "./error.ts";
import { numberOf, unquote } from "./fields.ts";
import { icmpKindNamed, icmpName } from "./names.ts";
import { describePacket, destinationText, sourceText, withPort } from "./notation.ts";
import { checkPattern, isRaw, matchesPattern } from "./pattern.ts";
import { icmpTypeOf, tcpFlagsOf } from "./transport.ts";

/** What happened, as far as terms look at it. */
export interface Happened {
  readonly outcome: Outcome;
  /** The packet as it was delivered to the host itself. */
  readonly delivered: Uint8Array | null;
}

/** The judgement of one term: null when it holds, else what was expected and what happened. */
export type Verdict = null | { readonly expected: string; readonly happened: string };

const STATES = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "NONE"];
const PATHS = ["forward", "input", "output", "none"];
const TABLES = ["raw", "mangle", "nat", "filter", "security"];

/** Refuses what no packet could ever fulfil; gives the term back. */
export function checkTerm(term: TermNode): TermNode {
  switch (term.kind) {
    case "state":
      return oneOf(term, term.value.text.toUpperCase(), STATES, term.value, "a state");
    case "path":
      return oneOf(term, term.value.text, PATHS, term.value, "a path");
    case "rule":
      if (numberOf(term.rule, Number.MAX_SAFE_INTEGER, "a rule") === 0)
        throw new FlowError("rules count from 1", term.rule);
      return oneOf(term, term.table.text, TABLES, term.table, "a table");
    case "policy":
      return term.table === null ? term : oneOf(term, term.table.text, TABLES, term.table, "a table");
    case "from":
    case "to":
      endpointOf(term.value);
      return term;
    case "with":
      if (term.flags !== null) tcpFlagsOf(term.flags);
      else if (!isTcpReset(term.icmp!)) checkIcmpKind(term.icmp!);
      return term;
    case "emits":
      checkPattern(term.pattern);
      return term;
    default:
      return term;
  }
}

function oneOf(term: TermNode, value: string, all: readonly string[], at: Token, what: string): TermNode {
  if (!all.includes(value)) throw new FlowError(`“${at.text}” is not ${what}: ${all.join(", ")}`, at);
  return term;
}

function checkIcmpKind(kind: IcmpKindNode): void {
  const name = kind.name;
  if (name !== null && icmpKindNamed(4, name.text) === undefined) icmpTypeOf(kind, 6);
}

function isTcpReset(kind: IcmpKindNode): boolean {
  return kind.name?.text === "tcp-reset";
}

/** The words of a term as the script has them. */
export function termText(line: string, term: TermNode): string {
  const from = term.at.col - 1;
  const rest = line.slice(from);
  const end = rest.match(/^(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\([^)]*\)|[^,#"])*/)![0].length;
  return rest.slice(0, end).trim();
}

export function judge(term: TermNode, { outcome, delivered }: Happened): Verdict {
  const verdict = `${outcome.verdict} ${byText(outcome.by)}`;
  switch (term.kind) {
    case "verdict":
      return outcome.verdict === term.verdict ? null : { expected: term.verdict, happened: verdict };
    case "state": {
      const state = outcome.state ?? "NONE";
      return state === term.value.text.toUpperCase()
        ? null
        : { expected: `state ${term.value.text}`, happened: `state ${outcome.state ?? "none (not tracked)"}` };
    }
    case "path":
      return outcome.path === term.value.text
        ? null
        : { expected: `path ${term.value.text}`, happened: `path ${outcome.path}` };
    case "rule": {
      const wanted = { table: term.table.text, chain: nameOf(term.chain), rule: Number(term.rule.text) };
      const { by } = outcome;
      const holds = "rule" in by && by.table === wanted.table && by.chain === wanted.chain && by.rule === wanted.rule;
      const expected = `by ${wanted.table} ${wanted.chain} rule ${wanted.rule}`;
      return holds ? null : { expected, happened: verdict };
    }
    case "policy": {
      const { by } = outcome;
      const holds =
        "policy" in by && (term.table === null || (by.table === term.table.text && by.chain === nameOf(term.chain!)));
      const where = term.table === null ? "" : ` of ${term.table.text} ${nameOf(term.chain!)}`;
      return holds ? null : { expected: `by the policy${where}`, happened: verdict };
    }
    case "because":
      return judgeReason(unquote(term.value), outcome);
    case "entry":
      return judgeEntry(unquote(term.value), outcome);
    case "no entry":
      return outcome.entry === null ? null : { expected: "no entry", happened: `entry ${outcome.entry}` };
    case "log":
      return judgeLog(unquote(term.value), outcome);
    default:
      return judgeEmitted(term, outcome, delivered);
  }
}

function nameOf(token: Token): string {
  return unquote(token);
}

/** `by filter FORWARD rule 2`, `by the policy of filter FORWARD`, `because martian source`. */
export function byText(by: By): string {
  if ("rule" in by) return `by ${by.table} ${by.chain} rule ${by.rule}`;
  if ("policy" in by) return `by the policy of ${by.table} ${by.chain}`;
  return `because: ${by.reason}`;
}

function judgeReason(wanted: string, outcome: Outcome): Verdict {
  const reasons: string[] = "reason" in outcome.by ? [outcome.by.reason] : [];
  for (const step of outcome.steps ?? [])
    if (step.kind === "invalid" || step.kind === "dropped") reasons.push(step.reason);
  if (reasons.some((reason) => reason.includes(wanted))) return null;
  const happened = reasons.length === 0 ? `${outcome.verdict} ${byText(outcome.by)}` : reasons.join("; ");
  return { expected: `because "${wanted}"`, happened };
}

/** Whether each word stands in the line, in this order. */
export function hasWords(line: string, wanted: readonly string[]): boolean {
  const words = line.split(/\s+/);
  let at = 0;
  for (const word of wanted) {
    while (at < words.length && words[at] !== word) at++;
    if (at++ >= words.length) return false;
  }
  return true;
}

function judgeEntry(wanted: string, outcome: Outcome): Verdict {
  const words = wanted.split(/\s+/).filter((word) => word !== "");
  if (outcome.entry !== null && hasWords(outcome.entry, words)) return null;
  return { expected: `entry ${wanted}`, happened: outcome.entry === null ? "no entry" : `entry ${outcome.entry}` };
}

function judgeLog(wanted: string, outcome: Outcome): Verdict {
  const lines = logLines(outcome.steps ?? []);
  if (lines.some((line) => line.includes(wanted))) return null;
  return { expected: `log "${wanted}"`, happened: lines.length === 0 ? "nothing was logged" : lines.join("; ") };
}

function logLines(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => {
    if (step.kind === "log") return [step.line];
    return step.kind === "answer" ? logLines(step.steps) : [];
  });
}

// ── what left the host ───────────────────────────────────────────────────────────────────────────────────

interface Seen {
  readonly dev: string;
  readonly packet: Packet;
}

type EmittedTerm = Extract<TermNode, { kind: "out" | "from" | "to" | "with" | "emits" | "nothing" }>;

function judgeEmitted(term: EmittedTerm, outcome: Outcome, delivered: Uint8Array | null): Verdict {
  const seen: Seen[] = outcome.out.map(({ dev, bytes }) => ({ dev, packet: loaded(bytesOfHex(bytes)!) }));
  const happened =
    seen.length === 0 ? `nothing left (${outcome.verdict} ${byText(outcome.by)})` : seen.map(seenText).join("; ");
  if (term.kind === "nothing") return seen.length === 0 ? null : { expected: "nothing leaves", happened };
  if (term.kind === "with") {
    const holds = seen.some(({ packet }) => isAnswer(term, packet));
    return holds ? null : { expected: `an answer ${answerText(term)}`, happened };
  }
  if (term.kind === "emits") {
    const device = nameOf(term.device);
    const holds = seen.some(({ dev, packet }) => dev === device && matchesPattern(term.pattern, packet));
    if (holds) return null;
    // Whoever wrote bytes wants to see bytes.
    const bytes = isRaw(term.pattern) && outcome.out.map(({ dev, bytes }) => `${dev} > raw ${bytes}`).join("; ");
    return { expected: `out ${device} > that packet`, happened: bytes || happened };
  }
  if (term.kind === "out") {
    const device = nameOf(term.value);
    return seen.some(({ dev }) => dev === device) ? null : { expected: `out ${device}`, happened };
  }
  // A packet for the host itself leaves nothing: then its ends are those it was delivered with.
  const here = delivered !== null && seen.length === 0 ? loaded(delivered) : null;
  const wanted = endpointOf(term.value);
  const packets = here === null ? seen.map(({ packet }) => packet) : [here];
  if (packets.some((packet) => isEnd(wanted, packet, term.kind))) return null;
  const shown = here === null ? happened : `delivered here: ${describePacket(here)}`;
  return { expected: `${term.kind} ${term.value.text}`, happened: shown };
}

function loaded(bytes: Uint8Array): Packet {
  const p = new Packet();
  p.loadBytes(bytes);
  return p;
}

function seenText({ dev, packet }: Seen): string {
  return `${dev} > ${describePacket(packet)}`;
}

function isEnd(wanted: Endpoint, p: Packet, which: "from" | "to"): boolean {
  const address = which === "from" ? sourceText(p) : destinationText(p);
  if (address !== formatAddress(wanted.words)) return false;
  return wanted.port === null || (p.hasPorts && (which === "from" ? p.sport : p.dport) === wanted.port);
}

function isAnswer(term: Extract<TermNode, { kind: "with" }>, p: Packet): boolean {
  if (term.flags !== null) return p.protocol === IPPROTO_TCP && p.tcpFlags === tcpFlagsOf(term.flags);
  const kind = term.icmp!;
  if (isTcpReset(kind)) return p.protocol === IPPROTO_TCP && (p.tcpFlags & TCP_RST) !== 0;
  if (p.protocol !== (p.family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) return false;
  if (kind.name !== null && icmpKindNamed(p.family, kind.name.text) === undefined) return false;
  const { type, code } = icmpTypeOf(kind, p.family);
  return p.dport === ((type << 8) | code);
}

function answerText(term: Extract<TermNode, { kind: "with" }>): string {
  if (term.flags !== null) return `tcp ${term.flags.text}`;
  const kind = term.icmp!;
  return kind.name?.text ?? icmpName(4, Number(kind.type?.text), Number(kind.code?.text ?? 0));
}

/** `203.0.113.1:4000` of a packet's source, for reports. */
export function endText(p: Packet, which: "from" | "to"): string {
  const address = which === "from" ? sourceText(p) : destinationText(p);
  const ports = p.hasPorts && p.protocol !== IPPROTO_ICMP && p.protocol !== IPPROTO_ICMPV6;
  return ports && parseAddress(address) !== null ? withPort(address, which === "from" ? p.sport : p.dport) : address;
}
