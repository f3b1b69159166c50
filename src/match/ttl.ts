/** `-m ttl`: the IPv4 time to live (xt_hl.c: ttl_mt). */
import { match } from "../rules/extension.ts";
import { opt, optNot, u8 } from "../rules/types.ts";
import {
  checkHopLimit,
  type HopLimit,
  hopLimit,
  hopLimitPredicate,
  hopLimitSource,
  hopLimitWhy,
  printHopLimit,
} from "./hop-limit.ts";
import { saidAs } from "./said-as.ts";

export const ttl = match({
  name: "ttl",
  families: [4],
  options: {
    "--ttl-lt": opt(u8, { excludes: ["--ttl-eq", "--ttl-gt"], help: "less than this" }),
    "--ttl-gt": opt(u8, { excludes: ["--ttl-eq", "--ttl-lt"], help: "more than this" }),
    "--ttl-eq": optNot(saidAs("--ttl-eq", u8), {
      aliases: ["--ttl"],
      saidAs: "--ttl-eq",
      excludes: ["--ttl-lt", "--ttl-gt"],
      help: "exactly this",
    }),
  },
  atLeastOne: [["--ttl-eq", "--ttl-lt", "--ttl-gt"]],
  oneNeeded: "TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt",
  check: (given) => checkHopLimit("ttl", given["--ttl-lt"], given["--ttl-eq"]),

  bind: (given): HopLimit => hopLimit(given["--ttl-lt"], given["--ttl-gt"], given["--ttl-eq"]),
  print: (is) => printHopLimit(is, "--ttl"),
  compile: hopLimitPredicate,
  source: hopLimitSource,
  why: (is, p) => hopLimitWhy(is, p, "TTL"),
});
