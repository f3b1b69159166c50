/** Conntrack's classification of a packet as one small number: the indexes of STATE_NAMES (firewall.ts); 0 is none. */
import {
  CT_ESTABLISHED,
  CT_ESTABLISHED_REPLY,
  CT_NEW,
  CT_RELATED,
  CT_RELATED_REPLY,
  CT_UNTRACKED,
  type Packet,
} from "../packet/packet.ts";

const STATE_NEW = 1;
const STATE_ESTABLISHED = 2;
const STATE_RELATED = 3;
const STATE_INVALID = 4;
const STATE_UNTRACKED = 5;

/** In words, by number. */
export const STATE_WORDS = ["", "NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"];

/** State by ctinfo, of packets that have a connection (enum ip_conntrack_info). */
const STATES = new Uint8Array(8);
STATES[CT_ESTABLISHED] = STATES[CT_ESTABLISHED_REPLY] = STATE_ESTABLISHED;
STATES[CT_RELATED] = STATES[CT_RELATED_REPLY] = STATE_RELATED;
STATES[CT_NEW] = STATE_NEW;

/** Of a packet that conntrack has seen. */
export function stateOf(p: Packet): number {
  if (p.ct === 0) return p.ctinfo === CT_UNTRACKED ? STATE_UNTRACKED : STATE_INVALID;
  return STATES[p.ctinfo];
}
