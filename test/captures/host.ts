/**
 * A host for rules and a capture that know nothing of each other: the devices that the rules speak of, and the capture's
 * addresses behind them. A machine with one device gets the address at which the capture was probably taken; of a router,
 * whoever speaks first is behind the inner devices, and whom he speaks to is outside.
 */
import { formatAddress } from "../../src/bytes/address.ts";
import { LinkFrame } from "../../src/bytes/link.ts";
import type { CaptureRecord } from "../../src/bytes/record.ts";
import { HostGuess } from "../../src/flow/guess.ts";
import { type HostConfig, type InterfaceConfig, sysctlEntries } from "../../src/host/config.ts";
import { namedInterfaces } from "../../src/host/interfaces.ts";
import { Packet } from "../../src/packet/packet.ts";

/** So many of those who speak first are inside; a route each. */
const MOST_INSIDE = 64;

/** All that conntrack has to complain of is compared; how many ICMP errors a limit lets through depends on the instant. */
const SYSCTL = {
  "net.netfilter.nf_conntrack_log_invalid": 255,
  "net.ipv4.icmp_ratelimit": 0,
  "net.ipv4.icmp_msgs_per_sec": 1_000_000,
  "net.ipv4.icmp_msgs_burst": 1_000_000,
  "net.ipv6.icmp.ratelimit": 0,
};

/** What a capture's first packets tell about its ends. */
export class CaptureEnds {
  readonly #guess = new HostGuess();
  readonly #frame = new LinkFrame();
  readonly #packet = new Packet();
  readonly #first = new Set<string>();
  readonly #spokenTo = new Set<string>();
  readonly families = new Set<4 | 6>();

  add(record: CaptureRecord): void {
    this.#guess.add(record);
    const { data, view, start, end, littleEndian, interface: by } = record;
    if (this.#frame.parse(by.linkType, data, view, start, end, littleEndian) <= 0) return;
    const p = this.#packet;
    p.load(data, view, this.#frame.start, this.#frame.end);
    this.families.add(p.family);
    const [source, destination] =
      p.family === 4
        ? [[p.src0], [p.dst0]]
        : [
            [p.src0, p.src1, p.src2, p.src3],
            [p.dst0, p.dst1, p.dst2, p.dst3],
          ];
    if (!isRoutable(source) || !isRoutable(destination)) return;
    const [from, to] = [formatAddress(source), formatAddress(destination)];
    if (!this.#spokenTo.has(from) && this.#first.size < MOST_INSIDE) this.#first.add(from);
    if (!this.#first.has(to)) this.#spokenTo.add(to);
  }

  /** As the program guesses it. */
  guessed(): HostConfig {
    return { ...this.#guess.config(null), sysctl: SYSCTL };
  }

  /** The host that `config` describes, put where the capture was taken. */
  hostLike(config: HostConfig): HostConfig {
    const devices = namedInterfaces(config.interfaces);
    const routes = [config.routes ?? []].flat();
    const outer = /\bdev (\S+)/.exec(routes.find((route) => route.startsWith("default")) ?? "")?.[1] ?? devices[0].name;
    const inner = devices.map(({ name }) => name).filter((name) => name !== outer);
    const own = inner.length > 0 ? [] : [...new Set(this.#ownAddresses())];
    const inside = inner.length > 0 ? [...this.#first] : [];
    return {
      ...config,
      interfaces: Object.fromEntries(
        // Captured frames are for other link-layer addresses than these: without one, a device takes all.
        devices.map(({ name, addresses, mtu }): [string, InterfaceConfig] => {
          const more = [addresses ?? []].flat();
          return [name, { addresses: name === outer ? [...more, ...own] : more, mtu: mtu ?? null }];
        }),
      ),
      routes: [...routes, ...inside.map((address, i) => `${address} dev ${inner[i % inner.length]}`)],
      sysctl: { ...Object.fromEntries(sysctlEntries(config.sysctl)), ...SYSCTL },
    };
  }

  #ownAddresses(): string[] {
    return namedInterfaces(this.#guess.config(null).interfaces).flatMap(({ addresses }) => addresses as string[]);
  }
}

/** Not multicast, broadcast, loopback, link-local or unspecified: a route can lead there. */
function isRoutable([first, ...rest]: readonly number[]): boolean {
  if (rest.length > 0) return first >>> 24 !== 0xff && first >>> 22 !== 0x3fa && (first !== 0 || rest[0] !== 0);
  const byte = first >>> 24;
  return byte !== 0 && byte !== 127 && byte < 224;
}
