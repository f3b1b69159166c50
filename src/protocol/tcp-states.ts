/**
 * TCP's states as the man in the middle sees them, and what each kind of segment does to them
 * (nf_conntrack_proto_tcp.c: tcp_conntracks).
 *
 * The firewall sees segments that their receiver may never get, and never sees one that the receiver gets: so it follows
 * what was sent, and where it may be out of step with the endpoints it lets a segment pass without believing it.
 *
 *     NO  NONE         nothing seen yet
 *     SS  SYN_SENT     SYN from the originator
 *     S2  SYN_SENT2    SYN from the other side as well: simultaneous open
 *     SR  SYN_RECV     SYN/ACK seen
 *     ES  ESTABLISHED  the handshake's last ACK seen, or picked up in the middle
 *     FW  FIN_WAIT     a FIN seen
 *     CW  CLOSE_WAIT   an ACK after the FIN
 *     LA  LAST_ACK     the second FIN
 *     TW  TIME_WAIT    the last ACK
 *     CL  CLOSE        reset
 *
 *     IG  ignored: passes, state and timeout stay, because the firewall may be the one that is wrong
 *     IV  invalid
 */

import { TCP_KINDS, TCP_NEXT, TCP_VALID } from "../assembly/layout.ts";
import {
  SEGMENT_ACK,
  SEGMENT_FIN,
  SEGMENT_KINDS,
  SEGMENT_NONE,
  SEGMENT_RST,
  SEGMENT_SYN,
  SEGMENT_SYNACK,
  TCP_STATES,
} from "../assembly/tcp-words.ts";
import type { Core } from "../bytes/core.ts";

export const TCP_STATE_NAMES = [
  "NONE",
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
  "TIME_WAIT",
  "CLOSE",
  "SYN_SENT2",
] as const;

const ABBREVIATIONS = ["NO", "SS", "SR", "ES", "FW", "CW", "LA", "TW", "CL", "S2", "IV", "IG"];

const FROM_ORIGINATOR = `
            NO  SS  SR  ES  FW  CW  LA  TW  CL  S2
  SYN       SS  SS  IG  IG  IG  IG  IG  SS  SS  S2
  SYN/ACK   IV  IV  SR  IV  IV  IV  IV  IV  IV  SR
  FIN       IV  IV  FW  FW  LA  LA  LA  TW  CL  IV
  ACK       ES  IV  ES  ES  CW  CW  TW  TW  CL  IV
  RST       IV  CL  CL  CL  CL  CL  CL  CL  CL  CL
  none      IV  IV  IV  IV  IV  IV  IV  IV  IV  IV
`;
// SYN  SR ES FW CW LA   either a stray SYN, which the receiver answers with a RST or a challenge ACK; or the originator
//                       rebooted, and it is the firewall that keeps a dead connection. The answer will tell.
//      TW CL            a port used again (RFC 1122, 4.2.2.13): see `reopens` in tcp.ts for when the entry is replaced
//      SS S2            the SYN once more
// SYN/ACK NO SS         no one can answer a SYN that the firewall has not seen
//      SR S2            the answer to a simultaneous SYN, and its repetition
// FIN  NO SS S2         nothing to close before the handshake has begun to be answered
//      FW               the other FIN, or the first once more: the firewall does not tell them apart
// ACK  NO               picked up in the middle, if nf_conntrack_tcp_loose allows it
//      SS S2            nothing to acknowledge yet
//      LA               the last ACK, unless it is a challenge ACK: see tcp.ts
// RST  NO               resets nothing

const FROM_RESPONDER = `
            NO  SS  SR  ES  FW  CW  LA  TW  CL  S2
  SYN       IV  S2  IV  IV  IV  IV  IV  SS  IV  S2
  SYN/ACK   IV  SR  IG  IG  IG  IG  IG  IG  IG  SR
  FIN       IV  IV  FW  FW  LA  LA  LA  TW  CL  IV
  ACK       IV  IG  SR  ES  CW  CW  TW  TW  CL  IG
  RST       IV  CL  CL  CL  CL  CL  CL  CL  CL  CL
  none      IV  IV  IV  IV  IV  IV  IV  IV  IV  IV
`;
// SYN  SS S2            simultaneous open
//      SR ES FW CW LA   a responder has no business to open
//      TW               the port is used again with the roles exchanged
// SYN/ACK SR            once more, because the last ACK was lost
//      ES FW CW LA TW CL  may answer a SYN that was ignored above: then the firewall falls into step with it
// ACK  SS S2            a challenge to a SYN that did not fit, from a connection that the firewall does not know
//      SR               answers a repeated SYN; only the originator's ACK ends the handshake

function compile(table: string): Uint8Array {
  const [, ...rows] = table.trim().split("\n");
  const cells = rows.map((row) => row.trim().split(/\s+/).slice(1));
  return Uint8Array.from(cells.flat(), (cell) => ABBREVIATIONS.indexOf(cell));
}

const NEXT = new Uint8Array([...compile(FROM_ORIGINATOR), ...compile(FROM_RESPONDER)]);

/** The state after a segment of this kind and direction, or TCP_IGNORE, or TCP_INVALID. */
export function nextState(direction: number, kind: number, state: number): number {
  return NEXT[(direction * SEGMENT_KINDS + kind) * TCP_STATES + state];
}

/** Kinds by the low five bits of the flags: FIN 1, SYN 2, RST 4, (PSH 8), ACK 16. */
const KINDS = Uint8Array.from({ length: 32 }, (_, flags) => {
  if (flags & 4) return SEGMENT_RST;
  if (flags & 2) return flags & 16 ? SEGMENT_SYNACK : SEGMENT_SYN;
  if (flags & 1) return SEGMENT_FIN;
  return flags & 16 ? SEGMENT_ACK : SEGMENT_NONE;
});

/** What kind of segment has these flags (byte 13 of the header). */
export function segmentKind(tcpFlags: number): number {
  return KINDS[tcpFlags & 31];
}

/** FIN, SYN, RST, ACK and URG may stand together only so; PSH, ECE and CWR may join any of them (tcp_valid_flags). */
const VALID_COMBINATIONS: readonly string[] = [
  "SYN",
  "SYN URG",
  "SYN ACK",
  "RST",
  "RST ACK",
  "FIN ACK",
  "FIN ACK URG",
  "ACK",
  "ACK URG",
];
const FLAG_BITS: Readonly<Record<string, number>> = { FIN: 1, SYN: 2, RST: 4, ACK: 16, URG: 32 };
const VALID = new Uint8Array(64);
for (const combination of VALID_COMBINATIONS)
  VALID[combination.split(" ").reduce((bits, flag) => bits | FLAG_BITS[flag], 0)] = 1;

export function validFlags(tcpFlags: number): boolean {
  return VALID[tcpFlags & 0x37] !== 0;
}

/** Puts the tables where the core looks them up (assembly/tcp.ts). */
export function copyTables({ buffer }: Core): void {
  const bytes = new Uint8Array(buffer);
  bytes.set(NEXT, TCP_NEXT);
  bytes.set(KINDS, TCP_KINDS);
  bytes.set(VALID, TCP_VALID);
}
