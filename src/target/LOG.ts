/** `-j LOG`: the kernel writes a line about the packet to its log, and the packet goes on (xt_LOG.c). */
import { CONTINUE } from "../packet/hook.ts";
import {
  LOG_IP_OPTIONS,
  LOG_MAC_DECODE,
  LOG_TCP_OPTIONS,
  LOG_TCP_SEQUENCE,
  LOG_UID,
  logLine,
} from "../packet/log-line.ts";
import { type OptionType, RuleError, target } from "../rules/extension.ts";
import { flag, opt, saveString, string, syslogLevel } from "../rules/types.ts";

/** LOG_WARNING */
const DEFAULT_LEVEL = 4;

const anyPrefix = string({ min: 1, size: 30 });

const prefix: OptionType<string> = {
  ...anyPrefix,
  parse(words, site) {
    const value = anyPrefix.parse(words, site);
    if (words[0].includes("\n")) throw new RuleError("Newlines not allowed in --log-prefix");
    return value;
  },
};

/** Options that are a bit each, in the order in which iptables-save prints them. */
const FLAGS = [
  ["--log-tcp-sequence", LOG_TCP_SEQUENCE],
  ["--log-tcp-options", LOG_TCP_OPTIONS],
  ["--log-ip-options", LOG_IP_OPTIONS],
  ["--log-uid", LOG_UID],
  ["--log-macdecode", LOG_MAC_DECODE],
] as const;

interface Log {
  /** Severity 0 … 7; it decides where the line goes, not what it says. */
  readonly level: number;
  readonly prefix: string;
  /** LOG_* of log-line.ts, which are the kernel's. */
  readonly flags: number;
}

export const LOG = target({
  name: "LOG",
  families: [4, 6],
  options: {
    "--log-level": opt(syslogLevel, { help: "severity: a number or name of syslog" }),
    "--log-prefix": opt(prefix, { help: "what the line begins with, up to 29 bytes" }),
    "--log-tcp-sequence": opt(flag, { help: "with TCP sequence numbers" }),
    "--log-tcp-options": opt(flag, { help: "with TCP options" }),
    "--log-ip-options": opt(flag, { help: "with IP options or extension headers" }),
    "--log-uid": opt(flag, { help: "with the user of the local socket" }),
    "--log-macdecode": opt(flag, { help: "with link-layer addresses spelt out" }),
  },

  bind: (given): Log => ({
    level: given["--log-level"]?.value ?? DEFAULT_LEVEL,
    prefix: given["--log-prefix"]?.value ?? "",
    flags: FLAGS.reduce((flags, [option, bit]) => (given[option] === undefined ? flags : flags | bit), 0),
  }),

  print(is) {
    const words: string[] = [];
    if (is.prefix !== "") words.push(`--log-prefix ${saveString(is.prefix)}`);
    if (is.level !== DEFAULT_LEVEL) words.push(`--log-level ${is.level}`);
    for (const [option, bit] of FLAGS) if (is.flags & bit) words.push(option);
    return words.join(" ");
  },

  mayWait: true,
  compile: (is, { host }) => {
    return (p) => {
      if (p.steps === null && host.log === null) return CONTINUE;
      const line = logLine(p, host, is.prefix, is.flags);
      if (p.steps !== null) p.steps.push({ kind: "log", line });
      if (host.log !== null) host.log(line);
      return CONTINUE;
    };
  },

  does: (is) => (is.prefix === "" ? "logged" : `logged "${is.prefix.trim()}"`),
});
