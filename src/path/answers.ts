/** What targets may ask the host to answer with. */
import type { Packet } from "../packet/packet.ts";
import type { Answers } from "../rules/extension.ts";
import { tcpReset4, unreachable4 } from "./answers4.ts";
import { tcpReset6, unreachable6 } from "./answers6.ts";
import type { Skb } from "./skb.ts";
import type { Stack } from "./stack.ts";

export function answersOf(on: Stack): Answers {
  return {
    tcpReset(p: Packet): void {
      if (p.family === 4) tcpReset4(on, p as Skb);
      else tcpReset6(on, p as Skb);
    },
    unreachable(p: Packet, type: number, code: number): void {
      if (p.family === 4) unreachable4(on, p as Skb, type, code);
      else unreachable6(on, p as Skb, type, code);
    },
  };
}
