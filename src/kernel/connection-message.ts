/**
 * A connection as the kernel tells it over netlink (uapi/linux/netfilter/nfnetlink_conntrack.h), and the line that
 * `conntrack -L` makes of it (libnetfilter_conntrack: snprintf_default.c).
 */
import { formatIpv4, formatIpv6 } from "../bytes/address.ts";
import type { Tuple } from "../conntrack/tuple.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "../packet/transport.ts";
import { eachAttribute, type MessageWriter, textAt } from "./netlink.ts";

const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_STATUS = 3;
const CTA_PROTOINFO = 4;
const CTA_HELP = 5;
const CTA_TIMEOUT = 7;
const CTA_MARK = 8;
const CTA_COUNTERS_ORIG = 9;
const CTA_COUNTERS_REPLY = 10;
const CTA_USE = 11;
const CTA_ZONE = 18;
const CTA_TIMESTAMP = 20;

const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_TUPLE_ZONE = 3;

const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;

const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const CTA_PROTO_ICMP_ID = 4;
const CTA_PROTO_ICMP_TYPE = 5;
const CTA_PROTO_ICMP_CODE = 6;
const CTA_PROTO_ICMPV6_ID = 7;
const CTA_PROTO_ICMPV6_TYPE = 8;
const CTA_PROTO_ICMPV6_CODE = 9;

const CTA_PROTOINFO_TCP = 1;
const CTA_PROTOINFO_SCTP = 3;
/** Of either protocol's information. */
const STATE = 1;

const CTA_COUNTERS_PACKETS = 1;
const CTA_TIMESTAMP_START = 1;
const CTA_HELP_NAME = 1;

const IPS_SEEN_REPLY = 2;
const IPS_ASSURED = 4;

const DCCP = 33;
const GRE = 47;
const NAMES: Readonly<Record<number, string>> = {
  1: "icmp",
  6: "tcp",
  17: "udp",
  [DCCP]: "dccp",
  [GRE]: "gre",
  58: "icmpv6",
  132: "sctp",
  136: "udplite",
};

/** By CTA_PROTOINFO_…; nf_conntrack_proto_tcp.c: tcp_conntrack_names, nf_conntrack_proto_sctp.c: sctp_conntrack_names. */
const STATES: Readonly<Record<number, readonly string[]>> = {
  [CTA_PROTOINFO_TCP]:
    "NONE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE SYN_SENT2".split(" "),
  [CTA_PROTOINFO_SCTP]:
    "NONE CLOSED COOKIE_WAIT COOKIE_ECHOED ESTABLISHED SHUTDOWN_SENT SHUTDOWN_RECD SHUTDOWN_ACK_SENT HEARTBEAT_SENT".split(
      " ",
    ),
};

/** Adds the tuple that a connection is asked for by. */
export function writeTuple(message: MessageWriter, tuple: Tuple, zone: number): void {
  if (zone !== 0) message.u16(CTA_ZONE, zone);
  message.nested(CTA_TUPLE_ORIG, () => {
    message.nested(CTA_TUPLE_IP, () => {
      if (tuple.family === 4) {
        message.words(CTA_IP_V4_SRC, tuple.src0);
        message.words(CTA_IP_V4_DST, tuple.dst0);
      } else {
        message.words(CTA_IP_V6_SRC, tuple.src0, tuple.src1, tuple.src2, tuple.src3);
        message.words(CTA_IP_V6_DST, tuple.dst0, tuple.dst1, tuple.dst2, tuple.dst3);
      }
    });
    message.nested(CTA_TUPLE_PROTO, () => {
      const six = tuple.protocol === IPPROTO_ICMPV6;
      message.u8(CTA_PROTO_NUM, tuple.protocol);
      if (six || tuple.protocol === IPPROTO_ICMP) {
        message.u16(six ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, tuple.sport);
        message.u8(six ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE, tuple.dport >>> 8);
        message.u8(six ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE, tuple.dport & 255);
      } else {
        message.u16(CTA_PROTO_SRC_PORT, tuple.sport);
        message.u16(CTA_PROTO_DST_PORT, tuple.dport);
      }
    });
  });
}

/**
 * The line for the connection whose attributes lie between `start` and `end`, in an answer to who asked for it alone:
 * that is one of its users. `now` is in milliseconds.
 */
export function connectionLine(view: DataView, start: number, end: number, now: number): string {
  let [original, reply, countedOriginal, countedReply, state, zone, delta, helper] = ["", "", "", "", "", "", "", ""];
  let [protocol, timeout, status, mark, use] = [0, 0, 0, 0, 0];
  eachAttribute(view, start, end, (type, from, to) => {
    if (type === CTA_TUPLE_ORIG) {
      original = tupleWords(view, from, to, "zone-orig");
      protocol = protocolOf(view, from, to);
    } else if (type === CTA_TUPLE_REPLY) reply = tupleWords(view, from, to, "zone-reply");
    else if (type === CTA_STATUS) status = view.getUint32(from);
    else if (type === CTA_PROTOINFO) state = stateWord(view, from, to);
    else if (type === CTA_TIMEOUT) timeout = view.getUint32(from);
    else if (type === CTA_MARK) mark = view.getUint32(from);
    else if (type === CTA_COUNTERS_ORIG) countedOriginal = counterWords(view, from, to);
    else if (type === CTA_COUNTERS_REPLY) countedReply = counterWords(view, from, to);
    else if (type === CTA_USE) use = view.getUint32(from) - 1;
    else if (type === CTA_ZONE) zone = ` zone=${view.getUint16(from)}`;
    else if (type === CTA_TIMESTAMP) delta = deltaWord(view, from, to, now);
    else if (type === CTA_HELP) helper = helperWord(view, from, to);
  });
  const unreplied = (status & IPS_SEEN_REPLY) === 0 ? " [UNREPLIED]" : "";
  const assured = (status & IPS_ASSURED) === 0 ? "" : " [ASSURED]";
  const name = `${(NAMES[protocol] ?? "unknown").padEnd(8)} ${protocol}`;
  const ends = `${original}${countedOriginal}${unreplied}${reply}${countedReply}`;
  return `${name} ${timeout}${state}${ends}${assured} mark=${mark}${zone}${delta}${helper} use=${use}`;
}

export function protocolOf(view: DataView, start: number, end: number): number {
  let protocol = 0;
  eachAttribute(view, start, end, (type, from, to) => {
    if (type !== CTA_TUPLE_PROTO) return;
    eachAttribute(view, from, to, (inner, at) => {
      if (inner === CTA_PROTO_NUM) protocol = view.getUint8(at);
    });
  });
  return protocol;
}

/** ` src=… dst=…` and what the protocol adds to tell connections apart; `zoneName` is for a zone of one direction. */
export function tupleWords(view: DataView, start: number, end: number, zoneName: string): string {
  let [addresses, words, zone] = ["", "", ""];
  eachAttribute(view, start, end, (type, from, to) => {
    if (type === CTA_TUPLE_IP) addresses = addressWords(view, from, to);
    else if (type === CTA_TUPLE_PROTO) words = protocolWords(view, from, to);
    else if (type === CTA_TUPLE_ZONE) zone = ` ${zoneName}=${view.getUint16(from)}`;
  });
  return addresses + words + zone;
}

function addressWords(view: DataView, start: number, end: number): string {
  let [src, dst] = ["", ""];
  eachAttribute(view, start, end, (type, at) => {
    const six = type === CTA_IP_V6_SRC || type === CTA_IP_V6_DST;
    const word = (i: number) => view.getInt32(at + 4 * i);
    const address = six ? formatIpv6(word(0), word(1), word(2), word(3)) : formatIpv4(word(0));
    if (type === CTA_IP_V4_SRC || type === CTA_IP_V6_SRC) src = address;
    else dst = address;
  });
  return ` src=${src} dst=${dst}`;
}

function protocolWords(view: DataView, start: number, end: number): string {
  let [protocol, first, second, id, type, code] = [0, 0, 0, -1, 0, 0];
  let ports = false;
  eachAttribute(view, start, end, (attribute, at) => {
    if (attribute === CTA_PROTO_NUM) protocol = view.getUint8(at);
    else if (attribute === CTA_PROTO_SRC_PORT) first = view.getUint16(at);
    else if (attribute === CTA_PROTO_DST_PORT) second = view.getUint16(at);
    else if (attribute === CTA_PROTO_ICMP_ID || attribute === CTA_PROTO_ICMPV6_ID) id = view.getUint16(at);
    else if (attribute === CTA_PROTO_ICMP_TYPE || attribute === CTA_PROTO_ICMPV6_TYPE) type = view.getUint8(at);
    else if (attribute === CTA_PROTO_ICMP_CODE || attribute === CTA_PROTO_ICMPV6_CODE) code = view.getUint8(at);
    ports ||= attribute === CTA_PROTO_SRC_PORT;
  });
  if (id >= 0) return ` type=${type} code=${code} id=${id}`;
  if (protocol === GRE) return ` srckey=0x${first.toString(16)} dstkey=0x${second.toString(16)}`;
  // The kernel tracks DCCP no more; the program still prints its ports.
  return ports || protocol === DCCP ? ` sport=${first} dport=${second}` : "";
}

function counterWords(view: DataView, start: number, end: number): string {
  let [packets, bytes] = [0n, 0n];
  eachAttribute(view, start, end, (type, at, to) => {
    if (to - at !== 8) return;
    if (type === CTA_COUNTERS_PACKETS) packets = view.getBigUint64(at);
    else bytes = view.getBigUint64(at);
  });
  return ` packets=${packets} bytes=${bytes}`;
}

function stateWord(view: DataView, start: number, end: number): string {
  let word = "";
  eachAttribute(view, start, end, (protocol, from, to) => {
    eachAttribute(view, from, to, (type, at) => {
      if (type === STATE) word = ` ${STATES[protocol]?.[view.getUint8(at)] ?? "UNKNOWN"}`;
    });
  });
  return word;
}

function deltaWord(view: DataView, start: number, end: number, now: number): string {
  let word = "";
  eachAttribute(view, start, end, (type, at) => {
    if (type === CTA_TIMESTAMP_START)
      word = ` delta-time=${Math.floor(now / 1000) - Number(view.getBigUint64(at) / 1_000_000_000n)}`;
  });
  return word;
}

function helperWord(view: DataView, start: number, end: number): string {
  let word = "";
  eachAttribute(view, start, end, (type, from, to) => {
    if (type === CTA_HELP_NAME) word = ` helper=${textAt(view, from, to)}`;
  });
  return word;
}
