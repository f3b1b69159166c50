/**
 * The kernel's settings under net.*: the defaults of Linux 6.18 in a fresh namespace, then the baseline of a router
 * (forwarding on, no reverse path filter, no redirects), then what the user sets, in order, as `sysctl -w` would on a
 * host whose devices are up. The ones that packets depend on are plain number fields, spelt as the key without
 * `nf_conntrack_`; what concerns one device is in `Interface.settings4` and `.settings6`, already combined with `all`.
 */
import { HostError } from "./error.ts";
import { type Interface, IPV6_MIN_MTU } from "./interfaces.ts";
import { CONF4, CONF6, IPV4, IPV6, NEIGH, NETFILTER, OTHER, type SysctlKey } from "./sysctl-keys.ts";

/** The kernel's tick, CONFIG_HZ: timers count in it. */
const HZ = 250;
const SEED_LIMIT = 2147483647;

const ALL = "all";
const DEFAULT = "default";

/** A key found in the tables, and the device it is about (null: none). */
interface Found {
  readonly path: string;
  readonly key: SysctlKey;
  readonly family: 4 | 6;
  readonly device: string | null;
}

export class Sysctl {
  // ── net.netfilter.nf_conntrack_*; timeouts in seconds ──────────────────────────────────────────────
  acct = 0;
  checksum = 1;
  events = 2;
  expectMax = 4096;
  frag6HighThresh = 4194304;
  frag6LowThresh = 3145728;
  frag6Timeout = 60;
  genericTimeout = 600;
  greTimeout = 30;
  greTimeoutStream = 180;
  icmpTimeout = 30;
  icmpv6Timeout = 30;
  logInvalid = 0;
  /** nf_conntrack_max, nf_conntrack_buckets. */
  conntrackMax = 262144;
  conntrackBuckets = 262144;
  sctpTimeoutClosed = 10;
  sctpTimeoutCookieWait = 3;
  sctpTimeoutCookieEchoed = 3;
  sctpTimeoutEstablished = 210;
  sctpTimeoutShutdownSent = 3;
  sctpTimeoutShutdownRecd = 3;
  sctpTimeoutShutdownAckSent = 3;
  sctpTimeoutHeartbeatSent = 30;
  tcpBeLiberal = 0;
  tcpIgnoreInvalidRst = 0;
  tcpLoose = 1;
  tcpMaxRetrans = 3;
  tcpTimeoutClose = 10;
  tcpTimeoutCloseWait = 60;
  tcpTimeoutEstablished = 432000;
  tcpTimeoutFinWait = 120;
  tcpTimeoutLastAck = 30;
  tcpTimeoutMaxRetrans = 300;
  tcpTimeoutSynRecv = 60;
  tcpTimeoutSynSent = 120;
  tcpTimeoutTimeWait = 120;
  tcpTimeoutUnacknowledged = 300;
  timestamp = 0;
  udpTimeout = 30;
  udpTimeoutStream = 120;

  // ── net.ipv4 ───────────────────────────────────────────────────────────────────────────────────────
  /** conf.all.forwarding; whether a device forwards is in its settings4. */
  ipForward = 1;
  ipDefaultTtl = 64;
  icmpEchoIgnoreAll = 0;
  icmpEchoIgnoreBroadcasts = 1;
  icmpErrorsUseInboundIfaddr = 0;
  /** Milliseconds between two ICMP errors to one destination; 0 is unlimited. */
  icmpRatelimit = 1000;
  /** Bit n: ICMP type n counts against the limit. */
  icmpRatemask = 6168;
  icmpMsgsPerSec = 1000;
  icmpMsgsBurst = 50;
  fwmarkReflect = 0;
  /** Bytes. */
  ipfragHighThresh = 4194304;
  ipfragLowThresh = 3145728;
  /** Seconds. */
  ipfragTime = 30;
  ipfragMaxDist = 64;

  // ── net.ipv6 ───────────────────────────────────────────────────────────────────────────────────────
  /** conf.all.forwarding: the one that decides whether packets are forwarded. */
  forwarding6 = 1;
  /** conf.all.hop_limit */
  hopLimit6 = 64;
  fwmarkReflect6 = 0;
  anycastSrcEchoReply = 0;
  autoFlowlabels = 1;
  flowlabelReflect = 0;
  /** Milliseconds. */
  icmp6Ratelimit = 100;
  icmp6EchoIgnoreAll = 0;
  icmp6EchoIgnoreMulticast = 0;
  icmp6EchoIgnoreAnycast = 0;
  icmp6ErrorAnycastAsUnicast = 0;
  ip6fragHighThresh = 4194304;
  ip6fragLowThresh = 3145728;
  ip6fragTime = 60;

  readonly #interfaces: readonly Interface[];
  /** Called after a value has changed that routing depends on. */
  readonly #onRouting: () => void;
  /** What is not kept in a field: canonical path → value. Device keys are all here. */
  /** Counts writes: whoever keeps copies sees by it that they are old. */
  version = 0;
  readonly #values = new Map<string, number | string>();
  /** IPv4 device keys written (or fixed by an address): `default` no longer speaks for them. */
  readonly #settled = new Set<string>();

  constructor(interfaces: readonly Interface[] = [], onRouting: () => void = () => {}) {
    this.#interfaces = interfaces;
    this.#onRouting = onRouting;
    for (const name of this.#devices()) this.#initialise(name);
    this.#refresh();
  }

  /** Any key of net.*, dots or slashes. Throws HostError for a key that is not known. */
  get(key: string): number | string {
    const found = this.#find(key);
    const { path } = found;
    if (found.key.field !== null) return this.#field(found.key.field);
    if (path === "net/ipv4/ip_forward") return this.#number("net/ipv4/conf/all/forwarding");
    const value = this.#values.get(path);
    if (value !== undefined) return value;
    const { initial } = found.key;
    return /^-?\d{1,15}$/.test(initial) ? Number(initial) : initial;
  }

  /**
   * `sysctl -w`. Throws HostError for keys that do not exist (naming the nearest one), values that the kernel does not
   * take, and settings that would change verdicts but are not evaluated. `*` for a device means each of them.
   */
  set(key: string, value: number | string | boolean): void {
    const path = pathOf(key);
    if (/\/(conf|neigh)\/\*\//.test(path)) {
      for (const name of this.#devices()) this.#write(this.#find(path.replace("/*/", `/${name}/`)), value);
      return;
    }
    this.#write(this.#find(key), value);
  }

  #write(found: Found, given: number | string | boolean): void {
    this.version++;
    const { key, path, device } = found;
    const name = path.replaceAll(".", "\0").replaceAll("/", ".").replaceAll("\0", "/");
    const value = readValue(name, key, given);
    if (key.refused && String(value) !== key.initial)
      throw new HostError(`${name} = ${value} is not evaluated: only ${key.initial} is`);
    if (key.name === "mtu" && found.family === 6) this.#checkMtu(name, device as string, value as number);
    if (key.field !== null) {
      this.#setField(key.field, value as number);
      return;
    }
    if (path === "net/ipv4/ip_forward") this.#forward4(value as number);
    else if (device !== null && key.name === "forwarding" && device === ALL)
      if (found.family === 4) this.#forward4(value as number);
      else this.#everywhere(6, key.name, value);
    else if (found.family === 6 && device === ALL && (key.name === "disable_ipv6" || key.name === "force_forwarding"))
      this.#everywhere(6, key.name, value);
    else {
      this.#values.set(path, value);
      if (found.family === 4 && device !== null && CONF4.has(key.name)) this.#settle4(key.name, device, value);
    }
    if (device !== null || path === "net/ipv4/ip_forward") this.#refresh();
  }

  /** devinet.c: devinet_conf_proc; `default` speaks for devices where nobody said otherwise. */
  #settle4(name: string, device: string, value: number | string): void {
    this.#settled.add(`${device}/${name}`);
    if (device !== DEFAULT || name === "forwarding") return;
    for (const { name: other } of this.#interfaces)
      if (other !== "" && !this.#settled.has(`${other}/${name}`))
        this.#values.set(`net/ipv4/conf/${other}/${name}`, value);
  }

  /** devinet.c: inet_forward_change */
  #forward4(value: number): void {
    this.#everywhere(4, "forwarding", value);
    for (const name of this.#devices())
      if (name !== ALL) this.#values.set(`net/ipv4/conf/${name}/accept_redirects`, value === 0 ? 1 : 0);
    this.#values.set("net/ipv4/conf/all/accept_redirects", value === 0 ? 1 : 0);
  }

  #everywhere(family: 4 | 6, name: string, value: number | string): void {
    for (const device of this.#devices()) this.#values.set(`net/ipv${family}/conf/${device}/${name}`, value);
  }

  #checkMtu(name: string, device: string, value: number): void {
    const most = this.#interfaces.find((item) => item.name === device)?.mtu ?? SEED_LIMIT;
    if (value < 1280 || value > most) throw new HostError(`${name} takes numbers from 1280 to ${most}, not ${value}`);
  }

  /** `all`, `default` and every device. */
  #devices(): string[] {
    return [ALL, DEFAULT, ...this.#interfaces.slice(1).map((device) => device.name)];
  }

  /** The kernel's defaults for a device, and the baseline: a forwarding host that filters nothing by itself. */
  #initialise(name: string): void {
    const device = this.#interfaces.find((item) => item.name === name && item.index > 0);
    const set = (family: 4 | 6, key: string, value: number) =>
      this.#values.set(`net/ipv${family}/conf/${name}/${key}`, value);
    set(4, "forwarding", 1);
    set(4, "accept_redirects", 0);
    set(4, "accept_source_route", name === ALL ? 0 : 1);
    set(4, "send_redirects", name === "lo" ? 1 : 0);
    set(6, "forwarding", 1);
    set(6, "mtu", device?.mtu ?? 1280);
    if (device === undefined) return;
    this.#settled.add(`${name}/rp_filter`);
    // devinet.c: ipv4_devconf_setall, when an address is added.
    if (device.addresses.some((address) => address.family === 4))
      for (const key of CONF4.keys()) this.#settled.add(`${name}/${key}`);
  }

  #number(path: string): number {
    return Number(this.#values.get(path) ?? 0);
  }

  /** Combines `all` and the device's own as inetdevice.h (IN_DEV_*CONF) and the IPv6 code do. */
  #refresh(): void {
    for (const { index, name, mtu, settings4, settings6 } of this.#interfaces) {
      if (index === 0) continue;
      const own4 = (key: string) => Number(this.#values.get(`net/ipv4/conf/${name}/${key}`) ?? CONF4.get(key)?.initial);
      const all4 = (key: string) => Number(this.#values.get(`net/ipv4/conf/all/${key}`) ?? CONF4.get(key)?.initial);
      const either = (key: string) => own4(key) !== 0 || all4(key) !== 0;
      settings4.forwarding = own4("forwarding") !== 0;
      settings4.rpFilter = Math.max(own4("rp_filter"), all4("rp_filter"));
      settings4.acceptLocal = either("accept_local");
      settings4.routeLocalnet = either("route_localnet");
      settings4.acceptSourceRoute = own4("accept_source_route") !== 0 && all4("accept_source_route") !== 0;
      settings4.bcForwarding = own4("bc_forwarding") !== 0 && all4("bc_forwarding") !== 0;
      settings4.sendRedirects = either("send_redirects");
      settings4.sharedMedia = either("shared_media");
      settings4.dropUnicastInL2Multicast = either("drop_unicast_in_l2_multicast");
      const own6 = (key: string) => Number(this.#values.get(`net/ipv6/conf/${name}/${key}`) ?? CONF6.get(key)?.initial);
      const all6 = (key: string) => Number(this.#values.get(`net/ipv6/conf/all/${key}`) ?? CONF6.get(key)?.initial);
      settings6.forwarding = own6("forwarding") !== 0;
      settings6.forceForwarding = own6("force_forwarding") !== 0;
      settings6.hopLimit = own6("hop_limit");
      settings6.acceptSourceRoute = Math.min(own6("accept_source_route"), all6("accept_source_route"));
      settings6.disabled = mtu < IPV6_MIN_MTU || own6("disable_ipv6") !== 0;
      settings6.mtu = own6("mtu");
      settings6.dropUnicastInL2Multicast =
        own6("drop_unicast_in_l2_multicast") !== 0 || all6("drop_unicast_in_l2_multicast") !== 0;
      settings6.useOifAddrsOnly = own6("use_oif_addrs_only") !== 0;
    }
    this.ipForward = this.#number("net/ipv4/conf/all/forwarding");
    this.forwarding6 = this.#number("net/ipv6/conf/all/forwarding");
    this.hopLimit6 = this.#number("net/ipv6/conf/all/hop_limit") || 64;
    this.#onRouting();
  }

  #field(name: string): number {
    return (this as unknown as Record<string, number>)[name];
  }

  #setField(name: string, value: number): void {
    (this as unknown as Record<string, number>)[name] = value;
  }

  #find(key: string): Found {
    const path = pathOf(key);
    const found = this.#lookup(path) ?? this.#lookup(this.#mendDevice(path));
    if (found !== null) return found;
    const device = path.match(/^net\/ipv[46]\/(?:conf|neigh)\/([^/]+)\/([^/]+)$/);
    if (device !== null && !this.#devices().includes(device[1]) && (CONF4.has(device[2]) || CONF6.has(device[2])))
      throw new HostError(`sysctl ${key}: there is no interface ${device[1]}`);
    const near = nearest(path, this.#paths());
    throw new HostError(
      `there is no sysctl ${key}${near === null ? "" : `; the nearest is ${near.replaceAll("/", ".")}`}`,
    );
  }

  #lookup(path: string | null): Found | null {
    if (path === null) return null;
    const plain = (key: SysctlKey | undefined, family: 4 | 6 = 4): Found | null =>
      key === undefined ? null : { path, key, family, device: null };
    const [net, area, kind, device, name, ...rest] = path.split("/");
    if (net !== "net") return null;
    if (path === "net/nf_conntrack_max") return plain(NETFILTER.get("nf_conntrack_max"));
    if (area === "netfilter") return plain(NETFILTER.get(path.slice(14)));
    if (area !== "ipv4" && area !== "ipv6") return plain(OTHER.get(path.slice(4)));
    const family = area === "ipv4" ? 4 : 6;
    if (kind !== "conf" && kind !== "neigh") return plain((family === 4 ? IPV4 : IPV6).get(path.slice(9)), family);
    if (rest.length > 0 || name === undefined || !this.#devices().includes(device)) return null;
    const key = kind === "neigh" ? NEIGH.get(name) : (family === 4 ? CONF4 : CONF6).get(name);
    return key === undefined ? null : { path, key, family, device };
  }

  /** `net.ipv4.conf.eth0.100.rp_filter`: a device name with dots that were taken for separators. */
  #mendDevice(path: string): string | null {
    const match = path.match(/^(net\/ipv[46]\/(?:conf|neigh))\/(.+)\/([^/]+)$/);
    const name = match?.[2].replaceAll("/", ".");
    return match !== null && this.#devices().includes(name as string) ? `${match[1]}/${name}/${match[3]}` : null;
  }

  #paths(): string[] {
    const conf = this.#devices().flatMap((device) => [
      ...[...CONF4.keys()].map((key) => `net/ipv4/conf/${device}/${key}`),
      ...[...CONF6.keys()].map((key) => `net/ipv6/conf/${device}/${key}`),
    ]);
    return [
      ...[...NETFILTER.keys()].map((key) => `net/netfilter/${key}`),
      ...[...IPV4.keys()].map((key) => `net/ipv4/${key}`),
      ...[...IPV6.keys()].map((key) => `net/ipv6/${key}`),
      ...conf,
      ...[...OTHER.keys()].map((key) => `net/${key}`),
    ];
  }
}

/** As sysctl(8): the first separator says which of dot and slash separates; the other one belongs to a name. */
function pathOf(key: string): string {
  const first = key.search(/[./]/);
  if (first < 0 || key[first] === "/") return key;
  return key.replaceAll("/", "\0").replaceAll(".", "/").replaceAll("\0", ".");
}

function readValue(name: string, key: SysctlKey, given: number | string | boolean): number | string {
  const text = typeof given === "boolean" ? String(Number(given)) : String(given).trim();
  if (key.values === "text") return text.replace(/\s+/g, " ");
  if (key.values === "bits") return readBits(name, text);
  if (key.values === "ro") throw new HostError(`${name} cannot be written`);
  if (!/^-?(0x[0-9a-fA-F]+|\d+)$/.test(text)) throw new HostError(`${name} takes a whole number, not "${text}"`);
  // proc_dointvec reads C's notation: 0x10 is 16, 010 is 8.
  const digits = text.replace("-", "");
  const size = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  const value = text.startsWith("-") ? -size : size;
  const [least, most] = limits(key.values);
  if (!(value >= least && value <= most))
    throw new HostError(`${name} takes numbers from ${least} to ${most}, not ${text}`);
  if (key.values === "flag") return value === 0 ? 0 : 1;
  return key.values === "ms" ? (Math.ceil((value * HZ) / 1000) * 1000) / HZ : value;
}

/** proc_do_large_bitmap: `0-1,3-127`. */
function readBits(name: string, text: string): string {
  const ranges = text.split(",").map((range) => range.match(/^(\d+)(?:-(\d+))?$/));
  if (
    !ranges.every(
      (range) =>
        range !== null && Number(range[1]) <= Number(range[2] ?? range[1]) && Number(range[2] ?? range[1]) < 256,
    )
  )
    throw new HostError(`${name} takes numbers and ranges up to 255, as in 0-1,3-127, not "${text}"`);
  return text;
}

function limits(values: string): readonly [number, number] {
  if (values === "int" || values === "flag") return [-2147483648, 2147483647];
  if (values === "sec") return [-Math.floor(2147483647 / HZ), Math.floor(2147483647 / HZ)];
  if (values === "ms") return [0, Number.MAX_SAFE_INTEGER];
  const [least, most] = values.split("..").map(Number);
  return [least, most];
}

/** The path with the smallest edit distance, if it is small. */
function nearest(path: string, paths: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.max(4, path.length / 4);
  for (const candidate of paths) {
    if (Math.abs(candidate.length - path.length) >= least) continue;
    const distance = editDistance(path, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}
