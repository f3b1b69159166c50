/**
 * What the kernel says about packets while it handles them: TRACE lines, LOG lines, nf_conntrack_log_invalid messages
 * and our own watch marks, all received in order over one nfnetlink_log socket (uapi/linux/netfilter/nfnetlink_log.h).
 */
import type { Family } from "../packet/hook.ts";
import { eachMessage, MessageWriter, messageType, textAt } from "./netlink.ts";
import type { SystemCalls } from "./system-calls.ts";
import { MARK, MARK_HOOK } from "./watch.ts";

/** One logged packet. */
export interface LogMessage {
  /** "TRACE: filter:FORWARD:rule:2 ", a --log-prefix, "nf_ct_proto_6: SEQ is over …", or a watch mark. */
  readonly prefix: string;
  readonly hook: number;
  readonly family: Family;
  /** Index of the device it came in on; 0 for packets that the host makes. */
  readonly inDevice: number;
  /** With our marks the packet, of which that of a hook only needs the beginning. Else nothing. */
  readonly payload: Uint8Array;
}

/** The group that everything goes to; the kernel's own messages use 0. */
const GROUP = 0;

const NFNL_SUBSYS_ULOG = 4;
const PACKET = messageType(NFNL_SUBSYS_ULOG, 0);
const CONFIG = messageType(NFNL_SUBSYS_ULOG, 1);

const NFULA_CFG_CMD = 1;
const NFULA_CFG_MODE = 2;
const NFULA_CFG_QTHRESH = 5;
const NFULNL_CFG_CMD_BIND = 1;
const NFULNL_COPY_PACKET = 2;
const WHOLE_PACKET = 0xffff;
const HEADERS = 128;

const NFULA_PACKET_HDR = 1;
const NFULA_IFINDEX_INDEV = 4;
const NFULA_PAYLOAD = 9;
const NFULA_PREFIX = 10;

export class NetfilterLog {
  readonly #calls: SystemCalls;
  readonly #fd: number;
  readonly #prefixes = new Prefixes();

  constructor(calls: SystemCalls) {
    this.#calls = calls;
    this.#fd = calls.openNetfilterSocket();
    try {
      this.#configure((message) => message.u8(NFULA_CFG_CMD, NFULNL_CFG_CMD_BIND));
      const range = [WHOLE_PACKET >>> 24, WHOLE_PACKET >>> 16, WHOLE_PACKET >>> 8, WHOLE_PACKET];
      this.#configure((message) => message.bytes(NFULA_CFG_MODE, Uint8Array.of(...range, NFULNL_COPY_PACKET, 0)));
      this.#configure((message) => message.u32(NFULA_CFG_QTHRESH, 1));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #configure(write: (message: MessageWriter) => void): void {
    const message = new MessageWriter();
    message.begin(CONFIG, 0, 0, GROUP);
    write(message);
    this.#calls.send(this.#fd, message.finish());
  }

  /** Everything logged since the last call. */
  drain(): LogMessage[] {
    const messages: LogMessage[] = [];
    this.#calls.receiveAll(this.#fd, (view, from, to) => {
      eachMessage(view, from, to, (type, start, end) => {
        if (type === PACKET) messages.push(this.#parse(view, start, end));
      });
    });
    return messages;
  }

  #parse(view: DataView, start: number, end: number): LogMessage {
    let [prefix, hook, inDevice, payload, payloadEnd] = ["", 0, 0, 0, 0];
    for (let at = start; at + 4 <= end; ) {
      const length = view.getUint16(at, true);
      if (length < 4) break;
      const value = at + 4;
      switch (view.getUint16(at + 2, true)) {
        case NFULA_PACKET_HDR:
          hook = view.getUint8(value + 2);
          break;
        case NFULA_PREFIX:
          prefix = this.#prefixes.at(view, value, at + length);
          break;
        case NFULA_PAYLOAD:
          payload = value;
          payloadEnd = at + length;
          break;
        case NFULA_IFINDEX_INDEV:
          inDevice = view.getUint32(value);
      }
      at += (length + 3) & ~3;
    }
    const wanted = !prefix.startsWith(MARK) ? 0 : prefix === MARK_HOOK ? HEADERS : WHOLE_PACKET;
    const kept = new Uint8Array(view.buffer, payload, Math.min(wanted, payloadEnd - payload));
    return {
      prefix,
      hook,
      family: payload > 0 && view.getUint8(payload) >>> 4 === 6 ? 6 : 4,
      inDevice,
      payload: kept.length === 0 ? NOTHING : kept.slice(),
    };
  }

  close(): void {
    this.#calls.close(this.#fd);
  }
}

const NOTHING = new Uint8Array(0);

/** The same few prefixes come over and over: each is made a string once. */
class Prefixes {
  readonly #known = new Map<number, string>();

  /** Text of one byte a character, to the first zero. */
  at(view: DataView, from: number, to: number): string {
    let hash = 0;
    let end = from;
    for (; end < to; end++) {
      const byte = view.getUint8(end);
      if (byte === 0) break;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    const known = this.#known.get(hash);
    if (known !== undefined && isAt(known, view, from, end)) return known;
    const text = textAt(view, from, end);
    this.#known.set(hash, text);
    return text;
  }
}

function isAt(text: string, view: DataView, from: number, end: number): boolean {
  if (text.length !== end - from) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== view.getUint8(from + i)) return false;
  return true;
}
