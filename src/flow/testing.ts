/** Captures for tests, made byte by byte: pcap, and pcapng with all that may stand between and behind its packets. */
import fc from "fast-check";
import { LINKTYPE_ETHERNET, LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2, LINKTYPE_RAW } from "../bytes/link.ts";
import { often } from "../path/testing.ts";

const MACS: Readonly<Record<string, number>> = { lan0: 1, wan0: 2 };
export const macOf = (dev: string) => `02:00:00:00:00:0${MACS[dev]}`;

/** A packet behind its link-layer header, as far as it was captured of `wire` bytes. */
interface Frame {
  readonly bytes: readonly number[];
  readonly wire: number;
}

/** A packet at its device; `stranger`: the link layer says of it what it says of few. */
export interface Sight {
  readonly time: number;
  readonly dev: string;
  readonly packet: Uint8Array;
  /** How long it was before the capture cut it; 0: it did not. */
  readonly whole: number;
  readonly stranger: boolean;
}

interface LinkLayer {
  readonly linkType: number;
  frame(sight: Sight): Frame;
}

const ethernet = ({ dev, packet, whole, stranger }: Sight): Frame => {
  const [to, from] = stranger ? [9, 9] : [MACS[dev], MACS[dev]];
  const bytes = [2, 0, 0, 0, 0, to, 2, 0, 0, 0, 1, from, 8, 0, ...packet];
  while (whole === 0 && bytes.length < 60) bytes.push(0);
  return { bytes, wire: whole === 0 ? bytes.length : 14 + whole };
};

const raw = ({ packet, whole }: Sight): Frame => ({ bytes: [...packet], wire: whole || packet.length });

const cooked = ({ dev, packet, whole, stranger }: Sight): Frame => {
  const bytes = [0, stranger ? 1 : 0, 0, 1, 0, 6, 2, 0, 0, 0, 1, MACS[dev], 0, 0, 8, 0, ...packet];
  return { bytes, wire: 16 + (whole || packet.length) };
};

/** Version 2 says the interface's index, and packet type and address elsewhere. */
const cooked2 = ({ dev, packet, whole, stranger }: Sight): Frame => {
  const header = [8, 0, 0, 0, 0, 0, 0, stranger ? 9 : MACS[dev], 0, 1, 0, 6, 2, 0, 0, 0, 1, MACS[dev], 0, 0];
  return { bytes: [...header, ...packet], wire: 20 + (whole || packet.length) };
};

export const LINK_LAYERS: readonly LinkLayer[] = [
  { linkType: LINKTYPE_ETHERNET, frame: ethernet },
  { linkType: LINKTYPE_RAW, frame: raw },
  { linkType: LINKTYPE_LINUX_SLL, frame: cooked },
  { linkType: LINKTYPE_LINUX_SLL2, frame: cooked2 },
];

const ordered = (value: bigint | number, size: number, little: boolean): number[] => {
  const bytes = Array.from({ length: size }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 0xffn));
  return little ? bytes : bytes.reverse();
};

// ── pcap ─────────────────────────────────────────────────────────────────────────────────────────────

/** How a pcap file is written. */
interface PcapStyle {
  readonly link: LinkLayer;
  readonly nanoseconds: boolean;
  readonly little: boolean;
}

export const pcapStyle: fc.Arbitrary<PcapStyle> = fc.record({
  link: fc.constantFrom(...LINK_LAYERS),
  nanoseconds: fc.boolean(),
  little: often(true, fc.constant(false)),
});

export function pcapOf(sights: readonly Sight[], { link, nanoseconds, little }: PcapStyle): Uint8Array {
  const u32 = (...numbers: number[]) => numbers.flatMap((n) => ordered(n, 4, little));
  const u16 = (n: number) => ordered(n, 2, little);
  const magic = nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4;
  const records = sights.flatMap((sight, i) => {
    const { bytes, wire } = link.frame(sight);
    const fraction = (sight.time % 1e6) * (nanoseconds ? 1000 : 1) + (nanoseconds ? (i * 137) % 1000 : 0);
    return [...u32(Math.floor(sight.time / 1e6), fraction, bytes.length, wire), ...bytes];
  });
  return Uint8Array.from([...u32(magic), ...u16(2), ...u16(4), ...u32(0, 0, 65535, link.linkType), ...records]);
}

// ── pcapng ───────────────────────────────────────────────────────────────────────────────────────────

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const OBSOLETE = 2;
const SIMPLE = 3;
const NAMES = 4;
const STATISTICS = 5;
const ENHANCED = 6;
const UNKNOWN = 0xbad;

/** if_tsresol, and how many units a second has then. */
const RESOLUTIONS = [
  [6, 1_000_000n],
  [9, 1_000_000_000n],
  [7, 10_000_000n],
  [12, 1_000_000_000_000n],
  [0x94, 1n << 20n],
  [3, 1000n],
] as const;

export interface InterfaceStyle {
  /** Of LINK_LAYERS, RESOLUTIONS. */
  readonly link: number;
  readonly resolution: number;
  /** Also says the resolution that is understood. */
  readonly says: boolean;
  readonly offset: number;
}

const interfaceStyle: fc.Arbitrary<InterfaceStyle> = fc.record({
  link: fc.nat(LINK_LAYERS.length - 1),
  resolution: often(0, fc.oneof(fc.constantFrom(0, 1, 1), fc.nat(RESOLUTIONS.length - 1))),
  says: fc.boolean(),
  offset: often(0, fc.constant(-3600)),
});

export interface SectionStyle {
  readonly little: boolean;
  /** So many interfaces of which there are no packets are described first. */
  readonly others: number;
  /** Those of lan0 and wan0; the latter's is described first. */
  readonly names: readonly string[];
  readonly swapped: boolean;
  readonly interfaces: readonly [InterfaceStyle, InterfaceStyle];
}

const sectionStyle: fc.Arbitrary<SectionStyle> = fc.record({
  little: often(true, fc.constant(false)),
  others: often(0, fc.constantFrom(1, 62, 63, 64)),
  names: fc.constantFrom(["lan0", "wan0"], ["lan0", "wan0"], ["", ""], ["eth7", ""], ["wan0", "lan0"], ["", "wan0"]),
  swapped: fc.boolean(),
  interfaces: fc.tuple(interfaceStyle, interfaceStyle),
});

/** Only the usual, or now and then something else. */
const mostly = (usual: string, ...others: readonly string[]) =>
  fc.oneof(fc.constant([usual]), fc.array(often(usual, fc.constantFrom(...others)), { minLength: 8, maxLength: 20 }));

/** How a pcapng file is written. */
export interface PcapngStyle {
  /** They begin over and over. */
  readonly sections: readonly SectionStyle[];
  /** Each interface has a link layer of its own, not all `link`. */
  readonly mixed: boolean;
  readonly link: LinkLayer;
  /** How each packet is written, and what comes before it; over and over. */
  readonly forms: readonly string[];
  readonly between: readonly string[];
}

export const pcapngStyle: fc.Arbitrary<PcapngStyle> = fc.record({
  sections: fc.array(sectionStyle, { minLength: 1, maxLength: 3 }),
  mixed: often(false, fc.constant(true)),
  forms: mostly("plain", "comment", "in", "out", "end", "simple", "obsolete"),
  between: mostly("nothing", "names", "statistics", "unknown", "interface", "section"),
  link: fc.constantFrom(...LINK_LAYERS),
});

/** One section of a file: blocks in its byte order. */
class Section {
  readonly bytes: number[] = [];
  readonly #style: SectionStyle;
  readonly #links: readonly LinkLayer[];

  constructor(style: SectionStyle, links: readonly LinkLayer[]) {
    this.#style = style;
    this.#links = links;
    this.#block(SECTION, this.#u32(0x1a2b3c4d), this.#u16(1), this.#u16(0), this.#u32(-1, -1));
    for (let i = 0; i < style.others; i++) this.describe(0);
    for (const device of style.swapped ? [1, 0] : [0, 1]) this.describe(device);
  }

  /** One more interface of the device. */
  describe(device: number): void {
    const { names, interfaces } = this.#style;
    const { resolution, says, offset } = interfaces[device];
    const options: number[] = [];
    if (names[device] !== "") options.push(...this.#option(2, [...new TextEncoder().encode(names[device])]));
    if (resolution !== 0 || says) options.push(...this.#option(9, [RESOLUTIONS[resolution][0]]));
    if (offset !== 0) options.push(...this.#option(14, ordered(offset, 8, this.#style.little)));
    if (options.length > 0) options.push(...this.#u32(0));
    this.#block(INTERFACE, this.#u16(this.#links[device].linkType), this.#u16(0), this.#u32(0), options);
  }

  /** A block that nobody reads. */
  pass(kind: string): void {
    if (kind === "names") this.#block(NAMES, this.#u32(0));
    else if (kind === "statistics") this.#block(STATISTICS, this.#u32(0, 1, 2));
    else if (kind === "unknown") this.#block(UNKNOWN, this.#u32(1, 2, 3, 4, 5, 6, 7));
  }

  packet(sight: Sight, form: string, number: number): void {
    const device = sight.dev === "lan0" ? 0 : 1;
    const { swapped, others, interfaces } = this.#style;
    const id = others + (swapped ? 1 - device : device);
    const { bytes, wire } = this.#links[device].frame(sight);
    const { resolution, offset } = interfaces[device];
    const units = RESOLUTIONS[resolution][1];
    const nanoseconds = BigInt(sight.time - offset * 1e6) * 1000n + BigInt((number * 137) % 1000);
    const count = (nanoseconds * units) / 1_000_000_000n;
    const lengths = this.#u32(Number(count >> 32n), Number(count & 0xffffffffn), bytes.length, wire);
    const data = padded(bytes);
    if (form === "simple") this.#block(SIMPLE, this.#u32(bytes.length), data);
    else if (form === "obsolete") this.#block(OBSOLETE, this.#u16(id), this.#u16(7), lengths, data);
    else this.#block(ENHANCED, this.#u32(id), lengths, data, this.#options(form));
  }

  #options(form: string): number[] {
    if (form === "plain") return [];
    if (form === "comment") return [...this.#option(1, [104, 105]), ...this.#u32(0)];
    if (form === "in") return this.#option(2, this.#u32(1));
    return form === "out" ? [...this.#option(2, this.#u32(2)), ...this.#u32(0)] : this.#u32(0);
  }

  #u32(...numbers: number[]): number[] {
    return numbers.flatMap((n) => ordered(n, 4, this.#style.little));
  }

  #u16(n: number): number[] {
    return ordered(n, 2, this.#style.little);
  }

  #option(code: number, value: readonly number[]): number[] {
    return [...this.#u16(code), ...this.#u16(value.length), ...padded(value)];
  }

  #block(type: number, ...body: readonly number[][]): void {
    const content = body.flat();
    const length = this.#u32(content.length + 12);
    this.bytes.push(...this.#u32(type), ...length, ...content, ...length);
  }
}

function padded(bytes: readonly number[]): number[] {
  return [...bytes, ...new Array<number>(-bytes.length & 3).fill(0)];
}

export function pcapngOf(sights: readonly Sight[], style: PcapngStyle): Uint8Array {
  const sections: Section[] = [];
  const begin = () => {
    const next = style.sections[sections.length % style.sections.length];
    const links = next.interfaces.map(({ link }) => (style.mixed ? LINK_LAYERS[link] : style.link));
    sections.push(new Section(next, links));
  };
  begin();
  for (const [i, sight] of sights.entries()) {
    const between = style.between[i % style.between.length];
    if (between === "section") begin();
    const section = sections[sections.length - 1];
    if (between === "interface") section.describe(i & 1);
    section.pass(between);
    section.packet(sight, style.forms[i % style.forms.length], i);
  }
  return Uint8Array.from(sections.flatMap(({ bytes }) => bytes));
}
