/**
 * The options of a packet as the builders read them: by name, checked for range, each used once. What nobody asked
 * for is an option that this kind of packet does not have, and is said to be so.
 */
import { bytesOfHex } from "../bytes/hex.ts";
import type { OptionNode, Token } from "./ast.ts";
import type { ChecksumWish } from "./compose.ts";
import { FlowError } from "./error.ts";

/** Spellings that mean the same field. */
const ALIASES: Readonly<Record<string, string>> = { hlim: "ttl", tclass: "tos" };

export class Fields {
  readonly #options = new Map<string, OptionNode>();
  readonly #asked = new Set<string>();
  readonly #what: string;

  /** `what`: whose options they are, for sentences. */
  constructor(options: readonly OptionNode[], what: string) {
    this.#what = what;
    for (const option of options) {
      const name = ALIASES[option.name.text] ?? option.name.text;
      // nop and eol are padding: they may stand more than once.
      if (this.#options.has(name) && name !== "nop" && name !== "eol")
        throw new FlowError(`“${option.name.text}” is given twice`, option.name);
      this.#options.set(name, option);
    }
  }

  has(name: string): boolean {
    this.#asked.add(name);
    return this.#options.has(name);
  }

  option(name: string): OptionNode | undefined {
    this.#asked.add(name);
    return this.#options.get(name);
  }

  /** The first value of an option. */
  token(name: string): Token | undefined {
    return this.option(name)?.values[0];
  }

  /** A number from 0 to `most`, or `otherwise` when it is not given. */
  number(name: string, most: number, otherwise: number): number {
    const value = this.token(name);
    return value === undefined ? otherwise : numberOf(value, most, name);
  }

  /** After a builder has read all it knows: refuses the rest. */
  finish(): void {
    for (const [name, option] of this.#options)
      if (!this.#asked.has(name))
        throw new FlowError(`“${option.name.text}” is not an option of ${this.#what}`, option.name);
  }
}

/** The value of a number token, decimal or 0x…; an integer from 0 to `most`. */
export function numberOf(token: Token, most: number, what: string): number {
  const value = Number(token.text);
  if (!Number.isInteger(value)) throw new FlowError(`${what} is a whole number, not “${token.text}”`, token);
  if (value > most) throw new FlowError(`${what} ${token.text} is too big: at most ${most}`, token);
  return value;
}

/** The two ends of `1:101`. */
export function rangeOf(token: Token): readonly [number, number] {
  const [from, to] = token.text.split(":").map(Number);
  if (from > 0xffffffff || to > 0xffffffff)
    throw new FlowError(`${token.text} is too big: sequence numbers end at 4294967295`, token);
  return [from, to];
}

/** Text in quotes with \n, \r, \t, \0, \xHH, \" and \\ resolved. */
export function unquote(token: Token): string {
  const inner = token.text.startsWith('"') ? token.text.slice(1, -1) : token.text;
  return inner.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, hex: string | undefined, c: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return { n: "\n", r: "\r", t: "\t", 0: "\0" }[c] ?? c;
  });
}

/** `data "GET /\r\n"` (UTF-8; \xHH is one byte) or `data 0x474554`. */
/** The bytes behind `raw`: a whole packet in hexadecimal. */
export function rawOf(token: Token): Uint8Array {
  const bytes = bytesOfHex(unquote(token).replace(/^0x/, ""));
  if (bytes === null) throw new FlowError("raw is followed by the packet in hexadecimal, two digits a byte", token);
  return bytes;
}

export function octetsOf(token: Token): Uint8Array {
  if (token.text.startsWith("0x")) {
    const digits = token.text.slice(2);
    if (digits.length % 2 !== 0) throw new FlowError("hexadecimal data has two digits a byte", token);
    return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
      Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
    );
  }
  const bytes: number[] = [];
  for (const part of token.text.slice(1, -1).match(/\\x[0-9a-fA-F]{2}|\\.|[^\\]+/gs) ?? []) {
    if (part.startsWith("\\x") && part.length === 4) bytes.push(Number.parseInt(part.slice(2), 16));
    else for (const byte of new TextEncoder().encode(unquote({ text: `"${part}"`, col: token.col }))) bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** `length 100`, `data "…"`, or the length that `seq 1:101` implies. */
export function payloadOf(fields: Fields): Uint8Array {
  const length = fields.option("length");
  const data = fields.token("data");
  const seq = fields.token("seq");
  if (data !== undefined) {
    const bytes = octetsOf(data);
    if (length !== undefined && numberOf(length.values[0], 65535, "length") !== bytes.length)
      throw new FlowError(`length ${length.values[0].text} contradicts data of ${bytes.length} bytes`, length.name);
    return bytes;
  }
  if (length !== undefined) return new Uint8Array(numberOf(length.values[0], 65535, "length"));
  if (seq?.type !== "range") return new Uint8Array(0);
  const [from, to] = rangeOf(seq);
  const size = (to - from) >>> 0;
  if (size > 65535) throw new FlowError(`${seq.text} is ${size} bytes: more than a packet holds`, seq);
  return new Uint8Array(size);
}

export function wishOf(token: Token | undefined): ChecksumWish {
  if (token === undefined) return null;
  if (token.text === "bad" || token.text === "none") return token.text;
  return numberOf(token, 0xffffffff, "a checksum");
}
