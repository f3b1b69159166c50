/** The targets that random rules have, where the kernel takes them. */
import type { Dice } from "./dice.ts";

export function targetOf(
  dice: Dice,
  fam: 4 | 6,
  table: string,
  chain: string | null,
  users: readonly string[],
  protocol: string,
): string {
  if (users.length > 0 && dice.chance(0.3)) return `${dice.chance(0.2) ? "-g" : "-j"} ${dice.pick(users)}`;
  const plain = [
    "-j ACCEPT",
    "-j RETURN",
    "",
    logOf(dice),
    nflogOf(dice),
    `-j AUDIT --type ${dice.pick(["accept", "drop", "reject"])}`,
  ];
  if (table !== "mangle" || dice.chance(0.2)) plain.push("-j DROP");
  if (dice.chance(0.2)) plain.push(`-j NFQUEUE ${queueOf(dice)}`);
  const special: string[] = [
    "-j SET --add-set hosts src",
    "-j SET --del-set hosts src",
    "-j SET --add-set services dst,dst --exist",
    `-j SET --add-set aging ${dice.pick(["src", "dst"])} ${dice.pick(["", "--exist"])} --timeout ${dice.pick([0, 100, 5000])}`,
    "-j SET --add-set counted dst",
    "-j SET --add-set counted src --exist --del-set hosts dst",
  ];
  if (table === "mangle") {
    special.push(
      `-j MARK --set-mark ${dice.pick(["1", "0x5", "7"])}`,
      `-j MARK --set-xmark ${dice.pick(["0x10/0xf0", "0x1/0x1"])}`,
      "-j MARK --or-mark 0x2",
      "-j MARK --and-mark 0xfe",
      "-j MARK --xor-mark 0x3",
    );
    special.push(
      `-j CONNMARK ${dice.pick([...CONNMARKS, ...CONNMARKS.slice(0, 4).map((op) => `${op} --${dice.pick(["left", "right"])}-shift-mark ${dice.pick([0, 1, 8, 31])}`)])}`,
    );
    const first = chain !== null && chain !== "PREROUTING" && chain !== "INPUT";
    const from = dice.pick(["src", "dst"]);
    special.push(
      `-j SET --map-set marked ${from} --map-mark${first ? dice.pick(["", " --map-prio", " --map-queue"]) : ""}`,
    );
    special.push("-j DSCP --set-dscp 0x2e", "-j DSCP --set-dscp-class CS1");
    special.push(
      `-j TOS ${dice.pick(["--set-tos 0x10", "--set-tos 0x04/0x1c", "--or-tos 0x03", "--and-tos 0xfc", "--xor-tos 0xff"])}`,
      "-j CHECKSUM --checksum-fill",
    );
    if (protocol === "tcp") {
      special.push(`-j TCPOPTSTRIP --strip-options ${dice.pick(["mss", "2,3,8", "4,5", "timestamp,sack"])}`);
      if (fam === 4)
        special.push(
          `-j ECN ${dice.pick(["--ecn-tcp-remove", "--ecn-tcp-ece 1", "--ecn-tcp-cwr 1 --ecn-ip-ect 2", "--ecn-ip-ect 1"])}`,
        );
    }
    if (chain === "FORWARD" || chain === "OUTPUT" || chain === "POSTROUTING")
      special.push("-j CLASSIFY --set-class 1:20");
    if (fam === 4) special.push("-j TTL --ttl-set 33", "-j TTL --ttl-dec 1", "-j TTL --ttl-inc 2");
    else special.push("-j HL --hl-set 33", "-j HL --hl-dec 1", "-j HL --hl-inc 200");
    if (protocol === "tcp" && chain !== null && chain !== "INPUT" && chain !== "PREROUTING")
      special.push(
        `-m tcp --tcp-flags SYN,RST SYN -j TCPMSS ${dice.pick(["--set-mss 1200", "--set-mss 1460", "--clamp-mss-to-pmtu"])}`,
      );
  }
  if (table === "raw") {
    special.push("-j NOTRACK", "-j CT --notrack", "-j CT --zone 3", "-j CT --zone-orig 4", "-j CT --zone-reply 5");
    special.push("-j CT --ctevents new,destroy --expevents new", "-j TRACE");
    if (protocol === "tcp") special.push("-j CT --helper ftp");
    if (protocol === "udp") special.push("-j CT --helper tftp", "-j CT --helper tftp --zone 3");
  }
  if (table === "filter") {
    special.push(
      `-j REJECT --reject-with ${dice.pick(fam === 4 ? ["icmp-port-unreachable", "icmp-host-prohibited", "icmp-net-unreachable", "icmp-admin-prohibited", "icmp-proto-unreachable"] : ["icmp6-port-unreachable", "icmp6-adm-prohibited", "icmp6-no-route", "icmp6-addr-unreachable"])}`,
    );
    if (protocol === "tcp") special.push("-j REJECT --reject-with tcp-reset");
  }
  return special.length > 0 && dice.chance(0.5) ? dice.pick(special) : dice.pick(plain);
}

const CONNMARKS = [
  ...["--set-mark 1", "--save-mark", "--restore-mark", "--set-xmark 0x7/0xff", "--and-mark 0x1", "--or-mark 0x8"],
  ...["--xor-mark 0xff", "--save-mark --nfmask 0xf --ctmask 0xff", "--restore-mark --mask 0xf0"],
];

function logOf(dice: Dice): string {
  const more = [
    "--log-level 7",
    "--log-tcp-sequence",
    "--log-tcp-options",
    "--log-ip-options",
    "--log-uid",
    "--log-macdecode",
  ];
  return `-j LOG --log-prefix "fuzz: " ${more.filter(() => dice.chance(0.2)).join(" ")}`;
}

/** Nobody listens to group 7; to group 0 the comparison does. */
function nflogOf(dice: Dice): string {
  const more = ["--nflog-threshold 3", dice.pick(["--nflog-size 20", "--nflog-range 20"])];
  return `-j NFLOG --nflog-group 7 ${dice.pick(["", "--nflog-prefix x "])}${more.filter(() => dice.chance(0.2)).join(" ")}`;
}

function queueOf(dice: Dice): string {
  const which = ["", "--queue-num 3", "--queue-balance 1:4", "--queue-balance 0:2 --queue-cpu-fanout"];
  return `${dice.pick(which)} ${dice.pick(["", "--queue-bypass"])}`;
}
