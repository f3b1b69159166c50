/**
 * The running Linux kernel behind the same face as the twin: rules and a host in, packets through, Outcomes out.
 *
 * Packets are injected one by one through TUN devices (or a raw socket, for those the host sends); each is handled to
 * its end inside the write. What left is read back from the devices; which hooks it passed, which rules matched and
 * what conntrack called it comes from TRACE and watch marks over nfnetlink_log (watch.ts). The kernel does not say why
 * it dropped a packet outside the rules: `by` is then the reason KERNEL_SILENT.
 */

import type { Tuple } from "../conntrack/tuple.ts";
import type { Family, TableName } from "../packet/hook.ts";
import { FORWARD, INPUT, OUTPUT, PREROUTING } from "../packet/hook.ts";
import { IP_MF, IP_OFFSET } from "../packet/ipv4.ts";
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "../packet/transport.ts";
import { tupleOf } from "../path/entry-of.ts";
import type { By, Emitted, PathName, StateName, VerdictName } from "../path/firewall.ts";
import type { Ruleset, Use } from "../rules/ruleset.ts";
import { linesWith, withoutInstant } from "./conntrack-table.ts";
import { fragmentIdOf } from "./fragment-id.ts";
import { tool } from "./namespace.ts";
import type { LogMessage } from "./netfilter-log.ts";
import { KernelNetwork, type KernelSetup } from "./network.ts";
import type { EventAnswer, TraceLine } from "./scenario.ts";
import { sleep } from "./tick-clock.ts";
import { MARK_DELIVERED, MARK_HOOK, MARK_LEAVES, MARK_STATE } from "./watch.ts";

export const KERNEL_SILENT = "the kernel does not say";

/** How the kernel's own messages begin. */
const TRACE = "TRACE: ";
/** A tracker's, and a helper's. */
const COMPLAINT = /^nf_ct_(proto_\d+|[^_\s]+): /;

export class KernelFirewall {
  readonly #network: KernelNetwork;
  readonly #setup: KernelSetup;
  /** 0, and the zones that rules put connections into, of which a packet's bytes tell nothing. */
  readonly #zones: readonly number[];
  /** Where there are zones: connections that were there after an earlier packet. */
  readonly #known = new Set<string>();
  /** Rules give connections helpers, which /proc does not tell. */
  readonly #helped: boolean;
  /** What TRACE prefixes say. */
  readonly #lines = { 4: new Map<string, TraceLine | null>(), 6: new Map<string, TraceLine | null>() };
  /** Does an answer hold all connections, too? */
  everyConnection = true;
  /** What left while it waited. */
  #before: readonly Emitted[] = [];
  /** The last packet as it was delivered to the host itself, or null. */
  delivered: Uint8Array | null = null;

  /**
   * `network` was made or renewed for this setup, and nobody else uses it. Without one the firewall has a network of
   * its own until it is closed. Throws as KernelNetwork does.
   */
  constructor(setup: KernelSetup, network = new KernelNetwork(setup)) {
    this.#setup = setup;
    this.#network = network;
    const zones = `${setup.rules}\n${setup.rules6}`.matchAll(/ --zone(?:-orig|-reply)? (\w+)/g);
    this.#helped = `${setup.rules}\n${setup.rules6}`.includes("-j CT --helper ");
    this.#zones = [...new Set([0, ...Array.from(zones, ([, zone]) => Number(zone))])];
  }

  /** Can a packet arrive on this device? It can't on lo, or where there is none. */
  has(dev: string): boolean {
    return this.#network.has(dev);
  }

  /** Lets so many seconds pass, and then some milliseconds until a tick begins: what comes next is not interrupted by one. */
  wait(seconds: number): void {
    sleep(seconds);
    this.#network.clock.awaitTick();
    this.gather();
  }

  /** Time has passed: what timers made the host send by now is told with the next packet. */
  gather(): void {
    this.#before = this.#network.drain();
    this.#network.messages();
  }

  /** A packet arrives on `dev`. */
  receive(dev: string, bytes: Uint8Array): EventAnswer {
    const time = this.#network.clock.now();
    this.#network.receive(dev, bytes);
    return this.#outcome(dev, bytes, time, this.#network.clock.hasTicked(time));
  }

  /** The host itself sends a packet, from a socket that may be bound to a device. */
  send(bytes: Uint8Array, outDev: string | null = null): EventAnswer {
    const time = this.#network.clock.now();
    this.#network.send(bytes, outDev);
    return this.#outcome(null, bytes, time, this.#network.clock.hasTicked(time));
  }

  /** iptables-save -c text with the counters as they are now, without its comment lines. */
  save(family: Family): string {
    const text = tool(family === 4 ? "iptables-legacy-save" : "ip6tables-legacy-save", ["-c"]);
    return text
      .split("\n")
      .filter((line) => !line.startsWith("#"))
      .join("\n");
  }

  /** `conntrack -L` lines. */
  connections(family?: Family): string[] {
    return this.#helped ? listed(family) : this.#network.connections.list(family);
  }

  /** Lines of `ipset save`. */
  sets(): string[] {
    return tool("ipset", ["save"]).split("\n");
  }

  /** Expectations as `conntrack -L expect` prints them. */
  expectations(): string[] {
    return this.#network.connections.expectations();
  }

  close(): void {
    this.#network.close();
  }

  #outcome(dev: string | null, bytes: Uint8Array, time: number, ticked: boolean): EventAnswer {
    const family: Family = bytes[0] >>> 4 === 6 ? 6 : 4;
    const out = this.#network.drain();
    const before = this.#before;
    this.#before = [];
    const messages = this.#network.messages();
    const own = ownMessages(messages, dev === null);
    this.delivered = own.find((m) => m.prefix === MARK_DELIVERED)?.payload ?? null;
    const path = pathOf(own, dev === null);
    const passed = own.some((m) => m.prefix === MARK_DELIVERED) || left(own, out);
    const trace = this.#trace(own);
    const whole = own.length === messages.length ? trace : this.#trace(messages);
    const by = decider(trace, this.#setup.rulesets[family], passed);
    const connections = this.everyConnection ? this.connections() : null;
    const state = stateOf(own);
    // As conntrack saw it: a fragment with all that it belongs to.
    const tracked = own.find((m) => m.prefix.startsWith(MARK_STATE))?.payload ?? bytes;
    const certain = passed && state !== null && state !== "INVALID" && state !== "UNTRACKED";
    const entry = this.#entryOf(tracked, connections, certain);
    const id = state === "NEW" ? tupleOf(tracked)?.sport : undefined;
    const translated = state === "NEW" ? tupleAfterDestination(own) : null;
    const destinationPort = entry === null && translated !== null && hasPorts(translated) ? translated.dport : null;
    const natId = translated === null || !hasId(translated) || translated.sport === id ? null : translated.sport;
    const ids = lostIds(messages, bytes, out);
    return {
      time,
      in: dev,
      path,
      state,
      verdict: this.#verdict(by, family, passed),
      by,
      out,
      entry,
      connections,
      ...(this.#helped ? { expectations: this.expectations() } : {}),
      trace: whole,
      invalid: messages.filter((m) => COMPLAINT.test(m.prefix)).map((m) => complaintOf(m.prefix)),
      ...(destinationPort === null ? {} : { destinationPort }),
      ...(natId === null ? {} : { natId }),
      ...(before.length > 0 ? { before: sorted(before) } : {}),
      ...(ticked ? { ticked: true as const } : {}),
      ...(ids === null ? {} : { ids }),
    };
  }

  /**
   * The line of the connection that a packet belongs to, by the tuple it has; null: the table holds none. Where there
   * are zones it is the one that was not there before; else the only one, of a packet that is `certain` to have one.
   */
  #entryOf(bytes: Uint8Array, connections: readonly string[] | null, certain: boolean): string | null {
    const tuple = tupleOf(bytes);
    if (this.#zones.length === 1) return tuple === null ? null : this.#network.connections.find(tuple);
    const lines = tuple === null ? [] : this.#inZones(tuple, connections);
    const fresh = lines.filter((line) => !this.#known.has(withoutInstant(line)));
    for (const line of connections ?? lines) this.#known.add(withoutInstant(line));
    if (fresh.length === 1) return fresh[0];
    return certain && lines.length === 1 ? lines[0] : null;
  }

  /** The lines of connections that have this tuple in one of their directions, in any zone. */
  #inZones(tuple: Tuple, connections: readonly string[] | null): string[] {
    if (connections !== null) return linesWith(tuple, connections);
    const found = this.#zones.map((zone) => this.#network.connections.find(tuple, zone));
    return [...new Set(found.filter((line) => line !== null))];
  }

  #trace(messages: readonly LogMessage[]): TraceLine[] {
    const lines: TraceLine[] = [];
    for (const { prefix, family } of messages) {
      if (!prefix.startsWith(TRACE)) continue;
      let line = this.#lines[family].get(prefix);
      if (line === undefined) {
        line = traceLine(prefix, this.#setup.rulesets[family]);
        this.#lines[family].set(prefix, line);
      }
      if (line !== null) lines.push(line);
    }
    return lines;
  }

  #verdict(by: By, family: Family, passed: boolean): VerdictName {
    if (passed) return "ACCEPT";
    if (!("rule" in by)) return "DROP";
    const table = this.#setup.rulesets[family]?.tables.find((t) => t.name === by.table);
    const rule = table?.chains.find((c) => c.name === by.chain)?.rules[by.rule - 1];
    return rule?.target?.kind === "target" && rule.target.use.name === "REJECT" ? "REJECT" : "DROP";
  }
}

/** Lines of `conntrack -L`, of one family or both. */
function listed(family?: Family): string[] {
  const families = family === undefined ? [4, 6] : [family];
  return families.flatMap((one) =>
    tool("conntrack", ["-L", "-f", `ipv${one}`])
      .split("\n")
      .filter((line) => line !== ""),
  );
}

/** Timers of one moment have no order. */
export function sorted(out: readonly Emitted[]): Emitted[] {
  const key = ({ dev, bytes }: Emitted) => `${dev} ${bytes}`;
  return [...out].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/**
 * The messages about the packet itself. The packets that the host makes because of it pass OUTPUT and POSTROUTING
 * inside; they have no input device there, so of a received packet everything with one is its own, until something
 * that the host sent comes back to it.
 */
function ownMessages(messages: readonly LogMessage[], local: boolean): LogMessage[] {
  const first = local ? OUTPUT : PREROUTING;
  const second = messages.findIndex((m, i) => i > 0 && m.hook === first && m.prefix === MARK_HOOK);
  const own = messages.slice(0, second < 0 ? messages.length : second);
  if (local) return own;
  // A redirect passes POSTROUTING with an input device: but after OUTPUT.
  let another = false;
  return own.filter((m) => {
    if (m.hook === OUTPUT || m.hook <= FORWARD) another = m.hook === OUTPUT;
    return !another && (m.hook <= FORWARD || m.inDevice !== 0);
  });
}

/** What a packet was when it came to the hook after those that may translate its destination; null: it did not come there. */
function tupleAfterDestination(own: readonly LogMessage[]): Tuple | null {
  const later = own.find((m) => m.prefix === MARK_HOOK && (m.hook === INPUT || m.hook === FORWARD || m.hook > OUTPUT));
  return later === undefined ? null : tupleOf(later.payload);
}

function hasPorts({ protocol }: Tuple): boolean {
  return (
    protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || protocol === IPPROTO_SCTP || protocol === IPPROTO_UDPLITE
  );
}

/** It is an ICMP query, as new packets are. */
function hasId({ protocol }: Tuple): boolean {
  return protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6;
}

/**
 * The ids that were chosen for the host's own ICMP messages; null: those that left tell them all.
 */
function lostIds(messages: readonly LogMessage[], sent: Uint8Array, out: readonly Emitted[]): number[] | null {
  const ids: number[] = [];
  let lost = false;
  for (const { hook, prefix, payload } of messages) {
    if (hook !== OUTPUT || prefix !== MARK_HOOK || payload[0] >>> 4 !== 4) continue;
    const id = (payload[4] << 8) | payload[5];
    if (payload[9] !== IPPROTO_ICMP || id === ((sent[4] << 8) | sent[5])) continue;
    ids.push(id);
    const hex = id.toString(16).padStart(4, "0");
    lost ||= !out.some(({ bytes }) => bytes[0] === "4" && bytes.slice(8, 12) === hex);
  }
  return lost ? ids : null;
}

/** What conntrack complains of, without `nf_ct_proto_6: `. */
const complaintOf = (prefix: string) => prefix.slice(prefix.indexOf(": ") + 2).trim();

/** It went through POSTROUTING, and came out there: what is too long by then is dropped without a word. */
function left(own: readonly LogMessage[], out: readonly Emitted[]): boolean {
  return own.some((m) => m.prefix === MARK_LEAVES && out.some(({ bytes }) => isOf(bytes, m.payload)));
}

/** Is it this packet, or a piece of it? An answer may have the same ends, but not the same protocol and what comes first in it. */
function isOf(hex: string, packet: Uint8Array): boolean {
  const at = (from: number, to: number) => Buffer.from(packet.subarray(from, to)).toString("hex");
  if (hex[0] === "4") {
    const same = hex.slice(24, 40) === at(12, 20) && hex.slice(18, 20) === at(9, 10);
    const isPiece = (Number.parseInt(hex.slice(12, 16), 16) & (IP_MF | IP_OFFSET)) !== 0;
    const header = Number.parseInt(hex[1], 16) << 2;
    return same && (isPiece || hex.slice(2 * header, 2 * header + 4) === at(header, header + 2));
  }
  const same = hex.slice(16, 80) === at(8, 40);
  return same && (fragmentIdOf(hex) !== null || (hex.slice(12, 14) === at(6, 7) && hex.slice(80, 84) === at(40, 42)));
}

function pathOf(own: readonly LogMessage[], local: boolean): PathName {
  if (own.length === 0) return "none";
  if (local) return "output";
  if (own.some((m) => m.hook === FORWARD)) return "forward";
  return own.some((m) => m.hook === INPUT) ? "input" : "none";
}

function stateOf(own: readonly LogMessage[]): StateName | null {
  const mark = own.find((m) => m.prefix.startsWith(MARK_STATE));
  return mark === undefined ? null : (mark.prefix.slice(MARK_STATE.length).trim() as StateName);
}

/**
 * The kernel calls an unconditional ACCEPT, DROP or RETURN "policy" (in a user chain "return") wherever it stands
 * (ip_tables.c: get_chainname_rulenum); its number tells it from the chain's end.
 */
function traceLine(prefix: string, ruleset: Ruleset | null): TraceLine | null {
  const m = prefix.match(/^TRACE: (\w+):(.+):(rule|policy|return):(\d+)/);
  if (m === null) return null;
  const [, table, chain, kind] = m;
  const number = Number(m[4]);
  const rules = ruleset?.tables.find((t) => t.name === table)?.chains.find((c) => c.name === chain)?.rules;
  const isRule = kind === "rule" || (rules !== undefined && number <= rules.length);
  return isRule
    ? { table, chain, kind: "rule", rule: number }
    : { table, chain, kind: kind as TraceLine["kind"], rule: null };
}

/** The last word of the table that decided: the one that dropped, else filter's, else the last table's. */
function decider(trace: readonly TraceLine[], ruleset: Ruleset | null, passed: boolean): By {
  if (trace.length === 0) return { reason: passed ? "no rules" : KERNEL_SILENT };
  const filter = trace.filter((line) => line.table === "filter").at(-1);
  const last = trace.at(-1)!;
  const { table, chain, kind, rule } = passed ? (filter ?? last) : last;
  const where = ruleset?.tables.find((t) => t.name === table)?.chains.find((c) => c.name === chain);
  const place = { table: table as TableName, chain };
  if (kind === "policy") {
    const policy = where?.policy ?? "ACCEPT";
    return passed || policy === "DROP" ? { policy, ...place } : { reason: KERNEL_SILENT };
  }
  const target = where?.rules[(rule ?? 0) - 1]?.target;
  // What a rule let go on, and is gone all the same, was dropped by something that leaves no trace.
  const drops = target?.kind === "target" && isDropping(target.use);
  return passed || drops ? { ...place, rule: rule ?? 0 } : { reason: KERNEL_SILENT };
}

/** The kernel engine has no program that listens to a queue. */
const isDropping = ({ name, options }: Use) =>
  name === "DROP" || name === "REJECT" || (name === "NFQUEUE" && !Object.hasOwn(options as object, "--queue-bypass"));
