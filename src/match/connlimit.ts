/**
 * `-m connlimit`: how many connections an address or network has open (xt_connlimit.c, nf_conncount.c). Each rule keeps a
 * list per address of the connections that it was asked about, and looks through it when another comes.
 */

import { IPS_ASSURED, IPS_CONFIRMED } from "../assembly/status.ts";
import { maskOfPrefix4, maskOfPrefix6 } from "../bytes/address.ts";
import type { Connections } from "../conntrack/connections.ts";
import { Transport, tupleAt } from "../conntrack/packet-tuple.ts";
import { ORIGINAL, Tuple } from "../conntrack/tuple.ts";
import { HZ } from "../host/sets/set.ts";
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_TCP } from "../packet/transport.ts";
import { type Engine, match, RuleError } from "../rules/extension.ts";
import { flag, opt, optNot, u32 } from "../rules/types.ts";
import { prefixLength } from "./prefix-length.ts";
import { hasTemplate } from "./state-bits.ts";

const TICK = 1_000_000 / HZ;
/** States of a TCP connection that is over (nf_conntrack_tcp.h). */
const TCP_TIME_WAIT = 7;
const TCP_CLOSE = 8;
/** CONNCOUNT_GC_MAX_COLLECT: so many are thrown out at a time. */
const MOST_COLLECTED = 64;

interface Connlimit {
  readonly above: boolean;
  readonly limit: number;
  readonly prefix: number;
  readonly destination: boolean;
}

/** A connection as it was asked about: by its tuple, in a zone that may hold for one direction only (1, 2; 3 for both). */
interface Known {
  readonly tuple: Tuple;
  readonly zone: number;
  readonly zoneDirection: number;
}

/** Connections of one address. */
interface List {
  readonly known: Known[];
  /** Tick in which it was last looked through, and how many there were then. */
  collected: number;
  countThen: number;
}

class Counter {
  readonly #on: Engine;
  readonly #lists = new Map<number | string, List>();
  /** Of the packet. */
  readonly #tuple = new Tuple();
  #zone = 0;
  #zoneDirection = 3;
  readonly #transport = new Transport();

  constructor(on: Engine) {
    this.#on = on;
  }

  /** Connections of this key, the packet's own among them; 0: the packet has no tuple, and is dropped. */
  count(key: number | string, p: Packet): number {
    const { conntrack, host } = this.#on;
    conntrack.tick();
    const tick = Math.floor(host.now / TICK);
    const handle = this.#connectionOf(p);
    if (handle < 0) return 0;
    const list = this.#lists.get(key);
    if (list === undefined || list.known.length === 0) return this.#begin(key, list, handle, tick);
    this.#add(list, handle, tick);
    return list.known.length;
  }

  /** get_ct_or_tuple_from_skb: the handle of the packet's connection, 0 for none, -1 for no tuple either. */
  #connectionOf(p: Packet): number {
    const { conntrack, family } = this.#on;
    const at = conntrack.connections(family);
    const tuple = this.#tuple;
    // An invalid packet has lost what a CT rule said of its zone.
    this.#zone = 0;
    this.#zoneDirection = 3;
    if (p.ct !== 0) {
      at.tuple(p.ct, ORIGINAL, tuple);
      this.#zone = at.zone(p.ct);
      this.#zoneDirection = at.zoneDirection(p.ct);
      return p.ct;
    }
    if (!tupleAt(p, p.start, family, this.#transport, tuple)) return -1;
    if (hasTemplate(p)) {
      this.#zone = p.zone;
      this.#zoneDirection = p.zoneDirection;
    }
    return this.#find(at, { tuple, zone: this.#zone, zoneDirection: this.#zoneDirection }) >>> 1;
  }

  /** nf_conntrack_find_get: the node, or 0. */
  #find(at: Connections, { tuple, zone, zoneDirection }: Known): number {
    tuple.zone = (zoneDirection & 1) !== 0 ? zone : 0;
    if (zone === 0 || zoneDirection === 3) return at.find(tuple, 3);
    const node = at.find(tuple, 1);
    if (node !== 0) return node;
    tuple.zone = (zoneDirection & 2) !== 0 ? zone : 0;
    return at.find(tuple, 2);
  }

  /** The packet's connection, to be kept. */
  #copy(): Known {
    const tuple = new Tuple();
    tuple.copyFrom(this.#tuple);
    return { tuple, zone: this.#zone, zoneDirection: this.#zoneDirection };
  }

  /** insert_tree: a list that is empty is made anew, unless the connection needs no count. */
  #begin(key: number | string, list: List | undefined, handle: number, tick: number): number {
    if (list !== undefined) {
      this.#add(list, handle, tick);
      return list.known.length;
    }
    this.#lists.set(key, { known: [this.#copy()], collected: tick, countThen: 0 });
    return 1;
  }

  /** __nf_conncount_add. */
  #add(list: List, handle: number, tick: number): void {
    const at = this.#on.conntrack.connections(this.#on.family);
    const confirmed = handle !== 0 && (at.status(handle) & IPS_CONFIRMED) !== 0;
    if (confirmed && (at.status(handle) & IPS_ASSURED) !== 0) {
      if (tick !== list.collected) this.#collect(list, tick, false);
      return;
    }
    const justCollected = tick === list.collected && list.known.length - list.countThen < MOST_COLLECTED;
    if ((confirmed || !justCollected) && this.#collect(list, tick, true)) return;
    list.known.push(this.#copy());
  }

  /** Throws out what is gone or closed. True: the packet's own was `sought` and found, and the rest not looked at. */
  #collect(list: List, tick: number, sought: boolean): boolean {
    const at = this.#on.conntrack.connections(this.#on.family);
    const { known } = list;
    const zone = (this.#zoneDirection & 1) !== 0 ? this.#zone : 0;
    let collected = 0;
    let kept = 0;
    let found = false;
    for (let i = 0; i < known.length; i++) {
      const one = known[i];
      known[kept++] = one;
      if (found || collected > MOST_COLLECTED) continue;
      const handle = this.#find(at, one) >>> 1;
      if (handle !== 0 && sought && one.tuple.equals(this.#tuple) && zone === at.zoneOf(handle, ORIGINAL)) found = true;
      else if (handle === 0 || isClosed(at.protocol(handle), at.state(handle))) {
        kept--;
        collected++;
      }
    }
    known.length = kept;
    if (found) return true;
    list.collected = tick;
    list.countThen = kept;
    return false;
  }
}

function isClosed(protocol: number, state: number): boolean {
  return protocol === IPPROTO_TCP && (state === TCP_TIME_WAIT || state === TCP_CLOSE);
}

export const connlimit = match({
  name: "connlimit",
  families: [4, 6],
  armsConntrack: true,
  options: {
    "--connlimit-upto": optNot(u32, { excludes: ["--connlimit-above"], help: "at most so many" }),
    "--connlimit-above": optNot(u32, { excludes: ["--connlimit-upto"], help: "more than that" }),
    "--connlimit-mask": opt(prefixLength, { help: "prefix length under which addresses are one" }),
    "--connlimit-saddr": opt(flag, { excludes: ["--connlimit-daddr"], help: "of the source address (the default)" }),
    "--connlimit-daddr": opt(flag, { excludes: ["--connlimit-saddr"], help: "of the destination address" }),
  },
  check(given) {
    if (given["--connlimit-upto"] === undefined && given["--connlimit-above"] === undefined)
      throw new RuleError('You must specify "--connlimit-above" or "--connlimit-upto".');
  },

  bind(given, { family }): Connlimit {
    const longest = family === 4 ? 32 : 128;
    const upto = given["--connlimit-upto"];
    const above = given["--connlimit-above"];
    return {
      above: upto === undefined ? !above!.not : upto.not,
      limit: (upto ?? above)!.value,
      // A mask with gaps is none.
      prefix: Math.min(longest, given["--connlimit-mask"]?.value ?? longest),
      destination: given["--connlimit-daddr"] !== undefined,
    };
  },

  print: (is) =>
    `--connlimit-${is.above ? "above" : "upto"} ${is.limit} --connlimit-mask ${is.prefix} --connlimit-${is.destination ? "daddr" : "saddr"}`,

  compile(is, on) {
    const { place, family, nth, host } = on;
    const counter = host.memory(
      `connlimit ${family} ${place.table} ${place.chain} ${place.rule}.${nth}`,
      () => new Counter(on),
    );
    const [m0, m1, m2, m3] = family === 4 ? [maskOfPrefix4(is.prefix), 0, 0, 0] : maskOfPrefix6(is.prefix);
    const at = on.conntrack.connections(family);
    const zoneOf = (p: Packet) => (p.ct !== 0 ? at.zone(p.ct) : hasTemplate(p) ? p.zone : 0);
    return (p) => {
      const a0 = (is.destination ? p.dst0 : p.src0) & m0;
      let key: number | string = a0;
      if (family === 6) {
        const a1 = (is.destination ? p.dst1 : p.src1) & m1;
        const a2 = (is.destination ? p.dst2 : p.src2) & m2;
        const a3 = (is.destination ? p.dst3 : p.src3) & m3;
        key = `${a0} ${a1} ${a2} ${a3} ${zoneOf(p)}`;
      } else if (zoneOf(p) !== 0) key = `${a0} ${zoneOf(p)}`;
      const count = counter.count(key, p);
      if (count === 0) {
        p.hotdrop = true;
        return false;
      }
      return count > is.limit === is.above;
    };
  },

  why: (is) =>
    `its ${is.destination ? "destination" : "source"} has ${is.above ? "not " : ""}more than ${is.limit} connections`,
});
