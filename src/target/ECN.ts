/** `-j ECN`: changes the ECN bits of the IPv4 header, and ECE and CWR of the TCP header (ipt_ECN.c). */
import { protoReplace2 } from "../bytes/checksum.ts";
import { CONTINUE, DROP } from "../packet/hook.ts";
import { CHECKSUM_PARTIAL, type Packet } from "../packet/packet.ts";
import { IPPROTO_TCP, TCP_CWR, TCP_ECE } from "../packet/transport.ts";
import { RuleError, target } from "../rules/extension.ts";
import { flag, opt, uint } from "../rules/types.ts";
import { setTos } from "./ds-field.ts";

const ECN_BITS = 3;
const TCP_HEADER = 20;
/** The 16 bits of the TCP header with its flags, and its checksum. */
const FLAGS = 12;
const CHECKSUM = 16;

interface Change {
  /** null: the IP header stays as it is. */
  readonly ip: number | null;
  /** Flags of byte 13 that are changed, and which of them are set. */
  readonly mask: number;
  readonly set: number;
}

const bit = uint(0, 1);

/** Writes the flags; false: the header is not all there, which drops the packet. */
function setFlags(p: Packet, { mask, set }: Change): boolean {
  const { l4, view } = p;
  if (l4 < 0 || l4 + TCP_HEADER > p.end) return false;
  const old = view.getUint16(l4 + FLAGS);
  const changed = (old & ~mask) | set;
  if (changed === old) return true;
  p.pull(l4 - p.start + TCP_HEADER);
  const at = p.l4;
  p.view.setUint16(at + FLAGS, changed);
  const sum = p.view.getUint16(at + CHECKSUM);
  p.view.setUint16(at + CHECKSUM, protoReplace2(sum, old, changed, p.checksum === CHECKSUM_PARTIAL, false));
  if (p.hasPorts) p.tcpFlags = p.data[at + 13];
  return true;
}

export const ECN = target({
  name: "ECN",
  families: [4],
  tables: ["mangle"],
  options: {
    "--ecn-tcp-remove": opt(flag, {
      excludes: ["--ecn-tcp-cwr", "--ecn-tcp-ece"],
      help: "clears ECE and CWR: the ends won't use ECN",
    }),
    "--ecn-tcp-cwr": opt(bit, { excludes: ["--ecn-tcp-remove"], help: "sets or clears CWR" }),
    "--ecn-tcp-ece": opt(bit, { excludes: ["--ecn-tcp-remove"], help: "sets or clears ECE" }),
    "--ecn-ip-ect": opt(uint(0, ECN_BITS), { help: "the two bits of the IP header get this value" }),
  },
  check(given) {
    if (Object.keys(given).length === 0) throw new RuleError("ECN target: An operation is required");
  },

  bind(given): Change {
    const ip = given["--ecn-ip-ect"]?.value ?? null;
    const order = Object.keys(given);
    if (given["--ecn-tcp-remove"] !== undefined) {
      // It forgets what stands before it.
      const kept = order.indexOf("--ecn-ip-ect") > order.indexOf("--ecn-tcp-remove");
      return { ip: kept ? ip : null, mask: TCP_ECE | TCP_CWR, set: 0 };
    }
    const { "--ecn-tcp-cwr": cwr, "--ecn-tcp-ece": ece } = given;
    const mask = (cwr === undefined ? 0 : TCP_CWR) | (ece === undefined ? 0 : TCP_ECE);
    return { ip, mask, set: (cwr?.value ? TCP_CWR : 0) | (ece?.value ? TCP_ECE : 0) };
  },

  print({ ip, mask, set }) {
    if (ip === null && mask === (TCP_ECE | TCP_CWR) && set === 0) return "--ecn-tcp-remove";
    const words: string[] = [];
    if ((mask & TCP_ECE) !== 0) words.push(`--ecn-tcp-ece ${(set & TCP_ECE) === 0 ? 0 : 1}`);
    if ((mask & TCP_CWR) !== 0) words.push(`--ecn-tcp-cwr ${(set & TCP_CWR) === 0 ? 0 : 1}`);
    if (ip !== null) words.push(`--ecn-ip-ect ${ip}`);
    return words.join(" ");
  },

  checkEntry({ mask }, { protocol }) {
    if (mask !== 0 && (protocol === null || protocol.not || protocol.number !== IPPROTO_TCP))
      throw new RuleError("ipt_ECN: cannot use operation on non-tcp rule", 1);
  },

  compile(is) {
    const { ip, mask } = is;
    return (p) => {
      if (ip !== null && (p.tos & ECN_BITS) !== ip) setTos(p, (p.tos & ~ECN_BITS) | ip);
      return mask === 0 || p.protocol !== IPPROTO_TCP || setFlags(p, is) ? CONTINUE : DROP;
    };
  },

  does: ({ ip, mask, set }) =>
    [
      ...(ip === null ? [] : [`ECN bits are now ${ip}`]),
      ...(mask === 0 ? [] : [set === 0 ? "ECE and CWR are cleared" : "ECE and CWR are set anew"]),
    ].join(", "),
});
