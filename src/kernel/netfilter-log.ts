/**
 * What the kernel says about packets while it handles them: TRACE lines, LOG lines, nf_conntrack_log_invalid messages
 * and our own watch marks, all received in order over one nfnetlink_log socket (uapi/linux/netfilter/nfnetlink_log.h).
 */
import { eachAttribute, eachMessage, MessageWriter, messageType, textAt } from "./netlink.ts";
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

const NFNL_SUBSYS_ULOG = 4;
const PACKET = messageType(NFNL_SUBSYS_ULOG, 0);
const CONFIG = messageType(NFNL_SUBSYS_ULOG, 1);

const NFULA_CFG_CMD = 1;
const NFULA_CFG_MODE = 2;
const NFULA_CFG_QTHRESH = 5;
const NFULNL_CFG_CMD_BIND = 1;
const NFULNL_COPY_PACKET = 2;
const WHOLE_PACKET = 0xffff;

const NFULA_PACKET_HDR = 1;
const NFULA_IFINDEX_INDEV = 4;
const NFULA_PAYLOAD = 9;
const NFULA_PREFIX = 10;

export class NetfilterLog {
  readonly #calls: SystemCalls;
  readonly #fd: number;

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
        if (type === PACKET) messages.push(parseMessage(view, start, end));
      });
    });
    return messages;
  }

  close(): void {
    this.#calls.close(this.#fd);
  }
}

function parseMessage(view: DataView, start: number, end: number): LogMessage {
  let [prefix, hook, inDevice, payload] = ["", 0, 0, NOTHING];
  eachAttribute(view, start, end, (type, from, to) => {
    if (type === NFULA_PACKET_HDR) hook = view.getUint8(from + 2);
    else if (type === NFULA_PREFIX) prefix = textAt(view, from, to);
    else if (type === NFULA_PAYLOAD) payload = new Uint8Array(view.buffer, from, to - from).slice();
    else if (type === NFULA_IFINDEX_INDEV) inDevice = view.getUint32(from);
  });
  return { prefix, hook, inDevice, payload };
}

const NOTHING = new Uint8Array(0);
