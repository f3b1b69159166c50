/**
 * Where packets go: TTL, MTU, routes of every type, martians, rp_filter, broadcast and multicast, packets of the host
 * itself, and fragments of all of these.
 */
import type { HostConfig } from "../../src/host/config.ts";
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import { datagram, mangled } from "./datagrams.ts";
import type { Dice } from "./dice.ts";
import { dressed } from "./extras.ts";
import { echo, hex, type Ip, rawPacket, tcp, udp } from "./packets.ts";
import { COUNT_STATES, family, lan, net, OWN, port, ROUTER, rounds, router } from "./world.ts";

const ROUTES: Readonly<Record<4 | 6, readonly string[]>> = {
  4: [
    "blackhole 192.0.2.0/24",
    "unreachable 192.0.2.0/24",
    "prohibit 192.0.2.0/24",
    "198.51.100.10 via 10.1.0.5",
    "198.51.100.0/24 dev dmz0",
    "192.0.2.33 dev wan0 mtu 600",
  ],
  6: [
    "blackhole 2001:db8:1::/48",
    "unreachable 2001:db8:1::/48",
    "prohibit 2001:db8:1::/48",
    "2001:db8::a via fd00:3::5",
    "2001:db8::/64 dev dmz0",
  ],
};

export function routingScenario(dice: Dice): Scenario {
  const fam = family(dice);
  const routes = [
    ...(ROUTER.routes as string[]).filter((route) => dice.chance(0.85) || route.includes("::") !== (fam === 6)),
  ];
  for (const route of ROUTES[fam]) if (dice.chance(0.3)) routes.push(route);
  if (dice.chance(0.5)) for (let n = dice.int(1, 6); n > 0; n--) routes.push(anyRoute(dice, fam));
  const armed = dice.chance(0.7);
  const host = router(dice, routingSysctl(dice), { routes: oneEach(routes), interfaces: devices(dice) });
  const events = rounds(dice, () => Array.from({ length: dice.int(3, 14) }, () => wanderer(dice, fam)));
  const rules = armed
    ? COUNT_STATES
    : "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";
  return { host, rules: fam === 4 ? rules : null, rules6: fam === 6 ? rules : null, events };
}

/** Settings that have a say in where a packet goes, of the host and of single devices. */
function routingSysctl(dice: Dice): Record<string, number> {
  const sysctl: Record<string, number> = {};
  const maybe = (key: string, value: number, probability: number) => {
    if (dice.chance(probability)) sysctl[key] = value;
  };
  maybe("net.ipv4.ip_forward", 0, 0.08);
  maybe("net.ipv4.conf.all.rp_filter", dice.int(1, 2), 0.3);
  maybe("net.ipv4.conf.all.accept_local", 1, 0.1);
  maybe("net.ipv4.conf.all.route_localnet", 1, 0.1);
  maybe("net.ipv6.conf.all.forwarding", 0, 0.08);
  for (const dev of ["all", "lan0", "wan0", "dmz0"]) {
    for (const key of SWITCHES4) maybe(`net.ipv4.conf.${dev}.${key}`, dice.int(0, key === "rp_filter" ? 2 : 1), 0.06);
    for (const key of ["forwarding", "accept_source_route"]) maybe(`net.ipv6.conf.${dev}.${key}`, dice.int(0, 1), 0.04);
    maybe(`net.ipv4.conf.${dev}.send_redirects`, 1, 0.05);
    maybe(`net.ipv6.conf.${dev}.hop_limit`, dice.int(1, 255), 0.05);
  }
  maybe("net.ipv4.ip_default_ttl", dice.int(1, 255), 0.1);
  maybe("net.ipv4.icmp_errors_use_inbound_ifaddr", 1, 0.1);
  maybe("net.ipv6.auto_flowlabels", dice.int(0, 3), 0.1);
  maybe("net.ipv6.icmp.error_anycast_as_unicast", 1, 0.1);
  return sysctl;
}

const SWITCHES4 = [
  "rp_filter",
  "forwarding",
  "accept_local",
  "route_localnet",
  "accept_source_route",
  "src_valid_mark",
];

/** The router's devices, now and then a narrow one, one with more addresses, or one to a single peer. */
function devices(dice: Dice): HostConfig["interfaces"] {
  const { lan0, dmz0, wan0 } = ROUTER.interfaces as Record<string, string[]>;
  return {
    lan0: dice.chance(0.2) ? [...lan0, "10.0.7.1/24", "10.0.0.200/24", "fd00:1:7::1/64", "fd00:1::200/128"] : lan0,
    dmz0: dice.chance(0.1) ? [...dmz0, "192.0.2.32/31"] : dmz0,
    wan0: dice.chance(0.3) ? { addresses: wan0, mtu: dice.pick([1280, 1400]) } : wan0,
    ...(dice.chance(0.2) ? { ppp0: [{ address: "10.9.9.1", peer: "10.9.9.2" }, "fd00:9::1/127"] } : {}),
  };
}

/** A route of some length to somewhere among the addresses that packets go to. */
function anyRoute(dice: Dice, fam: 4 | 6): string {
  const way = dice.pick(
    fam === 4
      ? ["via 10.1.0.5", "dev dmz0", "dev lan0", "dev wan0 src 203.0.113.9", "via 10.0.0.77", "dev wan0 mtu lock 700"]
      : ["via fd00:3::5", "dev dmz0", "dev lan0", "via fd00:1::77", "dev wan0 mtu 1280", "dev lan0 src fd00:3::1"],
  );
  const metric = dice.chance(0.3) ? ` metric ${dice.int(1, 2000)}` : "";
  const to = prefix(dice, fam);
  switch (dice.weighted({ way: 6, blackhole: 1, unreachable: 1, prohibit: 1, local: 1 })) {
    case "way":
      return `${to} ${way}${metric}`;
    case "blackhole":
      return `blackhole ${to}${metric}`;
    case "unreachable":
      return `unreachable ${to}${metric}`;
    case "prohibit":
      return `prohibit ${to}${metric}`;
    default:
      return `local ${to} dev lo`;
  }
}

function prefix(dice: Dice, fam: 4 | 6): string {
  if (fam === 6) {
    const length = dice.pick([48, 64, 96, 112, 120, 124, 127, 128]);
    const end = dice.int(0, 0x1ff) & (length < 112 ? 0 : -1 << (128 - length));
    return `${dice.pick(["2001:db8::", "2001:db8:1::"])}${end === 0 ? "" : end.toString(16)}/${length}`;
  }
  const length = dice.int(24, 32);
  return `${dice.pick(["198.51.100", "192.0.2"])}.${dice.int(0, 255) & (-1 << (32 - length))}/${length}`;
}

/** Two routes to one network would be refused. A host's may be written with the length of its prefix, or without. */
function oneEach(routes: readonly string[]): string[] {
  const seen = new Set<string>();
  return routes.filter((route) => {
    const [to] = route.replace(/^(blackhole|unreachable|prohibit|local) /, "").split(" ");
    const six = route.includes("::");
    const key = (six ? to.replace(/\/128$/, "") : to.replace(/\/32$/, "")) + (six ? "6" : "4");
    return !seen.has(key) && seen.add(key);
  });
}

const ODD: Readonly<Record<4 | 6, readonly string[]>> = {
  4: [
    "127.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "224.0.0.5",
    "10.0.0.255",
    "10.0.0.0",
    "203.0.113.255",
    "240.0.0.1",
    "169.254.1.1",
    "10.0.0.1",
    "203.0.113.9",
    "10.9.9.9",
    "192.0.2.77",
  ],
  6: [
    "::1",
    "::",
    "ff02::1",
    "ff02::5",
    "ff05::2",
    "fe80::1",
    "fd00:1::1",
    "fd00:1::",
    "fd00:2::1",
    "2001:db8:1::77",
    "::ffff:10.0.0.1",
    "fec0::1",
  ],
};

function wanderer(dice: Dice, fam: 4 | 6): ScenarioEvent {
  if (dice.chance(0.15)) {
    const made = datagram(dice, fam);
    return { dev: made.dev, hex: hex(mangled(dice, made.bytes, 0.3)) };
  }
  const local = dice.chance(0.15);
  const src = local
    ? dice.pick([OWN[fam], OWN[fam], lan(dice, fam)[0]])
    : dice.chance(0.2)
      ? dice.pick(ODD[fam])
      : dice.pick([...lan(dice, fam), ...net(dice, fam)]);
  const dst = dice.chance(0.3) ? dice.pick(ODD[fam]) : dice.pick([...net(dice, fam), ...lan(dice, fam), OWN[fam]]);
  const ends: Ip = {
    src,
    dst,
    ttl: dice.pick([64, 64, 64, 2, 1, 0, 255]),
    id: dice.int(1, 65535),
    df: dice.chance(0.5),
    tos: dice.pick([0, 0, 0x1c, 0xff]),
  };
  const size = dice.pick([0, 10, 10, 560, 1200, 1240, 1300, 1380, 1452, 1472]);
  const bytes = dice.chance(0.5)
    ? udp({ ...ends, sport: port(dice, [4000]), dport: 53, data: new Uint8Array(size) })
    : dice.chance(0.5)
      ? tcp({ ...ends, sport: port(dice, [4000]), dport: 80, flags: 2, data: new Uint8Array(size) })
      : echo({ ...ends, id16: 7, body: new Uint8Array(size) });
  return { dev: local ? null : dice.pick(["lan0", "lan0", "wan0", "dmz0"]), hex: hex(dressed(dice, bytes, 0.15)) };
}

/** Datagrams in pieces: in order or not, overlapping, doubled, missing, too small, mixed with others. */
export function fragmentScenario(dice: Dice): Scenario {
  const fam = family(dice, 0.4);
  const armed = dice.chance(0.8);
  const events = rounds(dice, () => fragmentRound(dice, fam));
  const rules = armed
    ? COUNT_STATES
    : "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -p udp -m udp --dport 53\nCOMMIT\n";
  const narrow = dice.chance(0.2);
  const sysctl: Record<string, number> = {};
  if (dice.chance(0.2)) sysctl["net.ipv4.ipfrag_max_dist"] = dice.pick([0, 1, 3]);
  if (dice.chance(0.2)) {
    const memory = dice.pick([1, 2000, 10_000, 30_000, 100_000]);
    for (const key of ["net.ipv4.ipfrag", "net.netfilter.nf_conntrack_frag6"]) {
      sysctl[`${key}_low_thresh`] = 0;
      sysctl[`${key}_high_thresh`] = memory;
    }
  }
  const interfaces = ROUTER.interfaces as Record<string, string[]>;
  const host = router(
    dice,
    sysctl,
    narrow ? { interfaces: { ...interfaces, wan0: { addresses: interfaces.wan0, mtu: 1280 } } } : {},
  );
  return { host, rules: fam === 4 ? rules : null, rules6: fam === 6 ? rules : null, events };
}

/** Up to three datagrams, in pieces. */
export function fragmentRound(dice: Dice, fam: 4 | 6): ScenarioEvent[] {
  const round: ScenarioEvent[] = [];
  for (let n = dice.int(1, 3); n > 0; n--) round.push(...pieces(dice, fam, 3 * dice.round + n));
  return (dice.chance(0.4) ? shuffle(dice, round) : round).slice(0, 24);
}

function pieces(dice: Dice, fam: 4 | 6, id: number): ScenarioEvent[] {
  const [src, dst] = [lan(dice, fam)[0], dice.chance(0.2) ? OWN[fam] : net(dice, fam)[0]];
  const header = fam === 4 ? 20 : 40;
  const isUdp = dice.chance(0.7);
  const whole = isUdp
    ? udp({
        src,
        dst,
        sport: port(dice, [4000]),
        dport: 53,
        data: dice.bytes(dice.pick([16, 100, 1000, 2900])),
      }).subarray(header)
    : echo({ src, dst, id16: 7, body: dice.bytes(dice.pick([100, 1600])) }).subarray(header);
  const size = dice.pick([8, 64, 512, 1232]);
  const events: ScenarioEvent[] = [];
  const ip = { src, dst, id: 77 + id, df: dice.chance(0.1), tos: dice.pick([0, 0, 2, 3]), ttl: dice.pick([64, 64, 1]) };
  for (let at = 0; at < whole.length && events.length < 12; at += size) {
    const start = dice.chance(0.05) && at >= 8 ? at - 8 : at;
    const end = Math.min(whole.length, at + size);
    const more = end < whole.length;
    if (dice.chance(0.04)) continue;
    const fragment = { id: 77 + id, offset: start, more: dice.chance(0.02) ? !more : more };
    const kind = isUdp ? 17 : fam === 4 ? 1 : 58;
    const bytes = rawPacket({ ...ip, fragment }, kind, whole.subarray(start, end));
    events.push({ dev: "lan0", hex: hex(bytes) });
    if (dice.chance(0.04)) events.push({ dev: "lan0", hex: hex(bytes) });
  }
  return events;
}

function shuffle<T>(dice: Dice, items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(dice.int(0, left.length - 1), 1)[0]);
}
