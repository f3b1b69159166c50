/** `-j TCPOPTSTRIP`: overwrites TCP options with no-operations (xt_TCPOPTSTRIP.c). */
import { protoReplace2 } from "../bytes/checksum.ts";
import { CONTINUE, DROP } from "../packet/hook.ts";
import { HeaderWalk, IPV6_HEADER, IPV6_NEXT_HEADER, skipExtensionHeaders } from "../packet/ipv6.ts";
import { CHECKSUM_PARTIAL, type Packet } from "../packet/packet.ts";
import { IPPROTO_TCP } from "../packet/transport.ts";
import { type OptionType, RuleError, target } from "../rules/extension.ts";
import { opt, parseNumber, U8_MAX } from "../rules/types.ts";

const TCP_HEADER = 20;
const CHECKSUM = 16;
const NOP = 1;

const NAMES: Readonly<Record<string, number>> = {
  wscale: 3,
  mss: 2,
  "sack-permitted": 4,
  sack: 5,
  timestamp: 8,
  md5: 19,
};

const kinds: OptionType<readonly number[]> = {
  arity: 1,
  parse([word]) {
    const found: number[] = [];
    for (const name of word.split(",")) {
      const kind = Object.hasOwn(NAMES, name) ? NAMES[name] : parseNumber(name, 0, U8_MAX);
      if (kind === null) throw new RuleError(`Bad TCP option value "${name}"`);
      if (kind < 2) throw new RuleError("Option value may not be 0 or 1");
      if (found.includes(kind)) throw new RuleError(`Option "${name}" already specified`);
      found.push(kind);
    }
    return found.sort((a, b) => a - b);
  },
  print: (all) => all.join(","),
};

const walk = new HeaderWalk();

/** Where the TCP header is; -1: nowhere. IPv6's is behind the extension headers, whatever it is. */
function headerOf(p: Packet): number {
  if (p.family === 4) return p.l4;
  skipExtensionHeaders(p, p.start + IPV6_HEADER, p.data[p.start + IPV6_NEXT_HEADER], walk);
  return walk.at;
}

/** Overwrites an option byte by byte, as the kernel keeps the checksum. */
function overwrite(p: Packet, header: number, at: number, length: number): void {
  const { data, view } = p;
  const partial = p.checksum === CHECKSUM_PARTIAL;
  let sum = view.getUint16(header + CHECKSUM);
  for (let i = at; i < at + length; i++) {
    const shift = ((i - header) & 1) === 0 ? 8 : 0;
    sum = protoReplace2(sum, data[i] << shift, NOP << shift, partial, false);
    data[i] = NOP;
  }
  view.setUint16(header + CHECKSUM, sum);
}

export const TCPOPTSTRIP = target({
  name: "TCPOPTSTRIP",
  families: [4, 6],
  tables: ["mangle"],
  protocols: [IPPROTO_TCP],
  options: {
    "--strip-options": opt(kinds, { help: "numbers, or wscale, mss, sack-permitted, sack, timestamp, md5" }),
  },

  compile(is) {
    const stripped = new Uint8Array(256);
    for (const kind of is["--strip-options"]?.value ?? []) stripped[kind] = 1;
    return (p) => {
      if (p.family === 6 && headerOf(p) < 0) return DROP;
      if (p.fragmentOffset !== 0) return CONTINUE;
      let header = headerOf(p);
      if (header < 0 || header + TCP_HEADER > p.end) return DROP;
      const length = (p.data[header + 12] >>> 4) << 2;
      if (length < TCP_HEADER || header + length > p.end) return DROP;
      p.pull(header - p.start + length);
      header = headerOf(p);
      for (let at = TCP_HEADER; at < length - 1; ) {
        const kind = p.data[header + at];
        const size = kind <= NOP ? 1 : p.data[header + at + 1] || 1;
        if (at + size > length) break;
        if (stripped[kind] !== 0) overwrite(p, header, header + at, size);
        at += size;
      }
      return CONTINUE;
    };
  },

  does: (is) => `without the options ${kinds.print(is["--strip-options"]?.value ?? [], { family: 4 })}`,
});
