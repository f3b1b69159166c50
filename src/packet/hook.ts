/**
 * The five places of a packet's path where chains hang, numbered as the kernel numbers them
 * (uapi/linux/netfilter.h: enum nf_inet_hooks), and the verdicts that a chain can end with.
 */

export const PREROUTING = 0;
export const INPUT = 1;
export const FORWARD = 2;
export const OUTPUT = 3;
export const POSTROUTING = 4;

export type Hook = 0 | 1 | 2 | 3 | 4;

export const HOOK_NAMES = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"] as const;
export type HookName = (typeof HOOK_NAMES)[number];

/** Verdicts, as small integers so that the hot path compares numbers. */
export const DROP = 0;
export const ACCEPT = 1;
/** The packet is no longer the path's: it waits in a fragment queue, or a target answered and kept it. */
export const STOLEN = 2;
/** What a target returns to go on with the next rule (XT_CONTINUE). */
export const CONTINUE = -1;
/** What a target returns to go back to the calling chain, or to the policy (XT_RETURN). */
export const RETURN = -5;

export type Verdict = number;

export const TABLE_NAMES = ["raw", "mangle", "nat", "filter", "security"] as const;
export type TableName = (typeof TABLE_NAMES)[number];

export type Family = 4 | 6;
