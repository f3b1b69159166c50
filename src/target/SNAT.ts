/** `-j SNAT`: gives the connection another source, from a range of addresses and ports (xt_nat.c: xt_snat_target). */
import { MANIP_SRC, type NatRange } from "../nat/range.ts";
import { INPUT, POSTROUTING } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";
import { flag, opt } from "../rules/types.ts";
import { addressRange, printOptions, withFlags } from "./nat-range.ts";

export const SNAT = target({
  name: "SNAT",
  families: [4, 6],
  tables: ["nat"],
  hooks: [INPUT, POSTROUTING],
  armsConntrack: true,
  options: {
    "--to-source": opt(addressRange, { required: true, help: "address[-address][:port[-port]]" }),
    "--random": opt(flag, { help: "choose ports by a hash with a secret" }),
    "--random-fully": opt(flag, { help: "choose ports by chance" }),
    "--persistent": opt(flag, { help: "the same client always gets the same address" }),
  },

  // This target's revision has no room for a base port.
  bind: (given): NatRange => withFlags({ ...given["--to-source"]!.value, basePort: 0 }, given),
  print: (is, { family }) => printOptions("--to-source", addressRange, is, family),

  mayWait: true,
  compile:
    (is, { nat }) =>
    (p) =>
      nat.setup(p, is, MANIP_SRC),
});
