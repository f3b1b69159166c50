/**
 * `-j TCPMSS`: lowers the maximum segment size that a SYN announces, to a number or to what the path takes, and adds
 * the option where there is none (xt_TCPMSS.c). It never raises it.
 */
import { protoReplace2, protoReplace4, replace2 } from "../bytes/checksum.ts";
import type { Host } from "../host/host.ts";
import type { Route } from "../host/route.ts";
import { CONTINUE, DROP, type Family, FORWARD, OUTPUT, POSTROUTING, type Verdict } from "../packet/hook.ts";
import { IPV4_CHECKSUM, IPV4_LENGTH, IPV4_MIN_HEADER } from "../packet/ipv4.ts";
import { IPV6_HEADER, IPV6_LENGTH } from "../packet/ipv6.ts";
import { CHECKSUM_PARTIAL, type Packet } from "../packet/packet.ts";
import { IPPROTO_TCP, TCP_SYN } from "../packet/transport.ts";
import { type OptionSite, type OptionType, RuleError, target } from "../rules/extension.ts";
import type { Use } from "../rules/ruleset.ts";
import { flag, opt, U16_MAX, uint } from "../rules/types.ts";

const TCP_HEADER = 20;
const TCP_CHECKSUM = 16;
const TCP_LONGEST_HEADER = 60;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const OPTION_MSS_LENGTH = 4;
/** What a host must take that announced nothing (RFC 1122, RFC 8200). */
const UNANNOUNCED: Readonly<Record<Family, number>> = { 4: 536, 6: 1220 };
const IP_HEADER: Readonly<Record<Family, number>> = { 4: IPV4_MIN_HEADER, 6: IPV6_HEADER };

const mss: OptionType<number> = {
  arity: 1,
  parse: (words, site: OptionSite) => uint(0, U16_MAX - IP_HEADER[site.family]).parse(words, site),
  print: String,
};

export const TCPMSS = target({
  name: "TCPMSS",
  families: [4, 6],
  protocols: [IPPROTO_TCP],
  options: {
    "--set-mss": opt(mss, { help: "at most this many bytes" }),
    "--clamp-mss-to-pmtu": opt(flag, { help: "what fits through both ways of the path" }),
  },
  atLeastOne: [["--set-mss", "--clamp-mss-to-pmtu"]],
  oneNeeded: "TCPMSS target: At least one parameter is required",

  /** Bytes, or "clamp"; of both options the later one holds. */
  bind: (given): number | "clamp" =>
    Object.keys(given).at(-1) === "--clamp-mss-to-pmtu" ? "clamp" : given["--set-mss"]!.value,
  print: (is) => (is === "clamp" ? "--clamp-mss-to-pmtu" : `--set-mss ${is}`),

  checkEntry(is, { hooks, matches }) {
    const misplaced = hooks.some((hook) => hook !== FORWARD && hook !== OUTPUT && hook !== POSTROUTING);
    if (is === "clamp" && misplaced)
      throw new RuleError("xt_TCPMSS: path-MTU clamping only supported in FORWARD, OUTPUT and POSTROUTING hooks", 1);
    if (!matches?.some(looksForSyn)) throw new RuleError("xt_TCPMSS: Only works on TCP SYN packets", 1);
  },

  compile(is, { host, family }) {
    const headers = IP_HEADER[family] + TCP_HEADER;
    const length = family === 4 ? IPV4_LENGTH : IPV6_LENGTH;
    return (p): Verdict => {
      if (p.fragmentOffset !== 0) return CONTINUE;
      if (p.l4 < 0) return DROP;
      const end = Math.min(p.end, p.start + p.length);
      const there = end - p.l4;
      if (there < TCP_HEADER) return DROP;
      const header = (p.data[p.l4 + 12] >>> 4) << 2;
      if (header < TCP_HEADER || there < header) return DROP;
      p.pull(p.length);
      let most: number;
      if (is === "clamp") {
        const mtu = pathMtu(p, host);
        if (mtu <= headers) return DROP;
        most = (mtu - headers) & U16_MAX;
      } else most = is;
      if (lower(p, header, most)) return CONTINUE;
      // An option would push data along, or would not fit.
      if (p.start + p.length - p.l4 > header || header >= TCP_LONGEST_HEADER) return CONTINUE;
      insert(p, end, length, Math.min(most, UNANNOUNCED[family]));
      return CONTINUE;
    };
  },
});

/** find_syn_match: a tcp match that asks for SYN, not inverted. */
function looksForSyn(use: Use): boolean {
  if (use.name !== "tcp") return false;
  const { "--tcp-flags": flags } = use.options as {
    readonly "--tcp-flags"?: { readonly not: boolean; readonly value: { readonly set: number } };
  };
  return flags !== undefined && !flags.not && (flags.value.set & TCP_SYN) !== 0;
}

/** The smaller MTU of the packet's way and of the way back to its source. */
function pathMtu(p: Packet, host: Host): number {
  if (p.family === 4) return smaller(host.route4(p.dst0, 0, 0, 0, p.mark), host.route4(p.src0, 0, 0, 0, 0));
  return smaller(
    host.route6(p.dst0, p.dst1, p.dst2, p.dst3, 0, 0, 0, 0, 0, p.mark),
    host.route6(p.src0, p.src1, p.src2, p.src3, 0, 0, 0, 0, 0, 0),
  );
}

/** Without a way back, the way there decides. */
function smaller(there: Route, back: Route): number {
  return back.error !== 0 ? there.mtu : Math.min(there.mtu, back.mtu);
}

/** Whether the header has the option; it is lowered if it announces more than `most`. */
function lower(p: Packet, header: number, most: number): boolean {
  const { data, view, l4 } = p;
  for (let at = TCP_HEADER; at <= header - OPTION_MSS_LENGTH; ) {
    const kind = data[l4 + at];
    const length = data[l4 + at + 1];
    if (kind === OPTION_MSS && length === OPTION_MSS_LENGTH) {
      const old = view.getUint16(l4 + at + 2);
      if (old <= most) return true;
      view.setUint16(l4 + at + 2, most);
      const check = view.getUint16(l4 + TCP_CHECKSUM);
      view.setUint16(l4 + TCP_CHECKSUM, protoReplace2(check, old, most, p.checksum === CHECKSUM_PARTIAL, false));
      return true;
    }
    at += kind <= OPTION_NOP || length === 0 ? 1 : length;
  }
  return false;
}

/** Makes the packet four bytes longer, in bytes of its own: what follows it in its buffer is not ours. */
function insert(p: Packet, end: number, lengthField: number, announced: number): void {
  const mac = p.mac >= 0 ? p.macLength : 0;
  const l4 = mac + p.l4 - p.start;
  const bytes = new Uint8Array(mac + end - p.start + OPTION_MSS_LENGTH);
  if (mac > 0) bytes.set(p.data.subarray(p.mac, p.mac + mac));
  bytes.set(p.data.subarray(p.start, p.l4 + TCP_HEADER), mac);
  bytes.set(p.data.subarray(p.l4 + TCP_HEADER, end), l4 + TCP_HEADER + OPTION_MSS_LENGTH);
  const view = new DataView(bytes.buffer);
  const option = (OPTION_MSS << 24) | (OPTION_MSS_LENGTH << 16) | announced;
  view.setInt32(l4 + TCP_HEADER, option);
  const partial = p.checksum === CHECKSUM_PARTIAL;
  const size = end - p.l4;
  let check = protoReplace2(view.getUint16(l4 + TCP_CHECKSUM), size, size + OPTION_MSS_LENGTH, partial, true);
  check = protoReplace4(check, 0, option, partial, false);
  const offsetAndFlags = view.getUint16(l4 + 12);
  const longer = offsetAndFlags + (1 << 12);
  view.setUint16(l4 + 12, longer);
  view.setUint16(l4 + TCP_CHECKSUM, protoReplace2(check, offsetAndFlags, longer, partial, false));
  const declared = view.getUint16(mac + lengthField);
  const grown = declared + OPTION_MSS_LENGTH;
  view.setUint16(mac + lengthField, grown);
  if (p.family === 4)
    view.setUint16(mac + IPV4_CHECKSUM, replace2(view.getUint16(mac + IPV4_CHECKSUM), declared, grown & U16_MAX));
  p.data = bytes;
  p.view = view;
  p.start = mac;
  p.end = bytes.length;
  p.mac = mac > 0 ? 0 : -1;
  p.wire = Math.max(p.wire, p.end - p.start);
  p.reload();
}
