/**
 * Link layers: finds the network packet in a captured frame, and what the frame says about where it came from.
 *
 * `LinkFrame.parse` fills one reused object and allocates nothing. It reports VLAN tags and interface indexes as they
 * are written; which device of the host they mean is for others to decide. What the kernel would not hand to IP on
 * that device (PPPoE sessions, 802.3 with LLC, ARP) is `NOT_IP`.
 */
import { linkTypeName } from "./link-types.ts";

export const LINKTYPE_NULL = 0;
export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_PPP = 9;
export const LINKTYPE_PPP_HDLC = 50;
export const LINKTYPE_RAW = 101;
export const LINKTYPE_LOOP = 108;
export const LINKTYPE_LINUX_SLL = 113;
export const LINKTYPE_IPV4 = 228;
export const LINKTYPE_IPV6 = 229;
export const LINKTYPE_NFLOG = 239;
export const LINKTYPE_LINUX_SLL2 = 276;
/** What some systems write for raw IP instead: their own DLT_RAW. */
const DLT_RAW = 12;
const DLT_RAW_OPENBSD = 14;

export const ETH_P_IP = 0x0800;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_8021Q = 0x8100;
export const ETH_P_8021AD = 0x88a8;
export const ETH_P_QINQ1 = 0x9100;
/** What the kernel calls a frame with a length in place of a type (802.3 with LLC). */
export const ETH_P_802_2 = 4;
/** Types below are lengths. */
const ETH_P_802_3_MIN = 0x600;

/** What `parse` found: an IPv4 packet, an IPv6 packet (as the link layer says, whatever its first bits), … */
export const IS_IPV4 = 4;
export const IS_IPV6 = 6;
/** … something else that is in order, … */
export const NOT_IP = 0;
/** … a frame that ends before its network packet begins, or whose headers contradict themselves, … */
export const BROKEN = -1;
/** … or a link type of which nothing is known here. */
export const UNSUPPORTED = -2;
export type LinkContent = 4 | 6 | 0 | -1 | -2;

/** Cooked packet types, as in linux/if_packet.h; -1 where the link layer does not say. */
export const COOKED_HOST = 0;
export const COOKED_BROADCAST = 1;
export const COOKED_MULTICAST = 2;
export const COOKED_OTHERHOST = 3;
export const COOKED_OUTGOING = 4;

const ETHERNET_HEADER = 14;
const COOKED_HEADER = 16;
const COOKED2_HEADER = 20;
const NULL_HEADER = 4;

const AF_INET = 2;
/** Address families that mean IPv6 in BSD's null header: Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS. */
const AF_INET6 = [10, 23, 24, 28, 30];

/** Types of NFLOG's attributes (nfnetlink_log.h: enum nfulnl_attr_type). */
const NFULA_PACKET_HDR = 1;
const NFULA_MARK = 2;
const NFULA_IFINDEX_INDEV = 4;
const NFULA_IFINDEX_OUTDEV = 5;
const NFULA_HWADDR = 8;
const NFULA_PAYLOAD = 9;
const NFULA_PREFIX = 10;

/** Null when frames of this link type can be read, else the sentence that refuses it. */
export function refuseLinkType(linkType: number): string | null {
  switch (linkType) {
    case LINKTYPE_NULL:
    case LINKTYPE_ETHERNET:
    case LINKTYPE_PPP:
    case LINKTYPE_PPP_HDLC:
    case DLT_RAW:
    case DLT_RAW_OPENBSD:
    case LINKTYPE_RAW:
    case LINKTYPE_LOOP:
    case LINKTYPE_LINUX_SLL:
    case LINKTYPE_IPV4:
    case LINKTYPE_IPV6:
    case LINKTYPE_NFLOG:
    case LINKTYPE_LINUX_SLL2:
      return null;
    default:
      return `link type ${linkTypeName(linkType)} is not supported`;
  }
}

/** How many bytes of link layer are before each packet, VLAN tags aside; -1 where that is not the same for all. */
export function linkLength(linkType: number): number {
  switch (linkType) {
    case LINKTYPE_ETHERNET:
      return ETHERNET_HEADER;
    case LINKTYPE_LINUX_SLL:
      return COOKED_HEADER;
    case DLT_RAW:
    case DLT_RAW_OPENBSD:
    case LINKTYPE_RAW:
    case LINKTYPE_IPV4:
    case LINKTYPE_IPV6:
      return 0;
    case LINKTYPE_LINUX_SLL2:
      return COOKED2_HEADER;
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP:
      return NULL_HEADER;
    default:
      return -1;
  }
}

export class LinkFrame {
  /** The network packet is at `start` … `end - 1`; `end` may include padding behind it. */
  start = 0;
  end = 0;
  /** EtherType of the network packet, behind all tags; ETH_P_802_2 for 802.3; 0 where the link layer has none. */
  etherType = 0;
  /** How many VLAN tags there were. */
  tags = 0;
  /** EtherType and 16 bits (priority, DEI, 12 bits of VLAN id) of the first tag; 0 without one. */
  tagType = 0;
  tag = 0;
  /** The same 16 bits of the second tag. */
  innerTag = 0;
  /** Offsets of link-layer addresses of `macLength` bytes; -1 without. */
  macSource = -1;
  macDestination = -1;
  macLength = 0;
  /** COOKED_*, or -1 when the frame does not say. Of Ethernet only broadcast and multicast are known. */
  packetType = -1;
  /** ARPHRD_* of the device (cooked frames), 0 unknown; 772 is loopback. */
  hardwareType = 0;
  /** Interface index on the capturing machine (cooked v2); 0 unknown. */
  ifindex = 0;
  /** NFLOG: interface indexes on the capturing machine, hook, packet mark, and where the prefix is; 0 and -1 unknown. */
  inIfindex = 0;
  outIfindex = 0;
  hook = -1;
  mark = 0;
  prefixStart = 0;
  prefixEnd = 0;

  /** Fields that an Ethernet frame without tags does not set may be set. */
  #special = false;

  /** `littleEndian`: the byte order of the capture, which NFLOG's attributes have too. */
  parse(
    linkType: number,
    data: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    littleEndian: boolean,
  ): LinkContent {
    if (this.#special || linkType !== LINKTYPE_ETHERNET) this.#reset();
    this.start = start;
    this.end = end;
    if (linkType === LINKTYPE_ETHERNET) return this.#ethernet(data, view);
    this.#special = true;
    switch (linkType) {
      case DLT_RAW:
      case DLT_RAW_OPENBSD:
      case LINKTYPE_RAW:
        return this.#raw(data);
      case LINKTYPE_IPV4:
        return this.#is(ETH_P_IP);
      case LINKTYPE_IPV6:
        return this.#is(ETH_P_IPV6);
      case LINKTYPE_LINUX_SLL:
        return this.#cooked(view);
      case LINKTYPE_LINUX_SLL2:
        return this.#cooked2(data, view);
      case LINKTYPE_NULL:
      case LINKTYPE_LOOP:
        return this.#null(view, linkType === LINKTYPE_LOOP);
      case LINKTYPE_PPP:
      case LINKTYPE_PPP_HDLC:
        return this.#ppp(data, view);
      case LINKTYPE_NFLOG:
        return this.#nflog(data, view, littleEndian);
      default:
        return UNSUPPORTED;
    }
  }

  /** What an Ethernet frame without tags does not set. */
  #reset(): void {
    this.#special = false;
    this.etherType = 0;
    this.tags = this.tagType = this.tag = this.innerTag = 0;
    this.macSource = this.macDestination = -1;
    this.macLength = 0;
    this.packetType = -1;
    this.hardwareType = this.ifindex = 0;
    this.inIfindex = this.outIfindex = this.mark = this.prefixStart = this.prefixEnd = 0;
    this.hook = -1;
  }

  #ethernet(data: Uint8Array, view: DataView): LinkContent {
    const { start } = this;
    if (this.end - start < ETHERNET_HEADER) {
      this.#reset();
      return BROKEN;
    }
    this.macDestination = start;
    this.macSource = start + 6;
    this.macLength = 6;
    this.packetType = (data[start] & 1) !== 0 ? groupType(view, start) : -1;
    this.start = start + ETHERNET_HEADER;
    const etherType = view.getUint16(start + 12);
    if (etherType === ETH_P_IP || etherType === ETH_P_IPV6) {
      this.etherType = etherType;
      return etherType === ETH_P_IP ? IS_IPV4 : IS_IPV6;
    }
    this.#special = true;
    this.etherType = 0;
    return this.#behindTags(view, etherType);
  }

  #cooked(view: DataView): LinkContent {
    const { start } = this;
    if (this.end - start < COOKED_HEADER) return BROKEN;
    this.packetType = view.getUint16(start);
    this.hardwareType = view.getUint16(start + 2);
    this.#cookedAddress(start + 6, view.getUint16(start + 4));
    this.start = start + COOKED_HEADER;
    return this.#behindTags(view, view.getUint16(start + 14));
  }

  #cooked2(data: Uint8Array, view: DataView): LinkContent {
    const { start } = this;
    if (this.end - start < COOKED2_HEADER) return BROKEN;
    this.ifindex = view.getInt32(start + 4);
    this.hardwareType = view.getUint16(start + 8);
    this.packetType = data[start + 10];
    this.#cookedAddress(start + 12, data[start + 11]);
    this.start = start + COOKED2_HEADER;
    return this.#behindTags(view, view.getUint16(start));
  }

  /** The header has room for eight bytes of an address that may be longer. */
  #cookedAddress(at: number, length: number): void {
    if (length === 0) return;
    this.macSource = at;
    this.macLength = Math.min(length, 8);
  }

  #raw(data: Uint8Array): LinkContent {
    if (this.end === this.start) return BROKEN;
    const version = data[this.start] >>> 4;
    if (version === 4) return this.#is(ETH_P_IP);
    return version === 6 ? this.#is(ETH_P_IPV6) : NOT_IP;
  }

  /** BSD's loopback: an address family in the byte order of the machine (NULL) or of the network (LOOP). */
  #null(view: DataView, networkOrder: boolean): LinkContent {
    const { start } = this;
    if (this.end - start < NULL_HEADER) return BROKEN;
    let family = view.getUint32(start);
    if (!networkOrder && family > 0xffff) family = view.getUint32(start, true);
    this.start = start + NULL_HEADER;
    if (family === AF_INET) return this.#is(ETH_P_IP);
    return AF_INET6.includes(family) ? this.#is(ETH_P_IPV6) : NOT_IP;
  }

  /** RFC 1661 with or without the address and control bytes of RFC 1662, or Cisco's HDLC. */
  #ppp(data: Uint8Array, view: DataView): LinkContent {
    const { end } = this;
    let at = this.start;
    if (end - at < 1) return BROKEN;
    if (data[at] === 0x0f || data[at] === 0x8f) {
      if (end - at < 4) return BROKEN;
      this.start = at + 4;
      return this.#is(view.getUint16(at + 2));
    }
    if (end - at >= 2 && data[at] === 0xff && data[at + 1] === 0x03) at += 2;
    if (end - at < 1) return BROKEN;
    let protocol = data[at++];
    // A protocol's last byte is odd and its first is even: the first may be left out when it is 0.
    if ((protocol & 1) === 0) {
      if (at === end) return BROKEN;
      protocol = (protocol << 8) | data[at++];
    }
    this.start = at;
    if (protocol === 0x21) return this.#is(ETH_P_IP);
    return protocol === 0x57 ? this.#is(ETH_P_IPV6) : NOT_IP;
  }

  /** nfnetlink_log's attributes: lengths and types in the capture's byte order, values in network order. */
  #nflog(data: Uint8Array, view: DataView, littleEndian: boolean): LinkContent {
    const { start, end } = this;
    if (end - start < 4 || data[start + 1] !== 0) return BROKEN;
    const family = data[start];
    let protocol = family === AF_INET ? ETH_P_IP : family === 10 ? ETH_P_IPV6 : 0;
    let payload = -1;
    let at = start + 4;
    while (end - at >= 4) {
      const length = view.getUint16(at, littleEndian);
      if (length < 4) return BROKEN;
      // A cut capture ends within the payload, which comes last.
      const stop = Math.min(at + length, end);
      const value = at + 4;
      const size = stop - value;
      const type = view.getUint16(at + 2, littleEndian) & 0x7fff;
      if (type === NFULA_PAYLOAD) {
        payload = value;
        this.end = stop;
      } else if (type === NFULA_PREFIX) {
        this.prefixStart = value;
        this.prefixEnd = stop > value && data[stop - 1] === 0 ? stop - 1 : stop;
      } else if (type === NFULA_HWADDR && size >= 4) {
        this.macLength = Math.min(view.getUint16(value), size - 4, 8);
        if (this.macLength > 0) this.macSource = value + 4;
      } else if (size >= 4) {
        if (type === NFULA_IFINDEX_INDEV) this.inIfindex = view.getInt32(value);
        else if (type === NFULA_IFINDEX_OUTDEV) this.outIfindex = view.getInt32(value);
        else if (type === NFULA_MARK) this.mark = view.getInt32(value);
        else if (type === NFULA_PACKET_HDR) {
          if (protocol === 0) protocol = view.getUint16(value);
          this.hook = data[value + 2];
        }
      }
      at += (length + 3) & ~3;
    }
    if (payload < 0) return BROKEN;
    this.start = payload;
    return this.#is(protocol);
  }

  #behindTags(view: DataView, type: number): LinkContent {
    let etherType = type;
    while (etherType === ETH_P_8021Q || etherType === ETH_P_8021AD || etherType === ETH_P_QINQ1) {
      if (this.end - this.start < 4) return BROKEN;
      const tag = view.getUint16(this.start);
      if (this.tags === 0) {
        this.tagType = etherType;
        this.tag = tag;
      } else if (this.tags === 1) this.innerTag = tag;
      this.tags++;
      etherType = view.getUint16(this.start + 2);
      this.start += 4;
    }
    return this.#is(etherType < ETH_P_802_3_MIN ? ETH_P_802_2 : etherType);
  }

  #is(etherType: number): LinkContent {
    this.etherType = etherType;
    if (etherType === ETH_P_IP) return IS_IPV4;
    return etherType === ETH_P_IPV6 ? IS_IPV6 : NOT_IP;
  }
}

/** Of an Ethernet frame to a group. */
function groupType(view: DataView, destination: number): number {
  const all = view.getInt32(destination) === -1 && view.getInt16(destination + 4) === -1;
  return all ? COOKED_BROADCAST : COOKED_MULTICAST;
}
