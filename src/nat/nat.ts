/**
 * Network address translation of tracked connections, both families (nf_nat_core.c, nf_nat_proto.c,
 * nf_nat_masquerade.c, nf_nat_redirect.c): what the SNAT, DNAT, MASQUERADE, REDIRECT and NETMAP targets call, and
 * what happens at the four hooks of the nat table.
 *
 * The first packet of a connection walks the table's chains and settles both ends, each once, be it to leave it as it
 * is (a null binding). All later packets, replies included, are rewritten from the connection's two tuples.
 */

import {
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_DST_NAT_DONE,
  IPS_NAT_MASK,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
} from "../assembly/status.ts";
import { formatIpv4, formatIpv6 } from "../bytes/address.ts";
import type { Connections } from "../conntrack/connections.ts";
import type { Conntrack } from "../conntrack/conntrack.ts";
import type { Expectation } from "../conntrack/expectations.ts";
import { type Direction, ORIGINAL, REPLY, Tuple } from "../conntrack/tuple.ts";
import type { Host } from "../host/host.ts";
import { ACCEPT, DROP, type Family, type Hook, INPUT, POSTROUTING, type Verdict } from "../packet/hook.ts";
import { CHECKSUM_PARTIAL, CT_ESTABLISHED, CT_ESTABLISHED_REPLY, CT_NEW, type Packet } from "../packet/packet.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "../packet/transport.ts";
import { BySource } from "./by-source.ts";
import { objectionTo, rewriteError } from "./icmp-error.ts";
import {
  ANY_RANGE,
  MANIP_DST,
  MANIP_SRC,
  type Manip,
  NAT_RANGE_PROTO_SPECIFIED,
  type NatRange,
  netmapWord,
  SingleAddress,
} from "./range.ts";
import { redirectAddress } from "./redirect.ts";
import { rewriteHeader, rewritePlain, Translation } from "./rewrite.ts";
import { hasPorts, UniqueTuple } from "./unique-tuple.ts";

/** rtnetlink.h: addresses that are good anywhere. */
const RT_SCOPE_UNIVERSE = 0;

const UNTRANSLATABLE = "the packet ends before what is to be translated, or is GRE of an unknown version";

/** Evaluates the nat table's chain of the packet's hook. */
export type WalkNatTable = (p: Packet) => Verdict;

export class Nat {
  readonly host: Host;
  readonly conntrack: Conntrack;
  /** Why `atHook` last returned DROP without a rule having said so. */
  dropReason = "";
  readonly #bySource4: BySource;
  readonly #bySource6: BySource;
  readonly #unique: UniqueTuple;
  /** By handle, what masqueraded connections go out by; 0 for others. Empty until the first is masqueraded. */
  #masqueraded4 = new Int32Array(0);
  #masqueraded6 = new Int32Array(0);

  // Scratch: valid within one call.
  readonly #current = new Tuple();
  readonly #chosen = new Tuple();
  readonly #translation = new Translation();
  readonly #range = new SingleAddress();
  readonly #address = new Int32Array(4);

  constructor(host: Host, conntrack: Conntrack) {
    this.host = host;
    this.conntrack = conntrack;
    this.#bySource4 = new BySource(conntrack.connections(4));
    this.#bySource6 = new BySource(conntrack.connections(6));
    this.#unique = new UniqueTuple(conntrack);
    conntrack.onDestroy((connections, handle) => this.#forget(connections, handle));
    conntrack.helping.followMaster = (p, expectation) => this.#followMaster(p, expectation);
  }

  /**
   * `-j SNAT` (MANIP_SRC) and `-j DNAT` (MANIP_DST): settles one end of the packet's connection. ACCEPT, or DROP when
   * that end was settled before. nf_nat_core.c: nf_nat_setup_info.
   */
  setup(p: Packet, range: NatRange, manip: Manip): Verdict {
    const connections = this.conntrack.connections(p.family);
    const handle = p.ct;
    const done = manip === MANIP_SRC ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE;
    const status = connections.status(handle);
    if (handle === 0 || (status & IPS_CONFIRMED) !== 0) return ACCEPT;
    if ((status & done) !== 0) return DROP;

    const bySource = p.family === 4 ? this.#bySource4 : this.#bySource6;
    const current = this.#current;
    const chosen = this.#chosen;
    connections.tuple(handle, REPLY, chosen);
    chosen.invertInto(current);
    this.#unique.choose(connections, handle, bySource, current, range, manip, chosen);
    if (!chosen.equals(current)) {
      chosen.invertInto(current);
      connections.setReply(handle, current);
      connections.addStatus(handle, manip === MANIP_SRC ? IPS_SRC_NAT : IPS_DST_NAT);
      if (p.steps !== null) p.steps.push({ kind: "nat", text: this.#describe(p, connections, manip) });
    }
    this.#settle(connections, handle, manip);
    return ACCEPT;
  }

  /** `-j MASQUERADE`, in POSTROUTING; `range` holds flags and ports only. ACCEPT or DROP. */
  masquerade(p: Packet, range: NatRange): Verdict {
    const connections = this.conntrack.connections(p.family);
    const address = this.#address.fill(0);
    if (p.family === 4) {
      connections.tuple(p.ct, ORIGINAL, this.#current);
      // From 0.0.0.0 the host asks for an address (DHCP): left alone.
      if (this.#current.src0 === 0) return ACCEPT;
      address[0] = this.host.selectAddress4(p.outDev, p.nextHop4(), RT_SCOPE_UNIVERSE);
      if (address[0] === 0) return DROP;
    } else if (!this.host.selectAddress6(p.outDev, p.dst0, p.dst1, p.dst2, p.dst3, address)) return DROP;
    if ((connections.status(p.ct) & IPS_CONFIRMED) === 0) this.#setMasqueraded(p.family, p.ct, p.outDev);
    return this.setup(p, this.#range.set(range, address[0], address[1], address[2], address[3]), MANIP_SRC);
  }

  /** `-j REDIRECT`, in PREROUTING and OUTPUT; `range` holds flags and ports only. ACCEPT or DROP. */
  redirect(p: Packet, range: NatRange): Verdict {
    const address = this.#address;
    if (!redirectAddress(p, this.host.interfaces[p.inDev], address)) return DROP;
    return this.setup(p, this.#range.set(range, address[0], address[1], address[2], address[3]), MANIP_DST);
  }

  /** `-j NETMAP`, at any nat hook; the range's two ends are the first and the last address of the network. */
  netmap(p: Packet, range: NatRange): Verdict {
    const manip = manipAt(p.hook);
    const source = manip === MANIP_SRC;
    const word0 = netmapWord(source ? p.src0 : p.dst0, range.min0, range.max0);
    if (p.family === 4) return this.setup(p, this.#range.set(range, word0, 0, 0, 0), manip);
    const word1 = netmapWord(source ? p.src1 : p.dst1, range.min1, range.max1);
    const word2 = netmapWord(source ? p.src2 : p.dst2, range.min2, range.max2);
    const word3 = netmapWord(source ? p.src3 : p.dst3, range.min3, range.max3);
    return this.setup(p, this.#range.set(range, word0, word1, word2, word3), manip);
  }

  /**
   * A packet at a hook (`p.hook`) where the nat table of its family is registered: PREROUTING and OUTPUT at priority
   * -100, INPUT and POSTROUTING at 100. `walkNatTable` is called for the first packet of a connection only. Rewrites
   * the packet. Returns ACCEPT, DROP, or what else the chain ended with. Where the destination decides on a route,
   * path/ compares `p.dst0…3` before and after (PREROUTING), or asks `mustReroute` (OUTPUT).
   */
  atHook(p: Packet, walkNatTable: WalkNatTable): Verdict {
    const handle = p.ct;
    if (handle === 0) return ACCEPT;
    const info = p.ctinfo;
    if (info !== CT_ESTABLISHED && info !== CT_ESTABLISHED_REPLY) return this.#firstOrRelated(p, walkNatTable);
    const connections = this.conntrack.connections(p.family);
    if (p.hook === POSTROUTING && this.#hasChangedDevice(p)) return this.#dropConnection(p, connections);
    const status = connections.status(handle);
    return (status & IPS_NAT_MASK) === 0 ? ACCEPT : this.#rewrite(p, connections, status);
  }

  /** After `atHook` accepted in OUTPUT: the kernel routes again (nf_nat_ipv4_local_fn → ip_route_me_harder). */
  mustReroute(p: Packet): boolean {
    if (p.ct === 0) return false;
    const connections = this.conntrack.connections(p.family);
    const own = this.#current;
    const opposite = this.#chosen;
    const reply = isReply(p);
    connections.tuple(p.ct, reply ? REPLY : ORIGINAL, own);
    connections.tuple(p.ct, reply ? ORIGINAL : REPLY, opposite);
    return (
      own.dst0 !== opposite.src0 ||
      own.dst1 !== opposite.src1 ||
      own.dst2 !== opposite.src2 ||
      own.dst3 !== opposite.src3
    );
  }

  /**
   * An expected connection of a translated master is translated both ways when it begins, and meets no rule: from whom the
   * master's packets in its direction go to, to whom they come from, and to the port that was announced.
   */
  #followMaster(p: Packet, { master, direction, savedPort }: Expectation): void {
    const { connections, handle } = master;
    const end = this.#translation;
    end.family = p.family;
    connections.end(handle, (1 - direction) as Direction, 0, end);
    this.setup(p, addressOf(end, ANY_RANGE, this.#range), MANIP_SRC);
    connections.end(handle, (1 - direction) as Direction, 1, end);
    const port = { ...ANY_RANGE, flags: NAT_RANGE_PROTO_SPECIFIED, minPort: savedPort, maxPort: savedPort };
    this.setup(p, addressOf(end, port, this.#range), MANIP_DST);
  }

  /** nf_nat_inet_fn for NEW and RELATED packets; ICMP errors take their own way. */
  #firstOrRelated(p: Packet, walkNatTable: WalkNatTable): Verdict {
    const connections = this.conntrack.connections(p.family);
    const manip = manipAt(p.hook);
    if (p.ctinfo !== CT_NEW && p.protocol === (p.family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
      return this.#rewriteError(p, connections, manip);
    const done = manip === MANIP_SRC ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE;
    if ((connections.status(p.ct) & done) === 0) {
      const verdict = walkNatTable(p);
      if (verdict !== ACCEPT) return verdict;
      if ((connections.status(p.ct) & done) === 0) this.#bindToItself(p, connections, manip);
    } else if (p.hook === POSTROUTING && this.#hasChangedDevice(p)) return this.#dropConnection(p, connections);
    return this.#rewrite(p, connections, connections.status(p.ct));
  }

  /** No rule wanted this end: it stays, unless somebody else has that tuple (nf_nat_alloc_null_binding). */
  #bindToItself(p: Packet, connections: Connections, manip: Manip): void {
    if ((connections.status(p.ct) & IPS_CONFIRMED) !== 0) return;
    const reply = this.#current;
    connections.tuple(p.ct, REPLY, reply);
    if (!connections.taken(reply, p.ct)) this.#settle(connections, p.ct, manip);
    else if (manip === MANIP_SRC)
      this.setup(p, this.#range.set(ANY_RANGE, reply.dst0, reply.dst1, reply.dst2, reply.dst3), manip);
    else this.setup(p, this.#range.set(ANY_RANGE, reply.src0, reply.src1, reply.src2, reply.src3), manip);
  }

  /** This end of an unconfirmed connection has its translation. */
  #settle(connections: Connections, handle: number, manip: Manip): void {
    if (manip === MANIP_SRC) (connections.family === 4 ? this.#bySource4 : this.#bySource6).add(handle);
    connections.addStatus(handle, manip === MANIP_SRC ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE);
  }

  /** nf_nat_packet: makes the packet look like the inverse of the other direction, if this end is translated. */
  #rewrite(p: Packet, connections: Connections, status: number): Verdict {
    const manip = manipAt(p.hook);
    if ((status & statusBit(p, manip)) === 0) return ACCEPT;
    const to = this.#translationOf(p, connections, manip);
    if (p.plain && p.steps === null && p.checksum !== CHECKSUM_PARTIAL) {
      rewritePlain(p, to);
      return ACCEPT;
    }
    if (!rewriteHeader(p, p.start, to)) return this.#drop(UNTRANSLATABLE);
    followRewriting(p, to);
    return ACCEPT;
  }

  #rewriteError(p: Packet, connections: Connections, manip: Manip): Verdict {
    const status = connections.status(p.ct);
    const objection = objectionTo(p, status);
    if (objection !== "") return this.#drop(objection);
    if ((status & statusBit(p, manip)) === 0) return ACCEPT;
    const to = this.#translationOf(p, connections, manip);
    if (!rewriteError(p, to)) return this.#drop(UNTRANSLATABLE);
    followRewriting(p, to);
    return ACCEPT;
  }

  /** The packet's source becomes where packets of the other direction go to; its destination, where they come from. */
  #translationOf(p: Packet, connections: Connections, manip: Manip): Translation {
    const to = this.#translation;
    to.manip = manip;
    to.family = p.family;
    connections.end(p.ct, isReply(p) ? ORIGINAL : REPLY, manip === MANIP_SRC ? 0 : 1, to);
    return to;
  }

  #describe(p: Packet, connections: Connections, manip: Manip): string {
    const end = manip === MANIP_SRC ? "source" : "destination";
    return `the connection's ${end} is to be ${endText(this.#translationOf(p, connections, manip))}`;
  }

  // ── masqueraded connections and their device ───────────────────────────────────────────────────────

  #setMasqueraded(family: Family, handle: number, device: number): void {
    let devices = family === 4 ? this.#masqueraded4 : this.#masqueraded6;
    if (handle >= devices.length) {
      const longer = new Int32Array(Math.max(64, devices.length * 2, handle + 1));
      longer.set(devices);
      devices = longer;
      if (family === 4) this.#masqueraded4 = longer;
      else this.#masqueraded6 = longer;
    }
    devices[handle] = device;
  }

  /** A masqueraded connection that now leaves by another device has the wrong source there (nf_nat_oif_changed). */
  #hasChangedDevice(p: Packet): boolean {
    const devices = p.family === 4 ? this.#masqueraded4 : this.#masqueraded6;
    if (p.ct >= devices.length) return false;
    const device = devices[p.ct];
    return device !== 0 && device !== p.outDev && !isReply(p);
  }

  #drop(reason: string): Verdict {
    this.dropReason = reason;
    return DROP;
  }

  #dropConnection(p: Packet, connections: Connections): Verdict {
    connections.remove(p.ct);
    return this.#drop("the masqueraded connection leaves by another device now, and is forgotten");
  }

  #forget(connections: Connections, handle: number): void {
    const four = connections.family === 4;
    (four ? this.#bySource4 : this.#bySource6).remove(handle);
    const devices = four ? this.#masqueraded4 : this.#masqueraded6;
    if (handle < devices.length) devices[handle] = 0;
  }
}

/** A range of one end's address. IPv4 has but one word. */
function addressOf(end: Translation, ports: NatRange, range: SingleAddress): SingleAddress {
  const six = end.family === 6;
  return range.set(ports, end.word0, six ? end.word1 : 0, six ? end.word2 : 0, six ? end.word3 : 0);
}

/** HOOK2MANIP: sources change late, destinations early. */
function manipAt(hook: Hook): Manip {
  return hook === POSTROUTING || hook === INPUT ? MANIP_SRC : MANIP_DST;
}

function isReply(p: Packet): boolean {
  return p.ctinfo >= CT_ESTABLISHED_REPLY;
}

/** What says that this end of this packet is translated: for replies the ends are swapped. */
function statusBit(p: Packet, manip: Manip): number {
  return (manip === MANIP_SRC) === isReply(p) ? IPS_DST_NAT : IPS_SRC_NAT;
}

/** Keeps the Packet's fields true to its bytes, and tells who listens. */
function followRewriting(p: Packet, to: Translation): void {
  const source = to.manip === MANIP_SRC;
  if (source) {
    p.src0 = to.word0;
    if (p.family === 6) {
      p.src1 = to.word1;
      p.src2 = to.word2;
      p.src3 = to.word3;
    }
  } else {
    p.dst0 = to.word0;
    if (p.family === 6) {
      p.dst1 = to.word1;
      p.dst2 = to.word2;
      p.dst3 = to.word3;
    }
  }
  if (p.hasPorts) {
    // An ICMP query's id lies where sport is read from; an error has none and keeps what it had.
    if (p.protocol === IPPROTO_ICMP || p.protocol === IPPROTO_ICMPV6) p.sport = p.view.getUint16(p.l4 + 4);
    else if (hasPorts(p.protocol)) {
      if (source) p.sport = to.port;
      else p.dport = to.port;
    }
  }
  if (p.steps !== null)
    p.steps.push({ kind: "nat", text: `${source ? "source" : "destination"} becomes ${endText(to)}` });
}

/** `203.0.113.1`, `203.0.113.1:4000`, `[2001:db8::1]:4000`, `203.0.113.1 id 7`. */
function endText(to: Translation): string {
  if (to.family === 4) return withPort(formatIpv4(to.word0), to);
  const address = formatIpv6(to.word0, to.word1, to.word2, to.word3);
  return withPort(hasPorts(to.protocol) ? `[${address}]` : address, to);
}

function withPort(address: string, to: Translation): string {
  if (hasPorts(to.protocol)) return `${address}:${to.port}`;
  return to.protocol === IPPROTO_ICMP || to.protocol === IPPROTO_ICMPV6 ? `${address} id ${to.port}` : address;
}
