/**
 * `-m helper`: the packet's connection was expected by another one, which has this helper (xt_helper.c). A rule's name
 * need only begin with the helper's: `ftp-2121` is `ftp`, too.
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
  compile(is, { conntrack, family }) {
    const { not, value } = is["--helper"]!;
    const { masters } = conntrack.connections(family);
    return (p) => {
      const master = p.ct === 0 ? undefined : masters.get(p.ct);
      return master === undefined ? not : (value === "" || value.startsWith(master.helper.name)) !== not;
    };
  },
  why(_is, p, { conntrack, family }) {
    const master = p.ct === 0 ? undefined : conntrack.connections(family).masters.get(p.ct);
    return master === undefined
      ? "no helper expected its connection"
      : `the helper ${master.helper.name} expected its connection`;
  },
});
