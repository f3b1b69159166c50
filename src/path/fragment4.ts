/**
 * An IPv4 packet in several (ip_output.c: ip_do_fragment). A packet that was put together from fragments leaves in
 * the same fragments if they still fit; else, and for whole packets, it is cut to the size of the device.
 */
import { IP_DF, IP_MF, IP_OFFSET, IPV4_FRAGMENT, IPV4_LENGTH, setIpv4Check } from "../packet/ipv4.ts";
import { PASS } from "./decisions.ts";
import { blankOptions } from "./ip-options.ts";
import { completeChecksum } from "./partial-checksum.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

/** Sends `p` in pieces of at most `mtu` bytes. */
export function fragment4(on: Stack, p: Skb, mtu: number): number {
  completeChecksum(p);
  const headerLength = (p.data[p.start] & 15) << 2;
  const most = p.fragMaxSize !== 0 && p.fragMaxSize < mtu ? p.fragMaxSize : mtu;
  if (most < headerLength + 8) return on.drop(p, "the device is too narrow for a fragment");
  const room = most - headerLength;
  const field = p.view.getUint16(p.start + IPV4_FRAGMENT);
  const asTheyCame = p.pieces !== null && fits(p.pieces, room) && (field & (IP_MF | IP_OFFSET)) === 0;
  const sizes = asTheyCame && p.pieces !== null ? p.pieces : cut(p.length - headerLength, room);
  // Fragments that leave as they came lose DF; new ones have it if the largest one had.
  const df = !asTheyCame && p.fragPmtu ? IP_DF : 0;
  const first = (field & IP_OFFSET) << 3;
  let at = 0;
  sizes.forEach((size, i) => {
    const last = i === sizes.length - 1;
    const more = last && (field & IP_MF) === 0 ? 0 : IP_MF;
    // Options of what the host itself sends were never read, and those of a fragment are blanked out already.
    const blanks = p.options !== null && first === 0 && at > 0;
    sendPiece(on, p, headerLength, at, size, ((first + at) >> 3) | more | df, blanks);
    at += size;
  });
  return PASS;
}

/** Whether pieces of these sizes may leave as they are. */
function fits(pieces: readonly number[], room: number): boolean {
  return pieces.every((size, i) => size <= room && (i === pieces.length - 1 || (size & 7) === 0));
}

/** Sizes of pieces of at most `room` bytes; all but the last are multiples of 8. */
function cut(length: number, room: number): number[] {
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
  headerLength: number,
  at: number,
  size: number,
  field: number,
  blanks: boolean,
): void {
  const length = headerLength + size;
  const piece = on.take(length, p);
  piece.data.set(p.data.subarray(p.start, p.start + headerLength));
  const from = p.start + headerLength + at;
  piece.data.set(p.data.subarray(from, Math.min(p.end, from + size)), headerLength);
  piece.view.setUint16(IPV4_LENGTH, length);
  piece.view.setUint16(IPV4_FRAGMENT, field);
  if (blanks) blankOptions(piece.data, 0, headerLength - 20);
  piece.steps = p.steps;
  piece.load(piece.data, piece.view, 0, length);
  piece.begin();
  piece.copyMetadata(p);
  setIpv4Check(piece);
  on.transmit(piece);
  if (piece.looped) piece.pieceOf = p;
  else piece.ct = 0;
  on.done(piece);
}
