import test from "ava";
import { buildPacket } from "../flow/build.ts";
import { parseLine } from "../flow/parse.ts";
import { Host } from "../host/host.ts";
import { loadRuleset } from "../index.ts";
import { Firewall } from "./firewall.ts";

const RULES = `*raw
:PREROUTING ACCEPT
-A PREROUTING -p udp --dport 7 -m length --length 29 -j NOTRACK
COMMIT
*nat
:POSTROUTING ACCEPT
-A POSTROUTING -o wan0 -j MASQUERADE
COMMIT
*filter
:FORWARD ACCEPT
-A FORWARD -p tcp --dport 99 -j DROP
COMMIT
`;

function bytesOf(text: string): Uint8Array {
  const node = parseLine(`x > ${text}`);
  if (node.kind !== "event" || node.action.kind !== "packet") throw new Error(text);
  return buildPacket(node.action.packet).bytes;
}

function firewall(): Firewall {
  const interfaces = { lan0: { addresses: ["10.0.0.1/24"] }, wan0: { addresses: ["203.0.113.1/24"] } };
  const host = new Host({ interfaces, routes: ["default dev wan0"] });
  return new Firewall({ host, rules: loadRuleset(RULES, { family: 4, file: "rules.v4" }) });
}

const MINE = "dst=198.51.100.9 sport=4000 dport=80 [UNREPLIED] src=198.51.100.9 dst=203.0.113.1";

const TABLE: readonly [what: string, dev: string, packet: string, state: string, entry: RegExp | null][] = [
  ["a connection begins", "lan0", "tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] seq 1", "NEW", /SYN_SENT/],
  [
    "INVALID, and the table holds it",
    "wan0",
    "tcp 198.51.100.9:80 > 203.0.113.1:4000 [S.] seq 9 ack 777",
    "INVALID",
    /SYN_SENT/,
  ],
  ["INVALID, of no connection", "wan0", "tcp 198.51.100.9:80 > 203.0.113.1:4009 [S.] seq 9 ack 777", "INVALID", null],
  ["NEW and dropped", "lan0", "tcp 10.0.0.2:4000 > 198.51.100.9:99 [S] seq 1", "NEW", null],
  ["a tracked datagram", "lan0", "udp 10.0.0.2:4000 > 198.51.100.9:7 length 5", "NEW", /^udp/],
  ["UNTRACKED, and the table holds it", "lan0", "udp 10.0.0.2:4000 > 198.51.100.9:7 length 1", "UNTRACKED", /^udp/],
  ["UNTRACKED, of no connection", "lan0", "udp 10.0.0.2:4001 > 198.51.100.9:7 length 1", "UNTRACKED", null],
];

test("the entry is that of the packet's tuple, also when conntrack would not have the packet", (t) => {
  const twin = firewall();
  for (const [what, dev, packet, state, entry] of TABLE) {
    const outcome = twin.receive(dev, bytesOf(packet));
    t.is(outcome.state, state as typeof outcome.state, what);
    if (entry === null) t.is(outcome.entry, null, what);
    else t.regex(outcome.entry ?? "none", entry, what);
  }
});

test("an ICMP error that is not taken shows the connection of the packet that it quotes", (t) => {
  const twin = firewall();
  twin.receive("lan0", bytesOf("tcp 10.0.0.2:4000 > 198.51.100.9:80 [S] seq 1"));
  const about = "(tcp 203.0.113.1:4000 > 198.51.100.9:80 [S] seq 1)";
  const error = bytesOf(`icmp 192.0.2.7 > 203.0.113.1 host-unreachable ${about}`);
  error[22] ^= 1;
  const { state, entry } = twin.receive("wan0", error);
  t.is(state, "INVALID");
  t.true(entry?.includes(MINE), String(entry));
});

test("where nothing tracks there is no entry, and bytes that are no packet have none", (t) => {
  const twin = firewall();
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0x45), new Uint8Array(40), new Uint8Array(20).fill(0x45)])
    t.is(twin.receive("lan0", bytes).entry, null);
  t.is(twin.receive("lan0", bytesOf("udp [2001:db8::1]:1 > [2001:db8::2]:2 length 1")).entry, null);
});
