/**
 * What the twin needs per packet: the capture read from its file as a stream, every packet through the whole path,
 * counters kept, nobody listening. Of the first run it is told what it took while the engine was still compiling
 * (`coldNs`), and what memory, for memory that was used once is not given back; another one warms up what is left; the third
 * is measured.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { CaptureReader, CaptureRecord } from "../src/bytes/capture.ts";
import { Arrivals } from "../src/flow/arrival.ts";
import { VERIFY_ALL } from "../src/flow/checksums.ts";
import { Intake } from "../src/flow/intake.ts";
import { Tally } from "../src/flow/tally.ts";
import { Host } from "../src/host/host.ts";
import { Firewall, VERDICT_ACCEPT } from "../src/path/firewall.ts";
import { registry } from "../src/registry.ts";
import { parseSave } from "../src/rules/save.ts";

/** Two devices and the routes of the workloads' addresses; the same for both engines. */
export const BENCH_HOST = {
  interfaces: [
    { name: "tun0", addresses: [] as string[] },
    { name: "tun1", addresses: ["198.18.1.1/32"] },
  ],
  routes: ["10.0.0.0/8 dev tun0", "192.168.0.0/16 dev tun1", "203.0.113.0/24 dev tun1"],
};

export interface TwinFigure {
  /** CPU nanoseconds per packet, reading the file included. */
  readonly ns: number;
  /** The same in a process that has just begun. */
  readonly coldNs: number;
  /** Of `ns`, reading the file and finding the packets in it. */
  readonly readNs: number;
  readonly packets: number;
  readonly accepted: number;
  readonly connections: number;
  readonly loadMs: number;
  /**
   * Resident bytes after the first run, and how many more than before it, per connection. They include what the engine
   * compiled meanwhile, which counts where connections are few.
   */
  readonly rss: number;
  readonly bytesPerConnection: number;
}

export function firewallOf(rules: string): { firewall: Firewall; loadMs: number } {
  const started = performance.now();
  const { ruleset, errors } = parseSave(rules, { family: 4, file: "bench", registry });
  if (errors.length > 0) throw new Error(errors[0].message);
  // The link-layer addresses that the workloads' frames go to say by which device they come in.
  const interfaces = BENCH_HOST.interfaces.map((device, i) => ({ ...device, mac: `02:00:00:00:00:0${2 - i}` }));
  const host = new Host({ ...BENCH_HOST, interfaces, sysctl: { "net.netfilter.nf_conntrack_max": 1_200_000 } });
  const firewall = new Firewall({ rules: ruleset, host });
  return { firewall, loadMs: performance.now() - started };
}

export function measureTwin(file: string, rules: string): TwinFigure {
  const first = firewallOf(rules);
  const before = residentBytes();
  const { ns: coldNs } = replay(file, first.firewall);
  const rss = residentBytes();
  const connections = first.firewall.conntrack.count();
  first.firewall.close();
  warmUp(file, rules);
  replay(file, null);
  const readNs = replay(file, null).ns;
  const { firewall, loadMs } = firewallOf(rules);
  const { ns, packets, accepted } = replay(file, firewall);
  return {
    ns,
    coldNs,
    readNs,
    packets,
    accepted,
    connections,
    loadMs,
    rss,
    bytesPerConnection: connections === 0 ? 0 : Math.max(0, rss - before) / connections,
  };
}

function warmUp(file: string, rules: string): void {
  const { firewall } = firewallOf(rules);
  replay(file, firewall);
  firewall.close();
}

/** With what the first run left behind collected, so that only what is held counts. */
function residentBytes(): number {
  const { gc } = globalThis as { gc?: () => void };
  for (let i = 0; i < 3; i++) gc?.();
  return process.memoryUsage.rss();
}

/** Streams the capture; with a firewall, through it. */
function replay(file: string, firewall: Firewall | null): { ns: number; packets: number; accepted: number } {
  const fd = openSync(file, "r");
  const reader = new CaptureReader();
  const record = new CaptureRecord();
  const tally = new Tally();
  let packets = 0;
  const started = process.cpuUsage();
  const intake = firewall === null ? null : intakeOf(firewall, tally);
  for (;;) {
    const space = reader.space();
    const count = readSync(fd, space, 0, space.length, null);
    if (count === 0) reader.end();
    else reader.filled(count);
    if (intake !== null) intake.take(reader, record);
    else while (reader.next(record)) packets++;
    if (reader.finished) break;
  }
  intake?.finish();
  const { user, system } = process.cpuUsage(started);
  reader.close();
  closeSync(fd);
  packets += tally.packets;
  return { ns: ((user + system) * 1000) / packets, packets, accepted: tally.verdicts[VERDICT_ACCEPT] };
}

/** As `firetwin replay --quiet` does it. */
function intakeOf(firewall: Firewall, tally: Tally): Intake {
  return new Intake(firewall, new Arrivals(firewall.host, { device: null, checksums: VERIFY_ALL }), tally);
}
