/**
 * TCP as numbers: states and kinds of segments, what is kept of a connection, and in which words of it. Only constants: both
 * compilers read this file (assembly/). What they mean: tcp-states.ts, tcp-window.ts.
 */

// ── states, and kinds of segments ────────────────────────────────────────────────────────────────────

export const TCP_NONE = 0;
export const TCP_SYN_SENT = 1;
export const TCP_SYN_RECV = 2;
export const TCP_ESTABLISHED = 3;
export const TCP_FIN_WAIT = 4;
export const TCP_CLOSE_WAIT = 5;
export const TCP_LAST_ACK = 6;
export const TCP_TIME_WAIT = 7;
export const TCP_CLOSE = 8;
export const TCP_SYN_SENT2 = 9;
export const TCP_INVALID = 10;
export const TCP_IGNORE = 11;
/** States that a connection can be in. */
export const TCP_STATES = 10;

/** Kinds of segments, by flags; a segment is of the first kind that fits: RST, SYN/ACK, SYN, FIN, ACK, none. */
export const SEGMENT_SYN = 0;
export const SEGMENT_SYNACK = 1;
export const SEGMENT_FIN = 2;
export const SEGMENT_ACK = 3;
export const SEGMENT_RST = 4;
export const SEGMENT_NONE = 5;
export const SEGMENT_KINDS = 6;

// ── where a connection's words are: offsets from the tracker's first word ────────────────────────────

/** state | last direction << 8 | retransmissions << 16 | last kind of segment << 24 */
export const HEAD = 0;
/** Four words of each direction, the originator's first. */
export const SEEN = 1;
export const END = 0;
export const MAXEND = 1;
export const MAXWIN = 2;
export const MAXACK = 3;
export const SEEN_WORDS = 4;
/** flags of the originator | of the responder << 8 | scale of the originator << 16 | of the responder << 24 */
export const FLAGS = 9;
export const LAST_SEQ = 10;
export const LAST_ACK = 11;
export const LAST_END = 12;
/** window | scale << 16 | flags << 24 of the last segment */
export const LAST_WINDOW = 13;

// ── flags (uapi/linux/netfilter/nf_conntrack_tcp.h: IP_CT_TCP_FLAG_*) ────────────────────────────────

export const WINDOW_SCALE = 0x01;
export const SACK_PERMITTED = 0x02;
/** This side sent the first FIN. */
export const CLOSE_INIT = 0x04;
/** Picked up in the middle: the window cannot be known. */
export const BE_LIBERAL = 0x08;
export const DATA_UNACKNOWLEDGED = 0x10;
export const MAXACK_SET = 0x20;
/** In the last segment's flags: a challenge ACK may come. */
export const EXPECT_CHALLENGE_ACK = 0x40;
export const SIMULTANEOUS_OPEN = 0x80;

// ── limits, and options ──────────────────────────────────────────────────────────────────────────────

/** MAXACKWINCONST: an acknowledgment may lag by this much, or by the largest window. */
export const MAX_ACK_LAG = 66000;
export const MAX_SCALE = 14;

export const OPTION_END = 0;
export const OPTION_NOP = 1;
export const OPTION_WINDOW = 3;
export const OPTION_SACK_PERMITTED = 4;
export const OPTION_SACK = 5;
/** NOP, NOP, timestamp of length 10: the options of nearly every segment. */
export const TIMESTAMP_ONLY = 0x0101080a;
