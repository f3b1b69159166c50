/**
 * Putting IPv4 fragments together (ip_fragment.c): before conntrack, which is armed, needs to see whole packets
 * (nf_defrag_ipv4.c), and for delivery to the host itself.
 */
import { RTN_LOCAL, RTN_UNSPEC } from "../host/route.ts";
import { PREROUTING, STOLEN } from "../packet/hook.ts";
import { IP_DF, IP_MF, IPV4_FRAGMENT, IPV4_LENGTH, setIpv4Check } from "../packet/ipv4.ts";
import { CHECKSUM_UNNECESSARY, CT_UNTRACKED } from "../packet/packet.ts";
import { PASS } from "./decisions.ts";
import {
  ECN_TABLE,
  FRAGMENT_OK,
  FRAGMENT_REPEATED,
  type FragmentQueue,
  FragmentQueues,
  memoryOf,
} from "./fragment-queue.ts";
import { ICMP_TIME_EXCEEDED, icmpSend4 } from "./icmp4.ts";
import { reassembled } from "./reassembled.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

const SECOND = 1_000_000;
const ICMP_FRAGMENT_TIME = 1;
/** Sources whose fragments are counted. */
const MOST_SOURCES = 65536;

/** Whose queue it is: fragments that conntrack gathers and those that the host gathers do not mix. */
type User = "in" | "out" | "local";

export class Fragments4 {
  readonly #on: Stack;
  readonly queues = new FragmentQueues(4);
  /** Fragments that each source sent (inet_peer.rid). */
  readonly #counts = new Map<number, number>();

  constructor(on: Stack) {
    this.#on = on;
  }

  /** nf_defrag_ipv4.c: ipv4_conntrack_defrag. PASS with a whole packet, or the code of its end. */
  gather(p: Skb): number {
    if (!p.fragment || (p.ct === 0 && p.ctinfo === CT_UNTRACKED)) return PASS;
    const code = this.#gather(p, p.hook === PREROUTING ? "in" : "out");
    if (code === PASS) p.ignoreDf = true;
    return code;
  }

  /** ip_local_deliver: the same for the host itself, when conntrack did not. */
  deliver(p: Skb): number {
    return this.#gather(p, "local");
  }

  #gather(p: Skb, user: User): number {
    const { host } = this.#on;
    const id = p.view.getUint16(p.start + 4);
    const key = `${user} ${p.zone} ${p.src0} ${p.dst0} ${id} ${p.protocol}`;
    const deadline = host.now + host.sysctl.ipfragTime * SECOND;
    const queue = this.queues.find(key, host.sysctl.ipfragHighThresh, deadline);
    if (queue === null) return this.#on.drop(p, "no memory for fragments");
    return this.#queue(queue, p, deadline);
  }

  /** ip_frag_queue. */
  #queue(queue: FragmentQueue, p: Skb, deadline: number): number {
    if (this.#tooFar(queue, p.src0)) this.queues.restart(queue, deadline);
    const headerLength = p.l4 - p.start;
    const field = p.view.getUint16(p.start + IPV4_FRAGMENT);
    const offset = p.fragmentOffset;
    let end = offset + p.length - headerLength;
    if ((field & IP_MF) === 0) {
      if (end < queue.length || (queue.lastSeen && end !== queue.length))
        return this.#discard(queue, p, "a fragment contradicts another's end");
      queue.lastSeen = true;
      queue.length = end;
    } else {
      end &= ~7;
      if (end > queue.length) {
        if (queue.lastSeen) return this.#discard(queue, p, "a fragment lies past the end");
        queue.length = end;
      }
    }
    if (end <= offset) return this.#discard(queue, p, "an empty fragment");
    const judged = queue.judge(offset, end);
    if (judged === FRAGMENT_REPEATED) return this.#on.drop(p, "a repeated fragment");
    if (judged !== FRAGMENT_OK) return this.#discard(queue, p, "overlapping fragments");
    this.#keep(queue, p, offset, end, headerLength, (field & IP_DF) !== 0);
    if (!queue.complete) {
      p.steps?.push({ kind: "note", text: "waits for the other fragments" });
      return this.#on.decisions.reason("waits for the other fragments") * 4 + STOLEN;
    }
    this.queues.remove(queue);
    return this.#reassemble(queue, p);
  }

  #keep(queue: FragmentQueue, p: Skb, offset: number, end: number, headerLength: number, df: boolean): void {
    // What the capture cut off counts, as zeroes.
    const payload = new Uint8Array(end - offset);
    payload.set(p.data.subarray(p.l4, Math.min(p.end, p.l4 + payload.length)));
    queue.cut ||= p.l4 + payload.length > p.end;
    this.queues.insert(queue, offset, payload, memoryOf(p.length, p.local));
    queue.iif = p.inDev;
    queue.ecn |= 1 << (p.tos & 3);
    if (offset === 0) queue.first = p.asFirstFragment(headerLength, end - offset);
    const size = payload.length + headerLength;
    if (size > queue.maxSize) queue.maxSize = size;
    if (df && size > queue.maxDfSize) queue.maxDfSize = size;
  }

  /** ip_frag_too_far: so many fragments of this source came in between that these may be of another datagram. */
  #tooFar(queue: FragmentQueue, source: number): boolean {
    const most = this.#on.host.sysctl.ipfragMaxDist;
    if (most === 0) return false;
    if (this.#counts.size >= MOST_SOURCES) this.#counts.clear();
    const count = (this.#counts.get(source) ?? 0) + 1;
    this.#counts.set(source, count);
    const distance = count - queue.sourceCount;
    queue.sourceCount = count;
    return queue.fragments.length > 0 && distance > most;
  }

  #discard(queue: FragmentQueue, p: Skb, reason: string): number {
    this.queues.remove(queue);
    return this.#on.drop(p, reason);
  }

  /** ip_frag_reasm: `p` becomes the whole packet. */
  #reassemble(queue: FragmentQueue, p: Skb): number {
    const ecn = ECN_TABLE[queue.ecn];
    const first = queue.first;
    if (ecn === 0xff || first === null) return this.#on.drop(p, "the fragments' ECN fields contradict each other");
    const length = first.headerLength + queue.length;
    if (length > 65535) return this.#on.drop(p, "the fragments make more than 65535 bytes");
    const df = queue.maxDfSize === queue.maxSize;
    reassembled(p, queue, first, first.bytes.subarray(0, first.headerLength), (bytes, view, at) => {
      view.setUint16(at + IPV4_LENGTH, length);
      bytes[at + 1] |= ecn;
      view.setUint16(at + IPV4_FRAGMENT, df ? IP_DF : 0);
    });
    setIpv4Check(p);
    p.fragMaxSize = Math.max(queue.maxDfSize, queue.maxSize);
    p.fragPmtu = df;
    return PASS;
  }

  /** ip_expire, of all whose time is over: an end host tells the sender. */
  expire(now: number): void {
    for (let queue = this.queues.expired(now); queue !== null; queue = this.queues.expired(now)) {
      this.#on.host.now = Math.max(this.#on.host.now, queue.deadline);
      this.#giveUp(queue);
    }
  }

  #giveUp(queue: FragmentQueue): void {
    const first = queue.first;
    if (first === null || queue.iif === 0) return;
    const on = this.#on;
    const skb = on.take(first.bytes.length, null);
    skb.data.set(first.bytes);
    skb.load(skb.data, skb.view, 0, first.bytes.length);
    skb.begin();
    skb.inDev = skb.iif = queue.iif;
    skb.packetType = first.packetType;
    skb.checksum = CHECKSUM_UNNECESSARY;
    const route = on.host.input4(skb.dst0, skb.src0, queue.iif, skb.tos, skb.mark);
    const ours = queue.key.startsWith("local") || route.type === RTN_LOCAL;
    if (route.type !== RTN_UNSPEC && ours) {
      skb.route = route;
      skb.routedIn = true;
      icmpSend4(on, skb, ICMP_TIME_EXCEEDED, ICMP_FRAGMENT_TIME, 0);
    }
    on.done(skb);
  }
}
