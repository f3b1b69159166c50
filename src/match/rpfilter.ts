/** `-m rpfilter`: would an answer leave by the device that the packet came in on? (ipt_rpfilter.c, ip6t_rpfilter.c) */
import type { Host } from "../host/host.ts";
import { PREROUTING } from "../packet/hook.ts";
import { PACKET_LOOPBACK, type Packet } from "../packet/packet.ts";
import { match, RuleError } from "../rules/extension.ts";
import { flag, opt } from "../rules/types.ts";

interface Wanted {
  readonly loose: boolean;
  readonly local: boolean;
}

function leadsBack(host: Host, p: Packet, { loose, local }: Wanted): boolean {
  if (p.packetType === PACKET_LOOPBACK || host.interfaces[p.inDev].loopback) return true;
  if (p.family === 6) {
    const { src0, src1, src2, src3 } = p;
    return (src0 | src1 | src2 | src3) === 0 || host.leadsBack6(src0, src1, src2, src3, p.inDev, loose, local);
  }
  // Who has no address yet sends to all, or to a group of this link.
  if (p.src0 >>> 24 === 0 && (p.dst0 === -1 || p.dst0 >>> 8 === 0xe00000)) return true;
  return host.leadsBack4(p.src0, p.inDev, loose, local);
}

export const rpfilter = match({
  name: "rpfilter",
  families: [4, 6],
  hooks: [PREROUTING],
  options: {
    "--loose": opt(flag, { help: "any device will do" }),
    "--validmark": opt(flag, { help: "the mark has a say; without `ip rule` it has none" }),
    "--accept-local": opt(flag, { help: "the source may be an address of this host" }),
    "--invert": opt(flag, { help: "matches what fails the test" }),
  },
  checkEntry(_is, { table, family }) {
    if (table !== "raw" && table !== "mangle")
      throw new RuleError(
        `${family === 4 ? "ipt" : "ip6t"}_rpfilter: only valid in 'raw' or 'mangle' table, not '${table}'`,
        1,
      );
  },
  compile(is, { host }) {
    const wanted = { loose: is["--loose"] !== undefined, local: is["--accept-local"] !== undefined };
    const inverted = is["--invert"] !== undefined;
    return (p) => leadsBack(host, p, wanted) !== inverted;
  },
  why(is, p, { host }) {
    if (is["--invert"] !== undefined) return "an answer would go back the way it came";
    const device = host.interfaces[p.inDev].name;
    return is["--loose"] !== undefined ? "no way leads back to its source" : `an answer would not leave by ${device}`;
  },
});
