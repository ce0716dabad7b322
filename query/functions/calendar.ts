import { civilDate } from '../../model/civil-date.ts';
import type { CivilDate } from '../../model/civil-date.ts';

const DAY_SECONDS = 86_400;

function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function daysInMonth({ year, month }: CivilDate): number {
  return month === 2 && isLeapYear(year) ? 29 : MONTH_DAYS[month - 1]!;
}

function dayOfYear(date: CivilDate): number {
  let days = date.day;
  for (let month = 1; month < date.month; month++) days += daysInMonth({ ...date, month });
  return days;
}

/**
 * What no 64-bit count of seconds can express (NaN and the infinities among it) becomes 2^63 seconds, half past
 * three on a Sunday in December 292277026596. Prometheus answers so, and rules exist that compare with it.
 */
const BEYOND_SECONDS = 2 ** 63;
const BEYOND_DAYS = 106_751_991_167_300;
const BEYOND_SECOND_OF_DAY = 55_808;

function isBeyond(seconds: number): boolean {
  return !(Math.abs(seconds) < BEYOND_SECONDS);
}

function daysOf(seconds: number): number {
  return isBeyond(seconds) ? BEYOND_DAYS : Math.floor(Math.trunc(seconds) / DAY_SECONDS);
}

function secondOfDay(seconds: number): number {
  return isBeyond(seconds)
    ? BEYOND_SECOND_OF_DAY
    : Math.trunc(seconds) - daysOf(seconds) * DAY_SECONDS;
}

/** Of a number of seconds since 1970. */
export const CALENDAR_FUNCTIONS: Readonly<Record<string, (seconds: number) => number>> = {
  year: (seconds) => civilDate(daysOf(seconds)).year,
  month: (seconds) => civilDate(daysOf(seconds)).month,
  day_of_month: (seconds) => civilDate(daysOf(seconds)).day,
  day_of_year: (seconds) => dayOfYear(civilDate(daysOf(seconds))),
  days_in_month: (seconds) => daysInMonth(civilDate(daysOf(seconds))),
  // The first of January 1970 was a Thursday.
  day_of_week: (seconds) => (((daysOf(seconds) + 4) % 7) + 7) % 7,
  hour: (seconds) => Math.floor(secondOfDay(seconds) / 3600),
  minute: (seconds) => Math.floor((secondOfDay(seconds) % 3600) / 60),
};

/** As RFC 3339 writes a moment: 2024-02-29T00:00:00Z. */
export function dateText(seconds: number): string {
  const { year, month, day } = civilDate(daysOf(seconds));
  const second = secondOfDay(seconds);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
  return `${date}T${two(second / 3600)}:${two((second % 3600) / 60)}:${two(second % 60)}Z`;
}
