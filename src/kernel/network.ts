/**
 * A private network and all that it takes to ask the kernel something in it: devices, rules, sockets, and the watch
 * chains. It can be used again, with other rules in the same tables, when nothing of what happened in it is left.
 */
import { type Family, OUTPUT, type TableName } from "../packet/hook.ts";
import { Packet } from "../packet/packet.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "../packet/transport.ts";
import type { Emitted } from "../path/firewall.ts";
import type { Ruleset } from "../rules/ruleset.ts";
import { baseChainNames } from "../rules/tables.ts";
import { ConntrackTable } from "./conntrack-table.ts";
import { buildHost, type KernelHost, loadSets, readAddresses6, readSysctl, tool, writeSysctl } from "./namespace.ts";
import { type LogMessage, NetfilterLog } from "./netfilter-log.ts";
import { isCounted } from "./rules-text.ts";
import { SystemCalls } from "./system-calls.ts";
import { TickClock } from "./tick-clock.ts";
import { openEyes, watchStates } from "./watch.ts";

export interface KernelSetup {
  readonly host: KernelHost;
  /** Text for iptables-legacy-restore, or null. */
  readonly rules: string | null;
  readonly rules6: string | null;
  /** The same rules as data: which targets deserve the name REJECT, and which families arm conntrack. */
  readonly rulesets: { readonly 4: Ruleset | null; readonly 6: Ruleset | null };
  readonly armed: (family: Family) => boolean;
}

const LONGEST_PACKET = 70_000;

/** Some matches switch it on, for good. */
const ACCOUNTING = "net.netfilter.nf_conntrack_acct";

const ICMP_UNREACHABLE = 3;
const ICMP_REDIRECT = 5;
const NDISC_REDIRECT = 137;

/** Sysctls that can be set back without a trace. Others have effects that stay: they belong to the network. */
const REVERSIBLE = /^net[./]netfilter[./]/;

export class KernelNetwork {
  readonly #calls = new SystemCalls();
  readonly #devices = new Map<string, number>();
  readonly #raw = new Map<Family, number>();
  readonly #buffer = new Uint8Array(LONGEST_PACKET);
  readonly #packet = new Packet();
  readonly #closers: (() => void)[] = [];
  readonly #namespace: number;
  /** Reversible sysctls that were or may have been written, as they were before. */
  readonly #before = new Map<string, string>();
  readonly clock = new TickClock(this.#calls);
  readonly log: NetfilterLog;
  readonly connections: ConntrackTable;
  /** Something happened in it that renewing it would not undo. */
  stained = false;

  /** The process is in it from now on. Throws KernelUnavailable, or ToolError in the words of the tool that refused. */
  constructor(setup: KernelSetup) {
    const calls = this.#calls;
    calls.stayOnProcessor();
    this.#closers.push(() => {
      for (const fd of this.#devices.values()) calls.abandonTun(fd);
      for (const fd of this.#raw.values()) calls.close(fd);
    });
    try {
      buildHost(calls, setup.host, this.#devices);
      this.#namespace = calls.openNetwork();
      this.#closers.push(() => calls.close(this.#namespace));
      this.#before.set(ACCOUNTING, readSysctl(ACCOUNTING));
      this.#writeSysctls(setup.host);
      loadSets(setup.host.sets);
      openEyes();
      for (const family of [4, 6] as const) load(family, setup, "");
      for (const family of [4, 6] as const) if (setup.armed(family)) watchStates(family);
      this.#openRaw(setup.host);
      this.log = new NetfilterLog(calls);
      this.#closers.push(() => this.log.close());
      this.connections = new ConntrackTable(calls);
      this.#closers.push(() => this.connections.close());
    } catch (error) {
      this.close();
      throw error;
    }
    this.drain();
    this.log.drain();
  }

  #openRaw(host: KernelHost): void {
    for (const family of [4, 6] as const) this.#raw.set(family, this.#calls.openRaw(family));
    const ethernet = new Set(host.interfaces.filter((one) => one.ethernet === true).map(({ name }) => name));
    for (const { address, device, index } of readAddresses6())
      if (ethernet.has(device)) this.#calls.joinGroup(this.#raw.get(6)!, solicitedNode(address), index);
  }

  #writeSysctls(host: KernelHost): void {
    for (const [key, value] of host.sysctl) {
      if (REVERSIBLE.test(key) && !this.#before.has(key)) this.#before.set(key, readSysctl(key));
      writeSysctl(key, value);
    }
  }

  /** Makes it new for a setup of the same `networkKey`, and enters it. */
  renew(setup: KernelSetup): void {
    this.#calls.enterNetwork(this.#namespace);
    this.connections.flush();
    for (const [key, value] of this.#before) writeSysctl(key, value);
    this.#writeSysctls(setup.host);
    loadSets(setup.host.sets.replace(/^create (\S+) .*$/gm, "flush $1"));
    for (const family of [4, 6] as const) load(family, setup, emptied(family, setup));
    this.drain();
    this.log.drain();
  }

  has(dev: string): boolean {
    return this.#devices.has(dev);
  }

  /** A packet arrives on `dev`, and is handled to its end. */
  receive(dev: string, bytes: Uint8Array): void {
    this.#stain(bytes);
    const fd = this.#devices.get(dev);
    if (fd === undefined) throw new Error(`no device ${dev} in the namespace`);
    this.#calls.write(fd, bytes);
  }

  /** The host itself sends a packet, from a socket that may be bound to a device. */
  send(bytes: Uint8Array, outDev: string | null): void {
    this.#stain(bytes);
    const fd = this.#raw.get(bytes[0] >>> 4 === 6 ? 6 : 4)!;
    if (outDev !== null) this.#calls.bindToDevice(fd, outDev);
    this.#calls.sendRaw(fd, bytes);
    if (outDev !== null) this.#calls.bindToDevice(fd, null);
  }

  /** A fragment may wait for others for half a minute, and its end be told to whoever is here by then. */
  #stain(bytes: Uint8Array): void {
    this.#packet.loadBytes(bytes);
    if (this.#packet.fragment) this.stained = true;
  }

  /** What left since the last call. */
  drain(): Emitted[] {
    const out: Emitted[] = [];
    for (const [dev, fd] of this.#devices)
      for (let n = this.#calls.read(fd, this.#buffer); n >= 0; n = this.#calls.read(fd, this.#buffer))
        out.push({ dev, bytes: Buffer.from(this.#buffer.buffer, 0, n).toString("hex") });
    return out;
  }

  /** What the kernel said since the last call. */
  messages(): LogMessage[] {
    const messages = this.log.drain();
    for (const { hook, payload } of messages) if (hook === OUTPUT && isRemembered(payload)) this.stained = true;
    return messages;
  }

  close(): void {
    for (const close of this.#closers.splice(0).reverse()) close();
  }
}

/** How often a sender was told that there is no way, or a better one, is counted, and can't be forgotten (ip_error). */
function isRemembered(packet: Uint8Array): boolean {
  if (packet[0] >>> 4 === 6) return packet[6] === IPPROTO_ICMPV6 && packet[40] === NDISC_REDIRECT;
  const type = packet[(packet[0] & 15) << 2];
  return packet[9] === IPPROTO_ICMP && (type === ICMP_UNREACHABLE || type === ICMP_REDIRECT);
}

/** Setups with the same key can be asked in the same network, one after another. null: this one's can't be renewed. */
export function networkKey(setup: KernelSetup): string | null {
  const { interfaces, routes, sysctl, sets } = setup.host;
  const lasting = sysctl.filter(([key]) => !REVERSIBLE.test(key));
  // What a limit let through before shows in what it lets through next.
  if (!UNLIMITED.every((key) => lasting.some(([one, value]) => one === key && value === "0"))) return null;
  const tables = [setup.rules, setup.rules6].map((rules) => rules?.match(/^\*\w+/gm));
  const armed = [setup.armed(4), setup.armed(6)];
  return JSON.stringify([interfaces, routes, lasting, sets.match(/^create .*/gm), tables, armed]);
}

/** They switch the limits of the host's own ICMP errors off when they are 0. */
const UNLIMITED = ["net.ipv4.icmp_ratelimit", "net.ipv6.icmp.ratelimit"];

/** Loads the rules of a family after `first`. The tool refuses -c where a chain has no counters. */
function load(family: Family, setup: KernelSetup, first: string): void {
  const rules = family === 4 ? setup.rules : setup.rules6;
  const name = family === 4 ? "iptables-legacy-restore" : "ip6tables-legacy-restore";
  if (rules !== null) tool(name, isCounted(rules) ? ["-c"] : [], first + rules);
}

/** The tables that rules are going to fill, without rules: what old ones kept by name (recent, hashlimit) is gone then. */
function emptied(family: Family, setup: KernelSetup): string {
  const rules = (family === 4 ? setup.rules : setup.rules6) ?? "";
  return [...rules.matchAll(/^\*(\w+)/gm)]
    .flatMap(([, table]) => [
      `*${table}`,
      ...baseChainNames(table as TableName).map((chain) => `:${chain} ACCEPT [0:0]`),
      "COMMIT\n",
    ])
    .join("\n");
}

/**
 * A device without neighbours, as TUN devices are, does not join the groups in which neighbours look for its addresses
 * (addrconf_join_solict): a host with link-layer addresses would.
 */
function solicitedNode(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...address.subarray(13, 16));
}
