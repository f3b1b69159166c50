/**
 * Numbers as iptables reads them: C's strtoul with base 0 (`10`, `0x0a`, `012`; blanks and `+` in front are taken,
 * `-` is not), within bounds. Source imitated: libxtables/xtables.c: xtables_strtoul, xtables_strtoui.
 */

/** What was read at the beginning of a text, and where reading stopped. */
export interface Scanned {
  readonly value: number;
  readonly end: number;
}

/** As Scanned, for values that need 64 bits. */
export interface Scanned64 {
  readonly value: bigint;
  readonly end: number;
}

export const U8_MAX = 0xff;
export const U16_MAX = 0xffff;
export const U32_MAX = 0xffffffff;
const U64_MAX = 0xffffffffffffffffn;

/** C's isspace in the C locale. */
export function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

function digitValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 122) return code - 87;
  if (code >= 65 && code <= 90) return code - 55;
  return 99;
}

/** Where the digits begin and in which base, or null when no number begins here (strtoul returned its argument). */
function startOf(text: string): { at: number; base: number } | null {
  let at = 0;
  while (isSpace(text.charCodeAt(at))) at++;
  if (text[at] === "+") at++;
  else if (text[at] === "-") return null;
  if (text[at] === "0") {
    const x = text[at + 1];
    if ((x === "x" || x === "X") && digitValue(text.charCodeAt(at + 2)) < 16) return { at: at + 2, base: 16 };
    return { at, base: 8 };
  }
  return digitValue(text.charCodeAt(at)) < 10 ? { at, base: 10 } : null;
}

/** xtables_strtoul with an end pointer: what follows the number is the caller's affair. Null: no number, or out of bounds. */
export function scanNumber(text: string, min: number, max: number): Scanned | null {
  const start = startOf(text);
  if (start === null) return null;
  let { at } = start;
  let value = 0;
  for (;;) {
    const digit = digitValue(text.charCodeAt(at));
    if (digit >= start.base) break;
    value = value * start.base + digit;
    at++;
  }
  return value < min || value > max ? null : { value, end: at };
}

/** scanNumber for 64-bit values. */
export function scanNumber64(text: string, min = 0n, max = U64_MAX): Scanned64 | null {
  const start = startOf(text);
  if (start === null) return null;
  let { at } = start;
  let value = 0n;
  const base = BigInt(start.base);
  for (;;) {
    const digit = digitValue(text.charCodeAt(at));
    if (digit >= start.base) break;
    if (value <= U64_MAX) value = value * base + BigInt(digit);
    at++;
  }
  return value < min || value > max ? null : { value, end: at };
}

/** xtables_strtoui without an end pointer: the whole text is a number within the bounds, or null. */
export function parseNumber(text: string, min: number, max: number): number | null {
  const decimal = plainDecimal(text);
  if (decimal >= 0) return decimal < min || decimal > max ? null : decimal;
  const scanned = scanNumber(text, min, max);
  return scanned === null || scanned.end !== text.length ? null : scanned.value;
}

/** A decimal number of up to nine digits without anything around it, or -1: the short way for what is nearly always there. */
export function plainDecimal(text: string): number {
  const { length } = text;
  if (length === 0 || length > 9 || (length > 1 && text.charCodeAt(0) === 48)) return -1;
  let value = 0;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** A 32-bit value as C's `0x%x`; signed words are taken as unsigned. */
export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** What sscanf's %llu takes at the beginning of a text, or null. Above 2^53 it is the nearest number there is. */
export function scanCounter(text: string): number | null {
  const digits = /^[ \t\n\v\f\r]*([+-]?)([0-9]+)/.exec(text);
  if (digits === null) return null;
  const value = BigInt(digits[2]);
  const clamped = value > U64_MAX ? U64_MAX : value;
  return Number(digits[1] === "-" ? BigInt.asUintN(64, -clamped) : clamped);
}

/** A counter in decimal digits; what does not fit 64 bits is all ones. */
export function printCounter(count: number): string {
  if (count <= Number.MAX_SAFE_INTEGER) return String(count);
  const value = BigInt(count);
  return String(value > U64_MAX ? U64_MAX : value);
}

const DECIMAL = /^[ \t\n\v\f\r]*([+-]?)([0-9]+)/;
const HEXADECIMAL = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+)/;
const OCTAL_OR_DECIMAL = /^[ \t\n\v\f\r]*([+-]?)(0[0-7]*|[1-9][0-9]*)/;

/** C's strtoul: the number, cut to 32 bits, and what is left. */
export function strtoul(text: string, base: 0 | 10): { value: number; rest: string; overflows: boolean } {
  const found = (base === 10 ? DECIMAL : HEXADECIMAL.test(text) ? HEXADECIMAL : OCTAL_OR_DECIMAL).exec(text);
  if (found === null) return { value: 0, rest: text, overflows: false };
  const [whole, sign, digits] = found;
  const octal = base === 0 && /^0[0-7]/.test(digits);
  const number = BigInt(octal ? `0o${digits}` : digits);
  const most = (1n << 64n) - 1n;
  const overflows = number > most;
  const clamped = overflows ? most : sign === "-" ? -number : number;
  return { value: Number(BigInt.asUintN(32, clamped)), rest: text.slice(whole.length), overflows };
}
