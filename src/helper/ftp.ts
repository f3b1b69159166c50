/**
 * FTP: a connection for data is announced in the control connection, by the client (the server connects) or by the server (the
 * client does), and begins where that says (nf_conntrack_ftp.c, nf_nat_ftp.c). ftp-commands.ts reads what they say.
 *
 * A command counts only where a line begins. Lines are not put together: what is known of each direction is at which sequence
 * numbers the last two segments that ended with a line ended. A command that names another host than its sender is let
 * through, and nothing expected of it (the module's parameter `loose` is off); one that is cut is dropped.
 */

import { IPS_NAT_MASK } from "../assembly/status.ts";
import { expandIpv6, formatIpv4 } from "../bytes/address.ts";
import { directionOf } from "../conntrack/conntrack.ts";
import { EXPECTED, Expectation } from "../conntrack/expectations.ts";
import type { Helped, Helper } from "../conntrack/helper.ts";
import type { Helping } from "../conntrack/helping.ts";
import { type Direction, Tuple } from "../conntrack/tuple.ts";
import type { RandomSource } from "../host/random.ts";
import { expectSomePort, mangleTcp } from "../nat/mangle.ts";
import { ACCEPT, type Verdict } from "../packet/hook.ts";
import { CT_ESTABLISHED, CT_ESTABLISHED_REPLY, type Packet } from "../packet/packet.ts";
import { IPPROTO_TCP } from "../packet/transport.ts";
import { Command, CUT, findCommand, NONE } from "./ftp-commands.ts";

const NEWLINE = 10;
const TCP_HEADER = 20;
/** In the helper's memory: two sequence numbers of each direction, and how many of them are there. */
const COUNTS = 4;
const REMEMBERED = 2;

const sender = new Tuple();
const command = new Command();

export const ftp: Helper = {
  name: "ftp",
  families: [4, 6],
  protocol: IPPROTO_TCP,
  maxExpected: 1,
  timeout: 300,

  help({ helping, host }, helped, p, l4) {
    if (p.ctinfo !== CT_ESTABLISHED && p.ctinfo !== CT_ESTABLISHED_REPLY) return ACCEPT;
    p.pull(p.length);
    const from = l4 + p.tcpHeaderLength;
    const end = p.start + p.length;
    // What a capture cut off can't be read.
    if (p.cut || l4 + TCP_HEADER > end || from >= end) return ACCEPT;
    const direction = directionOf(p);
    const { memory } = helped;
    const endsLine = p.data[end - 1] === NEWLINE;
    const next = (p.seq + end - from) | 0;
    let verdict: Verdict = ACCEPT;
    if (beginsLine(memory, direction, p.seq)) {
      helped.connections.tuple(helped.handle, direction, sender);
      const found = findCommand(p.data.subarray(from, end), direction, sender, command);
      if (found === CUT) return helping.drop(p, helped, `partial matching of \`${command.pattern}'`);
      if (found !== NONE && namesItself(command, sender)) verdict = announce(helping, host.random, helped, p);
    }
    if (endsLine) rememberLine(memory, direction, next);
    return verdict;
  },
};

function namesItself({ word0, word1, word2, word3 }: Command, { src0, src1, src2, src3 }: Tuple): boolean {
  return word0 === src0 && word1 === src1 && word2 === src2 && word3 === src3;
}

/** find_nl_seq: does a line begin here? */
function beginsLine(memory: Int32Array, direction: Direction, sequence: number): boolean {
  const at = direction * REMEMBERED;
  for (let i = 0; i < memory[COUNTS + direction]; i++) if (memory[at + i] === sequence) return true;
  return false;
}

/** update_nl_seq: the next line begins here, unless two newer ones are known. */
function rememberLine(memory: Int32Array, direction: Direction, sequence: number): void {
  if (beginsLine(memory, direction, sequence)) return;
  const at = direction * REMEMBERED;
  const count = memory[COUNTS + direction];
  if (count < REMEMBERED) {
    memory[at + count] = sequence;
    memory[COUNTS + direction]++;
    return;
  }
  const oldest = ((memory[at] - memory[at + 1]) | 0) < 0 ? at : at + 1;
  if (((memory[oldest] - sequence) | 0) < 0) memory[oldest] = sequence;
}

/** The connection will come from the other side: from where this side's packets go to where the other side's go. */
function announce(helping: Helping, random: RandomSource, helped: Helped, p: Packet): Verdict {
  const { connections, handle } = helped;
  const other = (1 - directionOf(p)) as Direction;
  const expectation = new Expectation(helped);
  const { tuple } = expectation;
  connections.tuple(handle, other, tuple);
  tuple.sport = 0;
  tuple.dport = command.port;
  expectation.matchSourceAddress();
  if ((connections.status(handle) & IPS_NAT_MASK) === 0)
    return helping.expect(p, expectation) === EXPECTED ? ACCEPT : helping.drop(p, helped, "cannot add expectation");

  expectation.follow(command.port, other);
  const port = expectSomePort(helping, p, expectation, random);
  if (port === 0) return helping.drop(p, helped, "all ports in use");
  if (mangleTcp(helped, p, command.offset, command.length, translated(command.pattern, tuple, port))) return ACCEPT;
  helping.expectations.remove(expectation);
  return helping.drop(p, helped, "cannot mangle packet");
}

/** nf_nat_ftp_fmt_cmd: address and port as the other side has to see them. */
function translated(pattern: string, { family, dst0, dst1, dst2, dst3 }: Tuple, port: number): string {
  if (pattern === "229 ") return `|||${port}|`;
  if (pattern === "EPRT")
    return family === 4 ? `|1|${formatIpv4(dst0)}|${port}|` : `|2|${expandIpv6(dst0, dst1, dst2, dst3)}|${port}|`;
  return `${formatIpv4(dst0).replaceAll(".", ",")},${port >> 8},${port & 255}`;
}
