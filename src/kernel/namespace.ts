/**
 * A private network in which the running kernel plays the host: an empty network namespace, one TUN device per
 * interface, addresses, routes and sysctls. The namespace has no name and no process but this one, so it is gone when
 * the process ends, however it ends, and nothing outside it can be touched.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressConfig, type HostConfig, type InterfaceConfig, sysctlEntries } from "../host/config.ts";
import { namedInterfaces } from "../host/interfaces.ts";
import { decodeText, encodeText } from "../rules/text.ts";
import { KernelUnavailable, type SystemCalls } from "./system-calls.ts";
import { sleep } from "./tick-clock.ts";

export interface KernelInterface {
  readonly name: string;
  /** In `ip address` syntax: `192.0.2.1/24`, `10.0.0.1 peer 10.0.0.2/32`, … */
  readonly addresses: readonly string[];
  readonly mtu: number | null;
  /** It has a link-layer address, and so neighbours that look for it. */
  readonly ethernet?: boolean;
}

export interface KernelHost {
  readonly interfaces: readonly KernelInterface[];
  /** In `ip route` syntax. */
  readonly routes: readonly string[];
  readonly sysctl: readonly (readonly [string, string])[];
  /** `ipset save` text. */
  readonly sets: string;
}

/** What one tool said when it failed. */
export class ToolError extends Error {
  readonly tool: string;
  readonly status: number;
  constructor(tool: string, status: number, stderr: string) {
    super(`${tool}: ${stderr.trim() || `exit code ${status}`}`);
    this.name = "ToolError";
    this.tool = tool;
    this.status = status;
  }
}

/** Where system tools lie; npm puts its own programs in front of the PATH, and one of them is called nft. */
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Runs an installed tool inside the namespace and returns what it prints. */
export function tool(name: string, args: readonly string[], input?: string): string {
  const env = { ...process.env, PATH: SYSTEM_PATH, LC_ALL: "C" };
  const result = spawnSync(name, args, { input: encodeText(input ?? ""), maxBuffer: 1 << 28, env });
  if (result.error !== undefined)
    throw new KernelUnavailable(`the kernel engine needs the program ${name}; it is not installed`);
  if (result.status !== 0) throw new ToolError(name, result.status ?? -1, decodeText(result.stderr));
  return decodeText(result.stdout);
}

/** A device name may hold a dot, written as a slash (sysctl.d(5)): net.ipv4.conf.eth0/100.rp_filter. */
function sysctlPath(key: string): string {
  return `/proc/sys/${/^\w+\//.test(key) ? key : key.replace(/[./]/g, (c) => (c === "." ? "/" : "."))}`;
}

export function readSysctl(key: string): string {
  try {
    return readFileSync(sysctlPath(key), "utf8").trim();
  } catch (error) {
    throw new ToolError("sysctl", 1, `${key}: ${(error as Error).message}`);
  }
}

export function writeSysctl(key: string, value: string): void {
  try {
    writeFileSync(sysctlPath(key), value);
  } catch (error) {
    throw new ToolError("sysctl", 1, `${key}=${value}: ${(error as Error).message}`);
  }
}

/** The host that the twin takes for granted (docs/ARCHITECTURE.md, host/), before host.yaml has its say. */
const BASELINE: readonly (readonly [string, string])[] = [
  ["net.ipv4.ip_forward", "1"],
  ...["all", "default"].flatMap((dev) => [
    [`net.ipv4.conf.${dev}.rp_filter`, "0"] as const,
    [`net.ipv4.conf.${dev}.send_redirects`, "0"] as const,
    [`net.ipv6.conf.${dev}.forwarding`, "1"] as const,
    // Fresh interfaces keep still: no duplicate address detection, no link-local address of their own, no solicitations.
    [`net.ipv6.conf.${dev}.accept_dad`, "0"] as const,
    [`net.ipv6.conf.${dev}.router_solicitations`, "0"] as const,
    [`net.ipv6.conf.${dev}.addr_gen_mode`, "1"] as const,
  ]),
  ["net.netfilter.nf_log.2", "nfnetlink_log"],
  ["net.netfilter.nf_log.10", "nfnetlink_log"],
];

/**
 * Makes the namespace, enters it, and sets the host's devices, addresses and routes up in it. `devices` gets the file
 * descriptors of its devices by name, also of those that were there when something failed.
 */
export function buildHost(
  calls: SystemCalls,
  host: KernelHost,
  devices = new Map<string, number>(),
): ReadonlyMap<string, number> {
  calls.enterEmptyNetwork();
  for (const [key, value] of BASELINE) writeSysctl(key, value);
  const commands = ["link set lo up"];
  const anycast = host.interfaces.some(({ addresses }) => addresses.some(mayBeAnycast));
  for (const { name, addresses, mtu } of host.interfaces) {
    if (name === "lo") continue;
    devices.set(name, calls.openTun(name));
    if (mtu !== null) commands.push(`link set ${name} mtu ${mtu}`);
    if (anycast) commands.push(`link set ${name} up`);
    for (const address of addresses) {
      commands.push(`addr add ${address} dev ${name}${address.includes(":") ? " nodad" : ""}`);
      if (!anycast || !address.includes(":")) continue;
      runIp([], commands.splice(0));
      awaitAddresses6();
    }
    if (!anycast) commands.push(`link set ${name} up`);
  }
  const isIpv6 = (route: string) => route.includes(":");
  for (const route of host.routes) if (!isIpv6(route)) commands.push(`route add ${route}`);
  const commands6 = host.routes.filter(isIpv6).map((route) => `route add ${route}`);
  for (const name of devices.keys()) {
    writeSysctl(`net/ipv4/conf/${name}/rp_filter`, "0");
  }
  runIp([], commands);
  if (commands6.length > 0) runIp(["-6"], commands6);
  awaitAddresses6();
  return devices;
}

/**
 * The first address of some network: then it matters which of the host's addresses began to work first, and of several
 * that are added at once the kernel does not say.
 */
const mayBeAnycast = (address: string) => /::(\/\d+)?( |$)/.test(address);

/**
 * Runs commands of `ip`. A route that an address has made already may be said again, as lines of `ip route show` do:
 * the kernel refuses it, and nothing is lost.
 */
function runIp(args: readonly string[], commands: readonly string[]): void {
  try {
    tool("ip", [...args, "-force", "-batch", "-"], `${commands.join("\n")}\n`);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const serious = error.message.replace(
      /RTNETLINK answers: File exists\nCommand failed -:(\d+)\n?/g,
      (said, line: string) => (commands[Number(line) - 1].startsWith("route ") ? "" : said),
    );
    if (serious.replace(/^ip: /, "").trim() !== "") throw error;
  }
}

/** `text` is for `ipset restore`; it may be empty. */
export function loadSets(text: string): void {
  if (text.trim() !== "") tool("ipset", ["restore"], text.endsWith("\n") ? text : `${text}\n`);
}

/** The IPv6 addresses in the namespace, with the name and index of their device. */
export function readAddresses6(): { readonly address: Uint8Array; readonly device: string; readonly index: number }[] {
  const lines = readFileSync("/proc/self/net/if_inet6", "utf8").trimEnd().split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length === 6)
    .map(([hex, index, , , , device]) => ({
      address: Buffer.from(hex, "hex"),
      device,
      index: Number.parseInt(index, 16),
    }));
}

const ADDRESS_PATIENCE = 2000;

/** The kernel makes an IPv6 address work some time after it was added (addrconf_dad_work): waits for its local route. */
function awaitAddresses6(): void {
  const until = Date.now() + ADDRESS_PATIENCE;
  for (; Date.now() < until; sleep(0.001)) {
    const routes = readFileSync("/proc/self/net/ipv6_route", "utf8");
    const works = (hex: string) => new RegExp(`^${hex} 80 .* 8[0-9a-f]{7} +\\S+$`, "m").test(routes);
    if (readAddresses6().every(({ address }) => works(Buffer.from(address).toString("hex")))) return;
  }
}

/** A HostConfig in the words of `ip` and `sysctl`. Takes it as valid: the twin's Host has read it before. */
export function kernelHost(config: HostConfig): KernelHost {
  const lines = (value: string | readonly string[] | null | undefined): string[] =>
    (typeof value === "string" ? [value] : [...(value ?? [])])
      .flatMap((text) => text.split("\n"))
      .filter((line) => line.trim() !== "");
  return {
    interfaces: namedInterfaces(config.interfaces).map((one) => ({
      name: one.name,
      addresses: addressList(one.addresses).map(addressWords),
      mtu: one.mtu ?? null,
      ethernet: (one.mac ?? null) !== null,
    })),
    routes: lines(config.routes),
    sysctl: sysctlEntries(config.sysctl).map(([key, value]) => [
      key,
      value === true ? "1" : value === false ? "0" : String(value),
    ]),
    sets: lines(config.sets).join("\n"),
  };
}

function addressList(addresses: InterfaceConfig["addresses"]): readonly (string | AddressConfig)[] {
  return typeof addresses === "string" ? [addresses] : (addresses ?? []);
}

function addressWords(address: string | AddressConfig): string {
  if (typeof address === "string") return address;
  const peer = address.peer === undefined ? "" : ` peer ${address.peer}`;
  const broadcast = address.broadcast === undefined ? "" : ` broadcast ${address.broadcast}`;
  return `${address.address}${peer}${broadcast}`;
}
