/**
 * Routing decisions beside the answers of Linux 6.18 (RTM_GETROUTE in a namespace with the same devices, addresses,
 * routes and settings): `in DEVICE SOURCE > DESTINATION` for a received packet, `out [DEVICE] > DESTINATION` for one of
 * the host's own.
 */
import test from "ava";
import { formatAddress, formatIpv4, parseAddress, parseIpv4 } from "../bytes/address.ts";
import type { HostConfig } from "./config.ts";
import { Host } from "./host.ts";
import { EACCES, EHOSTUNREACH, EINVAL, ENETUNREACH, ROUTE_TYPE_NAMES, type Route, RTN_UNICAST } from "./route.ts";

const ERRORS: Readonly<Record<number, string>> = {
  [EACCES]: "EACCES",
  [EINVAL]: "EINVAL",
  [EHOSTUNREACH]: "EHOSTUNREACH",
  [ENETUNREACH]: "ENETUNREACH",
};

const RECORDED: readonly { readonly name: string; readonly host: HostConfig; readonly answers: string }[] = [
  {
    name: "router",
    host: {
      interfaces: { lan0: ["10.0.0.1/24", "10.0.0.2/24", "fd00:1::1/64"], wan0: ["203.0.113.1/24", "2001:db8::1/64"] },
      routes: ["default via 203.0.113.254", "172.16.0.0/12 via 10.0.0.9", "default via 2001:db8::fe dev wan0"],
      sysctl: {},
    },
    answers: `
      in lan0 10.0.0.77 > 10.0.0.0 = unicast lan0
      in lan0 203.0.113.1 > 10.0.0.0 = EINVAL
      in lan0 255.255.255.255 > 10.0.0.0 = EINVAL
      in wan0 0.1.2.3 > 10.0.0.1 = local
      in wan0 0.0.0.0 > 10.0.0.1 = EINVAL
      in lan0 203.0.113.77 > 10.0.0.9 = unicast lan0
      in lan0 203.0.113.77 > 10.5.0.1 = unicast wan0 via 203.0.113.254
      in wan0 224.0.0.1 > 10.5.0.1 = EINVAL
      in wan0 8.8.4.4 > 10.67.1.1 = unicast wan0 via 203.0.113.254
      in lan0 255.255.255.255 > 10.68.1.1 = EINVAL
      in wan0 10.0.0.77 > 10.69.1.1 = unicast wan0 via 203.0.113.254
      in wan0 224.0.0.1 > 10.69.1.1 = EINVAL
      in lan0 10.0.0.77 > 10.70.1.1 = unicast wan0 via 203.0.113.254
      in lan0 10.0.0.77 > 10.70.5.1 = unicast wan0 via 203.0.113.254
      in lan0 127.0.0.1 > 10.70.5.1 = EINVAL
      in lan0 255.255.255.255 > 127.0.0.9 = EINVAL
      in wan0 255.255.255.255 > 203.0.113.255 = EINVAL
      in wan0 10.0.0.77 > 224.0.0.9 = EINVAL
      in wan0 0.0.0.0 > 240.0.0.1 = EINVAL
      in lan0 10.0.0.255 > 240.0.0.1 = unicast wan0 via 203.0.113.254
      in lan0 10.0.0.77 > 240.0.0.1 = unicast wan0 via 203.0.113.254
      in lan0 10.0.0.77 > 255.255.255.255 = broadcast
      in wan0 10.0.0.77 > 255.255.255.255 = broadcast
      in lan0 10.0.0.77 > 8.8.8.8 = unicast wan0 via 203.0.113.254
      in wan0 10.68.1.1 > 8.8.8.8 = unicast wan0 via 203.0.113.254
      out wan0 > 0.0.0.0 = local lo src 203.0.113.1
      out lan0 > 10.0.0.0 = unicast lan0 src 10.0.0.1
      out > 10.0.0.1 = local lo src 10.0.0.1
      out lan0 > 10.0.0.255 = broadcast lan0 src 10.0.0.1
      out > 10.66.1.1 = unicast wan0 via 203.0.113.254 src 203.0.113.1
      out lan0 > 172.16.5.5 = unicast lan0 via 10.0.0.9 src 10.0.0.1
      out > 203.0.113.1 = local lo src 203.0.113.1
      out lan0 > 203.0.113.255 = unicast lan0 src 10.0.0.1
      out > 240.0.0.1 = unicast wan0 via 203.0.113.254 src 203.0.113.1
      in lan0 fd00:1::77 > 2001:db8::9 = unicast wan0
      in lan0 fd00:1::77 > fd00:1::1 = local
      in wan0 fd00:1::77 > fd00:2::9 = unicast wan0 via 2001:db8::fe
      in lan0 fd00:1::77 > fe80::a = ENETUNREACH
      in lan0 fd00:1::77 > fec0::5 = unicast wan0 via 2001:db8::fe
      out > 2001:db8::9 = unicast wan0 src 2001:db8::1
      out lan0 > ::ffff:1.2.3.4 = ENETUNREACH
      out > fd00:1:: = anycast src fd00:1::1
      out > fd00:1::1 = local src fd00:1::1
      out wan0 > fd67::1 = unicast wan0 via 2001:db8::fe src 2001:db8::1
      out > fd69::1 = unicast wan0 via 2001:db8::fe src 2001:db8::1
      out > fe80::a = unicast wan0 via 2001:db8::fe src 2001:db8::1
    `,
  },
  {
    name: "rejects",
    host: {
      interfaces: { lan0: ["10.0.0.1/24", "fd00:1::1/64"], wan0: ["203.0.113.1/24"] },
      routes: [
        "blackhole 10.66.0.0/16",
        "unreachable 10.67.0.0/16",
        "prohibit 10.68.0.0/16",
        "throw 10.69.0.0/16",
        "blackhole fd66::/16",
        "unreachable fd67::/16",
        "prohibit fd68::/16",
        "throw fd69::/16",
        "fd70::/16 dev lo",
        "local 10.70.0.0/16 dev lo",
        "10.70.5.0/24 dev wan0",
      ],
      sysctl: {},
    },
    answers: `
      in lan0 0.1.2.3 > 10.0.0.0 = unicast lan0
      in lan0 127.0.0.1 > 10.0.0.1 = EINVAL
      in lan0 0.1.2.3 > 10.0.0.255 = broadcast
      in lan0 10.0.0.77 > 10.0.0.255 = broadcast
      in lan0 224.0.0.1 > 10.0.0.9 = EINVAL
      in wan0 0.0.0.0 > 10.1.0.5 = EINVAL
      in lan0 10.0.0.1 > 10.66.1.1 = EINVAL
      in wan0 203.0.113.77 > 10.67.1.1 = EHOSTUNREACH
      in lan0 10.68.1.1 > 10.69.1.1 = ENETUNREACH
      in wan0 10.0.0.77 > 10.70.1.1 = local
      in lan0 224.0.0.1 > 172.16.5.5 = EINVAL
      in lan0 0.0.0.0 > 203.0.113.9 = EINVAL
      in lan0 10.0.0.255 > 203.0.113.9 = EINVAL
      in lan0 255.255.255.255 > 203.0.113.9 = EINVAL
      in lan0 10.0.0.77 > 224.0.0.1 = multicast
      in wan0 10.0.0.77 > 240.0.0.1 = ENETUNREACH
      in lan0 203.0.113.77 > 240.0.0.1 = ENETUNREACH
      in lan0 255.255.255.255 > 255.255.255.255 = EINVAL
      in wan0 0.1.2.3 > 8.8.8.8 = ENETUNREACH
      in lan0 0.0.0.0 > 8.8.8.8 = EINVAL
      in wan0 255.255.255.255 > 8.8.8.8 = EINVAL
      out > 10.0.0.255 = broadcast lan0 src 10.0.0.1
      out > 10.1.0.5 = ENETUNREACH
      out > 10.2.0.9 = ENETUNREACH
      out > 10.3.0.1 = ENETUNREACH
      out wan0 > 10.5.0.1 = unicast wan0 src 203.0.113.1
      out wan0 > 10.68.1.1 = unicast wan0 src 203.0.113.1
      out > 10.69.1.1 = ENETUNREACH
      out lan0 > 10.9.0.1 = unicast lan0 src 10.0.0.1
      out wan0 > 203.0.113.255 = broadcast wan0 src 203.0.113.1
      out > 224.0.0.1 = ENETUNREACH
      in wan0 fd00:1::77 > 2001:db8:9::1 = ENETUNREACH
      in lan0 fd00:1::77 > 2001:db8::9 = ENETUNREACH
      in wan0 fd00:1::77 > 2600::1 = ENETUNREACH
      in lan0 fd00:1::77 > fd00:1:: = anycast
      in lan0 fd00:1::77 > fe80::a = ENETUNREACH
      in wan0 fd00:1::77 > fec0::5 = ENETUNREACH
      out > 2001:db8:9::1 = ENETUNREACH
      out > 2002:a00::5 = ENETUNREACH
      out > fd00:1:: = anycast src fd00:1::1
      out > fd00:1::1 = local src fd00:1::1
      out > fd00:3::1 = ENETUNREACH
      out > fd69::1 = ENETUNREACH
      out lan0 > fe80::77 = ENETUNREACH
      out > fe80::77 = ENETUNREACH
      out > fec0::5 = ENETUNREACH
    `,
  },
  {
    name: "strict",
    host: {
      interfaces: { lan0: ["10.0.0.1/24"], wan0: ["203.0.113.1/24"], bare0: [] },
      routes: ["default dev wan0"],
      sysctl: {
        "net.ipv4.conf.lan0.rp_filter": 1,
        "net.ipv4.conf.wan0.rp_filter": 2,
        "net.ipv4.conf.bare0.rp_filter": 2,
      },
    },
    answers: `
      in wan0 10.0.0.77 > 10.0.0.1 = local
      in wan0 127.0.0.1 > 10.0.0.1 = EINVAL
      in wan0 10.0.0.1 > 10.0.0.2 = EINVAL
      in bare0 10.0.0.77 > 10.0.0.255 = EINVAL
      in lan0 203.0.113.77 > 10.2.0.9 = EINVAL
      in lan0 10.0.0.77 > 10.3.0.1 = unicast wan0
      in lan0 10.0.0.1 > 10.5.0.1 = EINVAL
      in wan0 10.0.0.77 > 10.5.0.1 = unicast wan0
      in bare0 10.0.0.77 > 10.5.0.1 = EINVAL
      in bare0 10.68.1.1 > 10.66.1.1 = EINVAL
      in wan0 203.0.113.77 > 10.67.1.1 = unicast wan0
      in lan0 10.0.0.77 > 10.70.1.1 = unicast wan0
      in bare0 10.0.0.77 > 10.9.0.1 = EINVAL
      in lan0 203.0.113.1 > 10.9.1.1 = EINVAL
      in lan0 203.0.113.77 > 10.9.1.1 = EINVAL
      in wan0 203.0.113.77 > 127.0.0.9 = EINVAL
      in lan0 10.0.0.77 > 172.16.5.5 = unicast wan0
      in bare0 0.1.2.3 > 198.51.100.1 = EINVAL
      in lan0 255.255.255.255 > 203.0.113.1 = EINVAL
      in wan0 10.0.0.77 > 203.0.113.255 = broadcast
      in lan0 203.0.113.77 > 203.0.113.9 = EINVAL
      in wan0 224.0.0.1 > 203.0.113.9 = EINVAL
      in wan0 203.0.113.1 > 224.0.0.1 = EINVAL
      in bare0 0.0.0.0 > 224.0.0.1 = multicast
      in lan0 10.0.0.77 > 224.0.0.1 = multicast
      in lan0 10.0.0.1 > 224.0.0.9 = EINVAL
      in lan0 8.8.4.4 > 224.0.0.9 = EINVAL
      in wan0 203.0.113.77 > 255.255.255.255 = broadcast
      in wan0 10.0.0.255 > 255.255.255.255 = EINVAL
      in lan0 10.68.1.1 > 8.8.8.8 = EINVAL
      in lan0 203.0.113.1 > 8.8.8.8 = EINVAL
      in wan0 10.0.0.77 > 8.8.8.8 = unicast wan0
      in lan0 10.0.0.1 > 8.8.8.8 = EINVAL
      in bare0 127.0.0.1 > 8.8.8.8 = EINVAL
      out > 0.1.2.3 = unicast wan0 src 203.0.113.1
      out > 10.0.0.2 = unicast lan0 src 10.0.0.1
      out wan0 > 10.1.0.5 = unicast wan0 src 203.0.113.1
      out > 10.1.0.5 = unicast wan0 src 203.0.113.1
      out wan0 > 10.3.0.1 = unicast wan0 src 203.0.113.1
      out > 10.66.1.1 = unicast wan0 src 203.0.113.1
      out bare0 > 10.9.0.1 = unicast bare0 src 10.0.0.1
      out > 127.0.0.1 = local lo src 127.0.0.1
      out wan0 > 127.0.0.1 = unicast wan0 src 203.0.113.1
      out > 203.0.113.1 = local lo src 203.0.113.1
      out > 203.0.113.255 = broadcast wan0 src 203.0.113.1
      out > 224.0.0.1 = multicast wan0 src 203.0.113.1
    `,
  },
  {
    name: "lenient",
    host: {
      interfaces: { lan0: ["10.0.0.1/24"], wan0: ["203.0.113.1/24"] },
      routes: [],
      sysctl: { "net.ipv4.conf.all.accept_local": 1, "net.ipv4.conf.lan0.route_localnet": 1 },
    },
    answers: `
      in lan0 203.0.113.1 > 0.0.0.0 = EINVAL
      in lan0 10.0.0.77 > 0.0.0.0 = EINVAL
      in wan0 10.0.0.77 > 10.0.0.0 = unicast lan0
      in lan0 0.1.2.3 > 10.0.0.1 = local
      in wan0 224.0.0.1 > 10.0.0.1 = EINVAL
      in wan0 10.0.0.77 > 10.0.0.2 = unicast lan0
      in wan0 255.255.255.255 > 10.0.0.2 = EINVAL
      in wan0 0.1.2.3 > 10.0.0.3 = unicast lan0
      in lan0 255.255.255.255 > 10.0.0.3 = EINVAL
      in lan0 8.8.4.4 > 10.0.0.9 = unicast lan0
      in wan0 127.0.0.1 > 10.3.0.1 = EINVAL
      in wan0 0.0.0.0 > 10.5.0.1 = EINVAL
      in wan0 10.68.1.1 > 10.5.0.1 = ENETUNREACH
      in lan0 10.0.0.1 > 10.68.1.1 = ENETUNREACH
      in lan0 10.0.0.77 > 10.68.1.1 = ENETUNREACH
      in lan0 203.0.113.77 > 10.69.1.1 = ENETUNREACH
      in lan0 10.0.0.77 > 10.69.1.1 = ENETUNREACH
      in wan0 10.0.0.77 > 10.69.1.1 = ENETUNREACH
      in wan0 10.0.0.77 > 10.70.5.1 = ENETUNREACH
      in lan0 203.0.113.1 > 127.0.0.1 = local
      in wan0 203.0.113.1 > 127.0.0.9 = EINVAL
      in lan0 203.0.113.77 > 172.16.5.5 = ENETUNREACH
      in lan0 10.0.0.77 > 172.16.5.5 = ENETUNREACH
      in lan0 203.0.113.1 > 198.51.100.1 = ENETUNREACH
      in wan0 10.68.1.1 > 203.0.113.1 = local
      in lan0 203.0.113.77 > 203.0.113.255 = broadcast
      in wan0 0.0.0.0 > 203.0.113.9 = EINVAL
      in lan0 8.8.4.4 > 203.0.113.9 = unicast wan0
      in wan0 203.0.113.77 > 203.0.113.9 = unicast wan0
      in lan0 10.0.0.77 > 224.0.0.1 = multicast
      in wan0 0.1.2.3 > 224.0.0.1 = multicast
      in wan0 0.1.2.3 > 224.0.0.9 = EINVAL
      in lan0 10.0.0.1 > 224.0.0.9 = EINVAL
      out > 0.1.2.3 = ENETUNREACH
      out > 10.0.0.1 = local lo src 10.0.0.1
      out > 10.0.0.2 = unicast lan0 src 10.0.0.1
      out > 10.0.0.9 = unicast lan0 src 10.0.0.1
      out lan0 > 10.68.1.1 = unicast lan0 src 10.0.0.1
      out > 10.69.1.1 = ENETUNREACH
      out wan0 > 10.70.1.1 = unicast wan0 src 203.0.113.1
      out lan0 > 10.9.1.1 = unicast lan0 src 10.0.0.1
      out > 127.0.0.1 = local lo src 127.0.0.1
      out > 172.16.5.5 = ENETUNREACH
      out wan0 > 203.0.113.255 = broadcast wan0 src 203.0.113.1
      out > 240.0.0.1 = ENETUNREACH
      out lan0 > 240.0.0.1 = unicast lan0 src 10.0.0.1
    `,
  },
  {
    name: "deaf",
    host: {
      interfaces: { lan0: ["10.0.0.1/24", "fd00:1::1/64"], wan0: ["203.0.113.1/24", "fd00:2::1/64"] },
      routes: ["default dev wan0", "prohibit 10.5.0.0/16"],
      sysctl: { "net.ipv4.ip_forward": 0, "net.ipv6.conf.all.forwarding": 0 },
    },
    answers: `
      in lan0 224.0.0.1 > 0.1.2.3 = EINVAL
      in lan0 255.255.255.255 > 0.1.2.3 = EINVAL
      in lan0 8.8.4.4 > 10.0.0.1 = local
      in wan0 10.0.0.1 > 10.0.0.1 = EINVAL
      in lan0 10.68.1.1 > 10.0.0.1 = local
      in lan0 0.1.2.3 > 10.0.0.1 = local
      in wan0 127.0.0.1 > 10.0.0.255 = EINVAL
      in wan0 203.0.113.1 > 10.0.0.9 = EHOSTUNREACH
      in lan0 255.255.255.255 > 10.1.0.5 = EINVAL
      in wan0 10.0.0.77 > 10.2.0.9 = EHOSTUNREACH
      in lan0 10.68.1.1 > 10.5.0.1 = EHOSTUNREACH
      in wan0 10.0.0.77 > 10.66.1.1 = EHOSTUNREACH
      in wan0 127.0.0.1 > 10.66.1.1 = EINVAL
      in wan0 0.0.0.0 > 10.69.1.1 = EINVAL
      in lan0 10.0.0.255 > 10.9.0.1 = EHOSTUNREACH
      in lan0 10.0.0.77 > 10.9.1.1 = EHOSTUNREACH
      in lan0 10.0.0.77 > 127.0.0.1 = EINVAL
      in wan0 224.0.0.1 > 127.0.0.1 = EINVAL
      in lan0 0.1.2.3 > 127.0.0.9 = EINVAL
      in lan0 10.0.0.77 > 203.0.113.1 = local
      in wan0 203.0.113.77 > 224.0.0.1 = multicast
      in wan0 0.0.0.0 > 224.0.0.9 = EINVAL
      in wan0 255.255.255.255 > 255.255.255.255 = EINVAL
      out wan0 > 10.0.0.2 = unicast wan0 src 203.0.113.1
      out > 10.0.0.9 = unicast lan0 src 10.0.0.1
      out > 10.2.0.9 = unicast wan0 src 203.0.113.1
      out > 10.3.0.1 = unicast wan0 src 203.0.113.1
      out wan0 > 10.66.1.1 = unicast wan0 src 203.0.113.1
      out > 10.68.1.1 = unicast wan0 src 203.0.113.1
      out > 10.70.5.1 = unicast wan0 src 203.0.113.1
      out > 10.9.0.1 = unicast wan0 src 203.0.113.1
      out > 203.0.113.1 = local lo src 203.0.113.1
      out wan0 > 203.0.113.1 = local lo src 203.0.113.1
      out > 203.0.113.255 = broadcast wan0 src 203.0.113.1
      out > 203.0.113.9 = unicast wan0 src 203.0.113.1
      out > 224.0.0.1 = multicast wan0 src 203.0.113.1
      out wan0 > 240.0.0.1 = unicast wan0 src 203.0.113.1
      in wan0 fd00:1::77 > ::ffff:1.2.3.4 = ENETUNREACH
      in lan0 fd00:1::77 > fd00:1::1 = local
      in lan0 fd00:1::77 > fd66::1 = ENETUNREACH
      in wan0 fd00:1::77 > fd68::1 = ENETUNREACH
      in wan0 fd00:1::77 > fd69::1 = ENETUNREACH
      out > 2600::1 = ENETUNREACH
      out > fd00:1::9 = unicast lan0 src fd00:1::1
      out > fd00:2::9 = unicast wan0 src fd00:2::1
      out lan0 > fec0::5 = ENETUNREACH
    `,
  },
  {
    name: "crowded",
    host: {
      interfaces: {
        a0: ["10.0.0.1/30", "10.0.0.200/24", "10.1.0.1/16 scope link"],
        b0: ["10.0.0.3/25", "10.2.0.1 peer 10.2.0.9/32", "10.3.0.0/31"],
      },
      routes: [
        "10.9.0.0/16 via 10.2.0.9",
        "10.9.1.0/24 via 10.3.0.1 metric 5",
        "10.9.1.0/24 via 10.0.0.2 dev a0 metric 3",
        "default dev a0 src 10.0.0.200",
        "198.51.100.0/24 via 192.0.2.9 dev b0 onlink mtu 1400",
      ],
      sysctl: {},
    },
    answers: `
      in a0 10.0.0.1 > 0.0.0.0 = EINVAL
      in a0 203.0.113.1 > 0.0.0.0 = EINVAL
      in b0 10.0.0.77 > 10.0.0.0 = unicast a0
      in b0 0.1.2.3 > 10.0.0.1 = local
      in b0 10.0.0.77 > 10.0.0.1 = local
      in a0 224.0.0.1 > 10.0.0.1 = EINVAL
      in a0 203.0.113.77 > 10.0.0.1 = local
      in a0 10.0.0.77 > 10.0.0.1 = local
      in a0 10.68.1.1 > 10.0.0.1 = local
      in a0 10.0.0.77 > 10.0.0.2 = unicast a0
      in b0 10.0.0.77 > 10.0.0.255 = broadcast
      in a0 0.0.0.0 > 10.0.0.9 = EINVAL
      in b0 255.255.255.255 > 10.2.0.9 = EINVAL
      in a0 10.0.0.77 > 10.3.0.1 = unicast b0
      in a0 255.255.255.255 > 10.3.0.1 = EINVAL
      in b0 203.0.113.77 > 10.5.0.1 = unicast a0
      in b0 10.0.0.1 > 10.66.1.1 = EINVAL
      in b0 10.0.0.77 > 10.67.1.1 = unicast a0
      in b0 10.68.1.1 > 10.67.1.1 = unicast a0
      in a0 10.68.1.1 > 10.68.1.1 = unicast a0
      in a0 10.0.0.77 > 10.69.1.1 = unicast a0
      in a0 10.0.0.77 > 172.16.5.5 = unicast a0
      in b0 127.0.0.1 > 203.0.113.1 = EINVAL
      in a0 203.0.113.1 > 203.0.113.1 = unicast a0
      in b0 10.0.0.77 > 203.0.113.255 = unicast a0
      in b0 10.68.1.1 > 203.0.113.9 = unicast a0
      in a0 8.8.4.4 > 203.0.113.9 = unicast a0
      in a0 127.0.0.1 > 203.0.113.9 = EINVAL
      in a0 127.0.0.1 > 255.255.255.255 = EINVAL
      in b0 10.0.0.77 > 8.8.8.8 = unicast a0
      in b0 224.0.0.1 > 8.8.8.8 = EINVAL
      in a0 203.0.113.1 > 8.8.8.8 = unicast a0
      out b0 > 10.0.0.3 = local lo src 10.0.0.3
      out > 10.1.0.5 = unicast a0 src 10.1.0.1
      out a0 > 10.2.0.9 = unicast a0 src 10.0.0.200
      out > 10.5.0.1 = unicast a0 src 10.0.0.200
      out > 10.68.1.1 = unicast a0 src 10.0.0.200
      out > 10.70.1.1 = unicast a0 src 10.0.0.200
      out a0 > 10.9.0.1 = unicast a0 src 10.0.0.200
      out > 127.0.0.1 = local lo src 127.0.0.1
      out b0 > 127.0.0.9 = unicast b0 src 10.0.0.3
      out > 172.16.5.5 = unicast a0 src 10.0.0.200
      out > 203.0.113.1 = unicast a0 src 10.0.0.200
      out > 224.0.0.9 = multicast a0 src 10.0.0.200
      out > 240.0.0.1 = unicast a0 src 10.0.0.200
      out a0 > 255.255.255.255 = broadcast a0 src 10.1.0.1
    `,
  },
  {
    name: "sources",
    host: {
      interfaces: {
        a0: ["fd00:1::1/64", "2001:db8:1::1/64", "fe80::a/64"],
        b0: ["fd00:2::1/64", "2002:a00::1/16", "fe80::b/64"],
      },
      routes: [
        "default via fe80::1 dev b0",
        "2001:db8:9::/48 via 2001:db8:1::9 src fd00:1::1",
        "fd00:3::/64 via fd00:1::9 metric 10",
        "fd00:3::/64 via fd00:2::9 metric 20",
      ],
      sysctl: {},
    },
    answers: `
      in b0 224.0.0.1 > 0.1.2.3 = EINVAL
      in b0 10.0.0.77 > 10.0.0.0 = ENETUNREACH
      in a0 127.0.0.1 > 10.0.0.2 = EINVAL
      in a0 10.0.0.77 > 10.1.0.5 = ENETUNREACH
      in b0 203.0.113.77 > 10.2.0.9 = ENETUNREACH
      in b0 10.0.0.77 > 10.3.0.1 = ENETUNREACH
      in b0 10.0.0.77 > 10.66.1.1 = ENETUNREACH
      in a0 203.0.113.1 > 10.67.1.1 = ENETUNREACH
      in a0 10.0.0.77 > 10.68.1.1 = ENETUNREACH
      in a0 10.0.0.1 > 10.69.1.1 = ENETUNREACH
      in b0 8.8.4.4 > 10.9.0.1 = ENETUNREACH
      in a0 10.0.0.77 > 127.0.0.1 = EINVAL
      in a0 224.0.0.1 > 127.0.0.1 = EINVAL
      in a0 203.0.113.77 > 172.16.5.5 = ENETUNREACH
      in a0 8.8.4.4 > 198.51.100.1 = ENETUNREACH
      in b0 255.255.255.255 > 203.0.113.1 = EINVAL
      in a0 255.255.255.255 > 203.0.113.9 = EINVAL
      in a0 10.0.0.255 > 203.0.113.9 = ENETUNREACH
      in a0 127.0.0.1 > 203.0.113.9 = EINVAL
      in a0 255.255.255.255 > 224.0.0.1 = EINVAL
      in a0 10.0.0.255 > 255.255.255.255 = broadcast
      in b0 0.0.0.0 > 8.8.8.8 = EINVAL
      in a0 10.0.0.77 > 8.8.8.8 = ENETUNREACH
      in a0 203.0.113.77 > 8.8.8.8 = ENETUNREACH
      in a0 10.68.1.1 > 8.8.8.8 = ENETUNREACH
      out > 0.1.2.3 = ENETUNREACH
      out > 10.0.0.1 = ENETUNREACH
      out > 10.0.0.2 = ENETUNREACH
      out > 10.0.0.9 = ENETUNREACH
      out a0 > 10.1.0.5 = unicast a0
      out > 10.66.1.1 = ENETUNREACH
      out > 10.68.1.1 = ENETUNREACH
      out > 10.9.1.1 = ENETUNREACH
      out a0 > 127.0.0.9 = unicast a0
      out a0 > 198.51.100.1 = unicast a0
      out > 255.255.255.255 = ENETUNREACH
      in b0 fd00:1::77 > 2001:db8:9::1 = unicast a0 via 2001:db8:1::9
      in a0 fd00:1::77 > fd69::1 = unicast b0 via fe80::1
      in b0 fd00:1::77 > fe80::a = unicast b0
      out a0 > 2600::1 = ENETUNREACH
      out b0 > ::ffff:1.2.3.4 = unicast b0 via fe80::1 src 2002:a00::1
      out a0 > fd00:2::9 = ENETUNREACH
      out > fd00:3::1 = unicast a0 via fd00:1::9 src fd00:1::1
      out a0 > fd00:3::1 = unicast a0 via fd00:1::9 src fd00:1::1
      out > fd68::1 = unicast b0 via fe80::1 src fd00:2::1
      out > fec0::5 = unicast b0 via fe80::1 src fd00:2::1
    `,
  },
];

/** Says a route in the words of the table. */
function words(host: Host, route: Route, destination: readonly number[], received: boolean): string {
  if (route.error !== 0) return ERRORS[route.error];
  const four = destination.length === 1;
  const said: string[] = [ROUTE_TYPE_NAMES[route.type]];
  if (route.type === RTN_UNICAST || (!received && four)) said.push(host.interfaces[route.dev].name);
  const via = [route.via0, route.via1, route.via2, route.via3].slice(0, destination.length);
  if (via.some((word) => word !== 0)) said.push(`via ${formatAddress(via)}`);
  if (!received) {
    const source = Int32Array.of(route.source0, route.source1, route.source2, route.source3);
    if (!four && source.every((word) => word === 0)) {
      const [d0, d1, d2, d3] = destination;
      host.selectAddress6(route.sourceDev, d0, d1, d2, d3, source);
    }
    if (source.some((word) => word !== 0)) said.push(`src ${formatAddress([...source].slice(0, destination.length))}`);
  }
  if (route.type === RTN_UNICAST && route.mtu !== 1500) said.push(`mtu ${route.mtu}`);
  return said.join(" ");
}

function ask(host: Host, question: string): string {
  const match = /^(?:in (\S+) (\S+)|out(?: (\S+))?) > (\S+)$/.exec(question);
  if (match === null) throw new Error(`no question: ${question}`);
  const [, inDevice, from, outDevice, to] = match;
  const device = inDevice ?? outDevice;
  const dev = device === undefined ? 0 : (host.interfaceNamed(device)?.index ?? -1);
  const destination = parseAddress(to) ?? [];
  const source = from === undefined ? [0, 0, 0, 0] : (parseAddress(from) ?? []);
  const [d0, d1, d2, d3] = destination;
  const [s0, s1, s2, s3] = source;
  const four = destination.length === 1;
  const received = inDevice !== undefined;
  let route: Route;
  if (received) route = four ? host.input4(d0, s0, dev, 0, 0) : host.input6(d0, d1, d2, d3, s0, s1, s2, s3, dev, 0);
  else route = four ? host.route4(d0, s0, dev, 0, 0) : host.route6(d0, d1, d2, d3, s0, s1, s2, s3, dev, 0);
  return words(host, route, destination, received);
}

for (const { name, host: config, answers } of RECORDED)
  test(`routes as the kernel: ${name}`, (t) => {
    const host = new Host(config);
    const lines = answers
      .trim()
      .split("\n")
      .map((line) => line.trim());
    // Twice: the second answers come from the caches.
    for (const round of ["first", "remembered"])
      t.deepEqual(
        lines.map((line) => `${line.split(" = ")[0]} = ${ask(host, line.split(" = ")[0])}`),
        lines,
        round,
      );
  });

test("settings that change later change the answers", (t) => {
  const host = new Host({ interfaces: { lan0: "10.0.0.1/24", wan0: "203.0.113.1/24" }, routes: "default dev wan0" });
  t.is(ask(host, "in lan0 8.8.8.8 > 9.9.9.9"), "unicast wan0");
  host.sysctl.set("net.ipv4.conf.lan0.rp_filter", 1);
  t.is(ask(host, "in lan0 8.8.8.8 > 9.9.9.9"), "EINVAL");
  host.sysctl.set("net.ipv4.conf.lan0.rp_filter", 2);
  t.is(ask(host, "in lan0 8.8.8.8 > 9.9.9.9"), "unicast wan0");
  host.sysctl.set("net.ipv4.ip_forward", 0);
  t.is(ask(host, "in lan0 8.8.8.8 > 9.9.9.9"), "EHOSTUNREACH");
});

test("a neighbour whose way leads back by its own link is due a redirect, when redirects are sent", (t) => {
  const interfaces = { lan0: "10.0.0.1/24" };
  const routes = ["10.9.0.0/16 via 10.0.0.9"];
  const redirect = (sysctl: HostConfig["sysctl"], source: string) => {
    const [src] = parseAddress(source) ?? [];
    const [dst] = parseAddress("10.9.1.1") ?? [];
    return new Host({ interfaces, routes, sysctl }).input4(dst, src, 2, 0, 0).redirect;
  };
  const on = { "net.ipv4.conf.lan0.send_redirects": 1 };
  t.false(redirect({}, "10.0.0.77"));
  t.true(redirect(on, "10.0.0.77"));
  t.false(redirect(on, "10.9.0.77"), "the source is beyond a gateway itself");
  t.true(redirect({ ...on, "net.ipv4.conf.all.shared_media": 0 }, "10.0.0.77"), "gateway and source share a network");
});

test("IPv6 multicast is delivered to members only", (t) => {
  const host = new Host({
    interfaces: { lan0: { addresses: ["fd00:1::1/64"], mac: "02:00:00:00:00:01" }, tun0: "fd00:2::abcd/64" },
  });
  const taken = (device: string, group: string) => {
    const [d0, d1, d2, d3] = parseAddress(group) ?? [];
    const route = host.input6(d0, d1, d2, d3, 0, 0, 0, 9, host.interfaceNamed(device)?.index ?? -1, 0);
    return route.type === 5;
  };
  t.true(taken("lan0", "ff02::1"));
  t.true(taken("lan0", "ff02::2"));
  t.true(taken("lan0", "ff02::1:ff00:1"), "solicited node");
  t.true(taken("lan0", "ff02::1:ff00:0"), "of the subnet router anycast address");
  t.false(taken("lan0", "ff02::1:ff00:2"));
  t.false(taken("lan0", "ff05::2"));
  t.false(taken("tun0", "ff02::1:ff00:abcd"), "no neighbour discovery on a tun");
  host.sysctl.set("net.ipv6.conf.all.forwarding", 0);
  t.false(taken("lan0", "ff02::2"));
  t.false(taken("lan0", "ff02::1:ff00:0"));
  host.sysctl.set("net.ipv6.conf.all.forwarding", 1);
  t.true(taken("lan0", "ff05::2"));
});

test("address types", (t) => {
  const host = new Host({
    interfaces: { lan0: ["10.0.0.1/24", "fd00:1::1/64"], wan0: ["203.0.113.1/24"] },
    routes: ["prohibit fd09::/16"],
  });
  const type4 = (text: string, dev = 0) => ROUTE_TYPE_NAMES[host.addressType4(parseAddress(text)?.[0] ?? 0, dev)];
  t.is(type4("10.0.0.1"), "local");
  t.is(type4("10.0.0.1", 3), "unicast");
  t.is(type4("10.0.0.255"), "broadcast");
  t.is(type4("10.0.0.7"), "unicast");
  t.is(type4("127.1.2.3"), "local");
  t.is(type4("224.0.0.9"), "multicast");
  t.is(type4("0.0.0.0"), "broadcast");
  t.is(type4("255.255.255.255"), "broadcast");
  const types6 = (text: string, dev = 0) => {
    const [a0, a1, a2, a3] = parseAddress(text) ?? [];
    const bits = host.addressTypes6(a0, a1, a2, a3, dev);
    return ROUTE_TYPE_NAMES.filter((_, i) => bits & (1 << i)).join(" ");
  };
  t.is(types6("fd00:1::1"), "unicast local");
  t.is(types6("fd00:1::1", 3), "unicast unreachable");
  t.is(types6("fd00:1::"), "unicast anycast");
  t.is(types6("fd00:1::9"), "unicast");
  t.is(types6("fd09::1"), "unicast unreachable");
  t.is(types6("ff02::1"), "multicast");
  t.is(types6("::"), "unspec unreachable");
});

test("ranges of addresses say of each what the routing decision says", (t) => {
  const host = new Host({
    interfaces: { lan0: ["10.0.0.1/24", "10.0.1.1/32"], wan0: ["203.0.113.1/24"] },
    routes: [
      "default via 203.0.113.254 dev wan0",
      "198.51.100.128/25 dev lan0",
      "unreachable 192.0.2.0/24",
      "255.255.255.254/32 dev lan0",
    ],
    sysctl: { "net.ipv4.conf.lan0.rp_filter": 1 },
  });
  const ordinary = parseIpv4("10.0.0.9")!;
  for (const { index: dev } of host.interfaces.slice(2)) {
    const ranges = host.ranges4(dev, 1000)!;
    t.is(host.ranges4(dev, ranges.length - 1), null);
    const rangeOf = (address: number) => ranges.findLast(({ start }) => start <= address >>> 0)!;
    const edges = ranges.flatMap(({ start }) => [start - 1, start, start + 1]).filter((a) => a >= 0 && a < 2 ** 32);
    const source = dev === 2 ? ordinary : parseIpv4("203.0.113.9")!;
    for (const edge of edges) {
      const address = edge | 0;
      // To a group or to everybody, and from them, other questions are asked.
      if (address >>> 28 === 14 || address === -1) continue;
      t.is(rangeOf(address).route, host.input4(address, source, dev, 0, 0), formatIpv4(address));
      const from = host.input4(parseIpv4("198.51.100.200")!, address, dev, 0, 0);
      if (rangeOf(address).ordinary) t.is(from.reason, "", formatIpv4(address));
    }
  }
});
