/** The whole packet made of its fragments, in a buffer of its own; both families. */
import { CHECKSUM_NONE, CHECKSUM_UNNECESSARY } from "../packet/packet.ts";
import type { FirstFragment, FragmentQueue } from "./fragment-queue.ts";
import type { Skb } from "./skb.ts";

/**
 * `p`, which was the last fragment, becomes the whole packet: `header` and all payloads. What is not in the bytes is
 * the first fragment's (skb_morph), but the device is the last one's. `patch` sets the header's fields.
 */
export function reassembled(
  p: Skb,
  queue: FragmentQueue,
  first: FirstFragment,
  header: Uint8Array,
  patch: (bytes: Uint8Array, view: DataView, at: number) => void,
): void {
  const at = first.mac.length;
  const bytes = new Uint8Array(at + header.length + queue.length);
  const view = new DataView(bytes.buffer);
  bytes.set(first.mac);
  bytes.set(header, at);
  for (const { offset, payload } of queue.fragments) bytes.set(payload, at + header.length + offset);
  patch(bytes, view, at);

  const { inDev, outDev, local, sender, hook, route, routedIn, iif, way } = p;
  p.load(bytes, view, at, bytes.length);
  p.inDev = inDev;
  p.outDev = outDev;
  p.local = local;
  p.sender = sender;
  p.hook = hook;
  p.route = route;
  p.routedIn = routedIn;
  p.iif = iif;
  p.way = way;
  if (at > 0) {
    p.mac = 0;
    p.macLength = at;
  }
  p.packetType = first.packetType;
  p.mark = first.mark;
  p.priority = first.priority;
  p.traced = first.traced;
  p.checksum = queue.cut
    ? CHECKSUM_UNNECESSARY
    : first.checksum === CHECKSUM_UNNECESSARY
      ? first.checksum
      : CHECKSUM_NONE;
  p.special = true;
  p.ignoreDf = true;
  p.pieces = [...queue.fragments].sort((a, b) => a.offset - b.offset).map((fragment) => fragment.payload.length);
  p.steps?.push({ kind: "note", text: `put together from ${queue.fragments.length} fragments` });
}
