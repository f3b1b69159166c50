/**
 * `-j REJECT`: drops the packet and tells its sender, by a TCP reset or an ICMP error (ipt_REJECT.c, ip6t_REJECT.c).
 * When no answer is due (fragments, broadcasts, errors about errors, bad checksums …) is path/'s affair.
 */
import { DROP, type Family, FORWARD, INPUT, OUTPUT } from "../packet/hook.ts";
import { IPPROTO_TCP } from "../packet/transport.ts";
import { type OptionType, RuleError, target } from "../rules/extension.ts";
import { opt } from "../rules/types.ts";

interface Way {
  readonly name: string;
  readonly alias: string;
  /** Code of the unreachable message; null: a TCP reset. */
  readonly code: number | null;
}

/** In the order in which iptables looks for the word, which may be cut short. */
const WAYS: Readonly<Record<Family, readonly Way[]>> = {
  4: [
    { name: "icmp-net-unreachable", alias: "net-unreach", code: 0 },
    { name: "icmp-host-unreachable", alias: "host-unreach", code: 1 },
    { name: "icmp-proto-unreachable", alias: "proto-unreach", code: 2 },
    { name: "icmp-port-unreachable", alias: "port-unreach", code: 3 },
    { name: "icmp-net-prohibited", alias: "net-prohib", code: 9 },
    { name: "icmp-host-prohibited", alias: "host-prohib", code: 10 },
    { name: "tcp-reset", alias: "tcp-rst", code: null },
    { name: "icmp-admin-prohibited", alias: "admin-prohib", code: 13 },
  ],
  6: [
    { name: "icmp6-no-route", alias: "no-route", code: 0 },
    { name: "icmp6-adm-prohibited", alias: "adm-prohibited", code: 1 },
    { name: "icmp6-addr-unreachable", alias: "addr-unreach", code: 3 },
    { name: "icmp6-port-unreachable", alias: "port-unreach", code: 4 },
    { name: "tcp-reset", alias: "tcp-reset", code: null },
    { name: "icmp6-policy-fail", alias: "policy-fail", code: 5 },
    { name: "icmp6-reject-route", alias: "reject-route", code: 6 },
  ],
};
const DEFAULT: Readonly<Record<Family, string>> = { 4: "icmp-port-unreachable", 6: "icmp6-port-unreachable" };

/** Type of ICMP's and ICMPv6's "destination unreachable". */
const UNREACHABLE: Readonly<Record<Family, number>> = { 4: 3, 6: 1 };

const way: OptionType<string> = {
  arity: 1,
  parse([word], { family }) {
    const wanted = word.toLowerCase();
    const found = WAYS[family].find(({ name, alias }) => name.startsWith(wanted) || alias.startsWith(wanted));
    if (found === undefined) throw new RuleError(`unknown reject type "${word}"`);
    return found.name;
  },
  print: (value) => value,
};

export const REJECT = target({
  name: "REJECT",
  families: [4, 6],
  tables: ["filter"],
  hooks: [INPUT, FORWARD, OUTPUT],
  options: {
    "--reject-with": opt(way, { help: "tcp-reset, or the name of an ICMP error" }),
  },

  /** The answer, by its full name. */
  bind: (given, { family }): string => given["--reject-with"]?.value ?? DEFAULT[family],
  print: (is) => `--reject-with ${is}`,

  checkEntry(is, { family, protocol }) {
    if (is !== "tcp-reset" || (protocol !== null && !protocol.not && protocol.number === IPPROTO_TCP)) return;
    throw new RuleError(
      family === 4 ? "ipt_REJECT: TCP_RESET invalid for non-tcp" : "ip6t_REJECT: TCP_RESET illegal for non-tcp",
      1,
    );
  },

  mayWait: true,
  compile(is, { family, answers }) {
    const code = WAYS[family].find(({ name }) => name === is)?.code ?? null;
    if (code === null)
      return (p) => {
        answers.tcpReset(p);
        return DROP;
      };
    const type = UNREACHABLE[family];
    return (p) => {
      answers.unreachable(p, type, code);
      return DROP;
    };
  },

  does: (is) => `REJECT with ${is}`,
});
