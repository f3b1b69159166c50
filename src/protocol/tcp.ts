/**
 * TCP (nf_conntrack_proto_tcp.c): checks of the segment, its effect on the state (tcp-states.ts), the window
 * (tcp-window.ts), and the cases where the firewall is out of step with the endpoints and has to fall in with them.
 */
import { MAX_RETRANS, TCP_TIMEOUTS, TIMEOUT_MAX_RETRANS, TIMEOUT_UNACKNOWLEDGED } from "../assembly/layout.ts";
import { STATUS, TRACKER_WORDS } from "../assembly/record-words.ts";
import { IPS_ASSURED, IPS_CONFIRMED, IPS_FIXED_TIMEOUT, IPS_SEEN_REPLY, IPS_SEQ_ADJUST } from "../assembly/status.ts";
import {
  CLOSE_INIT,
  DATA_UNACKNOWLEDGED,
  EXPECT_CHALLENGE_ACK,
  FLAGS,
  HEAD,
  LAST_ACK,
  LAST_END,
  LAST_SEQ,
  LAST_WINDOW,
  MAXACK,
  MAXACK_SET,
  SEGMENT_ACK,
  SEGMENT_FIN,
  SEGMENT_NONE,
  SEGMENT_RST,
  SEGMENT_SYN,
  SEGMENT_SYNACK,
  SIMULTANEOUS_OPEN,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT,
  TCP_IGNORE,
  TCP_INVALID,
  TCP_LAST_ACK,
  TCP_NONE,
  TCP_STATES,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_SYN_SENT2,
  TCP_TIME_WAIT,
} from "../assembly/tcp-words.ts";
import type { Core } from "../bytes/core.ts";
import { checksumHolds, verifies } from "../conntrack/checksum.ts";
import type { Connections } from "../conntrack/connections.ts";
import { type Conntrack, directionOf } from "../conntrack/conntrack.ts";
import { HZ } from "../conntrack/jiffies.ts";
import { TRACK_ACCEPT, TRACK_INVALID, TRACK_REPEAT, type Tracker } from "../conntrack/tracker.ts";
import { ORIGINAL, REPLY } from "../conntrack/tuple.ts";
import type { Sysctl } from "../host/sysctl.ts";
import type { Packet } from "../packet/packet.ts";
import { before, IPPROTO_TCP } from "../packet/transport.ts";
import { inMovedWindow } from "./tcp-moved.ts";
import { copyTables, nextState, segmentKind, TCP_STATE_NAMES, validFlags } from "./tcp-states.ts";
import {
  addFlags,
  beginWindow,
  Complaint,
  endOf,
  flagsOf,
  inWindow,
  readOptions,
  resyncWindow,
  seen,
  segmentEnd,
  WINDOW_ACCEPT,
  WINDOW_INVALID,
} from "./tcp-window.ts";

// What `consider` returns: next state | old state << 4 | these flags; or DONE and a verdict.
const OLD_SHIFT = 4;
/** Leave out the window check. */
const SKIP_WINDOW = 1 << 8;
const DONE = 1 << 9;
const VERDICT_SHIFT = 16;

/** What `judgeReset` says of a RST, beside SKIP_WINDOW. */
const BELIEVE = 0;
/** It may not be one that the receiver accepts: stay in the state that was. */
const KEEP_STATE = 1;
const REFUSE = 2;

/** Seconds. An entry that has less to live is not shortened when a FIN or RST is out of the window. */
const LONG_TIMEOUT = 120;

/** Seconds; the only timeout without a sysctl. */
const SYN_SENT2_TIMEOUT = 120;

const complaint = new Complaint();

export const tcp: Tracker = {
  allowClash: false,
  stateName: (state) => TCP_STATE_NAMES[state],
  packet: trackSegment,
  outlived,
  close,
  teach,
};

function teach(core: Core, sysctl: Sysctl): void {
  const timeouts = new Int32Array(core.buffer, TCP_TIMEOUTS, TCP_STATES);
  for (let state = 0; state < TCP_STATES; state++) timeouts[state] = timeoutOf(sysctl, state) * HZ;
  timeouts[TCP_ESTABLISHED] = sysctl.tcpTimeoutEstablished * HZ;
  core.control[MAX_RETRANS] = sysctl.tcpMaxRetrans;
  core.control[TIMEOUT_MAX_RETRANS] = sysctl.tcpTimeoutMaxRetrans * HZ;
  core.control[TIMEOUT_UNACKNOWLEDGED] = sysctl.tcpTimeoutUnacknowledged * HZ;
  copyTables(core);
}

/** nf_conntrack_tcp_set_closing. */
function close(on: Conntrack, connections: Connections, handle: number): void {
  const r = connections.record;
  const b = connections.base(handle) + TRACKER_WORDS;
  const old = r[b + HEAD] & 0xff;
  r[b + HEAD] = (r[b + HEAD] & ~0xff) | TCP_CLOSE;
  if (old === TCP_CLOSE || (connections.status(handle) & IPS_FIXED_TIMEOUT) !== 0) return;
  connections.expireAt(handle, (connections.now + on.sysctl.tcpTimeoutClose * HZ) | 0);
}

/** nf_nat_may_kill and nf_seq_has_advanced, for a new connection that begins with a SYN. */
function outlived(connections: Connections, old: number, fresh: number): boolean {
  if (connections.state(fresh) !== TCP_SYN_SENT || connections.state(old) < TCP_TIME_WAIT) return false;
  const r = connections.record;
  const oldEnd = endOf(r, connections.base(old) + TRACKER_WORDS, ORIGINAL);
  return ((endOf(r, connections.base(fresh) + TRACKER_WORDS, ORIGINAL) - oldEnd) | 0) > 0;
}

/** nf_conntrack_tcp_packet. */
function trackSegment(on: Conntrack, connections: Connections, handle: number, p: Packet, l4: number): number {
  if (!isSound(on, p, l4)) return refuse(on, p, l4);
  const r = connections.record;
  const at = connections.base(handle);
  const b = at + TRACKER_WORDS;
  const status = r[at + STATUS];
  if ((status & IPS_CONFIRMED) === 0 && !begin(on, r, b, p, l4)) return TRACK_INVALID;

  const direction = directionOf(p);
  const kind = segmentKind(p.tcpFlags);
  // The state that the segment is judged by, and the one it leads to.
  let old = r[b + HEAD] & 0xff;
  let next = nextState(direction, kind, old);
  let skipWindow = false;
  if (next !== TCP_ESTABLISHED) {
    const turn = consider(on, connections, handle, p, l4, kind, next);
    if ((turn & DONE) !== 0) return turn >> VERDICT_SHIFT;
    next = turn & 0xf;
    old = (turn >>> OLD_SHIFT) & 0xf;
    skipWindow = (turn & SKIP_WINDOW) !== 0;
  }
  if (!skipWindow) {
    const liberal = on.sysctl.tcpBeLiberal !== 0;
    const verdict =
      (status & IPS_SEQ_ADJUST) === 0
        ? inWindow(r, b, direction, kind, p, l4, liberal, complaint)
        : inMovedWindow(connections, handle, b, direction, kind, p, l4, liberal, complaint);
    if (verdict !== WINDOW_ACCEPT) return outOfWindow(on, connections, handle, p, verdict);
  }
  const head = (r[b + HEAD] & 0x00ff0000) | (kind << 24) | (direction << 8) | next;
  r[b + HEAD] = head;
  if (next === TCP_FIN_WAIT && old !== TCP_FIN_WAIT) addFlags(r, b, direction, CLOSE_INIT);

  const jiffies = timeoutAfter(on.sysctl, next, head, r[b + FLAGS], r[b + LAST_WINDOW]) * HZ;
  if ((status & LASTING) !== LASTING && !settle(on, connections, handle, p, status, old, next, jiffies))
    return TRACK_ACCEPT;
  connections.refresh(handle, jiffies);
  connections.account(handle, direction, 1, p.length);
  return TRACK_ACCEPT;
}

/** Of a connection with these, a segment changes no more than the timeout and the counters. */
const LASTING = IPS_SEEN_REPLY | IPS_ASSURED;

/**
 * A segment of which the table alone does not say what becomes of it. Returns what `turn` or `done` make: the states to go
 * on with, or that it is settled already.
 */
function consider(
  on: Conntrack,
  connections: Connections,
  handle: number,
  p: Packet,
  l4: number,
  kind: number,
  next: number,
): number {
  const r = connections.record;
  const b = connections.base(handle) + TRACKER_WORDS;
  const direction = directionOf(p);
  const old = r[b + HEAD] & 0xff;
  switch (next) {
    case TCP_INVALID:
      if (on.hears(p)) on.complain(p, IPPROTO_TCP, oddity(kind, direction, "invalid", old));
      return done(TRACK_INVALID);
    case TCP_SYN_SENT:
    case TCP_IGNORE:
      if (next === TCP_SYN_SENT) {
        if (old < TCP_TIME_WAIT) return turn(old, next);
        if (reopens(r, b, direction)) {
          connections.remove(handle);
          return done(TRACK_REPEAT);
        }
      }
      if (fallIntoStep(r, b, direction, kind, p)) return turn(TCP_SYN_SENT, TCP_SYN_RECV);
      noteIgnored(r, b, direction, kind, p, l4);
      if (on.hears(p)) on.remark(p, IPPROTO_TCP, oddity(kind, direction, "ignored", old));
      return done(TRACK_ACCEPT);
    case TCP_TIME_WAIT:
      if (!isChallenge(r, b, direction, kind)) return turn(old, next);
      on.remark(p, IPPROTO_TCP, "challenge-ack ignored");
      return done(TRACK_ACCEPT);
    case TCP_SYN_SENT2:
      r[b + LAST_WINDOW] |= SIMULTANEOUS_OPEN << 24;
      return turn(old, next);
    case TCP_SYN_RECV: {
      // After a simultaneous open the responder's ACK ends the handshake, too.
      const simultaneous = ((r[b + LAST_WINDOW] >>> 24) & SIMULTANEOUS_OPEN) !== 0;
      return turn(old, direction === REPLY && kind === SEGMENT_ACK && simultaneous ? TCP_ESTABLISHED : next);
    }
    case TCP_CLOSE: {
      if (kind !== SEGMENT_RST) return turn(old, next);
      const judgement = judgeReset(on, connections, handle, p);
      if (judgement === REFUSE) {
        on.complain(p, IPPROTO_TCP, "invalid rst");
        return done(TRACK_INVALID);
      }
      return turn(old, judgement === KEEP_STATE ? old : next) | (judgement & SKIP_WINDOW);
    }
    default:
      return turn(old, next);
  }
}

function turn(old: number, next: number): number {
  return next | (old << OLD_SHIFT);
}

function done(verdict: number): number {
  return DONE | (verdict << VERDICT_SHIFT);
}

function oddity(kind: number, direction: number, what: string, state: number): string {
  return `packet (index ${kind}) in dir ${direction} ${what}, state ${TCP_STATE_NAMES[state]}`;
}

/** tcp_error, when there is none. */
function isSound(on: Conntrack, p: Packet, l4: number): boolean {
  return (
    p.hasPorts &&
    p.tcpHeaderLength >= 20 &&
    p.start + p.length - l4 >= p.tcpHeaderLength &&
    validFlags(p.tcpFlags) &&
    (!verifies(on, p) || checksumHolds(p, l4, IPPROTO_TCP, p.end - l4))
  );
}

/** tcp_error: what is wrong, in the kernel's order. */
function refuse(on: Conntrack, p: Packet, l4: number): number {
  if (!p.hasPorts) {
    if (p.steps !== null) on.explain(p, "the TCP header is cut");
  } else if (p.tcpHeaderLength < 20 || p.start + p.length - l4 < p.tcpHeaderLength)
    on.complain(p, IPPROTO_TCP, "truncated packet");
  else if (verifies(on, p) && !checksumHolds(p, l4, IPPROTO_TCP, p.end - l4))
    on.complain(p, IPPROTO_TCP, "bad checksum");
  else on.complain(p, IPPROTO_TCP, "invalid tcp flag combination");
  return TRACK_INVALID;
}

/** tcp_new: false when no connection can begin with this segment. */
function begin(on: Conntrack, r: Int32Array, b: number, p: Packet, l4: number): boolean {
  const first = nextState(ORIGINAL, segmentKind(p.tcpFlags), TCP_NONE);
  if (first === TCP_INVALID) {
    on.complain(p, IPPROTO_TCP, "invalid new");
    return false;
  }
  if (first !== TCP_SYN_SENT && on.sysctl.tcpLoose === 0) {
    if (p.steps !== null) on.explain(p, "in the middle of an unknown connection, and nf_conntrack_tcp_loose is 0");
    return false;
  }
  beginWindow(r, b, p, l4);
  r[b + HEAD] = (SEGMENT_NONE << 24) | TCP_NONE;
  return true;
}

function lastKind(r: Int32Array, b: number): number {
  return r[b + HEAD] >>> 24;
}

function lastDirection(r: Int32Array, b: number): number {
  return (r[b + HEAD] >>> 8) & 0xff;
}

/**
 * A SYN for a connection that is over: is it over for sure, so that the entry can make way for a new one? Yes if it was
 * closed by FINs, or the last thing from this side was a RST. Otherwise the entry may be the one that is wrong.
 */
function reopens(r: Int32Array, b: number, direction: number): boolean {
  if (((flagsOf(r, b, 0) | flagsOf(r, b, 1)) & CLOSE_INIT) !== 0) return true;
  return lastDirection(r, b) === direction && lastKind(r, b) === SEGMENT_RST;
}

/** Does this SYN/ACK acknowledge a SYN that was ignored? Then both ends agree, and the firewall takes over their view. */
function fallIntoStep(r: Int32Array, b: number, direction: number, kind: number, p: Packet): boolean {
  if (kind !== SEGMENT_SYNACK || lastKind(r, b) !== SEGMENT_SYN) return false;
  if (lastDirection(r, b) === direction || p.ack !== r[b + LAST_END]) return false;
  r[b + LAST_WINDOW] &= ~(EXPECT_CHALLENGE_ACK << 24);
  resyncWindow(r, b, lastDirection(r, b));
  return true;
}

/** Remembers a segment that passes against the state: its answer may tell who is right. */
function noteIgnored(r: Int32Array, b: number, direction: number, kind: number, p: Packet, l4: number): void {
  const state = r[b + HEAD] & 0xff;
  r[b + HEAD] = (r[b + HEAD] & 0x00ff00ff) | (kind << 24) | (direction << 8);
  r[b + LAST_SEQ] = p.seq;
  r[b + LAST_END] = segmentEnd(p, l4);
  let flagsAndScale = r[b + LAST_WINDOW] & 0xffff0000;
  if (kind === SEGMENT_SYN && direction === ORIGINAL) {
    const options = Math.max(readOptions(p, l4), 0);
    // A responder in LAST_ACK answers with a challenge ACK (RFC 5961), which is not the ACK of its FIN.
    const challenge = state === TCP_LAST_ACK ? EXPECT_CHALLENGE_ACK : 0;
    flagsAndScale = (((options & 0xff) | challenge) << 24) | ((options >>> 8) << 16);
  }
  r[b + LAST_WINDOW] = flagsAndScale | p.window;
  if (state === TCP_SYN_SENT && kind === SEGMENT_ACK && direction === REPLY) r[b + LAST_ACK] = p.ack;
}

/** An ACK that seems to be the last one, but challenges a SYN that was ignored (RFC 5961). Only the first counts. */
function isChallenge(r: Int32Array, b: number, direction: number, kind: number): boolean {
  if ((r[b + HEAD] & 0xff) !== TCP_LAST_ACK || kind !== SEGMENT_ACK) return false;
  if (lastDirection(r, b) === direction || lastKind(r, b) !== SEGMENT_SYN) return false;
  if (((r[b + LAST_WINDOW] >>> 24) & EXPECT_CHALLENGE_ACK) === 0) return false;
  r[b + LAST_WINDOW] &= ~(EXPECT_CHALLENGE_ACK << 24);
  return true;
}

/** RST: a receiver believes only one whose number is exactly what it waits for (RFC 5961). */
function judgeReset(on: Conntrack, connections: Connections, handle: number, p: Packet): number {
  const r = connections.record;
  const b = connections.base(handle) + TRACKER_WORDS;
  const status = connections.status(handle);
  const direction = directionOf(p);
  const state = r[b + HEAD] & 0xff;
  const kind = lastKind(r, b);
  // The ports may be in use again already, and all that is remembered with them out of date.
  if (state >= TCP_FIN_WAIT && state <= TCP_CLOSE) return SKIP_WINDOW;

  // After a SYN that was let through, what the other side acknowledged says nothing.
  if ((flagsOf(r, b, 1 - direction) & MAXACK_SET) !== 0 && kind !== SEGMENT_SYN) {
    const established = state === TCP_ESTABLISHED && (status & IPS_ASSURED) !== 0;
    const expected = r[b + seen(1 - direction) + MAXACK];
    if (p.seq === 0 && !established) return BELIEVE;
    if (before(p.seq, expected) && on.sysctl.tcpIgnoreInvalidRst === 0) return REFUSE;
    if (!established || p.seq === expected) return BELIEVE;
    // Right behind the data that the same side just sent.
    if (kind === SEGMENT_ACK && lastDirection(r, b) === direction && p.seq === r[b + LAST_END]) return BELIEVE;
    return KEEP_STATE;
  }
  // The answer to a SYN that was let through, or to the ACK of a half-open connection.
  const answersSyn = (status & IPS_SEEN_REPLY) !== 0 && kind === SEGMENT_SYN && lastDirection(r, b) !== direction;
  const answersAck = (status & IPS_ASSURED) === 0 && kind === SEGMENT_ACK;
  if ((answersSyn || answersAck) && p.ack === r[b + LAST_END]) return SKIP_WINDOW;
  // The answer to a challenge ACK that was let through.
  const challenged = state === TCP_SYN_SENT && kind === SEGMENT_ACK && lastDirection(r, b) === REPLY;
  return challenged && p.seq === r[b + LAST_ACK] ? SKIP_WINDOW : BELIEVE;
}

/** A segment out of the window: invalid, or let through without effect. */
function outOfWindow(on: Conntrack, connections: Connections, handle: number, p: Packet, verdict: number): number {
  if (verdict !== WINDOW_INVALID) {
    if (on.hears(p)) on.remark(p, IPPROTO_TCP, complaint.text());
    return TRACK_ACCEPT;
  }
  if (on.hears(p)) on.complain(p, IPPROTO_TCP, complaint.text());
  lowerTimeout(on, connections, handle, p);
  return TRACK_INVALID;
}

/**
 * FINs or RSTs from both sides, but out of the window: the connection is probably over and the firewall did not follow.
 * It shall not stay in the table for days. nf_tcp_handle_invalid.
 */
function lowerTimeout(on: Conntrack, connections: Connections, handle: number, p: Packet): void {
  const kind = segmentKind(p.tcpFlags);
  if (kind !== SEGMENT_FIN && kind !== SEGMENT_RST) return;
  const status = connections.status(handle);
  if ((status & IPS_ASSURED) === 0 || (status & IPS_FIXED_TIMEOUT) !== 0) return;
  const r = connections.record;
  const b = connections.base(handle) + TRACKER_WORDS;
  const direction = directionOf(p);
  const last = lastKind(r, b);
  if (lastDirection(r, b) === direction || (last !== SEGMENT_FIN && last !== SEGMENT_RST)) {
    r[b + HEAD] = (r[b + HEAD] & 0x00ff00ff) | (kind << 24) | (direction << 8);
    return;
  }
  const timeout = on.sysctl.tcpTimeoutUnacknowledged * HZ;
  const left = connections.expires(handle);
  if (left < LONG_TIMEOUT * HZ || left <= timeout) return;
  connections.expireAt(handle, (connections.now + timeout) | 0);
  if (on.hears(p))
    on.remark(
      p,
      IPPROTO_TCP,
      `packet (index ${kind}, dir ${direction}) response for index ${last} lower timeout to ${timeout}`,
    );
}

/**
 * Seconds that the connection lasts without another segment. A connection that waits for an acknowledgment and one that
 * does not come by turns: the smaller timeout is chosen by a mask, not by a branch.
 */
function timeoutAfter(sysctl: Sysctl, state: number, head: number, flags: number, lastWindow: number): number {
  const timeout = state === TCP_ESTABLISHED ? sysctl.tcpTimeoutEstablished : timeoutOf(sysctl, state);
  if (((head >>> 16) & 0xff) >= sysctl.tcpMaxRetrans && timeout > sysctl.tcpTimeoutMaxRetrans)
    return sysctl.tcpTimeoutMaxRetrans;
  // Also in a connection that stays established, because the RST was not exactly where it should be.
  if (head >>> 24 === SEGMENT_RST) return sysctl.tcpTimeoutClose;
  const unacknowledged = -(((flags | (flags >>> 8)) & DATA_UNACKNOWLEDGED) >> 4);
  const less = (sysctl.tcpTimeoutUnacknowledged - timeout) | 0;
  const shortens = unacknowledged & (less >> 31);
  if ((lastWindow & 0xffff) === 0 && shortens === 0 && timeout > sysctl.tcpTimeoutMaxRetrans)
    return sysctl.tcpTimeoutMaxRetrans;
  return timeout + (less & shortens);
}

/**
 * What else a segment does to a connection that was not answered yet, or is not assured. `status` is that from before
 * it. False: the timeout stays as it was.
 */
function settle(
  on: Conntrack,
  connections: Connections,
  handle: number,
  p: Packet,
  status: number,
  old: number,
  next: number,
  jiffies: number,
): boolean {
  if ((status & IPS_SEEN_REPLY) !== 0) {
    if (next === TCP_ESTABLISHED && (old === TCP_SYN_RECV || old === TCP_ESTABLISHED))
      connections.addStatus(handle, IPS_ASSURED);
    return true;
  }
  const kind = segmentKind(p.tcpFlags);
  if (kind === SEGMENT_RST) {
    // Refused at once: there never was a connection.
    connections.account(handle, directionOf(p), 1, p.length);
    connections.remove(handle);
    return false;
  }
  // Repeated SYNs do not keep an entry, and its NAT, alive.
  if (kind === SEGMENT_SYN && old === TCP_SYN_SENT) return false;
  if (next !== TCP_ESTABLISHED) return true;
  connections.refresh(handle, Math.min(jiffies, on.sysctl.tcpTimeoutUnacknowledged * HZ));
  connections.account(handle, directionOf(p), 1, p.length);
  return false;
}

function timeoutOf(sysctl: Sysctl, state: number): number {
  switch (state) {
    case TCP_SYN_RECV:
      return sysctl.tcpTimeoutSynRecv;
    case TCP_FIN_WAIT:
      return sysctl.tcpTimeoutFinWait;
    case TCP_CLOSE_WAIT:
      return sysctl.tcpTimeoutCloseWait;
    case TCP_LAST_ACK:
      return sysctl.tcpTimeoutLastAck;
    case TCP_TIME_WAIT:
      return sysctl.tcpTimeoutTimeWait;
    case TCP_CLOSE:
      return sysctl.tcpTimeoutClose;
    default:
      // SYN_SENT, and SYN_SENT2, which has no sysctl of its own: two minutes.
      return state === TCP_SYN_SENT ? sysctl.tcpTimeoutSynSent : SYN_SENT2_TIMEOUT;
  }
}
