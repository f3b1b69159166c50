/** The packet at hand begins a connection: conntrack.ts's creating and confirming it, in one. */

import { begin, hash, ICMP, protocol, replyHash } from "./at-hand";
import { CAPACITY, CONFIRMED_LAST, CREATED, FREE, LENGTHEN, PAIRS, PAIRS_MOST, ROOM, SIZE, TOP } from "./layout";
import { control, hasHash, insert, setControl } from "./table";

/** Whether there may be one more. */
export function hasRoom(): bool {
  return control(SIZE) < control(ROOM);
}

/** A rule accepts it: the connection enters the table. False: it has no place there, and nothing was done. */
export function admit(): bool {
  if (control(FREE) === 0 && control(TOP) === control(CAPACITY)) return false;
  // A ping and its answer hash to two things.
  const pairs = protocol === ICMP ? 2 : 1;
  if (control(PAIRS) + pairs > control(PAIRS_MOST) || hasHash(hash)) return false;
  if (pairs === 2 && hasHash(replyHash())) return false;
  if (insert(begin()) === CONFIRMED_LAST) setControl(LENGTHEN, 1);
  return true;
}

/** A rule drops it: nothing stays of the connection but that it counts among those made. */
export function passBy(): void {
  setControl(CREATED, control(CREATED) + 1);
}
