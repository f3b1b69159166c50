/**
 * The window of connections whose sequence numbers are moved on their way (IPS_SEQ_ADJUST): what a segment acknowledges
 * was moved, while conntrack remembers what the other side really sent (tcp_in_window: nf_ct_seq_offset).
 */
import type { Connections } from "../conntrack/connections.ts";
import { eachSackEdge } from "../conntrack/sequence.ts";
import type { Direction } from "../conntrack/tuple.ts";
import type { Packet } from "../packet/packet.ts";
import { type Complaint, inWindow } from "./tcp-window.ts";

/** `inWindow` for such a connection. The packet is as it was when this returns. */
export function inMovedWindow(
  connections: Connections,
  handle: number,
  b: number,
  direction: Direction,
  kind: number,
  p: Packet,
  l4: number,
  liberal: boolean,
  complaint: Complaint,
): number {
  const { ack } = p;
  const moved = connections.helped.get(handle)!.sequences!;
  const offset = moved.offset((1 - direction) as Direction, (ack - 1) | 0);
  moveAcknowledged(p, l4, -offset);
  const verdict = inWindow(connections.record, b, direction, kind, p, l4, liberal, complaint);
  moveAcknowledged(p, l4, offset);
  p.ack = ack;
  return verdict;
}

function moveAcknowledged(p: Packet, l4: number, by: number): void {
  p.ack = (p.ack + by) | 0;
  const { view } = p;
  eachSackEdge(p, l4, (edge) => view.setInt32(edge, (view.getInt32(edge) + by) | 0));
}
