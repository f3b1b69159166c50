/** The helpers that this version evaluates; conntrack/ is handed this table. */
import type { Helper, Helpers } from "../conntrack/helper.ts";
import { ftp } from "./ftp.ts";
import { tftp } from "./tftp.ts";

const ALL: readonly Helper[] = [ftp, tftp];

export const helpers: Helpers = {
  find: (name, family, protocol) =>
    ALL.find((h) => h.name === name && h.protocol === protocol && h.families.includes(family)),
};
