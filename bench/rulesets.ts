/**
 * Rulesets of any size for the benchmarks: N rules of four shapes that match none of the traffic, then one that
 * accepts. The work is all in finding out that nothing matches.
 */

export type RulesetKind = "last" | "first" | "nostate" | "nat" | "mixed" | "services";

/** iptables-save text. `first`: ESTABLISHED is accepted before the N rules; `nat`: MASQUERADE and 20 forwarded ports. */
export function rulesetText(count: number, kind: RulesetKind = "last"): string {
  if (kind === "services") return servicesText(count);
  const rules = Array.from({ length: count }, (_, i) =>
    kind === "mixed" ? `-A FORWARD ${various(i)}` : `-A FORWARD ${blocking(i)} -j DROP`,
  );
  const accept = {
    last: "-m state --state NEW,ESTABLISHED -j ACCEPT",
    nat: "-m state --state NEW,ESTABLISHED -j ACCEPT",
    first: "-m state --state NEW,RELATED -j ACCEPT",
    nostate: "-j ACCEPT",
    mixed: "-m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
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

/** `mixed`: one rule each of the sorts that long rulesets of hand-kept firewalls are made of. */
function various(i: number): string {
  const address = `172.${16 + ((i >> 16) & 15)}.${(i >> 8) & 255}.${i & 255}`;
  const port = 52000 + (i % 13000);
  switch (i % 6) {
    case 0:
      return `-s ${address}/32 -i tun0 -p tcp -m tcp --dport ${port} -m comment --comment "rule ${i}" -j DROP`;
    case 1:
      return `-d ${address}/32 -p tcp -m multiport --dports 22,80,${port}:${port + 5} -m conntrack --ctstate NEW -j DROP`;
    case 2:
      return `-s ${address}/32 -o tun1 -p udp -m udp --dport 53 -m limit --limit 10/sec --limit-burst 20 -j ACCEPT`;
    case 3:
      return `-m iprange --src-range ${address}-${address} -j DROP`;
    case 4:
      return `-s ${address}/32 ! -d 10.0.0.0/8 -m mark --mark 0x${(i % 999) + 1} -j REJECT --reject-with icmp-host-prohibited`;
    default:
      return `-d ${address}/32 -p tcp -m tcp --dport ${port} --tcp-flags SYN,ACK SYN -j LOG --log-prefix "new ${i % 100}: "`;
  }
}

/** `services`: chains and rules as a cluster's service proxy makes them, eight rules a service. */
function servicesText(count: number): string {
  const chains: string[] = ["SERVICES", "MARK-MASQ"];
  const rules = [
    "-A PREROUTING -j SERVICES",
    "-A OUTPUT -j SERVICES",
    "-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE",
    "-A MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
  ];
  for (let s = 0; rules.length < count; s++) {
    const name = `-m comment --comment "ns-${s % 40}/svc-${s}:http"`;
    const cluster = `-d 10.96.${(s >> 8) & 255}.${s & 255}/32 -p tcp ${name} -m tcp --dport 80`;
    chains.push(`SVC-${s}`);
    rules.push(`-A SERVICES ${cluster} -j SVC-${s}`, `-A SVC-${s} ! -s 10.244.0.0/16 ${cluster} -j MARK-MASQ`);
    for (let e = 0; e < 2; e++) {
      const pod = `10.244.${(s >> 7) & 255}.${((s << 1) & 255) + e}`;
      const chance = e === 0 ? " -m statistic --mode random --probability 0.50000000000" : "";
      chains.push(`SEP-${s}-${e}`);
      rules.push(
        `-A SVC-${s} ${name}${chance} -j SEP-${s}-${e}`,
        `-A SEP-${s}-${e} -s ${pod}/32 ${name} -j MARK-MASQ`,
        `-A SEP-${s}-${e} -p tcp ${name} -m tcp -j DNAT --to-destination ${pod}:8080`,
      );
    }
  }
  const base = ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"].map((chain) => `:${chain} ACCEPT [0:0]`);
  return ["*nat", ...base, ...chains.map((chain) => `:${chain} - [0:0]`), ...rules, "COMMIT", ""].join("\n");
}
