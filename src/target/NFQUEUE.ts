/**
 * `-j NFQUEUE`: hands the packet to a program that decides about it (xt_NFQUEUE.c). The host's description says that no
 * program listens; the packet is then dropped, or with --queue-bypass has passed the table (nf_queue.c).
 */
import { ACCEPT, DROP } from "../packet/hook.ts";
import { type OptionType, RuleError, target } from "../rules/extension.ts";
import { flag, opt, printRange, type Range, u16, u16Range } from "../rules/types.ts";

/** Two numbers, the first the smaller one. */
const balance: OptionType<Range> = {
  arity: 1,
  parse([word], site) {
    const range = u16Range.parse([word], site);
    if (!word.includes(":")) throw new RuleError(`Bad range "${word}"`);
    if (range.from >= range.to) throw new RuleError(`${range.from} should be less than ${range.to}`);
    return range;
  },
  print: printRange,
};

/** The kernel keeps the number of queues in 16 bits. */
const QUEUES_MAX = 0xffff;

export const NFQUEUE = target({
  name: "NFQUEUE",
  families: [4, 6],
  options: {
    "--queue-num": opt(u16, { excludes: ["--queue-balance"], help: "number of the queue, default 0" }),
    "--queue-balance": opt(balance, { excludes: ["--queue-num"], help: "first:last, a connection always the same" }),
    "--queue-bypass": opt(flag, { help: "where no program listens the packet passes" }),
    "--queue-cpu-fanout": opt(flag, { needs: ["--queue-balance"], help: "the queue by processor" }),
  },

  print(is) {
    const range = is["--queue-balance"]?.value;
    const words = [
      range === undefined ? `--queue-num ${is["--queue-num"]?.value ?? 0}` : `--queue-balance ${printRange(range)}`,
    ];
    if (is["--queue-bypass"] !== undefined) words.push("--queue-bypass");
    if (is["--queue-cpu-fanout"] !== undefined) words.push("--queue-cpu-fanout");
    return words.join(" ");
  },

  checkEntry(is) {
    const range = is["--queue-balance"]?.value;
    if (range !== undefined && range.to - range.from + 1 > QUEUES_MAX)
      throw new RuleError("Numerical argument out of domain: number of total queues is 0", 1);
  },

  // The kernel leaves the NAT hook before it has chosen an address, or the connection's null binding.
  refuse: (is, { table }) =>
    table === "nat" && is["--queue-bypass"] !== undefined ? "--queue-bypass in the nat table is not evaluated" : null,

  compile(is, { host }) {
    if (!host.queuesUnheard)
      throw new RuleError(
        "-j NFQUEUE leaves the decision to a program: where none listens, host.yaml must say so, as `queues: none`",
        1,
      );
    const verdict = is["--queue-bypass"] === undefined ? DROP : ACCEPT;
    return () => verdict;
  },

  does: (is) => `no program listens to its queue: ${is["--queue-bypass"] === undefined ? "dropped" : "passes"}`,
});
