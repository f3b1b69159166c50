/** The bits of a connection's status word (uapi/linux/netfilter/nf_conntrack_common.h: enum ip_conntrack_status). */

/** Set up by an expectation. */
export const IPS_EXPECTED = 1 << 0;
/** Packets were seen in both directions. */
export const IPS_SEEN_REPLY = 1 << 1;
/** Never dropped early. */
export const IPS_ASSURED = 1 << 2;
/** In the table: the packet that made it left the host, or reached a socket. */
export const IPS_CONFIRMED = 1 << 3;
/** The original direction's source, or destination, is translated. */
export const IPS_SRC_NAT = 1 << 4;
export const IPS_DST_NAT = 1 << 5;
export const IPS_SEQ_ADJUST = 1 << 6;
/** NAT was set up for this side, be it to change nothing. */
export const IPS_SRC_NAT_DONE = 1 << 7;
export const IPS_DST_NAT_DONE = 1 << 8;
/** Taken out of the table. */
export const IPS_DYING = 1 << 9;
export const IPS_FIXED_TIMEOUT = 1 << 10;
/** Lost a clash in the original direction: only its reply tuple is in the table, for a second. */
export const IPS_NAT_CLASH = 1 << 12;
export const IPS_HELPER = 1 << 13;

export const IPS_NAT_MASK = IPS_SRC_NAT | IPS_DST_NAT;
export const IPS_NAT_DONE_MASK = IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE;
