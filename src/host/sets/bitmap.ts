/**
 * The bitmap set types (ip_set_bitmap_gen.h): a range of addresses or ports with one bit each. An element of
 * bitmap:ip,mac may be stored without its link-layer address: the first packet that asks for it completes it, and only
 * then does its timeout begin to run.
 */
import { formatIpv4, maskOfPrefix4 } from "../../bytes/address.ts";
import type { Packet } from "../../packet/packet.ts";
import { IPPROTO_TCP, IPPROTO_UDP } from "../../packet/transport.ts";
import type { AddressRange, Element, ElementOptions, Part } from "./element.ts";
import { SetError } from "./error.ts";
import { elementText } from "./hash-print.ts";
import { portOf, putMac } from "./packet-key.ts";
import {
  AGAIN,
  ALREADY_THERE,
  type ExtensionConfig,
  Extensions,
  IpSet,
  MATCH,
  NO_MATCH,
  NOT_APPLICABLE,
  type SetClock,
  type SetEnvironment,
  type SetQuery,
} from "./set.ts";

export interface BitmapType {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly dimensions: number;
  readonly canNomatch: false;
  readonly parts: readonly Part[];
  readonly lastOptional?: boolean;
  readonly create: readonly string[];
  readonly of: "addresses" | "ports";
  readonly macs: boolean;
}

const EXTENSIONS = ["timeout", "counters", "comment", "skbinfo"];

export const BITMAP_TYPES: readonly BitmapType[] = [
  {
    name: "bitmap:ip",
    aliases: ["ipmap"],
    dimensions: 1,
    canNomatch: false,
    parts: ["ip"],
    create: ["range", "netmask", ...EXTENSIONS],
    of: "addresses",
    macs: false,
  },
  {
    name: "bitmap:ip,mac",
    aliases: ["macipmap"],
    dimensions: 2,
    canNomatch: false,
    parts: ["single ip", "mac"],
    lastOptional: true,
    create: ["range", ...EXTENSIONS],
    of: "addresses",
    macs: true,
  },
  {
    name: "bitmap:port",
    aliases: ["portmap"],
    dimensions: 1,
    canNomatch: false,
    parts: ["tcp/udp port"],
    create: ["range", ...EXTENSIONS],
    of: "ports",
    macs: false,
  },
];

export interface BitmapConfig extends ExtensionConfig {
  /** First and last address or port, unsigned, inclusive. */
  readonly first: number;
  readonly last: number;
  /** Prefix length of the networks that are the elements; 32: hosts. */
  readonly netmask: number;
  readonly elements: number;
}

const MAX_ELEMENTS = 0x10000;
const OUT_OF_RANGE = -4352;
const OUTSIDE = "Element is out of the range of the set";
const NOT_THERE = "Element cannot be deleted from the set: it's not added";
const IS_THERE = "Element cannot be added to the set: it's already added";

const IN = 1;
/** bitmap:ip,mac: in, and its link-layer address is known. */
const FILLED = 2;

/** What `range` and `netmask` make of a bitmap of addresses (bitmap_ip_create). */
export function addressBitmap(
  range: AddressRange,
  netmask: number,
): Pick<BitmapConfig, "first" | "last" | "netmask" | "elements"> {
  let first = range.from[0] >>> 0;
  let last: number;
  if (range.to !== null) {
    last = range.to[0] >>> 0;
    if (first > last) [first, last] = [last, first];
  } else {
    if (range.prefix! >= 32) throw new SetError("The value of the CIDR parameter of the IP address is invalid");
    const mask = maskOfPrefix4(range.prefix!);
    first = (first & mask) >>> 0;
    last = (first | ~mask) >>> 0;
  }
  let elements: number;
  if (netmask === 32) elements = last - first + 1;
  else {
    const mask = maskOfPrefix4(netmask);
    first = (first & mask) >>> 0;
    last = (last | ~mask) >>> 0;
    const prefix = commonPrefix(first, last);
    if (prefix === null || netmask <= prefix) throw new SetError(OUTSIDE);
    elements = 2 ** (netmask - prefix);
  }
  if (elements > MAX_ELEMENTS) throw new SetError("The range you specified exceeds the size limit of the set type");
  return { first, last, netmask, elements };
}

/** range_to_mask: the prefix length whose network ends at `to` and begins at `from`, or null. */
function commonPrefix(from: number, to: number): number | null {
  for (let prefix = 31; prefix >= 0; prefix--)
    if ((to & maskOfPrefix4(prefix)) >>> 0 === from)
      return prefix > 0 || (from === 0 && to === 0xffffffff) ? prefix : null;
  return null;
}

export class BitmapSet extends IpSet {
  readonly type_: BitmapType;
  readonly config: BitmapConfig;
  readonly environment: SetEnvironment;
  /** 0, IN, or IN | FILLED. */
  readonly #state: Uint8Array;
  /** Two words per element. */
  readonly #macs: Int32Array;
  readonly #key = new Int32Array(2);
  /** Elements' timeouts in seconds while they do not run yet (no link-layer address). */
  readonly #pending: Float64Array;

  constructor(name: string, type: BitmapType, config: BitmapConfig, clock: SetClock) {
    super(name, type, type.of === "ports" ? 0 : 4, new Extensions(config, clock, config.elements));
    this.type_ = type;
    this.config = config;
    this.environment = clock.environment;
    this.#state = new Uint8Array(config.elements);
    this.#macs = new Int32Array(type.macs ? config.elements * 2 : 0);
    this.#pending = new Float64Array(type.macs ? config.elements : 0);
  }

  get size(): number {
    return this.#state.reduce((count, state) => count + (state !== 0 ? 1 : 0), 0);
  }

  protected testPacket(p: Packet, q: SetQuery): number {
    const id = this.#elementOf(p, q);
    if (id < 0) return id;
    const state = this.#state[id];
    if (state === 0) return NO_MATCH;
    if (this.type_.macs) {
      if (state === IN) return AGAIN;
      if (!this.#sameMac(id)) return NO_MATCH;
    }
    return this.extensions.matches(id, p, q) ? MATCH : NO_MATCH;
  }

  protected addPacket(p: Packet, q: SetQuery): number {
    const id = this.#elementOf(p, q);
    if (id < 0) return id;
    const given = q.timeout >= 0 ? q.timeout : this.config.timeout;
    const done = this.#add(id, true, q.exist, given);
    if (done !== 0) return done;
    const { timeout } = this.config;
    const expires = timeout >= 0 ? this.extensions.expires[id] : 0;
    this.extensions.initFromPacket(id, p, q);
    if (timeout >= 0) this.extensions.expires[id] = expires;
    return 0;
  }

  protected deletePacket(p: Packet, q: SetQuery): number {
    const id = this.#elementOf(p, q);
    return id < 0 ? id : this.#delete(id);
  }

  /** The packet's element, its link-layer address in #key; or a negative answer. */
  #elementOf(p: Packet, q: SetQuery): number {
    const { first, last, netmask } = this.config;
    const source = (q.sources & 2) !== 0;
    if (this.type_.of === "ports") {
      const found = portOf(p, source);
      if (found < 0) return NOT_APPLICABLE;
      const protocol = found >>> 16;
      if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return NOT_APPLICABLE;
      const port = found & 0xffff;
      return port < first || port > last ? OUT_OF_RANGE : port - first;
    }
    const address = (source ? p.src0 : p.dst0) >>> 0;
    if (address < first || address > last) return OUT_OF_RANGE;
    if (this.type_.macs && !putMac(this.#key, 0, p, (q.sources & 4) !== 0, this.environment)) return NOT_APPLICABLE;
    return Math.floor((address - first) / 2 ** (32 - netmask));
  }

  #sameMac(id: number): boolean {
    return this.#macs[id * 2] === this.#key[0] && this.#macs[id * 2 + 1] === this.#key[1];
  }

  /** Puts the element in, with the link-layer address in #key if `withMac`; its timeout is `seconds`. */
  #add(id: number, withMac: boolean, exist: boolean, seconds: number): number {
    const { extensions } = this;
    const state = this.#state[id];
    const completes = state === IN && this.type_.macs && withMac;
    if (state !== 0 && !completes) {
      // Not yet running timeouts do not expire.
      const expired = (!this.type_.macs || state === (IN | FILLED)) && extensions.expired(id);
      if (withMac && exist && state === (IN | FILLED)) this.#macs.set(this.#key, id * 2);
      if (!expired && !exist) return ALREADY_THERE;
    }
    if (withMac && this.type_.macs && (state & FILLED) === 0) {
      this.#macs.set(this.#key, id * 2);
      this.#state[id] = IN | FILLED;
    } else if (state === 0) this.#state[id] = IN;
    if (this.config.timeout >= 0) {
      const runs = !this.type_.macs || withMac;
      const kept = completes && seconds === this.config.timeout ? this.#pending[id] : seconds;
      if (runs) extensions.setTimeout(id, kept);
      else {
        this.#pending[id] = seconds;
        extensions.expires[id] = 0;
      }
    }
    return 0;
  }

  #delete(id: number): number {
    if (this.#state[id] === 0) return ALREADY_THERE;
    const expired = this.extensions.expired(id);
    this.#state[id] = 0;
    this.extensions.clear(id);
    return expired ? ALREADY_THERE : 0;
  }

  // ── text ───────────────────────────────────────────────────────────────────────────────────────────

  addElement(element: Element, options: ElementOptions, exist: boolean): void {
    if (element.mac !== null) this.#putWrittenMac(element.mac);
    for (const id of this.#written(element)) {
      const fresh = this.#state[id] === 0;
      const seconds = options.timeout ?? this.config.timeout;
      if (this.#add(id, element.mac !== null, exist, seconds) !== 0) throw new SetError(IS_THERE);
      const expires = this.config.timeout >= 0 ? this.extensions.expires[id] : 0;
      this.extensions.initFromText(id, options, fresh);
      if (this.config.timeout >= 0) this.extensions.expires[id] = expires;
    }
  }

  deleteElement(element: Element, exist: boolean): void {
    for (const id of this.#written(element)) if (this.#delete(id) !== 0 && !exist) throw new SetError(NOT_THERE);
  }

  #putWrittenMac(mac: Uint8Array): void {
    this.#key[0] = (mac[0] << 24) | (mac[1] << 16) | (mac[2] << 8) | mac[3];
    this.#key[1] = (mac[4] << 24) | (mac[5] << 16);
  }

  /** The elements that a written one stands for. */
  *#written(element: Element): Generator<number> {
    const { first, last, netmask } = this.config;
    let from: number;
    let to: number;
    if (this.type_.of === "ports") {
      from = element.port!.from;
      to = element.port!.to < 0 ? from : element.port!.to;
      if (from < first || from > last) throw new SetError(OUTSIDE);
      if (from > to) [from, to] = [to, from];
    } else {
      const range = element.ip!;
      from = range.from[0] >>> 0;
      if (from < first || from > last) throw new SetError(OUTSIDE);
      to = from;
      if (range.to !== null && !this.type_.macs) {
        to = range.to[0] >>> 0;
        if (from > to) [from, to] = [to, from];
      } else if (range.prefix !== null && !this.type_.macs) {
        if (range.prefix === 0) throw new SetError("The value of the CIDR parameter of the IP address is invalid");
        from = (from & maskOfPrefix4(range.prefix)) >>> 0;
        to = from + 2 ** (32 - range.prefix) - 1;
      }
    }
    if (from < first || to > last) throw new SetError(OUTSIDE);
    const step = this.type_.of === "ports" ? 1 : 2 ** (32 - netmask);
    for (let at = from; at <= to; at += step) yield Math.floor((at - first) / step);
  }

  flush(): void {
    this.#state.fill(0);
  }

  header(): string {
    const { config } = this;
    const show = this.type_.of === "ports" ? String : (value: number) => formatIpv4(value | 0);
    let text = ` range ${show(config.first)}-${show(config.last)}`;
    if (this.type_.of === "addresses" && config.netmask !== 32) text += ` netmask ${config.netmask}`;
    return text + extensionWords(config);
  }

  elements(): string[] {
    const lines: string[] = [];
    const step = this.type_.of === "ports" ? 1 : 2 ** (32 - this.config.netmask);
    this.#state.forEach((state, id) => {
      const running = !this.type_.macs || state === (IN | FILLED);
      if (state === 0 || (running && this.extensions.expired(id))) return;
      const at = this.config.first + id * step;
      const mac = state === (IN | FILLED) ? `,${elementText.mac(this.#macs[id * 2], this.#macs[id * 2 + 1])}` : "";
      const text = this.type_.of === "ports" ? String(at) : formatIpv4(at | 0) + mac;
      let rest = this.extensions.print(id, "");
      if (!running && this.config.timeout >= 0) rest = rest.replace(/^ timeout \d+/, ` timeout ${this.#pending[id]}`);
      lines.push(text + rest);
    });
    return lines;
  }
}

/** The extensions of a `create` line, for the types that print nothing after them. */
export function extensionWords(config: ExtensionConfig): string {
  return [
    config.timeout >= 0 ? ` timeout ${config.timeout}` : "",
    config.counters ? " counters" : "",
    config.comment ? " comment" : "",
    config.skbinfo ? " skbinfo" : "",
  ].join("");
}
