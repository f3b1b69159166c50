/**
 * Netlink messages to and from netfilter (uapi/linux/netlink.h, nfnetlink.h): a header, an nfgenmsg, then attributes
 * that may hold attributes. Headers are in the machine's byte order, values of netfilter's attributes in network order.
 */
import type { Family } from "../packet/hook.ts";

const HEADER = 16;
const NFGENMSG = 4;
/** Where the attributes of a netfilter message begin. */
const ATTRIBUTES = HEADER + NFGENMSG;

export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
export const NLMSG_ERROR = 2;

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

const AF_INET = 2;
const AF_INET6 = 10;

/** Type of a message: subsystem and what is asked of it (NFNL_SUBSYS_…). */
export const messageType = (subsystem: number, message: number) => (subsystem << 8) | message;

/** Writes one message at a time into memory of its own. */
export class MessageWriter {
  readonly #bytes = new Uint8Array(1024);
  readonly #view = new DataView(this.#bytes.buffer);
  #end = 0;

  /** `resource` is the nfgenmsg's res_id. */
  begin(type: number, flags: number, family: Family | 0, resource = 0): void {
    this.#bytes.fill(0, 0, ATTRIBUTES);
    this.#view.setUint16(4, type, true);
    this.#view.setUint16(6, NLM_F_REQUEST | flags, true);
    this.#bytes[HEADER] = family === 0 ? 0 : family === 4 ? AF_INET : AF_INET6;
    this.#view.setUint16(HEADER + 2, resource);
    this.#end = ATTRIBUTES;
  }

  /** An attribute of `length` bytes, zero for now; returns where they begin. */
  #attribute(type: number, length: number): number {
    const at = this.#end;
    this.#view.setUint16(at, 4 + length, true);
    this.#view.setUint16(at + 2, type, true);
    this.#end = at + 4 + ((length + 3) & ~3);
    this.#bytes.fill(0, at + 4, this.#end);
    return at + 4;
  }

  u8(type: number, value: number): void {
    this.#bytes[this.#attribute(type, 1)] = value;
  }

  u16(type: number, value: number): void {
    this.#view.setUint16(this.#attribute(type, 2), value);
  }

  u32(type: number, value: number): void {
    this.#view.setUint32(this.#attribute(type, 4), value);
  }

  /** 32-bit words, each in network order. */
  words(type: number, ...values: readonly number[]): void {
    const at = this.#attribute(type, 4 * values.length);
    for (const [i, value] of values.entries()) this.#view.setInt32(at + 4 * i, value);
  }

  bytes(type: number, value: Uint8Array): void {
    this.#bytes.set(value, this.#attribute(type, value.length));
  }

  nested(type: number, write: () => void): void {
    const at = this.#attribute(type | NLA_F_NESTED, 0) - 4;
    write();
    this.#view.setUint16(at, this.#end - at, true);
  }

  /** The message; valid until the next one begins. */
  finish(): Uint8Array {
    this.#view.setUint32(0, this.#end, true);
    return this.#bytes.subarray(0, this.#end);
  }
}

/** Calls `visit` for every message between `from` and `to` with its type, and where its attributes begin and end. */
export function eachMessage(
  view: DataView,
  from: number,
  to: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  for (let at = from; at + HEADER <= to; ) {
    const length = view.getUint32(at, true);
    if (length < HEADER || at + length > to) return;
    visit(view.getUint16(at + 4, true), Math.min(at + ATTRIBUTES, at + length), at + length);
    at += (length + 3) & ~3;
  }
}

/** The errno of an NLMSG_ERROR whose attributes would begin at `start`: 0 when it only acknowledges. */
export const errnoAt = (view: DataView, start: number) => -view.getInt32(start - NFGENMSG, true);

/** Calls `visit` for every attribute between `from` and `to` with its type, and where its value begins and ends. */
export function eachAttribute(
  view: DataView,
  from: number,
  to: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  for (let at = from; at + 4 <= to; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > to) return;
    visit(view.getUint16(at + 2, true) & NLA_TYPE_MASK, at + 4, at + length);
    at += (length + 3) & ~3;
  }
}

/** Text of one byte a character, to its first zero. */
export function textAt(view: DataView, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end && view.getUint8(at) !== 0; at++) text += String.fromCharCode(view.getUint8(at));
  return text;
}
