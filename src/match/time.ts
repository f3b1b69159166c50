/** `-m time`: the time of day, the day of the week or month, and dates (xt_time.c). The kernel's own time zone is UTC. */
import { type GivenOption, match, type OptionType, RuleError } from "../rules/extension.ts";
import { strtoul } from "../rules/numbers.ts";
import { flag, opt, optNot } from "../rules/types.ts";

const DAY = 86400;
const LAST_SECOND = DAY - 1;
/** XT_TIME_ALL_MONTHDAYS, XT_TIME_ALL_WEEKDAYS: bit n is day n, from 1; Monday is 1. */
const ALL_MONTHDAYS = 0xfffffffe;
const ALL_WEEKDAYS = 0xfe;
const NO_END = 0x7fffffff;
const WEEKDAYS = ["", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Days since 1970 of a day of the calendar; months and days outside their bounds count on, as in mktime. */
function daysOf(year: number, month: number, day: number): number {
  // Years begin in March: the leap day is their last.
  const months = year * 12 + month - 3;
  const years = Math.floor(months / 12);
  const fromMarch = months - years * 12;
  const days = years * 365 + Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  return days + Math.floor((153 * fromMarch + 2) / 5) + day - 1 - 719468;
}

/** The calendar day of a number of days since 1970. */
function calendarOf(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** The parts of a date behind the year: their largest value, and what may stand behind each. */
const DATE_PARTS: readonly (readonly [most: number, delimiter: string])[] = [
  [12, "-"],
  [31, "T"],
  [23, ":"],
  [59, ":"],
  [59, ""],
];

/** Seconds since 1970. */
const date: OptionType<number> = {
  arity: 1,
  parse([word]) {
    const bad = () => new RuleError(`Invalid date "${word}" specified. Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`);
    let { value: year, rest } = strtoul(word, 10);
    if ((rest !== "" && rest[0] !== "-") || year < 1970 || year > 2038) throw bad();
    const parts = [1, 1, 0, 0, 0];
    for (let i = 0; i < parts.length && rest !== ""; i++) {
      const [most, delimiter] = DATE_PARTS[i];
      const read = strtoul(rest.slice(1), 10);
      if ((read.rest !== "" && (delimiter === "" || read.rest[0] !== delimiter)) || read.value > most) throw bad();
      parts[i] = read.value;
      rest = read.rest;
    }
    const [month, day, hour, minute, second] = parts;
    const seconds = daysOf(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    if (seconds < 0) throw new RuleError("mktime returned an error");
    return seconds;
  },
  print: printDate,
};

const two = (n: number) => String(n).padStart(2, "0");

function printDate(seconds: number): string {
  const { year, month, day } = calendarOf(Math.floor(seconds / DAY));
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${printDaytime(seconds % DAY)}`;
}

function printDaytime(seconds: number): string {
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** Seconds since midnight. */
const daytime: OptionType<number> = {
  arity: 1,
  parse([word]) {
    const bad = (at: string) =>
      new RuleError(`invalid time "${at}" specified, should be hh:mm[:ss] format and within the boundaries`);
    const hour = strtoul(word, 10);
    if (hour.rest[0] !== ":" || hour.value > 23) throw bad(word);
    const behindHour = hour.rest.slice(1);
    const minute = strtoul(behindHour, 10);
    if ((minute.rest !== "" && minute.rest[0] !== ":") || minute.value > 59) throw bad(behindHour);
    if (minute.rest === "") return 3600 * hour.value + 60 * minute.value;
    const behindMinute = minute.rest.slice(1);
    const second = strtoul(behindMinute, 10);
    if (second.rest !== "" || second.value > 59) throw bad(behindMinute);
    return 3600 * hour.value + 60 * minute.value + second.value;
  },
  print: printDaytime,
};

/** The words of a list; iptables reads only so many letters of each. */
function listOf(word: string, letters: number): string[] {
  const words = word.split(",");
  if (words.at(-1) === "") words.pop();
  return words.map((part) => part.slice(0, letters));
}

const monthdays: OptionType<number> = {
  arity: 1,
  parse([word]) {
    let days = 0;
    for (const day of listOf(word, 2)) {
      const { value, rest } = strtoul(day, 0);
      if (rest !== "" || value > 31) throw new RuleError(`${day} is not a valid day for --monthdays`);
      days |= 1 << value;
    }
    return days >>> 0;
  },
  print: printMonthdays,
};

function printMonthdays(days: number): string {
  return Array.from({ length: 31 }, (_, i) => i + 1)
    .filter((day) => (days & (1 << day)) !== 0)
    .join(",");
}

const weekdays: OptionType<number> = {
  arity: 1,
  parse([word]) {
    let days = 0;
    for (const day of listOf(word, 3)) {
      const { value, rest } = strtoul(day, 0);
      if (rest === "") {
        if (value === 0) throw new RuleError("No, the week does NOT begin with Sunday.");
        days |= 1 << (value & 31);
        continue;
      }
      const found = WEEKDAYS.findIndex((name) => name !== "" && day.slice(0, 2) === name.slice(0, 2));
      if (found < 0) throw new RuleError(`${day} is not a valid day specifier`);
      days |= 1 << found;
    }
    return days & 0xff;
  },
  print: printWeekdays,
};

function printWeekdays(days: number): string {
  return WEEKDAYS.filter((name, day) => name !== "" && (days & (1 << day)) !== 0).join(",");
}

interface Time {
  readonly dateStart: number;
  readonly dateStop: number;
  readonly dayStart: number;
  readonly dayStop: number;
  /** Bits, unsigned. */
  readonly monthdays: number;
  readonly weekdays: number;
  readonly contiguous: boolean;
  readonly kernelZone: boolean;
}

const daysOfMask = (given: GivenOption<number> | undefined, all: number) =>
  given === undefined ? all : (given.not ? given.value ^ all : given.value) >>> 0;

/** Why the rule does not match at this second; "" when it does. */
function objection(is: Time, now: number): string {
  if (now < is.dateStart || now > is.dateStop) return `it is ${printDate(now)}`;
  const second = now % DAY;
  let day = Math.floor(now / DAY);
  const { dayStart, dayStop } = is;
  const outside = dayStart < dayStop ? second < dayStart || second > dayStop : second < dayStart && second > dayStop;
  if (outside) return `it is ${printDaytime(second)} (UTC)`;
  // What began yesterday still belongs to it.
  if (dayStart >= dayStop && is.contiguous && second <= dayStop) day--;
  const weekday = ((4 + day - 1) % 7) + 1;
  if ((is.weekdays & (1 << weekday)) === 0) return `it is ${WEEKDAYS[weekday]}`;
  const { day: monthday } = calendarOf(day);
  return (is.monthdays & (1 << monthday)) === 0 ? `it is day ${monthday} of the month` : "";
}

export const time = match({
  name: "time",
  families: [4, 6],
  options: {
    "--datestart": opt(date, { help: "from YYYY[-MM[-DD[Thh[:mm[:ss]]]]]" }),
    "--datestop": opt(date, { help: "until …" }),
    "--timestart": opt(daytime, { help: "from hh:mm[:ss]" }),
    "--timestop": opt(daytime, { help: "until …" }),
    "--contiguous": opt(flag, { help: "what goes over midnight belongs to the day on which it began" }),
    "--weekdays": optNot(weekdays, { help: "Mon,Tue,… or 1,2,…" }),
    "--monthdays": optNot(monthdays, { help: "1 to 31" }),
    "--localtz": opt(flag, { excludes: ["--utc"], help: "another name of --kerneltz" }),
    "--utc": opt(flag, { excludes: ["--localtz", "--kerneltz"], help: "times are UTC (the default)" }),
    "--kerneltz": opt(flag, { excludes: ["--utc"], help: "times are the kernel's: here UTC, too" }),
  },
  check(given) {
    const start = given["--timestart"]?.value ?? 0;
    const stop = given["--timestop"]?.value ?? LAST_SECOND;
    if (given["--contiguous"] !== undefined && start < stop)
      throw new RuleError("time: --contiguous only makes sense when stoptime is smaller than starttime");
  },

  bind: (given): Time => ({
    dateStart: given["--datestart"]?.value ?? 0,
    dateStop: given["--datestop"]?.value ?? NO_END,
    dayStart: given["--timestart"]?.value ?? 0,
    dayStop: given["--timestop"]?.value ?? LAST_SECOND,
    monthdays: daysOfMask(given["--monthdays"], ALL_MONTHDAYS),
    weekdays: daysOfMask(given["--weekdays"], ALL_WEEKDAYS),
    contiguous: given["--contiguous"] !== undefined,
    kernelZone: given["--localtz"] !== undefined || given["--kerneltz"] !== undefined,
  }),

  print(is) {
    const words: string[] = [];
    if (is.dayStart !== 0 || is.dayStop !== LAST_SECOND)
      words.push(`--timestart ${printDaytime(is.dayStart)} --timestop ${printDaytime(is.dayStop)}`);
    if (is.monthdays !== ALL_MONTHDAYS) words.push(`--monthdays ${printMonthdays(is.monthdays)}`);
    if (is.weekdays !== ALL_WEEKDAYS) words.push(`--weekdays ${printWeekdays(is.weekdays)}`);
    if (is.dateStart !== 0) words.push(`--datestart ${printDate(is.dateStart)}`);
    if (is.dateStop !== 0) words.push(`--datestop ${printDate(is.dateStop)}`);
    if (is.kernelZone) words.push("--kerneltz");
    if (is.contiguous) words.push("--contiguous");
    return words.join(" ");
  },

  compile:
    (is, { host }) =>
    () =>
      objection(is, Math.floor(host.now / 1_000_000)) === "",

  why: (is, _p, { host }) => objection(is, Math.floor(host.now / 1_000_000)),
});
