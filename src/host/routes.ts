/**
 * Routes as `ip route add` takes them and `ip route show` prints them, one per line, into plain data. What a route
 * means (is the gateway reachable, does the route exist already) is the forwarding table's affair.
 */
import { parseAddress } from "../bytes/address.ts";
import { HostError } from "./error.ts";
import {
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_SITE,
  RT_SCOPE_UNIVERSE,
  readNumber,
  readPrefix,
} from "./interfaces.ts";
import { ROUTE_TYPE_NAMES, RTN_LOCAL, RTN_UNICAST } from "./route.ts";

export interface RouteSpec {
  readonly family: 4 | 6;
  /** The line as it was written, for sentences. */
  readonly text: string;
  /** RTN_* */
  readonly type: number;
  /** One or four words; bits beyond `length` as written. */
  readonly prefix: readonly number[];
  readonly length: number;
  /** One word, four words, or null: no gateway. */
  readonly via: readonly number[] | null;
  /** Device name; null when the line names none. */
  readonly dev: string | null;
  readonly src: readonly number[] | null;
  /** null: the family's default (0, or 1024 for IPv6). */
  readonly metric: number | null;
  readonly local: boolean;
  readonly scope: number;
  readonly onlink: boolean;
  /** 0: the device's. */
  readonly mtu: number;
  readonly mtuLocked: boolean;
  readonly hopLimit: number;
  /** `proto kernel`: a line of `ip route show` that an address made by itself. */
  readonly automatic: boolean;
}

const SCOPES: Readonly<Record<string, number>> = {
  global: RT_SCOPE_UNIVERSE,
  universe: RT_SCOPE_UNIVERSE,
  site: RT_SCOPE_SITE,
  link: RT_SCOPE_LINK,
  host: RT_SCOPE_HOST,
  nowhere: RT_SCOPE_NOWHERE,
};

/** Words that take a value and have no influence on where a packet goes. */
const IDLE_WITH_VALUE = new Set(
  "proto protocol rtt rttvar window cwnd initcwnd initrwnd ssthresh reordering rto_min features quickack advmss congctl fastopen_no_cookie error expires uid age ipid ts tsage users".split(
    " ",
  ),
);
const IDLE = new Set(["linkdown", "pervasive", "offload", "trap", "cache", "rt_offload"]);
const REFUSED: Readonly<Record<string, string>> = {
  nexthop: "multipath routes are not evaluated: give one next hop",
  nhid: "nexthop objects are not evaluated: write the next hop out",
  encap: "tunnel encapsulation is not evaluated",
  tos: "routes by TOS are not evaluated",
  dsfield: "routes by TOS are not evaluated",
  from: "routes by source address are not evaluated",
  realm: "realms are not evaluated",
  realms: "realms are not evaluated",
  dead: "the route is dead: leave it out",
  ttl_propagate: "MPLS is not evaluated",
};

/** The routes of several lines; blank ones and `#` comments are skipped. Throws HostError. */
export function parseRoutes(lines: readonly string[]): RouteSpec[] {
  return lines
    .flatMap((line) => line.split("\n"))
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "")
    .map(parseRoute);
}

export function parseRoute(text: string): RouteSpec {
  const fail = (why: string) => new HostError(`route "${text}": ${why}`);
  const words = text.split(/\s+/);
  let family = takeCommand(words);
  let type = RTN_UNICAST;
  const named = ROUTE_TYPE_NAMES.indexOf(words[0] as (typeof ROUTE_TYPE_NAMES)[number]);
  if (named > 0) {
    type = named;
    words.shift();
  }
  if (words[0] === "to") words.shift();
  if (words.length === 0) throw fail("expected a destination such as 10.0.0.0/8 or default");
  const destination = words.shift() as string;
  const given = { via: null as readonly number[] | null, src: null as readonly number[] | null };
  let prefix: { words: readonly number[]; length: number | null } | null = null;
  if (destination !== "default" && destination !== "all" && destination !== "any") {
    prefix = readPrefix(padShort(destination));
    if (prefix === null) throw fail(`"${destination}" is neither a prefix nor "default"`);
    family = familyOf(prefix.words, family, fail);
  }
  let dev: string | null = null;
  let metric: number | null = null;
  let scope: number | null = null;
  let table: number | null = null;
  let onlink = false;
  let mtu = 0;
  let mtuLocked = false;
  let hopLimit = 0;
  let automatic = false;
  while (words.length > 0) {
    const word = words.shift() as string;
    const next = () => {
      const value = words.shift();
      if (value === undefined) throw fail(`"${word}" needs a value`);
      return value;
    };
    if (REFUSED[word] !== undefined) throw fail(REFUSED[word]);
    if (word === "via") {
      let gateway = next();
      const wanted = gateway === "inet6" ? 6 : gateway === "inet" ? 4 : 0;
      if (wanted !== 0) gateway = next();
      given.via = parseAddress(gateway);
      if (given.via === null) throw fail(`"${gateway}" is not an address`);
      if (wanted !== 0 && wanted !== (given.via.length === 1 ? 4 : 6)) throw fail(`"${gateway}" is of another family`);
      // `via inet6` is a way to reach IPv4 destinations; the destination says the family.
      if (prefix === null && wanted === 0) family = familyOf(given.via, family, fail);
    } else if (word === "dev" || word === "oif") dev = next();
    else if (word === "src") {
      const source = next();
      given.src = parseAddress(source);
      if (given.src === null) throw fail(`"${source}" is not an address`);
      family = familyOf(given.src, family, fail);
    } else if (word === "metric" || word === "priority" || word === "preference") metric = readNumber(next(), fail);
    else if (word === "table") table = readTable(next(), fail);
    else if (word === "scope") {
      const name = next();
      scope = SCOPES[name] ?? readNumber(name, fail);
    } else if (word === "onlink") onlink = true;
    else if (word === "mtu") {
      let value = next();
      if (value === "lock") {
        mtuLocked = true;
        value = next();
      }
      mtu = readNumber(value, fail);
    } else if (word === "hoplimit") {
      let value = next();
      if (value === "lock") value = next();
      hopLimit = readNumber(value, fail);
      if (hopLimit > 255) throw fail("hoplimit is at most 255");
    } else if (word === "pref") {
      const preference = next();
      if (preference !== "medium") throw fail("router preferences other than medium are not evaluated");
    } else if (IDLE_WITH_VALUE.has(word)) {
      const value = next();
      if (value === "lock") next();
      if (word === "proto" || word === "protocol") automatic = value === "kernel" || value === "2";
    } else if (!IDLE.has(word)) throw fail(`"${word}" is not understood`);
  }
  const known = family ?? 4;
  const most = known === 4 ? 32 : 128;
  const via = given.via;
  if (via !== null && via.length === 1 && known === 6) throw fail("an IPv6 route cannot have an IPv4 gateway");
  if (via !== null && via.length === 4 && known === 4 && !/\bvia\s+inet6\b/.test(text))
    throw fail('a gateway of the other family is written "via inet6 ADDRESS"');
  return {
    family: known,
    text,
    type,
    prefix: prefix?.words ?? (known === 4 ? [0] : [0, 0, 0, 0]),
    length: prefix === null ? 0 : (prefix.length ?? most),
    via: via?.every((word) => word === 0) ? null : via,
    dev,
    src: given.src,
    metric,
    local: table === null ? type >= RTN_LOCAL && type <= 4 : table === 255,
    scope: scope ?? defaultScope(known, type, via !== null),
    onlink,
    // fib_semantics.c and ip6_convert_metrics cut it to what an IP packet can be.
    mtu: Math.min(mtu, 65535 - 15),
    mtuLocked: mtuLocked && mtu !== 0,
    hopLimit,
    automatic,
  };
}

/** Takes `ip [-4|-6] route add` off the front, as it stands in scripts. Returns the family the words say. */
function takeCommand(words: string[]): 4 | 6 | null {
  let family: 4 | 6 | null = null;
  if (words[0] === "ip") words.shift();
  if (words[0] === "-4" || words[0] === "-6") family = words.shift() === "-4" ? 4 : 6;
  if (words[0] === "route" || words[0] === "ro" || words[0] === "r") words.shift();
  if (words[0] === "add") words.shift();
  return family;
}

/** iproute2 takes `10/8` and `192.168/16`. */
function padShort(text: string): string {
  const short = text.match(/^(\d+(?:\.\d+){0,2})(\/.*)$/);
  return short === null ? text : short[1] + ".0".repeat(4 - short[1].split(".").length) + short[2];
}

function familyOf(words: readonly number[], before: 4 | 6 | null, fail: (why: string) => HostError): 4 | 6 {
  const family = words.length === 1 ? 4 : 6;
  if (before !== null && before !== family) throw fail("it mixes IPv4 and IPv6");
  return family;
}

function readTable(name: string, fail: (why: string) => HostError): number {
  if (name === "main" || name === "254") return 254;
  if (name === "local" || name === "255") return 255;
  throw fail(`only the tables main and local are evaluated, not "${name}"`);
}

/** iproute.c: iproute_modify chooses the scope when the line says none. */
function defaultScope(family: 4 | 6, type: number, gateway: boolean): number {
  if (family === 6) return RT_SCOPE_UNIVERSE;
  if (type === RTN_LOCAL) return RT_SCOPE_HOST;
  if (type >= 3 && type <= 5) return RT_SCOPE_LINK;
  return type === RTN_UNICAST && !gateway ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}
