/**
 * `-j CHECKSUM --checksum-fill`: finishes a transport checksum that was left to the network card (xt_CHECKSUM.c). What
 * leaves this host has its checksum anyway (path/ finishes it last), with the same bytes: nothing is left to do here.
 */
import { CONTINUE } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";
import { flag, opt } from "../rules/types.ts";

export const CHECKSUM = target({
  name: "CHECKSUM",
  families: [4, 6],
  tables: ["mangle"],
  options: { "--checksum-fill": opt(flag, { required: true, help: "finishes the checksum" }) },
  compile: () => () => CONTINUE,
  does: () => "its checksum is finished",
});
