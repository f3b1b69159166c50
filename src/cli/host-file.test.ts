/** host.yaml: what is taken, and where each mistake is said to be. */
import test from "ava";
import { loadHostFile } from "./host-file.ts";

const problems = (text: string) =>
  loadHostFile(text, "host.yaml").problems.map((p) => `${p.line}:${p.column}+${p.length} ${p.message}`);

test("a whole host", (t) => {
  const text = `
interfaces:
  lan0: {addresses: [10.0.0.1/24], mac: 02:00:00:00:00:01, mtu: 1500}
  wan0: [203.0.113.1/24, "2001:db8::1/64"]
  tun0: 10.9.0.1/30
  x0:
routes:
  - default via 203.0.113.254
sysctl:
  net.ipv4.ip_forward: 1
  net: {ipv4: {conf: {all: {rp_filter: 1}}}}
sets: |
  create a hash:ip
  add a 1.2.3.4
owner: {uid: 1000, gid: 100, groups: [4, 27]}
queues: none
seed: 5
`;
  t.deepEqual(problems(text), []);
  const { config } = loadHostFile(text, "host.yaml");
  t.deepEqual(Object.keys(config.interfaces ?? {}), ["lan0", "wan0", "tun0", "x0"]);
  t.is(config.seed, 5);
  t.is(config.queues, "none");
  t.deepEqual(config.owner, { uid: 1000, gid: 100, groups: [4, 27] });
});

test("JSON, tabs and all; an empty file is an empty host", (t) => {
  t.deepEqual(loadHostFile('{\n\t"interfaces": {"lan0": ["10.0.0.1/24"]}\n}', "host.json"), {
    config: { interfaces: { lan0: ["10.0.0.1/24"] } },
    problems: [],
  });
  t.deepEqual(loadHostFile("", "host.yaml"), { config: {}, problems: [] });
});

const MISTAKES: readonly (readonly [string, readonly string[]])[] = [
  ["- a", ["1:1+1 expected a map with interfaces, routes, sysctl, sets, owner, queues, seed"]],
  [
    "sysctls: {}",
    ['1:1+7 there is no "sysctls" here: a host has interfaces, routes, sysctl, sets, owner, queues and seed'],
  ],
  [
    "seed: x\nroutes: 7",
    [
      "1:7+1 seed: expected a whole number",
      "2:9+1 routes: expected routes in ip route syntax: a list, or a text with one per line",
    ],
  ],
  ["owner: {uid: x, gid: 5}", ["1:14+1 owner.uid: expected a user's number"]],
  ["owner: {uid: -1, gid: 5}", ["1:8+1 owner must be {uid, gid, groups} with numbers from 0 to 4294967294, not -1"]],
  ["queues: 7", ["1:9+1 queues: expected none, or nothing"]],
  ["interfaces:\n  a: 5", ["2:6+1 interfaces.a: expected addresses, or {addresses, mac, mtu}"]],
  [
    "interfaces:\n  a: {addresses: [10.0.0.1/24, 5], mtus: 1}",
    [
      "2:32+1 interfaces.a.addresses.1: expected an address such as 192.0.2.1/24, or {address, peer, broadcast}",
      '2:36+4 there is no "mtus" here: an interface has addresses, mac and mtu',
    ],
  ],
  [
    "interfaces:\n  a: {mac: 02:00}\n  b: [10.0.0.1/33]",
    [
      '2:12+5 mac of a must look like 02:00:00:00:00:01, not "02:00"',
      '3:7+11 address "10.0.0.1/33" of b: expected an address such as 192.0.2.1/24 or 2001:db8::1/64',
    ],
  ],
  [
    "interfaces: {a: 10.0.0.1/24}\nroutes: |\n  default via 1.2.3.4\n  10.5.0.0/16 via 10.0.0.9\n  10.6.0.0/16 dev b\n",
    [
      '3:3+19 route "default via 1.2.3.4": the gateway 1.2.3.4 cannot be reached directly',
      '5:3+17 route "10.6.0.0/16 dev b": there is no interface b',
    ],
  ],
  [
    `interfaces: {a: 10.0.0.1/24}\nroutes:\n${Array.from({ length: 2000 }, (_, i) => `  - 10.${1 + (i >> 8)}.${i & 255}.0/24 via 10.0.${i % 700 === 9 ? 1 : 0}.9\n`).join("")}`,
    [
      '12:5+24 route "10.1.9.0/24 via 10.0.1.9": the gateway 10.0.1.9 cannot be reached directly',
      '712:5+26 route "10.3.197.0/24 via 10.0.1.9": the gateway 10.0.1.9 cannot be reached directly',
      '1412:5+26 route "10.6.129.0/24 via 10.0.1.9": the gateway 10.0.1.9 cannot be reached directly',
    ],
  ],
  [
    "sysctl:\n  net.ipv4.ip_forwad: 1\n  net:\n    netfilter:\n      nf_conntrack_tcp_loose: 7\n",
    [
      "2:3+18 there is no sysctl net.ipv4.ip_forwad; the nearest is net.ipv4.ip_forward",
      "5:7+25 net.netfilter.nf_conntrack_tcp_loose takes numbers from 0 to 1, not 7",
    ],
  ],
  [
    "sets:\n  - create a hash:ip\n  - add b 1.2.3.4\n",
    ["3:5+13 sets: line 2: The set with the given name does not exist"],
  ],
  ["a: 1\na: 2", ["2:1+1 YAML: Map keys must be unique"]],
  ["{}\n---\n{}", ["2:1+6 YAML: one host is expected, and another document begins here"]],
  ["routes:\n  - 5", ["2:5+1 routes.0: expected a line of text"]],
  [
    "interfaces:\n  a/b: 10.0.0.1/24\n  c: {addresses: 10.0.0.1/24, mtu: 10}\n  d: [10.0.0.2/24, 10.0.0.2/24]",
    [
      '2:3+3 "a/b" cannot be the name of an interface',
      "3:31+3 mtu of c must be a whole number from 68 to 65536, not 10",
      "4:7+11 address 10.0.0.2/24 is assigned to d twice",
    ],
  ],
];

for (const [text, sentences] of MISTAKES)
  test(`mistakes: ${JSON.stringify(text)}`, (t) => {
    t.deepEqual(problems(text), sentences);
  });
