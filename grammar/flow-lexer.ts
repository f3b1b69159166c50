/**
 * The words of packet notation and packet scripts (*.flow), classified for grammar/flow.ne.
 * One line at a time: the parser is never handed a line break.
 */
import moo from "moo";

/** Options of a packet that take one number. */
const NUMERIC = [
  "ack",
  "win",
  "urg",
  "ttl",
  "hlim",
  "tos",
  "tclass",
  "ipid",
  "id",
  "flowlabel",
  "key",
  "call",
  "spi",
  "vtag",
  "mtu",
  "mss",
  "wscale",
];

/** Options of a packet that take nothing. */
const BARE = ["df", "nodf", "sackOK", "nop", "eol"];

const HEX = "[0-9A-Fa-f]";
const FLAG_NAMES = "SYN|FIN|RST|PSH|ACK|URG|ECE|CWR";

/** Order matters: the first pattern that fits wins, so the narrow ones come first. */
const words = moo.compile({
  space: /[ \t\r]+/,
  comment: /#.*/,
  string: /"(?:[^"\\]|\\.)*"/,
  arrow: "=>",
  // [S.], [R], [none], [SYN,ACK]; everything else in brackets is spelt out by the grammar.
  flags: new RegExp(
    `\\[(?:none|[SFRPAUEWC.]+(?:[ ,]+[SFRPAUEWC.]+)*|(?:${FLAG_NAMES})(?:[ ,|]+(?:${FLAG_NAMES}))*)\\]`,
  ),
  mac: new RegExp(`(?:${HEX}{2}:){5}${HEX}{2}(?![:\\w])`),
  address: [
    // [2001:db8::1]:80, 2001:db8::1, 198.51.100.9:80, and tcpdump's 198.51.100.9.80, 2001:db8::1.80
    new RegExp(`\\[${HEX}*:[0-9A-Fa-f:.]*\\](?::\\d+)?`),
    new RegExp(`(?=${HEX}*:${HEX}*:)[0-9A-Fa-f:]*(?:${HEX}|::)(?:\\.\\d+)*`),
    /\d+\.\d+\.\d+\.\d+(?:[:.]\d+)?(?![\w.])/,
  ],
  fragment: /\d+(?::\d+)?@\d+\+?/,
  range: /\d+:\d+/,
  delta: /\+\d+(?:\.\d+)?(?:us|ms|s|m|h|d)?(?![\w.])/,
  duration: /\d+(?:\.\d+)?(?:us|ms|s|m|h|d)(?![\w.-])/,
  hex: new RegExp(`0x${HEX}+(?!\\w)`),
  number: /\d+(?:\.\d+)?(?![\w./-])/,
  label: /[A-Za-z_][\w-]*:(?=[ \t])/,
  pair: /[A-Za-z_][\w.:/-]*=[^\s,=]+/,
  compare: ["!=", "<=", ">=", "=", "<"],
  word: {
    match: /[\w~./*-][\w~./*@+-]*/,
    type: moo.keywords({ numeric: NUMERIC, bare: BARE }),
  },
  punctuation: [",", "(", ")", "[", "]", "{", "}", ">", ":"],
  other: moo.error,
});

const skipped = new Set(["space", "comment"]);

/** The lexer nearley calls: moo without spaces and comments. */
export const lexer = {
  reset(chunk: string, state?: moo.LexerState): void {
    words.reset(chunk, state);
  },
  next(): moo.Token | undefined {
    let token = words.next();
    while (token !== undefined && skipped.has(token.type as string)) token = words.next();
    return token;
  },
  save(): moo.LexerState {
    return words.save();
  },
  formatError(_token: unknown): string {
    return "";
  },
  has(type: string): boolean {
    return words.has(type);
  },
};
