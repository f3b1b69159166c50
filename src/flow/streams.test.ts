/** What the core is asked for, and what keeps packets from it: single cases of captures at full speed. */
import test, { type ExecutionContext } from "ava";
import { check, sumOf } from "../bytes/checksum.ts";
import { Host } from "../host/host.ts";
import { Firewall } from "../path/firewall.ts";
import { type Event, ORDINARY, Talk } from "../path/testing.ts";
import { type Arrivals, BY_MAC, BY_NAME } from "./arrival.ts";
import { CaptureReplay } from "./capture-replay.ts";
import { VERIFY_ALL } from "./checksums.ts";
import {
  type InterfaceStyle,
  LINK_LAYERS,
  macOf,
  type PcapngStyle,
  pcapngOf,
  pcapOf,
  type SectionStyle,
  type Sight,
} from "./testing.ts";
import { ADDRESSED, goAtOnce, goOneByOne, makeFirewall, rulesetOf, sightsOf, stateOf } from "./testing-ways.ts";

/** Who sends: the client, or the server. */
const TALK = [true, false, true, true, false, false, true, false];

test("a program gets the totals of a capture that it hands over in pieces, and what is wrong with it", (t) => {
  const events = TALK.map((forth): Event => ({ ...ORDINARY, carries: "udp", forth, flow: 0, flags: 0 }));
  const rules = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m state --state NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n";
  const sights = sightsOf(events, 1e15, makeFirewall(rules, {}, ADDRESSED));
  const bytes = pcapOver(sights, 0);
  const firewall = makeFirewall(rules, {}, ADDRESSED);
  const replay = new CaptureReplay(firewall);
  for (let at = 0; at < bytes.length - 1; at += 7) replay.push(bytes.subarray(at, Math.min(at + 7, bytes.length - 1)));
  const totals = replay.end();
  t.is(replay.error?.kind, "truncated");
  const packets = TALK.length - 1;
  t.deepEqual(totals, {
    packets,
    bytes: packets * 28,
    notIp: 0,
    emitted: packets,
    verdicts: { DROP: 0, ACCEPT: packets, REJECT: 0, QUEUED: 0 },
    states: { none: 0, NEW: 1, ESTABLISHED: packets - 1, RELATED: 0, INVALID: 0, UNTRACKED: 0 },
    paths: { none: 0, forward: packets, input: 0, output: 0 },
  });
  t.regex(firewall.save(4), new RegExp(`\\[${packets}:${packets * 28}\\] -A FORWARD`));
  t.throws(() => new CaptureReplay(firewall, { dev: "eth9" }), { message: "there is no interface eth9" });
});

/** A datagram an ms from a client to a server behind `wan0` and back. */
function datagrams(count: number): Sight[] {
  const talk = new Talk();
  return Array.from({ length: count }, (_, i) => {
    const { dev, bytes } = talk.packet({
      ...ORDINARY,
      carries: "udp",
      forth: i % 2 === 0,
      flow: 0,
      payload: i % 4,
      flags: 0,
    });
    return { time: 1.7e15 + i * 1000, dev, packet: bytes, whole: 0, stranger: false };
  });
}

const FORWARD = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m state --state INVALID -j DROP\nCOMMIT\n";
const PLAIN: InterfaceStyle = { link: 0, resolution: 0, says: false, offset: 0 };
const NAMED: SectionStyle = {
  little: true,
  others: 0,
  names: ["lan0", "wan0"],
  swapped: false,
  interfaces: [PLAIN, PLAIN],
};
const USUAL: PcapngStyle = {
  sections: [NAMED],
  mixed: false,
  forms: ["plain"],
  between: ["nothing"],
  link: LINK_LAYERS[0],
};

/** How many of 200 datagrams the core takes, and how their devices were found. */
function take(t: ExecutionContext, style: PcapngStyle): [taken: number, arrivals: Arrivals] {
  const firewall = makeFirewall(FORWARD, {}, ADDRESSED);
  const { left, arrivals, error } = goAtOnce(firewall, pcapngOf(datagrams(200), style), VERIFY_ALL, [100_000]);
  t.is(error, null);
  firewall.close();
  return [left.filter((packet) => packet !== undefined).length, arrivals];
}

test("the core takes pcapng's packets, of several interfaces in turn, in µs and ns", (t) => {
  for (const resolution of [0, 1]) {
    const interfaces: [InterfaceStyle, InterfaceStyle] = [PLAIN, { ...PLAIN, resolution }];
    const [taken, { counts }] = take(t, { ...USUAL, sections: [{ ...NAMED, interfaces }] });
    t.true(taken >= 190, `${taken}`);
    t.is(counts[BY_NAME], 200);
    const [nameless, arrivals] = take(t, { ...USUAL, sections: [{ ...NAMED, names: ["", ""], interfaces }] });
    t.true(nameless >= 190, `${nameless}`);
    t.is(arrivals.counts[BY_MAC], 200);
  }
});

test("what pcapng says of a packet beside its bytes keeps that one from the core, and no other", (t) => {
  for (const form of ["comment", "in", "end", "obsolete"]) {
    const [taken] = take(t, { ...USUAL, forms: [...new Array<string>(9).fill("plain"), form] });
    t.true(taken >= 170 && taken <= 180, `${form}: ${taken}`);
  }
  for (const kind of ["statistics", "unknown", "interface"]) {
    const [taken] = take(t, { ...USUAL, between: [...new Array<string>(9).fill("nothing"), kind] });
    t.true(taken >= 170 && taken <= 180, `${kind}: ${taken}`);
  }
});

/** Both ways leave the same behind. Which share of the packets the core took. */
function agreed(t: ExecutionContext, bytes: Uint8Array, packets: number, make: () => Firewall): number {
  const once = make();
  const seen = goAtOnce(once, bytes, VERIFY_ALL, [100_000]);
  t.deepEqual(stateOf(seen), stateOf(goOneByOne(make(), bytes, VERIFY_ALL)));
  once.close();
  return seen.left.reduce((sum) => sum + 1, 0) / packets;
}

const pcapOver = (sights: readonly Sight[], link: number) =>
  pcapOf(sights, { link: LINK_LAYERS[link], nanoseconds: false, little: true });

test("packets come from more link-layer addresses than the core keeps", (t) => {
  const bytes = pcapOver(datagrams(4000), 0);
  const view = new DataView(bytes.buffer);
  for (let at = 24, i = 0; at < bytes.length; at += 16 + view.getUint32(at + 8, true), i++)
    view.setUint32(at + 24, (i % 7) * (i % 100));
  const taken = agreed(t, bytes, 4000, () => makeFirewall(FORWARD, {}, ADDRESSED));
  t.true(taken > 0.25 && taken < 0.9, `${taken} of the packets were taken`);
});

/** More ports than the core keeps ways, each of its own rule; packets to the same port come together. */
for (const [what, together] of [
  ["no use", 2],
  ["of use", 12],
] as const)
  test(`rules tell so many packets apart that the core forgets their ways: knowing them is ${what}`, (t) => {
    const ports = Array.from({ length: 3500 }, (_, i) => i + 1);
    const accepting = ports.map(
      (port) => `-A FORWARD -p udp -m udp --dport ${port} -j ${port % 7 === 0 ? "DROP" : "ACCEPT"}`,
    );
    const rules = `*filter\n:FORWARD DROP [0:0]\n${accepting.join("\n")}\n-A FORWARD -m state --state INVALID\nCOMMIT\n`;
    const sights = datagrams(2 * together * ports.length).filter(({ dev }) => dev === "lan0");
    for (const [i, { packet }] of sights.entries()) {
      new DataView(packet.buffer).setUint16(22, ports[Math.floor(i / together) % ports.length]);
      new DataView(packet.buffer).setUint16(26, 0);
    }
    const taken = agreed(t, pcapOver(sights, 1), sights.length, () => makeFirewall(rules, {}, ADDRESSED));
    t.true(together > 8 ? taken > 0.8 : taken < 0.5, `${taken} of the packets were taken`);
  });

test("what comes from an address of the host's own the host sent, also where it would take that from others", (t) => {
  const sights = datagrams(400);
  for (const [i, { packet }] of sights.entries()) {
    const view = new DataView(packet.buffer);
    // Others begin connections, too, so that the core knows what becomes of those.
    if (i % 10 === 2) view.setInt32(12, WAN_ADDRESS);
    if (i % 10 === 4) view.setUint16(20, 5000 + i);
    view.setUint16(26, 0);
    view.setUint16(10, 0);
    view.setUint16(10, check(sumOf(view, 0, 20)));
  }
  const sysctl = { "net.ipv4.conf.all.accept_local": 1 };
  const taken = agreed(t, pcapOver(sights, 0), sights.length, () => makeFirewall(FORWARD, sysctl, ADDRESSED));
  t.true(taken > 0.5, `${taken} of the packets were taken`);
});

/** Of wan0: 203.0.113.1. */
const WAN_ADDRESS = 0xcb007101 | 0;

test("a host has more devices than the core knows routes for", (t) => {
  const others = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`d${i}`, { addresses: [] as string[] }]));
  const lan0 = { addresses: ["10.0.0.1/24"], mac: macOf("lan0") };
  const wan0 = { addresses: ["203.0.113.1/24"], mac: macOf("wan0") };
  for (const interfaces of [
    { lan0, wan0, ...others },
    { lan0, ...others, wan0 },
    { ...others, lan0, wan0 },
  ]) {
    const make = () =>
      new Firewall({
        rules: rulesetOf(FORWARD),
        host: new Host({ interfaces, routes: ["default via 203.0.113.254 dev wan0"] }),
      });
    const taken = agreed(t, pcapOver(datagrams(400), 0), 400, make);
    const known = Object.keys(interfaces).indexOf("wan0") < 64;
    t.is(taken > 0.5, known, `${taken} of the packets were taken`);
  }
});
