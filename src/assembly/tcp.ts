/**
 * TCP segments of which nothing more is to be said than that they go on: protocol/tcp.ts and tcp-window.ts with everything
 * left out that is rare or needs words. Whatever is not as it should be changes nothing and goes there.
 */

import {
  MAX_RETRANS,
  TCP_KINDS,
  TCP_NEXT,
  TCP_TIMEOUTS,
  TCP_VALID,
  TIMEOUT_MAX_RETRANS,
  TIMEOUT_UNACKNOWLEDGED,
} from "./layout";
import { STATUS, TIMEOUT, TRACKER_WORDS } from "./record-words";
import { IPS_ASSURED, IPS_SEEN_REPLY } from "./status";
import { control, refresh } from "./table";
import {
  BE_LIBERAL,
  CLOSE_INIT,
  DATA_UNACKNOWLEDGED,
  END,
  FLAGS,
  HEAD,
  LAST_ACK,
  LAST_END,
  LAST_SEQ,
  LAST_WINDOW,
  MAX_ACK_LAG,
  MAX_SCALE,
  MAXACK,
  MAXACK_SET,
  MAXEND,
  MAXWIN,
  OPTION_END,
  OPTION_NOP,
  OPTION_SACK,
  OPTION_SACK_PERMITTED,
  OPTION_WINDOW,
  SACK_PERMITTED,
  SEEN,
  SEEN_WORDS,
  SEGMENT_ACK,
  SEGMENT_KINDS,
  SEGMENT_SYN,
  SEGMENT_SYNACK,
  SIMULTANEOUS_OPEN,
  TCP_CLOSE_WAIT,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT,
  TCP_LAST_ACK,
  TCP_STATES,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
  TIMESTAMP_ONLY,
  WINDOW_SCALE,
} from "./tcp-words";

const WORD = 4;
const TRACKER = TRACKER_WORDS * WORD;
const HEADER = 20;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
const LASTING = IPS_SEEN_REPLY | IPS_ASSURED;

/** Big-endian words. */
export function word(at: i32, offset: i32): i32 {
  return bswap<i32>(load<i32>(at + offset));
}

/** Is the header at `l4` sound, of whose transport bytes `total` are declared? tcp_error, without the checksum. */
export function isSoundSegment(l4: i32, total: i32): bool {
  const header = ((load<u8>(l4, 12) as i32) >>> 4) << 2;
  return header >= HEADER && total >= header && load<u8>(TCP_VALID + (load<u8>(l4, 13) & 0x37)) !== 0;
}

/** Only a SYN begins a connection here. */
export function isOpening(l4: i32): bool {
  return kindOf(load<u8>(l4, 13)) === SEGMENT_SYN;
}

function kindOf(flags: i32): i32 {
  return load<u8>(TCP_KINDS + (flags & 31));
}

/** tcp_new with a SYN, and what nf_conntrack_tcp_packet makes of it. */
export function open(record: i32, l4: i32, end: i32, total: i32): void {
  const at = record + TRACKER;
  const offsetAndWindow = word(l4, 12);
  const window = offsetAndWindow & 0xffff;
  const header = (offsetAndWindow >>> 28) << 2;
  const flags = offsetAndWindow >>> 16;
  const next = word(l4, 4) + (total - header) + ((flags >>> 1) & 1) + (flags & 1);
  const sender = at + SEEN * WORD;
  store<i32>(sender, next, END * WORD);
  store<i32>(sender, next, MAXEND * WORD);
  store<i32>(sender, window === 0 ? 1 : window, MAXWIN * WORD);
  // A closed window is open for one byte.
  store<i32>(sender + SEEN_WORDS * WORD, window === 0 ? 1 : window, MAXEND * WORD);
  const options = readOptions(l4, header, end);
  const flagsAndScale = options >= 0 ? (options & 0xff) | ((options >>> 8) << 16) : 0;
  store<i32>(at, flagsAndScale, FLAGS * WORD);
  store<i32>(at, TCP_SYN_SENT, HEAD * WORD);
  store<i32>(record, timeoutAfter(TCP_SYN_SENT, 0, flagsAndScale, 0), TIMEOUT * WORD);
}

/**
 * Takes a segment of a confirmed connection into account (nf_conntrack_tcp_packet, tcp_in_window). False: nothing was changed,
 * it is not ordinary. One function for all, as tcp-window.ts's inWindow is, and why: see there.
 */
export function proceed(record: i32, direction: i32, l4: i32, end: i32, total: i32): bool {
  const at = record + TRACKER;
  const status = load<i32>(record, STATUS * WORD);
  const head = load<i32>(at, HEAD * WORD);
  const last = load<i32>(at, LAST_WINDOW * WORD);
  const offsetAndWindow = word(l4, 12);
  const flags = (offsetAndWindow >>> 16) & 0xff;
  const kind = kindOf(flags);
  const old = head & 0xff;
  const next: i32 = load<u8>(TCP_NEXT + (direction * SEGMENT_KINDS + kind) * TCP_STATES + old);
  if (next !== TCP_ESTABLISHED && !isOrdinary(next, head, last)) return false;
  if ((status & IPS_SEEN_REPLY) === 0 && (direction === 0 || next === TCP_ESTABLISHED)) return false;

  const header = (offsetAndWindow >>> 28) << 2;
  const unscaled = offsetAndWindow & 0xffff;
  const seq = word(l4, 4);
  const ack = word(l4, 8);
  const segmentEnd = seq + (total - header) + ((flags >>> 1) & 1) + (flags & 1);
  const shift = direction << 3;
  let own = load<i32>(at, FLAGS * WORD);
  let sack = ack;
  if (header > HEADER && ((own >>> (8 - shift)) & SACK_PERMITTED) !== 0) sack = readSack(l4, header, end, ack);

  const sender = at + SEEN * WORD + direction * (SEEN_WORDS * WORD);
  const receiver = at + SEEN * WORD + (1 - direction) * (SEEN_WORDS * WORD);
  let senderEnd = load<i32>(sender, END * WORD);
  let senderMaxend = load<i32>(sender, MAXEND * WORD);
  let senderMaxwin = load<i32>(sender, MAXWIN * WORD);
  if ((flags & (SYN | RST | ACK)) !== ACK || senderMaxwin === 0) {
    // Of those only a side's first SYN/ACK is ordinary: tcp_init_sender.
    if (kind !== SEGMENT_SYNACK || senderMaxwin !== 0) return false;
    senderEnd = senderMaxend = segmentEnd;
    senderMaxwin = unscaled === 0 ? 1 : unscaled;
    const options = readOptions(l4, header, end);
    if (options >= 0) {
      const kept = (own >>> shift) & BE_LIBERAL;
      own = (own & ~(0x00ff00ff << shift)) | ((((options >>> 8) << 16) | (options & 0xff) | kept) << shift);
    }
    // RFC 7323: windows are scaled only if both sides say so.
    if (direction === 1 && (own & (own >>> 8) & WINDOW_SCALE) === 0) own &= 0xffff;
  }

  const receiverEnd = load<i32>(receiver, END * WORD);
  const receiverMaxend = load<i32>(receiver, MAXEND * WORD);
  const receiverMaxwin = load<i32>(receiver, MAXWIN * WORD);
  const lag = (senderMaxwin as u32) > (MAX_ACK_LAG as u32) ? senderMaxwin : MAX_ACK_LAG;
  const tooOld = receiverMaxwin !== 0 ? senderEnd - receiverMaxwin - 1 - segmentEnd : -1;
  // Each of the four differences is negative where its bound is kept.
  if (((seq - senderMaxend - 1) & (sack - receiverEnd - 1) & tooOld & (receiverEnd - lag - 1 - sack)) >= 0)
    return false;

  // The window of a SYN is not scaled.
  const window = (flags & SYN) !== 0 ? unscaled : unscaled << ((own >>> (16 + shift)) & 0xff);
  const reach = window + (sack - ack);
  if ((senderMaxwin as u32) < (reach as u32)) senderMaxwin = reach;
  const advances = (senderEnd - segmentEnd) >> 31;
  own |= (DATA_UNACKNOWLEDGED << shift) & advances;
  const maxack = load<i32>(sender, MAXACK * WORD);
  if (maxack - ack < 0 || ((own >>> shift) & MAXACK_SET) === 0) store<i32>(sender, ack, MAXACK * WORD);
  own |= MAXACK_SET << shift;
  if (receiverMaxwin !== 0 && senderMaxend - segmentEnd < 0)
    store<i32>(receiver, receiverMaxwin + segmentEnd - senderMaxend, MAXWIN * WORD);
  store<i32>(sender, advances !== 0 ? segmentEnd : senderEnd, END * WORD);
  store<i32>(sender, senderMaxend, MAXEND * WORD);
  store<i32>(sender, senderMaxwin, MAXWIN * WORD);
  // A closed window is open for one byte.
  if (receiverMaxend - 1 - sack - window < 0) store<i32>(receiver, sack + window + i32(window === 0), MAXEND * WORD);
  if (ack === receiverEnd) own &= ~(DATA_UNACKNOWLEDGED << (8 - shift));

  let retransmissions = head & 0x00ff0000;
  let lastWindow = last;
  if (kind === SEGMENT_ACK) {
    const differs =
      (load<i32>(at, LAST_SEQ * WORD) ^ seq) |
      (load<i32>(at, LAST_ACK * WORD) ^ ack) |
      (load<i32>(at, LAST_END * WORD) ^ segmentEnd) |
      ((last ^ unscaled) & 0xffff) |
      (((head >>> 8) & 0xff) ^ direction);
    // The same ACK again is a retransmission; one byte counts them, and wraps.
    retransmissions = differs === 0 ? (head + 0x10000) & 0x00ff0000 : 0;
    lastWindow = (last & 0xffff0000) | unscaled;
    store<i32>(at, seq, LAST_SEQ * WORD);
    store<i32>(at, ack, LAST_ACK * WORD);
    store<i32>(at, segmentEnd, LAST_END * WORD);
    store<i32>(at, lastWindow, LAST_WINDOW * WORD);
  }
  if (next === TCP_FIN_WAIT && old !== TCP_FIN_WAIT) own |= CLOSE_INIT << shift;
  store<i32>(at, own, FLAGS * WORD);
  store<i32>(at, retransmissions | (kind << 24) | (direction << 8) | next, HEAD * WORD);
  refresh(record, timeoutAfter(next, retransmissions, own, lastWindow));
  if ((status & LASTING) !== LASTING || direction === 1) {
    let now = status;
    if (
      (status & IPS_SEEN_REPLY) !== 0 &&
      next === TCP_ESTABLISHED &&
      (old === TCP_SYN_RECV || old === TCP_ESTABLISHED)
    )
      now |= IPS_ASSURED;
    if (direction === 1) now |= IPS_SEEN_REPLY;
    store<i32>(record, now, STATUS * WORD);
  }
  return true;
}

/** Does the table alone say what becomes of a segment that leads to this state? tcp.ts: consider. */
function isOrdinary(next: i32, head: i32, last: i32): bool {
  if (next === TCP_SYN_RECV) return ((last >>> 24) & SIMULTANEOUS_OPEN) === 0;
  if (next === TCP_TIME_WAIT) return head >>> 24 !== SEGMENT_SYN;
  return next === TCP_FIN_WAIT || next === TCP_CLOSE_WAIT || next === TCP_LAST_ACK;
}

/** tcp.ts: timeoutAfter, in jiffies, of a segment that is no RST. */
function timeoutAfter(state: i32, retransmissions: i32, flags: i32, lastWindow: i32): i32 {
  const timeout = load<i32>(TCP_TIMEOUTS + state * WORD);
  const afterRetransmissions = control(TIMEOUT_MAX_RETRANS);
  if (retransmissions >>> 16 >= control(MAX_RETRANS) && timeout > afterRetransmissions) return afterRetransmissions;
  const unacknowledged = control(TIMEOUT_UNACKNOWLEDGED);
  if (((flags | (flags >>> 8)) & DATA_UNACKNOWLEDGED) !== 0 && unacknowledged < timeout) return unacknowledged;
  if ((lastWindow & 0xffff) === 0 && timeout > afterRetransmissions) return afterRetransmissions;
  return timeout;
}

/** tcp-window.ts: readOptions. */
function readOptions(l4: i32, header: i32, present: i32): i32 {
  const end = l4 + header;
  if (header <= HEADER || end > present) return -1;
  let result = 0;
  for (let at = optionFrom(l4 + HEADER, end); at !== 0; at = optionFrom(at + lengthOf(at), end)) {
    const kind: i32 = load<u8>(at);
    if (kind === OPTION_SACK_PERMITTED && lengthOf(at) === 2) result |= SACK_PERMITTED;
    else if (kind === OPTION_WINDOW && lengthOf(at) === 3) {
      const scale: i32 = load<u8>(at, 2);
      result = (result & 0xff) | WINDOW_SCALE | ((scale < MAX_SCALE ? scale : MAX_SCALE) << 8);
    }
  }
  return result;
}

/** tcp-window.ts: readSack, where the other side permitted it. */
function readSack(l4: i32, header: i32, present: i32, ack: i32): i32 {
  const end = l4 + header;
  if (end > present || (header === 32 && word(l4, HEADER) === TIMESTAMP_ONLY)) return ack;
  let highest = ack;
  for (let at = optionFrom(l4 + HEADER, end); at !== 0; at = optionFrom(at + lengthOf(at), end)) {
    const length = lengthOf(at);
    if (load<u8>(at) !== OPTION_SACK || length < 10 || (length - 2) % 8 !== 0) continue;
    for (let edge = at + 6; edge < at + length; edge += 8) if (highest - word(edge, 0) < 0) highest = word(edge, 0);
    break;
  }
  return highest;
}

/** Address of the first whole option at `at` or behind; 0: there is none, or it is broken. */
function optionFrom(at: i32, end: i32): i32 {
  while (at < end && load<u8>(at) === OPTION_NOP) at++;
  if (at + 2 > end || load<u8>(at) === OPTION_END) return 0;
  const length = lengthOf(at);
  return length < 2 || at + length > end ? 0 : at;
}

function lengthOf(option: i32): i32 {
  return load<u8>(option, 1);
}
