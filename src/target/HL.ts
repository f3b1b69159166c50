/** `-j HL`: changes the IPv6 hop limit (xt_HL.c: hl_tg6). */
import { IPV6_HOP_LIMIT } from "../packet/ipv6.ts";
import { target } from "../rules/extension.ts";
import { opt, u8 } from "../rules/types.ts";
import { changeHops, type HopCount, hopCount, step } from "./hop-count.ts";

export const HL = target({
  name: "HL",
  families: [6],
  tables: ["mangle"],
  options: {
    "--hl-set": opt(u8, { excludes: ["--hl-dec", "--hl-inc"], help: "to this" }),
    "--hl-dec": opt(step, { excludes: ["--hl-set", "--hl-inc"], help: "less by this" }),
    "--hl-inc": opt(step, { excludes: ["--hl-set", "--hl-dec"], help: "more by this" }),
  },
  atLeastOne: [["--hl-set", "--hl-dec", "--hl-inc"]],
  oneNeeded: "HL: You must specify an action",

  bind: (given): HopCount => hopCount(given["--hl-set"], given["--hl-dec"], given["--hl-inc"]),
  print: ({ mode, value }) => `--hl-${mode} ${value}`,

  compile: (is) =>
    changeHops(is, (p, hops) => {
      p.data[p.start + IPV6_HOP_LIMIT] = hops;
      p.ttl = hops;
    }),

  does: (_is, p) => `the hop limit is now ${p.ttl}`,
});
