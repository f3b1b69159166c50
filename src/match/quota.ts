/** `-m quota`: so many bytes, and then no more (xt_quota.c). */
import { match } from "../rules/extension.ts";
import { optNot, u64 } from "../rules/types.ts";

export const quota = match({
  name: "quota",
  families: [4, 6],
  options: { "--quota": optNot(u64, { required: true, help: "bytes that match in all" }) },

  compile(is, { host, place, nth, family }) {
    const { not, value } = is["--quota"]!;
    const where = `${family} ${place.table} ${place.chain} ${place.rule}.${nth}`;
    // Beyond 2^53 no one will get by counting bytes.
    const left = host.memory(`quota ${where} ${value}`, () => ({ bytes: Number(value) }));
    return (p) => {
      if (left.bytes < p.length) {
        // From now on small packets are not let pass either.
        left.bytes = 0;
        return not;
      }
      left.bytes -= p.length;
      return !not;
    };
  },

  why: (is) => `the ${is["--quota"]!.value} bytes are ${is["--quota"]!.not ? "not " : ""}used up`,
});
