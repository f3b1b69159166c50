/** `-m hl`: the IPv6 hop limit (xt_hl.c: hl_mt6). */
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

export const hl = match({
  name: "hl",
  families: [6],
  options: {
    "--hl-lt": opt(u8, { excludes: ["--hl-eq", "--hl-gt"], help: "less than this" }),
    "--hl-gt": opt(u8, { excludes: ["--hl-eq", "--hl-lt"], help: "more than this" }),
    "--hl-eq": optNot(saidAs("--hl-eq", u8), {
      aliases: ["--hl"],
      saidAs: "--hl-eq",
      excludes: ["--hl-lt", "--hl-gt"],
      help: "exactly this",
    }),
  },
  atLeastOne: [["--hl-eq", "--hl-lt", "--hl-gt"]],
  oneNeeded: "HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'",
  check: (given) => checkHopLimit("hl", given["--hl-lt"], given["--hl-eq"]),

  bind: (given): HopLimit => hopLimit(given["--hl-lt"], given["--hl-gt"], given["--hl-eq"]),
  print: (is) => printHopLimit(is, "--hl"),
  compile: hopLimitPredicate,
  source: hopLimitSource,
  why: (is, p) => hopLimitWhy(is, p, "hop limit"),
});
