/**
 * `-m policy`: the IPsec policy under which a packet came or will go (xt_policy.c). This host has no IPsec, so a packet has
 * none: the rule matches if it asks for that.
 */
import { INPUT, OUTPUT, POSTROUTING, PREROUTING } from "../packet/hook.ts";
import { type Given, match, type OptionSite, type OptionType, RuleError } from "../rules/extension.ts";
import { printProtocol } from "../rules/protocols.ts";
import { flag, hostMask, oneOf, opt, optNot, protocol, u32 } from "../rules/types.ts";

/** XT_POLICY_MAX_ELEM */
const MOST_ELEMENTS = 4;
const IPPROTO_ESP = 50;
const IPPROTO_AH = 51;
const IPPROTO_COMP = 108;

/** An option belongs to the element in which it stands: `--next` begins another. */
interface InElement<V> {
  readonly element: number;
  readonly not: boolean;
  readonly value: V;
}

const elementOf = ({ given }: OptionSite) => (given["--next"]?.value as readonly true[] | undefined)?.length ?? 0;

/**
 * Whether it is the second of its element is asked after its value is read, but for words (`isWord`), before. `check`:
 * what is asked of the value after that.
 */
function inElement<V>(
  type: OptionType<V>,
  isWord = false,
  check: (value: V) => void = () => {},
): OptionType<InElement<V>> {
  return {
    arity: 1,
    parse(words, site) {
      const element = elementOf(site);
      const before = (site.given[site.option]?.value ?? []) as readonly InElement<V>[];
      const again = before.some((known) => known.element === element);
      if (again && isWord) throw new RuleError(`policy match: double ${site.option} option`);
      const value = type.parse(words, site);
      if (again) throw new RuleError(`policy match: double ${site.option} option`);
      check(value);
      return { element, not: site.not, value };
    },
    print: ({ value }, site) => type.print(value, site),
  };
}

const ipsecProtocol: OptionType<number> = { ...protocol, print: printProtocol };

function checkIpsec(value: number): void {
  if (value !== IPPROTO_AH && value !== IPPROTO_ESP && value !== IPPROTO_COMP)
    throw new RuleError("policy match: protocol must be ah/esp/ipcomp");
}

const next: OptionType<true> = {
  ...flag,
  parse(_words, site) {
    if (elementOf(site) + 1 === MOST_ELEMENTS) throw new RuleError("policy match: maximum policy depth reached");
    return true;
  },
};

const mode = oneOf({ transport: "transport", tunnel: "tunnel" }, (word) => `policy match: invalid mode "${word}"`);

const many = { repeat: true };
const OPTIONS = {
  "--dir": opt(
    oneOf({ in: "in", out: "out" }, (word) => `policy_match: invalid dir "${word}"`),
    { help: "in: how it came; out: how it will go" },
  ),
  "--pol": opt(
    oneOf({ none: "none", ipsec: "ipsec" }, (word) => `policy match: invalid policy "${word}"`),
    { help: "none, or ipsec (the default)" },
  ),
  "--strict": opt(flag, { help: "the policy has just these elements" }),
  "--reqid": optNot(inElement(u32), { ...many, help: "of an element" }),
  "--spi": optNot(inElement({ ...u32, print: (spi) => `0x${spi.toString(16)}` }), { ...many, help: "of an element" }),
  "--tunnel-src": optNot(inElement(hostMask), { ...many, help: "source of an element's tunnel" }),
  "--tunnel-dst": optNot(inElement(hostMask), { ...many, help: "destination of an element's tunnel" }),
  "--proto": optNot(inElement(ipsecProtocol, false, checkIpsec), { ...many, help: "ah, esp, ipcomp" }),
  "--mode": optNot(inElement(mode, true), { ...many, help: "transport, tunnel" }),
  "--next": opt(next, { ...many, needs: ["--strict"], help: "the next element" }),
};

/** In the order in which iptables-save prints them. */
const ELEMENT_OPTIONS = ["--reqid", "--spi", "--proto", "--mode", "--tunnel-dst", "--tunnel-src"] as const;

/** repeat: the value is the list of all given. */
const listOf = (given: Given<typeof OPTIONS>, option: (typeof ELEMENT_OPTIONS)[number]) =>
  (given[option]?.value ?? []) as unknown as readonly InElement<unknown>[];

/** How many elements the policy has. */
function elementsOf(given: Given<typeof OPTIONS>): number {
  return given["--pol"]?.value === "none" ? 0 : ((given["--next"]?.value as unknown as true[])?.length ?? 0) + 1;
}

function checkElement(given: Given<typeof OPTIONS>, element: number): void {
  const own = (option: (typeof ELEMENT_OPTIONS)[number]) =>
    listOf(given, option).find((entry) => entry.element === element);
  if (given["--strict"] !== undefined && ELEMENT_OPTIONS.every((option) => own(option) === undefined))
    throw new RuleError(
      `policy match: empty policy element ${element}. --strict is in effect, but at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required.`,
    );
  // Without --mode it is transport mode.
  const asked = own("--mode");
  const isTunnel = (asked?.value === "tunnel") !== (asked?.not ?? false);
  if ((own("--tunnel-src") !== undefined || own("--tunnel-dst") !== undefined) && !isTunnel)
    throw new RuleError("policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode");
}

export const policy = match({
  name: "policy",
  families: [4, 6],
  options: OPTIONS,
  check(given) {
    if (given["--dir"] === undefined) throw new RuleError("policy match: neither --dir in nor --dir out specified");
    if (given["--pol"]?.value === "none") {
      if (given["--strict"] !== undefined) throw new RuleError("policy match: policy none but --strict given");
      if (given["--next"] !== undefined) throw new RuleError("policy match: policy none but policy given");
    }
    for (let element = 0; element < elementsOf(given); element++) checkElement(given, element);
  },

  print(given, site) {
    const words = [`--dir ${given["--dir"]!.value}`, `--pol ${given["--pol"]?.value ?? "ipsec"}`];
    if (given["--strict"] !== undefined) words.push("--strict");
    for (let element = 0; element < elementsOf(given); element++) {
      if (element > 0) words.push("--next");
      for (const option of ELEMENT_OPTIONS)
        for (const entry of listOf(given, option))
          if (entry.element === element) {
            const printed = (OPTIONS[option].type as OptionType<InElement<unknown>>).print(entry, site);
            words.push(`${entry.not ? "! " : ""}${option} ${printed}`);
          }
    }
    return words.join(" ");
  },

  checkEntry(given, { hooks }) {
    const out = given["--dir"]!.value === "out";
    if (out && (hooks.includes(PREROUTING) || hooks.includes(INPUT)))
      throw new RuleError("xt_policy: output policy not valid in PREROUTING and INPUT", 1);
    if (!out && (hooks.includes(POSTROUTING) || hooks.includes(OUTPUT)))
      throw new RuleError("xt_policy: input policy not valid in POSTROUTING and OUTPUT", 1);
  },

  compile(given) {
    const matches = given["--pol"]?.value === "none";
    return () => matches;
  },
  source: (given) => String(given["--pol"]?.value === "none"),
  why: () => "no IPsec policy is about it",
});
