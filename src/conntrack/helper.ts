/**
 * Helpers: what looks into the packets of a connection for other connections that its ends agree upon there
 * (nf_conntrack_helper.c). helper/ implements them, one file each, and Conntrack is handed their table; only a rule
 * (`-j CT --helper`) gives one to a connection.
 */
import type { Family, Verdict } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import type { Connections } from "./connections.ts";
import type { Conntrack } from "./conntrack.ts";
import type { Expectation } from "./expectations.ts";
import type { SequenceAdjustment } from "./sequence.ts";

export interface Helper {
  readonly name: string;
  readonly families: readonly Family[];
  readonly protocol: number;
  /** So many expectations of one connection wait at a time; a further one takes the oldest's place. */
  readonly maxExpected: number;
  /** Seconds that an expectation waits. */
  readonly timeout: number;
  /**
   * Looks at a packet of a helped connection that is about to leave, or to be delivered; `l4` is where its transport
   * header begins. ACCEPT, or what `on.helping.drop` returns, which is told why.
   */
  help(on: Conntrack, helped: Helped, p: Packet, l4: number): Verdict;
}

/** helper/'s table. */
export interface Helpers {
  readonly names: readonly string[];
  /** The helper of that name, for the family and the protocol (nf_conntrack_helper_find). */
  find(name: string, family: Family, protocol: number): Helper | undefined;
}

export const NO_HELPERS: Helpers = { names: [], find: () => undefined };

/** Words that a helper may keep of a connection (NF_CT_HELPER: char data[32]). */
const MEMORY_WORDS = 8;

/** A connection that has a helper, and what belongs to that (struct nf_conn_help, struct nf_conn_seqadj). */
export class Helped {
  readonly connections: Connections;
  readonly handle: number;
  readonly helper: Helper;
  /** What it expects, the newest first. */
  readonly expectations: Expectation[] = [];
  /** The helper's own words. */
  readonly memory = new Int32Array(MEMORY_WORDS);
  /** By how much mangling has moved the sequence numbers of a TCP connection; null: nobody has. */
  sequences: SequenceAdjustment | null = null;
  /** Connections that it expected and that still exist: they keep it from being forgotten. */
  children = 0;
  /** Its connection is in the table, or may come there. */
  alive = true;

  constructor(connections: Connections, handle: number, helper: Helper) {
    this.connections = connections;
    this.handle = handle;
    this.helper = helper;
  }
}
