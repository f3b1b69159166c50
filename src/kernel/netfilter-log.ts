/**
 * What the kernel says about packets while it handles them: TRACE lines, LOG lines, nf_conntrack_log_invalid messages
 * and our own watch marks, all received in order over one nfnetlink_log socket (uapi/linux/netfilter/nfnetlink_log.h).
 */
import type { SystemCalls } from "./system-calls.ts";

/** One logged packet. */
export interface LogMessage {
  /** "TRACE: filter:FORWARD:rule:2 ", a --log-prefix, "nf_ct_proto_6: SEQ is over …", or a watch mark. */
  readonly prefix: string;
  readonly hook: number;
  /** Index of the device it came in on; 0 for packets that the host makes. */
  readonly inDevice: number;
  readonly payload: Uint8Array;
}

/** The group that everything goes to; the kernel's own messages use 0. */
const GROUP = 0;

const SUBSYSTEM_ULOG = 4;
const MESSAGE_PACKET = 0;
const MESSAGE_CONFIG = 1;
const NLM_F_REQUEST = 1;

const CONFIG_COMMAND = 1;
const CONFIG_MODE = 2;
const CONFIG_QUEUE_THRESHOLD = 5;
const COMMAND_BIND = 1;
const COPY_PACKET = 2;

const ATTRIBUTE_HEADER = 1;
const ATTRIBUTE_PAYLOAD = 9;
const ATTRIBUTE_PREFIX = 10;
const ATTRIBUTE_IN_DEVICE = 4;

export class NetfilterLog {
  readonly #calls: SystemCalls;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(1 << 18);

  constructor(calls: SystemCalls) {
    this.#calls = calls;
    this.#fd = calls.openNetfilterSocket();
    try {
      this.#configureAll();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #configureAll(): void {
    this.#configure(attribute(CONFIG_COMMAND, Buffer.from([COMMAND_BIND])));
    const mode = Buffer.alloc(6);
    mode.writeUInt32BE(0xffff, 0);
    mode[4] = COPY_PACKET;
    this.#configure(attribute(CONFIG_MODE, mode));
    const threshold = Buffer.alloc(4);
    threshold.writeUInt32BE(1);
    this.#configure(attribute(CONFIG_QUEUE_THRESHOLD, threshold));
  }

  #configure(body: Buffer): void {
    const message = Buffer.alloc(20 + body.length);
    message.writeUInt32LE(message.length, 0);
    message.writeUInt16LE((SUBSYSTEM_ULOG << 8) | MESSAGE_CONFIG, 4);
    message.writeUInt16LE(NLM_F_REQUEST, 6);
    message.writeUInt16BE(GROUP, 18);
    body.copy(message, 20);
    this.#calls.send(this.#fd, message);
  }

  /** Everything logged since the last call. */
  drain(): LogMessage[] {
    const messages: LogMessage[] = [];
    for (;;) {
      const n = this.#calls.receive(this.#fd, this.#buffer);
      if (n <= 0) return messages;
      for (let at = 0; at + 16 <= n; ) {
        const length = this.#buffer.readUInt32LE(at);
        if (length < 16 || at + length > n) break;
        if (this.#buffer.readUInt16LE(at + 4) === ((SUBSYSTEM_ULOG << 8) | MESSAGE_PACKET))
          messages.push(parseMessage(this.#buffer.subarray(at + 20, at + length)));
        at += (length + 3) & ~3;
      }
    }
  }

  close(): void {
    this.#calls.close(this.#fd);
  }
}

function attribute(type: number, value: Buffer): Buffer {
  const whole = Buffer.alloc((4 + value.length + 3) & ~3);
  whole.writeUInt16LE(4 + value.length, 0);
  whole.writeUInt16LE(type, 2);
  value.copy(whole, 4);
  return whole;
}

function parseMessage(body: Buffer): LogMessage {
  let prefix = "";
  let hook = 0;
  let inDevice = 0;
  let payload: Uint8Array = new Uint8Array(0);
  for (let at = 0; at + 4 <= body.length; ) {
    const length = body.readUInt16LE(at);
    if (length < 4) break;
    const value = body.subarray(at + 4, at + length);
    switch (body.readUInt16LE(at + 2) & 0x3fff) {
      case ATTRIBUTE_HEADER:
        hook = value[2];
        break;
      case ATTRIBUTE_PREFIX:
        prefix = value.toString("latin1").replace(/\0.*$/s, "");
        break;
      case ATTRIBUTE_PAYLOAD:
        payload = Uint8Array.from(value);
        break;
      case ATTRIBUTE_IN_DEVICE:
        inDevice = value.readUInt32BE(0);
        break;
    }
    at += (length + 3) & ~3;
  }
  return { prefix, hook, inDevice, payload };
}
