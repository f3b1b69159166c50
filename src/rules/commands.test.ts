/** iptables commands, edits of rulesets, and what the kernel finds out about jumps. */
import test from "ava";
import fc from "fast-check";
import { shellLexer, shellLineEnd } from "../../grammar/rules-lexer.ts";
import { HOOK_NAMES } from "../packet/hook.ts";
import { registry } from "../registry.ts";
import { checkText, parseRules } from "./check.ts";
import { applyCommands, isSaveText } from "./commands.ts";
import { appendRule, deleteRule, edit, findRule, insertRule, moveRule, parseRule, replaceRule } from "./edit.ts";
import { printSave } from "./print.ts";
import { reachOf } from "./reach.ts";
import type { Ruleset } from "./ruleset.ts";
import { parseSave } from "./save.ts";

const options = { family: 4, file: "rules.sh", registry } as const;
const rulesOf = (ruleset: Ruleset) =>
  printSave(ruleset, registry, { counters: true })
    .split("\n")
    .filter((line) => /^(\[|:.*(DROP|- \[|[1-9]:))/.test(line))
    .map((line) => line.replace(/^\[0:0\] /, ""));

/** Commands that iptables-legacy 1.8.9 carries out, and what it has then: chains that are not as at first, and rules. */
const CARRIED_OUT: readonly (readonly [name: string, text: string, rules: readonly string[]])[] = [
  ["one command without a line break", "iptables -A INPUT -j ACCEPT", ["-A INPUT -j ACCEPT"]],
  [
    "comments, blank lines, continued lines, several on a line",
    "#!/bin/sh\n\n# open\niptables -A INPUT \\\n  -p tcp --dport 22 \\\n  -j ACCEPT # ssh\n\n iptables -N a; iptables -A a -j DROP && iptables -A INPUT -j a\n",
    [":a - [0:0]", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "-A INPUT -j a", "-A a -j DROP"],
  ],
  [
    "a shell's quotes",
    `iptables -A INPUT -m comment --comment 'it is "so"' -j ACCEPT\niptables -A INPUT -m comment --comment "a \\"b\\" \\$c \\x"\niptables -A INPUT -m comment --comment a\\ b'c d'"e f"\niptables -A INPUT -m comment --comment ''\n`,
    [
      '-A INPUT -m comment --comment "it is \\"so\\"" -j ACCEPT',
      '-A INPUT -m comment --comment "a \\"b\\" $c \\\\x"',
      '-A INPUT -m comment --comment "a bc de f"',
      '-A INPUT -m comment --comment ""',
    ],
  ],
  [
    "paths, variants and prefixes of the program's name",
    "sudo iptables -A INPUT -p tcp\n/usr/sbin/iptables-legacy -A INPUT -p udp\niptables-nft -w 5 -A INPUT -p icmp\niptables -4 -A INPUT -p gre",
    ["-A INPUT -p tcp", "-A INPUT -p udp", "-A INPUT -p icmp", "-A INPUT -p gre"],
  ],
  [
    "the other family's commands are left alone",
    "ip6tables -A INPUT -s ::1\niptables -A INPUT -p tcp\nip6tables -P INPUT nope",
    ["-A INPUT -p tcp"],
  ],
  [
    "insert, replace and delete by number and by content",
    "iptables -A INPUT -p tcp\niptables -I INPUT -p udp\niptables -I INPUT 2 -p icmp\niptables -R INPUT 1 -p gre\niptables -D INPUT 2\niptables -D INPUT --protocol 6\n",
    ["-A INPUT -p gre"],
  ],
  [
    "what is deleted need not be written the same way",
    "iptables -A INPUT -m comment --comment x -p tcp --dport http -j ACCEPT\niptables -A INPUT -s 10.1.2.3/8\niptables -D INPUT -p tcp -m comment --comment x -m tcp --dport 80 -j ACCEPT\niptables -D INPUT -s 10.9.9.9/255.0.0.0",
    [],
  ],
  [
    "several addresses are inserted and deleted together",
    "iptables -A INPUT -p tcp\niptables -I INPUT -s 192.0.2.1,192.0.2.2\niptables -D INPUT -s 192.0.2.2,192.0.2.1",
    ["-A INPUT -p tcp"],
  ],
  [
    "chains are made, renamed, emptied and deleted",
    "iptables -N a\niptables -N b\niptables -A a -j b\niptables -A INPUT -j a\niptables -E b c\niptables -F a\niptables -X c",
    [":a - [0:0]", "-A INPUT -j a"],
  ],
  ["all user chains at once", "iptables -N b\niptables -N a\niptables -X", []],
  [
    "policies and counters",
    "iptables -P INPUT DROP -c 3 180\niptables -A INPUT -c 5 6 -p tcp\niptables -A INPUT -c 7,8\niptables -Z INPUT 2",
    [":INPUT DROP [3:180]", "[5:6] -A INPUT -p tcp", "-A INPUT"],
  ],
  [
    "all counters to zero",
    "iptables -P INPUT DROP -c 3 180\niptables -A INPUT -c 5 6\niptables -Z",
    [":INPUT DROP [0:0]", "-A INPUT"],
  ],
  [
    "other tables",
    "iptables -t nat -A POSTROUTING -o wan0 -j MASQUERADE\niptables -A PREROUTING --table mangle -j ACCEPT",
    ["-A PREROUTING -j ACCEPT", "-A POSTROUTING -o wan0 -j MASQUERADE"],
  ],
  [
    "commands that only look",
    "iptables -A INPUT -p tcp\niptables -L -n -v --line-numbers\niptables -S INPUT\niptables -C INPUT -p tcp\niptables -w -L INPUT 1",
    ["-A INPUT -p tcp"],
  ],
  [
    "options anywhere, abbreviated, with =",
    "iptables -p tcp --dport=80 --jump ACCEPT --app INPUT",
    ["-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT"],
  ],
];

for (const [name, text, rules] of CARRIED_OUT)
  test(`commands: ${name}`, (t) => {
    const { ruleset, errors } = applyCommands(null, text, options);
    t.deepEqual(errors, []);
    t.deepEqual(rulesOf(ruleset), rules);
  });

/** Commands that are refused: place and sentence. */
const REFUSED: readonly (readonly [text: string, ...mistakes: (readonly [string, string])[]])[] = [
  ["iptables -A nope", ["1:13+4", "No chain/target/match by that name: nope"]],
  [
    "iptables -A INPUT -t nope",
    ["1:22+4", "can't initialize iptables table `nope': Table does not exist (do you need to insmod?)"],
  ],
  ["iptables -P INPUT REJECT", ["1:13+5", "Bad policy name"]],
  ["iptables -P nope DROP", ["1:13+4", "Bad built-in chain name"]],
  ["iptables -P INPUT", ["1:13+5", "-P requires a chain and a policy"]],
  ["iptables -D INPUT 1", ["1:13+5", "Index of deletion too big"]],
  ["iptables -D INPUT 0", ["1:13+5", "Invalid rule number `0'"]],
  ["iptables -R INPUT", ["1:13+5", "-R requires a rule number"]],
  ["iptables -C INPUT -p tcp", ["1:13+5", "Bad rule (does a matching rule exist in that chain?)"]],
  ["iptables -N a\niptables -A INPUT -j a\niptables -X a", ["3:13+1", "Can't delete chain with references left"]],
  ["iptables -N a\niptables -A a\niptables -X a", ["3:13+1", "Chain is not empty"]],
  ["iptables -X INPUT", ["1:13+5", "Invalid argument: INPUT is a base chain"]],
  ["iptables -E a b", ["1:13+1", "No chain/target/match by that name: a"]],
  ["iptables -N INPUT", ["1:13+5", "Chain already exists"]],
  ["iptables -N -x", ["1:13+2", "chain name not allowed to start with `-'"]],
  ["iptables", ["1:1+1", "no command specified"]],
  ["iptables -A INPUT -L", ["1:19+2", "Cannot use -L with -A"]],
  ["iptables -F -p tcp", ["1:10+2", "Illegal option `-p' with this command"]],
  [
    "iptables -t nat -P OUTPUT DROP",
    ["1:10+2", 'The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.'],
  ],
  ["iptables -R INPUT 1 -s 192.0.2.1,192.0.2.2", ["1:10+2", "Replacement rule does not specify a unique address"]],
  ["iptables -A INPUT -6", ["1:19+2", "-6 is for the other address family"]],
  [
    "iptables -A INPUT -m tcp\niptables -A INPUT -p tcp",
    ["1:10+15", "x_tables: ip_tables: tcp match: only valid for protocol 6"],
  ],
  [
    "$IPT -A INPUT\niptables -A INPUT -s nope/",
    ["1:1+1", "only a shell can work out `$': write the command out"],
    ["2:22+5", "invalid mask `' specified"],
  ],
  ["iptables -A INPUT -i $WAN -j nope", ["1:22+1", "only a shell can work out `$': write the command out"]],
  ["iptables -L | grep x", ["1:13+1", "only a shell can work out `|': write the command out"]],
  [
    'iptables -A INPUT -m comment --comment "$x"',
    ["1:40+1", 'the quote " is not closed, or holds something that only a shell can work out'],
  ],
  ["set -e\niptables -A INPUT", ["1:1+3", "not an iptables command: set"]],
  ["iptables\niptables -P INPUT DROP", ["1:1+1", "no command specified"]],
  [`iptables -A INPUT -s ${"1.1.1.1,".repeat(1_000_000)}`, ["1:22+8000000", "Argument list too long"]],
  [`iptables -A INPUT -s ${'"1"'.repeat(1_000_000)}`, ["1:60022+60000", "Argument list too long"]],
  [`iptables ${"-A INPUT ".repeat(100_000)}`, ["1:4510+2", "Parser cannot handle more arguments"]],
  [
    `iptables -A INPUT -s "${"1".repeat(100_000)}`,
    ["1:22+1", 'the quote " is not closed, or holds something that only a shell can work out'],
  ],
];

for (const [text, ...mistakes] of REFUSED)
  test(`commands refused: ${JSON.stringify(text.slice(0, 100))}`, (t) => {
    const { errors } = applyCommands(null, text, options);
    t.deepEqual(
      errors.map(({ line, column, length, message }) => [`${line}:${column}+${length}`, message]),
      mistakes as unknown as string[][],
    );
  });

test("a text is read as what it is, and both families of a script are checked", (t) => {
  t.true(isSaveText("*filter\nCOMMIT\n"));
  t.true(isSaveText("# nothing yet\n"));
  t.false(isSaveText("iptables"));
  t.false(isSaveText("# Generated by hand\nip6tables -A INPUT\n"));
  t.is(rulesOf(parseRules("iptables -A INPUT -p tcp", options).ruleset).length, 1);
  t.is(rulesOf(parseRules("*filter\n-A INPUT -p tcp\nCOMMIT\n", options).ruleset).length, 1);
  const problems = checkText(
    "iptables -A INPUT -s ::1\nip6tables -A INPUT -s ::1\nip6tables -A INPUT -s x/\nfoo\n",
    options,
  );
  t.deepEqual(
    problems.map(({ line }) => line),
    [1, 3, 4],
  );
  t.deepEqual(checkText("*filter\nCOMMIT\n", options), []);
});

const SAVED =
  "*filter\n:mine - [0:0]\n-A INPUT -p tcp -j mine\n-A INPUT -p udp\n-A mine -j DROP\nCOMMIT\n*nat\nCOMMIT\n";
const loaded = () => parseSave(SAVED, options).ruleset;
const INPUT = { table: "filter", chain: "INPUT" } as const;

test("an edit gives a new ruleset that shares what did not change, and patches both ways", (t) => {
  const before = loaded();
  const { rule } = parseRule("-p icmp -j ACCEPT", INPUT, before, registry);
  const { ruleset, patches, inversePatches } = edit(before, (draft) => {
    appendRule(draft, INPUT, rule!);
  });
  t.deepEqual(rulesOf(before), [":mine - [0:0]", "-A INPUT -p tcp -j mine", "-A INPUT -p udp", "-A mine -j DROP"]);
  t.deepEqual(rulesOf(ruleset), [
    ":mine - [0:0]",
    "-A INPUT -p tcp -j mine",
    "-A INPUT -p udp",
    "-A INPUT -p icmp -j ACCEPT",
    "-A mine -j DROP",
  ]);
  t.is(ruleset.tables[1], before.tables[1]);
  t.is(ruleset.tables[0].chains[0].rules[0], before.tables[0].chains[0].rules[0]);
  t.deepEqual(
    patches.map(({ op, path }) => [op, path.join(".")]),
    [
      ["add", "tables.0.chains.0.rules.2"],
      ["replace", "nextId"],
    ],
  );
  t.is(inversePatches.length, 2);
});

test("rules keep their ids wherever they stand", (t) => {
  const before = loaded();
  const ids = (ruleset: Ruleset) => ruleset.tables[0].chains[0].rules.map((rule) => rule.id);
  const [tcp, udp] = ids(before);
  const rule = parseRule("-s 192.0.2.1", INPUT, before, registry).rule!;
  let added = 0;
  const inserted = edit(before, (draft) => {
    added = insertRule(draft, INPUT, 1, rule);
  }).ruleset;
  t.deepEqual(ids(inserted), [added, tcp, udp]);
  t.is(findRule(inserted, udp)?.position, 3);
  const moved = edit(inserted, (draft) => moveRule(draft, udp, 1)).ruleset;
  t.deepEqual(ids(moved), [udp, added, tcp]);
  const replaced = edit(moved, (draft) =>
    replaceRule(draft, added, parseRule("-p gre", INPUT, before, registry).rule!),
  ).ruleset;
  t.deepEqual(ids(replaced), [udp, added, tcp]);
  t.regex(printSave(replaced, registry), /-A INPUT -p udp\n-A INPUT -p gre\n-A INPUT -p tcp/);
  const deleted = edit(replaced, (draft) => deleteRule(draft, tcp)).ruleset;
  t.deepEqual(ids(deleted), [udp, added]);
  const again = edit(deleted, (draft) => {
    t.true(appendRule(draft, INPUT, rule) > added);
  });
  t.is(ids(again.ruleset).length, 3);
  t.throws(() => edit(deleted, (draft) => deleteRule(draft, tcp)), { message: `there is no rule with id ${tcp}` });
  t.throws(() => edit(deleted, (draft) => insertRule(draft, INPUT, 9, rule)), {
    message: "Index of insertion too big",
  });
  t.throws(() => edit(deleted, (draft) => appendRule(draft, { table: "raw", chain: "OUTPUT" }, rule)), {
    message: "No chain/target/match by that name: OUTPUT",
  });
});

test("a single rule is read in the place it is for", (t) => {
  const before = loaded();
  const problem = (text: string) => {
    const { error } = parseRule(text, INPUT, before, registry);
    return error === null ? null : `${error.column}+${error.length} ${error.message}`;
  };
  t.is(problem("-j mine"), null);
  t.is(problem("-p tcp --dport 70000"), "16+5 invalid port/service `70000' specified");
  t.is(problem("-o eth0"), "4+4 Can't use -o with INPUT");
  t.is(problem("-j yours"), "4+5 Couldn't load target `yours':No such file or directory");
  t.is(problem("-s 192.0.2.1,192.0.2.2"), "1+1 Replacement rule does not specify a unique address");
});

/** Jumps of a table: hooks that reach each user chain and how many of its rules the kernel's walk sees, or a loop. */
const REACHED: readonly (readonly [rules: string, reach: Readonly<Record<string, string>> | string])[] = [
  ["-A INPUT -j a\n-A FORWARD -g b", { a: "INPUT 0", b: "FORWARD 0", c: " 0" }],
  [
    "-A INPUT -j a\n-A a -j b\n-A OUTPUT -p tcp -j b\n-A b -g c",
    { a: "INPUT 1", b: "INPUT OUTPUT 1", c: "INPUT OUTPUT 0" },
  ],
  ["-A INPUT -j ACCEPT\n-A INPUT -j a", { a: " 0", b: " 0", c: " 0" }],
  ["-A INPUT -p tcp -j ACCEPT\n-A INPUT -j a\n-A a -j RETURN\n-A a -j b", { a: "INPUT 1", b: " 0", c: " 0" }],
  ["-A INPUT -j REJECT\n-A INPUT -j a", { a: "INPUT 0", b: " 0", c: " 0" }],
  ["-A a -j b\n-A b -j a", { a: " 1", b: " 1", c: " 0" }],
  ["-A INPUT -j a\n-A a -j b\n-A b -j a", "a b a"],
  ["-A FORWARD -j c\n-A c -p tcp -g c", "c c"],
  ["-A OUTPUT -j a\n-A OUTPUT -j b\n-A a -j c\n-A b -j c\n-A c -j b", "c b c"],
];

for (const [rules, expected] of REACHED)
  test(`reach: ${rules.replaceAll("\n", "; ")}`, (t) => {
    const text = `*filter\n:a - [0:0]\n:b - [0:0]\n:c - [0:0]\n${rules}\nCOMMIT\n`;
    const { chains, loop } = reachOf(parseSave(text, options).ruleset.tables[0]);
    if (typeof expected === "string") t.is(loop?.join(" "), expected);
    else {
      t.is(loop, null);
      for (const [chain, reach] of Object.entries(expected)) {
        const { hooks, rules } = chains.get(chain)!;
        t.is(`${hooks.map((hook) => HOOK_NAMES[hook]).join(" ")} ${rules}`, reach, chain);
      }
    }
  });

test("chains nest as deep as a ruleset likes", (t) => {
  const names = Array.from({ length: 20_000 }, (_, i) => `c${i}`);
  const lines = names.map((name, i) => `-A ${name} -j ${names[i + 1] ?? "ACCEPT"}`);
  const text = `*filter\n${names.map((name) => `:${name} - [0:0]`).join("\n")}\n-A INPUT -j c0\n${lines.join("\n")}\nCOMMIT\n`;
  const { ruleset, errors } = parseSave(text, options);
  t.deepEqual(errors, []);
  t.deepEqual(reachOf(ruleset.tables[0]).chains.get("c19999")!.hooks.length, 1);
});

test("the rest of a refused line ends where the lexer would have ended it", (t) => {
  /** By the lexer's tokens. */
  const lineEnd = (text: string): number => {
    const lexer = shellLexer(() => "stray");
    lexer.reset(text);
    for (let token = lexer.next(); token !== undefined; token = lexer.next())
      if (token.text === "\n") return token.offset;
    return text.length;
  };
  const character = fc.constantFrom(..." \t\n\n\"\"''\\\\;&|<>()$`##ab");
  const texts = fc.array(character, { maxLength: 40 }).map((characters) => characters.join(""));
  fc.assert(fc.property(texts, (text) => t.is(shellLineEnd(text, 0), lineEnd(text), JSON.stringify(text))));
  const many = 20_001;
  for (const piece of ["\\x", "'x'y", '"x"', "\\\n"])
    for (const end of ["# 'a\nb", "'\nb", '"\nb', "\nb"])
      for (const text of [piece.repeat(many) + end, `${piece.repeat(many - 1)}${end}`, `"${piece.repeat(many)}"${end}`])
        t.is(shellLineEnd(text, 0), lineEnd(text), `${piece} ${end}`);
});

test("commands behind a refused line are read", (t) => {
  const text = `iptables -A INPUT $x 'a\nb' # "\niptables -A INPUT -j NONE\n`;
  const places = checkText(text, options).map(({ line, column }) => [line, column]);
  t.deepEqual(places, [
    [1, 19],
    [3, 22],
  ]);
  const long = `iptables -A INPUT -s "${"x ".repeat(10_000_000)}"`;
  t.is(checkText(long, options)[0].message, "Argument list too long");
});
