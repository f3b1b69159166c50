/**
 * IRC: a client that offers a file or a talk of its own (DCC) tells the other one, in a message through the server, at which
 * address and port it waits (nf_conntrack_irc.c, nf_nat_irc.c):
 *
 *     PRIVMSG somebody :\x01DCC SEND a.txt 167772162 5001 100\x01
 *
 * The address is one decimal number. Anybody may come.
 */

import { IPS_NAT_MASK } from "../assembly/status.ts";
import { EXPECTED, Expectation } from "../conntrack/expectations.ts";
import type { Helped, Helper } from "../conntrack/helper.ts";
import type { Helping } from "../conntrack/helping.ts";
import { ORIGINAL, REPLY, Tuple } from "../conntrack/tuple.ts";
import type { RandomSource } from "../host/random.ts";
import { expectSomePort, mangleTcp } from "../nat/mangle.ts";
import { ACCEPT, type Verdict } from "../packet/hook.ts";
import { CT_ESTABLISHED, type Packet } from "../packet/packet.ts";
import { IPPROTO_TCP } from "../packet/transport.ts";

const TCP_HEADER = 20;
/** MAX_SEARCH_SIZE: what lies behind is not looked at. */
const MOST_SEARCHED = 4095;
/** The shortest messages: `PRIVMSG x `, and ` :\x01DCC SEND t AAAAAAAA P\x01\n`. */
const SHORTEST_COMMAND = 10;
const SHORTEST_OFFER = 26;
/** `AAAAAAAA P\x01\n` */
const SHORTEST_ADDRESS = 12;
const OFFERS = ["SEND ", "CHAT ", "MOVE ", "TSEND ", "SCHAT "];

const [NEWLINE, CR, SPACE, ZERO, NINE] = [10, 13, 32, 48, 57];

/** Where an offer tells address and port, and what they are. One record is reused. */
const offer = { offset: 0, end: 0, address: 0, port: 0 };
const original = new Tuple();
const reply = new Tuple();

export const irc: Helper = {
  name: "irc",
  families: [4],
  protocol: IPPROTO_TCP,
  maxExpected: 8,
  timeout: 300,

  help({ helping, host }, helped, p, l4) {
    const from = l4 + p.tcpHeaderLength;
    const end = p.start + p.length;
    if (p.ctinfo !== CT_ESTABLISHED || p.cut || l4 + TCP_HEADER > end || from >= end) return ACCEPT;
    const { connections, handle } = helped;
    connections.tuple(handle, ORIGINAL, original);
    connections.tuple(handle, REPLY, reply);
    return findOffer(p.data.subarray(from, Math.min(end, from + MOST_SEARCHED)))
      ? announce(helping, host.random, helped, p)
      : ACCEPT;
  },
};

/** Fills `offer` with the first one, if it tells an address of the client's own. */
function findOffer(data: Uint8Array): boolean {
  let at = 0;
  while (at < data.length - SHORTEST_COMMAND && (data[at] === SPACE || data[at] === CR || data[at] === NEWLINE)) at++;
  if (at < data.length - SHORTEST_COMMAND) {
    if (!has(data, at, "PRIVMSG ", true)) return false;
    at += 8;
  }
  while (at < data.length - SHORTEST_OFFER) {
    if (!has(data, at, " :")) {
      at++;
      continue;
    }
    at += 2;
    if (!has(data, at, "\x01DCC ")) return false;
    at += 5;
    for (const kind of OFFERS) {
      if (!has(data, at, kind)) continue;
      at += kind.length;
      if (readOffer(data, at)) return isOwn();
    }
  }
  return false;
}

function has(data: Uint8Array, at: number, text: string, anyCase = false): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = data[at + i];
    const upper = anyCase && c >= 97 && c <= 122 ? c - 32 : c;
    if (upper !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** The address may be told as the client knows it, or as the server does; another one is forged. */
function isOwn(): boolean {
  return (offer.address === original.src0 || offer.address === reply.dst0) && offer.port !== 0;
}

/** parse_dcc: behind the next word, and before the end of the line. */
function readOffer(data: Uint8Array, from: number): boolean {
  let at = from;
  while (data[at++] !== SPACE) if (at > data.length - SHORTEST_ADDRESS) return false;
  if (data.indexOf(NEWLINE, at) < 0) return false;
  offer.offset = at;
  at = readNumber(data, at);
  offer.address = read | 0;
  while (data[at] === SPACE) at++;
  offer.end = readNumber(data, at);
  offer.port = read & 0xffff;
  return true;
}

/** The last number that `readNumber` read, modulo 2^32. */
let read = 0;

/** simple_strtoul: returns where the digits end. */
function readNumber(data: Uint8Array, from: number): number {
  read = 0;
  let at = from;
  for (; data[at] >= ZERO && data[at] <= NINE; at++) read = (Math.imul(read, 10) + data[at] - ZERO) | 0;
  return at;
}

function announce(helping: Helping, random: RandomSource, helped: Helped, p: Packet): Verdict {
  const expectation = new Expectation(helped);
  const { tuple } = expectation;
  tuple.copyFrom(reply);
  tuple.src0 = tuple.sport = 0;
  tuple.dport = offer.port;
  if ((helped.connections.status(helped.handle) & IPS_NAT_MASK) === 0)
    return helping.expect(p, expectation) === EXPECTED ? ACCEPT : helping.drop(p, helped, "cannot add expectation");

  expectation.follow(offer.port, REPLY);
  const port = expectSomePort(helping, p, expectation, random);
  if (port === 0) return helping.drop(p, helped, "all ports in use");
  if (mangleTcp(helped, p, offer.offset, offer.end - offer.offset, `${tuple.dst0 >>> 0} ${port}`)) return ACCEPT;
  helping.expectations.remove(expectation);
  return helping.drop(p, helped, "cannot mangle packet");
}
