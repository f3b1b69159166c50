/** `-m u32`: 32-bit words of the packet, shifted, masked, used as offsets, and compared with ranges (xt_u32.c). */
import type { Packet } from "../packet/packet.ts";
import { match, type OptionType, RuleError } from "../rules/extension.ts";
import { isSpace } from "../rules/numbers.ts";
import { hex, optNot, type Range, scanNumber, U32_MAX } from "../rules/types.ts";

/** XT_U32_MAXSIZE: operands, values and tests. */
const MOST = 10;

type Operator = "&" | "<<" | ">>" | "@";

interface Test {
  /** Where the first word is. */
  readonly at: number;
  readonly steps: readonly (readonly [Operator, number])[];
  readonly values: readonly Range[];
}

/** Reads a test as u32_parse does, which says at which byte it stumbles. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  tests(): Test[] {
    const tests: Test[] = [];
    for (;;) {
      const location = this.#location();
      const values = this.#values();
      tests.push({ ...location, values: values.ranges });
      if (values.last) {
        if (tests.length > MOST) throw this.#fail('too many "&&"s');
        return tests;
      }
      if (tests.length > MOST) throw this.#fail('too many "&&"s', -1);
    }
  }

  #location(): Omit<Test, "values"> {
    let at = 0;
    const steps: [Operator, number][] = [];
    for (let operands = 0; ; operands++) {
      this.#skipBlanks();
      if (this.#next === "") throw new RuleError("u32: abrupt end of input after location specifier");
      if (this.#next === "=") {
        if (operands === 0) throw this.#fail("location spec missing");
        this.#at++;
        return { at, steps };
      }
      if (operands === 0) at = this.#number();
      else steps.push([this.#operator(), this.#number()]);
      if (operands + 1 > MOST) throw this.#fail("too many operators");
    }
  }

  #operator(): Operator {
    const first = this.#next;
    if (first === "<" || first === ">") {
      this.#at++;
      if (this.#next !== first) throw this.#fail(`a second '${first}' was expected`);
      this.#at++;
      return first === "<" ? "<<" : ">>";
    }
    if (first !== "&" && first !== "@") throw this.#fail("operator expected");
    this.#at++;
    return first;
  }

  #values(): { readonly ranges: Range[]; readonly last: boolean } {
    const ranges: Range[] = [];
    for (;;) {
      this.#skipBlanks();
      if (this.#next === "") {
        if (ranges.length === 0) throw new RuleError("u32: test ended with no value specified");
        return { ranges, last: true };
      }
      if (this.#next === "&") {
        this.#at++;
        if (this.#next !== "&") throw this.#fail("a second '&' was expected");
        if (ranges.length === 0) throw this.#fail("value spec missing");
        this.#at++;
        return { ranges, last: false };
      }
      if (ranges.length > 0) {
        if (this.#next !== ",") throw this.#fail('expected "," or "&&"');
        this.#at++;
      }
      ranges.push(this.#range());
      if (ranges.length > MOST) throw this.#fail('too many ","s');
    }
  }

  #range(): Range {
    const from = this.#number();
    this.#skipBlanks();
    if (this.#next !== ":") return { from, to: from };
    this.#at++;
    return { from, to: this.#number() };
  }

  #number(): number {
    const scanned = scanNumber(this.#text.slice(this.#at), 0, U32_MAX);
    if (scanned === null) throw this.#fail("not a number or out of range");
    this.#at += scanned.end;
    return scanned.value;
  }

  get #next(): string {
    return this.#text[this.#at] ?? "";
  }

  #skipBlanks(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #fail(what: string, shift = 0): RuleError {
    return new RuleError(`u32: at char ${this.#at + shift}: ${what}`);
  }
}

const tests: OptionType<readonly Test[]> = {
  arity: 1,
  parse: ([word]) => new Reader(word).tests(),
  print: (all) => `"${all.map(printTest).join("&&")}"`,
};

function printTest({ at, steps, values }: Test): string {
  const where = steps.map(([operator, number]) => operator + hex(number)).join("");
  const ranges = values.map(({ from, to }) => (from === to ? hex(from) : `${hex(from)}:${hex(to)}`));
  return `${hex(at)}${where}=${ranges.join(",")}`;
}

/** What a test's location leads to, unsigned; -1: beyond the packet. */
function valueAt({ view, start, end, length }: Packet, { at, steps }: Test): number {
  // Words are read from here, in bytes from the network header.
  let base = 0;
  const word = (offset: number) =>
    base + offset + 4 <= length && start + base + offset + 4 <= end ? view.getUint32(start + base + offset) : -1;
  let value = word(at);
  for (let i = 0; i < steps.length && value >= 0; i++) {
    const [operator, number] = steps[i];
    if (operator === "&") value = (value & number) >>> 0;
    else if (operator === "<<") value = (value << number) >>> 0;
    else if (operator === ">>") value >>>= number;
    else {
      base += value;
      value = word(number);
    }
  }
  return value;
}

function holds(p: Packet, test: Test): boolean {
  const value = valueAt(p, test);
  return value >= 0 && test.values.some(({ from, to }) => from <= value && value <= to);
}

export const u32 = match({
  name: "u32",
  families: [4, 6],
  options: { "--u32": optNot(tests, { required: true, help: "tests such as 0>>22&0x3C@0>>24=8, with && between" }) },

  compile(is) {
    const { not, value } = is["--u32"]!;
    return (p) => value.every((test) => holds(p, test)) !== not;
  },

  why(is, p) {
    const { not, value } = is["--u32"]!;
    if (not) return "all its tests hold";
    const failed = value.find((test) => !holds(p, test));
    if (failed === undefined) return "its tests do not hold";
    const own = valueAt(p, failed);
    return own < 0 ? `${printTest(failed)} is beyond the packet` : `of ${printTest(failed)} the value is ${hex(own)}`;
  },
});
