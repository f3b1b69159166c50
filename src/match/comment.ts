/** `-m comment`: words for people; every packet matches. */
import { match } from "../rules/extension.ts";
import { opt, string } from "../rules/types.ts";

/** XT_MAX_COMMENT_LEN, the closing NUL included: what is longer is cut. */
const FIELD = 256;

export const comment = match({
  name: "comment",
  families: [4, 6],
  options: {
    "--comment": opt(string({ size: FIELD }), { required: true, help: "any text" }),
  },
  compile: () => () => true,
  source: () => "true",
});
