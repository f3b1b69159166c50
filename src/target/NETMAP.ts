/** `-j NETMAP`: maps a whole network onto another, host part by host part (xt_NETMAP.c). */
import { formatAddress, prefixOfMask } from "../bytes/address.ts";
import { ANY_RANGE, NAT_RANGE_MAP_IPS, type NatRange } from "../nat/range.ts";
import { INPUT, OUTPUT, POSTROUTING, PREROUTING } from "../packet/hook.ts";
import { target } from "../rules/extension.ts";
import { hostMask, opt } from "../rules/types.ts";

export const NETMAP = target({
  name: "NETMAP",
  families: [4, 6],
  tables: ["nat"],
  hooks: [PREROUTING, INPUT, OUTPUT, POSTROUTING],
  armsConntrack: true,
  options: {
    "--to": opt(hostMask, { required: true, help: "address[/mask]" }),
  },

  /** The first and the last address of the network. */
  bind(given): NatRange {
    const { address, mask } = given["--to"]!.value;
    const min = address.map((word, i) => word & mask[i]);
    const max = min.map((word, i) => word | ~mask[i]);
    const [min0, min1 = 0, min2 = 0, min3 = 0] = min;
    const [max0, max1 = 0, max2 = 0, max3 = 0] = max;
    return { ...ANY_RANGE, flags: NAT_RANGE_MAP_IPS, min0, min1, min2, min3, max0, max1, max2, max3 };
  },

  print(is, { family }) {
    const length = family === 4 ? 1 : 4;
    const min = [is.min0, is.min1, is.min2, is.min3].slice(0, length);
    const max = [is.max0, is.max1, is.max2, is.max3];
    const mask = min.map((word, i) => ~(word ^ max[i]));
    return `--to ${formatAddress(min)}/${prefixOfMask(mask) ?? formatAddress(mask)}`;
  },

  mayWait: true,
  compile:
    (is, { nat }) =>
    (p) =>
      nat.netmap(p, is),
});
