/**
 * The kernel's connection table, in the lines that `conntrack -L` prints. One connection is asked for by its tuple over
 * netlink, which takes microseconds. All of them come from /proc/net/nf_conntrack: the kernel walks its whole hash for
 * that, a quarter of a millisecond, where a dump over netlink also locks every bucket and takes ten.
 */
import { readFileSync } from "node:fs";
import { formatIpv6, parseIpv6 } from "../bytes/address.ts";
import { formatTuple } from "../conntrack/list.ts";
import type { Tuple } from "../conntrack/tuple.ts";
import type { Family } from "../packet/hook.ts";
import { connectionLine, writeTuple } from "./connection-message.ts";
import { expectationLine } from "./expectation-message.ts";
import { eachMessage, errnoAt, MessageWriter, messageType, NLM_F_ACK, NLM_F_DUMP, NLMSG_ERROR } from "./netlink.ts";
import { EINVAL, ENOENT, type SystemCalls } from "./system-calls.ts";

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_NEW = 0;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const NFNL_SUBSYS_CTNETLINK_EXP = 2;
const IPCTNL_MSG_EXP_NEW = 0;
const IPCTNL_MSG_EXP_GET = 1;
const CONNECTION = messageType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW);
const EXPECTATION = messageType(NFNL_SUBSYS_CTNETLINK_EXP, IPCTNL_MSG_EXP_NEW);

export class ConntrackTable {
  readonly #calls: SystemCalls;
  readonly #fd: number;
  readonly #message = new MessageWriter();

  /** Of the network namespace that the process is in. */
  constructor(calls: SystemCalls) {
    this.#calls = calls;
    this.#fd = calls.openNetfilterSocket();
  }

  /** The line of the connection that has this tuple in one of its directions, in this zone; null: there is none. */
  find(tuple: Tuple, zone = 0): string | null {
    this.#message.begin(messageType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET), 0, tuple.family);
    writeTuple(this.#message, tuple, zone);
    return this.#ask()[0] ?? null;
  }

  /** The lines of all connections, those of IPv4 first, or of one family. */
  list(family?: Family): string[] {
    const lines = readFileSync("/proc/self/net/nf_conntrack", "utf8").split("\n");
    const families: readonly Family[] = family === undefined ? [4, 6] : [family];
    return families.flatMap((one) => lines.filter((line) => line.startsWith(`ipv${one} `)).map(asConntrackPrints));
  }

  /** What helpers expect, as `conntrack -L expect` prints it. */
  expectations(): string[] {
    this.#message.begin(messageType(NFNL_SUBSYS_CTNETLINK_EXP, IPCTNL_MSG_EXP_GET), NLM_F_DUMP, 0);
    return this.#ask();
  }

  /** Forgets all connections. */
  flush(): void {
    this.#message.begin(messageType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE), NLM_F_ACK, 0);
    this.#ask();
  }

  /** Sends the message; the lines of what the kernel answers with. What is not there, or cannot be, is none. */
  #ask(): string[] {
    const lines: string[] = [];
    const now = Date.now();
    let refused = 0;
    this.#calls.send(this.#fd, this.#message.finish());
    this.#calls.receiveAll(this.#fd, (view, from, to) => {
      eachMessage(view, from, to, (type, start, end) => {
        if (type === CONNECTION) lines.push(connectionLine(view, start, end, now));
        else if (type === EXPECTATION) lines.push(expectationLine(view, start, end));
        else if (type === NLMSG_ERROR) refused = errnoAt(view, start);
      });
    });
    if (refused !== 0 && refused !== ENOENT && refused !== EINVAL) this.#calls.fail("conntrack over netlink", refused);
    return lines;
  }

  close(): void {
    this.#calls.close(this.#fd);
  }
}

/** nf_conntrack_standalone.c: ct_seq_show → libnetfilter_conntrack's default output. */
function asConntrackPrints(line: string): string {
  return (
    line
      .replace(/^ipv[46] +\d+ /, "")
      .replace(/timeout=\d+, stream_timeout=\d+ /, "")
      .replace(/^unknown {2}33 (.*?dst=\S+)(.*?dst=\S+)/, "dccp     33 $1 sport=0 dport=0$2 sport=0 dport=0")
      // ctnetlink_dump_zone_id: zone 0 is not told, whichever direction it is for.
      .replace(/ zone(-orig|-reply)?=0\b/, "")
      .replace(/ use=(\d+)/, (_, use: string) => ` use=${Number(use) - 1}`)
      .replace(/\b(src|dst)=([0-9a-f:]{39})\b/g, (_, side: string, address: string) => `${side}=${compress(address)}`)
  );
}

function compress(address: string): string {
  const words = parseIpv6(address);
  return words === null ? address : formatIpv6(words[0], words[1], words[2], words[3]);
}

/**
 * The line without what depends on the instant it is read: the timeout, the age (/proc cuts it to seconds otherwise than
 * the conntrack program), and how many hold the entry just now.
 */
export function withoutInstant(line: string): string {
  return line
    .replace(/^(\S+ +\d+ )\d+ /, "$1")
    .replace(/ delta-time=\d+/, " delta-time")
    .replace(/ use=\d+/, "");
}

/** Of the lines, those of connections that have this tuple in one of their directions, in whatever zone. */
export function linesWith(tuple: Tuple, lines: readonly string[]): string[] {
  const words = `${formatTuple(tuple)} `;
  return lines.filter((line) => Number(line.match(/^\S+ +(\d+)/)?.[1]) === tuple.protocol && line.includes(words));
}
