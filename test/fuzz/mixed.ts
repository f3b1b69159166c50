/**
 * Everything at once: the rules of one family, the NAT of another, a host of a third, and packets of all of them in
 * turn. What each family leaves out for clarity's sake meets here.
 */
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import { datagramScenario } from "./datagrams.ts";
import type { Dice } from "./dice.ts";
import { icmpScenario } from "./icmp.ts";
import { localScenario } from "./local.ts";
import { natScenario } from "./nat.ts";
import { fragmentScenario, routingScenario } from "./path.ts";
import { rulesScenario } from "./rules.ts";
import { tcpScenario } from "./tcp.ts";
import { rounds, router } from "./world.ts";

const MOST_EVENTS = 30;

export function mixedScenario(dice: Dice): Scenario {
  const { packets } = dice;
  dice.packets = 0;
  const base = rulesScenario(dice);
  const six = base.rules6 !== null;
  const same = (make: (dice: Dice) => Scenario): Scenario => {
    for (;;) {
      const made = make(dice);
      if ((made.rules6 !== null) === six) return made;
    }
  };
  const nat = same(natScenario);
  const routing = same(routingScenario);
  const rules = join(textOf(base), dice.chance(0.7) ? tableOf(textOf(nat), "nat") : "");
  const events = rounds(dice, () => shuffled(dice, TALKS.map(same)), packets);
  dice.packets = packets;
  const host = router(dice, dice.chance(0.5) ? sysctlOf(routing) : {}, {
    ...base.host,
    ...routing.host,
    sets: base.host.sets,
  });
  return { host, rules: six ? null : rules, rules6: six ? rules : null, events };
}

const TALKS = [
  rulesScenario,
  natScenario,
  routingScenario,
  localScenario,
  icmpScenario,
  fragmentScenario,
  tcpScenario,
  datagramScenario,
];

const sysctlOf = (scenario: Scenario) => scenario.host.sysctl as Record<string, number>;

const textOf = (scenario: Scenario) => scenario.rules ?? scenario.rules6 ?? "";

/** The text of one table. */
function tableOf(text: string, name: string): string {
  const from = text.indexOf(`*${name}\n`);
  return from < 0 ? "" : text.slice(from, text.indexOf("COMMIT\n", from) + "COMMIT\n".length);
}

const join = (...texts: readonly string[]) => texts.filter((text) => text !== "").join("");

/** Some conversations, each in its order, packets of one between those of another. */
function shuffled(dice: Dice, talks: readonly Scenario[]): ScenarioEvent[] {
  const queues = talks.filter(() => dice.chance(0.6)).map((talk) => [...talk.events]);
  const events: ScenarioEvent[] = [];
  for (let left = queues; left.length > 0 && events.length < MOST_EVENTS; left = left.filter((q) => q.length > 0))
    events.push(...dice.pick(left).splice(0, dice.int(1, 3)));
  return events;
}
