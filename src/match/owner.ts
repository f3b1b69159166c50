/**
 * `-m owner`: the process whose socket sent the packet (xt_owner.c). The host's description says who that is; what is
 * forwarded has no socket, and what the kernel itself sends has one without a process.
 */
import type { Host } from "../host/host.ts";
import { OUTPUT, POSTROUTING } from "../packet/hook.ts";
import { type Packet, SENDER_KERNEL, SENDER_NONE } from "../packet/packet.ts";
import { type GivenOption, match, type OptionType, RuleError } from "../rules/extension.ts";
import { flag, opt, optNot, printRange, type Range, scanNumber, U32_MAX } from "../rules/types.ts";

const NO_NAMES = " (user and group names are not looked up)";

/** A number or a range of them, with `-` or `:` between. The one name that is the same everywhere is root. */
const ids: OptionType<Range> = {
  arity: 1,
  parse([word], { option }) {
    if (word === "root") return { from: 0, to: 0 };
    const first = scanNumber(word, 0, U32_MAX - 1);
    const rest = first === null ? word : word.slice(first.end);
    const second = /^[-:]/.test(rest) ? scanNumber(rest.slice(1), 0, U32_MAX - 1) : first;
    const end = /^[-:]/.test(rest) ? rest.slice(1 + (second?.end ?? 0)) : rest;
    if (first === null || second === null || end !== "") {
      const names = /^[0-9]/.test(word) ? "" : NO_NAMES;
      throw new RuleError(`owner: Bad value for "${option}" option: "${word}"${names}`);
    }
    return { from: first.value, to: second.value };
  },
  print: (range) => printRange(range).replace(":", "-"),
};

const supplementary: OptionType<true> = {
  ...flag,
  parse(_words, { given }) {
    if (given["--gid-owner"] === undefined)
      throw new RuleError('owner: Bad value for "--suppl-groups" option: "you need to use --gid-owner first"');
    return true;
  },
};

interface Owner {
  readonly socket: { readonly not: boolean } | null;
  readonly uid: GivenOption<Range> | null;
  readonly gid: GivenOption<Range> | null;
  readonly groups: boolean;
}

const isWithin = ({ from, to }: Range, id: number) => id >= from && id <= to;

type Known = NonNullable<Host["owner"]>;

function holds({ socket, uid, gid, groups }: Owner, p: Packet, owner: Known): boolean {
  if (p.sender === SENDER_NONE) return (socket?.not ?? true) && (uid?.not ?? true) && (gid?.not ?? true) && !groups;
  if (socket?.not === true) return false;
  if (p.sender === SENDER_KERNEL) return (uid?.not ?? true) && (gid?.not ?? true);
  if (uid !== null && isWithin(uid.value, owner.uid) === uid.not) return false;
  if (gid === null) return true;
  const inGroup = isWithin(gid.value, owner.gid) || (groups && owner.groups.some((id) => isWithin(gid.value, id)));
  return inGroup !== gid.not;
}

export const owner = match({
  name: "owner",
  families: [4, 6],
  hooks: [OUTPUT, POSTROUTING],
  // In the order in which iptables-save prints them.
  options: {
    "--socket-exists": optNot(flag, { help: "a socket sent it" }),
    "--uid-owner": optNot(ids, { help: "number of the user, or first-last" }),
    "--gid-owner": optNot(ids, { help: "number of the group, or first-last" }),
    "--suppl-groups": opt(supplementary, { help: "the user's other groups count, too" }),
  },
  check(given) {
    if (Object.keys(given).length === 0)
      throw new RuleError("owner: At least one of --uid-owner, --gid-owner or --socket-exists is required");
  },

  bind: (given): Owner => ({
    socket: given["--socket-exists"] ?? null,
    uid: given["--uid-owner"] ?? null,
    gid: given["--gid-owner"] ?? null,
    groups: given["--suppl-groups"] !== undefined,
  }),

  print({ socket, uid, gid, groups }, site) {
    const words: string[] = [];
    if (socket !== null) words.push(`${socket.not ? "! " : ""}--socket-exists`);
    if (uid !== null) words.push(`${uid.not ? "! " : ""}--uid-owner ${ids.print(uid.value, site)}`);
    if (gid !== null) words.push(`${gid.not ? "! " : ""}--gid-owner ${ids.print(gid.value, site)}`);
    if (groups) words.push("--suppl-groups");
    return words.join(" ");
  },

  checkEntry({ uid, gid }) {
    for (const given of [uid, gid])
      if (given !== null && given.value.to < given.value.from)
        throw new RuleError(`Invalid argument: ${ids.print(given.value, { family: 4 })} ends before it begins`, 1);
  },

  compile(is, { host }) {
    const { owner: known } = host;
    if (known === null)
      throw new RuleError(
        "-m owner asks whose process sends the host's own packets: host.yaml must say so, as `owner: {uid: 1000, gid: 1000}`",
        1,
      );
    return (p) => holds(is, p, known);
  },

  why(is, p, { host }) {
    if (p.sender === SENDER_NONE) return "no socket sent it";
    if (p.sender === SENDER_KERNEL) return is.socket?.not ? "the kernel's socket sent it" : "no process sent it";
    const { uid, gid } = host.owner!;
    return is.socket?.not ? "a socket sent it" : `user ${uid} of group ${gid} sent it`;
  },
});
