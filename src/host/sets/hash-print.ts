/** Elements of sets as `ipset save` prints them (ipset's lib/print.c). */
import { formatAddress } from "../../bytes/address.ts";
import { assignedProtocolName } from "../../packet/protocol-names.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "../../packet/transport.ts";
import type { HashSet } from "./hash.ts";
import { markOf } from "./hash-types.ts";
import { icmpName } from "./icmp-names.ts";

function mac(high: number, low: number): string {
  const bytes = [high >>> 24, (high >>> 16) & 255, (high >>> 8) & 255, high & 255, low >>> 24, (low >>> 16) & 255];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");
}

/** `tcp:80`, `icmp:echo-request`, `gre:0`; `value` is protocol << 16 | port. */
function port(value: number): string {
  const protocol = value >>> 16;
  const number = value & 0xffff;
  const name = assignedProtocolName(protocol) ?? String(protocol);
  if (protocol === IPPROTO_ICMP) return `${name}:${icmpName(number, 4)}`;
  if (protocol === IPPROTO_ICMPV6) return `${name}:${icmpName(number, 6)}`;
  return `${name}:${number}`;
}

function hash(set: HashSet, element: number): string {
  const { type_: type, width, wordsPerAddress, extra } = set;
  const words = set.words.subarray(element * width, (element + 1) * width);
  const address = (which: 0 | 1) => {
    const at = which * wordsPerAddress;
    const place = type.nets.find((net) => net.address === which);
    const text = formatAddress(Array.from(words.subarray(at, at + wordsPerAddress)));
    if (place === undefined) return text;
    const prefix = set.prefixAt(element, place);
    return prefix === 32 * wordsPerAddress ? text : `${text}/${prefix}`;
  };
  let addresses: 0 | 1 | 2 = 0;
  return type.parts
    .map((part) => {
      switch (part) {
        case "port":
          return port(type.portAt!(words, extra));
        case "mac":
          return mac(words[extra], words[extra + 1]);
        case "mark":
          return `0x${(markOf(words[extra]) >>> 0).toString(16).padStart(8, "0")}`;
        case "iface":
          return `${words[extra] >>> 24 !== 0 ? "physdev:" : ""}${set.interfaces[element]}`;
        default: {
          const which = addresses === 0 ? 0 : 1;
          addresses = 1;
          return address(which);
        }
      }
    })
    .join(",");
}

export const elementText = { hash, mac, address: formatAddress };
