/**
 * A Packet's fields are those of its own bytes, whatever packet it held before, and any bytes fill it.
 */
import test from "ava";
import fc from "fast-check";
import { bytesOfHex } from "../bytes/hex.ts";
import { Packet } from "./packet.ts";

/** Every field that depends on the bytes. */
function fields(p: Packet): Record<string, unknown> {
  const { data: _data, view: _view, time: _time, steps: _steps, start: _start, ...rest } = p;
  return { ...rest, end: p.end - p.start, l4: p.l4 < 0 ? -1 : p.l4 - p.start };
}

const ipv6 = (next: string, payload: string): string => {
  const length = (payload.length / 2).toString(16).padStart(4, "0");
  return `60000000${length}${next}40${"0".repeat(31)}120010db8${"0".repeat(23)}9${payload}`;
};
const UDP = "0001000200080000";

const PACKETS = [
  "45000028000140004006691010000002c63364090fa0005000000064000000005002ffff6b500000",
  // Recorded route; a later fragment.
  `470000270001400040117e7f0a000002c63364090707040000000000${UDP}616263`,
  "4500001c00010000400100000a000002c63364090800000000070001",
  `4500001c00010003401100000a000002c6336409${UDP}`,
  ipv6("06", "0fa0005000000064000000005002ffff00000000"),
  // Hop-by-hop options, a first fragment, a later one, one whose header chain breaks off.
  ipv6("00", `1100050200000100${UDP}`),
  ipv6("2c", `1100000100000007${UDP}`),
  ipv6("2c", `1100000900000007${UDP}`),
  ipv6("00", "2c00050200000100"),
].map((hex) => bytesOfHex(hex) as Uint8Array);

const bytesArb = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc
    .tuple(fc.constantFrom(...PACKETS), fc.nat(110), fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 3 }))
    .map(([packet, length, changes]) => {
      const bytes = new Uint8Array(packet.subarray(0, length));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return bytes;
    }),
);

test("nothing is left of the packet before", (t) => {
  const used = new Packet();
  fc.assert(
    fc.property(bytesArb, bytesArb, (before, bytes) => {
      const fresh = new Packet();
      fresh.loadBytes(bytes);
      used.loadBytes(before);
      used.loadBytes(bytes);
      t.deepEqual(fields(used), fields(fresh));
    }),
    { numRuns: 2000 },
  );
});

test("a packet is read only where it is", (t) => {
  fc.assert(
    fc.property(bytesArb, fc.uint8Array({ minLength: 80, maxLength: 80 }), (bytes, garbage) => {
      const load = (around: Uint8Array): Packet => {
        const data = new Uint8Array(bytes.length + 2 * around.length);
        data.set(around);
        data.set(bytes, around.length);
        data.set(around, around.length + bytes.length);
        const p = new Packet();
        p.load(data, new DataView(data.buffer), around.length, around.length + bytes.length);
        return p;
      };
      t.deepEqual(fields(load(garbage)), fields(load(new Uint8Array(80))));
    }),
    { numRuns: 2000 },
  );
});

test("extension headers are walked as the kernel's matches walk them", (t) => {
  const parsed = PACKETS.map((bytes) => {
    const p = new Packet();
    p.loadBytes(bytes);
    return [p.protocol, p.l4, p.hasPorts, p.fragment, p.odd];
  });
  t.deepEqual(parsed, [
    [6, 20, true, false, false],
    [17, 28, true, false, false],
    [1, 20, true, false, false],
    [17, 20, false, true, true],
    [6, 40, true, false, false],
    [17, 48, true, false, false],
    [17, 48, true, true, false],
    [17, 48, false, true, true],
    [-1, -1, false, false, true],
  ]);
});
