/**
 * Protocol names and numbers of `-p` and its like: iptables' own short list first, then what /etc/protocols of Debian
 * knows (the IANA assignments). Source imitated: libxtables/xtables.c: xtables_chain_protos, xtables_parse_protocol.
 */
import { RuleError } from "./extension.ts";
import { parseNumber, U8_MAX } from "./numbers.ts";

/** In iptables' order: a number that has several names is printed with the first. */
const CHAIN_PROTOCOLS: readonly (readonly [name: string, number: number])[] = [
  ["tcp", 6],
  ["sctp", 132],
  ["udp", 17],
  ["udplite", 136],
  ["icmp", 1],
  ["ipv6-icmp", 58],
  ["icmpv6", 58],
  ["esp", 50],
  ["ah", 51],
  ["mobility-header", 135],
  ["ipv6-mh", 135],
  ["mh", 135],
  ["all", 0],
];

/** `number name alias…;` as in /etc/protocols. */
const ASSIGNED = `
  0 ip IP; 0 hopopt HOPOPT; 1 icmp ICMP; 2 igmp IGMP; 3 ggp GGP; 4 ipencap IP-ENCAP; 5 st ST; 6 tcp TCP; 8 egp EGP;
  9 igp IGP; 12 pup PUP; 17 udp UDP; 20 hmp HMP; 22 xns-idp XNS-IDP; 27 rdp RDP; 29 iso-tp4 ISO-TP4; 33 dccp DCCP;
  36 xtp XTP; 37 ddp DDP; 38 idpr-cmtp IDPR-CMTP; 41 ipv6 IPv6; 43 ipv6-route IPv6-Route; 44 ipv6-frag IPv6-Frag;
  45 idrp IDRP; 46 rsvp RSVP; 47 gre GRE; 50 esp IPSEC-ESP; 51 ah IPSEC-AH; 57 skip SKIP; 58 ipv6-icmp IPv6-ICMP;
  59 ipv6-nonxt IPv6-NoNxt; 60 ipv6-opts IPv6-Opts; 73 rspf RSPF CPHB; 81 vmtp VMTP; 88 eigrp EIGRP; 89 ospf OSPFIGP;
  93 ax.25 AX.25; 94 ipip IPIP; 97 etherip ETHERIP; 98 encap ENCAP; 103 pim PIM; 108 ipcomp IPCOMP; 112 vrrp VRRP;
  115 l2tp L2TP; 124 isis ISIS; 132 sctp SCTP; 133 fc FC; 135 mobility-header Mobility-Header; 136 udplite UDPLite;
  137 mpls-in-ip MPLS-in-IP; 138 manet; 139 hip HIP; 140 shim6 Shim6; 141 wesp WESP; 142 rohc ROHC;
  143 ethernet Ethernet; 262 mptcp MPTCP;
`;

const numbers = new Map<string, number>();
const names = new Map<number, string>();

for (const entry of ASSIGNED.split(";")) {
  const [number, ...all] = entry.trim().split(/\s+/);
  for (const name of all) if (!numbers.has(name)) numbers.set(name, Number(number));
  if (all.length > 0 && !names.has(Number(number))) names.set(Number(number), all[0]);
}
for (const [name, number] of CHAIN_PROTOCOLS) numbers.set(name, number);
for (const [name, number] of [...CHAIN_PROTOCOLS].reverse()) names.set(number, name);

/** A protocol's number, or null when there is no such name (getprotobyname and iptables' own list). */
export function protocolNamed(name: string): number | null {
  return numbers.get(name) ?? null;
}

/** A number or a name; throws iptables' sentence. A name's number above 255 (mptcp) is cut to 8 bits where it is stored. */
export function parseProtocol(text: string): number {
  const number = parseNumber(text, 0, U8_MAX) ?? protocolNamed(text);
  if (number === null) throw new RuleError(`unknown protocol "${text}" specified`);
  return number;
}

/** The name of a protocol, or null. */
export function nameOfProtocol(number: number): string | null {
  return names.get(number) ?? null;
}

/** The name that iptables-save prints for a protocol, or its number. */
export function printProtocol(number: number): string {
  return names.get(number) ?? String(number);
}
