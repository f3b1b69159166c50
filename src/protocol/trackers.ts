/** Which tracker a protocol has; conntrack/ is handed this table. */
import type { Tracker, Trackers } from "../conntrack/tracker.ts";
import {
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "../packet/transport.ts";
import { generic } from "./generic.ts";
import { gre } from "./gre.ts";
import { icmp, icmpv6 } from "./icmp.ts";
import { sctp } from "./sctp.ts";
import { tcp } from "./tcp.ts";
import { udp, udplite } from "./udp.ts";

const OWN: Readonly<Record<number, Tracker>> = {
  [IPPROTO_ICMP]: icmp,
  [IPPROTO_TCP]: tcp,
  [IPPROTO_UDP]: udp,
  [IPPROTO_GRE]: gre,
  [IPPROTO_ICMPV6]: icmpv6,
  [IPPROTO_SCTP]: sctp,
  [IPPROTO_UDPLITE]: udplite,
};

/** As Linux 6.18 has them: DCCP is generic. */
export const trackers: Trackers = {
  byProtocol: Array.from({ length: 256 }, (_, protocol) => OWN[protocol] ?? generic),
};
