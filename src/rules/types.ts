/**
 * The kinds of value that options take, for authors of extensions: each reads the words as iptables reads them,
 * refuses in iptables' own sentence, and prints as iptables-save prints.
 * Source imitated: libxtables/xtoptions.c (the XTTYPE_* parsers), libxtables/xtables.c.
 *
 * An option is written `opt(u8)` or, when `!` may stand before it, `optNot(u8)`:
 *
 *     options: { "--ttl-eq": optNot(u8, { aliases: ["--ttl"] }), "--ttl-lt": opt(u8), "--ttl-gt": opt(u8) }
 *
 * What only one extension does (list of its own words, its own sentence) is an OptionType written beside it: take
 * `text` for the plain words and read them in `bind`, or write `parse` and `print` with the helpers below.
 */
import { formatAddress, formatMac, parseMac } from "../bytes/address.ts";
import { anyServicePort } from "../packet/service-names.ts";
import { type HostMask, parseHost, parseHostMask, printMask } from "./address-text.ts";
import { type OptionSite, type OptionSpec, type OptionType, RuleError } from "./extension.ts";
import { hex, parseNumber, scanNumber, scanNumber64, U8_MAX, U16_MAX, U32_MAX } from "./numbers.ts";
import { parseProtocol } from "./protocols.ts";
import { byteLength, cutBytes } from "./text.ts";

export { anyServicePort, servicePort } from "../packet/service-names.ts";
export { parseHost, parseHostMask, printHostMask } from "./address-text.ts";
export { hex, parseNumber, scanNumber, U8_MAX, U16_MAX, U32_MAX } from "./numbers.ts";
export { parseProtocol, printProtocol, protocolNamed } from "./protocols.ts";

type Extra<V> = Omit<OptionSpec<V>, "type" | "not">;

/** An option that cannot be inverted. */
export function opt<V>(type: OptionType<V>, extra?: Extra<V>): OptionSpec<V> {
  return { ...extra, type };
}

/** An option that takes `!`. */
export function optNot<V>(type: OptionType<V>, extra?: Extra<V>): OptionSpec<V> {
  return { ...extra, type, not: true };
}

/** `ttl: bad value for option "--ttl-eq"…`: how libxtables begins its sentences. */
export function sentence(site: OptionSite, what: string): string {
  return `${site.extension}: ${what.replace("%s", `"${site.option}"`)}`;
}

function outOfRange(site: OptionSite, min: number | bigint, max: number | bigint): RuleError {
  return new RuleError(sentence(site, `bad value for option %s, or out of range (${min}-${max}).`));
}

/** No word follows the option. Its presence is the value. */
export const flag: OptionType<true> = { arity: 0, parse: () => true, print: () => "" };

/** An unsigned number within bounds (XTTYPE_UINT8, _UINT16, _UINT32), printed in decimal. */
export function uint(min: number, max: number, base: 10 | 16 = 10): OptionType<number> {
  return {
    arity: 1,
    parse([word], site) {
      const value = parseNumber(word, min, max);
      if (value === null) throw outOfRange(site, min, max);
      return value;
    },
    print: (value) => (base === 16 ? hex(value) : String(value)),
  };
}

export const u8 = uint(0, U8_MAX);
export const u16 = uint(0, U16_MAX);
export const u32 = uint(0, U32_MAX);
/** As u32, printed as `0x…`. */
export const u32Hex = uint(0, U32_MAX, 16);

/** A 64-bit number (XTTYPE_UINT64), kept as decimal text because rulesets are JSON-able: BigInt(value) is the number. */
export const u64: OptionType<string> = {
  arity: 1,
  parse([word], site) {
    const scanned = scanNumber64(word);
    if (scanned === null || scanned.end !== word.length) throw outOfRange(site, 0n, 0xffffffffffffffffn);
    return String(scanned.value);
  },
  print: (value) => value,
};

/** An inclusive range; a single number is a range of one. Iptables takes `20:10` too: it then never matches. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** `5` or `5:9`, as iptables-save prints a range. */
export function printRange(range: Range): string {
  return range.from === range.to ? String(range.from) : `${range.from}:${range.to}`;
}

/** XTTYPE_UINT*RC: `5`, `5:9`, `5:`, `:9`, `:`. */
function uintRange(max: number): OptionType<Range> {
  return {
    arity: 1,
    parse([word], site) {
      const values: number[] = [];
      let rest = word;
      for (;;) {
        if (values.length === 2) throw new RuleError(sentence(site, "Too many components for option %s (max: 2)"));
        if (rest === "" || rest[0] === ":") values.push(values.length === 1 ? max : 0);
        else {
          const scanned = scanNumber(rest, 0, max);
          if (scanned === null) {
            const near = `bad value for option %s near "${rest}", or out of range (0-${max}).`;
            throw new RuleError(`${site.extension}: ${near.replace("%s", () => `"${site.option}"`)}`);
          }
          values.push(scanned.value);
          rest = rest.slice(scanned.end);
          if (rest !== "" && rest[0] !== ":")
            throw new RuleError(
              `${site.extension}: Argument to "${site.option}" has unexpected characters near "${rest}".`,
            );
        }
        if (rest === "") break;
        rest = rest.slice(1);
      }
      return { from: values[0], to: values.length === 1 ? values[0] : values[1] };
    },
    print: printRange,
  };
}

/** XTTYPE_UINT64RC: as the others, but decimal text. What begins with no digit is 0, or the largest after a colon. */
export const u64Range: OptionType<{ readonly from: string; readonly to: string }> = {
  arity: 1,
  parse([word], site) {
    const most = String(0xffffffffffffffffn);
    const values: string[] = [];
    let rest = word;
    for (;;) {
      if (values.length === 2) throw new RuleError(sentence(site, "Too many components for option %s (max: 2)"));
      if (rest === "" || rest[0] === ":") values.push(values.length === 1 ? most : "0");
      else {
        const scanned = scanNumber64(rest);
        if (scanned === null) {
          const near = `bad value for option %s near "${rest}", or out of range (0-${most}).`;
          throw new RuleError(`${site.extension}: ${near.replace("%s", () => `"${site.option}"`)}`);
        }
        values.push(String(scanned.value));
        rest = rest.slice(scanned.end);
        if (rest !== "" && rest[0] !== ":")
          throw new RuleError(
            `${site.extension}: Argument to "${site.option}" has unexpected characters near "${rest}".`,
          );
      }
      if (rest === "") break;
      rest = rest.slice(1);
    }
    return { from: values[0], to: values[1] ?? most };
  },
  print: ({ from, to }) => `${from}:${to}`,
};

export const u16Range = uintRange(U16_MAX);
export const u32Range = uintRange(U32_MAX);

/**
 * A port by number or service name as getaddrinfo reads it: decimal, cut to 16 bits, tcp services before udp ones;
 * null when it is none (xtoptions.c: xtables_getportbyname).
 */
export function portByName(text: string): number | null {
  const decimal = /^[ \t\n\v\f\r]*\+?([0-9]+)$/.exec(text);
  if (decimal !== null) {
    const value = BigInt(decimal[1]);
    // Beyond 64 bits, or negative as an int, getaddrinfo looks for a name.
    if (value < 1n << 64n && (value & 0x80000000n) === 0n) return Number(value & 0xffffn);
  }
  return text === "" ? 0 : anyServicePort(text);
}

function portOrRefuse(text: string): number {
  const port = portByName(text);
  if (port === null) throw new RuleError(`Port "${text}" does not resolve to anything.`);
  return port;
}

/** XTTYPE_PORT. */
export const port: OptionType<number> = {
  arity: 1,
  parse: ([word]) => portOrRefuse(word),
  print: String,
};

/** XTTYPE_PORTRC: `80`, `http`, `80:90`, `80:`, `:90`. */
export const portRange: OptionType<Range> = {
  arity: 1,
  parse([word], site) {
    const range = [0, U16_MAX];
    const parts = word.split(":");
    for (let i = 0; i < parts.length; i++) {
      if (i === 2) throw new RuleError(sentence(site, "Too many components for option %s (max: 2)"));
      if (parts[i] !== "") range[i] = portOrRefuse(parts[i]);
    }
    return { from: range[0], to: parts.length === 1 ? range[0] : range[1] };
  },
  print: printRange,
};

/** XTTYPE_PROTOCOL: a number or a name; printed as a number. */
export const protocol: OptionType<number> = {
  arity: 1,
  parse: ([word]) => parseProtocol(word) & U8_MAX,
  print: String,
};

/** XTTYPE_HOST: one address of the rule's family as words, no mask. Host names are refused. */
export const host: OptionType<readonly number[]> = {
  arity: 1,
  parse: ([word], site) => parseHost(word, site.family),
  print: formatAddress,
};

/** XTTYPE_HOSTMASK: an address with or without `/mask`, both as words; the address is kept as it was given. */
export const hostMask: OptionType<HostMask> = {
  arity: 1,
  parse: ([word], site) => parseHostMask(word, site),
  print: (value) => formatAddress(value.address) + printMask(value.mask),
};

/** A value under a mask; both unsigned 32-bit numbers. */
export interface Masked {
  readonly value: number;
  readonly mask: number;
}

/** XTTYPE_MARKMASK32: `7`, `0x7/0xff`; printed in hexadecimal, a full mask left out. */
export const markMask: OptionType<Masked> = {
  arity: 1,
  parse([word], site) {
    const bad = "bad integer value for option %s, or out of range.";
    const value = scanNumber(word, 0, U32_MAX);
    if (value === null) throw new RuleError(sentence(site, bad));
    if (value.end === word.length) return { value: value.value, mask: U32_MAX };
    if (word[value.end] === "/") {
      const rest = word.slice(value.end + 1);
      const mask = scanNumber(rest, 0, U32_MAX);
      if (mask === null) throw new RuleError(sentence(site, bad));
      if (mask.end === rest.length) return { value: value.value, mask: mask.value };
    }
    throw new RuleError(sentence(site, "trailing garbage after value for option %s."));
  },
  print: (value) => printMasked(value),
};

/** xtables_print_val_mask without its leading blank. */
export function printMasked({ value, mask }: Masked): string {
  return mask >>> 0 === U32_MAX ? hex(value) : `${hex(value)}/${hex(mask)}`;
}

export interface TextBounds {
  /** Fewest and most bytes; iptables refuses what is outside. */
  readonly min?: number;
  readonly max?: number;
  /** The size of the kernel's field with its closing NUL: what is longer is cut, silently, as iptables cuts it. */
  readonly size?: number;
}

/** XTTYPE_STRING; printed quoted where iptables-save quotes. Lengths count bytes of UTF-8. */
export function string(bounds: TextBounds = {}): OptionType<string> {
  const { min = 0, max = 0, size = 0 } = bounds;
  return {
    arity: 1,
    parse([word]) {
      const length = byteLength(word);
      if (min !== 0 && length < min) throw new RuleError(`Argument must have a minimum length of ${min} characters`);
      if (max !== 0 && length > max) throw new RuleError(`Argument must have a maximum length of ${max} characters`);
      return size !== 0 && length >= size ? cutBytes(word, size - 1) : word;
    },
    print: saveString,
  };
}

/** A word as it stands, neither checked nor quoted: for what `bind` reads itself. */
export const text: OptionType<string> = { arity: 1, parse: ([word]) => word, print: (value) => value };

/** One of a few words, each standing for a number or other plain value; printed by the first word that has the value. */
export function oneOf<V extends string | number>(
  words: Readonly<Record<string, V>>,
  refusal: (word: string, site: OptionSite) => string,
  { ignoreCase = false } = {},
): OptionType<V> {
  const values = new Map(Object.entries(words).map(([word, value]) => [ignoreCase ? word.toLowerCase() : word, value]));
  return {
    arity: 1,
    parse([word], site) {
      const value = values.get(ignoreCase ? word.toLowerCase() : word);
      if (value === undefined) throw new RuleError(refusal(word, site));
      return value;
    },
    print: (value) => Object.keys(words).find((word) => words[word] === value) ?? String(value),
  };
}

/** XTTYPE_ETHERMAC, as `02:00:00:00:00:01` in lower case. */
export const mac: OptionType<string> = {
  arity: 1,
  parse([word]) {
    const bytes = parseMac(word);
    if (bytes === null) throw new RuleError("Invalid MAC address specified.");
    return formatMac(bytes);
  },
  print: (value) => value,
};

const LOG_LEVELS: Readonly<Record<string, number>> = {
  alert: 1,
  crit: 2,
  debug: 7,
  emerg: 0,
  error: 3,
  info: 6,
  notice: 5,
  panic: 0,
  warning: 4,
};

/** XTTYPE_SYSLOGLEVEL: 0 … 7 or a name; printed as a number. */
export const syslogLevel: OptionType<number> = {
  arity: 1,
  parse([word]) {
    const level = parseNumber(word, 0, 7) ?? (Object.hasOwn(LOG_LEVELS, word) ? LOG_LEVELS[word] : null);
    if (level === null) throw new RuleError(`log level "${word}" unknown`);
    return level;
  },
  print: String,
};

/** Text as iptables-save writes it: quoted unless it is made of letters, digits, `_` and `-` only (xtables_save_string). */
export function saveString(value: string): string {
  return /^[-_0-9a-zA-Z]+$/.test(value) ? value : `"${value.replace(/["\\']/g, "\\$&")}"`;
}
