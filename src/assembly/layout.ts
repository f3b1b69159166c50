/**
 * The core's memory (core.ts), as offsets in bytes: the packets' bytes, some numbers that both sides of the border read and
 * write, tables, and the IPv4 connections. Only constants: both compilers
 * read this file.
 */

/** Where the reader of captures puts what it reads. */
export const PACKETS = 0;
/** Sized so that it stays in the processor's second-level cache. */
export const PACKETS_SIZE = 0x80000;
/** 16 bytes of ones and 16 of zeroes, of which a mask for the last bytes of a sum is cut. */
export const MASKS = 0x80010;

/** 32-bit words that say how the connections lie; see the indexes below. */
export const CONTROL = 0x81000;
export const CONTROL_WORDS = 64;
/** A byte per row and column of TCP's state table, kind of a segment by its flags, and whether they may stand together. */
export const TCP_NEXT = 0x82000;
export const TCP_KINDS = 0x82100;
export const TCP_VALID = 0x82200;
/** Jiffies that a connection in this state lasts, a word each. */
export const TCP_TIMEOUTS = 0x82300;
/**
 * The routing decision (host/routing4.ts: ranges): a word for each device that packets come in by, the address of its table or 0.
 * A table is, for each first byte of an address and one more, the 16-bit number of the last range that begins at or before
 * it; then the ranges: their first address, and route << 1 | whether what comes from there is an ordinary source.
 */
export const ROUTING = 0x90000;
export const ROUTING_SIZE = 0x20000;
export const ROUTED_DEVICES = 64;
export const RANGES = 520;
/** Where a packet lies that comes alone, not in a capture. */
export const SINGLE = 0xb0000;
export const SINGLE_SIZE = 0x20000;
/** Here the connections' records begin. */
export const TABLES = 0xd0000;
export const MEMORY_SIZE = 0x10000000;
export const PAGE = 0x10000;

// ── indexes of control words ─────────────────────────────────────────────────────────────────────────

/** The clock, in jiffies; no entry of the table expires before EARLIEST. */
export const NOW = 0;
export const EARLIEST = 1;
/** Records: handles from 1 to TOP were handed out at least once, CAPACITY fit; FREE begins the chain of those given back. */
export const TOP = 2;
export const CAPACITY = 3;
export const FREE = 4;
/** Connections in use; how many were ever made. */
export const SIZE = 5;
export const CREATED = 6;
/** The index: pairs in it, and how many it takes before it must grow; how a hash's place comes from it. */
export const PAIRS = 7;
export const PAIRS_MOST = 8;
export const SHIFT = 9;
export const DROP = 10;
/** Index of the last word that a pair may begin at. */
export const PAIRS_END = 11;
/** Where records and pairs begin, in bytes. */
export const RECORDS_AT = 12;
export const PAIRS_AT = 13;
export const SEED = 14;
/** What `receive` found: the number of the packet's route, and the address that it leads to. */
export const ROUTE = 15;
export const ROUTED_TO = 16;
// Sysctls; timeouts in jiffies.
export const MAX_RETRANS = 17;
export const TIMEOUT_MAX_RETRANS = 18;
export const TIMEOUT_UNACKNOWLEDGED = 19;
export const UDP_TIMEOUT = 20;
export const UDP_TIMEOUT_STREAM = 21;

// ── what the functions take and say (core.ts) ────────────────────────────────────────────────────────

/** What `receive` is to verify; `track`: the first or nothing. */
export const TRANSPORT_CHECKSUM = 1;
export const HEADER_CHECKSUM = 2;
/** Of `track` and `receive`: handle << 4 | VERIFIED, where the transport checksum was | ctinfo (packet/packet.ts), or one of two more. */
export const VERIFIED = 8;
/** Not an ordinary packet: nothing was changed. */
export const LONG_WAY = 0;
/** A sound packet that may begin a connection; less VERIFIED where its checksum was verified. */
export const UNKNOWN = -1;
/** Of `confirm`, beside 0: nothing was done. */
export const CONFIRMED = 1;
/** It is in, and so are as many pairs as fit: the index must be given more room. */
export const CONFIRMED_LAST = 2;
