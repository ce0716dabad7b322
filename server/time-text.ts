import { civilDate, daysOfDate } from '../model/civil-date.ts';

const DAY_MS = 86_400_000;

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Milliseconds since 1970 of an RFC 3339 text; undefined when it is none. */
export function parseRfc3339(text: string): number | undefined {
  const parts = RFC3339.exec(text);
  if (!parts) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const days = daysOfDate({ year, month, day });
  const date = civilDate(days);
  if (date.month !== month || date.day !== day) return undefined;
  const fraction = Math.floor(Number(`0.${parts[7] ?? '0'}`) * 1000);
  const offsetMinutes = Number(parts[9] ?? 0) * 60 + Number(parts[10] ?? 0);
  const offsetMs = offsetMinutes * 60_000 * (parts[8] === '-' ? -1 : 1);
  return days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + fraction - offsetMs;
}

/** RFC 3339 in UTC with milliseconds. */
export function rfc3339(timeMs: number): string {
  const whole = Math.floor(timeMs);
  const days = Math.floor(whole / DAY_MS);
  const { year, month, day } = civilDate(days);
  const inDay = whole - days * DAY_MS;
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = Math.floor(inDay / 1000);
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const millis = String(inDay % 1000).padStart(3, '0');
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${clock}.${millis}Z`;
}
