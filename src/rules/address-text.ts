/**
 * Addresses and masks as iptables reads them in rules, which is looser than inet_pton: `10.1` is a network in `-s` and
 * 10.0.0.1 in `--ctorigsrc`. Host names are never looked up: a ruleset must mean the same tomorrow.
 * Sources imitated: libxtables/xtables.c (xtables_ipparse_multiple and what it calls), xtoptions.c (xtopt_parse_host,
 * xtopt_parse_plenmask), glibc inet_aton.
 */
import { formatAddress, maskOfPrefix4, maskOfPrefix6, parseIpv6, prefixOfMask } from "../bytes/address.ts";
import type { Family } from "../packet/hook.ts";
import { type OptionSite, RuleError } from "./extension.ts";
import { isSpace, parseNumber, U8_MAX } from "./numbers.ts";
import type { AddressMatch } from "./ruleset.ts";

/** An address and a mask as network-order words: one for IPv4, four for IPv6. */
export interface HostMask {
  readonly address: readonly number[];
  readonly mask: readonly number[];
}

/** The masks of all prefix lengths; rules share them. */
const MASKS4: readonly (readonly number[])[] = Array.from({ length: 33 }, (_, prefix) => [maskOfPrefix4(prefix)]);
const FULL4 = MASKS4[32];
const FULL6: readonly number[] = [-1, -1, -1, -1];
const ZERO6: readonly number[] = [0, 0, 0, 0];

export function fullMask(family: Family): readonly number[] {
  return family === 4 ? FULL4 : FULL6;
}

/** The names of /etc/networks that Debian has. */
const NETWORKS: Readonly<Record<string, number>> = { default: 0, loopback: 0x7f000000, "link-local": 0xa9fe0000 | 0 };

/** The one host name that means the same everywhere (RFC 6761). */
const LOCALHOST: Readonly<Record<Family, readonly number[]>> = { 4: [0x7f000001], 6: [0, 0, 0, 1] };

const NOT_LOOKED_UP = " (host names are not looked up)";

/** What getaddrinfo answers without a name server: words, or its error's sentence (gai_strerror). */
function addressInfo(text: string, family: Family): readonly number[] | string {
  const word = inetAton(text);
  if (word !== null) return family === 4 ? [word] : "Address family for hostname not supported";
  const words = parseIpv6(text);
  if (words !== null) {
    if (family === 6) return words;
    const mapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
    return mapped ? [words[3]] : "Address family for hostname not supported";
  }
  if (text === "localhost") return LOCALHOST[family];
  return isHostName(text, family)
    ? `Temporary failure in name resolution${NOT_LOOKED_UP}`
    : "Name or service not known";
}

/** Whether a resolver would ask for this name: not for what only looks like an IPv4 address. */
function isHostName(text: string, family: Family): boolean {
  if (family === 4 && /^[0-9.]*[0-9]$/.test(text)) return false;
  const labels = (text.endsWith(".") ? text.slice(0, -1) : text).split(".");
  return (
    text.length <= 254 && (text === "." || labels.every((label) => /^[A-Za-z0-9_][-A-Za-z0-9_]{0,62}$/.test(label)))
  );
}

/** `/24`, `/255.0.255.0`, "" for a full mask (xtables_ipmask_to_numeric, xtables_ip6mask_to_numeric). */
export function printMask(mask: readonly number[]): string {
  const prefix = prefixOfMask(mask);
  if (prefix === null) return `/${formatAddress(mask)}`;
  return prefix === 32 * mask.length ? "" : `/${prefix}`;
}

/** An address with its mask as x6 extensions save them. */
export function printHostMask({ address, mask }: HostMask): string {
  return formatAddress(address) + printMask(mask);
}

/**
 * inet_aton: one to four parts, decimal, octal or hexadecimal, the last filling what is left; what follows a blank is
 * ignored. getaddrinfo takes the text only when nothing follows.
 */
export function inetAton(text: string): number | null {
  const parts = text.split(".");
  if (parts.length > 4) return null;
  let word = 0;
  for (let i = 0; i < parts.length; i++) {
    const last = i === parts.length - 1;
    // inet_aton wants a digit where a part begins: no sign, no blank.
    if (!/^[0-9]/.test(parts[i])) return null;
    const value = parseNumber(parts[i], 0, last ? 2 ** (8 * (4 - i)) - 1 : U8_MAX);
    if (value === null) return null;
    word |= last ? value : value << (24 - 8 * i);
  }
  return word;
}

/** XTTYPE_HOST: an address of the family as getaddrinfo reads it. */
export function parseHost(text: string, family: Family): readonly number[] {
  const found = addressInfo(text, family);
  if (typeof found === "string") throw new RuleError(`getaddrinfo: ${found}`);
  return found;
}

/** XTTYPE_HOSTMASK: the address is not cut to its mask (each extension does as it likes). */
export function parseHostMask(text: string, site: OptionSite): HostMask {
  const slash = text.indexOf("/");
  if (slash < 0) return { address: parseHost(text, site.family), mask: fullMask(site.family) };
  const address = parseHost(text.slice(0, slash), site.family);
  return { address, mask: parsePrefixOrMask(text.slice(slash + 1), site) };
}

/** xtopt_parse_plenmask: a prefix length or a mask; a mask with gaps becomes a full one, as there. */
function parsePrefixOrMask(text: string, site: OptionSite): readonly number[] {
  const bits = site.family === 4 ? 32 : 128;
  let prefix = parseNumber(text, 0, bits);
  if (prefix === null) {
    const words = site.family === 4 ? aton(text) : parseIpv6(text);
    if (words === null) {
      const what = `bad value for option "${site.option}", neither a valid network mask nor valid CIDR (0-${bits}).`;
      throw new RuleError(`${site.extension}: ${what}`);
    }
    prefix = prefixOfMask(words) ?? bits;
  }
  return site.family === 4 ? [maskOfPrefix4(prefix)] : maskOfPrefix6(prefix);
}

function aton(text: string): readonly number[] | null {
  const word = inetAton(text);
  return word === null ? null : [word];
}

/**
 * `-s` and `-d`: one address/mask or several with commas, each cut to its mask; null where any address will do
 * (xtables_ipparse_multiple, xtables_ip6parse_multiple).
 */
export function parseAddressList(text: string, family: Family, not: boolean): (AddressMatch | null)[] {
  if (family === 4) {
    const plain = parsePlain(text);
    if (plain !== null) return [addressMatch(plain, not)];
  }
  return text.split(",").map((part) => addressMatch(parseAddressAndMask(part, family), not));
}

/** An address under a null mask is no criterion, unless it is inverted. */
function addressMatch({ address, mask }: HostMask, not: boolean): AddressMatch | null {
  return !not && isNull(mask) ? null : { not, address, mask };
}

function isNull(mask: readonly number[]): boolean {
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) return false;
  return true;
}

/** `192.0.2.0/24` and `192.0.2.1`, as iptables-save writes them: most addresses are such, and this is the short way. */
function parsePlain(text: string): HostMask | null {
  let word = 0;
  let value = -1;
  let dots = 0;
  let slash = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 48 && c <= 57) {
      // A leading zero makes an octal number: not plain.
      if (value === 0) return null;
      value = value < 0 ? c - 48 : value * 10 + c - 48;
      if (value > 255) return null;
    } else if (c === 46 && value >= 0 && !slash && dots < 3) {
      word = (word << 8) | value;
      value = -1;
      dots++;
    } else if (c === 47 && value >= 0 && !slash && dots === 3) {
      word = (word << 8) | value;
      value = -1;
      slash = true;
    } else return null;
  }
  if (value < 0 || dots !== 3) return null;
  if (!slash) return { address: [(word << 8) | value], mask: FULL4 };
  if (value > 32) return null;
  const mask = MASKS4[value];
  return { address: [word & mask[0]], mask };
}

function parseAddressAndMask(part: string, family: Family): HostMask {
  let at = 0;
  while (isSpace(part.charCodeAt(at))) at++;
  const text = part.slice(at);
  if (text.length > 255) throw new RuleError("Hostname too long");
  const slash = text.lastIndexOf("/");
  const mask = slash < 0 ? fullMask(family) : parseMask(text.slice(slash + 1), family);
  // A null mask makes the name irrelevant, as in any/0.
  const name = isNull(mask) ? null : slash < 0 ? text : text.slice(0, slash);
  const address = name === null ? (family === 4 ? [0] : ZERO6) : parseNetwork(name, family);
  return { address: address.map((word, i) => word & mask[i]), mask };
}

/** parse_ipmask, parse_ip6mask. */
function parseMask(text: string, family: Family): readonly number[] {
  if (family === 4) {
    const dotted = numericToAddress(text, true);
    if (dotted !== null) return [dotted];
    const bits = parseNumber(text, 0, 32);
    if (bits === null) throw new RuleError(`invalid mask \`${text}' specified`);
    return [maskOfPrefix4(bits)];
  }
  const words = parseIpv6(text);
  if (words !== null) return words;
  const bits = parseNumber(text, 0, 128);
  if (bits === null) throw new RuleError(`invalid mask \`${text}' specified`);
  return maskOfPrefix6(bits);
}

/** ipparse_hostnetwork, ip6parse_hostnetwork. */
function parseNetwork(name: string, family: Family): readonly number[] {
  if (family === 4) {
    const word = numericToAddress(name, false) ?? (Object.hasOwn(NETWORKS, name) ? NETWORKS[name] : null);
    if (word !== null) return [word];
  }
  const found = addressInfo(name, family);
  if (typeof found !== "string") return found;
  throw new RuleError(`host/network \`${name}' not found${found.endsWith(NOT_LOOKED_UP) ? NOT_LOOKED_UP : ""}`);
}

/**
 * xtables.c: __numeric_to_ipaddr: four numbers of any base; where fewer are given and it is no mask, the rest is zero
 * (`10.1` is 10.1.0.0). Text beyond 19 characters is not looked at.
 */
export function numericToAddress(text: string, isMask: boolean): number | null {
  const parts = text.slice(0, 19).split(".");
  if (isMask && parts.length < 4) return null;
  let word = 0;
  for (let i = 0; i < Math.min(parts.length, 4); i++) {
    const octet = i === 3 ? parts.slice(3).join(".") : parts[i];
    const value = parseNumber(octet, 0, U8_MAX);
    if (value === null) return null;
    word |= value << (24 - 8 * i);
  }
  return word;
}
