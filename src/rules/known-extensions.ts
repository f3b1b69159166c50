/**
 * The extensions that iptables 1.8.9 has. One that is here and not in the registry is refused as not evaluated;
 * one that is not here either is refused as iptables refuses it.
 */
import type { Family } from "../packet/hook.ts";

const words = (text: string) => text.split(/\s+/);

const MATCHES = words(`addrtype ah bpf cgroup cluster comment connbytes connlabel connlimit connmark conntrack cpu dccp
  devgroup dscp ecn esp hashlimit helper ipcomp iprange ipvs length limit mac mark multiport nfacct owner physdev pkttype
  policy quota rateest recent rpfilter sctp set socket state statistic string tcp tcpmss time tos u32 udp`);

const TARGETS =
  words(`ACCEPT AUDIT CHECKSUM CLASSIFY CONNMARK CONNSECMARK CT DNAT DROP DSCP HMARK IDLETIMER LED LOG MARK
  MASQUERADE NETMAP NFLOG NFQUEUE NOTRACK QUEUE RATEEST REDIRECT REJECT RETURN SECMARK SET SNAT SYNPROXY TCPMSS
  TCPOPTSTRIP TEE TOS TPROXY TRACE standard`);

const KNOWN: Readonly<Record<"match" | "target", Readonly<Record<Family, ReadonlySet<string>>>>> = {
  match: {
    4: new Set([...MATCHES, "icmp", "osf", "realm", "ttl"]),
    6: new Set([...MATCHES, ...words("dst eui64 frag hbh hl icmp6 ipv6header mh rt srh")]),
  },
  target: {
    4: new Set([...TARGETS, "CLUSTERIP", "ECN", "TTL", "ULOG"]),
    6: new Set([...TARGETS, "DNPT", "HL", "SNPT"]),
  },
};

export function isKnown(kind: "match" | "target", name: string, family: Family): boolean {
  return KNOWN[kind][family].has(name);
}

/** The sentence for an extension that the registry does not have. */
export function missing(kind: "match" | "target", name: string, family: Family): string {
  return isKnown(kind, name, family)
    ? `${kind} "${name}" is not evaluated by this version`
    : `Couldn't load ${kind} \`${name}':No such file or directory`;
}

/** The longest name of an extension or a chain, in bytes (XT_EXTENSION_MAXNAMELEN less its NUL). */
export const LONGEST_NAME = 28;
