/**
 * The full connection table, beside the running kernel (nf_conntrack_core.c: __nf_conntrack_alloc, early_drop):
 *
 *     npm run full-table
 *
 * nf_conntrack_max can't be written in a namespace, but a namespace's own table can be filled: with the kernel's default,
 * a quarter of a million connections, of which some were never answered. Then come new ones. The kernel makes room by
 * dropping an unanswered connection, if there is one in eight of its hash buckets. Its hash has a random key, so that
 * not the packets but their number is compared: both engines must let as many through, but for chance.
 */
import { readFileSync } from "node:fs";
import { ipv4HeaderCheck } from "../src/bytes/checksum.ts";
import { Firewall, Host, loadRuleset, packet } from "../src/index.ts";
import { buildHost, tool, writeSysctl } from "../src/kernel/namespace.ts";
import { KernelUnavailable, SystemCalls } from "../src/kernel/system-calls.ts";

const RULES = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m state --state INVALID -j DROP\nCOMMIT\n";
const INTERFACES = { lan0: ["10.0.0.1/8"], wan0: ["192.168.0.1/16"] };
/** The packets have the checksums of one client, and are sent by many. */
const NO_CHECKSUM = "net.netfilter.nf_conntrack_checksum";

const SYN = packet("tcp 10.0.0.2:4000 > 192.168.0.9:80 [S] seq 100 win 60000");
const SYNACK = packet("tcp 192.168.0.9:80 > 10.0.0.2:4000 [S.] seq 500 ack 101 win 60000");
const ACK = packet("tcp 10.0.0.2:4000 > 192.168.0.9:80 [.] seq 101 ack 501 win 60000");
const SOURCE = 12;
const DESTINATION = 16;

/** New connections that come to the full table. */
const NEWCOMERS = 5000;
/** How many standard deviations apart the two numbers may be. */
const SIGMAS = 5;
/** Of the connections in the table, those that were never answered. */
const CASES = [0, 30_000, Number.POSITIVE_INFINITY];
/**
 * A difference counts if it repeats: from time to time the kernel walks its table (gc_worker), and when that is nearly full
 * takes unanswered connections out of it.
 */
const TRIES = 3;

/** Pushes a packet in by a device: did it leave by the other one? */
type Push = (device: "lan0" | "wan0", bytes: Uint8Array) => boolean;

/** The packet of client number `i`. */
function of(i: number, bytes: Uint8Array, address: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setInt32(address, 0x0a010000 + i);
  view.setUint16(10, ipv4HeaderCheck(view, 0, 20));
  return bytes;
}

/** Fills the table, then counts the newcomers that pass. */
function newcomersThatPass(push: Push, connections: number, unanswered: number): number {
  const every = unanswered === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.round(connections / unanswered));
  for (let i = 0; i < connections; i++) {
    push("lan0", of(i, SYN, SOURCE));
    if (i % every === 0 && unanswered > 0) continue;
    push("wan0", of(i, SYNACK, DESTINATION));
    push("lan0", of(i, ACK, SOURCE));
  }
  let passed = 0;
  for (let i = connections; i < connections + NEWCOMERS; i++) if (push("lan0", of(i, SYN, SOURCE))) passed++;
  return passed;
}

function twin(connections: number): Push {
  const host = new Host({
    interfaces: INTERFACES,
    sysctl: { "net.netfilter.nf_conntrack_max": connections, [NO_CHECKSUM]: 0 },
  });
  const firewall = new Firewall({ rules: loadRuleset(RULES), host });
  const index = { lan0: host.interfaceNamed("lan0")!.index, wan0: host.interfaceNamed("wan0")!.index };
  let now = 1_700_000_000_000_000;
  return (device, bytes) => {
    firewall.packet.loadBytes(bytes);
    firewall.packet.time = now++;
    firewall.packet.inDev = index[device];
    firewall.run();
    return firewall.result.emitted > 0;
  };
}

function kernel(calls: SystemCalls): Push {
  const interfaces = Object.entries(INTERFACES).map(([name, addresses]) => ({ name, addresses, mtu: null }));
  const devices = buildHost(calls, { interfaces, routes: [], sysctl: [], sets: "" });
  writeSysctl(NO_CHECKSUM, "0");
  tool("iptables-legacy-restore", [], RULES);
  const answer = new Uint8Array(65536);
  const drain = (device: string): boolean => {
    let any = false;
    while (calls.read(devices.get(device)!, answer) > 0) any = true;
    return any;
  };
  for (const device of devices.keys()) drain(device);
  return (device, bytes) => {
    calls.write(devices.get(device)!, bytes);
    return drain(device === "lan0" ? "wan0" : "lan0");
  };
}

main();

function main(): void {
  try {
    const calls = new SystemCalls();
    const connections = Number(readFileSync("/proc/sys/net/netfilter/nf_conntrack_max", "utf8"));
    let failed = 0;
    for (const unanswered of CASES) if (!agree(calls, connections, Math.min(unanswered, connections))) failed++;
    console.log(`${CASES.length - failed} passed, ${failed} failed`);
    process.exitCode = failed > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof KernelUnavailable)) throw error;
    console.log(`skipped: ${error.message}`);
  }
}

function agree(calls: SystemCalls, connections: number, unanswered: number): boolean {
  for (let i = 0; i < TRIES; i++) if (compare(calls, connections, unanswered)) return true;
  return false;
}

function compare(calls: SystemCalls, connections: number, unanswered: number): boolean {
  const theirs = newcomersThatPass(kernel(calls), connections, unanswered);
  const ours = newcomersThatPass(twin(connections), connections, unanswered);
  const share = (theirs + ours) / (2 * NEWCOMERS);
  const deviation = Math.sqrt(2 * NEWCOMERS * share * (1 - share));
  const same = Math.abs(theirs - ours) <= SIGMAS * deviation;
  const table = `${connections.toLocaleString("en")} connections, ${unanswered.toLocaleString("en")} unanswered`;
  console.log(`${table}: of ${NEWCOMERS} more, kernel ${theirs} pass, twin ${ours}${same ? "" : "  DIFFERS"}`);
  return same;
}
