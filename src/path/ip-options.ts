/**
 * IPv4 header options as a router minds them (ip_options.c): checked and partly filled in when the packet is received,
 * finished when it is forwarded, inverted for an answer, blanked out in later fragments. The names are RFC 791's.
 */
import type { Packet } from "../packet/packet.ts";

const IPV4_HEADER = 20;

export const IPOPT_END = 0;
export const IPOPT_NOOP = 1;
const IPOPT_RR = 7;
const IPOPT_TIMESTAMP = 68;
const IPOPT_LSRR = 131;
const IPOPT_CIPSO = 134;
const IPOPT_SSRR = 137;
const IPOPT_RA = 148;

const TS_TSONLY = 0;
const TS_TSANDADDR = 1;
const TS_PRESPEC = 3;

/** What was found; offsets count from the start of the IP header, 0: there is none (struct ip_options). */
export interface IpOptions {
  /** Bytes after the fixed header. */
  length: number;
  sourceRoute: number;
  strict: boolean;
  /** The source route names this host; `nextHop` comes next. */
  sourceRouteHit: boolean;
  nextHop: number;
  recordRoute: number;
  timestamp: number;
  /** Room was taken for the address of the device it leaves by. */
  recordNeedsAddress: boolean;
  timestampNeedsAddress: boolean;
  timestampNeedsTime: boolean;
  routerAlert: number;
  cipso: number;
  /** Bytes were changed: the header's checksum must be made again. */
  changed: boolean;
}

/** What filling in options asks of the host. */
export interface OptionsHost {
  /** The address by which the sender knows this host (fib_compute_spec_dst). */
  specificAddress(): number;
  /** Whether it is another host's ordinary address (inet_addr_type is RTN_UNICAST). */
  isUnicast(address: number): boolean;
  /** Milliseconds since midnight UTC. */
  readonly midnight: number;
}

export function noOptions(length: number): IpOptions {
  return {
    length,
    sourceRoute: 0,
    strict: false,
    sourceRouteHit: false,
    nextHop: 0,
    recordRoute: 0,
    timestamp: 0,
    recordNeedsAddress: false,
    timestampNeedsAddress: false,
    timestampNeedsTime: false,
    routerAlert: 0,
    cipso: 0,
    changed: false,
  };
}

/**
 * Reads and fills in the options of a received packet (__ip_options_compile). Returns the offset of the byte that is
 * wrong, or -1 when all are right.
 */
export function compileOptions(p: Packet, opt: IpOptions, host: OptionsHost): number {
  const { data, start } = p;
  const first = start + IPV4_HEADER;
  let left = opt.length;
  for (let at = first; left > 0; ) {
    const kind = data[at];
    if (kind === IPOPT_END) {
      for (at++, left--; left > 0; at++, left--)
        if (data[at] !== IPOPT_END) {
          data[at] = IPOPT_END;
          opt.changed = true;
        }
      return -1;
    }
    if (kind === IPOPT_NOOP) {
      at++;
      left--;
      continue;
    }
    if (left < 2) return at - start;
    const length = data[at + 1];
    if (length < 2 || length > left) return at - start;
    const wrong = compileOption(p, opt, host, at, kind, length);
    if (wrong >= 0) return wrong - start;
    left -= length;
    at += length;
  }
  return -1;
}

/** One option: the absolute offset of what is wrong, or -1. */
function compileOption(p: Packet, opt: IpOptions, host: OptionsHost, at: number, kind: number, length: number): number {
  const { data, start } = p;
  switch (kind) {
    case IPOPT_SSRR:
    case IPOPT_LSRR:
      if (length < 3) return at + 1;
      if (data[at + 2] < 4) return at + 2;
      if (opt.sourceRoute !== 0) return at;
      opt.strict = kind === IPOPT_SSRR;
      opt.sourceRoute = at - start;
      return -1;
    case IPOPT_RR:
      return compileRecordRoute(p, opt, host, at, length);
    case IPOPT_TIMESTAMP:
      return compileTimestamp(p, opt, host, at, length);
    case IPOPT_RA:
      if (length < 4) return at + 1;
      if (data[at + 2] === 0 && data[at + 3] === 0) opt.routerAlert = at - start;
      return -1;
    case IPOPT_CIPSO:
      // cipso_v4_validate: no host without a labelled domain knows any domain of interpretation.
      if (opt.cipso !== 0) return at;
      opt.cipso = at - start;
      return length < 8 ? at + 1 : at + 2;
    default:
      return -1;
  }
}

function compileRecordRoute(p: Packet, opt: IpOptions, host: OptionsHost, at: number, length: number): number {
  const { data, view, start } = p;
  if (opt.recordRoute !== 0) return at;
  if (length < 3) return at + 1;
  const pointer = data[at + 2];
  if (pointer < 4) return at + 2;
  if (pointer <= length) {
    if (pointer + 3 > length) return at + 2;
    view.setInt32(at + pointer - 1, host.specificAddress());
    opt.changed = true;
    data[at + 2] += 4;
    opt.recordNeedsAddress = true;
  }
  opt.recordRoute = at - start;
  return -1;
}

function compileTimestamp(p: Packet, opt: IpOptions, host: OptionsHost, at: number, length: number): number {
  const { data, start } = p;
  if (opt.timestamp !== 0) return at;
  if (length < 4) return at + 1;
  const pointer = data[at + 2];
  if (pointer < 5) return at + 2;
  if (pointer <= length) {
    if (pointer + 3 > length) return at + 2;
    const wrong = stamp(p, opt, host, at, length);
    if (wrong >= 0) return wrong;
  } else if ((data[at + 3] & 15) !== TS_PRESPEC) {
    const overflow = data[at + 3] >>> 4;
    if (overflow === 15) return at + 3;
    data[at + 3] = (data[at + 3] & 15) | ((overflow + 1) << 4);
    opt.changed = true;
  }
  opt.timestamp = at - start;
  return -1;
}

/** There is room for one more time stamp. */
function stamp(p: Packet, opt: IpOptions, host: OptionsHost, at: number, length: number): number {
  const { data, view } = p;
  const pointer = data[at + 2];
  const flag = data[at + 3] & 15;
  let time = -1;
  if (flag === TS_TSONLY) {
    time = at + pointer - 1;
    data[at + 2] += 4;
    opt.timestampNeedsTime = true;
  } else if (flag === TS_TSANDADDR || flag === TS_PRESPEC) {
    if (pointer + 7 > length) return at + 2;
    if (flag === TS_TSANDADDR) {
      view.setInt32(at + pointer - 1, host.specificAddress());
      opt.timestampNeedsAddress = true;
    } else if (host.isUnicast(view.getInt32(at + pointer - 1))) return -1;
    time = at + pointer + 3;
    data[at + 2] += 8;
    opt.timestampNeedsTime = true;
  }
  if (time >= 0) {
    view.setUint32(time, host.midnight);
    opt.changed = true;
  }
  return -1;
}

/** ip_forward_options, without the checksum: `source` is the address of the device it leaves by. */
export function forwardOptions(p: Packet, opt: IpOptions, source: number): void {
  const { data, view, start } = p;
  if (opt.recordNeedsAddress) {
    const at = start + opt.recordRoute;
    view.setInt32(at + data[at + 2] - 5, source);
    opt.changed = true;
  }
  if (!opt.sourceRouteHit) return;
  const at = start + opt.sourceRoute;
  const space = data[at + 1];
  let pointer = data[at + 2];
  while (pointer + 3 <= space && view.getInt32(at + pointer - 1) !== opt.nextHop) pointer += 4;
  if (pointer + 3 <= space) {
    opt.changed = true;
    view.setInt32(start + 16, opt.nextHop);
    p.dst0 = opt.nextHop;
    view.setInt32(at + pointer - 1, source);
    data[at + 2] = pointer + 4;
  }
  if (opt.timestampNeedsAddress) {
    const stamps = start + opt.timestamp;
    view.setInt32(stamps + data[stamps + 2] - 9, source);
    opt.changed = true;
  }
}

/** The options of later fragments: those that are not copied become no-ops (ip_options_fragment). */
export function blankOptions(data: Uint8Array, start: number, length: number): void {
  let at = start + IPV4_HEADER;
  for (let left = length; left > 0; ) {
    const kind = data[at];
    if (kind === IPOPT_END) return;
    if (kind === IPOPT_NOOP) {
      left--;
      at++;
      continue;
    }
    const size = left < 2 ? 0 : data[at + 1];
    if (size < 2 || size > left) return;
    if ((kind & 0x80) === 0) data.fill(IPOPT_NOOP, at, at + size);
    left -= size;
    at += size;
  }
}

/** Options of an answer, and where it goes first. */
export interface EchoedOptions {
  readonly bytes: Uint8Array;
  readonly options: IpOptions;
  /** First hop of the inverted source route; 0: none. */
  readonly firstHop: number;
}

/** The options for an answer to `p` (__ip_options_echo); null when they do not fit: then there is no answer. */
export function echoOptions(p: Packet, from: IpOptions, host: OptionsHost): EchoedOptions | null {
  const out = new Uint8Array(40);
  const view = new DataView(out.buffer);
  const options = noOptions(0);
  let length = 0;
  let firstHop = 0;
  if (from.recordRoute !== 0) {
    const size = copyOption(p, from.recordRoute, out, length);
    options.recordRoute = length + IPV4_HEADER;
    const pointer = p.data[p.start + from.recordRoute + 2];
    if (from.recordNeedsAddress && pointer <= size) {
      if (pointer + 3 > size) return null;
      out[length + 2] = pointer + 4;
      options.recordNeedsAddress = true;
    }
    length += size;
  }
  if (from.timestamp !== 0) {
    const size = copyOption(p, from.timestamp, out, length);
    options.timestamp = length + IPV4_HEADER;
    const pointer = echoedPointer(view, length, size, from, options, host);
    if (pointer < 0) return null;
    out[length + 2] = pointer;
    length += size;
  }
  if (from.sourceRoute !== 0) {
    const inverted = invertSourceRoute(p, from, out, length);
    if (inverted.size > 0) {
      options.sourceRoute = length + IPV4_HEADER;
      options.strict = from.strict;
      firstHop = inverted.firstHop;
      length += inverted.size;
    }
  }
  if (from.cipso !== 0) {
    options.cipso = length + IPV4_HEADER;
    length += copyOption(p, from.cipso, out, length);
  }
  // The rest of `out` is IPOPT_END already.
  options.length = (length + 3) & ~3;
  return { bytes: out.subarray(0, options.length), options, firstHop };
}

function copyOption(p: Packet, offset: number, out: Uint8Array, to: number): number {
  const at = p.start + offset;
  const size = p.data[at + 1];
  out.set(p.data.subarray(at, at + size), to);
  return size;
}

/** Where the next time stamp of an answer goes; -1: it does not fit. */
function echoedPointer(
  view: DataView,
  at: number,
  size: number,
  from: IpOptions,
  to: IpOptions,
  host: OptionsHost,
): number {
  let pointer = view.getUint8(at + 2);
  if (pointer > size) return pointer;
  if (from.timestampNeedsAddress) {
    if (pointer + 3 > size) return -1;
    to.timestampNeedsAddress = true;
    pointer += 4;
  }
  if (from.timestampNeedsTime) {
    if (pointer + 3 > size) return -1;
    if ((view.getUint8(at + 3) & 15) !== TS_PRESPEC) {
      to.timestampNeedsTime = true;
      pointer += 4;
    } else if (pointer + 7 <= size && !host.isUnicast(view.getInt32(at + pointer - 1))) {
      to.timestampNeedsTime = true;
      pointer += 8;
    }
  }
  return pointer;
}

function invertSourceRoute(
  p: Packet,
  from: IpOptions,
  out: Uint8Array,
  to: number,
): { readonly size: number; readonly firstHop: number } {
  const at = p.start + from.sourceRoute;
  const { data, view } = p;
  const size = data[at + 1];
  let pointer = Math.min(data[at + 2], size + 1) - 4;
  if (pointer <= 3) return { size: 0, firstHop: 0 };
  const firstHop = view.getInt32(at + pointer - 1);
  let filled = 4;
  for (pointer -= 4; pointer > 3; pointer -= 4, filled += 4)
    if (to + filled + 3 <= out.length) out.set(data.subarray(at + pointer - 1, at + pointer + 3), to + filled - 1);
  // RFC 1812: an illegal route that names the sender itself is set right.
  if (at + pointer + 7 <= p.end && view.getInt32(at + pointer + 3) === p.src0) filled -= 4;
  if (filled <= 3) return { size: 0, firstHop: 0 };
  out[to] = data[at];
  out[to + 1] = filled + 3;
  out[to + 2] = 4;
  return { size: filled + 3, firstHop };
}

/** Puts an answer's options into its header, which begins at `p.start` (ip_options_build). */
export function buildOptions(
  p: Packet,
  echoed: EchoedOptions,
  destination: number,
  source: number,
  host: OptionsHost,
): void {
  const { data, view, start } = p;
  const opt = echoed.options;
  data.set(echoed.bytes, start + IPV4_HEADER);
  const at = (offset: number) => start + offset;
  if (opt.sourceRoute !== 0) {
    const route = at(opt.sourceRoute);
    view.setInt32(route + data[route + 1] - 4, destination);
  }
  if (opt.recordNeedsAddress) {
    const record = at(opt.recordRoute);
    view.setInt32(record + data[record + 2] - 5, source);
  }
  if (opt.timestampNeedsAddress) {
    const stamps = at(opt.timestamp);
    view.setInt32(stamps + data[stamps + 2] - 9, source);
  }
  if (opt.timestampNeedsTime) {
    const stamps = at(opt.timestamp);
    view.setUint32(stamps + data[stamps + 2] - 5, host.midnight);
  }
}
