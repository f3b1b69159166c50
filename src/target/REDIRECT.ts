/** `-j REDIRECT`: the connection goes to the host itself (nf_nat_redirect.c). */
import type { NatRange } from "../nat/range.ts";
import { OUTPUT, PREROUTING } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";
import { flag, opt } from "../rules/types.ts";
import { portRange, printOptions, refuseBasePort, withFlags } from "./nat-range.ts";

export const REDIRECT = target({
  name: "REDIRECT",
  families: [4, 6],
  tables: ["nat"],
  hooks: [PREROUTING, OUTPUT],
  armsConntrack: true,
  options: {
    "--to-ports": opt(portRange, { help: "port[-port]" }),
    "--random": opt(flag, { help: "choose ports by a hash with a secret" }),
  },
  check: (given) => refuseBasePort(given["--to-ports"]?.value),

  bind: (given): NatRange => withFlags(given["--to-ports"]?.value, given),
  print: (is, { family }) => printOptions("--to-ports", portRange, is, family),

  mayWait: true,
  compile:
    (is, { nat }) =>
    (p) =>
      nat.redirect(p, is),
});
