/** `-m state`: the connection state of a packet, the older spelling of `-m conntrack --ctstate` (xt_state.c). */
import { match } from "../rules/extension.ts";
import { optNot, text } from "../rules/types.ts";
import { PACKET_STATES, parseStates, printStates, stateOf, stateSource } from "./state-bits.ts";

const NO_STATES = '"--state" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED';

interface State {
  readonly not: boolean;
  readonly states: number;
}

const wanted = ({ not, states }: State) => (not ? ~states & PACKET_STATES : states);

export const state = match({
  name: "state",
  families: [4, 6],
  armsConntrack: true,
  options: {
    "--state": optNot(
      {
        ...text,
        parse([word]) {
          parseStates(word, PACKET_STATES, (rest) => `Bad state "${rest}"`, NO_STATES);
          return word;
        },
      },
      { required: true, help: "INVALID, NEW, ESTABLISHED, RELATED, UNTRACKED" },
    ),
  },

  bind(given): State {
    const { not, value } = given["--state"]!;
    return { not, states: parseStates(value, PACKET_STATES, (rest) => `Bad state "${rest}"`, NO_STATES) };
  },

  print: ({ not, states }) => `${not ? "! " : ""}--state ${printStates(states)}`,

  compile(is) {
    const states = wanted(is);
    return (p) => (stateOf(p) & states) !== 0;
  },

  source: (is) => stateSource(wanted(is)),

  why: (is, p) => `its state ${printStates(stateOf(p))} is ${is.not ? "" : "not "}among ${printStates(is.states)}`,
});
