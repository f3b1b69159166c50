/**
 * Connection tracking: which connection a packet belongs to, and what that makes of it (nf_conntrack_core.c).
 *
 *     track     at -200 of PREROUTING and OUTPUT: finds the connection or makes an unconfirmed one, asks the tracker
 *     confirm   last in INPUT and POSTROUTING: the connection enters the table, its timeout starts
 *     release   the packet is gone: an unconfirmed connection of its own goes with it
 *
 * A packet without a connection (`p.ct === 0`) is INVALID unless `p.ctinfo` is CT_UNTRACKED. Time is `host.now`, cut to
 * the kernel's jiffies of 4 ms.
 */

import { IPS_CONFIRMED, IPS_DYING, IPS_EXPECTED, IPS_SEEN_REPLY } from "../assembly/status.ts";
import type { Host } from "../host/host.ts";
import type { Sysctl } from "../host/sysctl.ts";
import { ACCEPT, DROP, type Family, OUTPUT, type Verdict } from "../packet/hook.ts";
import { NEXTHDR_NONE } from "../packet/ipv6.ts";
import {
  CT_ESTABLISHED,
  CT_ESTABLISHED_REPLY,
  CT_NEW,
  CT_RELATED,
  CT_RELATED_REPLY,
  CT_UNTRACKED,
  type Packet,
} from "../packet/packet.ts";
import { IPPROTO_DCCP, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";
import { verifies } from "./checksum.ts";
import { Connections } from "./connections.ts";
import { CoreTracking } from "./core-tracking.ts";
import type { Expectations } from "./expectations.ts";
import { Helped, type Helper, type Helpers, NO_HELPERS } from "./helper.ts";
import { Helping } from "./helping.ts";
import { ICMP_DONE, ICMP_INVALID, icmpError, icmpv6Error } from "./icmp-error.ts";
import { HZ, MICROSECONDS_PER_JIFFY } from "./jiffies.ts";
import { formatConnection, type ListOptions } from "./list.ts";
import { findTransport, readPorts, Transport } from "./packet-tuple.ts";
import { Room } from "./room.ts";
import { TRACK_ACCEPT, TRACK_DROP, TRACK_REPEAT, type Tracker, type Trackers } from "./tracker.ts";
import { type Direction, hasInverse, invertPorts, ORIGINAL, REPLY, Tuple } from "./tuple.ts";

/** So many jiffies without a look at every entry would let a long expired one seem alive again. */
const SWEEP_WITHIN = 2 ** 28;

/** What `-j CT` attaches beside the zone, which is in the packet. */
export interface Template {
  /** `--zone mark`: the zone is the packet's mark, cut to 16 bits, when conntrack sees it. */
  readonly zoneFromMark: boolean;
  /** `--helper`. */
  readonly helper: Helper | null;
}

/** As `conntrack -S` counts. */
export interface Statistics {
  found: number;
  invalid: number;
  insertFailed: number;
  drop: number;
  earlyDrop: number;
  error: number;
  clashResolve: number;
}

/** Direction of the packet in its connection (CTINFO2DIR). */
export function directionOf(p: Packet): Direction {
  return p.ctinfo < CT_ESTABLISHED_REPLY ? ORIGINAL : REPLY;
}

/** Do `sport` and `dport` of the packet hold what its tuple does? (Those of DCCP have no place in a tuple.) */
function hasTuplePorts(p: Packet, protocol: number): boolean {
  return p.hasPorts && protocol !== IPPROTO_DCCP;
}

export class Conntrack {
  readonly host: Host;
  /** The host's. */
  readonly sysctl: Sysctl;
  readonly statistics: Statistics = {
    found: 0,
    invalid: 0,
    insertFailed: 0,
    drop: 0,
    earlyDrop: 0,
    error: 0,
    clashResolve: 0,
  };
  /** Why `track` or `confirm` last returned DROP. */
  dropReason = "";
  /** Called with each sentence that nf_conntrack_log_invalid lets through, as the kernel would log it (LOG prefix). */
  onInvalid: ((p: Packet, prefix: string) => void) | null = null;
  readonly #trackers: Trackers;
  readonly #tcp: Tracker;
  readonly #udp: Tracker;
  readonly #ipv4: Connections;
  readonly #ipv6: Connections;
  readonly #room: Room;
  /** The way of nearly all packets. */
  readonly coreTracking: CoreTracking;
  /** Helpers, and what they expect. */
  readonly helping: Helping;
  readonly #expectations: Expectations;
  readonly #templates: Template[] = [{ zoneFromMark: false, helper: null }];
  #armed4 = false;
  #armed6 = false;
  /** The jiffy that the clock shows, in µs, and when every entry was last looked at, in jiffies. */
  #jiffyBegins = 0;
  #jiffyEnds = 0;
  #swept = 0;
  readonly #transport = new Transport();
  readonly #tuple = new Tuple();
  readonly #reply = new Tuple();

  constructor(host: Host, trackers: Trackers, helpers: Helpers = NO_HELPERS) {
    this.host = host;
    this.sysctl = host.sysctl;
    this.#trackers = trackers;
    this.helping = new Helping(this, helpers);
    this.#expectations = this.helping.expectations;
    this.#tcp = trackers.byProtocol[IPPROTO_TCP];
    this.#udp = trackers.byProtocol[IPPROTO_UDP];
    const seed = host.random.u32("other");
    this.#ipv4 = new Connections(4, seed);
    this.#ipv6 = new Connections(6, seed ^ 0x5bd1e995);
    this.#room = new Room(this.sysctl, this.#ipv4, this.#ipv6);
    this.coreTracking = new CoreTracking(this.sysctl, this.#ipv4, this.#room, trackers, this.#expectations);
  }

  connections(family: Family): Connections {
    return family === 4 ? this.#ipv4 : this.#ipv6;
  }

  /** From now on packets of this family are tracked (nf_ct_netns_get). */
  arm(family: Family): void {
    if (family === 4) this.#armed4 = true;
    else this.#armed6 = true;
  }

  armed(family: Family): boolean {
    return family === 4 ? this.#armed4 : this.#armed6;
  }

  /** The tracker of a protocol number. */
  tracker(protocol: number): Tracker {
    return this.#trackers.byProtocol[protocol];
  }

  /** Keeps what a CT rule attaches; the number goes into `Packet.template`. For load time. */
  addTemplate(template: Template): number {
    if (template.helper !== null) this.helping.begin();
    this.#templates.push(template);
    return this.#templates.length - 1;
  }

  /** The host answered `p` with a RST: its connection is as good as closed (nf_conntrack_set_closing). */
  setClosing(p: Packet): void {
    if (p.ct === 0) return;
    this.tick();
    const connections = this.connections(p.family);
    if ((connections.status(p.ct) & IPS_CONFIRMED) === 0) return;
    this.#trackers.byProtocol[connections.protocol(p.ct)].close?.(this, connections, p.ct);
  }

  /** Calls `listener` for each connection that ceases to be, before its record is reused. */
  onDestroy(listener: (connections: Connections, handle: number) => void): void {
    this.#ipv4.destroyed.push(listener);
    this.#ipv6.destroyed.push(listener);
  }

  // ── packets ────────────────────────────────────────────────────────────────────────────────────────

  /** nf_conntrack_in. ACCEPT, or DROP when there is no room for a new connection (see `dropReason`). */
  track(p: Packet): Verdict {
    // Seen before (it answers a packet, or went through lo), or NOTRACK said so.
    if (p.ct !== 0 || p.ctinfo === CT_UNTRACKED) return ACCEPT;
    this.tick();
    // A template is taken off; the mark of an answer to an untracked packet stays unless a connection is found.
    if (p.ctinfo !== CT_RELATED) p.ctinfo = CT_ESTABLISHED;
    return p.plain && (p.zone | p.template) === 0 ? this.#trackPlain(p) : this.#trackAny(p);
  }

  /** The way of most packets, short: what their connection is found by is in fields of theirs. */
  #trackPlain(p: Packet): Verdict {
    if (p.steps === null && this.#trackInCore(p)) return ACCEPT;
    const { protocol } = p;
    const connections = this.#ipv4;
    for (;;) {
      const node = connections.find4(p.src0, p.dst0, (p.sport << 16) | p.dport, protocol, 3);
      const handle = node !== 0 ? node >>> 1 : this.#create4(connections, p, protocol);
      if (handle < 0) return DROP;
      const status = node !== 0 ? this.#belongs(connections, p, handle, node & 1) : 0;
      // Two calls, so that each always meets the same function.
      const verdict =
        protocol === IPPROTO_TCP
          ? this.#tcp.packet(this, connections, handle, p, p.l4)
          : this.#udp.packet(this, connections, handle, p, p.l4);
      if (verdict === TRACK_ACCEPT)
        return (status & IPS_SEEN_REPLY) !== 0 ? ACCEPT : this.#accept(connections, p, handle);
      this.#part(connections, p, handle);
      if (verdict !== TRACK_REPEAT) return this.#refuse(verdict);
    }
  }

  /** The way of nearly all of them. False: nothing was done. */
  #trackInCore(p: Packet): boolean {
    const core = this.coreTracking.of(p);
    if (core === null) return false;
    const said = core.track(p.start, p.l4, p.end, p.length, verifies(this, p) ? 1 : 0);
    return this.coreTracking.adopt(core, p, said);
  }

  /** The others: fragments, ICMP, IPv6, zones, headers that are not there. */
  #trackAny(p: Packet): Verdict {
    if (p.template !== 0 && this.#templates[p.template].zoneFromMark) p.zone = p.mark & 0xffff;
    if (p.family === 4) {
      // ipv4_conntrack_local: a fragment here was sent with IP_NODEFRAG.
      if (p.fragment && p.hook === OUTPUT) return ACCEPT;
      return this.#trackAt(p, p.fragmentOffset === 0 ? p.l4 : -1, p.protocol);
    }
    if (p.odd || p.protocol < 0 || p.protocol === NEXTHDR_NONE) {
      findTransport(p, p.start, 6, this.#transport);
      return this.#trackAt(p, this.#transport.offset, this.#transport.protocol);
    }
    return this.#trackAt(p, p.l4, p.protocol);
  }

  #trackAt(p: Packet, l4: number, protocol: number): Verdict {
    if (l4 < 0) {
      if (p.steps !== null) this.explain(p, "no transport header to be found");
      return this.#invalid();
    }
    if (protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6) {
      const result =
        protocol === IPPROTO_ICMP
          ? p.family === 4
            ? icmpError(this, p, l4)
            : 0
          : p.family === 6
            ? icmpv6Error(this, p, l4)
            : 0;
      if (result === ICMP_INVALID) {
        this.statistics.error++;
        return ACCEPT;
      }
      if (result === ICMP_DONE) return ACCEPT;
    }
    const connections = this.connections(p.family);
    const tracker = this.#trackers.byProtocol[protocol];
    for (;;) {
      const handle = this.#resolve(connections, p, l4, protocol);
      if (handle === 0) return this.#invalid();
      if (handle < 0) return DROP;
      const verdict = tracker.packet(this, connections, handle, p, l4);
      if (verdict === TRACK_ACCEPT) return this.#accept(connections, p, handle);
      this.#part(connections, p, handle);
      if (verdict !== TRACK_REPEAT) return this.#refuse(verdict);
    }
  }

  /** The packet is one of this connection's, in this direction (resolve_normal_ct). Returns the connection's status. */
  #belongs(connections: Connections, p: Packet, handle: number, direction: number): number {
    p.ct = handle;
    const status = connections.status(handle);
    if (direction === REPLY) p.ctinfo = CT_ESTABLISHED_REPLY;
    else if ((status & IPS_SEEN_REPLY) !== 0) p.ctinfo = CT_ESTABLISHED;
    else p.ctinfo = (status & IPS_EXPECTED) !== 0 ? CT_RELATED : CT_NEW;
    return status;
  }

  #accept(connections: Connections, p: Packet, handle: number): Verdict {
    if (p.ctinfo === CT_ESTABLISHED_REPLY) connections.addStatus(handle, IPS_SEEN_REPLY);
    else if (p.steps !== null && (connections.status(handle) & IPS_CONFIRMED) === 0)
      this.#tell(p, "created", connections);
    return ACCEPT;
  }

  /** The tracker would not have the packet: it belongs to nothing, and a connection that it began is none. */
  #part(connections: Connections, p: Packet, handle: number): void {
    if ((connections.status(handle) & IPS_CONFIRMED) === 0) connections.remove(handle);
    p.ct = 0;
    p.ctinfo = CT_ESTABLISHED;
  }

  #invalid(): Verdict {
    this.statistics.invalid++;
    return ACCEPT;
  }

  #refuse(verdict: number): Verdict {
    this.statistics.invalid++;
    if (verdict !== TRACK_DROP) return ACCEPT;
    this.statistics.drop++;
    return this.#drop("a connection that cannot be reopened");
  }

  /** Sets `p.ct` and `p.ctinfo`: a handle, 0 when the packet can belong to none, -1 when there is no room. */
  #resolve(connections: Connections, p: Packet, l4: number, protocol: number): number {
    const quick = p.family === 4 && hasTuplePorts(p, protocol) && (p.zone === 0 || p.zoneDirection === 3);
    let node = 0;
    if (quick) node = connections.find4(p.src0, p.dst0, (p.sport << 16) | p.dport, (p.zone << 16) | protocol, 3);
    else if (this.#read(p, l4, protocol)) node = this.findIn(p, this.#tuple);
    else {
      if (p.steps !== null) this.explain(p, "the transport header is cut");
      return 0;
    }
    if (node === 0) return quick ? this.#create4(connections, p, protocol) : this.#create(connections, p);
    this.#belongs(connections, p, node >>> 1, node & 1);
    return node >>> 1;
  }

  /** The packet's own tuple, from fields where they hold it. */
  #read(p: Packet, l4: number, protocol: number): boolean {
    const tuple = this.#tuple;
    tuple.family = p.family;
    tuple.src0 = p.src0;
    tuple.src1 = p.src1;
    tuple.src2 = p.src2;
    tuple.src3 = p.src3;
    tuple.dst0 = p.dst0;
    tuple.dst1 = p.dst1;
    tuple.dst2 = p.dst2;
    tuple.dst3 = p.dst3;
    return readPorts(p, l4, protocol, tuple);
  }

  /** The node that a tuple of this packet has in the packet's zone, or 0. The tuple's zone is changed. */
  findIn(p: Packet, tuple: Tuple): number {
    const connections = this.connections(p.family);
    if (p.zone === 0 || p.zoneDirection === 3) {
      tuple.zone = p.zone;
      return connections.find(tuple, 3);
    }
    // nf_conntrack_find_get: the zone holds for one direction, the other one's tuples are in zone 0.
    tuple.zone = (p.zoneDirection & 1) !== 0 ? p.zone : 0;
    const node = connections.find(tuple, 1);
    if (node !== 0) return node;
    tuple.zone = (p.zoneDirection & 2) !== 0 ? p.zone : 0;
    return connections.find(tuple, 2);
  }

  /** init_conntrack, from `#tuple`. */
  #create(connections: Connections, p: Packet): number {
    const tuple = this.#tuple;
    const reply = this.#reply;
    tuple.zone = (p.zoneDirection & 1) !== 0 ? p.zone : 0;
    if (!tuple.invertInto(reply)) return this.#refuseNew(p);
    if (!this.#room.make(connections) && !this.#dropEarly(tuple)) return this.#tableFull();
    reply.zone = (p.zoneDirection & 2) !== 0 ? p.zone : 0;
    return this.#setUp(connections, p, connections.create(tuple, reply, this.sysctl.acct !== 0));
  }

  /** The same from the packet's fields, in one zone. */
  #create4(connections: Connections, p: Packet, protocol: number): number {
    const ports = (p.sport << 16) | p.dport;
    if (!hasInverse(protocol, ports)) return this.#refuseNew(p);
    if (!this.#room.make(connections)) {
      this.#read(p, p.l4, protocol);
      this.#tuple.zone = p.zone;
      if (!this.#dropEarly(this.#tuple)) return this.#tableFull();
    }
    const key = (p.zone << 16) | protocol;
    const replyPorts = invertPorts(protocol, ports);
    const counted = this.sysctl.acct !== 0;
    return this.#setUp(connections, p, connections.create4(p.src0, p.dst0, ports, key, replyPorts, key, counted));
  }

  #setUp(connections: Connections, p: Packet, handle: number): number {
    p.ct = handle;
    p.ctinfo = CT_NEW;
    if (this.#expectations.count !== 0 && this.helping.isExpected(connections, p, handle)) return handle;
    if (p.template === 0) return handle;
    const { helper } = this.#templates[p.template];
    if (helper !== null) connections.setHelper(handle, new Helped(connections, handle, helper));
    return handle;
  }

  #refuseNew(p: Packet): number {
    if (p.steps !== null) this.explain(p, "an ICMP message that is neither query nor answer");
    return 0;
  }

  #tableFull(): number {
    this.statistics.drop++;
    this.#drop("nf_conntrack: table full, dropping packet");
    return -1;
  }

  /** early_drop, for a new connection with this tuple. */
  #dropEarly(tuple: Tuple): boolean {
    const dropped = this.#room.dropEarly(this.connections(tuple.family).hash(tuple));
    this.statistics.earlyDrop += dropped;
    return dropped > 0;
  }

  /** nf_conntrack_confirm. ACCEPT, or DROP when another connection took one of the tuples meanwhile. */
  confirm(p: Packet): Verdict {
    // A REJECT answer carries the connection of the packet it answers, which is the one to confirm it.
    if (p.ct === 0 || p.ctinfo >= CT_ESTABLISHED_REPLY) return ACCEPT;
    const connections = this.connections(p.family);
    const status = connections.status(p.ct);
    return (status & IPS_CONFIRMED) !== 0 ? ACCEPT : this.#insert(connections, p, status);
  }

  #insert(connections: Connections, p: Packet, status: number): Verdict {
    this.tick();
    if ((status & IPS_DYING) !== 0) {
      this.statistics.insertFailed++;
      return this.#drop("the connection was removed before it was confirmed");
    }
    const rival = connections.insert(p.ct, this.#startTime());
    if (rival !== 0) return this.#resolveClash(connections, p, rival >>> 1);
    this.#tell(p, "confirmed", connections);
    return ACCEPT;
  }

  /** What a connection keeps as its beginning; 0 when nf_conntrack_timestamp is off. */
  #startTime(): number {
    // A capture may begin with 1970.
    return this.sysctl.timestamp !== 0 ? this.host.now || 1 : 0;
  }

  /**
   * Another connection with one of the packet's tuples was confirmed first (nf_ct_resolve_clash): the packet joins it
   * if both are the same flow, or else enters the table for its replies only, if these are its own.
   */
  #resolveClash(connections: Connections, p: Packet, winner: number): Verdict {
    const loser = p.ct;
    const allowed = this.#trackers.byProtocol[connections.protocol(winner)].allowClash;
    if (allowed && this.#merge(connections, p, winner)) return ACCEPT;
    const rival = allowed ? connections.rival((loser << 1) | REPLY) : winner << 1;
    if (rival === 0) {
      connections.insertReply(loser, HZ, this.#startTime());
      this.statistics.clashResolve++;
      return ACCEPT;
    }
    if (allowed && this.#merge(connections, p, rival >>> 1)) return ACCEPT;
    this.statistics.drop++;
    this.statistics.insertFailed++;
    return this.#drop("another connection has the same tuple");
  }

  /** __nf_ct_resolve_clash: if both connections have the same tuples, whichever way round, one is enough. */
  #merge(connections: Connections, p: Packet, winner: number): boolean {
    const loser = p.ct;
    if (!connections.sameTuples(winner, loser, 0) && !connections.sameTuples(winner, loser, 1)) return false;
    connections.account(winner, directionOf(p), 1, connections.bytes(loser, directionOf(p)));
    connections.remove(loser);
    p.ct = winner;
    this.statistics.clashResolve++;
    return true;
  }

  /** The packet is gone. A connection that only it could have confirmed is freed. */
  release(p: Packet): void {
    if (p.ct !== 0 && p.ctinfo < CT_ESTABLISHED_REPLY) {
      const connections = this.connections(p.family);
      if ((connections.status(p.ct) & IPS_CONFIRMED) === 0) connections.remove(p.ct);
    }
    p.ct = 0;
  }

  /** `to` answers `from` (REJECT): it gets its connection, in the other direction. nf_conntrack_attach. */
  attach(to: Packet, from: Packet): void {
    if (from.ct === 0) {
      // Of an untracked packet the answer has no connection, yet is not blank: CT and NOTRACK leave it alone.
      if (from.ctinfo === CT_UNTRACKED) to.ctinfo = CT_RELATED;
      return;
    }
    to.ct = from.ct;
    to.ctinfo = from.ctinfo < CT_ESTABLISHED_REPLY ? CT_RELATED_REPLY : CT_RELATED;
  }

  #drop(reason: string): Verdict {
    this.dropReason = reason;
    return DROP;
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────

  /** Takes over `host.now`. Whoever asks `connections` about timeouts without having tracked a packet calls it first. */
  tick(): void {
    const time = this.host.now;
    if (time < this.#jiffyBegins || time >= this.#jiffyEnds) this.#setTime(time);
  }

  #setTime(time: number): void {
    const jiffies = Math.floor(time / MICROSECONDS_PER_JIFFY);
    this.#jiffyBegins = jiffies * MICROSECONDS_PER_JIFFY;
    this.#jiffyEnds = this.#jiffyBegins + MICROSECONDS_PER_JIFFY;
    // In a leap of more than 2^31 jiffies what expired long ago would seem to lie ahead: go in steps.
    for (let steps = 0; jiffies - this.#swept > SWEEP_WITHIN && steps < 16; steps++) {
      this.#swept = steps === 15 ? jiffies : this.#swept + SWEEP_WITHIN;
      this.#setClocks(this.#swept);
      this.#ipv4.sweep(Number.MAX_SAFE_INTEGER);
      this.#ipv6.sweep(Number.MAX_SAFE_INTEGER);
    }
    if (jiffies < this.#swept) this.#swept = jiffies;
    this.#setClocks(jiffies);
  }

  #setClocks(jiffies: number): void {
    this.#ipv4.setClock(jiffies | 0);
    this.#ipv6.setClock(jiffies | 0);
  }

  // ── words ──────────────────────────────────────────────────────────────────────────────────────────

  /** Does anyone want the sentences of `complain` and `remark`? Ask before making one up. */
  hears(p: Packet): boolean {
    return p.steps !== null || (this.onInvalid !== null && this.sysctl.logInvalid !== 0);
  }

  /** The packet is INVALID, in the words of nf_conntrack_log_invalid. `protocol`: whose messages these are. */
  complain(p: Packet, protocol: number, reason: string): void {
    if (p.steps !== null) p.steps.push({ kind: "invalid", reason });
    this.#log(p, protocol, reason);
  }

  /** Something odd that nf_conntrack_log_invalid also logs, but the packet goes on with its connection. */
  remark(p: Packet, protocol: number, text: string): void {
    if (p.steps !== null) p.steps.push({ kind: "note", text });
    this.#log(p, protocol, text);
  }

  /** The packet is INVALID and the kernel has no words for it. */
  explain(p: Packet, reason: string): void {
    if (p.steps !== null) p.steps.push({ kind: "invalid", reason });
  }

  #log(p: Packet, protocol: number, text: string): void {
    const logged = this.sysctl.logInvalid;
    if (this.onInvalid !== null && (logged === protocol || logged === 255))
      this.onInvalid(p, `nf_ct_proto_${protocol}: ${text} `);
  }

  #tell(p: Packet, kind: "created" | "confirmed", connections: Connections): void {
    if (p.steps !== null) p.steps.push({ kind, entry: this.lineOf(connections, p.ct) });
  }

  // ── listing ────────────────────────────────────────────────────────────────────────────────────────

  /** Lines as `conntrack -L` prints them: IPv4 then IPv6, oldest connection first. */
  list(options: ListOptions = {}): string[] {
    this.tick();
    const families: readonly Family[] = options.family === undefined ? [4, 6] : [options.family];
    return families.flatMap((family) => {
      const connections = this.connections(family);
      return Array.from(connections.handles(), (handle) => this.lineOf(connections, handle, options));
    });
  }

  /** The line of one connection, confirmed or not. */
  lineOf(connections: Connections, handle: number, options: ListOptions = {}): string {
    const tracker = this.#trackers.byProtocol[connections.protocol(handle)];
    const state = tracker.stateName(connections.state(handle));
    return formatConnection(connections, handle, state, this.host.now, options);
  }

  /** The line of the packet's connection; null when it has none or the table does not hold it. */
  line(p: Packet): string | null {
    if (p.ct === 0) return null;
    this.tick();
    const connections = this.connections(p.family);
    return connections.isListed(p.ct) ? this.lineOf(connections, p.ct) : null;
  }

  /** Connections that `conntrack -L` would list, of both families. */
  count(): number {
    this.tick();
    return this.#ipv4.handles().length + this.#ipv6.handles().length;
  }
}
