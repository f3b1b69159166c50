/**
 * The commands and answers of FTP that announce a connection, read as the kernel reads them (nf_conntrack_ftp.c: search[],
 * find_pattern):
 *
 *     PORT 10,0,0,2,19,137          the client: connect to 10.0.0.2, port 19 * 256 + 137
 *     EPRT |1|10.0.0.2|5001|        likewise (RFC 2428); |2|fd00:1::2|5001| for IPv6; any other delimiter will do
 *     227 … 10,0,0,2,19,137 …       the server, asked by PASV: the first digits behind the number count (RFC 1123)
 *     229 … (|||5001|)              the server, asked by EPSV
 *
 * A line that begins so and does not go on so is cut, or made to deceive.
 */
import { parseIpv6 } from "../bytes/address.ts";
import { type Direction, ORIGINAL, type Tuple } from "../conntrack/tuple.ts";
import type { Family } from "../packet/hook.ts";

export const NONE = 0;
export const COMPLETE = 1;
export const CUT = -1;

/** A command that was found. One record is reused. */
export class Command {
  /** How it begins. */
  pattern = "";
  /** Where in the data address and port are told, and how many bytes that takes. */
  offset = 0;
  length = 0;
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;
  port = 0;
}

interface Form {
  readonly pattern: string;
  /** What stands before address and port; "": they follow at once. */
  readonly skip: string;
  /** Reads them from `at` on: how many bytes they take, 0 where they are not there. */
  read(data: Uint8Array, at: number, family: Family, into: Command): number;
}

const BY_CLIENT: readonly Form[] = [
  { pattern: "PORT", skip: " ", read: (data, at, _family, into) => readSix(data, at, CR, into) },
  { pattern: "EPRT", skip: " ", read: readExtended },
];
const BY_SERVER: readonly Form[] = [
  { pattern: "227 ", skip: "", read: readSixSomewhere },
  { pattern: "229 ", skip: "(", read: readPortAlone },
];

const NUL = 0;
const CR = 13;
const COMMA = 44;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
/** Delimiters are printable. */
const FIRST_DELIMITER = 33;
const LAST_DELIMITER = 126;

/** The first form that the data begins with: NONE, COMPLETE with `into` filled, or CUT with its pattern. */
export function findCommand(data: Uint8Array, direction: Direction, sender: Tuple, into: Command): number {
  into.word0 = sender.src0;
  into.word1 = sender.src1;
  into.word2 = sender.src2;
  into.word3 = sender.src3;
  for (const form of direction === ORIGINAL ? BY_CLIENT : BY_SERVER) {
    into.pattern = form.pattern;
    const found = findForm(data, form, sender.family, into);
    if (found !== NONE) return found;
  }
  return NONE;
}

function findForm(data: Uint8Array, form: Form, family: Family, into: Command): number {
  const { pattern, skip } = form;
  if (!beginsWith(data, pattern)) return NONE;
  if (data.length <= pattern.length) return CUT;
  let at = pattern.length;
  if (skip !== "") {
    at = data.indexOf(skip.charCodeAt(0), at) + 1;
    if (at === 0) return CUT;
  }
  into.offset = at;
  into.length = form.read(data, at, family, into);
  return into.length === 0 ? CUT : COMPLETE;
}

/** Does it begin with the pattern, in whatever case, or is it the pattern's beginning? */
function beginsWith(data: Uint8Array, pattern: string): boolean {
  for (let i = 0; i < pattern.length && i < data.length; i++) {
    const c = data[i];
    const upper = c >= 97 && c <= 122 ? c - 32 : c;
    if (upper !== pattern.charCodeAt(i)) return false;
  }
  return true;
}

const isDigit = (c: number) => c >= ZERO && c <= NINE;

const numbers = new Uint32Array(6);

/**
 * try_number: `count` numbers with a separator between them, up to a byte that is neither: `end`, or any where that is null.
 * Returns how many bytes they take, 0 where they are not so. Numbers may be too large: they wrap.
 */
function readNumbers(data: Uint8Array, from: number, count: number, separator: number, end: number | null): number {
  numbers.fill(0);
  let n = 0;
  for (let at = from; at < data.length && n < count; at++) {
    const c = data[at];
    if (isDigit(c)) numbers[n] = Math.imul(numbers[n], 10) + c - ZERO;
    else if (c === separator) n++;
    else return (c === end || end === null) && n === count - 1 ? at - from : 0;
  }
  return 0;
}

/** try_rfc959 */
function readSix(data: Uint8Array, at: number, end: number | null, into: Command): number {
  const length = readNumbers(data, at, 6, COMMA, end);
  if (length === 0) return 0;
  into.word0 = addressOf();
  into.port = ((numbers[4] << 8) | numbers[5]) & 0xffff;
  return length;
}

const addressOf = () => (numbers[0] << 24) | (numbers[1] << 16) | (numbers[2] << 8) | numbers[3];

/** try_rfc1123 */
function readSixSomewhere(data: Uint8Array, from: number, _family: Family, into: Command): number {
  const at = data.findIndex((c, i) => i >= from && isDigit(c));
  if (at < 0) return 0;
  into.offset = at;
  return readSix(data, at, null, into);
}

/** try_eprt */
function readExtended(data: Uint8Array, at: number, family: Family, into: Command): number {
  if (data.length - at <= 3 || !isDelimiter(data[at]) || data[at + 2] !== data[at]) return 0;
  const delimiter = data[at];
  if (data[at + 1] !== (family === 4 ? ZERO + 1 : ZERO + 2)) return 0;
  const from = at + 3;
  const length = family === 4 ? readAddress4(data, from, delimiter, into) : readAddress6(data, from, delimiter, into);
  return length === 0 ? 0 : readPort(data, at, from + length + 1, delimiter, into);
}

function readAddress4(data: Uint8Array, at: number, delimiter: number, into: Command): number {
  const length = readNumbers(data, at, 4, DOT, delimiter);
  if (length > 0) into.word0 = addressOf();
  return length;
}

/** in6_pton: up to the delimiter, or a NUL; leading zeros do not matter. */
function readAddress6(data: Uint8Array, from: number, delimiter: number, into: Command): number {
  const end = data.findIndex((c, i) => i >= from && (c === delimiter || c === NUL));
  if (end < 0) return 0;
  const text = String.fromCharCode(...data.subarray(from, Math.min(end, from + LONGEST_ADDRESS)));
  const words = parseIpv6(text.replace(/(?<![\da-f])0+(?=[\da-f])/gi, ""));
  if (words === null) return 0;
  [into.word0, into.word1, into.word2, into.word3] = words;
  return end - from;
}

/** No address is so long, unless it has hundreds of leading zeros. */
const LONGEST_ADDRESS = 1000;

/** try_epsv_response */
function readPortAlone(data: Uint8Array, at: number, _family: Family, into: Command): number {
  const delimiter = data[at];
  if (data.length - at <= 3 || !isDelimiter(delimiter)) return 0;
  if (data[at + 1] !== delimiter || data[at + 2] !== delimiter) return 0;
  return readPort(data, at, at + 3, delimiter, into);
}

const isDelimiter = (c: number) => !isDigit(c) && c >= FIRST_DELIMITER && c <= LAST_DELIMITER;

/** get_port: digits up to the delimiter, which counts; a number that wraps to 0 is none. Returns the bytes since `begin`. */
function readPort(data: Uint8Array, begin: number, from: number, delimiter: number, into: Command): number {
  let port = 0;
  for (let at = from; at < data.length; at++) {
    const c = data[at];
    if (c === delimiter) {
      if (port === 0) return 0;
      into.port = port;
      return at + 1 - begin;
    }
    if (!isDigit(c)) return 0;
    port = (port * 10 + c - ZERO) & 0xffff;
  }
  return 0;
}
