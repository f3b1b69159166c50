/**
 * The eyes of the kernel engine: nftables chains of our own that change nothing a rule could see. They switch tracing on for every
 * packet before any table runs, say which hook it enters and that it reached its end, read conntrack's verdict just
 * after conntrack, and swallow local deliveries once they were confirmed (no program answers in the namespace).
 *
 * They must be made before rules arm conntrack: of two hooks at the same priority the later registered runs first, and
 * the delivery must be swallowed after conntrack's confirmation.
 */
import { tool } from "./namespace.ts";

export const MARK = "firetwin ";
export const MARK_HOOK = `${MARK}hook`;
export const MARK_DELIVERED = `${MARK}delivered`;
export const MARK_LEAVES = `${MARK}leaves`;
export const MARK_STATE = `${MARK}state `;

const FIRST = -500;
const LAST = 2147483647;
const AFTER_CONNTRACK = -199;

/** Nothing that the kernel says of itself (MLD, router solicitations) is to be seen; what a process sends is. */
export function openEyes(): void {
  const hook = (name: string, extra = "") =>
    `chain ${name} { type filter hook ${name} priority ${FIRST}; ${extra} log prefix "${MARK_HOOK}" group 0; }`;
  tool(
    "nft",
    ["-f", "-"],
    `table ip6 quiet { chain output { type filter hook output priority ${FIRST - 1};
       meta skuid 0 accept; ip6 daddr ff02::16 icmpv6 type 143 drop; ip6 daddr ff02::2 icmpv6 type 133 drop; } ; }
     table inet watch {
       ${hook("prerouting", "meta nftrace set 1;")}
       ${hook("input")}
       ${hook("forward")}
       ${hook("output", "meta nftrace set 1;")}
       ${hook("postrouting")}
       chain delivered { type filter hook input priority ${LAST}; log prefix "${MARK_DELIVERED}" group 0; drop; }
       chain leaves { type filter hook postrouting priority ${LAST}; log prefix "${MARK_LEAVES}" group 0; }
     }\n`,
  );
}

/** Makes conntrack's verdict visible; only for a family in which the rules armed conntrack, for this arms it too. */
export function watchStates(family: 4 | 6): void {
  const states = ["new", "established", "related", "invalid", "untracked"]
    .map((state) => `ct state ${state} log prefix "${MARK_STATE}${state.toUpperCase()}" group 0;`)
    .join(" ");
  const chain = (hook: string) => `chain ${hook} { type filter hook ${hook} priority ${AFTER_CONNTRACK}; ${states} }`;
  tool(
    "nft",
    ["-f", "-"],
    `table ${family === 4 ? "ip" : "ip6"} states { ${chain("prerouting")}\n ${chain("output")}\n }\n`,
  );
}
