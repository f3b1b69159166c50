/**
 * The line that the kernel logs for a packet: what LOG, TRACE and nf_conntrack_log_invalid print
 * (nf_log_syslog.c). Every line ends with a blank, as the kernel's do; level and time stamp are the log's, not ours.
 *
 * What is not there is said as the kernel says it: `INCOMPLETE [4 bytes]`, `TRUNCATED`. A packet that a capture cut
 * counts as ending where its bytes end. `UID=` and `GID=` are printed when the host says who sends what it sends.
 */
import { expandIpv6, formatIpv4, formatMac } from "../bytes/address.ts";
import { POSTROUTING } from "./hook.ts";
import { IPV4_ID, IPV4_MIN_HEADER, IPV4_PROTOCOL, IPV4_TTL } from "./ipv4.ts";
import {
  IPV6_HEADER,
  NEXTHDR_AUTH,
  NEXTHDR_DEST,
  NEXTHDR_FRAGMENT,
  NEXTHDR_HOP,
  NEXTHDR_NONE,
  NEXTHDR_ROUTING,
} from "./ipv6.ts";
import { PACKET_BROADCAST, PACKET_MULTICAST, type Packet, SENDER_PROCESS } from "./packet.ts";
import {
  IPPROTO_AH,
  IPPROTO_ESP,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "./transport.ts";

/** uapi/linux/netfilter/nf_log.h: NF_LOG_* */
export const LOG_TCP_SEQUENCE = 0x01;
export const LOG_TCP_OPTIONS = 0x02;
export const LOG_IP_OPTIONS = 0x04;
export const LOG_UID = 0x08;
export const LOG_MAC_DECODE = 0x20;
/** What TRACE and log_invalid show. */
export const LOG_DEFAULT = LOG_TCP_SEQUENCE | LOG_TCP_OPTIONS | LOG_IP_OPTIONS | LOG_UID;

/** A device as far as a log line names it; host/'s Interface is one. */
export interface LogDevice {
  readonly name: string;
  /** Six bytes; null where frames have no Ethernet header. */
  readonly mac: Uint8Array | null;
  readonly loopback: boolean;
}

/** What a log line asks of the host; host/'s Host is one. */
export interface LogHost {
  /** By index. */
  readonly interfaces: readonly LogDevice[];
  /** The user whose processes send what the host itself sends; null: not known. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

/** `prefix` is printed as it is; `flags` are LOG_*. */
export function logLine(p: Packet, host: LogHost, prefix: string, flags: number): string {
  const devices = host.interfaces;
  const name = (index: number) => (index > 0 ? devices[index].name : "");
  let line = `${prefix}IN=${name(p.inDev)} OUT=${name(p.outDev)} `;
  // The device that the packet is on (skb->dev): in POSTROUTING that is already the next one.
  if (p.inDev > 0) line += macHeader(p, devices[p.hook === POSTROUTING ? p.outDev : p.inDev], flags);
  const reader = new Reader(p, flags, host.owner);
  if (p.family === 4) reader.ipv4(p.start);
  else reader.ipv6(p.start, true);
  return line + reader.text;
}

/** dump_mac_header: destination, source and type of the frame the packet came in. */
function macHeader(p: Packet, device: LogDevice, flags: number): string {
  const type = p.family === 4 ? "0800" : "86dd";
  // Frames through lo have a header, too, which nobody has filled.
  if (device.loopback) return `MAC=${"00:".repeat(12)}${type.slice(0, 2)}:${type.slice(2)} `;
  const framed = device.mac !== null && p.mac >= 0 && p.macLength === 6;
  const decode = (flags & LOG_MAC_DECODE) !== 0 && device.mac !== null;
  if (!framed) return decode ? "" : "MAC= ";
  const source = formatMac(p.data, p.mac, 6);
  const destination = frameDestination(p, device.mac as Uint8Array);
  if (decode) return `MACSRC=${source} MACDST=${destination} MACPROTO=${type} `;
  return `MAC=${destination}:${source}:${type.slice(0, 2)}:${type.slice(2)} `;
}

/** What the frame was addressed to: the device, everybody, or the group's Ethernet address. */
function frameDestination(p: Packet, own: Uint8Array): string {
  if (p.packetType === PACKET_BROADCAST) return "ff:ff:ff:ff:ff:ff";
  if (p.packetType !== PACKET_MULTICAST) return formatMac(own);
  const group = p.family === 4 ? p.dst0 & 0x7fffff : p.dst3;
  const low = [24, 16, 8, 0].map((shift) => (group >>> shift) & 255);
  return formatMac(Uint8Array.from(p.family === 4 ? [1, 0, 0x5e, low[1], low[2], low[3]] : [0x33, 0x33, ...low]));
}

/** Bytes that each ICMP type must have, where the kernel asks for any. */
const ICMP_LEAST: Readonly<Record<number, number>> = {
  0: 4,
  3: 28,
  4: 28,
  5: 28,
  8: 4,
  11: 28,
  12: 28,
  13: 20,
  14: 20,
  17: 12,
  18: 12,
};

const EXTENSIONS: ReadonlySet<number> = new Set([
  NEXTHDR_HOP,
  NEXTHDR_ROUTING,
  NEXTHDR_FRAGMENT,
  IPPROTO_ESP,
  NEXTHDR_AUTH,
  NEXTHDR_DEST,
]);

/** Byte 13 of the TCP header from its highest bit. */
const TCP_FLAGS = ["CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"] as const;

class Reader {
  text = "";
  readonly #p: Packet;
  readonly #flags: number;
  /** One past the last byte that belongs to the packet and is there. */
  readonly #end: number;
  /** Where the packet ends as its header says. */
  readonly #declared: number;

  readonly #owner: LogHost["owner"];

  constructor(p: Packet, flags: number, owner: LogHost["owner"]) {
    this.#p = p;
    this.#flags = flags;
    this.#owner = owner;
    this.#declared = p.start + p.length;
    this.#end = Math.min(p.end, this.#declared);
  }

  /** The IPv4 packet at `at`: the packet itself, or the one that an ICMP error quotes. */
  ipv4(at: number): void {
    if (!this.#has(at, IPV4_MIN_HEADER)) {
      this.text += "TRUNCATED";
      return;
    }
    const { data, view } = this.#p;
    const header = (data[at] & 15) << 2;
    const fragment = view.getUint16(at + 6);
    const offset = fragment & 0x1fff;
    const tos = data[at + 1];
    const hex2 = (value: number) => value.toString(16).toUpperCase().padStart(2, "0");
    this.text += `SRC=${formatIpv4(view.getInt32(at + 12))} DST=${formatIpv4(view.getInt32(at + 16))} `;
    this.text += `LEN=${view.getUint16(at + 2)} TOS=0x${hex2(tos & 0x1e)} PREC=0x${hex2(tos & 0xe0)} `;
    this.text += `TTL=${data[at + IPV4_TTL]} ID=${view.getUint16(at + IPV4_ID)} `;
    if (fragment & 0x8000) this.text += "CE ";
    if (fragment & 0x4000) this.text += "DF ";
    if (fragment & 0x2000) this.text += "MF ";
    if (offset !== 0) this.text += `FRAG:${offset} `;
    if (this.#flags & LOG_IP_OPTIONS && header > IPV4_MIN_HEADER) {
      if (!this.#has(at + IPV4_MIN_HEADER, header - IPV4_MIN_HEADER)) {
        this.text += "TRUNCATED";
        return;
      }
      this.text += `OPT (${this.#hex(at + IPV4_MIN_HEADER, header - IPV4_MIN_HEADER)}) `;
    }
    if (this.#transport4(data[at + IPV4_PROTOCOL], at, at + header, offset !== 0)) this.#mark(at === this.#p.start);
  }

  /** False where the kernel breaks off the line. */
  #transport4(protocol: number, at: number, l4: number, fragment: boolean): boolean {
    switch (protocol) {
      case IPPROTO_TCP:
        return this.#tcp(l4, fragment);
      case IPPROTO_UDP:
      case IPPROTO_UDPLITE:
        return this.#udp(protocol, l4, fragment);
      case IPPROTO_ICMP:
        this.text += "PROTO=ICMP ";
        if (!fragment) this.#icmp4(l4, at === this.#p.start);
        return true;
      case IPPROTO_AH:
        // Nothing at all is said of a later fragment.
        if (!fragment) this.#spi("AH", l4, 12, 4);
        return true;
      case IPPROTO_ESP:
        if (fragment) this.text += "PROTO=ESP ";
        else this.#spi("ESP", l4, 8, 0);
        return true;
      default:
        this.text += `PROTO=${protocol} `;
        return true;
    }
  }

  #icmp4(at: number, outer: boolean): void {
    if (!this.#has(at, 8)) {
      this.#incomplete(at);
      return;
    }
    const { data, view } = this.#p;
    const type = data[at];
    const code = data[at + 1];
    this.text += `TYPE=${type} CODE=${code} `;
    if (this.#declared - at < (ICMP_LEAST[type] ?? 0)) {
      this.#incomplete(at);
      return;
    }
    if (type === 0 || type === 8) this.text += `ID=${view.getUint16(at + 4)} SEQ=${view.getUint16(at + 6)} `;
    else if (type === 12) this.text += `PARAMETER=${data[at + 4]} `;
    else if (type === 3 || type === 4 || type === 5 || type === 11) {
      if (type === 5) this.text += `GATEWAY=${formatIpv4(view.getInt32(at + 4))} `;
      if (outer) {
        this.text += "[";
        this.ipv4(at + 8);
        this.text += "] ";
      }
      if (type === 3 && code === 4) this.text += `MTU=${view.getUint16(at + 6)} `;
    }
  }

  #spi(name: string, at: number, size: number, spi: number): void {
    this.text += `PROTO=${name} `;
    if (this.#has(at, size)) this.text += `SPI=0x${this.#p.view.getUint32(at + spi).toString(16)} `;
    else this.#incomplete(at);
  }

  /** The IPv6 packet at `at`; `outer`: not one that an error quotes. */
  ipv6(at: number, outer: boolean): void {
    if (!this.#has(at, IPV6_HEADER)) {
      this.text += "TRUNCATED";
      return;
    }
    const { data, view } = this.#p;
    const address = (from: number) =>
      expandIpv6(view.getInt32(from), view.getInt32(from + 4), view.getInt32(from + 8), view.getInt32(from + 12));
    const first = view.getUint32(at);
    this.text += `SRC=${address(at + 8)} DST=${address(at + 24)} LEN=${view.getUint16(at + 4) + IPV6_HEADER} `;
    this.text += `TC=${(first >>> 20) & 0xff} HOPLIMIT=${data[at + 7]} FLOWLBL=${first & 0xfffff} `;
    const options = (this.#flags & LOG_IP_OPTIONS) !== 0;
    let next = data[at + 6];
    let here = at + IPV6_HEADER;
    let fragment = false;
    while (next !== NEXTHDR_NONE && EXTENSIONS.has(next)) {
      if (!this.#has(here, 2)) {
        this.text += "TRUNCATED";
        return;
      }
      if (options) this.text += "OPT ( ";
      let size = (data[here + 1] + 1) << 3;
      if (next === NEXTHDR_FRAGMENT) {
        this.text += "FRAG:";
        if (!this.#has(here, 8)) {
          this.text += "TRUNCATED ";
          return;
        }
        fragment = this.#fragment(here) || fragment;
        size = 8;
      } else if (next === NEXTHDR_AUTH) {
        if (options && !this.#extensionSpi("AH", here, 12, 4, fragment)) return;
        size = (data[here + 1] + 2) << 2;
      } else if (next === IPPROTO_ESP) {
        if (options && this.#extensionSpi("ESP", here, 8, 0, fragment)) this.text += ")";
        return;
      } else if (fragment) {
        if (options) this.text += ")";
        return;
      }
      if (options) this.text += ") ";
      next = data[here];
      here += size;
    }
    if (this.#transport6(next, here, fragment, outer)) this.#mark(outer);
  }

  #fragment(at: number): boolean {
    const { view } = this.#p;
    const field = view.getUint16(at + 2);
    this.text += `${field & 0xfff8} `;
    if (field & 1) this.text += "INCOMPLETE ";
    this.text += `ID:${view
      .getUint32(at + 4)
      .toString(16)
      .padStart(8, "0")} `;
    return (field & 0xfff8) !== 0;
  }

  #extensionSpi(name: string, at: number, size: number, spi: number, fragment: boolean): boolean {
    this.text += `${name} `;
    if (fragment) this.text += ")";
    else if (!this.#has(at, size)) this.text += `INCOMPLETE [${this.#rest(at)} bytes] )`;
    else {
      this.text += `SPI=0x${this.#p.view.getUint32(at + spi).toString(16)} `;
      return true;
    }
    return false;
  }

  #transport6(protocol: number, l4: number, fragment: boolean, outer: boolean): boolean {
    if (protocol === IPPROTO_TCP) return this.#tcp(l4, fragment);
    if (protocol === IPPROTO_UDP || protocol === IPPROTO_UDPLITE) return this.#udp(protocol, l4, fragment);
    if (protocol !== IPPROTO_ICMPV6) {
      this.text += `PROTO=${protocol} `;
      return true;
    }
    this.text += "PROTO=ICMPv6 ";
    return fragment || this.#icmp6(l4, outer);
  }

  #icmp6(at: number, outer: boolean): boolean {
    if (!this.#has(at, 8)) {
      this.#incomplete(at);
      return false;
    }
    const { data, view } = this.#p;
    const type = data[at];
    this.text += `TYPE=${type} CODE=${data[at + 1]} `;
    if (type === 128 || type === 129) this.text += `ID=${view.getUint16(at + 4)} SEQ=${view.getUint16(at + 6)} `;
    else if (type >= 1 && type <= 4) {
      if (type === 4)
        this.text += `POINTER=${view
          .getUint32(at + 4)
          .toString(16)
          .padStart(8, "0")} `;
      if (outer) {
        this.text += "[";
        this.ipv6(at + 8, false);
        this.text += "] ";
      }
      if (type === 2) this.text += `MTU=${view.getUint32(at + 4)} `;
    }
    return true;
  }

  #tcp(at: number, fragment: boolean): boolean {
    this.text += "PROTO=TCP ";
    if (fragment) return true;
    if (!this.#has(at, 20)) {
      this.#incomplete(at);
      return false;
    }
    const { data, view } = this.#p;
    this.text += `SPT=${view.getUint16(at)} DPT=${view.getUint16(at + 2)} `;
    if (this.#flags & LOG_TCP_SEQUENCE) this.text += `SEQ=${view.getUint32(at + 4)} ACK=${view.getUint32(at + 8)} `;
    this.text += `WINDOW=${view.getUint16(at + 14)} `;
    // TCP_RESERVED_BITS, three of them since the fourth became AE, shifted as if they were bits of byte 13.
    this.text += `RES=0x${((data[at + 12] & 0x0e) << 2).toString(16).padStart(2, "0")} `;
    if (data[at + 12] & 1) this.text += "AE ";
    const flags = data[at + 13];
    for (let i = 0; i < 8; i++) if (flags & (0x80 >> i)) this.text += `${TCP_FLAGS[i]} `;
    this.text += `URGP=${view.getUint16(at + 18)} `;
    const options = ((data[at + 12] >>> 4) << 2) - 20;
    if ((this.#flags & LOG_TCP_OPTIONS) === 0 || options <= 0) return true;
    if (!this.#has(at + 20, options)) {
      this.text += "OPT (TRUNCATED)";
      return false;
    }
    this.text += `OPT (${this.#hex(at + 20, options)}) `;
    return true;
  }

  #udp(protocol: number, at: number, fragment: boolean): boolean {
    this.text += protocol === IPPROTO_UDP ? "PROTO=UDP " : "PROTO=UDPLITE ";
    if (fragment) return true;
    if (!this.#has(at, 8)) {
      this.#incomplete(at);
      return false;
    }
    const { view } = this.#p;
    this.text += `SPT=${view.getUint16(at)} DPT=${view.getUint16(at + 2)} LEN=${view.getUint16(at + 4)} `;
    return true;
  }

  #mark(outer: boolean): void {
    if (outer && (this.#flags & LOG_UID) !== 0 && this.#owner !== null && this.#p.sender === SENDER_PROCESS)
      this.text += `UID=${this.#owner.uid} GID=${this.#owner.gid} `;
    if (outer && this.#p.mark !== 0) this.text += `MARK=0x${(this.#p.mark >>> 0).toString(16)} `;
  }

  #incomplete(at: number): void {
    this.text += `INCOMPLETE [${this.#rest(at)} bytes] `;
  }

  /** skb->len less an offset, an unsigned number in the kernel. */
  #rest(at: number): number {
    return (this.#declared - at) >>> 0;
  }

  #has(at: number, size: number): boolean {
    return at + size <= this.#end;
  }

  #hex(at: number, size: number): string {
    let text = "";
    for (let i = at; i < at + size; i++) text += this.#p.data[i].toString(16).toUpperCase().padStart(2, "0");
    return text;
  }
}
