/**
 * The kernel's settings under net.*, with the defaults of Linux 6.18 in a fresh namespace and the baseline of a
 * router (ip_forward on). Hot ones are plain number fields, spelt as the key without `nf_conntrack_`.
 */

export class Sysctl {
  // ── net.netfilter.nf_conntrack_*; timeouts in seconds ──────────────────────────────────────────────
  acct = 0;
  checksum = 1;
  events = 2;
  expectMax = 4096;
  frag6HighThresh = 4194304;
  frag6LowThresh = 3145728;
  frag6Timeout = 60;
  genericTimeout = 600;
  greTimeout = 30;
  greTimeoutStream = 180;
  icmpTimeout = 30;
  icmpv6Timeout = 30;
  logInvalid = 0;
  /** nf_conntrack_max, nf_conntrack_buckets. */
  conntrackMax = 262144;
  conntrackBuckets = 262144;
  sctpTimeoutClosed = 10;
  sctpTimeoutCookieWait = 3;
  sctpTimeoutCookieEchoed = 3;
  sctpTimeoutEstablished = 210;
  sctpTimeoutShutdownSent = 3;
  sctpTimeoutShutdownRecd = 3;
  sctpTimeoutShutdownAckSent = 3;
  sctpTimeoutHeartbeatSent = 30;
  tcpBeLiberal = 0;
  tcpIgnoreInvalidRst = 0;
  tcpLoose = 1;
  tcpMaxRetrans = 3;
  tcpTimeoutClose = 10;
  tcpTimeoutCloseWait = 60;
  tcpTimeoutEstablished = 432000;
  tcpTimeoutFinWait = 120;
  tcpTimeoutLastAck = 30;
  tcpTimeoutMaxRetrans = 300;
  tcpTimeoutSynRecv = 60;
  tcpTimeoutSynSent = 120;
  tcpTimeoutTimeWait = 120;
  tcpTimeoutUnacknowledged = 300;
  timestamp = 0;
  udpTimeout = 30;
  udpTimeoutStream = 120;

  // ── net.ipv4 ───────────────────────────────────────────────────────────────────────────────────────
  ipForward = 1;
  ipDefaultTtl = 64;
  ipForwardUsePmtu = 0;
  ipForwardUpdatePriority = 1;
  icmpEchoIgnoreAll = 0;
  icmpEchoIgnoreBroadcasts = 1;
  icmpErrorsUseInboundIfaddr = 0;
  icmpIgnoreBogusErrorResponses = 1;
  /** Milliseconds between two ICMP errors to one destination; 0 is unlimited. */
  icmpRatelimit = 1000;
  /** Bit n: ICMP type n counts against the limit. */
  icmpRatemask = 6168;
  icmpMsgsPerSec = 1000;
  icmpMsgsBurst = 50;
  fwmarkReflect = 0;
  ipfragHighThresh = 4194304;
  ipfragLowThresh = 3145728;
  /** Seconds. */
  ipfragTime = 30;
  ipfragMaxDist = 64;

  // ── net.ipv6 ───────────────────────────────────────────────────────────────────────────────────────
  forwarding6 = 1;
  fwmarkReflect6 = 0;
  icmp6Ratelimit = 1000;
  icmp6EchoIgnoreAll = 0;
  icmp6EchoIgnoreMulticast = 0;
  icmp6EchoIgnoreAnycast = 0;
  icmp6ErrorAnycastAsUnicast = 0;
  ip6fragHighThresh = 4194304;
  ip6fragLowThresh = 3145728;
  ip6fragTime = 60;

  /** Any key of net.* (dots or slashes). Throws HostError for a key that is not known. */
  get(_key: string): number | string {
    throw new Error("being written");
  }

  /** As `sysctl -w`: throws HostError for unknown keys (naming the nearest known one) and values out of range. */
  set(_key: string, _value: number | string): void {
    throw new Error("being written");
  }
}
