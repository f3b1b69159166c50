/** What each command takes. */
import yargs from "yargs";
import { version } from "../../package.json";
import { check } from "./check.ts";
import { explain } from "./explain.ts";
import { Failure } from "./failure.ts";
import { fmt } from "./fmt.ts";
import { replay } from "./replay.ts";
import { test } from "./test.ts";
import { verify } from "./verify.ts";

const RULES = {
  rules: { type: "string", requiresArg: true, describe: "IPv4 rules: iptables-save text or iptables commands" },
  rules6: { type: "string", requiresArg: true, describe: "IPv6 rules: ip6tables-save text or ip6tables commands" },
} as const;
const HOST = {
  type: "string",
  requiresArg: true,
  describe: "the host: interfaces, routes, sysctls, sets (YAML)",
} as const;
const FORMAT = { choices: ["text", "json"] as const, default: "text" as const, describe: "for people or for programs" };
const SEED = { type: "number", requiresArg: true, describe: "for everything the kernel leaves to chance" } as const;
const ENGINE = {
  engine: {
    choices: ["twin", "kernel"] as const,
    default: "twin" as const,
    describe: "who answers: the twin, or this machine's kernel (root, Linux)",
  },
  speed: {
    type: "number",
    requiresArg: true,
    describe: "kernel: real time passes, so many times faster than the packets' (default: it does not wait)",
  },
} as const;
const IN = {
  type: "string",
  requiresArg: true,
  describe: "device that packets arrive on when the capture names none",
} as const;
const CHECKSUMS = {
  choices: ["auto", "verify", "ignore"] as const,
  default: "auto" as const,
  describe: "auto finds checksums left to the network card",
};
const FULL = { type: "boolean", default: false, describe: "show every rule that did not match" } as const;

const RULES_FILE = "iptables-save text or iptables commands; - is standard input";

/** yargs takes a lone `-` for an option without a name: it travels under this name. */
const STANDARD_STREAM = "\0-";

const hidden = (argument: string) => (argument === "-" ? STANDARD_STREAM : argument);

/** Positional arguments of which there may be many. */
const LISTS = new Set(["packets", "paths", "files", "inputs"]);

/** Arguments as they were given; of an option that was given twice, the last one. */
function given<A extends object>(args: A): A {
  const shown = (value: unknown): unknown => (value === STANDARD_STREAM ? "-" : value);
  const entries = Object.entries(args).map(([key, value]) => {
    if (!Array.isArray(value)) return [key, shown(value)];
    return [key, LISTS.has(key) ? value.map(shown) : shown(value.at(-1))];
  });
  return Object.fromEntries(entries) as A;
}

/** Runs a command; throws Failure for what its user can mend. */
export async function run(argv: readonly string[]): Promise<void> {
  await yargs(argv.map(hidden))
    .scriptName("firetwin")
    .parserConfiguration({ "dot-notation": false, "parse-positional-numbers": false })
    .usage("What would the Linux firewall do with this packet?\n\n$0 COMMAND …")
    .command(
      "replay <capture>",
      "what becomes of each packet of a capture",
      (y) =>
        y
          .positional("capture", {
            type: "string",
            demandOption: true,
            describe: "pcap or pcapng, gzipped or not; - is standard input",
          })
          .options({
            ...RULES,
            host: { ...HOST, describe: `${HOST.describe}; without it, guessed from the capture` },
            format: FORMAT,
            trace: { type: "boolean", default: false, describe: "show every step of every packet" },
            full: FULL,
            quiet: { type: "boolean", default: false, describe: "totals only, at full speed" },
            counters: { type: "string", requiresArg: true, describe: "write iptables-save -c text to FILE" },
            counters6: { type: "string", requiresArg: true, describe: "write ip6tables-save -c text to FILE" },
            conntrack: { type: "string", requiresArg: true, describe: "write conntrack -L lines to FILE" },
            extended: { type: "boolean", default: false, describe: "… as conntrack -L -o extended prints them" },
            write: { type: "string", requiresArg: true, describe: "write the packets that left to FILE (pcapng)" },
            in: IN,
            checksums: CHECKSUMS,
            seed: SEED,
            ...ENGINE,
          })
          .example("$0 replay capture.pcapng --rules rules.v4 --host host.yaml", "")
          .example("tcpdump -w - -i eth0 | $0 replay - --rules rules.v4 --in eth0 --trace", ""),
      (args) => replay(given(args)),
    )
    .command(
      "explain <packets..>",
      "every step of one packet, or of a few",
      (y) =>
        y
          .positional("packets", {
            type: "string",
            array: true,
            demandOption: true,
            describe: "packets in the notation of docs/FLOWS.md; several between ;",
          })
          .options({ ...RULES, host: HOST, format: FORMAT, full: FULL, seed: SEED, ...ENGINE })
          .example("$0 explain --rules rules.v4 --host host.yaml 'lan0 > tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]'", "")
          .example(
            "$0 explain --rules rules.v4 --host host.yaml 'lan0 > udp 10.0.0.2:4000 > 198.51.100.9:53; reply'",
            "",
          ),
      (args) => explain(given(args)),
    )
    .command(
      "test [paths..]",
      "run packet scripts (*.flow) and their expectations",
      (y) =>
        y
          .positional("paths", {
            type: "string",
            array: true,
            describe: "scripts, or folders to look for them in (default: here); - is standard input",
          })
          .options({ full: FULL, ...ENGINE }),
      (args) => test(given(args)),
    )
    .command(
      "verify <inputs..>",
      "do the twin and this machine's kernel agree? (root, Linux)",
      (y) =>
        y
          .positional("inputs", {
            type: "string",
            array: true,
            demandOption: true,
            describe: "captures, packet scripts (*.flow), or folders of scripts",
          })
          .options({
            ...RULES,
            host: HOST,
            in: IN,
            checksums: CHECKSUMS,
            speed: { ...ENGINE.speed, describe: ENGINE.speed.describe.replace("kernel: ", "") },
            limit: {
              type: "number",
              default: 10_000,
              requiresArg: true,
              describe: "packets of a capture that are asked",
            },
            full: FULL,
          })
          .example("$0 verify capture.pcapng --rules rules.v4 --host host.yaml", ""),
      (args) => verify(given(args)),
    )
    .command(
      "check <files..>",
      "would iptables-restore take these rules?",
      (y) =>
        y.positional("files", { type: "string", array: true, demandOption: true, describe: RULES_FILE }).options({
          ipv6: {
            type: "boolean",
            alias: "6",
            default: false,
            describe: "ip6tables' rules (else the file's name and text tell)",
          },
          ipv4: { type: "boolean", alias: "4", default: false, describe: "iptables' rules" },
        }),
      (args) => check(given(args)),
    )
    .command(
      "fmt <file>",
      "the text iptables-save would print for these rules",
      (y) =>
        y.positional("file", { type: "string", demandOption: true, describe: RULES_FILE }).options({
          counters: {
            type: "boolean",
            alias: "c",
            default: false,
            describe: "with packet and byte counters, as iptables-save -c",
          },
          ipv6: {
            type: "boolean",
            alias: "6",
            default: false,
            describe: "ip6tables' rules (else the file's name and text tell)",
          },
          ipv4: { type: "boolean", alias: "4", default: false, describe: "iptables' rules" },
        }),
      (args) => fmt(given(args)),
    )
    .demandCommand(1, "Which command? replay, explain, test, verify, check or fmt; --help says more.")
    .recommendCommands()
    .strict()
    .version(version)
    .help()
    .alias("help", "h")
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .epilogue(
      "Exit codes: 0 done; 1 an expectation failed, or the kernel disagrees; 2 bad usage or bad input.\nPacket notation and scripts: docs/FLOWS.md",
    )
    .exitProcess(false)
    .fail((message, error) => {
      if (error !== undefined && error !== null)
        throw error.name === "YError" ? new Failure(usageSentence(error.message, argv[0])) : error;
      throw new Failure(usageSentence(message, argv[0]));
    })
    .parseAsync();
}

const NEEDS: Readonly<Record<string, string>> = {
  replay: "a capture",
  explain: "a packet",
  verify: "a capture or a script",
  check: "a file of rules",
  fmt: "a file of rules",
};

/** What yargs found wrong with the arguments, in our words. */
function usageSentence(message: string, command: string): string {
  const unknown = message.match(/^Unknown (?:argument|command)s?: (.*)$/)?.[1];
  if (unknown !== undefined) return `firetwin does not know “${unknown}”; --help lists what it knows.`;
  if (message.startsWith("Not enough non-option arguments"))
    return `firetwin ${command} needs ${NEEDS[command] ?? "an argument"}; firetwin ${command} --help says more.`;
  const value = message.match(/Argument: (.*), Given: (.*), Choices: (.*)/);
  if (value !== null) return `--${value[1]} takes ${value[3].replaceAll(", ", " or ")}, not ${value[2]}.`;
  const missing = message.match(/^Not enough arguments following: (.*)$/)?.[1];
  if (missing !== undefined) return `--${missing.replace(/^-+/, "")} needs a value.`;
  return message.replace(/\s*\n\s*/g, " ");
}
