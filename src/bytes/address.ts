/**
 * Addresses as text: IPv4, IPv6 and link-layer addresses, read as strictly as inet_pton does and printed as glibc's
 * inet_ntop does, and prefix lengths as masks.
 *
 * In numbers an address is network-order words read as signed 32-bit integers: one for IPv4, four for IPv6.
 * Bad text is a value: every parser returns null for it.
 */

/** The four words of an IPv6 address. */
export type Words6 = readonly [number, number, number, number];

/** `192.0.2.1` to a word, or null: four decimal numbers to 255 without leading zeroes (inet_pton). */
export function parseIpv4(text: string): number | null {
  let word = 0;
  let octets = 0;
  let value = -1;
  for (let i = 0; i <= text.length; i++) {
    const c = i < text.length ? text.charCodeAt(i) : 46;
    if (c >= 48 && c <= 57) {
      // A leading zero would make it an octal number elsewhere.
      if (value === 0) return null;
      value = (value < 0 ? 0 : value * 10) + c - 48;
      if (value > 255) return null;
    } else if (c === 46 && value >= 0) {
      word = (word << 8) | value;
      value = -1;
      octets++;
    } else return null;
  }
  return octets === 4 ? word : null;
}

/** A word as `192.0.2.1`. */
export function formatIpv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`;
}

/** IPv6 text to its words, or null (inet_pton: `::` once, for at least one group; an IPv4 tail; no zone). */
export function parseIpv6(text: string): Words6 | null {
  const groups: number[] = [];
  let gap = -1;
  let at = 0;
  if (text.startsWith("::")) {
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    const colon = text.indexOf(":", at);
    const piece = colon < 0 ? text.slice(at) : text.slice(at, colon);
    if (colon < 0 && piece.includes(".")) {
      const word = parseIpv4(piece);
      if (word === null) return null;
      groups.push(word >>> 16, word & 0xffff);
      break;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(piece)) return null;
    groups.push(Number.parseInt(piece, 16));
    if (colon < 0) break;
    at = colon + 1;
    if (text[at] === ":") {
      if (gap >= 0) return null;
      gap = groups.length;
      at++;
    } else if (at === text.length) return null;
  }
  if (gap < 0 ? groups.length !== 8 : groups.length > 7) return null;
  if (gap >= 0) groups.splice(gap, 0, ...new Array<number>(8 - groups.length).fill(0));
  return [
    (groups[0] << 16) | groups[1],
    (groups[2] << 16) | groups[3],
    (groups[4] << 16) | groups[5],
    (groups[6] << 16) | groups[7],
  ];
}

/**
 * Words as glibc's inet_ntop prints them: the first of the longest runs of two or more zero groups becomes `::`, and
 * what then looks like an embedded IPv4 address is printed as one (`::ffff:192.0.2.1`, `::192.0.2.1`).
 */
export function formatIpv6(word0: number, word1: number, word2: number, word3: number): string {
  const groups = groupsOf(word0, word1, word2, word3);
  let gap = -1;
  let gapLength = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > gapLength) {
      gap = i;
      gapLength = run;
    }
    i += run;
  }
  if (gap === 0 && gapLength === 6) return `::${formatIpv4(word3)}`;
  if (gap === 0 && gapLength === 5 && groups[5] === 0xffff) return `::ffff:${formatIpv4(word3)}`;
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return gap < 0 ? hex(0, 8) : `${hex(0, gap)}::${hex(gap + gapLength, 8)}`;
}

/** All eight groups with four digits each, as the kernel's log prints them (%pI6): `fd00:0001:0000:…`. */
export function expandIpv6(word0: number, word1: number, word2: number, word3: number): string {
  return groupsOf(word0, word1, word2, word3)
    .map((group) => group.toString(16).padStart(4, "0"))
    .join(":");
}

function groupsOf(...words: number[]): number[] {
  return words.flatMap((word) => [word >>> 16, word & 0xffff]);
}

/** Text of either family to its words (one or four), or null. */
export function parseAddress(text: string): readonly number[] | null {
  if (text.includes(":")) return parseIpv6(text);
  const word = parseIpv4(text);
  return word === null ? null : [word];
}

/** One word as IPv4, four as IPv6. */
export function formatAddress(words: readonly number[]): string {
  return words.length === 1 ? formatIpv4(words[0]) : formatIpv6(words[0], words[1], words[2], words[3]);
}

/** `02:00:00:00:00:01` to six bytes, or null; a byte may have one digit. */
export function parseMac(text: string): Uint8Array | null {
  const parts = text.split(":");
  if (parts.length !== 6 || !parts.every((part) => /^[0-9a-fA-F]{1,2}$/.test(part))) return null;
  return Uint8Array.from(parts, (part) => Number.parseInt(part, 16));
}

/** The `length` bytes at `at` as `02:00:00:00:00:01`; bytes that are not there are left out. */
export function formatMac(data: Uint8Array, at = 0, length = 6): string {
  return Array.from(data.subarray(at, at + length), (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** The mask of a prefix length 0 … 32. */
export function maskOfPrefix4(prefix: number): number {
  return prefix <= 0 ? 0 : -1 << (32 - prefix);
}

/** The mask of a prefix length 0 … 128. */
export function maskOfPrefix6(prefix: number): Words6 {
  const word = (i: number) => maskOfPrefix4(Math.min(32, prefix - 32 * i));
  return [word(0), word(1), word(2), word(3)];
}

/** The prefix length of a mask of one or four words, or null when its ones are not all in front. */
export function prefixOfMask(mask: readonly number[]): number | null {
  let prefix = 0;
  for (const word of mask) prefix += Math.clz32(~word);
  const same = mask.every((word, i) => word === maskOfPrefix4(Math.min(32, prefix - 32 * i)));
  return same ? prefix : null;
}
