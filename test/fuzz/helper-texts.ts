/** What the protocols of helpers say to announce a connection, and what only looks like it. */
import { expandIpv6, parseIpv4, parseIpv6 } from "../../src/bytes/address.ts";
import type { Family } from "../../src/packet/hook.ts";
import type { Dice } from "./dice.ts";

export interface Protocol {
  readonly name: string;
  readonly families: readonly Family[];
  readonly transport: "tcp" | "udp";
  readonly port: number;
  /** Over what the announced connection comes. */
  readonly announces: "tcp" | "udp";
}

export const PROTOCOLS: readonly Protocol[] = [
  { name: "ftp", families: [4, 6], transport: "tcp", port: 21, announces: "tcp" },
  { name: "tftp", families: [4, 6], transport: "udp", port: 69, announces: "udp" },
  { name: "irc", families: [4], transport: "tcp", port: 6667, announces: "tcp" },
  { name: "sane", families: [4, 6], transport: "tcp", port: 6566, announces: "tcp" },
  { name: "amanda", families: [4, 6], transport: "udp", port: 10080, announces: "tcp" },
  { name: "netbios-ns", families: [4], transport: "udp", port: 137, announces: "udp" },
];

interface Speaker {
  readonly address: string;
  readonly seen: string;
}

/** Bytes, the port that they announce (-1: none), and by how much they grow where the speaker's address is translated. */
interface Said {
  readonly bytes: Uint8Array;
  readonly port: number;
  readonly grows: number;
}

export function announcement(dice: Dice, { name }: Protocol, side: 0 | 1, from: Speaker, fam: 4 | 6): Said {
  if (name === "irc") return ircLine(dice, from);
  return name === "sane" ? saneMessage(dice, side) : ftpLine(dice, side, from, fam);
}

const text = (line: string) => Uint8Array.from(line, (c) => c.charCodeAt(0));

const PORTS = [5001, 5002, 5003, 6001, 20, 1, 65535, 0];

function ftpLine(dice: Dice, side: 0 | 1, from: Speaker, fam: 4 | 6): Said {
  if (dice.chance(0.4)) return { bytes: text(smallTalk(dice)), port: -1, grows: 0 };
  const port = dice.pick(PORTS);
  const address = dice.chance(0.88) ? from.address : dice.pick([from.seen, fam === 4 ? "10.0.0.99" : "fd00:1::99"]);
  const form =
    side === 0
      ? dice.pick(fam === 4 ? ["PORT", "PORT", "EPRT"] : ["EPRT", "EPRT", "PORT"])
      : dice.pick(fam === 4 ? ["227", "229"] : ["229", "229", "227"]);
  const isRight = dice.chance(0.8);
  const told = isRight ? argument(form, address, port) : oddArgument(dice, form, address, port);
  const grows =
    argument(form, form === "EPRT" && fam === 6 ? expanded(from.seen) : from.seen, port).length - told.length;
  let line = frame(dice, form, told) + dice.pick(["\r\n", "\r\n", "\r\n", "\r\n", "\n", "", " \r\n"]);
  if (dice.chance(0.06)) line = line.slice(0, dice.int(1, line.length));
  if (dice.chance(0.04)) line += `${frame(dice, form, told)}\r\n`;
  // Behind the command, up to what the way out takes.
  if (dice.chance(0.03)) line += `${"x".repeat(dice.pick([1390, 1430, 1436]) - line.length)}\n`;
  return { bytes: text(line), port, grows: isRight && address === from.address ? grows : 0 };
}

function smallTalk(dice: Dice): string {
  const lines = [
    "USER x\r\n",
    "220 hi\r\n",
    "200 PORT ok\r\n",
    "NOOP\r\n",
    "\r\n",
    "x",
    "P",
    "22",
    "USER y\n",
    "227\r\n",
  ];
  return dice.pick(lines);
}

function expanded(address: string): string {
  const [a, b, c, d] = parseIpv6(address)!;
  return expandIpv6(a, b, c, d);
}

/** `10,0,0,2,19,137`, `|1|10.0.0.2|5001|`, `|||5001|` */
function argument(form: string, address: string, port: number): string {
  if (form === "229") return `|||${port}|`;
  if (form === "EPRT") return `|${address.includes(":") ? 2 : 1}|${address}|${port}|`;
  const numbers = address.includes(":") ? "253,0,0,1" : address.replaceAll(".", ",");
  return `${numbers},${port >> 8},${port & 255}`;
}

function oddArgument(dice: Dice, form: string, address: string, port: number): string {
  const right = argument(form, address, port);
  const delimiter = dice.pick(["!", "~", ":", ".", "a", " ", "1", "\x80"]);
  return dice.pick([
    right.replaceAll("|", delimiter),
    right.replaceAll(/\b(\d)/g, "0$1"),
    right.toUpperCase(),
    right.slice(0, -1),
    `${right},1`,
    right.replace(/\d+(?=\D*$)/, (n) => `${Number(n) + 65536}`),
    right.replace("|1|", "|2|"),
    right.replaceAll(/[,.]/g, ",,"),
    right.replace(/^\d+/, "4294967306"),
    right.replace("::", ":0:"),
    right.replace("::", ":0:0:0:0:0:"),
  ]);
}

function frame(dice: Dice, form: string, told: string): string {
  const command = dice.chance(0.1) ? form.toLowerCase() : form;
  if (form === "227")
    return dice.pick([`227 Entering Passive Mode (${told})`, `227 ${told}`, `227 =${told}.`, `227 1 ${told}`]);
  if (form === "229")
    return dice.pick([`229 Entering Extended Passive Mode (${told})`, `229 (${told})`, `229 ${told}`]);
  return dice.pick([
    `${command} ${told}`,
    `${command} ${told}`,
    `${command} ${told}`,
    `${command}${told}`,
    `${command}  ${told}`,
  ]);
}

function ircLine(dice: Dice, from: Speaker): Said {
  const port = dice.pick(PORTS);
  const number = (address: string) => String(parseIpv4(address)! >>> 0);
  const own = dice.chance(0.85);
  const address = number(own ? from.address : dice.pick([from.seen, "10.0.0.99"]));
  const kind = dice.pick(["SEND", "CHAT", "MOVE", "TSEND", "SCHAT", "send", "SEND CHAT", "XXX"]);
  const blanks = " ".repeat(dice.pick([1, 1, 1, 3]));
  const offer = `\x01DCC ${kind} ${dice.pick(["a.txt", "a.txt", "x", "a b"])} ${address}${blanks}${port}${dice.pick([" 100", ""])}\x01`;
  const before = dice.pick([
    "PRIVMSG bob :",
    "PRIVMSG bob :",
    "PRIVMSG bob :",
    "privmsg #a :",
    " \r\nPRIVMSG x :",
    "PRIVMSG b : :",
    "",
  ]);
  let line = before + offer + dice.pick(["\r\n", "\r\n", "\n", "", " :"]);
  if (dice.chance(0.05)) line += `PRIVMSG bob :${offer}\r\n`;
  if (dice.chance(0.06)) line = line.slice(0, dice.int(1, line.length));
  const grows = `${number(from.seen)} ${port}`.length - `${address}${blanks}${port}`.length;
  return { bytes: text(line), port, grows: own && before.startsWith("PRIVMSG bob :") ? grows : 0 };
}

/** Requests of eight bytes, answers that tell a port. */
function saneMessage(dice: Dice, side: 0 | 1): Said {
  const port = dice.pick(PORTS);
  const message = new DataView(new ArrayBuffer(dice.pick([8, 8, 8, 8, 12, 7])));
  message.setUint32(0, side === 0 ? dice.pick([7, 7, 7, 6]) : dice.pick([0, 0, 0, 1]));
  if (side === 1 && dice.chance(0.1)) message.setUint16(4, 1);
  if (side === 1 && message.byteLength >= 8) message.setUint16(6, port);
  return { bytes: new Uint8Array(message.buffer), port: side === 1 ? port : -1, grows: 0 };
}

/** What is asked or answered over UDP: bytes, and the ports that come of it. */
export function request(
  dice: Dice,
  { name }: Protocol,
  side: 0 | 1,
  client: { readonly port: number },
): { bytes: Uint8Array; ports: number[] } {
  if (name === "amanda") return amandaMessage(dice);
  const opcode = dice.pick(side === 0 ? [1, 1, 2, 3, 4, 5, 256] : [3, 4, 5, 1]);
  const bytes = text(`${String.fromCharCode(opcode >> 8, opcode & 255)}file\0octet\0`);
  return {
    bytes: dice.chance(0.05) ? bytes.subarray(0, dice.int(0, 3)) : bytes,
    ports: opcode <= 2 ? [client.port] : [],
  };
}

function amandaMessage(dice: Dice): { bytes: Uint8Array; ports: number[] } {
  if (dice.chance(0.3)) return { bytes: text(dice.pick(["Amanda 2.4 REQ\n", "", "CONNECT \n"])), ports: [] };
  const services = ["DATA", "MESG", "INDEX", "STATE"].filter(() => dice.chance(0.7));
  const ports = services.map(() => dice.pick(PORTS));
  const words = services.map(
    (service, i) =>
      `${service} ${dice.chance(0.85) ? ports[i] : dice.pick(["005001", "05002", "70000", "x", "123456"])}`,
  );
  return {
    bytes: text(`${dice.pick(["", "REP\n"])}CONNECT ${words.join(" ")}${dice.pick(["\n", "\n", "\nOPTIONS ;\n", ""])}`),
    ports,
  };
}
