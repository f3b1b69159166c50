/**
 * TCP sequence numbers of connections whose data was made longer or shorter on its way (nf_conntrack_seqadj.c): what one
 * side sends is moved by what mangling has added so far, and what the other side acknowledges is moved back.
 *
 * Of each direction only the last change is known: segments from before it move by one offset, those behind by another.
 */

import { IPS_SEQ_ADJUST } from "../assembly/status.ts";
import { OPTION_END, OPTION_NOP, OPTION_SACK } from "../assembly/tcp-words.ts";
import { protoReplace4 } from "../bytes/checksum.ts";
import { CHECKSUM_PARTIAL, type Packet } from "../packet/packet.ts";
import { after, IPPROTO_TCP, TCP_ACK } from "../packet/transport.ts";
import type { Helped } from "./helper.ts";
import type { Direction } from "./tuple.ts";

const TCP_HEADER = 20;
const SACK_BLOCK = 8;

/** struct nf_conn_seqadj: of each direction the place of the last change, and the offsets before and behind it. */
export class SequenceAdjustment {
  readonly position = new Int32Array(2);
  readonly before = new Int32Array(2);
  readonly behind = new Int32Array(2);

  /** nf_ct_seq_offset: by how much a sequence number of this direction, as it was sent, is moved. */
  offset(direction: Direction, sequence: number): number {
    return after(sequence, this.position[direction]) ? this.behind[direction] : this.before[direction];
  }

  /** The same for a number that was moved already. */
  offsetBack(direction: Direction, moved: number): number {
    const sequence = (moved - this.before[direction]) | 0;
    return after(sequence, this.position[direction]) ? this.behind[direction] : this.before[direction];
  }
}

/** What follows `sequence` in this direction is `difference` bytes further on from now on. nf_ct_seqadj_set. */
export function moveSequence(helped: Helped, direction: Direction, sequence: number, difference: number): void {
  if (difference === 0) return;
  helped.connections.addStatus(helped.handle, IPS_SEQ_ADJUST);
  helped.sequences ??= new SequenceAdjustment();
  const { position, before, behind } = helped.sequences;
  // A segment that comes again was reckoned already.
  if (before[direction] !== behind[direction] && !after(sequence, position[direction])) return;
  position[direction] = sequence;
  before[direction] = behind[direction];
  behind[direction] += difference;
}

/**
 * Moves the numbers of a segment. False: it is too short, and dropped. What is said to be TCP may be an ICMP error of the
 * connection's original direction: the kernel does not look. nf_ct_seq_adjust.
 */
export function adjustSegment(p: Packet, l4: number, direction: Direction, by: SequenceAdjustment): boolean {
  if (l4 + TCP_HEADER > p.end) return false;
  p.pull(l4 - p.start + TCP_HEADER);
  const { view } = p;
  const sequence = view.getInt32(l4 + 4);
  replace(p, l4, l4 + 4, (sequence + by.offset(direction, sequence)) | 0);
  let whole = true;
  if ((view.getUint8(l4 + 13) & TCP_ACK) !== 0) {
    const other = (1 - direction) as Direction;
    const ack = view.getInt32(l4 + 8);
    replace(p, l4, l4 + 8, (ack - by.offsetBack(other, ack)) | 0);
    whole = adjustSack(p, l4, other, by);
  }
  if (p.protocol === IPPROTO_TCP) {
    p.seq = view.getInt32(l4 + 4);
    p.ack = view.getInt32(l4 + 8);
  }
  return whole;
}

/** Calls `visit` with the place of each edge that the segment's SACK options tell. False: they are cut. */
export function eachSackEdge(p: Packet, l4: number, visit: (edge: number) => void): boolean {
  const { data } = p;
  const end = l4 + ((data[l4 + 12] >>> 4) << 2);
  if (end > p.end) return false;
  for (let at = l4 + TCP_HEADER; at < end; ) {
    const kind = data[at];
    if (kind === OPTION_END) return true;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    const length = data[at + 1];
    if (at + 1 === end || at + length > end || length < 2) return false;
    if (kind === OPTION_SACK && length >= 2 + SACK_BLOCK && (length - 2) % SACK_BLOCK === 0)
      for (let edge = at + 2; edge < at + length; edge += 4) visit(edge);
    at += length;
  }
  return true;
}

/** nf_ct_sack_adjust: false where options are cut. */
function adjustSack(p: Packet, l4: number, other: Direction, by: SequenceAdjustment): boolean {
  p.pull(l4 - p.start + ((p.data[l4 + 12] >>> 4) << 2));
  return eachSackEdge(p, l4, (edge) => {
    const old = p.view.getInt32(edge);
    replace(p, l4, edge, (old - by.offsetBack(other, old)) | 0);
  });
}

function replace(p: Packet, l4: number, field: number, now: number): void {
  const { view } = p;
  const partial = p.checksum === CHECKSUM_PARTIAL;
  const check = protoReplace4(view.getUint16(l4 + 16), view.getInt32(field), now, partial, false);
  view.setUint16(l4 + 16, check);
  view.setInt32(field, now);
}
