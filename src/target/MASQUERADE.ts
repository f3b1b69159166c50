/** `-j MASQUERADE`: gives the connection the address of the device it leaves by (nf_nat_masquerade.c). */
import type { NatRange } from "../nat/range.ts";
import { POSTROUTING } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";
import { flag, opt } from "../rules/types.ts";
import { portRange, printOptions, withFlags } from "./nat-range.ts";

export const MASQUERADE = target({
  name: "MASQUERADE",
  families: [4, 6],
  tables: ["nat"],
  hooks: [POSTROUTING],
  armsConntrack: true,
  options: {
    "--to-ports": opt(portRange, { help: "port[-port]" }),
    "--random": opt(flag, { help: "choose ports by a hash with a secret" }),
    "--random-fully": opt(flag, { help: "choose ports by chance" }),
  },

  // This target's revision has no room for a base port.
  bind: (given): NatRange => ({ ...withFlags(given["--to-ports"]?.value, given), basePort: 0 }),
  print: (is, { family }) => printOptions("--to-ports", portRange, is, family),

  mayWait: true,
  compile:
    (is, { nat }) =>
    (p) =>
      nat.masquerade(p, is),
});
