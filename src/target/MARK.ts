/** `-j MARK`: clears bits of the packet's mark and flips others (xt_mark.c: mark_tg). */
import { CONTINUE } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";
import { hex, type Masked, markMask, opt, u32 } from "../rules/types.ts";

const OPERATIONS = ["--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark"];
const others = (option: string) => ({ excludes: OPERATIONS.filter((other) => other !== option) });

export const MARK = target({
  name: "MARK",
  families: [4, 6],
  options: {
    "--set-xmark": opt(markMask, { ...others("--set-xmark"), help: "value[/mask]: clear the mask, xor the value" }),
    "--set-mark": opt(markMask, { ...others("--set-mark"), help: "value[/mask]: clear the mask, or the value" }),
    "--and-mark": opt(u32, { ...others("--and-mark"), help: "keep only these bits" }),
    "--or-mark": opt(u32, { ...others("--or-mark"), help: "set these bits" }),
    "--xor-mark": opt(u32, { ...others("--xor-mark"), help: "flip these bits" }),
  },
  atLeastOne: [["--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark"]],
  oneNeeded: "MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required",

  bind(given): Masked {
    const set = given["--set-mark"]?.value;
    const and = given["--and-mark"]?.value;
    const or = given["--or-mark"]?.value;
    if (set !== undefined) return { value: set.value, mask: (set.value | set.mask) >>> 0 };
    if (and !== undefined) return { value: 0, mask: ~and >>> 0 };
    if (or !== undefined) return { value: or, mask: or };
    return given["--set-xmark"]?.value ?? { value: given["--xor-mark"]!.value, mask: 0 };
  },
  print: (is) => `--set-xmark ${hex(is.value)}/${hex(is.mask)}`,

  mayWait: true,
  compile(is) {
    const keep = ~is.mask;
    const flip = is.value | 0;
    return (p) => {
      p.mark = (p.mark & keep) ^ flip;
      return CONTINUE;
    };
  },

  does: (_is, p) => `MARK is now ${hex(p.mark)}`,
});
