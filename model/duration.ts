import { Failure } from './failure.ts';

const UNIT_MS = {
  y: 31_536_000_000,
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
} as const;

const SHAPE =
  /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/;

/**
 * Reads a duration as Prometheus writes it: units y w d h m s ms in this order, each at most once, integers
 * only; a plain `0` is allowed. Returns milliseconds, or undefined when the text is not a duration.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  // The bound keeps sums exact; it is far beyond any date.
  if (text === '' || text.length > 64) return undefined;
  const parts = SHAPE.exec(text);
  if (!parts) return undefined;
  let sum = 0;
  Object.values(UNIT_MS).forEach((unit, i) => {
    const digits = parts[i + 1];
    if (digits !== undefined) sum += Number(digits) * unit;
  });
  return Number.isSafeInteger(sum) ? sum : undefined;
}

/** As `parseDuration`, but an unreadable text is a failure that names it. */
export function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new Failure(
      'bad-duration',
      `"${text}" is not a duration: write integers with units, such as 30s, 5m, 1h30m or 15d`,
    );
  }
  return ms;
}

/** The shortest text that `parseDuration` reads back as the same number of milliseconds. */
export function durationText(ms: number): string {
  if (ms === 0) return '0s';
  let rest = Math.abs(Math.round(ms));
  let text = ms < 0 ? '-' : '';
  for (const [unit, size] of Object.entries(UNIT_MS)) {
    // Years and weeks only when they are the whole truth: 1y5d is harder to read than 370d.
    if ((unit === 'y' || unit === 'w') && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
