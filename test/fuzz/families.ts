/** The families of scenarios that the twin is compared in. */
import type { Scenario } from "../../src/kernel/scenario.ts";
import type { Dice } from "./dice.ts";
import { tcpScenario } from "./tcp.ts";

export const FAMILIES: Readonly<Record<string, (dice: Dice) => Scenario>> = {
  tcp: tcpScenario,
};
