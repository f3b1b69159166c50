/** The kernel's tick, in which timeouts are counted: a signed 32-bit number that wraps. */

/** Jiffies in a second: CONFIG_HZ of the kernel that is imitated. */
export const HZ = 250;
export const MICROSECONDS_PER_JIFFY = 1_000_000 / HZ;
