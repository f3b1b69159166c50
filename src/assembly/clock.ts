/** The clock of captures, which goes on with the packets. */

import { CLOCK, EARLIEST, FIRST_TIME, JIFFY_ENDS, LAST_TIME, NOW, TIME, UNTIL } from "./layout";
import { control, setControl } from "./table";

const MICROSECONDS_PER_JIFFY = 4000;

function number(index: i32): f64 {
  return load<f64>(CLOCK + (index << 3));
}

function setNumber(index: i32, value: f64): void {
  store<f64>(CLOCK + (index << 3), value);
}

/** The clock goes on to `time`, if that is later. False: too far. travel.ts: passTime, conntrack.ts: tick. */
export function advance(time: f64): bool {
  if (time <= number(TIME)) return true;
  if (time >= number(UNTIL)) return false;
  setNumber(TIME, time);
  if (time < number(JIFFY_ENDS)) return true;
  const jiffies = i64(time) / MICROSECONDS_PER_JIFFY;
  setNumber(JIFFY_ENDS, f64((jiffies + 1) * MICROSECONDS_PER_JIFFY));
  const now = i32(jiffies);
  setControl(NOW, now);
  if (control(EARLIEST) - now < 0) setControl(EARLIEST, now);
  return true;
}

/** Between which times the packets came that were taken. */
export function setSpan(first: f64, last: f64): void {
  setNumber(FIRST_TIME, first);
  setNumber(LAST_TIME, last);
}
