/** What no recording tells of helpers: how long they wait, what goes with a master, chance, and what is refused. */
import test from "ava";
import { Firewall, Host, LoadError, loadRuleset } from "../src/index.ts";
import { tcp, udp } from "./fuzz/packets.ts";

const SECOND = 1e6;
const CLIENT = "10.0.0.2";
const SERVER = "198.51.100.9";
const OWN = "203.0.113.1";
const [SYN, RST, PSH, ACK] = [2, 4, 8, 16];

const rules = (helper: string, match: string, ...more: string[]) =>
  [
    "*raw",
    ":PREROUTING ACCEPT [0:0]",
    ":OUTPUT ACCEPT [0:0]",
    `-A PREROUTING ${match} -j CT --helper ${helper}`,
    "COMMIT",
    ...more,
    "",
  ].join("\n");

const MASQUERADE = [
  "*nat",
  ":PREROUTING ACCEPT [0:0]",
  ":INPUT ACCEPT [0:0]",
  ":OUTPUT ACCEPT [0:0]",
  ":POSTROUTING ACCEPT [0:0]",
  "-A POSTROUTING -o wan0 -j MASQUERADE",
  "COMMIT",
];

const FTP = "-p tcp -m tcp --dport 21";

class Bench {
  readonly firewall: Firewall;
  time = 1000 * SECOND;

  constructor(text: string, sysctl: Record<string, number> = {}) {
    const interfaces = { lan0: ["10.0.0.1/24"], wan0: [`${OWN}/24`] };
    const host = new Host({ interfaces, routes: ["default dev wan0"], sysctl });
    this.firewall = new Firewall({ rules: loadRuleset(text), host });
  }

  see(dev: string, bytes: Uint8Array, steps = false) {
    return this.firewall.receive(dev, bytes, { time: this.time, steps });
  }

  /** A client's segment, of its n-th byte. */
  client(flags: number, seq: number, text = "", src = CLIENT) {
    const data = new TextEncoder().encode(text);
    return this.see("lan0", tcp({ src, dst: SERVER, sport: 4000, dport: 21, flags, seq, ack: 5001, data }), true);
  }

  server(flags: number, to = CLIENT, dport = 4000) {
    return this.see("wan0", tcp({ src: SERVER, dst: to, sport: 21, dport, flags, seq: 5000, ack: 1001 }));
  }

  /** Opens a control connection; the client's next byte is 1007. */
  open(to = CLIENT, src = CLIENT) {
    this.client(SYN, 1000, "", src);
    this.server(SYN | ACK, to);
    this.client(ACK, 1001, "", src);
    return this.client(ACK | PSH, 1001, "NOOP\r\n", src);
  }

  /** The state of the server's connection for data. */
  data(dport: number, dst = CLIENT) {
    return this.see("wan0", tcp({ src: SERVER, dst, sport: 20, dport, flags: SYN, seq: 7000 })).state;
  }
}

test("a connection that was announced is waited for five minutes", (t) => {
  for (const [after, state] of [
    [299.9, "RELATED"],
    [300.1, "NEW"],
  ] as const) {
    const bench = new Bench(rules("ftp", FTP));
    bench.open();
    bench.client(ACK | PSH, 1007, "PORT 10,0,0,2,19,137\r\n");
    t.is(bench.firewall.expectations().length, 1);
    bench.time += after * SECOND;
    t.is(bench.data(5001), state);
    t.deepEqual(bench.firewall.expectations(), []);
  }
});

test("nothing is expected of a connection that is over", (t) => {
  const bench = new Bench(rules("ftp", FTP));
  bench.open();
  bench.client(ACK | PSH, 1007, "PORT 10,0,0,2,19,137\r\n");
  t.is(bench.data(5001), "RELATED");
  bench.client(ACK | PSH, 1029, "PORT 10,0,0,2,19,138\r\n");
  bench.client(RST, 1051);
  bench.time += 11 * SECOND;
  t.is(bench.data(5002), "NEW");

  const alone = new Bench(rules("tftp", "-p udp -m udp --dport 69"));
  const request = Uint8Array.of(0, 1, 65, 0);
  alone.see("lan0", udp({ src: CLIENT, dst: SERVER, sport: 4000, dport: 69, data: request }));
  t.is(alone.firewall.expectations().length, 1);
  alone.time += 31 * SECOND;
  t.is(alone.see("wan0", udp({ src: SERVER, dst: CLIENT, sport: 5000, dport: 4000 })).state, "NEW");
});

test("the kernel expects no more than nf_conntrack_expect_max connections in all", (t) => {
  const bench = new Bench(rules("ftp", FTP), { "net.netfilter.nf_conntrack_expect_max": 1 });
  bench.open();
  bench.open("10.0.0.3", "10.0.0.3");
  t.is(bench.client(ACK | PSH, 1007, "PORT 10,0,0,2,19,137\r\n").verdict, "ACCEPT");
  const second = bench.client(ACK | PSH, 1007, "PORT 10,0,0,3,19,138\r\n", "10.0.0.3");
  t.is(second.verdict, "DROP");
  t.deepEqual(second.by, { reason: "nf_ct_ftp: dropping packet: cannot add expectation" });
  t.true(
    second.steps!.some(
      (step) =>
        step.kind === "log" &&
        step.line.startsWith("nf_ct_ftp: dropping packet: cannot add expectation IN= OUT= SRC=10.0.0.3"),
    ),
  );
});

test("behind one address a port that is announced twice becomes another one", (t) => {
  const bench = new Bench(rules("ftp", FTP, ...MASQUERADE));
  bench.open(OWN);
  bench.client(ACK | PSH, 1007, "PORT 10,0,0,2,19,137\r\n");
  bench.client(SYN, 1000, "", "10.0.0.3");
  const line = bench.firewall.connections().find((one) => one.includes("src=10.0.0.3"))!;
  const port = Number(/ dport=(\d+) mark/.exec(line)![1]);
  bench.server(SYN | ACK, OWN, port);
  bench.client(ACK, 1001, "", "10.0.0.3");
  bench.client(ACK | PSH, 1001, "NOOP\r\n", "10.0.0.3");
  const said = bench.client(ACK | PSH, 1007, "PORT 10,0,0,3,19,137\r\n", "10.0.0.3");
  const text = Buffer.from(said.out[0].bytes, "hex").subarray(40).toString();
  const [, high, low] = /^PORT 203,0,113,1,(\d+),(\d+)\r\n$/.exec(text)!.map(Number);
  t.not(high * 256 + low, 5001);
  t.is(bench.data(5001, OWN), "RELATED");
  t.is(bench.data(high * 256 + low, OWN), "RELATED");
  t.true(bench.firewall.connections().some((one) => / src=10.0.0.3 dst=198.51.100.9 sport=5001 dport=20 /.test(one)));
});

test("steps say what is expected", (t) => {
  const bench = new Bench(rules("ftp", FTP));
  bench.open();
  const { steps } = bench.client(ACK | PSH, 1007, "PORT 10,0,0,2,19,137\r\n");
  const notes = steps!.flatMap((step) => (step.kind === "note" ? [step.text] : []));
  t.deepEqual(notes, ["the ftp helper expects tcp from 198.51.100.9 to 10.0.0.2:5001"]);
});

test("a helper that is not evaluated is refused by name", (t) => {
  const refusal = t.throws(() => new Bench(rules("sip", "-p udp")), { instanceOf: LoadError });
  t.is(
    refusal?.message,
    "rules:4: raw PREROUTING rule 1: CT: --helper sip is not evaluated by this version, only amanda, ftp, irc, netbios-ns, sane, tftp",
  );
});
