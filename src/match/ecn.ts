/** `-m ecn`: the ECN bits of the IP header, ECE and CWR of the TCP header (xt_ecn.c). */
import type { Packet } from "../packet/packet.ts";
import { IPPROTO_TCP, TCP_CWR, TCP_ECE } from "../packet/transport.ts";
import { match, RuleError } from "../rules/extension.ts";
import { flag, optNot, uint } from "../rules/types.ts";

const ECN = 3;

/** The flags that must be set and those that must not, of byte 13 of the TCP header. */
interface Ecn {
  readonly ip: { readonly not: boolean; readonly value: number } | null;
  readonly mask: number;
  readonly set: number;
}

/** The TCP header is looked at even where it cannot be one: `-p tcp` is asked for, but not `! -f`. */
function flagsOf(p: Packet): number {
  return p.l4 >= 0 && p.l4 + 20 <= p.end ? p.data[p.l4 + 13] : -1;
}

export const ecn = match({
  name: "ecn",
  families: [4, 6],
  options: {
    "--ecn-tcp-ece": optNot(flag, { help: "TCP's ECE flag is set" }),
    "--ecn-tcp-cwr": optNot(flag, { help: "TCP's CWR flag is set" }),
    "--ecn-ip-ect": optNot(uint(0, ECN), { help: "the two bits of the IP header have this value" }),
  },
  check(given) {
    if (Object.keys(given).length === 0) throw new RuleError("ECN match: some option required");
  },
  checkEntry(is, { protocol }) {
    const asksTcp = is["--ecn-tcp-ece"] !== undefined || is["--ecn-tcp-cwr"] !== undefined;
    if (asksTcp && (protocol === null || protocol.not || protocol.number !== IPPROTO_TCP))
      throw new RuleError("xt_ecn: cannot match TCP bits for non-tcp packets", 1);
  },

  compile(given) {
    const is = ecnOf(given["--ecn-ip-ect"], given["--ecn-tcp-ece"], given["--ecn-tcp-cwr"]);
    const { ip, mask, set } = is;
    return (p) => {
      if (ip !== null && ((p.tos & ECN) === ip.value) === ip.not) return false;
      if (mask === 0) return true;
      const flags = flagsOf(p);
      return flags >= 0 && (flags & mask) === set;
    };
  },

  why(given, p) {
    const { ip } = ecnOf(given["--ecn-ip-ect"], given["--ecn-tcp-ece"], given["--ecn-tcp-cwr"]);
    if (ip !== null && ((p.tos & ECN) === ip.value) === ip.not)
      return `the ECN bits ${p.tos & ECN} are ${ip.not ? "" : "not "}${ip.value}`;
    const flags = flagsOf(p);
    if (flags < 0) return "its TCP header is not all there";
    return `of ECE and CWR it has ${(flags & TCP_ECE) !== 0 ? "ECE" : "no ECE"} and ${(flags & TCP_CWR) !== 0 ? "CWR" : "no CWR"}`;
  },
});

function ecnOf(ip: Ecn["ip"] | undefined, ece: { not: boolean } | undefined, cwr: { not: boolean } | undefined): Ecn {
  const mask = (ece === undefined ? 0 : TCP_ECE) | (cwr === undefined ? 0 : TCP_CWR);
  const set = (ece?.not === false ? TCP_ECE : 0) | (cwr?.not === false ? TCP_CWR : 0);
  return { ip: ip ?? null, mask, set };
}
