/**
 * What conntrack does for helpers: it calls them where a packet leaves or is delivered (nf_conntrack_proto.c: nf_confirm),
 * keeps what they expect, and knows a connection that was expected (nf_conntrack_core.c: init_conntrack).
 */

import { IPS_HELPER, IPS_SEQ_ADJUST } from "../assembly/status.ts";
import { LO } from "../host/interfaces.ts";
import { ACCEPT, DROP, type Family, INPUT, type Verdict } from "../packet/hook.ts";
import { CT_RELATED, CT_RELATED_REPLY, type Packet } from "../packet/packet.ts";
import type { Connections } from "./connections.ts";
import { type Conntrack, directionOf } from "./conntrack.ts";
import { formatExpectation, formatExpected } from "./expectation-list.ts";
import { EXPECTED, type Expectation, Expectations } from "./expectations.ts";
import type { Helped, Helper, Helpers } from "./helper.ts";
import { MICROSECONDS_PER_JIFFY } from "./jiffies.ts";
import { adjustSegment } from "./sequence.ts";
import { ORIGINAL, Tuple } from "./tuple.ts";

export class Helping {
  readonly expectations = new Expectations();
  /** A rule gives connections a helper: packets are confirmed by `confirm`. */
  active = false;
  /** nat/ makes an expected connection like its master (nf_nat_follow_master). */
  followMaster: ((p: Packet, expectation: Expectation) => void) | null = null;
  /** Called with each sentence that a helper has the kernel log of a packet that it drops. */
  onDrop: ((p: Packet, prefix: string) => void) | null = null;
  readonly #conntrack: Conntrack;
  readonly #helpers: Helpers;
  readonly #tuple = new Tuple();

  constructor(conntrack: Conntrack, helpers: Helpers) {
    this.#conntrack = conntrack;
    this.#helpers = helpers;
  }

  /** Of all helpers that this version has. */
  get names(): readonly string[] {
    return this.#helpers.names;
  }

  /** The helper of that name; undefined: this version has none. */
  find(name: string, family: Family, protocol: number): Helper | undefined {
    return this.#helpers.find(name, family, protocol);
  }

  /** A rule gives connections a helper. */
  begin(): void {
    if (this.active) return;
    this.active = true;
    this.#conntrack.onDestroy((connections, handle) => this.expectations.forget(connections, handle));
  }

  /** Jiffies since 1970. */
  #now(): number {
    return Math.floor(this.#conntrack.host.now / MICROSECONDS_PER_JIFFY);
  }

  /** Was this new connection expected? Then it is RELATED, has its master's mark, and is translated like it. */
  isExpected(connections: Connections, p: Packet, handle: number): boolean {
    connections.tuple(handle, ORIGINAL, this.#tuple);
    const expectation = this.expectations.fulfil(this.#tuple, p.zone, this.#now());
    if (expectation === null) return false;
    const { master } = expectation;
    this.expectations.adopt(connections, handle, master);
    connections.setMark(handle, master.connections.mark(master.handle));
    p.ctinfo = CT_RELATED;
    if (expectation.follows && this.followMaster !== null) this.followMaster(p, expectation);
    return true;
  }

  /** A helper begins to wait for a connection. EXPECTED, or why not. */
  expect(p: Packet, expectation: Expectation): number {
    const answer = this.expectations.expect(expectation, this.#conntrack.sysctl.expectMax, this.#now());
    if (answer === EXPECTED && p.steps !== null)
      p.steps.push({
        kind: "note",
        text: `the ${expectation.master.helper.name} helper expects ${formatExpected(expectation)}`,
      });
    return answer;
  }

  /** A helper drops the packet, for this reason. nf_ct_helper_log. */
  drop(p: Packet, { helper }: Helped, reason: string): Verdict {
    const text = `nf_ct_${helper.name}: dropping packet: ${reason}`;
    if (this.onDrop !== null) this.onDrop(p, `${text} `);
    this.#conntrack.dropReason = text;
    return DROP;
  }

  /** `Conntrack.confirm` where there are helpers: first they see the packet, then its sequence numbers are moved. */
  confirm(p: Packet): Verdict {
    const conntrack = this.#conntrack;
    if (p.ct === 0) return ACCEPT;
    const connections = conntrack.connections(p.family);
    const status = connections.status(p.ct);
    if ((status & (IPS_HELPER | IPS_SEQ_ADJUST)) === 0 || p.ctinfo === CT_RELATED_REPLY || p.l4 < 0)
      return conntrack.confirm(p);
    const helped = connections.helped.get(p.ct)!;
    const adjusts = (status & IPS_SEQ_ADJUST) !== 0 && !(p.hook === INPUT && p.inDev === LO);
    const verdict = helped.helper.help(conntrack, helped, p, p.l4);
    if (verdict !== ACCEPT) return verdict;
    if (adjusts && !adjustSegment(p, p.l4, directionOf(p), helped.sequences!)) {
      conntrack.statistics.drop++;
      conntrack.dropReason = "a segment that is cut where its sequence numbers are to be moved";
      return DROP;
    }
    return conntrack.confirm(p);
  }

  /** Lines as `conntrack -L expect` prints them. */
  list(): string[] {
    const now = this.#now();
    this.expectations.expire(now);
    return this.expectations.all().map((expectation) => formatExpectation(expectation, now));
  }
}
