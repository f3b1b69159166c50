/**
 * Recordings of the kernel's connection tracking, replayed: the `*.recorded.txt` beside this file.
 *
 * A recording is a list of cases, each on connections of its own, all at one moment:
 *
 *     %% tcp_loose=0                     nf_conntrack_ sysctls from here on
 *     == ESTABLISHED                     packets that lead somewhere, under a name
 *     -- ESTABLISHED: a stray SYN        a case; it begins where the packets of that name end
 *     > S seq=9000 = ESTABLISHED  432000 ESTABLISHED [ASSURED] 2+1  ! packet (index 0) …
 *
 * A packet goes from the originator (>) or from the responder (<). Behind `=` stands what the kernel made of it: ctstate,
 * and "reply" when that is its direction; the entry right after it (timeout, state, flags, packets of both directions)
 * or "-"; behind each `!` a sentence of nf_conntrack_log_invalid. Packets may also be written in hexadecimal; then
 * the answer follows on lines of its own, with the entries as `conntrack -L` prints them, and `+ 2.1` lets that many
 * seconds pass.
 */
import { check, crc32c, pseudoSum4, sumOf } from "../bytes/checksum.ts";
import { Conntrack } from "../conntrack/conntrack.ts";
import { Host } from "../host/host.ts";
import { ACCEPT } from "../packet/hook.ts";
import { CT_ESTABLISHED_REPLY, CT_NEW, CT_RELATED, CT_RELATED_REPLY, CT_UNTRACKED, Packet } from "../packet/packet.ts";
import { IPPROTO_SCTP, IPPROTO_TCP } from "../packet/transport.ts";
import {
  CHUNK_ABORT,
  CHUNK_COOKIE_ACK,
  CHUNK_COOKIE_ECHO,
  CHUNK_DATA,
  CHUNK_ERROR,
  CHUNK_HEARTBEAT,
  CHUNK_HEARTBEAT_ACK,
  CHUNK_INIT,
  CHUNK_INIT_ACK,
  CHUNK_SHUTDOWN,
  CHUNK_SHUTDOWN_ACK,
  CHUNK_SHUTDOWN_COMPLETE,
} from "./sctp-states.ts";
import { trackers } from "./trackers.ts";

const ORIGINATOR = 0x0a000102;
const RESPONDER = 0x0a000202;
const SERVICE = 80;
const NOW = 1_700_000_000_000_000;

/** A tracker by itself: every packet is confirmed, as a ruleset that accepts all does. */
export class Bench {
  readonly host: Host;
  readonly conntrack: Conntrack;
  readonly packet = new Packet();
  /** Sentences about the last packet. */
  said: string[] = [];

  constructor(sysctl: Readonly<Record<string, number>> = {}) {
    const keys = Object.entries({ acct: 1, log_invalid: 255, ...sysctl });
    this.host = new Host({ sysctl: Object.fromEntries(keys.map(([k, v]) => [`net.netfilter.nf_conntrack_${k}`, v])) });
    this.host.now = NOW;
    this.conntrack = new Conntrack(this.host, trackers);
    this.conntrack.onInvalid = (_p, prefix) => this.said.push(prefix.replace(/^nf_ct_proto_\d+: /, "").trimEnd());
  }

  /** Tracks and confirms; says what it became, as recordings do. */
  see(bytes: Uint8Array): string {
    const p = this.packet;
    this.said = [];
    p.loadBytes(bytes);
    const accepted = this.conntrack.track(p) === ACCEPT && this.conntrack.confirm(p) === ACCEPT;
    return accepted ? stateOf(p) : "dropped";
  }
}

/** As `-m conntrack --ctstate` and `--ctdir` see the packet. */
export function stateOf(p: Packet): string {
  if (p.ct === 0) return p.ctinfo === CT_UNTRACKED ? "UNTRACKED" : "INVALID";
  const reply = p.ctinfo >= CT_ESTABLISHED_REPLY ? " reply" : "";
  if (p.ctinfo === CT_NEW) return "NEW";
  return (p.ctinfo === CT_RELATED || p.ctinfo === CT_RELATED_REPLY ? "RELATED" : "ESTABLISHED") + reply;
}

/** Replays a recording; returns the differences, as lines. `protocol` is that of its notation, or null: hexadecimal. */
export function replay(recording: string, protocol: "tcp" | "sctp" | null): string[] {
  const lines = recording.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return protocol === null ? replayHex(lines) : replayNotation(lines, protocol);
}

function replayNotation(lines: readonly string[], protocol: "tcp" | "sctp"): string[] {
  const differences: string[] = [];
  const paths = new Map<string, string[]>();
  let bench = new Bench();
  let port = 1000;
  let name = "";
  for (const line of lines) {
    if (line.startsWith("%%")) {
      const settings = line.slice(2).trim().split(" ");
      bench = new Bench(Object.fromEntries(settings.map((s) => [s.split("=")[0], Number(s.split("=")[1])])));
      paths.clear();
    } else if (line.startsWith("== ")) {
      name = line.slice(3);
      port++;
      paths.set(name, []);
    } else if (line.startsWith("-- ")) {
      name = line.slice(3);
      port++;
      for (const packet of paths.get(name.split(":")[0]) ?? []) bench.see(build(protocol, packet, port));
    } else {
      const [packet, expected] = line.split(/ +(?== (?:NEW|ESTABLISHED|RELATED|INVALID|UNTRACKED|dropped))/);
      paths.get(name)?.push(packet);
      const state = bench.see(build(protocol, packet, port));
      const words = [`${state.padEnd(18)} ${entryOf(bench, port)}`, ...bench.said.map((s) => ` ! ${s}`)].join(" ");
      if (`= ${words}` !== expected) differences.push(`${name}: ${packet} ${expected}, here = ${words}`);
    }
  }
  return differences;
}

function replayHex(lines: readonly string[]): string[] {
  const differences: string[] = [];
  let bench = new Bench();
  let name = "";
  for (let i = 0; i < lines.length; ) {
    if (lines[i].startsWith("-- ")) {
      name = lines[i++].slice(3);
      bench = new Bench();
      continue;
    }
    if (lines[i].startsWith("+ ")) {
      bench.host.now += Number(lines[i++].slice(2)) * 1_000_000;
      continue;
    }
    const packet = lines[i++].slice(2);
    const expected: string[] = [];
    while (i < lines.length && lines[i].startsWith("  ")) expected.push(lines[i++].trim());
    const state = bench.see(bytesOfHex(packet));
    const entries = bench.conntrack.list().map((entry) => entry.replace(/ mark=0 use=1$/, "").replace(/ +/g, " "));
    const here = [["= " + state, ...bench.said.map((s) => ` ! ${s}`)].join(" "), ...entries.sort()];
    if (here.join("\n") !== expected.join("\n"))
      differences.push(`${name}: ${packet}\n${expected.join("\n")}\nhere\n${here.join("\n")}`);
  }
  return differences;
}

/** Timeout, state, flags and packets of the connection from `port`, or "-". */
function entryOf(bench: Bench, port: number): string {
  const line = bench.conntrack.list().find((entry) => entry.includes(`sport=${port} `));
  if (line === undefined) return "-";
  const [, , timeout, state] = line.split(/ +/);
  const flags = line.match(/\[(?:UNREPLIED|ASSURED)\]/g) ?? [];
  const packets = [...line.matchAll(/packets=(\d+)/g)].map((m) => m[1]).join("+");
  return [timeout, ...(state.includes("=") ? [] : [state]), ...flags, packets].join(" ");
}

export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

// ── packets ──────────────────────────────────────────────────────────────────────────────────────────

const FLAGS = "FSRPAUEC";
const CHUNKS: Readonly<Record<string, number>> = {
  DATA: CHUNK_DATA,
  INIT: CHUNK_INIT,
  INIT_ACK: CHUNK_INIT_ACK,
  HEARTBEAT: CHUNK_HEARTBEAT,
  HEARTBEAT_ACK: CHUNK_HEARTBEAT_ACK,
  ABORT: CHUNK_ABORT,
  SHUTDOWN: CHUNK_SHUTDOWN,
  SHUTDOWN_ACK: CHUNK_SHUTDOWN_ACK,
  ERROR: CHUNK_ERROR,
  COOKIE_ECHO: CHUNK_COOKIE_ECHO,
  COOKIE_ACK: CHUNK_COOKIE_ACK,
  SHUTDOWN_COMPLETE: CHUNK_SHUTDOWN_COMPLETE,
};

/** `> SA seq=1 ack=2 len=3 win=4 opts=0402 bad`, `< tag=11 INIT_ACK(22) DATA/T(00) bad` between 10.0.1.2:port and 10.0.2.2:80. */
export function build(protocol: "tcp" | "sctp", text: string, port: number): Uint8Array {
  const [arrow, ...words] = text.trim().split(/ +/);
  const l4 = protocol === "tcp" ? tcpBytes(words) : sctpBytes(words);
  const view = new DataView(l4.buffer);
  const ends = [ORIGINATOR, RESPONDER];
  const ports = [port, SERVICE];
  if (arrow === "<") {
    ends.reverse();
    ports.reverse();
  }
  view.setUint16(0, ports[0]);
  view.setUint16(2, ports[1]);
  const spoiled = words.includes("bad") ? 1 : 0;
  if (protocol === "tcp") {
    const pseudo = pseudoSum4(ends[0], ends[1], IPPROTO_TCP, l4.length);
    view.setUint16(16, check(sumOf(view, 0, l4.length) + pseudo) ^ spoiled);
  } else view.setInt32(8, ~crc32c(view, 0, l4.length) ^ spoiled, true);
  return ipv4(ends[0], ends[1], protocol === "tcp" ? IPPROTO_TCP : IPPROTO_SCTP, l4);
}

function field(words: readonly string[], name: string, otherwise: string): string {
  return words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? otherwise;
}

function tcpBytes(words: readonly string[]): Uint8Array {
  const options = bytesOfHex(field(words, "opts", ""));
  const header = 20 + ((options.length + 3) & ~3);
  const bytes = new Uint8Array(header + Number(field(words, "len", "0")));
  const view = new DataView(bytes.buffer);
  view.setUint32(4, Number(field(words, "seq", "0")));
  view.setUint32(8, Number(field(words, "ack", "0")));
  bytes[12] = header << 2;
  for (const flag of words[0]) if (flag !== "-") bytes[13] |= 1 << FLAGS.indexOf(flag);
  view.setUint16(14, Number(field(words, "win", "1000")));
  bytes.fill(1, 20, header);
  bytes.set(options, 20);
  return bytes;
}

function sctpBytes(words: readonly string[]): Uint8Array {
  const bytes: number[] = new Array(12).fill(0);
  for (const word of words) {
    const chunk = word.match(/^([A-Z_]+)(\/T)?(?:\(([0-9a-f]*)\))?$/);
    if (chunk === null) continue;
    const type = CHUNKS[chunk[1]];
    let value = [...bytesOfHex(chunk[3] ?? "")];
    if (type === CHUNK_INIT || type === CHUNK_INIT_ACK)
      value = [...bytesOfHex((chunk[3] ?? "").padStart(8, "0")), ...new Array(12).fill(0)];
    bytes.push(type, chunk[2] === undefined ? 0 : 1, 0, 4 + value.length, ...value);
    while (bytes.length % 4 !== 0) bytes.push(0);
  }
  const packet = Uint8Array.from(bytes);
  new DataView(packet.buffer).setUint32(4, Number.parseInt(field(words, "tag", "0"), 16));
  return packet;
}

/** An IPv4 packet around a transport header. */
export function ipv4(source: number, destination: number, protocol: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20 + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x45;
  view.setUint16(2, bytes.length);
  view.setUint16(6, 0x4000);
  bytes[8] = 64;
  bytes[9] = protocol;
  view.setInt32(12, source);
  view.setInt32(16, destination);
  view.setUint16(10, check(sumOf(view, 0, 20)));
  bytes.set(payload, 20);
  return bytes;
}
