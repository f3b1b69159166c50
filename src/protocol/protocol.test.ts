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
