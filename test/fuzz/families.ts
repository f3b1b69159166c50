/** The families of scenarios that the twin is compared in; beside them, `language` compares rule texts (language.ts). */
import type { Scenario } from "../../src/kernel/scenario.ts";
import { datagramScenario } from "./datagrams.ts";
import type { Dice } from "./dice.ts";
import { helperScenario } from "./helpers.ts";
import { icmpScenario } from "./icmp.ts";
import { limitScenario, timeoutScenario } from "./limits.ts";
import { localScenario } from "./local.ts";
import { mixedScenario } from "./mixed.ts";
import { natScenario } from "./nat.ts";
import { fragmentScenario, routingScenario } from "./path.ts";
import { rulesScenario } from "./rules.ts";
import { tcpScenario } from "./tcp.ts";

export const FAMILIES: Readonly<Record<string, (dice: Dice) => Scenario>> = {
  tcp: tcpScenario,
  datagrams: datagramScenario,
  nat: natScenario,
  rules: rulesScenario,
  routing: routingScenario,
  fragments: fragmentScenario,
  local: localScenario,
  icmp: icmpScenario,
  helpers: helperScenario,
  mixed: mixedScenario,
  limits: limitScenario,
  timeouts: timeoutScenario,
};
