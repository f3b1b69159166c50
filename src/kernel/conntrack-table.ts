/**
 * The kernel's connection table, read from /proc/net/nf_conntrack (a quarter of a millisecond, where the conntrack
 * program needs ten) and rewritten into the lines that `conntrack -L` prints.
 */
import { readFileSync } from "node:fs";
import { formatIpv6, parseIpv6 } from "../bytes/address.ts";
import { formatTuple } from "../conntrack/list.ts";
import { tupleOf } from "../path/entry-of.ts";

/** All connections of the namespace, each once, as `conntrack -L` (or `conntrack -L -f ipv6`) prints them. */
export function readConnections(family: 4 | 6): string[] {
  const prefix = family === 4 ? "ipv4 " : "ipv6 ";
  const lines = readFileSync("/proc/self/net/nf_conntrack", "utf8").split("\n");
  return lines.filter((line) => line.startsWith(prefix)).map(asConntrackPrints);
}

/** nf_conntrack_standalone.c: ct_seq_show → libnetfilter_conntrack's default output. */
export function asConntrackPrints(line: string): string {
  return line
    .replace(/^ipv[46] +\d+ /, "")
    .replace(/timeout=\d+, stream_timeout=\d+ /, "")
    .replace(/^unknown {2}33 (.*?dst=\S+)(.*?dst=\S+)/, "dccp     33 $1 sport=0 dport=0$2 sport=0 dport=0")
    .replace(/ zone=0\b/, "")
    .replace(/ use=(\d+)/, (_, use: string) => ` use=${Number(use) - 1}`)
    .replace(/\b(src|dst)=([0-9a-f:]{39})\b/g, (_, side: string, address: string) => `${side}=${compress(address)}`);
}

function compress(address: string): string {
  const words = parseIpv6(address);
  return words === null ? address : formatIpv6(words[0], words[1], words[2], words[3]);
}

/** The line without what depends on the instant it is read: the timeout, and how many hold the entry just now. */
export function withoutInstant(line: string): string {
  return line.replace(/^(\S+ +\d+ )\d+ /, "$1").replace(/ use=\d+/, "");
}

/** The line of the connection that a packet belongs to, by the tuple it had when it came; null: the table holds none. */
export function entryOf(bytes: Uint8Array, lines: readonly string[]): string | null {
  const tuple = tupleOf(bytes);
  if (tuple === null) return null;
  const words = `${formatTuple(tuple)} `;
  return (
    lines.find((line) => Number(line.match(/^\S+ +(\d+)/)?.[1]) === tuple.protocol && line.includes(words)) ?? null
  );
}
