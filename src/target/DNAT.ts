/** `-j DNAT`: gives the connection another destination, from a range of addresses and ports (xt_nat.c: xt_dnat_target). */
import { MANIP_DST, type NatRange } from "../nat/range.ts";
import { OUTPUT, PREROUTING } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";
import { flag, opt } from "../rules/types.ts";
import { addressRange, printOptions, withFlags } from "./nat-range.ts";

export const DNAT = target({
  name: "DNAT",
  families: [4, 6],
  tables: ["nat"],
  hooks: [PREROUTING, OUTPUT],
  armsConntrack: true,
  options: {
    "--to-destination": opt(addressRange, { required: true, help: "address[-address][:port[-port[/base]]]" }),
    "--random": opt(flag, { help: "choose ports by a hash with a secret" }),
    "--persistent": opt(flag, { help: "the same client always gets the same address" }),
  },

  bind: (given): NatRange => withFlags(given["--to-destination"]!.value, given),
  print: (is, { family }) => printOptions("--to-destination", addressRange, is, family),

  mayWait: true,
  compile:
    (is, { nat }) =>
    (p) =>
      nat.setup(p, is, MANIP_DST),
});
