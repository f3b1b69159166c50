/** `-m mac`: the link-layer source address of a received packet (xt_mac.c). What came from no Ethernet device misses. */
import { formatMac, parseMac } from "../bytes/address.ts";
import { FORWARD, INPUT, PREROUTING } from "../packet/hook.ts";
import { match } from "../rules/extension.ts";
import { mac as macType, optNot } from "../rules/types.ts";

const LENGTH = 6;

export const mac = match({
  name: "mac",
  families: [4, 6],
  hooks: [PREROUTING, INPUT, FORWARD],
  options: {
    "--mac-source": optNot(macType, { required: true, help: "six bytes in hexadecimal, with colons" }),
  },

  compile(is) {
    const { not, value } = is["--mac-source"]!;
    const [b0, b1, b2, b3, b4, b5] = parseMac(value)!;
    const high = (b0 << 24) | (b1 << 16) | (b2 << 8) | b3;
    const low = (b4 << 8) | b5;
    return (p) => {
      if (p.mac < 0 || p.macLength !== LENGTH) return false;
      return (p.view.getInt32(p.mac) === high && p.view.getUint16(p.mac + 4) === low) !== not;
    };
  },

  why(is, p) {
    if (p.mac < 0 || p.macLength !== LENGTH) return "it has no link-layer address";
    const { not, value } = is["--mac-source"]!;
    return `link-layer source ${formatMac(p.data, p.mac, LENGTH)} is ${not ? "" : "not "}${value}`;
  },
});
