/**
 * What a written element of a hash set stands for: one key, or all keys of its ranges (uadt of ip_set_hash_*.c).
 * IPv4 ranges of hosts are counted out, IPv4 ranges of networks are covered with the fewest networks.
 */
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "../../packet/transport.ts";
import { type AddressRange, type Element, hasPorts, maskWords, type PortRange } from "./element.ts";
import { SetError } from "./error.ts";
import type { HashSet } from "./hash.ts";
import type { NetPlace } from "./hash-types.ts";

/** More than a set can hold, less than what would never end. */
const MAX_KEYS = 1 << 25;

interface Span {
  /** Words of the first host or the network. */
  readonly words: readonly number[];
  /** Prefix length of a network; -1 for a host. */
  readonly prefix: number;
}

/** Writes each key of `element` into `set.key` (and `set.keyInterface`) and calls `visit`. */
export function eachKey(set: HashSet, element: Element, visit: () => void): void {
  const { type_: type, key, wordsPerAddress, extra } = set;
  const ranged = element.ip?.to != null || element.ip2?.to != null || (element.port?.to ?? -1) >= 0;
  const firstPlace = type.nets.find((net) => net.address === 0) ?? null;
  const secondPlace = type.nets.find((net) => net.address === 1) ?? null;
  const [portFrom, portTo] = element.port === null ? [0, 0] : portSpan(set, element.port);
  const first = element.ip === null ? ONE : spans(set, element.ip, firstPlace, ranged, element.mark);
  let keys = 0;
  for (const one of first)
    for (let port = portFrom; port <= portTo; port++)
      for (const two of element.ip2 === null ? ONE : spans(set, element.ip2, secondPlace, ranged, 0)) {
        if (++keys > MAX_KEYS) throw new SetError("The specified range is too large, split it up into smaller ranges");
        key.fill(0);
        key.set(one.words);
        if (element.ip2 !== null) key.set(two.words, wordsPerAddress);
        if (element.port !== null) type.putPort!(key, extra, element.port.protocol, port);
        type.keyOfElement?.(set, element, key, extra);
        if (firstPlace !== null) set.setNet(firstPlace, one.prefix);
        if (secondPlace !== null) set.setNet(secondPlace, two.prefix);
        checkStorable(set, element, one);
        visit();
      }
}

const ONE: readonly Span[] = [{ words: [], prefix: -1 }];

function checkStorable(set: HashSet, element: Element, one: Span): void {
  const zero = one.words.every((word) => word === 0);
  const { name } = set.type_;
  const nothing =
    (name === "hash:ip,mark" && set.family === 4 && zero && element.mark === 0 && element.ip?.to == null) ||
    (element.mac?.every((byte) => byte === 0) ?? false) ||
    (name === "hash:net,net" && set.family === 6 && zero && one.prefix === 128);
  if (nothing) throw new SetError("Null-valued element, cannot be stored in a hash type of set");
}

function portSpan(set: HashSet, port: PortRange): readonly [number, number] {
  const { protocol } = port;
  if (protocol === 0) throw new SetError("Invalid protocol specified");
  const icmp = protocol === (set.family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
  if (!hasPorts(protocol)) return icmp ? [port.from, port.from] : [0, 0];
  if (port.to < 0) return [port.from, port.from];
  return port.from <= port.to ? [port.from, port.to] : [port.to, port.from];
}

function* spans(
  set: HashSet,
  range: AddressRange,
  place: NetPlace | null,
  ranged: boolean,
  mark: number,
): Generator<Span> {
  if (place === null) {
    yield* hosts(set, range, mark);
    return;
  }
  const full = 32 * set.wordsPerAddress;
  const prefix = range.prefix ?? full;
  if (prefix === 0 && !set.type_.zeroPrefix)
    throw new SetError("The value of the CIDR parameter of the IP address is invalid");
  if (range.to === null) {
    const masked = maskWords(range.from, prefix);
    const bits = set.type_.name === "hash:net,net" && (!ranged || set.family === 6) ? set.config.bitmask : null;
    yield { words: bits === null ? masked : masked.map((word, i) => word & bits[i]), prefix };
    return;
  }
  yield* networks(Math.min(range.from[0] >>> 0, range.to[0] >>> 0), Math.max(range.from[0] >>> 0, range.to[0] >>> 0));
}

/** pfxlen.c: ip_set_range_to_cidr, again and again. */
function* networks(from: number, to: number): Generator<Span> {
  if (from === 0 && to === 0xffffffff) throw new SetError("Invalid range, covers the whole address space");
  let ip = from;
  while (ip <= to) {
    let prefix = 1;
    while (prefix < 32 && (ip % 2 ** (32 - prefix) !== 0 || ip + 2 ** (32 - prefix) - 1 > to)) prefix++;
    yield { words: [ip | 0], prefix };
    ip += 2 ** (32 - prefix);
  }
}

function* hosts(set: HashSet, range: AddressRange, mark: number): Generator<Span> {
  const { type_: type, config } = set;
  const { bitmask } = config;
  const own = type.noZero ? range.from.map((word, i) => word & bitmask[i]) : range.from;
  if (type.noZero && own.every((word) => word === 0))
    throw new SetError(
      type.name === "hash:ip"
        ? "Null-valued element, cannot be stored in a hash type of set"
        : "Kernel error received: Invalid argument",
    );
  if (set.family !== 4 || (range.to === null && range.prefix === null)) {
    yield { words: own, prefix: -1 };
    return;
  }
  let from = own[0] >>> 0;
  let to = from;
  if (range.to !== null) {
    to = range.to[0] >>> 0;
    if (from > to) {
      if (to === 0 && (type.name === "hash:ip" || (type.name === "hash:ip,mark" && mark === 0)))
        throw new SetError("Null-valued element, cannot be stored in a hash type of set");
      [from, to] = [to, from];
    }
  } else {
    const prefix = range.prefix!;
    if (prefix === 0) throw new SetError("The value of the CIDR parameter of the IP address is invalid");
    from = maskWords([from], prefix)[0] >>> 0;
    to = from + 2 ** (32 - prefix) - 1;
  }
  const step = type.name === "hash:ip" && config.netmask > 0 ? 2 ** (32 - config.netmask) : 1;
  for (let ip = from; ip <= to; ip += step) yield { words: [ip | 0], prefix: -1 };
}
