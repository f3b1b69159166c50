/**
 * The Firewall as its callers see it: what an Outcome says, that the numeric way says the same, time without packets,
 * cut and merged packets, refusals, and any bytes whatever. That it does what the kernel does is shown by the recordings.
 */
import test from "ava";
import fc from "fast-check";
import { Host } from "../host/host.ts";
import { ScriptedRandom } from "../host/random.ts";
import {
  bytesOfHex,
  Firewall,
  hexOf,
  LoadError,
  loadRuleset,
  PATH_NAMES,
  packet,
  printPacket,
  STATE_NAMES,
  type Step,
  VERDICT_NAMES,
} from "../index.ts";
import { HOOK_TABLE, hooksOf, stepsAt } from "./hooks.ts";

const HOST = {
  interfaces: { lan0: ["10.0.0.1/24", "fd00:1::1/64"], wan0: ["203.0.113.1/24", "fd00:2::1/64"] },
  routes: ["default via 203.0.113.254 dev wan0", "default via fd00:2::fe dev wan0"],
};

const ROUTER = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lan0 -p tcp -j web
-A FORWARD -i lan0 -p udp -j REJECT
-A web -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
`;

function router(rules = ROUTER, host: object = {}): Firewall {
  return new Firewall({ rules: loadRuleset(rules), host: new Host({ ...HOST, ...host }) });
}

const SYN = packet("tcp 10.0.0.2:4000 > 198.51.100.9:80 [S]");

test("an Outcome tells path, state, verdict, rule, what left and the connection", (t) => {
  const firewall = router();
  const outcome = firewall.receive("lan0", SYN, { time: 1_700_000_000_000_000 });
  const { out, ...rest } = outcome;
  t.deepEqual(rest, {
    in: "lan0",
    path: "forward",
    state: "NEW",
    verdict: "ACCEPT",
    by: { table: "filter", chain: "web", rule: 1 },
    entry:
      "tcp      6 120 SYN_SENT src=10.0.0.2 dst=198.51.100.9 sport=4000 dport=80 [UNREPLIED] src=198.51.100.9 dst=203.0.113.1 sport=80 dport=4000 mark=0 use=1",
  });
  t.deepEqual(
    out.map(({ dev, bytes }) => `${dev} ${printPacket(bytesOfHex(bytes) as Uint8Array)}`),
    ["wan0 tcp 203.0.113.1:4000 > 198.51.100.9:80 [S]"],
  );
});

test("a rejected packet names the rule, and its answer is among what left", (t) => {
  const outcome = router().receive("lan0", packet("udp 10.0.0.2:4000 > 198.51.100.9:53"));
  t.is(outcome.verdict, "REJECT");
  t.deepEqual(outcome.by, { table: "filter", chain: "FORWARD", rule: 3 });
  t.is(outcome.entry, null);
  t.deepEqual(
    outcome.out.map(({ dev }) => dev),
    ["lan0"],
  );
});

test("policies and reasons decide, too", (t) => {
  const firewall = router();
  const by = (notation: string, dev = "lan0") => firewall.receive(dev, packet(notation)).by;
  t.deepEqual(by("tcp 10.0.0.2:4000 > 198.51.100.9:81 [S]"), { policy: "DROP", table: "filter", chain: "FORWARD" });
  t.deepEqual(by("udp 10.0.0.1:4000 > 198.51.100.9:81"), { reason: "martian source" });
  t.deepEqual(by("tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] ttl 1"), { reason: "TTL exceeded" });
  const bare = new Firewall({ host: new Host(HOST) });
  t.deepEqual(bare.receive("lan0", SYN).by, { reason: "no rules" });
  t.is(bare.receive("lan0", SYN).state, null);
});

test("the numeric way says the same, and hands out what leaves", (t) => {
  const told = router().receive("lan0", SYN);
  const firewall = router();
  const p = firewall.packet;
  const left: string[] = [];
  firewall.onEmit = (dev, emitted) => left.push(`${dev.name} ${hexOf(emitted.data, emitted.start, emitted.end)}`);
  p.loadBytes(SYN);
  p.inDev = 2;
  firewall.run();
  const { path, verdict, state, decision, emitted } = firewall.result;
  t.is(PATH_NAMES[path], told.path);
  t.is(VERDICT_NAMES[verdict], told.verdict);
  t.is(STATE_NAMES[state], told.state);
  t.deepEqual(firewall.by(decision), told.by);
  t.is(emitted, 1);
  t.deepEqual(
    left,
    told.out.map(({ dev, bytes }) => `${dev} ${bytes}`),
  );
});

test("steps tell the whole way in order", (t) => {
  const { steps = [] } = router().receive("lan0", SYN, { steps: true });
  const words = steps.map((step: Step) => {
    switch (step.kind) {
      case "hook":
        return step.hook;
      case "table":
        return `${step.table} ${step.chain}`;
      case "matched":
        return `${step.at.chain} ${step.at.rule} ${step.does}`;
      case "missed":
        return `${step.at.chain} ${step.at.rule} no`;
      case "policy":
        return `${step.table} ${step.verdict}`;
      default:
        return step.kind;
    }
  });
  t.deepEqual(words, [
    "PREROUTING",
    "created",
    "state",
    "nat PREROUTING",
    "nat ACCEPT",
    "route",
    "FORWARD",
    "filter FORWARD",
    "FORWARD 1 no",
    "FORWARD 2 jump web",
    "web 1 ACCEPT",
    "POSTROUTING",
    "nat POSTROUTING",
    "POSTROUTING 1 MASQUERADE",
    "nat",
    "nat",
    "confirmed",
    "emit",
  ]);
});

test("counters grow from those of the text and are saved as iptables-save -c saves them", (t) => {
  const firewall = router();
  firewall.receive("lan0", SYN);
  firewall.receive("lan0", packet("tcp 10.0.0.2:4000 > 198.51.100.9:81 [S]"));
  const filter = firewall.counters(4).filter(({ table }) => table === "filter");
  t.deepEqual(
    filter.map(({ chain, policy, rules }) => [chain, policy?.packets ?? null, rules.map(({ packets }) => packets)]),
    [
      ["INPUT", 0, []],
      ["FORWARD", 1, [0, 2, 0]],
      ["OUTPUT", 0, []],
      ["web", null, [1]],
    ],
  );
  t.true(firewall.save(4).includes("[1:40] -A web -p tcp -m tcp --dport 80 -j ACCEPT"));
  t.is(firewall.save(6), "");
  const again = new Firewall({ rules: loadRuleset(firewall.save(4), { counters: true }), host: firewall.host });
  t.deepEqual(
    again.save(4).split("\n").sort(),
    firewall.save(4).split("\n").sort(),
    "as iptables-restore -c takes them",
  );
  const zeroed = new Firewall({ rules: loadRuleset(firewall.save(4)), host: firewall.host });
  t.true(zeroed.save(4).includes("[0:0] -A web -p tcp -m tcp --dport 80 -j ACCEPT"));
});

test("connections can be listed as -o extended lists them", (t) => {
  const firewall = router();
  firewall.receive("lan0", SYN);
  t.is(firewall.connections().length, 1);
  t.is(firewall.connections(4, { extended: true })[0], `ipv4     2 ${firewall.connections()[0]}`);
  t.deepEqual(firewall.connections(6, { extended: true }), []);
});

test("fragments wait for each other, and give up when the time comes", (t) => {
  const firewall = router(`*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate NEW
COMMIT
`);
  const first = packet(`udp 10.0.0.2:4000 > 10.0.0.1:53 length 100 frag 7:64@0+`);
  const outcome = firewall.receive("lan0", first, { time: 1_000_000 });
  t.is(outcome.verdict, "QUEUED");
  t.deepEqual(outcome.by, { reason: "waits for the other fragments" });
  const left: string[] = [];
  firewall.onEmit = (dev, p) => left.push(`${dev.name} ${printPacket(p.bytes())}`);
  firewall.advance(30_999_999);
  t.deepEqual(left, []);
  firewall.advance(31_000_000);
  t.is(left.length, 1);
  t.regex(left[0], /^lan0 icmp 10\.0\.0\.1 > 10\.0\.0\.2 ttl-zero-during-reassembly/);
});

test("a cut packet is told from a short one", (t) => {
  const firewall = router();
  const whole = packet("tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] length 100");
  const cut = whole.subarray(0, 60);
  t.is(firewall.receive("lan0", cut, { wire: whole.length }).verdict, "ACCEPT");
  t.deepEqual(firewall.receive("lan0", cut).by, { reason: "shorter than its IPv4 length says" });
});

test("a packet that stands for several passes any MTU", (t) => {
  const big = packet("tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] length 4000");
  t.deepEqual(router().receive("lan0", big).by, { reason: "fragmentation needed" });
  t.is(router().receive("lan0", big, { merged: true }).out.length, 1);
});

test("what the host sends to itself comes back through lo", (t) => {
  const firewall = router(`*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -p udp -j ACCEPT
COMMIT
`);
  const udp = firewall.send(packet("udp 10.0.0.1:1 > 203.0.113.1:2"));
  t.deepEqual(
    [udp.path, udp.verdict, udp.by, udp.out],
    ["output", "ACCEPT", { table: "filter", chain: "INPUT", rule: 1 }, []],
  );
  t.deepEqual(firewall.send(packet("tcp 10.0.0.1:1 > 203.0.113.1:2 [S]")).by, {
    policy: "DROP",
    table: "filter",
    chain: "INPUT",
  });
});

test("what is wrong with many rules is said once", (t) => {
  const rule = (set: string) => `-A INPUT -m set --match-set ${set} src\n`;
  const error = t.throws(() => router(`*filter\n${rule("gone").repeat(3)}${rule("away")}COMMIT\n`));
  t.deepEqual(
    error?.message.split("\n").map((line) => line.replace(/^.*: (?=filter)/, "")),
    [
      "filter INPUT rule 1: Set gone doesn't exist: it is not among the host's sets (and 2 more rules)",
      "filter INPUT rule 4: Set away doesn't exist: it is not among the host's sets",
    ],
  );
});

test("devices, sets and loops that do not exist are refused", (t) => {
  t.throws(() => router().receive("eth7", SYN), { message: "there is no interface eth7" });
  t.throws(() => router("*filter\n-A INPUT -m set --match-set gone src\nCOMMIT\n"), { instanceOf: LoadError });
});

test("what is no packet, no time or of the other family is refused", (t) => {
  t.throws(() => router().receive("lan0", "4500" as never), { message: /^a packet is a Uint8Array/ });
  t.throws(() => router().send([69] as never), { message: /^a packet is a Uint8Array/ });
  t.throws(() => router().receive("lan0", SYN, { time: Number.NaN }), { message: /number of microseconds, not NaN$/ });
  const rules = loadRuleset("*filter\nCOMMIT\n", { family: 6 });
  t.throws(() => new Firewall({ rules, host: new Host(HOST) }), {
    message: "rules for IPv6 stand in the place of IPv4's",
  });
});

test("rules without generated code do the same", (t) => {
  const firewall = new Firewall({ rules: loadRuleset(ROUTER), host: new Host(HOST), closures: true });
  t.deepEqual(firewall.receive("lan0", SYN), router().receive("lan0", SYN));
});

test("the hook table has every table's chains at the hooks that iptables gives it", (t) => {
  t.deepEqual(stepsAt(0), ["defrag", "raw", "conntrack", "mangle", "nat"]);
  t.deepEqual(stepsAt(4), ["mangle", "nat", "confirm"]);
  t.deepEqual(hooksOf("nat"), [0, 1, 3, 4]);
  const priorities = HOOK_TABLE.map((row) => row.priority);
  t.deepEqual(
    priorities,
    [...priorities].sort((a, b) => a - b),
  );
});

/** Everything at once, for packets of any kind. */
const ALL = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 53 -j NOTRACK
-A PREROUTING -p tcp -m tcp --dport 22 -j TRACE
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1000
-A OUTPUT -j MARK --set-xmark 0x1/0xffffffff
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8080 -j REDIRECT --to-ports 80
-A POSTROUTING -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate INVALID -j REJECT
-A FORWARD -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset
-A FORWARD -m limit --limit 5/sec -j LOG --log-ip-options --log-tcp-options
-A FORWARD -j REJECT
COMMIT
`;

const SEEDS = [
  SYN,
  packet("udp 10.0.0.2:53 > 203.0.113.1:53 length 40"),
  packet("icmp 10.0.0.2 > 10.0.0.1 echo-request id 1 seq 1"),
  packet("udp 10.0.0.2:4000 > 10.0.0.1:53 length 100 frag 7:64@0+"),
  packet("tcp [fd00:1::2]:4000 > [2001:db8::9]:80 [S]"),
  packet("udp [fd00:1::2]:53 > [fd00:1::1]:53 length 100 frag 9:64@0+"),
  bytesOfHex(`47000027000100004011000010000002c633640907070400000000000001000200080734616263`) as Uint8Array,
  bytesOfHex(
    `60000000001000400000000000000000000000000000000120010db80000000000000000000000091100c20400010000`,
  ) as Uint8Array,
];

const bytesArb = fc.oneof(
  fc.uint8Array({ maxLength: 120 }),
  fc
    .tuple(
      fc.constantFrom(...SEEDS),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }),
      fc.nat(140),
      fc.boolean(),
    )
    .map(([seed, changes, length, repair]) => {
      const bytes = new Uint8Array(seed.subarray(0, Math.max(1, length)));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      if (repair && bytes[0] >>> 4 === 4 && bytes.length >= 20) repairIpv4(bytes);
      return bytes;
    }),
);

/** Length and checksum made right, so that what comes behind is looked at. */
function repairIpv4(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer);
  const header = Math.min((bytes[0] & 15) << 2, bytes.length);
  view.setUint16(2, bytes.length);
  view.setUint16(10, 0);
  let sum = 0;
  for (let at = 0; at + 1 < header; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum);
}

test("any bytes pass without harm, watched or not, with the same end", (t) => {
  const make = () => {
    const host = new Host({ ...HOST, sysctl: { "net.ipv4.conf.all.accept_source_route": 1 } });
    host.random = new ScriptedRandom({});
    const rules6 = loadRuleset(ALL.replaceAll("icmp", "ipv6-icmp"), { family: 6 });
    return new Firewall({ rules: loadRuleset(ALL), rules6, host });
  };
  const [quiet, watched] = [make(), make()];
  let time = 1_000_000;
  fc.assert(
    fc.property(bytesArb, fc.constantFrom("lan0", "wan0", "lo", ""), fc.nat(200_000), (bytes, dev, wait) => {
      time += wait;
      const go = (firewall: Firewall, steps: boolean) => {
        const about = { time, steps };
        return dev === "" ? firewall.send(bytes, about) : firewall.receive(dev, bytes, about);
      };
      const { steps, ...seen } = go(watched, true);
      t.deepEqual(go(quiet, false), seen);
      t.true((steps ?? []).length > 0);
    }),
    { numRuns: 3000 },
  );
  for (const family of [4, 6] as const) t.is(quiet.save(family), watched.save(family));
});
