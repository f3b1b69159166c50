/**
 * What became of a packet, on one line for people or as one JSON object for programs.
 */
import { bytesOfHex } from "../bytes/hex.ts";
import { describePacket, printPacket } from "../flow/notation.ts";
import { endText } from "../flow/terms.ts";
import { Packet } from "../packet/packet.ts";
import type { By, Outcome } from "../path/firewall.ts";
import { type Paint, paintState, paintVerdict } from "./paint.ts";

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
      if (endText(before, which) !== endText(after, which)) said.push(`${which} ${endText(after, which)}`);
  };
  if (delivered !== null && outcome.verdict === "ACCEPT") compare(loaded(delivered));
  for (const { dev, bytes: hex } of outcome.out) {
    const after = loaded(bytesOfHex(hex)!);
    // A packet that was cut into fragments leaves in pieces: the first tells all.
    if (outcome.verdict === "ACCEPT" && after.protocol === before.protocol && (!found || after.fragmentOffset > 0)) {
      if (!found) compare(after);
    } else said.push(`↩ ${dev} ${describePacket(after)}`);
  }
  return said;
}

function loaded(bytes: Uint8Array): Packet {
  const p = new Packet();
  p.loadBytes(bytes);
  return p;
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

/** Lines of a replay: number, time, device, packet, state, verdict, what decided, translation. */
export class OutcomeLines {
  readonly #columns: Columns;
  readonly #paint: Paint;
  readonly #width: number;

  /**
   * `width`: of the terminal; Infinity keeps every packet on one line. `packetWidth`: how long the packets are that
   * will come, as far as that is known.
   */
  constructor(paint: Paint, width: number, packetWidth: number) {
    this.#columns = new Columns(
      [3, 8, 9, Math.min(packetWidth, WIDEST_PACKET), 11, 7, 10],
      [9, 17, 24, WIDEST_PACKET, 11, 8, 26],
    );
    this.#paint = paint;
    this.#width = width;
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

  line({ number, elapsed, outcome, bytes, instead, delivered }: Line): string {
    const columns = this.#columns;
    const paint = this.#paint;
    const state = outcome.state ?? "-";
    const by = shortBy(outcome.by);
    const more = instead === null ? consequences(bytes, outcome, delivered).join("  ") : "";
    const cells = [
      columns.padStart(0, String(number)),
      columns.padStart(1, timeText(elapsed)),
      columns.pad(2, devices(outcome)),
      columns.pad(3, instead ?? printPacket(bytes)),
      columns.pad(4, state),
      columns.pad(5, outcome.verdict),
      more === "" ? by : columns.pad(6, by),
    ];
    const length = cells.reduce((sum, cell) => sum + cell.length + 2, -2);
    cells[0] = paint.dim(cells[0]);
    cells[1] = paint.dim(cells[1]);
    cells[2] = paint.name(cells[2]);
    cells[4] = paintState(state, cells[4], paint);
    cells[5] = paintVerdict(outcome.verdict, cells[5], paint);
    const text = cells.join("  ");
    if (more === "") return text;
    const before = cells[0].length === 0 ? 0 : length;
    if (before + 2 + more.length <= this.#width) return `${text}  ${paint.name(more)}`;
    // Too long for the terminal: below the packet.
    const indent = columns.padStart(0, "").length + columns.padStart(1, "").length + columns.pad(2, "").length + 6;
    return `${text.trimEnd()}\n${" ".repeat(indent)}${paint.name(more)}`;
  }
}
