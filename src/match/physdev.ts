/**
 * `-m physdev`: by which ports of a bridge a packet comes and goes (xt_physdev.c). This host has no bridges, so no packet
 * has such ports: the rule matches if it wants none, each of its options with `!`.
 */
import { OUTPUT } from "../packet/hook.ts";
import { match, type OptionType, RuleError } from "../rules/extension.ts";
import { byteLength } from "../rules/text.ts";
import { flag, optNot } from "../rules/types.ts";

/** IFNAMSIZ less the closing NUL. */
const LONGEST_NAME = 15;

const portName: OptionType<string> = {
  arity: 1,
  parse([word]) {
    if (byteLength(word) > LONGEST_NAME)
      throw new RuleError(`interface name \`${word}' must be shorter than IFNAMSIZ (${LONGEST_NAME})`);
    return word;
  },
  print: (name) => name,
};

export const physdev = match({
  name: "physdev",
  families: [4, 6],
  // In the order in which iptables-save prints them.
  options: {
    "--physdev-is-in": optNot(flag, { help: "it came by a port of a bridge" }),
    "--physdev-in": optNot(portName, { help: "… by this one; NAME+ for all that begin so" }),
    "--physdev-is-out": optNot(flag, { help: "it leaves by a port of a bridge" }),
    "--physdev-out": optNot(portName, { help: "… by this one" }),
    "--physdev-is-bridged": optNot(flag, { help: "it is bridged, not routed" }),
  },
  check(given) {
    if (Object.keys(given).length === 0) throw new RuleError("PHYSDEV: no physdev option specified");
  },
  checkEntry(is, { hooks }) {
    const leaves = is["--physdev-out"] !== undefined || is["--physdev-is-out"] !== undefined;
    const bridged = is["--physdev-is-bridged"];
    if (leaves && (bridged === undefined || bridged.not) && hooks.includes(OUTPUT))
      throw new RuleError(
        "xt_physdev: --physdev-out and --physdev-is-out only supported in the FORWARD and POSTROUTING chains with bridged traffic",
        1,
      );
  },
  compile(is) {
    const wantsNone = Object.values(is).every((given) => given.not);
    return () => wantsNone;
  },
  source: (is) => String(Object.values(is).every((given) => given.not)),
  why: () => "it goes by no port of a bridge",
});
