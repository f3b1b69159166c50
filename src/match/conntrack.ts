/**
 * `-m conntrack`: what connection tracking knows of the packet's connection (xt_conntrack.c, revision 3). A packet that
 * belongs to no connection matches `--ctstate` alone: whatever else the rule asks is then not looked at, and a rule
 * that asks no state misses.
 */

import {
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_EXPECTED,
  IPS_SEEN_REPLY,
  IPS_SRC_NAT,
} from "../assembly/status.ts";
import { formatAddress } from "../bytes/address.ts";
import type { Connections } from "../conntrack/connections.ts";
import { ORIGINAL, REPLY, Tuple } from "../conntrack/tuple.ts";
import { CT_ESTABLISHED_REPLY, type Packet } from "../packet/packet.ts";
import {
  type Given,
  type GivenOption,
  match,
  type Options,
  type OptionType,
  type Predicate,
  RuleError,
} from "../rules/extension.ts";
import {
  hostMask,
  oneOf,
  opt,
  optNot,
  portRange,
  printHostMask,
  printProtocol,
  printRange,
  protocol,
  type Range,
  u32Range,
} from "../rules/types.ts";
import { describeRange } from "./ports.ts";
import {
  hasTemplate,
  PACKET_STATES,
  parseStates,
  printStates,
  STATE_DNAT,
  STATE_SNAT,
  stateOf,
  stateSource,
} from "./state-bits.ts";

const HZ = 250;
const ALL_STATES = PACKET_STATES | STATE_SNAT | STATE_DNAT;

const states: OptionType<number> = {
  arity: 1,
  parse: ([word]) => parseStates(word, ALL_STATES, (rest) => `Bad ctstate "${rest}"`, null),
  print: printStates,
};

/** In the order in which they are read and printed. */
const STATUSES: readonly (readonly [name: string, bit: number])[] = [
  ["EXPECTED", IPS_EXPECTED],
  ["SEEN_REPLY", IPS_SEEN_REPLY],
  ["ASSURED", IPS_ASSURED],
  ["CONFIRMED", IPS_CONFIRMED],
];

/** `SEEN_REPLY,ASSURED`, each name abbreviated at will; NONE adds nothing. */
const statuses: OptionType<number> = {
  arity: 1,
  parse([word]) {
    let mask = 0;
    let rest = word;
    for (;;) {
      const comma = rest.indexOf(",");
      const name = (comma < 0 ? rest : rest.slice(0, comma)).toUpperCase();
      const bit = "NONE".startsWith(name) ? 0 : STATUSES.find(([known]) => known.startsWith(name))?.[1];
      if (name === "" || bit === undefined) throw new RuleError(`Bad ctstatus "${rest}"`);
      mask |= bit;
      if (comma < 0) return mask;
      rest = rest.slice(comma + 1);
    }
  },
  print: printStatus,
};

function printStatus(mask: number): string {
  const names = STATUSES.filter(([, bit]) => (mask & bit) !== 0).map(([name]) => name);
  return names.length === 0 ? "NONE" : names.join(",");
}

/** A range that ends at port 0 is saved as its first port. */
const ports: OptionType<Range> = {
  ...portRange,
  print: (range) => (range.to === 0 ? String(range.from) : printRange(range)),
};

type HostMask = ReturnType<typeof hostMask.parse>;

/** What of a connection's tuples an option asks for. */
interface Place {
  readonly direction: typeof ORIGINAL | typeof REPLY;
  readonly end: "src" | "dst";
  readonly said: string;
}

const PLACES = {
  origsrc: { direction: ORIGINAL, end: "src", said: "original source" },
  origdst: { direction: ORIGINAL, end: "dst", said: "original destination" },
  replsrc: { direction: REPLY, end: "src", said: "reply source" },
  repldst: { direction: REPLY, end: "dst", said: "reply destination" },
} as const satisfies Record<string, Place>;

type PlaceName = keyof typeof PLACES;
const PLACE_NAMES = Object.keys(PLACES) as PlaceName[];

interface Test {
  readonly holds: Predicate;
  readonly why: (p: Packet) => string;
}

/** Scratch of the tests below: filled and read at once. */
const tuple = new Tuple();
/** The tuples of a template. */
const BLANK = new Tuple();

/** One of the tuples of the packet's connection. */
function tupleOf(at: Connections, p: Packet, direction: typeof ORIGINAL | typeof REPLY): Tuple {
  if (p.ct === 0) return BLANK;
  at.tuple(p.ct, direction, tuple);
  return tuple;
}

function statusOf(at: Connections, p: Packet): number {
  return p.ct === 0 ? IPS_CONFIRMED : at.status(p.ct);
}

function protocolOf(at: Connections, p: Packet): number {
  return p.ct === 0 ? 0 : at.protocol(p.ct);
}

function addressTest(at: Connections, name: PlaceName, { not, value }: GivenOption<HostMask>): Test {
  const { direction, end, said } = PLACES[name];
  const [a0, a1 = 0, a2 = 0, a3 = 0] = value.address;
  const [m0, m1 = 0, m2 = 0, m3 = 0] = value.mask;
  const differs =
    end === "src"
      ? (t: Tuple) => ((t.src0 ^ a0) & m0) | ((t.src1 ^ a1) & m1) | ((t.src2 ^ a2) & m2) | ((t.src3 ^ a3) & m3)
      : (t: Tuple) => ((t.dst0 ^ a0) & m0) | ((t.dst1 ^ a1) & m1) | ((t.dst2 ^ a2) & m2) | ((t.dst3 ^ a3) & m3);
  return {
    holds: (p) => (differs(tupleOf(at, p, direction)) === 0) !== not,
    why: (p) => {
      const t = tupleOf(at, p, direction);
      const words = end === "src" ? [t.src0, t.src1, t.src2, t.src3] : [t.dst0, t.dst1, t.dst2, t.dst3];
      const own = formatAddress(words.slice(0, value.address.length));
      return `its ${said} ${own} is ${not ? "" : "not "}${printHostMask(value)}`;
    },
  };
}

function portTest(at: Connections, name: PlaceName, { not, value }: GivenOption<Range>): Test {
  const { direction, end, said } = PLACES[name];
  const port = (p: Packet) => {
    const t = tupleOf(at, p, direction);
    return end === "src" ? t.sport : t.dport;
  };
  return {
    holds: (p) => {
      const own = port(p);
      return (own >= value.from && own <= value.to) !== not;
    },
    why: (p) => `its ${said} port ${port(p)} is ${not ? "" : "not "}${describeRange(value)}`,
  };
}

/** Seconds left, rounded down. What is not confirmed yet has no time of its own to count from. */
function secondsLeft(at: Connections, p: Packet): number {
  return p.ct === 0 || (at.status(p.ct) & IPS_CONFIRMED) === 0 ? 0 : Math.floor(at.expires(p.ct) / HZ);
}

function isReply(p: Packet): boolean {
  return p.ctinfo >= CT_ESTABLISHED_REPLY;
}

const address = optNot(hostMask);
const portOption = optNot(ports);

const OPTIONS = {
  "--ctstate": optNot(states, { help: "INVALID, NEW, ESTABLISHED, RELATED, UNTRACKED, SNAT, DNAT" }),
  "--ctproto": optNot(protocol, { help: "protocol of the connection" }),
  "--ctorigsrc": { ...address, help: "source address of the original direction" },
  "--ctorigdst": { ...address, help: "destination address of the original direction" },
  "--ctreplsrc": { ...address, help: "source address of the reply direction" },
  "--ctrepldst": { ...address, help: "destination address of the reply direction" },
  "--ctorigsrcport": { ...portOption, help: "source port of the original direction" },
  "--ctorigdstport": { ...portOption, help: "destination port of the original direction" },
  "--ctreplsrcport": { ...portOption, help: "source port of the reply direction" },
  "--ctrepldstport": { ...portOption, help: "destination port of the reply direction" },
  "--ctstatus": optNot(statuses, { help: "NONE, EXPECTED, SEEN_REPLY, ASSURED, CONFIRMED" }),
  "--ctexpire": optNot(u32Range, { help: "seconds left, or first:last" }),
  "--ctdir": opt(
    oneOf({ ORIGINAL: "ORIGINAL", REPLY: "REPLY" }, (word) => `conntrack: Bad value for "--ctdir" option: "${word}"`, {
      ignoreCase: true,
    }),
    { help: "direction of the packet" },
  ),
} satisfies Options;

type Is = Given<typeof OPTIONS>;

export const conntrack = match({
  name: "conntrack",
  families: [4, 6],
  armsConntrack: true,
  options: OPTIONS,
  check(given) {
    const order = Object.keys(given);
    // A slip of iptables: it means `! --ctproto 0`, and looks where `! --ctstatus` leaves its mark.
    const status = given["--ctstatus"]?.not ? order.indexOf("--ctstatus") : order.length;
    if (given["--ctproto"]?.value === 0 && status < order.indexOf("--ctproto"))
      throw new RuleError("conntrack: rule would never match protocol");
    if (order.length === 0) throw new RuleError("conntrack: At least one option is required");
  },

  compile(is, { conntrack: tracking, family }) {
    const state = is["--ctstate"];
    const rest = testsOf(is, tracking.connections(family));
    if (state === undefined) return (p) => (p.ct !== 0 || hasTemplate(p)) && holdAll(rest, p);
    const { not, value } = state;
    const nat = value & (STATE_SNAT | STATE_DNAT);
    const at = tracking.connections(family);
    if (nat === 0 && rest.length === 0) return (p) => ((stateOf(p) & value) !== 0) !== not;
    return (p) => {
      let own = stateOf(p);
      if (p.ct !== 0 && nat !== 0) own |= natStates(at.status(p.ct));
      if (((own & value) !== 0) === not) return false;
      return (p.ct === 0 && !hasTemplate(p)) || holdAll(rest, p);
    };
  },

  noSource(is) {
    const { "--ctstate": state, ...rest } = is;
    return state === undefined || Object.keys(rest).length > 0 || (state.value & ~PACKET_STATES) !== 0;
  },

  source(is) {
    const state = is["--ctstate"]!;
    return stateSource(state.not ? ~state.value & PACKET_STATES : state.value);
  },

  why(is, p, { conntrack: tracking, family }) {
    const at = tracking.connections(family);
    const state = is["--ctstate"];
    if (state !== undefined) {
      const own = stateOf(p) | (p.ct === 0 ? 0 : natStates(at.status(p.ct)));
      if (((own & state.value) !== 0) === state.not)
        return `its state ${printStates(own)} is ${state.not ? "" : "not "}among ${printStates(state.value)}`;
    }
    if (p.ct === 0 && !hasTemplate(p)) return "it belongs to no connection";
    const failed = testsOf(is, at).find((test) => !test.holds(p));
    return failed === undefined ? "its connection does not match" : failed.why(p);
  },
});

function natStates(status: number): number {
  return ((status & IPS_SRC_NAT) !== 0 ? STATE_SNAT : 0) | ((status & IPS_DST_NAT) !== 0 ? STATE_DNAT : 0);
}

function holdAll(tests: readonly Test[], p: Packet): boolean {
  for (let i = 0; i < tests.length; i++) if (!tests[i].holds(p)) return false;
  return true;
}

/** What a rule asks besides the state, in the kernel's order. */
function testsOf(is: Is, at: Connections): Test[] {
  const tests: Test[] = [];
  const direction = is["--ctdir"]?.value;
  if (direction !== undefined) {
    const reply = direction === "REPLY";
    tests.push({
      holds: (p) => isReply(p) === reply,
      why: (p) => `it goes in the ${isReply(p) ? "reply" : "original"} direction`,
    });
  }
  for (const name of PLACE_NAMES) {
    const given = is[`--ct${name}`];
    if (given !== undefined) tests.push(addressTest(at, name, given));
  }
  const proto = is["--ctproto"];
  if (proto !== undefined)
    tests.push({
      holds: (p) => (protocolOf(at, p) === proto.value) !== proto.not,
      why: (p) =>
        `its connection's protocol ${printProtocol(protocolOf(at, p))} is ${proto.not ? "" : "not "}${printProtocol(proto.value)}`,
    });
  for (const name of PLACE_NAMES) {
    const given = is[`--ct${name}port`];
    if (given !== undefined) tests.push(portTest(at, name, given));
  }
  const status = is["--ctstatus"];
  if (status !== undefined)
    tests.push({
      holds: (p) => ((statusOf(at, p) & status.value) !== 0) !== status.not,
      why: (p) =>
        `its status ${printStatus(statusOf(at, p))} ${status.not ? "has one" : "has none"} of ${printStatus(status.value)}`,
    });
  const expire = is["--ctexpire"];
  if (expire !== undefined)
    tests.push({
      holds: (p) => {
        const left = secondsLeft(at, p);
        return (left >= expire.value.from && left <= expire.value.to) !== expire.not;
      },
      why: (p) =>
        `its ${secondsLeft(at, p)} seconds left are ${expire.not ? "" : "not "}${describeRange(expire.value)}`,
    });
  return tests;
}
