/** `-j TTL`: changes the IPv4 time to live (xt_HL.c: ttl_tg). */
import { replace2 } from "../bytes/checksum.ts";
import { IPV4_CHECKSUM, IPV4_TTL } from "../packet/ipv4.ts";
import { target } from "../rules/extension.ts";
import { opt, u8 } from "../rules/types.ts";
import { changeHops, type HopCount, hopCount, step } from "./hop-count.ts";

export const TTL = target({
  name: "TTL",
  families: [4],
  tables: ["mangle"],
  options: {
    "--ttl-set": opt(u8, { excludes: ["--ttl-dec", "--ttl-inc"], help: "to this" }),
    "--ttl-dec": opt(step, { excludes: ["--ttl-set", "--ttl-inc"], help: "less by this" }),
    "--ttl-inc": opt(step, { excludes: ["--ttl-set", "--ttl-dec"], help: "more by this" }),
  },
  atLeastOne: [["--ttl-set", "--ttl-dec", "--ttl-inc"]],
  oneNeeded: "TTL: You must specify an action",

  bind: (given): HopCount => hopCount(given["--ttl-set"], given["--ttl-dec"], given["--ttl-inc"]),
  print: ({ mode, value }) => `--ttl-${mode} ${value}`,

  compile: (is) =>
    changeHops(is, (p, ttl) => {
      const { view, start } = p;
      const check = view.getUint16(start + IPV4_CHECKSUM);
      view.setUint16(start + IPV4_CHECKSUM, replace2(check, p.ttl << 8, ttl << 8));
      p.data[start + IPV4_TTL] = ttl;
      p.ttl = ttl;
    }),

  does: (_is, p) => `TTL is now ${p.ttl}`,
});
