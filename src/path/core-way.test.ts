/**
 * The core (assembly/) does what conntrack/, protocol/ and receive4.ts do: whatever comes, both leave the same connections
 * behind, to the last word of their records.
 */
import test from "ava";
import fc from "fast-check";
import { LINK } from "../assembly/record-words.ts";
import { Host } from "../host/host.ts";
import { loadRuleset } from "../index.ts";
import { Firewall, type Outcome } from "./firewall.ts";
import { beginning, event, ORDINARY, sysctls, Talk } from "./testing.ts";

const FILTER = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
-A FORWARD -m state --state INVALID -j DROP
-A FORWARD -p tcp -m tcp --dport 9 -j REJECT --reject-with tcp-reset
-A FORWARD -p udp -m udp --dport 7 -j DROP
COMMIT
`;
/** Chains that let everything pass. */
const UNSEEN = ["raw", "mangle"].map((table) => `*${table}\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n`).join("");
const NAT = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i wan0 -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.9:80
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
`;

const firewall = (rules: string, sysctl: Record<string, number>) =>
  new Firewall({
    rules: loadRuleset(rules),
    host: new Host({
      interfaces: { lan0: ["10.0.0.1/24"], wan0: ["203.0.113.1/24"] },
      routes: ["default via 203.0.113.254 dev wan0", "198.51.100.128/25 dev lan0", "unreachable 192.0.2.0/24"],
      sysctl: { "net.ipv4.icmp_ratelimit": 0, ...sysctl },
    }),
  });

const withoutSteps = ({ steps, ...rest }: Outcome) => rest;

/** All that is kept of the connections that are there, but for the chains of nat/: in these may also be some that expired. */
function recordsOf({ conntrack }: Firewall): number[][] {
  const connections = conntrack.connections(4);
  return Array.from(connections.handles(), (handle) => {
    const base = connections.base(handle);
    return Array.from(connections.record.subarray(base, connections.base(handle + 1)), (word, i) =>
      i === LINK ? 0 : word,
    );
  });
}

for (const [what, rules] of [
  ["filtered", FILTER],
  ["translated", FILTER + NAT],
  ["unseen", UNSEEN + FILTER],
])
  test(`${what} packets leave the same behind in the core as on the long way`, (t) => {
    let used = 0;
    fc.assert(
      fc.property(sysctls, beginning, fc.array(event, { minLength: 1, maxLength: 40 }), (sysctl, first, others) => {
        const [silent, telling] = [firewall(rules, sysctl), firewall(rules, sysctl)];
        const talk = new Talk();
        let time = 1e15;
        for (const e of [...first, ...others]) {
          const { dev, bytes } = talk.packet(e);
          time += 1000 + e.seconds * 1e6;
          const short = silent.receive(dev, bytes, { time });
          t.deepEqual(short, withoutSteps(telling.receive(dev, bytes, { time, steps: true })));
          t.deepEqual(recordsOf(silent), recordsOf(telling));
        }
        if (silent.conntrack.connections(4).core !== null) used++;
        t.is(silent.save(4), telling.save(4));
        silent.close();
      }),
      { numRuns: 400 },
    );
    t.true(used > 300, "most were tracked in the core");
  });

test("many connections move into the core and out again, with their counters, times and order", (t) => {
  const sysctl = { "net.netfilter.nf_conntrack_acct": 1, "net.netfilter.nf_conntrack_timestamp": 1 };
  fc.assert(
    fc.property(
      fc.array(fc.record({ flow: fc.nat(999), back: fc.boolean(), closes: fc.nat(40) }), {
        minLength: 70,
        maxLength: 200,
      }),
      (steps) => {
        const [silent, telling] = [firewall(FILTER, sysctl), firewall(FILTER, sysctl)];
        for (const [i, { flow, back, closes }] of steps.entries()) {
          const talk = new Talk();
          const { dev, bytes } = talk.packet({ ...ORDINARY, carries: "udp", forth: !back, flow: 0, flags: 0 });
          new DataView(bytes.buffer).setUint16(back ? 22 : 20, 10_000 + flow);
          new DataView(bytes.buffer).setUint16(26, 0);
          const time = 1e15 + i * 1e5;
          const short = silent.receive(dev, bytes, { time });
          t.deepEqual(short, withoutSteps(telling.receive(dev, bytes, { time, steps: true })));
          if (closes === 0) silent.close();
        }
        t.deepEqual(silent.connections(4, { extended: true }), telling.connections(4, { extended: true }));
        t.deepEqual(recordsOf(silent), recordsOf(telling));
        silent.close();
        t.deepEqual(recordsOf(silent), recordsOf(telling));
      },
    ),
    {
      numRuns: 30,
      examples: [[Array.from({ length: 900 }, (_, flow) => ({ flow, back: false, closes: flow % 300 }))]],
    },
  );
});
