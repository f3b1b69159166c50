/** What filling in IPv4 options asks of the host, for one packet. */
import { RTN_LOCAL, RTN_UNICAST } from "../host/route.ts";
import type { OptionsHost } from "./ip-options.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const DAY = 86_400_000;

export function optionsHost(on: Stack, p: Skb): OptionsHost {
  return {
    specificAddress: () => specificAddress(on, p),
    isUnicast: (address) => on.host.addressType4(address, 0) === RTN_UNICAST,
    midnight: Math.floor(on.host.now / 1000) % DAY,
  };
}

/** fib_frontend.c: fib_compute_spec_dst: the address by which the sender of `p` knows this host. */
function specificAddress(on: Stack, p: Skb): number {
  if (p.route !== null && p.route.type === RTN_LOCAL) return p.dst0;
  if (p.src0 >>> 24 === 0) return on.host.selectAddress4(p.inDev, p.src0, RT_SCOPE_LINK);
  const back = on.host.route4(p.src0, 0, 0, p.tos, 0);
  if (back.error === 0 && back.source0 !== 0) return back.source0;
  return on.host.selectAddress4(p.inDev, p.src0, RT_SCOPE_UNIVERSE);
}
