/** The only list of extensions. Adding one: its file, its table of lines, and a line here. */
import { addrtype } from "./match/addrtype.ts";
import { ah4, ah6 } from "./match/ah.ts";
import { comment } from "./match/comment.ts";
import { connbytes } from "./match/connbytes.ts";
import { connlimit } from "./match/connlimit.ts";
import { connmark } from "./match/connmark.ts";
import { conntrack } from "./match/conntrack.ts";
import { dccp } from "./match/dccp.ts";
import { dscp } from "./match/dscp.ts";
import { ecn } from "./match/ecn.ts";
import { esp } from "./match/esp.ts";
import { eui64 } from "./match/eui64.ts";
import { frag } from "./match/frag.ts";
import { hashlimit } from "./match/hashlimit.ts";
import { helper } from "./match/helper.ts";
import { hl } from "./match/hl.ts";
import { icmp } from "./match/icmp.ts";
import { icmp6 } from "./match/icmp6.ts";
import { iprange } from "./match/iprange.ts";
import { dst, hbh } from "./match/ipv6-options.ts";
import { ipv6header } from "./match/ipv6header.ts";
import { length } from "./match/length.ts";
import { limit } from "./match/limit.ts";
import { mac } from "./match/mac.ts";
import { mark } from "./match/mark.ts";
import { multiport } from "./match/multiport.ts";
import { owner } from "./match/owner.ts";
import { physdev } from "./match/physdev.ts";
import { pkttype } from "./match/pkttype.ts";
import { policy } from "./match/policy.ts";
import { quota } from "./match/quota.ts";
import { recent } from "./match/recent.ts";
import { rpfilter } from "./match/rpfilter.ts";
import { rt } from "./match/rt.ts";
import { sctp } from "./match/sctp.ts";
import { set } from "./match/set.ts";
import { state } from "./match/state.ts";
import { statistic } from "./match/statistic.ts";
import { string } from "./match/string.ts";
import { tcp } from "./match/tcp.ts";
import { tcpmss } from "./match/tcpmss.ts";
import { time } from "./match/time.ts";
import { tos } from "./match/tos.ts";
import { ttl } from "./match/ttl.ts";
import { u32 } from "./match/u32.ts";
import { udp } from "./match/udp.ts";
import type { Family } from "./packet/hook.ts";
import type { MatchDeclaration, Registry, TargetDeclaration } from "./rules/extension.ts";
import { ACCEPT } from "./target/ACCEPT.ts";
import { AUDIT } from "./target/AUDIT.ts";
import { CHECKSUM } from "./target/CHECKSUM.ts";
import { CLASSIFY } from "./target/CLASSIFY.ts";
import { CONNMARK } from "./target/CONNMARK.ts";
import { CT } from "./target/CT.ts";
import { DNAT } from "./target/DNAT.ts";
import { DROP } from "./target/DROP.ts";
import { DSCP } from "./target/DSCP.ts";
import { ECN } from "./target/ECN.ts";
import { HL } from "./target/HL.ts";
import { LOG } from "./target/LOG.ts";
import { MARK } from "./target/MARK.ts";
import { MASQUERADE } from "./target/MASQUERADE.ts";
import { NETMAP } from "./target/NETMAP.ts";
import { NFLOG } from "./target/NFLOG.ts";
import { NFQUEUE } from "./target/NFQUEUE.ts";
import { NOTRACK } from "./target/NOTRACK.ts";
import { REDIRECT } from "./target/REDIRECT.ts";
import { REJECT } from "./target/REJECT.ts";
import { RETURN } from "./target/RETURN.ts";
import { SET } from "./target/SET.ts";
import { SNAT } from "./target/SNAT.ts";
import { TCPMSS } from "./target/TCPMSS.ts";
import { TCPOPTSTRIP } from "./target/TCPOPTSTRIP.ts";
import { TOS } from "./target/TOS.ts";
import { TRACE } from "./target/TRACE.ts";
import { TTL } from "./target/TTL.ts";

const MATCHES: readonly MatchDeclaration[] = [
  addrtype,
  ah4,
  ah6,
  comment,
  connbytes,
  connlimit,
  connmark,
  conntrack,
  dccp,
  dscp,
  dst,
  ecn,
  esp,
  eui64,
  frag,
  hashlimit,
  hbh,
  helper,
  hl,
  icmp,
  icmp6,
  iprange,
  ipv6header,
  length,
  limit,
  mac,
  mark,
  multiport,
  owner,
  physdev,
  pkttype,
  policy,
  quota,
  recent,
  rpfilter,
  rt,
  sctp,
  set,
  state,
  statistic,
  string,
  tcp,
  tcpmss,
  time,
  tos,
  ttl,
  u32,
  udp,
];

const TARGETS: readonly TargetDeclaration[] = [
  ACCEPT,
  AUDIT,
  CHECKSUM,
  CLASSIFY,
  CONNMARK,
  CT,
  DNAT,
  DROP,
  DSCP,
  ECN,
  HL,
  LOG,
  MARK,
  MASQUERADE,
  NETMAP,
  NFLOG,
  NFQUEUE,
  NOTRACK,
  REDIRECT,
  REJECT,
  RETURN,
  SET,
  SNAT,
  TCPMSS,
  TCPOPTSTRIP,
  TOS,
  TRACE,
  TTL,
];

/** A registry over these declarations; a name taken twice in one family is a mistake in the list and throws. */
export function registryOf(matches: readonly MatchDeclaration[], targets: readonly TargetDeclaration[]): Registry {
  const index = <D extends MatchDeclaration | TargetDeclaration>(list: readonly D[]) => {
    const byName: Record<Family, Map<string, D>> = { 4: new Map(), 6: new Map() };
    for (const d of list)
      for (const family of d.families) {
        if (byName[family].has(d.name)) throw new Error(`extension ${d.name} is registered twice for IPv${family}`);
        byName[family].set(d.name, d);
      }
    return (name: string, family: Family) => byName[family].get(name);
  };
  return { match: index(matches), target: index(targets), matches, targets };
}

export const registry: Registry = registryOf(MATCHES, TARGETS);
