/** The host that most scenarios play on: a router between a LAN, a DMZ and the internet, in both families. */
import type { HostConfig } from "../../src/host/config.ts";
import type { ScenarioEvent } from "../../src/kernel/scenario.ts";
import type { Dice } from "./dice.ts";

export const ROUTER: HostConfig = {
  interfaces: {
    lan0: ["10.0.0.1/24", "fd00:1::1/64"],
    dmz0: ["10.1.0.1/24", "fd00:3::1/64"],
    wan0: ["203.0.113.1/24", "203.0.113.9/24", "fd00:2::1/64"],
  },
  routes: ["default dev wan0", "default via fd00:2::fe dev wan0"],
};

/** No limit on the host's own ICMP errors: how many a limit lets through depends on the instant. */
const UNLIMITED = {
  "net.ipv4.icmp_ratelimit": 0,
  "net.ipv4.icmp_msgs_per_sec": 1_000_000,
  "net.ipv4.icmp_msgs_burst": 1_000_000,
  "net.ipv6.icmp.ratelimit": 0,
};

/** A router whose sysctls a scenario may change. A long scenario would run into the limits of ICMP errors. */
export function router(
  dice: Dice,
  sysctl: Record<string, string | number> = {},
  more: Partial<HostConfig> = {},
): HostConfig {
  const limits = dice.packets > 0 ? UNLIMITED : {};
  return { ...ROUTER, ...more, sysctl: { "net.netfilter.nf_conntrack_log_invalid": 255, ...limits, ...sysctl } };
}

/** What one round is made of, and then, until the scenario is long enough, further rounds and packets of old ones. */
export function rounds(dice: Dice, make: () => ScenarioEvent[], packets = dice.packets): ScenarioEvent[] {
  const events = make();
  while (events.length < packets) {
    dice.round++;
    const round = make();
    if (events.length > 0 && dice.chance(0.5)) for (let n = dice.int(1, 3); n > 0; n--) round.push(dice.pick(events));
    events.push(...round);
  }
  return events;
}

/** One of the last things in a list that grows from round to round; now and then any. */
export function recent<T>(dice: Dice, from: readonly T[]): T {
  return from[dice.int(dice.chance(0.1) ? 0 : Math.max(0, from.length - 24), from.length - 1)];
}

/** Every third round meets the ends of the first again, which are those that rules speak of. */
const isFamiliar = (dice: Dice) => dice.round % 3 === 0;

const LAN = { 4: ["10.0.0.2", "10.0.0.3", "10.0.0.77"], 6: ["fd00:1::2", "fd00:1::3", "fd00:1::77"] } as const;
const NET = {
  4: ["198.51.100.9", "198.51.100.10", "192.0.2.33"],
  6: ["2001:db8::9", "2001:db8::a", "2001:db8:1::33"],
} as const;

/** Hosts of this round in the LAN. */
export function lan(dice: Dice, fam: 4 | 6): readonly string[] {
  if (isFamiliar(dice)) return LAN[fam];
  return [4, 5, 6].map((n) => hostOf(fam === 4 ? "10.0.0." : "fd00:1::", fam, 3 * dice.round + n));
}

/** Hosts of this round on the internet, the last one in a network of its own. */
export function net(dice: Dice, fam: 4 | 6): readonly string[] {
  if (isFamiliar(dice)) return NET[fam];
  const [near, far] = fam === 4 ? ["198.51.100.", "192.0.2."] : ["2001:db8::", "2001:db8:1::"];
  return [near, near, far].map((network, n) => hostOf(network, fam, 3 * dice.round + n));
}

function hostOf(network: string, fam: 4 | 6, n: number): string {
  return network + (fam === 4 ? 2 + (n % 250) : (0x100 + n).toString(16));
}

export const DMZ = { 4: ["10.1.0.5", "10.1.0.6"], 6: ["fd00:3::5", "fd00:3::6"] } as const;
export const OWN = { 4: "203.0.113.1", 6: "fd00:2::1" } as const;

/** One of these ports or ids, another one each round, which NAT counts among the same: below 512, 1024, or above. */
export function port(dice: Dice, from: readonly number[]): number {
  const one = dice.pick(from);
  if (isFamiliar(dice) || one === 0) return one;
  if (one < 512) return 1 + ((one + dice.round) % 511);
  return one < 1024 ? 512 + ((one + dice.round) % 512) : 1024 + ((one + 10 * dice.round) % 64_512);
}

/** Rules that switch conntrack on and count every state, and let all pass. */
export const COUNT_STATES = [
  "*filter",
  ":INPUT ACCEPT [0:0]",
  ":FORWARD ACCEPT [0:0]",
  ":OUTPUT ACCEPT [0:0]",
  ...["INPUT", "FORWARD", "OUTPUT"].flatMap((chain) =>
    ["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"].map(
      (state) => `-A ${chain} -m conntrack --ctstate ${state} -j ACCEPT`,
    ),
  ),
  "COMMIT",
  "",
].join("\n");

export function family(dice: Dice, six = 0.3): 4 | 6 {
  return dice.chance(six) ? 6 : 4;
}
