/** `-m string`: bytes somewhere in the packet, network header included (xt_string.c, skbuff.c: skb_find_text). */
import type { Packet } from "../packet/packet.ts";
import { type GivenOption, match, type OptionType, RuleError } from "../rules/extension.ts";
import { decodeText, encodeText } from "../rules/text.ts";
import { flag, opt, optNot, string as textOption, U16_MAX, u16 } from "../rules/types.ts";

/** XT_STRING_MAX_PATTERN_SIZE */
const LONGEST = 128;
/** XT_STRING_MAX_ALGO_NAME_SIZE */
const ALGORITHM_SIZE = 16;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BAR = 0x7c;
const BLANK = 0x20;

type Pattern = readonly number[];

const plain: OptionType<Pattern> = {
  arity: 1,
  parse([word]) {
    const bytes = [...encodeText(word)];
    if (bytes.length > LONGEST) throw new RuleError(`STRING too long "${word}"`);
    return bytes;
  },
  print: printPattern,
};

const hexDigits = (text: string) => /^[0-9a-fA-F]$/.test(text);

/** Text with `|0d 0a|` in it; a backslash takes the next byte as it is (libxt_string.c: parse_hex_string). */
const hex: OptionType<Pattern> = {
  arity: 1,
  parse([word]) {
    const s = encodeText(word);
    const char = (i: number) => String.fromCharCode(s[i]);
    const pattern: number[] = [];
    let inHex = false;
    if (s.length === 0) throw new RuleError("STRING must contain at least one char");
    for (let i = 0; i < s.length; ) {
      if (pattern.length >= LONGEST) throw new RuleError(`STRING too long "${word}"`);
      let literal = false;
      if (s[i] === BACKSLASH) {
        if (inHex) throw new RuleError("Cannot include literals in hex data");
        literal = true;
      } else if (s[i] === BAR) {
        inHex = !inHex;
        if (inHex) while (s[i + 1] === BLANK) i++;
        if (i + 1 >= s.length) break;
        i++;
      }
      if (literal) {
        if (i + 1 >= s.length) throw new RuleError("Bad literal placement at end of string");
        pattern.push(s[i + 1]);
        i += 2;
      } else if (inHex) {
        if (i + 1 >= s.length) throw new RuleError("Odd number of hex digits");
        if (i + 2 >= s.length) throw new RuleError("Invalid hex block");
        for (const at of [i, i + 1]) if (!hexDigits(char(at))) throw new RuleError(`Invalid hex char '${char(at)}'`);
        pattern.push(Number.parseInt(char(i) + char(i + 1), 16));
        i += s[i + 2] === BLANK ? 3 : 2;
      } else pattern.push(s[i++]);
    }
    return pattern;
  },
  print: printPattern,
};

const isPrintable = (byte: number) => byte >= BLANK && byte < 0x7f;

/** Whether iptables-save prints it in hexadecimal. */
const needsHex = (pattern: Pattern) => !pattern.every(isPrintable) || pattern.at(-1) === BACKSLASH;

function printPattern(pattern: Pattern): string {
  if (needsHex(pattern)) return `"|${pattern.map((byte) => byte.toString(16).padStart(2, "0")).join("")}|"`;
  const escaped = pattern.flatMap((byte) => (byte === QUOTE || byte === BACKSLASH ? [BACKSLASH, byte] : [byte]));
  return `"${decodeText(Uint8Array.from(escaped))}"`;
}

const toUpper = (byte: number) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte);

/** Where the pattern is first found in `data[from, end)`, or -1. */
function find(data: Uint8Array, from: number, end: number, pattern: Uint8Array, ignoreCase: boolean): number {
  const last = end - pattern.length;
  for (let at = from; at <= last; at++) {
    let i = 0;
    if (ignoreCase) while (i < pattern.length && toUpper(data[at + i]) === pattern[i]) i++;
    else while (i < pattern.length && data[at + i] === pattern[i]) i++;
    if (i === pattern.length) return at;
  }
  return -1;
}

const patternOf = (is: {
  readonly "--string"?: GivenOption<Pattern>;
  readonly "--hex-string"?: GivenOption<Pattern>;
}): GivenOption<Pattern> => (is["--string"] ?? is["--hex-string"])!;

export const string = match({
  name: "string",
  families: [4, 6],
  options: {
    "--from": opt(u16, { help: "first byte of the packet to look at" }),
    "--to": opt(u16, { help: "… and the one behind the last" }),
    "--algo": opt(textOption({ size: ALGORITHM_SIZE }), { required: true, help: "bm or kmp" }),
    "--string": optNot(plain, { excludes: ["--hex-string"], help: "text to be found" }),
    "--hex-string": optNot(hex, { excludes: ["--string"], help: "text with |0d 0a| in it" }),
    "--icase": opt(flag, { help: "capital and small letters are the same" }),
  },
  check(given) {
    if (given["--string"] === undefined && given["--hex-string"] === undefined)
      throw new RuleError("STRING match: You must specify `--string' or `--hex-string'");
  },

  print(is) {
    const { not, value } = patternOf(is);
    const words = [`${not ? "! " : ""}--${needsHex(value) ? "hex-" : ""}string ${printPattern(value)}`];
    words.push(`--algo ${is["--algo"]!.value}`);
    const from = is["--from"]?.value ?? 0;
    const to = is["--to"]?.value ?? U16_MAX;
    if (from !== 0) words.push(`--from ${from}`);
    if (to !== U16_MAX) words.push(`--to ${to}`);
    if (is["--icase"] !== undefined) words.push("--icase");
    return words.join(" ");
  },

  checkEntry(is) {
    const algorithm = is["--algo"]!.value;
    if ((is["--from"]?.value ?? 0) > (is["--to"]?.value ?? U16_MAX))
      throw new RuleError("Invalid argument: --from is behind --to", 1);
    if (patternOf(is).value.length === 0) throw new RuleError("Invalid argument: there is nothing to look for", 1);
    if (algorithm === "fsm")
      throw new RuleError("string: --algo fsm is not evaluated by this version: its patterns are no text", 1);
    if (algorithm !== "bm" && algorithm !== "kmp")
      throw new RuleError(`No such file or directory: the kernel has no algorithm "${algorithm}"`, 1);
  },

  compile(is) {
    const { not, value } = patternOf(is);
    const ignoreCase = is["--icase"] !== undefined;
    const pattern = Uint8Array.from(ignoreCase ? value.map(toUpper) : value);
    const from = is["--from"]?.value ?? 0;
    const to = is["--to"]?.value ?? U16_MAX;
    return (p: Packet) => {
      const at = find(p.data, p.start + from, p.end, pattern, ignoreCase);
      // What is found first must end before `--to`.
      return (at >= 0 && at - p.start + pattern.length <= to) !== not;
    };
  },

  why(is) {
    const { not, value } = patternOf(is);
    return `${printPattern(value)} is ${not ? "" : "not "}in it`;
  },
});
