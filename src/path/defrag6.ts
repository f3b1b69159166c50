/**
 * Putting IPv6 fragments together before conntrack, which is armed, sees them (nf_conntrack_reasm.c). Without
 * conntrack the hooks see each fragment as it is; for the host itself they would be put together behind INPUT.
 */
import { PREROUTING, STOLEN } from "../packet/hook.ts";
import {
  HeaderWalk,
  IPV6_HEADER,
  IPV6_LENGTH,
  IPV6_NEXT_HEADER,
  isExtensionHeader,
  NEXTHDR_AUTH,
  NEXTHDR_FRAGMENT,
  skipExtensionHeaders,
} from "../packet/ipv6.ts";
import { CHECKSUM_UNNECESSARY, CT_UNTRACKED } from "../packet/packet.ts";
import { IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";
import { PASS } from "./decisions.ts";
import {
  ECN_TABLE,
  FRAGMENT_OK,
  FRAGMENT_REPEATED,
  type FragmentQueue,
  FragmentQueues,
  memoryOf,
} from "./fragment-queue.ts";
import { ICMPV6_TIME_EXCEEDED, icmpSend6, isLinkLocal } from "./icmp6.ts";
import { reassembled } from "./reassembled.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

const SECOND = 1_000_000;
const FRAGMENT_HEADER = 8;
const LARGEST_PAYLOAD = 65535;
const FRAGMENT_TIME = 1;

const walk = new HeaderWalk();

/** A fragment header, and the byte before it that names it; absolute offsets. */
interface Found {
  readonly at: number;
  readonly nextAt: number;
}

export class Fragments6 {
  readonly #on: Stack;
  readonly queues = new FragmentQueues(6);

  constructor(on: Stack) {
    this.#on = on;
  }

  /** ipv6_defrag. PASS with a whole packet, or the code of its end. */
  gather(p: Skb): number {
    if (!isExtensionHeader(p.data[p.start + IPV6_NEXT_HEADER]) || p.ct !== 0 || p.ctinfo === CT_UNTRACKED) return PASS;
    if (p.length === IPV6_HEADER || p.view.getUint16(p.start + IPV6_LENGTH) === 0) return PASS;
    const found = findFragmentHeader(p);
    if (found === null || lacksTransport(p, found.at)) return PASS;
    if (found.at + FRAGMENT_HEADER > p.end) return this.#on.drop(p, "a fragment header that is cut");
    const { host } = this.#on;
    const { dst0, dst1, dst2, dst3, src0, src1, src2, src3, view } = p;
    const id = view.getUint32(found.at + 4);
    // The device matters only where addresses mean something on one link.
    const device = dst0 >>> 24 === 0xff || isLinkLocal(dst0) ? p.inDev : 0;
    const user = p.hook === PREROUTING ? "in" : "out";
    const key = `${user} ${p.zone} ${id} ${device} ${src0},${src1},${src2},${src3} ${dst0},${dst1},${dst2},${dst3}`;
    const deadline = host.now + host.sysctl.frag6Timeout * SECOND;
    const queue = this.queues.find(key, host.sysctl.frag6HighThresh, deadline);
    if (queue === null) return this.#on.drop(p, "no memory for fragments");
    return this.#queue(queue, p, found);
  }

  /** nf_ct_frag6_queue. */
  #queue(queue: FragmentQueue, p: Skb, found: Found): number {
    const on = this.#on;
    const field = p.view.getUint16(found.at + 2);
    const offset = field & ~7;
    const behind = found.at + FRAGMENT_HEADER;
    const end = offset + p.start + p.length - behind;
    if (end > LARGEST_PAYLOAD) return on.drop(p, "a fragment lies past 65535 bytes");
    if ((field & 1) === 0) {
      if (end < queue.length || (queue.lastSeen && end !== queue.length))
        return on.drop(p, "a fragment contradicts another's end");
      queue.lastSeen = true;
      queue.length = end;
    } else {
      if ((end & 7) !== 0) {
        // RFC 8200 wants an answer; conntrack lets the fragment go on to where it would come from.
        this.queues.remove(queue);
        return PASS;
      }
      if (end > queue.length) {
        if (queue.lastSeen) return on.drop(p, "a fragment lies past the end");
        queue.length = end;
      }
    }
    if (end <= offset) return on.drop(p, "an empty fragment");
    const judged = queue.judge(offset, end);
    if (judged === FRAGMENT_REPEATED) return on.drop(p, "a repeated fragment");
    if (judged !== FRAGMENT_OK) {
      this.queues.remove(queue);
      return on.drop(p, "overlapping fragments");
    }
    this.#keep(queue, p, offset, end, behind);
    if (!queue.complete) {
      p.steps?.push({ kind: "note", text: "waits for the other fragments" });
      return on.decisions.reason("waits for the other fragments") * 4 + STOLEN;
    }
    this.queues.remove(queue);
    return this.#reassemble(queue, p);
  }

  #keep(queue: FragmentQueue, p: Skb, offset: number, end: number, behind: number): void {
    const payload = new Uint8Array(end - offset);
    payload.set(p.data.subarray(behind, Math.min(p.end, behind + payload.length)));
    queue.cut ||= behind + payload.length > p.end;
    this.queues.insert(queue, offset, payload, memoryOf(p.length, p.local));
    queue.iif = p.inDev;
    queue.ecn |= 1 << (p.tos & 3);
    const size = p.length - IPV6_HEADER;
    if (size > queue.maxSize) queue.maxSize = size;
    if (offset === 0) queue.first = p.asFirstFragment(behind - p.start, payload.length);
  }

  /** nf_ct_frag6_reasm: `p` becomes the whole packet, without fragment header. */
  #reassemble(queue: FragmentQueue, p: Skb): number {
    const on = this.#on;
    const ecn = ECN_TABLE[queue.ecn];
    const first = queue.first;
    if (ecn === 0xff || first === null) return on.drop(p, "the fragments' ECN fields contradict each other");
    const headerLength = first.headerLength - FRAGMENT_HEADER;
    const payload = headerLength - IPV6_HEADER + queue.length;
    if (payload > LARGEST_PAYLOAD) return on.drop(p, "the fragments make more than 65535 bytes");
    const header = first.bytes.slice(0, headerLength);
    header[nextAtOf(first.bytes, headerLength)] = first.bytes[headerLength];
    const size = queue.maxSize;
    reassembled(p, queue, first, header, (bytes, view, at) => {
      view.setUint16(at + IPV6_LENGTH, payload);
      bytes[at + 1] |= ecn << 4;
    });
    p.deviceNow = p.inDev;
    p.fragMaxSize = IPV6_HEADER + size;
    return PASS;
  }

  /** ip6frag_expire_frag_queue, of all whose time is over: the sender is told if its first fragment came. */
  expire(now: number): void {
    for (let queue = this.queues.expired(now); queue !== null; queue = this.queues.expired(now)) {
      this.#on.host.now = Math.max(this.#on.host.now, queue.deadline);
      this.#giveUp(queue);
    }
  }

  #giveUp(queue: FragmentQueue): void {
    const first = queue.first;
    if (first === null || queue.iif === 0) return;
    const skb = this.#on.take(first.bytes.length, null);
    skb.data.set(first.bytes);
    skb.load(skb.data, skb.view, 0, first.bytes.length);
    skb.begin();
    skb.inDev = skb.iif = skb.deviceNow = queue.iif;
    skb.packetType = first.packetType;
    skb.checksum = CHECKSUM_UNNECESSARY;
    icmpSend6(this.#on, skb, ICMPV6_TIME_EXCEEDED, FRAGMENT_TIME, 0);
    this.#on.done(skb);
  }
}

/** find_prev_fhdr. */
function findFragmentHeader(p: Skb): Found | null {
  const { data, start, end } = p;
  let nextAt = start + IPV6_NEXT_HEADER;
  let at = start + IPV6_HEADER;
  for (let next = data[nextAt]; next !== NEXTHDR_FRAGMENT; next = data[nextAt]) {
    if (!isExtensionHeader(next) || at + 2 > end) return null;
    nextAt = at;
    at += next === NEXTHDR_AUTH ? (data[at + 1] + 2) << 2 : (data[at + 1] + 1) << 3;
  }
  return at > end ? null : { at, nextAt };
}

/** Offset of the byte that names the fragment header, which lies at `fragmentAt`. */
function nextAtOf(bytes: Uint8Array, fragmentAt: number): number {
  let nextAt = IPV6_NEXT_HEADER;
  for (let at = IPV6_HEADER; at < fragmentAt; ) {
    const next = bytes[nextAt];
    nextAt = at;
    at += next === NEXTHDR_AUTH ? (bytes[at + 1] + 2) << 2 : (bytes[at + 1] + 1) << 3;
  }
  return nextAt;
}

/** ipv6frag_thdr_truncated: a first fragment that does not hold the transport header (RFC 8200, section 4.5). */
function lacksTransport(p: Skb, fragmentAt: number): boolean {
  skipExtensionHeaders(p, fragmentAt, NEXTHDR_FRAGMENT, walk);
  if (walk.at < 0 || (walk.fragment & ~7) !== 0) return false;
  const need = walk.next === IPPROTO_TCP ? 20 : walk.next === IPPROTO_UDP || walk.next === IPPROTO_ICMPV6 ? 8 : 1;
  return walk.at + need > p.start + p.length;
}
