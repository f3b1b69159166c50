/** Expectations as conntrack-tools 1.4.7 prints them (libnetfilter_conntrack: expect/snprintf_default.c). */
import { formatIpv4, formatIpv6 } from "../bytes/address.ts";
import type { Expectation } from "./expectations.ts";
import { HZ } from "./jiffies.ts";
import { formatTuple } from "./list.ts";
import { ORIGINAL, Tuple } from "./tuple.ts";

const tuple = new Tuple();

/** One line, without the newline. `now` is in jiffies. */
export function formatExpectation(expectation: Expectation, now: number): string {
  const { master, permanent } = expectation;
  const mask = maskOf(expectation);
  master.connections.tuple(master.handle, ORIGINAL, tuple);
  const masks = formatTuple(mask).replace("src=", "mask-src=").replace("dst=", "mask-dst=");
  return [
    `${Math.floor((expectation.deadline - now) / HZ)} proto=${expectation.tuple.protocol}`,
    formatTuple(expectation.tuple),
    masks,
    formatTuple(tuple).replace("src=", "master-src=").replace("dst=", "master-dst="),
    ...(permanent ? ["PERMANENT"] : []),
    `class=0 helper=${master.helper.name}`,
  ].join(" ");
}

/** The mask as a tuple: all of the destination counts. */
function maskOf({ tuple: { family, protocol }, mask0, mask1, mask2, mask3, portMask }: Expectation): Tuple {
  const mask = new Tuple();
  mask.family = family;
  mask.protocol = protocol;
  [mask.src0, mask.src1, mask.src2, mask.src3] = [mask0, mask1, mask2, mask3];
  mask.dst0 = mask.dst1 = mask.dst2 = mask.dst3 = -1;
  mask.sport = portMask;
  mask.dport = 0xffff;
  return mask;
}

/** `tcp from 198.51.100.9 to 10.0.0.2:5001`, for people. */
export function formatExpected({ tuple: t, mask0, portMask }: Expectation): string {
  const source = mask0 === 0 ? "anywhere" : withPort(t, true, portMask === 0 ? "" : `:${t.sport}`);
  return `${t.protocol === 6 ? "tcp" : "udp"} from ${source} to ${withPort(t, false, `:${t.dport}`)}`;
}

function withPort(t: Tuple, source: boolean, port: string): string {
  if (t.family === 4) return formatIpv4(source ? t.src0 : t.dst0) + port;
  const address = source ? formatIpv6(t.src0, t.src1, t.src2, t.src3) : formatIpv6(t.dst0, t.dst1, t.dst2, t.dst3);
  return port === "" ? address : `[${address}]${port}`;
}
