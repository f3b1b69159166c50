/** What CT and NOTRACK share: a packet that is to pass conntrack unseen (xt_CT.c: xt_ct_target, notrack_tg). */
import { CT_ESTABLISHED, CT_UNTRACKED, type Packet } from "../packet/packet.ts";

/**
 * Whether conntrack was there before (lo, or an answer that was given the connection of the packet it answers, even if
 * that had none), or an earlier rule of these has spoken: then a later one has no say (skb->_nfct != 0).
 */
export function isSettled(p: Packet): boolean {
  return p.ct !== 0 || p.template !== 0 || p.ctinfo !== CT_ESTABLISHED;
}

export function untrack(p: Packet): void {
  if (!isSettled(p)) p.ctinfo = CT_UNTRACKED;
}
