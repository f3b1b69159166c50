/** `-j TRACE`: from here on the kernel logs every rule and policy that decides about this packet (xt_TRACE.c). */
import { CONTINUE } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";

export const TRACE = target({
  name: "TRACE",
  families: [4, 6],
  tables: ["raw"],
  options: {},

  compile: () => (p) => {
    p.traced = true;
    return CONTINUE;
  },
});
