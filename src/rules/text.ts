/**
 * Rulesets are bytes to iptables and text to us. Bytes that are no UTF-8 become lone surrogates U+DC80 … U+DCFF and turn
 * back into the same bytes when written, so that any file survives reading and printing; lengths are counted in bytes.
 */

/** Bytes of a rules file as text; nothing is lost. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return decodeLoosely(bytes);
  }
}

/** Valid UTF-8 as characters, every other byte as a lone surrogate. */
function decodeLoosely(bytes: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at]);
    if (length === 1) text += String.fromCharCode(bytes[at++]);
    else {
      try {
        if (length === 0) throw null;
        text += decoder.decode(bytes.subarray(at, at + length));
        at += length;
      } catch {
        text += String.fromCharCode(0xdc00 + bytes[at++]);
      }
    }
  }
  return text;
}

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

/** Text as bytes: UTF-8, and the lone surrogates of decodeText as the bytes that they were. */
export function encodeText(text: string): Uint8Array {
  const escaped = /[\udc80-\udcff]/;
  const encoder = new TextEncoder();
  if (!escaped.test(text)) return encoder.encode(text);
  const parts: Uint8Array[] = [];
  for (const character of text)
    parts.push(
      character.length === 1 && escaped.test(character)
        ? Uint8Array.of(character.charCodeAt(0) & 0xff)
        : encoder.encode(character),
    );
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const BEYOND_ASCII = /[\u0080-\uffff]/;

/** The length in bytes that iptables sees. */
export function byteLength(text: string): number {
  return BEYOND_ASCII.test(text) ? encodeText(text).length : text.length;
}

/** At most `length` bytes of the text; a character that is cut leaves its first bytes, as in C. */
export function cutBytes(text: string, length: number): string {
  return byteLength(text) <= length ? text : decodeText(encodeText(text).subarray(0, length));
}
