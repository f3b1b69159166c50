/**
 * The folders of rulesets/: real rules, a capture of real traffic through them, and what the kernel counted and tracked
 * while it was taken. The twin must read the rules, and come to the same counters, rule by rule, and to the same
 * connections; the packet scripts of the folder must hold.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import test from "ava";
import { CaptureRecord, readCapture } from "../src/bytes/capture.ts";
import { loadHostFile } from "../src/cli/host-file.ts";
import { Arrivals } from "../src/flow/arrival.ts";
import { type ChecksumFindings, ChecksumSample, VERIFY_ALL } from "../src/flow/checksums.ts";
import { runCase } from "../src/flow/run.ts";
import { parseScript } from "../src/flow/script.ts";
import { TwinEngine } from "../src/flow/twin.ts";
import { type Family, Firewall, Host, loadRuleset, Packet, printSave, type Ruleset } from "../src/index.ts";

const FOLDER = "rulesets";
const names = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();
const FAMILIES = [
  [4, "v4"],
  [6, "v6"],
] as const;

const path = (name: string, file: string) => `${FOLDER}/${name}/${file}`;
const has = (name: string, file: string) => existsSync(path(name, file));
const text = (name: string, file: string) => readFileSync(path(name, file), "utf8");

/** Throws RulesError for rules that iptables would refuse, or that this version does not know. */
function rulesOf(name: string, family: Family, version: string): Ruleset | null {
  const file = `rules.${version}`;
  return has(name, file) ? loadRuleset(text(name, file), { family, file }) : null;
}

function firewallOf(name: string): Firewall {
  const { config, problems } = loadHostFile(text(name, "host.yaml"), "host.yaml");
  if (problems.length > 0) throw new Error(problems.map((p) => `${p.file}:${p.line}: ${p.message}`).join("\n"));
  return new Firewall({ host: new Host(config), rules: rulesOf(name, 4, "v4"), rules6: rulesOf(name, 6, "v6") });
}

/** Hands every record of the folder's capture to `use`; the capture must be whole. */
function eachRecord(name: string, use: (record: CaptureRecord) => void): void {
  const error = readCapture(readFileSync(path(name, "capture.pcapng")), use, new CaptureRecord());
  if (error !== null) throw new Error(error.message);
}

function checksumsOf(name: string, host: Host): ChecksumFindings {
  const arrivals = new Arrivals(host, { device: null, checksums: VERIFY_ALL });
  const sample = new ChecksumSample();
  const packet = new Packet();
  eachRecord(name, (record) => {
    if (arrivals.load(record, packet)) sample.add(packet);
  });
  return sample.findings();
}

/** The capture through the fast path; returns how many packets there were. */
function replay(name: string, firewall: Firewall): number {
  const { host, packet } = firewall;
  const arrivals = new Arrivals(host, { device: null, checksums: checksumsOf(name, host) });
  let packets = 0;
  eachRecord(name, (record) => {
    if (!arrivals.load(record, packet)) return;
    packets++;
    firewall.run();
  });
  return packets;
}

/** iptables-save text by table: the kernel lists tables in the order in which they were made. */
function byTable(save: string): Record<string, string[]> {
  const tables: Record<string, string[]> = {};
  let lines: string[] = [];
  for (const line of save.split("\n")) {
    if (line.startsWith("*")) tables[line.slice(1)] = lines = [];
    else if (line !== "" && !line.startsWith("#") && line !== "COMMIT") lines.push(line);
  }
  return tables;
}

interface Connection {
  /** The line without timeout and reference count. */
  readonly line: string;
  readonly timeout: number;
}

/** `conntrack -L` lines, sorted by what stays the same. */
function connectionsOf(lines: readonly string[]): Connection[] {
  return lines
    .map((line) => {
      const found = /^(\S+ +\d+ )(\d+) (.*?)( use=\d+)?$/.exec(line);
      if (found === null) throw new Error(`not a line of conntrack -L: ${line}`);
      return { line: found[1] + found[3], timeout: Number(found[2]) };
    })
    .sort((a, b) => (a.line < b.line ? -1 : 1));
}

test("there are rulesets", (t) => t.true(names.length >= 6, names.join(", ")));

for (const name of names) {
  test(`${name}: iptables-save prints the rules as they are written`, (t) => {
    for (const [family, version] of FAMILIES) {
      const ruleset = rulesOf(name, family, version);
      if (ruleset === null) continue;
      t.deepEqual(byTable(printSave(ruleset)), byTable(text(name, `rules.${version}`)));
    }
    t.true(has(name, "rules.v4") || has(name, "rules.v6"));
  });

  test(`${name}: the kernel counted the same packets in every rule`, (t) => {
    const firewall = firewallOf(name);
    t.true(replay(name, firewall) > 0);
    for (const [family, version] of FAMILIES)
      if (has(name, `rules.${version}`))
        t.deepEqual(byTable(firewall.save(family)), byTable(text(name, `kernel.counters.${version}`)));
  });

  test(`${name}: the kernel tracked the same connections`, (t) => {
    const firewall = firewallOf(name);
    replay(name, firewall);
    const twin = connectionsOf(firewall.connections());
    const kernel = connectionsOf(text(name, "kernel.conntrack").trim().split("\n"));
    const shown = (all: readonly Connection[]) => all.map((connection) => connection.line);
    t.deepEqual(shown(twin), shown(kernel));
    // The listing was taken within two seconds after the last packet.
    for (const [i, { timeout, line }] of kernel.entries())
      t.true(
        twin[i].timeout >= timeout && twin[i].timeout <= timeout + 2,
        `${line}: ${twin[i].timeout}, not ${timeout}`,
      );
  });

  test(`${name}: its packet scripts hold`, async (t) => {
    const scripts = readdirSync(`${FOLDER}/${name}`).filter((file) => file.endsWith(".flow"));
    t.true(scripts.length > 0);
    for (const file of scripts) {
      const { script, mistakes } = parseScript(text(name, file), file);
      t.deepEqual(mistakes, []);
      for (const item of script.cases) {
        const firewall = firewallOf(name);
        const devices = { macOf: (dev: string) => firewall.host.interfaceNamed(dev)?.mac };
        const { checks } = await runCase(item, new TwinEngine(firewall), devices);
        t.true(checks.length > 0, `${file}: “${item.title}” claims nothing`);
        for (const { line, claim, failure } of checks)
          t.is(failure, null, `${file}:${line.number}: ${claim}: ${failure?.happened}`);
      }
    }
  });

  test(`${name}: its README says what it is`, (t) => t.regex(text(name, "README.md"), /npx firetwin replay/));
}
