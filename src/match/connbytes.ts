/**
 * `-m connbytes`: how many packets or bytes a connection has carried, or how long its packets are (xt_connbytes.c). The
 * kernel switches accounting on when such a rule is loaded.
 */
import type { Connections } from "../conntrack/connections.ts";
import type { Packet } from "../packet/packet.ts";
import { match, type OptionType, RuleError } from "../rules/extension.ts";
import { oneOf, opt, optNot, u64Range } from "../rules/types.ts";

const MOST = (1n << 64n) - 1n;

type Direction = "original" | "reply" | "both";
type Mode = "packets" | "bytes" | "avgpkt";

const words = <W extends string>(option: string, ...all: readonly W[]): OptionType<W> =>
  oneOf<W>(
    Object.fromEntries(all.map((word) => [word, word])) as Record<W, W>,
    (word) => `Unknown ${option} \`${word}'`,
  );

interface Bounds {
  readonly from: string;
  readonly to: string;
}

/** Decimal text, because rulesets are JSON-able. */
const range: OptionType<Bounds> = {
  arity: 1,
  parse(given, site) {
    const { from, to } = u64Range.parse(given, site);
    if (BigInt(to) < BigInt(from)) throw new RuleError(`${from} should be less than ${to}`);
    return { from, to };
  },
  print: ({ from, to }) => (to === "0" || BigInt(to) === MOST ? from : `${from}:${to}`),
};

/** What the rule counts of a packet's connection; -1: it has none that is counted. */
function counted(at: Connections, p: Packet, mode: Mode, direction: Direction): number {
  if (p.ct === 0 || !at.isCounted(p.ct)) return -1;
  const sum = (of: "packets" | "bytes") =>
    direction === "both" ? at[of](p.ct, 0) + at[of](p.ct, 1) : at[of](p.ct, direction === "original" ? 0 : 1);
  if (mode !== "avgpkt") return sum(mode);
  const packets = sum("packets");
  return packets === 0 ? 0 : Math.floor(sum("bytes") / packets);
}

export const connbytes = match({
  name: "connbytes",
  families: [4, 6],
  armsConntrack: true,
  options: {
    "--connbytes": optNot(range, { required: true, help: "first:last, or first:" }),
    "--connbytes-dir": opt(words("--connbytes-dir", "original", "reply", "both"), {
      required: true,
      help: "original, reply, both: whose packets",
    }),
    "--connbytes-mode": opt(words("--connbytes-mode", "packets", "bytes", "avgpkt"), {
      required: true,
      help: "packets, bytes, or avgpkt: bytes per packet",
    }),
  },

  print(is) {
    const { not, value } = is["--connbytes"]!;
    // With `!` the bounds change places; equal ones then stay as they are, and so does the meaning.
    const turned = not && value.from !== value.to;
    return `${turned ? "! " : ""}--connbytes ${range.print(value, { family: 4 })} --connbytes-mode ${is["--connbytes-mode"]!.value} --connbytes-dir ${is["--connbytes-dir"]!.value}`;
  },

  compile(is, { conntrack, family, host }) {
    host.sysctl.set("net.netfilter.nf_conntrack_acct", 1);
    const at = conntrack.connections(family);
    const { not, value } = is["--connbytes"]!;
    const turned = not && value.from !== value.to;
    const [from, to] = [Number(value.from), Number(value.to)];
    const mode = is["--connbytes-mode"]!.value;
    const direction = is["--connbytes-dir"]!.value;
    return (p) => {
      const own = counted(at, p, mode, direction);
      return own >= 0 && (own >= from && own <= to) !== turned;
    };
  },

  why(is, p, { conntrack, family }) {
    const mode = is["--connbytes-mode"]!.value;
    const own = counted(conntrack.connections(family), p, mode, is["--connbytes-dir"]!.value);
    if (own < 0) return "its connection is not counted";
    const { not, value } = is["--connbytes"]!;
    const said = mode === "avgpkt" ? "bytes per packet" : mode;
    return `its connection's ${own} ${said} are ${not ? "" : "not "}within ${value.from}:${value.to}`;
  },
});
