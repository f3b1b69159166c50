/**
 * The ways that packets take, as far as path/ways.ts taught them: what rules, routes and devices make of all packets that
 * these cannot tell apart.
 */

import { CT_NEW, header, ICMP, infoOf, node, ports, protocol, rangeOf, source, TCP } from "./at-hand";
import {
  DESTINATION_PARTS,
  DESTINATION_PORT_PARTS,
  HEADER_BITS,
  KEY,
  ROUTE,
  ROUTED_TO,
  SOURCE_PARTS,
  SOURCE_PORT_PARTS,
  WAY_BYTES,
  WAY_KIND,
  WAY_PACKETS,
  WAY_SIZE,
  WAYS,
  WAYS_SLOTS,
} from "./layout";
import { NODE4, NODES, STATUS } from "./record-words";
import { control, recordOf, setControl } from "./table";

const WORD = 4;

// What the packet at hand becomes by its connection's translation: its other end, and its own.
export let destinationPort = 0;
export let newSource = 0;
export let newSourcePort = 0;

/**
 * Finds out where the packet at hand is to go by its connection, in whose direction it goes (ctinfo), and which way it takes:
 * the address of that, or of the free slot where it would be, with the key in the control words.
 */
export function wayOf(start: i32, iif: i32): i32 {
  let info = CT_NEW;
  destinationPort = ports & 0xffff;
  newSource = source;
  newSourcePort = ports >>> 16;
  if (node !== 0) {
    const record = recordOf(node >>> 1);
    const opposite = record + (NODES + NODE4) * WORD - (node & 1) * (NODE4 * WORD);
    const oppositePorts = load<i32>(opposite, 2 * WORD);
    // Of half a ping it is type and code, which say something of it alone.
    if (protocol !== ICMP) destinationPort = oppositePorts >>> 16;
    newSource = load<i32>(opposite, WORD);
    newSourcePort = oppositePorts & 0xffff;
    info = infoOf(node & 1, load<i32>(record, STATUS * WORD));
  }
  const flags: i32 = protocol === TCP ? load<u8>(header, 13) : 0;
  const tos: i32 = load<u8>(start, 1);
  return find(
    (part(SOURCE_PARTS, source) << 16) | part(DESTINATION_PARTS, control(ROUTED_TO)),
    (part(SOURCE_PORT_PARTS, ports & 0xffff0000) << 16) | part(DESTINATION_PORT_PARTS, destinationPort << 16),
    (control(ROUTE) << 16) | (iif << 8) | (protocol << 3) | info,
    (flags | (tos << 8)) & control(HEADER_BITS),
  );
}

function part(field: i32, value: i32): i32 {
  const table = control(field);
  return table === 0 ? 0 : rangeOf(table, value);
}

function find(parts: i32, portParts: i32, route: i32, bits: i32): i32 {
  let h = (parts ^ (portParts * 0x85ebca6b)) * 0xcc9e2d51;
  h = (h ^ (h >>> 15) ^ route ^ (bits << 20)) * 0x1b873593;
  let slot = (h ^ (h >>> 16)) & (WAYS_SLOTS - 1);
  let way = WAYS + slot * WAY_SIZE;
  while (load<i32>(way, WAY_KIND) !== 0) {
    const differs =
      (load<i32>(way) ^ parts) |
      (load<i32>(way, WORD) ^ portParts) |
      (load<i32>(way, 2 * WORD) ^ route) |
      (load<i32>(way, 3 * WORD) ^ bits);
    if (differs === 0) return way;
    slot = (slot + 1) & (WAYS_SLOTS - 1);
    way = WAYS + slot * WAY_SIZE;
  }
  setControl(KEY, parts);
  setControl(KEY + 1, portParts);
  setControl(KEY + 2, route);
  setControl(KEY + 3, bits);
  return way;
}

/** One more packet took this way. */
export function count(way: i32, bytes: i32): void {
  store<f64>(way, load<f64>(way, WAY_PACKETS) + 1, WAY_PACKETS);
  store<f64>(way, load<f64>(way, WAY_BYTES) + bytes, WAY_BYTES);
}
