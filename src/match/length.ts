/** `-m length`: bytes of the network-layer packet, header included (xt_length.c). */
import { match } from "../rules/extension.ts";
import { optNot, u16Range } from "../rules/types.ts";
import { describeRange } from "./ports.ts";

export const length = match({
  name: "length",
  families: [4, 6],
  options: {
    "--length": optNot(u16Range, { required: true, help: "bytes, or first:last" }),
  },

  compile(is) {
    const { not, value } = is["--length"]!;
    const { from, to } = value;
    return not ? (p) => p.length < from || p.length > to : (p) => p.length >= from && p.length <= to;
  },

  source(is) {
    const { not, value } = is["--length"]!;
    return `${not ? "!" : ""}(p.length >= ${value.from} && p.length <= ${value.to})`;
  },

  why: (is, p) => `length ${p.length} is ${is["--length"]!.not ? "" : "not "}${describeRange(is["--length"]!.value)}`,
});
