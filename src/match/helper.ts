/**
 * `-m helper`: another connection's helper expected this one (xt_helper.c). No rule can give a connection a helper here
 * (`CT --helper` is refused), so none was ever expected.
 */
import { match } from "../rules/extension.ts";
import { optNot, string } from "../rules/types.ts";

/** struct xt_helper_info: name */
const NAME_SIZE = 30;

export const helper = match({
  name: "helper",
  families: [4, 6],
  armsConntrack: true,
  options: { "--helper": optNot(string({ size: NAME_SIZE }), { required: true, help: 'its name; "": any' }) },
  compile(is) {
    const { not } = is["--helper"]!;
    return () => not;
  },
  source: (is) => String(is["--helper"]!.not),
  why: () => "no helper expected its connection",
});
