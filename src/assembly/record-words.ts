/**
 * What the words of a connection's record are. Only constants: both compilers read this file (assembly/).
 *
 * A record is: status, mark, timeout, order of creation, a link for nat/, the protocol tracker's own words, and the two
 * nodes, original then reply: source words, destination words, sport << 16 | dport, zone << 16 | protocol. A node's number
 * is handle << 1 | direction.
 */

export const STATUS = 0;
export const MARK = 1;
export const TIMEOUT = 2;
export const ORDER = 3;
export const LINK = 4;
/** First of the protocol tracker's own words. */
export const TRACKER_WORDS = 5;
/** What the largest tracker (TCP) needs. */
export const TRACKER_SIZE = 14;
export const NODES = TRACKER_WORDS + TRACKER_SIZE;

/** Words of an IPv4 node and record, where they are wanted as constants. */
export const NODE4 = 4;
export const STRIDE4 = NODES + 2 * NODE4;

/** Above the kernel's bits in the status word; never shown to callers. */
export const IN_USE = 1 << 30;
export const COUNTED = 1 << 29;
export const KERNEL_BITS = 0xffff;
