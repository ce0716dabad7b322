import { civilDate, daysOfDate } from '../../model/civil-date.ts';
import { GoNamed, GoTime } from './values.ts';

/** Times in UTC as Go's time package computes and prints them; the calendar is the proleptic Gregorian. */

const SECOND = 1_000_000_000n;
const DAY_SECONDS = 86_400n;

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

const WEEKDAYS = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
] as const;

export interface Calendar {
  readonly year: number;
  /** 1 to 12 */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** 1 to 366 */
  readonly dayOfYear: number;
}

/** Floor division, unlike BigInt's own, which cuts towards zero. */
function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

export function unixSeconds(time: GoTime): bigint {
  return floorDivide(time.unixNanoseconds, SECOND);
}

export function calendarOf(time: GoTime): Calendar {
  const seconds = unixSeconds(time);
  const days = Number(floorDivide(seconds, DAY_SECONDS));
  const inDay = Number(seconds - BigInt(days) * DAY_SECONDS);
  const { year, month, day } = civilDate(days);
  return {
    year,
    month,
    day,
    hour: Math.floor(inDay / 3600),
    minute: Math.floor(inDay / 60) % 60,
    second: inDay % 60,
    nanosecond: Number(time.unixNanoseconds - seconds * SECOND),
    weekday: (((days + 4) % 7) + 7) % 7,
    dayOfYear: days - daysOfDate({ year, month: 1, day: 1 }) + 1,
  };
}

/** As Go's Time.String for UTC. */
export function timeText(time: GoTime): string {
  return formatTime(time, '2006-01-02 15:04:05.999999999 -0700 MST');
}

/** RFC 3339 in UTC with as many digits of the second as it has. */
export function isoText(timeMs: number): string {
  return formatTime(timeFromMs(timeMs), '2006-01-02T15:04:05.999999999Z07:00');
}

export function timeFromMs(timeMs: number): GoTime {
  return new GoTime(BigInt(Math.round(timeMs)) * 1_000_000n);
}

// Longest first where one is the beginning of another.
const LAYOUT =
  /January|Jan|Monday|Mon|MST|2006|Z07:00:00|Z070000|Z07:00|Z0700|Z07|-07:00:00|-070000|-07:00|-0700|-07|002|01|02|03|04|05|06|__2|_2|15|PM|pm|[.,]0+(?![0-9])|[.,]9+(?![0-9])|1|2|3|4|5/g;

/** As Go's Time.Format, for UTC. */
export function formatTime(time: GoTime, layout: string): string {
  const at = calendarOf(time);
  return layout.replace(LAYOUT, (token) => layoutPart(token, at));
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function layoutPart(token: string, at: Calendar): string {
  const hour12 = at.hour % 12 === 0 ? 12 : at.hour % 12;
  switch (token) {
    case 'January':
      return MONTHS[at.month - 1]!;
    case 'Jan':
      return MONTHS[at.month - 1]!.slice(0, 3);
    case 'Monday':
      return WEEKDAYS[at.weekday]!;
    case 'Mon':
      return WEEKDAYS[at.weekday]!.slice(0, 3);
    case 'MST':
      return 'UTC';
    case '2006':
      return at.year < 0
        ? `-${String(-at.year).padStart(4, '0')}`
        : String(at.year).padStart(4, '0');
    case '06':
      return two(((at.year % 100) + 100) % 100);
    case '01':
      return two(at.month);
    case '1':
      return String(at.month);
    case '02':
      return two(at.day);
    case '_2':
      return String(at.day).padStart(2, ' ');
    case '2':
      return String(at.day);
    case '002':
      return String(at.dayOfYear).padStart(3, '0');
    case '__2':
      return String(at.dayOfYear).padStart(3, ' ');
    case '15':
      return two(at.hour);
    case '03':
      return two(hour12);
    case '3':
      return String(hour12);
    case '04':
      return two(at.minute);
    case '4':
      return String(at.minute);
    case '05':
      return two(at.second);
    case '5':
      return String(at.second);
    case 'PM':
      return at.hour < 12 ? 'AM' : 'PM';
    case 'pm':
      return at.hour < 12 ? 'am' : 'pm';
    default:
  }
  if (token.startsWith('Z')) return 'Z';
  if (token.startsWith('-')) return token.replace('07', '+00').slice(1);
  const digits = String(at.nanosecond).padStart(9, '0');
  const wanted = Math.min(token.length - 1, 9);
  if (token[1] === '0') return token[0]! + digits.slice(0, wanted).padEnd(token.length - 1, '0');
  const shown = digits.slice(0, wanted).replace(/0+$/, '');
  return shown === '' ? '' : token[0]! + shown;
}

export function monthOf(at: Calendar): GoNamed {
  return new GoNamed('time.Month', BigInt(at.month), MONTHS[at.month - 1]!);
}

export function weekdayOf(at: Calendar): GoNamed {
  return new GoNamed('time.Weekday', BigInt(at.weekday), WEEKDAYS[at.weekday]!);
}

export function goDuration(nanoseconds: bigint): GoNamed {
  return new GoNamed('time.Duration', nanoseconds, durationText(nanoseconds));
}

/** As Go's Duration.String: `1h0m0s`, `1.5s`, `2ms`. */
function durationText(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const magnitude = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (magnitude < SECOND) {
    if (magnitude < 1000n) return `${sign}${magnitude}ns`;
    if (magnitude < 1_000_000n) return `${sign}${decimalText(magnitude, 3)}µs`;
    return `${sign}${decimalText(magnitude, 6)}ms`;
  }
  const minutes = magnitude / (60n * SECOND);
  const seconds = `${decimalText(magnitude % (60n * SECOND), 9)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return `${sign}${hours > 0n ? `${hours}h` : ''}${minutes % 60n}m${seconds}`;
}

function decimalText(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return digits.slice(0, -places) + (fraction === '' ? '' : `.${fraction}`);
}
