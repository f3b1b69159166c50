/** `-j AUDIT`: writes a record of the packet to the audit log; the packet goes on (xt_AUDIT.c). */
import { CONTINUE } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";
import { oneOf, opt } from "../rules/types.ts";

export const AUDIT = target({
  name: "AUDIT",
  families: [4, 6],
  options: {
    "--type": opt(
      oneOf({ accept: "accept", drop: "drop", reject: "reject" }, (word) => `Bad action type value "${word}"`, {
        ignoreCase: true,
      }),
      { required: true, help: "accept, drop or reject: what the record says" },
    ),
  },
  compile: () => () => CONTINUE,
  does: (is) => `recorded for auditing as ${is["--type"]!.value}`,
});
