/** `-m esp`: the security parameter index of an ESP packet (xt_esp.c). */
import { IPPROTO_ESP } from "../packet/transport.ts";
import { match } from "../rules/extension.ts";
import { optNot, u32Range } from "../rules/types.ts";
import { isAmong, printSpis, type SpiRange, spiRange, whyNotSpi } from "./spi.ts";

const HEADER = 8;

export const esp = match({
  name: "esp",
  families: [4, 6],
  implicitFor: [IPPROTO_ESP],
  protocols: [IPPROTO_ESP],
  options: { "--espspi": optNot(u32Range, { help: "security parameter index, or first:last" }) },

  bind: (given): SpiRange => spiRange(given["--espspi"]),
  print: (is) => printSpis(is, "--espspi"),

  compile(is) {
    return (p) => {
      if (p.fragmentOffset !== 0) return false;
      if (p.l4 < 0 || p.l4 + HEADER > p.end) {
        p.hotdrop = true;
        return false;
      }
      return isAmong(is, p.view.getUint32(p.l4));
    };
  },

  why(is, p) {
    if (p.fragmentOffset !== 0) return "it is a later fragment, without an ESP header";
    if (p.l4 < 0 || p.l4 + HEADER > p.end) return "its ESP header is not all there";
    return whyNotSpi(is, p.view.getUint32(p.l4));
  },
});
