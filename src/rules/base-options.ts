/**
 * The options that every rule and command has, whatever extensions it loads. Source imitated: iptables/iptables.c:
 * original_opts (long names, in that order), iptables/xshared.h: IPT_OPTSTRING (letters), xshared.c: do_parse.
 */

/** Whether an argument follows: getopt's no_argument, required_argument, optional_argument (glued only). */
export type ArgumentKind = 0 | 1 | 2;

/** Long names with the letter they stand for. */
export const LONG_OPTIONS: readonly (readonly [name: string, argument: ArgumentKind, letter: string])[] = [
  ["--append", 1, "A"],
  ["--delete", 1, "D"],
  ["--check", 1, "C"],
  ["--insert", 1, "I"],
  ["--replace", 1, "R"],
  ["--list", 2, "L"],
  ["--list-rules", 2, "S"],
  ["--flush", 2, "F"],
  ["--zero", 2, "Z"],
  ["--new-chain", 1, "N"],
  ["--delete-chain", 2, "X"],
  ["--rename-chain", 1, "E"],
  ["--policy", 1, "P"],
  ["--source", 1, "s"],
  ["--destination", 1, "d"],
  ["--src", 1, "s"],
  ["--dst", 1, "d"],
  ["--protocol", 1, "p"],
  ["--in-interface", 1, "i"],
  ["--jump", 1, "j"],
  ["--table", 1, "t"],
  ["--match", 1, "m"],
  ["--numeric", 0, "n"],
  ["--out-interface", 1, "o"],
  ["--verbose", 0, "v"],
  ["--wait", 2, "w"],
  ["--wait-interval", 2, "W"],
  ["--exact", 0, "x"],
  ["--fragments", 0, "f"],
  ["--version", 0, "V"],
  ["--help", 2, "h"],
  ["--line-numbers", 0, "0"],
  ["--modprobe", 1, "M"],
  ["--set-counters", 1, "c"],
  ["--goto", 1, "g"],
  ["--ipv4", 0, "4"],
  ["--ipv6", 0, "6"],
];

/** Letters that getopt knows, by what follows them. */
export const LETTERS: Readonly<Record<ArgumentKind, string>> = {
  0: "V46bfnvx",
  1: "ACDEIMNPcdijopstRgm",
  2: "FLXZSWhw",
};

/** How many more words a base option looks at once it has its own argument (xs_has_arg). */
export function furtherWords(letter: string, glued: boolean): 0 | 1 | 2 {
  switch (letter) {
    case "D":
    case "I":
    case "R":
    case "E":
    case "P":
    case "c":
      return 1;
    case "L":
    case "S":
    case "Z":
      return glued ? 1 : 2;
    case "F":
    case "X":
    case "w":
    case "W":
      return glued ? 0 : 1;
    default:
      return 0;
  }
}
