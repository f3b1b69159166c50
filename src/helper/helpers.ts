/** The helpers that this version evaluates; conntrack/ is handed this table. */
import type { Helper, Helpers } from "../conntrack/helper.ts";
import { amanda } from "./amanda.ts";
import { ftp } from "./ftp.ts";
import { irc } from "./irc.ts";
import { netbiosNs } from "./netbios-ns.ts";
import { sane } from "./sane.ts";
import { tftp } from "./tftp.ts";

const ALL: readonly Helper[] = [amanda, ftp, irc, netbiosNs, sane, tftp];

export const helpers: Helpers = {
  names: ALL.map(({ name }) => name),
  find: (name, family, protocol) =>
    ALL.find((h) => h.name === name && h.protocol === protocol && h.families.includes(family)),
};
