/** `-m sctp`: ports of the SCTP header, and the chunks behind it (xt_sctp.c). */
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_SCTP } from "../packet/transport.ts";
import { match, type OptionType, RuleError } from "../rules/extension.ts";
import { optNot } from "../rules/types.ts";
import { portMatches, servicePorts, whyNotPorts } from "./ports.ts";

const HEADER = 12;
const CHUNK_FLAGS = 1;
const CHUNK_LENGTH = 2;
const CHUNK_HEADER = 4;
const CHUNK_TYPES = 256;
/** XT_NUM_SCTP_FLAGS. */
const MOST_FLAGS = 4;

/** Name, type, and the letters of its flags from the highest bit; `-`: that bit has none. */
const CHUNKS: readonly (readonly [name: string, type: number, flags: string])[] = [
  ["DATA", 0, "----IUBE"],
  ["INIT", 1, "--------"],
  ["INIT_ACK", 2, "--------"],
  ["SACK", 3, "--------"],
  ["HEARTBEAT", 4, "--------"],
  ["HEARTBEAT_ACK", 5, "--------"],
  ["ABORT", 6, "-------T"],
  ["SHUTDOWN", 7, "--------"],
  ["SHUTDOWN_ACK", 8, "--------"],
  ["ERROR", 9, "--------"],
  ["COOKIE_ECHO", 10, "--------"],
  ["COOKIE_ACK", 11, "--------"],
  ["ECN_ECNE", 12, "--------"],
  ["ECN_CWR", 13, "--------"],
  ["SHUTDOWN_COMPLETE", 14, "-------T"],
  ["I_DATA", 64, "----IUBE"],
  ["RE_CONFIG", 130, "--------"],
  ["PAD", 132, "--------"],
  ["ASCONF", 193, "--------"],
  ["ASCONF_ACK", 128, "--------"],
  ["FORWARD_TSN", 192, "--------"],
  ["I_FORWARD_TSN", 194, "--------"],
];

type Quantifier = "any" | "all" | "only";

interface ChunkFlags {
  /** A chunk's place in the table above, which iptables takes for its type. */
  readonly type: number;
  readonly mask: number;
  readonly set: number;
}

interface Chunks {
  readonly which: Quantifier;
  /** Types; null: ALL. */
  readonly types: readonly number[] | null;
  readonly flags: readonly ChunkFlags[];
}

function parseChunks(list: string): Pick<Chunks, "types" | "flags"> {
  if (list.toUpperCase() === "ALL") return { types: null, flags: [] };
  if (list.toUpperCase() === "NONE") return { types: [], flags: [] };
  const types = new Set<number>();
  const flags: { type: number; mask: number; set: number }[] = [];
  for (const word of list.split(",").filter((part) => part !== "")) {
    const colon = word.indexOf(":");
    const name = (colon < 0 ? word : word.slice(0, colon)).toUpperCase();
    const index = CHUNKS.findIndex(([known]) => known === name);
    if (index < 0) throw new RuleError(`Unknown sctp chunk \`${colon < 0 ? word : word.slice(0, colon)}'`);
    types.add(CHUNKS[index][1]);
    for (const letter of colon < 0 ? "" : word.slice(colon + 1)) {
      const bit = CHUNKS[index][2].indexOf(letter.toUpperCase());
      if (bit < 0) throw new RuleError(`Invalid flags for chunk type ${index}`);
      addFlag(flags, index, 0x80 >> bit, letter !== letter.toLowerCase());
    }
  }
  return { types: [...types].sort((a, b) => a - b), flags };
}

function addFlag(flags: { type: number; mask: number; set: number }[], type: number, bit: number, set: boolean): void {
  let own = flags.find((known) => known.type === type);
  if (own === undefined) {
    if (flags.length === MOST_FLAGS)
      throw new RuleError(
        "Number of chunk types with flags exceeds currently allowed limit. Increasing this limit involves changing IPT_NUM_SCTP_FLAGS and recompiling both the kernel space and user space modules",
      );
    own = { type, mask: 0, set: 0 };
    flags.push(own);
  }
  own.mask |= bit;
  if (set) own.set |= bit;
}

const TOO_FEW = "--chunk-types requires two args";

const chunkTypes: OptionType<Chunks> = {
  arity: 2,
  tooFew: TOO_FEW,
  parse([which, list]) {
    if (list.startsWith("-") || list.startsWith("!")) throw new RuleError(TOO_FEW);
    const word = which.toLowerCase();
    if (word !== "any" && word !== "all" && word !== "only")
      throw new RuleError('Match type has to be one of "ALL", "ANY" or "ONLY"');
    return { which: word, ...parseChunks(list) };
  },
  print: printChunks,
};

function printChunks({ which, types, flags }: Chunks): string {
  if (types === null) return `${which} ALL`;
  if (types.length === 0) return `${which} NONE`;
  const words = types.map((type) => {
    const [name, , letters] = CHUNKS.find(([, known]) => known === type)!;
    const own = flags.find((f) => f.type === type);
    return own === undefined ? name : `${name}:${printFlags(letters, own)}`;
  });
  return `${which} ${words.join(",")}`;
}

function printFlags(letters: string, { mask, set }: ChunkFlags): string {
  return [...letters]
    .map((letter, i) => ((mask & (0x80 >> i)) === 0 ? "" : (set & (0x80 >> i)) === 0 ? letter.toLowerCase() : letter))
    .join("");
}

/** What a rule asks of chunks, ready to be looked up by type. */
interface Wanted {
  readonly which: Quantifier;
  readonly types: Uint8Array;
  readonly mask: Uint8Array;
  readonly set: Uint8Array;
  /** Different types that must be there; with ALL more than there are. */
  readonly count: number;
  /** The types of this packet so far. */
  readonly seen: Uint8Array;
}

function wantedOf({ which, types, flags }: Chunks): Wanted {
  const table = new Uint8Array(CHUNK_TYPES);
  const mask = new Uint8Array(CHUNK_TYPES);
  const set = new Uint8Array(CHUNK_TYPES);
  if (types === null) table.fill(1);
  else for (const type of types) table[type] = 1;
  for (const flag of flags) {
    mask[flag.type] = flag.mask;
    set[flag.type] = flag.set;
  }
  return { which, types: table, mask, set, count: types?.length ?? CHUNK_TYPES + 1, seen: new Uint8Array(CHUNK_TYPES) };
}

/** xt_sctp.c: match_packet. A chunk whose header is not there, or that has no length, drops the packet. */
function chunksMatch({ which, types, mask, set, count, seen }: Wanted, p: Packet): boolean {
  const { data, view } = p;
  let found = 0;
  if (which === "all") seen.fill(0);
  for (let at = p.l4 + HEADER; ; ) {
    const length = at + CHUNK_HEADER <= p.end ? view.getUint16(at + CHUNK_LENGTH) : 0;
    if (length === 0) {
      p.hotdrop = true;
      return false;
    }
    const type = data[at];
    const fits = types[type] !== 0 && (data[at + CHUNK_FLAGS] & mask[type]) === set[type];
    if (which === "only" && !fits) return false;
    if (which === "any" && fits) return true;
    if (fits && seen[type] === 0 && which === "all") {
      seen[type] = 1;
      found++;
    }
    at += (length + 3) & ~3;
    if (at >= p.start + p.length) break;
  }
  return which === "only" || (which === "all" && found === count);
}

export const sctp = match({
  name: "sctp",
  families: [4, 6],
  implicitFor: [IPPROTO_SCTP],
  protocols: [IPPROTO_SCTP],
  options: {
    "--sport": optNot(servicePorts("sctp"), {
      aliases: ["--source-port"],
      onceOnly: "Only one `--source-port' allowed",
      help: "source port, or first:last",
    }),
    "--dport": optNot(servicePorts("sctp"), {
      aliases: ["--destination-port"],
      onceOnly: "Only one `--destination-port' allowed",
      help: "destination port, or first:last",
    }),
    "--chunk-types": optNot(chunkTypes, {
      onceOnly: "Only one `--chunk-types' allowed",
      help: "any, all or only of these chunks: TYPE[:FLAGS],…",
    }),
  },

  compile(is) {
    const { "--sport": sport, "--dport": dport, "--chunk-types": chunks } = is;
    const wanted = chunks === undefined ? null : wantedOf(chunks.value);
    return (p) => {
      if (p.fragmentOffset !== 0) return false;
      if (!p.hasPorts || p.l4 + HEADER > p.end) {
        p.hotdrop = true;
        return false;
      }
      if (!portMatches(sport, p.sport) || !portMatches(dport, p.dport)) return false;
      if (wanted === null || chunks === undefined) return true;
      return chunksMatch(wanted, p) !== chunks.not;
    };
  },

  why(is, p) {
    if (p.fragmentOffset !== 0) return "it is a later fragment, without an SCTP header";
    if (!p.hasPorts || p.l4 + HEADER > p.end) return "its SCTP header is not all there";
    const ports = whyNotPorts(is, p);
    if (ports !== null) return ports;
    const { not, value } = is["--chunk-types"]!;
    return `its chunks are ${not ? "" : "not "}${printChunks(value)}`;
  },
});
