/**
 * An IPv6 packet in fragments (ip6_output.c: ip6_fragment): one that was put together from fragments leaves in the
 * same ones if they still fit, else it is cut anew.
 */
import {
  IPV6_HEADER,
  IPV6_LENGTH,
  IPV6_NEXT_HEADER,
  NEXTHDR_DEST,
  NEXTHDR_FRAGMENT,
  NEXTHDR_HOP,
  NEXTHDR_ROUTING,
} from "../packet/ipv6.ts";
import { PASS } from "./decisions.ts";
import { emit6, tooBig6 } from "./output6.ts";
import { completeChecksum } from "./partial-checksum.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

const MIN_MTU = 1280;
export const FRAGMENT_HEADER = 8;

/** Where the fragmentable part begins, and the byte before it that names it. */
interface Cutting {
  /** Bytes of headers that every fragment repeats. */
  readonly headerLength: number;
  /** Offset from the packet's start of the next-header byte that is to say "fragment". */
  readonly nextAt: number;
}

export function fragment6(on: Stack, p: Skb, deviceMtu: number): number {
  const cutting = cuttingOf(p);
  if (cutting === null) return on.drop(p, "the extension headers are broken");
  const mtu = p.fragMaxSize !== 0 ? Math.max(p.fragMaxSize, MIN_MTU) : deviceMtu;
  const { headerLength } = cutting;
  if (mtu < headerLength + FRAGMENT_HEADER + 8) return tooBig6(on, p, mtu);
  const room = mtu - headerLength - FRAGMENT_HEADER;
  const id = on.host.random.u32("fragment id");
  completeChecksum(p);
  const asTheyCame = p.pieces !== null && fits(p.pieces, room);
  const sizes = asTheyCame && p.pieces !== null ? p.pieces : cut6(p.length - headerLength, room);
  let at = 0;
  sizes.forEach((size, i) => {
    sendPiece(on, p, cutting, at, size, at | (i === sizes.length - 1 ? 0 : 1), id);
    at += size;
  });
  return PASS;
}

/** output_core.c: ip6_find_1stfragopt. */
function cuttingOf(p: Skb): Cutting | null {
  const { data, start } = p;
  const there = p.end - start;
  let nextAt = IPV6_NEXT_HEADER;
  let offset = IPV6_HEADER;
  let routed = false;
  while (offset <= there) {
    const next = data[start + nextAt];
    if (next === NEXTHDR_ROUTING) routed = true;
    else if (next === NEXTHDR_DEST) {
      if (routed) return { headerLength: offset, nextAt };
    } else if (next !== NEXTHDR_HOP) return { headerLength: offset, nextAt };
    if (offset + 2 > there) return null;
    nextAt = offset;
    offset += (data[start + offset + 1] + 1) << 3;
  }
  return null;
}

function fits(pieces: readonly number[], room: number): boolean {
  return pieces.every((size, i) => size <= room && (i === pieces.length - 1 || (size & 7) === 0));
}

/** Sizes of pieces of at most `room` bytes; all but the last are multiples of 8. */
export function cut6(length: number, room: number): number[] {
  const sizes: number[] = [];
  for (let left = length; left > 0; ) {
    const size = left > room ? room & ~7 : left;
    sizes.push(size);
    left -= size;
  }
  return sizes;
}

function sendPiece(
  on: Stack,
  p: Skb,
  { headerLength, nextAt }: Cutting,
  at: number,
  size: number,
  field: number,
  id: number,
): void {
  const length = headerLength + FRAGMENT_HEADER + size;
  const piece = on.take(length, p);
  const { data, view } = piece;
  data.set(p.data.subarray(p.start, p.start + headerLength));
  data[headerLength] = data[nextAt];
  data[nextAt] = NEXTHDR_FRAGMENT;
  view.setUint16(headerLength + 2, field);
  view.setUint32(headerLength + 4, id);
  const from = p.start + headerLength + at;
  data.set(p.data.subarray(from, Math.min(p.end, from + size)), headerLength + FRAGMENT_HEADER);
  view.setUint16(IPV6_LENGTH, length - IPV6_HEADER);
  piece.steps = p.steps;
  piece.load(data, view, 0, length);
  piece.begin();
  piece.copyMetadata(p);
  emit6(on, piece);
  if (piece.looped) piece.pieceOf = p;
  else piece.ct = 0;
  on.done(piece);
}
