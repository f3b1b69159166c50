/**
 * SCTP (nf_conntrack_proto_sctp.c): CRC, chunk by chunk through the states (sctp-states.ts), and the verification tags
 * by which each end knows that a packet is meant for this association.
 */

import { TRACKER_WORDS } from "../assembly/record-words.ts";
import { IPS_ASSURED, IPS_CONFIRMED } from "../assembly/status.ts";
import { crc32c } from "../bytes/checksum.ts";
import { verifies } from "../conntrack/checksum.ts";
import type { Connections } from "../conntrack/connections.ts";
import { type Conntrack, directionOf } from "../conntrack/conntrack.ts";
import { HZ } from "../conntrack/jiffies.ts";
import { TRACK_ACCEPT, TRACK_INVALID, type Tracker } from "../conntrack/tracker.ts";
import { ORIGINAL } from "../conntrack/tuple.ts";
import type { Sysctl } from "../host/sysctl.ts";
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_SCTP } from "../packet/transport.ts";
import {
  CHUNK_ABORT,
  CHUNK_COOKIE_ACK,
  CHUNK_COOKIE_ECHO,
  CHUNK_DATA,
  CHUNK_HEARTBEAT,
  CHUNK_HEARTBEAT_ACK,
  CHUNK_INIT,
  CHUNK_INIT_ACK,
  CHUNK_SHUTDOWN_ACK,
  CHUNK_SHUTDOWN_COMPLETE,
  nextState,
  SCTP_CLOSED,
  SCTP_COOKIE_ECHOED,
  SCTP_COOKIE_WAIT,
  SCTP_ESTABLISHED,
  SCTP_HEARTBEAT_SENT,
  SCTP_INVALID,
  SCTP_NONE,
  SCTP_SHUTDOWN_ACK_SENT,
  SCTP_SHUTDOWN_RECD,
  SCTP_SHUTDOWN_SENT,
  SCTP_STATE_NAMES,
} from "./sctp-states.ts";

const HEADER = 12;
const CHUNK_HEADER = 4;
/** Initiate tag, window, streams, first TSN. */
const INIT_BODY = 16;
/** ABORT and SHUTDOWN COMPLETE: the tag is the receiver's own, because the sender has none. */
const FLAG_T = 1;

/** The tracker's words. state | last direction << 8 | flags << 16 */
const HEAD = 0;
/** Verification tags that packets of each direction carry, as they are in the header. */
const VTAG = 1;

const INIT_SEEN_ORIGINAL = 1 << 16;
const INIT_SEEN_REPLY = 1 << 17;
/** A HEARTBEAT carried another tag: its answer shows whether the association was restarted. */
const HEARTBEAT_VTAG_FAILED = 1 << 18;

const BELIEVE = 0;
/** Passes, and does not refresh the timeout. */
const IGNORE = 1;
const REFUSE = 2;

export const sctp: Tracker = {
  allowClash: false,
  stateName: (state) => SCTP_STATE_NAMES[state],
  packet: trackSctp,
};

/** Types of the chunks in the packet at hand. */
const present = new Uint8Array(256);

function trackSctp(on: Conntrack, connections: Connections, handle: number, p: Packet, l4: number): number {
  if (hasError(on, p, l4)) return TRACK_INVALID;
  if (!collect(on, p, l4)) return TRACK_INVALID;
  const r = connections.record;
  const b = connections.base(handle) + TRACKER_WORDS;
  const confirmed = (connections.status(handle) & IPS_CONFIRMED) !== 0;
  if (!confirmed && !begin(on, r, b, p, l4)) return TRACK_INVALID;
  if (!tagHolds(on, r, b, p, l4)) return TRACK_INVALID;

  let ignore = false;
  let state = SCTP_NONE;
  for (let at = l4 + HEADER; hasChunk(p, at); at = nextChunk(p, at)) {
    const judgement = judgeTag(r, b, p, l4, at, ignore);
    if (judgement === REFUSE) return TRACK_INVALID;
    if (judgement === IGNORE) {
      ignore = true;
      continue;
    }
    const old = r[b + HEAD] & 0xff;
    const type = p.data[at];
    const direction = directionOf(p);
    state = nextState(direction, type, old);
    if (state === SCTP_INVALID) {
      if (on.hears(p)) on.complain(p, IPPROTO_SCTP, `Invalid, old_state ${old}, dir ${direction}, type ${type}`);
      return TRACK_INVALID;
    }
    if (type === CHUNK_INIT) {
      if (!noteInit(r, b, p, at, old)) return TRACK_INVALID;
      // A repeated INIT does not keep an entry, and its NAT, alive.
      if (state === SCTP_CLOSED && old === SCTP_CLOSED && confirmed) ignore = true;
    } else if (type === CHUNK_INIT_ACK && !noteInitAck(r, b, p, at)) return TRACK_INVALID;
    r[b + HEAD] = (r[b + HEAD] & ~0xff) | state;
    if (state === SCTP_ESTABLISHED && old !== SCTP_ESTABLISHED) connections.addStatus(handle, IPS_ASSURED);
  }
  if (ignore) return TRACK_ACCEPT;
  connections.refresh(handle, timeoutOf(on.sysctl, state) * HZ);
  connections.account(handle, directionOf(p), 1, p.length);
  return TRACK_ACCEPT;
}

/** sctp_error. */
function hasError(on: Conntrack, p: Packet, l4: number): boolean {
  if (l4 + HEADER > p.end) {
    on.complain(p, IPPROTO_SCTP, "nf_ct_sctp: short packet ");
    return true;
  }
  if (!verifies(on, p)) return false;
  p.pull(l4 - p.start + HEADER);
  let crc = crc32c(p.view, l4, l4 + 8);
  crc = crc32c(ZEROES, 0, 4, crc);
  crc = crc32c(p.view, l4 + HEADER, p.end, crc);
  if (p.view.getInt32(l4 + 8, true) === ~crc) return false;
  on.complain(p, IPPROTO_SCTP, "nf_ct_sctp: bad CRC ");
  return true;
}

/** What the checksum field counts as. */
const ZEROES = new DataView(new ArrayBuffer(4));

/** Is there a chunk header at `at`? */
function hasChunk(p: Packet, at: number): boolean {
  return at + CHUNK_HEADER <= p.end;
}

/** Chunks are padded to four bytes. `collect` made sure that none has length 0. */
function nextChunk(p: Packet, at: number): number {
  return at + ((p.view.getUint16(at + 2) + 3) & ~3);
}

/** do_basic_checks: some chunks must come alone or first. Notes the types that are `present`. */
function collect(on: Conntrack, p: Packet, l4: number): boolean {
  present.fill(0);
  let count = 0;
  let alone = 0;
  for (let at = l4 + HEADER; hasChunk(p, at); at = nextChunk(p, at)) {
    const type = p.data[at];
    const length = p.view.getUint16(at + 2);
    if (type === CHUNK_INIT || type === CHUNK_INIT_ACK || type === CHUNK_SHUTDOWN_COMPLETE) alone = 1;
    const first = alone !== 0 || type === CHUNK_COOKIE_ACK || type === CHUNK_COOKIE_ECHO;
    if ((first && count !== 0) || length === 0) {
      // The kernel prints the length without swapping its bytes.
      const swapped = p.view.getUint16(at + 2, true);
      if (on.hears(p))
        on.complain(
          p,
          IPPROTO_SCTP,
          `do_basic_checks failed. chunk num ${count}, type ${type}, len ${swapped} flag ${alone}\n`,
        );
      return false;
    }
    present[type] = 1;
    count++;
  }
  if (count === 0 && p.steps !== null) on.explain(p, "an SCTP packet without chunks");
  return count > 0;
}

/** sctp_new: false when no association can begin with these chunks. */
function begin(on: Conntrack, r: Int32Array, b: number, p: Packet, l4: number): boolean {
  if (present[CHUNK_ABORT] || present[CHUNK_SHUTDOWN_COMPLETE] || present[CHUNK_COOKIE_ACK]) {
    if (p.steps !== null) on.explain(p, "an SCTP packet that cannot begin an association");
    return false;
  }
  const tag = p.view.getInt32(l4 + 4);
  for (let at = l4 + HEADER; hasChunk(p, at); at = nextChunk(p, at)) {
    const type = p.data[at];
    const state = nextState(ORIGINAL, type, SCTP_NONE);
    if (state === SCTP_NONE || state === SCTP_INVALID) {
      if (p.steps !== null) on.explain(p, "an SCTP packet that cannot begin an association");
      return false;
    }
    if (type === CHUNK_INIT) {
      if (tag !== 0 || at + CHUNK_HEADER + INIT_BODY > p.end) {
        if (p.steps !== null) on.explain(p, "an INIT with a verification tag, or cut");
        return false;
      }
      r[b + VTAG + 1] = p.view.getInt32(at + CHUNK_HEADER);
    } else if (type === CHUNK_HEARTBEAT) r[b + VTAG] = tag;
    else if (type === CHUNK_SHUTDOWN_ACK) r[b + VTAG + 1] = tag;
  }
  return true;
}

/** Any packet must carry the tag of its direction, but for those whose chunks have rules of their own (`judgeTag`). */
function tagHolds(on: Conntrack, r: Int32Array, b: number, p: Packet, l4: number): boolean {
  if (
    present[CHUNK_INIT] ||
    present[CHUNK_SHUTDOWN_COMPLETE] ||
    present[CHUNK_COOKIE_ECHO] ||
    present[CHUNK_ABORT] ||
    present[CHUNK_SHUTDOWN_ACK] ||
    present[CHUNK_HEARTBEAT] ||
    present[CHUNK_HEARTBEAT_ACK]
  )
    return true;
  const direction = directionOf(p);
  const tag = p.view.getInt32(l4 + 4);
  if (tag === r[b + VTAG + direction]) return true;
  if (on.hears(p))
    on.complain(
      p,
      IPPROTO_SCTP,
      `verification tag check failed ${swappedHex(tag)} vs ${swappedHex(r[b + VTAG + direction])} for dir ${direction}`,
    );
  return false;
}

/** The kernel prints tags without swapping their bytes. */
function swappedHex(word: number): string {
  const swapped = ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
  return (swapped >>> 0).toString(16);
}

/** RFC 9260, 8.5.1: the tag of a packet that has the chunk at `at`. */
function judgeTag(r: Int32Array, b: number, p: Packet, l4: number, at: number, ignoring: boolean): number {
  const tag = p.view.getInt32(l4 + 4);
  const direction = directionOf(p);
  const own = r[b + VTAG + direction];
  switch (p.data[at]) {
    case CHUNK_INIT:
      return tag === 0 ? BELIEVE : REFUSE;
    case CHUNK_ABORT:
    case CHUNK_SHUTDOWN_COMPLETE:
      return tag === ((p.data[at + 1] & FLAG_T) !== 0 ? r[b + VTAG + 1 - direction] : own) ? BELIEVE : REFUSE;
    case CHUNK_COOKIE_ECHO:
      return tag === own ? BELIEVE : REFUSE;
    case CHUNK_COOKIE_ACK:
      r[b + HEAD] &= ~(INIT_SEEN_ORIGINAL | INIT_SEEN_REPLY);
      return BELIEVE;
    case CHUNK_HEARTBEAT:
      return judgeHeartbeat(r, b, direction, tag, ignoring);
    case CHUNK_HEARTBEAT_ACK:
      return judgeHeartbeatAck(r, b, direction, tag, ignoring);
    default:
      return BELIEVE;
  }
}

function judgeHeartbeat(r: Int32Array, b: number, direction: number, tag: number, ignoring: boolean): number {
  const own = r[b + VTAG + direction];
  if (own === 0) r[b + VTAG + direction] = tag;
  else if (tag !== own) {
    if (present[CHUNK_DATA] || ignoring) return REFUSE;
    r[b + HEAD] = (r[b + HEAD] & ~0xff00) | HEARTBEAT_VTAG_FAILED | (direction << 8);
    return IGNORE;
  } else r[b + HEAD] &= ~HEARTBEAT_VTAG_FAILED;
  return BELIEVE;
}

function judgeHeartbeatAck(r: Int32Array, b: number, direction: number, tag: number, ignoring: boolean): number {
  const own = r[b + VTAG + direction];
  if (own === 0) r[b + VTAG + direction] = tag;
  else if (tag !== own) {
    if (present[CHUNK_DATA] || ignoring) return REFUSE;
    const answersOther = (r[b + HEAD] & HEARTBEAT_VTAG_FAILED) !== 0 && ((r[b + HEAD] >>> 8) & 0xff) !== direction;
    if (!answersOther) return REFUSE;
    // The other end answered the heartbeat with a new tag: the association was restarted.
    r[b + HEAD] &= ~HEARTBEAT_VTAG_FAILED;
    r[b + VTAG + direction] = tag;
    r[b + VTAG + 1 - direction] = 0;
  } else r[b + HEAD] &= ~HEARTBEAT_VTAG_FAILED;
  return BELIEVE;
}

/** An INIT says which tag the packets towards its sender will carry. False when it is cut. */
function noteInit(r: Int32Array, b: number, p: Packet, at: number, old: number): boolean {
  if (at + CHUNK_HEADER + INIT_BODY > p.end) return false;
  const direction = directionOf(p);
  const tag = p.view.getInt32(at + CHUNK_HEADER);
  if (old === SCTP_NONE || r[b + VTAG + 1 - direction] !== tag) {
    const mine = direction === ORIGINAL ? INIT_SEEN_ORIGINAL : INIT_SEEN_REPLY;
    const other = direction === ORIGINAL ? INIT_SEEN_REPLY : INIT_SEEN_ORIGINAL;
    if ((r[b + HEAD] & mine) !== 0) r[b + HEAD] &= ~other;
    r[b + HEAD] |= mine;
  }
  r[b + VTAG + 1 - direction] = tag;
  return true;
}

/** An INIT ACK must answer the INIT that is remembered. */
function noteInitAck(r: Int32Array, b: number, p: Packet, at: number): boolean {
  if (at + CHUNK_HEADER + INIT_BODY > p.end) return false;
  const direction = directionOf(p);
  const tag = p.view.getInt32(at + CHUNK_HEADER);
  const known = r[b + VTAG + 1 - direction];
  const mine = (r[b + HEAD] & (direction === ORIGINAL ? INIT_SEEN_ORIGINAL : INIT_SEEN_REPLY)) !== 0;
  const other = (r[b + HEAD] & (direction === ORIGINAL ? INIT_SEEN_REPLY : INIT_SEEN_ORIGINAL)) !== 0;
  if (!other && known !== 0 && known !== tag) return false;
  // Both ends began: the tags must be those of the INITs.
  if (mine && other && known !== tag) return false;
  r[b + VTAG + 1 - direction] = tag;
  return true;
}

function timeoutOf(sysctl: Sysctl, state: number): number {
  switch (state) {
    case SCTP_CLOSED:
      return sysctl.sctpTimeoutClosed;
    case SCTP_COOKIE_WAIT:
      return sysctl.sctpTimeoutCookieWait;
    case SCTP_COOKIE_ECHOED:
      return sysctl.sctpTimeoutCookieEchoed;
    case SCTP_ESTABLISHED:
      return sysctl.sctpTimeoutEstablished;
    case SCTP_SHUTDOWN_SENT:
      return sysctl.sctpTimeoutShutdownSent;
    case SCTP_SHUTDOWN_RECD:
      return sysctl.sctpTimeoutShutdownRecd;
    case SCTP_SHUTDOWN_ACK_SENT:
      return sysctl.sctpTimeoutShutdownAckSent;
    case SCTP_HEARTBEAT_SENT:
      return sysctl.sctpTimeoutHeartbeatSent;
    default:
      return 0;
  }
}
