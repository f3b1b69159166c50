/**
 * Real traffic as scenarios: every capture of a folder with every ruleset of rulesets/ and of test/captures/rulesets/.
 * Captures belong to others and are no part of the project: a folder of them is named by whoever runs this.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { CaptureRecord } from "../../src/bytes/record.ts";
import { CaptureFile, each } from "../../src/cli/capture-file.ts";
import { loadHostFile } from "../../src/cli/host.ts";
import { lookAtChecksums } from "../../src/cli/replay.ts";
import { inputOf } from "../../src/cli/replay-run.ts";
import { Arrivals } from "../../src/flow/arrival.ts";
import type { HostConfig } from "../../src/host/config.ts";
import { Host } from "../../src/host/host.ts";
import { bytesAsked, whyNotAsked } from "../../src/kernel/kernel-engine.ts";
import type { ScenarioEvent } from "../../src/kernel/scenario.ts";
import { Packet } from "../../src/packet/packet.ts";
import type { NamedScenario } from "../fuzz/ask.ts";
import type { Part } from "../fuzz/jobs.ts";
import { CaptureEnds } from "./host.ts";

const RULESETS = ["rulesets", "test/captures/rulesets"];

interface RulesetFolder {
  readonly name: string;
  readonly rules: string | null;
  readonly rules6: string | null;
  /** null: the program guesses it. */
  readonly host: HostConfig | null;
}

function rulesetFolders(): RulesetFolder[] {
  return RULESETS.flatMap((parent) =>
    readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => rulesetFolder(join(parent, name), name))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

function rulesetFolder(folder: string, name: string): RulesetFolder {
  const text = (file: string) => (existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : null);
  const host = join(folder, "host.yaml");
  return {
    name,
    rules: text("rules.v4"),
    rules6: text("rules.v6"),
    host: existsSync(host) ? loadHostFile(host) : null,
  };
}

/** The family's name. */
export const CAPTURES = "captures";

export class CaptureScenarios {
  /** Every file of the folders, captures or not. */
  readonly files: readonly string[];
  /** Of each file as many packets as that at most. */
  readonly #packets: number;
  /** What was asked, and what no kernel can be asked through a TUN device: a number for each sentence. */
  readonly notes: Record<string, number> = {};

  /** Ends the program with a sentence when one of the folders is none. */
  constructor(folders: readonly string[], packets: number) {
    this.files = filesOf(folders);
    this.#packets = packets;
  }

  /**
   * The first packets of each file with each ruleset that has rules for their family. `seed` is the number of the first
   * file.
   */
  async *of({ seed, runs }: Part): AsyncGenerator<NamedScenario> {
    const rulesets = rulesetFolders();
    for (const file of this.files.slice(seed - 1, seed - 1 + runs)) {
      let some = false;
      for await (const scenario of this.#ofFile(file, rulesets)) {
        some = true;
        yield scenario;
      }
      this.#count(some ? "captures" : "files without a packet to ask about");
    }
  }

  #count(sentence: string): void {
    this.notes[sentence] = (this.notes[sentence] ?? 0) + 1;
  }

  async *#ofFile(file: string, rulesets: readonly RulesetFolder[]): AsyncGenerator<NamedScenario> {
    const ends = new CaptureEnds();
    await reading(file, (capture) => capture.sample((record) => ends.add(record)));
    for (const { name, rules, rules6, host } of rulesets) {
      if (!(rules !== null && ends.families.has(4)) && !(rules6 !== null && ends.families.has(6))) continue;
      const config = host === null ? ends.guessed() : ends.hostLike(host);
      const leaveOut = (reason: string) => this.#count(`packets left out, ${reason}`);
      const events = await eventsOf(file, config, this.#packets, leaveOut);
      if (events.length > 0)
        yield { title: `${CAPTURES} ${file}, ${name}`, scenario: { host: config, rules, rules6, events } };
    }
  }
}

/** In an order that has nothing to do with their names: a part of them is a mixture. */
function filesOf(folders: readonly string[]): string[] {
  const missing = folders.find((folder) => !statSync(folder, { throwIfNoEntry: false })?.isDirectory());
  if (missing !== undefined) {
    console.error(`--captures ${missing}: there is no such folder`);
    process.exit(2);
  }
  const paths = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const place = new Map(paths.map((path) => [path, createHash("sha256").update(basename(path)).digest("hex")]));
  return paths.sort((a, b) => (place.get(a)! < place.get(b)! ? -1 : 1));
}

/** Ends the reading of a capture of which enough was seen. */
class Enough extends Error {}

/** `leaveOut` hears why a packet can't be put to a kernel through a TUN device. */
async function eventsOf(
  file: string,
  config: HostConfig,
  packets: number,
  leaveOut: (reason: string) => void,
): Promise<ScenarioEvent[]> {
  const host = new Host(config);
  const packet = new Packet();
  const events: ScenarioEvent[] = [];
  let seen = 0;
  await reading(file, async (capture) => {
    const arrivals = new Arrivals(host, {
      device: null,
      checksums: await lookAtChecksums("auto", capture, host, null),
    });
    await capture.read(
      each((record: CaptureRecord) => {
        if (!arrivals.load(record, packet)) return;
        if (seen++ === packets) throw new Enough();
        const input = inputOf(packet, host, false);
        const reason = whyNotAsked(input, (dev) => host.interfaceNamed(dev)?.loopback === false);
        if (reason !== null) leaveOut(reason);
        else events.push(eventOf(input));
      }),
      () => {},
    );
  });
  return events;
}

function eventOf(input: ReturnType<typeof inputOf>): ScenarioEvent {
  const { dev, outDev } = input;
  return { dev, hex: Buffer.from(bytesAsked(input)).toString("hex"), ...(outDev === null ? {} : { outDev }) };
}

/** Reads a capture, or as much of it as is wanted. */
async function reading(file: string, use: (capture: CaptureFile) => Promise<unknown>): Promise<void> {
  const capture = new CaptureFile(file);
  try {
    await use(capture);
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  } finally {
    capture.close();
  }
}
