/** Where a capture's packets came in: its interfaces, and the link-layer headers that path/core-stream.ts knows of each. */

import { rangeOf } from "./at-hand";
import {
  ARRIVALS,
  BY_SOURCE,
  INTERFACE_LINK,
  INTERFACE_SIZE,
  INTERFACES,
  LINK_DEVICE,
  LINK_INTERFACE,
  LINK_MIDDLE,
  LINK_PACKETS,
  LINK_SIZE,
  LINKS,
  LINKS_SLOTS,
} from "./layout";
import { control } from "./table";

/** How many units of an interface's times are a microsecond; 0: its packets are not for the core. */
export function unitsOf(by: i32): i32 {
  return load<i32>(INTERFACES + by * INTERFACE_SIZE);
}

/** How many bytes of link layer are before its packets. */
export function linkLengthOf(by: i32): i32 {
  return load<i32>(INTERFACES + by * INTERFACE_SIZE, INTERFACE_LINK);
}

/** The entry of an interface's link-layer header; or a free one, which says for what it would be. */
export function linkOf(by: i32, frame: i32, end: i32): i32 {
  const length = end - frame;
  const first: u64 = length === 0 ? 0 : load<u64>(frame);
  const last: u64 = length === 0 ? 0 : load<u64>(end - 8);
  const middle: u64 = length > 16 ? load<u64>(frame, 8) : 0;
  const mixed = first ^ (last << 23) ^ (last >>> 11);
  const slot = ((((i32(mixed) ^ i32(mixed >>> 32)) + by) * 0x9e3779b1) >>> 16) & (LINKS_SLOTS - 1);
  let link = LINKS + slot * LINK_SIZE;
  while (isKnown(link)) {
    const differs = (load<u64>(link) ^ first) | (load<u64>(link, 8) ^ last) | (load<u64>(link, LINK_MIDDLE) ^ middle);
    if (differs === 0 && load<i32>(link, LINK_INTERFACE) === by) return link;
    link += LINK_SIZE;
    if (link === LINKS + LINKS_SLOTS * LINK_SIZE) link = LINKS;
  }
  store<u64>(link, first);
  store<u64>(link, last, 8);
  store<u64>(link, middle, LINK_MIDDLE);
  store<i32>(link, by, LINK_INTERFACE);
  return link;
}

export function isKnown(link: i32): bool {
  return load<i32>(link, LINK_DEVICE) !== 0;
}

/** The device that a packet came in by; 0 if that cannot be told. */
export function deviceOf(link: i32, start: i32): i32 {
  const device = load<i32>(link, LINK_DEVICE);
  if (device !== BY_SOURCE) return device;
  return rangeOf(control(ARRIVALS), bswap<i32>(load<i32>(start, 12)));
}

/** One more packet came by it. */
export function countLink(link: i32): void {
  store<f64>(link, load<f64>(link, LINK_PACKETS) + 1, LINK_PACKETS);
}
