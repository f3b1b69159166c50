/**
 * One packet on its way through the host: the part of the kernel's sk_buff that a verdict can depend on.
 *
 * The object is made once and reused: `load` points it at bytes and fills every numeric field from the headers.
 * No field is ever undefined, none changes its type, and nothing is allocated, so that reading a field costs a load.
 *
 * Numbers: addresses are network-order words read as *signed* 32-bit integers (small integers for the engine);
 * compare them with `===` or after `>>> 0`. An IPv4 address is in `src0`/`dst0`, the other words are 0.
 * Sequence numbers likewise, compared as `((a - b) | 0) < 0`. Ports, lengths and ids are unsigned.
 *
 * Whoever rewrites bytes (nat/, target/) keeps the fields true: change both, or call `reload`.
 */
import type { Family, Hook } from "./hook.ts";
import { IPV4_LENGTH, IPV4_MIN_HEADER, parseIpv4 } from "./ipv4.ts";
import { parseIpv6 } from "./ipv6.ts";
import type { StepListener } from "./step.ts";
import { needsPorts } from "./transport.ts";

/** linux/if_packet.h */
export const PACKET_HOST = 0;
export const PACKET_BROADCAST = 1;
export const PACKET_MULTICAST = 2;
export const PACKET_OTHERHOST = 3;
export const PACKET_LOOPBACK = 5;

/** enum ip_conntrack_info; a packet without a connection (`ct === 0`) is INVALID whatever this says. */
export const CT_ESTABLISHED = 0;
export const CT_RELATED = 1;
export const CT_NEW = 2;
export const CT_ESTABLISHED_REPLY = 3;
export const CT_RELATED_REPLY = 4;
export const CT_UNTRACKED = 7;

/** What is known of the checksums (skb->ip_summed). */
export const CHECKSUM_NONE = 0;
/** Verified, or declared good by whoever made the packet. */
export const CHECKSUM_UNNECESSARY = 1;
/** Verified by conntrack: what forwards the packet sums it anew where it must know (skb_forward_csum). */
export const CHECKSUM_COMPLETE = 2;
/** Left to the network card: the transport checksum holds only the pseudo header's sum. */
export const CHECKSUM_PARTIAL = 3;

/** Whose socket sent it: nobody's (it was received, or answers by REJECT), a process's, or the kernel's own. */
export const SENDER_NONE = 0;
export const SENDER_PROCESS = 1;
export const SENDER_KERNEL = 2;

const NO_BYTES = new Uint8Array(0);

export class Packet {
  // ── where the bytes are ────────────────────────────────────────────────────────────────────────────
  /** The buffer that holds the packet, among other things. */
  data: Uint8Array = NO_BYTES;
  /** A view of the same buffer, from its first byte: `view.getUint16(p.l4)`. */
  view: DataView = new DataView(NO_BYTES.buffer);
  /** Offset in `data` of the first byte of the network header. */
  start = 0;
  /** Offset in `data` one past the last byte that is there. */
  end = 0;
  /** Length of the network-layer packet as its header declares it (skb->len), header included. */
  length = 0;
  /** The capture cut the packet: `end - start < length`. */
  cut = false;
  /**
   * Network-layer bytes that were on the wire, link-layer padding included (skb->len before trimming). `load` takes
   * what is there; whoever reads a capture that cut packets sets the true length.
   */
  wire = 0;
  /** Offset in `data` of the link-layer source address of `macLength` bytes; -1 when there is none. */
  mac = -1;
  macLength = 0;

  /**
   * It stands for several packets that the network card joined, or is still to cut (GRO, GSO): no MTU is too small for
   * it. `load` says no; who reads a capture may know better.
   */
  merged = false;

  // ── what the host knows of it ──────────────────────────────────────────────────────────────────────
  /** Microseconds since 1970, an integer. */
  time = 0;
  family: Family = 4;
  hook: Hook = 0;
  /** Interface indexes (host/interfaces.ts); 0 means none. */
  inDev = 0;
  outDev = 0;
  packetType = PACKET_HOST;
  checksum = CHECKSUM_NONE;
  mark = 0;
  priority = 0;
  /** Set by TRACE: rules that match from now on are logged. */
  traced = false;
  /** The host itself made this packet (it goes OUTPUT, POSTROUTING). */
  local = false;
  /** SENDER_*: the socket that a packet of the host's own came from (skb->sk). */
  sender = SENDER_NONE;

  // ── network header ─────────────────────────────────────────────────────────────────────────────────
  src0 = 0;
  src1 = 0;
  src2 = 0;
  src3 = 0;
  dst0 = 0;
  dst1 = 0;
  dst2 = 0;
  dst3 = 0;
  /**
   * The upper-layer protocol: for IPv6 the one after the extension headers, or -1 when these are broken
   * (ipv6_find_hdr with target -1 failed: a rule with `-p` then drops the packet).
   */
  protocol = 0;
  ttl = 0;
  /** TOS byte, or traffic class. */
  tos = 0;
  /** Fragment offset in bytes; 0 in a whole packet and in a first fragment. */
  fragmentOffset = 0;
  /** A fragment: more follow, or the offset is not 0. */
  fragment = false;
  /** Offset in `data` of the transport header; -1 when the headers before it are broken or cut. */
  l4 = -1;
  /**
   * Not a plain packet: a later fragment, a broken header chain, or a transport header that is not all there. Rules
   * may say more than yes or no of such a packet, so the traversal takes its careful way.
   */
  odd = false;
  /** A whole IPv4 packet whose TCP or UDP header is there: what most packets are. */
  plain = false;

  // ── transport header; 0 where the packet has none ──────────────────────────────────────────────────
  /** Fields below are true only if this is set: first fragment or whole, and the fixed header is there. */
  hasPorts = false;
  /** Source port; ICMP: the identifier (query types). */
  sport = 0;
  /** Destination port; ICMP: type << 8 | code. */
  dport = 0;
  /** TCP: byte 13 of the header (CWR … FIN). */
  tcpFlags = 0;
  seq = 0;
  ack = 0;
  window = 0;
  /** TCP: header length in bytes, as declared. */
  tcpHeaderLength = 0;

  // ── conntrack ──────────────────────────────────────────────────────────────────────────────────────
  /** Handle of the connection (conntrack/), 0 when the packet belongs to none. */
  ct = 0;
  ctinfo = CT_ESTABLISHED;
  /** Zone a CT rule chose, and the directions it holds for (1 original, 2 reply, 3 both). */
  zone = 0;
  zoneDirection = 3;
  /** A template of `-j CT` is attached: conntrack takes zone, helper and events from it. */
  template = 0;

  /**
   * A match could not read a header that the rule asks about: the packet is dropped whatever the rules say
   * (xt_action_param.hotdrop). The traversal looks at it after each match that said no, and whoever walks clears it.
   */
  hotdrop = false;

  /** Who listens to steps; null on the fast path. */
  steps: StepListener | null = null;

  /**
   * Points at `data[start, end)`, which begins with an IPv4 or IPv6 header, and fills the header fields.
   * Everything the host knows of the packet (device, time, mark, connection) is reset. Never throws: what is broken
   * or cut leaves `l4` at -1 or `hasPorts` false, and the path drops it as the kernel's input functions do.
   */
  load(data: Uint8Array, view: DataView, start: number, end: number): void {
    this.data = data;
    this.view = view;
    this.start = start;
    this.end = end;
    this.mac = -1;
    this.macLength = 0;
    this.merged = false;
    this.inDev = 0;
    this.outDev = 0;
    this.packetType = PACKET_HOST;
    this.checksum = CHECKSUM_NONE;
    this.mark = 0;
    this.priority = 0;
    this.traced = false;
    this.local = false;
    this.sender = SENDER_NONE;
    this.ct = 0;
    this.ctinfo = CT_ESTABLISHED;
    this.zone = 0;
    this.zoneDirection = 3;
    this.template = 0;
    this.hotdrop = false;
    this.wire = end - start;
    this.reload();
  }

  /** Reads the header fields again from the bytes (after a target or NAT moved or rewrote them). */
  reload(): void {
    const present = this.end - this.start;
    if (present > 0 && this.data[this.start] >>> 4 === 6) this.#reload6(present);
    else {
      if (this.family !== 4) this.#leaveIpv6();
      parseIpv4(this, present);
    }
    this.cut = present < this.length;
    this.odd = !this.hasPorts && (this.l4 < 0 || this.fragmentOffset !== 0 || needsPorts(this.protocol));
  }

  /** Makes an IPv4 header say that the packet is `length` bytes long, of which all from `start` on are there. */
  declareLength(length: number): void {
    const { start, view } = this;
    if (this.family !== 4 || length < IPV4_MIN_HEADER || length > 0xffff) return;
    const header = (this.data[start] & 15) * 4;
    if (header < IPV4_MIN_HEADER || header > length || view.getUint16(start + IPV4_LENGTH) === length) return;
    view.setUint16(start + IPV4_LENGTH, length);
    this.end = start + length;
    this.reload();
  }

  #reload6(present: number): void {
    this.family = 6;
    this.plain = false;
    parseIpv6(this, present);
  }

  #leaveIpv6(): void {
    this.family = 4;
    this.src1 = this.src2 = this.src3 = 0;
    this.dst1 = this.dst2 = this.dst3 = 0;
  }

  /**
   * The first `length` bytes from `start` on must lie in one piece, because somebody writes there or reads a header
   * (skb_ensure_writable, pskb_may_pull). It matters only to a packet that was put together from fragments and may
   * leave in the same ones: path/ knows such packets (Skb).
   */
  pull(_length: number): void {}

  /** IPv4: whom it is handed to next (rt_nexthop): its destination, unless it has a route through a gateway (Skb). */
  nextHop4(): number {
    return this.dst0;
  }

  /** Points at a fresh copy of `bytes`; for callers that do not stream. */
  loadBytes(bytes: Uint8Array): void {
    // Not slice(): a Buffer's slice shares its memory.
    const copy = new Uint8Array(bytes);
    this.load(copy, new DataView(copy.buffer), 0, copy.length);
  }

  /** A copy of the network-layer bytes as they are now. */
  bytes(): Uint8Array {
    return new Uint8Array(this.data.subarray(this.start, this.end));
  }
}
