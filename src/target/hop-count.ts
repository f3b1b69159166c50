/** What TTL and HL share: setting, raising or lowering the hops that a packet has left (xt_HL.c). */
import { CONTINUE } from "../packet/hook.ts";
import type { Action, GivenOption } from "../rules/extension.ts";
import { U8_MAX, uint } from "../rules/types.ts";

export interface HopCount {
  readonly mode: "set" | "dec" | "inc";
  readonly value: number;
}

/** By how much: at least one. */
export const step = uint(1, U8_MAX);

export function hopCount(
  set: GivenOption<number> | undefined,
  dec: GivenOption<number> | undefined,
  inc: GivenOption<number> | undefined,
): HopCount {
  if (set !== undefined) return { mode: "set", value: set.value };
  return dec !== undefined ? { mode: "dec", value: dec.value } : { mode: "inc", value: inc!.value };
}

/** `write` puts the new count into the packet's bytes and field. */
export function changeHops({ mode, value }: HopCount, write: (p: Parameters<Action>[0], hops: number) => void): Action {
  return (p) => {
    const hops = mode === "set" ? value : mode === "inc" ? Math.min(p.ttl + value, U8_MAX) : Math.max(p.ttl - value, 0);
    if (hops !== p.ttl) write(p, hops);
    return CONTINUE;
  };
}
