/**
 * SCTP's states, and what each kind of chunk does to them (nf_conntrack_proto_sctp.c: sctp_conntracks). They are those of
 * the association, not of one of its ends.
 *
 *     NO  NONE               nothing seen yet
 *     CL  CLOSED             an INIT of which no INIT ACK is seen, or the association is over
 *     CW  COOKIE_WAIT        INIT ACK seen
 *     CE  COOKIE_ECHOED      COOKIE ECHO seen
 *     ES  ESTABLISHED        COOKIE ACK seen, or the answer to a HEARTBEAT that began the flow
 *     SS  SHUTDOWN_SENT      SHUTDOWN from the originator
 *     SR  SHUTDOWN_RECD      SHUTDOWN from the responder
 *     SA  SHUTDOWN_ACK_SENT  SHUTDOWN ACK seen
 *     HS  HEARTBEAT_SENT     the flow began with a HEARTBEAT: another path of a known association
 *
 *     IV  invalid
 */

export const SCTP_NONE = 0;
export const SCTP_CLOSED = 1;
export const SCTP_COOKIE_WAIT = 2;
export const SCTP_COOKIE_ECHOED = 3;
export const SCTP_ESTABLISHED = 4;
export const SCTP_SHUTDOWN_SENT = 5;
export const SCTP_SHUTDOWN_RECD = 6;
export const SCTP_SHUTDOWN_ACK_SENT = 7;
export const SCTP_HEARTBEAT_SENT = 8;
export const SCTP_INVALID = 9;

export const SCTP_STATE_NAMES = [
  "NONE",
  "CLOSED",
  "COOKIE_WAIT",
  "COOKIE_ECHOED",
  "ESTABLISHED",
  "SHUTDOWN_SENT",
  "SHUTDOWN_RECD",
  "SHUTDOWN_ACK_SENT",
  "HEARTBEAT_SENT",
] as const;

/** Chunk types (RFC 9260, 3.2). */
export const CHUNK_DATA = 0;
export const CHUNK_INIT = 1;
export const CHUNK_INIT_ACK = 2;
export const CHUNK_HEARTBEAT = 4;
export const CHUNK_HEARTBEAT_ACK = 5;
export const CHUNK_ABORT = 6;
export const CHUNK_SHUTDOWN = 7;
export const CHUNK_SHUTDOWN_ACK = 8;
export const CHUNK_ERROR = 9;
export const CHUNK_COOKIE_ECHO = 10;
export const CHUNK_COOKIE_ACK = 11;
export const CHUNK_SHUTDOWN_COMPLETE = 14;

const ABBREVIATIONS = ["NO", "CL", "CW", "CE", "ES", "SS", "SR", "SA", "HS", "IV"];

/** Rows of the tables, by chunk type; other chunks (DATA, SACK, …) leave the state as it is. */
const ROWS = [
  CHUNK_INIT,
  CHUNK_INIT_ACK,
  CHUNK_ABORT,
  CHUNK_SHUTDOWN,
  CHUNK_SHUTDOWN_ACK,
  CHUNK_ERROR,
  CHUNK_COOKIE_ECHO,
  CHUNK_COOKIE_ACK,
  CHUNK_SHUTDOWN_COMPLETE,
  CHUNK_HEARTBEAT,
  CHUNK_HEARTBEAT_ACK,
];

const FROM_ORIGINATOR = `
                      NO  CL  CW  CE  ES  SS  SR  SA  HS
  INIT                CL  CL  CW  CE  ES  CL  CL  SA  CW
  INIT_ACK            CL  CL  CW  CE  ES  SS  SR  SA  CL
  ABORT               CL  CL  CL  CL  CL  CL  CL  CL  CL
  SHUTDOWN            CL  CL  CW  CE  SS  SS  SR  SA  CL
  SHUTDOWN_ACK        SA  CL  CW  CE  ES  SA  SA  SA  SA
  ERROR               CL  CL  CW  CE  ES  SS  SR  SA  CL
  COOKIE_ECHO         CL  CL  CE  CE  ES  SS  SR  SA  CL
  COOKIE_ACK          CL  CL  CW  ES  ES  SS  SR  SA  CL
  SHUTDOWN_COMPLETE   CL  CL  CW  CE  ES  SS  SR  CL  CL
  HEARTBEAT           HS  CL  CW  CE  ES  SS  SR  SA  HS
  HEARTBEAT_ACK       CL  CL  CW  CE  ES  SS  SR  SA  HS
`;
// INIT          SS SR   the association is being shut down, and already begun anew
//               HS      the path is used for a new association
// SHUTDOWN_ACK  NO      out of the blue: what answers it is let back (RFC 9260, 8.4)
// anything else NO HS   a flow that the firewall missed the beginning of

const FROM_RESPONDER = `
                      NO  CL  CW  CE  ES  SS  SR  SA  HS
  INIT                IV  CL  CW  CE  ES  SS  SR  SA  IV
  INIT_ACK            IV  CW  CW  CE  ES  SS  SR  SA  IV
  ABORT               IV  CL  CL  CL  CL  CL  CL  CL  IV
  SHUTDOWN            IV  CL  CW  CE  SR  SS  SR  SA  IV
  SHUTDOWN_ACK        IV  CL  CW  CE  ES  SA  SA  SA  IV
  ERROR               IV  CL  CW  CL  ES  SS  SR  SA  IV
  COOKIE_ECHO         IV  CL  CE  CE  ES  SS  SR  SA  IV
  COOKIE_ACK          IV  CL  CW  ES  ES  SS  SR  SA  IV
  SHUTDOWN_COMPLETE   IV  CL  CW  CE  ES  SS  SR  CL  IV
  HEARTBEAT           IV  CL  CW  CE  ES  SS  SR  SA  HS
  HEARTBEAT_ACK       IV  CL  CW  CE  ES  SS  SR  SA  ES
`;
// ERROR         CE      a stale cookie: the association does not come to be
// HEARTBEAT_ACK HS      the other path is confirmed
// anything else HS      only the answer to the HEARTBEAT may come

function compile(table: string): Uint8Array {
  const [, ...rows] = table.trim().split("\n");
  const cells = rows.map((row) => row.trim().split(/\s+/).slice(1));
  return Uint8Array.from(cells.flat(), (cell) => ABBREVIATIONS.indexOf(cell));
}

const NEXT = new Uint8Array([...compile(FROM_ORIGINATOR), ...compile(FROM_RESPONDER)]);
const STATES = SCTP_STATE_NAMES.length;

/** The state after a chunk of this type and direction, or SCTP_INVALID. */
export function nextState(direction: number, chunk: number, state: number): number {
  const row = ROWS.indexOf(chunk);
  return row < 0 ? state : NEXT[(direction * ROWS.length + row) * STATES + state];
}
