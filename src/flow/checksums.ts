/**
 * Captures taken where the network card computes checksums hold packets whose checksums are not there yet. A sample of
 * the capture tells: a field that holds just the pseudo header's sum was left to the card; when most checksums of a
 * direction are wrong, nobody verified them there.
 */
import { check, fold, ipv4HeaderCheck, mangled0, pseudoSum4, pseudoSum6, sctpCheck, sumOf } from "../bytes/checksum.ts";
import { IPV4_CHECKSUM } from "../packet/ipv4.ts";
import { Packet } from "../packet/packet.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";

export type ChecksumMode = "verify" | "ignore" | "auto";

/** How the checksums of a capture are to be treated. */
export interface ChecksumFindings {
  /** Anything other than verifying all. */
  readonly any: boolean;
  /** Some are left to the network card: each is looked at. */
  readonly partial: boolean;
  readonly ignoreReceived: boolean;
  readonly ignoreSent: boolean;
  /** What was found, a sentence each. */
  readonly said: readonly string[];
}

export const VERIFY_ALL: ChecksumFindings = {
  any: false,
  partial: false,
  ignoreReceived: false,
  ignoreSent: false,
  said: [],
};

export const IGNORE_ALL: ChecksumFindings = { ...VERIFY_ALL, any: true, ignoreReceived: true, ignoreSent: true };

/** Fewer checksums than that prove nothing. */
const FEW = 10;
const SCTP_HEADER = 12;
/** Share of wrong ones from which on a direction's are not looked at. */
const MANY = 0.5;

/** Offset of the checksum in the transport header; -1 for protocols whose checksum a network card leaves alone. */
function checksumField(p: Packet): number {
  if (p.fragment || !p.hasPorts) return -1;
  if (p.protocol === IPPROTO_TCP) return p.l4 + 16;
  return p.protocol === IPPROTO_UDP ? p.l4 + 6 : -1;
}

function pseudoSum(p: Packet): number {
  const length = p.start + p.length - p.l4;
  return p.family === 4
    ? pseudoSum4(p.src0, p.dst0, p.protocol, length)
    : pseudoSum6(p.src0, p.src1, p.src2, p.src3, p.dst0, p.dst1, p.dst2, p.dst3, p.protocol, length);
}

/** The checksum field holds the pseudo header's sum and nothing else (CHECKSUM_PARTIAL). */
export function isPartial(p: Packet): boolean {
  const field = checksumField(p);
  return field >= 0 && p.view.getUint16(field) === fold(pseudoSum(p));
}

/** Whether the transport checksum of a whole packet is wrong; null: there is none to look at. */
function isWrong(p: Packet): boolean | null {
  const field = checksumField(p);
  if (field < 0 || p.cut || p.l4 > p.end) return null;
  if (p.protocol === IPPROTO_UDP && p.view.getUint16(field) === 0) return null;
  return check(pseudoSum(p) + sumOf(p.view, p.l4, p.end)) !== 0;
}

/** It has a transport checksum, and the right one. */
export function isRight(p: Packet): boolean {
  return isWrong(p) === false;
}

/** Gives the IPv4 header the checksum that it should have, for captures in which nobody computed them. */
export function repairIpv4Header(p: Packet): void {
  if (p.family !== 4 || p.l4 < 0) return;
  const right = ipv4HeaderCheck(p.view, p.start, p.l4 - p.start);
  if (p.view.getUint16(p.start + IPV4_CHECKSUM) !== right) p.view.setUint16(p.start + IPV4_CHECKSUM, right);
}

/**
 * The packet with the checksums that it should have: whoever hands it to something that verifies them all needs it.
 * Fragments and cut packets keep what they have behind the IP header; so does a UDP datagram without a checksum.
 */
export function withRightChecksums(bytes: Uint8Array): Uint8Array {
  const p = new Packet();
  p.loadBytes(bytes.slice());
  repairIpv4Header(p);
  if (p.fragment || p.cut || !p.hasPorts) return p.bytes();
  const { view, l4, end } = p;
  if (p.protocol === IPPROTO_SCTP) {
    if (l4 + SCTP_HEADER <= end) view.setInt32(l4 + 8, sctpCheck(view, l4, end));
    return p.bytes();
  }
  const field = anyChecksumField(p);
  if (field < 0 || field + 2 > end || (p.protocol === IPPROTO_UDP && view.getUint16(field) === 0)) return p.bytes();
  view.setUint16(field, 0);
  const sum = check((p.protocol === IPPROTO_ICMP ? 0 : pseudoSum(p)) + sumOf(view, l4, end));
  view.setUint16(field, p.protocol === IPPROTO_UDP ? mangled0(sum) : sum);
  return p.bytes();
}

/** As checksumField, with the protocols whose checksum no network card computes. */
function anyChecksumField(p: Packet): number {
  return p.protocol === IPPROTO_ICMP || p.protocol === IPPROTO_ICMPV6 ? p.l4 + 2 : checksumField(p);
}

/** Looks at the first packets of a capture. */
export class ChecksumSample {
  #partial = 0;
  readonly #seen = { received: 0, sent: 0 };
  readonly #wrong = { received: 0, sent: 0 };

  add(p: Packet): void {
    const wrong = isWrong(p);
    if (wrong === null) return;
    if (wrong && isPartial(p)) {
      this.#partial++;
      return;
    }
    const way = p.local ? "sent" : "received";
    this.#seen[way]++;
    if (wrong) this.#wrong[way]++;
  }

  findings(): ChecksumFindings {
    const said: string[] = [];
    if (this.#partial > 0)
      said.push("checksums that were left to the network card are taken as good (--checksums verify looks at them)");
    const ignored = (way: "received" | "sent") => {
      const [wrong, seen] = [this.#wrong[way], this.#seen[way]];
      if (seen < FEW || wrong < seen * MANY) return false;
      said.push(
        `${wrong} of the first ${seen} checksums of ${way} packets are wrong, so none of them is verified (--checksums verify does)`,
      );
      return true;
    };
    const ignoreReceived = ignored("received");
    const ignoreSent = ignored("sent");
    const partial = this.#partial > 0;
    return { any: partial || ignoreReceived || ignoreSent, partial, ignoreReceived, ignoreSent, said };
  }
}
