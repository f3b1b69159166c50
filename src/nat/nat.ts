/**
 * Network address translation of tracked connections, both families (nf_nat_core.c, nf_nat_proto.c,
 * nf_nat_masquerade.c, nf_nat_redirect.c): what the SNAT, DNAT, MASQUERADE, REDIRECT and NETMAP targets call, and
 * what happens at the four hooks of the nat table.
 */
import type { Conntrack } from "../conntrack/conntrack.ts";
import type { Host } from "../host/host.ts";
import type { Verdict } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import type { Manip, NatRange } from "./range.ts";

export class Nat {
  readonly host: Host;
  readonly conntrack: Conntrack;

  constructor(host: Host, conntrack: Conntrack) {
    this.host = host;
    this.conntrack = conntrack;
  }

  /** `-j SNAT` (MANIP_SRC) and `-j DNAT` (MANIP_DST): ACCEPT or DROP (nf_nat_setup_info). */
  setup(p: Packet, range: NatRange, manip: Manip): Verdict {
    throw new Error(`not built: ${p.ct} ${range.flags} ${manip}`);
  }

  /** `-j MASQUERADE`, in POSTROUTING; `range` holds flags and ports only. ACCEPT or DROP. */
  masquerade(p: Packet, range: NatRange): Verdict {
    throw new Error(`not built: ${p.ct} ${range.flags}`);
  }

  /** `-j REDIRECT`, in PREROUTING and OUTPUT; `range` holds flags and ports only. ACCEPT or DROP. */
  redirect(p: Packet, range: NatRange): Verdict {
    throw new Error(`not built: ${p.ct} ${range.flags}`);
  }

  /** `-j NETMAP`, at any nat hook; the range's two ends are the first and the last address of the network. */
  netmap(p: Packet, range: NatRange): Verdict {
    throw new Error(`not built: ${p.ct} ${range.flags}`);
  }

  /**
   * A packet at a hook (`p.hook`) where the nat table of its family is registered: PREROUTING and OUTPUT at priority
   * -100, INPUT and POSTROUTING at 100. `walkNatTable` evaluates the table's chain of that hook; it is called for the
   * first packet of a connection only. Rewrites the packet. Returns ACCEPT, DROP, or what else the chain ended with.
   * Where the destination decides on a route, path/ compares `p.dst0…3` before and after (PREROUTING), or asks
   * `mustReroute` (OUTPUT).
   */
  atHook(p: Packet, walkNatTable: (p: Packet) => Verdict): Verdict {
    throw new Error(`not built: ${p.ct} ${walkNatTable.name}`);
  }

  /** After `atHook` accepted in OUTPUT: the kernel routes again (nf_nat_ipv4_local_fn → ip_route_me_harder). */
  mustReroute(p: Packet): boolean {
    throw new Error(`not built: ${p.ct}`);
  }
}
