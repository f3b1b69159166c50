/** `-j NOTRACK`: conntrack does not look at the packet; it is UNTRACKED (xt_CT.c; an alias of `CT --notrack`). */
import { CONTINUE } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";
import { untrack } from "./untracked.ts";

export const NOTRACK = target({
  name: "NOTRACK",
  families: [4, 6],
  kernelName: "CT",
  tables: ["raw"],
  options: {},

  compile: () => (p) => {
    untrack(p);
    return CONTINUE;
  },
});
