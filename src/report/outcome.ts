/**
 * What became of a packet, on one line for people or as one JSON object for programs.
 */
import { bytesOfHex } from "../bytes/hex.ts";
import { describePacket, destinationText, printPacket, sourceText } from "../flow/notation.ts";
import { endText } from "../flow/terms.ts";
import { Packet } from "../packet/packet.ts";
import type { By, Outcome } from "../path/firewall.ts";
import { type Paint, paintState, paintVerdict } from "./paint.ts";
import { visibleLength, wrapped } from "./wrap.ts";

/** `1700000000.000001` of integer microseconds. */
export function timeText(microseconds: number): string {
  const seconds = Math.floor(microseconds / 1e6);
  return `${seconds}.${String(microseconds - seconds * 1e6).padStart(6, "0")}`;
}

/** One line of `replay --format json`. Steps follow only when the outcome has some. */
export function outcomeJson(number: number, time: number, outcome: Outcome): string {
  const { in: device, path, state, verdict, by, out, entry, steps } = outcome;
  const head = { packet: number, time: timeText(time), in: device, path, state, verdict, by, out, entry };
  return JSON.stringify(steps === undefined ? head : { ...head, steps });
}

/** `FORWARD 2`, `nat PREROUTING 1`, `FORWARD policy`, `martian source`: what decided, short. The table goes without saying when it is filter. */
export function shortBy(by: By): string {
  if ("reason" in by) return by.reason;
  const chain = by.table === "filter" ? by.chain : `${by.table} ${by.chain}`;
  return "rule" in by ? `${chain} ${by.rule}` : `${chain} policy`;
}

/** One packet of a replay, as the text report needs it. */
export interface Line {
  readonly number: number;
  /** µs since the first packet. */
  readonly elapsed: number;
  readonly outcome: Outcome;
  /** The packet as it came, or what stands for it when it is not IP. */
  readonly bytes: Uint8Array;
  readonly instead: string | null;
  readonly delivered: Uint8Array | null;
}

const ARROW = "→";

/** `lan0→wan0`, `wan0→local`, `local→wan0`, `lan0`. */
export function devices(outcome: Outcome): string {
  const from = outcome.in ?? "local";
  if (outcome.verdict !== "ACCEPT") return from;
  if (outcome.path === "input") return `${from}${ARROW}local`;
  const to = outcome.out[outcome.out.length - 1]?.dev;
  return to === undefined ? from : `${from}${ARROW}${to}`;
}

/** What NAT made of the packet (`from 203.0.113.1:4000`), and what the host sent because of it. */
export function consequences(bytes: Uint8Array, outcome: Outcome, delivered: Uint8Array | null): string[] {
  const before = loaded(bytes);
  const said: string[] = [];
  let found = false;
  const compare = (after: Packet) => {
    found = true;
    for (const which of ["from", "to"] as const)
      if (endText(before, which) !== endText(after, which)) said.push(`${which} ${newEnd(before, after, which)}`);
  };
  if (delivered !== null && outcome.verdict === "ACCEPT") compare(loaded(delivered));
  for (const { dev, bytes: hex } of outcome.out) {
    const after = loaded(bytesOfHex(hex)!);
    // A packet that was cut into fragments leaves in pieces: the first tells all.
    if (outcome.verdict === "ACCEPT" && after.protocol === before.protocol && (!found || after.fragmentOffset > 0)) {
      if (!found) compare(after);
    } else said.push(`${ANSWERED} ${dev} ${describePacket(after)}`);
  }
  return said;
}

/** The new end; its port only when that changed, too. */
function newEnd(before: Packet, after: Packet, which: "from" | "to"): string {
  const same = which === "from" ? before.sport === after.sport : before.dport === after.dport;
  return same ? (which === "from" ? sourceText(after) : destinationText(after)) : endText(after, which);
}

function loaded(bytes: Uint8Array): Packet {
  const p = new Packet();
  p.loadBytes(bytes);
  return p;
}

/** A long packet in pieces: what an ICMP error is about is one. */
function split(packet: string, width: number): string[] {
  const about = packet.indexOf(" (");
  if (about <= 0 || about > width) return wrapped(packet, width, 0);
  return [packet.slice(0, about), packet.slice(about + 1)];
}

/** Columns that grow with what they hold, up to a limit, so that a stream of lines stays aligned. */
export class Columns {
  readonly #widths: number[];
  readonly #limits: readonly number[];

  constructor(widths: readonly number[], limits: readonly number[]) {
    this.#widths = [...widths];
    this.#limits = limits;
  }

  /** Pads `text` to the width of its column. */
  pad(column: number, text: string): string {
    const wanted = Math.min(text.length, this.#limits[column]);
    if (wanted > this.#widths[column]) this.#widths[column] = wanted;
    return text.padEnd(this.#widths[column]);
  }

  padStart(column: number, text: string): string {
    const wanted = Math.min(text.length, this.#limits[column]);
    if (wanted > this.#widths[column]) this.#widths[column] = wanted;
    return text.padStart(this.#widths[column]);
  }
}

/** Packets that need more push the rest of their line to the right. */
const WIDEST_PACKET = 60;
const MIN_PACKET = 40;
/** Before a packet that the host sent because of this one. */
const ANSWERED = "↩";

/** Narrower terminals than that get shorter words. */
const NARROW = 150;
/** There: the columns beside those of device and packet, with the gaps between them, when nothing is longer than usual. */
const BESIDE_PACKET = 3 + 7 + 7 + 7 + 14 + 6 * 2;
/** As `ss` shortens them. */
const SHORT_STATES: Readonly<Record<string, string>> = { ESTABLISHED: "ESTAB", UNTRACKED: "UNTRK" };

/** How long devices and packets are that will come, as far as that is known. */
export interface UsualWidths {
  readonly device: number;
  readonly packet: number;
}

/** Lines of a replay: number, time, device, packet, state, verdict, what decided, translation. */
export class OutcomeLines {
  readonly #columns: Columns;
  readonly #paint: Paint;
  readonly #width: number;
  readonly #narrow: boolean;
  /** Longer packets go on below. */
  readonly #widest: number;

  /** `width`: of the terminal; Infinity keeps every packet on one line. */
  constructor(paint: Paint, width: number, usual: UsualWidths) {
    this.#paint = paint;
    this.#width = width;
    this.#narrow = width < NARROW;
    this.#widest = this.#narrow ? Math.max(MIN_PACKET, width - BESIDE_PACKET - usual.device) : WIDEST_PACKET;
    const packet = Math.min(usual.packet, this.#widest);
    this.#columns = new Columns(
      [3, this.#narrow ? 7 : 10, usual.device, packet, this.#narrow ? 7 : 11, 7, 10],
      [9, 17, 24, this.#widest, 11, 8, 26],
    );
  }

  header(): string {
    const columns = this.#columns;
    const names = [
      columns.padStart(0, "#"),
      columns.padStart(1, "time"),
      columns.pad(2, "device"),
      columns.pad(3, "packet"),
      columns.pad(4, "state"),
      columns.pad(5, "verdict"),
      "decided by",
    ];
    return this.#paint.dim(names.join("  "));
  }

  /** One line, or a few when the terminal is narrow. */
  lines({ number, elapsed, outcome, bytes, instead, delivered }: Line): string[] {
    const columns = this.#columns;
    const paint = this.#paint;
    const state = outcome.state ?? "-";
    const by = shortBy(outcome.by);
    const packet = instead ?? printPacket(bytes);
    const time = this.#narrow ? timeText(elapsed).slice(0, -3) : timeText(elapsed);
    const cells = [
      paint.dim(columns.padStart(0, String(number))),
      paint.dim(columns.padStart(1, time)),
      paint.name(columns.pad(2, devices(outcome))),
      columns.pad(3, packet),
      paintState(state, columns.pad(4, this.#narrow ? (SHORT_STATES[state] ?? state) : state), paint),
      paintVerdict(outcome.verdict, columns.pad(5, outcome.verdict), paint),
    ];
    const indent = visibleLength(cells.slice(0, 3).join("  ")) + 2;
    const more = instead === null ? consequences(bytes, outcome, delivered) : [];
    const whole = [...cells, more.length === 0 ? by : columns.pad(6, by)];
    if (more.length > 0) whole.push(paint.name(more.join("  ")));
    if (visibleLength(whole.join("  ")) <= this.#width) return [whole.join("  ")];
    const rest: string[] = [];
    if (packet.length > this.#widest && visibleLength([...cells, by].join("  ")) > this.#width) {
      const [shown, ...parts] = split(packet, this.#widest);
      cells[3] = columns.pad(3, shown);
      rest.push(...parts);
    }
    const first = wrapped([...cells, by].join("  "), this.#width, indent);
    // What NAT does to every packet of a connection was said at its first.
    const known = outcome.state === "ESTABLISHED" && more.every((text) => !text.startsWith(ANSWERED));
    const below = [...rest, ...(known ? [] : more.map((text) => paint.name(text)))];
    return [...first, ...this.#below(below, indent)];
  }

  /** As many on a line as fit. */
  #below(texts: readonly string[], indent: number): string[] {
    const lines: string[] = [];
    for (const text of texts) {
      const last = lines.at(-1);
      if (last !== undefined && visibleLength(last) + 2 + visibleLength(text) <= this.#width)
        lines[lines.length - 1] = `${last}  ${text}`;
      else lines.push(...wrapped(" ".repeat(indent) + text, this.#width, indent + 2));
    }
    return lines;
  }
}
