/** `-j CONNMARK`: sets the connection's mark, or copies it from or to the packet's (xt_connmark.c: connmark_tg_shift). */
import { CONTINUE, type Verdict } from "../packet/hook.ts";
import type { Packet } from "../packet/packet.ts";
import { RuleError, target } from "../rules/extension.ts";
import { flag, hex, markMask, opt, u32, uint } from "../rules/types.ts";

type Mode = "set" | "save" | "restore";

interface ConnectionMark {
  readonly mode: Mode;
  /** set: the value to flip in. Marks and masks are unsigned. */
  readonly mark: number;
  readonly connectionMask: number;
  readonly packetMask: number;
  readonly shift: "left" | "right";
  readonly bits: number;
}

const ALL = 0xffffffff;
const SET_OPTIONS = ["--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark"] as const;
const OPERATIONS: readonly string[] = [...SET_OPTIONS, "--save-mark", "--restore-mark"];
const others = (option: string) => ({ excludes: OPERATIONS.filter((other) => other !== option) });
const shiftBits = uint(0, 32);

export const CONNMARK = target({
  name: "CONNMARK",
  families: [4, 6],
  armsConntrack: true,
  options: {
    "--set-xmark": opt(markMask, { ...others("--set-xmark"), help: "value[/mask]: clear the mask, xor the value" }),
    "--set-mark": opt(markMask, { ...others("--set-mark"), help: "value[/mask]: clear the mask, or the value" }),
    "--and-mark": opt(u32, { ...others("--and-mark"), help: "keep only these bits" }),
    "--or-mark": opt(u32, { ...others("--or-mark"), help: "set these bits" }),
    "--xor-mark": opt(u32, { ...others("--xor-mark"), help: "flip these bits" }),
    "--save-mark": opt(flag, { ...others("--save-mark"), help: "the packet's mark becomes the connection's" }),
    "--restore-mark": opt(flag, { ...others("--restore-mark"), help: "the connection's mark becomes the packet's" }),
    "--left-shift-mark": opt(shiftBits, { help: "by so many bits" }),
    "--right-shift-mark": opt(shiftBits, { help: "by so many bits" }),
    "--ctmask": opt(u32, { excludes: ["--mask"], help: "bits of the connection's mark" }),
    "--nfmask": opt(u32, { excludes: ["--mask"], help: "bits of the packet's mark" }),
    "--mask": opt(u32, { excludes: ["--ctmask", "--nfmask"], help: "bits of both" }),
  },
  numbered: [
    ...(["--set-mark", "--save-mark", "--restore-mark", "--and-mark", "--or-mark", "--xor-mark"] as const),
    ...(["--set-xmark", "--left-shift-mark", "--right-shift-mark", "--ctmask", "--nfmask", "--mask"] as const),
  ],
  atLeastOne: [["--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark", "--save-mark", "--restore-mark"]],
  oneNeeded: "CONNMARK target: No operation specified",

  /** Each option writes its fields when it is met, so that a later one may overwrite an earlier one's. */
  bind(given): ConnectionMark {
    let mode: Mode = "set";
    let mark = 0;
    let connectionMask = ALL;
    let packetMask = ALL;
    let shift: "left" | "right" = "left";
    let bits = 0;
    for (const option of Object.keys(given) as (keyof typeof given)[]) {
      const masked = given[option]?.value as { readonly value: number; readonly mask: number };
      const number = given[option]?.value as number;
      if (option === "--set-xmark") [mark, connectionMask] = [masked.value, masked.mask];
      else if (option === "--set-mark") [mark, connectionMask] = [masked.value, (masked.value | masked.mask) >>> 0];
      else if (option === "--and-mark") [mark, connectionMask] = [0, ~number >>> 0];
      else if (option === "--or-mark") [mark, connectionMask] = [number, number];
      else if (option === "--xor-mark") [mark, connectionMask] = [number, 0];
      else if (option === "--save-mark") mode = "save";
      else if (option === "--restore-mark") mode = "restore";
      else if (option === "--mask") connectionMask = packetMask = number;
      else if (option === "--ctmask") connectionMask = number;
      else if (option === "--nfmask") packetMask = number;
      else [shift, bits] = [option === "--left-shift-mark" ? "left" : "right", number];
    }
    return { mode, mark, connectionMask, packetMask, shift, bits };
  },

  print(is) {
    const masks = `--nfmask ${hex(is.packetMask)} --ctmask ${hex(is.connectionMask)}`;
    const words =
      is.mode === "set" ? `--set-xmark ${hex(is.mark)}/${hex(is.connectionMask)}` : `--${is.mode}-mark ${masks}`;
    return is.bits === 0 ? words : `${words} --${is.shift}-shift-mark ${is.bits}`;
  },

  checkEntry(is) {
    if (is.bits >= 32) throw new RuleError("Invalid argument", 1);
  },

  mayWait: true,
  compile(is, { conntrack, family }) {
    const connections = conntrack.connections(family);
    const { mode, bits } = is;
    const left = is.shift === "left";
    const mark = is.mark | 0;
    const connectionMask = is.connectionMask | 0;
    const packetMask = is.packetMask | 0;
    const shifted = (value: number) => (left ? value << bits : value >>> bits) | 0;
    const act = (p: Packet): Verdict => {
      if (p.ct === 0) return CONTINUE;
      const old = connections.mark(p.ct);
      if (mode === "set") connections.setMark(p.ct, shifted((old & ~connectionMask) ^ mark));
      else if (mode === "save") connections.setMark(p.ct, (old & ~connectionMask) ^ shifted(p.mark & packetMask));
      else p.mark = (p.mark & ~packetMask) ^ shifted(old & connectionMask);
      return CONTINUE;
    };
    return act;
  },

  does(is, p, { conntrack, family }) {
    if (p.ct === 0) return "CONNMARK did nothing: the packet belongs to no connection";
    if (is.mode === "restore") return `CONNMARK: the packet's mark is now ${hex(p.mark)}`;
    return `CONNMARK: the connection's mark is now ${hex(conntrack.connections(family).mark(p.ct))}`;
  },
});
