/**
 * The traffic that the benchmarks push through: classic pcap (µs, Ethernet, IPv4), the same bytes for the same
 * arguments, checksums and TCP windows right.
 *
 *     w1  TCP connections of 20 packets: handshake, requests and answers, orderly close
 *     w2  UDP flows of 5 packets, three there and two back
 *     w3  every packet the SYN of another connection
 *     w4  a mix: TCP, UDP, pings, port-unreachable errors, strays that belong to nothing
 *     wn  w1 behind MASQUERADE, a fifth of it to forwarded ports (rulesets.ts: nat)
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { check, ipv4HeaderCheck, mangled0, pseudoSum4, sumOf } from "../src/bytes/checksum.ts";
import { SeededRandom } from "../src/host/random.ts";

export type WorkloadName = "w1" | "w2" | "w3" | "w4" | "wn";
export const WORKLOADS: readonly WorkloadName[] = ["w1", "w2", "w3", "w4", "wn"];

const [FIN, SYN, RST, PSH, ACK, URG] = [1, 2, 4, 8, 16, 32];
const START = 1_700_000_000_000_000;
/** µs between packets. */
const PACE = 60;
const CLIENT_MAC = [2, 0, 0, 0, 0, 1];
const SERVER_MAC = [2, 0, 0, 0, 0, 2];
/** The address that wn's connections are masqueraded to, and those its forwarded ports are at. */
const MASQUERADED = 0xc6120101 | 0;
const FORWARDED = 0xcb007101 | 0;
const INSIDE = 0xc0a86401 | 0;
const NETWORK_AT = 14;

/** One direction of a flow, as it looks on the wire. */
interface Side {
  readonly fromClient: boolean;
  readonly src: number;
  readonly dst: number;
  readonly sport: number;
  readonly dport: number;
}

interface Flow {
  readonly kind: "tcp" | "udp" | "ping" | "unreachable" | "stray";
  readonly there: Side;
  readonly back: Side;
  readonly size: number;
  clientSeq: number;
  serverSeq: number;
  step: number;
}

export interface Generated {
  readonly packets: number;
  readonly bytes: number;
  readonly connections: number;
}

/** Writes `packets` packets of a workload to `file`. */
export function writeWorkload(name: WorkloadName, file: string, packets: number): Generated {
  const writer = new Writer(file, packets);
  let flows = 0;
  if (name === "w3") for (; writer.count < packets; flows++) syn(writer, flows);
  else flows = interleave(name, writer, packets);
  writer.close();
  return { packets: writer.count, bytes: writer.bytes, connections: flows };
}

function syn(writer: Writer, i: number): void {
  const mixed = Math.imul(i, 0x9e3779b1) >>> 0;
  const there = {
    fromClient: true,
    src: (0x0a000001 + ((mixed >>> 10) % 0xffff00)) | 0,
    dst: 0xc0a80105 | 0,
    sport: 1024 + ((Math.imul(mixed, 0x85ebca6b) >>> 16) % 60000),
    dport: 80,
  };
  writer.tcp(there, SYN, Math.imul(mixed, 7), 0, 0);
}

/** Many flows at a time, the next packet from any of them. */
function interleave(name: WorkloadName, writer: Writer, packets: number): number {
  const random = new SeededRandom(20260101);
  const draw = (n: number) => random.u32("other") % n;
  const most = name === "w2" ? packets / 5 : name === "w4" ? Number.POSITIVE_INFINITY : packets / 20;
  let made = 0;
  const make = () => newFlow(name, made++, draw);
  const open = Array.from({ length: Math.min(name === "w2" ? 8000 : 4000, most) }, make);
  while (writer.count < packets && open.length > 0) {
    const at = draw(open.length);
    if (!advance(writer, open[at])) continue;
    if (made < most) open[at] = make();
    else {
      open[at] = open[open.length - 1];
      open.pop();
    }
  }
  return made;
}

const SERVICES = [80, 443, 443, 443, 22, 25, 993, 8080];

function newFlow(name: WorkloadName, i: number, draw: (n: number) => number): Flow {
  const roll = draw(100);
  const mixed = roll < 40 ? "tcp" : roll < 75 ? "udp" : roll < 92 ? "ping" : roll < 96 ? "unreachable" : "stray";
  const kind = name === "w4" ? mixed : name === "w2" ? "udp" : "tcp";
  const client = (0x0a000100 + (kind === "udp" ? Math.floor(i / 50) % 4000 : draw(4096))) | 0;
  const server = (0xc0a80100 + draw(500)) | 0;
  const sport = kind === "ping" ? i & 0xffff : 1024 + (i % 50000);
  const dport = kind === "udp" ? [123, 443, 53, 53][draw(4)] : SERVICES[draw(8)];
  const forward = name === "wn" && draw(5) === 0 ? draw(20) : -1;
  const there: Side =
    forward < 0
      ? { fromClient: true, src: client, dst: server, sport, dport }
      : { fromClient: true, src: client, dst: FORWARDED + forward, sport, dport: 8000 + forward };
  const back: Side = {
    fromClient: false,
    src: forward < 0 ? server : INSIDE + forward,
    dst: name === "wn" ? MASQUERADED : client,
    sport: forward < 0 ? dport : 80,
    dport: sport,
  };
  return { kind, there, back, size: draw(900), clientSeq: random32(draw), serverSeq: random32(draw), step: 0 };
}

const random32 = (draw: (n: number) => number) => (draw(0x10000) << 16) | draw(0x10000);

/** The steps of one TCP connection: who sends, which flags, how many bytes. */
const CONVERSATION: readonly (readonly [client: boolean, flags: number, size: (n: number) => number])[] = [
  [true, SYN, () => 0],
  [false, SYN | ACK, () => 0],
  [true, ACK, () => 0],
  [true, ACK | PSH, (n) => 100 + Math.floor(n / 3)],
  [false, ACK, () => 0],
  [false, ACK, (n) => 500 + n],
  [false, ACK | PSH, (n) => 500 + n],
  [true, ACK, () => 0],
  [false, ACK, (n) => 500 + n],
  [false, ACK | PSH, () => 300],
  [true, ACK, () => 0],
  [true, ACK | PSH, () => 200],
  [false, ACK, (n) => 500 + n],
  [false, ACK, (n) => 500 + n],
  [false, ACK | PSH, () => 60],
  [true, ACK, () => 0],
  [true, FIN | ACK, () => 0],
  [false, ACK, () => 0],
  [false, FIN | ACK, () => 0],
  [true, ACK, () => 0],
];

/** Sends a flow's next packet; true when it was the last. */
function advance(writer: Writer, flow: Flow): boolean {
  const step = flow.step++;
  switch (flow.kind) {
    case "tcp": {
      const [client, flags, size] = CONVERSATION[step];
      converse(writer, flow, client, flags, size(flow.size));
      return step === CONVERSATION.length - 1;
    }
    case "udp":
      if (step % 2 === 0) writer.udp(flow.there, 30 + (flow.size % 40));
      else writer.udp(flow.back, 120 + (flow.size % 180));
      return step === 4;
    case "ping":
      writer.ping(step % 2 === 0 ? flow.there : flow.back, step % 2 === 0, flow.there.sport, (step >> 1) + 1);
      return step === 5;
    case "unreachable":
      if (step === 0) writer.udp({ ...flow.there, dport: 33434 }, 32);
      else writer.portUnreachable(flow.back, { ...flow.there, dport: 33434 });
      return step === 1;
    case "stray":
      writer.tcp(flow.there, flow.size & 1 ? RST : FIN | PSH | URG, flow.clientSeq, 0, 0);
      return true;
  }
}

function converse(writer: Writer, flow: Flow, client: boolean, flags: number, size: number): void {
  const [seq, ack] = client ? [flow.clientSeq, flow.serverSeq] : [flow.serverSeq, flow.clientSeq];
  writer.tcp(client ? flow.there : flow.back, flags, seq, flags === SYN ? 0 : ack, size);
  const next = (seq + size + (flags & (SYN | FIN) ? 1 : 0)) | 0;
  if (client) flow.clientSeq = next;
  else flow.serverSeq = next;
}

/** Composes packets right in the file's buffer. */
class Writer {
  count = 0;
  bytes = 0;
  readonly #limit: number;
  readonly #fd: number;
  readonly #data = new Uint8Array(1 << 20);
  readonly #view = new DataView(this.#data.buffer);
  #at = 24;
  #id = 1;

  constructor(file: string, limit: number) {
    this.#limit = limit;
    this.#fd = openSync(file, "w");
    this.#view.setUint32(0, 0xa1b2c3d4, true);
    this.#view.setUint16(4, 2, true);
    this.#view.setUint16(6, 4, true);
    this.#view.setUint32(16, 65535, true);
    this.#view.setUint32(20, 1, true);
  }

  close(): void {
    this.#flush();
    closeSync(this.#fd);
  }

  #flush(): void {
    writeSync(this.#fd, this.#data, 0, this.#at);
    this.#at = 0;
  }

  /** Room for a transport segment of `length` bytes; returns its offset. `#send` puts the headers before it. */
  #segment(length: number): number {
    if (this.#at + 16 + NETWORK_AT + 20 + length > this.#data.length) this.#flush();
    const at = this.#at + 16 + NETWORK_AT + 20;
    this.#data.fill(0, this.#at, at + Math.min(length, 64));
    return at;
  }

  tcp(side: Side, flags: number, seq: number, ack: number, size: number): void {
    const header = flags & SYN ? 40 : 32;
    const at = this.#segment(header + size);
    const view = this.#view;
    view.setUint16(at, side.sport);
    view.setUint16(at + 2, side.dport);
    view.setInt32(at + 4, seq);
    view.setInt32(at + 8, ack);
    this.#data[at + 12] = (header >> 2) << 4;
    this.#data[at + 13] = flags;
    view.setUint16(at + 14, flags & SYN ? 64240 : 501);
    if (flags & SYN) this.#data.set([2, 4, 5, 180, 4, 2, 8, 10], at + 20);
    else this.#data.set([1, 1, 8, 10], at + 20);
    view.setInt32(at + (flags & SYN ? 28 : 24), this.count);
    if (flags & SYN) this.#data.set([1, 3, 3, 7], at + 36);
    this.#pay(at + header, size);
    view.setUint16(
      at + 16,
      check(pseudoSum4(side.src, side.dst, 6, header + size) + sumOf(view, at, at + header + size)),
    );
    this.#send(side, 6, header + size);
  }

  udp(side: Side, size: number): void {
    const at = this.#segment(8 + size);
    const view = this.#view;
    view.setUint16(at, side.sport);
    view.setUint16(at + 2, side.dport);
    view.setUint16(at + 4, 8 + size);
    this.#pay(at + 8, size);
    const sum = pseudoSum4(side.src, side.dst, 17, 8 + size) + sumOf(view, at, at + 8 + size);
    view.setUint16(at + 6, mangled0(check(sum)));
    this.#send(side, 17, 8 + size);
  }

  ping(side: Side, request: boolean, id: number, seq: number): void {
    const at = this.#segment(64);
    this.#data[at] = request ? 8 : 0;
    this.#view.setUint16(at + 4, id);
    this.#view.setUint16(at + 6, seq);
    this.#pay(at + 8, 56);
    this.#view.setUint16(at + 2, check(sumOf(this.#view, at, at + 64)));
    this.#send(side, 1, 64);
  }

  portUnreachable(side: Side, about: Side): void {
    const at = this.#segment(68);
    const view = this.#view;
    this.#data[at] = this.#data[at + 1] = 3;
    this.#ipHeader(at + 8, about, 17, 40, 63);
    view.setUint16(at + 28, about.sport);
    view.setUint16(at + 30, about.dport);
    view.setUint16(at + 32, 40);
    this.#pay(at + 36, 32);
    view.setUint16(at + 2, check(sumOf(view, at, at + 68)));
    this.#send(side, 1, 68);
  }

  #pay(at: number, size: number): void {
    for (let i = 0; i < size; i++) this.#data[at + i] = Math.imul(i + this.count, 0x9e37) >>> 8;
  }

  #ipHeader(at: number, side: Side, protocol: number, payload: number, ttl: number): void {
    const view = this.#view;
    view.setUint16(at, 0x4500);
    view.setUint16(at + 2, 20 + payload);
    view.setUint16(at + 4, this.#id++ & 0xffff);
    view.setUint16(at + 6, 0x4000);
    view.setUint16(at + 8, (ttl << 8) | protocol);
    view.setUint16(at + 10, 0);
    view.setInt32(at + 12, side.src);
    view.setInt32(at + 16, side.dst);
    view.setUint16(at + 10, ipv4HeaderCheck(view, at, 20));
  }

  #send(side: Side, protocol: number, payload: number): void {
    if (this.count >= this.#limit) return;
    const record = this.#at;
    const length = NETWORK_AT + 20 + payload;
    const time = START + this.count * PACE;
    const view = this.#view;
    view.setUint32(record, Math.floor(time / 1e6), true);
    view.setUint32(record + 4, time % 1e6, true);
    view.setUint32(record + 8, length, true);
    view.setUint32(record + 12, length, true);
    const ether = record + 16;
    this.#data.set(side.fromClient ? SERVER_MAC : CLIENT_MAC, ether);
    this.#data.set(side.fromClient ? CLIENT_MAC : SERVER_MAC, ether + 6);
    view.setUint16(ether + 12, 0x0800);
    this.#ipHeader(ether + NETWORK_AT, side, protocol, payload, 64);
    this.#at = record + 16 + length;
    this.count++;
    this.bytes += length;
  }
}
