/** `-j ACCEPT`: the packet leaves the table and goes on. The walk knows this verdict without calling it. */
import { ACCEPT as VERDICT } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";

export const ACCEPT = target({
  name: "ACCEPT",
  families: [4, 6],
  options: {},
  compile: () => () => VERDICT,
});
