/**
 * Amanda: a client that is to be saved answers the server's request over UDP with the TCP ports at which the server may
 * fetch data, messages and the index (nf_conntrack_amanda.c, nf_nat_amanda.c):
 *
 *     CONNECT DATA 5001 MESG 5002 INDEX 5003
 *
 * Such an answer may take its time: each one gives the connection five minutes.
 */

import { IPS_NAT_MASK } from "../assembly/status.ts";
import type { Conntrack } from "../conntrack/conntrack.ts";
import { directionOf } from "../conntrack/conntrack.ts";
import { EXPECTED, Expectation } from "../conntrack/expectations.ts";
import type { Helped, Helper } from "../conntrack/helper.ts";
import { HZ } from "../conntrack/jiffies.ts";
import { ORIGINAL } from "../conntrack/tuple.ts";
import { expectSomePort, mangleUdp } from "../nat/mangle.ts";
import { ACCEPT, type Verdict } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";

const UDP_HEADER = 8;
/** Seconds (the module's parameter master_timeout). */
const MASTER_TIMEOUT = 300;
const CONNECT = "CONNECT ";
const SERVICES = ["DATA ", "MESG ", "INDEX ", "STATE "];
const LONGEST_PORT = 5;
const [NEWLINE, ZERO, NINE] = [10, 48, 57];

export const amanda: Helper = {
  name: "amanda",
  families: [4, 6],
  protocol: IPPROTO_UDP,
  maxExpected: 4,
  timeout: 180,

  help(on, helped, p, l4) {
    if (directionOf(p) === ORIGINAL) return ACCEPT;
    helped.connections.refresh(helped.handle, MASTER_TIMEOUT * HZ);
    if (p.cut || l4 + UDP_HEADER >= p.start + p.length) return ACCEPT;
    const connect = find(p, CONNECT, 0, payload(p).length);
    if (connect < 0) return ACCEPT;
    const start = connect + CONNECT.length;
    const stop = payload(p).indexOf(NEWLINE, start);
    let verdict: Verdict = ACCEPT;
    for (const service of stop < 0 ? [] : SERVICES) {
      // The text may have moved since the last one; where it ends is not looked for again.
      const found = find(p, service, start, stop);
      if (found < 0) continue;
      const at = found + service.length;
      const end = Math.min(at + LONGEST_PORT, stop);
      if (end > payload(p).length) break;
      const digits = countDigits(payload(p), at, end);
      const port = numberAt(payload(p), at, digits) & 0xffff;
      if (port === 0) break;
      const said = announce(on, helped, p, at, digits, port);
      // Behind NAT the last port has the last word; else one that can't be expected is not forgotten.
      if (said !== ACCEPT || isTranslated(helped)) verdict = said;
    }
    return verdict;
  },
};

function isTranslated({ connections, handle }: Helped): boolean {
  return (connections.status(handle) & IPS_NAT_MASK) !== 0;
}

function payload(p: Packet): Uint8Array {
  return p.data.subarray(p.l4 + UDP_HEADER, p.start + p.length);
}

/** skb_find_text: where the text stands in the payload, all of it between `from` and `to`; -1: nowhere. */
function find(p: Packet, text: string, from: number, to: number): number {
  const data = payload(p);
  for (let at = from; at + text.length <= Math.min(to, data.length); at++) {
    let same = 0;
    while (same < text.length && data[at + same] === text.charCodeAt(same)) same++;
    if (same === text.length) return at;
  }
  return -1;
}

function countDigits(data: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && data[at] >= ZERO && data[at] <= NINE) at++;
  return at - from;
}

function numberAt(data: Uint8Array, at: number, digits: number): number {
  let number = 0;
  for (let i = 0; i < digits; i++) number = number * 10 + data[at + i] - ZERO;
  return number;
}

function announce(on: Conntrack, helped: Helped, p: Packet, at: number, digits: number, port: number): Verdict {
  const { helping } = on;
  const { connections, handle } = helped;
  const expectation = new Expectation(helped);
  const { tuple } = expectation;
  connections.tuple(handle, ORIGINAL, tuple);
  tuple.protocol = IPPROTO_TCP;
  tuple.sport = 0;
  tuple.dport = port;
  expectation.matchSourceAddress();
  if (!isTranslated(helped))
    return helping.expect(p, expectation) === EXPECTED ? ACCEPT : helping.drop(p, helped, "cannot add expectation");

  expectation.follow(port, ORIGINAL);
  const chosen = expectSomePort(helping, p, expectation, on.host.random);
  if (chosen === 0) return helping.drop(p, helped, "all ports in use");
  if (mangleUdp(p, at, digits, String(chosen))) return ACCEPT;
  helping.expectations.remove(expectation);
  return helping.drop(p, helped, "cannot mangle packet");
}
