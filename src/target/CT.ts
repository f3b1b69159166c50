/**
 * `-j CT`: what conntrack is to do with the packet when it sees it: nothing (`--notrack`), or look its connection up in
 * a zone, and give a new one a helper (xt_CT.c). Which events the connection reports is kept and printed; nobody listens
 * to them here.
 */
import type { Conntrack } from "../conntrack/conntrack.ts";
import type { Helper } from "../conntrack/helper.ts";
import { CONTINUE, type Family } from "../packet/hook.ts";
import { CT_NEW } from "../packet/packet.ts";
import { type OptionType, RuleError, target } from "../rules/extension.ts";
import { hasHelper } from "../rules/known-helpers.ts";
import { flag, opt, parseNumber, string, U16_MAX } from "../rules/types.ts";
import { isSettled, untrack } from "./untracked.ts";

type Direction = "both" | "original" | "reply";
/** Packet.zoneDirection */
const DIRECTIONS: Readonly<Record<Direction, number>> = { original: 1, reply: 2, both: 3 };

interface Is {
  readonly notrack: boolean;
  /** 0 … 65535, or the packet's mark. */
  readonly zone: number | "mark";
  readonly direction: Direction;
  readonly helper: string;
  /** The rule's protocol, which a helper must be for; 0: it names none, or all but one. */
  readonly protocol: number;
  readonly timeout: string;
  readonly connectionEvents: readonly string[];
  readonly expectationEvents: readonly string[];
}

const zone: OptionType<number | "mark"> = {
  arity: 1,
  parse([word]) {
    if (word.toLowerCase() === "mark") return "mark";
    const id = parseNumber(word, 0, U16_MAX);
    if (id === null) throw new RuleError(`Cannot parse ${word} as a zone ID`);
    return id;
  },
  print: String,
};

/** A list of names from `known`, printed in the order of `known`. */
function events(known: readonly string[]): OptionType<readonly string[]> {
  return {
    arity: 1,
    parse([word]) {
      const names = word.split(",");
      for (const name of names) if (!known.includes(name)) throw new RuleError(`Unknown event type "${name}"`);
      return known.filter((name) => names.includes(name));
    },
    print: (value) => value.join(","),
  };
}

const connectionEvents = events([
  "new",
  "related",
  "destroy",
  "reply",
  "assured",
  "protoinfo",
  "helper",
  "mark",
  "natseqinfo",
  "secmark",
]);
const expectationEvents = events(["new"]);

const DIRECTION_OF: Readonly<Record<string, Direction>> = {
  "--zone-orig": "original",
  "--zone-reply": "reply",
};

export const CT = target({
  name: "CT",
  families: [4, 6],
  tables: ["raw"],
  armsConntrack: (is: Is) => !is.notrack,
  options: {
    "--notrack": opt(flag, { help: "conntrack does not look at the packet" }),
    "--helper": opt(string({ size: 16 }), { help: "name of a helper" }),
    "--timeout": opt(string({ size: 32 }), { help: "name of a timeout policy" }),
    "--ctevents": opt(connectionEvents, { help: "events that the connection reports" }),
    "--expevents": opt(expectationEvents, { help: "events that its expectations report" }),
    "--zone-orig": opt(zone, { help: "zone of the original direction: a number, or mark" }),
    "--zone-reply": opt(zone, { help: "zone of the reply direction: a number, or mark" }),
    "--zone": opt(zone, { help: "zone of both directions: a number, or mark" }),
  },

  /** Of several zone options the last one's number counts; each adds its direction, and both together are both. */
  bind(given, { protocol }): Is {
    let id = 0;
    let marked = false;
    const directions = new Set<Direction>();
    for (const option of Object.keys(given)) {
      if (option !== "--zone" && option !== "--zone-orig" && option !== "--zone-reply") continue;
      const { value } = given[option]!;
      if (option !== "--zone") directions.add(DIRECTION_OF[option]);
      id = value === "mark" ? 0 : value;
      marked ||= value === "mark";
    }
    return {
      notrack: given["--notrack"] !== undefined,
      zone: marked ? "mark" : id,
      direction: directions.size === 1 ? [...directions][0] : "both",
      helper: given["--helper"]?.value ?? "",
      protocol: protocol === null || protocol.not ? 0 : protocol.number,
      timeout: given["--timeout"]?.value ?? "",
      connectionEvents: given["--ctevents"]?.value ?? [],
      expectationEvents: given["--expevents"]?.value ?? [],
    };
  },

  print(is) {
    const words: string[] = [];
    if (is.notrack) words.push("--notrack");
    if (is.helper !== "") words.push(`--helper ${is.helper}`);
    if (is.timeout !== "") words.push(`--timeout ${is.timeout}`);
    if (is.connectionEvents.length > 0) words.push(`--ctevents ${is.connectionEvents.join(",")}`);
    if (is.expectationEvents.length > 0) words.push(`--expevents ${is.expectationEvents.join(",")}`);
    const option = { both: "--zone", original: "--zone-orig", reply: "--zone-reply" }[is.direction];
    if (is.zone !== 0) words.push(`${option} ${is.zone}`);
    return words.join(" ");
  },

  /** xt_ct_set_helper, xt_ct_set_timeout. Policies belong to the host, and no host here has any. */
  checkEntry({ notrack, helper, timeout, protocol }, { family }) {
    if (notrack || (helper === "" && timeout === "")) return;
    if (protocol === 0) throw new RuleError("xt_CT: You must specify a L4 protocol and not use inversions on it", 1);
    if (helper !== "" && !hasHelper(helper, family, protocol))
      throw new RuleError(`xt_CT: No such helper "${helper}"`, 1);
    if (timeout !== "") throw new RuleError(`No such timeout policy "${timeout}"`, 1);
  },

  compile(is, { conntrack, family }) {
    if (is.notrack)
      return (p) => {
        untrack(p);
        return CONTINUE;
      };
    const zoneFromMark = is.zone === "mark";
    const id = is.zone === "mark" ? 0 : is.zone;
    const direction = DIRECTIONS[is.direction];
    const helper = is.helper === "" ? null : helperOf(is, conntrack, family);
    const template = conntrack.addTemplate({ zoneFromMark, helper });
    return (p) => {
      if (isSettled(p)) return CONTINUE;
      p.template = template;
      p.ctinfo = CT_NEW;
      p.zone = id;
      p.zoneDirection = direction;
      return CONTINUE;
    };
  },

  does(is) {
    if (is.notrack) return "not tracked";
    return `looked up in zone ${is.zone}${is.helper === "" ? "" : `; a new connection gets the helper ${is.helper}`}`;
  },
});

function helperOf({ helper, protocol }: Is, conntrack: Conntrack, family: Family): Helper {
  const found = conntrack.helping.find(helper, family, protocol);
  if (found === undefined) {
    const { names } = conntrack.helping;
    throw new RuleError(`CT: --helper ${helper} is not evaluated by this version, only ${names.join(", ")}`);
  }
  return found;
}
