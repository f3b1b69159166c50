/**
 * TFTP: who is asked for a file, or to take one, answers from another port (nf_conntrack_tftp.c, nf_nat_tftp.c).
 */

import { IPS_NAT_MASK } from "../assembly/status.ts";
import { EXPECTED, Expectation } from "../conntrack/expectations.ts";
import type { Helper } from "../conntrack/helper.ts";
import { ORIGINAL, REPLY, Tuple } from "../conntrack/tuple.ts";
import { ACCEPT } from "../packet/hook.ts";
import { IPPROTO_UDP } from "../packet/transport.ts";

const UDP_HEADER = 8;
const OPCODE_READ = 1;
const OPCODE_WRITE = 2;

const tuple = new Tuple();

export const tftp: Helper = {
  name: "tftp",
  families: [4, 6],
  protocol: IPPROTO_UDP,
  maxExpected: 1,
  timeout: 300,

  help({ helping }, helped, p, l4) {
    const at = l4 + UDP_HEADER;
    if (at + 2 > p.end) return ACCEPT;
    const opcode = p.view.getUint16(at);
    if (opcode !== OPCODE_READ && opcode !== OPCODE_WRITE) return ACCEPT;
    const { connections, handle } = helped;
    const expectation = new Expectation(helped);
    connections.tuple(handle, REPLY, expectation.tuple);
    expectation.tuple.sport = 0;
    expectation.matchSourceAddress();
    if ((connections.status(handle) & IPS_NAT_MASK) !== 0) {
      connections.tuple(handle, ORIGINAL, tuple);
      expectation.follow(tuple.sport, REPLY);
    }
    return helping.expect(p, expectation) === EXPECTED ? ACCEPT : helping.drop(p, helped, "cannot add expectation");
  },
};
