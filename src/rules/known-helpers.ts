/**
 * The connection tracking helpers that Linux 6.18 has, with the protocols they are for: a rule that names none of them is
 * refused by the kernel. Which of them this version evaluates is helper/'s affair.
 */
import type { Family } from "../packet/hook.ts";
import { IPPROTO_TCP, IPPROTO_UDP } from "../packet/transport.ts";

const BOTH: readonly Family[] = [4, 6];
const IPV4: readonly Family[] = [4];

const KNOWN: readonly (readonly [name: string, families: readonly Family[], protocols: readonly number[]])[] = [
  ["amanda", BOTH, [IPPROTO_UDP]],
  ["ftp", BOTH, [IPPROTO_TCP]],
  ["H.245", BOTH, [IPPROTO_UDP]],
  ["irc", IPV4, [IPPROTO_TCP]],
  ["netbios-ns", IPV4, [IPPROTO_UDP]],
  ["pptp", IPV4, [IPPROTO_TCP]],
  ["Q.931", BOTH, [IPPROTO_TCP]],
  ["RAS", BOTH, [IPPROTO_UDP]],
  ["sane", BOTH, [IPPROTO_TCP]],
  ["sip", BOTH, [IPPROTO_TCP, IPPROTO_UDP]],
  ["snmp", IPV4, [IPPROTO_UDP]],
  ["snmp_trap", IPV4, [IPPROTO_UDP]],
  ["tftp", BOTH, [IPPROTO_UDP]],
];

/** nf_conntrack_helper_try_module_get */
export function hasHelper(name: string, family: Family, protocol: number): boolean {
  return KNOWN.some(
    ([known, families, protocols]) => known === name && families.includes(family) && protocols.includes(protocol),
  );
}
