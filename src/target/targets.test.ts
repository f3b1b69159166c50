/**
 * What each target does to packets, beside Linux 6.18: `> DEVICE BYTES` is a packet that arrives, `< DEVICE BYTES` one
 * that the kernel sent because of it, `= LINE` a connection as listed right after it (without its timeout).
 */
import test from "ava";
import { Host } from "../host/host.ts";
import type { Family } from "../packet/hook.ts";
import { Firewall } from "../path/firewall.ts";
import { registry } from "../registry.ts";
import { parseSave } from "../rules/save.ts";

interface Recorded {
  readonly name: string;
  readonly family?: Family;
  readonly routes?: readonly string[];
  readonly rules: string;
  readonly packets: string;
}

const RECORDED: readonly Recorded[] = [
  {
    name: "TTL --ttl-set 9",
    rules: "*mangle\n-A PREROUTING -j TTL --ttl-set 9\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d0001400008113e910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "TTL --ttl-inc 250",
    rules: "*mangle\n-A PREROUTING -j TTL --ttl-inc 250\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d00014000fe1148900a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "TTL --ttl-dec 3",
    rules: "*mangle\n-A PREROUTING -j TTL --ttl-dec 3\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003c110a910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "TTL --ttl-dec 200",
    rules: "*mangle\n-A PREROUTING -j TTL --ttl-dec 200\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < lan0 45c0003955230000400110df0a0000010a0000020b002959000000004500001d00014000001146910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "TTL set where it expires",
    rules: "*mangle\n-A PREROUTING -j TTL --ttl-set 1\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < lan0 45c000393f7800004001268a0a0000010a0000020b002959000000004500001d00014000011145910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "HL --hl-set 9",
    family: 6,
    rules: "*mangle\n-A PREROUTING -j HL --hl-set 9\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < wan0 6000000000091108fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
    `,
  },
  {
    name: "HL --hl-inc 250",
    family: 6,
    rules: "*mangle\n-A PREROUTING -j HL --hl-inc 250\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < wan0 60000000000911fefd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
    `,
  },
  {
    name: "HL --hl-dec 3",
    family: 6,
    rules: "*mangle\n-A PREROUTING -j HL --hl-dec 3\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < wan0 600000000009113cfd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
    `,
  },
  {
    name: "TCPMSS set: lowered",
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 1300\nCOMMIT\n",
    packets: `
      > lan0 4500002c00074000400606870a000002c63364090fa0005000000064000000006002ffff53940000020405b4
      < wan0 4500002c000740003f0607870a000002c63364090fa0005000000064000000006002ffff5434000002040514
    `,
  },
  {
    name: "TCPMSS set: left when lower",
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 1300\nCOMMIT\n",
    packets: `
      > lan0 4500002c00074000400606870a000002c63364090fa0005000000064000000006002ffff55600000020403e8
      < wan0 4500002c000740003f0607870a000002c63364090fa0005000000064000000006002ffff55600000020403e8
    `,
  },
  {
    name: "TCPMSS set: after other options",
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 1300\nCOMMIT\n",
    packets: `
      > lan0 4500003000074000400606830a000002c63364090fa0005000000064000000007002ffff3f86000001030307020405b4
      < wan0 45000030000740003f0607830a000002c63364090fa0005000000064000000007002ffff402600000103030702040514
    `,
  },
  {
    name: "TCPMSS set: at an odd place",
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 1300\nCOMMIT\n",
    packets: `
      > lan0 4500003000074000400606830a000002c63364090fa0005000000064000000007002ffff913e000001020405b4010101
      < wan0 45000030000740003f0607830a000002c63364090fa0005000000064000000007002ffff91de00000102040514010101
    `,
  },
  {
    name: "TCPMSS set: with a broken length",
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 1300\nCOMMIT\n",
    packets: `
      > lan0 4500002c00074000400606870a000002c63364090fa0005000000064000000006002ffff53950000020305b4
      < wan0 45000030000740003f0607830a000002c63364090fa0005000000064000000007002ffff3f75000002040218020305b4
    `,
  },
  {
    name: "TCPMSS set: behind an option without length",
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 1300\nCOMMIT\n",
    packets: `
      > lan0 4500003000074000400606830a000002c63364090fa0005000000064000000007002ffff3d8f00000500020405b40101
      < wan0 45000030000740003f0607830a000002c63364090fa0005000000064000000007002ffff3e2f00000500020405140101
    `,
  },
  {
    name: "TCPMSS set: added",
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 1300\nCOMMIT\n",
    packets: `
      > lan0 45000028000740004006068b0a000002c63364090fa0005000000064000000005002ffff6b500000
      < wan0 4500002c000740003f0607870a000002c63364090fa0005000000064000000006002ffff5730000002040218
    `,
  },
  {
    name: "TCPMSS set: added, below the default",
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 400\nCOMMIT\n",
    packets: `
      > lan0 45000028000740004006068b0a000002c63364090fa0005000000064000000005002ffff6b500000
      < wan0 4500002c000740003f0607870a000002c63364090fa0005000000064000000006002ffff57b8000002040190
    `,
  },
  {
    name: "TCPMSS set: not added before data",
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 400\nCOMMIT\n",
    packets: `
      > lan0 4500002d00074000400606860a000002c63364090fa0005000000064000000005002ffff2779000068656c6c6f
      < wan0 4500002d000740003f0607860a000002c63364090fa0005000000064000000005002ffff2779000068656c6c6f
    `,
  },
  {
    name: "TCPMSS set: not added to a full header",
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 400\nCOMMIT\n",
    packets: `
      > lan0 4500005000074000400606630a000002c63364090fa000500000006400000000f002ffffb713000001010101010101010101010101010101010101010101010101010101010101010101010101010101
      < wan0 45000050000740003f0607630a000002c63364090fa000500000006400000000f002ffffb713000001010101010101010101010101010101010101010101010101010101010101010101010101010101
    `,
  },
  {
    name: "TCPMSS clamp: the way out",
    routes: ["default dev wan0 mtu 1400"],
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n",
    packets: `
      > lan0 4500002c00074000400606870a000002c63364090fa0005000000064000000006002ffff3648000002042300
      < wan0 4500002c000740003f0607870a000002c63364090fa0005000000064000000006002ffff53f8000002040550
    `,
  },
  {
    name: "TCPMSS clamp: the way back",
    routes: ["default dev wan0", "192.0.2.0/24 dev lan0 mtu 1000"],
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n",
    packets: `
      > lan0 4500002c0007400040064e83c0000205c63364090fa0005000000064000000006002ffff7e44000002042300
      < wan0 4500002c000740003f064f83c0000205c63364090fa0005000000064000000006002ffff9d840000020403c0
    `,
  },
  {
    name: "TCPMSS clamp: IPv6",
    family: 6,
    routes: ["2000::/3 dev wan0 mtu 1300"],
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n",
    packets: `
      > lan0 6000000000180640fd00000100000000000000000000000220010db80000000000000000000000090fa0005000000064000000006002ffff3fc1000002042300
      < wan0 600000000018063ffd00000100000000000000000000000220010db80000000000000000000000090fa0005000000064000000006002ffff5de90000020404d8
      > lan0 6000000000140640fd00000100000000000000000000000220010db80000000000000000000000090fa1005000000064000000005002ffff74c80000
      < wan0 600000000018063ffd00000100000000000000000000000220010db80000000000000000000000090fa1005000000064000000006002ffff5dfc0000020404c4
    `,
  },
  {
    name: "TCPMSS set: IPv6",
    family: 6,
    rules: "*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --set-mss 1300\nCOMMIT\n",
    packets: `
      > lan0 6000000000180640fd00000100000000000000000000000220010db80000000000000000000000090fa0005000000064000000006002ffff5d0d0000020405b4
      < wan0 600000000018063ffd00000100000000000000000000000220010db80000000000000000000000090fa0005000000064000000006002ffff5dad000002040514
      > lan0 6000000000140640fd00000100000000000000000000000220010db80000000000000000000000090fa1005000000064000000005002ffff74c80000
      < wan0 600000000018063ffd00000100000000000000000000000220010db80000000000000000000000090fa1005000000064000000006002ffff5dfc0000020404c4
    `,
  },
  {
    name: "REJECT icmp-net-unreachable",
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp-net-unreachable\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < lan0 45c00039a39400004001c26d0a0000010a00000203003159000000004500001d000140003f1107910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "REJECT icmp-host-unreachable",
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp-host-unreachable\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < lan0 45c00039a16f00004001c4920a0000010a00000203013158000000004500001d000140003f1107910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "REJECT icmp-proto-unreachable",
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp-proto-unreachable\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < lan0 45c000399f5500004001c6ac0a0000010a00000203023157000000004500001d000140003f1107910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "REJECT icmp-port-unreachable",
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < lan0 45c00039907c00004001d5850a0000010a00000203033156000000004500001d000140003f1107910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "REJECT icmp-net-prohibited",
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp-net-prohibited\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < lan0 45c00039862600004001dfdb0a0000010a00000203093150000000004500001d000140003f1107910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "REJECT icmp-host-prohibited",
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp-host-prohibited\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < lan0 45c00039914700004001d4ba0a0000010a000002030a314f000000004500001d000140003f1107910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "REJECT icmp-admin-prohibited",
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp-admin-prohibited\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < lan0 45c000394fdd0000400116250a0000010a000002030d314c000000004500001d000140003f1107910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "REJECT tcp-reset",
    rules: "*filter\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n",
    packets: `
      > lan0 45000028000740004006068b0a000002c63364090fa0005000000064000000005002ffff6b500000
      < lan0 450000280000400040060692c63364090a00000200500fa00000000000000065501400006b3d0000
      > lan0 45000028000740004006068b0a000002c63364090fa0005000000064000000005010ffff6b420000
      < lan0 450000280000400040060692c63364090a00000200500fa00000000000000000500400006bb20000
      > lan0 45000028000740004006068b0a000002c63364090fa0005000000064000000005004ffff6b4e0000
      > lan0 4500002b00074000400606880a000002c63364090fa0005000000064000000005011ffffa6db0000616263
      < lan0 450000280000400040060692c63364090a00000200500fa00000000000000000500400006bb20000
    `,
  },
  {
    name: "REJECT icmp6-no-route",
    family: 6,
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp6-no-route\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < lan0 6008622500393a40fd000001000000000000000000000001fd0000010000000000000000000000020100935700000000600000000009113ffd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
    `,
  },
  {
    name: "REJECT icmp6-adm-prohibited",
    family: 6,
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp6-adm-prohibited\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < lan0 6008841300393a40fd000001000000000000000000000001fd0000010000000000000000000000020101935600000000600000000009113ffd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
    `,
  },
  {
    name: "REJECT icmp6-addr-unreachable",
    family: 6,
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp6-addr-unreachable\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < lan0 6001cd2300393a40fd000001000000000000000000000001fd0000010000000000000000000000020103935400000000600000000009113ffd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
    `,
  },
  {
    name: "REJECT icmp6-port-unreachable",
    family: 6,
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp6-port-unreachable\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < lan0 600c87a800393a40fd000001000000000000000000000001fd0000010000000000000000000000020104935300000000600000000009113ffd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
    `,
  },
  {
    name: "REJECT icmp6-policy-fail",
    family: 6,
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp6-policy-fail\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < lan0 6003d1f700393a40fd000001000000000000000000000001fd0000010000000000000000000000020105935200000000600000000009113ffd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
    `,
  },
  {
    name: "REJECT icmp6-reject-route",
    family: 6,
    rules: "*filter\n-A FORWARD -j REJECT --reject-with icmp6-reject-route\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < lan0 600100aa00393a40fd000001000000000000000000000001fd0000010000000000000000000000020106935100000000600000000009113ffd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
    `,
  },
  {
    name: "REJECT tcp-reset, IPv6",
    family: 6,
    rules: "*filter\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n",
    packets: `
      > lan0 6000000000140640fd00000100000000000000000000000220010db80000000000000000000000090fa0005000000064000000005002ffff74c90000
      < lan0 600000000014064020010db8000000000000000000000009fd00000100000000000000000000000200500fa000000000000000655014000074b60000
      > lan0 6000000000140640fd00000100000000000000000000000220010db80000000000000000000000090fa0005000000064000000005010ffff74bb0000
      < lan0 600000000014064020010db8000000000000000000000009fd00000100000000000000000000000200500fa0000000000000000050040000752b0000
      > lan0 6000000000140640fd00000100000000000000000000000220010db80000000000000000000000090fa0005000000064000000005004ffff74c70000
    `,
  },
  {
    name: "MARK --set-xmark 0x5/0xf",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j MARK --set-xmark 0x5/0xf\n-A POSTROUTING -m mark --mark 0x5a -j TTL --ttl-set 11\n-A POSTROUTING -m mark --mark 0x55 -j TTL --ttl-set 12\n-A POSTROUTING -m mark --mark 0x5d -j TTL --ttl-set 13\n-A POSTROUTING -m mark --mark 0x58 -j TTL --ttl-set 14\n-A POSTROUTING -m mark --mark 0x15a -j TTL --ttl-set 15\n-A POSTROUTING -m mark --mark 0xa5 -j TTL --ttl-set 16\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140000c113a910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "MARK --set-mark 0x5/0x3",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j MARK --set-mark 0x5/0x3\n-A POSTROUTING -m mark --mark 0x5a -j TTL --ttl-set 11\n-A POSTROUTING -m mark --mark 0x55 -j TTL --ttl-set 12\n-A POSTROUTING -m mark --mark 0x5d -j TTL --ttl-set 13\n-A POSTROUTING -m mark --mark 0x58 -j TTL --ttl-set 14\n-A POSTROUTING -m mark --mark 0x15a -j TTL --ttl-set 15\n-A POSTROUTING -m mark --mark 0xa5 -j TTL --ttl-set 16\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140000d1139910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "MARK --and-mark 0xfc",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j MARK --and-mark 0xfc\n-A POSTROUTING -m mark --mark 0x5a -j TTL --ttl-set 11\n-A POSTROUTING -m mark --mark 0x55 -j TTL --ttl-set 12\n-A POSTROUTING -m mark --mark 0x5d -j TTL --ttl-set 13\n-A POSTROUTING -m mark --mark 0x58 -j TTL --ttl-set 14\n-A POSTROUTING -m mark --mark 0x15a -j TTL --ttl-set 15\n-A POSTROUTING -m mark --mark 0xa5 -j TTL --ttl-set 16\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140000e1138910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "MARK --or-mark 0x100",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j MARK --or-mark 0x100\n-A POSTROUTING -m mark --mark 0x5a -j TTL --ttl-set 11\n-A POSTROUTING -m mark --mark 0x55 -j TTL --ttl-set 12\n-A POSTROUTING -m mark --mark 0x5d -j TTL --ttl-set 13\n-A POSTROUTING -m mark --mark 0x58 -j TTL --ttl-set 14\n-A POSTROUTING -m mark --mark 0x15a -j TTL --ttl-set 15\n-A POSTROUTING -m mark --mark 0xa5 -j TTL --ttl-set 16\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140000f1137910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "MARK --xor-mark 0xff",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j MARK --xor-mark 0xff\n-A POSTROUTING -m mark --mark 0x5a -j TTL --ttl-set 11\n-A POSTROUTING -m mark --mark 0x55 -j TTL --ttl-set 12\n-A POSTROUTING -m mark --mark 0x5d -j TTL --ttl-set 13\n-A POSTROUTING -m mark --mark 0x58 -j TTL --ttl-set 14\n-A POSTROUTING -m mark --mark 0x15a -j TTL --ttl-set 15\n-A POSTROUTING -m mark --mark 0xa5 -j TTL --ttl-set 16\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d00014000101136910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "CONNMARK --save-mark",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j CONNMARK --save-mark\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=90
    `,
  },
  {
    name: "CONNMARK --save-mark --mask 0xf0",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j CONNMARK --save-mark --mask 0xf0\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=83
    `,
  },
  {
    name: "CONNMARK --save-mark --nfmask 0xff --ctmask 0xf",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=106
    `,
  },
  {
    name: "CONNMARK --save-mark --left-shift-mark 4",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j CONNMARK --save-mark --left-shift-mark 4\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=1440
    `,
  },
  {
    name: "CONNMARK --save-mark --right-shift-mark 4",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j CONNMARK --save-mark --right-shift-mark 4\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=5
    `,
  },
  {
    name: "CONNMARK --set-xmark 0x9/0xf",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j CONNMARK --set-xmark 0x9/0xf\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=57
    `,
  },
  {
    name: "CONNMARK --and-mark 0",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j CONNMARK --and-mark 0\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=0
    `,
  },
  {
    name: "CONNMARK --or-mark 0x300",
    rules:
      "*mangle\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j CONNMARK --or-mark 0x300\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=819
    `,
  },
  {
    name: "CONNMARK --restore-mark",
    rules:
      "*mangle\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --restore-mark\n-A PREROUTING -j CONNMARK --save-mark\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=51
    `,
  },
  {
    name: "CONNMARK --restore-mark --mask 0xf",
    rules:
      "*mangle\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --restore-mark --mask 0xf\n-A PREROUTING -j CONNMARK --save-mark\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=83
    `,
  },
  {
    name: "CONNMARK --restore-mark --nfmask 0xff --ctmask 0xf0",
    rules:
      "*mangle\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xf0\n-A PREROUTING -j CONNMARK --save-mark\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=48
    `,
  },
  {
    name: "CONNMARK --restore-mark --left-shift-mark 8",
    rules:
      "*mangle\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --restore-mark --left-shift-mark 8\n-A PREROUTING -j CONNMARK --save-mark\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=13056
    `,
  },
  {
    name: "CONNMARK --restore-mark --right-shift-mark 1",
    rules:
      "*mangle\n-A PREROUTING -j CONNMARK --set-mark 0x33\n-A PREROUTING -j MARK --set-mark 0x5a\n-A PREROUTING -j CONNMARK --restore-mark --right-shift-mark 1\n-A PREROUTING -j CONNMARK --save-mark\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=25
    `,
  },
  {
    name: "CT --zone 7",
    rules:
      "*raw\n-A PREROUTING -j MARK --set-mark 9\n-A PREROUTING -j CT --zone 7\n-A PREROUTING -j CT --zone 3\nCOMMIT\n*mangle\n-A FORWARD -m conntrack --ctstate UNTRACKED -j TTL --ttl-set 5\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=0 zone=7
      > wan0 4500001d0001400040110691c63364090a00000200350fa0000943c878
      < lan0 4500001d000140003f110791c63364090a00000200350fa0000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=0 zone=7
    `,
  },
  {
    name: "CT --zone-orig 7",
    rules:
      "*raw\n-A PREROUTING -j MARK --set-mark 9\n-A PREROUTING -j CT --zone-orig 7\n-A PREROUTING -j CT --zone 3\nCOMMIT\n*mangle\n-A FORWARD -m conntrack --ctstate UNTRACKED -j TTL --ttl-set 5\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 zone-orig=7 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=0
      > wan0 4500001d0001400040110691c63364090a00000200350fa0000943c878
      < lan0 4500001d000140003f110791c63364090a00000200350fa0000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 zone-orig=7 src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=0
    `,
  },
  {
    name: "CT --zone-reply 7",
    rules:
      "*raw\n-A PREROUTING -j MARK --set-mark 9\n-A PREROUTING -j CT --zone-reply 7\n-A PREROUTING -j CT --zone 3\nCOMMIT\n*mangle\n-A FORWARD -m conntrack --ctstate UNTRACKED -j TTL --ttl-set 5\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 zone-reply=7 mark=0
      > wan0 4500001d0001400040110691c63364090a00000200350fa0000943c878
      < lan0 4500001d000140003f110791c63364090a00000200350fa0000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 zone-reply=7 mark=0
    `,
  },
  {
    name: "CT --zone mark",
    rules:
      "*raw\n-A PREROUTING -j MARK --set-mark 9\n-A PREROUTING -j CT --zone mark\n-A PREROUTING -j CT --zone 3\nCOMMIT\n*mangle\n-A FORWARD -m conntrack --ctstate UNTRACKED -j TTL --ttl-set 5\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=0 zone=9
      > wan0 4500001d0001400040110691c63364090a00000200350fa0000943c878
      < lan0 4500001d000140003f110791c63364090a00000200350fa0000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=0 zone=9
    `,
  },
  {
    name: "CT --notrack",
    rules:
      "*raw\n-A PREROUTING -j MARK --set-mark 9\n-A PREROUTING -j CT --notrack\n-A PREROUTING -j CT --zone 3\nCOMMIT\n*mangle\n-A FORWARD -m conntrack --ctstate UNTRACKED -j TTL --ttl-set 5\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d00014000051141910a000002c63364090fa00035000943c878
      > wan0 4500001d0001400040110691c63364090a00000200350fa0000943c878
      < lan0 4500001d0001400005114191c63364090a00000200350fa0000943c878
    `,
  },
  {
    name: "CT ",
    rules:
      "*raw\n-A PREROUTING -j MARK --set-mark 9\n-A PREROUTING -j CT \n-A PREROUTING -j CT --zone 3\nCOMMIT\n*mangle\n-A FORWARD -m conntrack --ctstate UNTRACKED -j TTL --ttl-set 5\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=0
      > wan0 4500001d0001400040110691c63364090a00000200350fa0000943c878
      < lan0 4500001d000140003f110791c63364090a00000200350fa0000943c878
      = udp      17 src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=53 src=198.51.100.9 dst=10.0.0.2 sport=53 dport=4000 mark=0
    `,
  },
  {
    name: "NOTRACK",
    rules:
      "*raw\n-A PREROUTING -p udp -j NOTRACK\nCOMMIT\n*mangle\n-A FORWARD -m conntrack --ctstate UNTRACKED -j TTL --ttl-set 5\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d00014000051141910a000002c63364090fa00035000943c878
      > lan0 45000028000740004006068b0a000002c63364090fa0005000000064000000005002ffff6b500000
      < wan0 45000028000740003f06078b0a000002c63364090fa0005000000064000000005002ffff6b500000
      = tcp      6 SYN_SENT src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=80 [UNREPLIED] src=198.51.100.9 dst=10.0.0.2 sport=80 dport=4000 mark=0
    `,
  },
  {
    name: "SNAT to an address",
    rules: "*nat\n-A POSTROUTING -j SNAT --to-source 203.0.113.77\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f11d544cb00714dc63364090fa000350009117c78
      > wan0 4500001d000140004011d444c6336409cb00714d00350fa00009117c78
      < lan0 4500001d000140003f110791c63364090a00000200350fa0000943c878
    `,
  },
  {
    name: "SNAT to a range",
    rules: "*nat\n-A POSTROUTING -j SNAT --to-source 203.0.113.70-203.0.113.79\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f11d545cb00714cc63364090fa000350009117d78
      > lan0 4500001d00014000401106900a000003c63364090fa00035000943c778
      < wan0 4500001d000140003f11d544cb00714dc63364090fa000350009117c78
      > lan0 4500001d00014000401106900a000002c633640a0fa00035000943c778
      < wan0 4500001d000140003f11d544cb00714cc633640a0fa000350009117c78
    `,
  },
  {
    name: "SNAT to a range, persistent",
    rules: "*nat\n-A POSTROUTING -j SNAT --to-source 203.0.113.70-203.0.113.79 --persistent\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f11d542cb00714fc63364090fa000350009117a78
      > lan0 4500001d00014000401106900a000003c63364090fa00035000943c778
      < wan0 4500001d000140003f11d543cb00714ec63364090fa000350009117b78
      > lan0 4500001d00014000401106900a000002c633640a0fa00035000943c778
      < wan0 4500001d000140003f11d541cb00714fc633640a0fa000350009117978
    `,
  },
  {
    name: "SNAT to a port",
    rules: "*nat\n-A POSTROUTING -p udp -j SNAT --to-source 203.0.113.77:999\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f11d544cb00714dc633640903e7003500091d3578
    `,
  },
  {
    name: "SNAT to ports only, already inside",
    rules: "*nat\n-A POSTROUTING -p udp -j SNAT --to-source :3900-4100\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "DNAT to an address",
    rules: "*nat\n-A PREROUTING -j DNAT --to-destination 203.0.113.9\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f11f5c30a000002cb0071090fa00035000931fb78
      > wan0 4500001d000140004011f4c3cb0071090a00000200350fa0000931fb78
      < lan0 4500001d000140003f110791c63364090a00000200350fa0000943c878
    `,
  },
  {
    name: "DNAT to a port",
    rules: "*nat\n-A PREROUTING -p udp -j DNAT --to-destination :5353\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f1107910a000002c63364090fa014e900092f1478
    `,
  },
  {
    name: "DNAT to shifted ports",
    rules: "*nat\n-A PREROUTING -p udp -j DNAT --to-destination 203.0.113.9:6000-6100/50\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f11f5c30a000002cb0071090fa0177300091abd78
      > lan0 4500001d00014000401106910a000002c63364090fa10032000943ca78
      < wan0 4500001d000140003f11f5c30a000002cb0071090fa1177000091abf78
      > lan0 4500001d00014000401106910a000002c63364090fa200960009436578
      < wan0 4500001d000140003f11f5c30a000002cb0071090fa217d400091a5a78
    `,
  },
  {
    name: "MASQUERADE",
    rules: "*nat\n-A POSTROUTING -o wan0 -j MASQUERADE\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f11d590cb007101c63364090fa00035000911c878
      > wan0 4500001d000140004011d490c6336409cb00710100350fa0000911c878
      < lan0 4500001d000140003f110791c63364090a00000200350fa0000943c878
    `,
  },
  {
    name: "REDIRECT",
    rules: "*nat\n-A PREROUTING -p udp -j REDIRECT --to-ports 8053\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
    `,
  },
  {
    name: "NETMAP",
    rules:
      "*nat\n-A PREROUTING -j NETMAP --to 203.0.113.0/28\nCOMMIT\n*mangle\n-A FORWARD -j TTL --ttl-inc 1\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140004011f4c30a000002cb0071090fa00035000931fb78
      > lan0 4500001d00014000401106860a000002c63364140fa00035000943bd78
      < wan0 4500001d000140004011f4c80a000002cb0071040fa000350009320078
    `,
  },
  {
    name: "NETMAP of sources",
    rules: "*nat\n-A POSTROUTING -j NETMAP --to 192.0.2.0/24\nCOMMIT\n",
    packets: `
      > lan0 4500001d00014000401106910a000002c63364090fa00035000943c878
      < wan0 4500001d000140003f114f90c0000202c63364090fa0003500098bc778
    `,
  },
  {
    name: "SNAT, IPv6",
    family: 6,
    rules: "*nat\n-A POSTROUTING -j SNAT --to-source fd00:2::70-fd00:2::79\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < wan0 600000000009113ffd00000200000000000000000000007420010db80000000000000000000000090fa0003500094cce78
      > lan0 6000000000091140fd00000100000000000000000000000220010db800000000000000000000000a0fa0003500094d4078
      < wan0 600000000009113ffd00000200000000000000000000007420010db800000000000000000000000a0fa0003500094ccd78
    `,
  },
  {
    name: "DNAT, IPv6",
    family: 6,
    rules: "*nat\n-A PREROUTING -p udp -j DNAT --to-destination [fd00:2::9]:5353\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < wan0 600000000009113ffd000001000000000000000000000002fd0000020000000000000000000000090fa014e90009694378
    `,
  },
  {
    name: "MASQUERADE, IPv6",
    family: 6,
    rules: "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < wan0 600000000009113ffd00000200000000000000000000000120010db80000000000000000000000090fa0003500094d4178
    `,
  },
  {
    name: "NETMAP, IPv6",
    family: 6,
    rules: "*nat\n-A POSTROUTING -j NETMAP --to fd00:2:0:1::/64\nCOMMIT\n",
    packets: `
      > lan0 6000000000091140fd00000100000000000000000000000220010db80000000000000000000000090fa0003500094d4178
      < wan0 600000000009113ffd00000200000001000000000000000220010db80000000000000000000000090fa0003500094d3f78
    `,
  },
];

const INTERFACES = { lan0: ["10.0.0.1/24", "fd00:1::1/64"], wan0: ["203.0.113.1/24", "fd00:2::1/64"] };
const ROUTES = ["default dev wan0", "2000::/3 dev wan0"];

const toBytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** Packets that the host made itself carry an id or flow label of its own choice. */
function withoutChance(hex: string, sent: string): string {
  const v4 = hex[0] === "4";
  if (v4 && hex.slice(8, 12) !== sent.slice(8, 12))
    return `${hex.slice(0, 8)}....${hex.slice(12, 20)}....${hex.slice(24)}`;
  return v4 || hex.slice(3, 8) === sent.slice(3, 8) ? hex : `${hex.slice(0, 3)}.....${hex.slice(8)}`;
}

for (const { name, family = 4, routes = ROUTES, rules, packets } of RECORDED)
  test(name, (t) => {
    const { ruleset, errors } = parseSave(rules, { family, file: "rules", registry });
    t.deepEqual(errors, []);
    const host = new Host({ interfaces: INTERFACES, routes });
    const firewall = new Firewall({
      host,
      rules: family === 4 ? ruleset : null,
      rules6: family === 6 ? ruleset : null,
    });
    const recorded: string[] = [];
    const happened: string[] = [];
    let sent = "";
    let time = 1_700_000_000_000_000;
    let listed = false;
    const list = () => {
      for (const line of firewall.connections())
        if (listed) happened.push(`= ${line.replace(/^(\S+\s+\d+) \d+/, "$1").replace(/ use=\d+/, "")}`);
    };
    for (const line of packets
      .trim()
      .split("\n")
      .map((text) => text.trim())) {
      const [sign, device, hex] = line.split(" ");
      if (sign === ">") {
        if (sent !== "") list();
        sent = hex;
        time += 1000;
        listed = packets.includes("\n      = ");
        recorded.push(line);
        happened.push(line);
        for (const { dev, bytes } of firewall.receive(device, toBytes(hex), { time }).out)
          happened.push(`< ${dev} ${withoutChance(bytes, sent)}`);
      } else recorded.push(sign === "<" ? `< ${device} ${withoutChance(hex, sent)}` : line);
    }
    list();
    t.deepEqual(happened, recorded);
  });
