/**
 * SANE: a client asks a server with a scanner to begin (SANE_NET_START), and the answer tells the port at which the picture
 * is to be fetched (nf_conntrack_sane.c). Nothing is rewritten: behind NAT the picture goes where the client asked.
 */
import { EXPECTED, Expectation } from "../conntrack/expectations.ts";
import type { Helper } from "../conntrack/helper.ts";
import { ORIGINAL } from "../conntrack/tuple.ts";
import { ACCEPT } from "../packet/hook.ts";
import { CT_ESTABLISHED, CT_ESTABLISHED_REPLY } from "../packet/packet.ts";
import { IPPROTO_TCP } from "../packet/transport.ts";

const TCP_HEADER = 20;
/** Request: code, handle. */
const REQUEST = 8;
const SANE_NET_START = 7;
/** Answer: status, two bytes of zero, port. */
const ANSWER = 8;
const SANE_STATUS_SUCCESS = 0;
/** In the helper's memory: what was asked last was SANE_NET_START. */
const STARTING = 0;

export const sane: Helper = {
  name: "sane",
  families: [4, 6],
  protocol: IPPROTO_TCP,
  maxExpected: 1,
  timeout: 300,

  help({ helping }, helped, p, l4) {
    if (p.ctinfo !== CT_ESTABLISHED && p.ctinfo !== CT_ESTABLISHED_REPLY) return ACCEPT;
    const from = l4 + p.tcpHeaderLength;
    const end = p.start + p.length;
    if (p.cut || l4 + TCP_HEADER > end || from >= end) return ACCEPT;
    const { memory, connections, handle } = helped;
    const { view } = p;
    if (p.ctinfo === CT_ESTABLISHED) {
      if (end - from === REQUEST) memory[STARTING] = view.getInt32(from) === SANE_NET_START ? 1 : 0;
      return ACCEPT;
    }
    if (memory[STARTING] === 0) return ACCEPT;
    memory[STARTING] = 0;
    if (end - from < ANSWER || view.getInt32(from) !== SANE_STATUS_SUCCESS) return ACCEPT;
    if (view.getUint16(from + 4) !== 0) return ACCEPT;
    const expectation = new Expectation(helped);
    connections.tuple(handle, ORIGINAL, expectation.tuple);
    expectation.tuple.sport = 0;
    expectation.tuple.dport = view.getUint16(from + 6);
    expectation.matchSourceAddress();
    return helping.expect(p, expectation) === EXPECTED ? ACCEPT : helping.drop(p, helped, "cannot add expectation");
  },
};
