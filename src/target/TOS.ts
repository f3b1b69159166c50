/** `-j TOS`: clears bits of the TOS byte or traffic class and flips others (xt_DSCP.c: tos_tg, tos_tg6). */
import { CONTINUE } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";
import { printTos, type TosMask, tosMask } from "../rules/tos.ts";
import { opt, u8 } from "../rules/types.ts";
import { setTos } from "./ds-field.ts";

const OPERATIONS = ["--set-tos", "--and-tos", "--or-tos", "--xor-tos"];
const others = (option: string) => ({ excludes: OPERATIONS.filter((other) => other !== option) });

export const TOS = target({
  name: "TOS",
  families: [4, 6],
  tables: ["mangle"],
  options: {
    "--set-tos": opt(tosMask, { ...others("--set-tos"), help: "clears the mask's bits (all), then flips the value's" }),
    "--and-tos": opt(u8, { ...others("--and-tos"), help: "keeps these bits" }),
    "--or-tos": opt(u8, { ...others("--or-tos"), help: "sets these bits" }),
    "--xor-tos": opt(u8, { ...others("--xor-tos"), help: "flips these bits" }),
  },
  atLeastOne: [OPERATIONS as ("--set-tos" | "--and-tos" | "--or-tos" | "--xor-tos")[]],
  oneNeeded: "TOS: An action is required",

  bind(given): TosMask {
    if (given["--set-tos"] !== undefined) return given["--set-tos"].value;
    if (given["--and-tos"] !== undefined) return { value: 0, mask: ~given["--and-tos"].value & 0xff };
    if (given["--or-tos"] !== undefined) return { value: given["--or-tos"].value, mask: given["--or-tos"].value };
    return { value: given["--xor-tos"]!.value, mask: 0 };
  },
  print: (is) => `--set-tos ${printTos(is)}`,

  compile({ value, mask }) {
    return (p) => {
      const changed = (p.tos & ~mask) ^ value;
      if (changed !== p.tos) setTos(p, changed);
      return CONTINUE;
    };
  },

  does: (_is, p) => `TOS is now 0x${p.tos.toString(16).padStart(2, "0")}`,
});
