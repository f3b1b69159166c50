/**
 * NetBIOS names: who asks a whole network by broadcast is answered by whoever knows, from an address of his own
 * (nf_conntrack_netbios_ns.c, nf_conntrack_broadcast.c). Only what the host itself asks counts, and only where its device has
 * a broadcast address that was set (`brd`): for three seconds all of that network may answer.
 */
import { maskOfPrefix4 } from "../bytes/address.ts";
import { directionOf } from "../conntrack/conntrack.ts";
import { Expectation } from "../conntrack/expectations.ts";
import type { Helper } from "../conntrack/helper.ts";
import { HZ } from "../conntrack/jiffies.ts";
import { ORIGINAL, REPLY } from "../conntrack/tuple.ts";
import type { Interface } from "../host/interfaces.ts";
import { ACCEPT } from "../packet/hook.ts";
import { SENDER_NONE } from "../packet/packet.ts";
import { IPPROTO_UDP } from "../packet/transport.ts";

const PORT = 137;
/** Seconds, of the connection as of what it expects (the module's parameter timeout). */
const TIMEOUT = 3;

export const netbiosNs: Helper = {
  name: "netbios-ns",
  families: [4],
  protocol: IPPROTO_UDP,
  maxExpected: 1,
  timeout: TIMEOUT,

  help({ helping, host }, helped, p) {
    if (p.sender === SENDER_NONE || directionOf(p) !== ORIGINAL) return ACCEPT;
    const mask = maskOfBroadcast(host.interfaces[p.outDev], p.dst0);
    if (mask === 0) return ACCEPT;
    const { connections, handle } = helped;
    const expectation = new Expectation(helped);
    connections.tuple(handle, REPLY, expectation.tuple);
    expectation.tuple.sport = PORT;
    expectation.mask0 = mask;
    expectation.portMask = 0xffff;
    expectation.permanent = true;
    helping.expect(p, expectation);
    connections.refresh(handle, TIMEOUT * HZ);
    return ACCEPT;
  },
};

/** The mask of the device's network that has this broadcast address; 0: none has. */
function maskOfBroadcast(device: Interface, destination: number): number {
  const own = device.addresses.find(({ broadcast, secondary }) => !secondary && broadcast === destination);
  return own === undefined ? 0 : maskOfPrefix4(own.prefixLength);
}
