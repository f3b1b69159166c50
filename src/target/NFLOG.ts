/** `-j NFLOG`: hands a copy of the packet to programs that listen to a netlink group; the packet goes on (xt_NFLOG.c). */
import { CONTINUE } from "../packet/hook.ts";
import { type OptionType, RuleError, target } from "../rules/extension.ts";
import { opt, saveString, string, u16, u32 } from "../rules/types.ts";

/** XT_NFLOG_DEFAULT_THRESHOLD */
const DEFAULT_THRESHOLD = 0;

const anyPrefix = string({ min: 1, size: 64 });

const prefix: OptionType<string> = {
  ...anyPrefix,
  parse(words, site) {
    const value = anyPrefix.parse(words, site);
    if (words[0].includes("\n")) throw new RuleError("Newlines not allowed in --log-prefix");
    return value;
  },
};

export const NFLOG = target({
  name: "NFLOG",
  families: [4, 6],
  options: {
    "--nflog-group": opt(u16, { help: "number of the group, default 0" }),
    "--nflog-prefix": opt(prefix, { help: "what the message begins with, up to 63 bytes" }),
    "--nflog-range": opt(u32, { excludes: ["--nflog-size"], help: "has no effect" }),
    "--nflog-size": opt(u32, { excludes: ["--nflog-range"], help: "bytes of the packet that are copied" }),
    "--nflog-threshold": opt(u16, { help: "messages that are collected before they are sent" }),
  },

  print(is) {
    const words: string[] = [];
    const text = is["--nflog-prefix"]?.value ?? "";
    if (text !== "") words.push(`--nflog-prefix ${saveString(text)}`);
    if ((is["--nflog-group"]?.value ?? 0) !== 0) words.push(`--nflog-group ${is["--nflog-group"]!.value}`);
    if (is["--nflog-size"] !== undefined) words.push(`--nflog-size ${is["--nflog-size"].value}`);
    else if ((is["--nflog-range"]?.value ?? 0) !== 0) words.push(`--nflog-range ${is["--nflog-range"]!.value}`);
    const threshold = is["--nflog-threshold"]?.value ?? DEFAULT_THRESHOLD;
    if (threshold !== DEFAULT_THRESHOLD) words.push(`--nflog-threshold ${threshold}`);
    return words.join(" ");
  },

  mayWait: true,
  compile: () => () => CONTINUE,

  does(is) {
    const text = is["--nflog-prefix"]?.value;
    return `copied to netlink group ${is["--nflog-group"]?.value ?? 0}${text === undefined ? "" : ` "${text.trim()}"`}`;
  },
});
