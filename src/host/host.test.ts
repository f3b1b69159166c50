/** What a host can be built from, in every spelling, and the sentence for every mistake. */
import test from "ava";
import * as fc from "fast-check";
import { formatAddress } from "../bytes/address.ts";
import type { HostConfig } from "./config.ts";
import { HostError } from "./error.ts";
import { Host } from "./host.ts";

const addressesOf = (host: Host, name: string) =>
  host
    .interfaceNamed(name)
    ?.addresses.map((a) => `${formatAddress(a.words)}/${a.prefixLength}${a.secondary ? " secondary" : ""}`);

test("interfaces are a map or a list, addresses a text, a list or objects", (t) => {
  const forms: HostConfig["interfaces"][] = [
    { lan0: "10.0.0.1/24" },
    { lan0: ["10.0.0.1/24"] },
    { lan0: { addresses: ["10.0.0.1/24"] } },
    { lan0: { addresses: [{ address: "10.0.0.1/24" }] } },
    { lan0: [{ address: "10.0.0.1/24" }] },
    [{ name: "lan0", addresses: ["10.0.0.1/24"] }],
  ];
  for (const interfaces of forms) {
    const host = new Host({ interfaces });
    t.deepEqual(addressesOf(host, "lan0"), ["10.0.0.1/24"]);
    t.is(host.interfaceNamed("lan0")?.index, 2);
    t.deepEqual(addressesOf(host, "lo"), ["127.0.0.1/8", "::1/128"]);
  }
  t.is(new Host({ interfaces: { lan0: null } }).interfaceNamed("lan0")?.addresses.length, 0);
  t.is(new Host({ interfaces: { lo: "192.0.2.1", lan0: null } }).interfaceNamed("lo")?.index, 1);
  const lo = new Host({ interfaces: { lo: ["127.0.0.1/8", "::1/128", "192.0.2.1/32"] } });
  t.deepEqual(addressesOf(lo, "lo"), ["127.0.0.1/8", "192.0.2.1/32", "::1/128"]);
});

test("addresses are kept in the kernel's order", (t) => {
  const lan0 = [
    "10.1.0.1/16 scope link",
    "10.0.0.1/24",
    "10.0.0.2/24",
    "10.2.0.1",
    "fd00::1/64",
    "fe80::1/64",
    "fd00::2/64",
  ];
  t.deepEqual(addressesOf(new Host({ interfaces: { lan0 } }), "lan0"), [
    "10.1.0.1/16",
    "10.0.0.1/24",
    "10.2.0.1/32",
    "10.0.0.2/24 secondary",
    "fd00::2/64",
    "fd00::1/64",
    "fe80::1/64",
  ]);
});

test("a key that nobody reads is refused", (t) => {
  t.throws(() => new Host({ interface: { lan0: null } } as never), {
    message: 'a host has no "interface": it has interfaces, routes, sysctl, sets, owner, queues, seed',
  });
  t.throws(() => new Host({ interfaces: { lan0: { adresses: [] } } } as never), {
    message: 'interface lan0 has no "adresses": it has addresses, mac, mtu',
  });
});

test("sysctls are a flat map, a nested one, lines, or sysctl.conf text", (t) => {
  const forms: HostConfig["sysctl"][] = [
    { "net.ipv4.conf.eth0/100.rp_filter": 2, "net.netfilter.nf_conntrack_tcp_loose": false },
    { net: { ipv4: { conf: { "eth0.100": { rp_filter: "2" } } }, netfilter: { nf_conntrack_tcp_loose: 0 } } },
    { "net.ipv4": { conf: { "eth0.100": { rp_filter: 2 } } }, "net/netfilter/nf_conntrack_tcp_loose": 0 },
    ["net.ipv4.conf.eth0/100.rp_filter = 2", "net.netfilter.nf_conntrack_tcp_loose=0"],
    "# comment\nnet/ipv4/conf/eth0.100/rp_filter = 2\n-net.netfilter.nf_conntrack_tcp_loose = 0\n",
  ];
  for (const sysctl of forms) {
    const host = new Host({ interfaces: { "eth0.100": null }, sysctl });
    t.is(host.interfaceNamed("eth0.100")?.settings4.rpFilter, 2);
    t.is(host.sysctl.tcpLoose, 0);
    t.is(host.sysctl.get("net.ipv4.conf.eth0.100.rp_filter"), 2);
  }
});

test("routes are lines or a text, also as scripts write them", (t) => {
  const interfaces = { lan0: "10.0.0.1/24", wan0: ["203.0.113.1/24", "2001:db8::1/64"] };
  const forms: HostConfig["routes"][] = [
    ["default via 203.0.113.254 dev wan0", "default via fe80::1 dev wan0"],
    "default via 203.0.113.254 dev wan0 proto dhcp metric 0\n\n# the other family\n::/0 via fe80::1 dev wan0 pref medium",
    ["ip route add default via 203.0.113.254", "ip -6 route add default via fe80::1 dev wan0"],
    [
      "default via 203.0.113.254 dev wan0 onlink",
      "10.0.0.0/24 dev lan0 proto kernel scope link src 10.0.0.1",
      "default via fe80::1 dev wan0",
    ],
  ];
  for (const routes of forms) {
    const host = new Host({ interfaces, routes });
    t.is(formatAddress([host.route4(0x01010101, 0, 0, 0, 0).via0]), "203.0.113.254");
    t.is(host.route6(0x26000000, 0, 0, 1, 0, 0, 0, 0, 0, 0).dev, 3);
  }
});

const INTERFACES = { lan0: ["10.0.0.1/24", "fd00:1::1/64"], wan0: "203.0.113.1/24" };

const MISTAKES: readonly (readonly [HostConfig, string])[] = [
  [
    { interfaces: { lan0: "10.0.0.1/33" } },
    'address "10.0.0.1/33" of lan0: expected an address such as 192.0.2.1/24 or 2001:db8::1/64',
  ],
  [
    { interfaces: { lan0: "10.0.0.1/24 via 1.2.3.4" } },
    'address "10.0.0.1/24 via 1.2.3.4" of lan0: "via" is not understood',
  ],
  [{ interfaces: { lan0: "10.0.0.1/24 brd" } }, 'address "10.0.0.1/24 brd" of lan0: "brd" needs a value'],
  [{ interfaces: { lan0: ["10.0.0.1/24", "10.0.0.1/24"] } }, "address 10.0.0.1/24 is assigned to lan0 twice"],
  [{ interfaces: { lan0: ["fd00::1/64", "fd00::1/80"] } }, "address fd00::1 is assigned to lan0 twice"],
  [{ interfaces: { lan0: "ff02::1/64" } }, 'address "ff02::1/64" of lan0: a multicast address cannot be assigned'],
  [{ interfaces: { lan0: "::1/128" } }, 'address "::1/128" of lan0: ::1 can only be assigned to lo'],
  [
    { interfaces: { "a-name-that-is-too-long": null } },
    'interface name "a-name-that-is-too-long" is longer than 15 characters',
  ],
  [{ interfaces: { "a b": null } }, '"a b" cannot be the name of an interface'],
  [{ interfaces: [{ name: "a" }, { name: "a" }] }, "interface a is described twice"],
  [{ interfaces: { lan0: { mtu: 12 } } }, "mtu of lan0 must be a whole number from 68 to 65536, not 12"],
  [{ interfaces: { lan0: { mac: "02:00" } } }, 'mac of lan0 must look like 02:00:00:00:00:01, not "02:00"'],
  [
    { interfaces: INTERFACES, routes: ["default via 10.1.0.1"] },
    'route "default via 10.1.0.1": the gateway 10.1.0.1 cannot be reached directly',
  ],
  [
    { interfaces: INTERFACES, routes: ["default via 10.0.0.9 dev wan0"] },
    'route "default via 10.0.0.9 dev wan0": the gateway 10.0.0.9 cannot be reached directly by wan0',
  ],
  [{ interfaces: INTERFACES, routes: ["default dev eth7"] }, 'route "default dev eth7": there is no interface eth7'],
  [
    { interfaces: INTERFACES, routes: ["10.0.0.5/24 dev lan0"] },
    'route "10.0.0.5/24 dev lan0": 10.0.0.5 has bits beyond its prefix length 24',
  ],
  [
    { interfaces: INTERFACES, routes: ["default dev wan0", "default via 10.0.0.9"] },
    'route "default via 10.0.0.9": there is a route to this prefix with this metric already',
  ],
  ...["default dev wan0", "default via fd00:1::9 dev lan0"].map((route): [HostConfig, string] => [
    { interfaces: { lan0: ["10.0.0.1/24", "fd00:1::1/64"], wan0: ["203.0.113.1/24"] }, routes: [route, route] },
    `route "${route}": there is a route to this prefix with this metric already`,
  ]),
  [
    { interfaces: INTERFACES, routes: ["default dev wan0 src 10.0.0.9"] },
    'route "default dev wan0 src 10.0.0.9": 10.0.0.9 is not an address of this host',
  ],
  [
    { interfaces: INTERFACES, routes: ["blackhole 10.1.0.0/16 dev lan0"] },
    'route "blackhole 10.1.0.0/16 dev lan0": a route of this type leads nowhere: it cannot have a gateway or a device',
  ],
  [
    { interfaces: INTERFACES, routes: ["default nexthop via 10.0.0.9 weight 1"] },
    'route "default nexthop via 10.0.0.9 weight 1": multipath routes are not evaluated: give one next hop',
  ],
  [
    { interfaces: INTERFACES, routes: ["default dev wan0 table 100"] },
    'route "default dev wan0 table 100": only the tables main and local are evaluated, not "100"',
  ],
  [
    { interfaces: INTERFACES, routes: ["default dev wan0 tos 0x10"] },
    'route "default dev wan0 tos 0x10": routes by TOS are not evaluated',
  ],
  [
    { interfaces: INTERFACES, routes: ["dfault dev wan0"] },
    'route "dfault dev wan0": "dfault" is neither a prefix nor "default"',
  ],
  [
    { interfaces: INTERFACES, routes: ["default dev wan0 metrik 5"] },
    'route "default dev wan0 metrik 5": "metrik" is not understood',
  ],
  [
    { interfaces: INTERFACES, routes: ["2001:db8::/32 via 10.0.0.9"] },
    'route "2001:db8::/32 via 10.0.0.9": an IPv6 route cannot have an IPv4 gateway',
  ],
  [
    { interfaces: INTERFACES, routes: ["default via fe80::1"] },
    'route "default via fe80::1": a link-local gateway needs a device',
  ],
  [
    { interfaces: INTERFACES, routes: ["default via fd00:1::1 dev lan0"] },
    'route "default via fd00:1::1 dev lan0": the gateway fd00:1::1 is an address of this host',
  ],
  [
    { interfaces: INTERFACES, routes: ["default via fd00:2::1 dev lan0"] },
    'route "default via fd00:2::1 dev lan0": the gateway fd00:2::1 cannot be reached directly by lan0',
  ],
  [{ seed: 1.5 }, "seed must be a whole number, not 1.5"],
  [
    { sysctl: { "net.ipv4.conf.eth7.rp_filter": 1 } },
    "sysctl net.ipv4.conf.eth7.rp_filter: there is no interface eth7",
  ],
  [
    { sysctl: { "net.ipv4.ip_forwarding": 1 } },
    "there is no sysctl net.ipv4.ip_forwarding; the nearest is net.ipv4.ip_forward",
  ],
  [
    { sysctl: { "net.netfilter.nf_conntrack_tcp_timeout_estabished": 1 } },
    "there is no sysctl net.netfilter.nf_conntrack_tcp_timeout_estabished; the nearest is net.netfilter.nf_conntrack_tcp_timeout_established",
  ],
  [{ sysctl: { "kernel.panic": 1 } }, "there is no sysctl kernel.panic"],
  [
    { sysctl: { "net.netfilter.nf_conntrack_tcp_loose": 2 } },
    "net.netfilter.nf_conntrack_tcp_loose takes numbers from 0 to 1, not 2",
  ],
  [
    { sysctl: { "net.netfilter.nf_conntrack_udp_timeout": 8589935 } },
    "net.netfilter.nf_conntrack_udp_timeout takes numbers from -8589934 to 8589934, not 8589935",
  ],
  [
    { sysctl: { "net.netfilter.nf_conntrack_udp_timeout": "soon" } },
    'net.netfilter.nf_conntrack_udp_timeout takes a whole number, not "soon"',
  ],
  [{ sysctl: { "net.netfilter.nf_conntrack_count": 5 } }, "net.netfilter.nf_conntrack_count cannot be written"],
  [
    { sysctl: { "net.ipv6.conf.all.seg6_enabled": 1 } },
    "net.ipv6.conf.all.seg6_enabled = 1 is not evaluated: only 0 is",
  ],
  [
    { interfaces: INTERFACES, sysctl: { "net.ipv6.conf.lan0.mtu": 1501 } },
    "net.ipv6.conf.lan0.mtu takes numbers from 1280 to 1500, not 1501",
  ],
];

for (const [config, sentence] of MISTAKES)
  test(`refused: ${sentence}`, (t) => {
    t.is(t.throws(() => new Host(config), { instanceOf: HostError })?.message, sentence);
  });

test("sysctls: defaults, the baseline, and how all, default and devices hang together", (t) => {
  const { sysctl, interfaces } = new Host({ interfaces: { a0: "10.0.0.1/24", b0: null } });
  const [, lo, a0, b0] = interfaces;
  t.is(sysctl.get("net.netfilter.nf_conntrack_tcp_timeout_established"), 432000);
  t.is(sysctl.get("net.nf_conntrack_max"), 262144);
  t.is(sysctl.get("net.ipv4.ip_forward"), 1);
  t.is(sysctl.get("net.ipv4.tcp_rmem"), "4096 131072 33554432");
  t.is(sysctl.get("net.ipv6.icmp.ratelimit"), 100);
  t.true([lo, a0, b0].every((device) => device.settings4.forwarding && device.settings4.rpFilter === 0));
  sysctl.set("net.ipv4.conf.all.rp_filter", 1);
  sysctl.set("net.ipv4.conf.a0.rp_filter", 2);
  t.deepEqual(
    [lo, a0, b0].map((device) => device.settings4.rpFilter),
    [1, 2, 1],
  );
  // A device with an address has settled; one without still follows `default`.
  sysctl.set("net.ipv4.conf.default.accept_local", 1);
  t.deepEqual(
    [a0, b0].map((device) => device.settings4.acceptLocal),
    [false, true],
  );
  sysctl.set("net.ipv4.conf.*.route_localnet", 1);
  t.is(sysctl.get("net.ipv4.conf.default.route_localnet"), 1);
  sysctl.set("net.ipv4.conf.all.forwarding", 0);
  t.is(sysctl.get("net.ipv4.ip_forward"), 0);
  t.is(sysctl.get("net.ipv4.conf.b0.accept_redirects"), 1);
  t.false(b0.settings4.forwarding);
  sysctl.set("net.ipv6.conf.a0.forwarding", 0);
  t.is(sysctl.forwarding6, 1);
  t.false(a0.settings6.forwarding);
  sysctl.set("net.ipv6.conf.all.disable_ipv6", 1);
  t.true(b0.settings6.disabled);
  sysctl.set("net.ipv4.icmp_ratelimit", 1);
  t.is(sysctl.icmpRatelimit, 4, "milliseconds are rounded up to the tick");
  sysctl.set("net.netfilter.nf_conntrack_udp_timeout", "0x10");
  t.is(sysctl.udpTimeout, 16);
});

test("every conntrack field of Sysctl is a key, and every key with a field exists", async (t) => {
  const { NETFILTER, IPV4, IPV6 } = await import("./sysctl-keys.ts");
  const { sysctl } = new Host();
  for (const [area, keys] of [
    ["netfilter", NETFILTER],
    ["ipv4", IPV4],
    ["ipv6", IPV6],
  ] as const)
    for (const [name, key] of keys) {
      t.is(String(sysctl.get(`net/${area}/${name}`)), name === "ip_forward" ? "1" : key.initial, name);
      if (key.field !== null) t.is(typeof (sysctl as unknown as Record<string, unknown>)[key.field], "number", name);
    }
});

test("whatever is written, it is a host or a HostError", (t) => {
  const words =
    "default 10.0.0.0/8 10.0.0.1/24 fd00::/64 fe80::1 via dev lan0 lo src metric table local onlink mtu lock blackhole unreachable throw scope link peer brd + / : 255.255.255.255 0 -1 0x10 net.ipv4.ip_forward net.ipv4.conf.lan0.rp_filter inet6 = * conf";
  const text = fc
    .array(fc.oneof(fc.constantFrom(...words.split(" ")), fc.string({ maxLength: 6 })), { maxLength: 8 })
    .map((list) => list.join(" "));
  const interfaces = { lan0: ["10.0.0.1/24", "fd00::1/64"] };
  fc.assert(
    fc.property(text, (line) => {
      const configs: HostConfig[] = [
        { interfaces: { lan0: line } },
        { interfaces, routes: [line] },
        { interfaces, sysctl: [line] },
        { interfaces, sets: line },
        { interfaces: { [line]: null } },
      ];
      for (const config of configs)
        try {
          const host = new Host(config);
          host.input4(0x0a000005, 0x0a000007, 2, 0, 0);
          host.route6(0x20010db8, 0, 0, 1, 0, 0, 0, 0, 0, 0);
        } catch (error) {
          if (!(error instanceof HostError)) throw error;
        }
    }),
    { numRuns: 400, seed: 7 },
  );
  t.pass();
});
