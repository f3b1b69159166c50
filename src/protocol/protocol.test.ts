import { readFileSync } from "node:fs";
import test from "ava";
import { replay } from "./testing.ts";

const recording = (name: string) => readFileSync(`src/protocol/${name}.recorded.txt`, "utf8");

test("TCP: every kind of segment, in every state, from either side", (t) => {
  t.deepEqual(replay(recording("tcp-states"), "tcp"), []);
});

test("TCP: windows, acknowledgments, retransmissions, resets, and what sysctls change", (t) => {
  t.deepEqual(replay(recording("tcp-window"), "tcp"), []);
});

test("SCTP: every kind of chunk, in every state, from either side; verification tags", (t) => {
  t.deepEqual(replay(recording("sctp"), "sctp"), []);
});

test("UDP, UDP-Lite, ICMP, ICMPv6, their errors, GRE, other protocols", (t) => {
  t.deepEqual(replay(recording("other"), null), []);
});

test("a recording that says otherwise is a difference", (t) => {
  const spoil = (name: string, from: string, to: string) => recording(name).replace(from, to);
  t.is(replay(spoil("tcp-states", "60 SYN_RECV", "61 SYN_RECV"), "tcp").length, 1);
  t.is(replay(spoil("tcp-window", "SEQ is over", "SEQ is under"), "tcp").length, 1);
  t.is(replay(spoil("sctp", "= INVALID", "= NEW"), "sctp").length, 1);
  t.is(replay(spoil("other", "udp 17 120", "udp 17 121"), null).length, 1);
});
