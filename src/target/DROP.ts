/** `-j DROP`: the packet is gone, nobody is told. The walk knows this verdict without calling it. */
import { DROP as VERDICT } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";

export const DROP = target({
  name: "DROP",
  families: [4, 6],
  options: {},
  compile: () => () => VERDICT,
});
