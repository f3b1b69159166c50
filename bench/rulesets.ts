/**
 * Rulesets of any size for the benchmarks: N rules of four shapes that match none of the traffic, then one that
 * accepts. The work is all in finding out that nothing matches.
 */

export type RulesetKind = "last" | "first" | "nostate" | "nat";

/** iptables-save text. `first`: ESTABLISHED is accepted before the N rules; `nat`: MASQUERADE and 20 forwarded ports. */
export function rulesetText(count: number, kind: RulesetKind = "last"): string {
  const rules = Array.from({ length: count }, (_, i) => `-A FORWARD ${blocking(i)} -j DROP`);
  const accept = {
    last: "-m state --state NEW,ESTABLISHED -j ACCEPT",
    nat: "-m state --state NEW,ESTABLISHED -j ACCEPT",
    first: "-m state --state NEW,RELATED -j ACCEPT",
    nostate: "-j ACCEPT",
  }[kind];
  return [
    ...(kind === "nat" ? natTable() : []),
    "*filter",
    ":INPUT ACCEPT [0:0]",
    ":FORWARD DROP [0:0]",
    ":OUTPUT ACCEPT [0:0]",
    ...(kind === "first" ? ["-A FORWARD -m state --state ESTABLISHED -j ACCEPT"] : []),
    ...rules,
    `-A FORWARD ${accept}`,
    "COMMIT",
    "",
  ].join("\n");
}

/** Hosts, networks, and single ports, in turn; ports no workload uses. */
function blocking(i: number): string {
  const [high, low, port] = [(i >> 8) & 255, i & 255, 52000 + (i % 13000)];
  const quarter = i >> 2;
  switch (i % 4) {
    case 0:
      return `-s 172.16.${high}.${low}/32 -d 172.17.${low}.${high}/32 -p tcp -m tcp --dport ${port}`;
    case 1:
      return `-s 172.18.${quarter % 256}.0/24 -p udp -m udp --dport ${port}`;
    case 2:
      return `-d 172.20.${high}.${low}/32 -p tcp -m tcp --dport ${port}`;
    default: {
      const protocol = quarter % 2 === 1 ? "tcp" : "udp";
      return `-p ${protocol} -m ${protocol} --dport ${port}`;
    }
  }
}

function natTable(): string[] {
  const forwards = Array.from(
    { length: 20 },
    (_, k) =>
      `-A PREROUTING -d 203.0.113.${k + 1}/32 -p tcp -m tcp --dport ${8000 + k} -j DNAT --to-destination 192.168.100.${k + 1}:80`,
  );
  const chains = ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"].map((chain) => `:${chain} ACCEPT [0:0]`);
  return ["*nat", ...chains, ...forwards, "-A POSTROUTING -o tun1 -j MASQUERADE", "COMMIT"];
}
