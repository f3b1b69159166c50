/** iptables-save text in and out: what is loaded, how it is printed, and what is said about text that iptables refuses. */
import test from "ava";
import fc from "fast-check";
import { registry } from "../registry.ts";
import { applyCommands } from "./commands.ts";
import { printSave } from "./print.ts";
import { MOST_PROBLEMS, renderProblem } from "./problem.ts";
import type { Ruleset } from "./ruleset.ts";
import { type ParseOptions, parseSave } from "./save.ts";
import { shapeOf } from "./shape.ts";
import { byteLength, cutBytes, decodeText, encodeText } from "./text.ts";

const parse = (text: string, options: Partial<ParseOptions> = {}) =>
  parseSave(text, { family: 4, file: "rules.v4", registry, ...options });

/** Text that iptables-legacy-restore 1.8.9 takes, and what iptables-legacy-save prints then. */
const LOADED: readonly (readonly [name: string, text: string, saved: string, options?: Partial<ParseOptions>])[] = [
  [
    "an empty table has its base chains",
    "*nat\nCOMMIT\n",
    "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n",
  ],
  [
    "tables are printed last made first",
    "*raw\nCOMMIT\n*security\nCOMMIT\n",
    "*security\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n",
  ],
  [
    "user chains are printed by their bytes",
    "*raw\n:zz - [0:0]\n:Aa - [0:0]\n:a10 - [0:0]\n:a2 - [0:0]\n:COMMITTED - [0:0]\n-A zz -j COMMITTED\n-A Aa\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:Aa - [0:0]\n:COMMITTED - [0:0]\n:a10 - [0:0]\n:a2 - [0:0]\n:zz - [0:0]\n-A Aa\n-A zz -j COMMITTED\nCOMMIT\n",
  ],
  [
    "comments, blank lines, blanks and tabs",
    "# a comment\n\n*raw\n\n# another\n-A\tOUTPUT  -j ACCEPT \t\nCOMMIT\n# end\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j ACCEPT\nCOMMIT\n",
  ],
  [
    "a table begun again is emptied, its policies stay",
    "*raw\n:OUTPUT DROP [0:0]\n:mine - [0:0]\n-A OUTPUT -j mine\nCOMMIT\n*raw\n-A PREROUTING -j ACCEPT\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT DROP [0:0]\n-A PREROUTING -j ACCEPT\nCOMMIT\n",
  ],
  [
    "counters are not taken unless asked for",
    "*raw\n:OUTPUT DROP [5:500]\n[3:180] -A OUTPUT -j ACCEPT\n-A OUTPUT -c 7 70\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT DROP [0:0]\n[0:0] -A OUTPUT -j ACCEPT\n[7:70] -A OUTPUT\nCOMMIT\n",
  ],
  [
    "counters as with iptables-restore -c",
    "*raw\n:OUTPUT DROP [5:500]\n[3:180] -A OUTPUT -j ACCEPT\n[1:2]-A OUTPUT\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT DROP [5:500]\n[3:180] -A OUTPUT -j ACCEPT\n[1:2] -A OUTPUT\nCOMMIT\n",
    { counters: true },
  ],
  [
    "what one COMMIT wrote, -Z leaves alone",
    "*raw\n:OUTPUT DROP [5:500]\n:PREROUTING ACCEPT [1:2]\n[3:180] -A OUTPUT -j ACCEPT\n-A OUTPUT -c 7 70\n-Z\n-Z OUTPUT 2\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [1:2]\n:OUTPUT DROP [5:500]\n[3:180] -A OUTPUT -j ACCEPT\n[7:70] -A OUTPUT\nCOMMIT\n",
    { counters: true },
  ],
  [
    "counters have 64 bits",
    "*raw\n:OUTPUT DROP [-1:99999999999999999999999]\n[18446744073709551615:9007199254740991] -A OUTPUT\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT DROP [18446744073709551615:18446744073709551615]\n[18446744073709551615:9007199254740991] -A OUTPUT\nCOMMIT\n",
    { counters: true },
  ],
  [
    "each pair of addresses is a rule",
    "*raw\n-A OUTPUT -s 192.0.2.1,192.0.2.2 -d 10/8,172.16/12\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -s 192.0.2.1/32 -d 10.0.0.0/8\n-A OUTPUT -s 192.0.2.1/32 -d 172.16.0.0/12\n-A OUTPUT -s 192.0.2.2/32 -d 10.0.0.0/8\n-A OUTPUT -s 192.0.2.2/32 -d 172.16.0.0/12\nCOMMIT\n",
  ],
  [
    "inserting several turns them round",
    "*raw\n-A OUTPUT\n-I OUTPUT -s 192.0.2.1,192.0.2.2\n-I OUTPUT 4 -p tcp\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -s 192.0.2.2/32\n-A OUTPUT -s 192.0.2.1/32\n-A OUTPUT\n-A OUTPUT -p tcp\nCOMMIT\n",
  ],
  [
    "any command may stand between the rules",
    "*raw\n-N mine\n-A mine -j ACCEPT\n-A OUTPUT -j mine\n-E mine yours\n-P OUTPUT DROP\n-A OUTPUT -p udp\n-R OUTPUT 2 -p tcp\n-A OUTPUT -p icmp\n-D OUTPUT -p icmp\n-L\n-Z\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT DROP [0:0]\n:yours - [0:0]\n-A OUTPUT -j yours\n-A OUTPUT -p tcp\n-A yours -j ACCEPT\nCOMMIT\n",
  ],
  [
    "a quote left open takes the line break along",
    '*raw\n-A OUTPUT -m comment --comment "a b\nCOMMIT\n',
    '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -m comment --comment "a b\n"\nCOMMIT\n',
  ],
  [
    "a rule for the other family is no rule",
    "*raw\n-A OUTPUT -6 --what ever\n-4 -A OUTPUT -p tcp\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp\nCOMMIT\n",
  ],
  [
    "a chain may have the name of a target that iptables knows",
    "*raw\n:LOG - [0:0]\n:NFQUEUE - [0:0]\n-A OUTPUT -j LOG\n-A LOG -j NFQUEUE\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:LOG - [0:0]\n:NFQUEUE - [0:0]\n-A OUTPUT -j LOG\n-A LOG -j NFQUEUE\nCOMMIT\n",
  ],
  [
    "a loop that nothing leads to is none",
    "*raw\n:a - [0:0]\n-A a -j a\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:a - [0:0]\n-A a -j a\nCOMMIT\n",
  ],
  [
    "neither is one behind a rule that lets nothing pass",
    "*raw\n:a - [0:0]\n-A OUTPUT -j a\n-A a -j RETURN\n-A a -j a\nCOMMIT\n",
    "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:a - [0:0]\n-A OUTPUT -j a\n-A a -j RETURN\n-A a -j a\nCOMMIT\n",
  ],
];

for (const [name, text, saved, options] of LOADED)
  test(`loads: ${name}`, (t) => {
    const { ruleset, errors } = parse(text, options);
    t.deepEqual(errors, []);
    t.is(printSave(ruleset, registry, { counters: /^\[/m.test(saved) }), saved);
  });

/** Text that is refused: for each mistake its line, column, length and sentence; `!N` where iptables-restore says `line N failed`. */
const REFUSED: readonly (readonly [text: string, ...mistakes: (readonly [string, string])[]])[] = [
  ["*filter\n-A INPUT -p tcp --dport 80 --dports 1\nCOMMIT\n", ["2:28+8", 'unknown option "--dports"']],
  ["*filter\n-A INPUT --dport 80\nCOMMIT\n", ["2:10+7", 'unknown option "--dport"']],
  ["*filter\n-A INPUT -s 1.2.3.4/99\nCOMMIT\n", ["2:13+10", "invalid mask `99' specified"]],
  ["*filter\n-A INPUT -m foo -j ACCEPT\nCOMMIT\n", ["2:13+3", "Couldn't load match `foo':No such file or directory"]],
  ["*filter\n-A INPUT -j foo\nCOMMIT\n", ["2:13+3", "Couldn't load target `foo':No such file or directory"]],
  ["*filter\n-A INPUT -m ipvs --ipvs\nCOMMIT\n", ["2:13+4", 'match "ipvs" is not evaluated by this version']],
  ["*filter\n-A nope -j ACCEPT\nCOMMIT\n", ["2:4+4!2", "No chain/target/match by that name: nope"]],
  ["*filter\n-A FORWARD -j INPUT\nCOMMIT\n", ["2:4+7!2", "Invalid argument: no rule can jump to the base chain INPUT"]],
  ["*filter\n-I INPUT 2\nCOMMIT\n", ["2:4+5!2", "Index of insertion too big"]],
  ["*filter\n-D INPUT -p tcp\nCOMMIT\n", ["2:4+5!2", "Bad rule (does a matching rule exist in that chain?)"]],
  ["*filter\n-N a\n-N a\nCOMMIT\n", ["3:4+1!3", "Chain already exists"]],
  ["*filter\n-N LOG\nCOMMIT\n", ["2:4+3", "chain name may not clash with target name"]],
  ["*filter\n:a - [0:0]\n:a - [0:0]\nCOMMIT\n", ["3:2+1", "error creating chain 'a':File exists"]],
  ["*filter\n:INPUT QUEUE [0:0]\nCOMMIT\n", ["2:8+5", "Can't set policy `QUEUE' on `INPUT' line 2: Bad policy name"]],
  ["*filter\n:a DROP [0:0]\nCOMMIT\n", ["2:4+4", "Can't set policy `DROP' on `a' line 2: Bad built-in chain name"]],
  ["*filter\n:INPUT\nCOMMIT\n", ["2:1+6", "iptables-restore: line 2 policy invalid"]],
  ["*filter\n:\nCOMMIT\n", ["2:1+1", "iptables-restore: line 2 chain name invalid"]],
  [
    `*filter\n:${"x".repeat(29)} - [0:0]\nCOMMIT\n`,
    ["2:2+29", `Invalid chain name \`${"x".repeat(29)}' (28 chars max)`],
  ],
  ["*foo\n-A INPUT --bad\nCOMMIT\n", ["1:2+3", "iptables-restore: unable to initialize table 'foo'"]],
  ["*\nCOMMIT\n", ["1:1+1", "iptables-restore: line 1 table name invalid"]],
  ["*filter\n[1:2 -A INPUT\nCOMMIT\n", ["2:1+13", "Bad line 2: need ]"]],
  ["*filter\n[12] -A INPUT\nCOMMIT\n", ["2:1+13", "Bad line 2: need ]"]],
  ["*filter\n", ["2:1+1", "COMMIT expected at line 2"]],
  ["*filter\nCOMMIT", ["2:1+6", "Bad argument `COMMIT'"], ["3:1+1", "COMMIT expected at line 3"]],
  ["*filter\nCOMMIT \n", ["2:1+6", "Bad argument `COMMIT'"], ["3:1+1", "COMMIT expected at line 3"]],
  ["*filter\nCOMMITTED\nCOMMIT\n", ["2:1+9", "Bad argument `COMMITTED'"]],
  ["*filter\r\nCOMMIT\n", ["1:2+7", "iptables-restore: unable to initialize table 'filter\r'"]],
  ["*filter\n-A INPUT -j ACCEPT\r\nCOMMIT\n", ["2:13+7", "Invalid target name `ACCEPT\r'"]],
  ["-A INPUT\n", ["1:1+8!1", "no table is open here"]],
  ["*filter\n*nat\nCOMMIT\n", ["2:1+4", "Bad argument `*nat'"]],
  ["*filter\n \nCOMMIT\n", ["2:1+1", "no command specified"]],
  ["*filter\n-A INPUT -m comment --comment\nCOMMIT\n", ["2:21+9", 'option "--comment" requires an argument']],
  ["*filter\n-A INPUT -m comment --comment 'a b'\nCOMMIT\n", ["2:34+2", "Bad argument `b''"]],
  [
    "*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -p tcp -g b\n-A b -j a\nCOMMIT\n",
    ["6:9+1!7", "Too many levels of symbolic links: chains jump in a loop (a, b, a)"],
  ],
  ["*filter\n-A INPUT -m tcp\nCOMMIT\n", ["2:13+3!3", "x_tables: ip_tables: tcp match: only valid for protocol 6"]],
  [
    "*filter\n:a - [0:0]\n[1:2] -A a -j MASQUERADE\nCOMMIT\n",
    ["3:15+10!4", "x_tables: ip_tables: MASQUERADE target: only valid in nat table, not filter"],
  ],
  [
    "*nat\n:a - [0:0]\n:b - [0:0]\n-A POSTROUTING -j a\n-A OUTPUT -j b\n-A b -j a\n-A a -j MASQUERADE\nCOMMIT\n",
    [
      "7:9+10!8",
      "x_tables: ip_tables: MASQUERADE target: used from hooks OUTPUT/POSTROUTING, but only usable from POSTROUTING",
    ],
  ],
  [
    "*filter\n-A INPUT -s x/\n-A INPUT\n-A nope\n-m\n-A INPUT -m udp\nCOMMIT\n*nat\n-A INPUT -j DROP\nCOMMIT\n",
    ["2:13+2", "invalid mask `' specified"],
    ["4:4+4!4", "No chain/target/match by that name: nope"],
    ["5:1+2", 'option "-m" requires an argument'],
    ["6:13+3!7", "x_tables: ip_tables: udp match: only valid for protocol 17"],
    ["9:13+4", 'The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.'],
  ],
  [`*filter\n-A INPUT -m comment --comment ${"x".repeat(1024)}\nCOMMIT\n`, ["2:31+1024", "Parameter too long!"]],
  [`*filter\n-A INPUT${" -v".repeat(250)}\nCOMMIT\n`, ["2:757+2", "Parser cannot handle more arguments"]],
];

for (const [text, ...mistakes] of REFUSED)
  test(`refuses: ${JSON.stringify(text.length < 200 ? text : text.slice(0, 60))}`, (t) => {
    const found = parse(text).errors.map(({ line, column, length, message, failed }) => [
      `${line}:${column}+${length}${failed?.replace(/^iptables-restore: line (.*) failed$/, "!$1") ?? ""}`,
      message,
    ]);
    t.deepEqual(found, mistakes as unknown as string[][]);
  });

test("what remains of a text with mistakes is what iptables would take of it", (t) => {
  const { ruleset } = parse("*raw\n-A OUTPUT -p tcp\n-A OUTPUT -p nope\n-A OUTPUT -p udp\nCOMMIT\n");
  t.regex(printSave(ruleset, registry), /^-A OUTPUT -p tcp\n-A OUTPUT -p udp$/m);
});

test("a mistake is shown with its line and a caret below the word", (t) => {
  const [problem] = parse("*filter\n-A INPUT\t-s 10.0.0.0/40 -j ACCEPT\nCOMMIT\n").errors;
  t.is(
    renderProblem(problem),
    "rules.v4:2:13: invalid mask `40' specified\n2 | -A INPUT\t-s 10.0.0.0/40 -j ACCEPT\n  |         \t   ^^^^^^^^^^^",
  );
  const [kernel] = parse("*filter\n-A INPUT -m tcp\nCOMMIT\n").errors;
  t.regex(renderProblem(kernel), /^rules.v4:2:13: .*only valid for protocol 6 \(iptables-restore: line 3 failed\)\n/);
  const [far] = parse(`*filter\n-A INPUT -m comment --comment ${"x".repeat(900)} -j nope\nCOMMIT\n`).errors;
  const [, shown, carets] = renderProblem(far).split("\n");
  t.is(shown.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1), "nope");
});

test("what can't be seen in a line is said below it", (t) => {
  const hint = (text: string) => renderProblem(parse(text).errors[0]).split("\n")[3] ?? "none";
  t.regex(hint("*filter\r\nCOMMIT\r\n"), /CR LF, as Windows writes it/);
  t.regex(hint("\ufeff*filter\nCOMMIT\n"), /byte order mark/);
  t.regex(hint("*filter\n-A INPUT\u00a0-j ACCEPT\nCOMMIT\n"), /no-break space/);
  t.regex(hint("*filter\nCOMMIT \n"), /blanks beside COMMIT/);
  t.regex(hint("*filter\nCOMMIT"), /wants a line break/);
  t.regex(hint("table inet filter {\n}\n"), /nftables' own language/);
  t.is(hint("*filter\n-A INPUT --nope\nCOMMIT\n"), "none");
  t.is(hint("COMMIT\n"), "none");
  t.is(hint(`-A INPUT -j ACCEPT ${" ".repeat(1000)}\u00a0`), "none");
});

test("header and footer stand around each table", (t) => {
  const { ruleset } = parse("*raw\nCOMMIT\n*nat\nCOMMIT\n");
  const printed = printSave(ruleset, registry, { header: "# from", footer: "# to" });
  t.deepEqual(
    printed.split("\n").filter((line) => /^[*#C]/.test(line)),
    ["# from", "*nat", "COMMIT", "# to", "# from", "*raw", "COMMIT", "# to"],
  );
});

test("text may be added to a ruleset, as with iptables-restore -n", (t) => {
  const first = parse("*raw\n:a - [0:0]\n-A OUTPUT -j a\n-A a -j ACCEPT\nCOMMIT\n").ruleset;
  const { ruleset, errors } = parse("*raw\n:a - [0:0]\n-A a -j DROP\n-A OUTPUT -p tcp\nCOMMIT\n", { onto: first });
  t.deepEqual(errors, []);
  t.regex(printSave(ruleset, registry), /^-A OUTPUT -j a\n-A OUTPUT -p tcp\n-A a -j DROP$/m);
  t.regex(printSave(first, registry), /^-A OUTPUT -j a\n-A a -j ACCEPT$/m);
});

test("a line longer than iptables-restore's buffer comes in pieces", (t) => {
  // 10239 bytes are read at once: the rest is a line of its own.
  const start = "-A INPUT -m comment --comment x";
  const long = `${start}${" ".repeat(10239 - start.length)}-A OUTPUT -j ACCEPT`;
  const { ruleset, errors } = parse(`*filter\n${long}\nCOMMIT\n`);
  t.deepEqual(errors, []);
  t.regex(printSave(ruleset, registry), /^-A INPUT -m comment --comment x\n-A OUTPUT -j ACCEPT$/m);
});

test("no text takes long: huge lines, many words, many mistakes, many shapes", (t) => {
  const many = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join("\n");
  t.is(parse(`*filter\n${"x".repeat(10_000_000)}\nCOMMIT\n`).errors.length, 1);
  t.true(parse('"'.repeat(300_000)).errors.length > 0);
  t.is(
    parse(`*filter\n-A INPUT${" -v".repeat(3000)}\nCOMMIT\n`).errors[0].message,
    "Parser cannot handle more arguments",
  );
  t.is(parse(`*filter\n${many(2000, () => "-A INPUT -m tcp")}\nCOMMIT\n`).errors.length, MOST_PROBLEMS);
  t.is(parse(many(1_000_000, () => "-A INPUT")).errors.length, MOST_PROBLEMS);
  const commands = many(20_000, () => "iptables -A INPUT -s");
  t.is(applyCommands(null, commands, { family: 4, file: "f", registry }).errors.length, MOST_PROBLEMS);
  const loop = `${many(5000, (i) => `:c${i} - [0:0]`)}\n${many(5000, (i) => `-A c${i} -j c${(i + 1) % 5000}`)}`;
  t.is(
    parse(`*filter\n${loop}\n-A INPUT -j c0\nCOMMIT\n`).errors[0].message,
    "Too many levels of symbolic links: chains jump in a loop (c0, c1, c2, c3, …, c4997, c4998, c4999, c0)",
  );
  t.is(parse(`*filter\n${many(500, (i) => `-A INPUT ${"-v ".repeat(i % 200)}-s`)}\nCOMMIT\n`).errors.length, 500);
  t.is(shapeOf("f".repeat(100_000)).failure?.at, 1000);
});

test("a NUL ends the line, as it ends a string in C", (t) => {
  const { ruleset, errors } = parse("*filter\n-A INPUT -p tcp\0 nonsense\nCOMMIT\n");
  t.deepEqual(errors, []);
  t.regex(printSave(ruleset, registry), /^-A INPUT -p tcp$/m);
});

test("bytes that are no UTF-8 come out as they went in", (t) => {
  const bytes = Uint8Array.from([
    ...encodeText('*raw\n-A OUTPUT -m comment --comment "'),
    0xe4,
    0xff,
    0xc3,
    0xa4,
    0x80,
    ...encodeText('"\nCOMMIT\n'),
  ]);
  const { ruleset, errors } = parse(decodeText(bytes));
  t.deepEqual(errors, []);
  const printed = encodeText(printSave(ruleset, registry));
  const at = printed.indexOf(0xe4);
  t.deepEqual([...printed.subarray(at, at + 5)], [0xe4, 0xff, 0xc3, 0xa4, 0x80]);
});

test("text and bytes turn into each other without loss", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), (bytes, cut) => {
      const text = decodeText(bytes);
      t.deepEqual([...encodeText(text)], [...bytes]);
      t.is(byteLength(text), bytes.length);
      t.deepEqual([...encodeText(cutBytes(text, cut))], [...bytes.subarray(0, cut)]);
    }),
  );
});

test("a comment is cut at 255 bytes, in the middle of a character if need be", (t) => {
  const { ruleset } = parse(`*raw\n-A OUTPUT -m comment --comment ${"ä".repeat(200)}\nCOMMIT\n`);
  const printed = encodeText(printSave(ruleset, registry));
  const start = printed.indexOf(0x22) + 1;
  t.is(printed.indexOf(0x22, start) - start, 255);
});

/** Words that rules are made of, good and bad, and anything at all. */
const word = fc.oneof(
  fc.constantFrom(
    ..."-A -I -D -s -d -i -o -p -m -j -g ! -f -c -t -n INPUT OUTPUT a ACCEPT DROP LOG tcp udp icmp comment state mark".split(
      " ",
    ),
    ..."--dport --sport --state --mark --comment --syn --tcp-flags 80 0x10/0xff NEW,ESTABLISHED 192.0.2.1 10/8 eth0 eth+".split(
      " ",
    ),
    '"a b"',
    '"',
    "\\",
    "--",
    "-",
    "''",
    "[1:2]",
    ":a",
    "*raw",
    "COMMIT",
    "\0",
    "\r",
  ),
  fc.string({ maxLength: 8 }),
);
const line = fc.oneof(
  fc.array(word, { maxLength: 12 }).map((words) => words.join(" ")),
  fc.array(word, { maxLength: 8 }).map((words) => `-A INPUT ${words.join(" ")}`),
  fc.constantFrom("*filter", "COMMIT", ":a - [0:0]", ":INPUT DROP [1:2]", "*nat"),
);
const document = fc.array(line, { maxLength: 8 }).map((lines) => `*filter\n:a - [0:0]\n${lines.join("\n")}\nCOMMIT\n`);

/** Interfaces and chains whose names are no words by themselves. */
function oddNames({ tables }: Ruleset): boolean {
  const chains = tables.flatMap((table) => table.chains);
  const interfaces = chains.flatMap(({ rules }) => rules.flatMap((rule) => [rule.inInterface, rule.outInterface]));
  return [...chains, ...interfaces].some((named) => /[\s"!]|^-|^$/.test(named?.name ?? "x"));
}

test("any text is either loaded or refused with places inside it; what is loaded prints as itself", (t) => {
  fc.assert(
    fc.property(document, fc.constantFrom(4 as const, 6 as const), fc.boolean(), (text, family, counters) => {
      const { ruleset, errors } = parse(text, { family, counters });
      const lines = text.split("\n").length;
      for (const { line, column, length, text: shown } of errors)
        t.true(line >= 1 && line <= lines + 1 && column >= 1 && column + length <= shown.length + 2);
      const printed = printSave(ruleset, registry, { counters });
      // iptables-save quotes no names, and a comment may hold a line break: such text iptables-restore cannot read again.
      if (printed.split("\n").some((l) => !/^([-:*[]|COMMIT$|$)/.test(l)) || oddNames(ruleset)) return;
      const again = parse(printed, { family, counters });
      t.deepEqual(again.errors, []);
      t.is(
        printSave(again.ruleset, registry, { counters }).split("\n").sort().join("\n"),
        printed.split("\n").sort().join("\n"),
      );
    }),
    { numRuns: 400 },
  );
});

test("a shape that fails says where, and what would fit there", (t) => {
  t.deepEqual(shapeOf("ov?").failure, {
    at: 2,
    expected: ["end", "not", "flag", "taking", "pair", "asking", "listing"],
  });
  t.deepEqual(shapeOf("ovo").failure, { at: 3, expected: ["value"] });
  t.deepEqual(shapeOf("ovo").items, [{ not: -1, option: 0, values: [1] }]);
  t.deepEqual(shapeOf(":w").failure, { at: 2, expected: ["word"] });
  t.is(shapeOf("pva!ovqalf").failure, null);
});
