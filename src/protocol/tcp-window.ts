/**
 * TCP's window, as far as someone in the middle can follow it (nf_conntrack_proto_tcp.c: tcp_in_window, after Guido van
 * Rooij, "Real Stateful TCP Packet Filtering in IP Filter").
 *
 * Of each direction is remembered
 *
 *     end      one past the highest sequence number that it sent
 *     maxend   one past the highest that it may send: what the other side acknowledged last, and its window
 *     maxwin   the largest window that it offered, scaled; 0 before its first segment
 *     maxack   the highest that it acknowledged
 *
 * A segment is in the window when
 *
 *     it begins before the sender's maxend                            else: SEQ over upper bound
 *     it acknowledges no more than the receiver sent                  else: ACK over upper bound
 *     it ends after the sender's end, less the receiver's window      else: SEQ under lower bound (passes)
 *     it acknowledges at least the receiver's end, less 66000         else: ACK under lower bound (passes)
 *
 * Numbers are 32-bit words; sequence numbers are compared by the sign of their difference, windows without a sign.
 */

import {
  BE_LIBERAL,
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
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TIMESTAMP_ONLY,
  WINDOW_SCALE,
} from "../assembly/tcp-words.ts";
import type { Packet } from "../packet/packet.ts";
import { after, before, TCP_ACK, TCP_RST, TCP_SYN } from "../packet/transport.ts";

/** Offset of one direction's words. */
export function seen(direction: number): number {
  return SEEN + direction * SEEN_WORDS;
}

/** The sequence number after the last byte that one direction sent. */
export function endOf(r: Int32Array, b: number, direction: number): number {
  return r[b + seen(direction) + END];
}

// ── verdicts and complaints ──────────────────────────────────────────────────────────────────────────

export const WINDOW_ACCEPT = 0;
/** Passes, but changes nothing. */
export const WINDOW_IGNORE = 1;
export const WINDOW_INVALID = 2;

/** What is wrong, for whoever wants it in words. One record is reused. */
export class Complaint {
  kind = 0;
  bound = 0;

  text(): string {
    return COMPLAINTS[this.kind].replace("%u", String(this.bound >>> 0));
  }
}

const SEQ_OVER = 1;
const ACK_OVER = 2;
const SEQ_UNDER = 3;
const ACK_UNDER = 4;
const OVERSHOT = 5;
const COMPLAINTS = [
  "",
  "SEQ is over upper bound %u (over the window of the receiver)",
  "ACK is over upper bound %u (ACKed data not seen yet)",
  "SEQ is under lower bound %u (already ACKed data retransmitted)",
  "ignored ACK under lower bound %u (possible overly delayed)",
  "%u bytes more than expected",
];

/** One past the segment's last sequence number: its data, SYN and FIN count. Lengths are those that IP declares. */
export function segmentEnd(p: Packet, l4: number): number {
  const payload = p.length - (l4 - p.start) - p.tcpHeaderLength;
  return (p.seq + payload + ((p.tcpFlags >>> 1) & 1) + (p.tcpFlags & 1)) | 0;
}

/** A new connection's first segment, SYN or not (tcp_new). The words are all 0. */
export function beginWindow(r: Int32Array, b: number, p: Packet, l4: number): void {
  const end = segmentEnd(p, l4);
  const at = b + SEEN;
  r[at + END] = end;
  r[at + MAXWIN] = p.window === 0 ? 1 : p.window;
  r[at + MAXEND] = end;
  if ((p.tcpFlags & TCP_SYN) !== 0) {
    const options = readOptions(p, l4);
    if (options >= 0) setFlagsAndScale(r, b, 0, options & 0xff, options >>> 8);
  } else {
    // In the middle of a connection: allow for SACK, and for windows whose scale is not known.
    r[at + MAXEND] = (end + r[at + MAXWIN]) | 0;
    r[b + FLAGS] = (SACK_PERMITTED | BE_LIBERAL) * 0x0101;
  }
}

/** The window that a SYN, let through against the state, had announced becomes that side's; the other starts anew. */
export function resyncWindow(r: Int32Array, b: number, direction: number): void {
  const at = b + seen(direction);
  const last = r[b + LAST_WINDOW];
  r[at + END] = r[at + MAXEND] = r[b + LAST_END];
  r[at + MAXWIN] = (last & 0xffff) === 0 ? 1 : last & 0xffff;
  const liberal = flagsOf(r, b, 1 - direction) & BE_LIBERAL;
  setFlagsAndScale(r, b, direction, last >>> 24, (last >>> 16) & 0xff);
  setFlagsAndScale(r, b, 1 - direction, liberal, 0);
  r.fill(0, b + seen(1 - direction), b + seen(1 - direction) + SEEN_WORDS);
}

export function flagsOf(r: Int32Array, b: number, direction: number): number {
  return (r[b + FLAGS] >>> (direction << 3)) & 0xff;
}

function scaleOf(r: Int32Array, b: number, direction: number): number {
  return (r[b + FLAGS] >>> (16 + (direction << 3))) & 0xff;
}

export function addFlags(r: Int32Array, b: number, direction: number, flags: number): void {
  r[b + FLAGS] |= flags << (direction << 3);
}

function setFlagsAndScale(r: Int32Array, b: number, direction: number, flags: number, scale: number): void {
  const shift = direction << 3;
  r[b + FLAGS] = (r[b + FLAGS] & ~(0x00ff00ff << shift)) | (((scale << 16) | flags) << shift);
}

/** A side's first SYN or SYN/ACK, or a new one that replaces it (tcp_init_sender). */
function beginSender(r: Int32Array, b: number, direction: number, p: Packet, l4: number, end: number): void {
  const at = b + seen(direction);
  r[at + END] = r[at + MAXEND] = end;
  r[at + MAXWIN] = p.window === 0 ? 1 : p.window;
  const options = readOptions(p, l4);
  if (options >= 0) {
    const kept = flagsOf(r, b, direction) & BE_LIBERAL;
    setFlagsAndScale(r, b, direction, (options & 0xff) | kept, options >>> 8);
  }
  // RFC 7323: windows are scaled only if both sides say so.
  if (direction === 1 && (flagsOf(r, b, 0) & flagsOf(r, b, 1) & WINDOW_SCALE) === 0) r[b + FLAGS] &= 0xffff;
}

/** Without a handshake seen in this direction: guess from the segment (tcp_in_window, "history is lost"). */
function guessSender(r: Int32Array, b: number, direction: number, p: Packet, end: number, sack: number): void {
  const at = b + seen(direction);
  const other = b + seen(1 - direction);
  const window = p.window << scaleOf(r, b, direction);
  r[at + END] = end;
  r[at + MAXWIN] = window === 0 ? 1 : window;
  r[at + MAXEND] = (end + r[at + MAXWIN]) | 0;
  if (r[other + MAXWIN] === 0) r[other + END] = r[other + MAXEND] = sack;
  // Likely the answer to a keep-alive probe.
  else if (sack === ((r[other + END] + 1) | 0)) r[other + END] = sack;
}

/**
 * Is the segment in the window? If so, takes it into account. `liberal` is nf_conntrack_tcp_be_liberal; what is wrong
 * is left in `complaint`.
 *
 * Every segment comes through here, and which way it moves what cannot be foretold. So values are chosen by masks (all
 * ones where a difference is negative), not by branches, which the processor would guess wrong half of the time; and it
 * is one function, because a call costs as much as what a part of it does.
 */
export function inWindow(
  r: Int32Array,
  b: number,
  direction: number,
  kind: number,
  p: Packet,
  l4: number,
  liberal: boolean,
  complaint: Complaint,
): number {
  const { tcpFlags } = p;
  const sender = b + seen(direction);
  const receiver = b + seen(1 - direction);
  let seq = p.seq;
  let end = segmentEnd(p, l4);
  let ack = p.ack;
  // `| 0` tells the compiler what a call gives back; without it the arithmetic below is done in floating point.
  let sack = p.tcpHeaderLength > 20 ? readSack(r, b, direction, p, l4) | 0 : ack;
  if ((tcpFlags & (TCP_SYN | TCP_RST | TCP_ACK)) !== TCP_ACK || r[sender + MAXWIN] === 0) {
    if (bendRules(r, b, direction, p, l4, end, sack)) return WINDOW_ACCEPT;
    seq = bent[0];
    end = bent[1];
    ack = bent[2];
    sack = bent[3];
  }

  const senderEnd = r[sender + END];
  const senderMaxend = r[sender + MAXEND];
  const senderMaxwin = r[sender + MAXWIN];
  const receiverEnd = r[receiver + END];
  const receiverMaxend = r[receiver + MAXEND];
  const receiverMaxwin = r[receiver + MAXWIN];
  const lag = senderMaxwin >>> 0 > MAX_ACK_LAG ? senderMaxwin : MAX_ACK_LAG;
  const tooOld = receiverMaxwin !== 0 ? (senderEnd - receiverMaxwin - 1 - end) | 0 : -1;
  // Each of the four differences is negative where its bound is kept.
  if (((seq - senderMaxend - 1) & (sack - receiverEnd - 1) & tooOld & (receiverEnd - lag - 1 - sack)) >= 0) {
    const wrong = judge(r, b, direction, seq, end, sack, complaint);
    return liberal || (flagsOf(r, b, direction) & BE_LIBERAL) !== 0 ? WINDOW_ACCEPT : wrong;
  }

  let flags = r[b + FLAGS];
  const shift = direction << 3;
  // The window of a SYN is not scaled.
  const window = (tcpFlags & TCP_SYN) !== 0 ? p.window : p.window << ((flags >>> (16 + shift)) & 0xff);
  const reach = (window + (sack - ack)) | 0;
  if (senderMaxwin >>> 0 < reach >>> 0) r[sender + MAXWIN] = reach;
  const advances = (senderEnd - end) >> 31;
  r[sender + END] = (senderEnd & ~advances) | (end & advances);
  flags |= (DATA_UNACKNOWLEDGED << shift) & advances;
  if ((tcpFlags & TCP_ACK) !== 0) {
    const maxack = r[sender + MAXACK];
    const newer = ((maxack - ack) >> 31) | ((((flags >>> shift) & MAXACK_SET) - 1) >> 31);
    r[sender + MAXACK] = (maxack & ~newer) | (ack & newer);
    flags |= MAXACK_SET << shift;
  }
  if (receiverMaxwin !== 0 && after(end, senderMaxend))
    r[receiver + MAXWIN] = (receiverMaxwin + end - senderMaxend) | 0;
  // A closed window is open for one byte.
  const edge = (sack + window + ((window - 1) >>> 31)) | 0;
  const opens = (receiverMaxend - 1 - sack - window) >> 31;
  r[receiver + MAXEND] = (receiverMaxend & ~opens) | (edge & opens);
  const acknowledged = ~((ack ^ receiverEnd) | -(ack ^ receiverEnd)) >> 31;
  r[b + FLAGS] = flags & ~((DATA_UNACKNOWLEDGED << (8 - shift)) & acknowledged);
  if (kind !== SEGMENT_ACK) return WINDOW_ACCEPT;

  // The same ACK again is a retransmission; one byte counts them, and wraps.
  const head = r[b + HEAD];
  const last = r[b + LAST_WINDOW];
  const differs =
    (r[b + LAST_SEQ] ^ seq) |
    (r[b + LAST_ACK] ^ ack) |
    (r[b + LAST_END] ^ end) |
    ((last ^ p.window) & 0xffff) |
    (((head >>> 8) & 0xff) ^ direction);
  if (differs === 0) {
    r[b + HEAD] = (head & 0xff00ffff) | ((head + 0x10000) & 0x00ff0000);
    return WINDOW_ACCEPT;
  }
  r[b + HEAD] = (head & 0xff0000ff) | (direction << 8);
  r[b + LAST_SEQ] = seq;
  r[b + LAST_ACK] = ack;
  r[b + LAST_END] = end;
  r[b + LAST_WINDOW] = (last & 0xffff0000) | p.window;
  return WINDOW_ACCEPT;
}

/** What `bendRules` makes of a segment's sequence number, end, acknowledgment and SACK. */
const bent = new Int32Array(4);

/**
 * The first segment of a direction, one with SYN or RST, or without ACK. True when there is nothing to check; else
 * `bent` holds the numbers to check.
 */
function bendRules(
  r: Int32Array,
  b: number,
  direction: number,
  p: Packet,
  l4: number,
  end: number,
  sack: number,
): boolean {
  const { tcpFlags, seq, ack } = p;
  const sender = b + seen(direction);
  bent[0] = seq;
  bent[1] = end;
  bent[2] = ack;
  bent[3] = sack;
  if (r[sender + MAXWIN] === 0 || (tcpFlags & TCP_SYN) !== 0)
    if (startSender(r, b, direction, p, l4, end, sack)) return true;
  // No ACK, or the zero that some stacks put beside RST and ACK: as good as acknowledging everything.
  if ((tcpFlags & TCP_ACK) === 0 || ((tcpFlags & TCP_RST) !== 0 && ack === 0))
    bent[2] = bent[3] = r[b + seen(1 - direction) + END];
  // A RST in answer to a SYN.
  if ((tcpFlags & TCP_RST) !== 0 && seq === 0 && (r[b + HEAD] & 0xff) === TCP_SYN_SENT)
    bent[0] = bent[1] = r[sender + END];
  return false;
}

/**
 * The first segment of a direction, or a SYN. True when there is nothing more to check: a SYN without ACK from the
 * other side opens at the same time.
 */
function startSender(
  r: Int32Array,
  b: number,
  direction: number,
  p: Packet,
  l4: number,
  end: number,
  sack: number,
): boolean {
  const sender = b + seen(direction);
  const withAck = (p.tcpFlags & TCP_ACK) !== 0;
  if (r[sender + MAXWIN] === 0) {
    if ((p.tcpFlags & TCP_SYN) !== 0) {
      beginSender(r, b, direction, p, l4, end);
      return !withAck;
    }
    guessSender(r, b, direction, p, end, sack);
    return false;
  }
  const state = r[b + HEAD] & 0xff;
  if (!after(end, r[sender + END]) || (state !== TCP_SYN_SENT && state !== TCP_SYN_RECV)) return false;
  // RFC 9293, 3.6: who opens again uses larger numbers than before. Options may differ too.
  beginSender(r, b, direction, p, l4, end);
  return direction === 1 && !withAck;
}

/** Which of the four bounds a segment breaks: the first. */
function judge(
  r: Int32Array,
  b: number,
  direction: number,
  seq: number,
  end: number,
  sack: number,
  complaint: Complaint,
): number {
  const sender = b + seen(direction);
  const receiver = b + seen(1 - direction);
  const receiverWindow = r[receiver + MAXWIN];
  const senderWindow = r[sender + MAXWIN] >>> 0;
  const oldestAck = (r[receiver + END] - Math.max(senderWindow, MAX_ACK_LAG) - 1) | 0;
  const oldestEnd = (r[sender + END] - receiverWindow - 1) | 0;
  const overAck = (r[receiver + END] + 1) | 0;
  const overSeq = (r[sender + MAXEND] + 1) | 0;
  if (before(seq, overSeq)) {
    if (!before(sack, overAck)) return complain(complaint, ACK_OVER, overAck, WINDOW_INVALID);
    if (receiverWindow !== 0 && !after(end, oldestEnd)) return complain(complaint, SEQ_UNDER, oldestEnd, WINDOW_IGNORE);
    return complain(complaint, ACK_UNDER, oldestAck, WINDOW_IGNORE);
  }
  // Some stacks send a little more than they may. If the data reached the receiver it will be acknowledged, and that
  // would be out of bounds for ever after: so remember it, if nothing else is wrong with the segment.
  const overshot = (end - r[sender + MAXEND] + 1) >>> 0;
  const inReceiversWindow = receiverWindow !== 0 && after(end, oldestEnd);
  if (!inReceiversWindow || !after(sack, oldestAck) || overshot > receiverWindow >>> 0 || !before(sack, overAck))
    return complain(complaint, SEQ_OVER, overSeq, WINDOW_INVALID);
  r[sender + END] = end;
  addFlags(r, b, direction, DATA_UNACKNOWLEDGED);
  return complain(complaint, OVERSHOT, overshot, WINDOW_IGNORE);
}

function complain(complaint: Complaint, kind: number, bound: number, verdict: number): number {
  complaint.kind = kind;
  complaint.bound = bound;
  return verdict;
}

// ── options ──────────────────────────────────────────────────────────────────────────────────────────

/** What a SYN's options say: flags | scale << 8; -1 when there are no options, or not all of them are there. */
export function readOptions(p: Packet, l4: number): number {
  const data = p.data;
  const end = l4 + p.tcpHeaderLength;
  if (end <= l4 + 20 || end > p.end) return -1;
  let result = 0;
  for (let at = l4 + 20; at < end; ) {
    const kind = data[at];
    if (kind === OPTION_END) break;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    if (at + 2 > end) break;
    const length = data[at + 1];
    if (length < 2 || at + length > end) break;
    if (kind === OPTION_SACK_PERMITTED && length === 2) result |= SACK_PERMITTED;
    else if (kind === OPTION_WINDOW && length === 3)
      result = (result & 0xff) | WINDOW_SCALE | (Math.min(data[at + 2], MAX_SCALE) << 8);
    at += length;
  }
  return result;
}

/** The highest right edge in the segment's SACK option, if the other side permitted it, or `ack` when that is higher. */
function readSack(r: Int32Array, b: number, direction: number, p: Packet, l4: number): number {
  const { data, view, ack } = p;
  if ((flagsOf(r, b, 1 - direction) & SACK_PERMITTED) === 0) return ack;
  const end = l4 + p.tcpHeaderLength;
  if (end > p.end) return ack;
  if (p.tcpHeaderLength === 32 && view.getInt32(l4 + 20) === TIMESTAMP_ONLY) return ack;
  let highest = ack;
  for (let at = l4 + 20; at < end; ) {
    const kind = data[at];
    if (kind === OPTION_END) break;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    if (at + 2 > end) break;
    const length = data[at + 1];
    if (length < 2 || at + length > end) break;
    if (kind === OPTION_SACK && length >= 10 && (length - 2) % 8 === 0) {
      for (let edge = at + 6; edge < at + length; edge += 8)
        if (after(view.getInt32(edge), highest)) highest = view.getInt32(edge);
      break;
    }
    at += length;
  }
  return highest;
}
