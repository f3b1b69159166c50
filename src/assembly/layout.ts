/**
 * The core's memory (core.ts), as offsets in bytes: the packets' bytes, some numbers that both sides of the border read and
 * write, tables, and the IPv4 connections. Only constants: both compilers
 * read this file.
 */

/** Where the reader of captures puts what it reads. */
export const PACKETS = 0;
/** Sized so that it stays in the processor's second-level cache. */
export const PACKETS_SIZE = 0x40000;
/** So many bytes of ones and as many of zeroes, of which a mask for the last bytes of a sum is cut. */
export const MASK_SIZE = 64;
export const MASKS = 0x80040;

/** 32-bit words that say how the connections lie; see the indexes below. */
export const CONTROL = 0x81000;
export const CONTROL_WORDS = 64;
/** 64-bit floating-point numbers of the same kind. */
export const CLOCK = 0x81100;
export const CLOCK_NUMBERS = 8;
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
/**
 * Link-layer headers by which packets come in that the core takes from captures: a hash table, each entry the first, the last and
 * of long ones the second eight bytes of one, the device (0: the slot is free), the capture's interface, and how many packets had
 * it (64-bit floating point).
 */
export const LINKS = 0x83000;
export const LINKS_SLOTS = 512;
export const LINK_SIZE = 64;
export const LINK_MIDDLE = 16;
export const LINK_DEVICE = 24;
export const LINK_INTERFACE = 28;
export const LINK_PACKETS = 32;
/**
 * The capture's interfaces, by their number: how many units of its times are a microsecond, 1 or 1000 (0: its packets are not
 * for the core), and how many bytes of link layer are before each packet, 0 or 8 to 24.
 */
export const INTERFACES = 0x82400;
export const INTERFACES_SLOTS = 64;
export const INTERFACE_SIZE = 8;
export const INTERFACE_LINK = 4;
/** Where a packet lies that comes alone, not in a capture. */
export const SINGLE = 0xb0000;
export const SINGLE_SIZE = 0x20000;
/**
 * The ways that packets take (path/ways.ts): a hash table of four words of key, what becomes of such packets (WAY_…; 0: the
 * slot is free), the longest that this holds for, and how many there were, packets and bytes (64-bit floating point).
 */
export const WAYS = 0xd0000;
export const WAYS_SLOTS = 4096;
export const WAY_SIZE = 64;
export const WAY_KIND = 16;
export const WAY_LONGEST = 20;
export const WAY_PACKETS = 32;
export const WAY_BYTES = 40;
/** Into which parts the rules divide addresses and ports: tables as those of routes, with the part's number. */
export const PARTS = 0x110000;
export const PARTS_SIZE = 0xf0000;
/** Here the connections' records begin. */
export const TABLES = 0x200000;
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
export const ICMP_TIMEOUT = 42;

// ── of captures (stream.ts) ──────────────────────────────────────────────────────────────────────────

/** What of the packets' checksums is to be verified: TRANSPORT_CHECKSUM | HEADER_CHECKSUM. */
export const VERIFIES = 24;
/** New connections are begun while there are fewer than this. */
export const ROOM = 25;
/** Bits of a connection's status that must be set: both of its ends were dealt with, where there is a nat table. */
export const NAT_DONE = 26;
/** Tables of PARTS, or 0 where the rules do not look at the field. */
export const SOURCE_PARTS = 27;
export const DESTINATION_PARTS = 28;
export const SOURCE_PORT_PARTS = 29;
export const DESTINATION_PORT_PARTS = 30;
/** Of TCP's flags | TOS << 8, what the rules look at. */
export const HEADER_BITS = 31;
/** The table of routes by which a packet's source tells where it came in, for links whose device is BY_SOURCE. */
export const ARRIVALS = 32;
/** Why the core stopped (STOPPED_…), the number of packets that it took. */
export const STOPPED = 33;
export const TAKEN = 34;
/** The key of the way that it did not know; where, in bytes, the free entry for it or for the link is, and the packet. */
export const KEY = 35;
export const FREE_ENTRY = 39;
export const STOPPED_AT = 41;
/** The index has no room behind its last pair. */
export const LENGTHEN = 40;

/** Indexes of CLOCK: the time, when the jiffy ends, from when on no packets are taken; all µs since 1970. */
export const TIME = 0;
export const JIFFY_ENDS = 1;
export const UNTIL = 2;
/** Of the packets taken: the earliest and the latest time. */
export const FIRST_TIME = 3;
export const LAST_TIME = 4;

/** A packet for the long way, or no whole packet. */
export const STOPPED_LONG = 0;
export const STOPPED_LINK = 1;
export const STOPPED_WAY = 2;

/** Of a way: such packets are forwarded, or dropped by a rule that says nothing; or nobody can say without looking at each. */
export const WAY_ACCEPT = 1;
export const WAY_DROP = 2;
export const WAY_LONG = 3;
/** In place of a link's device: the source tells. */
export const BY_SOURCE = -1;

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
