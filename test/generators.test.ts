/** What the generators of fuzzing (fuzz/) leave out: no extension, none of its options, no setting that is evaluated. */
import test from "ava";
import { sysctlEntries } from "../src/host/config.ts";
import { CONF4, CONF6, IPV4, IPV6, NETFILTER } from "../src/host/sysctl-keys.ts";
import type { Family } from "../src/packet/hook.ts";
import { registry } from "../src/registry.ts";
import { Dice } from "./fuzz/dice.ts";
import { FAMILIES } from "./fuzz/families.ts";
import { languageCase } from "./fuzz/language.ts";

/** Refused: the twin knows no timeout policies. */
const REFUSED = ["-j CT --timeout"];
/** iptables keeps it for old rules, and takes it for --kerneltz. */
const OLD = ["-m time --localtz"];

/** `4 -m tcp --dport` for every option and `4 -m tcp` for every extension in rule lines. */
function note(seen: Set<string>, family: Family, lines: string): void {
  for (const line of lines.split("\n")) {
    let owner = "";
    const words = line.split(" ");
    for (let i = 0; i < words.length; i++) {
      if (words[i] === "-m" || words[i] === "-j") owner = `${family} ${words[i]} ${words[++i]}`;
      else if (!words[i].startsWith("--")) continue;
      else seen.add(`${owner} ${words[i]}`);
      seen.add(owner);
    }
  }
}

/** Extensions and options that were not seen. */
function missing(seen: ReadonlySet<string>, known: readonly string[]): string[] {
  const names = [
    ...registry.matches.map((m) => ["-m", m] as const),
    ...registry.targets.map((t) => ["-j", t] as const),
  ];
  return names.flatMap(([letter, { name, families, options }]) =>
    families.flatMap((family) =>
      ["", ...Object.keys(options).map((option) => ` ${option}`)]
        .filter((option) => !known.includes(`${letter} ${name}${option}`))
        .map((option) => `${family} ${letter} ${name}${option}`)
        .filter((one) => !seen.has(one)),
    ),
  );
}

/** Goes on with the next seeds until nothing is left out, or there were enough. */
function leftOut(most: number, look: (seed: number) => void, left: () => string[]): string[] {
  for (let seed = 0; ; seed++) {
    look(seed);
    if (seed >= most || (seed % 250 === 249 && left().length === 0)) return left();
  }
}

test("rules have every extension with every option", (t) => {
  const seen = new Set<string>();
  const look = (seed: number) => {
    for (const name of ["rules", "nat"]) {
      const { rules, rules6 } = FAMILIES[name](new Dice(seed));
      if (rules !== null) note(seen, 4, rules);
      if (rules6 !== null) note(seen, 6, rules6);
    }
  };
  t.deepEqual(
    leftOut(8000, look, () => missing(seen, [...REFUSED, ...OLD])),
    [],
  );
});

test("rule lines have every extension with every option", (t) => {
  const seen = new Set<string>();
  const look = (seed: number) => {
    const { family, line } = languageCase(new Dice(seed));
    note(seen, family, line);
  };
  t.deepEqual(
    leftOut(60_000, look, () => missing(seen, REFUSED)),
    [],
  );
});

/** Settings that have a say, and that no family changes. */
const NOT_DRAWN: Readonly<Record<string, string>> = {
  "net.netfilter.nf_conntrack_max": "the whole machine's (npm run full-table)",
  "net.netfilter.nf_conntrack_buckets": "the whole machine's",
  "net.netfilter.nf_conntrack_expect_max": "the whole machine's",
  "net.netfilter.nf_conntrack_frag6_timeout": "recorded: path-fragments-time",
  "net.ipv4.ipfrag_time": "recorded: path-fragments-time",
  "net.ipv4.icmp_echo_ignore_all": "pings are not answered",
  "net.ipv4.icmp_echo_ignore_broadcasts": "pings are not answered",
  "net.ipv6.icmp.echo_ignore_all": "pings are not answered",
  "net.ipv6.icmp.echo_ignore_anycast": "pings are not answered",
  "net.ipv6.icmp.echo_ignore_multicast": "pings are not answered",
  "net.ipv6.anycast_src_echo_reply": "pings are not answered",
  "net.ipv6.flowlabel_reflect": "pings and connections of the host's own are not answered",
  "net.ipv6.ip6frag_high_thresh": "what the host puts together for its own programs is not seen",
  "net.ipv6.ip6frag_low_thresh": "what the host puts together for its own programs is not seen",
  "net.ipv6.ip6frag_time": "what the host puts together for its own programs is not seen",
};

test("every setting that is evaluated is changed somewhere", (t) => {
  const seen = new Set<string>();
  const look = (seed: number) => {
    for (const make of Object.values(FAMILIES))
      for (const [key] of sysctlEntries(make(new Dice(seed, seed % 2)).host.sysctl))
        seen.add(key.replace(/\.conf\.\w+\./, ".conf.*."));
  };
  const all = [NETFILTER, IPV4, CONF4, IPV6, CONF6];
  const prefixes = ["net.netfilter.", "net.ipv4.", "net.ipv4.conf.*.", "net.ipv6.", "net.ipv6.conf.*."];
  const evaluated = all.flatMap((keys, i) =>
    [...keys.values()].flatMap(({ name, field }) => (field === null ? [] : [prefixes[i] + name.replaceAll("/", ".")])),
  );
  const left = () => evaluated.filter((key) => !seen.has(key) && !Object.hasOwn(NOT_DRAWN, key));
  t.deepEqual(leftOut(2000, look, left), []);
  t.deepEqual(
    Object.keys(NOT_DRAWN).filter((key) => seen.has(key) || !evaluated.includes(key)),
    [],
  );
});
