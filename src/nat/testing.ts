/** Ranges as text, for the tests of this folder. */
import { parseAddress } from "../bytes/address.ts";
import { ANY_RANGE, NAT_RANGE_MAP_IPS, NAT_RANGE_PROTO_SPECIFIED, type NatRange } from "./range.ts";

/** `203.0.113.1`, `203.0.113.1-203.0.113.9`, `2001:db8::1-2001:db8::9`, with ports `203.0.113.1 5000-5010`, or only ports ` 5000`. */
export function rangeOf(text: string, flags = 0): NatRange {
  const [addresses, ports] = text.split(" ");
  const words = (address: string) => [...parseAddress(address)!, 0, 0, 0];
  const [from, to = from] = addresses === "" ? ["0.0.0.0"] : addresses.split("-");
  const [min0, min1, min2, min3] = words(from);
  const [max0, max1, max2, max3] = words(to);
  const [minPort, maxPort = minPort] = (ports ?? "0").split("-").map(Number);
  return {
    ...ANY_RANGE,
    ...{ min0, min1, min2, min3, max0, max1, max2, max3, minPort, maxPort },
    flags: flags | (addresses === "" ? 0 : NAT_RANGE_MAP_IPS) | (ports === undefined ? 0 : NAT_RANGE_PROTO_SPECIFIED),
  };
}
