import { executionFailure } from './failure.ts';
import { floatText, parseFloatText } from './numbers.ts';
import { timeText } from './time.ts';
import { GoNamed, GoTime, typeName } from './values.ts';
import type { Value } from './values.ts';

/** Numbers for people, with the exact texts of Prometheus's template functions. */

/** A number, or a text that reads as one. */
export function numberArgument(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') {
    const number = parseFloatText(value);
    if (number !== undefined) return number;
    throw executionFailure(`parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  if (value instanceof GoNamed && value.type === 'time.Duration') return Number(value.value) / 1e9;
  throw executionFailure(`can't convert ${typeName(value)} to float`);
}

const LARGE = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const SMALL = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'];

function four(value: number): string {
  return floatText(value, 'g', 4);
}

/** Scales by thousands until the number has one to three digits before the point. */
function scaled(value: number): string {
  let scaledValue = value;
  let prefix = '';
  if (Math.abs(value) >= 1) {
    for (const unit of LARGE) {
      if (Math.abs(scaledValue) < 1000) break;
      prefix = unit;
      scaledValue /= 1000;
    }
  } else {
    for (const unit of SMALL) {
      if (Math.abs(scaledValue) >= 1) break;
      prefix = unit;
      scaledValue *= 1000;
    }
  }
  return four(scaledValue) + prefix;
}

export function humanize(value: number): string {
  return value === 0 || !Number.isFinite(value) ? four(value) : scaled(value);
}

export function humanize1024(value: number): string {
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return four(value);
  let scaledValue = value;
  let prefix = '';
  for (const unit of ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi']) {
    if (Math.abs(scaledValue) < 1024) break;
    prefix = unit;
    scaledValue /= 1024;
  }
  return four(scaledValue) + prefix;
}

export function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return four(value);
  if (value === 0) return '0s';
  const magnitude = Math.abs(value);
  if (magnitude < 1) return `${scaled(value)}s`;
  if (magnitude < 60) return `${four(value)}s`;
  const whole = BigInt(Math.trunc(magnitude));
  const sign = value < 0 ? '-' : '';
  const seconds = whole % 60n;
  const minutes = (whole / 60n) % 60n;
  const hours = (whole / 3600n) % 24n;
  const days = whole / 86_400n;
  if (days > 0n) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours > 0n) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  return `${sign}${minutes}m ${seconds}s`;
}

export function humanizePercentage(value: number): string {
  return `${four(value * 100)}%`;
}

const INT64_NANOSECONDS = 9_223_372_036_854_775_807n;

/** Seconds since 1970 as a time; fails outside of what 64 bits of nanoseconds can hold. */
export function timeOfSeconds(seconds: number): GoTime {
  const nanoseconds = seconds * 1e9;
  if (!Number.isFinite(nanoseconds) || Math.abs(nanoseconds) >= Number(INT64_NANOSECONDS)) {
    throw executionFailure(
      `${floatText(seconds)} cannot be represented as a nanoseconds timestamp`,
    );
  }
  return new GoTime(BigInt(Math.trunc(nanoseconds)));
}

export function humanizeTimestamp(value: number): string {
  if (!Number.isFinite(value)) return four(value);
  const { unixNanoseconds } = timeOfSeconds(value);
  return timeText(new GoTime((unixNanoseconds / 1_000_000n) * 1_000_000n));
}
