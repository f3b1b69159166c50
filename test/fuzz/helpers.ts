/**
 * Connections that announce others, as helpers read them: control connections with commands right and wrong, whole and cut,
 * sent again, acknowledged in pieces; requests over UDP; and who comes because of them, or uninvited. With every kind of
 * NAT that moves their addresses, zones, marks, and ICMP errors about all of it.
 */
import { join } from "../../src/flow/compose.ts";
import type { Scenario, ScenarioEvent } from "../../src/kernel/scenario.ts";
import { errorAbout } from "./datagrams.ts";
import type { Dice } from "./dice.ts";
import { dressed } from "./extras.ts";
import { announcement, PROTOCOLS, type Protocol, request } from "./helper-texts.ts";
import { hex, tcp, udp } from "./packets.ts";
import { DMZ, family, lan, net, OWN, port, ROUTER, recent, rounds, router } from "./world.ts";

const [FIN, SYN, RST, PSH, ACK] = [1, 2, 4, 8, 16];

type Translation = "none" | "masquerade" | "snat" | "snat-range" | "ports";

/** One end. `seen` is what the other end knows it by. */
export interface End {
  readonly dev: string;
  readonly address: string;
  readonly seen: string;
  readonly port: number;
}

interface World {
  readonly fam: 4 | 6;
  readonly translation: Translation;
  readonly talks: Talk[];
  /** Connections that were announced, and packets of those that came. */
  readonly announced: Announced[];
}

interface Announced {
  readonly from: End;
  readonly to: End;
  readonly transport: "tcp" | "udp";
  readonly sport: number;
  readonly dport: number;
}

/** A connection that may announce others. Numbers are those of the client, then of the server. */
interface Talk {
  readonly protocol: Protocol;
  readonly client: End;
  readonly server: End;
  readonly next: [number, number];
  /** By how much what one side sent has grown on its way. */
  readonly grown: [number, number];
  readonly sack: boolean;
  /** Does each side's next segment begin a line? */
  readonly atLine: [boolean, boolean];
  stage: number;
}

export function helperScenario(dice: Dice): Scenario {
  const fam = family(dice, 0.35);
  const translation = dice.weighted<Translation>({ none: 4, masquerade: 3, snat: 2, "snat-range": 1, ports: 1 });
  const world: World = { fam, translation, talks: [], announced: [] };
  const rules = ruleset(dice, world);
  const events = rounds(dice, () => helperRound(dice, world));
  const sysctl: Record<string, number> = {};
  if (dice.chance(0.15)) sysctl["net.netfilter.nf_conntrack_tcp_loose"] = 0;
  if (dice.chance(0.15)) sysctl["net.netfilter.nf_conntrack_tcp_be_liberal"] = 1;
  if (dice.chance(0.1)) sysctl["net.netfilter.nf_conntrack_checksum"] = 0;
  if (dice.chance(0.2)) sysctl["net.netfilter.nf_conntrack_acct"] = 1;
  const interfaces = { ...ROUTER.interfaces, lan0: ["10.0.0.1/24 brd 10.0.0.255", "fd00:1::1/64"] };
  return {
    host: router(dice, sysctl, { interfaces }),
    rules: fam === 4 ? rules : null,
    rules6: fam === 6 ? rules : null,
    events,
  };
}

function table(name: string, chains: string, lines: readonly string[]): string[] {
  return [`*${name}`, ...chains.split(" ").map((chain) => `:${chain} ACCEPT [0:0]`), ...lines, "COMMIT"];
}

const EVERYWHERE = "PREROUTING INPUT FORWARD OUTPUT POSTROUTING";

function ruleset(dice: Dice, { fam, translation }: World): string {
  const zone = dice.chance(0.15) ? dice.pick([" --zone 3", " --zone-orig 3", " --zone-reply 3"]) : "";
  const protocols = PROTOCOLS.filter(({ families }) => families.includes(fam));
  const raw = protocols.flatMap(({ name, transport, port }) => {
    const given = `-p ${transport} -m ${transport} --dport ${port} -j CT --helper ${name}${zone}`;
    return [`-A PREROUTING ${given}`, `-A OUTPUT ${given}`];
  });
  if (zone !== "" && dice.chance(0.7)) raw.push(`-A PREROUTING -j CT${zone}`);
  const mangle = ["-A FORWARD -m conntrack --ctstate NEW -j CONNMARK --set-mark 5", "-A FORWARD -m connmark --mark 5"];
  const filter = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "SNAT", "DNAT"].flatMap((state) => [
    `-A FORWARD -m conntrack --ctstate ${state}`,
    `-A INPUT -m conntrack --ctstate ${state}`,
  ]);
  for (const name of ["ftp", "tftp", "irc-x", '""'])
    filter.push(`-A FORWARD -m helper${dice.chance(0.2) ? " !" : ""} --helper ${name}`);
  filter.push("-A FORWARD -m conntrack --ctstatus EXPECTED", "-A INPUT -m conntrack ! --ctstatus EXPECTED");
  if (dice.chance(0.2)) filter.push("-A FORWARD -i wan0 -m conntrack --ctstate NEW -j DROP");
  return [
    ...table("raw", "PREROUTING OUTPUT", raw),
    ...(dice.chance(0.4) ? table("mangle", EVERYWHERE, mangle) : []),
    ...(translation === "none" && dice.chance(0.6)
      ? []
      : table("nat", "PREROUTING INPUT OUTPUT POSTROUTING", natRules(fam, translation))),
    ...table("filter", "INPUT FORWARD OUTPUT", filter),
    "",
  ].join("\n");
}

const TRANSLATED = { 4: "203.0.113.9", 6: "fd00:2::9" } as const;

function natRules(fam: 4 | 6, translation: Translation): string[] {
  const one = TRANSLATED[fam];
  const withPorts = fam === 4 ? `${one}:5000-5003` : `[${one}]:5000-5003`;
  const to = {
    none: "",
    masquerade: "-j MASQUERADE",
    snat: `-j SNAT --to-source ${one}`,
    "snat-range": `-j SNAT --to-source ${one}-${fam === 4 ? "203.0.113.12" : "fd00:2::c"}`,
    ports: `-p tcp -j SNAT --to-source ${withPorts}`,
  }[translation];
  if (to === "") return [];
  return [
    ...PROTOCOLS.map(
      ({ transport, port }) =>
        `-A PREROUTING -i wan0 -p ${transport} -m ${transport} --dport ${port} -j DNAT --to-destination ${DMZ[fam][0]}`,
    ),
    `-A POSTROUTING -o wan0 ${to}`,
  ];
}

function helperRound(dice: Dice, world: World): ScenarioEvent[] {
  for (let n = dice.int(1, 3); n > 0; n--) world.talks.push(talkOf(dice, world));
  return Array.from({ length: dice.int(10, 40) }, () => step(dice, world));
}

function talkOf(dice: Dice, { fam, translation }: World): Talk {
  const protocol = dice.pick(PROTOCOLS.filter(({ families }) => families.includes(fam)));
  if (protocol.name === "netbios-ns") return broadcast(dice, fam, protocol);
  const far = dice.pick(net(dice, fam));
  const moves = translation !== "none";
  const sport = port(dice, [4000, 4001, 1023]);
  const inward = moves && dice.chance(0.3);
  const seen = translation === "masquerade" ? OWN[fam] : TRANSLATED[fam];
  const near = dice.chance(0.1) ? OWN[fam] : dice.pick(lan(dice, fam));
  const local = near === OWN[fam];
  const client: End = inward
    ? { dev: "wan0", address: far, seen: far, port: sport }
    : { dev: local ? "local" : "lan0", address: near, seen: moves ? seen : near, port: sport };
  const server: End = inward
    ? { dev: "dmz0", address: DMZ[fam][0], seen: OWN[fam], port: protocol.port }
    : { dev: "wan0", address: far, seen: far, port: protocol.port };
  return between(dice, protocol, client, server);
}

/** The host itself, or another one, asks the whole LAN. */
function broadcast(dice: Dice, fam: 4 | 6, protocol: Protocol): Talk {
  const own = dice.chance(0.8);
  const address = own ? "10.0.0.1" : dice.pick(lan(dice, fam));
  const client: End = { dev: own ? "local" : "lan0", address, seen: address, port: dice.pick([137, 4001]) };
  const seen = dice.pick(["10.0.0.255", "10.0.0.255", "255.255.255.255", "10.0.0.4"]);
  return between(dice, protocol, client, { dev: "lan0", address: dice.pick(lan(dice, fam)), seen, port: 137 });
}

function between(dice: Dice, protocol: Protocol, client: End, server: End): Talk {
  const start = () => dice.pick([1000, 0xfffffff0, dice.int(0, 0xffffffff), 0x7ffffff0]);
  return {
    protocol,
    client,
    server,
    next: [start(), start()],
    grown: [0, 0],
    sack: dice.chance(0.5),
    atLine: [false, false],
    stage: 0,
  };
}

function step(dice: Dice, world: World): ScenarioEvent {
  const talk = recent(dice, world.talks);
  if (world.announced.length > 0 && dice.chance(0.22)) return visit(dice, recent(dice, world.announced));
  if (dice.chance(0.07)) return errorOf(dice, talk);
  if (talk.protocol.transport === "udp") return datagram(dice, world, talk);
  if (talk.stage < 5 && dice.chance(0.95)) return begin(dice, talk);
  switch (dice.weighted({ line: 10, acknowledge: 4, again: 2, odd: 1.5, end: 0.3 })) {
    case "line":
      return line(dice, world, talk);
    case "acknowledge":
      return send(dice, talk, dice.int(0, 1) as 0 | 1, ACK);
    case "again":
      return again(dice, talk, dice.int(0, 1) as 0 | 1);
    case "odd":
      return odd(dice, world, talk);
    default:
      return send(dice, talk, dice.int(0, 1) as 0 | 1, dice.pick([FIN | ACK, RST | ACK, RST, SYN]));
  }
}

/** The handshake, and a line of each side. */
function begin(dice: Dice, talk: Talk): ScenarioEvent {
  const stage = talk.stage++;
  if (stage === 1) return send(dice, talk, 1, SYN | ACK);
  if (stage < 3) return send(dice, talk, 0, stage === 0 ? SYN : ACK);
  const side = stage === 3 ? 1 : 0;
  talk.atLine[side] = true;
  return send(dice, talk, side, ACK | PSH, Uint8Array.of(120, 13, 10));
}

/** One side says something: mostly what announces a connection, or a line that makes the next one begin a line. */
function line(dice: Dice, world: World, talk: Talk): ScenarioEvent {
  const side = dice.chance(0.5) ? 0 : 1;
  const [from, to] = side === 0 ? [talk.client, talk.server] : [talk.server, talk.client];
  const said = announcement(dice, talk.protocol, side, from, world.fam);
  const event = send(dice, talk, side, ACK | PSH, said.bytes);
  if (world.translation !== "none" && talk.atLine[side]) talk.grown[side] += said.grows;
  talk.atLine[side] = said.bytes.at(-1) === 10;
  if (said.port >= 0)
    world.announced.push({
      from: to,
      to: from,
      transport: talk.protocol.announces,
      sport: side === 0 ? 20 : port(dice, [4100, 4101]),
      dport: said.port,
    });
  return event;
}

/** The end of what was sent last comes once more, or is something else this time. */
function again(dice: Dice, talk: Talk, side: 0 | 1): ScenarioEvent {
  const back = dice.pick([1, 6, 22, 25, 60]);
  const next = talk.next[side];
  const event = send(dice, talk, side, ACK | PSH, new Uint8Array(back).fill(dice.pick([10, 120])), -back);
  talk.next[side] = next;
  return event;
}

function odd(dice: Dice, { fam }: World, talk: Talk): ScenarioEvent {
  const side = dice.int(0, 1) as 0 | 1;
  const from = side === 0 ? talk.client : talk.server;
  const next = talk.next[side];
  const { bytes } = announcement(dice, talk.protocol, side, from, fam);
  const event = send(dice, talk, side, ACK | PSH, bytes, dice.pick([1, -1, 100, -100, 3, 70000]));
  talk.next[side] = next;
  return event;
}

function send(
  dice: Dice,
  talk: Talk,
  side: 0 | 1,
  flags: number,
  data: Uint8Array = new Uint8Array(0),
  off = 0,
): ScenarioEvent {
  const [from, to] = side === 0 ? [talk.client, talk.server] : [talk.server, talk.client];
  const other = (1 - side) as 0 | 1;
  const known = talk.next[other] + talk.grown[other];
  const ack = (flags & ACK) !== 0 ? known - (dice.chance(0.12) ? dice.pick([1, 3, 20, -1, -4]) : 0) : 0;
  const bytes = tcp({
    src: from.address,
    dst: to.seen,
    sport: from.port,
    dport: to.port,
    flags,
    seq: talk.next[side] + off,
    ack,
    options: optionsOf(dice, talk, flags, known),
    data,
    id: dice.int(1, 65535),
    checksum: dice.chance(0.01) ? "bad" : null,
  });
  if (dice.chance(0.97))
    talk.next[side] = (talk.next[side] + data.length + ((flags & (SYN | FIN)) !== 0 ? 1 : 0)) >>> 0;
  return arrives(dice, from, bytes);
}

function arrives(dice: Dice, from: End, bytes: Uint8Array): ScenarioEvent {
  return { dev: from.dev === "local" ? null : from.dev, hex: hex(dressed(dice, bytes, 0.03)) };
}

function optionsOf(dice: Dice, talk: Talk, flags: number, known: number): Uint8Array {
  if ((flags & SYN) !== 0) return talk.sack ? Uint8Array.of(1, 1, 4, 2) : new Uint8Array(0);
  if (!dice.chance(0.2)) return new Uint8Array(0);
  const blocks = Array.from({ length: dice.int(1, 3) }, () => {
    const left = known + dice.pick([0, -10, 3, -30, 100]);
    return [left, left + dice.pick([1, 10, 40])].map((n) => {
      const word = new DataView(new ArrayBuffer(4));
      word.setUint32(0, n >>> 0);
      return new Uint8Array(word.buffer);
    });
  }).flat();
  const length = dice.chance(0.05) ? 3 : 2 + 4 * blocks.length;
  return join(Uint8Array.of(1, 1, 5, length), ...blocks).subarray(0, 40);
}

/** A request or an answer over UDP. */
function datagram(dice: Dice, world: World, talk: Talk): ScenarioEvent {
  const side = dice.chance(0.6) ? 0 : 1;
  const [from, to] = side === 0 ? [talk.client, talk.server] : [talk.server, talk.client];
  const said = request(dice, talk.protocol, side, talk.client);
  const [comes, waits] = talk.protocol.name === "amanda" ? [talk.client, talk.server] : [talk.server, talk.client];
  for (const port of said.ports)
    world.announced.push({
      from: comes,
      to: waits,
      transport: talk.protocol.announces,
      sport: talk.protocol.name === "netbios-ns" ? 137 : dice.int(5000, 5003),
      dport: port,
    });
  const ends = { src: from.address, dst: to.seen, sport: from.port, dport: to.port };
  const checksum = world.fam === 4 && dice.chance(0.1) ? "none" : null;
  return arrives(dice, from, udp({ ...ends, data: said.bytes, id: dice.int(1, 65535), checksum }));
}

/** Who was announced comes, answers, or somebody else does. */
function visit(dice: Dice, { from, to, transport, sport, dport }: Announced): ScenarioEvent {
  const answers = dice.chance(0.3);
  const near = dice.chance(0.1) ? 1 : 0;
  const [a, b] = answers ? [to, from] : [from, to];
  const ends = {
    src: a.address,
    dst: b.seen,
    sport: answers ? dport + near : sport,
    dport: answers ? sport : (dport + near) & 0xffff,
    id: dice.int(1, 65535),
  };
  if (transport === "udp")
    return arrives(dice, a, udp({ ...ends, data: dice.pick([Uint8Array.of(0, 3, 0, 1), Uint8Array.of(0, 1, 65, 0)]) }));
  const flags = answers ? dice.pick([SYN | ACK, ACK, RST | ACK]) : dice.pick([SYN, SYN, ACK, ACK | PSH, FIN | ACK]);
  return arrives(
    dice,
    a,
    tcp({
      ...ends,
      flags,
      seq: answers ? 9000 : 7000,
      ack: answers ? 7001 : 9001,
      data: new Uint8Array(dice.pick([0, 0, 30])),
    }),
  );
}

/** From where a packet went to, about that packet as it looked there. */
function errorOf(dice: Dice, talk: Talk): ScenarioEvent {
  const side = dice.int(0, 1) as 0 | 1;
  const other = (1 - side) as 0 | 1;
  const [from, to] = side === 0 ? [talk.client, talk.server] : [talk.server, talk.client];
  const ends = { src: from.seen, dst: to.address, sport: from.port, dport: to.port };
  const [seq, ack] = [talk.next[side] + talk.grown[side], talk.next[other]];
  const bytes =
    talk.protocol.transport === "tcp"
      ? tcp({ ...ends, flags: ACK, seq, ack, data: new Uint8Array(dice.pick([0, 40])) })
      : udp({ ...ends, data: new Uint8Array(10) });
  return arrives(dice, to, errorAbout(dice, { ...ends, dev: from.dev, bytes }).bytes);
}
