/** The hop-by-hop options of a received IPv6 packet (exthdrs.c: ipv6_parse_hopopts, ip6_parse_tlv). */
import { IPV6_HEADER } from "../packet/ipv6.ts";
import { PASS } from "./decisions.ts";
import { ICMPV6_PARAMETER_PROBLEM, ICMPV6_UNKNOWN_OPTION, icmpSend6 } from "./icmp6.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

const PAD1 = 0;
const PADN = 1;
const ROUTER_ALERT = 5;
const CALIPSO = 7;
const IOAM = 49;
const JUMBO = 194;
const HEADER_FIELD = 0;
const MOST_PADDING = 7;
const LARGEST_PAYLOAD = 65535;

/** PASS, or the code of a drop. */
export function readHopByHop(on: Stack, p: Skb): number {
  const first = p.start + IPV6_HEADER;
  if (first + 8 > p.end) return on.drop(p, "broken hop-by-hop options");
  const length = (p.data[first + 1] + 1) << 3;
  if (first + length > p.end || length > on.hopByHopLength) return on.drop(p, "broken hop-by-hop options");
  let at = first + 2;
  let padding = 0;
  let options = 0;
  for (const end = first + length; at < end; ) {
    const kind = p.data[at];
    if (kind === PAD1) {
      if (++padding > MOST_PADDING) return on.drop(p, "too much padding in the hop-by-hop options");
      at++;
      continue;
    }
    const size = at + 2 > end ? 0 : p.data[at + 1] + 2;
    if (size === 0 || at + size > end) return on.drop(p, "broken hop-by-hop options");
    if (kind === PADN) {
      padding += size;
      if (padding > MOST_PADDING || p.data.subarray(at + 2, at + size).some((byte) => byte !== 0))
        return on.drop(p, "bad padding in the hop-by-hop options");
    } else {
      if (++options > Math.abs(on.hopByHopNumber)) return on.drop(p, "too many hop-by-hop options");
      const code = readOption(on, p, at - p.start, kind);
      if (code !== PASS) return code;
      padding = 0;
    }
    at += size;
  }
  return PASS;
}

function readOption(on: Stack, p: Skb, offset: number, kind: number): number {
  switch (kind) {
    case ROUTER_ALERT:
      if (p.data[p.start + offset + 1] !== 2) return on.drop(p, "a router alert of the wrong length");
      p.special = true;
      p.routerAlert = true;
      return PASS;
    case IOAM:
      // Off on every device by default; it must only be aligned.
      return (offset & 3) === 0 ? PASS : on.drop(p, "an IOAM option out of place");
    case CALIPSO:
      return on.drop(p, "a CALIPSO label of an unknown domain");
    case JUMBO:
      return readJumbo(on, p, offset);
    default:
      return unknown(on, p, offset, kind);
  }
}

/** ipv6_hop_jumbo. */
function readJumbo(on: Stack, p: Skb, offset: number): number {
  const at = p.start + offset;
  if (p.data[at + 1] !== 4 || (offset & 3) !== 2) return on.drop(p, "a jumbo payload option out of place");
  const payload = p.view.getUint32(at + 2);
  const complaint = payload <= LARGEST_PAYLOAD ? offset + 2 : p.view.getUint16(p.start + 4) !== 0 ? offset : -1;
  if (complaint >= 0) {
    icmpSend6(on, p, ICMPV6_PARAMETER_PROBLEM, HEADER_FIELD, complaint);
    return on.drop(p, "a wrong jumbo payload option");
  }
  return payload > p.wire - IPV6_HEADER ? on.drop(p, "shorter than its jumbo payload option says") : PASS;
}

/** ip6_tlvopt_unknown: the option's two high bits say what a node does that does not know it. */
function unknown(on: Stack, p: Skb, offset: number, kind: number): number {
  if (on.hopByHopNumber < 0) return on.drop(p, "an unknown hop-by-hop option");
  const action = kind >>> 6;
  if (action === 0) return PASS;
  if (action === 2 || (action === 3 && p.dst0 >>> 24 !== 0xff))
    icmpSend6(on, p, ICMPV6_PARAMETER_PROBLEM, ICMPV6_UNKNOWN_OPTION, offset);
  return on.drop(p, "an unknown hop-by-hop option");
}
