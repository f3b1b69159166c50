/** The host that most scenarios play on: a router between a LAN, a DMZ and the internet, in both families. */
import type { HostConfig } from "../../src/host/config.ts";
import type { Dice } from "./dice.ts";

export const ROUTER: HostConfig = {
  interfaces: {
    lan0: ["10.0.0.1/24", "fd00:1::1/64"],
    dmz0: ["10.1.0.1/24", "fd00:3::1/64"],
    wan0: ["203.0.113.1/24", "203.0.113.9/24", "fd00:2::1/64"],
  },
  routes: ["default dev wan0", "default via fd00:2::fe dev wan0"],
};

/** A router whose sysctls a scenario may change. */
export function router(sysctl: Record<string, string | number> = {}, more: Partial<HostConfig> = {}): HostConfig {
  return { ...ROUTER, ...more, sysctl: { "net.netfilter.nf_conntrack_log_invalid": 255, ...sysctl } };
}

/** Ends of a conversation through the router, by family. */
export const LAN = { 4: ["10.0.0.2", "10.0.0.3", "10.0.0.77"], 6: ["fd00:1::2", "fd00:1::3", "fd00:1::77"] } as const;
export const DMZ = { 4: ["10.1.0.5", "10.1.0.6"], 6: ["fd00:3::5", "fd00:3::6"] } as const;
export const NET = {
  4: ["198.51.100.9", "198.51.100.10", "192.0.2.33"],
  6: ["2001:db8::9", "2001:db8::a", "2001:db8:1::33"],
} as const;
export const OWN = { 4: "203.0.113.1", 6: "fd00:2::1" } as const;

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
