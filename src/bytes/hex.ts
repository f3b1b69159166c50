/** Bytes as hexadecimal text, two digits a byte. */

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The bytes at `start` … `end - 1` as lower-case digits without separators. */
export function hexOf(data: Uint8Array, start = 0, end = data.length): string {
  let text = "";
  for (let at = start; at < end; at++) text += DIGITS[data[at]];
  return text;
}

/** Digits of either case, in pairs that white space or `:` may separate, to bytes; null for anything else. */
export function bytesOfHex(text: string): Uint8Array | null {
  return bytesOfPlainHex(text) ?? bytesOfSpacedHex(text);
}

/** The common case, digits only, without a regular expression: packets in outcomes are long. */
function bytesOfPlainHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = digitOf(text.charCodeAt(2 * i));
    const low = digitOf(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return null;
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

/** The value of a digit's character code, -1 for anything else. */
function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function bytesOfSpacedHex(text: string): Uint8Array | null {
  const digits = text.replace(/[\s:]+/g, " ").trim();
  if (!/^([0-9a-fA-F]{2} ?)*$/.test(digits)) return null;
  const pairs = digits.replaceAll(" ", "");
  return Uint8Array.from({ length: pairs.length / 2 }, (_, i) => Number.parseInt(pairs.slice(2 * i, 2 * i + 2), 16));
}

/** A view of the bytes that `text` spells; for literals in tests and tables, so bad text throws. */
export function viewOfHex(text: string): DataView {
  const bytes = bytesOfHex(text);
  if (bytes === null) throw new RangeError(`not hexadecimal: ${text}`);
  return new DataView(bytes.buffer as ArrayBuffer);
}
