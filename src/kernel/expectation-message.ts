/**
 * What a helper expects, as the kernel tells it over netlink (uapi/linux/netfilter/nfnetlink_conntrack.h), and the line that
 * `conntrack -L expect` makes of it (libnetfilter_conntrack: expect/snprintf_default.c).
 */
import { protocolOf, tupleWords } from "./connection-message.ts";
import { eachAttribute, textAt } from "./netlink.ts";

const CTA_EXPECT_MASTER = 1;
const CTA_EXPECT_TUPLE = 2;
const CTA_EXPECT_MASK = 3;
const CTA_EXPECT_TIMEOUT = 4;
const CTA_EXPECT_HELP_NAME = 6;
const CTA_EXPECT_FLAGS = 8;
const CTA_EXPECT_CLASS = 9;

const NF_CT_EXPECT_PERMANENT = 1;

/** The line for the expectation whose attributes lie between `start` and `end`. */
export function expectationLine(view: DataView, start: number, end: number): string {
  let [master, tuple, mask, helper] = ["", "", "", ""];
  let [protocol, timeout, flags, group] = [0, 0, 0, 0];
  const named = (words: string, prefix: string) => words.replaceAll(/\b(src|dst)=/g, `${prefix}-$1=`);
  eachAttribute(view, start, end, (type, from, to) => {
    if (type === CTA_EXPECT_MASTER) master = named(tupleWords(view, from, to, ""), "master");
    else if (type === CTA_EXPECT_TUPLE) {
      tuple = tupleWords(view, from, to, "");
      protocol = protocolOf(view, from, to);
    } else if (type === CTA_EXPECT_MASK) mask = named(tupleWords(view, from, to, ""), "mask");
    else if (type === CTA_EXPECT_TIMEOUT) timeout = view.getUint32(from);
    else if (type === CTA_EXPECT_FLAGS) flags = view.getUint32(from);
    else if (type === CTA_EXPECT_CLASS) group = view.getUint32(from);
    else if (type === CTA_EXPECT_HELP_NAME) helper = ` helper=${textAt(view, from, to)}`;
  });
  const permanent = (flags & NF_CT_EXPECT_PERMANENT) === 0 ? "" : " PERMANENT";
  return `${timeout} proto=${protocol}${tuple}${mask}${master}${permanent} class=${group}${helper}`;
}
