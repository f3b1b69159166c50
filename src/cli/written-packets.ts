/**
 * The packets that left, as a capture with an interface per device. Frames are Linux cooked ones (LINKTYPE_LINUX_SLL):
 * they say that the host sent the packet and by which kind of device, and pretend no link-layer destination. libpcap
 * does not read several interfaces of raw IP from one file.
 */
import { bytesOfHex } from "../bytes/hex.ts";
import { COOKED_OUTGOING, ETH_P_IP, ETH_P_IPV6, LINKTYPE_LINUX_SLL } from "../bytes/link.ts";
import { PcapngWriter } from "../bytes/pcapng-writer.ts";
import { DIRECTION_OUT } from "../bytes/record.ts";
import type { Host } from "../host/host.ts";
import { IPV4_LENGTH } from "../packet/ipv4.ts";
import { IPV6_HEADER, IPV6_LENGTH } from "../packet/ipv6.ts";
import type { Outcome } from "../path/firewall.ts";
import { shortBy } from "../report/outcome.ts";
import { openOutput, writeAll } from "./output.ts";

const SLL_HEADER = 16;
const ARPHRD_ETHER = 1;
const ARPHRD_NONE = 0xfffe;

export class WrittenPackets {
  readonly #fd: number;
  readonly #host: Host;
  readonly #writer: PcapngWriter;
  readonly #devices = new Map<string, number>();

  /** Throws Failure when the file cannot be written. */
  constructor(path: string, host: Host) {
    this.#fd = openOutput(path);
    this.#host = host;
    this.#writer = new PcapngWriter((chunk) => writeAll(this.#fd, chunk));
  }

  /** What left because of one packet; the comment says what became of that. */
  add(time: number, { out, verdict, state, by }: Outcome): void {
    const comment = `${verdict}${state === null ? "" : ` ${state}`}, ${shortBy(by)}`;
    for (const { dev, bytes } of out) {
      const packet = bytesOfHex(bytes)!;
      const frame = this.#frame(dev, packet);
      const wire = SLL_HEADER + Math.max(packet.length, declaredLength(packet));
      this.#writer.packet(this.#device(dev), time, 0, frame, 0, frame.length, wire, DIRECTION_OUT, comment);
    }
  }

  close(): void {
    this.#writer.flush();
  }

  #frame(dev: string, bytes: Uint8Array): Uint8Array {
    const frame = new Uint8Array(SLL_HEADER + bytes.length);
    const view = new DataView(frame.buffer);
    const mac = this.#host.interfaceNamed(dev)?.mac ?? null;
    view.setUint16(0, COOKED_OUTGOING);
    view.setUint16(2, mac === null ? ARPHRD_NONE : ARPHRD_ETHER);
    if (mac !== null) {
      view.setUint16(4, mac.length);
      frame.set(mac, 6);
    }
    view.setUint16(14, bytes[0] >>> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP);
    frame.set(bytes, SLL_HEADER);
    return frame;
  }

  #device(name: string): number {
    let id = this.#devices.get(name);
    if (id === undefined) {
      id = this.#writer.addInterface({ name, linkType: LINKTYPE_LINUX_SLL });
      this.#devices.set(name, id);
    }
    return id;
  }
}

/** What the header says, which is more than is there when the capture had cut the packet. */
function declaredLength(packet: Uint8Array): number {
  const word = (at: number) => (packet[at] << 8) | packet[at + 1];
  return packet[0] >>> 4 === 6 ? IPV6_HEADER + word(IPV6_LENGTH) : word(IPV4_LENGTH);
}
