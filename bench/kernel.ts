/**
 * What the running kernel needs per packet with the same rules: two TUN devices in a namespace of this process, every
 * packet one write() that the kernel handles to its end. Reading the answer back is left out (the devices' queues
 * overflow, which costs the kernel less than delivering): the figure favours the kernel.
 *
 * The cost of calling write() from here is measured by writing the same packets to /dev/null, and taken off.
 */
import { openSync, readFileSync } from "node:fs";
import { buildHost, tool } from "../src/kernel/namespace.ts";
import { SystemCalls } from "../src/kernel/system-calls.ts";
import { BENCH_HOST } from "./twin.ts";

export interface KernelFigure {
  /** CPU nanoseconds per packet, the cost of calling write() taken off. */
  readonly ns: number;
  /** Packets the device refused. */
  readonly refused: number;
  readonly connections: number;
}

/** Pushes the first `most` packets of a workload through; `rules` null: no tables, no conntrack (the floor). */
export function measureKernel(file: string, rules: string | null, most: number): KernelFigure {
  const calls = new SystemCalls();
  const devices = buildHost(calls, {
    interfaces: BENCH_HOST.interfaces.map(({ name, addresses }) => ({ name, addresses, mtu: null })),
    routes: BENCH_HOST.routes,
    sysctl: [],
    sets: "",
  });
  tool("ip", ["link", "set", "tun0", "txqueuelen", "64", "mtu", "9000"]);
  tool("ip", ["link", "set", "tun1", "txqueuelen", "64", "mtu", "9000"]);
  if (rules !== null) tool("iptables-legacy-restore", [], rules);
  const packets = packetsOf(file, most);
  const [client, server] = [devices.get("tun0")!, devices.get("tun1")!];
  const nothing = openSync("/dev/null", "w");
  const push = (here: number, there: number): { ns: number; refused: number } => {
    let refused = 0;
    const started = process.cpuUsage();
    for (const { bytes, fromClient } of packets) if (calls.write(fromClient ? here : there, bytes) !== 0) refused++;
    const { user, system } = process.cpuUsage(started);
    return { ns: ((user + system) * 1000) / packets.length, refused };
  };
  push(nothing, nothing);
  const call = push(nothing, nothing).ns;
  const { ns, refused } = push(client, server);
  const connections = Number(readFileSync("/proc/sys/net/netfilter/nf_conntrack_count", "utf8"));
  return { ns: ns - call, refused, connections };
}

/** The network-layer packets of a classic pcap of Ethernet frames. */
function packetsOf(file: string, most: number): { bytes: Uint8Array; fromClient: boolean }[] {
  const data = readFileSync(file);
  const packets: { bytes: Uint8Array; fromClient: boolean }[] = [];
  for (let at = 24; at + 16 <= data.length && packets.length < most; ) {
    const length = data.readUInt32LE(at + 8);
    packets.push({ bytes: data.subarray(at + 16 + 14, at + 16 + length), fromClient: data[at + 16 + 11] === 1 });
    at += 16 + length;
  }
  return packets;
}
