/** `-j RETURN`: back to the calling chain, or to the policy. The walk knows this verdict without calling it. */
import { RETURN as VERDICT } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";

export const RETURN = target({
  name: "RETURN",
  families: [4, 6],
  options: {},
  compile: () => () => VERDICT,
});
