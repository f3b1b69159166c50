/** The kinds of value that options take: words in, data, words out, and libxtables' sentences (all asked of 1.8.9). */
import test from "ava";
import type { Family } from "../packet/hook.ts";
import { registryOf } from "../registry.ts";
import { match, type OptionSpec, type OptionType, RuleError, target } from "./extension.ts";
import { printSave } from "./print.ts";
import { parseProtocol, printProtocol } from "./protocols.ts";
import { parseSave } from "./save.ts";
import * as types from "./types.ts";

const read = (type: OptionType<unknown>, words: string[], family: Family = 4) => {
  const site = {
    family,
    table: "filter",
    option: "--opt",
    extension: "ext",
    protocol: null,
    not: false,
    given: {},
  } as const;
  try {
    return type.print(type.parse(words, site), { family });
  } catch (error) {
    return `! ${(error as Error).message}`;
  }
};

const OUT_OF_8 = '! ext: bad value for option "--opt", or out of range (0-255).';
const BAD_MARK = '! ext: bad integer value for option "--opt", or out of range.';
const RANGE = (near: string) => `! ext: bad value for option "--opt" near "${near}", or out of range (0-65535).`;
const NO_NAMES = " (host names are not looked up)";

/** A type, what is given, and what is printed again; `!` and the sentence where it is refused. */
const VALUES: readonly (readonly [
  name: string,
  type: OptionType<any>,
  cases: Readonly<Record<string, string>>,
  family?: Family,
])[] = [
  [
    "u8",
    types.u8,
    {
      "0": "0",
      "255": "255",
      "0x1f": "31",
      "010": "8",
      " 7": "7",
      "+7": "7",
      "256": OUT_OF_8,
      "-1": OUT_OF_8,
      "1a": OUT_OF_8,
      "": OUT_OF_8,
      "0x": OUT_OF_8,
      "08": OUT_OF_8,
      "1 ": OUT_OF_8,
    },
  ],
  [
    "u32Hex",
    types.u32Hex,
    {
      "4294967295": "0xffffffff",
      "0": "0x0",
      "4294967296": '! ext: bad value for option "--opt", or out of range (0-4294967295).',
    },
  ],
  [
    "uint with a least value",
    types.uint(1, 10),
    { "1": "1", "0": '! ext: bad value for option "--opt", or out of range (1-10).' },
  ],
  [
    "u64",
    types.u64,
    {
      "18446744073709551615": "18446744073709551615",
      "0xffffffffffffffff": "18446744073709551615",
      "18446744073709551616": '! ext: bad value for option "--opt", or out of range (0-18446744073709551615).',
    },
  ],
  [
    "u16Range",
    types.u16Range,
    {
      "5": "5",
      "5:9": "5:9",
      "9:5": "9:5",
      "5:5": "5",
      ":9": "0:9",
      "5:": "5:65535",
      ":": "0:65535",
      "0x10:020": "16",
      "65536": RANGE("65536"),
      "1:65536": RANGE("65536"),
      a: RANGE("a"),
      "5a": '! ext: Argument to "--opt" has unexpected characters near "a".',
      "1:2:3": '! ext: Too many components for option "--opt" (max: 2)',
    },
  ],
  [
    "port",
    types.port,
    {
      "80": "80",
      http: "80",
      domain: "53",
      bootps: "67",
      "080": "80",
      "65616": "80",
      "4294967376": "80",
      "": "0",
      "-1": '! Port "-1" does not resolve to anything.',
      "0x50": '! Port "0x50" does not resolve to anything.',
      "18446744073709551615": '! Port "18446744073709551615" does not resolve to anything.',
      HTTP: '! Port "HTTP" does not resolve to anything.',
    },
  ],
  [
    "portRange",
    types.portRange,
    {
      "80": "80",
      "80:90": "80:90",
      ":10": "0:10",
      "10:": "10:65535",
      ":": "0:65535",
      "ftp:http": "21:80",
      "1:2:3": '! ext: Too many components for option "--opt" (max: 2)',
    },
  ],
  [
    "protocol",
    types.protocol,
    {
      tcp: "6",
      "6": "6",
      icmpv6: "58",
      ospf: "89",
      OSPFIGP: "89",
      "256": '! unknown protocol "256" specified',
      foo: '! unknown protocol "foo" specified',
    },
  ],
  [
    "markMask",
    types.markMask,
    {
      "0x10": "0x10",
      "16/0xff": "0x10/0xff",
      "010/8": "0x8/0x8",
      "1/0xffffffff": "0x1",
      "1/4294967295": "0x1",
      "10/": BAD_MARK,
      "/3": BAD_MARK,
      "4294967296": BAD_MARK,
      "1x": '! ext: trailing garbage after value for option "--opt".',
      "1/2/3": '! ext: trailing garbage after value for option "--opt".',
    },
  ],
  [
    "host",
    types.host,
    {
      "192.0.2.1": "192.0.2.1",
      "1": "0.0.0.1",
      "1.2": "1.0.0.2",
      "1.2.3": "1.2.0.3",
      "0x7f.1": "127.0.0.1",
      "010.0.0.1": "8.0.0.1",
      localhost: "127.0.0.1",
      "::ffff:192.0.2.1": "192.0.2.1",
      "256.1.1.1": "! getaddrinfo: Name or service not known",
      "fd00::1": "! getaddrinfo: Address family for hostname not supported",
      "www.example.org": `! getaddrinfo: Temporary failure in name resolution${NO_NAMES}`,
      "a b": "! getaddrinfo: Name or service not known",
    },
  ],
  [
    "host of IPv6",
    types.host,
    {
      "FD00:0::1": "fd00::1",
      "::ffff:1.2.3.4": "::ffff:1.2.3.4",
      "1.2.3.4": "! getaddrinfo: Address family for hostname not supported",
      "::g": "! getaddrinfo: Name or service not known",
    },
    6,
  ],
  [
    "hostMask",
    types.hostMask,
    {
      "192.0.2.1/24": "192.0.2.1/24",
      "192.0.2.1": "192.0.2.1",
      "192.0.2.1/255.255.0.0": "192.0.2.1/16",
      "192.0.2.1/0": "192.0.2.1/0",
      "192.0.2.1/255.0.255.0": "192.0.2.1",
      "192.0.2.1/33": "192.0.2.1",
      "192.0.2.1/-1": '! ext: bad value for option "--opt", neither a valid network mask nor valid CIDR (0-32).',
    },
  ],
  [
    "hostMask of IPv6",
    types.hostMask,
    {
      "fd00::1/64": "fd00::1/64",
      "fd00::1/ffff::": "fd00::1/16",
      "fd00::1/129": '! ext: bad value for option "--opt", neither a valid network mask nor valid CIDR (0-128).',
    },
    6,
  ],
  [
    "string",
    types.string({ min: 2, max: 6, size: 5 }),
    {
      ab: "ab",
      abcde: "abcd",
      "a-_9": "a-_9",
      "a b": '"a b"',
      'a"b': '"a\\"b"',
      "a\\b": '"a\\\\b"',
      "it's": '"it\\\'s"',
      ää: '"ää"',
      a: "! Argument must have a minimum length of 2 characters",
      abcdefg: "! Argument must have a maximum length of 6 characters",
    },
  ],
  [
    "mac",
    types.mac,
    {
      "02:00:00:00:00:01": "02:00:00:00:00:01",
      "2:0:A:b:0:1": "02:00:0a:0b:00:01",
      "02:00:00:00:00": "! Invalid MAC address specified.",
      "02-00-00-00-00-01": "! Invalid MAC address specified.",
    },
  ],
  [
    "syslogLevel",
    types.syslogLevel,
    {
      "4": "4",
      debug: "7",
      panic: "0",
      warn: '! log level "warn" unknown',
      "8": '! log level "8" unknown',
      toString: '! log level "toString" unknown',
    },
  ],
  ["oneOf", types.oneOf({ a: 1, b: 2, also: 1 }, (word) => `no ${word}`), { a: "a", also: "a", b: "b", A: "! no A" }],
];

for (const [name, type, cases, family] of VALUES)
  test(`type: ${name}`, (t) => {
    for (const [word, printed] of Object.entries(cases)) t.is(read(type, [word], family), printed, word);
  });

test("protocols are printed by name where they have one", (t) => {
  const printed = [0, 1, 6, 17, 41, 47, 50, 51, 58, 89, 94, 108, 132, 135, 136, 254].map(printProtocol).join(" ");
  t.is(printed, "all icmp tcp udp ipv6 gre esp ah ipv6-icmp ospf ipip ipcomp sctp mobility-header udplite 254");
  t.is(parseProtocol("mptcp"), 262);
});

/** An extension with every kind of rule about its options, for what libxtables says of them. */
const { flag, opt, optNot, u8 } = types;
const options: Record<string, OptionSpec<any>> = {
  "--one": optNot(u8, { aliases: ["--first"] }),
  "--two": opt(u8, { excludes: ["--one"], aliases: ["--second"], saidAs: "--second" }),
  "--must": opt(flag, { required: true }),
  "--needy": opt(flag, { needs: ["--two"] }),
  "--many": opt(u8, { repeat: true }),
  "--pair": optNot({ arity: 2, parse: (words) => words.join("+"), print: (value: string) => value.replace("+", " ") }),
  "--short": optNot(flag, { means: ["--pair", "a", "b"] }),
  "--own": opt(u8, { onceOnly: "own: twice!", neverNot: "own: never!" }),
};
const extension = match({
  name: "ext",
  families: [4, 6],
  options,
  check: (given) => {
    if (given["--one"]?.value === 99) throw new RuleError("ext: 99 is not for you");
  },
  refuse: (is) => (is["--one"]?.value === 98 ? "ext: 98 is not evaluated by this version" : null),
  compile: () => () => true,
});
const renamed = target({
  name: "NAMED",
  families: [4],
  options: { "--as": opt(types.text) },
  savedName: (is) => (is["--as"] === undefined ? "NAMED" : "OTHER"),
  print: (is) => (is["--as"] === undefined ? "" : `--was ${is["--as"].value}`),
  tables: ["raw"],
  kernelName: "Kernel",
  compile: () => () => 0,
});
const small = registryOf([extension], [renamed]);

const LINES: readonly (readonly [rule: string, answer: string])[] = [
  ["-m ext --must", "-m ext --must"],
  ["-m ext --must --first 3", "-m ext --one 3 --must"],
  ["-m ext --must ! --first=3", "-m ext ! --one 3 --must"],
  ["-m ext --must --many 1 --many 2", "-m ext --must --many 1 --many 2"],
  ["-m ext --must ! --pair x y", "-m ext --must ! --pair x y"],
  ["-m ext --must --short", "-m ext --must --pair a b"],
  ["-m ext --must ! --short", "-m ext --must ! --pair a b"],
  ["-m ext --must --needy --two 1", "-m ext --two 1 --must --needy"],
  ["-m ext --one 1", '! ext: option "--must" must be specified'],
  ["-m ext --must --one 1 --first 2", '! ext: option "--one" can only be used once.'],
  ["-m ext --must ! --second 1", '! ext: option "--second" cannot be inverted.'],
  ["-m ext --must --two 1 --one 2", '! ext: option "--second" cannot be used together with "--one".'],
  ["-m ext --must --needy", '! ext: option "--needy" also requires "--second".'],
  ["-m ext --must --pair x", "! --pair requires two args."],
  ["-m ext --must --pair x ! --one 1", "! --pair requires two args."],
  ["-m ext --must --own 1 --own 2", "! own: twice!"],
  ["-m ext --must ! --own 1", "! own: never!"],
  ["-m ext --one 99", "! ext: 99 is not for you"],
  ["-m ext --must --one 98", "! ext: 98 is not evaluated by this version"],
  ["-m ext --must=1", '! unknown option "--must=1"'],
  ["-j NAMED", "! x_tables: ip_tables: Kernel target: only valid in raw table, not filter"],
];

for (const [rule, answer] of LINES)
  test(`options: ${rule}`, (t) => {
    const text = `*filter\n-A INPUT ${rule}\nCOMMIT\n`;
    const { ruleset, errors } = parseSave(text, { family: 4, file: "t", registry: small });
    const printed = printSave(ruleset, small)
      .split("\n")
      .find((line) => line.startsWith("-A"));
    t.is(
      errors.length > 0 ? `! ${errors[0].message}` : printed,
      answer.startsWith("!") ? answer : `-A INPUT ${answer}`,
    );
  });

test("an abbreviation must stand for one option", (t) => {
  const message = (rule: string) =>
    parseSave(`*filter\n-A INPUT ${rule}\nCOMMIT\n`, { family: 4, file: "t", registry: small }).errors[0]?.message ??
    "loaded";
  t.is(message("-m ext --mu"), "loaded");
  t.is(message("-m ext --must --on 1"), "loaded");
  t.is(message("-m ext --must --o 1"), 'unknown option "--o"');
  t.is(message("-m ext --m"), 'unknown option "--m"');
});

test("an extension may be saved under another name", (t) => {
  const text = "*raw\n-A OUTPUT -j NAMED\n-A OUTPUT -j NAMED --as x\nCOMMIT\n";
  const { ruleset, errors } = parseSave(text, { family: 4, file: "t", registry: small });
  t.deepEqual(errors, []);
  t.regex(printSave(ruleset, small), /^-A OUTPUT -j NAMED\n-A OUTPUT -j OTHER --was x$/m);
});
