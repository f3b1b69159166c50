import test from "ava";
import type { Scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";

const SCENARIO: Scenario = {
  host: { interfaces: ["lan0"].map((name) => ({ name })), sysctl: { "net.a": 1, "net.b": 2, "net.c": 3 } },
  rules: "*filter\n-A INPUT -j ACCEPT\n-A FORWARD -j DROP\nCOMMIT\n",
  rules6: "*filter\nCOMMIT\n",
  events: ["01", "02", "03", "04"].map((hex, i) => ({ dev: "lan0", hex, wait: i })),
};

test("only what the failure needs is left, and time goes on for what stays", (t) => {
  const needs = (s: Scenario) =>
    s.events.some(({ hex }) => hex === "03") &&
    (s.rules?.includes("FORWARD") ?? false) &&
    JSON.stringify(s.host.sysctl).includes("net.b");
  const small = shrink(SCENARIO, needs);
  t.deepEqual(small.events, [{ dev: "lan0", hex: "03", wait: 3 }]);
  t.is(small.rules, "-A FORWARD -j DROP");
  t.is(small.rules6, null);
  t.deepEqual(small.host.sysctl, { "net.b": 2 });
});

test("a candidate that throws is no smaller case", (t) => {
  const small = shrink(SCENARIO, () => {
    throw new Error("rules that no longer load");
  });
  t.deepEqual(small, SCENARIO);
});
