/**
 * `-m hashlimit`: a bucket of credits, or a count of what came, for each address or port (xt_hashlimit.c). Buckets are
 * known by the rule's name for them; the first rule that names them says how they fill. Numbers are the kernel's:
 * credits of packets have 64 bits.
 */
import { HZ } from "../host/sets/set.ts";
import { HeaderWalk, IPV6_HEADER, IPV6_NEXT_HEADER, skipExtensionHeaders } from "../packet/ipv6.ts";
import type { Packet } from "../packet/packet.ts";
import {
  IPPROTO_AH,
  IPPROTO_DCCP,
  IPPROTO_ESP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "../packet/transport.ts";
import { type Engine, match, RuleError } from "../rules/extension.ts";
import { flag, opt, optNot, string, U32_MAX, u32 } from "../rules/types.ts";
import {
  BYTE_EXPIRE_BURST,
  badBurst,
  burst,
  bytesOfCost,
  CHUNK_SHIFT,
  HASH_DSTIP,
  HASH_DSTPORT,
  HASH_SRCIP,
  HASH_SRCPORT,
  interval,
  MOST_BURST,
  mode,
  printByteRate,
  printBytes,
  printPacketRate,
  type Rate,
  rate,
  SCALE,
  usualExpire,
} from "./hashlimit-options.ts";
import { prefixLength } from "./prefix-length.ts";

const TICK = 1_000_000 / HZ;
const NAME_SIZE = 255;
const DEFAULT_BURST = 5;
const DEFAULT_COLLECTION = 1000;
const LARGEST_TABLE = 1048576;
/** Buckets of a table on a machine with more than a gigabyte. */
const USUAL_SIZE = 8192;

/** Credits of a tick, for rates in packets: 2^39, counted in the upper 32 bits. */
const PER_TICK_HIGH = 2 ** 7;
const PER_SCALE = BigInt(Math.floor((HZ * 2 ** 39) / SCALE));
/** … and for rates in bytes. */
const PER_TICK_BYTES = 2 ** 24;
const CAP_BYTES = PER_TICK_BYTES * HZ;

interface Hashlimit {
  readonly above: boolean;
  readonly bytes: boolean;
  /** Time between packets, or the cost of a chunk of bytes. */
  readonly period: number;
  /** Of bytes: how often a bucket is filled again at once. */
  readonly burst: number;
  readonly mode: number;
  readonly srcMask: number;
  readonly dstMask: number;
  readonly name: string;
  readonly size: number;
  readonly max: number;
  /** Milliseconds. */
  readonly collection: number;
  readonly expire: number;
  /** Seconds of `--hashlimit-rate-match`; 0: the match takes credits. */
  readonly interval: number;
}

/** user2credits: 64 bits. */
function creditsOf(time: bigint): bigint {
  return BigInt.asUintN(64, time * PER_SCALE);
}

/** user2credits_byte: 32 bits. */
function byteCost(period: number): number {
  return Number((BigInt(period) * BigInt(CAP_BYTES)) >> 32n);
}

/** An address or port: what it has left. */
interface Bucket {
  /** Ticks. */
  previous: number;
  expires: number;
  /** Credit: of packets 64 bits in two words; of bytes all in `low`. */
  high: number;
  low: number;
  /** Of bytes: how often it may still be filled again. */
  refills: number;
  /** Rate match: what came in this interval, and whether the one before was too much. */
  current: number;
  wasOver: boolean;
}

type Key = number | string;

class Buckets {
  readonly is: Hashlimit;
  readonly #entries = new Map<Key, Bucket>();
  readonly #most: number;
  /** The cost of a packet, or of a chunk, and the most credit there can be, as Bucket's words. */
  readonly #cost: bigint;
  readonly #cap: bigint;
  /** Rate match: what may come in an interval. */
  readonly #rate: number;
  readonly #burst: number;
  readonly #expireTicks: number;
  readonly #collectionTicks: number;
  #start = -1;

  constructor(is: Hashlimit) {
    this.is = is;
    const size = is.size === 0 ? USUAL_SIZE : is.size;
    this.#most = is.max === 0 ? 8 * size : Math.max(is.max, size);
    this.#cost = is.bytes ? BigInt(byteCost(is.period)) : creditsOf(BigInt(is.period));
    this.#cap = is.bytes ? BigInt(CAP_BYTES) : creditsOf(BigInt(is.period) * BigInt(is.burst));
    this.#rate = is.bytes ? bytesOfCost(is.period) : Math.floor(SCALE / Math.max(1, is.period));
    this.#burst = is.bytes ? (is.burst === 0 ? 1 : is.burst) * this.#rate : is.burst + this.#rate;
    this.#expireTicks = Math.ceil(is.expire / (1000 / HZ));
    this.#collectionTicks = Math.max(1, Math.ceil(is.collection / (1000 / HZ)));
  }

  /** Whether a packet of this key and length is within the limit; null: there is no room for another key. */
  isWithin(key: Key, tick: number, length: number, bytes: boolean): boolean | null {
    const bucket = this.#bucket(key, tick);
    if (bucket === null) return null;
    bucket.expires = tick + this.#expireTicks;
    if (this.is.interval > 0) {
      bucket.current += bytes ? length : 1;
      return !bucket.wasOver && bucket.current <= this.#burst;
    }
    return bytes ? this.#payBytes(bucket, length) : this.#pay(bucket);
  }

  #bucket(key: Key, tick: number): Bucket | null {
    if (this.#start < 0) this.#start = tick;
    const known = this.#entries.get(key);
    if (known !== undefined && !this.#isCollected(known, tick)) {
      this.#recalculate(known, tick);
      return known;
    }
    if (this.#entries.size >= this.#most) {
      for (const [old, bucket] of this.#entries) if (this.#isCollected(bucket, tick)) this.#entries.delete(old);
      if (this.#entries.size >= this.#most) return null;
    }
    const high = this.is.bytes ? 0 : Number(this.#cap >> 32n);
    const low = this.is.bytes ? CAP_BYTES : Number(this.#cap & 0xffffffffn);
    const refills = this.is.bytes ? this.is.burst : 0;
    const made = { previous: tick, expires: 0, high, low, refills, current: 0, wasOver: false };
    this.#entries.set(key, made);
    return made;
  }

  /** Entries go when the collector, which runs from time to time, finds them too old. */
  #isCollected(bucket: Bucket, tick: number): boolean {
    const last = tick - ((tick - this.#start) % this.#collectionTicks);
    return bucket.expires <= last;
  }

  /** rateinfo_recalc. */
  #recalculate(bucket: Bucket, tick: number): void {
    const passed = tick - bucket.previous;
    if (passed === 0) return;
    if (this.is.interval > 0) {
      const ticks = (this.is.interval * HZ) >>> 0;
      if (passed < ticks) return;
      bucket.wasOver = bucket.current * ticks > passed * this.#rate;
      bucket.current = 0;
    } else if (this.is.bytes) bucket.low = Math.min(CAP_BYTES, bucket.low + passed * PER_TICK_BYTES);
    else {
      bucket.high = (bucket.high + passed * PER_TICK_HIGH) % 2 ** 32;
      const high = Number(this.#cap >> 32n);
      const low = Number(this.#cap & 0xffffffffn);
      if (bucket.high > high || (bucket.high === high && bucket.low > low)) {
        bucket.high = high;
        bucket.low = low;
      }
    }
    bucket.previous = tick;
  }

  #pay(bucket: Bucket): boolean {
    // A rule about bytes may have made the buckets: then all is in one word.
    const high = this.is.bytes ? 0 : Number(this.#cost >> 32n);
    const low = Number(this.#cost & 0xffffffffn);
    if (bucket.high < high || (bucket.high === high && bucket.low < low)) return false;
    bucket.high -= high;
    bucket.low -= low;
    if (bucket.low < 0) {
      bucket.low += 2 ** 32;
      bucket.high--;
    }
    return true;
  }

  /** hashlimit_byte_cost. */
  #payBytes(bucket: Bucket, length: number): boolean {
    const cost = Math.min(CAP_BYTES, ((length >> CHUNK_SHIFT) + 1) * Number(this.#cost));
    if (bucket.low < cost && bucket.refills > 0) {
      bucket.refills--;
      bucket.low = CAP_BYTES;
    }
    if (bucket.low < cost) return false;
    bucket.low -= cost;
    return true;
  }
}

const maskOf = (length: number) => (length <= 0 ? 0 : length >= 32 ? -1 : -1 << (32 - length));

/** Where the ports of a protocol are in its header; -1: it has none (proto_ports_offset). */
function portsOffset(protocol: number): number {
  switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_DCCP:
    case IPPROTO_ESP:
    case IPPROTO_SCTP:
    case IPPROTO_UDPLITE:
      return 0;
    case IPPROTO_AH:
      return 4;
    default:
      return -1;
  }
}

const walk = new HeaderWalk();

/** Source and destination port in one unsigned word; -1: the packet is too short to tell. */
function portsOf(p: Packet): number {
  let { l4: at, protocol } = p;
  if (p.family === 6) {
    skipExtensionHeaders(p, p.start + IPV6_HEADER, p.data[p.start + IPV6_NEXT_HEADER], walk);
    at = walk.at;
    protocol = walk.next;
  }
  if (at < 0) return -1;
  const offset = portsOffset(protocol);
  if (offset < 0) return 0;
  return at + offset + 4 <= p.end ? p.view.getUint32(at + offset) : -1;
}

/** hashlimit_init_dst; null: the packet can't be told from others, and is dropped. */
function keyOf({ mode: by, srcMask, dstMask }: Hashlimit, p: Packet): Key | null {
  let ports = 0;
  if ((by & (HASH_SRCPORT | HASH_DSTPORT)) !== 0) {
    const both = portsOf(p);
    if (both < 0) return null;
    ports = both & (((by & HASH_SRCPORT) !== 0 ? 0xffff0000 : 0) | ((by & HASH_DSTPORT) !== 0 ? 0xffff : 0));
  }
  const src = (by & HASH_SRCIP) !== 0;
  const dst = (by & HASH_DSTIP) !== 0;
  if (p.family === 4) {
    const source = src ? p.src0 & maskOf(srcMask) : 0;
    const destination = dst ? p.dst0 & maskOf(dstMask) : 0;
    if (ports === 0 && !dst) return source;
    return `${source} ${destination} ${ports}`;
  }
  const part = (word: number, length: number, i: number) => word & maskOf(length - 32 * i);
  const address = (a: number, b: number, c: number, d: number, length: number) =>
    `${part(a, length, 0)} ${part(b, length, 1)} ${part(c, length, 2)} ${part(d, length, 3)}`;
  const source = src ? address(p.src0, p.src1, p.src2, p.src3, srcMask) : "";
  const destination = dst ? address(p.dst0, p.dst1, p.dst2, p.dst3, dstMask) : "";
  return `${source} > ${destination} ${ports}`;
}

function bucketsOf(is: Hashlimit, { host, family }: Engine): Buckets {
  const buckets = host.memory(`hashlimit ${family} ${is.name}`, () => new Buckets(is));
  if (is.interval > 0 !== buckets.is.interval > 0)
    throw new RuleError(`Invalid argument: hashlimit "${is.name}" is used with and without --hashlimit-rate-match`, 1);
  if (is.bytes !== buckets.is.bytes)
    throw new RuleError(`hashlimit "${is.name}" limits bytes and packets: that is not evaluated by this version`, 1);
  return buckets;
}

const printRate = ({ bytes, period }: Hashlimit) => (bytes ? printByteRate(period) : printPacketRate(period));

export const hashlimit = match({
  name: "hashlimit",
  families: [4, 6],
  options: {
    "--hashlimit-upto": optNot(rate, {
      aliases: ["--hashlimit"],
      excludes: ["--hashlimit-above"],
      help: "at most so many per second, /minute, /hour, /day; or bytes: 512kb/s",
    }),
    "--hashlimit-above": optNot(rate, { excludes: ["--hashlimit-upto"], help: "more than that" }),
    "--hashlimit-srcmask": opt(prefixLength, { help: "prefix length under which sources are one" }),
    "--hashlimit-dstmask": opt(prefixLength, { help: "prefix length under which destinations are one" }),
    "--hashlimit-burst": opt(burst, { help: "how many match at once; default 5" }),
    "--hashlimit-htable-size": opt(u32, { help: "buckets of the hash table" }),
    "--hashlimit-htable-max": opt(u32, { help: "most entries" }),
    "--hashlimit-htable-gcinterval": opt(u32, { help: "milliseconds between looks for old entries; default 1000" }),
    "--hashlimit-htable-expire": opt(u32, { help: "milliseconds after which an idle entry is old" }),
    "--hashlimit-mode": opt(mode, { help: "what is counted apart: srcip, srcport, dstip, dstport" }),
    "--hashlimit-name": opt(string({ min: 1, size: NAME_SIZE }), { required: true, help: "of the table" }),
    "--hashlimit-rate-match": opt(flag, { help: "compares rates, takes no credit" }),
    "--hashlimit-rate-interval": opt(interval, { help: "seconds over which a rate is measured" }),
  },
  check(given) {
    // Both share one place, and the later one is in it; but that bytes were meant stays noted.
    const limits = Object.keys(given).flatMap((key) =>
      key === "--hashlimit-upto" || key === "--hashlimit-above" ? [given[key]!.value] : [],
    );
    if (limits.length === 0) throw new RuleError("You have to specify --hashlimit");
    const wanted = given["--hashlimit-burst"]?.value;
    if (wanted === undefined) return;
    const bytes = limits.some((limit) => limit.bytes);
    const least = bytes ? bytesOfCost(limits[limits.length - 1].period) : 0;
    if (bytes && wanted < least) throw new RuleError(`burst cannot be smaller than ${least}b`);
    if (!bytes && wanted > MOST_BURST) throw badBurst();
  },

  bind(given, { family }): Hashlimit {
    const upto = given["--hashlimit-upto"];
    const above = given["--hashlimit-above"];
    const limit: Rate = (upto ?? above)!.value;
    const wanted = given["--hashlimit-burst"]?.value;
    const matches = given["--hashlimit-rate-match"] !== undefined;
    const longest = family === 4 ? 32 : 128;
    const bytesBurst = limit.bytes && wanted !== undefined;
    const unit = bytesBurst ? BYTE_EXPIRE_BURST : limit.unit;
    return {
      above: upto === undefined ? !above!.not : upto.not,
      bytes: limit.bytes,
      period: matches && !limit.bytes ? Math.floor(limit.period / limit.unit) : limit.period,
      burst: limit.bytes ? byteBurst(limit.period, wanted) : (wanted ?? DEFAULT_BURST),
      mode: given["--hashlimit-mode"]?.value ?? 0,
      srcMask: given["--hashlimit-srcmask"]?.value ?? longest,
      dstMask: given["--hashlimit-dstmask"]?.value ?? longest,
      name: given["--hashlimit-name"]?.value ?? "",
      size: Math.min(LARGEST_TABLE, given["--hashlimit-htable-size"]?.value ?? 0),
      max: Math.min(LARGEST_TABLE, given["--hashlimit-htable-max"]?.value ?? 0),
      collection: given["--hashlimit-htable-gcinterval"]?.value ?? DEFAULT_COLLECTION,
      expire: given["--hashlimit-htable-expire"]?.value ?? unit * 1000,
      interval: matches ? (given["--hashlimit-rate-interval"]?.value ?? (limit.bytes ? 1 : limit.unit)) : 0,
    };
  },

  print(is, { family }) {
    const longest = family === 4 ? 32 : 128;
    const words = [`--hashlimit-${is.above ? "above" : "upto"} ${printRate(is)}`];
    if (!is.bytes) words.push(`--hashlimit-burst ${is.burst}`);
    else if (is.burst > 0) words.push(`--hashlimit-burst ${printBytes(bytesOfCost(is.period) * is.burst)}`);
    if (is.mode !== 0) words.push(`--hashlimit-mode ${mode.print(is.mode, { family })}`);
    words.push(`--hashlimit-name ${is.name}`);
    if (is.size !== 0) words.push(`--hashlimit-htable-size ${is.size}`);
    if (is.max !== 0) words.push(`--hashlimit-htable-max ${is.max}`);
    if (is.collection !== DEFAULT_COLLECTION) words.push(`--hashlimit-htable-gcinterval ${is.collection}`);
    if (is.expire !== usualExpire(is, is.burst)) words.push(`--hashlimit-htable-expire ${is.expire}`);
    if (is.srcMask !== longest) words.push(`--hashlimit-srcmask ${is.srcMask}`);
    if (is.dstMask !== longest) words.push(`--hashlimit-dstmask ${is.dstMask}`);
    if (is.interval > 0) words.push("--hashlimit-rate-match");
    if (is.interval > 1) words.push(`--hashlimit-rate-interval ${is.interval}`);
    return words.join(" ");
  },

  checkEntry(is, { family }) {
    if (Math.max(is.srcMask, is.dstMask) > (family === 4 ? 32 : 128))
      throw new RuleError("Invalid argument: a mask of hashlimit has gaps or is too long", 1);
    if (is.name === "." || is.name === ".." || is.name.includes("/"))
      throw new RuleError(`Invalid argument: "${is.name}" can't be the name of a file in /proc/net/ipt_hashlimit`, 1);
    if (is.collection === 0 || is.expire === 0)
      throw new RuleError(
        "Invalid argument: --hashlimit-htable-gcinterval and --hashlimit-htable-expire must not be 0",
        1,
      );
    if (is.interval > 0) {
      if (is.period === 0 || is.period > U32_MAX) throw new RuleError("xt_hashlimit: invalid rate", 1);
    } else if (is.bytes) {
      if (byteCost(is.period) === 0) throw new RuleError(`xt_hashlimit: overflow, rate too high: ${is.period}`, 1);
    } else if (is.burst === 0 || creditsOf(BigInt(is.period) * BigInt(is.burst)) < creditsOf(BigInt(is.period)))
      throw new RuleError(`xt_hashlimit: overflow, try lower: ${is.period}/${is.burst}`, 1);
  },

  compile(is, on) {
    const buckets = bucketsOf(is, on);
    const { host } = on;
    return (p) => {
      const key = keyOf(buckets.is, p);
      const within = key === null ? null : buckets.isWithin(key, Math.floor(host.now / TICK), p.length, is.bytes);
      if (within === null) {
        p.hotdrop = true;
        return false;
      }
      return within !== is.above;
    };
  },

  why(is, p, on) {
    const own = bucketsOf(is, on).is;
    if (keyOf(own, p) === null) return "it is too short to have ports: the packet is dropped";
    return `it is ${is.above ? "not " : ""}over ${printRate(own)} (${own.name})`;
  },
});

/** Of a burst in bytes: how often the bucket is filled, in 32 bits as iptables counts. */
function byteBurst(cost: number, wanted: number | undefined): number {
  const least = bytesOfCost(cost);
  if (wanted === undefined || least === 0) return 0;
  return Math.floor((wanted % 2 ** 32) / least) + (wanted % least === 0 ? 0 : 1);
}
