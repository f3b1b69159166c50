/**
 * The few system calls that Node does not offer, through koffi: namespaces, TUN devices, raw and netlink sockets.
 * Everything here is synchronous, because a packet written to a TUN device is processed to its end inside that write.
 */
import { constants, openSync } from "node:fs";
import { createRequire } from "node:module";

/** Why the kernel engine can't run here, in one sentence. */
export class KernelUnavailable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "KernelUnavailable";
  }
}

/** The kernel refused a call. */
export class SystemCallError extends Error {
  readonly errno: number;
  constructor(call: string, errno: number, text: string) {
    super(`${call}: ${text}`);
    this.name = "SystemCallError";
    this.errno = errno;
  }
}

export const EAGAIN = 11;
export const EPERM = 1;
export const ENOENT = 2;
export const EINVAL = 22;
const EADDRINUSE = 98;

const CLONE_NEWNET = 0x40000000;
const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const IPPROTO_TCP = 6;
const IPPROTO_RAW = 255;
const TCP_INFO = 11;
/** Of struct tcp_info: milliseconds since data was sent, of which a fresh socket thinks that it was in tick 0. */
const TCPI_LAST_DATA_SENT = 44;
const NETLINK_NETFILTER = 12;
const SOL_SOCKET = 1;
const SO_BROADCAST = 6;
const SO_BINDTODEVICE = 25;
const SOL_IPV6 = 41;
const IPV6_ADD_MEMBERSHIP = 20;
const SO_RCVBUFFORCE = 33;
const MSG_DONTWAIT = 0x40;
const CLOCK_MONOTONIC = 1;

/** Datagrams taken in one call, and the longest that fits: a log message that holds a whole packet. */
const BATCH = 32;
const LONGEST_DATAGRAM = 69_632;

type Call = (...args: unknown[]) => number;

export class SystemCalls {
  readonly #unshare: Call;
  readonly #setns: Call;
  readonly #ioctl: Call;
  readonly #ioctlNumber: Call;
  readonly #read: Call;
  readonly #write: Call;
  readonly #close: Call;
  readonly #socket: Call;
  readonly #sendto: Call;
  readonly #setsockopt: Call;
  readonly #getsockopt: Call;
  readonly #recvmmsg: Call;
  readonly #clockGettime: Call;
  readonly #getcpu: Call;
  readonly #setaffinity: Call;
  readonly #timespec = new DataView(new ArrayBuffer(16));
  readonly #tcpInfo = new DataView(new ArrayBuffer(TCPI_LAST_DATA_SENT + 4));
  readonly #tcpInfoLength = new Uint32Array(1);
  readonly #send: Call;
  readonly #batch: Batch;
  readonly #errno: () => number;
  readonly #strerror: (errno: number) => string;

  /** Throws KernelUnavailable where there is no Linux, no root or no koffi. */
  constructor() {
    if (process.platform !== "linux") throw new KernelUnavailable("the kernel engine needs Linux; this is not Linux");
    if (process.getuid?.() !== 0)
      throw new KernelUnavailable("the kernel engine needs root, to make a network namespace of its own");
    const koffi = loadKoffi();
    const libc = koffi.load("libc.so.6");
    this.#unshare = libc.func("int unshare(int)");
    this.#setns = libc.func("int setns(int, int)");
    this.#ioctl = libc.func("int ioctl(int, unsigned long, void *)");
    this.#ioctlNumber = libc.func("int ioctl(int, unsigned long, long)");
    this.#read = libc.func("long read(int, void *, size_t)");
    this.#write = libc.func("long write(int, const void *, size_t)");
    this.#close = libc.func("int close(int)");
    this.#socket = libc.func("int socket(int, int, int)");
    this.#sendto = libc.func("long sendto(int, const void *, size_t, int, const void *, unsigned int)");
    this.#setsockopt = libc.func("int setsockopt(int, int, int, const void *, unsigned int)");
    this.#getsockopt = libc.func("int getsockopt(int, int, int, void *, void *)");
    this.#recvmmsg = libc.func("int recvmmsg(int, void *, unsigned int, int, void *)");
    this.#clockGettime = libc.func("int clock_gettime(int, void *)");
    this.#getcpu = libc.func("int sched_getcpu()");
    this.#setaffinity = libc.func("int sched_setaffinity(int, size_t, const void *)");
    this.#send = libc.func("long send(int, const void *, size_t, int)");
    this.#errno = () => koffi.errno();
    this.#strerror = libc.func("const char *strerror(int)") as unknown as (errno: number) => string;
    batch ??= new Batch(koffi);
    this.#batch = batch;
    clockSocket ??= this.#check("TCP socket", this.#socket(AF_INET, SOCK_STREAM, 0));
  }

  #check(call: string, result: number): number {
    if (result < 0) this.fail(call, this.#errno());
    return result;
  }

  /** Throws what the kernel answered. */
  fail(call: string, errno: number): never {
    throw new SystemCallError(call, errno, this.#strerror(errno));
  }

  /**
   * Keeps this thread on the processor that it is on. Some of the kernel's answers depend on which one asks (which of a
   * connlimit's connections are looked after); the twin has one only.
   */
  stayOnProcessor(): void {
    const processor = this.#getcpu();
    const set = new Uint8Array(128);
    set[processor >>> 3] = 1 << (processor & 7);
    this.#check("sched_setaffinity", this.#setaffinity(0, set.length, set));
  }

  /** Leaves the network this process lives in for a new, empty one, which goes when the process leaves it or ends. */
  enterEmptyNetwork(): void {
    if (this.#unshare(CLONE_NEWNET) < 0)
      throw new KernelUnavailable("the kernel engine may not make a network namespace here (unshare is not permitted)");
  }

  /** A file descriptor that keeps the network the process is in, and leads back to it. */
  openNetwork(): number {
    return openSync("/proc/self/ns/net", constants.O_RDONLY);
  }

  enterNetwork(fd: number): void {
    this.#check("setns", this.#setns(fd, CLONE_NEWNET));
  }

  /** Opens a TUN device of that name; packets cross it without a link-layer header. */
  openTun(name: string): number {
    const fd = openTunDriver();
    const request = Buffer.alloc(40);
    request.write(name, 0, 15, "latin1");
    request.writeUInt16LE(IFF_TUN | IFF_NO_PI, 16);
    return this.#closing(fd, () => this.#check(`TUN device ${name}`, this.#ioctl(fd, TUNSETIFF, request)));
  }

  /** Bytes read, or -1 when there is nothing now. */
  read(fd: number, into: Uint8Array): number {
    const n = Number(this.#read(fd, into, into.length));
    if (n < 0 && this.#errno() !== EAGAIN) this.#check("read", n);
    return n;
  }

  /** Writes one packet; returns 0, or the errno with which the device refused it. */
  write(fd: number, bytes: Uint8Array): number {
    return Number(this.#write(fd, bytes, bytes.length)) < 0 ? this.#errno() : 0;
  }

  close(fd: number): void {
    this.#close(fd);
  }

  /** Leaves a TUN device behind, for the kernel to remove with its network: to wait for that takes 30 ms a device. */
  abandonTun(fd: number): void {
    this.#ioctlNumber(fd, TUNSETPERSIST, 1);
    this.#close(fd);
  }

  /** A raw socket whose user writes whole IP packets. */
  openRaw(family: 4 | 6): number {
    const fd = this.#check("raw socket", this.#socket(family === 4 ? AF_INET : AF_INET6, SOCK_RAW, IPPROTO_RAW));
    const on = Buffer.from([1, 0, 0, 0]);
    return this.#closing(fd, () => this.#check("SO_BROADCAST", this.#setsockopt(fd, SOL_SOCKET, SO_BROADCAST, on, 4)));
  }

  /** Makes the host a member of an IPv6 multicast group on a device; again is no mistake. `group` is 16 bytes. */
  joinGroup(fd: number, group: Uint8Array, device: number): void {
    const request = Buffer.alloc(20);
    request.set(group);
    request.writeUInt32LE(device, 16);
    if (this.#setsockopt(fd, SOL_IPV6, IPV6_ADD_MEMBERSHIP, request, request.length) >= 0) return;
    if (this.#errno() !== EADDRINUSE) this.#check("IPV6_ADD_MEMBERSHIP", -1);
  }

  /** Returns `fd`, which is closed when `setUp` throws. */
  #closing(fd: number, setUp: () => void): number {
    try {
      setUp();
      return fd;
    } catch (error) {
      this.close(fd);
      throw error;
    }
  }

  /** What is sent through the socket leaves by this device; null: as the routes say. */
  bindToDevice(fd: number, device: string | null): void {
    const name = Buffer.from(`${device ?? ""}\0`, "latin1");
    this.#check("SO_BINDTODEVICE", this.#setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length));
  }

  /** Sends a whole IP packet as a local program would; returns 0 or the errno (EPERM: dropped in OUTPUT). */
  sendRaw(fd: number, packet: Uint8Array): number {
    const six = packet[0] >>> 4 === 6;
    const address = Buffer.alloc(six ? 28 : 16);
    address.writeUInt16LE(six ? AF_INET6 : AF_INET, 0);
    if (six) address.set(packet.subarray(24, 40), 8);
    else address.set(packet.subarray(16, 20), 4);
    return Number(this.#sendto(fd, packet, packet.length, 0, address, address.length)) < 0 ? this.#errno() : 0;
  }

  /** A netlink socket to netfilter with a receive buffer that a burst of log messages does not overflow. */
  openNetfilterSocket(): number {
    const fd = this.#check("netlink socket", this.#socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_NETFILTER));
    const size = Buffer.alloc(4);
    size.writeInt32LE(64 << 20);
    return this.#closing(fd, () =>
      this.#check("SO_RCVBUFFORCE", this.#setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4)),
    );
  }

  send(fd: number, message: Uint8Array): void {
    this.#check("netlink send", Number(this.#send(fd, message, message.length, 0)));
  }

  /** Nanoseconds since the machine started. */
  monotonicClock(): number {
    this.#check("clock_gettime", this.#clockGettime(CLOCK_MONOTONIC, this.#timespec.buffer));
    return this.#timespec.getUint32(0, true) * 1e9 + this.#timespec.getUint32(8, true);
  }

  /** Milliseconds in the ticks that the kernel has counted, modulo 2^32: they go on when it gets round to counting. */
  tickedMilliseconds(): number {
    const info = this.#tcpInfo;
    this.#tcpInfoLength[0] = info.byteLength;
    const result = this.#getsockopt(clockSocket, IPPROTO_TCP, TCP_INFO, info.buffer, this.#tcpInfoLength);
    this.#check("TCP_INFO", result);
    return info.getUint32(TCPI_LAST_DATA_SENT, true);
  }

  /** Calls `visit` for every datagram that waits, with where it lies; its bytes are valid until it returns. */
  receiveAll(fd: number, visit: (view: DataView, start: number, end: number) => void): void {
    const { view, headers } = this.#batch;
    for (let n = BATCH; n === BATCH; ) {
      n = this.#recvmmsg(fd, headers, BATCH, MSG_DONTWAIT, null);
      if (n < 0 && this.#errno() !== EAGAIN) this.#check("netlink receive", n);
      for (let i = 0; i < n; i++) visit(view, i * LONGEST_DATAGRAM, i * LONGEST_DATAGRAM + this.#batch.length(i));
    }
  }
}

/** Memory outside JavaScript's for many datagrams: an array of struct mmsghdr, their struct iovec, and the bytes. */
class Batch {
  readonly view: DataView;
  /** Address of the first struct mmsghdr. */
  readonly headers: bigint;
  readonly #lengths: DataView;

  constructor(koffi: Koffi) {
    const bytes = koffi.alloc("uint8_t", BATCH * LONGEST_DATAGRAM);
    const vectors = koffi.alloc("uint8_t", BATCH * 16);
    this.headers = koffi.alloc("uint8_t", BATCH * 64);
    this.view = new DataView(koffi.view(bytes, BATCH * LONGEST_DATAGRAM));
    this.#lengths = new DataView(koffi.view(this.headers, BATCH * 64));
    const vector = new DataView(koffi.view(vectors, BATCH * 16));
    new Uint8Array(this.#lengths.buffer).fill(0);
    for (let i = 0; i < BATCH; i++) {
      // struct iovec: iov_base, iov_len. struct msghdr: msg_iov at 16, msg_iovlen at 24; msg_len follows it at 56.
      vector.setBigUint64(i * 16, bytes + BigInt(i * LONGEST_DATAGRAM), true);
      vector.setBigUint64(i * 16 + 8, BigInt(LONGEST_DATAGRAM), true);
      this.#lengths.setBigUint64(i * 64 + 16, vectors + BigInt(i * 16), true);
      this.#lengths.setBigUint64(i * 64 + 24, 1n, true);
    }
  }

  /** Bytes of the datagram that was received into this place. */
  length(i: number): number {
    return this.#lengths.getUint32(i * 64 + 56, true);
  }
}

/** One for the process: what koffi allocates stays. */
let batch: Batch | null = null;

/** One for the process: a TCP socket that is never connected, and only asked what time it is. */
let clockSocket: number | null = null;

function openTunDriver(): number {
  try {
    return openSync("/dev/net/tun", constants.O_RDWR | constants.O_NONBLOCK);
  } catch {
    throw new KernelUnavailable("the kernel engine needs /dev/net/tun (the kernel module tun); it cannot be opened");
  }
}

interface Koffi {
  load(library: string): { func(signature: string): Call };
  errno(): number;
  /** Returns the address. */
  alloc(type: string, length: number): bigint;
  view(address: bigint, length: number): ArrayBuffer;
}

function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)("koffi") as Koffi;
  } catch {
    throw new KernelUnavailable("the kernel engine needs the optional package koffi: npm install koffi");
  }
}
